"""What paging through the ledger stands on: places in a list, pages of it, and conditions put together.

A cursor names a row, not a number of rows: what is added meanwhile moves nothing. Pages are newest first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
S = TypeVar("S")
AT_ONCE = 500
"""Rows that are fetched together of what is gone through as a whole."""
BEGINNING = (-(1 << 62), 0)
"""The place before every other."""
_NEEDLE = re.compile(r"[A-Za-z0-9 .,:;()'-]+", re.ASCII)
"""What JSON spells as it is, and ``LIKE`` finds whatever its case: asked first, because it is quick."""


class Cursor(NamedTuple):
    """Where a page ends: show what is older, or newer, than the row of this place."""

    way: Literal["older", "newer"]
    place: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet(Generic[T]):
    """One page of a list, newest first."""

    rows: tuple[T, ...] = ()
    newer: tuple[int, ...] | None = None
    """The place after which the next newer page begins; None: there is none."""
    older: tuple[int, ...] | None = None

    def showing(self, rows: Iterable[S]) -> Sheet[S]:
        """The same page, each of its rows as something else."""
        return Sheet(rows=tuple(rows), newer=self.newer, older=self.older)


class Where:
    """A condition in SQL, put together."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.values: list[Any] = []

    def add(self, part: str, *values: Any) -> None:
        self.parts.append(part)
        self.values += values

    def __str__(self) -> str:
        return f" WHERE {' AND '.join(self.parts)}" if self.parts else ""


def pattern(text: str) -> str:
    """What ``LIKE`` is asked before the text itself is looked for."""
    return f"%{max(_NEEDLE.findall(text), key=len, default='')}%"


def sheet(
    rows: Callable[[tuple[int, ...] | None, str, int], list[T]],
    place_of: Callable[[T], tuple[int, ...]],
    cursor: Cursor | None,
    limit: int,
) -> Sheet[T]:
    """The page that begins at the cursor; one row more is asked for, to know whether there is another page."""
    way = cursor.way if cursor else "older"
    found = rows(cursor.place if cursor else None, way, limit + 1)
    more, shown = len(found) > limit, found[:limit]
    if way == "newer":
        shown.reverse()
    first, last = (place_of(shown[0]), place_of(shown[-1])) if shown else (None, None)
    came_back = cursor is not None
    return Sheet(
        rows=tuple(shown),
        newer=first if (more if way == "newer" else came_back) else None,
        older=last if (more if way == "older" else came_back) else None,
    )


def upward(page: Callable[[Cursor, int], Sheet[T]], place: tuple[int, ...]) -> Iterator[T]:
    """All that is newer than a place, oldest first, as it is asked for."""
    at: tuple[int, ...] | None = place
    while at is not None:
        found = page(Cursor("newer", at), AT_ONCE)
        yield from reversed(found.rows)
        at = found.newer
