"""Content coding taken off a payload: bounded, and whole only if the decoder says that it came to its end.

A truncated gzip or Brotli stream gives a shorter page and no error in most clients, and a shorter page is what a
withdrawal looks like. So every decoder here must reach its own end mark (RFC 1952, RFC 1950, RFC 7932, RFC 8878).
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MOST_LAYERS = 4
"""Nobody codes a page more often; a list of thousands is an attack."""
MOST_STREAMS = 1_000
"""Members of one gzip body; more are an attack on our time."""
_STEP = 65_536
_WINDOW_LOG_MAX = 23
"""8 MiB: what RFC 9659 lets a server ask of a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A body without its content coding."""

    body: bytes
    """All that could be decoded."""
    cut: str = ""
    """Why that is not all: ``gzip-cut`` (it stops before its end), ``gzip-damaged`` …, ``limit``, ``unknown-coding:x``,
    ``too-many-codings``; empty: it is."""


def decode(payload: bytes, headers: Sequence[tuple[str, str]], limit: int) -> Decoded:
    """The body in ``payload``: every coding that the headers name taken off, the last applied first; at most ``limit``
    bytes. What is decoded of a damaged payload is
    kept; a payload in an unknown coding is left as it is."""
    body, cut = payload, ""
    codings = _codings(headers)
    if not payload or not codings:
        return Decoded(body=payload[:limit], cut="limit" if len(payload) > limit else "")
    if len(codings) > MOST_LAYERS:
        return Decoded(body=payload[:limit], cut="too-many-codings")
    for coding in reversed(codings):
        undo = _DECODERS.get(coding)
        if undo is None:
            return Decoded(body=body[:limit], cut=f"unknown-coding:{coding[:40]}")
        body, why = undo(body, limit)
        cut = cut or why
    return Decoded(body=body, cut=cut)


def _codings(headers: Sequence[tuple[str, str]]) -> list[str]:
    """Codings in the order in which they were applied: of the content, then of the transfer without its chunks."""
    named = [
        word.strip().lower()
        for wanted in ("content-encoding", "transfer-encoding")
        for key, value in headers
        if key.strip().lower() == wanted
        for word in value.split(",")
    ]
    return [word for word in named if word not in {"", "identity", "chunked"}]


class _Decoder(Protocol):
    """One stream's decoder, in the words of ``compression.zstd`` and ``bz2``."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


class _Zlib:
    """``zlib.decompressobj`` in those words."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(window_bits)

    @property
    def eof(self) -> bool:
        return self._decoder.eof

    @property
    def needs_input(self) -> bool:
        return not self._decoder.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._decoder.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._decoder.decompress(self._decoder.unconsumed_tail + data, max_length)


class _Brotli:
    """``brotli.Decompressor`` in those words. It takes bytes after its end for damage, and we with it."""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def eof(self) -> bool:
        return bool(self._decoder.is_finished())

    @property
    def needs_input(self) -> bool:
        return bool(self._decoder.can_accept_more_data())

    @property
    def unused_data(self) -> bytes:
        return b""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return bytes(self._decoder.process(data, output_buffer_limit=max_length))


def _zstd() -> _Decoder:
    return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX})


def _stream(name: str, make: Callable[[], _Decoder], payload: bytes, start: int, limit: int) -> tuple[bytes, str, int]:
    """What the stream at ``start`` holds, why that is not all, and where the stream ends."""
    decoder, out, size, place = make(), list[bytes](), 0, start
    try:
        while not decoder.eof:
            hungry = decoder.needs_input
            data = payload[place : place + _STEP] if hungry else b""
            place += len(data)
            piece = decoder.decompress(data, min(_STEP, limit - size + 1))
            out.append(piece)
            size += len(piece)
            if size > limit:
                out[-1] = piece[: limit - size]
                return b"".join(out), "limit", place
            if hungry and not data and not piece:
                return b"".join(out), f"{name}-cut", place
    except (zlib.error, brotli.error, zstd.ZstdError):
        return b"".join(out), f"{name}-damaged", place
    return b"".join(out), "", place - len(decoder.unused_data)


def _streams(name: str, make: Callable[[], _Decoder], magic: bytes, payload: bytes, limit: int) -> tuple[bytes, str]:
    """The streams that follow one another from the start on; what is behind them and is none is passed over, as
    browsers do."""
    bodies, room, cut, place = list[bytes](), limit, "", 0
    for _ in range(MOST_STREAMS):
        body, cut, place = _stream(name, make, payload, place, room)
        bodies.append(body)
        room -= len(body)
        if cut or not payload.startswith(magic, place):
            return b"".join(bodies), cut
    return b"".join(bodies), "limit"


def _gzip(payload: bytes, limit: int) -> tuple[bytes, str]:
    """RFC 1952 section 2.2: one member or several."""
    return _streams("gzip", lambda: _Zlib(31), b"\x1f\x8b", payload, limit)


def _zst(payload: bytes, limit: int) -> tuple[bytes, str]:
    """RFC 8878 section 3: one frame or several."""
    return _streams("zstd", _zstd, b"\x28\xb5\x2f\xfd", payload, limit)


def _deflate(payload: bytes, limit: int) -> tuple[bytes, str]:
    """With the zlib header (RFC 9110 section 8.4.1.2), or, as many servers send it, without."""
    wrapped = len(payload) < 2 or (payload[0] & 0x0F == 8 and int.from_bytes(payload[:2], "big") % 31 == 0)
    return _stream("deflate", lambda: _Zlib(15 if wrapped else -15), payload, 0, limit)[:2]


def _br(payload: bytes, limit: int) -> tuple[bytes, str]:
    return _stream("br", _Brotli, payload, 0, limit)[:2]


_DECODERS: dict[str, Callable[[bytes, int], tuple[bytes, str]]] = {
    "gzip": _gzip, "x-gzip": _gzip, "deflate": _deflate, "br": _br, "zstd": _zst,
}  # fmt: skip
