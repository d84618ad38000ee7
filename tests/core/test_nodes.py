# ruff: noqa: E501 - pages read better in one piece
"""A tree walked once: parents, hidden parts, the text of any element; and what selectors take from records."""

from __future__ import annotations

import random

import pytest
from selectolax.lexbor import LexborHTMLParser, LexborNode

from watcher.core.nodes import TEXT, Nodes
from watcher.core.outline import build
from watcher.core.parse import parse
from watcher.core.taking import Records
from watcher.records import Page, Selector

PAGE = (
    "<title>no</title><body><header hidden>no <b>no</b></header><div id=a>one<b>two</b> <i>three</i></div><!-- no -->"
    "<div id=b>four<p>five</p>six<br>seven<script>no</script></div><p id=c></p><p id=d>eight</p><p id=e><span>nine</span></p>"
    '<ul id=f><li>ten<li style="visibility : hidden">no<li>eleven</ul><svg><text>no</text></svg>'
)


def walked(body: str) -> tuple[LexborHTMLParser, Nodes]:
    tree = LexborHTMLParser(body)
    assert tree.root is not None
    return tree, Nodes(tree.root)


def at(tree: LexborHTMLParser, nodes: Nodes, css: str) -> int:
    return nodes.number[found(tree, css).mem_id]


def found(tree: LexborHTMLParser, css: str) -> LexborNode:
    node = tree.css_first(css)
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("css", "text"),
    [
        ("html", "onetwo three four five six seven eight nine ten eleven"),
        ("#a", "onetwo three"),
        ("#b", "four five six seven"),
        ("#c", ""),
        ("#d", "eight"),
        ("#e", "nine"),
        ("#f", "ten eleven"),
        ("#f li:last-child", "eleven"),
        ("header", ""),
        ("header b", "no"),
        ("svg", ""),
    ],
)
def test_text_of_any_element(css: str, text: str) -> None:
    """What is hidden above an element does not count against it: a selector that names it wants it."""
    tree, nodes = walked(PAGE)
    assert nodes.text(at(tree, nodes, css)) == text


def test_an_element_says_the_same_in_its_page_and_alone() -> None:
    tree, nodes = walked(PAGE)
    for node in tree.css("*"):
        assert nodes.text(nodes.number[node.mem_id]) == Nodes(node).text(0)


def soup(seed: int) -> str:
    """Tags opened and closed in any order, words and breaks between."""
    dice = random.Random(seed)
    tags = ("div", "p", "b", "span", "li", "svg", "table", "td", "a", "script", "div hidden")
    bits = ["<br>", " ", "one", "two ", "\n"] + [f"<{tag} class=c>" for tag in tags] + [f"</{tag}>" for tag in tags[:9]]
    return "".join(dice.choices(bits, k=120))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_tree(seed: int) -> None:
    """Where an element ends, what it says, and the record that it is in, against the tree itself."""
    tree, nodes = walked(soup(seed))
    for node in tree.css("*"):
        number = nodes.number[node.mem_id]
        below = [nodes.number[one.mem_id] for one in node.traverse(include_text=True)]
        assert range(number, nodes.end(number)) == range(below[0], below[-1] + 1)
        assert nodes.text(number) == Nodes(node).text(0)
    for entry in ("li", "p", "div", "b, p"):
        made = Records(nodes, entry, nodes.select(entry))
        inside: dict[int, int] = {}
        for number, above in enumerate(nodes.parent[: len(nodes.node)]):
            at = above
            while at >= 0 and at not in made.number_of:
                at = nodes.parent[at]
            inside[number] = made.number_of[at] if at >= 0 else -1
        everywhere, below = list(inside), [number for number in inside if inside[number] >= 0]
        assert made.record_of(everywhere, "> a, b") == list(inside.values())
        assert made.record_of(below, "a") == [inside[number] for number in below]


def test_parents_are_those_of_the_tree() -> None:
    _, nodes = walked(PAGE)
    assert nodes.parent[0] == -1
    for number, tag, parent in list(nodes)[1:]:
        above = nodes.node[number].parent
        assert above is not None
        assert nodes.node[parent].mem_id == above.mem_id
        assert (nodes.words[number] is not None) == (tag == TEXT)


def test_outline_leaves_out_what_is_silent_and_numbers_chunks() -> None:
    made = build(walked("<body><div>a<b>b</b>c<!-- x -->d</div><script>no</script><svg><a>no</a></svg>")[1])
    assert made.tag == ["html", "body", "div", "b"]
    assert list(zip(made.leaf_text, made.leaf_owner, made.leaf_rank, strict=True)) == [
        ("a", 2, 0), ("b", 3, 0), ("c", 2, 1), ("d", 2, 2),
    ]  # fmt: skip
    assert (made.text(2), made.text(3)) == ("a b c d", "b")
    assert list(made.ancestors(3)) == [2, 1, 0]


def test_a_row_in_which_each_has_a_class_of_its_own_is_one_kind() -> None:
    alike = "".join(
        f"<li class={name}>x</li>" for name in ("ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ivy")
    )
    long_row = build(walked(f"<ul>{alike}</ul>")[1])
    assert len({long_row.sig[element] for element, tag in enumerate(long_row.tag) if tag == "li"}) == 1
    short_row = build(walked("<ul><li class=ada>x</li><li class=bob>x</li></ul>")[1])
    assert len({short_row.sig[element] for element, tag in enumerate(short_row.tag) if tag == "li"}) == 2


# -------------------------------------------------------------------------------------------------------- records

CARDS = (
    "<main><div class=c>one<h3>A</h3><p>a1</p><p>a2</p><div class=c><h3>B</h3><p>b1</p></div></div>"
    "<div class=c><h3></h3><h3>C</h3><p data-n=7>c1</p>two <b>x</b> three</div><h3>nobody's</h3></main>"
)


def records(body: str = CARDS, entry: str = ".c") -> Records:
    _, nodes = walked(body)
    return Records(nodes, entry, nodes.select(entry))


@pytest.mark.parametrize(
    ("selector", "values"),
    [
        # the innermost record has it; the first match counts, even if it says nothing
        (Selector(css="h3"), {0: "A", 1: "B"}),
        (Selector(css="h3", nth=1), {2: "C"}),
        (Selector(css="h3", nth=-1), {0: "A", 1: "B", 2: "C"}),
        (Selector(css="p", nth=1), {0: "a2"}),
        (Selector(css="p", attr="data-n"), {2: "7"}),
        (Selector(css="p", attr="data-n", nth=-1), {2: "7"}),
        (Selector(css="::text"), {0: "one", 2: "two"}),
        (Selector(css="::text", nth=1), {2: "three"}),
        (Selector(css="p", regex=r"([a-z])1", template="/{}"), {0: "/a", 1: "/b", 2: "/c"}),
        (Selector(css="p", regex="("), {}),
        (Selector(css="p["), {}),
        (Selector(css="~ h3"), {2: "nobody's"}),
    ],
)
def test_what_a_selector_takes(selector: Selector, values: dict[int, str]) -> None:
    assert records().values(selector) == values


def test_only_the_first_records_if_so_many_are_enough() -> None:
    made = records()
    assert made.values(Selector(css="p"), first=1) == {0: "a1"}
    assert made.matched == 4
    assert made.values(Selector(css="::text"), first=1) == {0: "one"}
    assert made.matched == 0


def test_what_several_alternatives_match_comes_once() -> None:
    _, nodes = walked(CARDS)
    assert len(nodes.select("h3, .c h3")) == 5


@pytest.mark.parametrize("seed", range(10))
def test_elements_are_found_by_tag_as_a_selector_finds_them(seed: int) -> None:
    tree, nodes = walked(soup(seed))
    for tag in ("p", "svg", "td", "h1"):
        assert nodes.named(tag) == nodes.select(tag)
    for tags in (("p", "li"), ("b", "a"), ("h1", "h2"), ("svg",)):
        one, other = nodes.first(*tags), tree.css_first(", ".join(tags))
        assert (one and one.mem_id) == (other and other.mem_id)


def test_the_text_of_many_elements_is_what_each_says() -> None:
    _, nodes = walked(PAGE)
    said = {number: nodes.text(number) for number in nodes.select("*")}
    assert nodes.texts((number, number) for number in said) == {at: text for at, text in said.items() if text}


@pytest.mark.parametrize(
    ("head", "link"),
    [
        ("", "http://site.onion/a/x"),
        ("<base href=/b/>", "http://site.onion/b/x"),
        ("<base target=_top><base href=/c/><base href=/d/>", "http://site.onion/c/x"),
        ("<base href><base href=/d/>", "http://site.onion/a/x"),
        ("<base href='http://[/'>", "http://site.onion/a/x"),
    ],
)
def test_links_are_relative_to_the_first_base_that_has_an_address(head: str, link: str) -> None:
    page = Page(body=f"{head}<p>x</p>".encode(), url="http://site.onion/a/", status=200)
    assert parse(page).absolute("x") == link
