"""A captured page made harmless: nothing in it runs, loads, submits or connects, and its words and layout stay.

A policy alone does not do: ``<link rel=preconnect>`` opens a connection before any policy is asked, and ``<meta
http-equiv=refresh>`` leaves the page. So what acts is taken out, attributes stay only if they are known to do nothing,
and the policy holds back the rest. What a browser would read differently from us is shown as plain text.
"""

from __future__ import annotations

import re
from html import escape

from selectolax.lexbor import LexborHTMLParser, LexborNode

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-src 'none'; object-src 'none'"
)
"""What a browser may do with the page: show its text, with the styles and pictures that it carries in itself."""
ACTING = (
    "script", "link", "meta", "base", "basefont", "iframe", "frame", "frameset", "noframes", "fencedframe", "portal",
    "webview", "object", "embed", "noembed", "applet", "template", "noscript", "audio", "video", "source", "track",
    "math", "animate", "animatemotion", "animatetransform", "set", "input[type=image]",
)  # fmt: skip
_QUIET_NAMES = """
abbr align alink alt bgcolor border bordercolor cellpadding cellspacing checked class clear color cols colspan compact
coords datetime dir disabled face frame headers height hidden high hspace id label lang link low max maxlength media min
multiple name noshade nowrap open optimum pattern placeholder readonly reversed role rows rowspan rules scope selected
shape size span start step style summary tabindex text title translate type valign value vlink vspace width wrap

clip-path clip-rule cx cy d dominant-baseline dx dy fill fill-opacity fill-rule font-family font-size font-weight
gradienttransform gradientunits letter-spacing mask offset opacity points preserveaspectratio r rx ry spreadmethod
stop-color stop-opacity stroke stroke-dasharray stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity
stroke-width text-anchor transform version viewbox x x1 x2 xmlns y y1 y2
"""
_QUIET = frozenset(_QUIET_NAMES.split())
"""Attributes that only say how something looks, reads, or is laid out; then those that SVG is drawn with."""
_LOADS = re.compile(r"@import\b[^;]*;?|url\s*\((?!\s*[\"']?data:image/)[^)]*\)?", re.IGNORECASE)
_LOADS_OTHERWISE = re.compile(r"image-set\s*\(|cross-fade\s*\(|\bsrc\s*\(|\bimage\s*\(", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:[0-9a-fA-F]{1,6}\s?|[^0-9a-fA-F\n])")
MOST_CHARACTERS = 4_000_000
DEEPEST = 1_000
"""Elements within elements; browsers themselves stop at 512, and parsers take the square of it."""
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_FLAT_NAMES = """
area base br col embed hr img input link meta param source track wbr
dd dt li option optgroup p rp rt tbody td tfoot th thead tr
"""
_FLAT = frozenset(_FLAT_NAMES.split())
"""Elements that have no end, or whose end need not be written."""
ROUNDS = 4
"""So often a page is read again as it was written, until nothing changes any more."""


def inert(markup: str) -> str:
    """The page as a document that can be shown to anybody: no script, no request, no form, no way out."""
    markup = markup[:MOST_CHARACTERS]
    if depth(markup) > DEEPEST:
        return plain(markup)
    page = _harmless(markup)
    for _ in range(ROUNDS):
        again = _harmless(page)
        if again == page:
            return document(page)
        page = again
    return plain(markup)


def depth(markup: str) -> int:
    """How deep elements lie in each other, about: as their tags are written."""
    level = deepest = 0
    for end, name in _TAG.findall(markup):
        if name.lower() not in _FLAT:
            level = max(0, level - 1) if end else level + 1
            deepest = max(deepest, level)
    return deepest


def plain(text: str) -> str:
    """A document that shows the text and nothing else."""
    return document(f"<pre style='white-space: pre-wrap'>{escape(text[:MOST_CHARACTERS])}</pre>")


def document(inside: str) -> str:
    """A whole document under the policy."""
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
    return f"<!doctype html>{head}{inside}"


def _harmless(markup: str) -> str:
    """The page without what acts, as it is written after one reading."""
    tree = LexborHTMLParser(markup)
    for node in tree.css(", ".join(ACTING)):
        node.decompose()
    _drop_comments(tree)
    for node in tree.css("*"):
        for name, value in list(node.attributes.items()):
            calm = _calm_value(node, name.lower(), value or "")
            if calm is None:
                del node.attrs[name]
            elif calm != (value or ""):
                node.attrs[name] = calm
        if node.tag == "style":
            text = node.text(deep=True)
            calm_text = calm_style(text)
            if calm_text != text:
                _restyle(node, calm_text)
    return tree.html or ""


def _drop_comments(tree: LexborHTMLParser) -> None:
    """Comments show nothing, and are where browsers differ most."""
    stack, found = [tree.root], []
    while stack:
        node = stack.pop()
        while node is not None:
            if node.is_comment_node:
                found.append(node)
            if node.child is not None:
                stack.append(node.child)
            node = node.next
    for comment in found:
        comment.decompose()


def _calm_value(node: LexborNode, name: str, value: str) -> str | None:
    """What the attribute may say; None: it goes."""
    if name == "style":
        return calm_style(value)
    if name == "src":
        return value if node.tag == "img" and value.strip().lower().startswith("data:image/") else None
    if name in _QUIET or name.startswith(("aria-", "data-")):
        return None if _LOADS.search(value) or _LOADS_OTHERWISE.search(value) else value
    return None


def _restyle(node: LexborNode, text: str) -> None:
    """The same style element with another text; none at all if the text cannot be put there."""
    fresh = LexborHTMLParser(f"<style>{text}</style>").css("style")
    if len(fresh) == 1 and fresh[0].text(deep=True) == text:
        for name, value in node.attributes.items():
            fresh[0].attrs[name] = value
        node.insert_before(fresh[0])
    node.decompose()


def calm_style(text: str) -> str:
    """A style sheet without anything that loads; empty if it hides what it does, or is too clever."""
    plain = _unescaped(_COMMENT.sub("", text))
    if _LOADS_OTHERWISE.search(plain) or (plain != text and _LOADS.search(plain)):
        return ""
    return _LOADS.sub("none", text)


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        code = match[0][1:].strip()
        if not re.fullmatch(r"[0-9a-fA-F]{1,6}", code):
            return code
        number = int(code, 16)
        return chr(number) if 0 < number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"

    return _ESCAPED.sub(plain, text)
