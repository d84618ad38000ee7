"""CSS for a group's records and for the places in them, proved on the page they come from."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from watcher.core.groups import Column, Group
from watcher.core.lexicon import STATUS_CLASSES
from watcher.core.nodes import Nodes
from watcher.core.outline import Outline
from watcher.core.taking import Records
from watcher.records import Selector

_IDENTIFIER = re.compile(r"-?[A-Za-z_][\w-]*")
_STEADY_ID = re.compile(r"[A-Za-z_][A-Za-z_-]*\d?")
LONGEST_PATH = 14
"""Steps in a record's selector."""
PROVED = 150
"""Records that a selector is proved on."""


def entry_selector(outline: Outline, nodes: Nodes, group: Group) -> str:
    """CSS that matches the group's records and as little else as can be, starting no deeper than it must; empty if
    there is none."""
    if group.parts:
        parts = [entry_selector(outline, nodes, part) for part in group.parts]
        return ", ".join(parts) if all(parts) else ""
    wanted = {outline.place[record] for record in group.records}
    best, fewest = "", 1 << 60
    for strict in (False, True):
        for css in _paths(outline, group.records, strict=strict):
            found = frozenset(nodes.select(css))
            better = len(found) < fewest or (len(found) == fewest and _is_named(css) and not _is_named(best))
            if wanted <= found and better:
                best, fewest = css, len(found)
            if wanted <= found and len(found) <= group.size and _is_named(css):
                return css
    return best


def _is_named(css: str) -> bool:
    """Whether a path has a class or an id to hold on to."""
    return "." in css or "#" in css or "[class" in css.replace(":not([class])", "")


def _paths(outline: Outline, records: Sequence[int], *, strict: bool) -> Iterator[str]:
    """Paths to records, each a step longer; the id of an element that holds them all ends them."""
    record, last = records[0], records[-1]
    css = compound(outline, record, strict=strict)
    above = outline.parent[record]
    if above < 0 or outline.tag[above] == "html":
        yield css
    for _ in range(LONGEST_PATH):
        if above < 0 or outline.tag[above] == "html":
            return
        anchor = _steady_id(outline, above) if outline.end[above] > last else ""
        css = f"{anchor or compound(outline, above, strict=strict)} > {css}"
        yield css
        if anchor:
            return
        above = outline.parent[above]


def compound(outline: Outline, element: int, *, strict: bool = False) -> str:
    """Tag and steady class of an element as CSS; with ``strict``, what has no class must have none."""
    tag, key = outline.tag[element], outline.key[element]
    attributes = outline.attrs[element]
    classes = (attributes.get("class") or "") if attributes else ""
    css = step_css(tag, key, classes)
    return f"{css}:not([class])" if strict and not classes else css


def step_css(tag: str, key: str, classes: str = "") -> str:
    """Tag and class as CSS; a class that says how an entry stands (``active``, ``leaked``) is left out."""
    name = tag if re.fullmatch(r"[a-z][a-z0-9-]*", tag) else "*"
    if not key or key.lower() in STATUS_CLASSES:
        return name
    if classes and key not in classes.split():  # a part of it was a hash
        piece = max(re.split(r"[^A-Za-z0-9]+", key), key=len)
        return f'{name}[class*="{piece}"]' if len(piece) > 2 else name
    if _IDENTIFIER.fullmatch(key):
        return f"{name}.{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}[class~="{escaped}"]'


def _steady_id(outline: Outline, element: int) -> str:
    attributes = outline.attrs[element]
    value = (attributes.get("id") or "") if attributes else ""
    return f"#{value}" if _STEADY_ID.fullmatch(value) and len(value) <= 40 else ""


class Prover:
    """Finds selectors for columns and proves them on the records of one page."""

    def __init__(self, outline: Outline, nodes: Nodes, group: Group, entry: str) -> None:
        self.outline = outline
        self.records = Records(nodes, entry, nodes.select(entry))
        self.first = min(PROVED, len(self.records.records))
        number_of = self.records.number_of
        # the page's numbering of records to the selector's
        self.as_matched = {
            number: number_of[outline.place[record]]
            for number, record in enumerate(group.records)
            if outline.place[record] in number_of
        }
        self.ours = frozenset(self.as_matched.values())

    def selector(self, column: Column, regex: str = "") -> Selector | None:
        """The simplest selector that takes the column's cells from the records; None if none does."""
        wanted = {
            self.as_matched[number]: cell
            for number, cell in column.cells.items()
            if self.as_matched.get(number, self.first) < self.first
        }
        best: tuple[float, Selector] | None = None
        for trial in self._trials(column):
            cost = self._mistakes(trial, wanted)
            if best is None or cost < best[0]:
                best = (cost, trial)
            if cost == 0:
                break
        if best is None or best[0] * 5 > len(wanted):
            return None
        found_selector = best[1]
        return (
            found_selector
            if not regex
            else Selector(css=found_selector.css, attr=found_selector.attr, regex=regex, nth=found_selector.nth)
        )

    def proves(self, selector: Selector, column: Column) -> bool:
        """Whether a selector takes the column's cells, words for words, from nearly all records that have them."""
        wanted = {self.as_matched[number]: cell for number, cell in column.cells.items() if number in self.as_matched}
        found = self.records.values(selector, first=self.first)
        right = sum(1 for number, cell in wanted.items() if found.get(number, "").split() == cell.split())
        return right * 10 >= len(wanted) * 9

    def _mistakes(self, trial: Selector, wanted: Mapping[int, str]) -> int:
        """How many records a selector takes something wrong from, or something where nothing is."""
        found = self.records.values(trial, first=self.first)
        wrong = sum(1 for number, cell in wanted.items() if found.get(number, "") != cell)
        return wrong + sum(1 for number in found if number in self.ours and number not in wanted)

    def _trials(self, column: Column) -> Iterator[Selector]:
        """Selectors that may take the column, the plainest first."""
        owner = next(iter(column.owners.values()))
        suffix = "" if column.attr or column.whole or self._alone(owner) else "::text"
        steps: list[tuple[str, int]] = []
        at = owner
        for _ in column.place:
            steps.insert(0, (compound(self.outline, at), self.outline.nth[at]))
            at = self.outline.parent[at]
        if not steps:
            yield Selector(css=suffix, attr=column.attr, nth=column.rank if suffix else 0)
            return
        last = steps[-1][0]
        paths = [last] if last not in {"div", "span", "a", "p"} or len(steps) == 1 else []
        if len(steps) > 1:
            paths.append(f"{steps[-2][0]} > {last}")
        paths += [last, "> " + " > ".join(css for css, _ in steps)]
        ranks = [0, steps[-1][1]] if not suffix else [column.rank, steps[-1][1], 0]
        for path in dict.fromkeys(paths):
            for nth in dict.fromkeys(ranks):
                yield Selector(css=path + suffix, attr=column.attr, nth=nth)
        exact = self._exact(owner, len(steps))
        for nth in dict.fromkeys(ranks if suffix else [0]):
            yield Selector(css=exact + suffix, attr=column.attr, nth=nth)

    def _alone(self, owner: int) -> bool:
        """Whether the chunk is all the text that the element holds."""
        return self.outline.leaf_end[owner] - self.outline.leaf_start[owner] == 1

    def _exact(self, owner: int, depth: int) -> str:
        """The way from the record to an element by tags and numbers."""
        outline = self.outline
        parts: list[str] = []
        at = owner
        for _ in range(depth):
            parent = outline.parent[at]
            rank = 1 + sum(
                1
                for other in range(parent + 1, at)
                if outline.parent[other] == parent and outline.tag[other] == outline.tag[at]
            )
            parts.append(f"{outline.tag[at]}:nth-of-type({rank})")
            at = parent
        return "> " + " > ".join(reversed(parts))
