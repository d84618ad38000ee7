"""What ``watcher doctor`` finds."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.errors import WatcherError


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str
    mend: str = ""
    """What to do; where ``ok``, what would be better still."""


def good(check: str, detail: str, mend: str = "") -> Finding:
    """What is well, and what would be better still."""
    return Finding(check=check, ok=True, detail=detail, mend=mend)


def wrong(check: str, detail: str, mend: str) -> Finding:
    """What is not, and what to do."""
    return Finding(check=check, ok=False, detail=detail, mend=mend)


def of_error(check: str, error: WatcherError) -> Finding:
    """What is wrong, by the error that it is."""
    return wrong(check, str(error), error.hint)
