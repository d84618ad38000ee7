"""RFC 6962 Merkle trees: hashes, growth, proofs and their verification (algorithms of RFC 9162, section 2.1).

A tree is known by its complete nodes. Node ``(level, index)`` covers the leaves ``index << level`` up to, but without,
``(index + 1) << level``; it exists once all of them do, and never changes after. So a log on disk is a table of nodes
that only grows, and every question costs O(log n) look-ups in it (``node_at``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

from watcher.errors import EvidenceError

NodeAt = Callable[[int, int], bytes]
"""Gives the complete node at (level, index)."""
Node = tuple[tuple[int, int], bytes]

EMPTY_ROOT = sha256(b"").digest()
HASH_BYTES = 32


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf that holds ``data`` (RFC 9162, 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an interior node over two others (RFC 9162, 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


# ------------------------------------------------------------------------------------------------------- growth


def append(size: int, leaf: bytes, node_at: NodeAt) -> Iterator[Node]:
    """The nodes that become complete when the leaf hash ``leaf`` joins a tree of ``size`` leaves, from the leaf up."""
    level, index, value = 0, size, leaf
    yield (level, index), value
    while index & 1:
        value = node_hash(node_at(level, index - 1), value)
        level, index = level + 1, index >> 1
        yield (level, index), value


def levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    """All complete nodes over these leaf hashes, as ``[level][index]``; the fast way to check a whole log."""
    found = [list(leaves)]
    while len(found[-1]) > 1:
        below = iter(found[-1])
        found.append([sha256(b"\x01" + left + right).digest() for left, right in zip(below, below, strict=False)])
    return found


def nodes_of(leaves: Sequence[bytes]) -> NodeAt:
    """A ``node_at`` over these leaf hashes, held in memory."""
    table = levels(leaves)
    return lambda level, index: table[level][index]


def root(size: int, node_at: NodeAt) -> bytes:
    """The root of the first ``size`` leaves."""
    return _range_root(0, size, node_at) if size else EMPTY_ROOT


def _range_root(start: int, end: int, node_at: NodeAt) -> bytes:
    """The root over the leaves ``start`` to ``end``; ``start`` is where a subtree of that many leaves may begin."""
    peaks: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        peaks.append(node_at(level, start >> level))
        start += 1 << level
    value = peaks.pop()
    while peaks:
        value = node_hash(peaks.pop(), value)
    return value


# ------------------------------------------------------------------------------------------------------- proofs


def inclusion_proof(index: int, size: int, node_at: NodeAt) -> tuple[bytes, ...]:
    """The path from leaf ``index`` to the root of ``size`` leaves (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < size:
        raise EvidenceError(f"there is no leaf {index} in a log of {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(_range_root(split, end, node_at))
            end = split
        else:
            path.append(_range_root(start, split, node_at))
            start = split
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node_at: NodeAt) -> tuple[bytes, ...]:
    """What shows that the tree of ``new`` leaves continues the tree of ``old`` (RFC 9162, 2.1.4.1)."""
    if not 0 <= old <= new:
        raise EvidenceError(f"a log of {new} leaves cannot continue one of {old}")
    if old in (0, new):
        return ()
    path: list[bytes] = []
    start, end, whole = 0, new, True
    while old != end:
        split = start + _split(end - start)
        if old <= split:
            path.append(_range_root(split, end, node_at))
            end = split
        else:
            path.append(_range_root(start, split, node_at))
            start, whole = split, False
    if not whole:
        path.append(_range_root(start, end, node_at))
    return tuple(reversed(path))


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


# ------------------------------------------------------------------------------------------------- verification


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root_hash: bytes) -> None:
    """None if the leaf hash stands at ``index`` under ``root_hash``, else ``EvidenceError`` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:  # step 1
        raise EvidenceError(f"inclusion: there is no leaf {index} in a log of {size}")
    _check_hashes("inclusion", (leaf, root_hash, *proof))
    at, last, value = index, size - 1, leaf  # steps 2, 3
    for sibling in proof:  # step 4
        if last == 0:
            raise EvidenceError(f"inclusion: the proof of leaf {index} is too long")
        if at & 1 or at == last:
            value = node_hash(sibling, value)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        at, last = at >> 1, last >> 1
    if last:  # step 5
        raise EvidenceError(f"inclusion: the proof of leaf {index} is too short")
    if value != root_hash:
        raise EvidenceError(f"inclusion: leaf {index} does not lead to the root of {size} leaves")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """None if the tree of ``new`` leaves continues the tree of ``old``, else ``EvidenceError`` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        raise EvidenceError(f"consistency: a log of {new} leaves cannot continue one of {old}")
    _check_hashes("consistency", (old_root, new_root, *proof))
    if old in (0, new):
        if proof:
            raise EvidenceError("consistency: nothing needs a proof here, and one is given")
        if old == 0 and old_root != EMPTY_ROOT:
            raise EvidenceError("consistency: the root of the empty log is wrong")
        if old == new and old_root != new_root:
            raise EvidenceError(f"consistency: two different roots for the same {old} leaves: the log forked")
        return
    if not proof:  # step 1
        raise EvidenceError("consistency: the proof is empty")
    path = list(proof)
    if old & (old - 1) == 0:  # step 2
        path.insert(0, old_root)
    at, last = old - 1, new - 1  # step 3
    while at & 1:  # step 4
        at, last = at >> 1, last >> 1
    first = second = path[0]  # step 5
    for sibling in path[1:]:  # step 6
        if last == 0:
            raise EvidenceError("consistency: the proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        at, last = at >> 1, last >> 1
    faults = []  # step 7
    if last:
        faults.append("the proof is too short")
    if first != old_root:
        faults.append(f"it does not lead to the root of {old} leaves")
    if second != new_root:
        faults.append(f"it does not lead to the root of {new} leaves")
    if faults:
        raise EvidenceError("consistency: " + "; ".join(faults))


def _check_hashes(what: str, hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise EvidenceError(f"{what}: a hash has the wrong length")
