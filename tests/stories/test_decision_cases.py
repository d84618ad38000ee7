"""The cases in which trackers cry wolf, or say nothing: look by look, what a site shows and what must be told.

Each case is a table: what a look shows (letters stand for invented victims), how (verdict, mirror, probes …), and what
is told of it. Everything that is not named there must not be told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from tests.core.looks import FIRST, SECOND, Watching, entry, said
from watcher.records import Policy

HOURS = {"after": timedelta(hours=13)}
BLOCKED = {"verdict": "blocked"}
ERROR = {"verdict": "error"}
EMPTY: dict[str, Any] = {"verdict": "empty"}
SAYS_EMPTY: dict[str, Any] = {"verdict": "empty", "why": ("site-says-empty",)}
ON_FIRST, ON_SECOND = {"mirror": FIRST}, {"mirror": SECOND}
QUICK = Policy(confirm_visits=2, confirm_after=timedelta(0), structural_after=timedelta(hours=12))


@dataclass(frozen=True)
class Step:
    shows: Any
    how: dict[str, Any] = field(default_factory=dict)
    tells: Sequence[str] = ()
    times: int = 1


UP: dict[str, Any] = {"probes": dict.fromkeys("ABCDEFGHIJKLXYZ", "alive")}


@dataclass(frozen=True)
class Case:
    name: str
    steps: Sequence[Step]
    policy: Policy | None = None
    mirrors: Sequence[str] = (FIRST,)


def linked(*titles: str, **also: Any) -> list[Any]:
    """Entries with pages of their own."""
    return [entry(title, link=f"{FIRST}p/{title.lower()}", **also) for title in titles]


ROLLING = (
    Step(linked(*"BCDEFG"), UP, times=2),
    Step(linked(*"ABCDEF"), UP, ["listed A"]),
    Step(linked(*"ABCDEF"), UP, times=3),
    Step(linked(*"HABCDE"), UP, ["listed H"]),
    Step(linked(*"HABCDE"), UP, times=3),
)
"""A full list that gains in front and loses at its end: G rolls off, then F."""


def described(letters: str, **fields: str) -> list[Any]:
    return [entry(letter, **fields) for letter in letters]


def in_english(letters: str) -> list[Any]:
    return [entry(one, status="Published", description=f"All data of number {one} is out.") for one in letters]


def in_russian(letters: str) -> list[Any]:
    return [entry(one, status="Опубликовано", description=f"Все данные номера {one} доступны.") for one in letters]


CASES = (
    Case("nothing happens", [Step("ABCDEF", times=4)]),
    Case("listed", [Step("BCDEF", times=2), Step("ABCDEF", tells=["listed A"]), Step("ABCDEF")]),
    Case(
        "withdrawn, after three complete snapshots",
        [Step("ABCDEF", times=2), Step("ABDEF", times=2), Step("ABDEF", tells=["withdrawn C"]), Step("ABDEF", times=3)],
    ),
    Case(
        "a blink",
        [Step("ABCDEF"), Step("ABDEF", times=2), Step("ABCDEF", times=2), Step("ABDEF", times=2), Step("ABCDEF")],
    ),
    Case(
        "three complete snapshots, but too soon after each other",
        [
            Step("ABCDEF"),
            *(Step("ABDEF", {"after": timedelta(minutes=5)}) for _ in range(6)),
            Step("ABDEF", {"after": timedelta(minutes=5)}, ["withdrawn C"]),
        ],
    ),
    Case(
        "looks that all used one circuit wait as long as for a fault",
        [
            Step("ABCDEF"),
            *(Step("ABDEF", {"isolation": "one"}) for _ in range(8)),
            Step("ABDEF", {"isolation": "one", **HOURS}, ["withdrawn C"]),
        ],
    ),
    Case(
        "mirror out of step holds the decision, until it agrees",
        [
            Step("ABCDEF", ON_FIRST),
            Step("ABCDEF", ON_SECOND),
            *(step for _ in range(4) for step in (Step("ABDEF", ON_FIRST), Step("ABCDEF", ON_SECOND))),
            Step("ABDEF", ON_FIRST),
            Step("ABDEF", ON_SECOND),
            Step("ABDEF", ON_FIRST, ["withdrawn C"]),
        ],
        mirrors=(FIRST, SECOND),
    ),
    Case(
        "mirror out of step for good: bounded",
        [
            Step("ABCDEF", ON_FIRST),
            Step("ABCDEF", ON_SECOND),
            *(step for _ in range(5) for step in (Step("ABDEF", ON_FIRST), Step("ABCDEF", ON_SECOND))),
            Step("ABDEF", {**ON_FIRST, **HOURS}, ["withdrawn C"]),
            Step("ABCDEF", ON_SECOND, times=3),
            Step("ABDEF", ON_FIRST, times=3),
        ],
        mirrors=(FIRST, SECOND),
    ),
    Case(
        "a mirror that lags behind lacks the newest",
        [
            Step("BCDEFG", ON_FIRST),
            Step("BCDEFG", ON_SECOND),
            Step("ABCDEFG", ON_FIRST, ["listed A"]),
            Step("BCDEFG", ON_SECOND, times=5),
            Step("ABCDEFG", ON_FIRST),
            Step("ABCDEFG", ON_SECOND),
        ],
        mirrors=(FIRST, SECOND),
    ),
    Case(
        "page 2 of 3 answers 502: what page 1 shows is there, what it lacks is not missed",
        [
            Step("BCDEFGHI", times=2),
            Step("ABCD", {"verdict": "error", "complete": False, "why": ("page-2:error",)}, ["listed A"], times=1),
            Step("ABCD", {"verdict": "error", "complete": False, "why": ("page-2:error",)}, times=5),
            Step("ABCDEFGHI"),
        ],
    ),
    Case(
        "an entry moves between pages while they are read",
        [Step("ABCDEF"), Step("ABCDF"), Step("ABCDFE"), Step("ABCDEF")],
    ),
    Case(
        "body cut at 55 % with a matching length",
        [
            Step("ABCDEFGHIJ", times=2),
            Step("ABCDE", tells=["vanished"]),
            Step("ABCDE", times=10),
            Step("ABCDEFGHIJ", tells=["recovered"]),
        ],
    ),
    Case(
        "queue, captcha, login and seizure with status 200",
        [
            Step("ABCDEF"),
            *(Step("", {"verdict": verdict}) for verdict in ("blocked", "login", "blocked", "login", "login")),
            Step("", BLOCKED, ["blocked"]),
            Step("", BLOCKED, times=4),
            Step("ABCDEF", tells=["recovered"]),
            Step("", {"verdict": "seized"}),
            Step("ABCDEF"),
            Step("", {"verdict": "seized"}),
            Step("", {"verdict": "seized"}, ["seized"]),
            Step("", {"verdict": "seized"}, times=3),
            Step("ABCDEF", tells=["recovered"]),
            Step("ABCDEF"),
        ],
    ),
    Case(
        "200 for one request and 502 for the next",
        [Step("ABCDEF"), *(step for _ in range(8) for step in (Step("", ERROR), Step("ABCDEF")))],
    ),
    Case(
        "unreachable, told once an episode, over every mirror",
        [
            Step("ABCDEF", ON_FIRST),
            *(Step("", {"verdict": "timeout", **ON_FIRST}) for _ in range(7)),
            Step("", {"verdict": "unreachable", **ON_SECOND}, ["unreachable"]),
            Step("", {"verdict": "unreachable", **ON_SECOND}, times=5),
            Step("ABCDEF", ON_SECOND, ["recovered"]),
            Step("ABCDEF", ON_FIRST),
            *(Step("", {"verdict": "refused", **ON_FIRST}) for _ in range(5)),
            Step("ABCDEF", ON_FIRST),
        ],
        mirrors=(FIRST, SECOND),
    ),
    Case(
        "empty frame",
        [
            Step("ABCDEF", times=2),
            Step("", EMPTY, ["vanished"]),
            Step("", EMPTY, times=5),
            Step("ABCDEF", tells=["recovered"]),
        ],
    ),
    Case(
        "an empty frame that says so is a fault, too, if it does not last",
        [
            Step("ABC"),
            Step("", SAYS_EMPTY, ["vanished"]),
            Step("", SAYS_EMPTY, times=5),
            Step("ABC", tells=["recovered"]),
        ],
    ),
    Case(
        "renamed class: the rule finds nothing for a while",
        [
            Step("ABCDEF", times=2),
            Step("", {"verdict": "redesigned"}, ["redesigned"]),
            Step("", {"verdict": "redesigned"}, times=3),
            Step("ABCDEF", {"rule_digest": "another"}, ["recovered"]),
            Step("ABCDEF", {"rule_digest": "another"}, times=2),
        ],
    ),
    Case(
        "full redesign plus one true withdrawal",
        [
            Step(in_english("ABCDEFGH"), times=2),
            Step(in_russian("ABDEFGH"), {"rule_digest": "another", "why": ("rule-relearned",)}, ["redesigned"]),
            Step(in_russian("ABDEFGH"), {"rule_digest": "another"}),
            Step(in_russian("ABDEFGH"), {"rule_digest": "another"}, ["withdrawn C"]),
        ],
    ),
    Case(
        "renamed: the same link",
        [
            Step(linked("A", "Velmora", "C", "D"), times=2),
            Step(
                [*linked("A"), entry("Tarsk Group", link=f"{FIRST}p/velmora"), *linked("C", "D")],
                tells=["renamed Tarsk Group"],
            ),
        ],
    ),
    Case(
        "unmasked",
        [
            Step(["A", "Ve***** Lo*******", "C"], times=2),
            Step(["A", "Velmora Logistics", "C"], tells=["renamed Velmora Logistics"]),
        ],
    ),
    Case(
        "a close title in the same place",
        [
            Step("ABC", times=2),
            Step(["A", "Brontek Foods International", "C"], tells=["renamed Brontek Foods International"]),
        ],
    ),
    Case(
        "status in the title",
        [
            Step(["A", "Velmora Inc", "C"], times=2),
            Step(["A", "[DISCLOSED] Velmora Inc", "C"], tells=["renamed [DISCLOSED] Velmora Inc"]),
            Step(["A", "NEW Velmora Inc", "C"], tells=["renamed NEW Velmora Inc"]),
        ],
    ),
    Case(
        "a ribbon comes and goes",
        [Step(["A", "Velmora Inc"]), Step(["A", "NEW Velmora Inc"]), Step(["A", "Velmora Inc"])],
    ),
    Case(
        "reordered",
        [Step("ABCDEFGH", times=2), Step("HFDBGECA"), Step("CAGEHBDF"), Step("ABCDEFGH")],
    ),
    Case(
        "one moves to the front as another goes",
        [Step("ABCDEFGH", times=2), Step("EABDFGH", times=2), Step("EABDFGH", tells=["withdrawn C"])],
    ),
    Case(
        "re-listed, withdrawn a second time",
        [
            Step("BCDEFG", times=2),
            Step("BDEFG", times=2),
            Step("BDEFG", tells=["withdrawn C"]),
            Step("ABDEFG", tells=["listed A"]),
            Step("ABCDEFG", tells=["relisted C"]),
            Step("ABCDEFGH", tells=["listed H"]),
            Step("ABDEFGH", times=2),
            Step("ABDEFGH", tells=["withdrawn C"]),
        ],
    ),
    Case(
        "back on what may be an old page: told at the second sighting",
        [
            Step("ABCDEF", times=2),
            Step("ABDEF", times=2),
            Step("ABDEF", tells=["withdrawn C"]),
            Step("ABCDEF"),
            Step("ABCDEF", tells=["relisted C"]),
        ],
    ),
    Case(
        "an old page once: nothing",
        [
            Step("ABCDEF", times=2),
            Step("ABDEF", times=2),
            Step("ABDEF", tells=["withdrawn C"]),
            Step("ABCDEF"),
            Step("ABDEF", times=3),
        ],
    ),
    Case(
        "an old page again and again, while its own page stays gone: nothing",
        [
            Step(linked("A", "B", "C", "D", "E"), times=2),
            Step(linked("A", "B", "D", "E"), times=2),
            Step(linked("A", "B", "D", "E"), tells=["withdrawn C"]),
            Step(linked("A", "B", "C", "D", "E"), {"probes": {"C": "gone", "A": "alive"}}, times=4),
            Step(linked("A", "B", "C", "D", "E"), {"probes": {"C": "alive", "A": "alive"}}),
            Step(linked("A", "B", "C", "D", "E"), {"probes": {"C": "alive", "A": "alive"}}, ["relisted C"]),
        ],
    ),
    Case(
        "new onion: the same entries",
        [Step("ABCDEF", ON_FIRST, times=2), Step("ABCDEF", {"mirror": "http://moved.onion/"}, times=3)],
    ),
    Case(
        "two victims with the same name",
        [
            Step(
                [
                    *described("A", domain="a.example"),
                    entry("Twin", domain="x.example"),
                    entry("Twin", domain="y.example"),
                    "D",
                ]
            ),
            Step([*described("A", domain="a.example"), entry("Twin", domain="y.example"), "D"], times=2),
            Step(
                [*described("A", domain="a.example"), entry("Twin", domain="y.example"), "D"], tells=["withdrawn Twin"]
            ),
        ],
    ),
    Case(
        "one victim shown twice, then once",
        [Step(["A", "Pinned Ltd", "B", "Pinned Ltd", "C"], times=2), Step(["A", "Pinned Ltd", "B", "C"], times=6)],
    ),
    Case(
        "victims whose names are faults",
        [
            Step("ABC"),
            Step(["404 Media", "A", "B", "C"], tells=["listed 404 Media"]),
            Step(["Captcha Ltd", "404 Media", "A", "B", "C"], tells=["listed Captcha Ltd"]),
            Step(["Captcha Ltd", "404 Media", "A", "C"], times=2),
            Step(["Captcha Ltd", "404 Media", "A", "C"], tells=["withdrawn B"]),
        ],
    ),
    Case(
        "one entry left, then none, truly",
        [Step("A", times=2), Step("", EMPTY, times=6), Step("", {**EMPTY, **HOURS}, ["withdrawn A"]), Step("", EMPTY)],
    ),
    Case(
        "all withdrawn, truly: the site says that there is nothing here",
        [
            Step("ABC", times=2),
            Step("", SAYS_EMPTY, ["vanished"]),
            Step("", SAYS_EMPTY, times=6),
            Step("", {**SAYS_EMPTY, **HOURS}, ["withdrawn A", "withdrawn B", "withdrawn C"]),
            Step("", SAYS_EMPTY),
            Step("D", tells=["listed D"]),
        ],
    ),
    Case(
        "a clock that jumps back",
        [
            Step("ABCDEF", times=2),
            Step("ABDEF", {"after": timedelta(hours=-3)}),
            Step("ABDEF"),
            Step("ABDEF", {"after": timedelta(minutes=-50)}),
            Step("ABDEF", tells=["withdrawn C"]),
        ],
    ),
    Case("a site that changes language", [Step(in_english("ABCDEF"), times=2), Step(in_russian("ABCDEF"), times=3)]),
    Case(
        "rolled off the end of a full list, its page still up",
        [
            Step(linked("B", "C", "D", "E", "F", "G"), times=2),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "alive"}}, ["listed A"]),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "alive", "B": "alive"}}, times=12),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "alive", "B": "alive"}, **HOURS}, times=3),
        ],
    ),
    Case(
        "gone from within a full list as another came, its page still up, though older ones are still shown",
        [
            *ROLLING,
            Step(linked(*"IHABCE"), UP, ["listed I"]),
            Step(linked(*"IHABCE"), UP, times=4),
            Step(linked(*"IHABCE"), UP, ["withdrawn D"]),
            Step(linked(*"IHABCE"), UP, times=4),
        ],
    ),
    Case(
        "gone from within a full list that shows older ones again in its place",
        [
            *ROLLING,
            Step(linked(*"HABCEF"), UP, times=5),
            Step(linked(*"HABCEF"), UP, ["withdrawn D"]),
            Step(linked(*"HABCEF"), UP, times=4),
        ],
    ),
    Case(
        "rolled off, it seemed; but what had rolled off before it is shown again, and it is not",
        [
            *ROLLING,
            Step(linked(*"IHABCD"), UP, ["listed I"]),
            Step(linked(*"IHABCD"), UP, times=3),
            Step(linked(*"IHACDF"), UP, times=8),
            Step(linked(*"IHACDF"), {**UP, **HOURS}),
            Step(linked(*"IHACDF"), {**UP, **HOURS}, ["withdrawn B", "withdrawn E"]),
        ],
    ),
    Case(
        "what had rolled off is moved to the front: those before it rolled off",
        [
            *ROLLING,
            Step(linked(*"IHABCD"), UP, ["listed I"]),
            Step(linked(*"GIHABC"), UP, times=8),
            Step(linked(*"GIHABC"), {**UP, **HOURS}, times=4),
            Step(linked(*"JGIHAB"), UP, ["listed J"]),
            Step(linked(*"JGIHAB"), UP, times=4),
            Step(linked(*"JGIHAB"), {**UP, **HOURS}, times=4),
        ],
    ),
    Case(
        "all of a full list are pushed off, and the oldest is moved to the front",
        [
            *ROLLING[:2],
            Step(linked(*"LKJIHA"), UP),
            Step(linked(*"LKJIHA"), UP, ["listed L", "listed K", "listed J", "listed I", "listed H"]),
            Step(linked(*"LKJIHA"), UP, times=4),
            Step(linked(*"GLKJIH"), UP, times=4),
            Step(linked(*"GLKJIH"), {**UP, **HOURS}, times=4),
        ],
    ),
    Case(
        "a list in two parts: what is pushed off the first was within the page",
        [
            Step(linked(*"ABCXYZ"), UP, times=2),
            Step(linked(*"DABXYZ"), UP, ["listed D"]),
            Step(linked(*"DABXYZ"), UP, times=5),
            Step(linked(*"EDAXYZ"), UP, ["listed E"]),
            Step(linked(*"EDAXYZ"), UP, times=5),
            Step(linked(*"FEDXYZ"), {**UP, **HOURS}, ["listed F"]),
            Step(linked(*"FEDXYZ"), {**UP, **HOURS}, times=5),
        ],
    ),
    Case(
        "gone while its page is up, and what came days later did not push it off",
        [
            Step(linked(*"ABCD"), UP, times=2),
            Step(linked(*"ABD"), UP, times=2),
            Step(linked(*"EABD"), UP, ["listed E"]),
            Step(linked(*"EABD"), UP, times=2),
            Step(linked(*"EABD"), UP, ["withdrawn C"]),
        ],
    ),
    Case(
        "rolled off, it seemed; but its own page is gone",
        [
            Step(linked("B", "C", "D", "E", "F", "G"), times=2),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "gone", "B": "alive"}}, ["listed A"]),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "gone", "C": "alive"}}),
            Step(linked("A", "B", "C", "D", "E", "F"), {"probes": {"G": "gone", "D": "alive"}}, ["withdrawn G"]),
        ],
    ),
    Case(
        "rolled off, it seemed; but the list was not full",
        [
            Step("BCDEFG", times=2),
            Step("ABCDEF", tells=["listed A"]),
            Step("ABCDEF", times=6),
            Step("HABCDEF", tells=["listed H", "withdrawn G"]),
        ],
    ),
    Case(
        "further pages are no longer found: what stood there is not gone, however long",
        [
            Step("ABCDEF", {"captures": ("p1", "p2")}, times=2),
            Step("ABC", tells=["vanished"]),
            Step("ABC", times=6),
            Step("ABC", HOURS, times=4),
            Step("ABCDEF", {"captures": ("p1", "p2")}, ["recovered"]),
            Step("ABCEF", {"captures": ("p1", "p2")}, times=2),
            Step("ABCEF", {"captures": ("p1", "p2")}, ["withdrawn D"]),
        ],
    ),
    Case(
        "the last of the list is gone: it must outlast a fault",
        [Step("ABCDEF", times=2), Step("ABCDE", times=8), Step("ABCDE", HOURS, ["withdrawn F"])],
    ),
    Case(
        "the newest is gone: it may be an old page",
        [
            Step("BCDEFG", times=2),
            Step("ABCDEFG", tells=["listed A"]),
            Step("BCDEFG", times=8),
            Step("BCDEFG", HOURS, ["withdrawn A"]),
        ],
    ),
    Case(
        "many gone at once: they must outlast a fault",
        [
            Step("ABCDEFGHIJ", times=2),
            Step("ACEFGIJ", tells=["vanished"]),
            Step("ACEFGIJ", times=6),
            Step("ACEFGIJ", HOURS, ["withdrawn B", "withdrawn D", "withdrawn H"]),
            Step("ACEFGIJ"),
        ],
    ),
    Case(
        "many gone at once, their own pages too, while another's answers",
        [
            Step(linked("A", "B", "C", "D", "E"), times=2),
            Step(linked("A", "C", "E"), {"probes": {"B": "gone", "D": "gone", "A": "alive"}}, ["vanished"]),
            Step(linked("A", "C", "E"), {"probes": {"B": "gone", "D": "gone", "C": "alive"}}),
            Step(
                linked("A", "C", "E"),
                {"probes": {"B": "gone", "D": "gone", "A": "alive"}},
                ["withdrawn B", "withdrawn D"],
            ),
        ],
    ),
    Case(
        "own pages that are all gone prove nothing",
        [
            Step(linked("A", "B", "C", "D", "E"), times=2),
            Step(linked("A", "C", "E"), {"probes": {"B": "gone", "D": "gone", "A": "gone"}}, ["vanished"]),
            Step(linked("A", "C", "E"), {"probes": {"B": "gone", "D": "gone", "A": "gone"}}, times=8),
        ],
    ),
    Case(
        "delisted, its page still up: told later",
        [
            Step(linked("A", "B", "C", "D"), times=2),
            *(Step(linked("A", "B", "D"), {"probes": {"C": "alive", "A": "alive"}}) for _ in range(5)),
            Step(linked("A", "B", "D"), {"probes": {"C": "alive", "A": "alive"}}, ["withdrawn C"]),
        ],
    ),
    Case(
        "a row that the rule no longer reads is not gone",
        [
            Step("ABCDEF", times=2),
            Step("ABDEF", {"text": "News Arvelo Logistics Calderis Clinic Brontek Foods"}, times=9),
        ],
    ),
    Case(
        "a shuffle in the same check makes a loss doubtful",
        [Step("ABCDEFGH", times=2), Step("HEBGADF", times=8), Step("HEBGADF", HOURS, ["withdrawn C"])],
    ),
    Case(
        "changed, back and forth, with an old page between",
        [
            Step(described("ABC", status="Waiting"), times=2),
            Step([*described("A", status="Sold"), *described("BC", status="Waiting")], tells=["changed A"]),
            Step(described("ABC", status="Waiting")),
            Step([*described("A", status="Sold"), *described("BC", status="Waiting")], times=2),
        ],
    ),
    Case(
        "clocks, counters and ages tick",
        [
            Step(described("ABC", status="Waiting", deadline="7D 20h 00m", views="707")),
            Step(described("ABC", status="Waiting", deadline="7D 19h 40m", views="712")),
            Step(
                described("AB", status="Waiting", deadline="6D", views="9") + described("C", status="Sold"),
                tells=["changed C"],
            ),
        ],
    ),
    Case(
        "another page altogether: nothing of it is believed at once",
        [
            Step("ABCDEF", times=2),
            Step(["Login now", "Register now", "Forgot it"], tells=["vanished"]),
            Step("ABCDEF", tells=["recovered"]),
        ],
    ),
    Case(
        "a short page as baseline: the rest is no news",
        [Step("ABC"), Step("ABCDEFGHIJ"), Step("LABCDEFGHIJ", tells=["listed L"])],
    ),
    Case(
        "an empty frame is no baseline",
        [Step("", EMPTY, times=3), Step("ABCDEF"), Step("GABCDEF", tells=["listed G"])],
    ),
    Case(
        "read by a mended rule: old news is not told",
        [Step("ABC", times=2), Step("ABCDEF", {"backfill": True}), Step("ABCDEF"), Step("GABCDEF", tells=["listed G"])],
    ),
    Case(
        "while the rule is a guess nothing is told; then what came since",
        [
            Step("BCDE", {"provisional": True}),
            Step("BCDE", {"provisional": True}),
            Step("ABCDE", {"provisional": True}),
            Step("ABCDE", tells=["listed A"]),
        ],
    ),
    Case(
        "a better rule reads more of the same page: old news",
        [
            Step("BC", {"provisional": True, "text": "Brontek Foods Calderis Clinic Dorvani Energy Estrin Steel"}),
            Step("ABCDE", {"rule_digest": "better"}, ["listed A"]),
        ],
    ),
    Case(
        "the Cl0p story: out of the header, its page offline, with an outage, a queue and 502s between",
        [
            Step(linked("B", "C", "D", "E"), times=3),
            Step(linked("B", "C", "D", "E", "A"), tells=["listed A"]),
            Step(linked("B", "C", "D", "E", "A"), {"probes": {"A": "alive", "B": "alive"}}),
            Step("", {"verdict": "unreachable"}, times=2),
            Step(linked("B", "C", "D", "E", "A")),
            Step("", BLOCKED),
            Step("", ERROR),
            Step(linked("B", "C", "D", "E"), {"probes": {"A": "gone", "B": "alive"}}),
            Step("", ERROR),
            Step(linked("B", "C", "D", "E"), {"probes": {"A": "gone", "C": "alive"}}),
            Step(linked("B", "C", "D", "E"), {"probes": {"A": "gone", "D": "alive"}}, ["withdrawn A"]),
            Step(linked("B", "C", "D", "E"), times=5),
        ],
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case) -> None:
    site = Watching(policy=case.policy, mirrors=case.mirrors)
    for number, step in enumerate(case.steps, start=1):
        for _ in range(step.times):
            events = site.look(step.shows, **step.how)
            assert said(events) == list(step.tells), f"step {number}: {[event.why for event in events]}"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_window_runs_backwards_and_no_event_is_told_twice(case: Case) -> None:
    site = Watching(policy=case.policy, mirrors=case.mirrors)
    for step in case.steps:
        site.looks(step.times, step.shows, **step.how)
    for event in site.told:
        assert event.not_before is None or event.not_before <= event.not_after, event
        assert event.why, event
        assert " " in event.why[-1], event.why
        assert all(" " not in word for word in event.why[:-1]), event.why
    assert len({event.id for event in site.told}) == len(site.told)
