"""What a fleet tells of changes, of the site as a whole, and of copies that come late, cut, or to a full memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.core.looks import FIRST, NAMES, START, entry
from tests.core.test_agree import ALL, Fleet, said
from watcher.core import agree, agreement, voices
from watcher.core.resighted import Resighted
from watcher.records import Entry, Event, RosterEntry

REST = "BCDEFGH"


def show(fleet: Fleet, name: str, shows: object, times: int = 1, **other: object) -> list[str]:
    told: list[str] = []
    for _ in range(times):
        fleet.now += timedelta(minutes=20)
        told += said(fleet.look(name, shows, **other))  # type: ignore[arg-type]
    return told


def listing(status: str) -> list[object]:
    return [entry("A", link=f"{FIRST}p/a", status=status), *(entry(one, link=f"{FIRST}p/{one}") for one in REST)]


def test_a_change_is_told_once_by_whoever_sees_it_first() -> None:
    fleet = Fleet("berlin", "oslo")
    for name in ("berlin", "oslo"):
        show(fleet, name, listing("new"), 4)
    assert show(fleet, "berlin", listing("sold")) == ["changed A"]
    assert show(fleet, "oslo", listing("sold"), 2) == []
    assert said(fleet.own["oslo"]) == ["changed A"]
    held = next(held for held in fleet.roster.entries.values() if held.title == NAMES["A"])
    assert held.fields == {"status": "sold"}


def test_a_new_title_is_told_once_and_the_old_one_kept() -> None:
    fleet = Fleet("berlin", "oslo")
    for name in ("berlin", "oslo"):
        show(fleet, name, listing("new"), 4)
    renamed = [entry("Velmora Holding", link=f"{FIRST}p/a", status="new"), *listing("new")[1:]]
    fleet.now += timedelta(minutes=20)
    events = fleet.look("berlin", renamed)  # type: ignore[arg-type]
    assert [event.kind for event in events] == ["renamed"]
    fleet.now += timedelta(minutes=20)
    assert fleet.look("oslo", renamed) == ()  # type: ignore[arg-type]
    held = next(held for held in fleet.roster.entries.values() if held.title == "Velmora Holding")
    assert held.aliases == (NAMES["A"],)


def test_a_seizure_is_told_once_though_every_vantage_sees_it() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    for name in ("berlin", "oslo"):
        show(fleet, name, "", 3, verdict="seized", complete=False)
    assert said(fleet.told) == ["seized"]
    assert said(fleet.own["oslo"]) == ["seized"]
    fleet.round(ALL, 2)
    assert said(fleet.told) == ["seized", "recovered"]


def test_a_redesign_is_told_once_and_again_when_it_is_another() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    for name in ("berlin", "oslo"):
        show(fleet, name, ALL, why=("rule-relearned",), rule_digest="second")
    assert said(fleet.told) == ["redesigned"]
    for _ in range(60):
        fleet.now += timedelta(minutes=20)
        for name in ("berlin", "oslo"):
            fleet.look(name, ALL, rule_digest="second")
    show(fleet, "oslo", ALL, why=("rule-relearned",), rule_digest="third")
    assert said(fleet.told) == ["redesigned", "redesigned"]


def test_a_cut_copy_says_what_is_there_and_not_what_is_gone() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    show(fleet, "oslo", "ABC", verdict="partial", complete=False)
    notes = voices.load(fleet.roster.notes)
    assert not notes.voices["oslo"].lacks
    assert fleet.standing("H") == "listed"


def test_a_copy_that_comes_after_a_later_one_moves_nothing() -> None:
    """A vantage that was cut off ships what it kept, in its own time."""
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    before = fleet.roster
    watching = fleet.vantages["berlin"]
    watching.now = START
    fleet.now = START
    assert fleet.look("berlin", "ABCDEFG") == ()
    assert fleet.standing("H") == "listed"
    assert dict(fleet.roster.entries) == dict(before.entries)


def test_a_copy_from_before_what_others_saw_does_not_date_an_entry_back() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    late = fleet.now + timedelta(minutes=20)
    show(fleet, "berlin", ALL, 3)
    seen = {key: (held.last_seen, held.seen_in) for key, held in fleet.roster.entries.items()}
    fleet.now = late
    fleet.look("oslo", ALL)
    assert voices.load(fleet.roster.notes).voices["oslo"].looks == 5
    assert {key: (held.last_seen, held.seen_in) for key, held in fleet.roster.entries.items()} == seen


def test_nothing_is_missing_by_a_copy_older_than_all_that_is_believed() -> None:
    """When it comes, no vantage has looked for long: the other one only failed to."""
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    late = fleet.now + timedelta(minutes=20)
    show(fleet, "oslo", (), 60, verdict="unreachable", complete=False)
    fleet.vantages["berlin"].now = fleet.now = late
    assert fleet.look("berlin", "ABCDEFG") == ()
    assert fleet.standing("H") == "listed"


def test_what_another_vantages_first_copy_holds_is_told_as_news_once_it_is_known_to_be() -> None:
    fleet = Fleet("berlin", "oslo")
    show(fleet, "berlin", ALL, 4)
    assert show(fleet, "oslo", "I" + ALL) == []
    assert show(fleet, "berlin", "I" + ALL, 3) == ["listed I"]
    assert fleet.told[0].vantage == "berlin"


def test_what_is_new_to_one_vantage_and_withdrawn_by_the_others_is_told_as_listed_again() -> None:
    fleet = Fleet("berlin", "oslo")
    show(fleet, "berlin", ALL, 4)
    show(fleet, "berlin", "ABCEFGH", 8)
    show(fleet, "oslo", "ABCEFGH", 4)
    show(fleet, "oslo", ALL)
    assert said(fleet.told)[:2] == ["withdrawn D", "relisted D"]
    assert said(fleet.own["oslo"]) == ["listed D"]
    told = fleet.told[1]
    assert (told.vantage, told.why[:2]) == ("index", ("told-as:listed", "new-on-listing"))
    assert agreement.same_entry(told, fleet.own["oslo"][0])
    assert not agreement.same_entry(told, replace(told, entry=None))


def test_more_sites_than_are_remembered_are_decided_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agree, "MOST_KNOWN", 0)
    fleet = Fleet("berlin")
    fleet.round(ALL, 6)
    assert fleet.quick == 0
    assert fleet.round("ABCEFGH", 6) == ["withdrawn D"]


def test_a_roster_from_elsewhere_is_not_taken_for_the_remembered_one() -> None:
    fleet = Fleet("berlin")
    fleet.round(ALL, 6)
    assert isinstance(fleet.roster.entries, Resighted)
    fleet.roster = fleet.plain = replace(fleet.roster, entries=dict(fleet.roster.entries))
    quick = fleet.quick
    fleet.round(ALL, 1)
    assert fleet.quick == quick


# ---------------------------------------------------------------------------------------- which entry an event means

HELD = {
    "one": RosterEntry(
        key="one", title="Velmora", url="http://a.onion/p/1", first_seen=START, last_seen=START, seen_in="c",
        aliases=("Velmora Ltd",),
    ),
    "two": RosterEntry(key="two", title="Korvane", url="", first_seen=START, last_seen=START, seen_in="c"),
    "three": RosterEntry(key="three", title="KORVANE", url="", first_seen=START, last_seen=START, seen_in="c"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "title", "url", "was", "meant"),
    [
        ("two", "anything", "", "", "two"),
        ("x", "Tervel", "http://b.onion/p/1", "", "one"),
        ("x", "velmora", "", "", "one"),
        ("x", "Velmora Ltd", "", "", "one"),
        ("x", "Tervel", "", "Velmora", "one"),
        ("x", "Korvane", "", "", None),
        ("x", "Tervel", "http://b.onion/p/9", "", None),
    ],
)
def test_an_event_means_the_entry_of_its_key_page_or_only_title(
    key: str, title: str, url: str, was: str, meant: str | None
) -> None:
    event = Event(
        id="e", kind="changed", site="gang", entry=Entry(key=key, title=title, url=url), not_before=None,
        not_after=START, confirmed_at=START, before=None, after=None, why=(), was=was, vantage="berlin",
    )  # fmt: skip
    assert agreement.key_of(HELD, event) == meant
    assert agreement.key_of(HELD, replace(event, entry=None)) is None
