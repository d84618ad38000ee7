"""Groups of alike records as tables: what stands at the same place in each of them is a column."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from watcher.core.words import kind_of, words_in

JUDGED = 36
"""Cells of a column whose kinds are looked at."""

Place = tuple[tuple[str, str, int], ...]
"""Steps (tag, class, which of them) from a record down to an element."""


def is_custom(tag: str) -> bool:
    """Whether it is an element of the site's own, which scripts fill in: all that its attributes say may be shown."""
    return "-" in tag


class Column:
    """One place in the records of a group, and what stands there."""

    __slots__ = (
        "_distinct",
        "_hints",
        "_identity",
        "_kinds",
        "_looked",
        "attr",
        "cells",
        "hinted",
        "label",
        "linked",
        "order",
        "owners",
        "path",
        "place",
        "rank",
        "tag",
        "whole",
    )

    def __init__(self, *, place: Place = (), rank: int = 0, attr: str = "", path: str = "") -> None:
        self.place = place
        self.rank = rank
        """Which of the element's own chunks of text."""
        self.attr = attr
        """The attribute it is; empty: text."""
        self.path = path
        """JMESPath from the record, in JSON."""
        self.whole = False
        """All the element's text, not one chunk."""
        self.cells: dict[int, str] = {}
        """Record number to text."""
        self.owners: dict[int, int] = {}
        """Record number to element."""
        self.hinted: Callable[[], frozenset[str]] = frozenset
        """Works out the hints: few columns are asked for theirs."""
        self._hints: frozenset[str] | None = None
        self.tag = ""
        self.label = ""
        """What the page itself calls it: a table's heading, ``<dt>``, ``Country:``, a key."""
        self.linked = False
        """It is the text of a link."""
        self.order = 0
        """Place among the group's columns."""
        self._kinds: dict[str, int] | None = None
        self._looked = 0
        self._distinct = -1.0
        self._identity = ""

    @property
    def hints(self) -> frozenset[str]:
        """Words of the class names, ids and keys of the element and its parents within the record."""
        if self._hints is None:
            self._hints = self.hinted()
        return self._hints

    @property
    def kinds(self) -> Mapping[str, int]:
        """How many of the cells looked at are of which kind."""
        if self._kinds is None:
            values = list(self.cells.values())
            if len(values) > JUDGED:  # three runs: a stride would fall into step with a pattern
                third, middle = JUDGED // 3, len(values) // 2
                values = values[:third] + values[middle : middle + third] + values[-third:]
            counts: dict[str, int] = {}
            for kind in map(kind_of, values):
                counts[kind] = counts.get(kind, 0) + 1
            self._kinds, self._looked = counts, len(values)
        return self._kinds

    def share(self, *kinds: str) -> float:
        """Which part of the cells looked at is of one of these kinds."""
        counts = self._kinds if self._kinds is not None else self.kinds
        number = 0
        for kind in kinds:
            number += counts.get(kind, 0)
        return number / self._looked if number else 0.0

    @property
    def names(self) -> float:
        """Which part of the cells looked at may be names."""
        return self.share("name", "masked", "domain")

    @property
    def wordy(self) -> bool:
        """Whether it is a text of sentences."""
        return self.kinds.get("sentence", 0) * 2 > self._looked

    def distinct(self) -> float:
        """Different texts a cell."""
        if self._distinct < 0:
            different = {value.casefold() for value in self.cells.values()}
            self._distinct = len(different) / len(self.cells) if self.cells else 0.0
        return self._distinct

    def identity(self) -> str:
        """What names the column among its group's, the same on every page."""
        if not self._identity:
            steps = "/".join([f"{tag}.{key}:{nth}" for tag, key, nth in self.place])
            chunk = f"@{self.attr}" if self.attr else "#*" if self.whole else f"#{self.rank}"
            self._identity = self.path or steps + chunk
        return self._identity


class Group:
    """Alike records, and their columns."""

    __slots__ = ("_words", "columns", "key", "leads", "pages", "parts", "path", "records", "shape", "size")

    def __init__(self, *, key: str, shape: str, records: Sequence[int], size: int, path: str = "") -> None:
        self.key = key
        """What names the group on every page of its design: the path with class names."""
        self.shape = shape
        """The path with tags alone."""
        self.records = records
        """Elements (those sampled)."""
        self.size = size
        """Records, those not sampled too."""
        self.path = path
        """JMESPath of the list, in JSON."""
        self.columns: list[Column] = []
        self.pages = False
        """Its records link to different pages of the site."""
        self.leads: frozenset[str] = frozenset()
        """What these links begin with: ``/view``, ``?id``."""
        self.parts: tuple[Group, ...] = ()
        """The groups it was put together from."""
        self._words: frozenset[str] | None = None

    @property
    def words(self) -> frozenset[str]:
        """The words of the tags and class names on its path."""
        if self._words is None:
            self._words = frozenset().union(*map(words_in, self.key.split("/")))
        return self._words
