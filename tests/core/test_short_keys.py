"""What is worked out of a text is kept for short texts only."""

from __future__ import annotations

from watcher.core.short_keys import SHORT, cached_if_short


def test_short_texts_are_answered_once_and_long_ones_are_never_kept() -> None:
    asked: list[str] = []

    @cached_if_short(8)
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    short, long = "a" * SHORT, "b" * (SHORT + 1)
    assert [length(text) for text in (short, short, long, long)] == [SHORT, SHORT, SHORT + 1, SHORT + 1]
    assert asked == [short, long, long]


def test_no_more_is_kept_than_was_said() -> None:
    asked: list[str] = []

    @cached_if_short(2)
    def same(text: str) -> str:
        asked.append(text)
        return text

    for text in ("a", "b", "c", "a"):
        same(text)
    assert asked == ["a", "b", "c", "a"]
