"""The web page beside a watcher that runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from watcher.config import Settings


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[None]:
    """The web page, if the settings have a ``[web]``, until the block ends. Raises WatcherError if it cannot listen
    there."""
    if settings.web is None:
        yield
        return
    from watcher.web.app import serve  # a quarter of a second to import, for those alone who want it

    async with serve(settings) as address:
        structlog.get_logger("watcher").info("serving", address=address)
        yield
