"""Version 3 onion addresses; the good ones are the examples of rend-spec-v3."""

from __future__ import annotations

import pytest

from watcher.core import onion

SPEC = (
    "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion",
    "sp3k262uwy4r2k3ycr5awluarykdpag6a7y33jxop4cs2lu5uz5sseqd.onion",
    "xa4r2iadxm55fbnqgwwi5mymqdcofiu3w6rpbtqn7b2dyn7mgwj64jyd.onion",
)


@pytest.mark.parametrize("host", SPEC)
def test_the_key_makes_the_address_again(host: str) -> None:
    assert onion.address(onion.public_key(host)) == host
    assert onion.public_key(f"www.{host.upper()}.") == onion.public_key(host)


@pytest.mark.parametrize("at", range(0, 56, 5))
def test_one_wrong_letter_is_seen(at: int) -> None:
    letter = "b" if SPEC[0][at] == "a" else "a"
    wrong = SPEC[0][:at] + letter + SPEC[0][at + 1 :]
    with pytest.raises(ValueError, match=r"does not fit its checksum|not of version 3"):
        onion.public_key(wrong)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("expyuzz4wqqyqhjn.onion", "a version 2 onion address: they ended in 2021"),
        ("short.onion", "an onion address has 56 letters before .onion, this has 5"),
        ("a" * 57 + ".onion", "this has 57"),
        ("1" + SPEC[0][1:], "an onion address has only a-z and 2-7, this has 1"),
        (SPEC[0][:54] + "aa.onion", "not of version 3"),
        (SPEC[0][:10] + SPEC[0][9] + SPEC[0][11:], "does not fit its checksum"),
        ("example.com", "does not end in .onion"),
        ("onion", "does not end in .onion"),
    ],
)
def test_what_is_wrong_is_said(host: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        onion.public_key(host)


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        onion.address(b"short")


def test_onion_by_name_alone() -> None:
    assert onion.is_onion("Short.ONION.")
    assert not onion.is_onion("onion.example")
