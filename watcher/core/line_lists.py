"""Lists written as lines of text, as rows that a JSON rule can read: in plain text, in ``<pre>``, and between ``<br>``.

What stands in front of each line (``* ``, ``- ``, ``1. ``) tells which lines are of one list; two spaces, tabs and bars
part a line into cells, and a first row set off by a rule names them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from watcher.core.nodes import Nodes
from watcher.core.outline import Outline
from watcher.core.words import is_company, kind_of, label_of

LEAST = 2
"""Lines that make a list."""
MOST_LINES = 20_000
LONGEST = 200
"""Characters of a line that may be an entry."""
MOST_TEXT = 4_000_000
"""Characters of a page that are looked through for lines: what is nested says the same again and again."""
SMALL = 3
"""Letters of words that names have in small letters, too: ``of``, ``and``, ``the``."""
JUDGED = 60
"""Lines of a list that are looked at for names."""
Rows = list[Mapping[str, str]]

_MARK = re.compile(r"(?:([*\-–—•·>#~=+»►]+|\[.\]|\(.\))\s+|(\d{1,4})\s?[.):]\s+)?(.*)", re.S)
_RULE = re.compile(r"[\s+|=_*~#.:─│┼-]*")
_CELLS = re.compile(r"\s*[|│]\s*|\t+|\s{2,}")


def of_text(text: str) -> dict[str, Rows]:
    """The lists of a text, by what they are marked with."""
    return _named(_lists(text.splitlines()[:MOST_LINES]), "lines")


def of_html(nodes: Nodes, outline: Outline) -> dict[str, Rows]:
    """The lists of a page, by the element that holds them and what they are marked with."""
    found: dict[str, Rows] = {}
    holders = Counter(outline.leaf_owner)
    left = MOST_TEXT
    for element, tag in enumerate(outline.tag):
        if tag == "pre" and left > 0:
            text = nodes.node[outline.place[element]].text()
            left -= len(text)
            lines = text.splitlines()[:MOST_LINES]
        elif holders[element] >= LEAST and _holds_breaks_alone(outline, element):
            lines = outline.leaf_text[outline.leaf_start[element] : outline.leaf_end[element]]
        else:
            continue
        for name, rows in _named(_lists(lines), tag).items():
            if len(rows) > len(found.get(name, ())):
                found[name] = rows
    return found


def _holds_breaks_alone(outline: Outline, element: int) -> bool:
    return all(outline.tag[inner] == "br" for inner in range(element + 1, outline.end[element]))


def _named(lists: Iterable[tuple[str, Rows]], name: str) -> dict[str, Rows]:
    """The longest list of each mark, by its name."""
    found: dict[str, Rows] = {}
    for mark, rows in lists:
        key = f"{name} {mark}".rstrip()
        if len(rows) > len(found.get(key, ())):
            found[key] = rows
    return found


def _lists(lines: Sequence[str]) -> list[tuple[str, Rows]]:
    """Mark and rows of each list: lines of one mark with nothing but rules and empty lines between them."""
    found: list[tuple[str, Rows]] = []
    mark, cells, heads = "", list[list[str]](), list[str]()

    def close() -> None:
        if len(cells) >= LEAST and _may_be_names(cells):
            found.append((mark, [_row(one, heads) for one in cells]))

    for line in lines:
        said = line.strip()
        if _RULE.fullmatch(said):
            if said and len(cells) == 1 and not heads and len(cells[0]) > 1:
                heads, cells = cells[0], []
            elif not said and not mark:
                close()
                cells, heads = [], []
            continue
        matched = _MARK.fullmatch(said)
        assert matched is not None
        its = "1." if matched[2] else matched[1] or ""
        if its != mark or len(said) > LONGEST:
            close()
            mark, cells, heads = its, [], []
        if len(said) <= LONGEST:
            cells.append([cell for cell in _CELLS.split(matched[3].strip(" |│")) if cell])
    close()
    return found


def _may_be_names(lines: Sequence[Sequence[str]]) -> bool:
    """Whether most lines have a name, and are no sentences, rules or contacts: elements would tell those apart."""
    looked = lines[:JUDGED]
    named = sum(any(_is_name(cell, alone=len(cells) == 1) for cell in cells) for cells in looked)
    return named * 10 >= len(looked) * 7


def _is_name(cell: str, *, alone: bool) -> bool:
    """Whether a cell is spelled as names are; beside dates and sizes it need not be."""
    kind = kind_of(cell)
    if kind in {"domain", "masked", "file"}:
        return True
    if kind != "name" or label_of(cell)[0]:
        return False
    return not alone or is_company(cell) or not any(word[:1].islower() for word in cell.split() if len(word) > SMALL)


def _row(cells: Sequence[str], heads: Sequence[str]) -> Mapping[str, str]:
    """A line's cells by the names of their columns."""
    names = heads if len(heads) == len(cells) else [f"text{number}" for number in range(1, len(cells) + 1)]
    return dict(zip(names, cells, strict=True))
