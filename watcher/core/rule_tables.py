"""``[site.rule]`` tables as rules, and rules as tables: checked, written, named."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import jmespath
import msgspec
import rfc8785
from jmespath.exceptions import JMESPathError
from selectolax.lexbor import LexborHTMLParser, SelectolaxError

from watcher.records import Rule, Selector

PARTS = ("css", "attr", "regex", "template", "nth")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")
_ATTRIBUTE = re.compile(r"[A-Za-z_:][\w:.-]*")
_SHORTHAND = re.compile(r"(?P<css>.*?)\s*(?:@(?P<attr>[A-Za-z_:][\w:.-]*))?", re.S)
_TEXT = "::text"
MOST_NTH = 100_000


def from_table(table: Mapping[str, Any]) -> Rule:
    """The rule that a ``[site.rule]`` table describes; the table must have no faults."""
    style = table.get("format", "html")
    return Rule(
        entry=tuple(_listed(table["entry"])),
        fields={
            name: tuple(_selector(value, style) for value in _listed(wanted))
            for name, wanted in table.items()
            if name not in {"entry", "skip", "format"}
        },
        skip=tuple(_listed(table.get("skip", ()))),
        format=style,
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _selector(value: Any, style: str) -> Selector:
    if isinstance(value, Mapping):
        return Selector(**{part: value[part] for part in PARTS if part in value})
    if style == "json":
        return Selector(css=value.strip())
    css, attr = split(value)
    return Selector(css=css, attr=attr)


def split(shorthand: str) -> tuple[str, str]:
    """``CSS@attribute`` as its two parts; an ``@`` inside brackets or quotes is no separator."""
    match = _SHORTHAND.fullmatch(shorthand.strip())
    if match is None or not match["attr"]:
        return shorthand.strip(), ""
    css = match["css"]
    if css.count("[") != css.count("]") or css.count('"') % 2 or css.count("'") % 2:
        return shorthand.strip(), ""
    return css, match["attr"]


# ------------------------------------------------------------------------------------------------- what is wrong


def faults(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with a ``[site.rule]`` table: one sentence a fault, starting with the key; none if it is good."""
    found: list[str] = []
    style = table.get("format", "html")
    if style not in ("html", "json"):  # a list or a table is in no set
        shown = _shown(style) if isinstance(style, str) else "this"
        found.append(f'format: {shown} is no format; write "html" or "json"')
        style = "html"
    example = "JMESPath" if style == "json" else "CSS"
    found += [f'{key}: it is missing; write {key} = "{example}"' for key in ("entry", "title") if key not in table]
    for key, value in table.items():
        if key == "format":
            continue
        if key in {"entry", "skip"}:
            found += _strings_faults(key, value)
            if key == "entry":
                found += [
                    f"entry: {fault}"
                    for text in _listed(value)
                    if isinstance(text, str)
                    for fault in _path(text, style)
                ]
        elif not _NAME.fullmatch(key):
            found.append(f"{key}: this is no name of a field; write letters, digits, - and _")
        else:
            found += _field_faults(key, value, style)
    return found


def _strings_faults(key: str, value: Any) -> list[str]:
    items = _listed(value)
    if not all(isinstance(item, str) for item in items):
        return [f"{key}: it must be a text or a list of texts"]
    if not items and key == "entry":
        return ["entry: the list is empty; write at least one selector"]
    return []


def _field_faults(key: str, value: Any, style: str) -> list[str]:
    items = _listed(value)
    if not items:
        return [f"{key}: the list is empty; write at least one selector"]
    found: list[str] = []
    for item in items:
        if isinstance(item, str):
            css, attr = (item, "") if style == "json" else split(item)
            if style == "html" and not css and not attr:
                continue  # the record's own text
            found += [f"{key}: {fault}" for fault in _path(css, style, field=True)]
        elif isinstance(item, Mapping):
            found += [f"{key}: {fault}" for fault in _part_faults(item, style)]
        else:
            found.append(f"{key}: it must be a text, a table or a list of them")
    return found


def _part_faults(parts: Mapping[str, Any], style: str) -> list[str]:
    found: list[str] = []
    for part, value in parts.items():
        if part not in PARTS:
            near = difflib.get_close_matches(part, PARTS, n=1)
            found.append(
                f"{part} is unknown; " + (f"did you mean {near[0]}?" if near else f"write one of {', '.join(PARTS)}")
            )
        elif part == "nth":
            if not isinstance(value, int) or isinstance(value, bool) or abs(value) > MOST_NTH:
                found.append(f"nth must be a whole number up to {MOST_NTH}; 0 is the first, -1 the last")
        elif not isinstance(value, str):
            found.append(f"{part} must be a text")
        elif part == "css":
            found += _path(value, style, field=True)
        elif part == "attr" and value and not _ATTRIBUTE.fullmatch(value):
            found.append(f"{_shown(value)} is no name of an attribute; write one such as href")
        elif part == "regex":
            found += _regex_faults(value)
        elif part == "template" and value and "{}" not in value:
            found.append("template must hold {} where the value goes")
    return found


def _regex_faults(text: str) -> list[str]:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        return [f"regex {_shown(text)} is wrong: {error}; write one as Python's re takes it"]
    return []


def _path(text: str, style: str, *, field: bool = False) -> list[str]:
    """What is wrong with a selector or a JMESPath."""
    if style == "json":
        return _jmespath_faults(text)
    css = text.strip().removesuffix(_TEXT).strip()
    if field and not css:
        return []
    if not css:
        return ["the selector is empty; write CSS that matches one element a record"]
    fault = selector_fault(wrapped("p", css) if field else css, text)
    return [fault] if fault else []


def selector_fault(css: str, written: str = "") -> str:
    """Why a selector (``written`` so) cannot be used; empty if it can."""
    try:
        LexborHTMLParser("<p>").css(starred(css))
    except (SelectolaxError, ValueError):
        return f"{_shown(written or css)} is no CSS selector that can be read; write one such as 'ul.list > li a'"
    return ""


def _jmespath_faults(text: str) -> list[str]:
    if not text.strip():
        return ["the path is empty; write a JMESPath"]
    try:
        jmespath.compile(text)
    except (JMESPathError, RecursionError) as error:
        return [f"{_shown(text)} is no JMESPath: {' '.join(str(error).split())[:120]}; write one such as data[].name"]
    return []


def wrapped(entry: str, css: str) -> str:
    """The selector of a field below (or, with a leading ``>``, ``+`` or ``~``, next to) the records of a page."""
    records = f"*:is({entry})" if "," in entry else entry
    if css[:1] in {">", "+", "~"} or "," not in css:
        return f"{records} {css}"
    return f"{records} *:is({css})"


_BARE_PSEUDO = re.compile(r"(\"[^\"]*\"|'[^']*')|(^|[\s>+~,(])(?=:(?!:))")


@lru_cache(maxsize=1024)
def starred(css: str) -> str:
    """The selector with a ``*`` before every pseudo-class that stands alone: Lexbor looks for ``:is(.a) b`` no higher
    than one level up, for ``*:is(.a) b`` it looks everywhere."""
    return _BARE_PSEUDO.sub(lambda found: found[1] or f"{found[2]}*", css) if ":" in css else css


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "…")


# ------------------------------------------------------------------------------------------------ written, named


def to_table(rule: Rule) -> dict[str, Any]:
    """The rule in the shape of a ``[site.rule]`` table; ``format`` only if it is not HTML."""
    table: dict[str, Any] = {"entry": _one_or_more(rule.entry)}
    for name, selectors in rule.fields.items():
        table[name] = _one_or_more([_spelled(one, rule.format) for one in selectors])
    if rule.skip:
        table["skip"] = list(rule.skip)
    if rule.format != "html":
        table["format"] = rule.format
    return table


def _one_or_more(items: Sequence[Any]) -> Any:
    return items[0] if len(items) == 1 else list(items)


def _spelled(selector: Selector, style: str) -> str | dict[str, Any]:
    """The selector as one text, where that means the same."""
    short = f"{selector.css}@{selector.attr}" if selector.attr else selector.css
    parts = {part: value for part in PARTS if (value := getattr(selector, part))}
    is_short = parts.keys() <= {"css", "attr"} and (style == "json" or split(short) == (selector.css, selector.attr))
    return short if is_short else parts


def to_toml(rule: Rule) -> str:
    """The rule as a ``[site.rule]`` block."""
    table = to_table(rule)
    names = sorted(rule.fields, key=lambda name: (name != "title", name != "link", name))
    lines = [f"{name} = {_toml(table[name])}" for name in ("format", "entry", *names, "skip") if name in table]
    return "\n".join(["[site.rule]", *lines]) + "\n"


def _toml(value: Any) -> str:
    match value:
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{ " + ", ".join(f"{name} = {_toml(part)}" for name, part in value.items()) + " }"
        case str():
            return _quoted(value)
    return str(value)


_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _quoted(text: str) -> str:
    """A TOML string: literal where that reads better, else basic; nothing unprintable stays raw."""
    if ('"' in text or "\\" in text) and "'" not in text and text.isprintable():
        return f"'{text}'"
    return (
        '"'
        + "".join(
            _ESCAPED.get(c)
            or (c if c.isprintable() else f"\\u{ord(c):04X}" if ord(c) < 0x10000 else f"\\U{ord(c):08X}")
            for c in text
        )
        + '"'
    )


def rule_digest(rule: Rule) -> str:
    """SHA-256 (hex) of the canonical JSON (RFC 8785) of the rule."""
    return _digest_of(msgspec.json.encode(rule, order="sorted"))


@lru_cache(maxsize=512)
def _digest_of(encoded: bytes) -> str:
    return hashlib.sha256(rfc8785.dumps(msgspec.json.decode(encoded))).hexdigest()
