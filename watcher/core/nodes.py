"""A tree's nodes as flat lists, made in one walk: asking a node costs, asking a list does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from operator import attrgetter

from selectolax.lexbor import LexborNode, SelectolaxError

from watcher.core.rule_tables import starred

TEXT = "-text"
"""What stands for a tag where a node is text."""
SILENT = frozenset(
    {
        "script",
        "style",
        "template",
        "noscript",
        "head",
        "title",
        "object",
        "iframe",
        "noembed",
        "noframes",
        "svg",
        "math",
    }
)
"""Elements whose text nobody sees."""
BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "br", "button", "caption", "center", "dd", "details",
        "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3",
        "h4", "h5", "h6", "header", "hr", "html", "li", "legend", "main", "menu", "nav", "ol", "option", "p", "pre",
        "section", "select", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
"""Elements that begin a new line of text."""
_PARTING = {**dict.fromkeys(BLOCKS, True), **dict.fromkeys(SILENT, False)}
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_BREAK = -2


class Nodes:
    """The elements and texts of a tree, in document order."""

    __slots__ = ("_hidden", "_selected", "node", "number", "parent", "tag", "tags", "words")

    def __init__(self, root: LexborNode) -> None:
        self.node: list[LexborNode] = list(root.traverse(include_text=True))
        self.number = {node.mem_id: at for at, node in enumerate(self.node)}
        """Address to place in these lists."""
        number = self.number
        above = map(attrgetter("parent.mem_id"), islice(self.node, 1, None))
        self.parent: list[int] = [-1, *map(number.__getitem__, above), -1, -1]
        """-1: none of them. Two more follow the last node's, so that one may look ahead; so in ``tag``."""
        kinds = list(map(attrgetter("tag_id"), self.node))
        named = {kind: self.node[kinds.index(kind)].tag or "" for kind in set(kinds)}
        self.tags = frozenset(named.values())
        self.tag: list[str] = [*map(named.__getitem__, kinds), "", ""]
        self.words: list[str | None] = list(map(attrgetter("text_content"), self.node))
        """Of text nodes, the text."""
        self._hidden: frozenset[int] | None = None
        self._selected: dict[str, list[int]] = {}

    def __iter__(self) -> Iterator[tuple[int, str, int]]:
        """Number, tag and parent of each node."""
        return zip(range(len(self.node)), self.tag, self.parent, strict=False)

    @property
    def hidden(self) -> frozenset[int]:
        """The elements that say themselves that they are not shown."""
        if self._hidden is None:
            told = self.select("[hidden], [style]")
            self._hidden = frozenset(at for at in told if is_hidden(self.node[at].attributes))
        return self._hidden

    def select(self, selector: str) -> list[int]:
        """The places of what a selector matches, each once; nothing if it cannot be read."""
        found = self._selected.get(selector)
        if found is None:  # entries and fields are asked for several times
            try:
                matching = self.node[0].css(starred(selector))
            except (SelectolaxError, ValueError):
                matching = []
            found = list(map(self.number.__getitem__, map(attrgetter("mem_id"), matching)))
            if "," in selector:  # what several alternatives match comes once for each
                found = list(dict.fromkeys(found))
            self._selected[selector] = found
        return found

    def named(self, tag: str) -> list[int]:
        """The places of all elements of a tag, in page order."""
        return [at for at, name in enumerate(self.tag) if name == tag] if tag in self.tags else []

    def first(self, *tags: str) -> LexborNode | None:
        """The first element of one of these tags; None if there is none."""
        at = min((self.tag.index(tag) for tag in tags if tag in self.tags), default=-1)
        return self.node[at] if at >= 0 else None

    def end(self, at: int) -> int:
        """One past the last node below a node."""
        while at >= 0:
            if (after := self.node[at].next) is not None:
                return self.number.get(after.mem_id, len(self.node))
            at = self.parent[at]
        return len(self.node)

    def only_text(self, at: int) -> str | None:
        """The text of an element that holds one and nothing else, as it stands, or nothing at all; None of others."""
        parent = self.parent
        if parent[at + 1] != at:
            return ""
        return self.words[at + 1] if parent[at + 2] != at else None

    def text(self, at: int) -> str:
        """The visible text of an element, white space folded; what is hidden above it does not hide it."""
        text = self.only_text(at)  # most hold one text and nothing else
        return " ".join((visible(self, at) if text is None else text).split())

    def texts(self, places: Iterable[tuple[int, int]]) -> dict[int, str]:
        """By its number, the text of each element at a place; left out where there is none."""
        parent, words, found = self.parent, self.words, {}
        for number, at in places:
            only = words[at + 1] if parent[at + 1] == at != parent[at + 2] else None
            text = self.text(at) if only is None else " ".join(only.split())
            if text:
                found[number] = text
        return found


def is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Whether an element says itself that it is not shown."""
    if "hidden" in attributes:
        return True
    style = attributes.get("style")
    return bool(style) and _HIDDEN_STYLE.search(style or "") is not None


def visible(nodes: Nodes, start: int = 0) -> str:
    """The visible text of an element as it stands; blocks and line breaks part words, inline elements do not."""
    pieces: list[str] = []
    end = nodes.end(start)
    tags, parents, words = nodes.tag[start:end], nodes.parent[start:end], nodes.words[start:end]
    parents[0] = start - 1  # what is above it does not count
    block_of = [0] * (len(tags) + 1)  # the nearest block, from 1; 0: none; -1: not shown. The last is for no parent
    hidden, parting, last = nodes.hidden, _PARTING.get, 0
    for at, (tag, parent, text) in enumerate(zip(tags, parents, words, strict=True), start):
        block = block_of[parent - start]
        if text is not None:
            if block >= 0:
                if block != last:
                    pieces.append(" ")
                    last = block
                pieces.append(text)
        elif block < 0 or (hidden and at in hidden):
            block_of[at - start] = -1
        elif (parts := parting(tag)) is None:
            block_of[at - start] = block
        elif parts:
            block_of[at - start] = at + 1
            if tag == "br":
                last = _BREAK
        else:
            block_of[at - start] = -1
    return "".join(pieces)
