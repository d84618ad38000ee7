"""Every connection of a process over one proxy: names get numbers, and what the proxy answers is told in words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network

import pytest

from watcher.edge.apprise_worker import Facts
from watcher.edge.only_proxy import OnlyProxy, Refused
from watcher.edge.proxy import REPLIES, Proxy
from watcher.testing.background import run_in_thread
from watcher.testing.socks5 import Conduct, Socks5Proxy

HOST = "hooks.example"
Talk = Callable[[socket.socket], None]


@contextmanager
def talking(talk: Talk, family: socket.AddressFamily = socket.AF_INET) -> Iterator[int]:
    """A port where this is done with the one connection that comes."""
    with socket.create_server(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0), family=family) as server:

        def serve() -> None:
            with server.accept()[0] as connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            thread.join(10)


def saying(*parts: bytes) -> Talk:
    """Answers what it reads with these, one after the other, and hangs up."""

    def talk(connection: socket.socket) -> None:
        for part in parts:
            connection.recv(1000)
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass

    return talk


def out(port: int, credentials: tuple[str, str] = ("alert-x", "watcher"), host: str = "127.0.0.1") -> OnlyProxy:
    """The way out, of which nothing was put into this process: it is asked to lead by the tests."""
    return OnlyProxy(Proxy(host=host, port=port), credentials)


def led(way: OnlyProxy, address: tuple[str, int]) -> str:
    """Why it did not get there; empty if it did."""
    with socket.socket(way._family) as sock:
        sock.settimeout(60)
        try:
            way._lead(sock, address)
        except OSError as error:
            assert sock.gettimeout() == 60
            return str(error)
        assert sock.gettimeout() == 60, "whoever made the socket said how long it waits"
        return ""


@pytest.mark.parametrize(("code", "sentence"), [*REPLIES.items(), (0x7E, "the proxy answered 7E")])
def test_each_reply_of_the_proxy_has_its_sentence(code: int, sentence: str) -> None:
    with run_in_thread(Socks5Proxy({HOST: ("127.0.0.1", 1)})) as proxy:
        proxy.misbehave(HOST, Conduct(code=code))
        way = out(proxy.port)
        number = way._number_of(HOST)
        assert led(way, (number, 443)) == way.trouble == sentence
        (asked,) = proxy.requests
    assert (asked.host, asked.port, asked.credentials) == (HOST, 443, ("alert-x", "watcher"))
    assert Facts(way).words() == sentence


@pytest.mark.parametrize(
    ("talk", "says"),
    [
        (saying(b"\x05\xff"), "the proxy refuses us"),
        (saying(b"HT"), "the proxy refuses us"),
        (saying(b"\x05\x02", b"\x01\x01"), "the proxy refuses our user name and password"),
        (saying(b"\x05"), "the proxy hung up before it answered"),
        (saying(b"\x05\x02", b"\x01\x00", b"\x05\x00\x00"), "the proxy hung up before it answered"),
        (saying(b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00"), "the proxy hung up"),
        (saying(b""), "the proxy hung up before it answered"),
    ],
)
def test_what_is_no_use_as_a_proxy_is_told_in_words(talk: Talk, says: str) -> None:
    with talking(talk) as port:
        way = out(port)
        assert led(way, (HOST, 443)).startswith(says)
    assert way.trouble.startswith(says)


def test_a_proxy_that_is_not_there() -> None:
    way = out(1)
    assert led(way, (HOST, 443))
    assert way.trouble == "the proxy does not answer: Connection refused"
    assert Facts(way).words() == way.trouble


@pytest.mark.parametrize(
    ("bound", "length"),
    [(b"\x01" + bytes(4), 4), (b"\x04" + bytes(16), 16), (b"\x03\x05abcde", 6), (b"\x03\x00", 1)],
)
def test_not_one_byte_of_the_services_own_is_swallowed(bound: bytes, length: int) -> None:
    """Whatever address the proxy says it bound: what follows it is the service's."""
    assert len(bound) == 1 + length
    asked: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x05\x00")
        asked.append(connection.recv(1000))
        connection.sendall(b"\x05\x00\x00" + bound + b"\x1f\x90" + b"220 mail.example")

    with talking(talk) as port, socket.socket() as sock:
        way = out(port, ("", ""))
        way._lead(sock, (HOST, 25))
        assert sock.recv(1000) == b"220 mail.example"
    assert asked == [b"\x05\x01\x00\x03\x0d" + HOST.encode() + b"\x00\x19"]
    assert way.trouble == ""


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("192.0.2.7", b"\x01\xc0\x00\x02\x07"),
        ("2001:db8::7", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x07"),
        ("bücher.example", b"\x03\x15xn--bcher-kva.example"),
    ],
)
def test_numbers_and_foreign_letters_are_asked_for_as_such(host: str, place: bytes) -> None:
    asked: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"\x05\x00")
        asked.append(connection.recv(1000))
        connection.sendall(b"\x05\x04\x00\x01" + bytes(6))

    with talking(talk) as port:
        assert led(out(port, ("", "")), (host, 443)) == REPLIES[4]
    assert asked == [b"\x05\x01\x00" + place + b"\x01\xbb"]


def test_a_name_has_one_number_which_is_nobodys() -> None:
    way, other = out(1), out(1, host="::1")
    first, second = way._number_of("Hooks.Example."), way._number_of("mail.example")
    assert (first, second) == ("240.0.0.1", "240.0.0.2")
    assert way._number_of("hooks.example") == first
    assert ip_address(other._number_of("hooks.example")) in ip_network("100::/64")
    assert way._getaddrinfo("hooks.example", "https") == [
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (first, 443))
    ]
    assert way._getaddrinfo(b"mail.example", "25")[0][4] == (second, 25)
    assert way._getaddrinfo(None, None)[0][4] == (way._number_of("localhost"), 0)
    assert way._getaddrinfo("x.example", 53, 0, socket.SOCK_DGRAM)[0][1] == socket.SOCK_DGRAM
    assert way._getaddrinfo("x.example", 53, type=socket.SOCK_DGRAM)[0][1] == socket.SOCK_DGRAM
    with pytest.raises(OSError, match="not found"):
        way._getaddrinfo("x.example", "no-such-service")


def test_an_ipv6_proxy_leads_too() -> None:
    with talking(saying(b"\x05\xff"), socket.AF_INET6) as port:
        way = out(port, host="::1")
        with socket.socket(socket.AF_INET6) as sock, pytest.raises(Refused):
            way._lead(sock, (way._number_of(HOST), 443))


def test_why_a_message_did_not_arrive_the_nearest_cause_first() -> None:
    """The proxy, before the guard, TLS, the service and the mail server; nothing outlives a message."""
    way = out(1)
    facts = Facts(way)
    facts.clear()
    assert facts.words() == "the service did not take it"
    facts.mail = 250
    facts.status = 204
    assert facts.words() == "the service did not take it"
    facts.mail = 550
    assert facts.words() == "the mail server answered with code 550"
    facts.status = 403
    assert facts.words() == "the service answered with status 403"
    facts.tls = "self-signed certificate"
    assert facts.words().endswith("no TLS is spoken there: self-signed certificate")
    way.guard.refused += 1
    assert "does not go through a SOCKS proxy" in facts.words()
    way.trouble = REPLIES[0xF2]
    assert facts.words() == REPLIES[0xF2]
    facts.clear()
    assert facts.words() == "the service did not take it"
