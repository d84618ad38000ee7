"""Digests, quiet hours and the guard against floods."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from watcher.core.batches import Due, Plan, Rhythm, end_of_quiet, next_digest, plan
from watcher.records import Entry, Event

NOW = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def due(seq: int, *, kind: str = "listed", site: str = "clop", held: bool = False) -> Due:
    event = Event(
        id=f"e{seq}",
        kind=kind,  # type: ignore[arg-type] - given as a plain word
        site=site,
        entry=Entry(key=f"k{seq}", title=f"Velmora {seq}"),
        not_before=None,
        not_after=NOW,
        confirmed_at=NOW,
        before=None,
        after=None,
        why=(),
    )
    return Due(seq, event, held)


def told(made: Plan) -> list[list[int]]:
    return [[one.seq for one in batch] for batch in made.now]


def test_each_alert_is_told_at_once_by_itself() -> None:
    made = plan([due(1), due(2, kind="withdrawn"), due(3)], Rhythm(), NOW)
    assert told(made) == [[1], [2], [3]]
    assert made.later == ()


def test_many_of_one_kind_at_one_site_are_one_message() -> None:
    flood = [due(n) for n in range(1, 12)]
    others = [due(20, kind="withdrawn"), due(21, site="other")]
    assert told(plan([*flood, *others], Rhythm(), NOW)) == [list(range(1, 12)), [20], [21]]
    assert told(plan(flood[:10], Rhythm(), NOW)) == [[n] for n in range(1, 11)]
    assert told(plan(flood[:4], Rhythm(rate=3), NOW)) == [[1, 2, 3, 4]]


def test_a_digest_waits_for_its_time_and_then_holds_everything() -> None:
    rhythm = Rhythm(digest=timedelta(hours=1))
    made = plan([due(1), due(2)], rhythm, NOW)
    assert told(made) == []
    assert {until for _, until in made.later} == {datetime(2026, 11, 22, 16, tzinfo=UTC)}
    made = plan([due(1, held=True), due(2, kind="withdrawn", held=True), due(3)], rhythm, NOW + timedelta(hours=1))
    assert told(made) == [[1, 2]]
    assert [(one.seq, until.hour) for one, until in made.later] == [(3, 17)]


def test_a_digest_that_falls_into_the_night_comes_in_the_morning() -> None:
    rhythm = Rhythm(digest=timedelta(hours=1), quiet=(time(22), time(6)))
    night = datetime(2026, 11, 22, 23, tzinfo=UTC)
    made = plan([due(1, held=True)], rhythm, night)
    assert made.later == ((due(1, held=True), datetime(2026, 11, 23, 6, tzinfo=UTC)),)


def test_what_the_night_held_back_comes_as_one_message() -> None:
    rhythm = Rhythm(quiet=(time(22), time(6)))
    assert told(plan([due(1, held=True), due(2, site="other", held=True), due(3)], rhythm, NOW)) == [[1, 2], [3]]


def test_an_alert_that_failed_is_told_by_itself_where_nothing_is_held_back() -> None:
    assert told(plan([due(1, held=True), due(2, held=True)], Rhythm(), NOW)) == [[1], [2]]


@pytest.mark.parametrize(
    ("quiet", "now", "until"),
    [
        (("22:00", "06:00"), "2026-11-22T20:59:59Z", None),
        (("22:00", "06:00"), "2026-11-22T21:00:00Z", "2026-11-23T05:00:00Z"),  # winter in Berlin: an hour ahead
        (("22:00", "06:00"), "2026-11-23T04:59:59Z", "2026-11-23T05:00:00Z"),
        (("22:00", "06:00"), "2026-11-23T05:00:00Z", None),
        (("12:00", "13:30"), "2026-11-22T11:30:00Z", "2026-11-22T12:30:00Z"),
        (("12:00", "13:30"), "2026-11-22T12:30:00Z", None),
        # the night in which clocks go forward has seven hours, the one in which they go back has nine
        (("22:00", "06:00"), "2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
        (("22:00", "06:00"), "2026-10-24T20:00:00Z", "2026-10-25T05:00:00Z"),
    ],
)
def test_quiet_hours(quiet: tuple[str, str], now: str, until: str | None) -> None:
    rhythm = Rhythm(quiet=(time.fromisoformat(quiet[0]), time.fromisoformat(quiet[1])), zone=BERLIN)
    expected = None if until is None else datetime.fromisoformat(until)
    assert end_of_quiet(rhythm, datetime.fromisoformat(now)) == expected


def test_the_next_digest_is_the_same_whenever_it_is_asked_for() -> None:
    day = timedelta(days=1)
    assert next_digest(day, NOW) == next_digest(day, NOW + timedelta(hours=8)) == datetime(2026, 11, 23, tzinfo=UTC)
    assert next_digest(timedelta(minutes=15), NOW) == datetime(2026, 11, 22, 15, 15, tzinfo=UTC)
