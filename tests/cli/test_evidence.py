"""``export``, ``verify``, ``log`` and ``prune``, as a shell would run them."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.cli.conftest import Run
from tests.evidence.keeping import play_withdrawal
from tests.evidence.story import KEY, ONION
from watcher.edge.ledger import Ledger
from watcher.edge.lock import Lock

CONFIG = f"""\
[watcher]
vantage = "local"
operator = "Example CERT"
[[site]]
name = "gang"
mirrors = ["{ONION}"]
"""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("played")
    asyncio.run(play_withdrawal(folder / "snapshots"))
    pem = KEY.secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "watcher.key").touch(mode=0o600)
    (folder / "watcher.key").write_bytes(f"# watcher signing key of {KEY.origin}\n".encode() + pem)
    (folder / "watcher.toml").write_text(CONFIG)
    return folder


@pytest.fixture
def here(played: Path, tmp_path: Path) -> Path:
    """The folder that ``run`` runs in, with a store of its own."""
    shutil.copytree(played, tmp_path, dirs_exist_ok=True)
    return tmp_path


def event_of(run: Run, kind: str) -> str:
    found: str = json.loads(run("events", "--kind", kind, "--json").stdout)["id"]
    return found


def test_a_bundle_is_written_verified_and_logged(run: Run, here: Path) -> None:
    event = event_of(run, "withdrawn")
    done = run("export", event, "-o", "v.wacz", "--no-pictures")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("verified: 1 event, 11 captures")
    assert KEY.vkey in done.stdout
    checked = run("verify", "v.wacz", "--key", KEY.vkey)
    assert checked.exit_code == 0
    assert checked.stdout.endswith("v.wacz: valid\n")
    assert "FAILED" not in checked.stdout
    with Ledger.open(here / "snapshots") as ledger:
        last = ledger.record_of(ledger.log.size - 1)
    assert (last["act"], last["events"]) == ("export", [event])
    assert run("verify", "snapshots", "--key", KEY.vkey).exit_code == 0


def test_json_says_the_same(run: Run, here: Path) -> None:
    done = run("export", event_of(run, "listed"), "-o", "v.wacz", "--no-pictures", "--json")
    made = json.loads(done.stdout)
    assert made["bytes"] == (here / "v.wacz").stat().st_size
    checks = [json.loads(line) for line in run("verify", "v.wacz", "--json").stdout.splitlines()]
    assert [set(check) for check in checks] == [{"check", "ok", "detail"}] * len(checks)
    assert all(check["ok"] for check in checks)


def test_a_broken_bundle_is_not_valid_and_says_why(run: Run, here: Path) -> None:
    run("export", event_of(run, "withdrawn"), "-o", "v.wacz", "--no-pictures")
    data = bytearray((here / "v.wacz").read_bytes())
    data[2000] ^= 1
    (here / "v.wacz").write_bytes(data)
    checked = run("verify", "v.wacz")
    assert checked.exit_code == 1
    assert checked.stdout.startswith("FAILED  zip")
    assert checked.stdout.endswith("v.wacz: NOT VALID\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("verify", "nowhere"), "nowhere cannot be read"),
        (("verify", "watcher.toml", "--key", "x"), "NAME+ID+KEY"),
        (("verify", "watcher.toml", "--tsa-roots", "nowhere"), "nowhere cannot be read"),
        (("verify", "watcher.toml", "--tsa-roots", "watcher.toml"), "no certificate"),
        (("export", "-o", "x"), "nothing is named"),
        (("export", "nope", "-o", "x"), "there is no event nope"),
        (("export", "--site", "nope", "-o", "x"), "there is no site nope"),
        (("export", "e", "--since", "1d", "-o", "x"), "add --site"),
        (("export", "--capture", "c0", "-o", "snapshots"), "is a folder"),
        (("log", "prove"), "a leaf is named"),
        (("log", "prove", "4711"), "no leaf 4711"),
        (("prune", "--keep", "soon"), "--keep"),
        (("prune", "--keep", "0s"), "everything would go"),
    ],
)
def test_what_cannot_be_done_is_said_and_nothing_is_written(
    args: tuple[str, ...], said: str, run: Run, here: Path
) -> None:
    done = run(*args)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (here / "x").exists()


def test_an_export_beside_a_running_watcher_is_left_for_its_log(run: Run, here: Path) -> None:
    event = event_of(run, "withdrawn")
    with Lock.take(here / "snapshots"):
        done = run("export", event, "-o", "v.wacz", "--no-pictures")
    assert done.exit_code == 0
    assert "the running watcher takes the export into its log" in done.stderr
    assert len(list((here / "snapshots" / "acts").iterdir())) == 1
    run("export", event, "-o", "w.wacz", "--no-pictures")
    assert list((here / "snapshots" / "acts").iterdir()) == []
    with Ledger.open(here / "snapshots") as ledger:
        assert [ledger.record_of(n)["act"] for n in range(ledger.log.size)][-2:] == ["export", "export"]


def test_the_log_shows_its_head_and_proves_its_leaves(run: Run, here: Path) -> None:
    head = json.loads(run("log", "--json").stdout)
    assert head["size"] == head["signed"] == 42
    shown = run("log", "checkpoint").stdout
    assert shown.splitlines()[:2] == [KEY.origin, "42"]
    (here / "kept.txt").write_text(shown)
    proof = json.loads(run("log", "prove", "7").stdout)
    assert (proof["index"], proof["size"], proof["checkpoint"]) == (7, 42, shown)
    assert run("log").stdout.splitlines()[0].split() == ["leaves", "42"]
    checked = run("verify", "snapshots", "--key", KEY.vkey, "--checkpoint", "kept.txt")
    assert checked.exit_code == 0
    assert "the log still contains the checkpoint over 42 leaves" in checked.stdout
    assert "no time-stamp was asked for" in run("log", "timestamp").stderr


def test_old_bodies_go_and_everything_still_verifies(run: Run, here: Path) -> None:
    event = event_of(run, "withdrawn")
    would = json.loads(run("prune", "--keep", "1s", "--dry-run", "--json").stdout)
    assert would["bodies"]
    assert run("prune", "--keep", "99999d").exit_code == 2
    assert run("prune", "--keep", "3000d").stdout == "nothing that is older than 3000d may go\n"
    done = run("prune", "--keep", "1s", "--json")
    assert json.loads(done.stdout)["bodies"] == would["bodies"]
    assert run("verify", "snapshots", "--key", KEY.vkey).exit_code == 0
    for name, args in (("one", (event,)), ("all", ("--site", "gang"))):
        assert run("export", *args, "-o", f"{name}.wacz", "--no-pictures").exit_code == 0
        assert run("verify", f"{name}.wacz", "--key", KEY.vkey).exit_code == 0


def test_names_are_hidden_on_demand(run: Run, here: Path) -> None:
    args = ("--redact", "Velmora Logistics", "--redact", "gang", "-o", "r.wacz", "--json")
    done = run("export", event_of(run, "withdrawn"), *args)
    made = json.loads(done.stdout)
    assert made["hidden"] > 0
    assert made["pictures"] == 0
    assert b"elmora" not in (here / "r.wacz").read_bytes()
    with Ledger.open(here / "snapshots") as ledger:
        assert ledger.record_of(ledger.log.size - 1)["act"] == "redaction"
    assert run("verify", "r.wacz", "--key", KEY.vkey).exit_code == 0
