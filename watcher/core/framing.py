"""The *recipe* of a transfer framing: how a body's payload and the bytes round it were woven together.

A recipe is kept with each capture so that what was received can be put together again byte for byte, while a payload
met before costs nothing. It is stored for good: its form may grow, never change.

    recipe      = *( literal / copy / chunk / chunks )      what is left of the payload follows the last step
    literal     = %x00 length bytes                         bytes that are no payload
    copy        = %x01 length                               so much of the payload
    chunk       = %x02 length                               the size in lower-case hex, CRLF, so much payload, CRLF
    chunks      = %x03 length count                         the same, so many times
    length, count = unsigned LEB128

A plain body has an empty recipe; ten thousand equal chunks take seven bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

_LITERAL, _COPY, _CHUNK, _CHUNKS = range(4)
_LONGEST_NUMBER = 9


class Copy(NamedTuple):
    """So much of the payload, as it is."""

    size: int


class Chunk(NamedTuple):
    """So much of the payload, framed as nearly every server frames a chunk."""

    size: int
    times: int = 1


Step = bytes | Copy | Chunk
"""Bytes stand for themselves: they are no payload."""


def write(steps: Iterable[Step]) -> bytes:
    """The steps as a recipe, as short as they allow."""
    joined: list[Step] = []
    for step in steps:
        if step in (b"", Copy(0)):
            continue
        last = joined[-1] if joined else None
        if isinstance(step, bytes) and isinstance(last, bytes):
            joined[-1] = last + step
        elif isinstance(step, Copy) and isinstance(last, Copy):
            joined[-1] = Copy(last.size + step.size)
        elif isinstance(step, Chunk) and isinstance(last, Chunk) and last.size == step.size > 0:
            joined[-1] = Chunk(step.size, last.times + step.times)
        else:
            joined.append(step)
    if joined and isinstance(joined[-1], Copy):
        joined.pop()
    return b"".join(_written(step) for step in joined)


def _written(step: Step) -> bytes:
    match step:
        case Copy(size):
            return bytes([_COPY]) + _number(size)
        case Chunk(size, 1):
            return bytes([_CHUNK]) + _number(size)
        case Chunk(size, times):
            return bytes([_CHUNKS]) + _number(size) + _number(times)
    return bytes([_LITERAL]) + _number(len(step)) + step


def _number(number: int) -> bytes:
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    written.append(number)
    return bytes(written)


def weave(payload: bytes, recipe: bytes) -> bytes:
    """The body as received; ValueError if the recipe is damaged or asks for more than the payload holds."""
    woven: list[bytes] = []
    place = taken = 0
    while place < len(recipe):
        kind = recipe[place]
        size, place = _read_number(recipe, place + 1)
        count = 1
        if kind == _CHUNKS:
            count, place = _read_number(recipe, place)
        if kind == _LITERAL:
            woven.append(_slice(recipe, place, size))
            place += size
        elif kind == _COPY:
            woven.append(_slice(payload, taken, size))
            taken += size
        elif kind in {_CHUNK, _CHUNKS} and (size or count == 1):
            if size * count > len(payload) - taken:
                raise ValueError("the recipe of the framing asks for more than the payload holds")
            line = b"%x\r\n" % size
            for start in range(taken, taken + size * count, size) if size else (taken,):
                woven += (line, payload[start : start + size], b"\r\n")
            taken += size * count
        else:
            raise ValueError(f"the recipe of the framing holds an unknown step, {kind}")
    woven.append(payload[taken:])
    return b"".join(woven)


def _slice(source: bytes, start: int, size: int) -> bytes:
    if size > len(source) - start:
        raise ValueError("the recipe of the framing ends too soon, or asks for more than the payload holds")
    return source[start : start + size]


def _read_number(recipe: bytes, place: int) -> tuple[int, int]:
    """A number and where it ends."""
    number = 0
    for position, byte in enumerate(recipe[place : place + _LONGEST_NUMBER]):
        number |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            return number, place + position + 1
    raise ValueError("the recipe of the framing breaks off in a number")
