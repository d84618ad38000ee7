"""A program: fetch addresses through a proxy with the guard armed, and print what became of them as JSON lines.

python -m tests.edge.one_check PROXY HOSTS URL…        HOSTS: those that are allowed, with commas between
python -m tests.edge.one_check --leak NAME             no guard, and a look-up: what a leak looks like to a tracer
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys

from watcher.edge.fetch import SocksFetcher
from watcher.edge.guard import Guard
from watcher.ports import Ask


async def main(proxy: str, hosts: str, *urls: str) -> None:
    async with SocksFetcher([proxy], hosts.split(",")) as fetcher:
        guard = Guard()
        guard.arm(fetcher.proxies)
        for url in urls:
            ask = Ask(url=url, mirror=url, isolation="clop", headers={}, timeout_seconds=10)
            last = (await fetcher.fetch(ask))[-1]
            print(json.dumps({"url": url, "status": last.status, "verdict": last.verdict, "why": last.why[:1]}))
        print(json.dumps({"refused": guard.refused}))


if __name__ == "__main__":
    if sys.argv[1] == "--leak":
        try:
            socket.getaddrinfo(sys.argv[2], 80)
        except OSError:
            print(json.dumps({"leaked": sys.argv[2]}))
    else:
        asyncio.run(main(*sys.argv[1:]))
