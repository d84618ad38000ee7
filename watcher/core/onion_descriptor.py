"""Version 3 onion service descriptors: the one thing a leak site signs, checked against its address alone.

Tor's rend-spec-v3: the address is the service's key; blinded for a time period, it certifies a signing key (cert-spec),
which signs the descriptor. That shows that the holder of the address published this descriptor in that period. What
the site served stands in no signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import datetime

from watcher.core import ed25519, onion
from watcher.errors import EvidenceError

Check = Callable[[bytes, bytes, bytes], bool]
"""Whether (public key, signature, message) hold together."""

PERIOD_MINUTES = 1440
"""A time period; it begins half its length after midnight, at noon (rend-spec-v3, 2.2.1)."""
OTHER_PERIODS = (4, 8, 12, 24, 48, 120, 240, 720)
"""Lengths on test networks: a protocol run of shared randomness, 24 voting intervals."""
MOST_BYTES = 50_000
"""A descriptor is at most so long (HSV3MaxDescriptorSize)."""
_BASE = (
    b"(15112221349535400772501151409588531511454012693041857206046113283949847762202, "
    b"46316835694926478169428394003475163141307993866256225615783033603165251855960)"
)
_SIGNED = b"Tor onion service descriptor sig v3"
_FORM = re.compile(
    rb"hs-descriptor 3\n"
    rb"descriptor-lifetime \d{1,4}\n"
    rb"descriptor-signing-key-cert\n"
    rb"-----BEGIN ED25519 CERT-----\n(?P<cert>[A-Za-z0-9+/=\n]{1,400})-----END ED25519 CERT-----\n"
    rb"revision-counter \d{1,20}\n"
    rb"superencrypted\n-----BEGIN MESSAGE-----\n[A-Za-z0-9+/=\n]+-----END MESSAGE-----\n"
    rb"signature (?P<signature>[A-Za-z0-9+/]{86})\n?"
)
_CERT_TYPE, _KEY_TYPE, _SIGNED_WITH = 0x08, 0x01, 0x04


def verify(text: bytes, host: str, near: datetime, check: Check) -> None:
    """None if the key in the onion address signed the descriptor for a time period round ``near``; else
    ``EvidenceError``."""
    found = _FORM.fullmatch(text) if len(text) <= MOST_BYTES else None
    if found is None:
        raise EvidenceError("descriptor: not of the form of version 3")
    try:
        service = onion.public_key(host)
    except ValueError as error:
        raise EvidenceError(f"descriptor: {error}") from error
    signing, blinded = _certificate(_decode(found["cert"]), check)
    signature = _decode(found["signature"] + b"==")
    if not check(signing, signature, _SIGNED + text[: found.start("signature") - len(b"signature ")]):
        raise EvidenceError("descriptor: its signature does not hold")
    if not any(blind(service, *period) == blinded for period in _periods(near)):
        raise EvidenceError("descriptor: it is not signed by the key of this address, or for another time")


def _certificate(data: bytes, check: Check) -> tuple[bytes, bytes]:
    """The signing key, and the blinded key that certifies it (cert-spec, section 2.1)."""
    if len(data) < 140 or data[:2] != bytes([1, _CERT_TYPE]) or data[6] != _KEY_TYPE:
        raise EvidenceError("descriptor: its certificate is not one of a descriptor's signing key")
    signing, extensions = data[7:39], data[39]
    place, blinded = 40, b""
    for _ in range(extensions):
        length, kind = int.from_bytes(data[place : place + 2], "big"), data[place + 2]
        if kind == _SIGNED_WITH:
            blinded = data[place + 4 : place + 4 + length]
        place += 4 + length
    if len(blinded) != 32 or len(data) != place + 64:
        raise EvidenceError("descriptor: its certificate does not name the key that signed it")
    if not check(blinded, data[place:], data[:place]):
        raise EvidenceError("descriptor: its certificate's signature does not hold")
    return signing, blinded


def _periods(near: datetime) -> Iterator[tuple[int, int]]:
    """The time periods that it may be for, the likeliest first, each with its length in minutes."""
    for length in (PERIOD_MINUTES, *OTHER_PERIODS):
        now = (int(near.timestamp()) // 60 - length // 2) // length
        yield from ((period, length) for period in (now, now - 1, now + 1))


def blind(service: bytes, period: int, minutes: int) -> bytes:
    """The service's key, blinded for a time period (rend-spec-v3, appendix A.2)."""
    nonce = b"key-blind" + period.to_bytes(8, "big", signed=True) + minutes.to_bytes(8, "big")
    factor = bytearray(hashlib.sha3_256(b"Derive temporary signing key\x00" + service + _BASE + nonce).digest())
    factor[0] &= 248
    factor[31] = factor[31] & 63 | 64
    try:
        point = ed25519.decode(service)
    except ValueError as error:
        raise EvidenceError(f"descriptor: the address holds no key: {error}") from error
    return ed25519.encode(ed25519.multiply(int.from_bytes(factor, "little"), point))


def _decode(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.replace(b"\n", b""), validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(f"descriptor: not base64: {error}") from error
