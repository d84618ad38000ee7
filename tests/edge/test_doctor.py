"""What ``watcher doctor`` finds: each thing well, and each thing wrong with its mend."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import stat
from collections import namedtuple
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli import seed
from tests.cli.test_looking import again
from tests.edge.test_tor_control import control_port
from watcher import config
from watcher.config import Settings, TimestampSettings
from watcher.core.proxy_tables import ProxySettings
from watcher.edge import batching, doctor
from watcher.edge.doctor import Finding, examine
from watcher.edge.lock import Lock
from watcher.edge.sign import create_key
from watcher.edge.store import LedgerStore
from watcher.testing.socks5 import Socks5Proxy

NOW = seed.LATER + timedelta(minutes=5)
DEAD = "socks5://127.0.0.1:1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A set-up in which all is well but for the proxy, which each test brings itself."""
    create_key(tmp_path / "watcher.key", "local")
    (tmp_path / "snapshots").mkdir(mode=0o700)
    return config.parse(seed.CONFIG, tmp_path)


async def found(settings: Settings, check: str, now: datetime = NOW) -> list[Finding]:
    return [one for one in await examine(settings, now) if one.check == check]


async def test_all_is_well(settings: Settings) -> None:
    async with Socks5Proxy({}) as proxy:
        healthy = replace(settings, proxy=ProxySettings(urls=(f"socks5://127.0.0.1:{proxy.port}",)))
        findings = await examine(healthy, NOW)
    assert {one.check for one in findings} == {
        "configuration", "proxy", "tor", "clock", "key", "disk", "store", "timestamps",
    }  # fmt: skip
    assert [one for one in findings if not one.ok] == []


async def test_a_dead_proxy(settings: Settings) -> None:
    (one,) = await found(replace(settings, proxy=ProxySettings(urls=(DEAD,))), "proxy")
    assert not one.ok
    assert "127.0.0.1:1 does not answer" in one.detail
    assert "start tor" in one.mend


async def test_every_proxy_of_a_list(settings: Settings) -> None:
    async with Socks5Proxy({}) as proxy:
        urls = (f"socks5://127.0.0.1:{proxy.port}", "socks5://user:hunter2@127.0.0.1:1")
        findings = await found(replace(settings, proxy=ProxySettings(urls=urls, isolate="none")), "proxy")
    assert [one.ok for one in findings] == [True, False]
    assert not any("hunter2" in one.detail + one.mend for one in findings)


async def test_how_far_tor_is(settings: Settings) -> None:
    async with control_port("NULL") as port:
        proxy = ProxySettings(urls=(f"socks5://127.0.0.1:{port - 1}",))
        (one,) = await found(replace(settings, proxy=proxy), "tor")
    assert (one.ok, one.detail) == (False, f"tor 0.4.9.11 at 127.0.0.1:{port} is ready to 85 % (Connecting)")
    assert one.mend.startswith("wait")


async def test_a_tor_that_says_nothing_is_no_fault(settings: Settings) -> None:
    async with control_port("HASHEDPASSWORD") as port:
        proxy = ProxySettings(urls=(f"socks5://127.0.0.1:{port - 1}",))
        (one,) = await found(replace(settings, proxy=proxy), "tor")
    assert one.ok
    assert "does not let us ask" in one.detail


@pytest.mark.parametrize(
    ("more", "mode", "told"),
    [
        ('[[alert]]\nto = "json://u:hunter2@127.0.0.1/"\n', 0o644, True),
        ('[[alert]]\nto = "json://u:hunter2@127.0.0.1/"\n', 0o640, True),
        ('[[alert]]\nto = "json://u:hunter2@127.0.0.1/"\n', 0o600, False),
        ('[[alert]]\nto = "file:alerts.jsonl"\n', 0o644, False),
        ('[site.headers]\nCookie = "a=b"\n', 0o644, True),
        ('[web]\ntoken = "0123456789abcdef"\n', 0o644, True),
    ],
)
async def test_a_configuration_whose_secrets_others_may_read(
    settings: Settings, tmp_path: Path, more: str, mode: int, told: bool
) -> None:
    path = tmp_path / "watcher.toml"
    path.write_text('[[site]]\nname = "a"\nmirrors = ["http://a.example/"]\n' + more)
    path.chmod(mode)
    (one,) = await found(config.load(path), "configuration")
    assert one.ok
    assert one.mend.startswith(f"chmod 600 {path}") == told
    assert "hunter2" not in one.detail + one.mend


async def test_only_tors_on_this_machine_are_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(doctor, "tor_state", fail)
    monkeypatch.setattr(doctor, "check_proxy", lambda _: asyncio.sleep(0))
    assert await found(replace(settings, proxy=ProxySettings(urls=("socks5://192.0.2.1:9050",))), "tor") == []


@pytest.mark.parametrize("year", [1970, 2020, 2199])
async def test_a_clock_that_cannot_be_right(settings: Settings, year: int) -> None:
    (one,) = await found(settings, "clock", datetime(year, 1, 1, tzinfo=UTC))
    assert not one.ok
    assert str(year) in one.detail


@pytest.mark.parametrize(
    ("facts", "detail", "better"),
    [
        ({"clock_state": "synchronised", "clock_max_error_microseconds": 4200}, "synchronised, wrong by 4 ms", False),
        ({"clock_state": "unsynchronised"}, "unsynchronised", True),
        ({"clock_state": "unknown"}, "unknown", True),
    ],
)
async def test_what_the_kernel_says_of_the_clock(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, facts: dict[str, object], detail: str, better: bool
) -> None:
    monkeypatch.setattr(doctor, "clock_facts", lambda: facts)
    (one,) = await found(settings, "clock")
    assert (one.ok, bool(one.mend)) == (True, better)
    assert detail in one.detail


async def test_a_key_that_others_may_read(settings: Settings) -> None:
    settings.key.chmod(0o640)
    (one,) = await found(settings, "key")
    assert not one.ok
    assert "may be read by others (mode 640)" in one.detail
    assert one.mend.startswith(f"chmod 600 {settings.key}")


async def test_no_key(settings: Settings) -> None:
    settings.key.unlink()
    (one,) = await found(settings, "key")
    assert not one.ok
    assert "cannot be read" in one.detail


async def test_the_key_of_another_vantage(settings: Settings) -> None:
    (one,) = await found(replace(settings, vantage="berlin"), "key")
    assert (one.ok, one.detail) == (False, f"{settings.key} signs as local, and this vantage is berlin")
    assert 'write vantage = "local"' in one.mend


# ------------------------------------------------------------------------------------------------- the store


async def test_no_store(settings: Settings) -> None:
    settings.store.rmdir()
    (one,) = await found(settings, "store")
    assert (one.ok, one.detail) == (False, f"there is no folder {settings.store}")


async def test_a_store_that_others_may_read(settings: Settings) -> None:
    settings.store.chmod(0o755)
    assert stat.S_IMODE(settings.store.stat().st_mode) == 0o755
    one = (await found(settings, "store"))[0]
    assert (one.ok, one.mend.split(":")[0]) == (True, f"chmod 700 {settings.store}")


async def test_a_store_that_we_may_not_write(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    one = (await found(settings, "store"))[0]
    assert not one.ok
    assert "cannot be written by this user" in one.detail


@pytest.mark.parametrize(
    ("free", "ok", "mend"), [(1 << 20, False, True), (500 << 20, True, True), (5 << 30, True, False)]
)
async def test_room_on_the_disk(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, ok: bool, mend: bool
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1 << 40, 0, free))
    (one,) = await found(settings, "disk")
    assert (one.ok, bool(one.mend)) == (ok, mend)


async def test_a_store_that_is_none(settings: Settings) -> None:
    (settings.store / "ledger.db").write_bytes(b"not a database, and rather long for what it is" * 100)
    one = (await found(settings, "store"))[-1]
    assert not one.ok


async def test_targets_on_time_and_late(tmp_path: Path) -> None:
    await asyncio.to_thread(seed.fill, tmp_path)
    settings = config.load(tmp_path / "watcher.toml")
    (one,) = await found(settings, "targets")
    assert (one.ok, one.detail) == (True, "1 visited, none of them overdue")
    (one,) = await found(settings, "targets", seed.LATER + timedelta(hours=3))
    assert (one.ok, one.detail) == (False, "1 of 1 overdue for more than 2 intervals; clop for 2 h 45 min")
    assert one.mend == "start `watcher run`"


async def test_who_uses_the_store(tmp_path: Path) -> None:
    await asyncio.to_thread(seed.fill, tmp_path)
    settings = config.load(tmp_path / "watcher.toml")
    assert (await found(settings, "store"))[-1].detail == f"{settings.store}, no watcher is running on it"
    async with LedgerStore.open(settings.store, vantage="local"):
        one = (await found(settings, "store"))[-1]
        late = (await found(settings, "targets", seed.LATER + timedelta(hours=3)))[0]
    assert one.detail.startswith(f"{settings.store}, in use by a watcher (pid {os.getpid()} on {socket.gethostname()}")
    assert late.mend == "the watcher runs and does not keep up: see its log"


async def test_alerts_that_do_not_arrive(tmp_path: Path) -> None:
    await asyncio.to_thread(seed.fill, tmp_path)
    settings = config.load(tmp_path / "watcher.toml")
    assert await found(settings, "alerts") == []
    async with LedgerStore.open(settings.store, vantage="local") as store:
        await store.subscribe(["slack://hunter2/x"])
    await asyncio.to_thread(again, tmp_path)
    assert await found(settings, "alerts") == []  # owed, and not tried yet
    async with LedgerStore.open(settings.store, vantage="local", now=lambda: NOW + timedelta(days=1)) as store:
        for _ in range(3):
            (owed,) = await store.undelivered()
            await batching.failed((owed,), "401", NOW, store)
    (one,) = await found(settings, "alerts")
    assert (one.ok, one.detail) == (False, "1 not delivered to slack:…, tried up to 3 times: 401")


async def test_an_owner_that_died(tmp_path: Path) -> None:
    await asyncio.to_thread(seed.fill, tmp_path)
    settings = config.load(tmp_path / "watcher.toml")
    lock = Lock.take(settings.store)
    lock.release()
    (settings.store / "lock").write_text(f"pid 4194304 on {socket.gethostname()} since 2026-01-01T00:00:00Z\n")
    assert (await found(settings, "store"))[-1].detail.endswith("no watcher is running on it")


async def test_a_clock_that_went_back(tmp_path: Path) -> None:
    await asyncio.to_thread(seed.fill, tmp_path)
    settings = config.load(tmp_path / "watcher.toml")
    findings = await found(settings, "clock", seed.START - timedelta(days=2))
    assert [one.ok for one in findings] == [True, False]
    assert findings[1].detail == "it went back: the last visit was 2 d from now"


# ------------------------------------------------------------------------------------- what the file says


async def test_doubts_are_faults_here(settings: Settings) -> None:
    doubt = "watcher.toml:3: [[site]] mirrors: a letter is wrong; copy it again"
    (one,) = await found(replace(settings, doubts=(doubt,)), "configuration")
    assert (one.ok, one.mend) == (False, "copy it again")
    assert one.detail == "watcher.toml:3: [[site]] mirrors: a letter is wrong"


@pytest.mark.parametrize(
    ("pem", "ok", "detail"),
    [
        (None, False, "No such file or directory"),
        (b"nothing", False, "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n" * 2, True, "1 authorities, 2 pinned roots"),
    ],
)
async def test_time_stamp_roots(settings: Settings, tmp_path: Path, pem: bytes | None, ok: bool, detail: str) -> None:
    roots = tmp_path / "roots.pem"
    if pem is not None:
        roots.write_bytes(pem)
    stamps = TimestampSettings(authorities=("https://tsa.example/",), roots=roots)
    (one,) = await found(replace(settings, timestamp=stamps), "timestamps")
    assert one.ok is ok
    assert detail in one.detail


async def test_addresses_of_services_that_nothing_can_be_delivered_to(tmp_path: Path) -> None:
    text = "".join(f'[[alert]]\nto = "{to}"\n' for to in ("json://hooks.example/hunter2", "slack://hunter2"))
    (tmp_path / "watcher.toml").write_text(text + 'template = "no.txt"\n')
    good, bad = await found(config.load(tmp_path / "watcher.toml"), "alerts")
    assert (good.ok, good.detail) == (True, "json:… is an address that Apprise understands")
    assert (bad.ok, bad.detail) == (False, f"slack:… {tmp_path}/no.txt: No such file or directory")
    (tmp_path / "watcher.toml").write_text(text)
    _, bad = await found(config.load(tmp_path / "watcher.toml"), "alerts")
    assert not bad.ok
    assert "lacks a part" in bad.detail
    assert "hunter2" not in bad.detail + bad.mend
