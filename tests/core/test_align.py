from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.align import align


@pytest.mark.parametrize(
    ("old", "new", "removed", "added", "moved"),
    [
        ("", "", "", "", ""),
        ("abcd", "abcd", "", "", ""),
        ("abcd", "acd", "b", "", ""),
        ("abcd", "abxcd", "", "x", ""),
        ("abcd", "bcda", "", "", "a"),
        ("xxxxaxxxxbxxxx", "xxxxaxxxxxxxx", "b", "", ""),
        ("aaaa", "aaaaaa", "", "aa", ""),
        ("abab", "baba", "", "", "a"),
        ("abc", "xyz", "abc", "xyz", ""),
    ],
)
def test_alignment(old: str, new: str, removed: str, added: str, moved: str) -> None:
    found = align(old, new)
    assert "".join(old[i] for i in found.removed) == removed
    assert "".join(new[i] for i in found.added) == added
    assert "".join(old[i] for i, _ in found.moved) == moved


@given(st.text("abcde", max_size=60), st.text("abcde", max_size=60))
def test_every_item_is_accounted_for_once(old: str, new: str) -> None:
    found = align(old, new)
    pairs = [*found.kept, *found.moved]
    assert all(old[i] == new[j] for i, j in pairs)
    assert sorted([i for i, _ in pairs] + list(found.removed)) == list(range(len(old)))
    assert sorted([j for _, j in pairs] + list(found.added)) == list(range(len(new)))
    assert [j for _, j in found.kept] == sorted(j for _, j in found.kept)


@given(st.lists(st.integers(0, 40), max_size=50))
def test_a_reorder_removes_nothing(items: list[int]) -> None:
    found = align(items, items[::-1])
    assert not found.removed
    assert not found.added


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_of_items_that_differ_no_alignment_keeps_more(old: list[int], new: list[int]) -> None:
    """Against the textbook's table of longest common subsequences."""
    longest = [[0] * (len(new) + 1) for _ in range(len(old) + 1)]
    for i, left in enumerate(old):
        for j, right in enumerate(new):
            longest[i + 1][j + 1] = longest[i][j] + 1 if left == right else max(longest[i][j + 1], longest[i + 1][j])
    found = align(old, new)
    assert len(found.kept) == longest[-1][-1]
    assert len(found.kept) + len(found.moved) == len(set(old) & set(new))


def test_hostile_sequences_stay_near_linear() -> None:
    """Counted, not timed: comparisons of items grow no faster than n log n."""

    class Item:
        compared = 0

        def __init__(self, value: int) -> None:
            self.value = value

        def __eq__(self, other: object) -> bool:
            Item.compared += 1
            return isinstance(other, Item) and self.value == other.value

        def __hash__(self) -> int:
            return hash(self.value)

    size = 4000
    cases = (
        ([1] * size, [1] * (size // 2)),
        ([i % 2 for i in range(size)], [i % 3 for i in range(size)]),
        (list(range(size)), list(range(size))[::-1]),
        (list(range(size)), list(range(size, 2 * size))),
        ([i // 40 for i in range(size)], [(size - i) // 40 for i in range(size)]),
    )
    for old, new in cases:
        Item.compared = 0
        align([Item(value) for value in old], [Item(value) for value in new])
        assert Item.compared < 60 * size
