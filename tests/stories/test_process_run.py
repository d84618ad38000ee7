"""``watcher run`` as a process: the proxy dies and returns, the file is read again, a second one comes, it stops."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.props.stage import Stage
from tests.stories.program import Program, objects, run, write
from watcher.core.onion import address
from watcher.edge.ledger import Ledger
from watcher.testing.scene import Publish, Victim

EACH = 'every = "500ms"'
HURRY = '[policy]\nconfirm_visits = 2\nconfirm_after = "0s"\nconfirm_gap = "300ms"\n'
NOBODY = f"http://{address(bytes(32))}/"
"""An onion that the proxy does not know."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(sites=4) as stage:
        yield stage


def test_the_proxy_dies_and_returns(tmp_path: Path, stage: Stage) -> None:
    """Told once, and no site is blamed; then visits go on, and what happened meanwhile is told."""
    write(tmp_path, stage.proxy_url, {f"s{n}": stage.mirrors[n] for n in range(3)}, each=EACH, more=HURRY)
    with Program(tmp_path) as program:
        for number in range(3):
            program.until("event=visited", f"site=s{number}")
        stage.delay(30)  # so that the proxy dies while sites are asked
        for number in range(3):
            program.until("event=visited", f"site=s{number}", start=len(program.said) - 3)
        stage.proxy("stop")
        told = program.until('event="watching waits"')
        assert "does not answer" in told
        assert "mend=" in told
        stage.act(0, Publish((Victim(slug="meanwhile", title="MEANWHILE FOODS"),)))
        stage.delay(0)
        stage.proxy("start")
        back = len(program.said)
        program.until('event="all is well again"')
        program.until("event=listed", "MEANWHILE FOODS")
        for number in range(3):
            program.until("event=visited", f"site=s{number}", start=back)
        assert program.stop() == 0
        assert len(program.lines("watching waits")) == 1
        assert program.lines("Traceback") == []
    captures = objects(tmp_path, "captures")
    assert [one for one in captures if one["status"] is None] == []
    assert [one["kind"] for one in objects(tmp_path, "events")] == ["listed"]
    assert {one["misses_in_a_row"] for one in objects(tmp_path, "status")} == {0}


def test_sites_and_alerts_change_and_a_second_process_is_refused(tmp_path: Path, stage: Stage) -> None:
    a, b, c = ({f"s{n}": stage.mirrors[n]} for n in range(3))
    write(tmp_path, stage.proxy_url, a | b, each=EACH, more=HURRY)
    with Program(tmp_path) as program:
        program.until("event=visited", "site=s0")
        program.until("event=visited", "site=s1")

        # a second owner is told who the first one is; whoever only looks is welcome
        for command in ("check", "run"):
            second = run(tmp_path, command)
            assert (second.returncode, second.stdout) == (2, "")
            assert f"in use by another watcher (pid {program.process.pid} on " in second.stderr
            assert "\n  mend: stop that one first" in second.stderr
        assert {one["site"] for one in objects(tmp_path, "status")} == {"s0", "s1"}
        assert {one["site"] for one in objects(tmp_path, "entries")} == {"s0", "s1"}
        assert objects(tmp_path, "captures")

        # a wrong file is told, and everything stays as it was
        good = (tmp_path / "watcher.toml").read_text()
        (tmp_path / "watcher.toml").write_text(good.replace("mirrors", "mirors", 1))
        start = len(program.said)
        program.send(signal.SIGHUP)
        program.until("unknown key", 'did you mean "mirrors"?')
        program.until("watching goes on with the configuration as it was")
        program.until("event=visited", "site=s0", start=start)
        program.until("event=visited", "site=s1", start=len(program.said))

        # a right one is taken up: one site goes, another comes, and alerts go to a file from now on
        alert = '[[alert]]\nto = "file:alerts.jsonl"\n'
        write(tmp_path, stage.proxy_url, a | c, each=EACH, more=HURRY + alert)
        program.send(signal.SIGHUP)
        program.until("configuration read again", "sites=2")
        program.until("event=visited", "site=s2")
        start = len(program.said)
        program.until("event=visited", "site=s2", start=start + 2)
        assert [line for line in program.said[start:] if "site=s1" in line] == []
        stage.act(2, Publish((Victim(slug="late", title="LATE TEXTILES"),)))
        program.until("event=listed", "LATE TEXTILES")

        # what cannot change while it runs is said
        write(tmp_path, "socks5://127.0.0.1:1", a | c, each=EACH, more=HURRY + alert)
        program.send(signal.SIGHUP)
        assert 'keys="[proxy] url"' in program.until("takes effect at the next start")
        start = len(program.said)
        program.until("event=visited", "site=s0", start=start)
        assert program.stop(signal.SIGINT) == 0
    assert '"LATE TEXTILES"' in (tmp_path / "alerts.jsonl").read_text()
    assert {one["site"] for one in objects(tmp_path, "status")} == {"s0", "s2"}
    with Ledger.open(tmp_path / "store") as ledger:  # each configuration that was in force has its leaf
        acts = ledger.connection.execute("SELECT count(*) FROM act WHERE instr(record, ?)", (b'"act":"version"',))
        assert acts.fetchone()[0] == 3


def test_a_stop_records_what_is_in_flight_as_misses(tmp_path: Path, stage: Stage) -> None:
    """Within 10 seconds, exit code 0; what answered is whole, what did not is a miss, and nothing follows from it."""
    sites = {f"s{n}": stage.mirrors[n] for n in range(4)}
    write(tmp_path, stage.proxy_url, sites | {"gone": [NOBODY]}, each=EACH, more=HURRY, timeout="80s")
    with Program(tmp_path) as program:
        for name in (*sites, "gone"):
            program.until("event=visited", f"site={name}")
        for number in range(3):
            stage.hang(number)
        before = len(program.said)
        program.until("site=s3", start=before + 6)
        assert program.stop(seconds=10) == 0
        assert "visits_in_flight=3" in program.until("event=stopping")
        assert program.said[-2].endswith("event=stopped\n")
    for number in range(3):
        stage.behave(number)
    captures = objects(tmp_path, "captures")
    stopped = [one for one in captures if one["why"][:1] == ["stopped"]]
    assert Counter(one["site"] for one in stopped) == {"s0": 1, "s1": 1, "s2": 1}
    assert {(one["verdict"], one["status"]) for one in stopped} == {("timeout", None)}
    assert {one["verdict"] for one in captures if one["site"] == "s3"} == {"listing"}
    assert [one["kind"] for one in objects(tmp_path, "events")] == []
    # the log's last head covers all of it, and the next process goes on from there
    heads = json_heads(tmp_path)
    assert heads["size"] == heads["leaves"]
    again = run(tmp_path, "check", "s0")
    assert again.returncode == 0, again.stderr


def json_heads(folder: Path) -> dict[str, int]:
    """How many leaves the log has, and how many its last checkpoint covers."""
    with Ledger.open(folder / "store") as ledger:
        return {"leaves": ledger.log.size, "size": max(head.size for head in ledger.checkpoints())}


def test_a_stop_before_anything_was_visited(tmp_path: Path, stage: Stage) -> None:
    write(tmp_path, stage.proxy_url, {"s0": stage.mirrors[0]}, each=EACH)
    with Program(tmp_path) as program:
        program.until("event=watching")
        assert program.stop() == 0
        assert program.lines("Traceback") == []
