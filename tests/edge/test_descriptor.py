"""Onion descriptors: fetched from a real tor on a private network, kept once, logged, exported."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.edge.test_tor_control import control_port
from tests.evidence.keeping import open_keeping
from tests.evidence.story import KEY
from tests.props.tor import PrivateTorNetwork
from watcher.core import onion_descriptor
from watcher.edge.descriptor import Descriptors, fetch
from watcher.edge.ledger import Ledger
from watcher.edge.sign import check_signature
from watcher.edge.verify import verify
from watcher.errors import EvidenceError
from watcher.testing.clocks import WallClock


@pytest.fixture
def service() -> Iterator[int]:
    """A port on which someone listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    server.accept()[0].close()
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]


@pytest.mark.tor
async def test_a_services_descriptor_is_kept_once_and_verifies(
    tor_network: PrivateTorNetwork, service: int, tmp_path: Path
) -> None:
    onion = tor_network.add_onion(service)
    try:
        host, _, port = str(tor_network.control).rpartition(":")
        text = await fetch(host, int(port), onion.address)
        onion_descriptor.verify(text, onion.address, datetime.now(UTC), check_signature)
        keeping = await open_keeping(tmp_path / "store")
        async with keeping.store:
            asking = Descriptors(keeping.store, [onion.address], (host, int(port)), "local", WallClock())
            assert await asking.flush() == 1
            assert await asking.flush() == 0, "not again for some hours"
            anew = Descriptors(keeping.store, [onion.address], ("127.0.0.1", 1), "local", WallClock())
            assert await anew.flush() == 0, "nor after a restart"
            await keeping.sign()
    finally:
        tor_network.remove_onion(onion)
    assert [result for result in verify(tmp_path / "store", keys=[KEY.vkey]) if not result.ok] == []
    (kept,) = (tmp_path / "store" / "descriptors").iterdir()
    with Ledger.open(tmp_path / "store") as ledger:
        record = ledger.record_of(0)
    assert (record["act"], record["descriptor"]) == ("descriptor", kept.stem)


async def test_without_a_tor_nothing_is_missed(tmp_path: Path) -> None:
    keeping = await open_keeping(tmp_path / "store")
    async with keeping.store:
        for control in (None, ("127.0.0.1", 1)):
            assert await Descriptors(keeping.store, ["x.onion"], control, "local", WallClock()).flush() == 0


async def test_a_tor_that_does_not_let_us_ask_is_told() -> None:
    async with control_port("HASHEDPASSWORD") as port:
        with pytest.raises(EvidenceError, match="does not let us ask"):
            await fetch("127.0.0.1", port, "x.onion")
    async with control_port("NULL") as port:
        with pytest.raises(EvidenceError, match="does not fetch"):
            await fetch("127.0.0.1", port, "x.onion")
