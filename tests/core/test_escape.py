"""No captured character that acts, hides or turns the direction of writing leaves the program raw."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import escape

ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI", "BN"}
INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\u2800\ufe01\U000e0101"
ONE_LINE: list[Callable[[str], str]] = [escape.line, escape.csv_cell, escape.chat]
ALL: list[Callable[[str], str]] = [*ONE_LINE, escape.block, escape.html, escape.json_text]


def is_dangerous(character: str) -> bool:
    return (
        unicodedata.category(character) in ACTING
        or unicodedata.bidirectional(character) in TURNING
        or character in INVISIBLE
    )


DANGEROUS = frozenset(character for character in map(chr, range(0x110000)) if is_dangerous(character))


def dangerous_in(text: str) -> list[str]:
    return [hex(ord(character)) for character in text if character in DANGEROUS]


@pytest.mark.parametrize("function", ALL, ids=lambda one: one.__name__)
def test_every_code_point_of_unicode(function: Callable[[str], str]) -> None:
    assert len(DANGEROUS) > 2000
    for character in DANGEROUS:
        if character == "\n" and function not in ONE_LINE:
            continue
        assert not dangerous_in(function(f"a{character}b")), hex(ord(character))


@pytest.mark.parametrize("function", ONE_LINE, ids=lambda one: one.__name__)
@given(text=st.text(alphabet=st.characters(exclude_categories=[]), max_size=300))
def test_no_text_gets_one_through(function: Callable[[str], str], text: str) -> None:
    shown = function(text)
    assert not dangerous_in(shown)
    assert len(shown) <= 2000 or function is escape.csv_cell


@given(text=st.text(alphabet=st.characters(exclude_categories=[])), limit=st.integers(1, 40))
def test_never_longer_than_asked(text: str, limit: int) -> None:
    assert len(escape.line(text, limit)) <= limit
    assert len(escape.block(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Velmora Logistics", "Velmora Logistics"),
        ("Žluťoučký kůň, 東京, مثال, ไทย", "Žluťoučký kůň, 東京, مثال, ไทย"),
        ("red \x1b[31malert\x07", r"red \u{1b}[31malert\u{7}"),
        ("invoice\u202egpj.exe", r"invoice\u{202e}gpj.exe"),
        ("A\u200bcme", r"A\u{200b}cme"),
        ("  two\r\n\tlines\u2028 here ", "two lines here"),
        ("a\u00a0\u3000b", "a b"),
        ("lone \ud800 half", r"lone \u{d800} half"),
        ("e" + "\u0301" * 50 + "x", "e" + "\u0301" * 4 + "x"),
        ("love ❤\ufe0f", "love ❤"),
        ("tag\U000e0041", r"tag\u{e0041}"),
        ("[bold]not markup[/bold]", "[bold]not markup[/bold]"),
    ],
)
def test_lines(text: str, shown: str) -> None:
    assert escape.line(text) == shown


def test_a_title_of_100_kb_is_cut() -> None:
    shown = escape.line("x" * 100_000)
    assert len(shown) == escape.ENOUGH
    assert shown.endswith("x…")
    assert escape.line("y" + " " * 100_000 + "z") == "y …"
    assert escape.line("x" * escape.ENOUGH) == "x" * escape.ENOUGH


def test_blocks_keep_lines_and_nothing_else() -> None:
    assert escape.block("one\r\ntwo\rthree\tfour\n") == "one\ntwo\\u{d}three    four\n"


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_means_the_same(text: str) -> None:
    dumped = escape.json_text(json.dumps({"title": text}, ensure_ascii=False))
    assert json.loads(dumped) == {"title": text}
    assert not dangerous_in(dumped)


def test_json_beyond_the_basic_plane() -> None:
    assert escape.json_text('"\U000e0041\u202e"') == '"\\udb40\\udc41\\u202e"'


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+1+1", "'+1+1"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\n=1", "'=1"),
        ('"=1"', '\'"=1"'),
        ("＝1", "'＝1"),
        ("-5", "-5"),
        ("+44.1", "+44.1"),
        ("Acme = good", "Acme = good"),
        ("", ""),
    ],
)
def test_spreadsheets_see_no_formula(text: str, cell: str) -> None:
    assert escape.csv_cell(text) == cell


def test_html_is_text() -> None:
    assert escape.html("<script>\"a\" & 'b'\x00") == "&lt;script&gt;&quot;a&quot; &amp; &#x27;b&#x27;\\u{0}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://abc.onion/x", "hxxp://abc[.]onion/x"),
        ("HTTPS://A.example", "HXXPS://A[.]example"),
        ("ftp://a.example", "ftp[:]//a[.]example"),
        ("acme.example lost 3.5 GB.", "acme[.]example lost 3.5 GB."),
    ],
)
def test_addresses_nobody_can_follow(text: str, shown: str) -> None:
    assert escape.defang(text) == shown


def test_a_chat_sees_no_mention_no_markup_no_link() -> None:
    shown = escape.chat("@everyone <!channel> [x](http://a.example) *b* `c` <@U1> &lt;")
    assert not set(shown) & set("@<>`*_~|#\\&")
    assert "](" not in shown
    assert "http:" not in shown
    assert "a[.]example" in shown
