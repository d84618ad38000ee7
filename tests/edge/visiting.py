"""What a visit over a real store needs, where the answers of a site are played."""

from __future__ import annotations

from datetime import timedelta

from tests.props.fakes import ScriptedFetcher
from watcher.edge.live import Live
from watcher.edge.store import LedgerStore
from watcher.look import Means, ShortWay
from watcher.ports import Reader
from watcher.records import Policy
from watcher.testing.clocks import ManualClock


def means_of(store: LedgerStore, fetcher: ScriptedFetcher, reader: Reader, clock: ManualClock) -> Means:
    """Visits that conclude after two looks, whenever those are."""
    return Means(
        retrieve=Live(fetcher, store, clock),
        store=store,
        reader=reader,
        clock=clock,
        policy=Policy(confirm_visits=2, confirm_after=timedelta(0)),
        vantage="local",
        timeout=timedelta(seconds=90),
        short=ShortWay(store=store),
    )
