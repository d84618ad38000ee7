"""``[fleet]``: what may be written, and how what may not is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher import config
from watcher.core import note
from watcher.edge.sign import SigningKey
from watcher.errors import ConfigError


def key_of(name: str) -> str:
    return SigningKey(origin=name, secret=Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))).vkey


A, B, DOTTED = key_of("berlin"), key_of("oslo-2"), key_of("berlin.example")
OTHER_KEY = str(note.VerifierKey(name="berlin", kind=note.ED25519, public=bytes(32)))
WITNESS = str(note.VerifierKey(name="w", kind=note.COSIGNATURE_V1, public=bytes(32)))
FLEET = f'[fleet]\nservers = ["nats://192.0.2.7"]\nvantages = ["{A}", "{B}"]\n'


def read(text: str) -> config.Settings:
    return config.parse(text, Path("/srv/watch"), environ={"NATS": "berlin:s3cret"})


def test_without_the_section_a_watcher_works_alone() -> None:
    assert read("").fleet is None


def test_what_may_be_left_out() -> None:
    fleet = read(FLEET).fleet
    assert fleet is not None
    assert fleet.servers == ("nats://192.0.2.7:4222",)
    assert fleet.names == {"berlin", "oslo-2"}
    assert (fleet.each, fleet.agree, fleet.lease, fleet.credentials) == (1, 1, timedelta(seconds=30), "")


def test_everything_that_may_be_said() -> None:
    more = 'credentials = "env:NATS"\nroots = "ca.pem"\neach = 2\nagree = 2\nlease = "10s"\n'
    site = '[[site]]\nname = "gang"\nmirrors = ["http://gang.example/"]\nvantages = 1\n'
    settings = read(FLEET.replace("nats://192.0.2.7", "tls://[2001:db8::7]:4333") + more + site)
    fleet = settings.fleet
    assert fleet is not None
    assert fleet.servers == ("tls://[2001:db8::7]:4333",)
    assert (fleet.credentials, fleet.roots) == ("berlin:s3cret", Path("/srv/watch/ca.pem"))
    assert (fleet.each, fleet.agree, fleet.lease) == (2, 2, timedelta(seconds=10))
    assert settings.sites[0].vantages == 1


def test_this_machine_may_be_called_by_its_name() -> None:
    fleet = read(FLEET.replace("192.0.2.7", "localhost:4333") + f'operators = ["{A}"]\n').fleet
    assert fleet is not None
    assert fleet.servers == ("nats://127.0.0.1:4333",)
    assert [str(key) for key in fleet.operators] == [A]


def test_credentials_may_stand_in_a_file() -> None:
    fleet = read(FLEET + 'credentials = "file:berlin.creds"\n').fleet
    assert fleet is not None
    assert (fleet.credentials, fleet.credentials_file) == ("", Path("/srv/watch/berlin.creds"))


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("[fleet]\n", "servers: it is missing"),
        ("[fleet]\n", "vantages: it is missing"),
        (f'{FLEET}operators = ["{OTHER_KEY}"]\n', '"berlin" has another key under vantages'),
        (FLEET.replace("nats://192.0.2.7", "nats://nats.example"), "names are never looked up outside the proxy"),
        (FLEET.replace("nats://192.0.2.7", "http://192.0.2.7"), "no nats:// or tls:// address"),
        (FLEET.replace("nats://192.0.2.7", "nats://192.0.2.7:x"), "this is no address"),
        (FLEET.replace("nats://192.0.2.7", "nats://a:b@192.0.2.7"), "user and password stand under credentials"),
        (FLEET.replace(B, A), '"berlin" stands here twice'),
        (FLEET.replace(B, DOTTED), '"berlin.example" holds something else'),
        (FLEET.replace(B, B[:-4] + "AAA="), "write it as `watcher init` printed it"),
        (FLEET.replace(B, WITNESS), "this is a witness's key"),
        (FLEET + "each = 3\n", "there are only 2 vantages"),
        (FLEET + "agree = 3\n", "there are only 2 vantages"),
        (FLEET + 'lease = "10ms"\n', "too short"),
        (FLEET + "server = 1\n", "servers"),
    ],
)
def test_a_fault_is_told_with_what_would_be_right(wrong: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(wrong)
    assert any(told in fault for fault in error.value.faults), error.value.faults
