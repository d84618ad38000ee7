"""What a decision says beside the kind of event: windows, captures, reasons, ids, what to ask, when to look again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from tests.core.looks import FIRST, NAMES, SECOND, START, Watching, entry, said
from watcher.core.compare import compare
from watcher.core.decide import decide, held, wanted_probes
from watcher.core.identity import assign_keys
from watcher.core.losses import lasted
from watcher.core.watchlist import Watch
from watcher.records import Event, Policy, Roster, Snapshot

MINUTES = timedelta(minutes=20)
DONE = timedelta(seconds=4)


def linked(letters: str) -> list[object]:
    return [entry(one, link=f"{FIRST}p/{one.lower()}") for one in letters]


def one(events: tuple[Event, ...]) -> Event:
    assert len(events) == 1, said(events)
    return events[0]


def at(look: int) -> object:
    return START + look * MINUTES


# ------------------------------------------------------------------------------------------------------- windows


def test_the_window_of_a_withdrawal_and_the_captures_that_show_it() -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    site.looks(2, "ABDEF")
    event = one(site.look("ABDEF"))
    assert (event.not_before, event.not_after) == (at(2), at(3) + DONE)
    assert event.confirmed_at == at(5) + DONE
    assert (event.before, event.after) == ("c2", "c3")
    assert event.entry == site.told[-1].entry
    assert event.entry is not None
    assert (event.entry.key, event.entry.title) == ("calderis clinic", "Calderis Clinic")
    assert event.vantage == "test"
    assert site.roster.entries["calderis clinic"].withdrawn_at == at(5) + DONE


def test_a_sighting_on_a_cut_page_does_not_move_the_window() -> None:
    site = Watching()
    site.look("ABCDEF")
    site.look("ABCD", verdict="partial")
    site.looks(2, "ABDEF")
    event = one(site.look("ABDEF"))
    assert (event.not_before, event.before) == (at(1), "c1")
    assert (event.not_after, event.after) == (at(3) + DONE, "c3")


def test_what_was_lost_with_a_faulty_page_counts_from_the_first_sound_one() -> None:
    site = Watching()
    site.look("ABCDEFGH")
    site.look("ABE")
    site.looks(2, "ABDEFGH")
    event = one(site.look("ABDEFGH"))
    assert said([event]) == ["withdrawn C"]
    assert (event.not_before, event.not_after, event.after) == (at(1), at(3) + DONE, "c3")
    assert event.why[0] == "absent-from-listing:3"


def test_the_window_of_a_listing() -> None:
    site = Watching()
    site.looks(2, "BCDE")
    event = one(site.look("ABCDE"))
    assert (event.kind, event.not_before, event.not_after) == ("listed", at(2), at(3) + DONE)
    assert (event.before, event.after) == ("c2", "c3")


def test_the_window_of_a_relisting_is_of_its_first_sighting() -> None:
    site = Watching()
    site.look("ABCDEF")
    site.looks(3, "ABDEF")
    site.look("ABCDEF")
    event = one(site.look("ABCDEF"))
    assert (event.kind, event.not_before, event.not_after) == ("relisted", at(4), at(5) + DONE)
    assert (event.before, event.after) == ("c4", "c5")


def test_a_clock_that_jumps_back_turns_no_window_round() -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    site.look("ABDEF", after=timedelta(hours=-3))
    site.looks(2, "ABDEF")
    event = one(site.told[-1:])  # type: ignore[arg-type]
    assert event.not_before is not None
    assert event.not_before < event.not_after
    assert "clock-stepped-back" in event.why


def test_a_change_is_told_though_the_clock_was_set_back_to_before_the_baseline() -> None:
    """Found by the soak: what was last seen before the rule's time was taken for another rule's reading."""
    site = Watching()
    before, now = entry("A", size="171 GB"), entry("A", size="9998 GB")
    site.looks(2, ["B", "C", before])
    site.look(["B", "C", before], after=timedelta(days=-30))
    event = one(site.look(["B", "C", now]))
    assert (event.kind, event.changes) == ("changed", {"size": ("171 GB", "9998 GB")})


def test_what_another_rule_read_is_not_compared_after_a_clock_was_set_back() -> None:
    site = Watching()
    site.looks(3, ["B", "C", entry("A", size="171 GB")])
    site.look(["B", "C", entry("A", size="171")], rule_digest="another rule")
    site.look(["B", "C", entry("A", size="171")], rule_digest="another rule", after=timedelta(days=-30))
    assert site.told == []


def test_the_page_that_shows_an_entry_is_the_capture_named() -> None:
    site = Watching()
    site.look("BCD", captures=("p1", "p2"), seen_in={})
    site.look("BCDA", captures=("p1", "p2"), seen_in={"arvelo logistics": "p2"})
    assert site.told[-1].after == "p2"
    assert site.roster.entries["arvelo logistics"].seen_in == "p2"


# ------------------------------------------------------------------------------------------------------- reasons


def test_the_reasons_name_listing_and_own_page() -> None:
    site = Watching()
    site.looks(2, linked("BCDEA"))
    for _ in range(3):
        site.look(linked("BCDE"), probes={"A": "gone", "B": "alive"})
    event = one(tuple(site.told))
    assert event.why[:-1] == (
        "absent-from-listing:3",
        "detail-offline",
        "circuits:3",
        "lasted:40m",
        "tail-of-list",
        "sure-by:own-page-gone",
        "control-majority",
    )
    assert "header" in event.why[-1]
    assert "3 complete captures" in event.why[-1]
    assert "its own page is offline while the page of another entry answers" in event.why[-1]


def test_mirrors_that_agree_or_still_show_it_are_named() -> None:
    site = Watching(mirrors=(FIRST, SECOND))
    for mirror in (FIRST, SECOND):
        site.look("ABCDEF", mirror=mirror)
    for mirror in (FIRST, SECOND, FIRST):
        site.look("ABDEF", mirror=mirror)
    assert "mirrors-agree:2" in site.told[-1].why

    torn = Watching(mirrors=(FIRST, SECOND))
    for mirror in (FIRST, SECOND):
        torn.look("ABCDEF", mirror=mirror)
    for _ in range(7):
        torn.look("ABDEF", mirror=FIRST)
        torn.look("ABCDEF", mirror=SECOND, after=timedelta(hours=2))
    assert said(torn.told) == ["withdrawn C"]
    assert any(word.startswith("mirror-still-shows:") for word in torn.told[-1].why)
    assert torn.told[-1].not_before < torn.told[-1].not_after  # type: ignore[operator]


def test_what_a_missing_entry_waits_for_can_be_asked() -> None:
    site = Watching()
    site.looks(2, "BCDEFG")
    site.look("ABCDEF")
    assert held(site.roster.notes, site.policy) == {"gromark school district": ("own-page", "rolled-off")}
    assert said(site.told) == ["listed A"]


def test_what_rolled_off_may_have_been_withdrawn_until_it_is_told() -> None:
    """The list says only that others pushed it off: its own page was there for hours after that."""
    site = Watching()
    site.looks(2, linked("BCDEFG"))
    rolled = site.look(linked("ABCDEF"), probes={"G": "alive"})
    site.looks(3, linked("ABCDEF"), probes={"G": "alive", "B": "alive"}, after=timedelta(hours=2))
    told = site.looks(5, linked("ABCDEF"), probes={"G": "gone", "B": "alive"})
    assert [said(rolled), said(told)] == [["listed A"], ["withdrawn G"]]
    assert told[0].not_before is not None
    assert told[0].not_after - told[0].not_before > timedelta(hours=6)


def test_lengths_of_time() -> None:
    assert [lasted(seconds) for seconds in (0, 59, 60, 2_100, 5_400, 90_000)] == [
        "0s",
        "59s",
        "1m",
        "35m",
        "1h30m",
        "1d1h",
    ]


def test_changes_have_both_values_and_a_rename_has_what_was() -> None:
    site = Watching()
    site.look([entry("A", status="Open"), *"BC"])
    changed = one(site.look([entry("A", status="Sold"), *"BC"]))
    assert changed.changes == {"status": ("Open", "Sold")}
    site.look([entry("Ve***** Lo*******", status="Open"), "A", "B"])
    renamed = one(site.look([entry("Velmora Logistics", status="Sold"), "A", "B"]))
    assert (renamed.kind, renamed.was) == ("renamed", "Ve***** Lo*******")
    assert renamed.changes == {"status": ("Open", "Sold")}
    assert site.roster.entries["ve* lo*"].aliases == ("Ve***** Lo*******",)


def test_a_status_in_the_title_is_kept_as_a_field() -> None:
    site = Watching()
    site.look(["A", "Velmora Inc", "C"])
    event = one(site.look(["A", "Velmora Inc (SOLD)", "C"]))
    assert event.changes == {"status": ("", "SOLD")}
    assert site.roster.entries["velmora inc"].fields == {"status": "SOLD"}
    assert site.look(["A", "NEW Velmora Inc (SOLD)", "C"]) == ()


def test_watched_names_are_marked_through_renames() -> None:
    site = Watching(watchlist=(Watch(name="Velmora", match=("velmora",)),))
    site.look("ABCDE")
    assert one(site.look(["V*lm*ra Lo*******", *"ABCDE"])).watchlist == ("Velmora",)
    assert one(site.look(["Velmora Logistics", *"ABCDE"])).watchlist == ("Velmora",)
    assert one(site.look(["K", "Velmora Logistics", *"ABCDE"])).watchlist == ()


# ---------------------------------------------------------------------------------------------------- ids, replay


def test_a_conclusion_drawn_twice_is_one_event() -> None:
    def told(every: timedelta) -> list[str]:
        site = Watching(every=every)
        site.looks(2, "BCDEF")
        site.look("ABCDEF")
        site.looks(3, "ABDEF")
        return [event.id for event in site.told]

    assert told(MINUTES) == told(MINUTES)
    assert all(len(name) == 17 and name.startswith("e") for name in told(MINUTES))
    assert not set(told(MINUTES)) & set(told(timedelta(minutes=21)))


def test_when_it_was_confirmed_does_not_make_another_event() -> None:
    """A rule mended since may be sure sooner; what happened is the same."""
    ids = []
    for visits in (2, 3):
        site = Watching(policy=Policy(confirm_visits=visits, confirm_after=timedelta(0)))
        site.look("ABCDEF")
        site.looks(3, "ABDEF")
        ids.append(one(tuple(site.told)).id)
    assert ids[0] == ids[1]


def test_notes_are_json_and_damaged_ones_are_begun_anew() -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    assert isinstance(msgspec.json.decode(site.roster.notes), dict)
    site.roster = replace(site.roster, notes=b"{")
    assert site.looks(2, "ABCDEF") == ()
    assert said(site.look("KABCDEF")) == ["listed K"]


def test_notes_do_not_grow_with_visits() -> None:
    site = Watching()
    sizes = []
    for number in range(400):
        site.look("ABCDEF" if number % 7 else "ABCDE")
        sizes.append(len(site.roster.notes))
    assert max(sizes[200:]) <= max(sizes[100:200]) + 200


# --------------------------------------------------------------------------------------------- probes, next look


def test_missing_entries_are_asked_for_and_a_listed_one_last() -> None:
    site = Watching()
    site.looks(2, linked("ABCDEF"))
    site.look(linked("ABDEF"))
    assert site.asked[0] == "/p/c"
    assert site.asked[-1] in {"/p/a", "/p/b", "/p/d", "/p/e", "/p/f"}
    assert len(site.asked) == 2


def test_the_control_changes_from_visit_to_visit() -> None:
    site = Watching()
    site.looks(2, linked("ABCDEF"))
    controls = set()
    for _ in range(4):
        site.look(linked("ABDEF"), probes={"C": "alive", "A": "alive"})
        controls.add(site.asked[-1])
    assert len(controls) > 1


def test_an_entry_just_listed_is_asked_for_once_or_twice() -> None:
    site = Watching()
    site.look(linked("BCD"))
    site.look(linked("ABCD"))
    site.look(linked("ABCD"), probes={"A": "alive", "B": "alive"})
    assert "/p/a" in site.asked
    site.look(linked("ABCD"))
    assert site.asked == ()


def test_without_links_nothing_is_asked_for() -> None:
    site = Watching()
    site.look("BCDEF")
    site.look("ABCDEF")
    site.looks(2, "ABCEF")
    assert site.asked == ()


def test_the_number_of_own_pages_asked_for_is_bounded() -> None:
    site = Watching()
    many = [entry(f"Victim Number{number} Ltd", link=f"{FIRST}p/{number}") for number in range(60)]
    site.look(many)
    site.look(many[:20])
    assert len(site.asked) <= 10


def test_when_to_look_again() -> None:
    site = Watching()
    assert site.look("ABCDEF") == ()
    assert site.last is not None
    assert site.last.look_again is None
    site.look("ABDEF")
    assert site.last.look_again == site.policy.confirm_gap
    site.look("", verdict="error")
    assert site.last.look_again == site.policy.confirm_gap
    site.look("ABCDEF")
    assert site.last.look_again is None


def test_a_long_wait_is_not_spent_on_quick_looks() -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    site.looks(8, "ABCDE")
    assert site.last is not None
    assert site.last.look_again == site.policy.structural_after / 24


def test_what_rolled_off_asks_for_no_quick_look() -> None:
    site = Watching()
    site.looks(2, "BCDEFG")
    site.looks(3, "ABCDEF")
    assert site.last is not None
    assert site.last.look_again is None


# ------------------------------------------------------------------------------------------------ site episodes


def test_an_outage_has_a_window_and_so_has_its_end() -> None:
    site = Watching()
    site.looks(2, "ABC")
    for _ in range(6):
        site.look("", verdict="unreachable", why=("socks:F2",))
    event = one(tuple(site.told))
    assert (event.kind, event.entry, event.not_before, event.not_after) == ("unreachable", None, at(2), at(3) + DONE)
    assert (event.before, event.after) == ("c2", "c3")
    assert event.why[:2] == ("unreachable:6", "socks:F2")
    back = one(site.look("ABC"))
    assert (back.kind, back.not_before, back.not_after, back.after) == ("recovered", at(8), at(9) + DONE, "c9")


def test_an_outage_withdraws_nothing_and_breaks_no_row() -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    site.look("ABDEF")
    site.look("", verdict="timeout")
    site.look("ABDEF")
    assert site.told == []
    assert said(site.look("ABDEF")) == ["withdrawn C"]


@pytest.mark.parametrize(
    "verdict", ["unreachable", "timeout", "refused", "refused-content", "error", "unreadable", "blocked"]
)
def test_no_verdict_but_a_listing_changes_a_standing(verdict: str) -> None:
    site = Watching()
    site.looks(2, "ABCDEF")
    before = site.roster.entries
    site.looks(4, "", verdict=verdict)
    assert site.roster.entries == before


def test_many_bad_visits_stretch_the_wait() -> None:
    quiet, rough = Watching(), Watching()
    for site in (quiet, rough):
        site.looks(2, "ABCDEF")
    rough.looks(4, "", verdict="error")
    quiet.looks(3, "ABDEF")
    rough.looks(3, "ABDEF")
    assert said(quiet.told) == ["withdrawn C"]
    assert rough.told == []
    rough.looks(2, "ABDEF")
    assert said(rough.told) == ["withdrawn C"]


# ------------------------------------------------------------------------------------------------------ the size


def test_ten_thousand_entries_cost_one_pass() -> None:
    """The pairs that are looked at are those of the leftovers, not of all entries."""
    names = [f"{first}{second} {number} Ltd" for number, (first, second) in enumerate(zip(NAMES, NAMES, strict=True))]
    many = [f"Victim {number} of {names[number % 12]}" for number in range(10_000)]
    site = Watching()
    site.look(many)
    changed = [*many[:5_000], "Velmora Logistics", *many[5_001:]]
    listed = assign_keys([entry(title) for title in changed], base=FIRST)
    snapshot = Snapshot(
        site="site",
        visit="site@9",
        mirror=FIRST,
        vantage="test",
        taken_at=site.now + MINUTES,
        finished_at=site.now + MINUTES,
        verdict="listing",
        complete=True,
        entries=listed,
        captures=("c9",),
    )
    delta = compare(site.roster, snapshot)
    assert (len(delta.seen), len(delta.added), len(delta.missing)) == (9_999, 1, 1)
    decision = decide(site.roster, snapshot, delta, (), site.policy)
    assert said(decision.events) == ["listed Velmora Logistics"]
    assert len(decision.roster.notes) < 400_000


def test_the_decision_needs_nothing_but_its_arguments() -> None:
    """An empty roster and a miss, without mirrors or a watchlist."""
    snapshot = Snapshot(
        site="site", visit="v", mirror=FIRST, vantage="x", taken_at=START, finished_at=START, verdict="timeout"
    )
    decision = decide(Roster(site="site"), snapshot, compare(Roster(site="site"), snapshot), (), Policy())
    assert decision.events == ()
    assert wanted_probes(decision.roster, compare(decision.roster, snapshot), Policy()) == ()
