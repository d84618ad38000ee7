"""Who of a fleet looks at what: the roll call, and the homes of sites.

Every vantage knows the whole list of sites and works out by itself which of them are its own, from who is present.
Nobody hands work to anybody, so nobody can be made to look, and there is no queue that could be lost or run dry.
"""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

import msgspec

from watcher.core.note import Check, Sign, sealed, unsealed
from watcher.errors import EvidenceError

BEATS = 3
"""How often in a lease a vantage says that it is there: two words may be lost."""
DOMAIN = b"watcher/alive/v1\n"
ALL_ALIVE = "watcher.*.alive"


def alive_subject(vantage: str) -> str:
    """The subject on which the vantage says that it is there."""
    return f"watcher.{vantage}.alive"


def paused_subject(operator: str) -> str:
    """The subject on which the operator says what is paused."""
    return f"watcher.{operator}.paused"


def homes(site: str, present: Collection[str], copies: int) -> frozenset[str]:
    """The vantages that look at the site: as many as asked for, or all. By rendezvous: whoever comes or goes takes or
    leaves its own share alone, and all others keep theirs."""

    def weight(vantage: str) -> bytes:
        return blake2b(f"{vantage}\0{site}".encode(), digest_size=8).digest()

    return frozenset(sorted(present, key=weight)[:copies])


class Shares:
    """The homes of all sites, kept up as vantages come and go: only what can have changed is worked out anew."""

    def __init__(self, present: frozenset[str]) -> None:
        self.present = present
        self._homes: dict[str, tuple[int, frozenset[str]]] = {}

    def of(self, site: str, copies: int) -> frozenset[str]:
        """The vantages that look at the site now."""
        known = self._homes.get(site)
        if known is None or known[0] != copies:
            known = self._homes[site] = (copies, homes(site, self.present, copies))
        return known[1]

    def change(self, present: frozenset[str]) -> dict[str, frozenset[str]]:
        """From now on these are there; the sites whose homes are others now, and who they were before."""
        gone, come = self.present - present, present - self.present
        self.present = present
        changed: dict[str, frozenset[str]] = {}
        for site, (copies, before) in self._homes.items():
            if before.isdisjoint(gone):
                # the first few of all are among the first few of before, and the newcomers
                after = homes(site, before | come, copies) if come else before
            else:
                after = homes(site, present, copies)
            if after != before:
                changed[site] = before
                self._homes[site] = (copies, after)
        return changed


# ------------------------------------------------------------------------------------------------------- the word


class Word(msgspec.Struct, frozen=True, array_like=True):
    """What a vantage says to be there."""

    vantage: str
    number: int
    """Greater than in every word before, over starts, too: no word is taken twice."""
    process: str
    """Drawn anew at each start: tells two processes under one name apart."""
    settled: bool
    """It has listened for a whole lease, and knows who is there. Until then whoever looks at its sites goes on: it may
    still leave some to vantages that are long gone."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Word).decode


def say(word: Word, sign: Sign) -> bytes:
    """The word, signed."""
    return sealed(DOMAIN, _encode(word), sign)


def hear(data: bytes, vantage: str, public: bytes, check: Check) -> Word:
    """The word of this vantage, whose key (32 bytes) signed it; ``EvidenceError`` if it is not."""
    body = unsealed(DOMAIN, data, public, check)
    if body is None:
        raise EvidenceError(f"a word that vantage {vantage} did not sign")
    try:
        word = _decode(body)
    except ValueError as error:  # no MessagePack, not of this form, or no UTF-8
        raise EvidenceError(f"a word of vantage {vantage} that is none: {error}") from error
    if word.vantage != vantage:
        raise EvidenceError(f"vantage {vantage} signed for {word.vantage!r}")
    return word


# -------------------------------------------------------------------------------------------------- the roll call


class RollCall:
    """Who is present. A vantage that was not heard for a whole lease is not, and its sites go to the others; while
    nobody can be heard, nothing is concluded from silence, and everyone keeps what it has."""

    def __init__(self, me: str, names: Collection[str], lease_seconds: float) -> None:
        """At first everyone is thought to be there."""
        self._me, self._lease = me, lease_seconds
        self._present = frozenset({me, *names})
        self._names = self._present
        self._heard: dict[str, float] = {}
        self._numbers: dict[str, int] = {}
        self._since: float | None = None
        """Since when words can be heard; None: they cannot."""

    def can_hear(self, now: float) -> None:
        """From now on words arrive; whoever was thought to be there has a lease's time to say so."""
        self._since = now

    def is_deaf(self) -> None:
        """No word arrives."""
        self._since = None

    def heard(self, word: Word, now: float) -> bool:
        """Take note of a word; whether it is new."""
        if word.vantage not in self._names or word.number <= self._numbers.get(word.vantage, -1):
            return False
        self._numbers[word.vantage] = word.number
        if word.settled or word.vantage in self._present:
            self._heard[word.vantage] = now
        return True

    def is_settled(self, now: float) -> bool:
        """Whether words could be heard for a whole lease."""
        return self._since is not None and self._since <= now - self._lease

    def present(self, now: float) -> frozenset[str]:
        """Who is there, this vantage always among them."""
        if self._since is not None:
            there = {name for name, at in self._heard.items() if at > now - self._lease}
            self._present = frozenset({self._me, *there, *(() if self.is_settled(now) else self._present)})
        return self._present
