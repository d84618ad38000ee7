"""What became of an exchange, from what came and how it ended. Whether a page is whole, its framing decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from watcher.core.http import Wire

How = Literal["closed", "reset", "deadline", "head-limit", "limit", "left"]
"""How the transfer ended: the site closed the connection in order, or it broke; our deadline; our limits; or we left,
since all had come, or since it was no HTTP that could be read on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """The part of an ``Exchange`` that is judged."""

    status: int | None = None
    verdict: str = ""
    why: tuple[str, ...] = ()
    cut: str = ""


_MISSES: dict[str, tuple[str, str, str]] = {
    "deadline": ("timeout", "read-timeout", "no whole head came in time"),
    "reset": ("unreachable", "reset", "the connection broke before a whole head came"),
    "head-limit": ("unreachable", "head-limit", "the head of the answer is too long"),
    "limit": ("unreachable", "head-limit", "the head of the answer is too long"),
    "left": ("unreachable", "bad-http", "the answer is no HTTP"),
    "closed": ("unreachable", "closed", "the site closed the connection before a whole head came"),
}
_CUTS = {"deadline": "deadline", "reset": "reset", "head-limit": "limit", "limit": "limit", "left": "bad-http"}


def judge(wire: Wire, how: How) -> Ending:
    """What became of an exchange whose request was sent."""
    if wire.status is None:
        verdict, word, sentence = _MISSES["left" if wire.cut == "bad-http" else how]
        cut = wire.cut if wire.cut == "bad-http" else _CUTS.get(how, wire.cut)
        return Ending(verdict=verdict, why=(word, sentence), cut=cut if wire.head else "")
    if not wire.cut and (not wire.until_close or how == "closed"):
        return Ending(status=wire.status)
    cut = wire.cut if wire.cut == "bad-http" else _CUTS.get(how, wire.cut)
    return Ending(status=wire.status, cut=cut or "reset")
