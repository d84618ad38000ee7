"""What a fleet tells: each vantage decides, by the real decision, on what it was shown; then all is put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.looks import NAMES, START, Watching
from watcher.core import voices
from watcher.core.agree import Agreement, Recently, together
from watcher.core.resighted import Resighted
from watcher.core.watchlist import Watch
from watcher.records import Event, Policy, Roster

POLICY = Policy(
    confirm_visits=3,
    confirm_after=timedelta(minutes=30),
    confirm_gap=timedelta(minutes=5),
    structural_after=timedelta(hours=12),
)
ALL = "ABCDEFGH"


class Fleet:
    """Vantages that look at one site in turn, and what they conclude together."""

    def __init__(self, *names: str, agree: int = 1, watchlist: Sequence[Watch] = ()) -> None:
        self.vantages = {name: Watching(policy=POLICY) for name in names}
        self.rule = Agreement(index="index", agree=agree, policy=POLICY, watchlist=tuple(watchlist))
        self.roster = self.plain = Roster(site="site")
        self.recently, self.quick = Recently(), 0
        self.told: list[Event] = []
        self.now = START
        self.own: dict[str, list[Event]] = {name: [] for name in names}

    def look(self, name: str, shows: str, **other: object) -> tuple[Event, ...]:
        """What the fleet tells after one look of one vantage, twenty minutes after its last one at least."""
        watching = self.vantages[name]
        self.now += timedelta(minutes=1)
        number = watching.number + 1
        after = max(self.now - watching.now, timedelta(0))
        seen: list[object] = []
        see = watching.see

        def tap(snapshot, probes=None):  # type: ignore[no-untyped-def]
            mine = replace(snapshot, vantage=name, captures=(f"c-{name}-{number}",), visit=f"site@{name}-{number}")
            seen.append(mine)
            return see(mine, probes)

        watching.see = tap  # type: ignore[method-assign]
        try:
            events = watching.look(shows, after=after, **other)  # type: ignore[arg-type]
        finally:
            watching.see = see  # type: ignore[method-assign]
        self.own[name] += events
        decision = together(self.roster, seen[0], events, self.rule, self.recently)  # type: ignore[arg-type]
        plainly = together(self.plain, seen[0], events, self.rule)  # type: ignore[arg-type]
        assert decision == plainly, "what is remembered leads elsewhere"
        self.quick += isinstance(decision.roster.entries, Resighted)
        self.roster, self.plain = decision.roster, plainly.roster
        self.told += decision.events
        return decision.events

    def round(self, shows: str | dict[str, str], times: int = 1, *, step: int = 20) -> list[str]:
        """What is told while every vantage looks so often, each at what it is shown."""
        told: list[Event] = []
        for _ in range(times):
            self.now += timedelta(minutes=step)
            for name in self.vantages:
                shown = shows if isinstance(shows, str) else shows.get(name, "")
                if shown:
                    told += self.look(name, shown)
        return said(told)

    def standing(self, letter: str) -> str:
        return next(held.standing for held in self.roster.entries.values() if held.title == NAMES[letter])


def said(events: Sequence[Event]) -> list[str]:
    letters = {title: letter for letter, title in NAMES.items()}
    return [one.kind if one.entry is None else f"{one.kind} {letters[one.entry.title]}" for one in events]


def test_of_one_vantage_every_event_is_told_as_it_told_it() -> None:
    fleet = Fleet("berlin")
    fleet.round(ALL, 4)
    fleet.round("I" + ALL, 3)
    fleet.round("IABCEFGH", 8)
    fleet.round("I" + ALL, 3)
    assert fleet.told == fleet.own["berlin"]
    assert fleet.quick >= 4
    assert said(fleet.told) == ["listed I", "withdrawn D", "relisted D"]


def test_news_is_told_once_by_whoever_sees_it_first() -> None:
    fleet = Fleet("berlin", "oslo", "porto")
    fleet.round(ALL, 4)
    assert fleet.round("I" + ALL, 4) == ["listed I"]
    assert fleet.told[0].vantage == "berlin"
    assert fleet.standing("I") == "listed"


def test_a_withdrawal_waits_for_the_second_vantage() -> None:
    fleet = Fleet("berlin", "oslo", agree=2)
    fleet.round(ALL, 4)
    for _ in range(8):
        fleet.now += timedelta(minutes=20)
        fleet.look("berlin", "ABCEFGH")
    assert said(fleet.own["berlin"]) == ["withdrawn D"]
    assert fleet.told == []
    told = [event for _ in range(8) for event in _later(fleet, "oslo", "ABCEFGH")]
    assert said(told) == ["withdrawn D"]
    (event,) = told
    assert event.vantage == "index"
    assert event.why[:3] == ("vantages-agree:2", "agrees:berlin", "agrees:oslo")
    (mine,), (other,) = fleet.own["berlin"], fleet.own["oslo"]
    assert event.not_before == max(mine.not_before, other.not_before)  # type: ignore[type-var]
    assert event.not_before is not None
    assert event.not_before < event.not_after <= event.confirmed_at
    assert event.before in {mine.before, other.before}
    assert event.after in {mine.after, other.after}
    assert fleet.standing("D") == "withdrawn"


def _later(fleet: Fleet, name: str, shows: str) -> tuple[Event, ...]:
    fleet.now += timedelta(minutes=20)
    return fleet.look(name, shows)


def test_two_faces_are_told_and_nothing_is_withdrawn() -> None:
    """One vantage loses an entry for good, the other goes on seeing it, for days."""
    for agree in (1, 2):
        fleet = Fleet("berlin", "oslo", agree=agree)
        fleet.round(ALL, 4)
        told = fleet.round({"berlin": "ABCEFGH", "oslo": ALL}, 200)
        assert said(fleet.own["berlin"]) == ["withdrawn D"]
        assert told == ["vantages-disagree D"], agree
        assert fleet.standing("D") == "listed"
        (event,) = fleet.told
        assert "shown-to:oslo" in event.why
        assert "lacked-by:berlin" in event.why
        assert event.before is not None
        assert event.before.startswith("c-oslo")
        assert event.after is not None
        assert event.after.startswith("c-berlin")


def test_two_faces_from_the_first_day_are_told_of_the_site() -> None:
    fleet = Fleet("berlin", "oslo", watchlist=[Watch(name="mine", match=("Calderis",))])
    told = fleet.round({"berlin": "CDEFGH", "oslo": "ABEFGH"}, 12)
    assert set(told) <= {"vantages-disagree", *(f"vantages-disagree {letter}" for letter in "ABCD")}
    named = " ".join(event.why[-1] for event in fleet.told)
    for letter in "ABCD":
        assert NAMES[letter] in named
    assert any(event.watchlist == ("mine",) for event in fleet.told)


def test_the_hold_ends_when_the_other_has_not_looked_for_long() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    assert fleet.round({"berlin": "ABCEFGH", "oslo": ALL}, 8) == ["vantages-disagree D"]
    told = fleet.round({"berlin": "ABCEFGH"}, 60)
    assert told == ["withdrawn D"]
    assert fleet.now - START > POLICY.structural_after


def test_whoever_took_over_counts_by_its_own_looks() -> None:
    """Oslo is dead; porto took its place after the loss, never saw the entry, and confirms that it is not there."""
    fleet = Fleet("berlin", "oslo", "porto", agree=2)
    fleet.round({"berlin": ALL, "oslo": ALL}, 4)
    fleet.round({"berlin": "ABCEFGH"}, 8)
    assert fleet.told == []
    assert fleet.round({"porto": "ABCEFGH"}, 2) == []
    assert fleet.round({"porto": "ABCEFGH"}, 6) == ["withdrawn D"]
    assert "agrees:porto" in fleet.told[-1].why


def test_whoever_never_saw_it_while_others_did_does_not_count() -> None:
    fleet = Fleet("berlin", "oslo", agree=2)
    fleet.round({"berlin": ALL, "oslo": "ABCEFGH"}, 20)
    fleet.told.clear()
    assert fleet.round("ABCEFGH", 30) == []
    assert said(fleet.own["berlin"]) == ["withdrawn D"]


def test_trouble_of_one_vantage_is_not_the_sites() -> None:
    fleet = Fleet("berlin", "oslo")
    fleet.round(ALL, 4)
    for _ in range(20):
        fleet.now += timedelta(minutes=20)
        fleet.look("berlin", "", verdict="unreachable", complete=False)
        fleet.look("oslo", ALL)
    assert said(fleet.own["berlin"]) == ["unreachable"]
    assert fleet.told == []
    for _ in range(20):
        for name in fleet.vantages:
            fleet.now += timedelta(minutes=20)
            fleet.look(name, "", verdict="unreachable", complete=False)
    assert said(fleet.told) == ["unreachable"]
    fleet.round(ALL, 3)
    assert said(fleet.told) == ["unreachable", "recovered"]


def test_notes_are_kept_as_json() -> None:
    fleet = Fleet("berlin", "oslo", agree=2)
    fleet.round(ALL, 4)
    fleet.round({"berlin": "ABCEFGH", "oslo": ALL}, 8)
    notes = voices.load(fleet.roster.notes)
    assert voices.load(voices.save(notes)) == notes
    assert set(notes.voices) == {"berlin", "oslo"}
    assert len(notes.disputed) == 1


# what each vantage is shown, round by round: all of the list, or some of it missing
FACES = st.lists(
    st.tuples(st.sampled_from(["", "D", "DE", "ABC", "H"]), st.sampled_from(["", "D", "E", "H"])),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(faces=FACES, agree=st.sampled_from([1, 2]))
def test_nothing_is_withdrawn_that_a_vantage_goes_on_seeing(faces: list[tuple[str, str]], agree: int) -> None:
    """Whatever berlin is shown: oslo is shown everything all the time, so nothing is gone from the site."""
    fleet = Fleet("berlin", "oslo", agree=agree)
    fleet.round(ALL, 4)
    for hidden, _ in faces:
        for _ in range(3):
            fleet.round({"berlin": "".join(x for x in ALL if x not in hidden), "oslo": ALL})
    assert not [event for event in fleet.told if event.kind == "withdrawn"]
    assert all(held.standing == "listed" for held in fleet.roster.entries.values())


@settings(max_examples=15, deadline=None)
@given(faces=FACES)
def test_a_withdrawal_has_as_many_vantages_own_events_behind_it(faces: list[tuple[str, str]]) -> None:
    fleet = Fleet("berlin", "oslo", agree=2)
    fleet.round(ALL, 4)
    for one, other in faces:
        shown = {"berlin": one, "oslo": other}
        for _ in range(3):
            fleet.round({name: "".join(x for x in ALL if x not in hidden) for name, hidden in shown.items()})
    for event in fleet.told:
        if event.kind == "withdrawn":
            for name, own in fleet.own.items():
                mine = [one for one in own if one.kind == "withdrawn" and one.confirmed_at <= event.confirmed_at]
                assert event.entry is not None
                assert event.entry.title in {one.entry.title for one in mine if one.entry}, name
    ids = [event.id for event in fleet.told]
    assert len(ids) == len(set(ids))


@settings(max_examples=10, deadline=None)
@given(order=st.permutations([0, 1, 2]), agree=st.sampled_from([1, 2, 3]), gone=st.sampled_from(ALL))
def test_a_true_removal_is_told_once_whoever_looks_first(order: list[int], agree: int, gone: str) -> None:
    names = ["berlin", "oslo", "porto"]
    fleet = Fleet(*(names[place] for place in order), agree=agree)
    fleet.round(ALL, 4)
    told = fleet.round("".join(letter for letter in ALL if letter != gone), 60)
    assert told == [f"withdrawn {gone}"]
