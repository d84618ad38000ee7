"""What became of an exchange, from what came and how it ended. Whether a page is whole, its framing decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from watcher.core.http import Wire

How = Literal["done", "closed", "reset", "deadline", "head-limit", "limit", "refused"]
"""How the transfer ended: read to its end; the site closed in order, or the connection broke; our deadline; our limits;
or aiohttp refused to read on, since it was no HTTP to it."""


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
    "refused": ("unreachable", "bad-http", "the answer is no HTTP"),
    "done": ("unreachable", "bad-http", "the answer is no HTTP"),
    "closed": ("unreachable", "closed", "the site closed the connection before a whole head came"),
}
_CUTS = {"deadline": "deadline", "reset": "reset", "head-limit": "limit", "limit": "limit", "refused": "bad-http"}


def judge(wire: Wire, how: How) -> Ending:
    """What became of an exchange whose request was sent."""
    if wire.status is None:
        verdict, word, sentence = _MISSES["refused" if wire.cut == "bad-http" else how]
        cut = "" if not wire.head else _CUTS.get(how, wire.cut)
        return Ending(verdict=verdict, why=(word, sentence), cut=cut)
    if not wire.cut and (not wire.until_close or how in {"done", "closed"}):
        return Ending(status=wire.status)
    cut = wire.cut if wire.cut == "bad-http" else _CUTS.get(how, wire.cut)
    return Ending(status=wire.status, cut=cut or "reset")
