"""Small files of the store that are there whole, and after a crash, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from watcher.edge import trouble


def put(path: Path, data: bytes) -> None:
    """The data durably in the file, instead of what was there; its folder, if it is new, is its owner's alone. Raises
    ``StoreError``."""
    with trouble.told(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
