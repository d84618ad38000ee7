"""Small files that are there whole, and after a crash, or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path

from watcher.edge import trouble


def put(path: Path, data: bytes, *, private: bool = True) -> None:
    """The data durably in the file, instead of what was there. It is its owner's alone, and so is its folder, which is
    made if it is new; one that is not ``private`` is as files of this user are. Raises ``StoreError``."""
    with trouble.told(path), ExitStack() as otherwise:
        if private:
            path.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        otherwise.callback(Path(name).unlink, missing_ok=True)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if not private:
            os.chmod(name, 0o644 & ~_umask())
        os.replace(name, path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
