"""The frame of a page: everything on it that is no entry, and what earlier good pages taught about it.

``look`` gathers in one walk what stands outside the records. ``Frame`` remembers what was common to every good page:
marks of structure, short lines of words, what comes after the last record, the closing tags, and the numbers that
always agreed with the number of rows. A page whose frame is broken was cut short or is another page; counters, dates
and advertisements fall out of the intersection by themselves. After ``EPOCH`` good pages the frame is renewed from
those alone, so that it follows a site that changes slowly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError
from xxhash import xxh3_64_intdigest

from watcher.core.parse import Document
from watcher.core.phrases import counts_something, fold
from watcher.records import Rule

EPOCH = 16
MOST_NODES = 30_000
"""A walk ends here: what stands later is not looked at, and cannot be missed either."""
MOST_MARKS = 400
MOST_OUTSIDE = 20_000
MOST_COUNTS = 48
FEW = 3
"""Fewer marks than this say nothing."""

UNSEEN = frozenset({"script", "style", "template", "svg", "head", "noscript", "iframe", "object", "math"})
LANDMARKS = frozenset({"header", "footer", "nav", "main", "aside", "section", "form", "table", "h1", "hr", "pre"})
HEADINGS = frozenset({"h1", "h2", "h3"})
CONTAINERS = re.compile(
    r"<(/?)(?:div|ul|ol|table|tbody|section|main|article|header|nav|form|body|pre)\b", re.IGNORECASE
)
NUMBER = re.compile(r"(?<![\w.,:#-])\d{1,3}(?:[ ,.\u00a0]\d{3})+(?![\w])|(?<![\w.:#-])\d{1,7}(?![\w:]|[.,]\d)")
DIGITS = re.compile(r"\d+")
LAST_TAG = re.compile(r"<(/?[a-z][a-z0-9:-]*)[^<>]*>\s*\Z", re.IGNORECASE)
TRAILING_COMMENT = re.compile(r"<!--(?:(?!-->).)*-->\s*\Z", re.DOTALL)
XML_ROOT = re.compile(
    r"\s*(?:<\?[^>]*\?>\s*|<!--.*?-->\s*|<!DOCTYPE[^>]*>\s*)*<(rss|feed|rdf:RDF|urlset|opml)\b", re.DOTALL
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What several good pages have in common."""

    pages: int = 0
    marks: tuple[int, ...] = ()
    words: tuple[int, ...] = ()
    closing: tuple[int, ...] = ()
    ends: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number on the page that equalled the number of rows on every good page so far."""

    place: int
    named: bool = False
    """Words beside it say that it counts ("Total", "companies")."""
    hits: int = 1
    """Pages on which it did."""
    values: tuple[int, ...]
    """The different numbers it showed, at most four."""

    @property
    def proven(self) -> bool:
        """It followed the number of rows when that changed: no coincidence."""
        return len(self.values) >= 2

    @property
    def trusted(self) -> bool:
        """It may be held against a page."""
        return self.proven or (self.named and self.hits >= 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the good pages of one site taught about the frame; bounded; JSON by msgspec."""

    base: Marks = Marks()
    """In force: what a page must show."""
    coming: Marks = Marks()
    """What will be in force at the end of the epoch."""
    counts: tuple[Count, ...] = ()
    rows: int = 0
    """Entries on the last good first page."""
    tail: tuple[int, ...] = ()
    """The last three titles of the last good first page, as hashes."""
    echo: bool = False
    """Entries' titles stand outside the records too (a side bar), so that a title on the page proves little."""
    kind: str = ""
    """Of the last good page: html, json …"""
    strikes: int = 0
    """Pages in a row that broke the frame in the same way."""
    shape: int = 0
    """In which way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """How a page disagrees with the frame."""

    hard: tuple[str, ...] = ()
    """The source itself was cut."""
    soft: tuple[str, ...] = ()
    """The closing part is missing, or another one stands there."""
    share: float | None = None
    """How much of the frame is there, 0 to 1; None: the frame is too small to tell."""


def digest(text: str) -> int:
    """A short hash of a text, to remember it by."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) & 0xFFFFFFFF


# ------------------------------------------------------------------------------------------------ what is there


def look(document: Document, rule: Rule | None) -> Seen:
    """What stands on a page outside the records that ``rule`` finds."""
    seen: dict[str, Any] = {"cut": source_cut(document), "ends": endings(document.markup)}
    if document.kind == "json":
        return Seen(**{**seen, "ends": frozenset(), "cut": "", **_json_frame(document.data)})
    if document.tree is None:
        lines = tuple(fold(line) for line in document.markup[:MOST_OUTSIDE].splitlines())
        return Seen(**seen, lines=tuple(filter(None, lines)), headings=())
    walk = _Walk(_records(document.tree, rule))
    walk.run(document.tree.root)
    title = document.title
    counts = walk.numbers()
    return Seen(
        **seen,
        marks=frozenset(walk.marks[:MOST_MARKS]),
        words=frozenset(walk.words[:MOST_MARKS]),
        closing=tuple(dict.fromkeys(walk.closing))[-60:],
        lines=tuple(walk.lines),
        headings=(title, *walk.headings),
        counts=counts,
        named=frozenset(walk.named),
        passwords=walk.passwords,
        inputs=walk.inputs,
        images=walk.images,
        scripts=len(document.tree.css("script")),
        refresh=any(
            "refresh" in (node.attributes.get("http-equiv") or "").lower() for node in document.tree.css("meta")
        ),
    )


def _records(tree: LexborHTMLParser, rule: Rule | None) -> frozenset[int]:
    """The nodes that are records, by address."""
    for selector in rule.entry if rule and rule.format == "html" else ():
        try:
            nodes = tree.css(selector)
        except (SelectolaxError, ValueError):
            continue
        if nodes:
            return frozenset(node.mem_id for node in nodes)
    return frozenset()


class _Walk:
    """One pass over a tree in page order, records left out."""

    def __init__(self, records: frozenset[int]) -> None:
        self.records = records
        self.marks: list[int] = []
        self.words: list[int] = []
        self.closing: list[int] = []
        self.lines: list[str] = []
        self.headings: list[str] = []
        self.named: set[int] = set()
        self.passwords = self.inputs = self.images = self.room = 0

    def run(self, root: LexborNode | None) -> None:
        """Visit every node that is neither in a record nor invisible, up to ``MOST_NODES``."""
        stack, left = [root], MOST_NODES
        while stack and left:
            node = stack.pop()
            if node is None:
                continue
            left -= 1
            if node.next is not None and node is not root:
                stack.append(node.next)
            if node.mem_id in self.records:
                self.closing.clear()
                self.lines.append("")
            elif node.is_text_node:
                self._text(node.text_content or "")
            elif node.is_element_node and node.tag not in UNSEEN:
                self._element(node)
                stack.append(node.child)

    def _element(self, node: LexborNode) -> None:
        tag, attributes = node.tag or "", node.attributes
        if tag == "input":
            self.inputs += 1
            self.passwords += (attributes.get("type") or "").lower() == "password"
        elif tag == "img":
            self.images += 1
        elif tag in HEADINGS and len(self.headings) < 8:
            self.headings.append(node.text(deep=True, separator=" ")[:200])
        classes = sorted({name for name in (attributes.get("class") or "").split() if not VOLATILE_CLASS.search(name)})
        name = attributes.get("id") or ""
        if not classes and not name and tag not in LANDMARKS:
            return
        mark = digest(f"{tag}#{DIGITS.sub('', name)}.{'.'.join(classes)}")
        self.marks.append(mark)
        self.closing.append(mark)

    def _text(self, text: str) -> None:
        line = fold(text[:2000])
        if not line or self.room > MOST_OUTSIDE:
            return
        self.room += len(line)
        self.lines.append(line)
        if len(line) <= 80 and not DIGITS.search(line) and any(map(str.isalpha, line)):
            mark = digest(line)
            self.words.append(mark)
            self.closing.append(mark)

    def numbers(self) -> dict[int, int]:
        """Numbers among the words, each by its place: the words of its line, or those before or after it."""
        found: dict[int, int] = {}
        twice: set[int] = set()
        for index, line in enumerate(self.lines):
            if not line or len(line) > 120 or not (matches := list(NUMBER.finditer(line))):
                continue
            masked = NUMBER.sub("#", line)
            before = self.lines[index - 1] if index else ""
            after = self.lines[index + 1] if index + 1 < len(self.lines) else ""
            around = [masked] if any(map(str.isalpha, masked)) else [f"{before}|{masked}", f"{masked}|{after}"]
            for position, match in enumerate(matches[:6]):
                for words in around:
                    place = digest(f"{position}:{words}")
                    twice |= {place} & found.keys()
                    found[place] = int(re.sub(r"\D", "", match.group()))
                    if counts_something(words):
                        self.named.add(place)
        return {place: number for place, number in found.items() if place not in twice}


def _json_frame(data: Any) -> dict[str, Any]:
    """The keys, words and numbers of a JSON answer, lists left out: an error answer is told by them."""
    marks: list[int] = []
    lines: list[str] = []
    counts: dict[int, int] = {}
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
    return {"marks": frozenset(marks), "lines": tuple(lines), "counts": counts}


def endings(markup: str) -> frozenset[str]:
    """The closing tags that a source has at its end."""
    tail = markup[-4096:].lower()
    ends = {tag for tag in ("</html>", "</body>") if tag in tail}
    if last := LAST_TAG.search(_bare(markup[-4096:])):
        ends.add(f"last:{last[1].lower()}")
    return frozenset(ends)


def _bare(tail: str) -> str:
    """The end of a source without the comments and white space after its last tag."""
    tail = tail.rstrip()
    while tail.endswith("-->") and (comment := TRAILING_COMMENT.search(tail)):
        tail = tail[: comment.start()].rstrip()
    return tail


def source_cut(document: Document) -> str:
    """Why a source cannot be whole, from itself alone; empty if nothing speaks against it."""
    markup = document.markup
    if document.kind == "json" or not markup.strip():
        return ""
    tail = markup[-65_536:]
    if tail.rfind("<!--") > tail.rfind("-->"):
        return "ends-inside-comment"
    if re.match(r"[/!?a-zA-Z]?", tail[(opened := tail.rfind("<")) + 1 :]) and opened > tail.rfind(">"):
        after = tail[opened + 1 : opened + 2]
        if not after or after.isalpha() or after in "/!?":
            return "ends-inside-tag"
    if root := XML_ROOT.match(markup):
        return "" if f"</{root[1]}>" in tail else "root-not-closed"
    if document.kind == "text" and (stripped := markup.strip())[:1] in "{[(" and unbalanced(stripped):
        return "brackets-not-closed"
    lowered = tail.lower()
    if "</html>" in lowered or "</body>" in lowered:
        return ""
    if re.search(r"<(?:html|body)\b", markup[:8192], re.IGNORECASE) and left_open(markup):
        return "elements-not-closed"
    return ""


def left_open(markup: str) -> bool:
    """Whether containers are opened that are never closed (``body`` counts for one: its end tag may be left out)."""
    opened = closed = 0
    for match in CONTAINERS.finditer(markup):
        if match[1]:
            closed += 1
        else:
            opened += 1
    return opened - closed > 1


def unbalanced(source: str) -> bool:
    """Whether brackets of a script or JSON text are opened that are never closed, strings left out."""
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`', "", source)
    return any(bare.count(opening) > bare.count(closing) for opening, closing in ("{}", "[]", "()"))


# --------------------------------------------------------------------------------------------- what it is held to


def compare(frame: Frame, seen: Seen) -> Faults:
    """How a page disagrees with what earlier good pages had in common; of a first page, only what it shows itself."""
    hard = [seen.cut] if seen.cut else []
    soft = []
    base = frame.base
    if base.pages:
        missing = set(base.ends) - seen.ends
        tags = {end for end in missing if end.startswith("</")}
        if tags or (missing and not any(end.startswith("</") for end in base.ends)):
            hard.append("closing-tag-missing")
        there = seen.marks | seen.words
        if len(base.closing) >= FEW and _share(base.closing, there) < 0.5:
            soft.append("closing-part-missing")
    shares = [
        _share(common, there)
        for common, there in ((base.marks, seen.marks), (base.words, seen.words))
        if len(common) >= FEW
    ]
    return Faults(hard=tuple(hard), soft=tuple(soft), share=max(shares) if shares else None)


def _share(common: Sequence[int], there: Iterable[int]) -> float:
    return len(set(common) & set(there)) / len(common)


def short_of(frame: Frame, seen: Seen, rows: int) -> tuple[str, bool] | None:
    """``announced:N>ROWS`` if a number that was seen to count the rows says that some are missing, and whether that
    number was proven by change; None if none says so."""
    counts = [count for count in frame.counts if count.trusted and count.place in seen.counts]
    counts = [count for count in counts if count.proven] or counts
    numbers = {seen.counts[count.place] for count in counts}
    # all must agree: one of them may have been a coincidence
    if len(numbers) != 1 or (number := numbers.pop()) <= rows:
        return None
    return f"announced:{number}>{rows}", counts[0].proven


def fresh_lines(frame: Frame, seen: Seen) -> tuple[str, ...]:
    """The words outside the records that earlier good pages did not all have."""
    usual = set(frame.base.words)
    return tuple(line for line in seen.lines if line and digest(line) not in usual)


# ----------------------------------------------------------------------------------------------- what it is taught


def taught(frame: Frame, seen: Seen, titles: Sequence[str], *, kind: str, first: bool) -> Frame:
    """The frame once a good page is counted too. ``titles`` are its entries', folded; ``first``: it is page one."""
    base, coming = _common(frame.base, seen), _common(frame.coming, seen)
    if coming.pages >= EPOCH:
        base, coming = coming, _common(Marks(), seen)
    grown = replace(frame, base=base, coming=coming, kind=kind, strikes=0, shape=0)
    if not first:
        return grown
    outside = set(seen.lines)
    echoes = sum(title in outside for title in titles)
    return replace(
        grown,
        counts=_counted(frame, seen, len(titles)),
        rows=len(titles),
        tail=tuple(digest(title) for title in titles[-3:]),
        echo=bool(titles) and echoes * 3 >= len(titles),
    )


def _common(marks: Marks, seen: Seen) -> Marks:
    if not marks.pages:
        return Marks(
            pages=1,
            marks=tuple(sorted(seen.marks)),
            words=tuple(sorted(seen.words)),
            closing=seen.closing,
            ends=tuple(sorted(seen.ends)),
        )
    after = set(seen.closing)
    return Marks(
        pages=marks.pages + 1,
        marks=tuple(mark for mark in marks.marks if mark in seen.marks),
        words=tuple(mark for mark in marks.words if mark in seen.words),
        closing=tuple(mark for mark in marks.closing if mark in after),
        ends=tuple(end for end in marks.ends if end in seen.ends),
    )


def _counted(frame: Frame, seen: Seen, rows: int) -> tuple[Count, ...]:
    """Numbers that agree with the rows once more; on the first page, all that do."""
    if not frame.rows:
        agreeing = [place for place, number in seen.counts.items() if number == rows and rows]
        # those that name what they count come first: there is room for few
        agreeing.sort(key=lambda place: place not in seen.named)
        return tuple(Count(place=place, named=place in seen.named, values=(rows,)) for place in agreeing[:MOST_COUNTS])
    return tuple(
        replace(
            count,
            hits=count.hits + (count.place in seen.counts),
            values=tuple(dict.fromkeys((*count.values, rows)))[-4:] if count.place in seen.counts else count.values,
        )
        for count in frame.counts
        if seen.counts.get(count.place, rows) == rows
    )


def struck(frame: Frame, faults: Sequence[str]) -> Frame:
    """The frame after a page that broke it: how often in a row in the same way."""
    shape = digest("|".join(faults))
    return replace(frame, strikes=frame.strikes + 1 if shape == frame.shape else 1, shape=shape)
