"""Nothing goes past the proxy: refused in the process, and shown from outside by a tracer and a network of its own."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.edge.hostile import ONION, behind_proxy
from watcher.edge.guard import Guard
from watcher.errors import LeakError

# a library whose connection is refused with an error that is no OSError drops its socket without closing it
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
PROXY = ("127.0.0.1", 9)
"""Nobody listens there: a connection is refused by the kernel, which shows that the guard let it through."""


@pytest.fixture
def guard() -> Iterator[Guard]:
    guard = Guard()
    guard.arm([PROXY])
    yield guard
    guard.disarm()
    gc.collect()


def test_the_proxy_is_let_through(guard: Guard) -> None:
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(PROXY)
    with socket.socket() as sock:
        assert sock.connect_ex(PROXY)
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(ConnectionRefusedError):
        sock.connect(("::ffff:127.0.0.1", 9))
    assert guard.refused == 0


@pytest.mark.parametrize("address", [("127.0.0.1", 80), ("192.0.2.1", 9), ("leak.example", 9), ("", 9), ("127.1", 9)])
def test_every_other_address_is_refused(guard: Guard, address: tuple[str, int]) -> None:
    with socket.socket() as sock:
        with pytest.raises(LeakError, match="refused"):
            sock.connect(address)
        with pytest.raises(LeakError):
            sock.connect_ex(address)
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        with pytest.raises(LeakError):
            sock.sendto(b"x", address)
        with pytest.raises(LeakError):
            sock.sendto(b"x", 0, address)
        with pytest.raises(LeakError):
            sock.sendmsg([b"x"], [], 0, address)
    assert guard.refused == 5


def test_ipv6_and_other_families_are_refused(guard: Guard) -> None:
    with socket.socket(socket.AF_INET6) as sock, pytest.raises(LeakError):
        sock.connect(("2001:db8::1", 9))
    with pytest.raises(LeakError):
        guard.check(socket.AF_PACKET, ("eth0", 0x0800))


def test_names_are_not_looked_up(guard: Guard) -> None:
    for look_up in (
        lambda: socket.getaddrinfo("leak.example", 80),
        lambda: socket.getaddrinfo(b"leak.example", 80),
        lambda: socket.gethostbyname("leak.example"),
        lambda: socket.gethostbyname_ex("leak.example"),
        lambda: socket.gethostbyaddr("192.0.2.1"),
        lambda: socket.getnameinfo(("192.0.2.1", 80), 0),
        lambda: socket.create_connection(("leak.example", 80)),
        lambda: urllib.request.urlopen("http://leak.example/"),
        lambda: socket.socket(type=socket.SOCK_DGRAM).bind(("leak.example", 0)),
    ):
        with pytest.raises(LeakError):
            look_up()
    assert guard.refused == 9


def test_what_sends_nothing_is_let_through(guard: Guard, tmp_path: Path) -> None:
    assert socket.getaddrinfo("192.0.2.1", 80)
    assert socket.getaddrinfo("fe80::1%1", 80)
    assert socket.getaddrinfo(None, 0)
    assert socket.getaddrinfo("localhost", 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        client.connect(str(tmp_path / "s"))
    assert guard.refused == 0


async def test_asyncio_is_held_too(guard: Guard) -> None:
    for connect in (
        asyncio.open_connection("leak.example", 80),
        asyncio.open_connection("192.0.2.1", 80),
        asyncio.get_running_loop().getaddrinfo("leak.example", 80),
        asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 53)),
    ):
        with pytest.raises(LeakError):
            await connect


def test_other_threads_are_held_too(guard: Guard) -> None:
    caught: list[BaseException] = []

    def leak() -> None:
        try:
            socket.create_connection(("192.0.2.1", 80))
        except LeakError as error:
            caught.append(error)

    thread = threading.Thread(target=leak)
    thread.start()
    thread.join()
    assert len(caught) == 1
    assert caught[0].hint  # type: ignore[attr-defined]


def test_it_can_be_widened_changed_and_taken_off(guard: Guard) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        own = listener.getsockname()
        with pytest.raises(LeakError):
            socket.create_connection(own)
        guard.allow(own)
        socket.create_connection(own).close()
        guard.arm([PROXY])
        with pytest.raises(LeakError):
            socket.create_connection(own)
        guard.disarm()
        guard.disarm()
        socket.create_connection(own).close()


def test_only_numbers_can_be_allowed() -> None:
    with pytest.raises(ValueError, match=r"proxy\.example"):
        Guard().arm([("proxy.example", 9050)])


def test_it_does_not_work_beside_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", sys)
    with pytest.raises(LeakError, match="uvloop"):
        Guard().arm([PROXY])


# ------------------------------------------------------------------------------------------------- seen from outside

ASTRAY = [
    "http://leaks.example/", "http://127.0.0.1:1/", "https://192.0.2.7/", "//evil.example/x", "http://[2001:db8::1]/",
    "http://localhost:2/", "ftp://evil.example/", "file:///etc/passwd", "http://2130706433/", "http://sub.evil.example",
]  # fmt: skip
PAGE = (
    b"HTTP/1.1 200 OK\r\nLink: <http://evil.example/x.css>; rel=preload\r\nRefresh: 0; url=http://evil.example/\r\n\r\n"
    b"<link rel=preconnect href=http://evil.example><meta http-equiv=refresh content='0;url=http://evil.example/'>"
    b"<img src=http://192.0.2.9/><script src=//evil.example/x.js></script><iframe src=http://127.0.0.1:1/></iframe>"
)
ANSWERS = (PAGE, *(f"HTTP/1.1 302 Moved\r\nLocation: {place}\r\n\r\n".encode() for place in ASTRAY))
TRACE = ["-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-e", "signal=none"]


def endpoints(trace: str) -> set[tuple[str, int]]:
    """Every internet address that a traced program sent anything to."""
    found = re.findall(r'sin6?_port=htons\((\d+)\).*?inet_(?:addr\(|pton\(AF_INET6, )"([^"]+)"', trace)
    return {(host, int(port)) for port, host in found}


def needs(*programs: str) -> None:
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}: apt-get install {program}")


async def run(*command: str) -> list[dict[str, object]]:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return [json.loads(line) for line in out.splitlines()]


async def check_hostile_pages(*before: str) -> tuple[list[dict[str, object]], tuple[str, int]]:
    """What a program of its own, started behind the command ``before``, makes of a page and redirects that lead away;
    and where its proxy was."""
    async with behind_proxy(*ANSWERS) as (server, proxy):
        urls = [f"http://{ONION}/{number}" for number in range(len(ANSWERS))]
        module = [sys.executable, "-m", "tests.edge.one_check", proxy.url, ONION]
        results = await run(*before, *module, *urls, "http://evil.example/", "http://127.0.0.1:1/")
        assert len(server.requests) == len(ANSWERS)
        assert {request.host for request in proxy.requests} == {ONION}
        return results, ("127.0.0.1", proxy.port)


def assert_nothing_led_astray(results: list[dict[str, object]]) -> None:
    page, *refused, count = results
    assert page["status"] == 200
    assert [result["verdict"] for result in refused] == ["refused"] * (len(ASTRAY) + 2)
    assert count == {"refused": 0}  # nothing even tried


async def test_a_tracer_sees_no_connection_but_to_the_proxy(tmp_path: Path) -> None:
    needs("strace")
    trace = tmp_path / "trace"
    results, proxy = await check_hostile_pages("strace", *TRACE, "-o", str(trace))
    assert_nothing_led_astray(results)
    assert endpoints(trace.read_text()) == {proxy}


@pytest.mark.namespace
def test_with_nothing_but_loopback_all_works(tmp_path: Path) -> None:
    """In a network namespace that has only ``lo``: nobody to ask for names, nowhere to go but the proxy."""
    needs("unshare", "ip", "strace")
    trace, leak = tmp_path / "trace", tmp_path / "leak"
    inside = (
        "import asyncio, sys, tests.edge.test_guard as t\n"
        f"results, proxy = asyncio.run(t.check_hostile_pages('strace', *t.TRACE, '-o', {str(trace)!r}))\n"
        "t.assert_nothing_led_astray(results)\n"
        f"assert t.endpoints(open({str(trace)!r}).read()) == {{proxy}}\n"
        # and what a leak would have looked like
        f"leak = ['strace', *t.TRACE, '-o', {str(leak)!r}, sys.executable, '-m', 'tests.edge.one_check', '--leak']\n"
        "assert asyncio.run(t.run(*leak, 'a.example')) == [{'leaked': 'a.example'}]\n"
    )
    command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", sys.executable, "-c", inside]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if "unshare failed: Operation not permitted" in result.stderr:
        pytest.skip("needs root, to make a network namespace")
    assert result.returncode == 0, result.stderr
    assert endpoints(leak.read_text()) or "io.systemd.Resolve" in leak.read_text()
