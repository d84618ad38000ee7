"""A private Tor network on loopback: real onion services, circuits and failures, and no traffic to anywhere else.

    with PrivateTorNetwork() as network:                    # some 12 s
        onion = network.add_onion(site.port)                # reachable when this returns
        …                                                   # http://{onion.address}/ through network.socks_url
        network.remove_onion(onion)

Every node is the ordinary ``tor`` program: three directory authorities, which are also the only guards and onion
service directories, relays for the other hops, a host of onion services, and a client with the SOCKS port under test.
All calls block: in asynchronous code wrap them in ``asyncio.to_thread``.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType

from tests.props import tor_settings
from tests.props.ports import free_ports
from tests.props.tor_node import LOOPBACK, ControlPort, TorNetworkError, TorNode
from tests.props.tor_stir import stir

__all__ = ["Onion", "PrivateTorNetwork", "TorNetworkError"]

POLL_SECONDS = 0.05
QUICK_SECONDS = 4.0
"""A stream that takes longer to open, on loopback, waits in vain."""


@dataclass(frozen=True, slots=True)
class Onion:
    """A v3 onion service of the network's host."""

    address: str
    """``….onion``"""
    key: str
    """What ``ADD_ONION`` takes to publish the same address again."""
    port: int
    """The loopback port that its port 80 leads to."""


class PrivateTorNetwork:
    """The network while the ``with`` block lasts; ready, but without onion services, when it is entered."""

    def __init__(
        self,
        *,
        relays: int = 6,
        key_cache: Path | None = None,
        client_settings: Iterable[tuple[str, object]] = (),
        ready_within_seconds: float = 90.0,
    ) -> None:
        """``relays``: with only three, a test that kills one waits for minutes. ``key_cache``: a folder that keeps the
        authorities' keys, which cost some seconds to make. ``client_settings``: more lines of the client's torrc."""
        self.root = Path(tempfile.mkdtemp(prefix="watcher-tor-"))
        self.authorities = [TorNode(self.root, f"authority{number}") for number in range(3)]
        self.relays = [TorNode(self.root, f"relay{number}") for number in range(relays)]
        self.host = TorNode(self.root, "host")
        self.client = TorNode(self.root, "client")
        self.onions: dict[str, Onion] = {}
        """Those that are published, by address."""
        self.control = self.client.control
        """The client's; over TCP once the network is up."""
        self._socks_port = 0
        self._tokens = count()
        self._key_cache = key_cache
        self._client_settings = list(client_settings)
        self._patience = ready_within_seconds

    @property
    def nodes(self) -> list[TorNode]:
        return [*self.authorities, *self.relays, self.host, self.client]

    @property
    def socks_url(self) -> str:
        return f"socks5://{LOOPBACK}:{self._socks_port}"

    def __enter__(self) -> PrivateTorNetwork:
        with ExitStack() as undo:
            undo.callback(self.stop)
            self._start()
            undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every node and sweep everything away."""
        with ThreadPoolExecutor(len(self.nodes)) as pool:
            list(pool.map(TorNode.stop, self.nodes))
        shutil.rmtree(self.root, ignore_errors=True)

    # ------------------------------------------------------------------------------------- onion services

    def add_onion(self, port: int, *, key: str = "NEW:ED25519-V3", wait: bool = True) -> Onion:
        """An onion service whose port 80 leads to a loopback port that someone listens on; reachable, if waited for."""
        told = self.host.control.ask(f"ADD_ONION {key} Flags=Detach Port=80,{LOOPBACK}:{port}")
        facts = dict(line.split("=", 1) for line in told if "=" in line)
        onion = Onion(f"{facts['ServiceID']}.onion", facts.get("PrivateKey", key), port)
        self.onions[onion.address] = onion
        if wait:
            self.wait_until_reachable(onion)
        return onion

    def remove_onion(self, onion: Onion) -> None:
        """Withdraw a service as its operator would; its address stays ours, see ``revive`` and ``wait_until_down``."""
        self.host.control.ask(f"DEL_ONION {onion.address.removesuffix('.onion')}")
        self.onions.pop(onion.address)

    def revive(self, onion: Onion, *, wait: bool = True) -> None:
        """The same address again, after ``remove_onion``."""
        self.add_onion(onion.port, key=onion.key, wait=wait)

    def probe(self, address: str, port: int = 80, *, token: str = "probe", timeout_seconds: float = 130.0) -> int:
        """The SOCKS reply code to a stream asked for with this isolation token: 0 opened it, ``0xF0`` … are Tor's own.
        ConnectionError if the client hangs up."""
        login, name = token.encode(), address.encode()
        with socket.create_connection((LOOPBACK, self._socks_port), timeout=timeout_seconds) as stream:
            # one by one: what is sent ahead of tor's answer to the greeting, tor takes for that answer's receipt
            for request in (
                b"\x05\x01\x02",
                b"\x01" + bytes([len(login)]) + login + b"\x01x",
                b"\x05\x01\x00\x03" + bytes([len(name)]) + name + port.to_bytes(2, "big"),
            ):
                stream.sendall(request)
                answer = stream.recv(10)
            if len(answer) < 2:
                raise ConnectionError("the client hung up")
            return answer[1]

    def wait_until_reachable(self, onion: Onion, timeout_seconds: float = 90.0) -> None:
        """Return once a stream to the service opens, on a circuit of its own."""

        def reachable() -> bool:
            # else the client would go by the descriptor that it has, and ask at introduction points of the past
            self.control.ask(f"HSFETCH {onion.address.removesuffix('.onion')}")
            return self._quick_probe(onion) == 0 or self.stir()

        self._wait(reachable, f"{onion.address} is reachable", timeout_seconds)

    def wait_until_down(self, onion: Onion, timeout_seconds: float = 90.0) -> None:
        """Return once the client says at once that the service is down. Before that, its introduction points may not
        have noticed that the host is gone, and then streams wait up to 120 s."""
        self.stir(times=3)
        self._wait(
            lambda: self._quick_probe(onion) not in {0, None} or self.stir(),
            f"{onion.address} is down",
            timeout_seconds,
        )

    def stir(self, times: int = 1) -> bool:
        """Move all links, as they always are on the public network (``tor_stir`` says why); gives False."""
        alive = [node.fingerprint for node in self.authorities + self.relays if node.pid]
        stir([node.control for node in (self.client, self.host) if node.pid], alive, times)
        return False

    def _quick_probe(self, onion: Onion) -> int | None:
        with suppress(TimeoutError):
            return self.probe(onion.address, token=f"wait-{next(self._tokens)}", timeout_seconds=QUICK_SECONDS)
        return None

    # ---------------------------------------------------------------------------------------------- faults

    def newnym(self) -> None:
        """Tell the client to use new circuits from now on; tor obeys at most every 10 s and puts off the rest."""
        self.control.ask("SIGNAL NEWNYM")

    def kill_host(self) -> None:
        """All onion services are gone, unannounced; see ``wait_until_down``."""
        self.host.kill()

    def start_host(self, *, wait: bool = True) -> None:
        """The host is back, with the services it had."""
        self.start(self.host)
        for onion in list(self.onions.values()):
            self.add_onion(onion.port, key=onion.key, wait=wait)

    def freeze_host(self) -> None:
        """The host keeps its connections and says nothing more."""
        self.host.freeze()

    def thaw_host(self) -> None:
        self.host.thaw()

    def kill(self, node: TorNode) -> None:
        """One of ``relays`` or ``authorities`` is gone, or the ``client`` and with it the SOCKS port."""
        node.kill()

    def start(self, node: TorNode) -> None:
        """It is back, with nothing but what it had on disk."""
        node.start()
        self._wait_bootstrapped(node, 60.0)

    # --------------------------------------------------------------------------------------------- starting

    def _start(self) -> None:
        for program in ("tor", "tor-gencert"):
            if not shutil.which(program):
                raise TorNetworkError(f"there is no program {program}", hint="apt-get install tor")
        deadline = time.monotonic() + self._patience
        with ThreadPoolExecutor(len(self.authorities)) as pool:
            list(pool.map(lambda node: tor_settings.make_authority_keys(node, self._key_cache), self.authorities))
        self._start_routers(deadline)
        guards = [node.fingerprint for node in self.authorities]
        tor_settings.write_bandwidths(self.root, guards, [node.fingerprint for node in self.relays])
        self._wait(self._authorities_know_all, "every router is in the consensus", deadline - time.monotonic())
        for node in (self.host, self.client):
            node.start()
        for node in (self.host, self.client):
            self._wait_bootstrapped(node, deadline - time.monotonic())

    def _start_routers(self, deadline: float, attempts: int = 3) -> None:
        """Authorities and relays; on other ports if someone was faster to take one."""
        for left in reversed(range(attempts)):
            self._write_settings()
            try:
                for node in self.authorities + self.relays:
                    node.start()
                self._wait(self._routers_have_identities, "the relays have keys", deadline - time.monotonic())
            except TorNetworkError as error:
                if "Failed to bind" not in str(error) or not left:
                    raise
                for node in self.nodes:
                    node.stop()
            else:
                return

    def _write_settings(self) -> None:
        (self.root / "resolv.conf").write_text(f"nameserver {LOOPBACK}\n")
        ports = free_ports(2 * len(self.authorities) + len(self.relays) + 2)
        self._socks_port, control_port = ports.pop(), ports.pop()
        self.control = ControlPort((LOOPBACK, control_port), self.client.control.cookie)
        listening = [(node, ports.pop(), ports.pop()) for node in self.authorities]
        trusted = [tor_settings.trust_in(*authority) for authority in listening]
        common = tor_settings.every_node(self.root, trusted)
        guards = [node.fingerprint for node in self.authorities]
        first_vote = time.time() + tor_settings.FIRST_VOTE_SECONDS
        for node, or_port, dir_port in listening:
            own = tor_settings.authority(self.root, dir_port, guards, first_vote)
            node.settings = common + tor_settings.router(node.name, or_port) + own
        for node in self.relays:
            node.settings = common + tor_settings.router(node.name, ports.pop()) + tor_settings.relay()
        self.host.settings = common + tor_settings.onion_host()
        self.client.settings = common + tor_settings.client(self._socks_port, control_port) + self._client_settings

    def _routers_have_identities(self) -> bool:
        routers = self.authorities + self.relays
        return all(node.is_up() and node.fingerprint for node in routers)

    def _authorities_know_all(self) -> bool:
        return all(self._knows_all(node) for node in self.authorities)

    def _knows_all(self, authority: TorNode) -> bool:
        """Whether its consensus lists every router as running, and it can describe each one to clients."""
        wanted = len(self.authorities) + len(self.relays)
        consensus = authority.control.ask("GETINFO dir/status-vote/current/consensus-microdesc")
        running = sum(line.startswith("s ") and " Running" in line for line in consensus)
        if running < wanted:
            return False
        known = authority.control.ask("GETINFO md/all")
        return sum(line.startswith("ntor-onion-key ") for line in known) >= wanted

    def _wait_bootstrapped(self, node: TorNode, timeout_seconds: float) -> None:
        def done() -> bool:
            return node.is_up() and "PROGRESS=100" in node.control.ask("GETINFO status/bootstrap-phase")[0]

        self._wait(done, f"{node.name} has bootstrapped", timeout_seconds)

    def _wait(self, condition: Callable[[], bool], what: str, timeout_seconds: float) -> None:
        """Return once it holds. An OSError (no file, no listener) or a refusal by tor means: not yet."""
        deadline = time.monotonic() + timeout_seconds
        while True:
            with suppress(OSError, IndexError, TorNetworkError):
                if condition():
                    return
            for node in self.nodes:
                node.check()
            if time.monotonic() > deadline:
                words = "\n".join(node.last_words() for node in self.nodes)
                raise TorNetworkError(f"not so in {timeout_seconds:.0f} s: {what}\n{words}")
            time.sleep(POLL_SECONDS)
