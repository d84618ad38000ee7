"""A guard over the whole process: no connection, no datagram and no name look-up but to the proxy.

The last line of four: the fetcher refuses hosts that are not configured, the connector checks again, Tor may be told
``OnionTrafficOnly``, and whatever still tries to go past the proxy, from any library and any thread, is refused here
with ``LeakError``, before a packet leaves.

What it stands on: Python's audit events (PEP 578) for connections, datagrams and look-ups; and, since ``_socket`` looks
a host *name* up before it raises the event, a check in front of the socket's methods. What it cannot see is code that
calls the C library by itself: extension modules (uvloop, pycares) and child processes. Those must not be used, or be
held by other means; ``arm`` refuses to work beside uvloop.
"""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address
from typing import Any, Self

from watcher.errors import LeakError

_LOOK_UPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_REVERSE_LOOK_UPS = frozenset({"socket.gethostbyaddr", "socket.getnameinfo"})
_SENDS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})
_ON_THIS_MACHINE = frozenset(
    getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK", "AF_ALG") if hasattr(socket, name)
)
_HINT = "nothing was sent; this is a fault of the program or of a library it uses: report it"

_armed: list[Guard] = []
"""The guards on duty. An audit hook cannot be taken off, so there is one, and it asks here."""


class Guard:
    """Refuses every connection and look-up but to allowed addresses, while it is armed."""

    def __init__(self) -> None:
        self._allowed: frozenset[tuple[str, int]] = frozenset()
        self.refused = 0
        """How often it had to step in."""

    def arm(self, allowed: Iterable[tuple[str, int]]) -> Self:
        """From now on, or while a block lasts, only these addresses are reached: numeric hosts (``proxy.resolve`` makes
        them so) and ports."""
        if "uvloop" in sys.modules:
            raise LeakError("the guard cannot see what uvloop does", hint="run without uvloop")
        self._allowed = frozenset(_plain(address) for address in allowed)
        _install()
        if self not in _armed:
            _armed.append(self)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.disarm()

    def allow(self, *addresses: tuple[str, int]) -> None:
        """These addresses, too: a listener of our own, say."""
        self._allowed |= {_plain(address) for address in addresses}

    def disarm(self) -> None:
        """Refuse nothing more."""
        if self in _armed:
            _armed.remove(self)

    def check(self, family: int, address: Any) -> None:
        """Nothing, if a packet may be sent there; else LeakError. A host that is a name is refused unread."""
        if address is None or family in _ON_THIS_MACHINE:  # None: to where the socket is connected already
            return
        try:
            is_allowed = family in _INTERNET and _plain(address) in self._allowed
        except (ValueError, TypeError, IndexError):
            is_allowed = False
        if not is_allowed:
            self._refuse(f"a connection to {address!r:.100} was refused: it is not the proxy")

    def check_name(self, host: Any) -> None:
        """Nothing, if asking for this host sends no packet: it is a number, or this machine; else LeakError."""
        name = host[0] if isinstance(host, tuple) else host
        text = name.decode("latin-1") if isinstance(name, bytes | bytearray) else name
        if text in {None, "", "localhost"}:
            return
        try:
            ip_address(str(text).partition("%")[0])
        except ValueError:
            self._refuse(f"the name {text!r:.100} was not looked up: names are the proxy's business")

    def check_number(self, address: Any) -> None:
        """LeakError: what name a number has, only the network knows."""
        self._refuse(f"the name of {address!r:.100} was not looked up: names are the proxy's business")

    def _refuse(self, message: str) -> None:
        self.refused += 1
        raise LeakError(message, hint=_HINT)


def _plain(address: tuple[Any, ...]) -> tuple[str, int]:
    """Host and port in the form in which they are compared; ValueError for a name."""
    host, port = address[0], address[1]
    number = ip_address((host.decode("ascii") if isinstance(host, bytes) else host).partition("%")[0])
    mapped = number.ipv4_mapped if isinstance(number, IPv6Address) else None
    return str(mapped or number), int(port)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _armed or not event.startswith("socket."):
        return
    if event in _SENDS:
        for guard in _armed:
            guard.check(arguments[0].family, arguments[1])
    elif event in _LOOK_UPS:
        for guard in _armed:
            guard.check_name(arguments[0])
    elif event in _REVERSE_LOOK_UPS:
        for guard in _armed:
            guard.check_number(arguments[0])


@functools.cache
def _install() -> None:
    """Once in a process: the hook, and the checks in front of the methods that look names up by themselves."""
    sys.addaudithook(_audit)
    for name, place in (("connect", 0), ("connect_ex", 0), ("sendto", -1), ("sendmsg", 3), ("bind", 0)):
        setattr(socket.socket, name, _checked(getattr(socket.socket, name), place, is_bind=name == "bind"))


def _checked(method: Callable[..., Any], place: int, *, is_bind: bool) -> Callable[..., Any]:
    """The socket's method, with the address among its arguments looked at first."""

    @functools.wraps(method)
    def checked(sock: socket.socket, *arguments: Any) -> Any:
        if _armed and sock.family in _INTERNET and -len(arguments) <= place < len(arguments):
            address = arguments[place]
            for guard in _armed:
                if is_bind:  # binding sends nothing, but looks a name up
                    guard.check_name(address)
                else:
                    guard.check(sock.family, address)
        return method(sock, *arguments)

    return checked
