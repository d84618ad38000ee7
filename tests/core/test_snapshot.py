"""One visit's pages, put together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core.snapshot import WORST_FIRST, assemble
from watcher.records import MISS_VERDICTS, PAGE_VERDICTS, Capture, Entry, Reading

BEGAN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MIRROR = "http://velm.onion/"


def capture(number: int, *, verdict: str = "", why: tuple[str, ...] = (), status: int | None = 200) -> Capture:
    at = BEGAN + timedelta(seconds=number)
    return Capture(
        id=f"c{number}",
        site="velm",
        target="listing",
        visit="velm@1",
        url=MIRROR if number == 1 else f"{MIRROR}?page={number}",
        mirror=MIRROR,
        requested_at=at,
        finished_at=at + timedelta(milliseconds=500),
        status=None if verdict else status,
        verdict=verdict,
        why=why,
        cut="",
        isolation="velm-7",
        body_digest=None,
        body_bytes=0,
        stored_bytes=0,
        leaf=None,
        vantage="here",
    )


def entry(title: str, path: str = "") -> Entry:
    return Entry(key=title.casefold(), title=title, url=f"{MIRROR}{path}" if path else "")


def reading(*entries: Entry, further: tuple[int, ...] = (), verdict: str = "listing", complete: bool = True) -> Reading:
    return Reading(
        verdict=verdict,
        complete=complete,
        entries=entries,
        next_urls=tuple(f"{MIRROR}?page={number}" for number in further),
        text=" ".join(e.title for e in entries),
        rule_digest="d1",
    )


A, B, C, D = (
    entry("Ostrava Textil", "a"),
    entry("Velmora Logistics", "b"),
    entry("Captcha Ltd", "c"),
    entry("404 Media"),
)


def test_one_page() -> None:
    snapshot = assemble("velm", "velm@1", "here", [(capture(1), reading(A, B))])
    assert [e.title for e in snapshot.entries] == ["Ostrava Textil", "Velmora Logistics"]
    assert snapshot.verdict == "listing"
    assert snapshot.complete
    assert snapshot.why == ()
    assert snapshot.captures == ("c1",)
    assert snapshot.seen_in == {}
    assert snapshot.mirror == MIRROR
    assert snapshot.isolation == "velm-7"
    assert snapshot.rule_digest == "d1"
    assert snapshot.text == "Ostrava Textil Velmora Logistics"
    assert (snapshot.taken_at, snapshot.finished_at) == (capture(1).requested_at, capture(1).finished_at)


def test_three_pages_are_one_listing() -> None:
    pages = [
        (capture(1), reading(A, further=(2,))),
        (capture(2), reading(B, further=(3,))),
        (capture(3), reading(C, D)),
    ]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert [e.title for e in snapshot.entries] == [A.title, B.title, C.title, D.title]
    assert snapshot.complete
    assert {snapshot.seen_in[e.key] for e in snapshot.entries[1:2]} == {"c2"}
    assert {snapshot.seen_in[e.key] for e in snapshot.entries[2:]} == {"c3"}
    assert snapshot.entries[0].key not in snapshot.seen_in
    assert snapshot.finished_at == capture(3).finished_at


def test_an_entry_that_moves_while_pages_are_read_stands_once() -> None:
    pages = [(capture(1), reading(A, B, further=(2,))), (capture(2), reading(B, C))]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert [e.title for e in snapshot.entries] == [A.title, B.title, C.title]
    assert len({e.key for e in snapshot.entries}) == 3
    assert snapshot.complete
    assert snapshot.entries[1].key not in snapshot.seen_in  # the first page shows it


def test_page_two_of_three_fails() -> None:
    failed = Reading(verdict="error", why=("http:502",))
    pages = [(capture(1), reading(A, further=(2, 3))), (capture(2, status=502), failed), (capture(3), reading(C))]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert not snapshot.complete
    assert snapshot.verdict == "error"
    assert snapshot.why == ("page-2:error", "http:502")
    assert [e.title for e in snapshot.entries] == [A.title, C.title]  # what was seen was seen


def test_page_two_of_three_is_a_miss_and_the_third_was_not_asked_for() -> None:
    pages = [(capture(1), reading(A, further=(2, 3))), (capture(2, verdict="timeout", why=("read-timeout",)), None)]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert not snapshot.complete
    assert snapshot.verdict == "timeout"
    assert snapshot.why == ("page-2:timeout", "read-timeout", "pages-not-read:1")
    assert snapshot.captures == ("c1", "c2")


def test_a_listing_longer_than_we_read_is_not_complete() -> None:
    pages = [(capture(1), reading(A, further=(2,))), (capture(2), reading(B, further=(3,)))]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert not snapshot.complete
    assert snapshot.verdict == "listing"
    assert snapshot.why == ("pages-not-read:1",)


def test_a_page_that_names_the_first_one_again_asks_for_nothing() -> None:
    back = replace(reading(B), next_urls=(MIRROR,))
    assert assemble("velm", "velm@1", "here", [(capture(1), reading(A, further=(2,))), (capture(2), back)]).complete


def test_an_empty_last_page_ends_the_listing() -> None:
    pages = [(capture(1), reading(A, further=(2,))), (capture(2), reading(verdict="empty"))]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert snapshot.complete
    assert snapshot.verdict == "listing"


def test_a_broken_second_page_makes_the_whole_partial() -> None:
    pages = [
        (capture(1), reading(A, further=(2,))),
        (capture(2), replace(reading(B, verdict="partial", complete=False), why=("ends-inside-tag",))),
    ]
    snapshot = assemble("velm", "velm@1", "here", pages)
    assert not snapshot.complete
    assert snapshot.verdict == "partial"
    assert snapshot.why == ("page-2:partial", "ends-inside-tag")


def test_a_miss() -> None:
    missed = capture(1, verdict="unreachable", why=("socks:F2", "the onion service is down"))
    snapshot = assemble("velm", "velm@1", "here", [(missed, None)])
    assert snapshot.verdict == "unreachable"
    assert snapshot.why == ("socks:F2", "the onion service is down")
    assert not snapshot.complete
    assert snapshot.entries == ()
    assert snapshot.captures == ("c1",)


@pytest.mark.parametrize("provisional", [True, False])
def test_one_guess_makes_the_snapshot_a_guess(provisional: bool) -> None:
    pages = [(capture(1), reading(A, further=(2,))), (capture(2), replace(reading(B), provisional=provisional))]
    assert assemble("velm", "velm@1", "here", pages).provisional is provisional


def test_every_verdict_of_a_listing_has_its_rank() -> None:
    assert set(WORST_FIRST) == MISS_VERDICTS | (PAGE_VERDICTS - {"detail"})


def dead_second(status: int = 404) -> list[tuple[Capture, Reading | None]]:
    return [
        (capture(1), reading(A, B, further=(2, 3, 4))),
        (capture(2, status=status), reading(verdict="error", complete=False)),
    ]


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("usual_pages", [0, 1])
def test_links_to_pages_that_were_never_there_are_none(status: int, usual_pages: int) -> None:
    snapshot = assemble("velm", "velm@1", "here", dead_second(status), usual_pages)
    assert (snapshot.verdict, snapshot.complete, snapshot.captures) == ("listing", True, ("c1",))
    assert snapshot.why == ("further-pages-unknown-to-the-server",)


def test_a_page_that_was_there_and_is_unknown_now_is_missing() -> None:
    snapshot = assemble("velm", "velm@1", "here", dead_second(), 2)
    assert not snapshot.complete
    assert "pages-not-read:2" in snapshot.why


@pytest.mark.parametrize("status", [403, 500, 502])
def test_a_page_that_fails_is_missing_even_if_it_never_was_there(status: int) -> None:
    assert not assemble("velm", "velm@1", "here", dead_second(status), 0).complete
