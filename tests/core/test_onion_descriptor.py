"""Descriptors of onion services: a real one of a private Tor network, and everything that may be wrong with one."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from watcher.core import ed25519, onion_descriptor
from watcher.core.onion_descriptor import verify
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError

TEXT = (Path(__file__).parent / "data" / "private-network.hsdesc").read_bytes()
ONION = "srt2ptkp7lnio37mlasapq3s6gcosqabc3cgprbw7ry3roi3m7f6l4yd.onion"
OTHER = "f6cljfkwgcja4breffow7kcofeikht27c4evui4e3frzdt4f6tv5thyd.onion"
AT = datetime(2026, 11, 22, 20, 11, tzinfo=UTC)


def test_a_real_descriptor_is_signed_by_its_address() -> None:
    for minutes in (-4, 0, 4):  # the period before, and the one after
        verify(TEXT, ONION, AT + timedelta(minutes=minutes), check_signature)


@pytest.mark.parametrize(
    ("text", "onion", "at", "fault"),
    [
        (TEXT, OTHER, AT, "not signed by the key of this address"),
        (TEXT, ONION, AT + timedelta(hours=1), "for another time"),
        (TEXT, "x.onion", AT, "56 letters"),
        (TEXT[:-30], ONION, AT, "not of the form"),
        (TEXT + b"x", ONION, AT, "not of the form"),
        (b"", ONION, AT, "not of the form"),
        (b"\n" + TEXT, ONION, AT, "not of the form"),
        (TEXT.replace(b"revision-counter ", b"revision-counter 9"), ONION, AT, "signature does not hold"),
        (TEXT.replace(b"descriptor-lifetime 180", b"descriptor-lifetime 181"), ONION, AT, "signature does not hold"),
    ],
)
def test_what_does_not_hold_is_named(text: bytes, onion: str, at: datetime, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        verify(text, onion, at, check_signature)


def test_no_bit_of_the_certificate_may_be_another() -> None:
    match = re.search(rb"BEGIN ED25519 CERT-----\n(.*?)-----END", TEXT, re.DOTALL)
    assert match is not None
    cert = base64.b64decode(match[1].replace(b"\n", b""))
    for place in range(len(cert)):
        changed = cert[:place] + bytes([cert[place] ^ 1]) + cert[place + 1 :]
        text = TEXT.replace(match[1], base64.encodebytes(changed))
        with pytest.raises(EvidenceError):
            verify(text, ONION, AT, check_signature)


def test_points_are_spelled_and_added_as_the_standard_says() -> None:
    """RFC 8032: the base point, its order, and what is no point."""
    base = ed25519.decode((4 * pow(5, ed25519.P - 2, ed25519.P) % ed25519.P).to_bytes(32, "little"))
    assert ed25519.encode(ed25519.multiply(ed25519.ORDER, base)) == ed25519.encode(ed25519.NEUTRAL)
    assert ed25519.encode(ed25519.add(base, base)) == ed25519.encode(ed25519.multiply(2, base))
    for wrong in (b"", bytes(31), (2).to_bytes(32, "little"), b"\xff" * 32, (1 | 1 << 255).to_bytes(32, "little")):
        with pytest.raises(ValueError, match="point"):
            ed25519.decode(wrong)


def test_a_key_is_blinded_for_its_period_alone() -> None:
    key = base64.b32decode(ONION.split(".", maxsplit=1)[0].upper())[:32]
    blinded = {onion_descriptor.blind(key, period, 1440) for period in range(3)}
    assert len(blinded) == 3
    assert key not in blinded
