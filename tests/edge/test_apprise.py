"""Alerts to services: through the proxy and nowhere else, secrets untold, nothing lost whatever ends the process."""

from __future__ import annotations

import asyncio
import email
import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.edge.keeping import event, keep, outcome
from tests.edge.receiver import HOOK, Hook, alert, hook, mail_server
from tests.edge.test_tls import certificate as _certificate
from watcher.config import AlertSettings
from watcher.edge import only_proxy
from watcher.edge.apprise_sink import AppriseSink, Messenger
from watcher.edge.apprise_worker import Errand
from watcher.edge.deliver import Delivery
from watcher.edge.ledger import Ledger
from watcher.edge.notify import sink_name, sinks
from watcher.edge.sign import create_key
from watcher.edge.store import LedgerStore
from watcher.errors import ConfigError, DeliveryError
from watcher.records import Event
from watcher.testing.clocks import ManualClock

certificate = _certificate
NOW = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
FIRST = replace(event(1), watchlist=("Velmora",))
SECRETS = ("s3cret", HOOK)


def of_process(pid: str, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()


@asynccontextmanager
async def service(made: Hook, **settings: object) -> AsyncIterator[AppriseSink]:
    (sink,) = sinks([alert(**settings)], proxies=[made.way])
    assert isinstance(sink, AppriseSink)
    try:
        yield sink
    finally:
        await sink.close()


async def test_a_web_hook_is_told_through_the_proxy_which_alone_knows_its_name() -> None:
    async with hook() as made, service(made) as sink:
        await sink.send(FIRST, "local\n1\nhash=\n")
        await sink.send(event(2), "")
    first, second = made.told
    assert first["title"].startswith("WATCHLIST · ")
    assert FIRST.id in first["message"]
    assert first["message"].endswith("local\n1\nhash=")
    assert first["type"] == "warning"
    assert second["type"] == "info"
    assert [(one.host, one.port, one.code) for one in made.proxy.requests] == [(HOOK, 80, 0)] * 2
    assert {one.credentials for one in made.proxy.requests} == {(f"alert-{sink.name}", "watcher")}


async def test_secrets_stand_in_no_process_list_and_in_no_error() -> None:
    seen: list[bytes] = []

    async def look(made: Hook) -> int:
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with suppress(OSError):
                text = of_process(pid, "cmdline")
                if b"apprise_worker" in text:
                    seen.append(text + of_process(pid, "environ"))
        return 403

    async with hook(look) as made, service(made, to=f"json://me:s3cret@{HOOK}/s3cret-path/?-token=s3cret") as sink:
        with pytest.raises(DeliveryError) as told:
            await sink.send(FIRST, "")
    assert str(told.value) == "the service answered with status 403"
    assert len(made.told) == 1
    assert seen
    assert not any(secret.encode() in text for secret in SECRETS for text in seen)
    assert not any(secret in sink.name for secret in SECRETS)


async def test_a_certificate_that_nobody_vouches_for_is_refused_unless_the_address_says_otherwise(
    certificate: Path,
) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with hook(tls=context) as made:
        async with service(made, to=f"jsons://{HOOK}/a") as sink:
            with pytest.raises(DeliveryError, match=r"certificate is not to be trusted.*self.signed"):
                await sink.send(FIRST, "")
        assert made.told == []
        async with service(made, to=f"jsons://{HOOK}/a?verify=no") as sink:
            await sink.send(FIRST, "")
        assert len(made.told) == 1


async def test_what_fails_is_said_in_words_and_nothing_goes_past_the_proxy() -> None:
    async with hook() as made:
        messenger = Messenger([made.way], "token")
        for to, why in (
            ("json://nobody.example/", "the onion's descriptor was not found"),
            ("rsyslog://198.51.100.7", "does not go through a SOCKS proxy"),
            ("nonsense://x/", "Apprise knows no such service"),
        ):
            done = await messenger.run(Errand(url=to, title="t", body="b"))
            assert not done.ok
            assert why in done.why
        await messenger.close()
        assert [one.host for one in made.proxy.requests] == ["nobody.example"]
        await made.proxy.stop()
        async with service(made) as sink:
            with pytest.raises(DeliveryError, match="the proxy does not answer"):
                await sink.send(FIRST, "")
    assert made.told == []


async def test_mail_goes_through_the_proxy_and_does_not_say_what_this_machine_is_called() -> None:
    to = "mailto://me:s3cret@mail.example:2525?smtp=mail.example&to=you@there.example&mode=insecure"
    fine = {"EHLO": "250-mail\r\n250 AUTH PLAIN", "AUTH": "235 come in"}
    async with hook() as made:
        async with mail_server(made.proxy, "mail.example", fine) as said, service(made, to=to) as sink:
            await sink.send(FIRST, "")
        assert [(one.host, one.port) for one in made.proxy.requests] == [("mail.example", 2525)]
        letter = email.message_from_string("\n".join(said[said.index("data") + 1 :]))
        parts = [part.get_payload(decode=True) for part in letter.walk() if not part.is_multipart()]
        assert any(FIRST.id.encode() in part for part in parts if isinstance(part, bytes))
        assert said[0] == "ehlo localhost.localdomain"
        assert not any(re.search(rf"\b{re.escape(socket.gethostname())}\b", line) for line in said)
        async with (
            mail_server(made.proxy, "mail.example", {**fine, "MAIL": "550 go away"}),
            service(made, to=to) as sink,
        ):
            with pytest.raises(DeliveryError, match="the mail server answered with code 550"):
                await sink.send(FIRST, "")


async def test_an_interrupted_errand_ends_the_process_and_the_next_one_works() -> None:
    came, go_on = asyncio.Event(), asyncio.Event()

    async def wait(made: Hook) -> int:
        came.set()
        if len(made.told) == 1:
            await go_on.wait()
        return 200

    async with hook(wait) as made, service(made) as sink:
        sending = asyncio.create_task(sink.send(FIRST, ""))
        await came.wait()
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        await sink.send(event(2), "")
        go_on.set()
    assert [event(2).id in one["message"] for one in made.told] == [False, True]


async def test_an_address_is_checked_without_sending_anything() -> None:
    async with hook() as made:
        async with service(made) as sink:
            assert await sink.check() == ""
        async with service(made, to="slack://short") as sink:
            assert "lacks a part" in await sink.check()
        assert made.proxy.connections == 0


SCRIPT = """
import socket, sys
from watcher.edge.only_proxy import OnlyProxy
from watcher.edge.proxy import proxy_of
out = OnlyProxy(proxy_of(sys.argv[1]), ("", ""))
out.take_over()
for work in (
    lambda: socket.create_connection(("198.51.100.1", 81), 5),
    lambda: socket.create_connection(("named.example", 82), 5),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("198.51.100.1", 83)),
    lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).connect(("2001:db8::1", 84)),
    lambda: __import__("_socket").getaddrinfo("named.example", 85),
    lambda: socket.gethostbyaddr("198.51.100.1"),
):
    try:
        work()
        print("led there")
    except Exception as error:
        print(type(error).__name__)
print(socket.gethostbyname("named.example"), socket.getfqdn())
"""


async def test_whatever_a_library_tries_only_the_proxy_is_reached() -> None:
    async with hook() as made:
        made.proxy.route("198.51.100.1", ("127.0.0.1", made.proxy.port))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SCRIPT, made.proxy.url), stdout=asyncio.subprocess.PIPE
        )
        said = (await process.communicate())[0].decode().split("\n")
        assert said[:6] == ["led there", "Refused", "LeakError", "LeakError", "LeakError", "LeakError"]
        assert re.fullmatch(r"240\.0\.0\.\d+ localhost\.localdomain", said[6])
        assert [(one.host, one.port) for one in made.proxy.requests] == [("198.51.100.1", 81), ("named.example", 82)]


def test_numbers_of_ours_lead_nowhere() -> None:
    assert all(number.is_reserved or not number.is_global for number in only_proxy.FIRST.values())


# ------------------------------------------------------------------------------------------------- the outbox


async def owe(store: LedgerStore, settings: AlertSettings, *events: Event) -> None:
    await store.subscribe([sink_name(settings.to)])
    number = len(await store.do(lambda desk: list(desk.ledger.events())))
    captures = await keep(store, number)
    await store.record(outcome(captures[0].visit, captures, {}, events=events))


def flood(count: int, first: int = 1) -> list[Event]:
    return [event(n) for n in range(first, first + count)]


async def test_forty_entries_at_once_are_one_alert(tmp_path: Path) -> None:
    async with hook() as made, LedgerStore.open(tmp_path / "store", vantage="alpha") as store:
        await owe(store, alert(), *flood(40), replace(event(90), kind="withdrawn"))
        delivery = Delivery(store, create_key(tmp_path / "key", "alpha"), ManualClock(NOW))
        await delivery.use(sinks([alert()], proxies=[made.way]))
        await delivery.flush()
        await delivery.dismiss()
        assert made.told[0]["title"].partition(" on ")[0] == "40 × entry listed"
        assert len(made.told) == 2
        assert all(one.id in made.told[0]["message"] for one in flood(40))
        assert await store.do(lambda desk: desk.ledger.owed(NOW + timedelta(days=9))) == ()
        with Ledger.open(tmp_path / "store") as ledger:
            logged = ledger.connection.execute('SELECT count(*) FROM act WHERE instr(record, \'"act":"alert"\')')
            assert logged.fetchone()[0] == 41


async def test_a_digest_waits_in_the_store_and_outlives_the_process(tmp_path: Path) -> None:
    key = create_key(tmp_path / "key", "alpha")
    settings = alert(digest=timedelta(hours=1))
    clock = ManualClock(NOW)
    async with hook() as made:
        for minutes in (0, 30, 26):
            begun = clock.turn(minutes=minutes)
            async with LedgerStore.open(tmp_path / "store", vantage="alpha", now=clock.now) as store:
                if begun < NOW + timedelta(minutes=50):
                    await owe(store, settings, event(begun.minute))
                delivery = Delivery(store, key, clock)
                await delivery.use(sinks([settings], proxies=[made.way]))
                await delivery.flush()
                await delivery.dismiss()
                assert len(made.told) == (begun > NOW + timedelta(minutes=50))
    assert made.told[0]["title"].startswith("2 × ")


async def test_a_service_that_fails_is_tried_again_and_its_alerts_stay_owed(tmp_path: Path) -> None:
    async def fail(made: Hook) -> int:
        return 503 if len(made.told) == 1 else 200

    clock = ManualClock(NOW)
    async with hook(fail) as made, LedgerStore.open(tmp_path / "store", vantage="alpha", now=clock.now) as store:
        await owe(store, alert(), *flood(12))
        delivery = Delivery(store, create_key(tmp_path / "key", "alpha"), clock)
        await delivery.use(sinks([alert()], proxies=[made.way]))
        await delivery.flush()
        (why,) = {row[0] for row in await store.do(lambda desk: desk.db.execute("SELECT why FROM delivery").fetchall())}
        assert why == "the service answered with status 503"
        assert len(made.told) == 1
        clock.turn(seconds=11)
        await delivery.flush()
        await delivery.dismiss()
        assert len(made.told) == 2
        assert made.told[0]["message"].partition("\n\nSigned")[0] == made.told[1]["message"].partition("\n\nSigned")[0]


async def test_a_stop_breaks_off_what_hangs_and_it_is_told_at_the_next_start(tmp_path: Path) -> None:
    came, go_on = asyncio.Event(), asyncio.Event()

    async def hang(made: Hook) -> int:
        came.set()
        if len(made.told) == 1:
            await go_on.wait()
        return 200

    key = create_key(tmp_path / "key", "alpha")
    async with hook(hang) as made:
        for told in (1, 2):
            async with LedgerStore.open(tmp_path / "store", vantage="alpha") as store:
                if told == 1:
                    await owe(store, alert(), event(1))
                delivery = Delivery(store, key, ManualClock(NOW))
                await delivery.use(sinks([alert()], proxies=[made.way]))
                flushing = asyncio.create_task(delivery.flush())
                await came.wait()
                if told == 1:
                    await delivery.dismiss()
                await asyncio.gather(flushing, return_exceptions=True)
                await delivery.dismiss()
            assert len(made.told) == told
        go_on.set()
    assert made.told[0]["message"].partition("Signed")[0] == made.told[1]["message"].partition("Signed")[0]


async def test_a_kill_between_decision_and_delivery_loses_nothing_and_repeats_the_same_key(
    tmp_path: Path,
) -> None:
    """The process is killed before the service answers, then while it does; the next one tells what is still owed."""
    create_key(tmp_path / "key", "alpha")
    running: list[int] = []

    def end(pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    async def kill(made: Hook) -> int:
        if len(made.told) == 1:
            end(running[-1])
        elif len(made.told) == 3:  # the answer is on its way when the process dies
            asyncio.get_running_loop().call_later(0.005, end, running[-1])
        return 200

    events = [event(1), event(2), *[replace(event(n), kind="withdrawn") for n in range(3, 15)]]
    async with hook(kill) as made:
        async with LedgerStore.open(tmp_path / "store", vantage="alpha") as store:
            await owe(store, alert(), *events)
        code = -signal.SIGKILL
        while code == -signal.SIGKILL and len(running) < 5:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.edge.receiver", str(tmp_path), made.proxy.url)
            )
            running.append(process.pid)
            code = await process.wait()
    assert code == 0
    assert len(running) > 1
    keys: dict[str, set[str]] = {}
    for one in made.told:
        key = re.search(r"(?:Event|Message) (\w+) \(the same", one["message"])
        assert key
        for known in events:
            if re.search(rf"\b{known.id}\b", one["message"]):
                keys.setdefault(known.id, set()).add(key[1])
    assert {known: len(found) for known, found in keys.items()} == {known.id: 1 for known in events}
    async with LedgerStore.open(tmp_path / "store", vantage="alpha") as store:
        assert await store.do(lambda desk: desk.ledger.owed(datetime.now(UTC) + timedelta(days=9))) == ()


def test_a_template_that_cannot_be_used_keeps_the_watcher_from_starting(tmp_path: Path) -> None:
    file = tmp_path / "alert.txt"
    file.write_text("{{ event.kind }}\n{{ event.titel }}")
    with pytest.raises(ConfigError, match=rf"{file}:\d+: .*titel"):
        sinks([alert(template=file)])
    with pytest.raises(ConfigError, match="No such file"):
        sinks([alert(template=tmp_path / "none")])
