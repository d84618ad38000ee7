"""Which watched names an entry is about: case, accents, punctuation and masked letters allowed for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """One name that matters, and the words by which it is recognised."""

    name: str
    match: tuple[str, ...]


def watched(watchlist: Sequence[Watch], title: str, fields: Mapping[str, str], url: str = "") -> tuple[str, ...]:
    """The names of the watches that the entry is about, in the watchlist's order."""
    raise NotImplementedError
