"""Groups of alike records on a page, as tables of texts: what entries could be read from.

A group is every element whose path of tags and class names from the root is the same; a column is the text (or
attribute) found at the same place in each of its records. JSON gives the same tables, with keys for places.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from watcher.core.groups import Column, Group, Place, is_custom
from watcher.core.joining import joined
from watcher.core.lexicon import FIELD_HINTS
from watcher.core.outline import Outline
from watcher.core.words import is_company, kind_of, label_of, words_in

SAMPLED = 1000
"""Records of a group that are looked at (half from each end); a bound on work, far above what a rule needs."""
MAX_COLUMNS = 400
MOST_GROUPS = 300
"""Groups of a page that are looked at: the largest."""
LONGEST_HEAD = 30
"""Letters that name a column."""
HIGHEST_CLIMB = 40
"""Levels above a text at which records are looked for: a bound on work in pages nested without end."""
ATTRIBUTES = frozenset({"title", "alt", "aria-label", "datetime", "onclick", "href"})
"""Attributes that may say something of a record; ``data-…`` may, too."""
SAID_INSTEAD = frozenset({"title", "alt", "aria-label"})
"""Those of them that are shown or read out where there is no text."""


def html_groups(outline: Outline, *, smallest: int = 2, only: frozenset[int] | None = None) -> list[Group]:
    """The groups of at least ``smallest`` records (``only``: these signatures), their text columns filled."""
    members: dict[int, list[int]] = defaultdict(list)
    for element, sig in enumerate(outline.sig):
        members[sig].append(element)
    chosen = {
        sig: elements
        for sig, elements in members.items()
        if len(elements) >= smallest
        and (only is None or sig in only)
        and outline.tag[elements[0]] not in {"html", "body", "br", "hr", "option", "input", "img"}
    }
    if smallest > 1:
        _drop_parts(outline, members, chosen)
    if len(chosen) > MOST_GROUPS:
        largest = sorted(chosen, key=lambda sig: -len(chosen[sig]))[:MOST_GROUPS]
        chosen = {sig: chosen[sig] for sig in sorted(largest)}
    group_of = [-1] * len(outline.sig)
    number_of = [0] * len(outline.sig)
    groups: list[Group] = []
    for elements in chosen.values():
        sampled = elements if len(elements) <= SAMPLED else elements[: SAMPLED // 2] + elements[-SAMPLED // 2 :]
        for number, element in enumerate(sampled):
            group_of[element] = len(groups)
            number_of[element] = number
        groups.append(
            Group(
                key=path_key(outline, elements[0]),
                shape=path_shape(outline, elements[0]),
                records=sampled,
                size=len(elements),
            )
        )
    _fill(outline, groups, group_of, number_of)
    for group in groups:
        if not group.columns:  # pictures: what is said in their stead is all the text there is; or scripts fill them in
            columns = attribute_columns(outline, group)
            group.columns = [one for one in columns if one.attr in SAID_INSTEAD or is_custom(one.tag)]
    filled = [group for group in groups if group.columns]
    return [*filled, *joined(filled)] if smallest > 1 else filled


def path_key(outline: Outline, element: int) -> str:
    """The path of tags and class names from the root to an element."""
    steps = [
        outline.steps[outline.step[element]],
        *(outline.steps[outline.step[above]] for above in outline.ancestors(element)),
    ]
    return "/".join(f"{tag}.{key}" if key else tag for tag, key in reversed(steps))


def path_shape(outline: Outline, element: int) -> str:
    """The path of tags from the root to an element."""
    return "/".join(reversed([outline.tag[element], *(outline.tag[above] for above in outline.ancestors(element))]))


def _drop_parts(outline: Outline, members: Mapping[int, Sequence[int]], chosen: dict[int, list[int]]) -> None:
    """Takes out groups whose every record is a part of a record of its own in an outer group: that one has it all."""
    kept_by = set(chosen)  # signatures that are groups, or parts of one
    for sig in list(chosen):
        elements = chosen[sig]
        parents = {outline.parent[element] for element in elements}
        if len(parents) != len(elements):
            continue
        outer_sig = outline.sig[outline.parent[elements[0]]] if outline.parent[elements[0]] >= 0 else -1
        outer = len(members.get(outer_sig, ()))
        if outer_sig in kept_by and (outer == len(elements) or (outer >= 5 and len(elements) * 5 >= outer * 4)):
            del chosen[sig]


def _fill(outline: Outline, groups: list[Group], group_of: list[int], number_of: list[int]) -> None:
    """Walks from every chunk of text up to the records that it is in."""
    parents = outline.parent
    inside = [False] * len(parents)  # the element or one above it is a record
    for element, parent in enumerate(parents):
        inside[element] = group_of[element] >= 0 or (parent >= 0 and inside[parent])
    # pairs of numbers are one number here: a tuple for each step would cost more than all the rest
    kinds, most = max(1, len(outline.steps)), len(groups)
    width = kinds * (max(outline.nth, default=0) + 1)
    turn = [nth * kinds + step for step, nth in zip(outline.step, outline.nth, strict=True)]
    places: dict[int, int] = {}  # place below * width + turn, to number of place
    found: dict[int, list[int]] = {}  # place * most + group, to record, leaf, record, leaf …
    for leaf in _leaves_of(outline, groups):
        at, place, climbed = outline.leaf_owner[leaf], -1 - outline.leaf_rank[leaf], 0
        while at >= 0 and inside[at] and climbed < HIGHEST_CLIMB:
            group = group_of[at]
            if group >= 0:
                cells = found.get(place * most + group)
                if cells is None:
                    found[place * most + group] = [number_of[at], leaf]
                else:
                    cells += (number_of[at], leaf)
            place = places.setdefault(place * width + turn[at], len(places))
            at = parents[at]
            climbed += 1
    spelled = [divmod(one, width) for one in places]
    for key, cells in found.items():
        place, group = divmod(key, most)
        one = groups[group]
        if len(cells) * 4 >= len(one.records) and len(one.columns) < MAX_COLUMNS:
            one.columns.append(_column(outline, one, _spell(outline, place, spelled), cells))
    for one in groups:
        one.columns.sort(key=lambda column: column.order)
        _describe(outline, one)
        _follow(outline, one)


def _leaves_of(outline: Outline, groups: Sequence[Group]) -> Iterable[int]:
    """The chunks that may be in a record: all, or if the records are few, theirs."""
    if sum(len(group.records) for group in groups) > 200:
        return range(len(outline.leaf_owner))
    leaves: set[int] = set()
    for group in groups:
        for record in group.records:
            leaves.update(range(outline.leaf_start[record], outline.leaf_end[record]))
    return sorted(leaves)


def _follow(outline: Outline, group: Group) -> None:
    """Fills ``pages`` and ``leads`` from the first link of each of the first records."""
    seen: set[str] = set()
    looked = group.records[:12]
    for record in looked:
        for element in range(record, min(outline.end[record], record + 40)):
            attributes = outline.attrs[element]
            link = (attributes.get("href") or attributes.get("data-href") or "") if attributes else ""
            if link and not link.startswith(("#", "http", "mailto:", "javascript:", "//", "magnet:")):
                seen.add(link)
                break
    group.pages = len(seen) == len(looked)
    group.leads = frozenset(filter(None, map(_lead, seen)))


def _lead(link: str) -> str:
    """What a link begins with; empty if that tells nothing."""
    path, mark, query = link.partition("?")
    if mark:
        return f"{path}?{query.partition('=')[0]}"
    return path.rstrip("/").rpartition("/")[0].lstrip("./")


def _spell(outline: Outline, place: int, spelled: Sequence[tuple[int, int]]) -> tuple[int, Place]:
    """A place's number as (which chunk, steps from the record down)."""
    steps: list[tuple[str, str, int]] = []
    while place >= 0:
        place, turn = spelled[place]
        nth, step = divmod(turn, len(outline.steps))
        steps.append((*outline.steps[step], nth))
    return -1 - place, tuple(steps)


def _column(outline: Outline, group: Group, spelled: tuple[int, Place], cells: Sequence[int]) -> Column:
    rank, place = spelled
    column = Column(place=place, rank=rank)
    numbers, leaves = cells[::2], cells[1::2]
    texts, owners = outline.leaf_text, outline.leaf_owner
    column.cells = dict(zip(numbers, map(texts.__getitem__, leaves), strict=True))
    column.owners = dict(zip(numbers, map(owners.__getitem__, leaves), strict=True))
    column.order = leaves[0] - outline.leaf_start[group.records[numbers[0]]]
    return column


def _describe(outline: Outline, group: Group) -> None:
    """Fills in what the markup says about each column."""
    heads = _table_heads(outline, group)
    before: Column | None = None
    for column in group.columns:
        number, owner = next(iter(column.owners.items()))
        record = group.records[number]
        column.tag = outline.tag[owner]
        column.hinted = partial(hints_of, outline, owner, record)
        column.linked = _is_linked(outline, owner, record)
        label = label_of(column.cells[number])[0] if not column.wordy else ""
        if label and all(label_of(value)[0] == label for value in list(column.cells.values())[:20]):
            column.label = label
        elif heads and column.place:
            column.label = heads.get(column.place[0][2], "")
        elif before is not None and _stands_before(before, column) and _is_label(before) and not _is_label(column):
            column.label = next(iter(before.cells.values())).strip(" :").lower()
        before = column


def _stands_before(label: Column, column: Column) -> bool:
    """Whether what may be a label stands where one would: ``<b>Views</b> <i>1200</i>`` or ``Views: <b>1200</b>``."""
    if label.place[:-1] == column.place[:-1]:
        return True
    return label.place == column.place[:-1] and next(iter(label.cells.values())).endswith((":", "："))


def hints_of(outline: Outline, owner: int, record: int, attribute: str = "") -> frozenset[str]:
    """The words that an attribute, the element and the elements above it, up to the record, are called by."""
    words: set[str] = set()
    at = owner
    for _ in range(3):
        attributes = outline.attrs[at]
        if attributes:
            for name in ("class", "id", "itemprop", "data-field", "name"):
                value = attributes.get(name)
                if value:
                    for token in value.split()[:8]:
                        if not token.startswith(("text-", "font-", "bg-", "border-")):
                            words |= words_in(token)
        if at == record or words & _TELLING:
            break
        at = outline.parent[at]
    return words_in(attribute).union(words)


_TELLING = frozenset(FIELD_HINTS) | {"title", "name", "company", "victim", "heading", "target"}


def _is_linked(outline: Outline, owner: int, record: int) -> bool:
    at = owner
    while True:
        if outline.tag[at] == "a":
            return True
        if at == record:
            return False
        at = outline.parent[at]


def _is_label(column: Column) -> bool:
    """Whether a column says the same short words in every record."""
    if (
        not column.cells
        or len(column.cells) < 2
        or column.tag not in {"dt", "th", "span", "b", "strong", "td", "label", "div", "small", "i", "em", "p"}
    ):
        return column.tag in {"dt", "th", "label"} and bool(column.cells)
    values = set(column.cells.values())
    return (
        len(values) == 1
        and len(next(iter(values))) <= 30
        and column.share("menu", "label", "name", "size", "date", "none", "domain") > 0
    )


def _table_heads(outline: Outline, group: Group) -> Mapping[int, str]:
    """Headings of the table that the records are rows of, by column number."""
    record = group.records[0]
    if outline.tag[record] != "tr":
        return {}
    table = next((above for above in outline.ancestors(record) if outline.tag[above] == "table"), -1)
    if table < 0:
        return {}
    heads: dict[int, str] = {}
    for element in range(table, min(outline.end[table], table + 80)):
        if outline.tag[element] == "th" and outline.parent[element] != record:
            heads[len(heads)] = outline.text(element).lower()
        elif outline.tag[element] == "td":
            break
    return heads


def head_cell(outline: Outline, group: Group, title: Column) -> str:
    """What the first row of a table says in the place of a title, if it says words where all others have dates, sizes
    or numbers: then it names the columns, and is no record. Else nothing."""
    record = group.records[0]
    if outline.tag[record] != "tr" or len(group.records) < 2 or not title.place:
        return ""
    row: dict[tuple[str, int], str] = {}
    for child in range(record + 1, outline.end[record]):
        if outline.parent[child] == record:
            row[outline.tag[child], outline.nth[child]] = outline.text(child)
    facts = {column.place[0][::2] for column in group.columns if column.place and column.share(*_FACTS) > 0.5}
    words = [row.get(cell, "") for cell in facts]
    said = row.get(title.place[0][::2], "")
    # an entry of which little is known yet says the same of it in every column: "unknown"
    enough = len({*words, said}) > len(words) >= (1 if 0 not in title.cells else 2)
    named = enough and all(kind_of(word) in _HEADS for word in words)
    return said if named and len(said) <= LONGEST_HEAD and not is_company(said) else ""


_FACTS = ("date", "timer", "size", "number", "views", "price", "percent")
_HEADS = frozenset({"name", "menu", "label"})


def attribute_columns(outline: Outline, group: Group, *, first: int = SAMPLED) -> list[Column]:
    """The columns of a group that stand in attributes (``alt``, ``title``, ``data-…``, ``href`` …) of its ``first``
    records."""
    found: dict[tuple[Place, str], Column] = {}
    looked = group.records[:first]
    for number, record in enumerate(looked):
        for element in range(record, min(outline.end[record], record + 60)):
            attributes = outline.attrs[element]
            if not attributes:
                continue
            for name, value in attributes.items():
                if (
                    not value
                    or len(value) > 2000
                    or not (name in ATTRIBUTES or name.startswith("data-") or is_custom(outline.tag[element]))
                    or name.startswith("data-v-")
                ):
                    continue
                place = _place(outline, record, element)
                column = found.get((place, name))
                if column is None:
                    if len(found) >= MAX_COLUMNS:
                        continue
                    column = found[place, name] = Column(place=place, attr=name)
                    column.tag = outline.tag[element]
                    column.hinted = partial(hints_of, outline, element, record, name)
                    column.order = 1000 + len(found)
                column.cells[number] = " ".join(value.split())
                column.owners[number] = element
    return [column for column in found.values() if len(column.cells) * 2 >= len(looked)]


def _place(outline: Outline, record: int, element: int) -> Place:
    steps: list[tuple[str, str, int]] = []
    at = element
    while at != record:
        steps.append((*outline.steps[outline.step[at]], outline.nth[at]))
        at = outline.parent[at]
    return tuple(reversed(steps))
