"""``[[site]]`` tables as sites."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from watcher.core import addresses
from watcher.core.escape import line
from watcher.core.tables import Table
from watcher.records import Rule, Site

A_MOMENT = timedelta(milliseconds=100)
"""The shortest wait between two visits."""
ADAPTIVE: tuple[Literal["adaptive"]] = ("adaptive",)

_SITE_NAME = re.compile(r"[a-z0-9-]{1,64}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OUR_HEADERS = frozenset({
    "accept-encoding", "authorization", "connection", "content-length", "content-type", "expect", "host",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "keep-alive",
    "proxy-authorization", "proxy-connection", "range", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip
"""What would break the request, bring back less than the page, or log in."""


def read_sites(top: Table) -> tuple[Site, ...]:
    """The sites, names and mirrors unique; what is wrong is among the faults of ``top``."""
    names: dict[str, Table] = {}
    mirrors: dict[str, str] = {}
    return tuple(_site(table, names, mirrors) for table in top.tables("site"))


def _site(table: Table, names: dict[str, Table], taken: dict[str, str]) -> Site:
    name = table.text("name", needed='write a name such as "clop"')
    if name and not _SITE_NAME.fullmatch(name):
        table.fault("name", f'"{line(name, 70)}" is no name; write 1 to 64 of a-z, 0-9 and -')
    if name in names:
        other = names[name].faults.line_of(names[name].path_of("name"))
        table.fault("name", f'"{name}" is the name of another site (line {other}); write another')
    elif name:
        names[name] = table
    pages, following = table.text("pages"), table.text("next")
    if table.has("pages") and ("{n}" not in pages or "://" in pages or pages.count("{") > 1):
        table.fault("pages", 'it needs {n} once, for the number, and no host; write "page/{n}/"')
    css, at, attribute = following.rpartition("@")
    if table.has("next") and not (at and css.strip() and attribute.strip()):
        table.fault("next", 'it names no attribute that holds the address; write CSS@attribute such as "a.next@href"')
    elif css and (fault := _selector_fault(css)):
        table.fault("next", line(fault, 300))
    if table.has("pages") and table.has("next"):
        table.fault("next", "pages says already where further pages are; keep one of the two")
    rule = table.table("rule", "[site.rule]")
    site = Site(
        name=name,
        mirrors=_mirrors(table, name, taken),
        every=table.duration("every", "15m", least=A_MOMENT, also=ADAPTIVE),
        detail=table.flag("detail", True),
        pages=pages,
        next=following,
        headers=_headers(table.table("headers", "[site.headers]")),
        rule=_rule(rule) if isinstance(table.data.get("rule"), dict) else None,
        vantages=table.whole("vantages", 1, least=1) if table.has("vantages") else None,
    )
    table.finish()
    return site


def _selector_fault(css: str) -> str:
    from watcher.core import rule_tables  # needs the parsers: only where a selector stands

    return rule_tables.selector_fault(css)


def _mirrors(table: Table, name: str, taken: dict[str, str]) -> tuple[str, ...]:
    good = []
    for path, value in table.texts("mirrors", 'addresses such as ["http://….onion/"]', needed=True):
        url = table.made("mirrors", value, addresses.page_address, "", path)
        if not url:
            continue
        if url in taken:
            whose = "this site" if taken[url] == name else f'"{taken[url]}"'
            table.fault("mirrors", f"{line(url, 90)} is already a mirror of {whose}; take one out", path)
        elif doubt := addresses.onion_doubt(url):
            table.faults.doubt(path, f"{table.name} mirrors", f"{doubt}; tor cannot reach it, copy the address again")
        taken.setdefault(url, name)
        good.append(url)
    return tuple(good)


def _headers(table: Table) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name in table.data:
        value = table.text(name, secret=True)
        if not _HEADER.fullmatch(name):
            table.fault(name, "this is no name of a header; write letters, digits and -")
        elif name.lower() in _OUR_HEADERS:
            table.fault(name, "the watcher sets this header itself, or must not send it; take it out")
        elif name.lower() in {one.lower() for one in headers}:
            table.fault(name, "the header stands here twice, in other letters; take one out")
        if not _HEADER_VALUE.fullmatch(value):
            table.fault(name, "there is a line end, a control character or a letter outside Latin-1 in it; take it out")
        headers[name] = value
    return headers


def _rule(table: Table) -> Rule | None:
    if not table.data:
        table.faults.add(table.path, table.name, 'it is empty; write entry = "CSS" and title = "CSS", or take it out')
        return None
    from watcher.core import rules  # needs the parsers: only where a rule stands

    found = rules.faults(table.data)
    for fault in found:
        key, _, problem = fault.partition(": ")
        table.fault(key, line(problem, 300))
    return None if found else rules.from_table(table.data)
