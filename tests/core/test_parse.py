# ruff: noqa: E501 - pages and tables read better in one piece
"""Bytes become documents: charset, kind, data, text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watcher.core.charset import codec_of, decode
from watcher.core.parse import MOST_OPEN, Document, is_bottomless, parse, read_json
from watcher.records import Page


def document(body: str | bytes, *, content_type: str = "", url: str = "http://site.onion/list/") -> Document:
    raw = body.encode() if isinstance(body, str) else body
    return parse(Page(body=raw, url=url, status=200, content_type=content_type))


# -------------------------------------------------------------------------------------------------------- charset


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("Zoë".encode(), "", "Zoë"),
        (b"\xef\xbb\xbfZo\xc3\xab", "text/html; charset=windows-1251", "Zoë"),
        ("Zoë".encode("utf-16"), "", "Zoë"),
        ("Привет".encode("cp1251"), "text/html; charset=windows-1251", "Привет"),
        ("Привет".encode("koi8-r"), "text/html; charset='koi8-r'", "Привет"),
        (b'<meta charset="windows-1251">' + "Привет".encode("cp1251"), "", '<meta charset="windows-1251">Привет'),
        (b'<META http-equiv=Content-Type content="text/html; charset=gb2312">' + "蓝海".encode("gb18030"), "text/html",
         '<META http-equiv=Content-Type content="text/html; charset=gb2312">蓝海'),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a>\xe9</a>', "", '<?xml version="1.0" encoding="iso-8859-1"?><a>é</a>'),
        (b"\x93quoted\x94", "text/html; charset=iso-8859-1", "“quoted”"),
        (b'<meta charset="utf-16">Zo\xc3\xab', "", '<meta charset="utf-16">Zoë'),
        ("Это не объявлено".encode("cp1251"), "", "Это не объявлено"),
        ("déjà vu à la carte".encode("cp1252"), "", "déjà vu à la carte"),
        ("много слов и ещё немного слов".encode() + b"\xff", "", "много слов и ещё немного слов\ufffd"),
        ("cut in a character ж".encode()[:-1], "", "cut in a character \ufffd"),
        (b"nothing \xff known", "text/html; charset=no-such-thing", "nothing ÿ known"),
    ],
)  # fmt: skip
def test_decode(body: bytes, content_type: str, text: str) -> None:
    assert decode(body, content_type) == text


@pytest.mark.parametrize(
    "label", ["base64", "rot13", "zlib", "utf-7", "idna", "unicode_escape", "", "x\x00y", "nothing"]
)
def test_codecs_that_are_no_charsets_are_refused(label: str) -> None:
    assert codec_of(label) == ""


# ----------------------------------------------------------------------------------------------------------- kind


@pytest.mark.parametrize(
    ("body", "kind", "data"),
    [
        ('{"a": [1]}', "json", {"a": [1]}),
        (")]}',\n[1, 2]", "json", [1, 2]),
        ('{"a": 1}\n{"a": 2}\n', "json", [{"a": 1}, {"a": 2}]),
        ('{"a": NaN, "b": 1}', "json", None),
        ("<html><body><pre>[1, 2]</pre></body></html>", "json", [1, 2]),
        ('<html><body><pre>{"a": "x &amp; y &lt;z&gt;"}</pre><script>1</script></body></html>', "json", {"a": "x & y <z>"}),
        ('const rows = [{name: "Velmora"}];', "json", {"rows": [{"name": "Velmora"}]}),
        ("<html><pre>[not json]</pre></html>", "html", None),
        ("plain words", "text", None),
        ("<p>hello", "html", None),
        ("", "text", None),
    ],
)  # fmt: skip
def test_kind_and_data(body: str, kind: str, data: Any) -> None:
    made = document(body)
    assert made.kind == kind
    assert made.data == data or (kind == "json" and data is None and made.data["b"] == 1)


@pytest.mark.parametrize("body", ['{"a": [1, 2', '[{"name": "Velmora"}, {"na', 'const rows = [{name: "Velmora"}, {na'])
def test_json_that_was_cut_is_broken(body: str) -> None:
    made = document(body)
    assert (made.kind, made.broken, made.data) == ("json", "json", None)


def test_deep_json_is_no_crash() -> None:
    assert document("[" * 100_000).data is None
    assert read_json('{"a":' * 50_000) is None


FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>Us</title>
<item><title>Velmora &amp; Sons</title><link>http://site.onion/v</link><guid>7</guid><pubDate>Mon, 02 Mar 2026 04:00:00 +0000</pubDate>
<description>&lt;p&gt;All of it &amp;amp; more&lt;/p&gt;</description></item>
<item><title><![CDATA[Korvane <b>AG</b>]]></title><link>/k</link></item></channel></rss>"""


@pytest.mark.parametrize(
    ("body", "bottomless"),
    [
        (b"<div>" * (MOST_OPEN + 1), True),
        (b"<DIV class=x>" * (MOST_OPEN + 1), True),
        (b"<div>" * MOST_OPEN, False),
        (b"<div>x</div>" * (MOST_OPEN + 1), False),
        (b"<img src=a><br><p>x<li>y<tr><td>z" * (MOST_OPEN + 1), False),
        (b"<svg>" + b"<path d='M 0 0'/>" * (MOST_OPEN + 1) + b"</svg>", False),
        (b"<pre>a < b " * 10 + b"i < n " * (2 * MOST_OPEN), False),
        (b"<param>" * (2 * MOST_OPEN) + b"<params>" * (MOST_OPEN + 1), True),
    ],
)
def test_pages_without_a_bottom_are_told_before_they_are_parsed(body: bytes, bottomless: bool) -> None:
    assert is_bottomless(body) is bottomless


def test_feed() -> None:
    made = document(FEED)
    assert made.kind == "feed"
    assert made.broken == ""
    assert made.data["items"] == [
        {"title": "Velmora & Sons", "link": "http://site.onion/v", "id": "7", "date": "Mon, 02 Mar 2026 04:00:00 +0000",
         "description": "All of it & more"},
        {"title": "Korvane AG", "link": "/k"},
    ]  # fmt: skip


def test_atom_feed() -> None:
    made = document(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><title type="html">Velmora</title><link href="/v"/><id>urn:1</id>'
        '<link rel="edit" href="/no"/><summary>said</summary><content type="xhtml"><div>All <b>of</b> it</div></content></entry></feed>'
    )
    assert made.data["items"] == [{"title": "Velmora", "link": "/v", "id": "urn:1", "description": "said"}]


def test_feed_that_was_cut_keeps_what_is_whole() -> None:
    made = document(FEED[: FEED.index("Korvane") + 3])
    assert made.broken == "xml"
    assert [row["title"] for row in made.data["items"]] == ["Velmora & Sons"]


def test_feed_with_entities_of_its_own_is_not_expanded() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><rss><channel><item><title>&b;</title></item></channel></rss>'
    assert document(bomb).kind != "feed"


@pytest.mark.parametrize(
    "body",
    [
        '<html><head><title>Index of /leaks</title></head><body><h1>Index of /leaks</h1><pre><a href="?C=N;O=D">Name</a>'
        '<a href="../">Parent Directory</a>\n<a href="velmora.example/">velmora.example/</a>   2026-03-02 10:00    -\n'
        '<a href="korvane%20ag.zip">korvane ag.zip</a>    2026-03-01 09:00  1.2G\n</pre></body></html>',
        '<h1>Index of /leaks/</h1><table><tr><td><a href="/">Parent Directory</a></td></tr><tr><td><a href="velmora.example/">velmora.example/</a>'
        '</td><td>2026-03-02 10:00</td><td>-</td></tr><tr><td><a href="korvane%20ag.zip">korv..&gt;</a></td><td>2026-03-01 09:00</td><td>1.2G</td></tr></table>',
    ],
)  # fmt: skip
def test_directory_index(body: str) -> None:
    made = document(body)
    assert made.kind == "directory"
    names = [(row["name"], row["date"], row.get("size")) for row in made.data["items"] if "date" in row]
    assert names == [("velmora.example", "2026-03-02 10:00", None), ("korvane ag.zip", "2026-03-01 09:00", "1.2G")]


# -------------------------------------------------------------------------------------------------------- scripts


@pytest.mark.parametrize(
    ("script", "data"),
    [
        ('const rows = [{name: "A", "b": \'it\\\'s\', c: 1.5, d: -2, e: null, f: true, g: [1, 2,],},];',
         {"rows": [{"name": "A", "b": "it's", "c": 1.5, "d": -2, "e": None, "f": True, "g": [1, 2]}]}),
        ('window.state = {"list": [{"t": `x\\u00e9`}]}; // [{"not": "this"}]', {"state": {"list": [{"t": "xé"}]}}),
        ('var a = [{n: "x" + "y"}]', {"a": [{"n": "xy"}]}),
        ('go(JSON.parse(\'[{"n":"x"},{"n":"y"}]\'))', {"data": [{"n": "x"}, {"n": "y"}]}),
        ("var a = [{n: f(1)}]; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        ("var a = {f(x) { return [1, 2, 3] }}", {}),
        ("x = [[[[[[[[", {}),
        # texts that are no JSON, and strings that do not end
        ("go(JSON.parse('[1, 2, oops]')); var b = [{n: 2}]", {"b": [{"n": 2}]}),
        ("go(JSON.parse('[1, 2, 3]", {}),
        ("var s = 'a text that is long enough'; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        # two of one name, and what holds nothing
        ("list = [{n: 1}]; list = [{n: 2}]; nothing = [    ];", {"list": [{"n": 1}], "list_2": [{"n": 2}]}),
        # what is no literal: an object for a key, brackets that do not match, a key without its value, sums of numbers
        ("var a = {[x]: 1, b: 22}", {}),
        ("var a = [{n: 1]]; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        ("var a = {'n'}; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        ("var a = [1 + 2, 'xyz']; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        ("var a = ['xyz' + 1]; var b = [{n: 2}]", {"b": [{"n": 2}]}),
        # what may stand in one: names of variables, sums of texts, comments, numbers and escapes of every sort
        ("var a = {name, n: 1, m: 22}", {"a": {"n": 1, "m": 22}}),
        ("var a = {n: 'x' + 'y' + 'z', m: 1}", {"a": {"n": "xyz", "m": 1}}),
        ("var a = [/* one */ 0x10, // two\n +5, .5, 1e3]", {"a": [16, 5, 0.5, 1000.0]}),
        (r"var a = ['\x41\u{1F600}\uD800\n\q']", {"a": ["A\U0001f600\ufffd\nq"]}),
        ("var a = ['x\\\ny', 'long']", {"a": ["xy", "long"]}),
    ],
)  # fmt: skip
def test_script_literals(script: str, data: Any) -> None:
    assert (document(f"<html><script>{script}</script></html>").data or {}) == data


def test_json_scripts_go_by_their_id() -> None:
    made = document('<script id="__DATA__" type="application/json">{"rows": [{"a": 1}]}</script><script>a = 1</script>')
    assert made.data == {"__DATA__": {"rows": [{"a": 1}]}}
    cut = (
        '<script type="application/json">{"rows": [{"a": </script><script type="application/ld+json">{"b": 2}</script>'
    )
    assert document(f"<html>{cut}</html>").data == {"ld": {"b": 2}}


def test_hostile_script_is_linear() -> None:
    assert document(f"<script>{'a=[{b:' * 30_000}</script>").data is None
    assert document(f"<script>{'a=' + '[' * 60_000}</script>").data is None


# ----------------------------------------------------------------------------------------------------------- text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("<div>a</div>b<p>c<br>d</p>", "a b c d"),
        ("<p>A<b>cm</b>e  &nbsp; Ltd</p>", "Acme Ltd"),
        ("<p>x</p><script>no</script><style>no</style><template><p>no</p></template><noscript>no</noscript>y", "x y"),
        ('<p>x</p><div hidden>no<p>no</p></div><p style="color:red; display: none">no</p><p>y</p>', "x y"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("<ul><li>a</ul></body></html><li>after", "a after"),
        ("<title>no</title><body>x", "x"),
        ("<div>" * 300 + "deep" + "</div>" * 300, "deep"),
    ],
)
def test_text(body: str, text: str) -> None:
    assert document(body).text == text


def test_text_of_json_is_its_strings() -> None:
    assert document(json.dumps({"a": ["x", {"b": "y  z"}], "n": 1})).text == "x y z"


def test_title_and_links() -> None:
    made = document('<html><head><title> A\n b </title><base href="/sub/"></head></html>')
    assert made.title == "A b"
    assert made.absolute("x") == "http://site.onion/sub/x"
    assert made.absolute("/x/../y") == "http://site.onion/y"
    assert made.absolute("//other.onion/x") == "http://other.onion/x"
    assert [made.absolute(link) for link in ("mailto:a@b", "javascript:x()", "http://[", "ftp://x/")] == [""] * 4
    assert document("<p>", url="http://site.onion/list/").absolute("?page=2") == "http://site.onion/list/?page=2"


def test_nul_and_length() -> None:
    made = document(b"<p>a\x00b</p>")
    assert (made.text, made.content_length) == ("ab", 10)
