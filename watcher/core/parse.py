"""A page's decoded body as a document: its kind, tree or data, title and visible text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

import msgspec
from selectolax.lexbor import LexborDocumentOptions, LexborHTMLParser

from watcher.core import feeds, line_lists, outline, scripts
from watcher.core.charset import decode
from watcher.core.keyed import with_keys
from watcher.core.nodes import Nodes, visible
from watcher.core.phrases import fold, folded_space
from watcher.core.short_keys import cached_if_short
from watcher.records import Page

Kind = Literal["html", "json", "feed", "directory", "text"]

_WITHOUT_EVENTS = int(LexborDocumentOptions.WO_EVENTS)
_JSON_GUARD = re.compile(r"^\s*(?:\)\]\}'?,?|while\s*\(1\);|for\s*\(;;\);)\s*")
_SCRIPT_HEAD = re.compile(
    r"[(!;\s]*(?:(?:const|let|var|window|self|function|export|import)\b|[\w$.]+\s*=|\(\)\s*=>|/[/*])"
)
_JSON_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.S
)
_UNENDED = re.compile(
    rb"<(?!(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr"  # these have no end
    rb"|p|li|dt|dd|option|optgroup|tr|td|th|tbody|thead|tfoot|colgroup|rp|rt"  # the next of these ends one
    rb"|title|textarea|script|style|xmp|iframe|noembed|noframes)[\s/>])"  # within these, tags are text
    rb"[a-z][^<>]*(?<!/)>",
    re.I,
)
MOST_OPEN = 50_000
"""Elements that may stand open, one inside the other: the parser takes quadratic time for them."""
_INDEX_TITLE = re.compile(r"\s*(?:index of\b|directory listing (?:for|of)\b|listing of\b)", re.I)


class Document:
    """One page, parsed once; what costs is worked out when it is first asked for."""

    __slots__ = (
        "_data",
        "_folded",
        "_lines",
        "_origin",
        "_outline",
        "_source",
        "_text",
        "_title",
        "base",
        "broken",
        "content_length",
        "kind",
        "markup",
        "nodes",
        "tree",
        "url",
    )

    def __init__(
        self, *, markup: str, url: str, kind: Kind, tree: LexborHTMLParser | None, data: Any, content_length: int
    ) -> None:
        self.markup = markup
        """The body, decoded."""
        self.url = url
        """Where it was taken from."""
        self.kind: Kind = kind
        self.tree = tree
        self.nodes = Nodes(tree.root) if tree is not None and tree.root is not None else None
        """The tree's nodes; None without a tree."""
        self.content_length = content_length
        """Bytes in the body."""
        self.broken = ""
        """What was not finished: ``json`` or ``xml``; empty: nothing was seen to be."""
        self.base = _base(self.nodes, url)
        """What its relative links are relative to."""
        self._origin = _origin(self.base)
        self._data = data
        self._lines: dict[str, Any] | None = None
        self._outline: outline.Outline | None = None
        self._source: bytes | None = None
        self._text: str | None = None
        self._folded: str | None = None
        self._title: str | None = None

    @property
    def data(self) -> Any:
        """What a JSON rule reads: the JSON value; ``{"items": […]}`` of a feed or a directory index; of an HTML page
        the literals in its scripts by the name of their variable; None if there is nothing of the sort."""
        if self._data is None and self.kind == "html" and self.tree is not None:
            self._data = self.lines | with_keys(scripts.literals(self.tree, self.markup))
        elif self._data is None and self.kind == "text":
            self._data = self.lines
        return self._data or None

    @property
    def lines(self) -> dict[str, Any]:
        """Lists that are written as lines of text, by what they are called in ``data``."""
        if self._lines is None:
            self._lines = {}
            if self.kind == "text":
                self._lines |= line_lists.of_text(self.markup)
            elif self.nodes is not None and self.outline is not None and {"pre", "br"} & self.nodes.tags:
                self._lines |= line_lists.of_html(self.nodes, self.outline)
        return self._lines

    @property
    def outline(self) -> outline.Outline | None:
        """The tree as flat lists; None without a tree."""
        if self._outline is None and self.nodes is not None:
            self._outline = outline.build(self.nodes)
        return self._outline

    @property
    def text(self) -> str:
        """The visible text, white space folded; of JSON, the strings in it."""
        if self._text is None:
            if self.kind == "json" and self._data is not None:
                self._text = " ".join(" ".join(strings_in(self._data)).split())
            elif self.tree is not None:
                self._text = folded_space(visible(self.nodes)) if self.nodes is not None else ""
            else:
                self._text = " ".join(self.markup.split())
        return self._text

    @property
    def folded(self) -> str:
        """The visible text as words are compared."""
        if self._folded is None:
            text = self.text  # it has no white space to fold
            self._folded = text.lower() if text.isascii() else fold(text)
        return self._folded

    def says(self, words: Iterable[bytes]) -> bool:
        """Whether one of these words stands anywhere in the source, in letters of either case."""
        if self._source is None:
            self._source = self.markup.encode("utf-8", "surrogatepass").lower()
        return any(word in self._source for word in words)

    @property
    def title(self) -> str:
        """The text of ``<title>``, white space folded."""
        if self._title is None:
            node = self.nodes.first("title") if self.nodes is not None else None
            self._title = " ".join(node.text().split()) if node is not None else ""
        return self._title

    def absolute(self, link: str) -> str:
        """A link of the page as an absolute address; empty if it leads nowhere that could be asked for."""
        link = link.strip()
        if link.startswith("/") and not link.startswith("//") and self._origin and "/." not in link:
            return self._origin + link  # what urljoin would say, at a tenth of its cost
        return _joined(f"{self.base}\n{link}")


@cached_if_short(4_000)
def _joined(pair: str) -> str:
    """The address that a base and a link make, each on a line; empty if it is none that could be asked for."""
    base, _, link = pair.partition("\n")
    try:
        address = urljoin(base, link)
        scheme = urlsplit(address).scheme
    except ValueError:
        return ""
    return address if scheme in {"http", "https"} else ""


def parse(page: Page) -> Document:
    """The page as a document. Never raises for what a page holds."""
    markup = decode(page.body, page.content_type).replace("\x00", "")
    head = markup[:1024].lstrip("\ufeff \t\r\n")
    content_type = page.content_type.lower()
    if head.startswith(("{", "[")) or "json" in content_type or _JSON_GUARD.match(head):
        return _json_document(markup, page)
    if feeds.looks_like_feed(head):
        items = feeds.read(markup)
        if items is not None:
            document = _document(markup, page, "feed", _tree(markup), {"items": items.rows})
            document.broken = "" if items.whole else "xml"
            return document
    if not head.startswith("<"):
        carried = scripts.literals_in(markup) if "javascript" in content_type or _SCRIPT_HEAD.match(head) else {}
        if carried:
            return _document(markup, page, "json", None, carried)
        if _SCRIPT_HEAD.match(head) and re.search(r"=\s*[\[{]", head):
            document = _document(markup, page, "json", None, None)
            document.broken = "json"
            return document
    if "<" not in markup:
        return _document(markup, page, "text", None, None)
    tree = _tree(markup)
    if "<pre" in markup[:4096] or "<PRE" in markup[:4096]:
        shown = _shown_json(tree)
        if shown is not None:
            return _document(markup, page, "json", tree, shown)
    document = _document(markup, page, "html", tree, None)
    if _INDEX_TITLE.match(document.title) or _heading_says_index(document.nodes):
        rows = feeds.directory(tree)
        if rows:
            return _document(markup, page, "directory", tree, {"items": rows})
    return document


def strings_in(value: Any, budget: int = 200_000) -> list[str]:
    """The strings in a JSON value, in order, keys left out; at most ``budget`` values are looked at."""
    found: list[str] = []
    stack = [value]
    while stack and budget > 0:
        budget -= 1
        item = stack.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            stack.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            stack.extend(reversed(item))
    return found


def read_json(text: str) -> Any:
    """The value of a JSON text (or of JSON lines); None if it is none."""
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        pass
    try:
        return json.loads(_JSON_ESCAPE.sub(_no_lone_surrogate, text))  # laxer: NaN, lone surrogates
    except (ValueError, RecursionError):
        pass
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and all(line.lstrip().startswith("{") for line in lines):
        try:
            return [msgspec.json.decode(line) for line in lines]
        except (msgspec.DecodeError, RecursionError):
            pass
    return None


def _no_lone_surrogate(escape: re.Match[str]) -> str:
    """Half of a character outside the first plane is none, and nothing could write it down."""
    return "\\ufffd" if escape["lone"] else escape[0]


def _json_document(markup: str, page: Page) -> Document:
    value = with_keys(read_json(_JSON_GUARD.sub("", markup, count=1)))
    if value is None and "<" in markup and "json" not in page.content_type.lower():
        return _document(markup, page, "html", _tree(markup), None)
    document = _document(markup, page, "json", None, value)
    if value is None:
        document.broken = "json"
    return document


def _shown_json(tree: LexborHTMLParser) -> Any:
    """The JSON value that a browser's viewer wrapped in a page of one ``pre``; None if it is not such a page."""
    body = tree.body
    if body is None:
        return None
    children = [node for node in body.iter() if node.tag not in {"script", "style"}]
    if len(children) != 1 or children[0].tag != "pre":
        return None
    text = children[0].text().strip()
    return with_keys(read_json(text)) if text.startswith(("{", "[")) else None


def is_bottomless(body: bytes) -> bool:
    """Whether a page opens more elements that it never ends than a parser should be asked to nest."""
    if len(body) <= MOST_OPEN * len("<b>"):
        return False
    ends = body.count(b"</")
    if body.count(b"<") - 2 * ends <= MOST_OPEN:  # hardly any page is looked through
        return False
    return sum(1 for _ in _UNENDED.finditer(body)) - ends > MOST_OPEN


def _heading_says_index(nodes: Nodes | None) -> bool:
    heading = nodes.first("h1", "h2") if nodes is not None else None
    return heading is not None and _INDEX_TITLE.match(heading.text()) is not None


def _document(markup: str, page: Page, kind: Kind, tree: LexborHTMLParser | None, data: Any) -> Document:
    return Document(markup=markup, url=page.url, kind=kind, tree=tree, data=data, content_length=len(page.body))


def _tree(markup: str) -> LexborHTMLParser:
    return LexborHTMLParser(markup, options=_WITHOUT_EVENTS)


def _origin(url: str) -> str:
    """Scheme and host of an http address; empty if it is none."""
    match = re.match(r"https?://[^/?#\s]+", url, re.I)
    return match[0] if match else ""


def _base(nodes: Nodes | None, url: str) -> str:
    said = [nodes.node[at].attributes for at in nodes.named("base")] if nodes is not None else []
    href = next((attributes["href"] or "" for attributes in said if "href" in attributes), "")
    try:
        return urljoin(url, href.strip()) if href else url
    except ValueError:
        return url
