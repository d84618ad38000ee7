"""Objects of alike objects by their names: a list in all but name, whose titles JMESPath could not reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watcher.core.lexicon import STRONG_TITLE_HINTS, TITLE_HINTS
from watcher.core.words import TITLE_KINDS, kind_of, words_in

KEY = "@name"
"""What an object's own key is called within it."""
DEEPEST = 8
MOST = 50_000
"""Values that are looked at."""
JUDGED = 40
_NAMES = TITLE_KINDS | {"file"}


def are_alike(values: Sequence[Any]) -> bool:
    """Whether all are objects that share some keys."""
    return all(isinstance(one, dict) for one in values) and len(set.intersection(*map(set, values or [()]))) >= 2


def with_keys(value: Any) -> Any:
    """The JSON value, in which objects that go by names, and hold none, say them as ``@name``."""
    level = [value]
    left = MOST
    for _ in range(DEEPEST):
        below: list[Any] = []
        for one in level[: max(0, left)]:
            if isinstance(one, dict) and _goes_by_names(one):
                for key, item in one.items():
                    one[key] = {KEY: key, **item}
            below += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        left -= len(level)
        level = below
    return value


def _goes_by_names(value: dict[str, Any]) -> bool:
    """Whether its keys are what its objects are called, and nothing in them is."""
    if len(value) < 2 or not are_alike(list(value.values())):
        return False
    said = {word for key in next(iter(value.values())) for word in words_in(key)}
    if said & (STRONG_TITLE_HINTS | TITLE_HINTS):
        return False
    keys = list(value)[:JUDGED]
    return sum(kind_of(key) in _NAMES for key in keys) * 10 >= len(keys) * 7
