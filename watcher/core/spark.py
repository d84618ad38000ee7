"""Small pictures of numbers over time, as paths of SVG: shapes tell things apart, not colours alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

WIDTH, HEIGHT = 120, 28
PAD = 2
STEP = 3
"""Pixels from one visit's bar to the next."""
TALL = {"good": HEIGHT - 2 * PAD, "part": (HEIGHT - 2 * PAD) // 2, "none": 4}
"""How high a visit's bar is: a whole listing, a part of one, nothing."""


@lru_cache(maxsize=2048)
def line(levels: tuple[int | None, ...]) -> str:
    """The path of a line through the levels, left to right, the lowest and the highest touching the edges; gaps where
    nothing is known."""
    known = [level for level in levels if level is not None]
    if not known or len(levels) < 2:
        return ""
    low, span = min(known), max(known) - min(known)
    step = (WIDTH - 2 * PAD) / (len(levels) - 1)
    parts, pen = [], "M"
    for place, level in enumerate(levels):
        if level is None:
            pen = "M"
            continue
        y = HEIGHT - PAD - (HEIGHT - 2 * PAD) * ((level - low) / span if span else 0.5)
        parts.append(f"{pen}{PAD + place * step:.1f} {y:.1f}")
        pen = "L"
    if len(known) == 1:
        parts.append("h0.1")  # a dot
    return "".join(parts)


def told(levels: Sequence[int | None], span: str) -> str:
    """The line in words."""
    known = [level for level in levels if level is not None]
    if not known:
        return "nothing is known yet"
    if min(known) == max(known):
        return f"{known[-1]} listed, the same over {span}"
    return f"{known[0]} listed at first, {known[-1]} now; between {min(known)} and {max(known)} over {span}"


def bars(kinds: Iterable[str]) -> dict[str, str]:
    """For each kind of visit (``good``, ``part``, ``none``) the path of its bars, oldest at the left: a thick line for
    each run of them, to be drawn as high as ``TALL`` says, in dashes of ``STEP``."""
    paths: dict[str, list[str]] = {kind: [] for kind in TALL}
    place = 0
    for kind, run in groupby(kinds):
        length = sum(1 for _ in run)
        paths[kind].append(f"M{PAD + place * STEP} {HEIGHT - PAD - TALL[kind] // 2}h{length * STEP - 1}")
        place += length
    return {kind: "".join(path) for kind, path in paths.items() if path}


def strip(marks: Sequence[tuple[float, str]], width: int) -> dict[str, str]:
    """For each kind of mark the path of its ticks in a strip; where a mark stands is a share of the width from 0."""
    paths: dict[str, list[str]] = {}
    last: dict[str, int] = {}
    for share, kind in marks:
        x = round(PAD + share * (width - 2 * PAD))
        if last.get(kind) != x:  # a thousand visits in a strip of so many pixels: one tick each is enough
            paths.setdefault(kind, []).append(f"M{x} 0v1")
            last[kind] = x
    return {kind: "".join(path) for kind, path in paths.items()}
