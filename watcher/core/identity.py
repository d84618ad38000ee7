"""What an entry is called by: a key that stays the same between captures and never contains the host."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.records import Entry


def fold_title(title: str) -> tuple[str, tuple[str, ...]]:
    """The title as it is compared, and the status words that were taken off it."""
    raise NotImplementedError


def assign_keys(entries: Sequence[Entry], *, base: str = "") -> tuple[Entry, ...]:
    """The entries in the same order, each with a key that is unique on the page.

    The key is, in order: its own link's path and query; an id in the record; its folded title. ``base`` is the address
    of the page, to tell links of the site from links that lead away; without it the links themselves tell.
    """
    raise NotImplementedError


def merge_pages(pages: Sequence[Sequence[Entry]], *, base: str = "") -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    """The entries of a listing read in several pages, keys unique over all of them, and the page each is on.

    An entry that moved to the next page while the pages were read stands on both: it is one entry.
    """
    raise NotImplementedError
