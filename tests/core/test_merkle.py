"""The log's tree: known roots and proofs, every small tree, and mutated proofs, none of which may pass."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise

import pytest

from watcher.core import merkle
from watcher.errors import EvidenceError

# The inputs, roots and proofs of Certificate Transparency's own reference tests (RFC 6962 hashing).
CT_INPUTS = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_INCLUSION = {  # (leaf from 0, size): path
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CT_CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}

BIGGEST = 70
LEAVES = [merkle.leaf_hash(index.to_bytes(2, "big")) for index in range(BIGGEST + 1)]


def slow_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + slow_root(leaves[:split]) + slow_root(leaves[split:])).digest()


ROOTS = [slow_root(LEAVES[:size]) for size in range(BIGGEST + 1)]
NODE_AT = merkle.nodes_of(LEAVES)


def mutations(proof: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """Proofs that differ: a bit flipped in each hash, one hash less, more, doubled, or changed with its neighbour."""
    found = []
    for place, value in enumerate(proof):
        flipped = bytes([value[0] ^ 1]) + value[1:]
        found.append((*proof[:place], flipped, *proof[place + 1 :]))
        found.append(proof[:place] + proof[place + 1 :])
        found.append((*proof[:place], value, value, *proof[place + 1 :]))
        found.append((*proof[:place], value[:31], *proof[place + 1 :]))
    for place, (first, second) in enumerate(pairwise(proof)):
        if first != second:
            found.append((*proof[:place], second, first, *proof[place + 2 :]))
    found.append((*proof, LEAVES[-1]))
    found.append((LEAVES[-1], *proof))
    return found


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_of_certificate_transparency(size: int) -> None:
    leaves = [merkle.leaf_hash(data) for data in CT_INPUTS[:size]]
    assert merkle.root(size, merkle.nodes_of(leaves)).hex() == CT_ROOTS[size - 1]


def test_the_empty_log() -> None:
    assert merkle.root(0, NODE_AT).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("place", CT_INCLUSION)
def test_the_inclusion_proofs_of_certificate_transparency(place: tuple[int, int]) -> None:
    index, size = place
    leaves = [merkle.leaf_hash(data) for data in CT_INPUTS]
    proof = merkle.inclusion_proof(index, size, merkle.nodes_of(leaves))
    assert [value.hex() for value in proof] == CT_INCLUSION[place]
    merkle.verify_inclusion(leaves[index], index, size, proof, bytes.fromhex(CT_ROOTS[size - 1]))


@pytest.mark.parametrize("sizes", CT_CONSISTENCY)
def test_the_consistency_proofs_of_certificate_transparency(sizes: tuple[int, int]) -> None:
    old, new = sizes
    proof = merkle.consistency_proof(old, new, merkle.nodes_of([merkle.leaf_hash(data) for data in CT_INPUTS]))
    assert [value.hex() for value in proof] == CT_CONSISTENCY[sizes]
    old_root, new_root = (bytes.fromhex(CT_ROOTS[size - 1]) for size in sizes)
    merkle.verify_consistency(old, new, proof, old_root, new_root)


def test_a_grown_log_has_the_nodes_and_roots_of_one_made_at_once() -> None:
    nodes: dict[tuple[int, int], bytes] = {}
    for size, leaf in enumerate(LEAVES[:BIGGEST]):
        nodes.update(merkle.append(size, leaf, lambda level, index: nodes[level, index]))
        assert merkle.root(size + 1, lambda level, index: nodes[level, index]) == ROOTS[size + 1]
    table = merkle.levels(LEAVES[:BIGGEST])
    assert nodes == {(level, index): value for level, row in enumerate(table) for index, value in enumerate(row)}


@pytest.mark.parametrize(("size", "most"), [(1, 1), (2, 2), (3, 2), (4, 3), (7, 3), (8, 4)])
def test_there_are_as_many_levels_as_hold_a_complete_node(size: int, most: int) -> None:
    table = merkle.levels(LEAVES[:size])
    assert [len(row) for row in table] == [size >> level for level in range(most)]


def test_every_inclusion_proof_to_70_leaves_holds_and_no_mutation_of_it() -> None:
    accepted = []
    for size in range(1, BIGGEST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, NODE_AT)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])
            wrong = [(LEAVES[index], index, size, other, ROOTS[size]) for other in mutations(proof)]
            wrong.append((LEAVES[index + 1], index, size, proof, ROOTS[size]))
            wrong.append((LEAVES[index], index ^ 1, size, proof, ROOTS[size]))
            wrong.append((LEAVES[index], index, size, proof, ROOTS[size - 1]))
            for case in wrong:
                try:
                    merkle.verify_inclusion(*case)
                except EvidenceError:
                    continue
                accepted.append(case)
    assert accepted == []


def test_every_consistency_proof_to_70_leaves_holds_and_no_mutation_of_it() -> None:
    accepted = []
    for new in range(1, BIGGEST + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, NODE_AT)
            merkle.verify_consistency(old, new, proof, ROOTS[old], ROOTS[new])
            wrong = [(old, new, other, ROOTS[old], ROOTS[new]) for other in mutations(proof)]
            wrong.append((old, new, proof, ROOTS[old - 1], ROOTS[new]))
            wrong.append((old, new, proof, ROOTS[old], ROOTS[new - 1]))
            for case in wrong:
                try:
                    merkle.verify_consistency(*case)
                except EvidenceError:
                    continue
                accepted.append(case)
    assert accepted == []


@pytest.mark.parametrize(
    ("old", "new", "proof", "old_root", "new_root", "fault"),
    [
        (3, 2, (), ROOTS[3], ROOTS[2], "cannot continue"),
        (-1, 2, (), ROOTS[1], ROOTS[2], "cannot continue"),
        (0, 2, (ROOTS[1],), ROOTS[0], ROOTS[2], "nothing needs a proof"),
        (0, 2, (), ROOTS[1], ROOTS[2], "root of the empty log"),
        (0, 0, (), ROOTS[0], ROOTS[1], "root"),
        (4, 4, (), ROOTS[4], ROOTS[5], "forked"),
        (4, 5, (), ROOTS[4], ROOTS[5], "empty"),
        (3, 5, (*merkle.consistency_proof(3, 5, NODE_AT), ROOTS[1]), ROOTS[3], ROOTS[5], "too long"),
        # the head of two leaves, given out as one leaf's: each hash fits, and the tree does not
        (1, 4, (merkle.node_hash(LEAVES[2], LEAVES[3]),), ROOTS[2], ROOTS[4], "consistency: the proof is too short$"),
        (3, 3, (), b"x", b"x", "consistency: .* wrong length"),
        (0, 5, (), ROOTS[0], ROOTS[5][:31], "consistency: .* wrong length"),
        (0, 5, (), ROOTS[0], ROOTS[5] + b"x", "consistency: .* wrong length"),
    ],
)
def test_faults_between_two_heads_are_named(
    old: int, new: int, proof: tuple[bytes, ...], old_root: bytes, new_root: bytes, fault: str
) -> None:
    with pytest.raises(EvidenceError, match=fault):
        merkle.verify_consistency(old, new, proof, old_root, new_root)


@pytest.mark.parametrize(
    ("leaf", "proof", "root", "fault"),
    [
        (LEAVES[3], (*merkle.inclusion_proof(3, 5, NODE_AT), ROOTS[1]), ROOTS[5], "inclusion: .* too long"),
        (LEAVES[3][:31], merkle.inclusion_proof(3, 5, NODE_AT), ROOTS[5], "inclusion: .* wrong length"),
        (LEAVES[3], merkle.inclusion_proof(3, 5, NODE_AT), ROOTS[5] + b"x", "inclusion: .* wrong length"),
    ],
)
def test_faults_of_a_proof_that_a_leaf_is_there_are_named(
    leaf: bytes, proof: tuple[bytes, ...], root: bytes, fault: str
) -> None:
    with pytest.raises(EvidenceError, match=fault):
        merkle.verify_inclusion(leaf, 3, 5, proof, root)


def test_an_inner_node_is_no_leaf() -> None:
    """The two leaves under it do not stand between it and the root: its path ends too soon for a leaf."""
    inner = merkle.node_hash(LEAVES[0], LEAVES[1])
    path = (merkle.node_hash(LEAVES[2], LEAVES[3]),)
    assert merkle.node_hash(inner, *path) == ROOTS[4]
    with pytest.raises(EvidenceError, match=r"inclusion: .* too short"):
        merkle.verify_inclusion(inner, 0, 4, path, ROOTS[4])


@pytest.mark.parametrize(("old", "new"), [(3, 2), (-1, 2), (1, 0)])
def test_no_proof_that_a_log_continues_a_longer_one(old: int, new: int) -> None:
    with pytest.raises(EvidenceError, match="cannot continue"):
        merkle.consistency_proof(old, new, NODE_AT)


def test_a_log_of_any_size_continues_the_empty_one() -> None:
    merkle.verify_consistency(0, 9, merkle.consistency_proof(0, 9, NODE_AT), ROOTS[0], ROOTS[9])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (5, 5), (-1, 5)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(EvidenceError, match="there is no leaf"):
        merkle.inclusion_proof(index, size, NODE_AT)
    with pytest.raises(EvidenceError, match="there is no leaf"):
        merkle.verify_inclusion(LEAVES[0], index, size, (), ROOTS[5])


@pytest.mark.parametrize("size", [10_000_000, 9_999_999, 8_388_609])
def test_ten_million_leaves_cost_some_dozens_of_looks(size: int) -> None:
    looks: list[tuple[int, int]] = []

    def node_at(level: int, index: int) -> bytes:
        looks.append((level, index))
        return sha256(b"%d %d" % (level, index)).digest()

    for question in (
        lambda: merkle.root(size, node_at),
        lambda: merkle.inclusion_proof(size // 3, size, node_at),
        lambda: merkle.inclusion_proof(size - 1, size, node_at),
        lambda: merkle.consistency_proof(size // 3, size, node_at),
        lambda: list(merkle.append(size, LEAVES[0], node_at)),
    ):
        looks.clear()
        question()
        assert len(looks) <= 2 * size.bit_length()
