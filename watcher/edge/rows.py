"""How the ledger spells times, visits, captures and small records."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import ContextDecorator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from types import TracebackType
from typing import NamedTuple, TypeVar

import msgspec

from watcher.core.moments import rfc3339
from watcher.errors import StoreDamaged, StoreError, UsageError

T = TypeVar("T")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_OFFSET = 1 << 63
"""SQLite's integers are signed; shifted by this, they sort as the identifiers do."""
CAPTURE_DIGITS = 16
_MOST_INFLATED = 256 << 20


def micros(at: datetime) -> int:
    """Microseconds since 1970; ``StoreError`` for a time without a zone."""
    if at.tzinfo is None:
        raise StoreError(f"a time without a zone cannot be kept: {at.isoformat()}")
    return (at - EPOCH) // _MICROSECOND


def moment(count: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=count)
    except (OverflowError, TypeError) as error:
        raise damaged(error) from error


def visit_name(site: str, started: int) -> str:
    return f"{site}@{rfc3339(moment(started))}"


@lru_cache(maxsize=512)  # what happens on a visit asks for it several times over
def visit_started(visit: str) -> int:
    """When the visit ``SITE@TIME`` began; ``UsageError`` if that is no visit's name."""
    _, _, time = visit.rpartition("@")
    try:
        at = datetime.fromisoformat(time)
        if rfc3339(at) == time:
            return micros(at)
    except ValueError:
        pass
    raise UsageError(f"{visit!r} is no visit", hint="visits are named SITE@TIME, as in a@2026-11-22T15:04:05.123456Z")


def capture_id(number: int) -> str:
    return f"c{number + _OFFSET:0{CAPTURE_DIGITS}x}"


def capture_number(identifier: str) -> int | None:
    """What the ledger holds for a capture's identifier; None if it is none."""
    span = capture_span(identifier)
    return span[0] if span and len(identifier) == CAPTURE_DIGITS + 1 else None


def capture_span(prefix: str) -> tuple[int, int] | None:
    """The least and the greatest number whose identifier begins so; None if no identifier can."""
    digits = prefix[1:]
    if prefix[:1] != "c" or len(digits) > CAPTURE_DIGITS or not set(digits) <= set("0123456789abcdef"):
        return None
    return int(digits.ljust(CAPTURE_DIGITS, "0"), 16) - _OFFSET, int(digits.ljust(CAPTURE_DIGITS, "f"), 16) - _OFFSET


def key_of(digest: bytes) -> int:
    """The part of a digest that is indexed; the whole is compared."""
    return int.from_bytes(digest[:8], "big", signed=True)


# ------------------------------------------------------------------------------------- what came with a payload


class Pack(NamedTuple):
    """All that is kept of one exchange beside its payload."""

    request: bytes
    head: bytes
    framing: bytes
    isolation: str
    cut: str
    why: tuple[str, ...]
    facts: dict[str, str | int | float]


encode_pack = msgspec.msgpack.Encoder().encode
_decode_pack = msgspec.msgpack.Decoder(Pack).decode


def decode_pack(data: bytes) -> Pack:
    try:
        return _decode_pack(data)
    except (ValueError, TypeError) as error:
        raise damaged(error) from error


def decoder(kind: type[T]) -> Callable[[bytes | str], T]:
    """What makes records of such a kind of their JSON; it raises ``StoreDamaged`` for what is none."""
    decode = msgspec.json.Decoder(kind).decode

    def record(data: bytes | str) -> T:
        try:
            return decode(data)
        except (ValueError, TypeError) as error:  # no UTF-8, too: msgspec has no error of its own for that
            raise damaged(error) from error

    return record


def damaged(error: Exception) -> StoreDamaged:
    """What to say of a row whose bytes, or whose values, are not what was written."""
    return StoreDamaged(f"a row of the ledger is damaged: {error}", hint="restore a copy of the store")


class AsWritten(ContextDecorator):
    """Around what makes records of rows: values that no such row can have are told as ``StoreDamaged``.

    SQLite checks the types of its strict tables when it writes, and gives what a damaged file says when it reads.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, TypeError | ValueError | LookupError | AttributeError | OverflowError):
            raise damaged(error) from error


as_written = AsWritten()


def blob(value: object) -> bytes:
    """What a column of bytes holds; ``StoreDamaged`` if it is none. (``bytes`` of a number are as many zeros.)"""
    if not isinstance(value, bytes):
        raise damaged(TypeError(f"{type(value).__name__} in place of bytes"))
    return value


def deflate(data: bytes, reference: bytes = b"") -> bytes:
    """The data, deflated, with ``reference`` as what was said before (RFC 1951: smaller than zstd here)."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=reference)
    return squeeze.compress(data) + squeeze.flush()


def inflate(data: bytes, reference: bytes = b"") -> bytes:
    """What was deflated; ``StoreDamaged`` if that cannot be had again."""
    expand = zlib.decompressobj(-15, zdict=reference)
    try:
        found = expand.decompress(data, _MOST_INFLATED)
    except (zlib.error, TypeError) as error:
        raise damaged(error) from error
    if not expand.eof:
        raise StoreDamaged("a row of the ledger is cut", hint="restore a copy of the store")
    return found


def inflate_text(data: bytes) -> str:
    """The text that was deflated; ``StoreDamaged`` if it is none."""
    try:
        return inflate(data).decode()
    except UnicodeDecodeError as error:
        raise damaged(error) from error


# --------------------------------------------------------------------------------------------------- plain text


def sayable(text: str) -> str:
    """The text without lone surrogates, which neither UTF-8 nor a canonical record can spell."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def text_digest(text: str) -> str:
    """The SHA-256 (hex) that stands for a page's visible text; empty for none."""
    return sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""
