"""Ports of loopback for servers that must be told theirs before they listen."""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack, suppress


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on, from below those that the kernel gives to whoever asks for any: nobody else can
    come by one before the server does. RuntimeError if there are not so many."""
    with ExitStack() as stack:
        ports: list[int] = []
        for port in random.sample(range(10_000, 32_000), 50 * count):
            stream = stack.enter_context(socket.socket())
            with suppress(OSError):
                stream.bind(("127.0.0.1", port))
                ports.append(port)
            if len(ports) == count:
                return ports
    raise RuntimeError("there are no free ports on loopback")
