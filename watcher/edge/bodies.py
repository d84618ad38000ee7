"""How bytes lie in the store: as zstd frames, small beside an earlier version, and named by their SHA-256.

A frame is whole (a *keyframe*: any zstd program opens it) or needs one earlier body, its *prefix*. Small frames live in
the ledger, where they cost no block and no rename of their own; large ones are files, ``bodies/ab/ab12….zst``.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from backports.zstd import (
    CompressionParameter,
    ZstdCompressor,
    ZstdDecompressor,
    ZstdDict,
    ZstdError,
    compress,
    decompress,
)

from watcher.edge import trouble
from watcher.edge.durable import sync_folder
from watcher.errors import StoreDamaged

LEVEL = 3
LONG = 2 << 20
"""Above this much together, zstd has to look for matches at long distance, too."""
WINDOW_MIN, WINDOW_MAX = 10, 27
LEAST_PREFIX = 8
"""zstd takes no shorter one."""
RECENT_BYTES = 512 << 10
"""How many bytes of decoded bodies are kept in memory, as the next version's prefix: those of visits under way. Of
sites that are visited by turns each would be gone when its turn comes, were there not those that are packed."""
RECENT_PACKED_BYTES = 1 << 20
"""And of packed ones: of pages of 50 kB some 150."""
MOST_PACKED = 256 << 10
"""A larger one is not packed: that would cost more than it is likely to save."""
QUICK = 1
SMALL = 128 << 10
SMALL_TABLES = 14
"""Up to so much together, tables of 2^14 places find all that larger ones find, and fit where the processor is quick:
zstd would take 768 KiB, and have each page of it from the system, for each small page."""


def pack(payload: bytes, prefix: bytes = b"") -> bytes:
    """The payload as one zstd frame, written so that what it shares with ``prefix`` costs next to nothing."""
    together = len(payload) + len(prefix)
    options: dict[int, int] = {
        CompressionParameter.compression_level: LEVEL,
        # the window must reach back over the whole prefix, or nothing of it is found
        CompressionParameter.window_log: min(WINDOW_MAX, max(WINDOW_MIN, together.bit_length())),
    }
    if together <= SMALL:
        options[CompressionParameter.hash_log] = options[CompressionParameter.chain_log] = SMALL_TABLES
    if together > LONG:
        options[CompressionParameter.enable_long_distance_matching] = 1
    compressor = ZstdCompressor(options=options, zstd_dict=_prefix(prefix))
    compressor.set_pledged_input_size(len(payload))
    return compressor.compress(payload, ZstdCompressor.FLUSH_FRAME)


def unpack(frame: bytes, size: int, prefix: bytes = b"") -> bytes:
    """The ``size`` bytes that were packed; ValueError if the frame does not give exactly those many."""
    decompressor = ZstdDecompressor(zstd_dict=_prefix(prefix))
    try:
        payload = decompressor.decompress(frame, max_length=size + 1)
    except ZstdError as error:
        raise ValueError(str(error)) from error
    if len(payload) != size or not decompressor.eof or decompressor.unused_data:
        raise ValueError(f"{len(payload)} bytes instead of {size}")
    return payload


def _prefix(prefix: bytes) -> tuple[ZstdDict, int] | None:
    return ZstdDict(prefix, is_raw=True).as_prefix if len(prefix) >= LEAST_PREFIX else None


class Recent:
    """A few decoded payloads, the latest used last, within a number of bytes; and packed, each by itself, those that
    were turned out last: to unpack one costs a tenth of following its chain through the ledger."""

    def __init__(self, limit: int = RECENT_BYTES, packed_limit: int = RECENT_PACKED_BYTES) -> None:
        self._limit, self._held = limit, 0
        self._payloads: OrderedDict[int, bytes] = OrderedDict()
        self._packed_limit, self._packed_held = packed_limit, 0
        self._packed: OrderedDict[int, bytes] = OrderedDict()

    def get(self, number: int) -> bytes | None:
        payload = self._payloads.get(number)
        if payload is not None:
            self._payloads.move_to_end(number)
            return payload
        packed = self._packed.pop(number, None)
        if packed is None:
            return None
        self._packed_held -= len(packed)
        payload = decompress(packed)
        self.put(number, payload)
        return payload

    def put(self, number: int, payload: bytes) -> None:
        if number in self._payloads or len(payload) > self._limit:
            return
        self._payloads[number] = payload
        self._held += len(payload)
        while self._held > self._limit:
            oldest, turned_out = self._payloads.popitem(last=False)
            self._held -= len(turned_out)
            if len(turned_out) <= MOST_PACKED:
                self._packed_held -= len(self._packed.pop(oldest, b""))
                self._packed[oldest] = packed = compress(turned_out, QUICK)
                self._packed_held += len(packed)
        while self._packed_held > self._packed_limit:
            self._packed_held -= len(self._packed.popitem(last=False)[1])

    def drop(self, number: int) -> None:
        """Nobody is likely to ask for this one again."""
        self._held -= len(self._payloads.pop(number, b""))
        self._packed_held -= len(self._packed.pop(number, b""))

    def clear(self) -> None:
        self._payloads.clear()
        self._packed.clear()
        self._held = self._packed_held = 0


class Frames(Protocol):
    """Where large frames are kept, each durable before ``write`` returns."""

    alone: bool
    """Only keyframes may be written: no frame may need a prefix."""
    near: bool
    """It is on this machine: asking costs nothing."""

    def prepare(self) -> int:
        """Make ready for the owner; how many leftovers were swept."""

    def write(self, digest: str, frame: bytes) -> None:
        """Keep the frame under its body's digest."""

    def read(self, digest: str) -> bytes:
        """The frame kept under the digest; ``StoreDamaged`` if it is gone."""

    def digests(self) -> set[str]:
        """The digests of all frames."""

    def remove(self, digest: str) -> None:
        """Erase the frame, if it is there."""


class BodyFiles:
    """The frames that are files, each durable before ``write`` returns."""

    alone = False
    near = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._fresh = folder / "new"
        """Where a file is until it is whole: whatever is found here at the start is a leftover."""

    def path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.zst"

    def prepare(self) -> int:
        """Make the folders, sweep what a killed process left half written; how many files were swept."""
        with trouble.told(self.folder):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self._fresh.mkdir(mode=0o700, exist_ok=True)
            leftovers = list(self._fresh.iterdir())
            for leftover in leftovers:
                leftover.unlink()
        return len(leftovers)

    def write(self, digest: str, frame: bytes) -> None:
        """Keep the frame under its body's digest, in place of any other frame for it."""
        path, fresh = self.path(digest), self._fresh / digest
        with trouble.told(path):
            try:
                with open(fresh, "wb", opener=_private) as file:
                    file.write(frame)
                    file.flush()
                    os.fsync(file.fileno())
                if not path.parent.is_dir():
                    path.parent.mkdir(mode=0o700, exist_ok=True)
                    sync_folder(self.folder)
                fresh.rename(path)
                sync_folder(path.parent)
            except OSError:
                with suppress(OSError):
                    fresh.unlink()
                raise

    def read(self, digest: str) -> bytes:
        """The frame kept under the digest; ``StoreDamaged`` if it is gone."""
        path = self.path(digest)
        try:
            return path.read_bytes()
        except FileNotFoundError as error:
            raise StoreDamaged(
                f"body {digest} is gone: {path} does not exist", hint="restore that file from a copy of the store"
            ) from error
        except OSError as error:
            raise trouble.of_os(error, path) from error

    def digests(self) -> set[str]:
        """The digests of all files."""
        with trouble.told(self.folder):
            return {path.name.removesuffix(".zst") for path in self.folder.glob("??/*.zst")}

    def remove(self, digest: str) -> None:
        """Erase the frame, if it is there."""
        path = self.path(digest)
        with trouble.told(path), suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
