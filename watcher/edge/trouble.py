"""What the disk and SQLite complain of, said so that a person can mend it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watcher.errors import StoreDamaged, StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_SQLITE_NO_SHARED_MEMORY = {sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP}  # ftruncate found no room
ROOM = "make room on that disk, or prune old bodies; what was kept is unharmed; watching goes on when there is room"


def of_os(error: OSError, place: Path) -> StoreError:
    """The store's error for what the operating system refused."""
    if error.errno in _FULL:
        return StoreFull(f"no room left to write in {place}", hint=ROOM)
    if error.errno in _FORBIDDEN:
        return StoreError(
            f"{place} cannot be written: {error.strerror}", hint="give this user the right to write there"
        )
    return StoreError(f"{place}: {error.strerror or error}", hint="look at the disk (dmesg, smartctl); restore a copy")


def of_sqlite(error: sqlite3.Error, place: Path) -> StoreError:
    """The store's error for what SQLite refused."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL or extended in _SQLITE_NO_SHARED_MEMORY:
        return StoreFull(f"no room left to write in {place}", hint=ROOM)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{place} is damaged: {error}", hint="restore a copy; watcher verify says what is lost")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{place} cannot be opened: {error}", hint="give this user the right to read and write there")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{place} is held by another program: {error}", hint="close what has it open")
    return StoreError(f"{place}: {error}", hint="look at the disk (dmesg, smartctl); restore a copy")


@contextmanager
def told(place: Path) -> Iterator[None]:
    """Turns what the disk or SQLite refuse into a ``StoreError`` about ``place``."""
    try:
        yield
    except OSError as error:
        raise of_os(error, place) from error
    except sqlite3.Error as error:
        raise of_sqlite(error, place) from error
