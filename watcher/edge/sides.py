"""A kept capture as one side of a comparison."""

from __future__ import annotations

from watcher.core.charset import decode
from watcher.core.comparison import Side
from watcher.edge.ledger import Ledger
from watcher.errors import UsageError
from watcher.records import Capture


def side_of(ledger: Ledger, capture: Capture) -> Side:
    """The capture, with what it was read to say. ``UsageError`` for a miss."""
    if capture.is_miss:
        raise UsageError(
            f"{capture.id} is a miss: it brought nothing to compare", hint="choose a capture with a status"
        )
    page, reading = ledger.page(capture.id), ledger.reading(capture.id)
    return Side(
        label=capture.id,
        url=capture.url,
        time=capture.requested_at,
        verdict=capture.verdict,
        entries=reading.entries if reading else (),
        markup=decode(page.body, page.content_type),
    )
