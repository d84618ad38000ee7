"""Each rule of the decision turned off in turn, to see what breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.detection import faults, looks
from watcher.core import appear, compare, flips, losses, rolling, signs, structural

Patch = tuple[Any, str, Any]


def _nothing(*_: object, **__: object) -> frozenset[str]:
    return frozenset()


def _no(*_: object, **__: object) -> bool:
    return False


def _back(*_: object) -> str:
    return "back"


def _no_mass() -> list[Patch]:
    return [(module, "is_mass", _no) for module in (structural, losses, appear)]


RULES: dict[str, Callable[[], list[Patch]]] = {
    "verdicts: every page is the list": lambda: [(faults, "as_judged", faults.as_answered)],
    "all that looks like a fault": lambda: [(losses, "_doubts", lambda *_: [])],
    "control majority": lambda: [(structural.Signs, "control", lambda *_: True)],
    "two circuits": lambda: [(losses, "ENOUGH_CIRCUITS", 1)],
    "many at once": _no_mass,
    "tail of the list": lambda: [(signs, "lost_tail", lambda *_: [])],
    "reshuffle": lambda: [(signs, "is_shuffled", _no), (signs, "_back_inside", _no)],
    "older set": lambda: [(signs, "when_before", lambda *_: None)],
    "old page by what it says": lambda: [(signs, "_is_stale", _no), (signs, "is_copy", _no)],
    "twice where it may be old": lambda: [(flips, "ENOUGH", 1)],
    "roll-off": lambda: [(rolling, "roll_off", _nothing)],
    "what outlasts the lost": lambda: [(rolling, "_outlasted", _nothing)],
    "begin anew after a fault": lambda: [(losses, "begin_anew", _nothing)],
    "name on the page": lambda: [(signs, "stands_elsewhere", lambda *_: {})],
    "own pages": lambda: [(looks, "wanted_probes", lambda *_: ())],
    "mirrors one by one": lambda: [(appear, "show_again", _back)],
    "mirrors that lag behind": lambda: [(signs, "_behind", _nothing)],
    "waits stretched by bad visits": lambda: [(losses, "stretch", lambda _: 1.0)],
    "renames": lambda: [(compare, "pair", lambda *_, **__: ())],
    "noise": lambda: [
        (appear, "sift", lambda changes, _, learned: (changes, dict(learned))),
        (compare, "differs", lambda _, old, new: old != new),
    ],
}


@contextmanager
def without(rule: str) -> Iterator[None]:
    """The decision without one of its rules."""
    patches = RULES[rule]() if rule else []
    kept = [(owner, name, getattr(owner, name)) for owner, name, _ in patches]
    for owner, name, instead in patches:
        setattr(owner, name, instead)
    try:
        yield
    finally:
        for owner, name, was in kept:
            setattr(owner, name, was)
