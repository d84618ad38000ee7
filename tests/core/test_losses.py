"""One absence at a time: what a look adds to it, what makes it doubtful, and exactly when it is sure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.looks import FIRST, SECOND, START, THIRD
from watcher.core import losses
from watcher.core.losses import Company
from watcher.core.notes import Absence, Clock, Lack, Notes, tag
from watcher.core.structural import Signs
from watcher.records import Policy, Probe, RosterEntry, Snapshot

POLICY = Policy(confirm_visits=3, confirm_after=timedelta(minutes=30), structural_after=timedelta(hours=12))
AFTER, LONG = 30 * 60.0, 12 * 3600.0
ALONE = Company(together=1, doubtful=1, fresh=1)
CALM = Signs(lost=("acme",), expected=10, present=9)
LOOK = Snapshot(
    site="site", visit="site@1", mirror=FIRST, vantage="", taken_at=START, finished_at=START + timedelta(seconds=4),
    verdict="listing", complete=True, entries=(), text="", captures=("c1",), isolation="circuit-1", rule_digest="r",
)  # fmt: skip
HELD = RosterEntry(key="acme", title="Acme", url="", fields={}, standing="listed", first_seen=START, last_seen=START,
                   seen_in="c0")  # fmt: skip


def absence(**other: object) -> Absence:
    """Lacked by three clean looks of two circuits, over half an hour: just sure."""
    plain = {
        "had": START, "had_in": "c0", "after": START, "lacks_in": "c1", "began": 5, "count": 3, "clean": 3,
        "elapsed": AFTER, "total": AFTER, "circuits": ["one", "two"], "mirrors": {tag(FIRST): Lack(count=3, clean=3)},
    }  # fmt: skip
    return Absence(**{**plain, **other})  # type: ignore[arg-type]  # by name


def judged(one: Absence, *, looks: str = "gggggggg", apart: int = 0, twin: str = "") -> losses.Finding:
    return losses.judge(one, POLICY, Notes(looks=looks, apart=apart), twin)


def way(one: Absence, **other: object) -> str:
    """What made it sure; empty if it is not."""
    found = judged(one, **other)  # type: ignore[arg-type]  # by name
    return next((word.partition(":")[2] for word in found.why if word.startswith("sure-by:")), "")


# ------------------------------------------------------------------------------------------------------ when it is sure


def test_a_clean_absence_is_sure_at_its_last_look_and_second_and_not_before() -> None:
    assert way(absence()) == "clean"
    for less in ({"count": 2}, {"clean": 2}, {"elapsed": AFTER - 1}):
        assert judged(absence(**less)).sure is False, less
    assert judged(absence(count=2)).waits == ("visits",)
    assert judged(absence(elapsed=AFTER - 1)).waits == ("time",)


def test_one_circuit_proves_nothing_but_by_outlasting_a_fault() -> None:
    one = absence(circuits=["one"])
    assert judged(one) == losses.Finding(sure=False, waits=("one-circuit",))
    assert way(absence(circuits=["one"], count=6, elapsed=LONG)) == "lasted"
    gone = {"answer": "gone", "gone": 9, "doubts": ["tail-of-list"]}
    assert (way(absence(**gone)), way(absence(**gone, circuits=["one"]))) == ("own-page-gone", "")


@pytest.mark.parametrize(
    "doubt",
    ["site-says-empty", "empty-frame", "many-at-once:4", "no-control-majority", "tail-of-list", "reshuffled",
     "older-set", "mirror-behind", "older-page", "name-on-page:named"],
)  # fmt: skip
def test_what_looks_like_a_fault_must_outlast_one_twice_as_many_looks_long(doubt: str) -> None:
    patient = {"doubts": [doubt], "count": 6, "elapsed": LONG}
    assert way(absence(**patient)) == "lasted"
    for less in ({"count": 5}, {"elapsed": LONG - 1}, {"moving": True}):
        found = judged(absence(**{**patient, **less}))
        assert (found.sure, found.waits) == (False, (doubt,)), less
    assert way(absence(doubts=[doubt], answer="gone", gone=2)) == "own-page-gone"
    assert way(absence(doubts=[doubt], answer="gone", gone=1)) == ""


def test_an_own_page_that_still_answers_doubles_the_wait_and_is_said() -> None:
    alive = {"answer": "alive", "doubts": ["tail-of-list"]}
    assert way(absence(**alive, count=6, elapsed=2 * LONG)) == "lasted"
    assert judged(absence(**alive, count=6, elapsed=2 * LONG - 1)).waits == ("tail-of-list", "detail-still-up")
    clean = {"answer": "alive", "count": 6, "clean": 6}
    assert way(absence(**clean, elapsed=2 * AFTER)) == "clean"
    assert judged(absence(**clean, elapsed=2 * AFTER - 1)).waits == ("detail-still-up",)


@pytest.mark.parametrize(("looks", "times"), [("gggbbggg", 1.0), ("ggggggbbb", 1.375), ("bbbbbbbb", 2.0),
                                              ("bbb" + 8 * "g", 1.0), ("b", 1.0)])  # fmt: skip
def test_bad_looks_lately_stretch_every_wait(looks: str, times: float) -> None:
    assert losses.stretch(looks) == times
    needed = -int(-3 * times // 1)
    ready = {"count": needed, "clean": needed}
    assert way(absence(**ready, elapsed=AFTER * times), looks=looks) == "clean"
    assert way(absence(**ready, elapsed=AFTER * times - 1), looks=looks) == ""
    assert way(absence(doubts=["older-set"], count=6, elapsed=LONG * times - 1), looks=looks) == ""
    assert way(absence(doubts=["older-set"], count=6, elapsed=LONG * times), looks=looks) == "lasted"


@pytest.mark.parametrize(
    ("other", "waits"),
    [({"cap": 25}, ("own-page", "rolled-off")), ({"doubts": [losses.UNREAD]}, ("own-page", losses.UNREAD))],
)
def test_some_losses_only_the_own_page_can_tell(other: Mapping[str, object], waits: tuple[str, ...]) -> None:
    ages = {"count": 999, "clean": 999, "elapsed": 1e9, "total": 1e9}
    assert judged(absence(**ages, **other)).waits == waits
    assert judged(absence(**ages, **other, answer="alive", gone=9)).waits == waits
    assert way(absence(**other, answer="gone", gone=2)) == "own-page-gone"


def test_a_twin_on_the_page_holds_it_until_the_own_page_is_gone() -> None:
    assert judged(absence(count=99, clean=99), twin="acme~2").waits == ("same-as:acme~2",)
    assert way(absence(answer="gone", gone=2), twin="acme~2") in {"clean", "own-page-gone"}


def test_two_mirrors_that_agree_again_and_again_vouch_for_each_other() -> None:
    both = {tag(FIRST): Lack(count=3, agreed=1), tag(SECOND): Lack(count=3, agreed=1)}
    ready = {"doubts": ["many-at-once:4"], "count": 6, "mirrors": both}
    assert way(absence(**ready), apart=2) == "mirrors"
    one_agrees = {**both, tag(SECOND): Lack(count=3)}
    for less in (
        {"count": 5},
        {"elapsed": AFTER - 1},
        {"answer": "alive"},
        {"mirrors": one_agrees},
        {"circuits": ["one"]},
    ):
        assert way(absence(**{**ready, **less}), apart=2) == "", less
    assert way(absence(**ready), apart=1) == ""  # they were never seen to fail apart
    for shared in ("tail-of-list", "older-set", "mirror-behind", "empty-frame", "site-says-empty", "reshuffled"):
        assert way(absence(**{**ready, "doubts": [shared]}), apart=2) == "", shared


def test_while_another_mirror_shows_it_those_that_lack_it_must_be_beyond_doubt() -> None:
    differ = {"shown": {tag(SECOND): 2}, "mirrors": {tag(FIRST): Lack(count=6, clean=6)}, "total": LONG}
    assert way(absence(**differ)) == losses.MIRRORS_DIFFER
    assert f"mirror-still-shows:{tag(SECOND)}" in judged(absence(**differ)).why
    five = {"mirrors": {tag(FIRST): Lack(count=9, clean=5)}}
    for less in (five, {"total": LONG - 1}, {"doubts": ["tail-of-list"]}):
        found = judged(absence(**{**differ, **less}))
        assert (found.sure, found.waits[-1]) == (False, "mirror-still-shows"), less
    shared_out = {tag(FIRST): Lack(clean=4), tag(THIRD): Lack(clean=2), tag(SECOND): Lack(clean=99)}
    assert way(absence(**{**differ, "mirrors": shared_out})) == losses.MIRRORS_DIFFER


@given(
    st.builds(
        absence,
        count=st.integers(0, 12),
        clean=st.integers(0, 12),
        elapsed=st.floats(0, 2 * LONG),
        total=st.floats(0, 2 * LONG),
        circuits=st.sampled_from([[], ["one"], ["one", "two"]]),
        gone=st.integers(0, 3),
        cap=st.sampled_from([0, 0, 25]),
        answer=st.sampled_from(["", "alive", "gone"]),
        moving=st.booleans(),
        shown=st.sampled_from([{}, {tag(SECOND): 1}]),
        doubts=st.lists(st.sampled_from(["tail-of-list", "older-set", losses.UNREAD]), max_size=2, unique=True),
    ),
    st.text("gdb", max_size=9),
)
def test_more_of_the_same_never_makes_what_is_sure_doubtful(one: Absence, looks: str) -> None:
    """More looks that lack it, over a longer time, by more circuits; and good looks instead of bad ones."""
    if not judged(one, looks=looks).sure:
        return
    longer = {"count": one.count + 1, "clean": one.clean + 1, "elapsed": one.elapsed + 60, "total": one.total + 60}
    for name, value in longer.items():
        setattr(one, name, value)
    one.circuits = [*one.circuits, "three"]
    assert judged(one, looks=looks.replace("b", "g")).sure


# --------------------------------------------------------------------------------------------------- what a look adds


def test_a_look_counts_once_for_itself_its_mirror_and_its_circuit() -> None:
    one = losses.begin(HELD, Notes(visits=7, clock=None), LOOK)
    assert (one.had, one.had_in, one.after, one.lacks_in, one.began) == (START, "c0", LOOK.finished_at, "c1", 7)
    assert losses.count(one, "acme", CALM, LOOK, ALONE, now=0.0) is False
    again = replace(LOOK, isolation="circuit-2")
    losses.count(one, "acme", CALM, again, ALONE, now=600.0)
    losses.count(one, "acme", CALM, again, ALONE, now=1500.0)
    assert (one.count, one.clean, one.elapsed, one.total) == (3, 3, 1500.0, 1500.0)
    assert one.circuits == [tag("circuit-1"), tag("circuit-2")]
    assert one.mirrors == {tag(FIRST): Lack(count=3, clean=3)}


def test_what_was_seen_in_a_cut_page_was_had_when_a_whole_one_had_it() -> None:
    whole = {"acme": (START - timedelta(hours=1), "c-1")}
    assert losses.begin(HELD, Notes(whole=whole), LOOK).had == START - timedelta(hours=1)


def test_looks_without_a_circuit_are_circuits_of_their_own_and_no_proof() -> None:
    one = losses.begin(HELD, Notes(), LOOK)
    for number in range(6):
        losses.count(one, "acme", CALM, replace(LOOK, isolation="", visit=f"v{number}"), ALONE, now=0.0)
    assert one.circuits == ["?v2", "?v3", "?v4", "?v5"]  # the last few are enough
    assert not any(word.startswith("circuits") for word in judged(one).why)


@pytest.mark.parametrize(
    ("signs", "company", "doubts"),
    [
        (CALM, ALONE, []),
        (replace(CALM, empty=True), ALONE, ["empty-frame"]),
        (replace(CALM, empty=True, says_empty=True), ALONE, ["site-says-empty"]),
        (CALM, replace(ALONE, together=9), ["many-at-once:9"]),
        (CALM, replace(ALONE, doubtful=8), ["many-at-once:8"]),
        (replace(CALM, present=4), ALONE, ["no-control-majority"]),
        (replace(CALM, tail=("acme",)), ALONE, ["tail-of-list"]),
        (replace(CALM, tail=("acme",), empty=True), ALONE, ["empty-frame"]),
        (replace(CALM, tail=("other",)), ALONE, []),
        (replace(CALM, older=frozenset({"acme"})), ALONE, ["older-set"]),
        (replace(CALM, older=frozenset({"other"})), ALONE, []),
        (replace(CALM, behind=frozenset({"acme"})), ALONE, ["mirror-behind"]),
        (replace(CALM, copy=True), ALONE, ["older-page"]),
        (replace(CALM, stale=True), ALONE, ["older-page"]),
        (replace(CALM, elsewhere={"acme": "unread"}), ALONE, [losses.UNREAD]),
    ],
)
def test_what_makes_a_look_doubtful(signs: Signs, company: Company, doubts: list[str]) -> None:
    one = losses.begin(HELD, Notes(), LOOK)
    losses.count(one, "acme", signs, LOOK, company, now=0.0)
    assert (one.doubts, one.count, one.clean) == (doubts, 1, 0 if doubts else 1)


def test_an_empty_page_runs_a_clock_of_its_own() -> None:
    one = absence(since=0.0)
    losses.count(one, "acme", replace(CALM, empty=True), LOOK, ALONE, now=60.0)
    assert (one.count, one.clean, one.elapsed, one.total) == (1, 0, 0.0, AFTER + 60.0)
    losses.count(one, "acme", replace(CALM, empty=True), LOOK, ALONE, now=90.0)
    assert (one.count, one.elapsed) == (2, 30.0)


def test_a_mirror_that_lacks_it_again_after_another_showed_it_fails_apart() -> None:
    one = absence()
    assert losses.show_again(one, replace(LOOK, mirror=SECOND), CALM, now=10.0) == "elsewhere"
    assert (one.resting, one.shown) == (True, {tag(SECOND): 1})
    later = replace(LOOK, finished_at=START + timedelta(hours=2), captures=("c9",))
    losses.resume(one, replace(HELD, last_seen=START + timedelta(hours=1), seen_in="c8"), Notes(), later)
    assert (one.count, one.clean, one.elapsed, one.circuits, one.resting) == (0, 0, 0.0, [], False)
    assert (one.had, one.had_in) == (START + timedelta(hours=1), "c8")
    assert (one.after, one.lacks_in) == (later.finished_at, "c9")
    losses.resume(one, HELD, Notes(), LOOK)
    assert one.first == (START, "c0", START, "c1")  # what this mirror lacked at first is not forgotten
    assert losses.count(one, "acme", CALM, LOOK, ALONE, now=20.0) is True
    assert losses.count(one, "acme", CALM, replace(LOOK, mirror=THIRD), ALONE, now=30.0) is False


def test_a_mirror_that_shows_what_it_lacked_takes_its_word_back() -> None:
    one = absence()
    assert losses.show_again(one, LOOK, CALM, now=10.0) == "back"
    assert one.mirrors == {}


def test_an_old_page_takes_nothing_back_unless_it_is_what_there_is() -> None:
    old, elsewhere = replace(CALM, copy=True), replace(LOOK, mirror=SECOND)
    one = absence()
    assert [losses.show_again(one, elsewhere, old, now=1.0) for _ in range(losses.LONG_STALE)] == [
        *["old"] * (losses.LONG_STALE - 1), "elsewhere"
    ]  # fmt: skip
    one = absence()
    assert [losses.show_again(one, LOOK, old, now=1.0) for _ in range(2)] == ["old", "back"]
    one = absence()
    losses.show_again(one, elsewhere, old, now=1.0)
    losses.count(one, "acme", CALM, LOOK, ALONE, now=2.0)  # another look between: it begins anew
    assert one.stale == {tag(SECOND): 0}


def test_a_probe_counts_in_a_row_and_only_beside_a_page_that_answers() -> None:
    one = absence()
    gone, alive = (Probe(key="acme", answer=answer, capture="d", at=START) for answer in ("gone", "alive"))
    losses.probe(one, {"acme": gone}, "acme", answers=False)
    losses.probe(one, {"other": gone}, "acme", answers=True)
    assert (one.answer, one.gone, one.probes) == ("", 0, 1)
    for _ in range(2):
        losses.probe(one, {"acme": gone}, "acme", answers=True)
    assert (one.answer, one.gone) == ("gone", 2)
    losses.probe(one, {"acme": alive}, "acme", answers=False)  # that it answers needs no other
    assert (one.answer, one.gone) == ("alive", 0)


def test_counting_anew_forgets_what_faulty_pages_lacked() -> None:
    one = absence(room=9, first=(START, "c0", START, "c1"), since=5.0)
    clock = Clock(at=START, ran=None, boot="", state="", passed=77.0)
    losses.begin_anew(one, Notes(visits=9, clock=clock), replace(LOOK, captures=()))
    assert one.since == 77.0
    assert (one.count, one.clean, one.elapsed, one.total, one.room, one.began) == (0, 0, 0.0, 0.0, 0, 9)
    assert (one.circuits, one.mirrors, one.first, one.lacks_in, one.after) == ([], {}, None, None, LOOK.finished_at)


# --------------------------------------------------------------------------------------------------------- small parts


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0, "0s"), (40.9, "40s"), (60.0, "1m"), (61.0, "1m1s"), (2100.0, "35m"), (3600.0, "1h"), (7800.0, "2h10m"),
     (7801.0, "2h10m"), (93_600.0, "1d2h"), (86_401.0, "1d1s")],
)  # fmt: skip
def test_a_length_of_time_has_two_units_at_most(seconds: float, words: str) -> None:
    assert losses.lasted(seconds) == words


@pytest.mark.parametrize(("cap", "count", "off"), [(0, 99, False), (25, 3, False), (25, 4, True)])
def test_what_rolled_off_is_off_after_some_looks(cap: int, count: int, off: bool) -> None:
    assert losses.is_off(absence(cap=cap, count=count)) is off


@pytest.mark.parametrize(
    ("doubts", "whole"),
    [([], False), (["older-set"], False), (["name-on-page:named", "mirror-behind"], False), (["many-at-once:4"], True),
     (["older-set", "tail-of-list"], True), (["reshuffled"], True), (["no-control-majority"], True),
     (["empty-frame"], True), (["site-says-empty"], True)],
)  # fmt: skip
def test_a_fault_of_the_page_is_told_from_one_of_the_entry(doubts: list[str], whole: bool) -> None:
    assert losses.is_of_page(absence(doubts=doubts)) is whole
