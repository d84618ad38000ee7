"""What the disk and SQLite complain of, said so that a person can mend it."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from watcher.errors import StoreDamaged, StoreError, StoreFull

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
_ANOTHER_THING = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
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
    if error.errno in _ANOTHER_THING:
        return StoreError(f"{place}: {error.strerror}", hint="name another [watcher] store, or move what is there")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StoreError(f"{place}: {error.strerror}", hint="let it open more files: ulimit -n, or LimitNOFILE=")
    return StoreError(f"{place}: {error.strerror or error}", hint="look at the disk (dmesg, smartctl); restore a copy")


def of_sqlite(error: sqlite3.Error | UnicodeDecodeError, place: Path) -> StoreError:
    """The store's error for what SQLite refused, or holds as text that is none."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code == sqlite3.SQLITE_FULL or extended in _SQLITE_NO_SHARED_MEMORY:
        return StoreFull(f"no room left to write in {place}", hint=ROOM)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or isinstance(error, UnicodeDecodeError):
        return StoreDamaged(f"{place} is damaged: {error}", hint="restore a copy; watcher verify says what is lost")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(f"{place} cannot be opened: {error}", hint="give this user the right to read and write there")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(f"{place} is held by another program: {error}", hint="close what has it open")
    return StoreError(f"{place}: {error}", hint="look at the disk (dmesg, smartctl); restore a copy")


class _Told:
    def __init__(self, place: Path) -> None:
        self._place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise of_os(error, self._place) from error
        if isinstance(error, sqlite3.Error | UnicodeDecodeError):
            raise of_sqlite(error, self._place) from error


def told(place: Path) -> AbstractContextManager[None]:
    """Turns what the disk or SQLite refuse into a ``StoreError`` about ``place``."""
    return _Told(place)  # a class: every job of the writer enters one, and generators cost three times as much
