"""``watcher verify``: whatever stands at a path, check by check."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from watcher.core import fleet_bundle, wacz
from watcher.core.checks import CheckResult
from watcher.edge.index_copies import copies
from watcher.edge.verify_bundle import verify_bundle
from watcher.edge.verify_fleet import verify_fleet
from watcher.errors import EvidenceError, UnreadableError, UsageError

__all__ = ["verify", "verify_bundle"]


def verify(
    path: Path, *, keys: Sequence[str] = (), roots: Path | None = None, held: Path | None = None
) -> list[CheckResult]:
    """Every check of the bundle or store at ``path``; ``UnreadableError`` if it is neither. ``keys`` are those that the
    user trusts: several, for what several vantages signed."""
    pem = None if roots is None else _read(roots)
    kept = None if held is None else _read(held)
    if path.is_dir():
        from watcher.edge.verify_store import verify_store

        if copies(path):
            from watcher.edge.verify_index import verify_index

            return verify_index(path, keys=keys, roots=pem, held=kept)
        return verify_store(path, key=_only(keys), roots=pem, held=kept)
    data = _read(path)
    if _is_fleet(data):
        return verify_fleet(data, keys=keys, roots=pem, held=kept)
    return verify_bundle(data, keys=keys, roots=pem, held=kept)


def _is_fleet(data: bytes) -> bool:
    try:
        return fleet_bundle.is_fleet(wacz.unpack(data))
    except EvidenceError:
        return False  # and the checks of a bundle say what is wrong with it


def _only(keys: Sequence[str]) -> str | None:
    if len(keys) > 1:
        raise UsageError("several keys, and only one vantage signed this", hint="name the one key that you trust")
    return keys[0] if keys else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{path} cannot be read: {error.strerror}", hint="name a bundle or a store") from error
