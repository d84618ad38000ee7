"""Onion addresses, version 3: a public key, a checksum and a version in base32 (rend-spec-v3, section 6)."""

from __future__ import annotations

import hashlib
from base64 import b32decode, b32encode
from binascii import Error as NotBase32

_LABEL_LENGTH = 56
_OLD_LENGTH = 16
_VERSION = b"\x03"


def address(public_key: bytes) -> str:
    """The host name, ``….onion``, of the service with this Ed25519 key (32 bytes)."""
    if len(public_key) != 32:
        raise ValueError("an onion's public key has 32 bytes")
    return b32encode(public_key + _checksum(public_key) + _VERSION).decode().lower() + ".onion"


def public_key(host: str) -> bytes:
    """The key that a host name (subdomains allowed) is made of. ValueError says what is wrong with the name."""
    labels = host.lower().rstrip(".").split(".")
    if len(labels) < 2 or labels[-1] != "onion":
        raise ValueError("it does not end in .onion")
    label = labels[-2]
    if len(label) == _OLD_LENGTH:
        raise ValueError("a version 2 onion address: they ended in 2021; a version 3 address has 56 letters")
    if len(label) != _LABEL_LENGTH:
        raise ValueError(f"an onion address has 56 letters before .onion, this has {len(label)}")
    try:
        raw = b32decode(label.upper())
    except NotBase32:
        odd = sorted(set(label) - set("abcdefghijklmnopqrstuvwxyz234567"))
        raise ValueError(f"an onion address has only a-z and 2-7, this has {' '.join(odd)}") from None
    key, checksum, version = raw[:32], raw[32:34], raw[34:]
    if version != _VERSION:
        raise ValueError(
            "the onion address is not of version 3 (it would end in d.onion): a letter is wrong or missing"
        )
    if checksum != _checksum(key):
        raise ValueError("the onion address does not fit its checksum: a letter is wrong")
    return key


def is_onion(host: str) -> bool:
    """Whether the name is an onion's, well formed or not."""
    return host.lower().rstrip(".").endswith(".onion")


def _checksum(key: bytes) -> bytes:
    return hashlib.sha3_256(b".onion checksum" + key + _VERSION).digest()[:2]
