"""Reading a page: parse, take the entries, judge, learn again if the design changed, and remember what was learned.

The memory is opaque to everyone else: JSON, bounded, worth keeping but never needed (without it a site is learned
anew). Only pages judged good teach anything, so that no queue page becomes what the site is held to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
from selectolax.lexbor import SelectolaxError

from watcher.core.frame import LONGEST_TAIL, compare, of_the_list, struck, taught
from watcher.core.identity import fold_title
from watcher.core.induce import Extraction, extract, learn, relearn
from watcher.core.lessons import Frame, Memory, recall
from watcher.core.paginate import next_urls
from watcher.core.parse import Document, is_bottomless, parse
from watcher.core.phrases import fold
from watcher.core.rules import rule_digest
from watcher.core.seen import Seen, digest, look
from watcher.core.standing import standing, stands
from watcher.core.verdict import Evidence, Judgement, hint, judge
from watcher.records import Entry, Hints, Page, Reading, Rule

__all__ = ["Hints", "read_detail", "read_page"]

MOST_COUNTED = 16
SAMPLE = 200
NEW_AT_END = 6
OWN_FRAME = 0.5
"""Share of the listing's frame that makes another page one of the site's own."""

NOT_TEXT = ("image/", "video/", "audio/", "font/", "application/zip", "application/x-", "application/pdf",
            "application/gzip", "application/vnd.", "application/msword")  # fmt: skip
"""Types that are never read; ``application/x-…`` except what is text."""
TEXT_ALL_THE_SAME = ("application/xhtml", "application/x-javascript", "application/x-json", "application/x-ndjson",
                     "application/x-rss", "application/x-atom")  # fmt: skip
MAGIC = (b"%PDF-", b"PK\x03\x04", b"\x1f\x8b", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"Rar!", b"7z\xbc\xaf", b"\x7fELF",
         b"MZ", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"SQLite format 3\x00")  # fmt: skip
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
REFUSED = Reading(verdict="unreadable", why=("parse-refused", "the parser cannot take this page"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matter:
    """What is to be read."""

    page: Page
    document: Document
    known: Sequence[str]
    hints: Hints


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """One way to read a document, with what can be said for it."""

    extraction: Extraction
    seen: Seen
    evidence: Evidence
    judgement: Judgement


def read_page(page: Page, memory: bytes, known: Sequence[str], hints: Hints) -> tuple[Reading, bytes]:
    """What a listing page says, and the memory once it is counted. ``known`` holds the titles that the roster lists."""
    if why := not_text(page):
        return Reading(verdict="unreadable", why=(why,)), memory
    before = _hold_to(recall(memory), hints.rule)
    document = _parsed(page)
    if document is None:
        return REFUSED, memory
    matter = _Matter(page=page, document=document, known=known, hints=hints)
    taken = _take(matter, before)
    after = before
    why_relearned: tuple[str, ...] = ()
    # a page of scripts alone may hold the list in them now
    scripted = "script-only" in taken.judgement.why and document.data is not None
    is_new = (scripted or taken.judgement.verdict == "redesigned") and hints.number == 1
    if is_new and (again := _take_anew(matter, before, taken)):
        taken, after = again
        why_relearned = ("rule-relearned",)
    after = _counted(after, matter, taken)
    reading = _reading(matter, taken, why_relearned)
    return reading, memory if after == before and memory else msgspec.json.encode(after)


def _parsed(page: Page) -> Document | None:
    """The document; None if the parser refuses the page (it ends so when memory ends), or would take for ever."""
    if is_bottomless(page.body):
        return None
    try:
        return parse(page)
    except SelectolaxError:
        return None


def not_text(page: Page) -> str:
    """Why a body is nothing that can be read; empty if it may be."""
    kind = page.content_type.lower().strip()
    if kind.startswith(NOT_TEXT) and not kind.startswith(TEXT_ALL_THE_SAME):
        return f"type:{kind.partition(';')[0].strip()}"
    head = page.body[:4096]
    if head.startswith(MAGIC):
        return "not-text"
    if head.count(0) * 20 > len(head) and not head.startswith(BYTE_ORDER_MARKS) and "utf-16" not in kind:
        return "not-text"
    return ""


# -------------------------------------------------------------------------------------------------- taking entries


def _hold_to(memory: Memory, rule: Rule | None) -> Memory:
    """The memory for this rule: what stands outside the records is another thing under another one."""
    named = rule_digest(rule) if rule else ""
    return memory if memory.rule == named else replace(memory, rule=named, frame=Frame(), counted=())


def _take(matter: _Matter, memory: Memory) -> _Taken:
    """The entries by the rule that was given, else (or if that finds none) by what was learned."""
    document, known, rule, learned = matter.document, matter.known, matter.hints.rule, memory.learned
    if matter.hints.number > 1 and (rule or learned.rule):
        return _take_as_page_one(matter, memory)
    extraction = extract(document, learned, rule=rule, known=known)
    if rule is not None and not extraction.entries and learned.rule is not None:
        by_learning = extract(document, learned, known=known)
        extraction = by_learning if by_learning.entries else extraction
    ruled = rule is not None or (learned.rule is not None and not learned.provisional)
    taken = _weigh(matter, extraction, memory.frame, ruled=ruled)
    weighed = taken.evidence
    if ruled or learned.rule is None or not known or weighed.listed or weighed.standing:
        return taken
    # still guessing, and all that was known is gone: a list that is empty now must not make another list the best guess
    by_last_guess = extract(document, learned, rule=learned.rule)
    if by_last_guess.entries:
        return taken
    if not by_last_guess.frame_found:  # an error page, of which the guess made an entry, says what it is
        page_itself = _weigh(matter, Extraction(provisional=True), memory.frame, ruled=False)
        return page_itself if page_itself.judgement.topic else taken
    return _weigh(matter, replace(by_last_guess, provisional=True), memory.frame, ruled=False)


def _take_as_page_one(matter: _Matter, memory: Memory) -> _Taken:
    """The entries of a later page of the listing, by the rule that read the first: a guess of its own might differ."""
    learned, given = memory.learned, matter.hints.rule
    extraction = extract(matter.document, learned, rule=given or learned.rule)
    if not extraction.entries and given is not None and learned.rule is not None:
        extraction = extract(matter.document, learned, rule=learned.rule)
    guessed = given is None and learned.provisional
    return _weigh(matter, replace(extraction, provisional=guessed), memory.frame, ruled=not guessed)


def _take_anew(matter: _Matter, memory: Memory, taken: _Taken) -> tuple[_Taken, Memory] | None:
    """The entries by a rule learned from this page, with the known titles as seeds; None if most stay unread."""
    document, hints = matter.document, matter.hints
    goes_on = bool(next_urls(document, pages=hints.pages, next_link=hints.next))
    result = relearn(document, memory.learned, of_the_list(memory.frame, matter.known) or matter.known, goes_on=goes_on)
    if result is None:
        return None
    extraction, learned = result
    again = _weigh(matter, extraction, Frame(), ruled=True)
    promised = taken.evidence.listed + taken.evidence.standing
    if again.evidence.listed * 2 < promised or again.evidence.listed <= taken.evidence.listed:
        return None
    return again, replace(memory, learned=learned, frame=Frame(), counted=())


def _weigh(matter: _Matter, extraction: Extraction, frame: Frame, *, ruled: bool) -> _Taken:
    """One way to read the document, judged."""
    page, document, known, entries = matter.page, matter.document, matter.known, extraction.entries
    seen = look(document, extraction.rule)
    listed, unlisted = _told_apart(entries, known)
    usual = min(len(known), frame.rows or len(known))
    evidence = Evidence(
        status=page.status,
        cut=page.cut,
        kind=document.kind,
        number=matter.hints.number,
        size=len(document.markup.strip()),
        seen=seen,
        frame=frame,
        entries=len(entries),
        said=_said(entries) if not frame.base.words else 0,
        given=matter.hints.rule is not None and extraction.rule == matter.hints.rule,
        ruled=ruled,
        container=extraction.frame_found,
        known=len(known),
        listed=listed,
        standing=standing(document, of_the_list(frame, unlisted), frame.echo) if listed * 2 < usual else 0,
        named=standing(document, unlisted) if frame.echo and not entries else 0,
        tail=_has_tail(entries, frame) or not unlisted,
    )
    return _Taken(extraction=extraction, seen=seen, evidence=evidence, judgement=judge(evidence))


def _said(entries: Sequence[Entry]) -> int:
    """How many letters the first entries say."""
    return sum(len(entry.title) + sum(map(len, entry.fields.values())) for entry in entries[:SAMPLE])


def _told_apart(entries: Sequence[Entry], known: Sequence[str]) -> tuple[int, list[str]]:
    """How many known titles are among the entries, and those that are not."""
    shown = {entry.title for entry in entries}
    rest = [title for title in known if title not in shown]
    if rest:
        same = set(known)
        others = {fold_title(title)[0] for title in shown if title not in same}
        rest = [title for title in rest if fold_title(title)[0] not in others] if others else rest
    return len(known) - len(rest), rest


def _has_tail(entries: Sequence[Entry], frame: Frame) -> bool:
    """Whether the list ends as on the last good page, some new entries allowed for: then it was not cut."""
    end = entries[-max(3, min(NEW_AT_END, len(entries) // 2), len(entries) // 5) :]
    still = sum(entry.title[:LONGEST_TAIL] in frame.tail for entry in end)
    return still > 0 and still * 2 >= len(frame.tail)


# ------------------------------------------------------------------------------------------------- what is remembered


def _counted(memory: Memory, matter: _Matter, taken: _Taken) -> Memory:
    """The memory once the page is counted: a good one teaches, one that breaks the frame is noted."""
    judged, document, hints = taken.judgement, matter.document, matter.hints
    if judged.broken:
        return replace(memory, frame=struck(memory.frame, judged.broken, hints.number))
    if judged.verdict != "listing" or not judged.complete:
        return memory
    mark = digest(document.markup)
    if mark in memory.counted and not any(strike.number == hints.number for strike in memory.frame.strikes):
        return memory
    learned = memory.learned
    if hints.rule is None and hints.number == 1:  # later pages hold other entries, which is no change of these
        learned = learn(learned, document, taken.extraction)
    titles = [entry.title for entry in taken.extraction.entries]
    frame = taught(memory.frame, taken.seen, titles, kind=document.kind, number=hints.number)
    return replace(memory, learned=learned, frame=frame, counted=(*memory.counted, mark)[-MOST_COUNTED:])


def _reading(matter: _Matter, taken: _Taken, why: tuple[str, ...]) -> Reading:
    judged, extraction, document, hints = taken.judgement, taken.extraction, matter.document, matter.hints
    # what a cut page shows was seen; what is found on a page that is no listing is chance
    entries = extraction.entries if judged.verdict in ("listing", "partial") else ()
    further = next_urls(document, entries, pages=hints.pages, next_link=hints.next) if entries else ()
    return Reading(
        verdict=judged.verdict,
        why=(*why, *judged.why),
        complete=judged.complete,
        entries=entries,
        next_urls=further,
        text=document.text,
        rule=extraction.rule,
        rule_digest=rule_digest(extraction.rule) if extraction.rule else "",
        provisional=extraction.provisional,
    )


# ------------------------------------------------------------------------------------------------ an entry's own page


def read_detail(page: Page, memory: bytes, title: str) -> Reading:
    """What an entry's own page says: ``detail`` if its title stands there, ``error`` if the site says that there is
    no such page (``soft-gone`` in ``why`` if it says so with status 200), else what stands in its way."""
    if why := not_text(page):
        return Reading(verdict="unreadable", why=(why,))
    document = _parsed(page)
    if document is None:
        return REFUSED
    frame = recall(memory).frame
    seen = look(document, None)
    said = hint(Evidence(status=page.status, seen=seen, frame=frame))
    reading = Reading(verdict="unreadable", why=("title-absent",), text=document.text)
    if not 200 <= page.status < 300:
        if said is not None and said.verdict != "error":
            return replace(reading, verdict=said.verdict, why=(*said.why, f"http:{page.status}"))
        return replace(reading, verdict="error", why=(f"http:{page.status}",))
    if page.cut or seen.cut:
        return replace(reading, verdict="partial", why=(f"cut:{page.cut}" if page.cut else seen.cut,))
    gone = said is not None and said.topic == "gone"
    if stands(title, document.folded):
        # a side bar may go on naming what the page itself says is gone
        named = any(stands(title, fold(heading)) for heading in seen.headings)
        if not (gone and said is not None and said.why[0].startswith("heading") and not named):
            return replace(reading, verdict="detail", why=("title-stands",), complete=True)
    if said is None:
        return reading
    share = compare(frame, seen).share
    own = ("site-frame",) if share is not None and share >= OWN_FRAME else ()
    soft = ("soft-gone",) if gone else ()
    return replace(reading, verdict=said.verdict, why=(*soft, *own, *said.why))
