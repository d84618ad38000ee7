"""A catalogue of hostile servers and pages, each with the verdict that it must bring and no more.

    async with HostileServer(named("gzip-bomb")) as server:
        …                      # lead an onion to server.address
        server.requests        # what was asked for

``docs/hostile.md`` lists them.
"""

from __future__ import annotations

from dataclasses import replace

from tests.hostile.servers import behaviour, bodies, data, pages, transport
from tests.hostile.servers.item import Hostile
from tests.hostile.servers.server import HostileServer

__all__ = ["CATALOGUE", "Hostile", "HostileServer", "named"]

_GROUPS = {
    "framing": transport.FRAMING,
    "heads": transport.HEADS,
    "bodies": transport.BODIES,
    "connections": transport.CONNECTIONS,
    "codings": bodies.CODINGS,
    "redirects": bodies.REDIRECTS,
    "files": bodies.FILES,
    "heavy": pages.HEAVY,
    "bait": pages.BAIT,
    "encodings": pages.ENCODINGS,
    "titles": pages.TITLES,
    "addresses": pages.ADDRESSES,
    "json": data.JSONS,
    "feeds": data.FEEDS,
    "guarded": behaviour.GUARDED,
    "endless": behaviour.ENDLESS,
    "moving": behaviour.MOVING,
}
CATALOGUE: tuple[Hostile, ...] = tuple(replace(item, group=group) for group, items in _GROUPS.items() for item in items)


def named(name: str) -> Hostile:
    """The entry with this name."""
    return next(item for item in CATALOGUE if item.name == name)
