"""Which differences a person would call a change."""

from __future__ import annotations

import pytest

from watcher.core.noise import CALM, LONGEST, Flutter, differs, sift, steady


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("deadline", "7D 20h 00m 00s", "7D 19h 59m 12s"),
        ("deadline", "168:20:11", "168:19:58"),
        ("text1", "5g 00s 00d", "4g 12s 00d"),
        ("text1", "12ي 07س", "11ي 19س"),
        ("status", "2 DAYS BEFORE PUBLICATION", "1 DAY BEFORE PUBLICATION"),
        ("date", "2 hours ago", "3 days ago"),
        ("date", "5m ago", "just now"),
        ("description", "Views: 707 | Tax papers", "views: 1,204 | Tax papers"),
        ("description", "All data. 12 views", "All data. 19 views"),
        ("description", "Опубликовано 3 дня назад", "Опубликовано 4 дня назад"),
        ("description", "token=ab12 Files", "token=cd34 Files"),
        ("description", "id 0123456789abcdef01", "id fedcba987654321001"),
        ("description", "Tax  papers\u200b", "TAX papers"),
        ("views", "1", "2"),
        ("text1", "1,200", "1 207"),
        ("timer", "on", "off"),
        ("deadline", "7D 20h", ""),
        ("link", "http://one.onion/p/7?t=1772442000", "http://two.onion/p/7?t=1772485200"),
        ("link", "http://one.onion/p/7/", "http://one.onion/p/7"),
    ],
)
def test_no_change(field: str, old: str, new: str) -> None:
    assert not differs(field, old, new)


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("status", "1 DAY BEFORE PUBLICATION", "PUBLISHED"),
        ("status", "", "Sold"),
        ("deadline", "2026-03-04", "2026-03-11"),
        ("description", "We hold 150 GB.", "We hold 210 GB."),
        ("description", "Tax papers.", "Tax papers. New samples were uploaded."),
        ("description", "Revenue: $5m", "Revenue: $7m"),
        ("link", "http://one.onion/p/7", "http://one.onion/p/8"),
        ("link", "", "http://one.onion/p/8"),
        ("price", "1 BTC", "2 BTC"),
        ("employees", "120", "150"),
        ("text1", "2 TB 10 GB", "2 TB 90 GB"),
        ("text1", "Part 2 of 3", "Part 3 of 3"),
        ("text1", "1200", "none"),
    ],
)
def test_a_change(field: str, old: str, new: str) -> None:
    assert differs(field, old, new)


def test_a_hostile_value_is_quick() -> None:
    assert steady("1 " * 50_000)
    assert differs("description", "1 1 " * 4_000, "2 1 " * 4_000)


def change(keys: str, field: str = "description") -> dict[str, dict[str, tuple[str, str]]]:
    return {key: {field: ("a", "b")} for key in keys}


def test_what_changes_on_most_entries_at_once_is_noise_this_time() -> None:
    real, learned = sift(change("abc"), 4, {})
    assert real == {}
    real, _ = sift(change("a"), 4, learned)
    assert real == change("a")


def test_few_changes_are_never_most() -> None:
    assert sift(change("ab"), 2, {})[0] == change("ab")


def test_a_field_that_flutters_often_is_noise_until_it_is_calm_for_long() -> None:
    learned: dict[str, Flutter] = {}
    for _ in range(2):
        _, learned = sift(change("abc"), 3, learned)
    assert sift(change("a"), 3, learned)[0] == {}
    assert sift(change("a", "status"), 3, learned)[0] == change("a", "status")
    for _ in range(CALM + 1):
        _, learned = sift({}, 3, learned)
    assert sift(change("a"), 3, learned)[0] == change("a")


def test_a_field_that_changes_on_every_page_ticks() -> None:
    learned: dict[str, Flutter] = {}
    told = []
    for _ in range(5):
        real, learned = sift(change("a"), 9, learned)
        told.append(bool(real))
    assert told == [True, True, False, False, False]
    real, learned = sift({}, 9, learned)
    assert sift(change("a"), 9, learned)[0] == change("a")


def test_a_value_too_long_to_be_looked_through_is_compared_as_it_is() -> None:
    short, long = "5 minutes ago ", "x" * LONGEST + " 5 minutes ago"
    assert steady(short) == steady(short.replace("5", "6"))
    assert steady(long) != steady(long.replace("5", "6"))
    assert (steady("2026"), steady("0")) == ("2026", "0")
