"""Literals in scripts: lists and objects that a page carries for its own scripts, read without running anything."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import msgspec
from selectolax.lexbor import LexborHTMLParser

_ASSIGNED = re.compile(r"(?:([\w$]+)[\"']?\]?\s*[=:]\s*|JSON\.parse\(\s*)(?=([\[{\"'`]))")
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)
    |(?P<number>[-+]?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+))|(?P<word>[A-Za-z_$][\w$]*)|(?P<mark>[\[\]{}:,+])""",
    re.S | re.X,
)
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r?\n|.)", re.S)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None, "undefined": None, "NaN": None, "void": None}
_MIN_LITERAL = 8
MAX_LITERALS = 200
MOST_STREAMED = 100_000
"""Values that are looked at in what a server's components were streamed as."""
_PUSHED = re.compile(r"""__next_f\.push\(\[\s*1\s*,\s*("(?:[^"\\]|\\.)*")""", re.S)
_OPENINGS = ('="{', "='{", '="[', "='[")
_ATTRIBUTE = re.compile(r"""[\s"'](?:data-|:)?([\w-]{1,40})=(?:"([\[{][^"]{60,})"|'([\[{][^']{60,})')""")
"""An attribute that holds as much as a list of objects takes."""


def literals(tree: LexborHTMLParser, markup: str = "") -> dict[str, Any]:
    """The list and object literals in a page's scripts by the name of their variable, key, or element id; and those in
    the attributes of its ``markup``, by the name of the attribute."""
    found: dict[str, Any] = {}
    flight: list[str] = []
    for node in tree.css("script"):
        text = node.text()
        if "{" not in text and "[" not in text:
            continue
        if "__next_f" in text:
            flight += (unquote(pushed[1]) for pushed in _PUSHED.finditer(text))
            continue
        kind = (node.attributes.get("type") or "").lower()
        if "json" in kind:
            keep(found, node.attributes.get("id") or ("ld" if "ld+json" in kind else "json"), _decoded(text.strip()))
        else:
            literals_in(text, found)
    if flight:
        keep(found, "flight", _streamed("".join(flight)))
    if any(opening in markup for opening in _OPENINGS):
        for said in _ATTRIBUTE.finditer(markup):
            keep(found, said[1], _decoded(unescape(said[2] or said[3])))
    return found


def _streamed(rows: str) -> list[dict[str, Any]]:
    """The objects that hold lists of objects, in the rows ``id:json`` that a server's components are streamed as;
    their numbers are of no use, for they are others on every page."""
    stack: list[Any] = [_decoded(row.partition(":")[2]) for row in reversed(rows.splitlines())]
    found: list[dict[str, Any]] = []
    for _ in range(MOST_STREAMED):
        if not stack:
            break
        value = stack.pop()
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        if isinstance(value, dict) and any(isinstance(one, list) and one and _all_dicts(one) for one in inner):
            found.append(value)
        else:
            stack.extend(reversed([one for one in inner if isinstance(one, (dict, list))]))
    return found


def _all_dicts(values: list[Any]) -> bool:
    return all(isinstance(one, dict) for one in values)


def _decoded(text: str) -> Any:
    """A JSON list or object; None if the text is none."""
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace")) if text.startswith(("[", "{")) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def keep(found: dict[str, Any], name: str, value: Any) -> None:
    """Adds a value under a name that is not taken yet."""
    if not isinstance(value, (dict, list)) or not value or len(found) >= MAX_LITERALS:
        return
    free, number = name, 2
    while free in found:
        free, number = f"{name}_{number}", number + 1
    found[free] = value


def literals_in(text: str, found: dict[str, Any] | None = None) -> dict[str, Any]:
    """The list and object literals that a script assigns; work is bounded by a few times its length."""
    found = {} if found is None else found
    at, budget = 0, 4 * len(text) + 1000
    while budget > 0 and (match := _ASSIGNED.search(text, at)):
        at = match.end()
        if match[2] in "\"'`":
            if not match[0].startswith("JSON"):
                continue
            quoted = _TOKEN.match(text, at)
            if quoted is None or quoted.lastgroup != "string":
                continue
            value = _decoded(unquote(quoted[0]).strip())
            if value is None:
                continue
            end = quoted.end()
        else:
            value, end = literal(text, at)
        budget -= abs(end) - at
        if end > at:
            if abs(end) - at >= _MIN_LITERAL:
                keep(found, match[1] or "data", value)
            at = end
    return found


def literal(text: str, start: int) -> tuple[Any, int]:
    """The JavaScript literal that starts at an index, and the index after it; (None, minus how far it was looked at)
    if what stands there is more than data."""
    top: list[Any] = []
    stack: list[list[Any] | dict[str, Any]] = [top]
    key: str | None = None
    joined = False  # a string was followed by +
    at = start
    while match := _TOKEN.match(text, at):
        at = match.end()
        kind, token = match.lastgroup, match[0]
        if kind == "space":
            continue
        box = stack[-1]
        expects_key = isinstance(box, dict) and key is None
        if kind == "mark":
            if token in "[{":
                if expects_key:
                    return None, -at
                child: list[Any] | dict[str, Any] = [] if token == "[" else {}
                _put(box, key, child)
                key = None
                stack.append(child)
            elif token in "]}":
                if len(stack) < 2 or isinstance(box, dict) != (token == "}") or key is not None:
                    return None, -at
                stack.pop()
                if len(stack) == 1:
                    return top[0], at
            elif token == "+":
                if not _last_is_string(box):
                    return None, -at
                joined = True
            continue
        value = _value(kind, token)
        if joined:
            joined = False
            if not isinstance(value, str) or not _append(box, value):
                return None, -at
        elif expects_key:
            key = str(value) if kind != "word" else token
            colon = _COLON.match(text, at)
            if colon is None:
                if kind != "word":
                    return None, -at
                key = None  # {name}: a variable's value is not known
            else:
                at = colon.end()
        else:
            _put(box, key, value)
            key = None
    return None, -at


_COLON = re.compile(r"(?:\s|//[^\n]*\n|/\*.*?\*/)*:", re.S)


def _put(box: list[Any] | dict[str, Any], key: str | None, value: Any) -> None:
    if isinstance(box, list):
        box.append(value)
    elif key is not None:
        box[key] = value


def _last_is_string(box: list[Any] | dict[str, Any]) -> bool:
    if isinstance(box, list):
        return bool(box) and isinstance(box[-1], str)
    return bool(box) and isinstance(box[next(reversed(box))], str)


def _append(box: list[Any] | dict[str, Any], value: str) -> bool:
    if not _last_is_string(box):
        return False
    if isinstance(box, list):
        box[-1] += value
    else:
        box[next(reversed(box))] += value
    return True


def _value(kind: str | None, token: str) -> Any:
    if kind == "string":
        return unquote(token)
    if kind == "number":
        try:
            return int(token, 0) if token.lstrip("+-").isdigit() or "x" in token.lower() else float(token)
        except ValueError:
            return token
    return _CONSTANTS.get(token)


def unquote(token: str) -> str:
    """The value of a quoted JavaScript string."""
    inner = token[1:-1]
    return _ESCAPE.sub(_unescape, inner) if "\\" in inner else inner


def _unescape(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "ux" and len(code) > 1:
        number = int(code[1:].strip("{}"), 16)
        return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else "\ufffd"
    if code[0] in "\r\n":
        return ""
    return _ESCAPES.get(code, code)
