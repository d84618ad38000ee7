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
MOST_PACKED_BYTES = 2 << 20
"""Held packed. A list of a hundred entries takes some ten thousand, so of 200 such sites none is read anew from the
ledger, row by row, which costs several times what unpacking does."""
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
    """By site; what was not asked for longest goes first."""

    def __init__(self) -> None:
        self._plain: OrderedDict[str, Belief] = OrderedDict()
        self._packed: OrderedDict[str, bytes] = OrderedDict()
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
        self._plain_bytes -= _weight(belief)
        roster = belief.state.roster
        form = _Packed(list(roster.entries.values()), roster.notes, belief.state.memory, belief.looks, belief.again)
        packed = self._packed[site] = compress(_encode(form), LEVEL)
        self._packed_bytes += len(packed)
        while self._packed_bytes > MOST_PACKED_BYTES:
            self._packed_bytes -= len(self._packed.popitem(last=False)[1])


def _unpacked(site: str, packed: bytes) -> Belief:
    form = _decode(decompress(packed))
    roster = Roster(site=site, entries={entry.key: entry for entry in form.entries}, notes=form.notes)
    return Belief(SiteState(roster=roster, memory=form.memory), form.looks, form.again)


def _weight(belief: Belief) -> int:
    state = belief.state
    return AN_ENTRY * (len(state.roster.entries) + 1) + len(state.memory) + len(state.roster.notes)
