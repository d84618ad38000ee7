"""Acts outside visits: each is logged once, whoever owns the store and whenever a process ends."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from tests.evidence.forging import OTHER
from tests.evidence.story import KEY
from watcher.core import custody
from watcher.edge import acts
from watcher.edge.ledger import Ledger
from watcher.edge.sign import SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.verify import verify

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def export_of(name: str) -> custody.Record:
    return custody.export_record(bundle=bytes(32), captures=[name], events=[], at=NOW, vantage="local")


def acts_in(folder: Path) -> list[str]:
    with Ledger.open(folder) as ledger:
        return [str(ledger.record_of(number)["act"]) for number in range(ledger.log.size)]


async def opened(folder: Path, key: SigningKey = KEY, config: bytes = b"a") -> None:
    async with LedgerStore.open(folder, vantage="local") as store:
        await acts.opening(store, key, config=config, vantage="local", now=NOW)
        size, root = await store.head()
        await store.checkpoint(size, str(key.checkpoint(size, root)))


async def test_a_key_and_versions_are_logged_when_they_change(tmp_path: Path) -> None:
    await opened(tmp_path)
    assert acts_in(tmp_path) == ["key", "version"]
    await opened(tmp_path)
    assert acts_in(tmp_path) == ["key", "version"]
    await opened(tmp_path, config=b"b")
    assert acts_in(tmp_path) == ["key", "version", "version"]
    await opened(tmp_path, key=OTHER, config=b"b")
    assert acts_in(tmp_path)[-1] == "key"
    with Ledger.open(tmp_path) as ledger:
        assert (ledger.record_of(3)["old"], ledger.record_of(3)["new"]) == (KEY.vkey, OTHER.vkey)
    assert [result for result in verify(tmp_path) if not result.ok] == []


def test_versions_name_what_evidence_passes_through() -> None:
    found = acts.versions()
    assert {"watcher", "python", "aiohttp", "selectolax", "cryptography", "sqlite"} <= found.keys()
    assert all(found.values())


async def test_an_act_beside_an_owner_is_taken_in_once(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        assert not await acts.log(tmp_path, export_of("c1"), KEY, vantage="local")
        assert not await acts.log(tmp_path, export_of("c2"), KEY, vantage="local")
        assert await acts.take_in(store) == 2
        assert await acts.take_in(store) == 0
    assert acts_in(tmp_path) == ["export", "export"]


async def test_a_crash_between_logging_and_clearing_away_repeats_nothing(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        await store.act(export_of("c1"))
        acts.leave(tmp_path, export_of("c1"))
        assert await acts.take_in(store) == 0
    assert acts_in(tmp_path) == ["export"]
    assert list((tmp_path / acts.FOLDER).iterdir()) == []


async def test_half_a_file_is_not_taken_for_an_act_and_holds_nothing_up(tmp_path: Path) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        path = acts.leave(tmp_path, export_of("c1"))
        acts.leave(tmp_path, export_of("c2"))
        (path.parent / ".half.part").write_bytes(b'{"act": "exp')
        path.write_bytes(b'{"act": "exp')
        with capture_logs() as logs:
            assert await acts.take_in(store) == 1
    assert [log["event"] for log in logs] == ["no record of an act"]
    assert path.with_suffix(".broken").exists()
    assert acts_in(tmp_path) == ["export"]


async def test_alone_an_act_is_logged_at_once_and_signed(tmp_path: Path) -> None:
    await opened(tmp_path)
    assert await acts.log(tmp_path, export_of("c1"), KEY, vantage="local")
    with Ledger.open(tmp_path) as ledger:
        assert [head.size for head in ledger.checkpoints()] == [2, 3]
    assert [result for result in verify(tmp_path, keys=[KEY.vkey]) if not result.ok] == []
