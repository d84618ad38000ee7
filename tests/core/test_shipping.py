"""Parcels and messages on the way: what is signed, or packed, and yet makes no sense is refused by name."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import msgspec
import pytest

from watcher.core import fleet_bundle, note, shipping
from watcher.core.shipping import Inbox, Message, Parcel, Row, open_sealed, pack, seal, unpack
from watcher.errors import EvidenceError

NOW = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
PUBLIC = bytes(32)
SIGNATURE = b"s" * note.SIGNATURE_BYTES


def packed(*rows: object, at: datetime = NOW) -> bytes:
    return zlib.compress(msgspec.msgpack.encode((1, at, True, False, rows)))


GOOD = packed(("site", False, (1, "clop")))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (GOOD[:-1], "cut, too large"),
        (GOOD + b"x", "followed by something else"),
        (b"x" + GOOD, "parcel: Error"),
        (zlib.compress(b"\xc1"), "parcel: "),
        (packed(at=NOW.replace(tzinfo=None)), "with a timezone"),
        (packed(("alert", False, (1,))), "not shipped: 'alert'"),
        (packed(("file", True, (b"x",))), "not shipped: 'file'"),
        (packed(("site", False, (1, True))), "no column holds"),
        (packed(("site", False, (1, ["clop"]))), "no column holds"),
    ],
)
def test_what_is_no_parcel_is_refused(data: bytes, match: str) -> None:
    assert unpack([GOOD[:9], GOOD[9:]]).rows == (Row(table="site", values=(1, "clop")),)
    with pytest.raises(EvidenceError, match=match):
        unpack([data])


def test_of_a_table_that_is_not_shipped_nothing_is_written() -> None:
    assert shipping.upsert("site", 2) == "INSERT OR REPLACE INTO site VALUES (?, ?)"
    assert shipping.delete("stamp") == "DELETE FROM stamp WHERE size = ? AND authority = ?"
    with pytest.raises(EvidenceError, match="no table that is shipped"):
        shipping.upsert("alert; --", 1)
    with pytest.raises(EvidenceError, match="no table that is shipped"):
        shipping.delete("sqlite_schema")


def test_a_message_goes_where_the_stream_listens_under_a_name_of_its_own() -> None:
    assert fnmatchcase(shipping.subject("berlin"), shipping.ALL_LOGS)
    names = {shipping.message_id(vantage, seq) for vantage in ("a", "b") for seq in (1, 2, 11, 12)}
    assert len(names) == 8


def message(seq: int, part: int = 0, parts: int = 1, *, vantage: str = "a", anew: bool = False) -> Message:
    return Message(vantage=vantage, seq=seq, part=part, parts=parts, anew=anew, chunk=GOOD)


def test_a_message_is_its_vantages_own() -> None:
    """Signed, and yet another's, none at all, or with numbers that cannot be."""

    def opened(data: bytes) -> Message:
        return open_sealed(data, "a", PUBLIC, lambda _, signature, said: signature == SIGNATURE and said != b"")

    assert opened(seal(message(1), lambda _: SIGNATURE)) == message(1)
    for wrong, match in (
        (seal(message(1), lambda _: b"t" * len(SIGNATURE)), "not signed by vantage a"),
        (SIGNATURE[1:], "not signed by vantage a"),
        (b"\xc1" + SIGNATURE, "message: "),
        (seal(message(1, vantage="b"), lambda _: SIGNATURE), "vantage a signed for 'b'"),
        (seal(message(0), lambda _: SIGNATURE), "make no sense"),
        (seal(message(1, part=1), lambda _: SIGNATURE), "make no sense"),
    ):
        with pytest.raises(EvidenceError, match=match):
            opened(wrong)


def test_messages_are_put_together_in_their_order_alone() -> None:
    rows = tuple(Row(table="body", values=(n, bytes([n] * 9))) for n in range(9))
    parcel = Parcel(form=1, at=NOW, whole=True, rows=rows)
    (data,) = pack(parcel)
    inbox = Inbox()
    first, second = (
        Message(vantage="a", seq=1 + part, part=part, parts=2, anew=False, chunk=chunk)
        for part, chunk in enumerate((data[:20], data[20:]))
    )
    with pytest.raises(EvidenceError, match="messages 1 to 1 of vantage a are missing"):
        inbox.take(second)
    assert inbox.take(first) is None
    assert inbox.take(first) is None
    with pytest.raises(EvidenceError, match="message 2 of vantage a continues no parcel"):
        inbox.take(message(2, part=1, parts=3))
    assert inbox.take(second) == parcel
    assert (inbox.last, inbox.take(second)) == (2, None)
    with pytest.raises(EvidenceError, match="messages 3 to 8"):
        inbox.take(message(9))
    assert inbox.take(message(9, anew=True)) is not None


def test_a_fleets_bundle_holds_nothing_else() -> None:
    files = {"index.wacz": b"i", "VERIFY.txt": b"", fleet_bundle.path_of("oslo"): b"o"}
    assert fleet_bundle.vantage_bundles(files) == {"vantage-oslo.wacz": b"o"}
    with pytest.raises(EvidenceError, match=r"do not belong there: run\.sh$"):
        fleet_bundle.vantage_bundles({**files, "run.sh": b""})
