"""Times and lengths of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.moments import counted, parse_duration, parse_moment, parse_size, rfc3339, size_words, words

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("0s", timedelta(0)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("2w", timedelta(days=14)),
        ("250ms", timedelta(milliseconds=250)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_durations(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "15", "m", "15 m", "-5m", "15min", "1h 30m", "١٥m", "15M", "x15m", "4000d", "1e3s"]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match=r"length of time|longer than"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("1024", 1024), ("16MiB", 16 << 20), ("500kB", 500_000), ("1.5 GiB", 3 << 29), ("2GB", 2_000_000_000)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "-1", "16mib", "16 M", "1e9"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="no size"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=UTC)),
        ("2026-11-20T10:30Z", datetime(2026, 11, 20, 10, 30, tzinfo=UTC)),
        ("2026-11-20 10:30:01", datetime(2026, 11, 20, 10, 30, 1, tzinfo=UTC)),
        ("2026-11-20T10:30:01.5+02:00", datetime(2026, 11, 20, 8, 30, 1, 500_000, tzinfo=UTC)),
        ("2026-11-20t10:30:01.123456789z", datetime(2026, 11, 20, 10, 30, 1, 123_456, tzinfo=UTC)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("1d 12h ago", NOW - timedelta(days=1.5)),
    ],
)
def test_moments(text: str, moment: datetime) -> None:
    found = parse_moment(text, NOW)
    assert found == moment
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-20T25:00Z", "20-11-2026", "0001-01-01T00:00+05:00"]
)
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(ValueError, match="is no time"):
        parse_moment(text, NOW)


def test_rfc3339_is_utc_with_microseconds() -> None:
    there = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2026, 11, 22, 17, 4, 5, 123456, tzinfo=there)) == "2026-11-22T15:04:05.123456Z"
    assert rfc3339(datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)) == "2026-11-22T15:04:05.000000Z"
    with pytest.raises(ValueError, match="without a zone"):
        rfc3339(datetime(2026, 11, 22))  # noqa: DTZ001 - the point of the test


@given(st.datetimes(min_value=datetime(2, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_a_moment_written_is_read_again(moment: datetime) -> None:
    assert parse_moment(rfc3339(moment), NOW) == moment


@pytest.mark.parametrize(
    ("length", "told"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(seconds=61), "1 min"),
        (timedelta(minutes=90), "1 h 30 min"),
        (timedelta(hours=11, minutes=5), "11 h"),
        (timedelta(hours=49), "2 d 1 h"),
        (timedelta(days=3), "3 d"),
        (-timedelta(minutes=5), "5 min"),
    ],
)
def test_lengths_for_people(length: timedelta, told: str) -> None:
    assert words(length) == told


@pytest.mark.parametrize(
    ("count", "told"), [(812, "812 B"), (16384, "16.0 KiB"), (3 << 29, "1.5 GiB"), (1 << 41, "2.0 TiB")]
)
def test_sizes_for_people(count: int, told: str) -> None:
    assert size_words(count) == told


@pytest.mark.parametrize(("count", "told"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries")])
def test_counts_for_people(count: int, told: str) -> None:
    assert counted(count, "entry", "entries") == told
    assert counted(count, "site") == f"{count} site{'' if count == 1 else 's'}"
