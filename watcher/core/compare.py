"""How a site's roster and one snapshot of it differ: facts only, no time, no policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watcher.records import Entry, Roster, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What one snapshot shows, in terms of the roster."""

    seen: Mapping[str, Entry] = field(default_factory=dict)
    """Roster key to the entry that it is on the page, in page order; whatever its standing was."""
    added: tuple[Entry, ...] = ()
    """Entries that the roster never had, in page order."""
    missing: tuple[str, ...] = ()
    """Roster keys, listed or missing, that the page lacks, in the roster's order. Of a page that is not complete: empty."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """Roster key to how the new title was recognised: ``link``, ``unmasked``, ``description`` …"""
    changed: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)
    """Roster key to field to old and new value; ``link`` for the address."""


def compare(roster: Roster, snapshot: Snapshot) -> Delta:
    """The difference between what the roster holds and what the snapshot shows."""
    raise NotImplementedError
