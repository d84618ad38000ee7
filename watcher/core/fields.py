"""Which columns of a group are kept as fields, what they are called, and which one leads to the entry's own page."""

from __future__ import annotations

import re
from collections.abc import Sequence

from watcher.core.groups import Column, Group, is_custom
from watcher.core.lexicon import FIELD_HINTS, VIEWED
from watcher.core.links import lead_of, own_pages, scripted
from watcher.core.words import label_of, words_in

MOST_FIELDS = 16
_OF_KIND = {
    "sentence": "description", "date": "date", "timer": "deadline", "size": "size", "views": "views", "price": "price",
    "percent": "progress", "status": "status", "place": "country", "domain": "domain",
}  # fmt: skip
_AGREES: dict[str, frozenset[str]] = {
    "description": frozenset({"sentence", "name", "question", "masked"}),
    "status": frozenset({"status", "percent", "name", "timer", "number"}),
    "date": frozenset({"date", "timer", "number"}),
    "deadline": frozenset({"date", "timer", "status", "number"}),
    "size": frozenset({"size", "number"}),
    "views": frozenset({"views", "number"}),
    "domain": frozenset({"domain", "name", "masked"}),
    "country": frozenset({"place", "name"}),
    "sector": frozenset({"name", "place"}),
    "revenue": frozenset({"price", "number", "name", "size"}),
    "price": frozenset({"price", "number"}),
    "employees": frozenset({"number", "name"}),
}
_SLUG = re.compile(r"[^a-z0-9]+")
LINK_ATTRIBUTES = ("href", "data-href", "data-url", "data-link", "onclick")


def name_fields(group: Group, columns: Sequence[Column], title: Column) -> dict[str, Column]:
    """Field name to column, in page order, the title left out; a place keeps its name as long as the rule stands."""
    named: dict[str, Column] = {}
    number = 0
    for column in columns:
        if len(named) >= MOST_FIELDS:
            break
        if column is title or same_place(column, title) or not worth_keeping(column, group):
            continue
        name = name_of(column)
        if not name or name in {"title", "link", "entry", "skip", "format"}:
            number += 1
            name = f"text{number}"
        free, again = name, 2
        while free in named:
            free, again = f"{name}{again}", again + 1
        named[free] = column
    return named


def same_place(one: Column, other: Column) -> bool:
    """Whether two columns are the same text (one of them perhaps a part of the other)."""
    return (
        one.place == other.place
        and one.attr == other.attr
        and one.path == other.path
        and (one.whole or other.whole or one.rank == other.rank)
    )


def worth_keeping(column: Column, group: Group) -> bool:
    """Whether what stands there says something of the entry; buttons and labels say nothing."""
    kinds = column.kinds
    if column.share("menu", "label", "none") > 0.5:
        return False
    if column.attr:
        shown = is_custom(column.tag) and column.attr not in LINK_ATTRIBUTES and not column.share("token") > 0.5
        return column.attr == "datetime" or shown
    alike = len(column.cells) >= 3 and len(set(column.cells.values())) == 1
    if alike and not column.label and not kinds.keys() & _SAYING:
        return False
    return len(column.cells) * 5 >= len(group.records) or len(column.cells) > 2


_SAYING = frozenset({"status", "size", "date", "timer", "percent", "views", "price", "sentence", "place", "domain"})
"""Kinds that say something even if they are the same in every record so far."""


def name_of(column: Column) -> str:
    """What a column is best called: by its label, its kind, its class names; empty if nothing tells."""
    if column.path:
        return _SLUG.sub("_", column.path.lower()).strip("_")[:40]
    kind = max(column.kinds, key=lambda kind: column.kinds[kind], default="none")
    if column.label:
        if kind in {"number", "views"} and any(word in column.label for word in VIEWED):
            return "views"
        hinted = _hinted(words_in(column.label), kind)
        slug = _SLUG.sub("_", column.label.lower()).strip("_")[:30]
        if hinted or slug:
            return hinted or slug
    by_class = _hinted(column.hints, kind)
    if by_class:
        return by_class
    if kind == "number":
        return "views" if column.hints & {"view", "views", "pv", "counter"} else ""
    if kind == "timer" and column.share("date") > 0.2:
        return "date"
    return _OF_KIND.get(kind, "")


def _hinted(words: frozenset[str], kind: str) -> str:
    names = {FIELD_HINTS[word] for word in words if word in FIELD_HINTS}
    fitting = sorted(name for name in names if kind in _AGREES[name])
    own = _OF_KIND.get(kind, "")
    if own in fitting:
        return own
    if own and own not in names and kind != "number":  # the class says text, the text says date
        return own if not fitting else fitting[0]
    return fitting[0] if fitting else ""


def own_link(columns: Sequence[Column], title: Column, base: str) -> Column | None:
    """The column of links to the entries' own pages; None if they have none."""
    best: tuple[float, Column] | None = None
    for column in columns:
        # a page may show entries twice, under tabs
        values = list({title.cells.get(number, value): value for number, value in column.cells.items()}.values())
        if column.attr == "onclick":
            values = [scripted(value) for value in values]
            if not all(value.startswith(("/", "http", "./", "?")) or "." in value or "/" in value for value in values):
                continue
        elif column.attr not in LINK_ATTRIBUTES and not (column.path and _is_link_key(column)):
            continue
        worth = own_pages(values, base)
        if not worth:
            continue
        near = column.place == title.place[: len(column.place)]  # the title is inside it
        worth += (
            1.0 * near
            + 0.5 * min(1.0, len(column.cells) / max(1, min(len(title.cells), 150)))
            - 0.02 * column.order / 100
        )
        if column.attr == "href":
            worth += 0.2
        if best is None or worth > best[0]:
            best = (worth, column)
    return best[1] if best and len(best[1].cells) * 2 >= min(len(title.cells), 150) else None


def _is_link_key(column: Column) -> bool:
    last = re.split(r"[.\[\]]+", column.path)[-1].lower()
    return bool(words_in(last) & {"url", "link", "href", "permalink", "uri", "path", "slug"}) and all(
        value.startswith(("/", "http", "?", "./")) for value in list(column.cells.values())[:20]
    )


def outside_link(columns: Sequence[Column], base: str) -> Column | None:
    """The column of links to the victims' own sites; None if there is none."""
    for column in columns:
        values = list(column.cells.values())
        if (
            column.attr == "href"
            and sum(lead_of(value, base) == "away" for value in values) * 10 >= len(values) * 9
            and column.distinct() > 0.8
        ):
            return column
    return None


AFTER_LABEL = r"^[^:：]{1,30}[:：]\s*(.+)$"
"""Regex for a text without its label: ``Country: Spain`` → ``Spain``."""


def is_labelled(column: Column) -> bool:
    """Whether each text of a column starts with the same label."""
    values = list(column.cells.values())[:40]
    labels = {label_of(value)[0] for value in values}
    return len(labels) == 1 and bool(labels.pop()) and not column.wordy
