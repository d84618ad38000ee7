"""A cache that no page can fill with what it says: only short texts are kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

SHORT = 256
"""Characters; nearly all names, lines and class names are shorter, and those that are not are rarely seen again."""

T = TypeVar("T")


def cached_if_short(maxsize: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """As ``lru_cache``, for a function of one text: what it says of a long one is worked out each time."""

    def decorate(function: Callable[[str], T]) -> Callable[[str], T]:
        cached = lru_cache(maxsize=maxsize)(function)

        @wraps(function)
        def answer(text: str) -> T:
            return cached(text) if len(text) <= SHORT else function(text)

        return answer

    return decorate
