"""Who may pause sites, and what a pause says."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core.note import ED25519
from watcher.core.pausing import DOMAIN, LARGEST, MOST, Paused, Statement, after, hear, paused, read, say
from watcher.errors import EvidenceError

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PUBLIC = bytes([ED25519]) * 32


def sign(message: bytes) -> bytes:
    return bytes(sum(message[n::64]) % 256 for n in range(64))


def check(public: bytes, signature: bytes, message: bytes) -> bool:
    return public == PUBLIC and signature == sign(message)


def test_a_statement_is_its_operators_own() -> None:
    statement = Statement(by="index", number=7, until={"clop": NOW})
    data = say(statement, sign)
    assert hear(data, "index", PUBLIC, check) == statement == read(data)
    for number in range(len(data) - 1):
        broken = bytearray(data)
        broken[number] ^= 1
        with pytest.raises(EvidenceError):
            hear(bytes(broken), "index", PUBLIC, check)
    for other in (b"", b"{}\n", data[: data.index(b"\n") + 1], say(statement, lambda _: bytes(64))):
        with pytest.raises(EvidenceError, match="did not sign"):
            hear(other, "index", PUBLIC, check)
    with pytest.raises(EvidenceError, match="signed a pause for 'index'"):
        hear(data, "berlin", PUBLIC, check)


@pytest.mark.parametrize(
    "until",
    [{"a/b": NOW}, {"": NOW}, {"\x1b[31m": NOW}, {"clop": NOW.replace(tzinfo=None)},
     {f"s{number}": NOW for number in range(MOST + 1)}],
)  # fmt: skip
def test_what_is_signed_and_makes_no_sense_is_not_heeded(until: dict[str, datetime]) -> None:
    with pytest.raises(EvidenceError, match="a pause that"):
        hear(say(Statement(by="index", number=1, until=until), sign), "index", PUBLIC, check)


@pytest.mark.parametrize("body", [b"", b"{", b'{"by": "index"}', b"\xff", b'"' + b"x" * LARGEST + b'"'])
def test_what_is_signed_and_is_no_statement_is_refused(body: bytes) -> None:
    with pytest.raises(EvidenceError, match=r"a pause that (is none|names too much)"):
        hear(body + b"\n" + base64.b64encode(sign(DOMAIN + body)) + b"\n", "index", PUBLIC, check)


def test_statements_follow_each_other() -> None:
    first = after(None, "a", {"clop": NOW + HOUR, "other": NOW + 3 * HOUR}, NOW)
    assert first.until == {"clop": NOW + HOUR, "other": NOW + 3 * HOUR}
    second = after(first, "a", {"third": NOW + 9 * HOUR}, NOW + 2 * HOUR)
    assert second.until == {"other": NOW + 3 * HOUR, "third": NOW + 9 * HOUR}  # what has ended is left out
    third = after(second, "a", {"other": None, "third": NOW + 5 * HOUR}, NOW)  # and the clock was set back
    assert third.until == {"third": NOW + 5 * HOUR}
    assert first.number < second.number < third.number
    with pytest.raises(ValueError, match="1001 sites"):
        after(third, "a", {f"s{number}": NOW + HOUR for number in range(MOST)}, NOW)


def test_a_site_is_paused_while_anybody_says_so() -> None:
    one = Statement(by="a", number=1, until={"clop": NOW + HOUR, "mine": NOW})
    two = Statement(by="b", number=1, until={"clop": NOW + 2 * HOUR})
    longest = {"clop": Paused(by="b", until=NOW + 2 * HOUR)}
    assert paused([one, two], NOW) == paused([two, one], NOW) == longest
    assert paused([one], NOW) == {"clop": Paused(by="a", until=NOW + HOUR)}
    assert paused([one, two], NOW + 2 * HOUR) == {}
