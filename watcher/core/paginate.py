"""Further pages of a listing: by what the configuration says, else by what the page itself says of its pages."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from watcher.core.links import lead_of
from watcher.core.nodes import Nodes
from watcher.core.parse import Document
from watcher.core.rules import split
from watcher.core.short_keys import cached_if_short
from watcher.records import Entry

HIGHEST = 5_000
"""A page number above this is no page number."""
MOST_LINKS = 3_000
MOST_FUNCTIONS = 8
"""Functions that links of one page call to go to another."""
_PAGE_KEYS = frozenset(
    {
        "page", "p", "pg", "paged", "pagenum", "page_num", "pagenumber", "page_number", "pageno", "pageindex",
        "page_index", "paging", "seite",
    }
)  # fmt: skip
_OFFSET_KEYS = frozenset({"offset", "start", "from", "skip", "begin"})
_LIMIT_KEYS = frozenset({"limit", "per_page", "perpage", "page_size", "pagesize", "size", "count", "take", "rows"})
_PAGER = re.compile(
    r"paginat|pager|page-numbers|pagenavi|page-link|page-item|nav-links|nav-previous|nav-next|load-?more|pages\b", re.I
)
_ONWARD = re.compile(
    r"(?:next(?: page)?|older(?: posts| entries)?|(?:load|show|view|see) more|more (?:posts|victims|leaks|entries)"
    r"|next posts?|forward|weiter|nächste|suivant|siguiente|próxim[ao]|далее|следующая|ещё|下一页|次へ)\s*[»›>→⟩]*"
    r"|[»›>→⟩]{1,2}",
    re.I,
)
_CALL = re.compile(r"([\w$.]+)\s*\(\s*['\"]?(\d{1,5})['\"]?\s*[,)]")
_JOINED = (
    r"function\s+NAME\s*\(\s*([\w$]+)[^{]*\{[^}]{0,400}?"
    r"['\"]([^'\"]*)['\"]\s*\+\s*\1\s*(?:\+\s*['\"]([^'\"]*)['\"])?"
)
"""A function that joins its argument to a text: ``function go(n) { location = "?page=" + n }``."""
_NUMBER = re.compile(r"\d{1,5}")


def next_urls(
    document: Document, entries: Sequence[Entry] = (), *, pages: str = "", next_link: str = "", limit: int = 64
) -> tuple[str, ...]:
    """Addresses of further pages of the same listing that this page names: absolute, in order, without itself, on
    the page's own host, never an entry's own page. ``pages`` (``page/{n}/``) and ``next_link``
    (``CSS@attribute``) come from the configuration and replace what would be found by itself."""
    if pages:
        found: Iterator[str] = iter(_by_template(document, pages))
    elif next_link:
        found = _by_selector(document, next_link)
    elif document.kind == "json":
        found = _by_json(document)
    else:
        found = _by_links(document, frozenset(entry.url for entry in entries if entry.url))
    taken: dict[str, None] = {}
    for address in found:
        if len(taken) >= limit:
            break
        if _same_host(address, document.url) and _canonical(address) != _canonical(document.url):
            taken.setdefault(address.partition("#")[0])
    return tuple(taken)


def _same_host(address: str, here: str) -> bool:
    try:
        one, other = urlsplit(address), urlsplit(here)
    except ValueError:
        return False
    return one.scheme == other.scheme and one.netloc.lower() == other.netloc.lower()


def _canonical(address: str) -> str:
    return address.partition("#")[0].rstrip("/?&")


# ----------------------------------------------------------------------------------------------- as it was configured


def _by_template(document: Document, pages: str) -> list[str]:
    """The page after this one."""
    number, base = number_in(document.url, pages), document.base
    if number is None:
        return [_joined(base, pages, 2)]
    if not pages.startswith(("/", "?", "http://", "https://")):
        base = re.sub(_template_regex(pages) + "$", "", document.url)
    return [_joined(base, pages, number + 1)]


def number_in(url: str, pages: str) -> int | None:
    """The number that a template has in an address; None if it is the first page's."""
    match = re.search(_template_regex(pages) + "$", url)
    return int(match[1]) if match else None


def _template_regex(pages: str) -> str:
    head, _, tail = pages.partition("{n}")
    return re.escape(head) + r"(\d{1,6})" + re.escape(tail)


def _joined(base: str, pages: str, number: int) -> str:
    try:
        return urljoin(base, pages.replace("{n}", str(number)))
    except ValueError:
        return ""


def _by_selector(document: Document, next_link: str) -> Iterator[str]:
    css, attr = split(next_link)
    if (nodes := document.nodes) is not None:
        for at in nodes.select(css)[:MOST_LINKS]:
            yield document.absolute(nodes.node[at].attributes.get(attr or "href") or "")


# --------------------------------------------------------------------------------------------------------- in HTML


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that may lead to another page of the listing."""

    address: str
    text: str
    at: int
    """Its place."""


def _by_links(document: Document, own: frozenset[str]) -> Iterator[str]:
    nodes = document.nodes
    if nodes is None:
        return
    for at in nodes.select("link[rel~=next], a[rel~=next]") if document.says(_NEXT) else ():
        yield document.absolute(nodes.node[at].attributes.get("href") or "")
    links = [link for link in _links(document, nodes) if link.address and link.address not in own]
    yield from _numbered(links, document.url, nodes)
    for link in links:
        if (
            _ONWARD.fullmatch(link.text)
            and (_has_number(link.address) or _in_pager(nodes, link.at))
            and _may_page(link.address, document)
        ):
            yield link.address


def _links(document: Document, nodes: Nodes) -> Iterator[_Link]:
    """Links that show a number or say that they lead on."""
    scripts = ""
    functions: dict[str, tuple[str, str] | None] = {}
    parent, words = nodes.parent, nodes.words
    for at in _linking(document, nodes)[:MOST_LINKS]:
        only = words[at + 1] if parent[at + 1] == at != parent[at + 2] else None
        text = " ".join((nodes.node[at].text() if only is None else only).split())[:40]
        if text and not _leads_on(text):
            continue
        node = nodes.node[at]
        attributes = node.attributes
        if not text:
            text = attributes.get("aria-label") or attributes.get("title") or ""
            if not (_NUMBER.fullmatch(text) or _ONWARD.fullmatch(text)):
                continue
        href = (attributes.get("href") or "").strip()
        target = href if href and not href.startswith(("#", "javascript:")) else ""
        for name in ("data-url", "hx-get", "data-next", "data-next-url", "data-href"):
            target = target or attributes.get(name) or ""
        call = attributes.get("onclick") or (href if href.startswith("javascript:") else "")
        if not target and call:
            scripts = scripts or "\n".join(nodes.node[script].text() for script in nodes.named("script"))[:200_000]
            target = _called(call, scripts, functions)
        if target:
            yield _Link(document.absolute(target), text, at)


def _linking(document: Document, nodes: Nodes) -> list[int]:
    """Places of what a click on may lead to another page, in page order."""
    found = nodes.named("a")
    others = nodes.select(_LINKS) if document.says(_ACTING) else ()
    return sorted({*found, *others}) if others else found


_LINKS = "button[onclick], button[data-url], [hx-get], [data-next], [data-next-url], li[onclick], span[onclick]"
_NEXT = (b"next", b"&#")
"""Without the word, or what may be one of its letters, nothing of the page is called so."""
_ACTING = (b"onclick", b"data-url", b"hx-get", b"data-next")


@cached_if_short(1_000)
def _leads_on(text: str) -> bool:
    """Whether a short text is a number or says that it leads on."""
    return _NUMBER.fullmatch(text) is not None or _ONWARD.fullmatch(text) is not None


def _called(code: str, scripts: str, functions: dict[str, tuple[str, str] | None]) -> str:
    """Where ``goto_page('14')`` leads, if the page's scripts say how its argument becomes an address. ``functions``
    holds what was found of each before: the scripts are searched for a few, and not for every link."""
    call = _CALL.search(code)
    if call is None:
        return ""
    name = call[1].rpartition(".")[2]
    if name not in functions and len(functions) < MOST_FUNCTIONS:
        body = re.search(_JOINED.replace("NAME", re.escape(name)), scripts)
        functions[name] = (body[2], body[3] or "") if body else None
    joined = functions.get(name)
    return f"{joined[0]}{call[2]}{joined[1]}" if joined else ""


def _in_pager(nodes: Nodes, at: int) -> bool:
    for _ in range(5):
        if at < 0:
            return False
        attributes = nodes.node[at].attributes
        if attributes and _PAGER.search(
            f"{attributes.get('class') or ''} {attributes.get('id') or ''} {attributes.get('aria-label') or ''}"
        ):
            return True
        at = nodes.parent[at]
    return False


def _active_number(nodes: Nodes) -> int | None:
    """The number that the pager shows as the present page."""
    for at in nodes.select("[aria-current=page], .active, .current, .selected")[:50]:
        text = nodes.node[at].text().strip()
        if _NUMBER.fullmatch(text) and _in_pager(nodes, at):
            return int(text)
    return None


def _numbered(links: Sequence[_Link], here: str, nodes: Nodes) -> Iterator[str]:
    """All pages that numbered links name, those that they leave out between too."""
    patterns: dict[str, dict[int, int]] = {}
    told: Counter[str] = Counter()
    as_shown: dict[int, str] = {}
    for link in links:
        if not _NUMBER.fullmatch(link.text):
            continue
        as_shown.setdefault(int(link.text), link.address)
        for pattern, number, strong in _patterns(link.address):
            if number <= HIGHEST * 100:
                patterns.setdefault(pattern, {})[int(link.text)] = number
                told[pattern] += strong or _in_pager(nodes, link.at)
    for pattern, shown in patterns.items():
        line = _line(shown)
        if not told[pattern] or line is None or max(shown) > HIGHEST:
            continue
        present = _active_number(nodes) or next(
            (page for page in range(1, max(shown) + 1) if _canonical(_filled(pattern, line, page)) == _canonical(here)),
            1,
        )
        for page in range(1, max(shown) + 1):
            if page != present:
                yield as_shown.get(page) or _filled(pattern, line, page)
        return


@cached_if_short(2_000)
def _patterns(address: str) -> list[tuple[str, int, bool]]:
    """Addresses with one of their numbers as ``{n}``, that number, and whether its name says page."""
    found: list[tuple[str, int, bool]] = []
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    for index, (key, value) in enumerate(query):
        if _NUMBER.fullmatch(value):
            marked = [*query[:index], (key, "\x00"), *query[index + 1 :]]
            text = urlencode(marked).replace("%00", "{n}")
            strong = key.lower() in _PAGE_KEYS | _OFFSET_KEYS
            found.append((urlunsplit((parts.scheme, parts.netloc, parts.path, text, "")), int(value), strong))
    segments = parts.path.split("/")
    for index, segment in enumerate(segments):
        match = re.fullmatch(r"(\D{0,12}?)(\d{1,7})(\.html?|\.php)?", segment)
        if match:
            before = segments[index - 1].lower() if index else ""
            named = (match[1].strip("-_").lower() or before) in _PAGE_KEYS | _OFFSET_KEYS
            marked_path = "/".join([*segments[:index], f"{match[1]}{{n}}{match[3] or ''}", *segments[index + 1 :]])
            found.append((urlunsplit((parts.scheme, parts.netloc, marked_path, parts.query, "")), int(match[2]), named))
    return found


def _line(shown: Mapping[int, int]) -> tuple[int, int] | None:
    """How numbers in addresses follow from numbers shown: (factor, constant); None if they do not."""
    pages = sorted(shown)
    if len(pages) == 1:
        page = pages[0]
        return next(((1, constant) for constant in (0, -1) if shown[page] == page + constant), None)
    factor, rest = divmod(shown[pages[-1]] - shown[pages[0]], pages[-1] - pages[0])
    constant = shown[pages[0]] - factor * pages[0]
    fits = rest == 0 and factor > 0 and all(shown[page] == factor * page + constant for page in pages)
    return (factor, constant) if fits else None


def _filled(pattern: str, line: tuple[int, int], page: int) -> str:
    return pattern.replace("{n}", str(line[0] * page + line[1]))


def _has_number(address: str) -> bool:
    return any(strong for _, _, strong in _patterns(address))


def _may_page(address: str, document: Document) -> bool:
    return lead_of(address, document.url) == "page"


# --------------------------------------------------------------------------------------------------------- in JSON


def _by_json(document: Document) -> Iterator[str]:
    facts, link = _paging_facts(document.data)
    if link:
        yield document.absolute(link)
        return
    parts = urlsplit(document.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    keys = {key.lower(): value for key, value in query}
    size = _first(facts, _LIMIT_KEYS) or _first(keys, _LIMIT_KEYS)
    total, last = facts.get("total"), facts.get("last")
    offset_key = next((key for key, _ in query if key.lower() in _OFFSET_KEYS), "")
    page_key = next((key for key, _ in query if key.lower() in _PAGE_KEYS), "")
    if offset_key and size and total:
        yield from (
            _with(document.url, offset_key, at)
            for at in range(0, total, size)
            if at != int(keys[offset_key.lower()] or 0)
        )
        return
    segments = re.search(r"/(\d{1,6})/(\d{1,4})/?$", parts.path)
    if segments and total and int(segments[2]) and int(segments[1]) % int(segments[2]) == 0:
        step = int(segments[2])
        for at in range(0, min(total, step * HIGHEST), step):
            path = f"{parts.path[: segments.start()]}/{at}/{step}"
            yield urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))
        return
    if last is None and size and total and (page_key or "page" in facts):
        last = -(-total // size)
    if last and last > 1 and (page_key or "page" in facts):
        present = facts.get("page", int(keys[page_key.lower()]) if page_key and keys[page_key.lower()].isdigit() else 1)
        first = 0 if present == 0 else 1
        for page in range(first, min(last + first, HIGHEST)):
            if page != present:
                yield _with(document.url, page_key or facts_key(document.data), page)


_LAST_KEYS = frozenset(
    {
        "total_pages", "totalpages", "pages", "last_page", "lastpage", "page_count", "pagecount", "num_pages",
        "max_page", "maxpage",
    }
)  # fmt: skip
_TOTAL_KEYS = frozenset({"total", "total_count", "totalcount", "count_total", "total_items", "totalitems"})
_PRESENT_KEYS = frozenset({"page", "current_page", "currentpage", "page_number", "pagenumber"})
_LINK_KEYS = frozenset(
    {"next", "next_page_url", "nextpage", "next_page", "next_url", "nexturl", "nextlink", "next_link"}
)


def _paging_facts(data: Any) -> tuple[dict[str, int], str]:
    """What a JSON answer says of its pages: numbers by name, and the address of the next one."""
    facts: dict[str, int] = {}
    stack: list[tuple[Any, int]] = [(data, 0)]
    while stack:
        value, depth = stack.pop()
        if not isinstance(value, dict):
            continue
        for name, item in list(value.items())[:100]:
            key = name.lower()
            if key in _LINK_KEYS and isinstance(item, str) and ("/" in item or "?" in item):
                return facts, item
            if isinstance(item, int) and not isinstance(item, bool) and 0 <= item <= 10_000_000:
                meaning = (
                    "last"
                    if key in _LAST_KEYS
                    else "total"
                    if key in _TOTAL_KEYS
                    else "page"
                    if key in _PRESENT_KEYS
                    else key
                )
                facts.setdefault(meaning, item)
            elif isinstance(item, dict) and depth < 3:
                stack.append((item, depth + 1))
    return facts, ""


def facts_key(data: Any) -> str:
    """What the answer calls its page number; ``page`` if it does not say."""
    if isinstance(data, dict):
        for name in data:
            if name.lower() in _PAGE_KEYS:
                return str(name)
    return "page"


def _first(facts: Mapping[str, Any], names: frozenset[str]) -> int | None:
    for name in names:
        value = facts.get(name)
        if value is not None and str(value).isdigit() and int(value) > 0:
            return int(value)
    return None


def _with(url: str, key: str, value: int) -> str:
    """The address with one query parameter set."""
    parts = urlsplit(url)
    query = [(name, old) for name, old in parse_qsl(parts.query, keep_blank_values=True) if name != key]
    return urlunsplit(
        (parts.scheme, parts.netloc, parts.path, urlencode([*query, (key, str(value))], quote_via=quote), "")
    )
