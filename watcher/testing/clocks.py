"""Clocks: the wall's, and one that is turned by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class WallClock:
    """The machine's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A time that stands still until it is turned; backwards, too."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 9, tzinfo=UTC)) -> None:
        if start.utcoffset() is None:
            raise ValueError(f"a naive time: {start}")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def turn(self, **parts: float) -> datetime:
        """The time after it was turned on by so many ``seconds=``, ``minutes=``, ``hours=`` or ``days=``."""
        self._now += timedelta(**parts)
        return self._now
