"""The program as people run it: alone, then in a fleet, then alone again; its history and its proofs stay its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from tests.props.nats import NatsServer
from tests.props.stage import Stage
from tests.stories.program import Program, json_lines, objects, run, write
from watcher.edge.ledger import Ledger
from watcher.edge.sign import load_key
from watcher.errors import StoreError
from watcher.testing.scene import Publish, Victim

EACH = 'every = "500ms"'


def head(store: Path) -> tuple[int, bytes]:
    with Ledger.open(store) as ledger:
        return ledger.log.size, ledger.log.root()


def root_at(store: Path, size: int) -> bytes:
    with Ledger.open(store) as ledger:
        return ledger.log.root(size)


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


def has_shipped(store: Path) -> bool:
    with Ledger.open(store) as ledger:
        row = ledger.connection.execute("SELECT seq FROM shipped WHERE way = 'sent'").fetchone()
    return row is not None and row[0] > 0


def copied(index: Path, store: Path) -> int:
    """How many leaves the index's copy has; they are those of the store."""
    done = run(index, "index", "--once")
    assert done.returncode == 0, done.stderr
    copy = index / "store" / "vantages" / "local"
    size, root = head(copy)
    assert root_at(store, size) == root
    return size


def kinds(folder: Path) -> list[tuple[str, str]]:
    return [(one["kind"], one["entry"]["title"]) for one in objects(folder, "events") if one["entry"]]


def test_alone_in_a_fleet_and_alone_again(tmp_path: Path) -> None:
    own, index = tmp_path / "own", tmp_path / "index"
    own.mkdir()
    index.mkdir()
    store = own / "store"
    with Stage(sites=1) as stage, NatsServer(tmp_path / "nats") as server:
        alone = {"proxy": stage.proxy_url, "sites": {"gang": stage.mirrors[0]}, "each": EACH}

        def look() -> None:
            assert run(own, "check").returncode == 0

        write(own, **alone)  # type: ignore[arg-type]
        look()
        stage.act(0, Publish((Victim(slug="first", title="FIRST FOODS"),)))
        look()
        key = load_key(own / "watcher.key")
        fleet = f'[fleet]\nservers = ["{server.url}"]\nvantages = ["{key.vkey}"]\nlease = "2s"\n'
        before = head(store)
        (index / "watcher.toml").write_text(f'[watcher]\nvantage = "index"\nstore = "store"\n{fleet}')

        write(own, **alone, more=fleet)  # type: ignore[arg-type]
        with Program(own) as program:
            program.until("event=visited")
            until(lambda: has_shipped(store))
            stage.act(0, Publish((Victim(slug="second", title="SECOND STEEL"),)))
            program.until("event=listed", "SECOND STEEL")
            assert program.stop() == 0
        first = copied(index, store)
        assert first >= before[0]
        assert ("listed", "FIRST FOODS") in kinds(index)  # what happened before it joined

        write(own, **alone)  # type: ignore[arg-type]
        stage.act(0, Publish((Victim(slug="third", title="THIRD THREADS"),)))
        look()
        verified = run(own, "verify", "store", "--key", key.vkey, "--json")
        assert verified.returncode == 0, [one for one in json_lines(verified.stdout) if not one["ok"]]
        assert root_at(store, before[0]) == before[1]  # the log only ever grew

        server.kill()
        write(own, **alone, more=fleet)  # type: ignore[arg-type]
        with Program(own) as program:
            stage.act(0, Publish((Victim(slug="fourth", title="FOURTH FARMS"),)))
            program.until("event=listed", "FOURTH FARMS")  # no server: it goes on
            server.start()
            start = len(program.said)
            program.until("fleet reached", start=max(0, start - 1))
            until(lambda: _nothing_marked(store) > first)
            assert program.stop() == 0
        copied(index, store)
        told = kinds(index)
        titles = ("FIRST FOODS", "SECOND STEEL", "THIRD THREADS", "FOURTH FARMS")
        assert [told.count(("listed", title)) for title in titles] == [1, 1, 1, 1]
        assert kinds(own) == told
        verified = run(index, "verify", "store/vantages/local", "--key", key.vkey, "--json")
        assert verified.returncode == 0, [one for one in json_lines(verified.stdout) if not one["ok"]]


def _nothing_marked(store: Path) -> int:
    """The size of the log if nothing waits to be shipped; else 0."""
    try:
        with Ledger.open(store) as ledger:
            if ledger.connection.execute("SELECT 1 FROM unshipped WHERE tab NOT IN (13, 14)").fetchone():
                return 0
            sent = ledger.connection.execute("SELECT seq FROM shipped WHERE way = 'sent'").fetchone()
            newest = ledger.connection.execute("SELECT max(seq) FROM parcel").fetchone()
            return ledger.log.size if sent and newest and sent[0] == newest[0] else 0
    except StoreError:
        return 0
