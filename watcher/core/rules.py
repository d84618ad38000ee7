"""Rules applied: entries from a document by CSS or JMESPath.

Every field is looked for once in the whole page, and each match is given to the record it stands in: the work is linear
in the page, whatever the number of records.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from watcher.core.feeds import plain
from watcher.core.identity import Record, entries_of
from watcher.core.nodes import Nodes
from watcher.core.parse import Document
from watcher.core.rule_tables import faults, from_table, rule_digest, split, to_toml
from watcher.core.taking import LONGEST_FIELD, Records, finished
from watcher.records import Entry, Rule

__all__ = [
    "apply",
    "faults",
    "from_table",
    "is_frame_there",
    "records_of",
    "rule_digest",
    "split",
    "to_toml",
]

LONGEST_TITLE = 1_000
MOST_ALIKE = 30
"""Entries alike in title, link and all fields that are kept apart."""
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
    found: list[Record] = []
    for row in rows:
        title = row.pop("title", "")[:LONGEST_TITLE]
        if not title or (skipped and _folded(title) in skipped):
            continue
        link = row.pop("link", "")
        url = document.absolute(link) if link else ""
        found.append((title, url, row))
    return Read(entries_of(_without_echoes(_shown_once(found)), base=document.url), matched[0])


def _shown_once(records: list[Record]) -> list[Record]:
    """The records, the first of those that lead to one page under one title: tabs show an entry under "all" and again
    under "published". A page that records of several titles lead to is nobody's own."""
    first = {(one[0], one[1]): one for one in reversed(records)}
    if len(first) == len(records):
        return records
    titles = Counter(url for _, url in first)
    return [one for one in records if titles[one[1]] > 1 or not one[1] or first[one[0], one[1]] is one]


def _without_echoes(records: list[Record]) -> list[Record]:
    """The records, of those that are alike in everything no more than ``MOST_ALIKE``: a page that says one thing a
    thousand times says it once."""
    if len(records) <= MOST_ALIKE or max(Counter([title for title, _, _ in records]).values()) <= MOST_ALIKE:
        return records
    said: Counter[tuple[object, ...]] = Counter()
    kept: list[Record] = []
    for title, url, fields in records:
        everything = (title, url, *sorted(fields.items()))
        said[everything] += 1
        if said[everything] <= MOST_ALIKE:
            kept.append((title, url, fields))
    return kept


def _folded(title: str) -> str:
    return " ".join(title.casefold().split())


# ---------------------------------------------------------------------------------------------------------- HTML


def _html_rows(rule: Rule, document: Document, matched: list[float]) -> list[dict[str, str]]:
    if document.nodes is None:
        return []
    entry, found = records_of(rule, document.nodes)
    rows: list[dict[str, str]] = [{} for _ in found]
    if not found:
        return rows
    records = Records(document.nodes, entry, found)
    for name, selectors in rule.fields.items():
        for at, selector in enumerate(selectors):
            for number, value in records.values(selector).items():
                if name not in rows[number]:
                    rows[number][name] = value[:LONGEST_FIELD]
            if name == "title" and at == 0 and not selector.nth:
                matched[0] = records.matched / len(found)
    return rows


def records_of(rule: Rule, nodes: Nodes) -> tuple[str, list[int]]:
    """The first of the rule's entry selectors that matches, and the places of its matches; the first one and none, if
    none does."""
    for selector in rule.entry:
        if found := nodes.select(selector):
            return selector, found
    return rule.entry[0] if rule.entry else "", []


def is_frame_there(rule: Rule, document: Document) -> bool:
    """Whether what the rule's records stand in is on the page, even if it holds none."""
    if rule.format == "json":
        return any(_holds_list(path.removesuffix("[]").removesuffix("[*]"), document.data) for path in rule.entry)
    nodes = document.nodes
    if nodes is None:
        return False
    for selector in rule.entry:
        for part in selector.split(", "):
            container = container_of(part)
            if (container and nodes.select(container)) or nodes.select(part):
                return True
    return False


def _holds_list(path: str, value: Any) -> bool:
    """Whether a list, or an object, stands at the path; of ``*``, which matches any object, what is in it counts."""
    found = _search(path, value)
    if path.endswith("*") and isinstance(found, list):
        return all(isinstance(one, (list, dict)) for one in found)
    return isinstance(found, (list, dict))


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
                        filter(None, (finished(json_text(_search(one.css, record)), one) for one in selectors)), ""
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
