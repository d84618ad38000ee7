"""The table of verdicts: what is held against a page, and what it is said to be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watcher.core.frame import struck
from watcher.core.lessons import Count, Frame, Marks, Strike
from watcher.core.seen import Seen, digest
from watcher.core.verdict import ANOTHER, PATIENCE, PATIENCE_COUNTED, SAYS_EMPTY, STRANGER, Evidence, hint, judge

MARKS = tuple(digest(name) for name in ("header", "menu", "cards", "foot"))
FRAME = Frame(
    base=Marks(pages=3, marks=MARKS, closing=MARKS[3:], ends=("</body>", "</html>"), left_open=0),
    rows=10,
    tail=("x", "y", "z"),
    kind="html",
)
OWN = Seen(marks=frozenset(MARKS), ends=frozenset({"</html>", "</body>"}), lines=("home", "rules"))
OTHER = Seen(marks=frozenset({digest("box")}), ends=frozenset({"</html>", "</body>"}), lines=("something", "else"))
GOOD = Evidence(
    status=200, kind="html", seen=OWN, frame=FRAME, entries=10, said=400, ruled=True, container=True, known=10,
    listed=10, tail=True,
)  # fmt: skip
NONE = replace(GOOD, entries=0, said=0, listed=0, tail=False)
"""The own frame, without an entry."""
ELSEWHERE = replace(NONE, seen=OTHER, container=False)
"""Another page."""
FIRST = Evidence(
    status=200, kind="html", seen=replace(OWN, lines=("home", "rules", "about us")), frame=Frame(), entries=5, said=600
)


def says(*lines: str, base: Seen = OTHER, title: str = "") -> Seen:
    return replace(base, lines=lines, headings=(title,) if title else ())


def outlasted(evidence: Evidence, faults: tuple[str, ...], times: int) -> Evidence:
    frame = evidence.frame
    for _ in range(times):
        frame = struck(frame, faults, evidence.number)
    return replace(evidence, frame=frame)


COUNTED = replace(FRAME, counts=(Count(place=7, named=True, values=(9, 10), hits=3),))
WEAKLY_COUNTED = replace(FRAME, counts=(Count(place=7, named=True, values=(10,), hits=3),))
SHORT = replace(GOOD, frame=COUNTED, seen=replace(OWN, counts={7: 12}))
LOST_TAIL = replace(GOOD, listed=5, entries=5, tail=False)
NO_FOOT = replace(OWN, marks=frozenset(MARKS[:3]))
REDONE = replace(NONE, standing=6)
"""A page of which the rule reads nothing, though it names six of ten."""
GUESSED = replace(GOOD, seen=NO_FOOT, known=3, listed=0, entries=6, ruled=False, tail=False)
"""A page that lacks its end, read by a guess, of which nothing was known."""
UNCLOSED = replace(OWN, ends=frozenset())

TABLE = {
    # what the transfer says
    "not found": (replace(GOOD, status=404), "error", "http:404", False),
    "a redirect that leads nowhere": (replace(GOOD, status=302), "error", "http:302", False),
    "cut on the way": (replace(GOOD, cut="chunked"), "partial", "cut:chunked", False),
    "nothing": (replace(GOOD, size=0), "error", "empty-body", False),
    # known entries outweigh any word
    "a listing": (GOOD, "listing", None, True),
    "a listing that says anything": (
        replace(GOOD, seen=says("has been seized", "bad gateway", base=OWN, title="Captcha")), "listing", None, True,
    ),
    "a listing in a new frame": (replace(GOOD, seen=OTHER), "listing", None, True),
    "a few of many, in the own frame": (replace(GOOD, known=500, listed=2, entries=2), "listing", None, True),
    # but they must be enough
    "one of a hundred, on a seizure": (
        replace(GOOD, known=100, frame=replace(FRAME, rows=100), listed=1, entries=1,
                seen=says("this site has been seized", title="SEIZED")), "seized", "heading-says:seized", False,
    ),
    # cut pages
    "inside a tag": (replace(GOOD, seen=replace(OWN, cut="ends-inside-tag")), "partial", "ends-inside-tag", False),
    "inside a tag, for ever": (
        outlasted(replace(GOOD, seen=replace(OWN, cut="ends-inside-tag")), ("ends-inside-tag",), 500),
        "partial", "ends-inside-tag", False,
    ),
    "unclosed": (replace(GOOD, seen=UNCLOSED), "partial", "closing-tag-missing", False),
    "unclosed so often, with its end": (
        outlasted(replace(GOOD, seen=UNCLOSED), ("closing-tag-missing",), PATIENCE), "listing", None, True,
    ),
    "unclosed so often, without its end": (
        outlasted(replace(LOST_TAIL, seen=UNCLOSED), ("closing-tag-missing",), 11 * PATIENCE),
        "partial", "closing-tag-missing", False,
    ),
    "unclosed so often, with nearly all": (
        outlasted(replace(GOOD, listed=9, tail=False, seen=UNCLOSED), ("closing-tag-missing",), 3 * PATIENCE),
        "listing", None, True,
    ),
    "another fault so often": (
        outlasted(replace(GOOD, seen=UNCLOSED), ("closing-part-missing",), 50), "partial", "closing-tag-missing", False,
    ),
    "half a list, no footer": (replace(LOST_TAIL, seen=NO_FOOT), "partial", "closing-part-missing", False),
    "a list with its end, no footer": (replace(GOOD, seen=NO_FOOT), "listing", None, True),
    "half a list, boxes left open": (
        replace(LOST_TAIL, seen=replace(OWN, left_open=3)), "partial", "elements-left-open", False,
    ),
    "fewer than announced": (SHORT, "partial", "announced:12>10", False),
    "fewer than announced, for long": (
        outlasted(SHORT, ("announced:12>10",), PATIENCE_COUNTED - 1), "partial", "announced:12>10", False,
    ),
    "fewer than announced, for ever": (
        outlasted(SHORT, ("announced:12>10",), PATIENCE_COUNTED), "listing", None, True,
    ),
    "fewer than a number that never moved": (
        replace(SHORT, frame=WEAKLY_COUNTED), "partial", "announced:12>10", False,
    ),
    "fewer than a number that never moved, a while": (
        outlasted(replace(SHORT, frame=WEAKLY_COUNTED), ("announced:12>10",), PATIENCE), "listing", None, True,
    ),
    "fewer than announced, on page two": (replace(SHORT, number=2), "listing", None, True),
    # the rule fails
    "known titles unread": (replace(NONE, standing=10), "redesigned", "known-titles-unread", False),
    "known titles unread, elsewhere": (replace(ELSEWHERE, standing=10), "redesigned", "known-titles-unread", False),
    "more known titles unread than read": (
        replace(GOOD, listed=2, entries=2, standing=8), "redesigned", "known-titles-unread", False,
    ),
    "an old guess stands elsewhere": (
        replace(GOOD, listed=0, standing=4, ruled=False, known=4), "listing", "no-known-entry", True,
    ),
    "many entries, and a known name in the text": (
        replace(GOOD, listed=0, standing=1, known=2), "listing", "no-known-entry", True,
    ),
    # in the own frame
    "empty": (NONE, "empty", "no-entries", True),
    "empty, and names most": (replace(NONE, known=5, named=3), "empty", "known-titles-unread", False),
    "empty, and names half": (replace(NONE, known=6, named=3), "empty", "no-entries", True),
    "empty, names all and says so": (
        replace(NONE, known=5, named=5, seen=says("home", "nothing here yet", base=OWN)),
        "empty", "site-says-empty", True,
    ),
    "empty, and says so": (
        replace(NONE, seen=says("home", "nothing here yet", base=OWN)), "empty", "site-says-empty", True,
    ),
    "empty, not found": (replace(NONE, seen=says("nichts gefunden", base=OWN)), "empty", "site-says-empty", True),
    "empty, with an error": (replace(NONE, seen=says("internal server error", base=OWN)), "error", "says:error", False),
    "empty, scripts are usual": (replace(NONE, seen=replace(OWN, scripts=3, lines=())), "empty", "no-entries", True),
    "empty, unclosed": (replace(NONE, seen=UNCLOSED), "partial", "closing-tag-missing", False),
    "empty, no footer": (replace(NONE, seen=NO_FOOT), "partial", "closing-part-missing", False),
    "empty, twelve announced": (
        replace(NONE, frame=COUNTED, seen=replace(OWN, counts={7: 12})), "partial", "announced:12>0", False,
    ),
    "others altogether": (replace(GOOD, listed=0, tail=False), "listing", "no-known-entry", True),
    "another guess, another end": (replace(GUESSED, standing=3), "listing", "no-known-entry", True),
    "another guess, another end, the last one's gone": (GUESSED, "partial", "closing-part-missing", False),
    "a rule, another end": (replace(GUESSED, standing=3, ruled=True), "partial", "closing-part-missing", False),
    "another guess of nothing, another end": (
        replace(GUESSED, standing=3, entries=0), "partial", "closing-part-missing", False,
    ),
    "another design, speaks of an error": (
        replace(REDONE, seen=says("internal server error")), "redesigned", "known-titles-unread", False,
    ),
    "another design, speaks of an error, names half": (
        replace(REDONE, seen=says("internal server error"), standing=5), "error", "says:error", False,
    ),
    "another design, speaks of an error, names most in a side bar": (
        replace(REDONE, seen=says("internal server error"), standing=0, named=6),
        "redesigned", "known-titles-unread", False,
    ),
    "the own design, speaks of an error": (
        replace(REDONE, seen=says("internal server error", base=OWN)), "redesigned", "known-titles-unread", False,
    ),
    "the own design speaks of an error, names most aside": (
        replace(REDONE, seen=says("internal server error", base=OWN), standing=0, named=6),
        "error", "says:error", False,
    ),
    "its list's place is gone, names all in a side bar": (
        replace(REDONE, standing=0, named=10, container=False), "redesigned", "known-titles-unread", False,
    ),
    "its list's place is there, names all in a side bar": (
        replace(REDONE, standing=0, named=10), "empty", "known-titles-unread", False,
    ),
    "another design, cut, names most": (
        replace(REDONE, seen=replace(OTHER, ends=frozenset())), "partial", "closing-tag-missing", False,
    ),
    "a frame too small, the container there": (
        replace(NONE, frame=replace(FRAME, base=Marks(pages=3)), seen=OTHER), "empty", "no-entries", True,
    ),
    "a frame too small, nothing there": (
        replace(ELSEWHERE, frame=replace(FRAME, base=Marks(pages=3))), "blocked", "no-known-entry", False,
    ),
    # another page
    "queue": (replace(ELSEWHERE, seen=says("your place in the queue is 9")), "blocked", "says:queue", False),
    "captcha": (
        replace(ELSEWHERE, seen=says("prove", title="Human verification")), "blocked", "heading-says:challenge", False,
    ),
    "login": (replace(ELSEWHERE, seen=replace(OTHER, passwords=1)), "login", "password-form", False),
    "seized": (replace(ELSEWHERE, seen=says("a été saisi " * 100)), "seized", "says:seized", False),
    "an error": (replace(ELSEWHERE, seen=says("nginx", title="502 Bad Gateway")), "error", "heading-says:error", False),
    "no such page": (replace(ELSEWHERE, seen=says("x", title="404")), "error", "heading-says:gone", False),
    "scripts alone": (replace(ELSEWHERE, seen=replace(OTHER, scripts=1)), "blocked", "script-only", False),
    "reloading": (replace(ELSEWHERE, seen=replace(OTHER, refresh=True)), "blocked", "reloads-itself", False),
    "a picture and a field": (
        replace(ELSEWHERE, seen=replace(OTHER, inputs=1, images=1)), "blocked", "picture-form", False,
    ),
    "a form's words in a long text": (
        replace(ELSEWHERE, seen=says("please wait while we", *["word " * 100] * 9)),
        "redesigned", "frame-missing", False,
    ),
    "unknown and short": (ELSEWHERE, "blocked", "frame-missing", False),
    "unknown, with other entries": (replace(ELSEWHERE, entries=9), "redesigned", "frame-missing", False),
    "unknown, with other entries, for ever": (
        outlasted(replace(ELSEWHERE, entries=9), ANOTHER, 500), "redesigned", "frame-missing", False,
    ),
    "unknown, by the rule that was given, once": (
        replace(ELSEWHERE, entries=9, given=True), "redesigned", "frame-missing", False,
    ),
    "unknown, by the rule that was given, often": (
        outlasted(replace(ELSEWHERE, entries=9, given=True), ANOTHER, PATIENCE), "listing", "no-known-entry", True,
    ),
    "unknown, but nothing was sure": (
        outlasted(replace(ELSEWHERE, entries=9, ruled=False), ANOTHER, PATIENCE), "listing", "no-known-entry", True,
    ),
    "unknown and cut": (
        replace(ELSEWHERE, seen=replace(OTHER, cut="ends-inside-tag")), "partial", "ends-inside-tag", False,
    ),
    "half the own frame, then a queue's words": (
        replace(NONE, seen=says("you are in the queue", base=replace(OWN, marks=frozenset(MARKS[:2])))),
        "blocked", "says:queue", False,
    ),
    # a first page
    "a first listing": (FIRST, "listing", None, True),
    "a first page without entries": (replace(FIRST, entries=0, said=0), "unreadable", "no-entries-found", False),
    "a first page that says it is empty": (
        replace(FIRST, entries=0, seen=says("no posts")), "empty", SAYS_EMPTY[0], False,
    ),
    "a first page that says it is empty, and a guess": (
        replace(FIRST, seen=says("home", "no posts")), "empty", SAYS_EMPTY[0], False,
    ),
    "a first page that always says so": (
        outlasted(replace(FIRST, seen=says("home", "no posts")), SAYS_EMPTY, PATIENCE), "listing", None, True,
    ),
    "a first page that says so, and a rule": (
        replace(FIRST, ruled=True, given=True, seen=says("home", "no posts")), "listing", None, True,
    ),
    "a first page that is a login": (
        replace(FIRST, said=30, seen=replace(OTHER, passwords=1)), "login", "password-form", False,
    ),
    "a first list with a login in its header": (
        replace(FIRST, seen=replace(OTHER, passwords=1)), "listing", None, True,
    ),
    "a first short list with a login in its header, in the end": (
        outlasted(replace(FIRST, said=30, seen=replace(OTHER, passwords=1)), ("password-form",), PATIENCE),
        "listing", None, True,
    ),
    "a first page cut": (replace(FIRST, seen=replace(OWN, cut="ends-inside-tag")), "partial", "ends-inside-tag", False),
    "a first page left open": (
        replace(FIRST, seen=replace(OWN, cut="elements-not-closed")), "partial", "elements-not-closed", False,
    ),
    "a first page always left open": (
        outlasted(replace(FIRST, seen=replace(OWN, cut="elements-not-closed")), ("elements-not-closed",), PATIENCE),
        "listing", None, True,
    ),
    "a first page that knows nobody": (replace(FIRST, known=9), "redesigned", "no-known-entry", False),
    "a first page that knows nobody, for long": (
        outlasted(replace(FIRST, known=9), STRANGER, 12 * PATIENCE), "listing", None, True,
    ),
    "a first page whose known names stand unread": (
        replace(FIRST, known=9, standing=9), "redesigned", "known-titles-unread", False,
    ),
    "a first page by a rule": (replace(FIRST, known=9, given=True, ruled=True), "listing", None, True),
}  # fmt: skip


@pytest.mark.parametrize("case", TABLE)
def test_verdicts(case: str) -> None:
    evidence, verdict, why, complete = TABLE[case]
    judged = judge(evidence)
    assert (judged.verdict, judged.complete) == (verdict, complete)
    assert judged.why[:1] == ((why,) if why else ())
    assert not (judged.complete and judged.broken)


def test_only_what_can_be_outlasted_is_struck() -> None:
    assert judge(TABLE["unclosed"][0]).broken == ("closing-tag-missing",)
    assert judge(TABLE["queue"][0]).broken == ()
    assert judge(TABLE["a first page that is a login"][0]).broken == ("password-form",)
    assert judge(replace(FIRST, entries=0, seen=replace(OTHER, passwords=1))).broken == ()
    assert Strike(number=1, shape=1).times == 1


def test_a_hint_names_its_topic() -> None:
    said = hint(replace(ELSEWHERE, seen=says("x", title="Not found")))
    assert said is not None
    assert said.topic == "gone"
    assert hint(GOOD) is None
