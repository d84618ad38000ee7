"""Turns that a site seldom takes: a better rule under a baseline, a clock set back, a page cut within its news."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.core.looks import FIRST, NAMES, SECOND, START, Watching, entry, said
from watcher.core import losses
from watcher.core.notes import load
from watcher.core.structural import Signs
from watcher.records import Policy, Snapshot

MINUTES = timedelta(minutes=20)


def words(letters: str) -> str:
    return "News Contact " + "\n".join(NAMES[letter] for letter in letters)


# ------------------------------------------------------------------------------------------- while rules are guesses


def test_what_a_guess_took_for_entries_is_dropped_and_what_went_is_missed() -> None:
    """One listing was guessed at for long; a better rule leaves out E, whose words still stand there, and C is gone."""
    site = Watching()
    site.looks(7, "ABCDEF", provisional=True)
    better = {"rule_digest": "better", "text": words("ABDEF"), "provisional": True}
    assert said(site.looks(6, "ABDF", **better)) == ["withdrawn C"]
    assert {held.title for held in site.roster.entries.values()} == {NAMES[letter] for letter in "ABCDF"}


def test_what_a_guess_took_from_a_list_that_left_with_it_is_dropped() -> None:
    """E was read from something that the last page's text did not even hold: it never was an entry."""
    site = Watching()
    site.looks(7, "ABCDE", provisional=True, text=words("ABCD"))
    assert site.looks(6, "ABCD", rule_digest="better", provisional=True) == ()
    assert len(site.roster.entries) == 4


def test_before_a_baseline_another_rule_drops_what_it_does_not_read() -> None:
    site = Watching()
    site.look("ABCX", provisional=True)
    site.look("ABC", provisional=True, rule_digest="better")
    assert [held.title for held in site.roster.entries.values()] == [NAMES[letter] for letter in "ABC"]
    assert site.looks(9, "ABC", rule_digest="better") == ()


def test_before_a_baseline_the_same_rule_misses_what_it_does_not_read() -> None:
    site = Watching()
    site.look("ABCD", provisional=True)
    site.looks(2, "ABC", provisional=True)
    assert site.standing("D") == "missing"


def test_a_better_rule_tells_only_what_the_first_page_did_not_name() -> None:
    """G stood on the first page, unread; H did not. Only H is news when both are read at last."""
    site = Watching()
    site.looks(7, "ABCD", provisional=True, text=words("ABCDG"))
    better = {"rule_digest": "better", "provisional": True}
    assert said(site.looks(3, "ABCDGH", **better)) == ["listed H"]


def test_an_entry_whose_title_stands_nowhere_is_known_by_the_longest_thing_it_says() -> None:
    """Titles may be made of an address; the page's text then names the entry by its description alone."""
    told = "We hold 40 GB of drawings of the new assembly line, and of its makers."
    silent = entry("slug-of-a-victim", description=told, date="2026-10-01")
    unknown = entry("slug-of-another", description="Personnel files of two thousand drivers.", date="2026-10-02")
    site = Watching()
    site.looks(7, "ABCD", provisional=True, text=f"{words('ABCD')}\n{told}")
    shown = [*(entry(letter) for letter in "ABCD"), silent, unknown]
    text = f"{words('ABCD')}\n{told}\n{unknown.fields['description']}"
    events = site.looks(3, shown, provisional=True, rule_digest="better", text=text)
    assert said(events) == ["listed slug-of-another"]


def test_a_page_in_which_nothing_could_be_read_says_since_when_it_is_watched() -> None:
    """The first look kept a text and read nothing: what came after it is news, with that look as the last without."""
    site = Watching()
    site.look((), verdict="unreadable", complete=False, text=words("ABC"))
    assert site.look("ABCD", provisional=True) == ()
    events = site.looks(7, "ABCD", provisional=True)
    assert said(events) == ["listed D"]
    assert events[0].not_before == START + MINUTES
    assert events[0].before == "c1"
    assert "rule-settled" in events[0].why


def test_what_came_and_went_before_the_rule_settled_is_not_told() -> None:
    site = Watching()
    site.look("ABC", provisional=True)
    site.looks(2, "ABCD", provisional=True)
    events = site.looks(12, "ABC", provisional=True)
    assert "listed D" not in said(events)


def test_copies_of_old_settle_a_rule_and_tell_nothing() -> None:
    site = Watching()
    site.look("ABC", provisional=True, backfill=True)
    assert site.looks(9, "ABCD", provisional=True, backfill=True) == ()
    assert site.standing("D") == "listed"


def test_a_page_built_anew_before_the_baseline_stands_is_no_news() -> None:
    site = Watching()
    site.look("ABC", provisional=True)
    relearned = {"rule_digest": "better", "provisional": True, "why": ("rule-relearned",)}
    assert site.look("ABC", **relearned) == ()
    settled = Watching()
    settled.looks(2, "ABC")
    assert said(settled.look("ABC", why=("rule-relearned",), rule_digest="better")) == ["redesigned"]


def test_a_redesign_that_was_read_is_over_after_three_good_looks() -> None:
    """A second one within them is the same, one after them another."""
    site = Watching()
    site.looks(2, "ABC")
    anew = {"why": ("rule-relearned",), "rule_digest": "second"}
    assert said(site.look("ABC", **anew)) == ["redesigned"]
    site.looks(2, "ABC", rule_digest="second")
    assert site.look("ABC", why=("rule-relearned",), rule_digest="third") == ()
    site.looks(3, "ABC", rule_digest="third")
    assert said(site.look("ABC", why=("rule-relearned",), rule_digest="fourth")) == ["redesigned"]


# ----------------------------------------------------------------------------------------------- what entries say


def linked(letters: str, **other: str) -> list[object]:
    return [entry(one, link=other.get(one, f"{FIRST}p/{one.lower()}"), size=f"{ord(one)} GB") for one in letters]


def test_a_value_that_was_there_before_is_told_when_it_has_stayed() -> None:
    """An old copy among the new ones takes an entry back for a look; only what stays is news."""
    site = Watching(every=timedelta(hours=4))
    site.looks(3, [*linked("BCDEF"), entry("A", status="open")])
    assert said(site.look([*linked("BCDEF"), entry("A", status="sold")])) == ["changed A"]
    back = [*linked("BCDEF"), entry("A", status="open")]
    events = [said(site.look(back)) for _ in range(9)]
    assert events[:5] == [[]] * 5
    assert events.count(["changed A"]) == 1
    told = site.told[-1]
    assert told.changes == {"status": ("sold", "open")}
    assert told.not_after < told.confirmed_at


@pytest.mark.parametrize(("shows", "told"), [("ABCDEFGH", ["listed A", "listed B"]), ("CDEFGHAB", ["listed A"])])
def test_of_a_cut_page_the_last_entry_is_not_believed(shows: str, told: list[str]) -> None:
    """A page that ends early may end within an entry: it is taken when a whole page shows it."""
    site = Watching()
    site.looks(3, "CDEFGH")
    assert said(site.look(shows, verdict="partial", complete=False)) == told
    site.looks(2, shows)
    assert said(site.told) == ["listed A", "listed B"]


def test_a_clock_set_back_does_not_hide_a_change() -> None:
    site = Watching()
    site.looks(3, linked("ABCDEF"), rule_digest="rule")
    site.now = START - timedelta(days=2)
    changed = [*linked("ABCDE"), entry("F", link=f"{FIRST}p/f", size="999 GB")]
    events = site.looks(2, changed)
    assert "changed F" in said(events)


def test_a_cut_page_under_a_clock_set_back_does_not_hide_the_change_after_it() -> None:
    site = Watching()
    site.looks(3, linked("ABCDEF"), rule_digest="rule")
    site.now = START - timedelta(days=30)
    site.look(linked("ABCDEF"), verdict="partial", complete=False)
    changed = [*linked("ABCDE"), entry("F", link=f"{FIRST}p/f", size="999 GB")]
    assert "changed F" in said(site.look(changed))


def test_what_another_rule_read_is_not_compared_with_what_this_one_reads() -> None:
    """A new rule may take another cell for the size: the entry that it sees again says nothing new by that."""
    site = Watching()
    site.looks(3, [entry(one, size="10 GB") for one in "ABCDEF"])
    site.look([entry(one, size="10 GB") for one in "ABCDE"])
    site.look([entry(one, size="views: 7") for one in "ABCDE"], rule_digest="other")
    assert site.told == []
    site.look([entry(one, size="views: 7") for one in "ABCDEF"], rule_digest="other")
    assert "changed F" not in said(site.told)


# -------------------------------------------------------------------------------------------------- what is missing


def test_mirrors_that_lack_the_same_tail_prove_nothing() -> None:
    """One database behind them, cut short: what two mirrors lack at the end of the list is not sure by that."""
    policy = Policy(confirm_visits=2, confirm_after=timedelta(minutes=10), structural_after=timedelta(days=9))
    site = Watching(mirrors=(FIRST, SECOND), policy=policy)
    for number in range(4):
        site.look("ABCDEFGHIJKL", mirror=(FIRST, SECOND)[number % 2])
    for number in range(12):
        site.look("ABCDEFGHIJ", mirror=(FIRST, SECOND)[number % 2])
    assert site.told == []


@pytest.mark.parametrize(("shows", "withdrawn"), [("LKAGCIE", 0), ("KAGCIE", 0), ("ABCDEFGHI", 0), ("ACEGIKL", 5)])
def test_mirrors_that_lack_half_of_a_shuffled_list_prove_nothing(shows: str, withdrawn: int) -> None:
    """In another order nobody can tell whether it was the end that is lost: their database may be cut short."""
    policy = Policy(confirm_visits=2, confirm_after=timedelta(minutes=10), structural_after=timedelta(days=9))
    site = Watching(mirrors=(FIRST, SECOND), policy=policy)
    for number in range(4):
        site.look("ABCDEFGHIJKL", mirror=(FIRST, SECOND)[number % 2])
    for _ in range(2):  # they do not fail together
        for mirror, there in ((FIRST, "ABDEFGHIJKL"), (SECOND, "ABCDEFGHIJKL"), (FIRST, "ABDEFGHIJKL")):
            site.look(there, mirror=mirror)
        site.looks(2, "ABCDEFGHIJKL", mirror=FIRST)
    for number in range(12):
        site.look(shows, mirror=(FIRST, SECOND)[number % 2])
    assert len([one for one in said(site.told) if one.startswith("withdrawn")]) == withdrawn


def test_an_absence_seen_over_unknown_circuits_says_nothing_of_circuits() -> None:
    site = Watching()
    site.looks(3, "ABCDEF", isolation="")
    events = site.looks(8, "ABDEF", isolation="")
    assert said(events) == ["withdrawn C"]
    assert not any(word.startswith("circuits:") for word in events[0].why)
    other = Watching()
    other.looks(3, "ABCDEF")
    assert any(word.startswith("circuits:") for word in other.looks(8, "ABDEF")[0].why)


@pytest.mark.parametrize("verdict", ["blocked", "login", "seized", "error", "redesigned", "unreadable"])
def test_only_a_listing_or_an_empty_one_speaks_of_absence(verdict: str) -> None:
    """Whatever else a page is, however whole: nobody is missing for it."""
    site = Watching()
    site.looks(3, "ABCDEF")
    site.looks(4, "", verdict=verdict, complete=True)
    assert {site.standing(letter) for letter in "ABCDEF"} == {"listed"}
    site.look("", verdict="empty")
    assert {site.standing(letter) for letter in "ABCDEF"} == {"missing"}


def test_a_whole_page_counts_and_a_cut_one_does_not() -> None:
    site = Watching()
    site.looks(3, "ABCDEF")
    site.look("ABC", verdict="partial", complete=False)
    assert load(site.roster.notes).complete == 3
    assert {site.standing(letter) for letter in "ABCDEF"} == {"listed"}
    site.look("GABC", verdict="partial", complete=False)
    assert said(site.told) == ["listed G"]
    site.look("GABCDEF")
    assert load(site.roster.notes).complete == 4


def test_a_cut_page_has_no_signs_of_its_own() -> None:
    """Half a page lacks the other half: what of it is new is believed all the same, and the look is a bad one."""
    site = Watching()
    site.looks(3, "ABCDEFGHIJ")
    assert said(site.look("KLAB", verdict="partial", complete=False)) == ["listed K", "listed L"]
    assert load(site.roster.notes).looks == "gggb"
    assert not load(site.roster.notes).absences


def test_cut_pages_do_not_bring_an_entry_back_and_a_whole_one_does() -> None:
    """Whether they are old ones does not show: an old page that ends early, looked at twice, is no news."""
    site = Watching()
    site.looks(7, "ABCDEF")
    assert said(site.looks(6, "ABDEF")) == ["withdrawn C"]
    assert said(site.looks(3, "ABCD", verdict="partial", complete=False)) == []
    assert site.standing("C") == "withdrawn"
    assert said(site.look("ABCDEF")) == ["relisted C"]


def test_a_cut_page_does_not_show_what_was_not_there_yet() -> None:
    """The rest of it may have held B already: B came after the last whole page."""
    site = Watching()
    site.look("CD")
    site.look("A", verdict="partial", complete=False)
    (listed,) = site.look("BCD")
    assert said([listed]) == ["listed B"]
    assert listed.before == "c1"


def test_half_a_list_is_no_recovery() -> None:
    site = Watching()
    site.look("ABCD")
    assert said(site.look("")) == ["vanished"]
    assert site.look("A", verdict="partial", complete=False) == ()
    assert said(site.look("ABCD")) == ["recovered"]


@pytest.mark.parametrize("newest", ["first", "last"])
def test_what_an_older_entry_outlasts_did_not_roll_off_whichever_end_is_new(newest: str) -> None:
    """Four are shown at a time. F had rolled off, and is shown again: so there is room for G, which is not."""
    site = Watching()

    def show(times: int, letters: str) -> list[str]:
        return said(site.looks(times, letters if newest == "last" else letters[::-1]))

    for at in range(7):
        show(3, "ABCDEFGHIJ"[at : at + 4])
    assert show(40, "FHIJ") == ["withdrawn G"]


@pytest.mark.parametrize("newest", ["first", "last"])
def test_what_leaves_at_the_new_end_did_not_roll_off_though_its_page_is_up(newest: str) -> None:
    site = Watching(up={"J": "alive"})

    def show(times: int, letters: str) -> list[str]:
        return said(site.looks(times, linked(letters if newest == "last" else letters[::-1])))  # type: ignore[arg-type]

    for at in range(7):
        show(3, "ABCDEFGHIJ"[at : at + 4])
    assert show(6, "GHIK") == ["listed K", "withdrawn J"]


def test_until_a_baseline_stands_nothing_is_told_and_nobody_is_missed() -> None:
    site = Watching()
    assert site.look("", verdict="empty") == ()
    assert site.look("ABC", verdict="partial", complete=False) == ()
    assert site.look("ABCDEF") == ()
    assert len(site.roster.entries) == 6
    assert said(site.look("GABCDEF")) == ["listed G"]


def test_the_text_of_pages_is_kept_only_while_rules_are_guesses_and_of_whole_pages() -> None:
    site = Watching()
    site.look("", verdict="blocked", complete=False, text="Please wait in the queue")
    assert load(site.roster.notes).first_text == ""
    site.look("ABC", provisional=True)
    kept = load(site.roster.notes).last_text
    assert kept
    site.look("AB", verdict="partial", complete=False, provisional=True)
    site.look("", verdict="unreadable", complete=False, text="another page")
    assert load(site.roster.notes).last_text == kept
    site.look("ABC")
    assert load(site.roster.notes).last_text == ""


def test_what_comes_back_beside_all_that_pushed_it_off_did_not_roll_off() -> None:
    """E seems to make room for J; but with E shown again there are nine: the list is not full at eight."""
    site = Watching()
    site.looks(3, "ABCDEF")
    for shows in ("LABCDEF", "KLABCDEF", "DKLBFCAE", "JDKLBFCA", "JDKLBFCAE"):
        site.look(shows)
    assert said(site.looks(20, "JDKLBFCA", after=timedelta(hours=1))) == ["withdrawn E"]


def test_a_short_page_of_one_mirror_is_no_beginning_of_what_that_mirror_lacks_later() -> None:
    """The second mirror once showed L alone. A day later it shows all but D: D was lost since, not with the others."""
    policy = Policy(confirm_visits=2, confirm_after=timedelta(minutes=10), structural_after=timedelta(days=1))
    site = Watching(policy=policy, mirrors=(FIRST, SECOND))
    for mirror in (FIRST, SECOND) * 2:
        site.look("ABCD", mirror=mirror)
    site.look("L", mirror=SECOND)
    site.look("LABCD", mirror=FIRST, after=timedelta(hours=30))
    shown = site.now
    assert site.looks(5, "LBCA", mirror=SECOND) == ()
    told = site.looks(30, "LBCA", mirror=FIRST, after=timedelta(hours=1))
    assert [(*said((one,)), one.not_before) for one in told] == [("withdrawn D", shown)]


@pytest.mark.parametrize(("older", "agreed"), [((), 1), (("A",), 0)])
def test_mirrors_agree_on_nothing_while_they_show_an_old_page(older: tuple[str, ...], agreed: int) -> None:
    snapshot = Snapshot(
        site="site", visit="v", mirror=FIRST, vantage="", taken_at=START, finished_at=START, verdict="listing",
        complete=True, entries=(), text="", captures=("c1",), isolation="i1", rule_digest="r",
    )  # fmt: skip
    absence = losses.Absence(had=START, had_in=None, after=START, lacks_in=None, began=1, since=0.0)
    signs = Signs(lost=("A",), expected=5, present=4, older=frozenset(older), agrees=True)
    losses.count(absence, "A", signs, snapshot, losses.Company(together=1, doubtful=1, fresh=1), now=1.0)
    (lack,) = absence.mirrors.values()
    assert lack.agreed == agreed


def test_an_entry_that_another_is_read_with_is_not_gone() -> None:
    """A rule that takes columns for entries: now B stands in A's column, and is read as something that A says."""
    site = Watching()
    site.looks(8, "ABCD", text=words("ABCD"))
    swallowed = [entry("A", text4=NAMES["B"]), *"CD"]
    assert "withdrawn B" not in said(site.looks(30, swallowed, text=words("ABCD")))
    assert site.standing("B") == "missing"
    assert said(site.looks(9, "ACD", text=words("ACD"))) == ["withdrawn B"]
