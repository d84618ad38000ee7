"""A page as a list of short blocks, of visible text or of source, ready to be aligned.

One linear pass over the markup, without a tree: whatever the page holds, it costs one pass. What is read here is only
shown to people; entries and verdicts never come from it.
"""

from __future__ import annotations

import re
from html import unescape

UNSEEN = frozenset({"script", "style", "template", "noscript", "svg", "head"})
INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "label"}
    | {"mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr"}
)
# no attribute value with an angle bracket is understood: the price of never looking at a character twice
TAG = re.compile(r"<(/?[a-zA-Z][a-zA-Z0-9:-]*)[^<>]*>|<[!?][^<>]*>")
LONGEST_LINE = 160
MOST_BLOCKS = 50_000
"""A page of more blocks than this is cut into larger ones."""


def text_blocks(markup: str) -> tuple[str, ...]:
    """The visible text, a block for each run of text between block-level tags, white space folded."""
    blocks: list[str] = []
    run: list[str] = []
    unseen = ""
    pieces = TAG.split(_without_comments(markup))
    for text, tag in zip(pieces[::2], [*pieces[1::2], "html"], strict=True):
        if not unseen:
            run.append(text)
        name = (tag or "!").lower()
        if unseen:
            unseen = "" if name == f"/{unseen}" else unseen
        elif name in UNSEEN:
            unseen = name
        elif name.lstrip("/") not in INLINE and run:
            folded = " ".join("".join(run).split())
            run.clear()
            if folded:
                blocks.append(unescape(folded) if "&" in folded else folded)
    return _not_too_many(blocks)


def source_blocks(markup: str) -> tuple[str, ...]:
    """The source, a block a line; long lines are broken before tags, so that a page on one line has lines too."""
    blocks: list[str] = []
    for line in markup.splitlines():
        if len(line) <= LONGEST_LINE:
            blocks.append(line)
            continue
        piece: list[str] = []
        length = 0
        for part in re.split(r"(?=<[^/])", line):
            if length and length + len(part) > LONGEST_LINE // 2:
                blocks.append("".join(piece))
                piece, length = [], 0
            piece.append(part)
            length += len(part)
        blocks.append("".join(piece))
    return _not_too_many(blocks)


def _without_comments(markup: str) -> str:
    kept: list[str] = []
    place = 0
    while (start := markup.find("<!--", place)) >= 0:
        kept.append(markup[place:start])
        end = markup.find("-->", start + 4)
        place = end + 3 if end >= 0 else len(markup)
    kept.append(markup[place:])
    return "".join(kept)


def _not_too_many(blocks: list[str]) -> tuple[str, ...]:
    size = -(-len(blocks) // MOST_BLOCKS)
    if size <= 1:
        return tuple(blocks)
    return tuple("\n".join(blocks[place : place + size]) for place in range(0, len(blocks), size))
