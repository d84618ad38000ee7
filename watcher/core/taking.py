"""What selectors take from the records of a page.

Every field is looked for once in the whole page, and each match is given to the record it stands in: the work is linear
in the page, whatever the number of records.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise

from selectolax.lexbor import LexborNode

from watcher.core.nodes import Nodes
from watcher.core.rule_tables import wrapped
from watcher.records import Selector

LONGEST_FIELD = 20_000
LONGEST_WALK = 400
"""Elements between a record and a field that stands beside it."""
_TEXT = "::text"


class Records:
    """The records of a page, and which of them each of its nodes is in."""

    __slots__ = (
        "_inside", "_latest", "_matching", "_nested", "entry", "matched", "nodes", "number_of", "records",
    )  # fmt: skip

    def __init__(self, nodes: Nodes, entry: str, records: Sequence[int]) -> None:
        self.nodes, self.entry, self.records = nodes, entry, records
        self.number_of: Mapping[int, int] = {at: number for number, at in enumerate(records)}
        """Place to number."""
        self.matched = 0
        """How often the last selector matched on the page; 0 if it meant the records themselves."""
        self._nested: bool | None = None
        self._latest: list[int] | None = None
        self._inside: list[int] | None = None
        self._matching: dict[str, tuple[list[int], list[int]]] = {}

    def record_of(self, places: Sequence[int], css: str) -> list[int]:
        """The number of the record that each place is in (that it is one itself does not count); -1: it is in none."""
        if self._nested is None:
            self._nested = self._are_nested()
        # an alternative may match outside the records
        inside = self._innermost() if self._nested or "," in css else self._last_begun()
        return list(map(inside.__getitem__, places))

    def _last_begun(self) -> list[int]:
        """The number of the last record that begins before each node."""
        if self._latest is None:
            starts = sorted(self.number_of)
            latest = [-1] * (min(starts, default=0) + 1)
            for start, following in pairwise([*starts, len(self.nodes.node)]):
                latest += [self.number_of[start]] * (following - start)
            self._latest = latest
        return self._latest

    def _are_nested(self) -> bool:
        """Whether a record stands in another."""
        parent, starts = self.nodes.parent, self.number_of
        looked: set[int] = set()
        for at in {parent[start] for start in starts}:
            above = at
            while above >= 0 and above not in looked:
                if above in starts:
                    return True
                looked.add(above)
                above = parent[above]
        return False

    def _innermost(self) -> list[int]:
        """The number of the record that each node is in: of records in records the innermost counts."""
        if self._inside is None:
            own = [-1] * (len(self.nodes.node) + 1)
            for at, number in self.number_of.items():
                own[at] = number
            inside: list[int] = []
            for _, _, parent in self.nodes:
                inside.append(own[parent] if own[parent] >= 0 or parent < 0 else inside[parent])
            self._inside = inside
        return self._inside

    def values(self, selector: Selector, *, first: int = 1 << 60) -> dict[int, str]:
        """Record number to what the selector takes from it; only of the ``first`` records, if so many are enough."""
        css = selector.css.strip()
        own_text = css.endswith(_TEXT)
        css = css.removesuffix(_TEXT).strip()
        numbers, places = self._matches(css, first)
        if own_text or selector.nth:
            taken = self._nth(numbers, places, selector, own_text=own_text)
        else:
            taken = self._first(numbers, places, selector.attr)
        if selector.regex or selector.template:
            return {number: value for number, raw in taken.items() if (value := finished(raw, selector))}
        return taken

    def _matches(self, css: str, first: int) -> tuple[list[int], list[int]]:
        """The places of what matches in the ``first`` records, and before them the number of the record of each."""
        self.matched = 0
        if not css:
            places = list(self.records[:first])
            return list(range(len(places))), places
        if css not in self._matching:  # it is asked for again with another ``nth``
            self._matching[css] = self._numbered(css)
        numbers, places = self._matching[css]
        self.matched = len(places)
        if first < len(self.records):
            end = next((at for at, number in enumerate(numbers) if number >= first), len(numbers))
            return numbers[:end], places[:end]
        return numbers, places

    def _numbered(self, css: str) -> tuple[list[int], list[int]]:
        places = self.nodes.select(wrapped(self.entry, css))
        if css[0] in "+~":
            return [self._beside(self.nodes.node[at]) for at in places], places
        return self.record_of(places, css), places

    def _beside(self, node: LexborNode) -> int:
        """The nearest record before the node or before one of the elements that it is in."""
        at: LexborNode | None = node
        steps = 0
        while at is not None and steps < LONGEST_WALK:
            before = at.prev
            while before is not None and steps < LONGEST_WALK:
                steps += 1
                number = self.number_of.get(self.nodes.number[before.mem_id], -1)
                if number >= 0:
                    return number
                before = before.prev
            at = at.parent
        return -1

    def _first(self, numbers: Sequence[int], places: Sequence[int], attr: str) -> dict[int, str]:
        """What the first match in each record says, if it says anything."""
        firsts = dict(zip(reversed(numbers), reversed(places), strict=True))
        firsts.pop(-1, None)
        if attr:
            nodes = self.nodes.node
            said = ((number, nodes[at].attributes.get(attr)) for number, at in firsts.items())
            return {number: value for number, raw in said if raw and (value := " ".join(raw.split()))}
        return self.nodes.texts(firsts.items())

    def _nth(
        self, numbers: Sequence[int], places: Sequence[int], selector: Selector, *, own_text: bool
    ) -> dict[int, str]:
        """What the selector's ``nth`` match in each record says, or its nth chunk of text of its own."""
        matches: dict[int, list[int]] = {}
        for number, at in zip(numbers, places, strict=True):
            matches.setdefault(number, []).append(at)
        matches.pop(-1, None)
        nth = selector.nth
        if own_text and not selector.attr:
            taken: dict[int, str] = {}
            for number, found in matches.items():
                chunks = [chunk for at in found for chunk in _own_chunks(self.nodes.node[at])]
                if -len(chunks) <= nth < len(chunks):
                    taken[number] = " ".join(chunks[nth].split())
            return taken
        chosen = {number: found[nth] for number, found in matches.items() if -len(found) <= nth < len(found)}
        return self._first(list(chosen), list(chosen.values()), selector.attr)


def _own_chunks(node: LexborNode) -> list[str]:
    chunks = [child.text_content or "" for child in node.iter(include_text=True) if child.is_text_node]
    return [chunk for chunk in chunks if chunk.strip()]


def finished(value: str, selector: Selector) -> str:
    """A value once the selector's regex and template are applied."""
    if selector.regex and value:
        match = _compiled(selector.regex).search(value[:LONGEST_FIELD])
        value = (match[1] if match.re.groups else match[0]) or "" if match else ""
    value = value.strip()
    return selector.template.replace("{}", value) if selector.template and value else value


@lru_cache(maxsize=512)
def _compiled(regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except (re.error, RecursionError, OverflowError):
        return re.compile(r"(?!)")
