"""Which differences a person would call a change: parts that tick are left out, fields that flutter are learned."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping
from typing import Final

import msgspec

from watcher.core.identity import fold, own_path

Changes = Mapping[str, Mapping[str, tuple[str, str]]]
"""Roster key to field to old and new value."""

_LONG_UNIT = (
    r"(?:days?|hours?|hrs?|minutes?|mins?|seconds?|secs?|weeks?|months?|years?|tagen?|stunden?|minuten|sekunden|jours?|"
    r"heures?|secondes?|d[ií]as?|horas?|minutos?|segundos?|giorn[oi]|or[ae]|minut[oi]|second[oi]|дн(?:я|ей|ь)?|день|"
    r"час(?:а|ов)?|мин(?:ут[аы]?)?|сек(?:унд[аы]?)?|天|小时|小時|时|分钟|分鐘|分|秒)"
)
_UNIT = rf"(?:{_LONG_UNIT}|[dhmsw])"
_ANY_UNIT = r"(?!(?:[kmgtp]i?b|[кмгт]б)(?!\w))[^\W\d_]{1,4}"
_PASSED = r"(?:ago|left|remaining|осталось|назад)"
_SOME = r"\d+\s*"
_FIRST = r"\d(?<!\w\d)"
"""A digit with which a word begins; said so that an engine which looks for a first sign finds digits."""
_LEAST_NONCE = 16
_NUMBERS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^\d+\s?{_ANY_UNIT}(?:[\s,:]+\d{{1,2}}\s?{_ANY_UNIT}){{1,3}}$",  # 5g 12s 00d, in whatever language
        rf"{_FIRST}\d*+\s*+{_UNIT}(?:[\s,:;и&-]*(?:and\s+)?{_SOME}{_UNIT})+(?!\w)",  # 7d 20h 00m 00s
        rf"{_FIRST}\d*+\s*+(?:{_LONG_UNIT}(?!\w)|{_UNIT}\s+{_PASSED}(?!\w))",  # 3 days, 5m ago
        rf"^{_SOME}{_UNIT}$",  # 20h
        r"\d(?<![\w.:]\d)\d{0,3}(?::\d{2}){1,3}(?![\w:])",  # 168:20:11, 12:30
        r"(?:views?|visit(?:s|ors?)?|hits|reads?|downloads?|seen|counter|просмотр\w*|aufrufe|vues|visitas|vistas)"
        r"\s*[:=-]?\s*\d[\d\s.,]{0,16}k?(?!\w)",
        rf"{_FIRST}[\d\s.,]{{0,16}}+k?\s*(?:\+\s*)?"
        r"(?:views?|visits?|visitors?|hits|reads|downloads?|просмотр\w*|aufrufe|vues|visitas|vistas)(?!\w)",
    )
)
_NAMED = re.compile(r"(?<!\w)(?:timer|countdown|clock|nonce|token)[-_:=#]\s*\w+")
_NAMES = re.compile(r"[-_:=#](?:(?<=timer.)|(?<=countdown.)|(?<=clock.)|(?<=nonce.)|(?<=token.))")
_NONCE = re.compile(rf"(?<![\w/])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{{{_LEAST_NONCE},}}(?!\w)")
_LATELY = re.compile(
    r"(?<!\w)(?:just now|an? (?:moment|second|minute|hour|day|week|month|year) ago|yesterday|today)(?!\w)"
)
CLOCK: Final = "⏲"
"""What stands for a part that ticks."""
_PAST = re.compile(rf"(?<={CLOCK})\s*{_PASSED}(?!\w)")
COUNTERS: Final = frozenset({"views", "visits", "hits", "reads", "downloads", "counter", "timer", "countdown", "age"})
"""Fields that count, whatever they say."""

_UNNAMED = re.compile(r"text\d+")
_BARE = re.compile(r"\d[\d.,\s]{0,16}")
"""A number of nobody knows what; if it moves, it counts something."""

FEW: Final = 3
"""Changes on fewer entries than this are never "most entries at once"."""
OFTEN: Final = 2
"""A field that changed on most entries at once so often flutters."""
TICKS: Final = 3
"""A field of one entry that changed in so many different pages in a row ticks."""
CALM: Final = 30
"""After so many pages without a flutter, one flutter is forgiven."""
LONGEST: Final = 20_000
"""A longer value is compared as it is."""
REMEMBERED: Final = 64


_DIGIT = re.compile(r"[0-9]")
_WORDY = re.compile(r"[^\W\d_]|:")
"""All that ticks has a letter or a colon; bare numbers and dates do not."""


def steady(value: str) -> str:
    """The value as it is compared: folded, every part that ticks replaced by one sign."""
    if value.isdigit() and value.isascii():
        return value
    text = fold(value)
    if len(text) > LONGEST:
        return text
    if not _WORDY.search(text):
        return text
    if _has_digit(text):
        for pattern in _NUMBERS:
            text = pattern.sub(CLOCK, text)
    elif not ("ago" in text or "now" in text or "day" in text):
        return text
    # what costs is only looked for where something of it is there
    if _NAMES.search(text):
        text = _NAMED.sub(CLOCK, text)
    if max(map(len, text.split()), default=0) >= _LEAST_NONCE:
        text = _NONCE.sub(CLOCK, text)
    if "just now" in text or " ago" in text or "yesterday" in text or "today" in text:
        text = _LATELY.sub(CLOCK, text)
    return _PAST.sub("", text) if CLOCK in text else text


def _has_digit(text: str) -> bool:
    if text.isascii():
        return _DIGIT.search(text) is not None
    return any(character.isdigit() for character in text)


def differs(field: str, old: str, new: str) -> bool:
    """Whether a person would call it a change if the field said ``new`` where it said ``old``."""
    if old == new or field in COUNTERS:
        return False
    if field == "link":
        return own_path(old) != own_path(new)
    if _UNNAMED.fullmatch(field) and _BARE.fullmatch(old) and _BARE.fullmatch(new):
        return False
    before, after = steady(old), steady(new)
    if before == after:
        return False
    # a clock that appears or runs out says nothing that the status does not say better
    return not (before.strip(f"{CLOCK} ") == "" and after.strip(f"{CLOCK} ") == "")


class Flutter(msgspec.Struct, omit_defaults=True):
    """What was learned about one field."""

    at_once: int = 0
    """How often it changed on most entries at once."""
    calm: int = 0
    """Pages since that happened."""
    streaks: dict[str, int] = {}
    """Entry to the number of different pages in a row on which it changed."""

    @property
    def noisy(self) -> bool:
        return self.at_once >= OFTEN or max(self.streaks.values(), default=0) >= TICKS


def sift(
    changes: Changes, compared: int, learned: Mapping[str, Flutter], waiting: Container[tuple[str, str]] = ()
) -> tuple[dict[str, dict[str, tuple[str, str]]], dict[str, Flutter]]:
    """The changes that are none of the page's own noise, and what is known of its fields now.

    ``compared`` is how many entries were on both sides. What changes on most of them at once is noise, this time; a
    field that did so before, or ticks on some entry, is noise altogether until it has been calm for long. ``waiting``:
    entry and field of changes that are held back until they have stayed; they teach nothing: an old page shows many.
    """
    count = Counter(field for key, fields in changes.items() for field in fields if (key, field) not in waiting)
    at_once = {field for field, times in count.items() if times >= FEW and 2 * times >= compared}
    following: dict[str, Flutter] = {}
    for field in set(learned).union(*changes.values()):
        following[field] = _follow(learned.get(field, Flutter()), field in at_once, field, changes, waiting)
    noise = at_once.union(field for field, flutter in following.items() if flutter.noisy)
    real: dict[str, dict[str, tuple[str, str]]] = {}
    for key, fields in changes.items():
        kept = {field: values for field, values in fields.items() if field not in noise}
        if kept:
            real[key] = kept
    return real, {field: flutter for field, flutter in following.items() if flutter != Flutter()}


def _follow(
    flutter: Flutter, at_once: bool, field: str, changes: Changes, waiting: Container[tuple[str, str]]
) -> Flutter:
    """What is known of a field after one more page that was not the same as the last."""
    changed = [key for key, fields in changes.items() if field in fields]
    streaks = {key: flutter.streaks.get(key, 0) + ((key, field) not in waiting) for key in changed[:REMEMBERED]}
    if at_once:
        return Flutter(at_once=min(flutter.at_once + 1, 2 * OFTEN), calm=0, streaks=streaks)
    calm = flutter.calm + 1 if flutter.at_once else 0
    if calm > CALM:
        return Flutter(at_once=flutter.at_once - 1, calm=0, streaks=streaks)
    return Flutter(at_once=flutter.at_once, calm=calm, streaks=streaks)
