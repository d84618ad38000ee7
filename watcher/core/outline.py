"""A parsed page as flat lists: cheap to walk, in document order, without recursion.

Node proxies cost; lists do not. Everything that looks for repeated records works on these lists.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from watcher.core.nodes import SILENT, Nodes
from watcher.core.short_keys import cached_if_short

LONG_ROW = 9
"""Siblings from which a class of one's own is no kind."""
_HASHED = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{5,}|\d{3,}|[0-9a-f]{8,}")
_PIECES = re.compile(r"[^A-Za-z0-9]+")


class Outline:
    """The elements of a page (what is silent left out) and its chunks of text, in document order."""

    __slots__ = (
        "attrs", "end", "key", "leaf_end", "leaf_owner", "leaf_rank", "leaf_start", "leaf_text", "nth", "parent",
        "place", "sig", "step", "steps", "tag",
    )  # fmt: skip

    def __init__(self) -> None:
        self.place: list[int] = []
        """Where the element stands among the tree's nodes."""
        self.tag: list[str] = []
        self.attrs: list[Mapping[str, str | None]] = []
        self.parent: list[int] = []
        self.end: list[int] = []
        """One past the last descendant."""
        self.key: list[str] = []
        """The class token that names the element's kind, without what varies."""
        self.step: list[int] = []
        """Index in ``steps`` of (tag, key)."""
        self.steps: list[tuple[str, str]] = []
        self.nth: list[int] = []
        """Which of the parent's children of the same step it is."""
        self.sig: list[int] = []
        """Number of the path of steps from the root; elements of a kind share it."""
        self.leaf_owner: list[int] = []
        self.leaf_rank: list[int] = []
        """Which of the owner's own chunks of text it is."""
        self.leaf_text: list[str] = []
        """White space folded."""
        self.leaf_start: list[int] = []
        self.leaf_end: list[int] = []
        """The element's chunks (its descendants' too) are ``leaf_text[leaf_start:leaf_end]``."""

    def text(self, element: int) -> str:
        """The chunks below an element, joined by spaces."""
        return " ".join(self.leaf_text[self.leaf_start[element] : self.leaf_end[element]])

    def ancestors(self, element: int) -> Iterator[int]:
        """The element's parent, its parent, and so on up to the root."""
        at = self.parent[element]
        while at >= 0:
            yield at
            at = self.parent[at]


def build(nodes: Nodes) -> Outline:
    """The outline of a tree; time and space are linear in its nodes."""
    made = Outline()
    _take(made, nodes)
    _close(made)
    _name_steps(made)
    return made


def _take(made: Outline, nodes: Nodes) -> None:
    """Fills in elements and chunks, what is silent left out."""
    parents, taken = made.parent, made.place
    leaf_text, leaf_owner, leaf_rank, starts = made.leaf_text, made.leaf_owner, made.leaf_rank, made.leaf_start
    left_out = {tag for tag in nodes.tags if tag in SILENT or not tag[:1].isalpha()}
    chunks: list[int] = []  # own chunks so far
    element_of = [-1] * (len(nodes.node) + 1)  # the last entry is for no parent
    for at, (tag, above, text) in enumerate(zip(nodes.tag, nodes.parent, nodes.words, strict=False)):
        parent = element_of[above]
        if text is not None:
            if parent >= 0 and (said := text.split()):
                leaf_owner.append(parent)
                leaf_text.append(" ".join(said))
                leaf_rank.append(chunks[parent])
                chunks[parent] += 1
        elif tag not in left_out and (parent >= 0 or not taken):
            element_of[at] = len(taken)
            taken.append(at)
            parents.append(parent)
            chunks.append(0)
            starts.append(len(leaf_text))
    node = nodes.node
    made.tag = list(map(nodes.tag.__getitem__, taken))
    made.attrs = [node[at].attributes for at in taken]


def _close(made: Outline) -> None:
    """Fills ``end`` and ``leaf_end``."""
    count = len(made.place)
    ends = list(range(1, count + 1))
    parents = made.parent
    for element in range(count - 1, 0, -1):
        parent, end = parents[element], ends[element]
        if end > ends[parent]:  # noqa: PLR1730 - a call for each element costs more than all the rest
            ends[parent] = end
    starts = made.leaf_start
    starts_or_total = [*starts, len(made.leaf_text)]
    made.end = ends
    # an element's chunks end where the next element after its subtree starts, save for chunks in between
    leaf_ends = [starts_or_total[end] for end in ends]
    made.leaf_end = _trim(made, leaf_ends)


def _trim(made: Outline, leaf_ends: list[int]) -> list[int]:
    """Takes off chunks that belong to an ancestor and stand between the element and what follows it."""
    owners = made.leaf_owner
    for element, (start, end) in enumerate(zip(made.leaf_start, leaf_ends, strict=True)):
        last = end
        while last > start and owners[last - 1] < element:
            last -= 1
        leaf_ends[element] = last
    return leaf_ends


def _name_steps(made: Outline) -> None:
    """Fills ``key``, ``step``, ``nth`` and ``sig``."""
    kinds = [
        (tag, attributes.get("class") or "" if attributes else "")
        for tag, attributes in zip(made.tag, made.attrs, strict=True)
    ]
    numbers = Counter(kinds)
    counts: Counter[tuple[str, str]] = Counter()
    for (tag, value), number in numbers.items():
        for token in stable_tokens(value):
            counts[tag, token] += number
    interned: dict[tuple[str, str], int] = {}
    step_of: dict[tuple[str, str], int] = {}
    for tag, value in numbers:
        key, most = "", 0
        for token in stable_tokens(value):
            if counts[tag, token] > most:
                key, most = token, counts[tag, token]
        step_of[tag, value] = interned.setdefault((tag, key), len(interned))
    paths: dict[int, int] = {}
    ranks: dict[int, int] = {}
    parents, sigs, nths = made.parent, made.sig, made.nth
    steps = made.step = [step_of[kind] for kind in kinds]
    lonely = {
        kind for kind in numbers if kind[1] and all(counts[kind[0], token] == 1 for token in stable_tokens(kind[1]))
    }
    for element in _named_apart(made, kinds, lonely) if len(lonely) >= LONG_ROW else ():
        steps[element] = interned.setdefault((made.tag[element], ""), len(interned))
    made.steps = list(interned)
    made.key = [made.steps[step][1] for step in steps]
    width = len(interned) + 1
    for parent, step in zip(parents, steps, strict=True):
        place = parent * width + step
        rank = ranks.get(place, 0)
        ranks[place] = rank + 1
        nths.append(rank)
        path = (sigs[parent] + 1 if parent >= 0 else 0) * width + step
        sigs.append(paths.setdefault(path, len(paths)))


def _named_apart(made: Outline, kinds: Sequence[tuple[str, str]], lonely: set[tuple[str, str]]) -> list[int]:
    """Elements in long rows of which each has a class of its own: there it is a name, not a kind."""
    rows: dict[tuple[int, str], list[int]] = {}
    for element, kind in enumerate(kinds):
        if kind in lonely:
            rows.setdefault((made.parent[element], kind[0]), []).append(element)
    return [element for row in rows.values() if len(row) >= LONG_ROW for element in row]


@cached_if_short(1_000)
def stable_tokens(value: str) -> tuple[str, ...]:
    """The tokens of a ``class`` attribute, hashes and running numbers taken out; in order, each once."""
    found: dict[str, None] = {}
    for token in value.split()[:12]:
        pieces = [piece for piece in _PIECES.split(token) if piece]
        if any(_HASHED.fullmatch(piece) for piece in pieces):
            token = "-".join(piece for piece in pieces if not _HASHED.fullmatch(piece))  # noqa: PLW2901
        if token:
            found[token] = None
    return tuple(found)
