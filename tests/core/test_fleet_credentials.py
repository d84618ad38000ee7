"""Files that NATS's own tools write: their form, and what is told of one that has another."""

from __future__ import annotations

import base64
import binascii

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher.core.fleet_credentials import public_name, read_credentials

SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
"""The example of NATS's documentation."""
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
SEED_MARK = 18 << 3
CREDS = f"""-----BEGIN NATS USER JWT-----
eyJ0eXAi.eyJqdGki.c2ln
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
{SEED}
------END USER NKEY SEED------
"""


def spelled(marks: bytes, key: bytes = bytes(32)) -> str:
    """As NATS spells keys: marks, key, check sum."""
    data = marks + key
    return base64.b32encode(data + binascii.crc_hqx(data, 0).to_bytes(2, "little")).decode().rstrip("=")


@pytest.mark.parametrize("text", [SEED, f"{SEED}\r\n"])
def test_a_seed_alone(text: str) -> None:
    found = read_credentials(text)
    assert (len(found.seed), found.jwt) == (32, "")
    assert SEED not in repr(found)
    assert repr(found.seed) not in repr(found)


def test_the_public_key_is_spelled_as_nats_spells_it() -> None:
    key = Ed25519PrivateKey.from_private_bytes(read_credentials(SEED).seed)
    assert public_name(key.public_key().public_bytes_raw()) == PUBLIC


def test_a_token_and_a_seed() -> None:
    found = read_credentials(CREDS)
    assert found.jwt == "eyJ0eXAi.eyJqdGki.c2ln"
    assert found.seed == read_credentials(SEED).seed


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "neither a .creds file"),
        ("two words", "neither a .creds file"),
        (SEED[:-1], "mistyped or cut"),
        (SEED.replace("7", "Z"), "mistyped or cut"),
        ("1" * 58, "mistyped or cut"),
        (PUBLIC, "mistyped or cut"),
        (spelled(bytes([SEED_MARK, 0])), "not a user's"),
        (spelled(bytes([0, 20 << 6 & 0xFF])), "not a user's"),
        (CREDS.replace("USER NKEY", "ACCOUNT NKEY"), "lacks the token or the seed"),
        (CREDS.replace(SEED, SEED[:-2]), "mistyped or cut"),
    ],
)
def test_what_is_wrong_is_told_and_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told) as error:
        read_credentials(text)
    assert SEED[:-2] not in str(error.value)
