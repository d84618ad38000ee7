"""What stands outside the records, and whether a source can be whole."""

from __future__ import annotations

import pytest

from watcher.core.parse import Document, parse
from watcher.core.seen import MOST_NODES, Seen, digest, endings, look, source_cut, unbalanced
from watcher.records import Page, Rule, Selector

RULE = Rule(entry=("div.card",), fields={"title": (Selector(css="h3"),)})

LISTING = """<!DOCTYPE html><html><head><title>Velm Leaks</title><script>var a="<div class=x>"</script></head>
<body class="dark"><header id="top"><nav class="menu"><a href="/">Home</a><a href="/rules">Rules</a></nav></header>
<p>Total: 2 companies</p><b>1 024</b><small>visitors</small>
<div class="cards">
<div class="card"><h3>Ostrava Textil</h3><p>Seized opportunities, 47 employees</p></div>
<div class="card"><h3>Captcha Ltd</h3><p>views: 900</p></div>
</div>
<footer class="foot"><span>All rights reserved</span></footer></body></html>
<!-- generated 12:00 -->"""


def document(markup: str, content_type: str = "text/html") -> Document:
    page = Page(body=markup.encode(), url="http://velm.onion/", status=200, content_type=content_type)
    return parse(page)


def seen(markup: str, rule: Rule | None = RULE) -> Seen:
    return look(document(markup), rule)


def test_records_are_left_out() -> None:
    page = seen(LISTING)
    assert "ostrava textil" not in page.lines
    assert "captcha ltd" not in page.lines
    assert {"home", "rules", "total: 2 companies", "all rights reserved"} <= set(page.lines)
    assert page.headings == ("Velm Leaks",)
    assert digest("div#.card") not in page.marks
    assert {digest("div#.cards"), digest("header#top."), digest("nav#.menu"), digest("footer#.foot")} <= page.marks


def test_what_comes_after_the_last_record() -> None:
    page = seen(LISTING)
    assert set(page.closing) == {digest("footer#.foot"), digest("all rights reserved")}


def test_without_a_rule_everything_is_outside() -> None:
    assert "captcha ltd" in seen(LISTING, None).lines
    assert "Captcha Ltd" in seen(LISTING.replace("h3", "h2"), None).headings


def test_a_selector_that_is_none_is_passed_over() -> None:
    assert seen(LISTING, Rule(entry=("div[", "div.none", "div.card"), fields=RULE.fields)) == seen(LISTING)


def test_numbers_are_known_by_the_words_around_them() -> None:
    page = seen(LISTING)
    assert page.counts[digest("0:total: # companies")] == 2
    assert page.counts[digest("0:#|visitors")] == 1024
    assert digest("0:total: # companies") in page.named
    assert digest("0:#|visitors") not in page.named
    assert 47 not in page.counts.values()
    assert 900 not in page.counts.values()


def test_a_place_that_is_named_twice_is_no_place() -> None:
    markup = "<html><body><p>3 companies</p><i>Page</i><p>5 companies</p></body></html>"
    assert digest("0:# companies") not in seen(markup).counts


def test_a_range_gives_each_of_its_numbers() -> None:
    page = seen("<html><body><p>Showing 1-20 of 1,047 entries</p></body></html>")
    assert sorted(page.counts.values()) == [1, 20, 1047] or sorted(page.counts.values()) == [1, 1047]


def test_volatile_class_names_are_no_marks() -> None:
    one = seen('<html><body><div class="css-76n6mc box _card_48fxr_1">x</div></body></html>')
    other = seen('<html><body><div class="css-99zzzz box _card_11aaa_1">x</div></body></html>')
    assert one.marks == other.marks == {digest("div#.box")}


def test_forms_and_reloading() -> None:
    page = seen(
        '<html><head><meta http-equiv="Refresh" content="3"><script>1</script></head>'
        '<body><form><input type="PASSWORD"><input><img src="x"></form></body></html>'
    )
    assert (page.passwords, page.inputs, page.images, page.scripts, page.refresh) == (1, 2, 1, 1, True)


def test_a_json_answer_is_told_by_its_keys() -> None:
    listing = look(document('{"data": {"total": 2, "items": [{"name": "A"}, {"name": "B"}]}, "ok": true}'), None)
    refusal = look(document('{"error": "Unauthorized", "ok": false}'), None)
    assert listing.counts == {digest(".data.total"): 2}
    assert digest(".data.total") in listing.named
    assert refusal.lines == ("unauthorized",)
    assert len(listing.marks & refusal.marks) == 2  # the root, and "ok"


def test_a_walk_is_bounded() -> None:
    page = seen("<html><body>" + "<p>a</p>" * (MOST_NODES * 2) + '<footer id="end"></footer></body></html>')
    assert digest("footer#end.") not in page.marks


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        (LISTING, ""),
        (LISTING[: LISTING.index("<footer")], "elements-not-closed"),
        (LISTING[: LISTING.index("reserved")], "elements-not-closed"),
        (LISTING[: LISTING.index('"foot"')], "ends-inside-tag"),
        (LISTING[: LISTING.index("Captcha") - 1], "ends-inside-tag"),
        (LISTING[: LISTING.index("<footer") + 1], "ends-inside-tag"),
        (LISTING[: LISTING.index("12:00")], "ends-inside-comment"),
        ('<html><body><img src="data:' + "A" * 200_000, "ends-inside-tag"),
        ("<html><body><h1>Old page</h1><p>1 < 2", ""),
        ("<html><body><h1>Old page</h1><p>text <b>bold</b>", ""),
        ("<h1>Bare</h1><div><p>one", ""),  # nothing promised a whole document
        ("<html><body><div><ul><li>one", "elements-not-closed"),
        ('<?xml version="1.0"?><rss version="2.0"><channel><title>x</title>', "xml-not-finished"),
        ("var leaks = [{name: 'a'}, {name: 'b", "json-not-finished"),
        ("var leaks = [{name: 'a'}];", ""),
        ('(()=>{let leaks=[{id:"1",title:"A < B"}],n=6;render(leaks)})();', ""),
        ('(()=>{let leaks=[{id:"1",title:"A < B"},{id:"2",ti', "json-not-finished"),
        ("let langs = ['en', 'ru'];\nlet leaks = [{name: 'a'}, {name: 'b", "brackets-not-closed"),
        ("function draw() { return [1, 2", "brackets-not-closed"),
        ('<?xml version="1.0"?><opml><body><outline text="x"/>', "root-not-closed"),
        ('<?xml version="1.0"?><opml><body><outline text="x"/></body></opml>', ""),
        ("plain words", ""),
        ("", ""),
    ],
)
def test_a_source_that_cannot_be_whole(markup: str, why: str) -> None:
    assert source_cut(document(markup)) == why


@pytest.mark.parametrize(
    ("markup", "why"),
    [
        ('{"items": [{"name": "A"}]}', ""),
        ('{"items": [{"name": "A"}, {"na', "json-not-finished"),
        ('{"items": nonsense}', ""),  # broken, but not cut
    ],
)
def test_json_that_cannot_be_whole(markup: str, why: str) -> None:
    assert source_cut(document(markup, "application/json")) == why


def test_json_in_a_viewer_that_is_cut() -> None:
    whole = '<html><head></head><body><pre style="x">{"a": [{"n": "A"}, {"n": "B"}]}</pre></body></html>'
    assert source_cut(document(whole)) == ""
    assert source_cut(document(whole[: whole.index('"B"')])) == "elements-not-closed"


def test_a_feed_that_is_cut() -> None:
    item = "<item><title>Ostrava Textil</title><link>http://v.onion/1</link></item>"
    whole = f'<?xml version="1.0"?><rss version="2.0"><channel>{item * 3}</channel></rss>'
    assert source_cut(document(whole)) == ""
    assert source_cut(document(whole[:-60])) in ("xml-not-finished", "root-not-closed")


def test_endings() -> None:
    assert endings("<html><body><p>x</p></body></html>\n<!-- a --><!-- b -->\n") == {
        "</html>", "</body>", "last:/html",
    }  # fmt: skip
    assert endings("<div></div>") == {"last:/div"}
    assert endings("text") == set()
    assert endings("<p>x</p> <!-- never closed") == set()


def test_brackets_are_counted_outside_strings() -> None:
    assert unbalanced('["}", "]]", {')
    assert not unbalanced('["{", "[[", {"a": "\\"{"}]')
    assert unbalanced('["' + '\\"' * 50_000)
