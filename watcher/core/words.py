"""What kind of thing a short text is: a name, a date, a size, a menu word …

Nothing here decides anything alone: the kinds are weighed against each other when records are looked for.
"""

from __future__ import annotations

import re
from typing import Literal

from watcher.core.lexicon import (
    ABBREVIATIONS,
    ASIDE,
    COMPANY_MARKS,
    COMPANY_WORDS,
    INSIDE_ASIDE,
    MENU_WORDS,
    PLACES,
    STATUS_WORDS,
)
from watcher.core.short_keys import cached_if_short

Kind = Literal[
    "name", "domain", "masked", "sentence", "question", "date", "timer", "size", "number", "price", "percent",
    "status", "place", "menu", "views", "address", "token", "file", "label", "none",
]  # fmt: skip

TITLE_KINDS: frozenset[str] = frozenset({"name", "domain", "masked"})
"""Kinds that a victim's name can be of."""

_SPLIT = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z])(?=[A-Z])")


@cached_if_short(1_000)
def words_in(identifier: str) -> frozenset[str]:
    """The words of a class name, id or key: ``card-titleBlock`` → card, title, block."""
    return frozenset(word.lower() for word in _SPLIT.split(identifier[:200]) if word)


@cached_if_short(1_000)
def aside_weight(identifier: str) -> float:
    """How much a class name, id or tag says that what is inside is not the main content; 0 = nothing."""
    return max((ASIDE.get(word, 0.0) for word in words_in(identifier)), default=0.0)


_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|янв|фев|мар|апр|ма|июн|июл|авг|сен|окт|ноя|дек)\w*"
_DATE = re.compile(
    rf"""(?:\w+\s+){{0,3}}?(?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,?\s+)?(?:
    \d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}} | \d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}
    | \d{{1,2}}(?:st|nd|rd|th)?[\s.-]+{_MONTH},?[\s.-]+\d{{2,4}}
    | {_MONTH}\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?:,?\s+\d{{4}})?
    | \d{{1,2}}\s+{_MONTH} | \d{{4}}年\d{{1,2}}月\d{{1,2}}日 | {_MONTH}\s+\d{{4}}
    )(?:[T\s,]+(?:at\s+)?\d{{1,2}}:\d\d(?::\d\d)?(?:\.\d+)?\s*(?:[ap]m|z|utc|gmt|[+-]\d\d:?\d\d)*)?\s*\.?""",
    re.I | re.X,
)
_AGO = re.compile(
    r"(?:(?:about|over|almost)\s+)?(?:an?|\d+)\s*(?:s|sec|second|m|min|minute|h|hour|d|day|w|week|mo|month|y|year)s?\s+ago"
    r"|(?:vor|hace|il y a|há|منذ)\s+(?:\d+|einem|einer|una?|uma?|une?)\s+\w+"
    r"|\d+\s+\w+\s+(?:назад|önce|fa|atrás|temu)|\d+\s*[^\W\d_]{1,2}\s?前"
    r"|today|yesterday|just now|now|last (?:week|month|year)|recently",
    re.I,
)
_UNIT = r"(?:d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?|дн\w*|час\w*|мин\w*)"
_TIMER = re.compile(
    rf"(?:\d+\s*{_UNIT}\b[\s:,.]*(?:and\s+)?)+(?:left|remaining|before publication)?"
    r"|\d{1,3}(?::\d\d){1,3}|(?:0|00|--)(?:\s*:\s*(?:0|00|--)){1,3}|time(?:'s)? (?:is )?(?:left|up|over|out).{0,30}",
    re.I,
)
_SIZE = re.compile(
    r"[~≈><+-]*\s*\d+(?:[.,\s]\d+)*\s*(?:[kmgtp]i?b|[kmgt]b(?:ytes?)?|bytes?|[гмкт]б|gigs?)\b\.?(?:\s+(?:of\s+)?\w+){0,2}",
    re.I,
)
_PRICE = re.compile(
    r"(?:[$€£¥₽]|usd|eur|btc|xmr)\s*[~]?\d[\d\s.,]*\s*(?:[kmbt]|mln|million|billion|thousand)?\+?|\d[\d\s.,]*\s*(?:[kmb]|mln|million|billion)?\s*(?:[$€£¥₽]|usd|eur|btc|xmr)",
    re.I,
)
_NUMBER = re.compile(r"[#№~+-]?\d[\d\s.,]*[kmb+]?(?:\s*(?:files?|folders?|documents?))?", re.I)
_PERCENT = re.compile(r"(?:\w+\s+){0,2}\d+(?:[.,]\d+)?\s*%(?:\s+\w+){0,2}")
_VIEWS = re.compile(
    r"(?:total\s+)?(?:views?|visits?|reads?|hits?|просмотр\w*|visitors?)\s*:?\s*\d[\d\s.,]*k?|\d[\d\s.,]*k?\s*(?:views?|visits?|reads?|hits?|просмотр\w*|visitors?|times)",
    re.I,
)
_DOMAIN = re.compile(r"(?:https?://)?(?:[\w*?•█#-]+\.)+[a-z*?•]{2,18}\.?(?::\d+)?(?:/\S*)?", re.I)
_ONION = re.compile(r"(?:https?://)?[a-z2-7]{16}(?:[a-z2-7]{40})?(?:\.onion\S*)?", re.I)
_ADDRESS = re.compile(r"\S+@\S+\.\S+|(?:https?|ftp|magnet|tox|mailto|urn):\S*|/\S+|[A-F0-9]{40,}|05[0-9a-f]{60,}", re.I)
_TOKEN = re.compile(
    r"(?=[^\s]*\d)[A-Za-z0-9_\-+/=]{20,}|-----BEGIN.*|[0-9a-f]{8}-[0-9a-f]{4}\b.*|(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}",
    re.S,
)
_FILE = re.compile(
    r"\S*\w\.(?:zip|7z|rar|tar|t?gz|bz2|xz|iso|torrent|pdf|docx?|xlsx?|pptx?|csv|sql|bak|jpe?g|png|gif|mp4|exe|txt|asc|\d{3})",
    re.I,
)
_MASKED = re.compile(r"\*{2,}|\?{3,}|•{2,}|█{2,}|#{3,}|[xX]{4,}|…\w")
_LABEL = re.compile(r"([^\W\d_][\w /.&'-]{0,28}?)\s*[:：]\s+(\S.*)|([^\W\d_][\w ]{0,18}?)[:：](\S.*)", re.S)
_BETWEEN = re.compile(r",\s+|\s*[|·•/]\s*|\s+[-–—]\s+")
_FACTS = frozenset({"status", "place", "date", "timer", "size", "price", "percent", "views"})
"""Kinds that texts are no names of, however many of them stand in a row: ``Waiting, Brazil``."""
_TRIM = " \t.:;,!·•|*+#-–—→←»«›‹>…\u00a0"


def is_aside_inside(word: str) -> bool:
    """Whether a word of a class name inside a record says that a title is not there."""
    return word in INSIDE_ASIDE


_COMPANY = re.compile(rf"\b(?:{'|'.join(COMPANY_WORDS)})\b|{'|'.join(COMPANY_MARKS)}", re.I)
_COMPANY_SMALL = re.compile(rf"\b(?:{'|'.join(COMPANY_WORDS)})\b")
"""The same in small ASCII letters: without regard to case, every word would be tried at every letter."""


@cached_if_short(2_000)
def is_company(text: str) -> bool:
    """Whether a text has a word that companies and institutions call themselves by."""
    found = _COMPANY_SMALL.search(text.lower()) if text.isascii() else _COMPANY.search(text)
    return found is not None


@cached_if_short(1_000)
def label_of(text: str) -> tuple[str, str]:
    """``Country: Spain`` → ("country", "Spain"); without a label ("", text)."""
    match = _LABEL.fullmatch(text[:400])
    if match is None or text[:8].lower().startswith(("http:", "https:", "magnet:", "mailto:", "tox:", "urn:")):
        return "", text
    label, value = (match[1], match[2]) if match[1] else (match[3], match[4])
    return (label.strip().lower(), value.strip()) if len(label.split()) <= 3 else ("", text)


@cached_if_short(2_000)
def kind_of(text: str) -> Kind:
    """The kind of a text whose white space is folded."""
    if len(text) > 200:
        return "sentence"
    label, value = label_of(text)
    if label and value != text:
        return _plain_kind(value) if value else "label"
    if text.endswith((":", "：")):
        return "label"
    return _plain_kind(text)


_NUMERIC = (
    ("date", _DATE), ("timer", _TIMER), ("size", _SIZE), ("number", _NUMBER), ("price", _PRICE), ("percent", _PERCENT),
    ("views", _VIEWS),
)  # fmt: skip


def _plain_kind(text: str) -> Kind:
    bare = text.casefold().strip(_TRIM)
    if not any(map(str.isalnum, bare)):
        return "masked" if _MASKED.search(text) else "none"
    masked = _MASKED.search(text) is not None
    if masked and " " not in text and not _ONION.fullmatch(text):
        return "domain" if _DOMAIN.fullmatch(text) else "masked"
    if bare in STATUS_WORDS or bare.strip("[](){} ") in STATUS_WORDS:
        return "status"
    if bare in MENU_WORDS or bare.strip("[](){}?! ") in MENU_WORDS:
        return "menu"
    if bare in PLACES:
        return "place"
    if any(map(str.isdigit, bare)):
        for kind, pattern in _NUMERIC:
            if pattern.fullmatch(text):
                return kind  # type: ignore[return-value]  # the table's keys are Kinds
    if _AGO.fullmatch(bare):
        return "date"
    return _wordy_kind(text, bare, masked=masked)


def _wordy_kind(text: str, bare: str, *, masked: bool) -> Kind:
    words = text.split()
    if len(words) == 1:
        if _ONION.fullmatch(text) or ".onion" in bare:
            return "address"
        if _FILE.fullmatch(text):
            return "file"
        if _DOMAIN.fullmatch(text):
            return "domain"
        if _ADDRESS.fullmatch(text) or _TOKEN.fullmatch(text):
            return "token"
        if len(text) > 40 and text.isascii():
            return "token"
        if not text.isascii() and len(text) > 45:
            return "sentence"
    if text.startswith("-----BEGIN"):
        return "token"
    if text.endswith(("?", "？")) and not masked:
        return "question"
    if text.endswith(("。", "！")):
        return "sentence"  # no name has a full stop of Chinese or Japanese
    if len(words) > 2:
        lower = sum(1 for word in words if word[0].isalpha() and not word[0].isupper())  # many scripts have no capitals
        ends = text[-1] in "!。" or (text[-1] == "." and words[-1].lower() not in ABBREVIATIONS)
        if len(words) == 3 and lower == 2 and ends and words[-1][0].islower():
            return "sentence"
        if len(words) > 16 or (lower >= 0.55 * len(words) and (ends or len(words) > 9)):
            return "sentence"
        if ". " in text and ends and len(words) > 6:
            return "sentence"
    if masked:
        return "masked"
    if sum(map(str.isalpha, bare)) < 2:
        return "number"
    parts = _BETWEEN.split(text, 4)
    return _plain_kind(parts[0]) if len(parts) > 1 and all(_plain_kind(part) in _FACTS for part in parts) else "name"
