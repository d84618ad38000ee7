"""What an entry's own page answers for the entry."""

from __future__ import annotations

from typing import Literal

from watcher.records import Reading

Answer = Literal["alive", "gone", "unknown"]


def probe_answer(reading: Reading, status: int | None) -> Answer:
    """What an entry's own page answered. Only the site itself can say that a page is gone: by 404 or 410, or in its own
    frame; a failing or guarded site says nothing."""
    if reading.verdict == "detail":
        return "alive"
    if reading.verdict == "error" and (status in (404, 410) or {"soft-gone", "site-frame"} <= set(reading.why)):
        return "gone"
    return "unknown"
