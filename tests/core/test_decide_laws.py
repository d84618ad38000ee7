"""Laws of the decision over series of looks, faults among them: what does not matter changes nothing that is told, and
whatever is told is possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.core.looks import FIRST, NAMES, SECOND, START, Watching, entry
from tests.core.test_decide_properties import FAULTS, HAPPENINGS, LETTERS, POLICY, Fault, Happening, happen
from watcher.records import Event, Policy


@dataclass(frozen=True)
class Look:
    """One look of a series."""

    shows: tuple[str, ...]
    mirror: str
    verdict: str
    after: timedelta
    truth: frozenset[str]
    """What the site truly lists at that moment."""


@dataclass(frozen=True)
class Turn:
    """What truly happens, a fault that hides it, and for how many good looks, so far apart, it then stands."""

    happening: Happening
    removed: bool
    fault: Fault
    good: int
    apart: timedelta


TURNS = st.builds(
    Turn,
    happening=HAPPENINGS,
    removed=st.booleans(),
    fault=FAULTS,
    good=st.integers(1, 6),
    apart=st.sampled_from([timedelta(minutes=20), timedelta(hours=5), timedelta(hours=30)]),
)
STORIES = st.lists(TURNS, min_size=1, max_size=6)
SHORT = timedelta(minutes=20)
FEWEST = 3
"""Of two entries, one says nothing of the order in which the other stood: that one may be the tail of a short page."""
PUSHED_OFF = [
    Turn(Happening("add", at), removed=at == 1, fault=Fault(kind, 0.0, 1, FIRST), good=1, apart=SHORT)
    for at, kind in enumerate(("cut", "short"))
]
"""What is gone at the end may have rolled off a list that holds only so many: nothing tells, and it stays missing."""
LAW = settings(max_examples=40, deadline=None)


def series(size: int, mirrors: int, story: Sequence[Turn]) -> list[Look]:
    """The looks of a story; each entry is of the truth until it is taken off the list."""
    there, unused = [NAMES[letter] for letter in LETTERS[:size]], list(LETTERS[size:])
    looks = [replace(_look(there, there), mirror=(FIRST, SECOND)[number % mirrors]) for number in range(2 * mirrors)]
    states = [there]
    for turn in story:
        if turn.happening.kind != "rename":  # a renamed entry's truth has two names
            there = happen(there, turn.happening, unused)
        if turn.removed and len(there) > FEWEST:
            there = [title for at, title in enumerate(there) if at != turn.happening.at % len(there)]
        states.append(there)
        mirror = turn.fault.mirror if mirrors == 2 else FIRST
        if turn.happening.kind == "shuffle" and turn.fault.kind == "short":
            # of a list cut short in an order that nobody has seen yet, nothing would tell what was its tail
            looks += [replace(_look(there, there), mirror=(FIRST, SECOND)[number]) for number in range(mirrors)]
        looks += [replace(look, mirror=mirror) for look in _faulty(turn.fault, states)]
        looks += [
            replace(_look(there, there), mirror=(FIRST, SECOND)[number % mirrors], after=turn.apart)
            for number in range(turn.good)
        ]
    return looks


def _look(shows: Sequence[str], truth: Sequence[str], *, verdict: str = "listing") -> Look:
    return Look(shows=tuple(shows), mirror=FIRST, verdict=verdict, after=SHORT, truth=frozenset(truth))


def _faulty(fault: Fault, states: Sequence[list[str]]) -> list[Look]:
    now = states[-1]
    kept = int(fault.share * len(now))
    shown: tuple[list[str], str] = {
        "cut": (now[:kept], "partial"),
        "short": (now[: max(1, kept)], "listing"),
        "empty": ([], "empty"),
        "says-empty": ([], "empty"),
        "blocked": ([], "blocked"),
        "error": ([], "error"),
        "miss": ([], "unreachable"),
        "old": (states[int(fault.share * len(states))], "listing"),
    }.get(fault.kind, (now, "listing"))
    return [_look(shown[0], now, verdict=shown[1])] * fault.looks


def watch(looks: Sequence[Look], *, start: datetime = START, policy: Policy = POLICY,
          shown: Callable[[Sequence[str]], Sequence[Any]] = tuple) -> Watching:  # fmt: skip
    """A site that was looked at so."""
    site = Watching(policy=policy, mirrors=(FIRST, SECOND))
    site.now = start
    for look in looks:
        see(site, look, shown)
    return site


def see(site: Watching, look: Look, shown: Callable[[Sequence[str]], Sequence[Any]] = tuple) -> tuple[Event, ...]:
    return site.look(shown(look.shows), mirror=look.mirror, verdict=look.verdict, after=look.after)


def plain(events: Sequence[Event], back: timedelta = timedelta(0)) -> list[tuple[object, ...]]:
    """All that events say, but under which name they are kept."""
    return [
        (
            event.kind,
            event.entry and event.entry.title,
            event.not_before and event.not_before - back,
            event.not_after - back,
            event.confirmed_at - back,
            event.before,
            event.after,
            event.why,
            event.was,
        )
        for event in events
    ]


# --------------------------------------------------------------------------------------- what is told is possible

FIRST_TELLS = {"listed", "relisted", "withdrawn"}
BEFORE = {"relisted": {"withdrawn"}, "withdrawn": {"listed", "relisted", "there"}, "listed": {""}}
"""What must have been told of an entry last."""


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_an_entry_goes_only_from_listed_to_withdrawn_to_relisted(size: int, mirrors: int, story: list[Turn]) -> None:
    looks = series(size, mirrors, story)
    site = watch(looks)
    last = dict.fromkeys(looks[0].truth, "there")
    for event in site.told:
        if event.kind in FIRST_TELLS:
            assert event.entry is not None
            assert last.get(event.entry.title, "") in BEFORE[event.kind], (event.kind, event.entry.title)
            last[event.entry.title] = event.kind
    standing = {held.title: held.standing for held in site.roster.entries.values()}
    assert {title for title, told in last.items() if told == "withdrawn"} == {
        title for title, stands in standing.items() if stands == "withdrawn"
    }


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_every_window_is_the_right_way_round_and_names_captures_that_were_made(
    size: int, mirrors: int, story: list[Turn]
) -> None:
    site = watch(series(size, mirrors, story))
    made = {f"c{number + 1}": number for number in range(site.number)}
    for event in site.told:
        assert event.not_before is None or event.not_before <= event.not_after
        assert event.not_after <= event.confirmed_at <= site.now + timedelta(seconds=4)
        assert {event.before, event.after} - {None} <= made.keys()
        if event.before and event.after:
            assert made[event.before] < made[event.after]


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_the_window_of_a_withdrawal_holds_a_moment_at_which_the_entry_was_gone(
    size: int, mirrors: int, story: list[Turn]
) -> None:
    """At its beginning a page showed the entry, and by its end one lacked it that was no mistake of the site's."""
    looks = series(size, mirrors, story)
    site = watch(looks)
    truth = {f"c{number}": look.truth for number, look in enumerate(looks, 1)}
    shown = {f"c{number}": look.shows for number, look in enumerate(looks, 1)}
    for event in site.told:
        if event.kind == "withdrawn":
            assert event.entry is not None
            title = event.entry.title
            assert event.before is not None
            assert event.after is not None
            assert title in shown[event.before]
            assert title not in shown[event.after]
            assert title not in truth[event.after], event.why


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_no_withdrawal_is_told_on_a_look_that_shows_no_list(size: int, mirrors: int, story: list[Turn]) -> None:
    looks = series(size, mirrors, story)
    site = Watching(policy=POLICY, mirrors=(FIRST, SECOND))
    for look in looks:
        told = see(site, look)
        if look.verdict not in {"listing", "empty"}:
            assert "withdrawn" not in {event.kind for event in told}


@LAW
@example(size=4, mirrors=1, story=PUSHED_OFF)
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_what_stands_on_the_page_for_good_is_listed_and_what_does_not_is_withdrawn_and_then_all_is_quiet(
    size: int, mirrors: int, story: list[Turn]
) -> None:
    looks = series(size, mirrors, story)
    end = looks[-1].truth
    stays = [replace(looks[-1], shows=looks[-1].shows, mirror=(FIRST, SECOND)[at % mirrors]) for at in range(2)]
    site = watch(looks)
    for number in range(16):
        see(site, replace(stays[number % 2], after=timedelta(hours=13)))
    assert {held.title for held in site.roster.entries.values() if held.standing == "listed"} == end
    told = len(site.told)
    for number in range(8):
        see(site, replace(stays[number % 2], after=(SHORT, timedelta(days=3))[number % 2]))
    assert site.told[told:] == []
    assert site.last is not None
    assert site.last.look_again is None, "whoever waits for ever is not hurried for ever"


# ----------------------------------------------------------------------------------------- what does not matter


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES, days=st.integers(-9_000, 9_000))
def test_on_which_day_it_is_looked_at_does_not_matter(size: int, mirrors: int, story: list[Turn], days: int) -> None:
    looks, shift = series(size, mirrors, story), timedelta(days=days, minutes=days)
    assert plain(watch(looks, start=START + shift).told, shift) == plain(watch(looks).told)


@LAW
@given(size=st.integers(4, 9), stories=st.tuples(STORIES, STORIES))
def test_sites_that_are_looked_at_in_turn_do_not_know_of_each_other(
    size: int, stories: tuple[list[Turn], list[Turn]]
) -> None:
    """Nothing but the roster is held from look to look: a process that ended and began anew decides the same."""
    one, other = series(size, 2, stories[0]), series(size, 1, stories[1])
    alone = [plain(watch(looks).told) for looks in (one, other)]
    first, second = Watching(policy=POLICY, mirrors=(FIRST, SECOND)), Watching(policy=POLICY, mirrors=(FIRST, SECOND))
    for number in range(max(len(one), len(other))):
        if number < len(one):
            see(first, one[number])
        if number < len(other):
            see(second, other[number])
    assert [plain(first.told), plain(second.told)] == alone


OTHERS = dict(zip(NAMES.values(), (
    "Okunde Freight", "Pellior Dairy", "Quessant Hospice", "Rhovani Solar", "Sturmek Foundry", "Tavilu Animation",
    "Uldorf Academy", "Vimmer Looms", "Wexlani Biotech", "Xandrel Aviation", "Yttori Estates", "Zelbron Cars",
), strict=True))  # fmt: skip


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES)
def test_what_the_entries_are_called_does_not_matter(size: int, mirrors: int, story: list[Turn]) -> None:
    looks = series(size, mirrors, story)
    renamed = watch(looks, shown=lambda titles: [OTHERS[title] for title in titles]).told
    back = {new: old for old, new in OTHERS.items()}

    def outcome(events: Sequence[Event], names: dict[str, str]) -> list[tuple[object, ...]]:
        titled = [event.entry.title if event.entry else "" for event in events]
        return [
            (event.kind, names.get(title, title), event.not_before, event.not_after, event.confirmed_at)
            for event, title in zip(events, titled, strict=True)
        ]

    assert sorted(map(str, outcome(renamed, back))) == sorted(map(str, outcome(watch(looks).told, {})))


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES, place=st.integers(0, 10_000))
def test_pages_that_speak_of_nothing_make_no_withdrawal_sooner(
    size: int, mirrors: int, story: list[Turn], place: int
) -> None:
    """Whatever comes between that is no list, what is told withdrawn is gone, and told no sooner than without it. (That
    waits grow longer may let another of several lost entries seem to have rolled off: that one is not told then.)"""
    looks = series(size, mirrors, story)
    at = place % len(looks)
    looks += [replace(looks[-1], after=timedelta(hours=13))] * 20
    kinds = ("blocked", "unreachable", "error", "login", "refused-content")
    between = [_look((), tuple(looks[at].truth), verdict=kinds[place % len(kinds)])] * 3
    shifted = [replace(look, after=timedelta(0)) for look in between]
    with_them = withdrawn(watch([*looks[:at], *shifted, *looks[at:]]).told)
    without = withdrawn(watch(looks).told)
    assert with_them.keys().isdisjoint(looks[-1].truth)
    assert all(with_them[title] >= without[title] for title in with_them.keys() & without.keys())


@LAW
@given(size=st.integers(4, 9), mirrors=st.integers(1, 2), story=STORIES, gone=st.integers(0, 100))
def test_who_waits_for_more_is_told_of_no_more_and_no_sooner(
    size: int, mirrors: int, story: list[Turn], gone: int
) -> None:
    looks = series(size, mirrors, [replace(turn, removed=False) for turn in story])
    there = looks[-1].shows
    lost = there[gone % len(there)]
    left = tuple(title for title in there if title != lost)
    last = replace(looks[-1], shows=left, truth=frozenset(left), after=timedelta(hours=2))
    looks += [replace(last, mirror=(FIRST, SECOND)[number % mirrors]) for number in range(20)]
    patient = replace(
        POLICY, confirm_visits=POLICY.confirm_visits + 2, confirm_after=timedelta(hours=5),
        structural_after=timedelta(hours=30),
    )  # fmt: skip
    hasty, slow = withdrawn(watch(looks).told), withdrawn(watch(looks, policy=patient).told)
    assert lost in slow
    assert slow.keys() <= hasty.keys()
    assert all(slow[title] >= hasty[title] for title in slow)


def withdrawn(events: Sequence[Event]) -> dict[str, datetime]:
    """When each entry was first told to be withdrawn."""
    found: dict[str, datetime] = {}
    for event in events:
        if event.kind == "withdrawn" and event.entry is not None:
            found.setdefault(event.entry.title, event.confirmed_at)
    return found


@LAW
@given(size=st.integers(5, 9), gone=st.integers(0, 100), order=st.permutations(range(9)))
def test_in_which_order_a_list_has_always_stood_does_not_matter(size: int, gone: int, order: Sequence[int]) -> None:
    """One true removal from within the list is told at the same look, in whatever order the rest stands."""
    there = [NAMES[letter] for letter in LETTERS[:size]]
    lost = there[1 + gone % (size - 2)]
    inner = [title for title in (there[at] for at in order if at < size) if title != lost]
    told = []
    for arranged in (there, [*inner[:1], lost, *inner[1:]]):
        site = Watching(policy=POLICY, mirrors=(FIRST,))
        site.looks(3, arranged)
        site.looks(6, [title for title in arranged if title != lost])
        told.append(plain(site.told))
    assert told[0] == told[1]
    assert [event[:2] for event in told[0]] == [("withdrawn", lost)]


@LAW
@given(size=st.integers(4, 9), story=STORIES)
def test_at_which_host_it_stands_does_not_matter(size: int, story: list[Turn]) -> None:
    """Identity never includes the host: pages with links of their own, at another address, are decided alike."""
    looks = series(size, 1, story)
    told = []
    for host in (FIRST, "http://moved.onion/"):
        site = Watching(policy=POLICY, mirrors=(host,))
        for look in looks:
            page = [entry(title, link=f"{host}p/{title.lower().replace(' ', '-')}") for title in look.shows]
            site.look(page, mirror=host, verdict=look.verdict, after=look.after)
        told.append([(*one[:7], one[8]) for one in plain(site.told)])
    assert told[0] == told[1]
