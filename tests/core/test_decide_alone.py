"""What one decision asks for and notes, taken alone: probes, the letter of a look, and when to look again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core import decide as deciding
from watcher.core.case import Case
from watcher.core.compare import Delta
from watcher.core.losses import Finding
from watcher.core.notes import Absence, Flip, Notes, load, save
from watcher.core.structural import Signs
from watcher.records import Entry, Policy, Roster, RosterEntry, Snapshot

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
GAP = timedelta(minutes=5)
POLICY = Policy(confirm_visits=3, confirm_gap=GAP, structural_after=timedelta(hours=12))
LONG_GAP = timedelta(minutes=30)
"""Half a day in 24 parts."""


def absence(**given: object) -> Absence:
    return Absence(had=NOW, had_in="c1", after=NOW, lacks_in="c2", began=1, **given)  # type: ignore[arg-type]


def roster(standings: Mapping[str, str], notes: Notes, *, pages: bool = True) -> Roster:
    entries = {
        key: RosterEntry(
            key=key,
            title=key,
            url=f"http://gang.onion/{key}" if pages else "",
            first_seen=NOW,
            last_seen=NOW,
            seen_in="c1",
            standing=standing,  # type: ignore[arg-type]
        )
        for key, standing in standings.items()
    }
    return Roster(site="gang", entries=entries, notes=save(notes))


def shown(*keys: str, pages: bool = True) -> dict[str, Entry]:
    return {key: Entry(key=key, title=key, url=f"http://gang.onion/{key}" if pages else "") for key in keys}


def asked(held: Roster, *, seen: Mapping[str, Entry] | None = None, missing: tuple[str, ...] = ()) -> tuple[str, ...]:
    return deciding.wanted_probes(held, Delta(seen=seen or {}, missing=missing), POLICY)


# ------------------------------------------------------------------------------------------------------- probes


def test_nothing_is_asked_where_nothing_is_the_matter() -> None:
    assert asked(roster({"a": "listed", "b": "listed"}, Notes()), seen=shown("a", "b")) == ()


def test_six_missing_entries_are_asked_at_most_and_one_control() -> None:
    names = [f"m{number}" for number in range(8)]
    held = roster({"a": "listed", **dict.fromkeys(names, "missing")}, Notes())
    assert asked(held, seen=shown("a"), missing=tuple(names)) == ("m0", "m1", "m2", "m3", "m4", "m5", "a")


def test_those_least_looked_at_are_asked_first() -> None:
    notes = Notes(absences={"m0": absence(probes=2), "m1": absence(probes=1)})
    held = roster({"a": "listed", **dict.fromkeys(("m0", "m1", "m2"), "missing")}, notes)
    assert asked(held, seen=shown("a"), missing=("m0", "m1", "m2")) == ("m2", "m1", "m0", "a")


def test_an_absence_that_was_never_probed_is_as_new_as_one_that_is_not_noted() -> None:
    notes = Notes(absences={"m1": absence()})
    held = roster({"a": "listed", "m0": "missing", "m1": "missing", "m2": "missing"}, notes)
    assert asked(held, seen=shown("a"), missing=("m2", "m1", "m0")) == ("m2", "m1", "m0", "a")


def test_an_entry_without_a_page_of_its_own_is_not_asked() -> None:
    held = roster({"a": "listed", "m": "missing", "w": "withdrawn"}, Notes(), pages=False)
    assert asked(held, seen=shown("a", "w", pages=False), missing=("m",)) == ()


def test_two_withdrawn_entries_that_are_back_are_asked_by_the_page_that_they_have_now() -> None:
    held = roster({"a": "listed", "w1": "withdrawn", "w2": "withdrawn", "w3": "withdrawn"}, Notes())
    assert asked(held, seen=shown("a", "w1", "w2", "w3")) == ("w1", "w2", "a")
    without = roster({"a": "listed", "w1": "withdrawn"}, Notes())
    assert asked(without, seen={**shown("a"), **shown("w1", pages=False)}) == ()


def test_two_fresh_entries_are_asked_if_they_are_still_there_and_not_asked_already() -> None:
    notes = Notes(fresh={"gone": 1, "w": 1, "f1": 1, "f2": 1, "f3": 1})
    held = roster({"a": "listed", "w": "withdrawn", **dict.fromkeys(("f1", "f2", "f3"), "listed")}, notes)
    assert asked(held, seen=shown("a", "w", "f1", "f2", "f3")) == ("w", "f1", "f2", "a")


def test_the_control_is_listed_has_a_page_and_is_another_one_each_visit() -> None:
    standings: dict[str, str] = {"x": "missing", "w": "withdrawn", "a": "listed", "b": "listed", "m": "missing"}
    seen = {**shown("x", "a", "b")}
    asked_for = {asked(roster(standings, Notes(visits=visits)), seen=seen, missing=("m",))[-1] for visits in range(4)}
    assert asked_for == {"a", "b"}
    first = [asked(roster(standings, Notes(visits=visits)), seen=seen, missing=("m",))[-1] for visits in (4, 5)]
    assert first == ["a", "b"]


def test_the_control_has_a_page_of_its_own() -> None:
    for visits in range(3):
        held = roster({"a": "listed", "b": "listed", "m": "missing"}, Notes(visits=visits))
        entries = {**held.entries, "a": replace(held.entries["a"], url="")}
        assert asked(replace(held, entries=entries), seen=shown("a", "b"), missing=("m",)) == ("m", "b")


def test_the_control_is_none_of_those_asked_unless_there_is_no_other() -> None:
    notes = Notes(fresh={"f": 1})
    both = roster({"f": "listed", "a": "listed"}, notes)
    assert asked(both, seen=shown("f", "a")) == ("f", "a")
    alone = roster({"f": "listed"}, notes)
    assert asked(alone, seen=shown("f")) == ("f", "f")
    third_fresh = Notes(fresh={"f1": 1, "f2": 1, "f3": 1})
    held = roster(dict.fromkeys(("f1", "f2", "f3", "a"), "listed"), third_fresh)
    assert asked(held, seen=shown("f3", "f1", "f2", "a"))[-1] == "a"
    nobody = roster({"m": "missing"}, Notes())
    assert asked(nobody, missing=("m",)) == ("m",)


@pytest.mark.parametrize(
    ("given", "rests"),
    [
        ({"cap": 9, "probes": 6, "count": 13}, False),
        ({"cap": 9, "probes": 7, "count": 13}, True),
        ({"cap": 9, "probes": 7, "count": 12}, False),
        ({"cap": 9, "probes": 7, "count": 24}, False),
        ({"cap": 9, "probes": 7, "count": 11}, True),
        ({"answer": "alive", "probes": 7, "count": 13}, True),
        ({"answer": "gone", "probes": 7, "count": 13}, False),
        ({"answer": "", "probes": 99, "count": 13}, False),
        ({"cap": 9, "answer": "alive", "probes": 7, "count": 13}, True),
    ],
)
def test_what_was_asked_often_enough_rests(given: dict[str, object], rests: bool) -> None:
    held = roster({"a": "listed", "m": "missing"}, Notes(absences={"m": absence(**given)}))
    assert asked(held, seen=shown("a"), missing=("m",)) == (() if rests else ("m", "a"))


def test_the_usual_number_of_pages_is_the_noted_one() -> None:
    assert deciding.usual_pages(roster({}, Notes(pages=4))) == 4
    assert deciding.usual_pages(Roster(site="gang")) == 0


# ------------------------------------------------------------------------------------------------- one look's letter


def case(notes: Notes, *, verdict: str = "listing", complete: bool = True, signs: Signs | None = None) -> Case:
    snapshot = Snapshot(
        site="gang",
        visit="gang@1",
        mirror="http://gang.onion/",
        vantage="local",
        taken_at=NOW,
        finished_at=NOW + timedelta(seconds=4),
        verdict=verdict,
        complete=complete,
        captures=("c9",),
    )
    return Case(
        snapshot=snapshot,
        delta=Delta(),
        probes={},
        policy=POLICY,
        mirrors=(),
        watchlist=(),
        notes=notes,
        before={},
        entries={},
        signs=signs or Signs(),
    )


@pytest.mark.parametrize(
    ("verdict", "complete", "signs", "letter"),
    [
        ("listing", True, Signs(), "g"),
        ("empty", True, Signs(), "g"),
        ("listing", False, Signs(), "b"),
        ("blocked", True, Signs(), "b"),
        ("error", False, Signs(), "b"),
        ("listing", True, Signs(older=frozenset({"a"})), "d"),
        ("listing", True, Signs(copy=True), "d"),
        ("listing", True, Signs(stale=True), "d"),
        ("listing", True, Signs(empty=True), "d"),
        ("listing", False, Signs(copy=True), "b"),
    ],
)
def test_every_look_is_good_doubtful_or_bad(verdict: str, complete: bool, signs: Signs, letter: str) -> None:
    notes = Notes(looks="gb", reached=None)
    deciding._looks(case(notes, verdict=verdict, complete=complete, signs=signs))
    assert notes.looks == f"gb{letter}"
    assert (notes.reached, notes.reached_in) == ((None, None) if letter == "b" else (NOW, "c9"))


def test_only_the_latest_looks_are_kept() -> None:
    notes = Notes(looks="b" * deciding.LOOKS)
    deciding._looks(case(notes))
    assert notes.looks == "b" * (deciding.LOOKS - 1) + "g"


# ---------------------------------------------------------------------------------------------- when to look again


def flip() -> Flip:
    return Flip(said="x", after=NOW, after_in=None, visit=1)


def again(notes: Notes, findings: Mapping[str, Finding] | None = None, policy: Policy = POLICY) -> timedelta | None:
    return deciding._look_again(replace(case(notes), policy=policy), findings or {})


@pytest.mark.parametrize(
    ("notes", "soon"),
    [
        (Notes(), False),
        (Notes(flips={"changed:a": flip()}), True),
        (Notes(flips={"new:a": flip()}), False),
        (Notes(flips={"empty": flip()}), False),
        (Notes(flips={"new:a": flip(), "title:b": flip()}), True),
        (Notes(fresh={"a": 1}), True),
        (Notes(absences={"a": absence()}), True),
        (Notes(absences={"a": absence(resting=True)}), False),
        (Notes(absences={"a": absence(cap=5)}), False),
        (Notes(absences={"a": absence(cap=5), "b": absence()}), True),
        (Notes(absences={"a": absence()}, looks="gbbb"), False),
        (Notes(absences={"a": absence()}, looks="bgbb"), True),
        (Notes(absences={"a": absence()}, looks="bbbg"), True),
        (Notes(absences={"a": absence()}, looks="bbb", fresh={"b": 1}), True),
        (Notes(looks="g"), False),
    ],
)
def test_without_a_finding_a_look_is_hurried_for_what_is_open(notes: Notes, soon: bool) -> None:
    assert again(notes) == (GAP if soon else None)


@pytest.mark.parametrize(("count", "wait"), [(1, GAP), (5, GAP), (6, LONG_GAP), (7, LONG_GAP)])
def test_what_waits_long_is_looked_at_less_often(count: int, wait: timedelta) -> None:
    notes = Notes(absences={"a": absence(count=count)})
    assert again(notes, {"a": Finding(sure=False, waits=("time",))}) == wait


def test_even_who_asks_for_one_look_waits_for_two_at_least() -> None:
    hasty = replace(POLICY, confirm_visits=1)
    waits = [again(Notes(absences={"a": absence(count=count)}), {"a": Finding(sure=False)}, hasty) for count in (3, 4)]
    assert waits == [GAP, LONG_GAP]


def test_a_long_wait_is_never_shorter_than_the_usual_one() -> None:
    hasty = replace(POLICY, structural_after=timedelta(minutes=24))
    assert again(Notes(absences={"a": absence(count=9)}), {"a": Finding(sure=False)}, hasty) == GAP


@pytest.mark.parametrize(
    "waits", [("own-page", "rolled-off"), ("same-as:b",), ("time", "own-page"), ("x", "same-as:b")]
)
def test_what_only_its_own_page_can_tell_hurries_nobody(waits: tuple[str, ...]) -> None:
    notes = Notes(absences={"a": absence(), "b": absence(count=9)})
    alone = {"a": Finding(sure=False, waits=waits)}
    assert again(notes, alone) is None
    assert again(replace_fresh(notes), alone) == GAP
    assert again(notes, {**alone, "b": Finding(sure=False, waits=("time",))}) == LONG_GAP


def replace_fresh(notes: Notes) -> Notes:
    return load(save(Notes(absences=notes.absences, fresh={"z": 1})))


def test_the_most_urgent_one_says_when() -> None:
    notes = Notes(absences={"a": absence(count=9), "b": absence(count=1)})
    unsure = Finding(sure=False, waits=("time",))
    assert again(notes, {"a": unsure, "b": unsure}) == GAP


def test_what_is_sure_or_off_the_books_hurries_nobody() -> None:
    notes = Notes(absences={"a": absence()})
    assert again(notes, {"a": Finding(sure=True)}) is None
    assert again(notes, {"gone": Finding(sure=False)}) is None
    assert again(notes, {"gone": Finding(sure=True)}) is None


# -------------------------------------------------------------------------------------------------- what is held up


def test_what_each_missing_entry_waits_for_is_told() -> None:
    notes = Notes(absences={"a": absence(resting=True), "b": absence(cap=3), "c": absence(count=1, clean=1)})
    held = deciding.held(save(notes), POLICY)
    assert held == {"a": ("mirror-still-shows",), "b": ("own-page", "rolled-off"), "c": ("one-circuit",)}
    assert deciding.held(b"", POLICY) == {}
