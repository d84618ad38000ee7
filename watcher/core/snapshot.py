"""The captures of one visit to one listing, put together: what they say as one."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.identity import merge_pages
from watcher.records import Capture, Entry, Reading, Snapshot

GONE = frozenset({404, 410})
WORST_FIRST = (
    "unreachable", "timeout", "refused", "refused-content", "seized", "blocked", "login", "error", "unreadable",
    "redesigned", "partial", "empty", "listing",
)  # fmt: skip
"""How verdicts rank when the pages of one listing differ."""


def assemble(
    site: str, visit: str, vantage: str, pages: Sequence[tuple[Capture, Reading | None]], usual_pages: int = 0
) -> Snapshot:
    """The snapshot of one visit. ``pages`` are the listing's, in order; a miss has no reading.

    It is complete only if every page that the listing names was captured, and each was whole. Links to further pages
    that were never there, as far as is known (``usual_pages``), and that the server does not know, are none.
    """
    dead = _dead_links(pages, usual_pages)
    pages = pages[:1] if dead else pages
    first, last = pages[0][0], pages[-1][0]
    readings = [reading for _, reading in pages if reading is not None]
    entries, places = merge_pages([reading.entries for reading in readings], base=first.url)
    verdicts = [_verdict(capture, reading) for capture, reading in pages]
    counted = [verdict for number, verdict in enumerate(verdicts) if number == 0 or verdict != "empty"]
    unread = 0 if dead else _unread(pages)
    whole = all(reading is not None and reading.complete for _, reading in pages)
    return Snapshot(
        site=site,
        visit=visit,
        mirror=first.mirror,
        vantage=vantage,
        taken_at=first.requested_at,
        finished_at=last.finished_at,
        verdict=min(counted, key=WORST_FIRST.index),
        why=_why(pages, verdicts)
        + ((f"pages-not-read:{unread}",) if unread else ())
        + (("further-pages-unknown-to-the-server",) if dead else ()),
        complete=whole and not unread,
        entries=entries,
        text=" ".join(reading.text for reading in readings),
        captures=tuple(capture.id for capture, _ in pages),
        seen_in=_seen_in(entries, places, [capture.id for capture, reading in pages if reading is not None]),
        isolation=first.isolation,
        rule_digest=next((reading.rule_digest for reading in readings if reading.rule_digest), ""),
        provisional=any(reading.provisional for reading in readings),
    )


def _verdict(capture: Capture, reading: Reading | None) -> str:
    return capture.verdict if reading is None else reading.verdict


def _dead_links(pages: Sequence[tuple[Capture, Reading | None]], usual_pages: int) -> bool:
    """Whether the second page is one that the server does not know, of a listing that never had more than one."""
    return usual_pages <= 1 and len(pages) == 2 and pages[1][0].status in GONE


def _unread(pages: Sequence[tuple[Capture, Reading | None]]) -> int:
    """How many pages the listing names that were never asked for. They are counted, not compared: a redirect may
    have answered for the address that was asked."""
    named = {url for _, reading in pages if reading is not None for url in reading.next_urls}
    return max(0, len(named - {pages[0][0].mirror, pages[0][0].url}) - (len(pages) - 1))


def _why(pages: Sequence[tuple[Capture, Reading | None]], verdicts: Sequence[str]) -> tuple[str, ...]:
    """The reasons of all pages, each said once; in a listing of several pages, with the page that gives them."""
    reasons: list[str] = []
    for number, ((capture, reading), verdict) in enumerate(zip(pages, verdicts, strict=True), start=1):
        if number > 1 and verdict != "listing":
            reasons.append(f"page-{number}:{verdict}")
        reasons.extend(capture.why if reading is None else reading.why)
    return tuple(dict.fromkeys(reasons))


def _seen_in(entries: Sequence[Entry], places: Sequence[int], captures: Sequence[str]) -> dict[str, str]:
    """Where each entry stands that is not on the first page."""
    return {entry.key: captures[place] for entry, place in zip(entries, places, strict=True) if place}
