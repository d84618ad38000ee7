"""This watcher as a vantage of a fleet: what is put together beside the rest, and nothing if it works alone."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from watcher.config import Settings
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.nats_feed import FleetFeed
from watcher.edge.nats_link import Link, addresses_of
from watcher.edge.nats_pauses import Messenger
from watcher.edge.nats_ship import Shipper
from watcher.edge.pauses import Heeding
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.errors import UsageError
from watcher.records import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The parts of a vantage that know of the others."""

    link: Link
    feed: FleetFeed
    shipper: Shipper
    heeding: Heeding
    messenger: Messenger
    addresses: tuple[tuple[str, int], ...]
    """Of the engine's servers: what the guard lets through."""

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What runs beside the watching."""
        return self.link.run(), self.feed.run(), self.shipper.run(), self.messenger.run()

    def use(self, sites: Sequence[Site]) -> None:
        """Look at these sites from now on."""
        self.feed.use(_copies(sites))


def fleet_of(settings: Settings, fleet: FleetSettings, store: LedgerStore, key: SigningKey) -> Fleet:
    """The parts. Raises UsageError if this vantage is none of the fleet."""
    if key.verifier not in fleet.vantages:
        raise UsageError(
            f"the key of this vantage is not among those of the fleet: {key.vkey}",
            hint="add it under [fleet] vantages, here and at every other vantage",
        )
    if key.origin != settings.vantage:
        raise UsageError(
            f'the key is that of vantage "{key.origin}", and [watcher] vantage is "{settings.vantage}"',
            hint="in a fleet they must be one: what is shipped is signed",
        )
    link = Link(fleet, key.origin)
    feed = FleetFeed(link, fleet, key, _copies(settings.sites))
    heeding = Heeding(store.folder, fleet.operators, feed.pause)
    return Fleet(
        link=link,
        feed=feed,
        shipper=Shipper(link, store, key),
        heeding=heeding,
        messenger=Messenger(link, fleet, key.origin, store.folder, heeding),
        addresses=addresses_of(fleet),
    )


def _copies(sites: Sequence[Site]) -> dict[str, int | None]:
    return {site.name: site.vantages for site in sites}
