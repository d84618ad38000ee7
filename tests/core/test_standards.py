"""The log against the standards that it names: RFC 8785's own examples, RFC 6962's definitions taken word for word."""

from __future__ import annotations

import json
import struct
from functools import cache
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import custody, merkle
from watcher.errors import EvidenceError

# ------------------------------------------------------------------------------------------------- RFC 8785


def spelled(record: dict[str, Any]) -> str:
    return custody.canonical(record).decode()


def test_the_example_of_rfc_8785() -> None:
    """Section 3.2.2 and 3.2.4: what comes in, and what is hashed."""
    given_text = r"""{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"""
    assert spelled(json.loads(given_text)) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_sort_as_rfc_8785_sorts_them() -> None:
    """Section 3.2.3: by UTF-16 code units, so that a smiling face stands before a Hebrew letter."""
    names = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(spelled(names)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_the_numbers_of_rfc_8785(bits: str, text: str) -> None:
    """Appendix B. No record of ours holds a fraction; one that came to hold one would have its right spelling."""
    value = struct.unpack(">d", bytes.fromhex(bits))[0]
    assert spelled({"n": value}) == f'{{"n":{text}}}'
    assert spelled({"n": [value, value]}) == f'{{"n":[{text},{text}]}}'


# ------------------------------------------------------------------------------------------------- RFC 6962

LARGEST = 130
LEAVES = tuple(merkle.leaf_hash(b"leaf %d" % number) for number in range(LARGEST))
NODE_AT = merkle.nodes_of(LEAVES)


@cache
def mth(start: int, end: int) -> bytes:
    """MTH(D[start:end]) of section 2.1, as it is defined there."""
    if end - start == 0:
        return sha256(b"").digest()
    if end - start == 1:
        return sha256(b"\x00leaf %d" % start).digest()
    middle = start + largest_power_below(end - start)
    return sha256(b"\x01" + mth(start, middle) + mth(middle, end)).digest()


def largest_power_below(number: int) -> int:
    power = 1
    while power * 2 < number:
        power *= 2
    return power


def path(index: int, start: int, end: int) -> list[bytes]:
    """PATH(m, D[n]) of section 2.1.1."""
    if end - start == 1:
        return []
    power = largest_power_below(end - start)
    if index < power:
        return [*path(index, start, start + power), mth(start + power, end)]
    return [*path(index - power, start + power, end), mth(start, start + power)]


def subproof(old: int, start: int, end: int, known: bool) -> list[bytes]:
    """SUBPROOF(m, D[n], b) of section 2.1.2."""
    if old == end - start:
        return [] if known else [mth(start, end)]
    power = largest_power_below(end - start)
    if old <= power:
        return [*subproof(old, start, start + power, known), mth(start + power, end)]
    return [*subproof(old - power, start + power, end, False), mth(start, start + power)]


def test_every_root_to_130_leaves_is_the_one_of_rfc_6962() -> None:
    assert [merkle.root(size, NODE_AT) for size in range(LARGEST + 1)] == [mth(0, size) for size in range(LARGEST + 1)]


def test_every_inclusion_proof_to_130_leaves_is_the_one_of_rfc_6962() -> None:
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, NODE_AT)
            assert list(proof) == path(index, 0, size), (index, size)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, mth(0, size))


def test_every_consistency_proof_to_130_leaves_is_the_one_of_rfc_6962() -> None:
    for new in range(1, LARGEST + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, NODE_AT)
            assert list(proof) == subproof(old, 0, new, True), (old, new)
            merkle.verify_consistency(old, new, proof, mth(0, old), mth(0, new))


@given(st.data())
def test_a_proof_holds_for_no_other_leaf_place_or_root(data: st.DataObject) -> None:
    """Of two inclusion proofs and what they are about, any mixture that differs from both is refused."""
    cases = []
    for _ in range(2):
        size = data.draw(st.integers(1, LARGEST))
        index = data.draw(st.integers(0, size - 1))
        proof = merkle.inclusion_proof(index, size, NODE_AT)
        cases.append((LEAVES[index], index, proof, (size, mth(0, size))))  # a head is signed with its size
    chosen = [data.draw(st.sampled_from(cases)) for _ in range(4)]
    mixed = (chosen[0][0], chosen[1][1], chosen[2][2], chosen[3][3])
    leaf, index, proof, (size, root) = mixed
    if mixed in cases:
        merkle.verify_inclusion(leaf, index, size, proof, root)
        return
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(leaf, index, size, proof, root)
