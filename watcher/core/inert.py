"""A captured page made harmless: nothing in it runs, loads, submits or connects, and its words and layout stay.

A policy alone does not do: ``<link rel=preconnect>`` opens a connection before any policy is asked, and ``<meta
http-equiv=refresh>`` leaves the page. So what acts is taken out, and the policy holds back the rest.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-src 'none'; object-src 'none'"
)
"""What a browser may do with the page: show its text, with the styles and pictures that it carries in itself."""
ACTING = (
    "script", "link", "meta", "base", "iframe", "frame", "frameset", "object", "embed", "applet", "portal", "template",
    "noscript", "audio", "video", "source", "track", "form > input[type=image]",
)  # fmt: skip
_LEADING_OUT = frozenset(
    {
        "href", "src", "srcset", "action", "formaction", "ping", "poster", "data", "background", "cite", "longdesc",
        "manifest", "codebase", "archive", "profile", "usemap", "imagesrcset", "xlink:href", "dynsrc", "lowsrc",
    }
)  # fmt: skip
_LOADS = re.compile(r"@import\b[^;]*;?|url\s*\((?!\s*[\"']?data:image/)[^)]*\)?", re.IGNORECASE)
_LOADS_OTHERWISE = re.compile(r"image-set\s*\(|cross-fade\s*\(|\bsrc\s*\(|\bimage\s*\(", re.IGNORECASE)
_COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
_ESCAPED = re.compile(r"\\(?:[0-9a-fA-F]{1,6}\s?|[^0-9a-fA-F\n])")
MOST_CHARACTERS = 4_000_000


def inert(markup: str) -> str:
    """The page as a document that can be shown to anybody: no script, no request, no form, no way out."""
    tree = LexborHTMLParser(markup[:MOST_CHARACTERS])
    for node in tree.css(", ".join(ACTING)):
        node.decompose()
    for node in tree.css("*"):
        for name, value in list(node.attributes.items()):
            if _acts(name, value or ""):
                del node.attrs[name]
            elif name == "style" and value:
                node.attrs[name] = calm_style(value)
        if node.tag == "style":
            text = node.text(deep=True)
            if calm_style(text) != text:
                node.decompose()
    body = tree.html or ""
    head = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    head += '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
    return f"<!doctype html>{head}{body}"


def _acts(name: str, value: str) -> bool:
    plain = name.lower()
    if plain.startswith("on") or plain in ("http-equiv", "srcdoc", "nonce", "target", "download", "autofocus"):
        return True
    return plain in _LEADING_OUT and not (plain == "src" and value.strip().lower().startswith("data:image/"))


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
