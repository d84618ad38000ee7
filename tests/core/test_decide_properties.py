"""The promise as properties: faults alone never make a withdrawal; a true removal makes exactly one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.looks import FIRST, NAMES, SECOND, Watching, entry
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


def suffer(site: Watching, fault: Fault, states: Sequence[list[Any]]) -> None:
    """The looks of one fault, and a good one after it."""
    now = states[-1]
    kept = int(fault.share * len(now))
    for number in range(fault.looks):
        shows: list[Any] = []
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


MANY = [f"{a}{b} {c}" for a, c in zip(("Arv", "Bront", "Cald", "Dorv", "Estr", "Falq", "Grom", "Hest"),
                                      ("Foods", "Clinic", "Steel", "Energy", "Motors", "Realty", "Pharma", "Textiles"),
                                      strict=True)
        for b in ("elo", "issa", "upov")]  # fmt: skip


@dataclass(frozen=True)
class Full:
    """A list with room for so many: new ones push the last off its end, or off the end of its first part."""

    room: int
    part: int
    """So many of the room are a first part of the page with an end of its own; 0: there is none."""
    order: list[str]
    """All that ever were on the site, the newest first; those of the second part never change."""

    def shows(self) -> list[str]:
        if not self.part:
            return self.order[: self.room]
        return [*self.order[: self.part], *(f"Zentrum {title}" for title in MANY[: self.room - self.part])]

    def after(self, happening: Happening) -> Full:
        rest = [title for title in MANY if title not in self.order]
        order = list(self.order)
        match happening.kind:
            case "add" if rest:
                order.insert(0, rest[0])
            case "shuffle" if not self.part:  # one that was shown before is moved to the front
                order.insert(0, order.pop(happening.at % len(order)))
            case "rename" if rest and not self.part and happening.at % 3 == 0:  # it comes with an earlier date
                order.insert(happening.at % len(order), rest[0])
        return replace(self, order=order)


@settings(max_examples=120, deadline=None)
@given(
    room=st.integers(5, 8),
    part=st.sampled_from([0, 0, 2, 3]),
    mirrors=st.integers(1, 2),
    story=st.lists(st.tuples(HAPPENINGS, FAULTS, st.integers(0, 4)), min_size=1, max_size=9),
)
def test_what_rolls_off_is_never_withdrawn_while_its_page_is_up(
    room: int, part: int, mirrors: int, story: list[tuple[Happening, Fault, int]]
) -> None:
    full = Full(room=room, part=part, order=MANY[: room + 1])
    up = dict.fromkeys((*MANY, *full.shows()), "alive")
    site = Watching(policy=POLICY, mirrors=(FIRST, SECOND)[:mirrors], up=up)
    for mirror in site.mirrors:
        site.looks(2, paged(full.shows()), mirror=mirror)
    states = [paged(full.shows())]
    for happening, fault, good in story:
        full = full.after(happening)
        states.append(paged(full.shows()))
        site.looks(good, states[-1])
        suffer(site, fault if mirrors == 2 else replace(fault, mirror=FIRST), states)
    site.looks(3, states[-1])
    site.looks(5, states[-1], after=timedelta(hours=13))
    assert [(event.entry and event.entry.title, event.why) for event in site.told if event.kind == "withdrawn"] == []


def paged(titles: Sequence[str]) -> list[Any]:
    """Entries with pages of their own."""
    return [entry(title, link=f"{FIRST}p/{title.lower().replace(' ', '-')}") for title in titles]


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
