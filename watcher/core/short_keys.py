"""A cache that no page can fill with what it says: only short texts are kept."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Generic, TypeVar

SHORT = 256
"""Characters; nearly all names, lines and class names are shorter, and those that are not are rarely seen again."""

T = TypeVar("T")


class _Answers(dict[str, T], Generic[T]):
    """What a function says of texts; what it was asked before costs no more than a look into a dictionary."""

    __slots__ = ("ask", "most")

    def __init__(self, ask: Callable[[str], T], most: int) -> None:
        super().__init__()
        self.ask, self.most = ask, most

    def __missing__(self, text: str) -> T:
        answer = self.ask(text)
        if len(text) <= SHORT:
            if len(self) >= self.most:
                for oldest in list(islice(self, (self.most + 1) // 2)):
                    del self[oldest]
            self[text] = answer
        return answer


def cached_if_short(maxsize: int) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """As ``lru_cache``, for a function of one text: what it says of a long one is worked out each time."""
    return lambda function: _Answers(function, maxsize).__getitem__
