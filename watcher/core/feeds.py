"""Feeds (RSS, Atom) and directory indexes as rows: tables that a JSON rule can read."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import unquote
from xml.parsers import expat

from selectolax.lexbor import LexborHTMLParser, LexborNode

_HEAD = re.compile(r"^(?:(?><!--.*?-->)|<!DOCTYPE[^>]*+>|<\?[^>]*+>|\s)*+<(?:\w+:)?(rss|feed|rdf)\b", re.S | re.I)
"""Nothing is gone back over: a page that begins with a hundred comments would be tried in 2^100 ways."""
_TAGS = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|dd|div|dl|dt|em|figure|font|h[1-6]|head|hr|html|i|iframe|img|ins|li"
    r"|link|main|mark|meta|ol|p|pre|s|script|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead|tr|u"
    r"|ul|video)(?:\s[^<>]*)?/?>|<!--.*?-->",
    re.I | re.S,
)
"""Tags that are markup for certain: a leak site writes ``<SSN, address>`` in plain text, too."""
_NAMES = {
    "title": "title", "link": "link", "guid": "id", "id": "id", "pubdate": "date", "published": "date", "date": "date",
    "updated": "updated", "description": "description", "summary": "description", "encoded": "content",
    "content": "content", "category": "category", "creator": "author", "author": "author",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """What a feed holds."""

    rows: list[dict[str, str]]
    whole: bool
    """It was well-formed to its end."""


def looks_like_feed(head: str) -> bool:
    """Whether a text starts as RSS, RDF or Atom does."""
    return _HEAD.match(head) is not None


class _ForbiddenError(ValueError):
    """The feed declares entities of its own."""


@dataclass(slots=True)
class _Reader:
    rows: list[dict[str, str]] = field(default_factory=list)
    row: dict[str, str] | None = None
    depth: int = 0
    name: str = ""
    text: list[str] = field(default_factory=list)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2].lower()
        if self.row is None:
            if local in {"item", "entry"}:
                self.row = {}
                self.depth = 0
            return
        self.depth += 1
        if self.depth > 1:  # markup inside a text construct
            self.text.append(" ")
            return
        self.name = _NAMES.get(local, "")
        self.text = []
        if local == "link" and attributes.get("href") and attributes.get("rel", "alternate") == "alternate":
            self.row["link"] = attributes["href"].strip()

    def end(self, _tag: str) -> None:
        if self.row is None:
            return
        if self.depth == 0:
            if self.row.get("content"):
                self.row.setdefault("description", self.row["content"])
                del self.row["content"]
            self.rows.append(self.row)
            self.row = None
            return
        self.depth -= 1
        if self.depth == 0 and self.name:
            value = "".join(self.text)
            if self.name not in {"link", "id"}:
                value = plain(value)
            value = " ".join(value.split())
            if value:
                self.row.setdefault(self.name, value)
            self.name = ""

    def data(self, text: str) -> None:
        if self.row is not None and self.depth:
            self.text.append(text)


def _refuse(*_declared: object) -> None:
    raise _ForbiddenError


def read(markup: str) -> Rows | None:
    """The items of a feed, as far as it is well-formed; None if it is none, or declares entities."""
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.EntityDeclHandler = _refuse
    parser.UseForeignDTD(True)  # unknown entities (&nbsp;) are skipped, not errors
    whole = True
    try:
        parser.Parse(markup.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), True)
    except expat.ExpatError:
        whole = False
    except _ForbiddenError:
        return None
    return Rows(rows=reader.rows, whole=whole)


def plain(text: str) -> str:
    """Text without markup."""
    if "<" not in text and "&" not in text:
        return text
    return " ".join(html.unescape(_TAGS.sub(" ", text)).split())


_PARENT = re.compile(r"^\s*(?:\.\.|parent directory|\[to parent directory\]|up to .*|\.)\s*/?\s*$", re.I)
_STAMP = re.compile(
    r"\d{4}-\d\d-\d\d(?:\s+\d\d:\d\d(?::\d\d)?)?|\d\d-\w{3}-\d{4}(?:\s+\d\d:\d\d(?::\d\d)?)?|\d{1,2}/\d{1,2}/\d{4}(?:\s+\d+:\d\d\s*[AP]M)?"
)
_LENGTH = re.compile(r"(?<![\d:-])(\d+(?:\.\d+)?\s*[KMGTP]i?B?|\d+|-)\s*$")


def directory(tree: LexborHTMLParser) -> list[dict[str, str]]:
    """The rows of a directory index: ``name``, ``link``, ``date``, ``size``; the parent and sorting links left out."""
    rows: list[dict[str, str]] = []
    for node in tree.css("a[href]"):
        href = (node.attributes.get("href") or "").strip()
        shown = " ".join(node.text().split())
        if not href or href.startswith(("?", "#", "javascript:", "mailto:")) or "?C=" in href or _PARENT.match(shown):
            continue
        if href.startswith(("http://", "https://", "//")) or (href.startswith("/") and node.css_first("img")):
            continue
        name = unquote(href.split("?")[0].rstrip("/").rpartition("/")[2]) or shown.rstrip("/")
        if not name or name in {".", ".."}:
            continue
        row = {"name": name, "link": href}
        rest = _rest_of_line(node)
        stamp = _STAMP.search(rest)
        if stamp:
            row["date"] = stamp[0]
        length = _LENGTH.search(rest)
        if length and length[1] != "-":
            row["size"] = length[1]
        if href.rstrip().endswith("/"):
            row["kind"] = "folder"
        rows.append(row)
    return rows


def _rest_of_line(node: LexborNode) -> str:
    """What stands after a link on its line or in its table row."""
    parent = node.parent
    if parent is not None and parent.tag == "td" and parent.parent is not None:
        cells = [cell.text() for cell in parent.parent.iter() if cell.tag == "td"]
        return " ".join(" ".join(cells[1:]).split()) if cells else ""
    after = node.next
    text = (after.text_content or "") if after is not None and after.is_text_node else ""
    return " ".join(text.split("\n")[0].split())
