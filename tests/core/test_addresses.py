"""What may stand in the configuration as an address, and what is said of what may not."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import addresses, note
from watcher.core.addresses import parse_place

PUBLIC = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw()
WITNESS = str(note.VerifierKey(name="witness.example/w", kind=note.COSIGNATURE_V1, public=PUBLIC))
LOG = str(note.VerifierKey(name="log.example", kind=note.ED25519, public=PUBLIC))


def test_a_witness_is_an_address_and_a_key() -> None:
    assert addresses.witness_address(f" https://Witness.example/w  {WITNESS} ") == (
        "https://witness.example/w",
        WITNESS,
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("https://witness.example/", "a witness needs a key"),
        (f"https://witness.example/ x{WITNESS}", "does not belong"),
        ("https://witness.example/ nonsense", "NAME"),
        (f"https://witness.example/ {LOG}", "the key is a log's"),
        (f"witness.example {WITNESS}", "write"),
    ],
)
def test_what_is_no_witness(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        addresses.witness_address(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1:9051", ("127.0.0.1", 9051)),
        ("[::1]:65535", ("::1", 65535)),
        ("localhost:1", ("localhost", 1)),
        ("0.0.0.0:0", ("0.0.0.0", 0)),
    ],
)
def test_a_place_to_listen_at(text: str, place: tuple[str, int]) -> None:
    assert addresses.listen_address(text) == place


@pytest.mark.parametrize(
    "text", ["127.0.0.1", "127.0.0.1:65536", "127.0.0.1:", ":80", "example.org:80", "127.0.0.1:８０", "1.2.3.4:-1", ""]
)
def test_no_place_to_listen_at(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        addresses.listen_address(text)


@pytest.mark.parametrize("text", ["slack://a b", "slack:\x07//x", "no colon", ":rest", "1ack://x", "http://x\u00a0y/"])
def test_no_place_for_alerts(text: str) -> None:
    with pytest.raises(ValueError, match="write an Apprise URL"):
        addresses.alert_address(text)


def test_a_file_may_have_spaces_in_its_name() -> None:
    assert "all alerts.jsonl" in str(addresses.alert_address("file:all alerts.jsonl"))


@pytest.mark.parametrize(
    "text",
    ["http://[::1/", "http://", "http:///path", "https://1.2.3/", "http://a..b/", "http://²/", "http://１.2.3.4/"],
)
def test_an_address_without_a_host(text: str) -> None:
    with pytest.raises(ValueError, match="write http"):
        addresses.page_address(text)


@given(st.text(st.sampled_from("²１.:[]@aZ0-%ßéⅣ/"), max_size=8))
def test_an_address_that_was_taken_is_taken_again_as_it_is(host: str) -> None:
    """What an import writes into watcher.toml must be read from there."""
    try:
        taken = addresses.page_address(f"http://{host}/")
    except ValueError:
        return
    assert addresses.page_address(taken) == taken


# ------------------------------------------------------------------------------------------------ large bodies


def test_a_place_for_large_bodies() -> None:
    place = parse_place("s3://bucket/a/b/?endpoint=https://192.0.2.7:9000&region=here")
    assert (place.bucket, place.prefix, place.endpoint, place.region) == (
        "bucket",
        "a/b",
        "https://192.0.2.7:9000",
        "here",
    )
    plain = parse_place("s3://bucket")
    assert (plain.prefix, plain.endpoint, plain.region) == ("", "", "")


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "no place for bodies"),
        ("https://bucket/x", "no place for bodies"),
        ("s3:///x", "no place for bodies"),
        ("s3://key:secret@bucket/x", "credentials do not stand here"),
        ("s3://bucket/x?regoin=a&b=", "unknown in it: b, regoin; known are endpoint, region"),
        ("s3://bucket/x?endpoint=192.0.2.7:9000", "its endpoint is no address"),
        ("s3://bucket/x?endpoint=ftp://a", "its endpoint is no address"),
    ],
)
def test_no_place_for_large_bodies(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_place(url)
