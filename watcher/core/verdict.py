"""What a page is, judged by evidence: what it shows of what is known, its frame, its form, and last its words.

Words alone never decide. A page that shows entries already known is the listing, whatever it says; words count only on
short pages that show none of them, and only where earlier good pages did not have them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from watcher.core.frame import Faults, compare, fresh_lines, short_of, strikes
from watcher.core.lessons import Frame
from watcher.core.phrases import Topic, fold, headed, says
from watcher.core.seen import Seen, digest

SHORT = 1_500
"""Characters outside the records: a queue, a captcha or an error says no more than this."""
SEIZED_SHORT = 6_000
"""A seizure banner says it in many languages."""
INTACT = 0.6
"""Share of the frame that makes a page one of the site's own."""
FOREIGN = 0.3
"""Share of the frame below which it is another page altogether."""
TOPICS: tuple[tuple[Topic, str, int], ...] = (
    ("seized", "seized", SEIZED_SHORT),
    ("queue", "blocked", SHORT),
    ("challenge", "blocked", SHORT),
    ("login", "login", SHORT),
    ("error", "error", SHORT),
    ("gone", "error", SHORT // 2),
)
"""What words may say, the verdict that follows, and how much else may stand there. The last is left out in the site's
own frame: there "not found" is what a list without entries says."""
FEW = 3
SAYS_EMPTY = ("site-says-empty", "first-page")
ANOTHER = ("frame-missing", "no-known-entry")
STRANGER = ("no-known-entry",)
EMPTY_LINE = 60
"""Characters of the line by which a site says that it lists nothing."""
PATIENCE = 4
"""Captures in a row that break the frame in the same way, until that is the new frame."""
PATIENCE_COUNTED = 100
"""The same where a counter that was proven right says that rows are missing."""


def never_whole(fault: str) -> bool:
    """Whether a source that ends so was cut, however often it ends so."""
    return fault not in ("closing-tag-missing", "elements-not-closed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is held against a page."""

    status: int
    cut: str = ""
    """Why the transfer was not finished."""
    kind: str = ""
    """Of the document: html, json …"""
    size: int = 1
    """Characters of its source."""
    number: int = 1
    """Of the page in the listing."""
    seen: Seen
    frame: Frame
    entries: int = 0
    """Entries that the rule read."""
    said: int = 0
    """Characters that they hold."""
    given: bool = False
    """The rule was given."""
    ruled: bool = False
    """It was given, or good pages confirmed it: no guess."""
    container: bool = False
    """The container of the records is there, even if it holds none."""
    known: int = 0
    """Titles that the roster lists."""
    listed: int = 0
    """Those among the entries."""
    standing: int = 0
    """Those that stand on the page, but among no entry (an estimate; what a side bar has too is not counted)."""
    named: int = 0
    """Those of a page without entries that stand on it at all, in a side bar, too (an estimate)."""
    tail: bool = False
    """One of the last entries of the last good page is among the entries, or all known ones are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, with its reasons."""

    verdict: str
    why: tuple[str, ...] = ()
    complete: bool = False
    """The page is whole: absence from it means something."""
    broken: tuple[str, ...] = ()
    """How it broke the frame, if that may turn out to be a new frame."""
    topic: str = ""
    """What its words speak of, if they decided."""


def judge(evidence: Evidence) -> Judgement:
    """What the page is. The order is the rule: see the table of verdicts in the design."""
    if not 200 <= evidence.status < 300:
        return Judgement(verdict="error", why=(f"http:{evidence.status}",))
    if evidence.cut:
        return Judgement(verdict="partial", why=(f"cut:{evidence.cut}",))
    if not evidence.size:
        return Judgement(verdict="error", why=("empty-body",))
    faults = compare(evidence.frame, evidence.seen, evidence.kind)
    if _is_the_listing(evidence, faults):
        return _listing(evidence, faults)
    if not evidence.frame.base.pages:
        return _first(evidence, faults)
    if faults.share is not None and faults.share < INTACT:
        return _another_page(evidence, faults)
    return _frame_without_known(evidence, faults)


def _is_the_listing(evidence: Evidence, faults: Faults) -> bool:
    """Enough of the known entries are there, read by the rule."""
    if not evidence.listed:
        return False
    usual = min(evidence.known, evidence.frame.rows or evidence.known)
    return evidence.listed * 10 >= usual or (faults.share is not None and faults.share >= INTACT)


def _unread(evidence: Evidence) -> bool:
    """The rule fails: known titles stand on the page, and it reads few of them or of anything.

    While the rule is a guess, titles that an earlier guess took for entries prove nothing.
    """
    guessing = not evidence.ruled and (evidence.frame.base.pages > 0 or evidence.known < FEW)
    return not guessing and evidence.standing > evidence.listed and evidence.standing * 2 > evidence.entries


def _are_most(evidence: Evidence, titles: int) -> bool:
    """Whether so many known titles, of which the rule read none, are most of all: no error or queue names them."""
    return evidence.ruled and not evidence.listed and 2 * titles > evidence.known > 1


def _listing(evidence: Evidence, faults: Faults) -> Judgement:
    """A listing page: is it whole?"""
    if _unread(evidence):
        return Judgement(verdict="redesigned", why=("known-titles-unread",))
    if faults.hard and (never_whole(faults.hard[0]) or not _outlasted(evidence, faults.hard)):
        return _broken("partial", faults.hard)
    if (short := _short(evidence)) is not None:
        why, proven = short
        if strikes(evidence.frame, (why,), evidence.number) < (PATIENCE_COUNTED if proven else PATIENCE):
            return _broken("partial", (why,))
    # a new footer under a list that is all there is a new footer; under a list that lost its end, it is a cut
    if faults.soft and not evidence.tail and not _outlasted(evidence, faults.soft):
        return _broken("partial", faults.soft)
    return Judgement(verdict="listing", complete=True)


def _outlasted(evidence: Evidence, faults: tuple[str, ...]) -> bool:
    """Whether a fault has lasted so long that it is how the site is now: soon if the list has its end, late if it has
    nearly everything else, and very late if neither (the decision has waits of its own)."""
    times = strikes(evidence.frame, faults, evidence.number)
    if evidence.tail:
        return times >= PATIENCE
    usual = min(evidence.known, evidence.frame.rows or evidence.known)
    return times >= (3 if evidence.listed * 10 >= usual * 9 else 12) * PATIENCE


def _broken(verdict: str, why: tuple[str, ...]) -> Judgement:
    return Judgement(verdict=verdict, why=why, broken=why)


def _short(evidence: Evidence) -> tuple[str, bool] | None:
    return short_of(evidence.frame, evidence.seen, evidence.entries) if evidence.number == 1 else None


def _first(evidence: Evidence, faults: Faults) -> Judgement:
    """A page of a site that no good page has been seen of: its own words and form must do."""
    frame, number = evidence.frame, evidence.number
    said = None if evidence.ruled and evidence.entries else hint(evidence)
    # a list with a login form in its header, and little else, is seen to be a list in the end
    if said is not None and (evidence.entries < FEW or strikes(frame, said.why, number) < PATIENCE):
        return replace(said, broken=said.why if evidence.entries >= FEW else ())
    if _unread(evidence):
        return Judgement(verdict="redesigned", why=("known-titles-unread",))
    if faults.hard:
        patient = evidence.entries and not never_whole(faults.hard[0])
        if not patient or strikes(frame, faults.hard, number) < PATIENCE:
            return _broken("partial", faults.hard)
    says_empty = bool(says("\n".join(line for line in evidence.seen.lines if len(line) <= EMPTY_LINE), "nothing"))
    # then what was found is another list; unless the site says so of something else, page after page
    if says_empty and (not evidence.entries or (not evidence.ruled and strikes(frame, SAYS_EMPTY, number) < PATIENCE)):
        return _broken("empty", SAYS_EMPTY)
    if not evidence.entries:
        return Judgement(verdict="unreadable", why=("no-entries-found",))
    # what was learned is lost, the roster is not: a guess that knows nobody is another list until it has lasted long
    stranger = evidence.known >= FEW and not evidence.listed and not evidence.ruled
    if stranger and strikes(frame, STRANGER, number) < 12 * PATIENCE:
        return _broken("redesigned", STRANGER)
    return Judgement(verdict="listing", complete=True)


def _another_page(evidence: Evidence, faults: Faults) -> Judgement:
    """Neither known entries nor the frame: what has taken the listing's place?"""
    share = faults.share or 0.0
    named = _are_most(evidence, max(evidence.standing, evidence.named))
    said = None if named else hint(evidence)
    if said and share < FOREIGN:
        return said
    if faults.hard:
        return _broken("partial", faults.hard)
    if said:
        return said
    if named or _unread(evidence):
        return Judgement(verdict="redesigned", why=("known-titles-unread",))
    if _outside(evidence) <= SHORT and not evidence.entries:
        return Judgement(verdict="blocked", why=ANOTHER)
    # a rule that a person wrote finds entries, or nothing was sure yet: then that is the listing, if it lasts
    able = evidence.entries and (evidence.given or not evidence.ruled)
    if able and strikes(evidence.frame, ANOTHER, evidence.number) >= PATIENCE:
        return Judgement(verdict="listing", why=STRANGER, complete=True)
    return _broken("redesigned", ANOTHER)


def _frame_without_known(evidence: Evidence, faults: Faults) -> Judgement:
    """The site's own frame, or one too small to tell, and none of the known entries in it."""
    trusted = faults.share is not None or evidence.container
    # a side bar may name them, too; but where it names all, and the list's place is gone, reading can lose none
    named = evidence.named if evidence.named == evidence.known and not evidence.container else 0
    unread = not evidence.entries and _are_most(evidence, max(evidence.standing, named))
    if not evidence.entries and not unread and (said := hint(evidence, own_frame=trusted)):
        return said
    if faults.hard:
        return _broken("partial", faults.hard)
    if unread or _unread(evidence):
        return Judgement(verdict="redesigned", why=("known-titles-unread",))
    if not trusted and not (evidence.ruled and evidence.entries):
        return Judgement(verdict="blocked", why=STRANGER)
    # what the last guess read is there, and among no entry: then the end that is missing was made of it
    if faults.soft and not (evidence.standing and evidence.entries and not evidence.ruled):
        return _broken("partial", faults.soft)
    if (short := _short(evidence)) is not None:
        return _broken("partial", short[:1])
    if evidence.entries:
        return Judgement(verdict="listing", why=STRANGER, complete=True)
    words = says(" ".join(fresh_lines(evidence.frame, evidence.seen)), "nothing")
    # a list that lost its side bar, or a side bar that lost its list: no proof either way
    if not words and evidence.named * 2 > evidence.known:
        return Judgement(verdict="empty", why=("known-titles-unread",))
    return Judgement(verdict="empty", why=("site-says-empty",) if words else ("no-entries",), complete=True)


# ------------------------------------------------------------------------------------------------------- its words


def _outside(evidence: Evidence) -> int:
    return sum(map(len, evidence.seen.lines))


def hint(evidence: Evidence, *, own_frame: bool = False) -> Judgement | None:
    """What the page's words and form say that it is; None if they say nothing, or too much else stands there.

    In the site's own frame only words that are new there count, and its forms and scripts say nothing.
    """
    seen, usual = evidence.seen, set(evidence.frame.base.words)
    lines = fresh_lines(evidence.frame, seen)
    headings = [heading for heading in seen.headings if digest(fold(heading)) not in usual]
    room = sum(map(len, lines))
    # a guess at entries on a first page is no proof: but several that say more than all the rest are no captcha
    crowded = not usual and evidence.entries >= FEW and evidence.said >= max(room, SHORT // 5)
    text = " ".join(lines)[: 2 * SEIZED_SHORT]
    for topic, verdict, limit in TOPICS[: -1 if own_frame else None]:
        if room > limit:
            continue
        if headed(headings, topic):
            return Judgement(verdict=verdict, why=(f"heading-says:{topic}",), topic=topic)
        if topic == "login" and seen.passwords and not crowded and not own_frame:
            return Judgement(verdict=verdict, why=("password-form",))
        if not crowded and (phrase := says(text, topic)):
            return Judgement(verdict=verdict, why=(f"says:{topic}", phrase), topic=topic)
    return None if own_frame or evidence.entries else _form(seen, room)


def _form(seen: Seen, room: int) -> Judgement | None:
    """What the form of a page without entries says: scripts only, or a page that reloads itself."""
    if room <= 200 and seen.scripts and not seen.images:
        return Judgement(verdict="blocked", why=("script-only",))
    if room <= SHORT and seen.refresh:
        return Judgement(verdict="blocked", why=("reloads-itself",))
    if room <= 400 and seen.inputs and seen.images:
        return Judgement(verdict="blocked", why=("picture-form",))
    return None
