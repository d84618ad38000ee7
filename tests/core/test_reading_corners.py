"""Corners of reading a page: what a careless or hostile page holds, and what is made of it."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from typing import Any

import pytest
from selectolax.lexbor import LexborHTMLParser

from watcher.core import feeds, identity, scripts
from watcher.core.beside import MOST_BESIDE
from watcher.core.candidates import MAX_COLUMNS
from watcher.core.doubt import EVERY, is_doubtful
from watcher.core.fields import MOST_FIELDS
from watcher.core.induce import Learned, extract, learn
from watcher.core.links import lead_of
from watcher.core.paginate import facts_key, next_urls
from watcher.core.parse import Document, parse, read_json
from watcher.core.rules import apply, faults, from_table, json_text, read, to_toml
from watcher.core.shapes import frame_from_known
from watcher.core.words import kind_of
from watcher.records import Entry, Page

HERE = "http://site.onion/list/"
NAMES = ["Velmora Logistics", "Korvane Steel AG", "Hospital Tamniden", "Brackenwold Systems", "Orvelin & Sons"]


def document(body: str, *, url: str = HERE, content_type: str = "") -> Document:
    return parse(Page(body=body.encode(), url=url, status=200, content_type=content_type))


def titles(body: str) -> list[str]:
    return [entry.title for entry in extract(document(body), Learned()).entries]


# ----------------------------------------------------------------------------------------------------------- kind


def test_lines_of_json_of_which_one_is_none_are_no_json() -> None:
    assert read_json('{"a": 1}\n{"b": 2}\n') == [{"a": 1}, {"b": 2}]
    assert read_json('{"a": 1}\n{"b": }\n') is None
    assert read_json("[" * 100_000) is None


def test_a_feed_that_declares_entities_is_read_as_text() -> None:
    """What they stand for is never looked up; there are no items either."""
    bomb = (
        '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        "<rss><channel><item><title>&b;</title></item></channel></rss>"
    )
    assert feeds.read(bomb) is None
    found = document(bomb, content_type="application/rss+xml")
    assert found.kind == "html"
    assert "aaaaaaaaaa" not in found.text.replace('"aaaaaaaaaa"', "")


def test_a_page_called_index_without_a_row_is_a_page() -> None:
    found = document("<title>Index of /</title><h1>Index of /</h1><a href='../'>Parent Directory</a><p>soon</p>")
    assert found.kind == "html"


def test_a_directory_lists_what_is_in_it_alone() -> None:
    rows = feeds.directory(
        LexborHTMLParser(
            "<a href='?C=N'>Name</a> <a href='../'>..</a> <a href='http://other.example/'>ad</a>"
            "<a href='//other.example/x'>ad</a> <a href='/icons/'><img src=x></a> <a href='.'>here</a> <a href='/'></a>"
            "<a href='velmora.example/'>velmora.example/</a>  2026-03-02 10:00  -\n"
            "<a href='k%C3%B6rvane.7z'>k</a>  2026-03-03 10:00  12M\n"
        )
    )
    assert [(row["name"], row["link"], row.get("size", "")) for row in rows] == [
        ("velmora.example", "velmora.example/", ""),
        ("körvane.7z", "körvane.7z".replace("ö", "%C3%B6"), "12M"),
    ]


@pytest.mark.parametrize("href", ["http://[", "//[::1", "http://[x]/"])
def test_a_base_that_is_no_address_is_passed_over(href: str) -> None:
    assert document(f'<base href="{href}"><a href=x>x</a>').absolute("x") == "http://site.onion/list/x"


# -------------------------------------------------------------------------------------------------------- scripts


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ('var list = [{name: "Vel" + "mora", size: 010}];', {"list": [{"name": "Velmora", "size": "010"}]}),
        ('var list = ["Vel" + "mora", "Korvane"];', {"list": ["Velmora", "Korvane"]}),
        ('var list = ["a", 1 + "b", "c"];', {}),
        ('var list = ["aaaa" + ["bbbb"]];', {}),
        ('var list = ["aaaa" + 17, "bbbb"];', {}),
        ("var list = [[1, 2, 3], [1e3, .5, 0x1F, -7]];", {"list": [[1, 2, 3], [1000.0, 0.5, 31, -7]]}),
        ("var empty = [          ];", {}),
        ("x.y = {a: [1, 2, 3]};\nx.y = {b: [4, 5, 6]};", {"y": {"a": [1, 2, 3]}, "y_2": {"b": [4, 5, 6]}}),
        ("var cut = [1, 2, 3, 4, 5", {}),
        ("var odd = {[computed]: 12345678};", {}),
    ],
)
def test_literals(script: str, found: dict[str, Any]) -> None:
    assert scripts.literals_in(script) == found


def test_more_literals_than_any_page_needs_are_left() -> None:
    many = "\n".join(f"var v{number} = [{number}, {number}];" for number in range(scripts.MAX_LITERALS + 50))
    assert len(scripts.literals_in(many)) == scripts.MAX_LITERALS


# ---------------------------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("xy" * 21, "token"),
        ("я" * 46, "sentence"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK-----", "token"),
        ("-----BEGIN PGP PUBLIC KEY BLOCK----- mQINBF", "token"),
    ],
)
def test_what_is_no_name(text: str, kind: str) -> None:
    assert kind_of(text) == kind


@pytest.mark.parametrize(
    ("title", "folded", "statuses"),
    [
        ("SOLD: Velmora Logistics", "velmora logistics", ("SOLD",)),
        ("Velmora Logistics - SOLD", "velmora logistics", ("SOLD",)),
        ("[SOLD] [LEAKED] Velmora", "velmora", ("SOLD", "LEAKED")),
        ("SOLD", "sold", ()),
    ],
)
def test_a_status_beside_a_title_is_no_part_of_it(title: str, folded: str, statuses: tuple[str, ...]) -> None:
    assert identity.fold_title(title) == (folded, statuses)


def test_a_title_of_many_statuses_keeps_the_rest() -> None:
    shown, statuses = identity.fold_title("[SOLD] " * 50 + "Velmora")
    assert len(statuses) == identity.MOST_STATUSES
    assert shown.endswith("velmora")


@pytest.mark.parametrize("url", ["http://[/p/1", "mailto:x@y.example", "javascript:alert(1)", ""])
def test_what_is_no_page_of_its_own(url: str) -> None:
    assert identity.own_path(url) == ""


# ---------------------------------------------------------------------------------------------------------- links


def test_a_link_to_the_page_itself_leads_nowhere() -> None:
    assert lead_of("http://site.onion/list/#", HERE) == "none"
    assert lead_of("http://site.onion/list/#velmora", HERE) == "page"
    assert lead_of("http://site.onion/list/?v=1", HERE) == "page"


@pytest.mark.parametrize(
    ("body", "addresses"),
    [
        ('<a href="http://[/page/2/">2</a><a href="http://[::/page/3/">3</a>', ()),
        (
            "<div class=pager><a aria-label=2 href=/p/2></a><a title=Next href=/p/2></a><a href=/p/9></a></div>",
            ("/p/2",),
        ),
        ("<nav class=pagination><b class=active>Home</b><b class=current>1</b><a href=/p/2>2</a></nav>", ("/p/2",)),
        ("<nav class=pagination><a href=/p/1>1</a><a href=/p/99999999999999999999>2</a></nav>", ()),
    ],
)
def test_pagers_of_every_make(body: str, addresses: tuple[str, ...]) -> None:
    assert next_urls(document(body), ()) == tuple(f"http://site.onion{address}" for address in addresses)


def test_an_answer_that_names_its_page_is_asked_for_the_next() -> None:
    entries = (Entry(key="a", title="A"),)
    told = json.dumps({"items": [{"name": name} for name in NAMES], "page": 1, "pages": 3})
    found = next_urls(document(told, url="http://site.onion/api?page=1", content_type="application/json"), entries)
    assert "http://site.onion/api?page=2" in found
    assert next_urls(document(json.dumps(NAMES), content_type="application/json"), entries) == ()


@pytest.mark.parametrize(("data", "key"), [({"a": 1, "Page": 2}, "Page"), ({"a": 1}, "page"), ([{"p": 1}], "page")])
def test_what_an_answer_calls_its_page_number(data: object, key: str) -> None:
    assert facts_key(data) == key


# ---------------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (2.5, "2.5"), (1e300, "1e+300"), (True, "true"), (None, ""), ([1], "1"), ("  a\n b ", "a b")],
)
def test_what_a_json_value_says(value: object, text: str) -> None:
    assert json_text(value) == text


def test_a_json_rule_reads_one_record_and_survives_what_a_path_cannot_do() -> None:
    rule = from_table({"format": "json", "entry": "victim", "title": "name", "size": "abs(size)", "best": "max(sizes)"})
    body = '{"victim": {"name": "Velmora", "size": "x", "sizes": [1, "a"]}}'
    assert [(entry.title, dict(entry.fields)) for entry in apply(rule, document(body))] == [("Velmora", {})]


def test_a_rule_written_down_is_read_back_the_same() -> None:
    """An at sign in a selector is no attribute; whatever the short spelling would say otherwise is written out."""
    title = {"css": "a[href='x@y']", "attr": "title"}
    rule = from_table({"entry": "li", "title": title, "link": {"css": "a[title='@']"}, "size": {"css": "b[c='@d"}})
    assert from_table(tomllib.loads(to_toml(rule))["site"]["rule"]) == rule


def test_an_empty_path_is_a_fault_with_a_mend() -> None:
    assert any("write a JMESPath" in fault for fault in faults({"format": "json", "entry": "items", "title": " "}))


# ------------------------------------------------------------------------------------------------ without a rule


def test_records_of_more_columns_than_any_list_has_are_read_all_the_same() -> None:
    cells = "".join(f"<i data-c{number}=v{number}>cell number {number}</i>" for number in range(MAX_COLUMNS + 40))
    found = extract(
        document("<main>" + "".join(f"<div class=card><h3>{n}</h3>{cells}</div>" for n in NAMES) + "</main>"), Learned()
    )
    assert [entry.title for entry in found.entries] == NAMES
    assert all(len(entry.fields) <= MOST_FIELDS for entry in found.entries)


def test_json_of_more_columns_than_any_list_has_is_read_all_the_same() -> None:
    rows = [{"company": name, **{f"k{n:04}": f"value {n}" for n in range(MAX_COLUMNS + 40)}} for name in NAMES]
    assert titles(json.dumps(rows)) == NAMES


def test_json_records_with_lists_of_words_and_boxes_in_boxes() -> None:
    rows = [
        {"company": name, "tags": ["a", "b"], "a": {"b": {"c": {"d": {"e": "deep"}}}}, "none": []} for name in NAMES
    ]
    assert titles(json.dumps({"items": rows, "next": None})) == NAMES


def test_rows_without_a_table_are_read_by_their_cells() -> None:
    rows = "".join(
        f'<tr class=row><td class=name>{n}</td><td class="size">{k} GB</td></tr>' for k, n in enumerate(NAMES)
    )
    assert titles(f"<table><tbody>{rows}</tbody></table>") == NAMES


def test_a_class_that_no_css_name_may_be_is_spelled_as_a_text() -> None:
    body = "".join(f'<div class="1/2:w\\x"><h3>{name}</h3><p>All of it was taken.</p></div>' for name in NAMES)
    one = document(f"<main>{body}</main>")
    found = extract(one, Learned())
    assert [entry.title for entry in found.entries] == NAMES
    assert found.rule is not None
    assert [entry.title for entry in apply(found.rule, one)] == NAMES


def test_very_deep_records_have_a_rule_too() -> None:
    deep, close = "<div>" * 40, "</div>" * 40
    body = deep + "".join(f"<section><h3>{name}</h3><p>All of it was taken.</p></section>" for name in NAMES) + close
    one = document(body)
    found = extract(one, Learned())
    assert [entry.title for entry in found.entries] == NAMES
    assert found.rule is not None
    assert [entry.title for entry in apply(found.rule, one)] == NAMES


def test_titles_that_only_stand_in_links_are_read_by_a_rule() -> None:
    slugs = ["velmora-logistics", "korvane-steel-ag", "hospital-tamniden", "brackenwold-systems", "orvelin-and-sons"]
    body = "".join(
        f'<div class=card><a href="/leaks/{slug}/"><img src="{n}.png"></a><p>{n + 3} GB</p></div>'
        for n, slug in enumerate(slugs)
    )
    one = document(f"<main>{body}</main>")
    found = extract(one, Learned())
    assert [entry.title for entry in found.entries] == slugs
    assert found.rule is not None
    assert [entry.title for entry in apply(found.rule, one)] == slugs


def test_much_beside_each_record_is_not_all_taken() -> None:
    beside = "".join(f"<p class=b{n}>line {n} of it</p>" for n in range(MOST_BESIDE + 10))
    body = "".join(f"<h3 class=t>{name}</h3>{beside}" for name in NAMES)
    assert titles(f"<main>{body}</main>") == NAMES


def test_what_one_page_taught_is_used_where_the_next_has_no_list() -> None:
    cards = "".join(f"<div class=card><h3>{name}</h3><p>All of it was taken.</p></div>" for name in NAMES)
    learned = Learned()
    one = document(f"<main>{cards}</main>")
    learned = learn(learned, one, extract(one, learned))
    assert learned.rule is not None
    found = extract(document(""), learned)
    assert (found.entries, found.provisional, found.rule) == ((), True, learned.rule)
    assert extract(document(""), Learned()).rule is None


def test_a_frame_round_titles_needs_most_of_them() -> None:
    known = [("C0MPANY [Velmora]", "Velmora"), ("C0MPANY [Korvane]", "Korvane")]
    values = [value for value, _ in known]
    regex = frame_from_known(values, {name for _, name in known})
    assert regex
    mixed = ["A: Velmora", "B: Korvane", "C: Tamniden"]
    assert frame_from_known(mixed, {"Velmora", "Korvane", "Tamniden"}) == ""


def test_a_title_in_another_spelling_is_not_looked_for_further() -> None:
    """A site that now writes its names in capitals has not hidden the old ones behind a wrong rule."""
    shouted = "".join(f"<div class=card><h3>{name.upper()}</h3><p>All of it was taken.</p></div>" for name in NAMES)
    rule = from_table({"entry": "div.card", "title": "h3"})
    found = extract(
        document(f"<main>{shouted}</main>"), Learned(rule=rule, provisional=False, titles_a_record=1.0), known=NAMES
    )
    assert [entry.title for entry in found.entries] == [name.upper() for name in NAMES]
    assert found.rule == rule


@pytest.mark.parametrize(
    ("known", "doubtful"),
    [
        ([], False),
        (NAMES, False),
        (["VELMORA LOGISTICS", "korvane steel ag"], False),
        (["Velmora Logistics (SOLD)"], False),
        (["Quellwik Mills"], True),
        (["Korvane"], False),
        (["Nordaga Mills"], False),
        (["Qx"], False),
    ],
)
def test_a_rule_is_doubted_if_a_known_name_stands_on_the_page_and_is_not_read(known: list[str], doubtful: bool) -> None:
    rule = from_table({"entry": "div.card", "title": "h3"})
    body = "".join(f"<div class=card><h3>{name}</h3><p>All of it was taken.</p></div>" for name in NAMES)
    made = document(f"<main>{body}</main><p>Velmora Logistics (SOLD), Quellwik Mills, Qx</p>")
    learned = Learned(rule=rule, provisional=False, titles_a_record=1.0)
    assert is_doubtful(made, learned, read(rule, made), known) is doubtful
    assert is_doubtful(made, replace(learned, pages=EVERY - 1), read(rule, made), known)


# --------------------------------------------------------------------------------------------------------- fields


def only(cards: str) -> set[str]:
    """The names of the fields that the first entry has."""
    found = extract(document("<main>" + "".join(cards.format(name) for name in NAMES) + "</main>"), Learned())
    assert [entry.title for entry in found.entries] == NAMES
    return set(found.entries[0].fields)


def test_no_more_fields_are_kept_than_anyone_reads() -> None:
    rows = [{"company": name, **{f"k{n}": f"{name} said {n}" for n in range(MOST_FIELDS + 9)}} for name in NAMES]
    (first, *_) = extract(document(json.dumps(rows)), Learned()).entries
    assert (first.title, len(first.fields)) == (NAMES[0], MOST_FIELDS)


def test_fields_of_one_name_are_numbered() -> None:
    assert {"size", "size2", "size3"} <= only(
        "<div class=card><h3>{0}</h3><b>447 GB</b><i>1.2 TB</i><u>30 MB</u></div>"
    )
