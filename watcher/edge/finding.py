"""What ``watcher doctor`` finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    check: str
    ok: bool
    detail: str
    mend: str = ""
    """What to do; where ``ok``, what would be better still."""
