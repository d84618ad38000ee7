"""What is found of pages that change, are read late, read again, and erased, against a list of all that they said."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.edge.keeping import exchange, keep, outcome, reading, roster, visit_at
from watcher.edge.ledger import Ledger
from watcher.edge.search import search
from watcher.edge.store import LedgerStore
from watcher.records import Capture

T = TypeVar("T")
WORDS = ("arvelo", "brontek", "dorvani")
PAGES = tuple(map(frozenset[str], ((), WORDS[:1], WORDS[:2], WORDS[2:])))
SITES = ("alpha", "beta")


async def test_a_page_that_comes_back_after_its_old_copies_were_erased_is_found(tmp_path: Path) -> None:
    """It says what it said last, and so nothing new; but of all that it said, this is what is left."""
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        for number in (0, 9):
            visit, at = visit_at(number)
            (capture,) = await keep(store, number, exchange(b"<p>Arvelo", at))
            beliefs = roster("alpha", [], at, capture.id)
            await store.record(outcome(visit, [capture], {capture.id: reading(text="Arvelo")}, beliefs=beliefs))
            if number == 0:
                assert len((await store.prune(visit_at(5)[1])).bodies) == 1
                with Ledger.open(tmp_path) as ledger:
                    assert search(ledger, "arvelo").hits == ()
    with Ledger.open(tmp_path) as ledger:
        assert [hit.last_capture for hit in search(ledger, "arvelo").hits] == [capture.id]


@dataclass
class Said:
    """A page as it was once."""

    capture: Capture
    words: frozenset[str]
    is_read: bool = False
    is_erased: bool = False


class Course(RuleBasedStateMachine):
    """Pages of two sites."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="search"))
        self.loop = asyncio.new_event_loop()
        self.number = 0
        self.said: list[Said] = []
        self.store = self.do(self._opened())

    async def _opened(self) -> LedgerStore:
        return LedgerStore.open(self.folder, vantage="local")

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        try:
            self.look()
        finally:
            self.do(self.store.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    @rule(site=st.sampled_from(SITES), words=st.sampled_from(PAGES), is_read=st.booleans())
    def show(self, site: str, words: frozenset[str], is_read: bool) -> None:
        """A visit, read at once or later: the process ended before."""
        self.number += 1
        _, at = visit_at(self.number, site)
        body = exchange(f"<p>{'<p>'.join(sorted(words))}</p>".encode(), at)
        (capture,) = self.do(keep(self.store, self.number, body, site=site))
        self.said.append(Said(capture, words))
        if is_read:
            self._read(self.said[-1])

    def _read(self, said: Said) -> None:
        capture, text = said.capture, "\n".join(sorted(said.words))
        beliefs = roster(capture.site, [], capture.requested_at, capture.id)
        read = {capture.id: reading(text=text)}
        self.do(self.store.record(outcome(capture.visit, [capture], read, beliefs=beliefs)))
        said.is_read = True

    @rule()
    def read_what_waits(self) -> None:
        for said in self.said:
            if not said.is_read and not said.is_erased:
                self._read(said)

    @rule(back=st.integers(0, 4))
    def prune(self, back: int) -> None:
        before = visit_at(self.number - back)[1] + timedelta(seconds=1)
        gone = set(self.do(self.store.prune(before)).bodies)
        for said in self.said:
            said.is_erased |= said.capture.body_digest in gone

    @rule()
    def restart(self) -> None:
        self.do(self.store.close())
        self.store = self.do(self._opened())

    @rule()
    def look(self) -> None:
        with Ledger.open(self.folder) as ledger:
            numbers = {said.capture.id: place for place, said in enumerate(self.said)}
            for word in WORDS:
                hits = search(ledger, word).hits
                found = {
                    place
                    for hit in hits
                    for place in range(numbers[hit.first_capture], numbers[hit.last_capture] + 1)
                    if self.said[place].capture.site == hit.site
                }
                holding = {place for place, said in enumerate(self.said) if word in said.words}
                readable = {place for place in holding if self.said[place].is_read and not self.said[place].is_erased}
                unread = {place for place, said in enumerate(self.said) if not said.is_read}
                assert readable <= found, word
                assert found <= holding | unread, word
                for hit in hits:
                    covered = range(numbers[hit.first_capture], numbers[hit.last_capture] + 1)
                    mine = [self.said[place] for place in covered if self.said[place].capture.site == hit.site]
                    assert any(not said.is_erased for said in mine), "what was erased is not to be found"


TestCourse = Course.TestCase
TestCourse.settings = settings(max_examples=20, stateful_step_count=25, deadline=None, derandomize=True)


ARVELO, NONE = frozenset({"arvelo"}), frozenset[str]()


@pytest.mark.parametrize(
    "shown", [[ARVELO, None, NONE], [ARVELO, None, ARVELO], [None, NONE], [NONE, None, NONE], [NONE, None, ARVELO]]
)
@pytest.mark.parametrize("late", [ARVELO, NONE])
def test_what_is_read_late_says_what_stood_then_and_nothing_of_what_was_read_since(
    shown: list[frozenset[str] | None], late: frozenset[str]
) -> None:
    course = Course()
    for words in shown:
        course.show("alpha", late if words is None else words, words is not None)
    course.read_what_waits()
    course.look()
    course.show("alpha", ARVELO, True)
    course.teardown()


def test_what_was_erased_is_not_found_for_a_page_that_nobody_has_read_yet() -> None:
    course = Course()
    course.show("alpha", ARVELO, True)
    course.show("alpha", NONE, False)
    course.prune(1)
    course.read_what_waits()
    course.teardown()
