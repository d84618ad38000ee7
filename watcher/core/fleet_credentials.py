"""What a vantage shows at the door of the fleet's engine, read from the files that NATS's own tools write.

A ``.creds`` file (``nsc``) holds a token that says who the user is, and the seed of its key; a file of ``nk -gen user``
holds a seed alone. What is signed with it is the server's question: the seed itself never leaves the machine.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

SEED, USER = 18 << 3, 20 << 3
"""What the first bytes say: this is a seed, and a user's."""
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]+)-----\s+(\S+)\s+-+END \1-+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user's key, and what vouches for it."""

    seed: bytes = field(repr=False)
    """32 bytes, of an Ed25519 key; a secret."""
    jwt: str = ""
    """Empty: the server knows the key itself."""


def read_credentials(text: str) -> Credentials:
    """What the file holds; ``ValueError`` says what is wrong with it, and what would be right."""
    blocks = dict(_BLOCK.findall(text))
    jwt, seed = blocks.get("NATS USER JWT", ""), blocks.get("USER NKEY SEED", "")
    if blocks and not (jwt and seed):
        raise ValueError("it lacks the token or the seed; write it anew: nsc generate creds")
    if not blocks:
        seed = text.strip()
        if not seed or len(seed.split()) > 1:
            raise ValueError("it is neither a .creds file (nsc generate creds) nor one seed (nk -gen user)")
    return Credentials(seed=_decoded(seed), jwt=jwt)


def _decoded(seed: str) -> bytes:
    """The 32 bytes of a user's seed as NATS writes it: base 32 of two marks, the seed, and a check sum."""
    try:
        data = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        data = b""
    if len(data) != 36 or binascii.crc_hqx(data[:-2], 0) != int.from_bytes(data[-2:], "little"):
        raise ValueError("its seed is mistyped or cut; a user's seed begins with SU and has 58 letters and digits")
    if data[0] & 0xF8 != SEED or (data[0] & 7) << 5 | data[1] >> 3 != USER:
        raise ValueError("its seed is not a user's; that begins with SU")
    return data[2:-2]


def public_name(public: bytes) -> str:
    """How NATS writes a user's public key (32 bytes): it begins with U."""
    data = bytes([USER]) + public
    return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "little")).decode().rstrip("=")
