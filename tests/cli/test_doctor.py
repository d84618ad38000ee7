"""``watcher doctor``: the output and the exit code; ``tests/edge/test_doctor.py`` has the findings."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from tests.cli.conftest import Run
from watcher.config import Settings
from watcher.edge import doctor
from watcher.edge.doctor import Finding

WELL = Finding(check="proxy", ok=True, detail="127.0.0.1:9050 answers as a SOCKS5 proxy")
BETTER = Finding(check="clock", ok=True, detail="unsynchronised", mend="use chrony")
WRONG = Finding(check="key", ok=False, detail="it may be read by \x1b[31mothers", mend="chmod 600")


def pretend(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    async def examine(_: Settings, __: datetime, *, progress: object) -> tuple[Finding, ...]:
        return findings

    monkeypatch.setattr(doctor, "examine", examine)


def test_for_people(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init")
    pretend(monkeypatch, WELL, BETTER, WRONG)
    result = run("doctor")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == (
        "ok     proxy         127.0.0.1:9050 answers as a SOCKS5 proxy\n"
        "ok     clock         unsynchronised\n"
        "                     better: use chrony\n"
        "wrong  key           it may be read by \\u{1b}[31mothers\n"
        "                     mend: chmod 600\n"
    )


def test_for_programs(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("init")
    pretend(monkeypatch, WELL, BETTER)
    result = run("doctor", "--json")
    assert result.exit_code == 0
    assert [json.loads(line) for line in result.stdout.splitlines()] == [
        {"check": "proxy", "ok": True, "detail": WELL.detail, "mend": ""},
        {"check": "clock", "ok": True, "detail": "unsynchronised", "mend": "use chrony"},
    ]


def test_in_earnest(run: Run) -> None:
    """After ``init`` nothing but the proxy can be wrong."""
    run("init")
    found = [json.loads(line) for line in run("doctor", "--json").stdout.splitlines()]
    assert {one["check"] for one in found if not one["ok"]} <= {"proxy"}
    assert {"configuration", "proxy", "tor", "clock", "key", "disk", "store", "timestamps"} == {
        one["check"] for one in found
    }


def test_without_a_configuration(run: Run) -> None:
    assert run("doctor").exit_code == 2
