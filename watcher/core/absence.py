"""Commitments to a set of entry keys, and proofs that one key is, or is not, in it.

The set becomes the sorted list of its keys' leaf hashes, with a Merkle tree over it; the commitment binds root and
number. A key is absent if its leaf hash falls between two neighbours in that list, or before the first, or after the
last. Sorting by hash, not by name, keeps the neighbours' names out of the proof.

A commitment speaks of what was read, not of what was served: whoever doubts the reading reads the stored bytes again
and makes the commitment anew (``commit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from watcher.core import merkle
from watcher.errors import EvidenceError

DOMAIN = b"watcher/entry-set/v1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One leaf of the sorted list and its path to the root."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetProof:
    """That a key is in a committed set (``present``), or that it is not."""

    present: bool
    size: int
    root: bytes
    neighbours: tuple[Neighbour, ...]
    """The key's own leaf if present; else the leaves before and after its place, as far as there are any."""


def key_leaf(key: str) -> bytes:
    """The leaf hash of an entry key."""
    return merkle.leaf_hash(DOMAIN + key.encode(errors="surrogatepass"))


def commit(keys: Iterable[str]) -> bytes:
    """The commitment (32 bytes) to a set of entry keys; order and repetition do not matter."""
    return _commit(frozenset(keys))


@lru_cache(maxsize=256)  # most pages hold the same entries as the last time
def _commit(keys: frozenset[str]) -> bytes:
    leaves = _sorted_leaves(keys)
    return _bind(len(leaves), merkle.root(len(leaves), merkle.nodes_of(leaves)))


def prove(key: str, keys: Iterable[str]) -> SetProof:
    """The proof that ``key`` is in the set ``keys``, or that it is not."""
    leaves = _sorted_leaves(keys)
    node_at, size, wanted = merkle.nodes_of(leaves), len(leaves), key_leaf(key)
    after = next((index for index, leaf in enumerate(leaves) if leaf >= wanted), size)
    present = after < size and leaves[after] == wanted
    indexes = (after,) if present else tuple(index for index in (after - 1, after) if 0 <= index < size)
    return SetProof(
        present=present,
        size=size,
        root=merkle.root(size, node_at),
        neighbours=tuple(
            Neighbour(index=index, leaf=leaves[index], path=merkle.inclusion_proof(index, size, node_at))
            for index in indexes
        ),
    )


def verify_leaf(wanted: bytes, proof: SetProof, commitment: bytes) -> None:
    """None if the proof shows, for the committed set, what it says of the key with this leaf hash; else
    ``EvidenceError``."""
    if _bind(proof.size, proof.root) != commitment:
        raise EvidenceError("absence: the proof is about another set of entries than the one in the log")
    for neighbour in proof.neighbours:
        merkle.verify_inclusion(neighbour.leaf, neighbour.index, proof.size, neighbour.path, proof.root)
    if proof.present:
        if len(proof.neighbours) != 1 or proof.neighbours[0].leaf != wanted:
            raise EvidenceError("absence: the proof of presence shows another entry")
    else:
        _verify_gap(wanted, proof.size, proof.root, proof.neighbours)


def _verify_gap(wanted: bytes, size: int, root: bytes, neighbours: Sequence[Neighbour]) -> None:
    if size == 0:
        if root != merkle.EMPTY_ROOT:
            raise EvidenceError("absence: an empty set has the empty root")
        return
    before = next((n for n in neighbours if n.leaf < wanted), None)
    after = next((n for n in neighbours if n.leaf > wanted), None)
    if len(neighbours) != (before is not None) + (after is not None):
        raise EvidenceError("absence: a neighbour is the entry itself, or stands on the wrong side")
    left = -1 if before is None else before.index
    right = size if after is None else after.index
    if right != left + 1:
        raise EvidenceError("absence: the two neighbours do not stand next to each other")


def _sorted_leaves(keys: Iterable[str]) -> list[bytes]:
    return sorted({key_leaf(key) for key in keys})


def _bind(size: int, root: bytes) -> bytes:
    return sha256(DOMAIN + size.to_bytes(8, "big") + root).digest()
