"""What of a captured text may reach a terminal, a JSON line, a spreadsheet, a page or a chat.

Captured bytes are written by criminals. Whatever they hold, no control character, escape sequence, mark of writing
direction or invisible character leaves the program raw: each is shown as ``\\u{202e}``, so that a trick can be seen.
"""

from __future__ import annotations

import re
from html import escape as _html_escape

ENOUGH = 200
"""Characters of a text that a table cell or a message shows."""

# Categories Cc, Cf, Cs, Zl, Zp of Unicode (tests compare with the whole table), the characters that are letters or
# marks by category and yet show nothing, and those that are no characters. Tab and line ends are folded before.
_HIDDEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff"
    r"\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_HIDDEN_ONE = re.compile(f"[{_HIDDEN}]")
_HIDDEN_BUT_LINES = re.compile(rf"(?!\n)[{_HIDDEN}]")
_SPACE = re.compile(r"[ \t\r\n\v\f\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_PICTURE = re.compile("(?<=[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
"""The choice between text and picture after an emoji shows nothing and hides nothing: it is dropped."""
_MARK = (
    r"[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f"
    r"\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)
_HEAPED = re.compile(f"({_MARK}{{4}}){_MARK}+")
"""More than four marks over one letter climb over the lines above."""
_FORMULA = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
_SCHEME = re.compile(r"\b([a-z][a-z0-9+.\-]{1,20}):(?=//|\\\\)", re.IGNORECASE)
_HOST_DOT = re.compile(r"(?<=[\w\-])\.(?=[^\W\d_][\w\-]*)")
_CHAT = str.maketrans("@<>`*_~|[]#\\&", "＠‹›ˋ∗ˍ∼ǀ⁅⁆＃∖＆")


def line(text: str, limit: int = ENOUGH) -> str:
    """The text on one line, safe for a terminal or a log, at most ``limit`` characters and then ``…``."""
    if len(text) <= limit and text.isascii() and text.isprintable() and "  " not in text:
        return text.strip(" ")  # as most are
    # What is far beyond the limit is cut first, so that a title of a megabyte costs nothing.
    rough = text[: 8 * limit + 64]
    folded = _SPACE.sub(" ", _PICTURE.sub("", rough)).strip(" ")
    shown = _HEAPED.sub(r"\1", _HIDDEN_ONE.sub(_name, folded))
    return cut(shown if len(rough) == len(text) else f"{shown} …", limit)


def block(text: str, limit: int = 1 << 20) -> str:
    """The text with its line ends kept, safe for a terminal, at most ``limit`` characters and then ``…``."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text  # as most are
    whole = text[: limit + 1].replace("\r\n", "\n").replace("\t", "    ")
    return cut(_HEAPED.sub(r"\1", _HIDDEN_BUT_LINES.sub(_name, _PICTURE.sub("", whole))), limit)


def json_text(dumped: str) -> str:
    r"""JSON with the same meaning in which no hidden character stands raw (``\u202e`` is written out)."""
    return _HIDDEN_BUT_LINES.sub(_json_name, dumped)


def csv_cell(text: str) -> str:
    """The text as a spreadsheet's cell: on one line, and never a formula (OWASP: CSV injection)."""
    shown = line(text, 32_000)
    return f"'{shown}" if _FORMULA.match(shown) and not _NUMBER.fullmatch(shown) else shown


def html(text: str, limit: int = 1 << 20) -> str:
    """The text for an HTML element or a quoted attribute."""
    return _html_escape(block(text, limit), quote=True)


def chat(text: str, limit: int = ENOUGH) -> str:
    """The text for a chat or mail: no markup, no mention, no link that a service would fetch or show."""
    return defang(line(text, limit)).replace("[.]", "\0").translate(_CHAT).replace("\0", "[.]")


def defang(text: str) -> str:
    """The text with addresses that nobody can follow by mistake: ``hxxp://name[.]onion/``."""
    return _HOST_DOT.sub("[.]", _SCHEME.sub(_dead_scheme, text))


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last of them ``…`` if there were more."""
    return text if len(text) <= limit else text[: max(0, limit - 1)].rstrip() + "…"


def _name(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match[0]):x}}}"


def _json_name(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _dead_scheme(match: re.Match[str]) -> str:
    name = match[1]
    if name.lower().startswith("http"):
        return f"{name[0]}xx{name[3:]}:" if name[0].islower() else f"{name[0]}XX{name[3:]}:"
    return f"{name}[:]"
