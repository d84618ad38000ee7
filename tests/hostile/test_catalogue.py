"""Each entry of the catalogue alone: its verdict, what it cost, and what was never asked for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import watcher.visit
from tests.hostile.looking import KILLERS, MAX_BODY, ONION, Kit, Looked, kit, look
from tests.hostile.servers import CATALOGUE, Hostile, named
from watcher.core.reasons import reason
from watcher.records import MISS_VERDICTS, PAGE_VERDICTS

pytestmark = pytest.mark.asyncio(loop_scope="module")
BRIEF_SECONDS = 0.7
"""For what ends at the deadline only."""
FEW_PAGES = 6


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kit]:
    async with kit(tmp_path_factory.mktemp("hostile")) as built:
        yield built


def seconds_for(item: Hostile) -> float:
    return BRIEF_SECONDS if item.verdict == "timeout" or item.why == "cut:deadline" else 20.0


def fits(said: str, expected: str) -> bool:
    """``*`` at the end stands for whatever follows."""
    return said.startswith(expected[:-1]) if expected.endswith("*") else said == expected


def strays(item: Hostile, looked: Looked) -> list[str]:
    """Requests that should never have been made."""
    allowed = {f"GET {path}" for path in (item.path, *item.may_ask)}
    return [request for request in looked.requests if not any(fits(request, one) for one in allowed)]


@pytest.mark.parametrize("item", CATALOGUE, ids=lambda item: item.name)
async def test_it_brings_its_verdict_and_no_more(item: Hostile, shared: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher.visit, "MOST_PAGES", FEW_PAGES)
    looked = await look(item, shared, seconds=seconds_for(item))
    (visited,) = looked.visits
    snapshot, last = visited.snapshot, visited.captures[-1]
    assert (snapshot.verdict, last.is_miss) == (item.verdict, item.verdict in MISS_VERDICTS)
    if item.group != "endless":
        assert fits(next(iter(snapshot.why), ""), item.why), snapshot.why
    assert last.is_miss or all(reason(word) for word in snapshot.why[:1]), snapshot.why  # then, phrases of the page
    assert snapshot.complete == (item.verdict == "listing" and item.group != "endless")
    assert visited.events == ()  # a first look tells of nothing
    # nothing but this one site was asked for, and nothing on it that is not to be asked for
    assert looked.hosts <= {item.host or ONION}
    assert strays(item, looked) == []
    assert len(looked.requests) <= min(item.at_most, FEW_PAGES)
    # what was taken is bounded, and of a file next to nothing was
    assert looked.sent <= 2 * MAX_BODY + 8_000_000
    if item.verdict == "refused-content":
        assert looked.sent < 9_000_000
        assert (last.body_digest, last.body_bytes) == (None, 0)


@pytest.mark.parametrize("item", [one for one in CATALOGUE if one.group == "endless"], ids=lambda item: item.name)
async def test_a_list_without_end_is_incomplete(item: Hostile, shared: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher.visit, "MOST_PAGES", FEW_PAGES)
    (visited,) = (await look(item, shared)).visits
    assert len(visited.captures) == FEW_PAGES
    assert not visited.snapshot.complete
    assert any(why.startswith("pages-not-read:") for why in visited.snapshot.why)


async def test_large_pages_end_at_their_bytes(shared: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """200 pages of 16 MiB would be more than the memory of the machine."""
    monkeypatch.setattr(watcher.visit, "MOST_BYTES", 3_000_000)
    (visited,) = (await look(named("large-pages-without-end"), shared)).visits
    assert 3_000_000 <= sum(capture.body_bytes for capture in visited.captures) < 5_000_000
    assert not visited.snapshot.complete


@pytest.mark.parametrize("item", [one for one in CATALOGUE if one.group == "moving"], ids=lambda item: item.name)
async def test_a_site_that_is_never_the_same(item: Hostile, shared: Kit) -> None:
    """Three looks more (one, where each takes seconds): a withdrawal may be told of such a site, but only what it says
    itself."""
    times = 2 if item.name in KILLERS else 4
    looked = await look(item, shared, times=times)
    assert strays(item, looked) == []
    assert len(looked.requests) <= times * item.at_most
    for visited in looked.visits:
        assert visited.snapshot.verdict in MISS_VERDICTS | PAGE_VERDICTS
        details = [capture for capture in visited.captures if capture.target == "detail"]
        assert item.name not in KILLERS or len(details) <= 1  # the others would take as long
    gone = {event.entry.key for visited in looked.visits for event in visited.events if event.kind == "withdrawn"}
    if item.name in {"shuffled", "another-design", "now-and-then", "grows-by-looking"}:
        assert gone == set()  # nobody left


async def test_the_catalogue_is_sound() -> None:
    assert len(CATALOGUE) >= 60
    assert [name for name, times in Counter(item.name for item in CATALOGUE).items() if times > 1] == []
    assert {item.verdict for item in CATALOGUE} <= MISS_VERDICTS | PAGE_VERDICTS
    for item in CATALOGUE:
        assert re.fullmatch(r"[a-z0-9.-]+", item.name)
        assert item.does == item.does.strip()
        assert not item.does.endswith(".")
