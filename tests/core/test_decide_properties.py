"""The promise as properties: faults alone never make a withdrawal; a true removal makes exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.looks import FIRST, NAMES, SECOND, Watching
from watcher.core.structural import is_mass
from watcher.records import Policy

LETTERS = "".join(NAMES)
POLICY = Policy(confirm_visits=2, confirm_after=timedelta(minutes=10), structural_after=timedelta(hours=24))
FEWEST = 3
LONGEST = 5
"""Faults last less than ``structural_after``, and a good look comes between."""


@dataclass(frozen=True)
class Fault:
    """Some looks in a row that show something else than what is there."""

    kind: str
    share: float
    """How much of the list is left, or which of the earlier states comes back."""
    looks: int
    mirror: str


FAULTS = st.builds(
    Fault,
    kind=st.sampled_from(["cut", "short", "holes", "empty", "says-empty", "blocked", "error", "miss", "old", "good"]),
    share=st.floats(0, 1, exclude_max=True),
    looks=st.integers(1, LONGEST),
    mirror=st.sampled_from([FIRST, SECOND]),
)


@dataclass(frozen=True)
class Happening:
    """What truly happens to the list: it gains an entry, is shuffled, or an entry is renamed."""

    kind: str
    at: int


HAPPENINGS = st.builds(
    Happening, kind=st.sampled_from(["add", "shuffle", "rename", "nothing"]), at=st.integers(0, 10_000)
)


def happen(there: list[str], happening: Happening, unused: list[str]) -> list[str]:
    match happening.kind:
        case "add" if unused:
            return [NAMES[unused.pop()], *there]
        case "shuffle":
            return sorted(there, key=lambda title: crc32(f"{title} {happening.at}".encode()))
        case "rename":
            place = happening.at % len(there)
            return [title if at != place else f"{title.split(' Holding')[0]} Holding" for at, title in enumerate(there)]
    return there


def suffer(site: Watching, fault: Fault, states: Sequence[list[str]]) -> None:
    """The looks of one fault, and a good one after it."""
    now = states[-1]
    kept = int(fault.share * len(now))
    for number in range(fault.looks):
        shows: list[str] = []
        how: dict[str, object] = {}
        match fault.kind:
            case "cut":
                shows, how = now[:kept], {"verdict": "partial"}
            case "short":
                shows = now[: max(1, kept)]
            case "holes":
                gone = [title for at, title in enumerate(now) if (at * 7 + number) % 10 >= fault.share * 10]
                shows = [title for title in now if title not in gone] if is_mass(len(gone), len(now)) else now
            case "empty":
                how = {"verdict": "empty"}
            case "says-empty":
                how = {"verdict": "empty", "why": ("site-says-empty",)}
            case "blocked" | "error":
                how = {"verdict": fault.kind}
            case "miss":
                how = {"verdict": "unreachable"}
            case "old":
                shows = states[int(fault.share * len(states))]
            case "good":
                shows = now
        site.look(shows, mirror=fault.mirror, **how)  # type: ignore[arg-type]
    site.look(now, mirror=fault.mirror)


def watching(there: list[str], mirrors: int) -> Watching:
    site = Watching(policy=POLICY, mirrors=(FIRST, SECOND)[:mirrors])
    for mirror in (FIRST, SECOND)[:mirrors]:
        site.looks(2, there, mirror=mirror)
    return site


@settings(max_examples=120, deadline=None)
@given(
    size=st.integers(FEWEST, 8),
    mirrors=st.integers(1, 2),
    story=st.lists(st.tuples(HAPPENINGS, FAULTS), min_size=1, max_size=7),
)
def test_faults_alone_never_make_a_withdrawal(size: int, mirrors: int, story: list[tuple[Happening, Fault]]) -> None:
    there, unused = [NAMES[letter] for letter in LETTERS[:size]], list(LETTERS[size:])
    site = watching(there, mirrors)
    states = [there]
    for happening, fault in story:
        there = happen(there, happening, unused)
        states.append(there)
        if happening.at % 2 or happening.kind == "shuffle":  # else the fault hides it at first
            site.look(there, mirror=FIRST)
        suffer(site, fault if mirrors == 2 else replace(fault, mirror=FIRST), states)
    assert [(event.kind, event.entry, event.why) for event in site.told if event.kind == "withdrawn"] == []


@settings(max_examples=120, deadline=None)
@given(
    size=st.integers(FEWEST, 10),
    faults=st.lists(FAULTS, max_size=5),
    gone=st.integers(0, 10_000),
    mirrors=st.integers(1, 2),
)
def test_a_true_removal_makes_exactly_one(size: int, faults: list[Fault], gone: int, mirrors: int) -> None:
    there = [NAMES[letter] for letter in LETTERS[:size]]
    site = watching(there, mirrors)
    for fault in faults:
        suffer(site, fault if mirrors == 2 else replace(fault, mirror=FIRST), [there])
    lost = there[gone % size]
    left = [title for title in there if title != lost]
    for number in range(10):
        site.look(left, mirror=site.mirrors[number % mirrors])
    for number in range(12):
        site.look(left, mirror=site.mirrors[number % mirrors], after=timedelta(hours=6))
    assert [event.entry and event.entry.title for event in site.told if event.kind == "withdrawn"] == [lost]
    assert site.standing(lost) == "withdrawn"
    assert [event.kind for event in site.told if event.kind in ("listed", "relisted", "renamed")] == []


@settings(max_examples=60, deadline=None)
@given(
    size=st.integers(FEWEST, 8),
    story=st.lists(st.tuples(HAPPENINGS, FAULTS), min_size=1, max_size=5),
)
def test_the_same_looks_make_the_same_events(size: int, story: list[tuple[Happening, Fault]]) -> None:
    """Replayed from an empty roster, every conclusion is drawn again, under the same id."""
    told = []
    for _ in range(2):
        there, unused = [NAMES[letter] for letter in LETTERS[:size]], list(LETTERS[size:])
        site = watching(there, 1)
        states = [there]
        for happening, fault in story:
            there = happen(there, happening, unused)
            states.append(there)
            suffer(site, replace(fault, mirror=FIRST), states)
        told.append([(event.id, event.why) for event in site.told])
    assert told[0] == told[1]
