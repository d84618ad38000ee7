"""Which owed alerts go out together, for sinks that people read; programs get each event as it comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from watcher.core.adaptive import DAY
from watcher.core.batches import Due, plan
from watcher.edge.apprise_sink import AppriseSink
from watcher.edge.ledger import Owed
from watcher.edge.rows import sayable
from watcher.edge.store import LedgerStore
from watcher.edge.writer import Desk
from watcher.ports import Sink

Batch = tuple[Owed, ...]


def longest_hold(sink: Sink) -> timedelta:
    """How long an alert to the sink is held back at most, by its digest or until a night is over."""
    return max(DAY, sink.rhythm.digest or DAY) if isinstance(sink, AppriseSink) else DAY


async def ready(sink: Sink, alerts: Sequence[Owed], store: LedgerStore, now: datetime) -> tuple[Batch, ...]:
    """What is to be told now, each batch in one message; the rest is put off, durably."""
    if not isinstance(sink, AppriseSink):
        return tuple((alert,) for alert in alerts)
    by_seq = {alert.seq: alert for alert in alerts}
    made = plan([Due(alert.seq, alert.event, alert.held) for alert in alerts], sink.rhythm, now)
    if made.later:

        def put_off(desk: Desk) -> None:
            for due, until in made.later:
                desk.outbox.put_off(due.seq, sink.name, until)

        await store.do(put_off)
    return tuple(tuple(by_seq[due.seq] for due in batch) for batch in made.now)


async def send(sink: Sink, batch: Batch, checkpoint: str) -> None:
    """Deliver the batch. Raises ``DeliveryError`` if it did not arrive."""
    if isinstance(sink, AppriseSink):
        await sink.send_all([alert.event for alert in batch], checkpoint)
    else:
        for alert in batch:
            await sink.send(alert.event, checkpoint)


async def arrived(batch: Batch, checkpoint: str, store: LedgerStore, at: datetime) -> None:
    """The batch arrived: all of it is owed no more, or, if that cannot be written, none of it is settled."""

    def settle(desk: Desk) -> None:
        for alert in batch:
            desk.outbox.delivered(alert.seq, alert.sink, checkpoint, at)

    await store.do(settle)


async def failed(batch: Batch, why: str, next_try: datetime, store: LedgerStore) -> None:
    """The batch did not arrive; it is due again then."""

    def settle(desk: Desk) -> None:
        for alert in batch:
            desk.outbox.not_delivered(alert.seq, alert.sink, sayable(why), next_try)

    await store.do(settle)
