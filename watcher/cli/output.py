"""Data on stdout: JSON lines for programs, tables for people. Every text passes through ``core.escape`` here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

import click

from watcher.core import moments
from watcher.core.contract import dumps
from watcher.core.escape import ENOUGH, line
from watcher.core.reasons import TONES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_RICH = 1000
"""Rows that are laid out together, for a terminal's width; more come as plain columns, one by one, as wide as these."""

LEAST = 12
"""Columns of a terminal that a cell gets at least."""

COLOURS = {"good": "green", "warn": "yellow", "info": "cyan", "again": "magenta", "gone": "bold red", "bad": "red"}
when = moments.when


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a text as captured, and how it looks."""

    text: str
    style: str = ""
    limit: int = ENOUGH


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading; what is not ``firm`` is cut where the terminal is narrow."""

    title: str
    right: bool = False
    firm: bool = True


def columns(heads: str) -> tuple[Column, ...]:
    """Columns by their headings, which stand two spaces apart: one of numbers begins with ``>``, one that is cut where
    there is no room with ``~``."""
    return tuple(Column(one.lstrip(">~"), right=one[0] == ">", firm=one[0] != "~") for one in heads.split("  "))


def json_lines(objects: Iterable[dict[str, Any]]) -> None:
    """One JSON object a line."""
    write = sys.stdout.write
    for value in objects:
        write(dumps(value) + "\n")


def table(columns: Sequence[Column], rows: Iterable[Sequence[Cell | str]], *, head: bool = True) -> None:
    """The rows in columns: laid out by rich on a terminal, plain otherwise. Nothing for no rows, not even a head."""
    coming = (tuple(_safe(cell) for cell in row) for row in rows)
    first = list(islice(coming, MOST_RICH + 1))
    if not first:
        return
    if sys.stdout.isatty() and len(first) <= MOST_RICH:
        _rich(columns, first, head)
        return
    widths = _fitted(columns, first, 1 << 30)
    heads = [tuple(Cell(column.title) for column in columns)] if head else []
    for row in chain(heads, first, coming):
        click.echo(_plain(columns, row, widths))


def _plain(columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int]) -> str:
    parts = []
    for column, cell, width in zip(columns, row, widths, strict=True):
        space = " " * (width - _width(cell.text))
        parts.append(space + cell.text if column.right else cell.text + space)
    return "  ".join(parts).rstrip()


def verdict(text: str) -> Cell:
    """A verdict, standing or kind in its colour."""
    return Cell(text or "–", style_of(text))


def style_of(word: str) -> str:
    """The style of a verdict, standing or kind; plain for any other word."""
    return COLOURS.get(TONES.get(word, ""), "")


def minute(moment: datetime | None) -> str:
    """A moment for people: UTC to the minute."""
    return "–" if moment is None else f"{moment:%Y-%m-%d %H:%M}Z"


def window(start: datetime | None, end: datetime) -> str:
    """Between when and when, the day not said twice."""
    if start is None:
        return f"… {when(end)}"
    same_day = start.date() == end.date()
    return f"{start:%Y-%m-%d %H:%M:%S}{'' if same_day else 'Z'} … {f'{end:%H:%M:%S}Z' if same_day else when(end)}"


def since(moment: datetime | None, now: datetime) -> str:
    """How long ago, or in how long."""
    return "–" if moment is None else moments.since(moment, now)


def console() -> Console:
    """Rich on stdout: colour only on a terminal, and not if NO_COLOR is set; never markup, emoji or guessed colours."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        force_terminal=terminal,
        no_color=bool(os.environ.get("NO_COLOR")) or not terminal,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )


def _rich(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], head: bool) -> None:
    """The rows on a terminal: what is not firm is cut to its width; firm columns stay whole, whatever happens."""
    out = console()
    laid_out = grid(columns, rows, out.width, head=head)
    out.width = max(out.width, sum(column.width or 0 for column in laid_out.columns) + 2 * len(columns))
    out.print(laid_out)


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Cell | str]], room: int, *, head: bool = True) -> Table:
    """The rows laid out for so many columns of a terminal."""
    from rich.table import Table
    from rich.text import Text

    safe = [tuple(_safe(cell) for cell in row) for row in rows]
    widths = _fitted(columns, safe, room)
    laid_out = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=head)
    for column, width in zip(columns, widths, strict=True):
        laid_out.add_column(
            Text(column.title),
            width=width,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
        )
    for row in safe:
        laid_out.add_row(*(Text(cell.text, style=cell.style) for cell in row))
    return laid_out


def _fitted(columns: Sequence[Column], rows: Sequence[Sequence[Cell]], room: int) -> list[int]:
    """A width for each column: as wide as it is, but for the widest that are not firm where there is no room."""
    widths = [max([_width(column.title), *(_width(row[at].text) for row in rows)]) for at, column in enumerate(columns)]
    loose = [at for at, column in enumerate(columns) if not column.firm]
    excess = sum(widths) + 2 * (len(widths) - 1) - room
    while excess > 0 and loose:
        at = max(loose, key=lambda one: widths[one])
        if widths[at] <= LEAST:
            break
        widths[at] -= 1
        excess -= 1
    return widths


def _safe(cell: Cell | str) -> Cell:
    whole = Cell(cell) if isinstance(cell, str) else cell
    return Cell(line(whole.text, whole.limit), whole.style)


def _width(text: str) -> int:
    """Columns that a terminal needs for the text."""
    return len(text) if text.isascii() else sum(map(_width_of_one, text))


@lru_cache(maxsize=4096)
def _width_of_one(letter: str) -> int:
    return 0 if combining(letter) else 2 if east_asian_width(letter) in {"W", "F"} else 1
