# ruff: noqa: E501 - pages and tables read better in one piece
"""Rules: read from tables, checked, applied, written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from watcher.core.parse import Document, parse
from watcher.core.rules import apply, faults, from_table, is_frame_there, read, rule_digest, split, to_toml
from watcher.records import Page, Rule, Selector


def document(body: str) -> Document:
    return parse(Page(body=body.encode(), url="http://site.onion/list/", status=200))


CARDS = """<main><div class="card hot" id=a><h3>Velmora <small>AG</small></h3><p class=d>All of it.</p><p>447 GB</p>
<a href="/v/1">more</a><a href="https://velmora.example">site</a></div>
<div class="card"><h3> Korvane </h3><p class=d>Half of it.<p>1 TB<a href="k?x=1&amp;y=2">more</a></div>
<div class="card"><h3>HOW TO BUY</h3></div><div class=card><p class=d>no title</p></div></main>"""


def shown(table: dict[str, Any], body: str = CARDS) -> list[tuple[str, str, dict[str, str]]]:
    assert faults(table) == []
    return [(entry.title, entry.url, dict(entry.fields)) for entry in apply(from_table(table), document(body))]


def test_an_entry_under_two_tabs_is_one() -> None:
    card = "<div class=card><h3>{0}</h3><a href={1}>more</a></div>"
    twice = [("Velmora", "/v/1"), ("Korvane", "/v/2"), ("Velmora", "/v/1")]
    told_apart = [
        ("Velmora", "/v/1"),
        ("Velmora", "/v/3"),
        ("Orvelin", "/buy"),
        ("Korvane", "/buy"),
        ("Orvelin", "/buy"),
    ]
    table = {"entry": "div.card", "title": "h3", "link": "a@href"}
    read_of = [
        [
            (title, url.removeprefix("http://site.onion"))
            for title, url, _ in shown(table, "".join(card.format(*one) for one in cards))
        ]
        for cards in (twice, told_apart)
    ]
    assert read_of == [twice[:2], told_apart]
    without = shown({"entry": "div.card", "title": "h3"}, "".join(card.format(*one) for one in twice))
    assert [title for title, _, _ in without] == ["Velmora", "Korvane", "Velmora"]


def test_css_rule() -> None:
    found = shown({
        "entry": "div.card", "title": "h3::text", "link": "a@href", "description": "p.d",
        "size": {"css": "p", "nth": 1, "regex": r"^(\d+) "}, "id": "@id", "last": {"css": "a", "attr": "href", "nth": -1},
        "skip": ["how to buy"],
    })  # fmt: skip
    assert found == [
        ("Velmora", "http://site.onion/v/1",
         {"description": "All of it.", "size": "447", "id": "a", "last": "https://velmora.example"}),
        ("Korvane", "http://site.onion/list/k?x=1&y=2", {"description": "Half of it.", "size": "1", "last": "k?x=1&y=2"}),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "titles"),
    [
        ("h3", ["Velmora AG", "Korvane", "HOW TO BUY"]),
        (["h9", "h3"], ["Velmora AG", "Korvane", "HOW TO BUY"]),
        (["h3", ".d"], ["Velmora AG", "Korvane", "HOW TO BUY", "no title"]),
        ("h3, .d", ["Velmora AG", "Korvane", "HOW TO BUY", "no title"]),
        ("> h3 > small", ["AG"]),
        ({"css": "a", "attr": "href", "template": "/all{}"}, ["/all/v/1", "/allk?x=1&y=2"]),
        ({"css": "h3", "regex": "^(Vel|Kor)"}, ["Vel", "Kor"]),
        ({"css": "h3", "regex": "^Vel"}, ["Vel"]),
        ({"css": "p", "nth": 5}, []),
        ("@class", ["card hot", "card", "card", "card"]),
    ],
)
def test_titles(title: Any, titles: list[str]) -> None:
    assert [found[0] for found in shown({"entry": "div.card", "title": title})] == titles


def test_alternatives_for_records_take_the_first_that_matches() -> None:
    assert len(shown({"entry": ["li.none", "div.card"], "title": "h3"})) == 3
    assert shown({"entry": ["li.none", "div.nothing"], "title": "h3"}) == []


FLAT = "<section><h2>Velmora</h2><p>one</p><p>two</p><hr><h2>Korvane</h2><div><p>three</p></div></section>"


def test_fields_beside_the_record() -> None:
    found = shown(
        {"entry": "section > h2", "title": "", "first": "+ p", "every": {"css": "~ p", "nth": 1}, "deep": "+ div p"},
        FLAT,
    )
    assert found == [
        ("Velmora", "", {"first": "one", "every": "two"}),
        ("Korvane", "", {"deep": "three"}),
    ]


def test_own_text_by_number() -> None:
    body = "<ul><li>Velmora<br>Spain<b>no</b>447 GB</li><li>Korvane<br>Italy</li></ul>"
    found = shown(
        {"entry": "li", "title": "::text", "country": {"css": "::text", "nth": 1}, "size": {"css": "::text", "nth": 2}},
        body,
    )
    assert found == [
        ("Velmora", "", {"country": "Spain", "size": "447 GB"}),
        ("Korvane", "", {"country": "Italy"}),
    ]


JSON = '{"data": {"rows": [{"name": "Velmora", "more": {"about": "<p>All &amp; more</p>", "tags": ["a", "b"]}, "n": 3, "ok": true, "url": "/v"}, {"name": " "}, {"name": "Korvane <SSN, address>"}]}}'


def test_json_rule() -> None:
    table = {"format": "json", "entry": "data.rows", "title": "name", "link": "url", "about": "more.about", "n": "n", "ok": "ok",
             "tags": "more.tags", "loud": {"css": "join('', [name, '!'])", "regex": "^V.*"}}  # fmt: skip
    assert shown(table, JSON) == [
        ("Velmora", "http://site.onion/v",
         {"about": "All & more", "n": "3", "ok": "true", "tags": "a, b", "loud": "Velmora!"}),
        ("Korvane <SSN, address>", "", {}),
    ]  # fmt: skip


def test_json_rule_reads_script_literals_and_feeds() -> None:
    page = "<html><script>const leaks = [{name: 'Velmora'}]</script></html>"
    assert [one[0] for one in shown({"format": "json", "entry": "leaks", "title": "name"}, page)] == ["Velmora"]
    feed = "<rss><channel><item><title>Velmora</title></item></channel></rss>"
    assert [one[0] for one in shown({"format": "json", "entry": "items", "title": "title"}, feed)] == ["Velmora"]


def test_keys_are_assigned() -> None:
    entries = apply(from_table({"entry": "div.card", "title": "h3", "link": "a@href"}), document(CARDS))
    assert len({entry.key for entry in entries}) == 3
    assert entries[0].key == "/v/1"


def test_one_thing_said_a_thousand_times() -> None:
    made = document("<li><b>Velmora</b></li>" * 1_000 + "<li><b>Korvane</b></li>")
    entries = apply(from_table({"entry": "li", "title": "b"}), made)
    assert [entry.title for entry in entries] == ["Velmora"] * 30 + ["Korvane"]


def test_frame() -> None:
    rule = from_table({"entry": "main > div.card", "title": "h3"})
    assert is_frame_there(rule, document(CARDS))
    assert is_frame_there(rule, document("<main></main>"))
    assert not is_frame_there(rule, document("<p>queue</p>"))
    listed = from_table({"format": "json", "entry": "data.rows[]", "title": "name"})
    assert is_frame_there(listed, document('{"data": {"rows": []}}'))
    assert not is_frame_there(listed, document('{"error": 1}'))


def test_read_counts_titles_in_a_record() -> None:
    assert read(from_table({"entry": "div.card", "title": "p"}), document(CARDS)).titles_a_record == 5 / 4


def test_a_rule_that_cannot_be_read_finds_nothing() -> None:
    for rule in (
        Rule(entry=("div[",), fields={"title": (Selector(css="h3"),)}),
        Rule(entry=("div",), fields={"title": (Selector(css="h3", regex="("),)}),
        Rule(entry=("a[",), fields={"title": (Selector(css="b"),)}, format="json"),
    ):
        assert apply(rule, document(CARDS)) == ()


@pytest.mark.parametrize(
    ("table", "first_words"),
    [
        ({}, ["entry: it is missing", "title: it is missing"]),
        ({"entry": "li", "title": "b", "format": "xml"}, ["format: 'xml' is no format"]),
        ({"entry": "li[", "title": "b"}, ["entry: 'li[' is no CSS selector"]),
        ({"entry": [], "title": "b"}, ["entry: the list is empty"]),
        ({"entry": "", "title": "b"}, ["entry: the selector is empty"]),
        ({"entry": 3, "title": "b"}, ["entry: it must be a text"]),
        ({"entry": "li", "title": "b::"}, ["title: 'b::' is no CSS selector"]),
        ({"entry": "li", "title": {"css": "b", "rgex": "x"}}, ["title: rgex is unknown; did you mean regex?"]),
        ({"entry": "li", "title": {"css": "b", "regex": "("}}, ["title: regex '(' is wrong"]),
        ({"entry": "li", "title": {"css": "b", "nth": "1"}}, ["title: nth must be a whole number"]),
        ({"entry": "li", "title": {"css": "b", "template": "/x"}}, ["title: template must hold {}"]),
        ({"entry": "li", "title": {"css": 1}}, ["title: css must be a text"]),
        ({"entry": "li", "title": {"attr": "a b"}}, ["title: 'a b' is no name of an attribute"]),
        ({"entry": "li", "title": []}, ["title: the list is empty"]),
        ({"entry": "li", "title": [1]}, ["title: it must be a text, a table or a list"]),
        ({"entry": "li", "title": "b", "skip": [1]}, ["skip: it must be a text"]),
        ({"entry": "li", "title": "b", "a b": "c"}, ["a b: this is no name of a field"]),
        ({"entry": "a[", "title": "b.", "format": "json"}, ["entry: 'a[' is no JMESPath", "title: 'b.' is no JMESPath"]),
        ({"entry": "li, ul > li", "title": ["b", {"css": "i"}, "@title"], "link": "a@href"}, []),
        ({"entry": "items", "title": "name || title", "format": "json"}, []),
    ],
)  # fmt: skip
def test_faults(table: dict[str, Any], first_words: list[str]) -> None:
    found = faults(table)
    assert len(found) == len(first_words)
    for fault, words in zip(found, first_words, strict=True):
        assert fault.startswith(words)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a@href", ("a", "href")), ("@id", ("", "id")), ("a", ("a", "")), ('a[href*="@x"]', ('a[href*="@x"]', "")), ("div > a @href", ("div > a", "href"))],
)  # fmt: skip
def test_split(text: str, parts: tuple[str, str]) -> None:
    assert split(text) == parts


TABLES: list[dict[str, Any]] = [
    {"entry": "ul.list > li", "title": "b", "link": "a@href", "skip": ["HOME", 'say "x"', "a\u0007b"]},
    {"entry": ["li", 'a[title="x"]'], "title": ["b", {"css": "i", "regex": r"^\[(.+?)\]$"}], "size": {"css": "p", "nth": 1}, "id": "@id"},
    {"format": "json", "entry": 'data."a b"[]', "title": "name", "link": {"css": "slug", "template": "/c/{}"}},
    {"entry": "li", "title": {"css": "b", "regex": "it's \"x\""}},
]  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_toml_reads_back_as_the_same_rule(table: dict[str, Any]) -> None:
    rule = from_table(table)
    text = to_toml(rule)
    assert text.startswith("[site.rule]\n")
    assert from_table(tomllib.loads(text)["site"]["rule"]) == rule
    assert text.replace("\n", "").isprintable()


def test_digest_names_the_rule() -> None:
    rule = from_table(TABLES[0])
    assert rule_digest(rule) == rule_digest(from_table(dict(reversed(TABLES[0].items()))))
    assert rule_digest(rule) != rule_digest(from_table({**TABLES[0], "title": "i"}))
    assert len(rule_digest(rule)) == 64
