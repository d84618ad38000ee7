"""One owner a store: an advisory lock that the kernel lets go of when its process ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from watcher.edge import trouble
from watcher.errors import StoreBusy

NAME = "lock"


class Lock:
    """The ownership of a store, from ``Lock.take`` to ``release``."""

    def __init__(self, path: Path, handle: int) -> None:
        self.path = path
        self._handle = handle
        _held.add(self)

    @classmethod
    def take(cls, folder: Path) -> Self:
        """The lock of the store in ``folder``; ``StoreBusy`` names who has it."""
        path = folder / NAME
        with trouble.told(path):
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            line = f"pid {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
            os.ftruncate(handle, 0)
            os.pwrite(handle, line.encode(), 0)
        except OSError as error:
            owner = os.pread(handle, 300, 0).decode("utf-8", "replace").strip()
            os.close(handle)
            if not isinstance(error, BlockingIOError):
                raise trouble.of_os(error, path) from error
            raise StoreBusy(
                f"the store {folder} is in use by another watcher ({owner or 'it does not say which'})",
                hint="stop that one first, or name another store; reading (events, captures …) works meanwhile",
            ) from error
        return cls(path, handle)

    def release(self) -> None:
        """Let another process own the store."""
        if self in _held:
            _held.discard(self)
            with suppress(OSError):  # the disk may be gone; the lock goes all the same
                os.ftruncate(self._handle, 0)
            os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def _drop_in_child(self) -> None:
        os.close(self._handle)


_held: set[Lock] = set()


def _drop_in_child() -> None:
    """A forked child does not own the store: if it outlives us, the store must be free all the same."""
    for lock in _held:
        lock._drop_in_child()
    _held.clear()


os.register_at_fork(after_in_child=_drop_in_child)
