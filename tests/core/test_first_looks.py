"""What entries say otherwise while the rule that reads a site is still a guess: held back, and told once it settled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.looks import FIRST, NAMES, START, Watching, entry, said
from watcher.records import Entry, Policy

EVERY = timedelta(minutes=20)
LETTERS = "ABCDEF"
GUESSED = {"provisional": True}


def shows(**sizes: str) -> list[Entry]:
    return [entry(one, link=f"{FIRST}p/{one}", size=sizes.get(one, f"{ord(one)} GB")) for one in LETTERS]


@pytest.mark.parametrize("looks", range(1, 9))
def test_a_change_is_told_however_early_it_comes(looks: int) -> None:
    """The first looks at a site settle how it is read. What changes between them is no less news than what goes."""
    site = Watching()
    site.looks(looks, shows(), **GUESSED)
    site.looks(9, shows(C="4711 GB"), **GUESSED)
    (event,) = site.told
    assert (event.kind, event.changes) == ("changed", {"size": ("67 GB", "4711 GB")})
    # the last look that read the old value, and a look that read the new one
    assert (event.before, event.not_before) == (f"c{looks}", START + looks * EVERY)
    assert event.after is not None
    assert int(event.after[1:]) > looks


@pytest.mark.parametrize("looks", [1, 3, 5, 7])
def test_a_rename_is_told_however_early_it_comes(looks: int) -> None:
    site = Watching()
    site.looks(looks, shows(), **GUESSED)
    renamed = [entry("Vormund Castings", link=one.url) if one.title == NAMES["D"] else one for one in shows()]
    site.looks(9, renamed, **GUESSED)
    (event,) = site.told
    assert (event.kind, event.was) == ("renamed", NAMES["D"])
    assert (event.before, event.not_before) == (f"c{looks}", START + looks * EVERY)


def test_what_goes_back_before_the_rule_has_settled_is_no_news() -> None:
    site = Watching()
    site.looks(2, shows(), **GUESSED)
    site.looks(2, shows(C="4711 GB"), **GUESSED)
    site.looks(9, shows(), **GUESSED)
    assert site.told == []
    # and nothing of it clings to what comes later: the window of a change begins at the look before it
    (event,) = site.look(shows(C="9 TB"), **GUESSED)
    assert event.before == "c13"


def test_of_two_changes_the_window_begins_before_the_first() -> None:
    site = Watching()
    site.looks(2, shows(), **GUESSED)
    site.look(shows(C="4711 GB"), **GUESSED)
    site.looks(9, shows(C="9 TB"), **GUESSED)
    (event,) = site.told
    assert (event.changes, event.before) == ({"size": ("67 GB", "9 TB")}, "c2")


def test_a_field_that_ticks_is_known_by_the_time_the_rule_has_settled() -> None:
    site = Watching()
    for number in range(12):
        site.look(shows(C=f"part {number}"), **GUESSED)
    assert site.told == []


def test_what_changes_on_most_entries_at_once_is_taken_as_it_is() -> None:
    site = Watching()
    site.looks(2, shows(), **GUESSED)
    site.looks(9, [entry(one, link=f"{FIRST}p/{one}", size=f"{ord(one)} Go") for one in LETTERS], **GUESSED)
    assert site.told == []
    assert {held.fields["size"][-2:] for held in site.roster.entries.values()} == {"Go"}


def test_what_a_better_rule_reads_otherwise_is_taken_as_it_is() -> None:
    site = Watching()
    site.looks(2, shows(), **GUESSED)
    site.looks(2, shows(C="4711 GB"), **GUESSED)
    site.looks(9, shows(C="4711 GB"), rule_digest="better", **GUESSED)
    assert site.told == []


def test_copies_of_old_are_taken_as_they_are() -> None:
    site = Watching()
    site.looks(2, shows(), backfill=True, **GUESSED)
    site.looks(9, shows(C="4711 GB"), backfill=True, **GUESSED)
    assert site.told == []


def test_a_look_at_part_of_a_list_does_not_say_what_an_entry_said_then() -> None:
    """Of an incomplete look no change is told: it may not bound one either. The window begins at the last whole one."""
    site = Watching()
    site.looks(3, shows())
    site.look(shows(C="4711 GB"), complete=False, verdict="partial")
    (event,) = site.look(shows(C="4711 GB"))
    assert said([event]) == ["changed C"]
    assert (event.before, event.not_before) == ("c3", START + 3 * EVERY)


def test_an_old_page_does_not_make_a_field_noise() -> None:
    """It shows many entries as they were: were that taken for noise of the field, the next change would go untold."""
    site = Watching(every=timedelta(hours=4))
    site.looks(3, shows())
    new: dict[str, str] = {}
    for letter in "ABCD":
        new[letter] = f"{ord(letter)} TB"
        assert said(site.look(shows(**new))) == [f"changed {letter}"]
    for _ in range(2):
        assert site.looks(2, shows()) == ()  # from a cache
        assert site.looks(2, shows(**new)) == ()
    assert {held.fields["size"][-2:] for held in site.roster.entries.values() if held.title < "E"} == {"TB"}
    assert said(site.look(shows(**new, E="5 TB"))) == ["changed E"]


def test_what_came_again_and_then_turned_out_to_be_no_entry_leaves_nothing_behind() -> None:
    """A guess read it, lost it, read it again; a better guess does not, though its words stand on the page."""
    site = Watching(policy=Policy(confirm_visits=2, confirm_after=timedelta(minutes=10)))
    site.looks(9, "ABCDEF", **GUESSED)
    site.looks(4, "BCDEF", **GUESSED)
    site.looks(3, "ABCDEF", **GUESSED)
    assert [event.kind for event in site.told] == ["withdrawn", "relisted"]
    words = "\n".join(NAMES[one] for one in LETTERS)
    site.looks(2, "BCDEF", text=words, rule_digest="better", **GUESSED)
    assert [held.title for held in site.roster.entries.values()] == [NAMES[one] for one in "BCDEF"]
    assert len(site.told) == 2
