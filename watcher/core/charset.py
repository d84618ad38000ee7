"""Bytes to text as a browser would: byte-order mark, HTTP, ``meta``, then what fits."""

from __future__ import annotations

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HTTP = re.compile(r"charset\s*=\s*[\"']?\s*([\w:.-]+)", re.I)
_META = re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w:.-]{2,40})", re.I)
_XML = re.compile(rb"^\s*<\?xml\b[^>]{0,200}?encoding\s*=\s*[\"']([\w:.-]{2,40})")
_PRESCAN_BYTES = 4096
_CYRILLIC_RUN = re.compile(rb"[\xc0-\xff]{4,}")

# what a label means to browsers (WHATWG Encoding), where Python's codec of that name differs
_ALIASES = {
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "ascii": "cp1252",
    "us-ascii": "cp1252", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030",
    "gbk": "gb18030", "x-gbk": "gb18030", "x-sjis": "cp932", "shift_jis": "cp932", "shift-jis": "cp932",
    "euc-kr": "cp949", "ks_c_5601-1987": "cp949", "big5": "big5hkscs", "x-user-defined": "cp1252",
}  # fmt: skip
_REFUSED = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined", "mbcs", "oem"})


def codec_of(label: str) -> str:
    """The name of the Python codec for an encoding label; empty if it names none that may be used."""
    name = label.strip().lower()
    name = _ALIASES.get(name, name)
    try:
        info = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    is_text = getattr(info, "_is_text_encoding", True)  # base64, rot13, zlib … are codecs too
    return info.name if is_text and info.name.replace("_", "-") not in _REFUSED else ""


def decode(body: bytes, content_type: str = "") -> str:
    """The body as text; what cannot be decoded becomes U+FFFD, never an error."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(name, "replace")
    declared = _HTTP.search(content_type)
    codec = codec_of(declared[1]) if declared else ""
    if not codec:
        head = body[:_PRESCAN_BYTES]
        found = _META.search(head) or _XML.search(head)
        codec = codec_of(found[1].decode("ascii", "replace")) if found else ""
        if codec.startswith(("utf-16", "utf-32")):  # a declaration readable as ASCII cannot be true
            codec = "utf-8"
    if codec:
        return body.decode(codec, "replace")
    return _undeclared(body)


def _undeclared(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start >= len(body) - 4:  # cut in the middle of a character
            return body.decode("utf-8", "replace")
    text = body.decode("utf-8", "replace")
    high = sum(body.count(bytes([byte])) for byte in range(0x80, 0x100))
    if text.count("\ufffd") * 8 < high:  # UTF-8 with a few stray bytes
        return text
    runs = sum(len(run) for run in _CYRILLIC_RUN.findall(body))
    return body.decode("cp1251" if runs * 2 > high else "cp1252", "replace")
