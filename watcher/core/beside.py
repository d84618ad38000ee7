"""Fields that stand beside a record, not in it: the paragraphs below a heading that is all there is of an entry."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from watcher.core.fields import name_of, worth_keeping
from watcher.core.groups import Column, Group
from watcher.core.outline import Outline
from watcher.core.selectors import Prover, compound
from watcher.records import Selector

LOOKED = 60
"""Records that are looked at."""
MOST_BESIDE = 12
"""Elements between two records; where there are more, they belong to no entry."""


def beside_fields(outline: Outline, group: Group, prover: Prover) -> Mapping[str, Selector]:
    """Field name to the selector of an element that follows every record, before the next; none if the records hold
    more than their title, or do not stand in one row."""
    if len(group.columns) > 1 or group.parts or len({outline.parent[record] for record in group.records}) > 1:
        return {}
    columns: dict[str, Column] = defaultdict(Column)
    for number, record in enumerate(group.records[:LOOKED]):
        seen: Counter[str] = Counter()
        for element in _following(outline, group, number, record):
            css = compound(outline, element)
            column = columns[f"{css} {seen[css]}"]
            seen[css] += 1
            text = outline.text(element)
            if text:
                column.cells[number], column.owners[number], column.tag = text, element, outline.tag[element]
    found: dict[str, Selector] = {}
    looked = min(LOOKED, len(group.records))
    for place, column in columns.items():
        css, _, nth = place.rpartition(" ")
        if len(column.cells) * 2 <= looked or not worth_keeping(column, group):
            continue
        name = name_of(column) or f"text{len(found) + 1}"
        selector = Selector(css=f"~ {css}", nth=int(nth))
        if name not in found and prover.proves(selector, column):
            found[name] = selector
    return found


def _following(outline: Outline, group: Group, number: int, record: int) -> list[int]:
    """The elements between a record and the next one, all with the same parent."""
    last = number + 1 >= len(group.records)
    parent = outline.parent[record]
    stop = outline.end[parent] if last else group.records[number + 1]
    found: list[int] = []
    at = outline.end[record]
    while at < stop and len(found) <= MOST_BESIDE:
        if outline.parent[at] == parent:
            found.append(at)
        at = outline.end[at]
    return [] if len(found) > MOST_BESIDE and not last else found[:MOST_BESIDE]
