"""Sends everything that this process sends through one SOCKS5 proxy, whatever library it is that sends it.

For a child process that does nothing else (``apprise_worker``): names are never looked up, they get a number of ours
from a range that is no network, and a connection to that number becomes a request for the name to the
proxy. The guard stands behind it and lets nothing but the proxy through; what is no TCP is refused by it.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from watcher.edge.guard import Guard
from watcher.edge.proxy import REPLIES, Proxy

FIRST = {socket.AF_INET: ip_address("240.0.0.1"), socket.AF_INET6: ip_address("100::1:0:0:1")}
"""Where our numbers begin: reserved ranges that lead nowhere (RFC 1112, RFC 6666)."""
GRANTED, NO_METHOD, PASSWORD = 0x00, 0xFF, 0x02
IPV4, NAME, IPV6 = 1, 3, 4
HANDSHAKE_SECONDS = 45.0
WEB = {"http": 80, "https": 443}
"""Ports by name: a small machine has no list of them (``/etc/services``)."""


class Refused(ConnectionError):  # noqa: N818 - the name says what happened, as OSError's children do
    """The proxy did not lead there; ``str`` says why, and never where."""


class OnlyProxy:
    """Everything through ``proxy`` from ``take_over`` on; there is no way back."""

    def __init__(self, proxy: Proxy, credentials: tuple[str, str]) -> None:
        self.guard = Guard()
        self.trouble = ""
        """Why the last connection failed, in words that hold no secret."""
        self._proxy, self._credentials = proxy, credentials
        self._names: dict[str, str] = {}
        """Name to its number."""
        self._hosts: dict[str, str] = {}
        self._family = socket.AF_INET6 if ":" in proxy.host else socket.AF_INET
        self._first = FIRST[self._family]
        self._connect: Callable[[socket.socket, Any], None] = socket.socket.connect

    def take_over(self) -> None:
        """From now on sockets lead through the proxy, and names are the proxy's business."""
        self.guard.arm([(self._proxy.host, self._proxy.port)])
        self._connect = socket.socket.connect
        replaced: dict[str, Any] = {
            "getaddrinfo": self._getaddrinfo,
            "gethostbyname": self._number_of,
            # what this machine is called concerns nobody
            "gethostname": lambda: "localhost",
            "getfqdn": lambda name="": name or "localhost.localdomain",
        }
        for name, value in replaced.items():
            setattr(socket, name, value)

        def connect(sock: socket.socket, address: Any) -> None:
            self._lead(sock, address)

        def connect_ex(sock: socket.socket, address: Any) -> int:
            try:
                self._lead(sock, address)
            except OSError as error:
                return error.errno or -1
            return 0

        for name, method in (("connect", connect), ("connect_ex", connect_ex)):
            setattr(socket.socket, name, method)

    # --------------------------------------------------------------------------------------------------- names

    def _number_of(self, host: str) -> str:
        """The number that stands for a host here, in the family of the proxy's address."""
        name = host.rstrip(".").lower()
        if name not in self._names:
            number = str(ip_address(int(self._first) + len(self._names)))
            self._names[name], self._hosts[number] = number, name
        return self._names[name]

    def _getaddrinfo(
        self, host: str | bytes | None, port: str | int | None, *hints: int, **more_hints: int
    ) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        """As ``socket.getaddrinfo``: one answer, for TCP or whatever kind of socket was asked for."""
        name = host.decode("idna") if isinstance(host, bytes) else host or "localhost"
        place = port or 0
        if isinstance(place, str):
            place = int(place) if place.isdigit() else WEB.get(place) or socket.getservbyname(place)
        kind = more_hints.get("type") or (hints[1] if len(hints) > 1 else 0) or socket.SOCK_STREAM
        return [(self._family, kind, socket.IPPROTO_TCP, "", (self._number_of(name), place))]

    # --------------------------------------------------------------------------------------------- connections

    def _lead(self, sock: socket.socket, address: Any) -> None:
        """Connect to the proxy, and ask it for the address; what is no TCP goes the guarded way, to its end."""
        if sock.family != self._family or sock.type != socket.SOCK_STREAM:
            self._connect(sock, address)
            return
        host = self._hosts.get(str(address[0]), str(address[0]))
        before = sock.gettimeout()
        try:
            sock.settimeout(min(before or HANDSHAKE_SECONDS, HANDSHAKE_SECONDS))
            self._connect(sock, (self._proxy.host, self._proxy.port))
            _ask(sock, host, int(address[1]), self._credentials)
        except TimeoutError:
            self.trouble = "the proxy did not get there in time"
            raise
        except Refused as error:
            self.trouble = str(error)
            raise
        except OSError as error:
            self.trouble = f"the proxy does not answer: {error.strerror or type(error).__name__}"
            raise
        finally:
            sock.settimeout(before)


def _ask(sock: socket.socket, host: str, port: int, credentials: tuple[str, str]) -> None:
    """Nothing, once the proxy has led there (RFC 1928, RFC 1929). Raises Refused."""
    user, password = (one.encode() for one in credentials)
    sock.sendall(b"\x05\x02\x00\x02" if user else b"\x05\x01\x00")
    method = _read(sock, 2)
    if method[0] != 5 or method[1] == NO_METHOD:
        raise Refused("the proxy refuses us")
    if method[1] == PASSWORD:
        sock.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        if _read(sock, 2)[1] != GRANTED:
            raise Refused("the proxy refuses our user name and password")
    try:
        number = ip_address(host)
        place = bytes([IPV4 if number.version == 4 else IPV6]) + number.packed
    except ValueError:
        name = host.encode("idna")
        place = bytes([NAME, len(name)]) + name
    sock.sendall(b"\x05\x01\x00" + place + struct.pack(">H", port))
    reply = _read(sock, 4)
    if reply[1] != GRANTED:
        raise Refused(REPLIES.get(reply[1], f"the proxy answered {reply[1]:02X}"))
    rest = {IPV4: 4, IPV6: 16}.get(reply[3])
    _read(sock, (_read(sock, 1)[0] if rest is None else rest) + 2)


def _read(sock: socket.socket, size: int) -> bytes:
    """So many bytes, and not one more."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise Refused("the proxy hung up before it answered")
        data += piece
    return data
