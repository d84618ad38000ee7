"""Proofs that an entry was, or was not, in a committed set; and that none of their forgeries passes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from watcher.core import absence, merkle
from watcher.errors import EvidenceError

KEYS = tuple(f"/company/{name}" for name in ("velmora", "qarn-hale", "istrin", "dovemark", "ölberg", "tasq", "ubo"))


@pytest.mark.parametrize("size", range(len(KEYS) + 1))
def test_every_key_is_proved_in_or_out(size: int) -> None:
    inside = KEYS[:size]
    commitment = absence.commit(inside)
    for key in (*KEYS, "", "other"):
        proof = absence.prove(key, inside)
        assert proof.present == (key in inside)
        absence.verify_leaf(absence.key_leaf(key), proof, commitment)


def test_a_commitment_can_be_made_by_hand() -> None:
    """Those of years ago must still be checked: its form is fixed to the byte."""
    domain = b"watcher/entry-set/v1\n"
    leaves = sorted(sha256(b"\0" + domain + key.encode()).digest() for key in ("tasq", "ölberg"))
    root = sha256(b"\1" + leaves[0] + leaves[1]).digest()
    assert absence.commit(["ölberg", "tasq"]) == sha256(domain + b"\0\0\0\0\0\0\0\2" + root).digest()
    assert absence.commit(()) == sha256(domain + bytes(8) + sha256(b"").digest()).digest()


def test_all_places_of_an_absent_key_occur() -> None:
    """Before the first, between two, after the last."""
    places = set()
    for number in range(200):
        proof = absence.prove(f"absent {number}", KEYS)
        places.add(tuple(neighbour.index for neighbour in proof.neighbours))
    assert {(0,), (len(KEYS) - 1,)} < places
    assert len(places) == len(KEYS) + 1


def test_the_commitment_is_to_the_set() -> None:
    assert absence.commit(KEYS) == absence.commit((*reversed(KEYS), KEYS[0]))
    assert absence.commit(KEYS) != absence.commit(KEYS[:-1])
    assert absence.commit(()) != absence.commit(("",))


def test_a_lone_surrogate_is_a_key_like_any_other() -> None:
    proof = absence.prove("\ud800", ["\ud800", "a"])
    absence.verify_leaf(absence.key_leaf("\ud800"), proof, absence.commit(["\ud800", "a"]))
    assert proof.present


def forgeries(key: str, keys: tuple[str, ...]) -> list[absence.SetProof]:
    """Proofs of the opposite, or of another set, made by someone who can compute every hash."""
    true = absence.prove(key, keys)
    found = [replace(true, present=not true.present), replace(true, size=true.size + 1)]
    found += [replace(true, neighbours=()), replace(true, root=bytes(32))]
    found += [replace(true, neighbours=true.neighbours + true.neighbours)]
    if not true.present:
        every = {absence.key_leaf(other): absence.prove(other, keys).neighbours[0] for other in keys}
        in_order = [every[leaf] for leaf in sorted(every)]
        found += [
            replace(true, neighbours=(first, second))
            for place, first in enumerate(in_order)
            for second in in_order[place:]
            if (first, second) != true.neighbours
        ]
        found += [replace(true, neighbours=(one,)) for one in in_order if (one,) != true.neighbours]
    else:
        without = tuple(other for other in keys if other != key)
        found += [absence.prove(key, without), replace(absence.prove(key, without), size=true.size, root=true.root)]
        others = [absence.prove(other, keys) for other in without]
        found += [replace(other, present=False) for other in others]
        found += [replace(other, present=True) for other in others]
    return found


@pytest.mark.parametrize("size", range(1, len(KEYS) + 1))
@pytest.mark.parametrize("key", [*KEYS, "absent", "absent 3", "absent 8"])
def test_no_forgery_passes(size: int, key: str) -> None:
    keys = KEYS[:size]
    commitment = absence.commit(keys)
    for forged in forgeries(key, keys):
        with pytest.raises(EvidenceError):
            absence.verify_leaf(absence.key_leaf(key), forged, commitment)


def test_inner_nodes_are_no_neighbours() -> None:
    """They stand under the root next to each other, and every leaf of this set falls between the two of them."""
    keys = (*KEYS[:3], KEYS[4])
    leaves = sorted(map(absence.key_leaf, keys))
    nodes = (merkle.node_hash(*leaves[:2]), merkle.node_hash(*leaves[2:]))
    neighbours = tuple(absence.Neighbour(index=at, leaf=nodes[at], path=(nodes[1 - at],)) for at in (0, 1))
    forged = absence.SetProof(present=False, size=4, root=merkle.node_hash(*nodes), neighbours=neighbours)
    for leaf in leaves:
        assert nodes[0] < leaf < nodes[1]
        with pytest.raises(EvidenceError, match="too short"):
            absence.verify_leaf(leaf, forged, absence.commit(keys))


def test_a_proof_about_nothing_is_not_taken_for_an_empty_set() -> None:
    empty = absence.prove("x", ())
    absence.verify_leaf(absence.key_leaf("x"), empty, absence.commit(()))
    with pytest.raises(EvidenceError, match="another set"):
        absence.verify_leaf(absence.key_leaf("x"), empty, absence.commit(("y",)))
    with pytest.raises(EvidenceError, match="no leaf"):
        absence.verify_leaf(
            absence.key_leaf("x"), replace(empty, neighbours=absence.prove("y", ("y",)).neighbours), absence.commit(())
        )
