"""The private Tor network does what the real one does, in answer to the client library that the watcher uses.

One network for all tests (some 12 s); each test leaves it as it found it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import count, pairwise, permutations
from pathlib import Path

import aiohttp
import pytest
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError

from tests.props.tor import Onion, PrivateTorNetwork, TorNetworkError
from tests.props.tor_node import TorNode
from tests.props.tor_settings import make_authority_keys
from tests.props.tor_stir import paths
from watcher.testing.background import run_in_thread
from watcher.testing.names import invented_onion
from watcher.testing.site import PracticeSite
from watcher.testing.story import CL0P

pytestmark = pytest.mark.tor

UNKNOWN, DOWN, BAD_ADDRESS = 0xF0, 0xF2, 0xF6
GENERAL_FAILURE, NOT_ALLOWED, REFUSED = 1, 2, 5
LOOPBACK, NOBODY = "0100007F", "00000000"
tokens = (f"token-{number}" for number in count())


@pytest.fixture(scope="module")
def site() -> Iterator[PracticeSite]:
    with run_in_thread(PracticeSite(CL0P.opening)) as site:
        yield site


@pytest.fixture(scope="module")
def onion(tor_network: PrivateTorNetwork, site: PracticeSite) -> Iterator[Onion]:
    onion = tor_network.add_onion(site.port)
    yield onion
    tor_network.remove_onion(onion)


async def fetch(network: PrivateTorNetwork, url: str, token: str) -> str:
    connector = ProxyConnector.from_url(network.socks_url.replace("://", f"://{token}:x@"), rdns=True)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as reply:
        return await reply.text()


def circuits(network: PrivateTorNetwork, token: str) -> set[str]:
    """The numbers of the client's rendezvous circuits for this isolation token."""
    lines = network.control.ask("GETINFO circuit-status")
    mine = [line for line in lines if f'SOCKS_USERNAME="{token}"' in line and "PURPOSE=HS_CLIENT_REND" in line]
    return {line.split()[0] for line in mine}


def eventually(condition: Callable[[], bool], seconds: float = 60.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


async def test_a_page_through_an_onion_service(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    assert re.fullmatch(r"[a-z2-7]{56}\.onion", onion.address)
    text = await fetch(tor_network, f"http://{onion.address}/", next(tokens))
    assert all(title in text for title in CL0P.opening.titles)


async def test_a_token_has_a_circuit_of_its_own(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    one, other = next(tokens), next(tokens)
    for token in (one, other, one):
        await fetch(tor_network, f"http://{onion.address}/", token)
    assert len(circuits(tor_network, one)) == 1, "the second fetch took the same"
    assert len(circuits(tor_network, other)) == 1
    assert circuits(tor_network, one).isdisjoint(circuits(tor_network, other))


async def test_newnym_gives_the_same_token_another_circuit(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    token = next(tokens)
    await fetch(tor_network, f"http://{onion.address}/", token)
    before = circuits(tor_network, token)
    tor_network.newnym()
    await fetch(tor_network, f"http://{onion.address}/", token)
    assert circuits(tor_network, token) - before


def test_reply_codes_of_what_cannot_be(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    bad_letter = onion.address.replace(onion.address[0], "a" if onion.address[0] != "a" else "b", 1)
    assert tor_network.probe(invented_onion(99)) == UNKNOWN
    assert tor_network.probe(bad_letter) == BAD_ADDRESS
    assert tor_network.probe("expyuzz4wqqyqhjn.onion") == BAD_ADDRESS, "version 2"
    assert tor_network.probe(onion.address, port=81) == REFUSED
    assert tor_network.probe("www.example.com") == NOT_ALLOWED


async def test_the_client_library_tells_the_extended_code_only_in_words(tor_network: PrivateTorNetwork) -> None:
    with pytest.raises(ProxyError) as failure:
        await fetch(tor_network, f"http://{invented_onion(98)}/", next(tokens))
    assert (failure.value.error_code, "0XF0" in str(failure.value)) == (None, True)


def test_a_service_without_a_web_server(tor_network: PrivateTorNetwork) -> None:
    with run_in_thread(PracticeSite(CL0P.opening)) as short_lived:
        onion = tor_network.add_onion(short_lived.port)
    assert tor_network.probe(onion.address) == GENERAL_FAILURE
    tor_network.remove_onion(onion)


def test_a_host_that_is_killed_and_comes_back(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    token = next(tokens)
    assert tor_network.probe(onion.address, token=token) == 0
    tor_network.kill_host()
    try:
        tor_network.stir(times=3)  # or the client learns of it only when the stream times out, after two minutes
        assert tor_network.probe(onion.address, token=token) != 0, "the circuit it had broke"
        tor_network.wait_until_down(onion)
        assert tor_network.probe(onion.address, token=next(tokens)) == DOWN
    finally:
        tor_network.start_host()  # others need it
    assert tor_network.probe(onion.address, token=next(tokens)) == 0


def test_a_service_that_is_withdrawn_and_revived(tor_network: PrivateTorNetwork, site: PracticeSite) -> None:
    onion = tor_network.add_onion(site.port)
    tor_network.remove_onion(onion)
    tor_network.wait_until_down(onion)
    assert tor_network.probe(onion.address, token=next(tokens)) == DOWN
    tor_network.revive(onion)
    assert tor_network.probe(onion.address, token=next(tokens)) == 0
    tor_network.remove_onion(onion)


def test_a_host_that_is_frozen_and_thaws(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    tor_network.freeze_host()
    with pytest.raises(TimeoutError):
        tor_network.probe(onion.address, token=next(tokens), timeout_seconds=1)
    tor_network.thaw_host()
    tor_network.wait_until_reachable(onion)


async def test_a_client_that_is_killed_and_comes_back(tor_network: PrivateTorNetwork, onion: Onion) -> None:
    tor_network.kill(tor_network.client)
    with pytest.raises(ProxyConnectionError):
        await fetch(tor_network, f"http://{onion.address}/", next(tokens))
    await asyncio.to_thread(tor_network.start, tor_network.client)
    await asyncio.to_thread(tor_network.wait_until_reachable, onion)
    assert await fetch(tor_network, f"http://{onion.address}/", next(tokens))


def test_the_control_port_speaks_for_the_client(tor_network: PrivateTorNetwork) -> None:
    assert tor_network.control.ask("GETINFO status/circuit-established") == ["status/circuit-established=1", "OK"]
    assert str(tor_network.control).startswith("127.0.0.1:")
    with pytest.raises(TorNetworkError, match="GETINFO"):
        tor_network.control.ask("GETINFO no-such-thing")


def test_none_reaches_past_loopback(tor_network: PrivateTorNetwork) -> None:
    assert all(node.pid for node in tor_network.nodes)
    ends = [end for node in tor_network.nodes for end in tcp_ends(node)]
    assert len(ends) > 10
    assert {address for ours, theirs in ends for address in (ours, theirs)} <= {LOOPBACK, NOBODY}
    assert {ours for ours, _ in ends} == {LOOPBACK}


def tcp_ends(node: TorNode) -> Iterator[tuple[str, str]]:
    """Both addresses of every TCP socket that the node has, as the kernel writes them."""
    links = [os.readlink(link) for link in Path(f"/proc/{node.pid}/fd").iterdir() if link.is_symlink()]
    rows = [line.split() for line in Path(f"/proc/{node.pid}/net/tcp").read_text().splitlines()[1:]]
    for row in rows:
        if f"socket:[{row[9]}]" in links:
            yield row[1].partition(":")[0], row[2].partition(":")[0]


def test_a_tor_that_ends_of_itself_is_told_with_its_last_words(tmp_path: Path) -> None:
    node = TorNode(tmp_path, "broken")
    node.settings = [("SocksPort", "nonsense:99999999")]
    node.start()
    with pytest.raises(TorNetworkError, match=r"broken ended with exit code 1\n(.*\n)*broken: .*Reading config failed"):
        assert eventually(lambda: bool(node.check()))


def test_a_wait_in_vain_is_told_with_last_words(tor_network: PrivateTorNetwork) -> None:
    nobody = Onion(address=invented_onion(97), key="", port=0)
    with pytest.raises(TorNetworkError, match=f"not so in 0 s: {nobody.address} is reachable\n(.*\n)*client: .*notice"):
        tor_network.wait_until_reachable(nobody, timeout_seconds=0.1)


OWNER = """
import sys, time
from pathlib import Path
from tests.props.tor_node import TorNode
node = TorNode(Path(sys.argv[1]), "orphan")
node.settings = [("SocksPort", 0), ("DisableNetwork", 1), ("CookieAuthentication", 1)]
node.start()
while not node.is_up():
    time.sleep(0.05)
if sys.argv[2] == "frozen":
    node.freeze()
sys.stdout.write(f"{node.pid}\\n")
sys.stdout.flush()
time.sleep(60)
"""


@pytest.mark.parametrize("state", ["awake", "frozen"])
def test_a_tor_dies_with_its_owner(tmp_path: Path, state: str) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, tmp_path, state], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        orphan = int(owner.stdout.readline())
        owner.kill()
    assert eventually(lambda: not is_alive(orphan)), "it outlived its owner"


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_network_that_cannot_start_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch, tor_key_cache: Path
) -> None:
    started: list[TorNode] = []
    start = TorNode.start

    def note(node: TorNode) -> None:
        start(node)
        started.append(node)

    monkeypatch.setattr(TorNode, "start", note)
    network = PrivateTorNetwork(relays=1, ready_within_seconds=0.5, key_cache=tor_key_cache)
    with pytest.raises(TorNetworkError):
        network.__enter__()
    assert started
    assert not any(node.pid for node in started)
    assert not network.root.exists()


def test_without_the_program_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(TorNetworkError, match="no program tor") as error, PrivateTorNetwork():
        pass
    assert error.value.hint == "apt-get install tor"


def test_cached_keys_are_used_again_until_they_are_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprint(number: int) -> str:
        (tmp_path / str(number)).mkdir()
        node = TorNode(tmp_path / str(number), "authority0")
        make_authority_keys(node, cache)
        assert node.home.stat().st_mode & 0o077 == 0
        return node.fingerprint

    cache = tmp_path / "cache"
    cache.mkdir()
    first = fingerprint(1)
    monkeypatch.setenv("PATH", "/nowhere")  # so that none can be made
    assert fingerprint(2) == first
    os.utime(cache / "authority0", (0, 0))
    with pytest.raises(FileNotFoundError, match="tor-gencert"):
        fingerprint(3)


def test_paths_take_every_link_once_each_way() -> None:
    routers = [f"r{number}" for number in range(9)]
    walks = list(paths(routers))
    links = [link for walk in walks for link in pairwise(walk)]
    assert sorted(links) == sorted(permutations(routers, 2))
    assert max(len(walk) for walk in walks) <= 8
    assert not any(walk[n] == walk[n + 2] for walk in walks for n in range(len(walk) - 2))
