"""What is believed of sites that change, held in memory: of those seen last as it is, of others packed.

A site whose pages stay the same is not here at all (``Believer.saw_again``).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import msgspec
from backports.zstd import compress, decompress

from watcher.edge.ledger_beliefs import Look
from watcher.ports import SiteState
from watcher.records import Roster, RosterEntry

MOST_BYTES = 512 << 10
"""Held as they are, of all sites together, about: those that are being visited, and those that were just now."""
AN_ENTRY = 1_000
"""Bytes that one weighs then, about."""
MOST_PACKED_BYTES = 1 << 20
"""Held packed. A list of a hundred entries takes some ten thousand; to read it anew from the ledger, row by row, takes
twice as long as to pack and to unpack it. None is turned out to make room: of sites that are visited by turns, each
would be gone when its turn comes, and all were packed in vain."""
PACKS_TO = 8
"""How many times less one takes packed, or better."""
LEVEL = 1


class Belief(NamedTuple):
    """A site's state as the ledger has it."""

    state: SiteState
    looks: tuple[Look, ...]
    again: int
    """How many of the visits that the state counts the ledger's row of it does not."""


class _Packed(NamedTuple):
    entries: list[RosterEntry]
    notes: bytes
    memory: bytes
    looks: tuple[Look, ...]
    again: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Packed).decode


class Beliefs:
    """By site. Of those held as they are, what was not asked for longest goes first."""

    def __init__(self) -> None:
        self._plain: OrderedDict[str, Belief] = OrderedDict()
        self._packed: dict[str, bytes] = {}
        self._plain_bytes = self._packed_bytes = 0

    def clear(self) -> None:
        self._plain.clear()
        self._packed.clear()
        self._plain_bytes = self._packed_bytes = 0

    def at_hand(self, site: str) -> Belief | None:
        """What is believed of the site, if it is here as it is: the one question that any thread may ask."""
        return self._plain.get(site)

    def get(self, site: str) -> Belief | None:
        """What is believed of the site, if it is here."""
        belief = self._plain.get(site)
        if belief is None and site in self._packed:
            belief = _unpacked(site, self._packed[site])
            self.put(site, belief)
        return belief

    def put(self, site: str, belief: Belief) -> None:
        self.drop(site)
        self._plain[site] = belief
        self._plain_bytes += _weight(belief)
        while self._plain_bytes > MOST_BYTES and len(self._plain) > 1:
            self._pack(*self._plain.popitem(last=False))

    def drop(self, site: str) -> None:
        belief = self._plain.pop(site, None)
        self._plain_bytes -= _weight(belief) if belief else 0
        self._packed_bytes -= len(self._packed.pop(site, b""))

    def _pack(self, site: str, belief: Belief) -> None:
        weight = _weight(belief)
        self._plain_bytes -= weight
        room = MOST_PACKED_BYTES - self._packed_bytes
        if weight // PACKS_TO > room:
            return
        roster = belief.state.roster
        form = _Packed(list(roster.entries.values()), roster.notes, belief.state.memory, belief.looks, belief.again)
        packed = compress(_encode(form), LEVEL)
        if len(packed) <= room:
            self._packed[site] = packed
            self._packed_bytes += len(packed)


def _unpacked(site: str, packed: bytes) -> Belief:
    form = _decode(decompress(packed))
    roster = Roster(site=site, entries={entry.key: entry for entry in form.entries}, notes=form.notes)
    return Belief(SiteState(roster=roster, memory=form.memory), form.looks, form.again)


def _weight(belief: Belief) -> int:
    state = belief.state
    return AN_ENTRY * (len(state.roster.entries) + 1) + len(state.memory) + len(state.roster.notes)
