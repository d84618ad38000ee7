"""Servers of this package beside code that is not asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

Thing = TypeVar("Thing")


@contextmanager
def run_in_thread(context: AbstractAsyncContextManager[Thing]) -> Iterator[Thing]:
    """What ``context`` enters to, alive on an event loop of its own in a thread, until the block ends.

    ``with run_in_thread(Socks5Proxy(routes)) as proxy: …``. What entering or leaving raises is raised here.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="watcher-testing", daemon=True)
    thread.start()
    try:
        thing = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
        try:
            yield thing
        finally:
            asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()
    finally:
        asyncio.run_coroutine_threadsafe(loop.shutdown_asyncgens(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
