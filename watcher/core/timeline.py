"""A picture of the visits round an event: when the page showed the entry, when it did not, when it said nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from typing import Literal

from watcher.core.moments import rfc3339

Shows = Literal["there", "not there", "nothing"]
WIDTH, HEIGHT, LEFT, RIGHT = 900, 168, 24, 24
MIDDLE, BASE = 74, 112
MOST_MARKS = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One visit."""

    at: datetime
    shows: Shows
    label: str


def svg(marks: Sequence[Mark], *, not_before: datetime | None, not_after: datetime, confirmed: datetime) -> str:
    """The picture as inline SVG. Shapes, not only colours, tell the marks apart: reports are printed."""
    times = [mark.at for mark in marks] + [not_after, confirmed] + ([not_before] if not_before else [])
    first, last = min(times), max(times)
    span = max((last - first).total_seconds(), 0.001)

    def x(at: datetime) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (at - first).total_seconds() / span, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(_told(marks))}">'
    ]
    begin = x(not_before) if not_before else LEFT
    parts.append(f'<rect class="window" x="{begin}" y="22" width="{max(2.0, x(not_after) - begin):.1f}" height="90"/>')
    parts.append(_label((begin + x(not_after)) / 2, 14, "it happened in here"))
    if confirmed > not_after:
        parts.append(f'<line class="sure" x1="{x(confirmed)}" y1="22" x2="{x(confirmed)}" y2="{BASE}"/>')
        apart = x(confirmed) - (begin + x(not_after)) / 2 > 140
        parts.append(_label(x(confirmed), 14 if apart else HEIGHT - 6, "certain"))
    parts.append(f'<line class="axis" x1="{LEFT}" y1="{BASE}" x2="{WIDTH - RIGHT}" y2="{BASE}"/>')
    parts += [_tick(x(at), at, first, last) for at in _ticks(first, last)]
    parts += [_mark(x(mark.at), mark) for mark in marks[:MOST_MARKS]]
    return "".join(parts) + "</svg>"


def _told(marks: Sequence[Mark]) -> str:
    counts = {shows: sum(mark.shows == shows for mark in marks) for shows in ("there", "not there", "nothing")}
    return (
        f"{len(marks)} visits over time: {counts['there']} complete copies with the entry, "
        f"{counts['not there']} complete copies without it, {counts['nothing']} that say nothing"
    )


def _mark(x: float, mark: Mark) -> str:
    title = f"<title>{escape(mark.label)}</title>"
    if mark.shows != "nothing":
        what = "there" if mark.shows == "there" else "gone"
        return f'<circle class="{what}" cx="{x}" cy="{MIDDLE}" r="6">{title}</circle>'
    shape = f"M{x - 4} {MIDDLE - 4}L{x + 4} {MIDDLE + 4}M{x - 4} {MIDDLE + 4}L{x + 4} {MIDDLE - 4}"
    return f'<path class="silent" d="{shape}">{title}</path>'


def _ticks(first: datetime, last: datetime) -> list[datetime]:
    """Five moments, evenly spread; fewer when little time went by."""
    steps = 4 if (last - first) >= timedelta(minutes=4) else 1
    return [first + (last - first) * step / steps for step in range(steps + 1)] if last > first else [first]


def _tick(x: float, at: datetime, first: datetime, last: datetime) -> str:
    side = "start" if at == first else "end" if at == last else "middle"
    day, clock = rfc3339(at)[:10], rfc3339(at)[11 : 19 if last - first < timedelta(minutes=10) else 16]
    return (
        f'<line class="axis" x1="{x}" y1="{BASE}" x2="{x}" y2="{BASE + 5}"/>'
        f'<text x="{x}" y="{BASE + 19}" text-anchor="{side}">{clock}</text>'
        f'<text x="{x}" y="{BASE + 33}" text-anchor="{side}" class="day">{day}</text>'
    )


def _label(x: float, y: float, text: str) -> str:
    side = "start" if x < 70 else "end" if x > WIDTH - 70 else "middle"
    return f'<text x="{x:.1f}" y="{y}" text-anchor="{side}" class="say">{text}</text>'
