"""A tree's nodes as flat lists, made in one walk: asking a node costs, asking a list does not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice

from selectolax.lexbor import LexborNode

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
_HIDDEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.I)
_BREAK = -2


class Nodes:
    """The elements and texts of a tree, in document order."""

    __slots__ = ("_hidden", "_spread", "ids", "node", "number", "parent", "tag", "words")

    def __init__(self, root: LexborNode) -> None:
        self.node: list[LexborNode] = list(root.traverse(include_text=True))
        self.ids: list[int] = [node.mem_id for node in self.node]
        self.number = dict(zip(self.ids, range(len(self.ids)), strict=True))
        """Address to place in these lists."""
        number = self.number
        up = [number[node.parent.mem_id] for node in islice(self.node, 1, None)]  # type: ignore[union-attr]  # below root
        self.parent: list[int] = [-1, *up, -1, -1]
        """-1: none of them. Two more follow the last node's, so that one may look ahead; so in ``tag``."""
        self.tag: list[str] = [node.tag or "" for node in self.node] + ["", ""]
        self.words: list[str | None] = [
            node.text_content if tag == TEXT else None for node, tag in zip(self.node, self.tag, strict=False)
        ]
        """Of text nodes, the text."""
        self._hidden: frozenset[int] | None = None
        self._spread: tuple[str, list[int]] | None = None

    def __iter__(self) -> Iterator[tuple[int, str, int]]:
        """Number, tag and parent of each node."""
        return zip(range(len(self.node)), self.tag, self.parent, strict=False)

    @property
    def hidden(self) -> frozenset[int]:
        """The elements that say themselves that they are not shown."""
        if self._hidden is None:
            told = (node for node in self.node[0].css("[hidden], [style]") if is_hidden(node.attributes))
            self._hidden = frozenset(self.number[node.mem_id] for node in told)
        return self._hidden

    @property
    def spread(self) -> tuple[str, list[int]]:
        """The visible text as it stands, a space where a line ends, and the place in it where each node's begins."""
        if self._spread is None:
            self._spread = _spread(self, 0)
        return self._spread

    def end(self, at: int) -> int:
        """One past the last node below a node."""
        parent, end = self.parent, at + 1
        while parent[end] >= at:
            end += 1
        return end

    def text(self, at: int) -> str:
        """The visible text of an element, white space folded; what is hidden above it does not hide it."""
        if self.tag[at + 1] == TEXT and self.parent[at + 1] == at != self.parent[at + 2]:  # as most
            return " ".join((self.words[at + 1] or "").split())
        whole, places = self.spread
        piece = whole[places[at] : places[self.end(at)]] or _spread(self, at)[0]
        return " ".join(piece.split())


def is_hidden(attributes: Mapping[str, str | None]) -> bool:
    """Whether an element says itself that it is not shown."""
    if "hidden" in attributes:
        return True
    style = attributes.get("style")
    return bool(style) and _HIDDEN_STYLE.search(style or "") is not None


def _spread(nodes: Nodes, start: int) -> tuple[str, list[int]]:
    """The visible text of an element, and the place in it where the text of each node from it on begins; blocks and
    line breaks part words, inline elements do not."""
    pieces: list[str] = []
    places: list[int] = []
    hidden, words = nodes.hidden, nodes.words
    block_of: list[int] = []  # of each node from ``start`` on its nearest block, from 1; 0: none; -1: not shown
    last = size = 0
    end = nodes.end(start) if start else len(nodes.node)
    for at, tag, parent in zip(
        range(start, end), islice(nodes.tag, start, end), islice(nodes.parent, start, end), strict=True
    ):
        places.append(size)
        block = block_of[parent - start] if at > start else 0
        if tag == TEXT:
            block_of.append(0)
            if block >= 0:
                if block != last:
                    pieces.append(" ")
                    size += 1
                    last = block
                text = words[at] or ""
                pieces.append(text)
                size += len(text)
        elif block < 0 or tag in SILENT or at in hidden:
            block_of.append(-1)
        elif tag in BLOCKS:
            block_of.append(at + 1)
            if tag == "br":
                last = _BREAK
        else:
            block_of.append(block)
    places.append(size)
    return "".join(pieces), places
