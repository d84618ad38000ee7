"""What is shipped, on its way: cut, sealed, put together again, and whatever may happen to it."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from tests.fleet.copying import KEY, NOW
from watcher.core import shipping
from watcher.core.shipping import FILE, Inbox, Message, Parcel, Row, open_sealed, pack, seal, unpack
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError

PARCEL = Parcel(
    form=7,
    at=NOW,
    whole=True,
    rows=(
        Row(table="site", values=(1, "alpha")),
        Row(table="leaf", values=(-(2**63), 1, None, b"\x00\xff")),
        Row(table="entry", values=(1, "key \U0001f600"), gone=True),
        Row(table=FILE, values=(b"d" * 32, random.Random(1).randbytes(1_300_000))),
    ),
)
PUBLIC = KEY.verifier.public


def messages(*parcels: Parcel, first: int = 1, vantage: str = "a") -> list[Message]:
    found: list[Message] = []
    for parcel in parcels:
        chunks = pack(parcel)
        for part, chunk in enumerate(chunks):
            seq = first + len(found)
            found.append(Message(vantage=vantage, seq=seq, part=part, parts=len(chunks), anew=parcel.anew, chunk=chunk))
    return found


def small(number: int, **other: bool) -> Parcel:
    return Parcel(form=7, at=NOW, whole=True, rows=(Row(table="site", values=(number, "x")),), **other)


def test_a_parcel_is_cut_into_messages_and_is_itself_again() -> None:
    cut = messages(PARCEL)
    assert [(one.part, one.parts) for one in cut] == [(0, 3), (1, 3), (2, 3)]
    assert all(len(seal(one, KEY.sign)) < 600_000 for one in cut)
    inbox = Inbox()
    assert [inbox.take(one) for one in cut] == [None, None, PARCEL]
    assert inbox.last == 3


def test_messages_that_come_twice_are_taken_once() -> None:
    cut = messages(PARCEL, small(1), small(2))
    inbox = Inbox()
    again = [cut[0], cut[0], cut[1], cut[0], cut[2], cut[2], cut[1], cut[3], cut[0], cut[4], cut[4]]
    assert [parcel for one in again if (parcel := inbox.take(one))] == [PARCEL, small(1), small(2)]


def test_who_begins_again_in_the_middle_of_a_parcel_begins_with_the_parcel() -> None:
    cut = messages(small(1), PARCEL)
    inbox = Inbox()
    for one in cut[:3]:
        inbox.take(one)
    assert inbox.last == 1
    restarted = Inbox(inbox.last)
    assert [parcel for one in cut if (parcel := restarted.take(one))] == [PARCEL]


def test_a_gap_is_told_and_shipping_anew_mends_it() -> None:
    cut = messages(*(small(number) for number in range(4)), replace(small(9), anew=True))
    inbox = Inbox()
    assert inbox.take(cut[0]) == small(0)
    with pytest.raises(EvidenceError, match="messages 2 to 3 of vantage a are missing"):
        inbox.take(cut[3])
    assert inbox.take(cut[4]) == small(9, anew=True)
    assert inbox.last == 5


def test_parts_that_do_not_fit_are_refused() -> None:
    first, second, third = messages(PARCEL)
    inbox = Inbox()
    with pytest.raises(EvidenceError, match="continues no parcel"):
        inbox.take(replace(second, seq=1))
    inbox.take(first)
    with pytest.raises(EvidenceError, match="continues no parcel"):
        inbox.take(replace(second, parts=5))
    inbox.take(second)
    with pytest.raises(EvidenceError, match="parcel: "):
        inbox.take(replace(third, chunk=third.chunk[:-1] + b"?"))


def test_only_the_vantages_own_key_speaks_for_it() -> None:
    message = messages(small(1))[0]
    data = seal(message, KEY.sign)
    assert open_sealed(data, "a", PUBLIC, check_signature) == message
    for number in range(0, len(data), 7):
        broken = bytearray(data)
        broken[number] ^= 1
        with pytest.raises(EvidenceError, match="not signed by vantage a"):
            open_sealed(bytes(broken), "a", PUBLIC, check_signature)
    for cut in (b"", data[:10], data[:-1], data + b"x"):
        with pytest.raises(EvidenceError, match="not signed"):
            open_sealed(cut, "a", PUBLIC, check_signature)
    with pytest.raises(EvidenceError, match="not signed by vantage b"):
        open_sealed(data, "b", bytes(32), check_signature)
    with pytest.raises(EvidenceError, match="vantage b signed for 'a'"):  # one key under two names
        open_sealed(data, "b", PUBLIC, check_signature)


def test_a_signature_over_something_else_is_none_over_a_message() -> None:
    data = seal(messages(small(1))[0], lambda body: KEY.sign(body.removeprefix(shipping.DOMAIN)))
    with pytest.raises(EvidenceError, match="not signed"):
        open_sealed(data, "a", PUBLIC, check_signature)


@pytest.mark.parametrize("wrong", [{"seq": 0}, {"part": 2, "parts": 2}, {"part": -1}, {"parts": 0}])
def test_numbers_that_make_no_sense_are_refused(wrong: dict[str, int]) -> None:
    message = replace(messages(small(1))[0], **wrong)
    with pytest.raises(EvidenceError, match="numbers make no sense"):
        open_sealed(seal(message, KEY.sign), "a", PUBLIC, check_signature)


@pytest.mark.parametrize("table", ["sink", "unshipped", "site; DROP TABLE site", "sqlite_schema", ""])
def test_rows_of_other_tables_are_refused(table: str) -> None:
    with pytest.raises(EvidenceError, match="a table that is not shipped"):
        unpack(pack(replace(PARCEL, rows=(Row(table=table, values=(1,)),))))


def test_what_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = pack(PARCEL)
    monkeypatch.setattr(shipping, "MOST_BYTES", 1_000_000)
    with pytest.raises(EvidenceError, match="too large"):
        unpack(chunks)


def test_a_table_comes_after_those_that_its_rows_refer_to() -> None:
    order = list(shipping.TABLES)
    for first, then in (
        ("site", "place"), ("place", "capture"), ("pack", "capture"), ("body", "capture"), ("content", "reading"),
        ("capture", "reading"), ("content", "snapshot"), ("capture", "leaf"), ("snapshot", "leaf"), ("event", "leaf"),
        ("act", "leaf"), ("leaf", "checkpoint"), ("checkpoint", "stamp"),
    ):  # fmt: skip
        assert order.index(first) < order.index(then), (first, then)
