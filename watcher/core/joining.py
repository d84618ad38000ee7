"""Lists that a page shows in pieces: by status, by day, in menus that open; put together again."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.groups import Column, Group

MOST_ALIKE = 40
"""Groups of one kind that are tried as parts of one list."""


def joined(groups: Sequence[Group]) -> list[Group]:
    """Groups put together from several that differ in nothing but what one container is called: published, waiting …"""
    buckets: dict[str, list[Group]] = {}
    for group in groups:
        steps = group.key.split("/")
        if "." not in steps[-1] and steps[-1] not in {"article", "section"}:
            continue
        for level in (-1, -2, -3):
            if len(steps) + level >= 2:
                tag, mark, _ = steps[level].partition(".")
                if mark:
                    wild = [*steps[:level], f"{tag}.*", *steps[len(steps) + level + 1 :]]
                    buckets.setdefault("/".join(wild), []).append(group)
    joined = [_join(key, alike) for key, parts in buckets.items() if len(alike := _alike(parts)) > 1]
    return [*joined, *_nested(groups)]


def _nested(groups: Sequence[Group]) -> list[Group]:
    """Groups put together with their like further down: the items of a menu and of the menus that it opens."""
    found: list[Group] = []
    by_step: dict[str, list[Group]] = {}
    for group in groups:
        step = group.key.rpartition("/")[2]
        if "." in step:
            by_step.setdefault(step, []).append(group)
    for kind in by_step.values():
        alike = kind[:MOST_ALIKE]
        for outer in alike:
            places = {column.identity() for column in outer.columns}
            inner = [
                one
                for one in alike
                if one.key.startswith(f"{outer.key}/") and {column.identity() for column in one.columns} <= places
            ]
            if inner:
                found.append(_join(f"{outer.key}/**", [outer, *inner]))
    return found


def _alike(groups: Sequence[Group]) -> list[Group]:
    """Those that have the columns of the largest of them, and link to pages of the same sort."""
    largest = max(groups, key=lambda group: group.size)
    wanted = {column.identity() for column in largest.columns}
    groups = [group for group in groups if group.leads & largest.leads or not (group.leads and largest.leads)]
    return [
        group for group in groups if len(wanted ^ {column.identity() for column in group.columns}) * 4 <= len(wanted)
    ]


def _join(key: str, parts: Sequence[Group]) -> Group:
    order = sorted(
        (record, number, part) for part, group in enumerate(parts) for number, record in enumerate(group.records)
    )
    number_in = {(part, number): joined for joined, (_, number, part) in enumerate(order)}
    whole = Group(
        key=key,
        shape=parts[0].shape,
        records=[record for record, _, _ in order],
        size=sum(group.size for group in parts),
    )
    whole.parts = tuple(parts)
    whole.pages = all(group.pages for group in parts)
    columns: dict[str, Column] = {}
    for part, group in enumerate(parts):
        for column in group.columns:
            joined = columns.get(column.identity())
            if joined is None:
                joined = columns[column.identity()] = Column(place=column.place, rank=column.rank)
                joined.tag, joined.hinted, joined.label = column.tag, column.hinted, column.label
                joined.linked, joined.order = column.linked, column.order
            joined.cells |= {number_in[part, number]: cell for number, cell in column.cells.items()}
            joined.owners |= {number_in[part, number]: owner for number, owner in column.owners.items()}
    whole.columns = sorted(columns.values(), key=lambda column: column.order)
    return whole
