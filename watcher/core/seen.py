"""What stands on a page outside its records, gathered in one walk; and whether its source can be whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from selectolax.lexbor import LexborNode
from xxhash import xxh3_64_intdigest

from watcher.core.nodes import Nodes
from watcher.core.parse import Document
from watcher.core.phrases import counts_something, fold
from watcher.core.rules import records_of
from watcher.records import Rule

MOST_NODES = 30_000
"""A walk ends here: what stands later is not looked at, and cannot be missed either."""
MOST_MARKS = 400
MOST_OUTSIDE = 20_000
MOST_CLOSING = 60
LONGEST_KEPT = 200
LONGEST_NAMES = 1_000
"""Characters of an element's classes that are looked at."""

UNSEEN = frozenset({"script", "style", "template", "svg", "head", "noscript", "iframe", "object", "math"})
LANDMARKS = frozenset({"header", "footer", "nav", "main", "aside", "section", "form", "table", "h1", "hr", "pre"})
HEADINGS = frozenset({"h1", "h2", "h3"})
CLOSING = ("</html>", "</body>")
CONTAINER_MARK = re.compile(r"<(/?)(?:div|ul|ol|table|tbody|section|main|article|nav|form|body|pre)")
NUMBER = re.compile(r"(?<![\w.,:#-])\d{1,3}(?:[ ,.\u00a0]\d{3})+(?![\w])|(?<![\w.:#-])\d{1,7}(?![\w:]|[.,]\d)")
DIGITS = re.compile(r"\d+")
NOT_DIGITS = re.compile(r"\D")
LAST_TAG = re.compile(r"<(/?[a-z][a-z0-9:-]*)[^<>]*>\Z", re.IGNORECASE)
XML_ROOT = re.compile(r"<(rss|feed|rdf:RDF|urlset|opml)\b")
STRINGS = re.compile(r'"(?:[^"\\\n]|\\.)*"?|\'(?:[^\'\\\n]|\\.)*\'?|`(?:[^`\\]|\\.)*`?')
"""Strings of a script. An unfinished one reaches to its line's end: a hostile text costs no more than its length."""
XML_STARTS = ("<?xml", "<rss", "<feed", "<rdf")
SCRIPT_START = re.compile(r"[\ufeff\s]*(?:[{\[(]|(?:var|let|const|export|window|self|function)\b)")
TAG_START = re.compile(r"[/!?a-zA-Z]|\Z")
HTML_START = re.compile(r"<(?:html|body)\b", re.IGNORECASE)
VOLATILE_CLASS = re.compile(r"\d|[_-][A-Za-z]*[A-Z][a-z]*[A-Z]|^css-|^sc-|^_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What stands on one page outside its records."""

    marks: frozenset[int] = frozenset()
    """Elements that have a name (id, class) or a role, as hashes."""
    words: frozenset[int] = frozenset()
    """Short lines without digits, as hashes."""
    closing: tuple[int, ...] = ()
    """Marks and words after the last record."""
    ends: frozenset[str] = frozenset()
    """``</html>``, ``</body>`` and ``last:TAG``, as far as they are there."""
    cut: str = ""
    """Why the source cannot be whole, whatever came before; empty: nothing speaks against it."""
    left_open: int = 0
    """Containers that are opened and never closed."""
    lines: tuple[str, ...] = ()
    """The words outside the records, folded, in order."""
    headings: tuple[str, ...] = ()
    """Title and headings."""
    counts: Mapping[int, int] = field(default_factory=dict)
    """Place of a number (a hash of the words around it) to the number."""
    named: frozenset[int] = frozenset()
    """Places whose words say that the number counts something listed."""
    passwords: int = 0
    inputs: int = 0
    images: int = 0
    scripts: int = 0
    refresh: bool = False
    """The page reloads itself."""


def digest(text: str) -> int:
    """A short hash of a text, to remember it by."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) & 0xFFFFFFFF


@lru_cache(maxsize=1_000)
def mark_of(tag: str, name: str, classes: str) -> int | None:
    """An element by its tag, id and classes (hashes and numbers left out), as a hash; None if nothing tells it from
    others."""
    steady = sorted({one for one in classes.split() if not VOLATILE_CLASS.search(one)})
    if not steady and not name and tag not in LANDMARKS:
        return None
    return digest(f"{tag}#{DIGITS.sub('', name)}.{'.'.join(steady)}")


@lru_cache(maxsize=1_000)
def numbers_in(line: str) -> tuple[tuple[int, ...], str]:
    """The first numbers of a line, and the line with ``#`` for each number."""
    shown = NUMBER.findall(line)
    return tuple(int(NOT_DIGITS.sub("", number)) for number in shown[:6]), NUMBER.sub("#", line) if shown else line


def _line_of(text: str) -> tuple[str, int | None]:
    """A text as it is compared, and its hash if it is a short line of words without digits."""
    line = fold(text)
    wordy = 0 < len(line) <= 80 and not DIGITS.search(line) and any(map(str.isalpha, line))
    return line, digest(line) if wordy else None


line_of = lru_cache(maxsize=1_000)(_line_of)
"""The same of a text that is not long: most stand on the page at the next look, too."""


def look(document: Document, rule: Rule | None) -> Seen:
    """What stands on a page outside the records that ``rule`` finds."""
    cut = source_cut(document)
    if document.kind == "json":
        return _look_at_json(document.data, cut)
    ends = endings(document.markup)
    nodes = document.nodes
    if document.kind == "feed" or nodes is None:
        lines = () if document.kind == "feed" else document.markup[:MOST_OUTSIDE].splitlines()
        return Seen(cut=cut, ends=ends, lines=tuple(filter(None, map(fold, lines))), headings=(document.title,))
    walk = _Walk(_records(document.kind, nodes, rule))
    walk.run(nodes)
    return Seen(
        cut=cut,
        ends=ends,
        left_open=left_open(document.markup),
        marks=frozenset(walk.marks[:MOST_MARKS]),
        words=frozenset([digest(fold(document.title)), *walk.words[:MOST_MARKS]]),
        closing=tuple(dict.fromkeys(walk.closing))[-MOST_CLOSING:],
        lines=tuple(walk.lines),
        headings=(document.title, *walk.headings),
        counts=walk.numbers(),
        named=frozenset(walk.named),
        passwords=walk.passwords,
        inputs=walk.inputs,
        images=walk.images,
        scripts=nodes.tag.count("script"),
        refresh=any(
            (nodes.node[at].attributes.get("http-equiv") or "").lower() == "refresh" for at in nodes.named("meta")
        ),
    )


def _records(kind: str, nodes: Nodes, rule: Rule | None) -> frozenset[int]:
    """The places of the nodes that are records."""
    if kind == "directory":
        return frozenset(nodes.select("tr, a"))
    return frozenset(records_of(rule, nodes)[1] if rule is not None and rule.format == "html" else ())


class _Walk:
    """One pass over a tree in page order, records left out."""

    def __init__(self, records: frozenset[int]) -> None:
        self.records = records
        self.marks: list[int] = []
        self.words: list[int] = []
        self.closing: list[int] = []
        self.lines: list[str] = []
        self.unmarked: list[int] = []
        """Those that may have digits, by their place among all."""
        self.headings: list[str] = []
        self.named: set[int] = set()
        self.passwords = self.inputs = self.images = self.room = 0

    def run(self, nodes: Nodes) -> None:
        """Visit every node that is neither in a record nor invisible, up to ``MOST_NODES``."""
        tags, words, records = nodes.tag, nodes.words, self.records
        at, left, count = 0, MOST_NODES, len(nodes.node)
        while at < count and left:
            left -= 1
            tag, text = tags[at], words[at]
            if at in records:
                self.closing.clear()
                self.lines.append("")
                at = nodes.end(at)
            elif text is not None:
                if not text.isspace():
                    self._text(text)
                at += 1
            elif tag in UNSEEN:
                at = nodes.end(at)
            else:
                if tag > "@":  # neither a comment nor the like
                    self._element(tag, nodes.node[at])
                at += 1

    def _element(self, tag: str, node: LexborNode) -> None:
        attributes = node.attributes
        if tag == "input":
            self.inputs += 1
            self.passwords += (attributes.get("type") or "").lower() == "password"
        elif tag == "img":
            self.images += 1
        elif tag in HEADINGS and len(self.headings) < 8:
            self.headings.append(node.text(deep=True, separator=" ")[:200])
        names, name = attributes.get("class") or "", attributes.get("id") or ""
        mark = mark_of(tag, name[:LONGEST_KEPT], names[:LONGEST_NAMES])
        if mark is not None:
            self.marks.append(mark)
            self.closing.append(mark)

    def _text(self, text: str) -> None:
        line, mark = line_of(text) if len(text) <= LONGEST_KEPT else _line_of(text[:2000])
        if not line or self.room > MOST_OUTSIDE:
            return
        self.room += len(line)
        if mark is None:
            self.unmarked.append(len(self.lines))
        else:
            self.words.append(mark)
            self.closing.append(mark)
        self.lines.append(line)

    def numbers(self) -> dict[int, int]:
        """Numbers among the words, each by its place: the words of its line, or those before or after it."""
        found: dict[int, int] = {}
        twice: set[int] = set()
        for index in self.unmarked:
            line = self.lines[index]
            if len(line) > 120 or not DIGITS.search(line):
                continue
            shown, masked = numbers_in(line)
            if not shown:
                continue
            before = self.lines[index - 1] if index else ""
            after = self.lines[index + 1] if index + 1 < len(self.lines) else ""
            around = [masked] if any(map(str.isalpha, masked)) else [f"{before}|{masked}", f"{masked}|{after}"]
            counting = [counts_something(words) for words in around]
            for position, number in enumerate(shown):
                for words, named in zip(around, counting, strict=True):
                    place = digest(f"{position}:{words}")
                    if place in found:
                        twice.add(place)
                    found[place] = number
                    if named:
                        self.named.add(place)
        return {place: number for place, number in found.items() if place not in twice}


def _look_at_json(data: Any, cut: str) -> Seen:
    """The keys, words and numbers of a JSON answer, lists left out: an error answer is told by them."""
    marks: list[int] = []
    lines: list[str] = []
    counts: dict[int, int] = {}
    named: set[int] = set()
    stack: list[tuple[str, Any, int]] = [("", data, 0)]
    while stack and len(marks) < MOST_MARKS:
        path, value, depth = stack.pop()
        marks.append(digest(f"{path}:{type(value).__name__}"))
        if isinstance(value, Mapping) and depth < 6:
            stack.extend((f"{path}.{key}", child, depth + 1) for key, child in list(value.items())[:100])
        elif isinstance(value, str) and value:
            lines.append(fold(value[:500]))
        elif isinstance(value, int) and not isinstance(value, bool):
            counts[digest(path)] = value
            if counts_something(fold(path)):
                named.add(digest(path))
    return Seen(cut=cut, marks=frozenset(marks), lines=tuple(lines), counts=counts, named=frozenset(named))


def endings(markup: str) -> frozenset[str]:
    """The closing tags that a source has at its end."""
    tail = markup[-4096:]
    ends = {tag for tag in CLOSING if tag in tail}
    if len(ends) < len(CLOSING):  # hardly any page shouts
        lowered = tail.lower()
        ends = {tag for tag in CLOSING if tag in lowered}
    bare = _bare(tail)
    if (last := LAST_TAG.match(bare, max(0, bare.rfind("<")))) is not None:
        ends.add(f"last:{last[1].lower()}")
    return frozenset(ends)


def _bare(tail: str) -> str:
    """The end of a source without the comments and white space after its last tag."""
    tail = tail.rstrip()
    while tail.endswith("-->") and (start := tail.rfind("<!--")) >= 0:
        tail = tail[:start].rstrip()
    return tail


def source_cut(document: Document) -> str:
    """Why a source cannot be whole, from itself alone; empty if nothing speaks against it."""
    markup = document.markup
    if document.broken:
        return f"{document.broken}-not-finished" if unbalanced(markup) or document.broken == "xml" else ""
    if document.kind == "feed" or (document.kind == "json" and markup.lstrip("\ufeff \t\r\n")[:1] in "{["):
        return ""
    if SCRIPT_START.match(markup):
        return "brackets-not-closed" if unbalanced(markup) else ""
    if document.kind in ("json", "text"):
        return ""
    if "<!--" in markup and markup.rfind("<!--") > markup.rfind("-->"):
        return "ends-inside-comment"
    opened = markup.rfind("<")
    if opened > markup.rfind(">") and TAG_START.match(markup, opened + 1):
        return "ends-inside-tag"
    root = XML_ROOT.search(markup[:2048]) if markup[:64].lstrip("\ufeff \t\r\n").startswith(XML_STARTS) else None
    if root is None and "</html>" in markup[-200:]:  # as most do: what follows would say so, too
        return ""
    tail = markup[-65_536:].lower()
    if root and f"</{root[1].lower()}>" not in tail:
        return "root-not-closed"
    if "</html>" in tail or "</body>" in tail:
        return ""
    # one may be left open: the end tag of the body need not be written
    if HTML_START.search(markup[:8192]) and left_open(markup.lower()) > 1:
        return "elements-not-closed"
    return ""


def left_open(markup: str) -> int:
    """How many containers are opened that are never closed; fewer than none if more are closed."""
    marks = CONTAINER_MARK.findall(markup)
    return 2 * marks.count("") - len(marks)


def unbalanced(source: str) -> bool:
    """Whether brackets of a script or JSON text are opened that are never closed, strings left out."""
    bare = STRINGS.sub("", source)
    return any(bare.count(opening) > bare.count(closing) for opening, closing in ("{}", "[]", "()"))
