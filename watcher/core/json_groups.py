"""Lists in a JSON value as groups of records, as ``candidates`` has them for HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from watcher.core.candidates import MAX_COLUMNS, SAMPLED
from watcher.core.groups import Column, Group
from watcher.core.keyed import are_alike
from watcher.core.rules import json_text
from watcher.core.words import words_in

DEEPEST = 8
MOST_GROUPS = 60
MOST_VALUES = 400_000
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def json_groups(data: Any) -> list[Group]:
    """The groups of a JSON value: lists of objects (or of texts, or of rows), lists inside records, objects of alike
    objects."""
    groups: list[Group] = []
    budget = MOST_VALUES
    for path, records in _lists(data, "", 0):
        if len(groups) >= MOST_GROUPS or budget <= 0:
            break
        budget -= len(records)
        group = _group(path, records)
        if group is not None:
            groups.append(group)
    return groups


def step(path: str, key: str) -> str:
    """The JMESPath of a key below a path."""
    name = key if _PLAIN_KEY.fullmatch(key) else '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return f"{path}.{name}" if path else name


def _lists(value: Any, path: str, depth: int) -> Iterator[tuple[str, list[Any]]]:
    """Path and records of every list, the outer ones first."""
    if depth > DEEPEST:
        return
    if isinstance(value, list):
        if value:
            yield path or "@", value
        dicts = [item for item in value if isinstance(item, dict)]
        for key in dict.fromkeys(key for item in dicts[:20] for key in item):
            inner = [item[key] for item in dicts if isinstance(item.get(key), list)]
            if inner:
                together = [record for records in inner for record in records]
                yield from _lists(together, f"{step(f'{path}[]' if path else '[]', key)}[]", depth + 1)
    elif isinstance(value, dict):
        inside = f"{path}.*" if path else "*"
        if _is_map(value):
            yield inside, list(value.values())
            return
        lists = [item for item in value.values() if isinstance(item, list)]
        if len(lists) == len(value) > 1 and are_alike(together := list(chain(*lists))):
            yield f"{inside}[]", together  # by status, by country …
            return
        for key, item in list(value.items())[:200]:
            if isinstance(item, (list, dict)):
                yield from _lists(item, step(path, key), depth + 1)


def _is_map(value: Mapping[str, Any]) -> bool:
    """Whether an object is a list in all but name: alike objects by their ids. One alone must have an id for key."""
    named = len(value) == 1 and not any(map(str.isdigit, next(iter(value))))
    return not named and are_alike(list(value.values()))


def _group(path: str, records: list[Any]) -> Group | None:
    sampled = records if len(records) <= SAMPLED else records[: SAMPLED // 2] + records[-SAMPLED // 2 :]
    group = Group(key=f"json/{path}", shape=f"json/{path}", records=range(len(sampled)), size=len(records), path=path)
    columns: dict[str, Column] = {}
    for number, record in enumerate(sampled):
        for place, value in _scalars(record):
            text = json_text(value)
            if not text:
                continue
            column = columns.get(place)
            if column is None:
                if len(columns) >= MAX_COLUMNS:
                    continue
                column = columns[place] = Column(path=place)
                column.hinted = partial(_hints, place)
                column.order = len(columns) - 1
            column.cells[number] = text
    group.columns = list(columns.values())
    return group if group.columns else None


def _scalars(record: Any) -> Iterator[tuple[str, Any]]:
    """Paths and values of what a record holds, objects in it looked into; of a row, as tables have them, its cells."""
    if not isinstance(record, Mapping):
        if isinstance(record, str):
            yield "@", record
        elif isinstance(record, list):
            yield from ((f"[{at}]", cell) for at, cell in enumerate(record[:80]) if not isinstance(cell, (dict, list)))
        return
    stack: list[tuple[str, Any, int]] = [("", record, 0)]
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, dict):
            if depth < 3:
                stack.extend((step(path, key), item, depth + 1) for key, item in reversed(list(value.items())[:80]))
        elif isinstance(value, list):
            if value and not isinstance(value[0], (dict, list)):
                yield path, value
        else:
            yield path, value


def _hints(place: str) -> frozenset[str]:
    """The words of the last keys on the way to a value."""
    return frozenset().union(*map(words_in, place.split(".")[-2:]))
