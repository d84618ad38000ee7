"""Pages made harmless: nothing acts, nothing leads out, and the words stay."""

from __future__ import annotations

import re

import pytest
from selectolax.lexbor import LexborHTMLParser

from watcher.core.inert import POLICY, calm_style, inert

OUT = "http://tracker.example/x"
HOSTILE = {
    "script": f"<script src={OUT}></script><script>fetch('{OUT}')</script>",
    "svg script": f"<svg><script href={OUT}>alert(1)</script><a xlink:href={OUT}>a</a></svg>",
    "handlers": f"<p onclick=\"location='{OUT}'\" OnMouseOver=x()>p</p><body onload=x()>",
    "hints": "".join(f"<link rel={rel} href={OUT}>" for rel in ("preconnect", "dns-prefetch", "preload", "stylesheet")),
    "meta": f"<meta http-equiv=refresh content='0;url={OUT}'><meta http-equiv=Link content='<{OUT}>; rel=preconnect'>",
    "base": f"<base href={OUT} target=_top><a href=x>a</a>",
    "frames": f"<iframe src={OUT} srcdoc='<script>1</script>'></iframe><frameset><frame src={OUT}></frameset>",
    "objects": f"<object data={OUT}></object><embed src={OUT}><applet codebase={OUT}></applet>",
    "pictures": f"<img src={OUT} srcset='{OUT} 2x' lowsrc={OUT}><picture><source srcset={OUT}></picture>",
    "media": f"<video src={OUT} poster={OUT}><track src={OUT}></video><audio src={OUT}></audio>",
    "forms": f"<form action={OUT}><input formaction={OUT} autofocus><button formaction={OUT}>b</button></form>",
    "links": f"<a href='{OUT}' ping={OUT} download>a</a><area href={OUT}><a href='javascript:alert(1)'>j</a>",
    "backgrounds": f"<table background={OUT}><tr><td background={OUT}>t</td></tr></table>",
    "style sheet": f"<style>@import '{OUT}'; p {{ background: url({OUT}) }} @font-face {{ src: url('{OUT}') }}</style>",
    "style attribute": f'<p style="background: url(\'{OUT}\')">p</p><p style="list-style-image:url({OUT})">q</p>',
    "escaped style": f"<p style=\"background: u\\72l('{OUT}')\">p</p><style>p{{background:\\75 rl({OUT})}}</style>",
    "commented style": f"<p style=\"background: u/**/rl({OUT})\">p</p><style>@im/**/port '{OUT}';</style>",
    "image-set": f"<p style=\"background: image-set('{OUT}' 1x)\">p</p>",
    "template": f"<template><img src={OUT}></template><noscript><img src={OUT}></noscript>",
    "data pages": "<a href='data:text/html,<script>1</script>'>d</a><img src='data:text/html,x'>",
    "markup tricks": f"<svg><style><img src={OUT}></style></svg><math><mtext><img src={OUT}></math>",
    "unheard-of attributes": f"<img attributionsrc={OUT}><div interesttarget={OUT} xmlns:x={OUT} fetch={OUT}>d</div>",
    "comments": f"<!--><img src={OUT}>--><!-- <link rel=preconnect href={OUT}> --><p>x<!--{OUT}</p>-->",
    "broken": f"<img src={OUT} <script>alert(1)//<p <a href={OUT}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_acts_and_nothing_leads_out(name: str) -> None:
    made = inert(f"<!doctype html><title>t</title>{HOSTILE[name]}<p>Velmora Logistics</p>")
    assert OUT not in made
    assert "Velmora Logistics" in made
    tree = LexborHTMLParser(made)
    assert not tree.css("script, link, base, iframe, frame, object, embed, template, noscript, video, audio")
    for node in tree.css("*"):
        for attribute, value in node.attributes.items():
            assert not attribute.startswith("on")
            assert not re.match(r"\s*(javascript|data:text|https?):", value or "", re.IGNORECASE), (attribute, value)


def test_it_is_the_same_when_made_twice() -> None:
    once = inert("".join(HOSTILE.values()))
    assert "tracker.example" not in inert(once)


@pytest.mark.parametrize(
    "markup",
    [
        f"<plaintext><link rel=preconnect href={OUT}>",  # written again, the end of the page becomes part of the text
        "<div>" * 5_000 + f"<link rel=preconnect href={OUT}>",  # parsers take the square of it
    ],
)
def test_what_a_browser_might_read_otherwise_is_shown_as_text(markup: str) -> None:
    tree = LexborHTMLParser(inert(markup))
    assert {node.tag for node in tree.css("body *")} == {"pre"}
    assert tree.css_first("pre").text() == markup
    assert not tree.css("link")


def test_style_that_loads_is_kept_without_what_it_loads() -> None:
    made = inert(f"<style media=print>h1 {{ color: red; background: url({OUT}) }}</style><h1>x</h1>")
    assert '<style media="print">h1 { color: red; background: none }</style>' in made


def test_the_policy_comes_first() -> None:
    assert inert("<html><head><title>x</title>").startswith(
        f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    )


def test_words_layout_and_pictures_of_its_own_stay() -> None:
    page = (
        '<style>h1 { color: red }</style><h1 class="big" style="margin: 2px">Öl &amp; Gas</h1>'
        '<img src="data:image/png;base64,AA=="><ul><li>a</li></ul>'
    )
    made = inert(page)
    for part in (
        "h1 { color: red }",
        'class="big"',
        "margin: 2px",
        "Öl &amp; Gas",
        "data:image/png;base64,AA==",
        "<li>a</li>",
    ):
        assert part in made


@pytest.mark.parametrize(
    ("style", "calm"),
    [
        ("color: red", "color: red"),
        ("background: url(data:image/png;base64,AA==)", "background: url(data:image/png;base64,AA==)"),
        ("background: URL( 'http://a/' )", "background: none"),
        ("background: \\75\\72\\6c(http://a/)", ""),
        ("background: \\u\\r\\l(http://a/)", ""),
        ("content: '\\201c'", "content: '\\201c'"),
    ],
)
def test_style_sheets_load_nothing(style: str, calm: str) -> None:
    assert calm_style(style) == calm
