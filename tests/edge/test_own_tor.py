"""A tor of our own: how it is started, held, watched, started again and ended. The tor is played (``played_tor``); the
real one is in ``tests/stories/test_own_tor.py``."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.edge import played_tor
from tests.edge.played_tor import DONE, STARTING, STUCK
from watcher import config
from watcher.config import Settings
from watcher.core.proxy_tables import ProxySettings
from watcher.edge import doctor, own_tor, tors
from watcher.edge.doctor import examine
from watcher.edge.fetch import SocksFetcher
from watcher.edge.guard import Guard
from watcher.edge.own_tor import OwnTor, PortTaken
from watcher.edge.proxy import check_proxy
from watcher.edge.tor_control import tor_state
from watcher.edge.tors import Reached, reaching
from watcher.errors import ProxyError, StoreError
from watcher.ports import Ask
from watcher.testing.names import invented_onion


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings that ask for a tor of our own; only programs in ``tmp_path/bin`` are found."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setattr(own_tor, "search_path", lambda: str(tmp_path / "bin"))
    return config.parse("[proxy]\nurl = 'tor'", tmp_path)


def play(settings: Settings, **script: Any) -> None:
    played_tor.install(settings.path.parent / "bin", **script)


def home(settings: Settings, number: int = 0) -> Path:
    return settings.store / "tor" / str(number)


@asynccontextmanager
async def own(settings: Settings) -> AsyncIterator[tuple[Reached, OwnTor]]:
    async with reaching(settings) as reached:
        yield reached, reached.tors[0]


def is_alive(pid: int | None) -> bool:
    assert pid
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - another process makes it true
            await asyncio.sleep(0.02)


# ---------------------------------------------------------------------------------------------------- its start


async def test_it_is_started_owned_and_ended(settings: Settings) -> None:
    play(settings, phases=((0, STARTING), (0.3, DONE)))
    steps: list[tuple[int, str]] = []
    async with own(settings) as (reached, tor):
        pid = tor.pid
        assert reached.proxy.urls == (tor.url,)
        assert reached.proxy.control == tor.control
        await reached.ready(progress=lambda *step: steps.append(step))
        assert tor.is_ready
        reached.well()
        await check_proxy(tor.url)
        state = await tor_state(*tor.control)
        assert state is not None
        assert (state.version, state.percent) == ("0.4.9.11", None)  # who cannot read its cookie is not let in
    assert not is_alive(pid)
    assert [percent for percent, _ in steps][-2:] == [0, 100]
    assert not (settings.store / "tor" / "ports.json").exists()


async def test_it_gets_nothing_of_our_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TOKEN", "hunter2hunter2hunter2")
    monkeypatch.setenv("LD_PRELOAD", "")
    play(settings)
    async with own(settings):
        given = played_tor.seen(home(settings))
    assert set(given["environ"]) <= {"PATH", "HOME", "LANG", "LC_CTYPE"}
    assert given["environ"]["HOME"] == str(home(settings))
    assert "hunter2" not in str(given)


async def test_what_it_is_told_and_who_may_read_it(settings: Settings) -> None:
    play(settings)
    proxy = replace(settings.proxy, torrc=("EntryNodes {is}",))
    old = os.umask(0)
    try:
        async with own(replace(settings, proxy=proxy)) as (_, tor):
            options = played_tor.seen(home(settings))["options"]
            modes = {
                path.relative_to(settings.store).as_posix(): stat.S_IMODE(path.stat().st_mode)
                for path in [settings.store, *settings.store.rglob("*")]
                if path.name not in {"seen", "starts", own_tor.COOKIE}  # written by who plays tor
            }
    finally:
        os.umask(old)
    assert options["DisableNetwork"] == "1"
    assert options["__OwningControllerProcess"] == str(os.getpid())
    assert options["SocksPort"] == f"127.0.0.1:{tor.socks[1]} IsolateSOCKSAuth ExtendedErrors OnionTrafficOnly"
    assert options["EntryNodes"] == "{is}"
    assert modes == {
        ".": 0o700, "tor": 0o700, "tor/lock": 0o600, "tor/ports.json": 0o600, "tor/0": 0o700, "tor/0/torrc": 0o600,
    }  # fmt: skip


async def test_several_have_folders_and_ports_of_their_own(settings: Settings) -> None:
    play(settings)
    async with reaching(replace(settings, proxy=replace(settings.proxy, tors=3))) as reached:
        await reached.ready()
        assert len({*(tor.socks for tor in reached.tors), *(tor.control for tor in reached.tors)}) == 6
        assert len(set(reached.proxy.urls)) == 3
        pids = [tor.pid for tor in reached.tors]
        assert {played_tor.starts(home(settings, number)) for number in range(3)} == {1}
    assert not any(map(is_alive, pids))


async def test_a_proxy_that_is_configured_is_left_alone(settings: Settings) -> None:
    proxy = ProxySettings(urls=("socks5://127.0.0.1:9050",))
    async with reaching(replace(settings, proxy=proxy)) as reached:
        assert reached.proxy == proxy
        await reached.ready()
        reached.well()
    assert not settings.store.exists()


ONIONS = f'[[site]]\nname = "a"\nmirrors = ["http://{invented_onion(1)}/"]\n[[alert]]\nto = "file:x"\n'


@pytest.mark.parametrize(
    ("more", "onions"),
    [
        ("", True),
        ('[[site]]\nname = "b"\nmirrors = ["http://b.example/"]\n', False),
        ('[[site]]\nname = "b"\nmirrors = ["http://x.onion.b.example/"]\n', False),
        ('[[alert]]\nto = "json://127.0.0.1/"\n', False),
        ('[timestamp]\nauthorities = ["https://tsa.example/"]\nroots = "r"\n', False),
        (f'[timestamp]\nauthorities = ["http://{invented_onion(2)}/"]\nroots = "r"\n', True),
    ],
)
async def test_it_carries_onions_alone_where_nothing_else_is_needed(
    settings: Settings, more: str, onions: bool
) -> None:
    play(settings)
    settings = config.parse(f"[proxy]\nurl = 'tor'\n{ONIONS}{more}", settings.path.parent)
    async with own(settings):
        assert ("OnionTrafficOnly" in played_tor.seen(home(settings))["options"]["SocksPort"]) == onions


async def test_what_else_is_needed_later_is_carried_then(settings: Settings) -> None:
    play(settings)
    tight = config.parse(f"[proxy]\nurl = 'tor'\n{ONIONS}", settings.path.parent)
    wide = config.parse(f"[proxy]\nurl = 'tor'\n{ONIONS}[[alert]]\nto = 'json://127.0.0.1/'\n", settings.path.parent)
    async with own(tight) as (reached, tor):
        first = tor.pid
        reached.widen(tight)
        await reached.ready()
        assert tor.pid == first
        reached.widen(wide)
        await until(lambda: tor.pid not in {first, None})
        await reached.ready()
        assert "OnionTrafficOnly" not in played_tor.seen(home(tight))["options"]["SocksPort"]
        again = tor.pid
        reached.widen(wide)
        await check_proxy(tor.url)
        assert tor.pid == again
    async with reaching(tight, "http://a.example/"):
        assert "OnionTrafficOnly" not in played_tor.seen(home(tight))["options"]["SocksPort"]


# ------------------------------------------------------------------------------------------- what can go wrong


async def failing(settings: Settings) -> ProxyError:
    with pytest.raises(ProxyError) as caught:
        async with own(settings):
            pass
    return caught.value


async def test_no_program(settings: Settings) -> None:
    error = await failing(settings)
    assert str(error) == "the program tor is not installed"
    assert error.hint.startswith("apt-get install tor")


async def test_a_program_that_is_too_old(settings: Settings) -> None:
    play(settings, version="Tor version 0.3.5.16.")
    error = await failing(settings)
    assert "tor 0.3.5.16 is too old: onion services need 0.4.7 or later" in str(error)


async def test_bridges_without_their_transport_and_with_it(settings: Settings) -> None:
    play(settings)
    bridged = replace(settings, proxy=replace(settings.proxy, bridges=("obfs4 192.0.2.7:443 ABC cert=x",)))
    error = await failing(bridged)
    assert (
        str(error) == "the bridges need the pluggable transport obfs4, and neither obfs4proxy nor lyrebird is installed"
    )
    assert error.hint.startswith("apt-get install obfs4proxy")
    program = settings.path.parent / "bin" / "lyrebird"
    program.write_text("")
    program.chmod(0o755)
    async with own(bridged):
        options = played_tor.seen(home(settings))["options"]
    assert options["ClientTransportPlugin"] == f"obfs4 exec {program}"
    assert (options["UseBridges"], options["Bridge"]) == ("1", "obfs4 192.0.2.7:443 ABC cert=x")


async def test_ports_that_others_took_are_left_to_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    play(settings)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    free = own_tor._free_ports(3)
    offered = [[taken, free[0]], [free[1], free[2]]]
    monkeypatch.setattr(own_tor, "_free_ports", lambda _: offered.pop(0))
    async with server, own(settings) as (reached, tor):
        await reached.ready()
        assert tor.socks == ("127.0.0.1", free[1])
        assert played_tor.starts(home(settings)) == 2


async def test_no_port_is_free(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    play(settings)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1], own_tor._free_ports(1)[0]]
    monkeypatch.setattr(own_tor, "_free_ports", lambda _: ports)
    async with server:
        error = await failing(settings)
    assert isinstance(error, PortTaken)
    assert "is taken" in str(error)
    assert "another port is chosen" in error.hint


async def test_a_configuration_that_tor_does_not_take(settings: Settings) -> None:
    play(settings, fails=1, says=("[warn] Failed to parse/validate config: Unknown option 'Foo'.  Failing.",))
    error = await failing(settings)
    assert "tor does not take its configuration: Unknown option 'Foo'." in str(error)
    assert "[proxy] torrc" in error.hint


async def test_who_does_not_know_the_cookie_is_not_our_tor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    play(settings, false_cookie=True)
    monkeypatch.setattr(own_tor, "START_SECONDS", 1.0)
    assert "our own tor does not start" in str(await failing(settings))


@pytest.mark.parametrize("place", ["", "tor", "tor/0"])
async def test_a_store_that_cannot_be_written(settings: Settings, place: str) -> None:
    play(settings)
    path = settings.store / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("a file stands where the folder should be")
    with pytest.raises(StoreError, match=str(path)):
        async with own(settings):
            pass


async def test_a_bootstrap_that_is_stuck_is_told_in_tors_own_words(settings: Settings) -> None:
    play(settings, phases=((0, STUCK),))
    with capture_logs() as logs:
        async with own(settings) as (reached, tor):
            with pytest.raises(ProxyError) as caught:
                await reached.ready(stall_seconds=0.5)
            for ask in (reached.well, tor.check):
                with pytest.raises(ProxyError, match="ready to 14 %"):
                    ask()
    assert str(caught.value) == (
        "our own tor does not get ready: tor is ready to 14 % (Handshaking with a relay); "
        "it says: No route to host (NOROUTE)"
    )
    assert "look at the machine's connection" in caught.value.hint
    assert [one["percent"] for one in logs if one["event"] == "tor"] == [14]


async def test_a_clock_that_is_wrong(settings: Settings) -> None:
    skew = (
        "[warn] Received NETINFO cell with skewed time (OR:192.0.2.7:443): It seems that our clock is behind by 1 days"
    )
    play(settings, phases=((0, STARTING),), says=(skew,))
    async with own(settings) as (reached, tor):
        await until(lambda: tor.said)
        with pytest.raises(ProxyError, match="the clock is wrong: tor says: Received NETINFO") as caught:
            await reached.ready(stall_seconds=0.1)
    assert "timedatectl" in caught.value.hint


# ------------------------------------------------------------------------------------------- its life and death


async def test_it_is_started_again_on_the_same_ports(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    play(settings)
    with capture_logs() as logs:
        async with own(settings) as (reached, tor):
            await reached.ready()
            first, url = tor.pid, tor.url
            assert first
            os.kill(first, 9)
            await until(lambda: tor.pid != first)
            await reached.ready()
            await check_proxy(url)
            assert (tor.url, tor.pid != first) == (url, True)
            last = tor.pid
    assert not is_alive(last)
    (told,) = [one for one in logs if one["event"] == "tor ended"]
    assert told["why"].startswith("tor ended (status -9)")


async def test_one_that_dies_again_and_again_is_given_more_and_more_time(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tor, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(own_tor, "LONGEST_WAIT_SECONDS", 0.04)
    play(settings, dies_after=0.3)
    with capture_logs() as logs:
        async with own(settings):
            await until(lambda: len([one for one in logs if one["event"] == "tor ended"]) == 4)
    waits = [one["again_in_seconds"] for one in logs if one["event"] == "tor ended"]
    assert waits == [0.01, 0.02, 0.04, 0.04]


async def test_a_site_is_not_blamed_for_a_tor_that_is_not_ready(settings: Settings) -> None:
    play(settings, phases=((0, STARTING),))
    address = f"http://{invented_onion(1)}/"
    ask = Ask(url=address, mirror=address, isolation="a", headers={}, timeout_seconds=5)
    async with (
        own(settings) as (reached, _),
        SocksFetcher(reached.proxy.urls, [address], usable=reached.check) as fetcher,
    ):
        with pytest.raises(ProxyError, match="our own tor is not ready"):
            await fetcher.fetch(ask)
        reached.tors[0].phase = replace(reached.tors[0].phase, percent=100)
        (exchange,) = await fetcher.fetch(ask)
    assert (exchange.verdict, exchange.why[0]) == ("unreachable", "socks:04")


async def test_the_guard_lets_us_reach_our_tor_and_nothing_else(settings: Settings) -> None:
    play(settings)
    guard = Guard()
    async with own(settings) as (reached, tor):
        guard.arm([tor.socks])
        guard.allow(*reached.controls)
        try:
            await reached.ready()
            first = tor.pid
            assert first
            os.kill(first, 9)
            await until(lambda: tor.pid not in {first, None})
            await reached.ready()
        finally:
            guard.disarm()
    assert guard.refused == 0


async def test_it_ends_with_our_connection(settings: Settings) -> None:
    """What happens when this process is killed: nobody ends tor, and it ends."""
    play(settings)
    async with own(settings) as (_, tor):
        first = tor.pid
        assert tor._leash
        tor._leash[1].transport.abort()
        await until(lambda: tor.pid not in {first, None})
    assert not is_alive(first)


# --------------------------------------------------------------------------------------------------- told to others


async def test_another_process_goes_through_the_tors_that_run(settings: Settings) -> None:
    play(settings)
    async with own(settings) as (reached, tor):
        await reached.ready()
        async with reaching(settings) as other:
            assert other.tors == ()
            assert other.proxy.urls == (tor.url,)
            assert other.controls == (tor.control,)
            await other.ready()
        assert tor.is_ready
        assert played_tor.starts(home(settings)) == 1


async def test_tors_of_one_that_was_killed_are_not_gone_through(settings: Settings) -> None:
    play(settings)
    folder = settings.store / "tor"
    folder.mkdir(parents=True)
    (folder / "ports.json").write_text(json.dumps({"pid": 1, "ports": [[1, 2]]}))
    async with own(settings) as (reached, _):
        await reached.ready()
        assert reached.borrowed == ()


async def test_what_one_that_was_killed_told_is_not_believed(settings: Settings) -> None:
    gone = await asyncio.create_subprocess_exec("true")
    await gone.wait()
    folder = settings.store / "tor"
    folder.mkdir(parents=True)
    (folder / "ports.json").write_text(json.dumps({"pid": gone.pid, "ports": [[1, 2]]}))
    assert await tors.states(settings.store) == ()
    (folder / "ports.json").write_text(json.dumps({"pid": os.getpid(), "ports": [[1, 2]]}))
    assert await tors.states(settings.store) == (None,)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"pid": 1}', '{"pid": 1, "ports": [["a", 2]]}'])
async def test_a_torn_file_of_ports_names_none(settings: Settings, text: str) -> None:
    folder = settings.store / "tor"
    folder.mkdir(parents=True)
    (folder / "ports.json").write_text(text)
    assert await tors.states(settings.store) == ()


# ------------------------------------------------------------------------------------------------------------ doctor


async def findings(settings: Settings) -> list[tuple[bool, str, str]]:
    found = await examine(settings, datetime.now(UTC))
    assert "proxy" not in {one.check for one in found}
    return [(one.ok, one.detail, one.mend) for one in found if one.check == "tor"]


async def test_doctor_without_a_program(settings: Settings) -> None:
    ((ok, detail, mend),) = await findings(settings)
    assert (ok, detail) == (False, "the program tor is not installed")
    assert mend.startswith("apt-get install tor")


async def test_doctor_before_there_is_a_store(settings: Settings) -> None:
    play(settings)
    ((ok, detail, _),) = await findings(settings)
    assert (ok, detail) == (True, f"{settings.path.parent}/bin/tor; it is tried once there is a store")
    assert not settings.store.exists()


async def test_doctor_starts_one_to_see(settings: Settings) -> None:
    play(settings, phases=((0, STARTING), (0.2, DONE)))
    settings.store.mkdir()
    assert await findings(settings) == [(True, "tor 0.4.9.11 of our own started, and is ready", "")]


async def test_doctor_tells_where_it_is_stuck(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "STALL_SECONDS", 0.5)
    play(settings, phases=((0, STUCK),))
    settings.store.mkdir()
    ((ok, detail, mend),) = await findings(settings)
    assert not ok
    assert "tor is ready to 14 % (Handshaking with a relay); it says: No route to host (NOROUTE)" in detail
    assert "look at the machine's connection" in mend


async def test_doctor_asks_those_that_run(settings: Settings) -> None:
    play(settings, phases=((0, DONE),))
    async with reaching(replace(settings, proxy=replace(settings.proxy, tors=2))) as reached:
        await reached.ready()
        assert await findings(settings) == [
            (True, "our own tor 0 (tor 0.4.9.11) runs, and is ready", ""),
            (True, "our own tor 1 (tor 0.4.9.11) runs, and is ready", ""),
        ]
    play(settings, phases=((0, STUCK),))
    async with own(settings):
        ((ok, detail, _),) = await findings(settings)
    assert not ok
    assert detail.startswith("our own tor 0: tor is ready to 14 %")
