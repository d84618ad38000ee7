"""What titles of one place have round them: ``C0MPANY [Acme]``, ``+ Acme - 302 MB``, ``Acme | Brazil``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from posixpath import commonprefix

from watcher.core.words import kind_of

_BESIDE = frozenset(
    {"place", "size", "date", "status", "number", "price", "timer", "views", "percent", "domain", "menu"}
)
_SEPARATORS = (" | ", "|", "\\", " - ", " – ", " — ", " • ", " · ", " / ", " :: ", "<", " > ", " » ", "\t", ": ", ", ")
_KEPT_PREFIX = re.compile(r"(?:https?://)?(?:www\.)?", re.I)
_MARK = re.compile(r"[^\w\s.'&]")
MOST = 40


def frame_of(values: Sequence[str]) -> str:
    """A regex whose group 1 is the title in each of the values; empty if they are titles as they stand."""
    sample = [value for value in values if value][:MOST]
    if not sample:
        return ""
    before, after = _common_ends(sample)
    inner = [value[len(before) : len(value) - len(after)] for value in sample]
    head, tail = _beside(inner)
    if not (before or after or head or tail):
        return ""
    return f"^{_loose(before)}{head}(.+?){tail}{_loose(after)}$"


def apply_frame(regex: str, value: str) -> str:
    """The title in a value; the value itself where the frame is not found."""
    if not regex:
        return value
    match = re.search(regex, value)
    return match[1].strip() if match and match[1].strip() else value


def frame_from_known(values: Sequence[str], known: Sequence[str]) -> str:
    """A regex that takes known titles out of the values they stand in; empty if they stand alone or nowhere."""
    found: list[tuple[str, str]] = []
    names = sorted({name.casefold() for name in known if len(name) >= 3}, key=len, reverse=True)[:2000]
    exact = frozenset(names)
    for value in values[:MOST]:
        folded = value.casefold()
        if folded in exact or len(folded) != len(value):
            continue
        name = next((name for name in names if name in folded), "")
        if name:
            start = folded.index(name)
            found.append((value[:start], value[start + len(name) :]))
    alone = sum(1 for value in values[:MOST] if value.casefold() in exact)
    found = [ends for ends in found if not (_KEPT_PREFIX.fullmatch(ends[0]) and not ends[1])]
    if not found or alone >= len(found):
        return ""
    befores, afters = [before for before, _ in found], [after for _, after in found]
    before = max(set(befores), key=befores.count)
    if befores.count(before) * 3 < len(befores) * 2:
        return ""
    if all(after == afters[0] for after in afters):
        return f"^{_loose(before)}(.+?){_loose(afters[0])}$"
    opening = commonprefix([after for after in afters if after])
    mark = opening.strip()
    if mark and not mark[0].isalnum():
        return f"^{_loose(before)}(.+?)(?:{_loose(opening[: opening.index(mark[0]) + 1])}.*)?$"
    return f"^{_loose(before)}(.+)$" if before and all(not after for after in afters) else ""


def _common_ends(values: Sequence[str]) -> tuple[str, str]:
    """What all values start and end with, as far as it is no part of a name."""
    if len(set(values)) < 2:
        label = re.match(
            r"(?:company|company name|name|victim|victim name|target|title|organization)\s*[:：]\s*", values[0], re.I
        )
        return (label[0] if label else ""), ""
    before = commonprefix(list(values))
    after = commonprefix([value[::-1] for value in values])[::-1]
    shortest = min(map(len, values))
    kept = _KEPT_PREFIX.match(before)
    lead = len(kept[0]) if kept else 0
    marks = [match.end() for match in _MARK.finditer(before, lead)]
    cut = marks[-1] if marks else 0
    while cut and cut < len(before) and before[cut] == " ":
        cut += 1
    before = before[:cut]
    first = _MARK.search(after)
    after = after[first.start() :] if first and (before or len(values) > 2) else ""
    if before and after in {")", "]", "»", "”", '"', ">"} and not _opens(before, after):
        after = ""
    if not before and after:  # "(SOLD)" on every entry says something, a bracket alone does not
        after = "" if len(after) < 3 else after
    if len(before) + len(after) >= shortest:
        return "", ""
    return before, after


def _opens(before: str, after: str) -> bool:
    pairs = {")": "(", "]": "[", "»": "«", "”": "“", '"': '"', ">": "<"}
    return pairs[after] in before


def _beside(values: Sequence[str]) -> tuple[str, str]:
    """Regexes for what stands before and after the title in most of the values: a place, a size, a date …"""
    for separator in _SEPARATORS:
        split = [value.rpartition(separator) for value in values if separator in value]
        if len(split) * 5 < len(values) * 4 or not split:
            continue
        heads, tails = [part[0].strip() for part in split], [part[2].strip(" >)]") for part in split]
        if not all(heads) or (separator in {", ", ": ", " / "} and len(split) < 3):
            continue
        if _is_aside(tails) and not _is_aside(heads, names=True):
            return "", _tail(separator)
        first = [value.partition(separator) for value in values if separator in value]
        fronts, rests = [part[0].strip() for part in first], [part[2].strip() for part in first]
        if _is_aside(fronts) and not _is_aside(rests, names=True) and all(rests):
            mark = re.escape(separator.strip() or separator)
            return rf"(?:(?:(?!{mark}).)*{mark}\s*)?", ""
    return "", ""


def _tail(separator: str) -> str:
    """A regex for the last separator and what follows it."""
    if len(separator.strip()) == 1 and not separator.startswith(" "):
        mark = re.escape(separator)
        return rf"(?:\s*{mark}[^{mark}]*)?"
    mark = rf"\s+{re.escape(separator.strip())}\s+"
    return f"(?:{mark}(?:(?!{mark}).)*)?"


def _is_aside(parts: Sequence[str], *, names: bool = False) -> bool:
    """Whether the parts are no names: sizes, places, dates; or the same few words again and again. With ``names``,
    a domain is a name."""
    beside = _BESIDE - {"domain"} if names else _BESIDE
    aside = sum(1 for part in parts if kind_of(part) in beside)
    if aside * 4 >= len(parts) * 3:
        return True
    return len(parts) >= 8 and len({part.casefold() for part in parts}) * 3 <= len(parts)


def _loose(text: str) -> str:
    """A literal as a regex in which spaces may vary."""
    return r"\s*".join(re.escape(word) for word in re.split(r"\s+", text)) if text else ""
