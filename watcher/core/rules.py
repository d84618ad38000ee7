"""Rules applied: entries from a document by CSS or JMESPath.

Every field is looked for once in the whole page, and each match is given to the record it stands in: the work is linear
in the page, whatever the number of records.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from watcher.core.feeds import plain
from watcher.core.identity import assign_keys
from watcher.core.outline import visible_chunks
from watcher.core.parse import Document
from watcher.core.rule_tables import faults, from_table, rule_digest, split, starred, to_toml, wrapped
from watcher.records import Entry, Rule, Selector

__all__ = [
    "apply",
    "faults",
    "field_values",
    "from_table",
    "is_frame_there",
    "records_of",
    "rule_digest",
    "split",
    "to_toml",
]

LONGEST_TITLE = 1_000
LONGEST_FIELD = 20_000
MOST_ALIKE = 30
"""Entries alike in title, link and all fields that are kept apart."""
HIGHEST_CLIMB = 100
"""Levels between a field and its record."""
LONGEST_WALK = 400
"""Elements between a record and a field that stands beside it."""
_TEXT = "::text"
_DOTTED = re.compile(r"[A-Za-z_][\w]*(?:\.[A-Za-z_][\w]*)*")


@dataclass(frozen=True, slots=True)
class Read:
    """What a rule took from a document."""

    entries: tuple[Entry, ...]
    titles_a_record: float = 0.0
    """How often the title's selector matched in a record, on the average; 0 where that means nothing."""


def apply(rule: Rule, document: Document) -> tuple[Entry, ...]:
    """The entries that the rule reads from the document, in page order; keys are assigned."""
    return read(rule, document).entries


def read(rule: Rule, document: Document) -> Read:
    """The entries, and how well the rule fits."""
    matched: list[float] = [0.0]
    rows = _json_rows(rule, document) if rule.format == "json" else _html_rows(rule, document, matched)
    skipped = {_folded(title) for title in rule.skip}
    entries: list[Entry] = []
    for row in rows:
        title = row.pop("title", "")[:LONGEST_TITLE]
        if not title or (skipped and _folded(title) in skipped):
            continue
        link = row.pop("link", "")
        url = document.absolute(link) if link else ""
        entries.append(Entry(key="", title=title, url=url, fields=row))
    return Read(assign_keys(_without_echoes(entries), base=document.url), matched[0])


def _without_echoes(entries: list[Entry]) -> list[Entry]:
    """The entries, of those that are alike in everything no more than ``MOST_ALIKE``: a page that says one thing a
    thousand times says it once."""
    if len(entries) <= MOST_ALIKE or max(Counter(entry.title for entry in entries).values()) <= MOST_ALIKE:
        return entries
    said: Counter[tuple[object, ...]] = Counter()
    kept: list[Entry] = []
    for entry in entries:
        everything = (entry.title, entry.url, *sorted(entry.fields.items()))
        said[everything] += 1
        if said[everything] <= MOST_ALIKE:
            kept.append(entry)
    return kept


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


# ---------------------------------------------------------------------------------------------------------- HTML


def records_of(rule: Rule, tree: LexborHTMLParser) -> tuple[str, list[LexborNode]]:
    """The first of the rule's entry selectors that matches, and its matches; the first one and none, if none does."""
    for selector in rule.entry:
        nodes = select(tree, selector)
        if nodes:
            return selector, nodes
    return rule.entry[0] if rule.entry else "", []


def select(tree: LexborHTMLParser, selector: str) -> list[LexborNode]:
    """What a selector matches, each once, in page order; nothing if it cannot be read."""
    try:
        nodes = tree.css(starred(selector))
    except (SelectolaxError, ValueError):
        return []
    if "," in selector:  # what several alternatives match comes once for each
        nodes = list({node.mem_id: node for node in nodes}.values())
    return nodes


def _html_rows(rule: Rule, document: Document, matched: list[float]) -> list[dict[str, str]]:
    if document.tree is None:
        return []
    entry, records = records_of(rule, document.tree)
    rows: list[dict[str, str]] = [{} for _ in records]
    if not records:
        return rows
    number_of = {node.mem_id: number for number, node in enumerate(records)}
    for name, selectors in rule.fields.items():
        for at, selector in enumerate(selectors):
            counted = matched if name == "title" and at == 0 else None
            values = field_values(document.tree, entry, records, number_of, selector, counted=counted)
            for number, value in values.items():
                if value and name not in rows[number]:
                    rows[number][name] = value[:LONGEST_FIELD]
    return rows


def field_values(
    tree: LexborHTMLParser,
    entry: str,
    records: Sequence[LexborNode],
    number_of: Mapping[int, int],
    selector: Selector,
    *,
    first: int = 1 << 60,
    counted: list[float] | None = None,
) -> dict[int, str]:
    """Record number to what the selector takes from it; only of the ``first`` records, if so many are enough.
    ``counted`` is told how often the selector matches in a record."""
    css = selector.css.strip()
    own_text = css.endswith(_TEXT)
    css = css.removesuffix(_TEXT).strip()
    simple = not (own_text or selector.nth)
    matches: dict[int, list[LexborNode]] = {}
    if not css:
        matches = {number: [node] for number, node in enumerate(records[:first])}
    else:
        number_for = _record_beside if css[0] in "+~" else _record_above
        nodes = select(tree, wrapped(entry, css))
        if counted and not selector.nth:
            counted[0] = len(nodes) / len(records)
        for node in nodes:
            number = number_for(node, number_of)
            if number >= first:
                break
            if number not in matches:
                matches[number] = [node]
            elif not simple:  # the first match is all that counts
                matches[number].append(node)
    matches.pop(-1, None)
    found: dict[int, str] = {}
    for number, matching in matches.items():
        value = _plainly(matching[0], selector.attr) if simple else _taken(matching, selector, own_text)
        if value and (selector.regex or selector.template):
            value = _finished(value, selector)
        if value:
            found[number] = value
    return found


def _plainly(node: LexborNode, attr: str) -> str:
    return " ".join((node.attributes.get(attr) or "").split()) if attr else text_of(node)


def _record_above(node: LexborNode, number_of: Mapping[int, int]) -> int:
    above = node.parent
    for _ in range(HIGHEST_CLIMB):
        if above is None:
            break
        number = number_of.get(above.mem_id, -1)
        if number >= 0:
            return number
        above = above.parent
    return -1


def _record_beside(node: LexborNode, number_of: Mapping[int, int]) -> int:
    """The nearest record before the node or before one of the elements that it is in."""
    at: LexborNode | None = node
    steps = 0
    while at is not None and steps < LONGEST_WALK:
        before = at.prev
        while before is not None and steps < LONGEST_WALK:
            steps += 1
            number = number_of.get(before.mem_id, -1)
            if number >= 0:
                return number
            before = before.prev
        at = at.parent
    return -1


def _taken(nodes: Sequence[LexborNode], selector: Selector, own_text: bool) -> str:
    nth = selector.nth
    if own_text and not selector.attr:
        chunks = [chunk for node in nodes for chunk in _own_chunks(node)]
        raw = chunks[nth] if -len(chunks) <= nth < len(chunks) else ""
    else:
        if not -len(nodes) <= nth < len(nodes):
            return ""
        node = nodes[nth]
        raw = (node.attributes.get(selector.attr) or "") if selector.attr else text_of(node)
    return " ".join(raw.split())


def _own_chunks(node: LexborNode) -> list[str]:
    chunks = [child.text_content or "" for child in node.iter(include_text=True) if child.is_text_node]
    return [chunk for chunk in chunks if chunk.strip()]


def text_of(node: LexborNode) -> str:
    """The visible text of an element, white space folded."""
    only = node.first_child
    if only is not None and only.next is None and only.is_text_node:
        return " ".join((only.text_content or "").split())
    return " ".join(visible_chunks(node))


def _finished(value: str, selector: Selector) -> str:
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


def is_frame_there(rule: Rule, document: Document) -> bool:
    """Whether what the rule's records stand in is on the page, even if it holds none."""
    if rule.format == "json":
        return any(
            isinstance(_search(path.removesuffix("[]").removesuffix("[*]"), document.data), (list, dict))
            for path in rule.entry
        )
    if document.tree is None:
        return False
    for selector in rule.entry:
        for part in selector.split(", "):
            container = container_of(part)
            if (container and select(document.tree, container)) or select(document.tree, part):
                return True
    return False


def container_of(selector: str) -> str:
    """The part of an entry selector before its last step; empty if it has one step."""
    head, mark, _ = selector.rpartition(" > ")
    return head if mark else selector.rpartition(" ")[0]


# ---------------------------------------------------------------------------------------------------------- JSON


def _json_rows(rule: Rule, document: Document) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in rule.entry:
        found = _search(path, document.data)
        if isinstance(found, dict):
            found = [found]
        if isinstance(found, list) and found:
            for record in found:
                row: dict[str, str] = {}
                for name, selectors in rule.fields.items():
                    value = next(
                        filter(None, (_finished(json_text(_search(one.css, record)), one) for one in selectors)), ""
                    )
                    if value:
                        row[name] = value[:LONGEST_FIELD]
                rows.append(row)
            break
    return rows


def _search(path: str, value: Any) -> Any:
    """What a JMESPath finds; None if it cannot be read or applied."""
    if path in {"@", ""}:
        return value
    if _DOTTED.fullmatch(path):
        for key in path.split("."):
            value = value.get(key) if isinstance(value, dict) else None
        return value
    compiled = _jmespath(path)
    if compiled is None:
        return None
    try:
        return compiled.search(value)
    except (JMESPathError, RecursionError, TypeError, ValueError):
        return None


@lru_cache(maxsize=512)
def _jmespath(path: str) -> Any:
    try:
        return jmespath.compile(path)
    except (JMESPathError, RecursionError):
        return None


def json_text(value: Any) -> str:
    """A JSON value as a person would read it: markup taken off texts, lists joined; objects have no text."""
    if isinstance(value, str):
        return " ".join(plain(value).split())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, list):
        return ", ".join(filter(None, map(_scalar_text, value[:50])))
    return ""


def _scalar_text(value: Any) -> str:
    return json_text(value) if not isinstance(value, (list, dict)) else ""


def texts(entries: Iterable[Entry]) -> list[str]:
    """The titles of entries."""
    return [entry.title for entry in entries]
