"""Further pages of a listing."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.parse import Document
from watcher.records import Entry


def next_urls(
    document: Document, entries: Sequence[Entry] = (), *, pages: str = "", next_link: str = "", limit: int = 64
) -> tuple[str, ...]:
    """Addresses of further pages of the same listing that this page names: absolute, in order, without itself, on
    the page's own host, never an entry's own page. ``pages`` (``page/{n}/``) and ``next_link``
    (``CSS@attribute``) come from the configuration and replace what would be found by itself."""
    raise NotImplementedError
