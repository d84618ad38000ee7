"""Entry names written by criminals: nothing of them reaches a terminal, a log or a file raw."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.props.stage import Stage
from tests.stories.program import WATCHER, Program, json_lines, objects, write
from watcher.cli.main import cli
from watcher.testing.scene import Publish, Victim, Withdraw

TRICKS = (
    "ACME \x1b[31m\x1b]0;owned\x07\x1b[2J FOODS",
    "BRILL\x07\x08\x08\x7f\x9b31m TEXTILES",
    "CORVA \u202egpj.exe\u202c \u2066LEGAL\u2069 \u200fOPTICS",
    "DRE\u200bMO\u2060 \ufeffCAST\u00adINGS\U000e0041",
    "ESTOL\r\nwatcher: the store is damaged\u2028\u2029\x85SEEDS",
    "FERVO " + "A" * 100_000,
    "<script>alert(1)</script><img src=x onerror=alert(2)> GORVO",
    '=HYPERLINK("http://evil.example/";"HOLM") DENTAL',
    "@SUM(1+1)*cmd|' /C calc'!A0 IVARA",
    "{{7*7}} ${7*7} %s %n [bold red]KELDA[/bold red] \\[/]",
    "L" + "\u0301" * 400 + "UMRA HOUSING",
)  # fmt: skip
VICTIMS = tuple(
    Victim(slug=f"trick-{number}", title=trick, statement=trick, country=trick[:200], status=trick[:200])
    for number, trick in enumerate(TRICKS)
)
EACH = """every = "300ms"
[site.rule]
entry = "tr.leak"
title = "td.name"
link = "td.name a@href"
country = "td:nth-of-type(2)"
status = "td.state"
"""
MORE = """
[policy]
confirm_visits = 2
confirm_after = "0s"
confirm_gap = "200ms"
[[watchlist]]
name = "corva"
match = ["corva"]
[[alert]]
to = "file:alerts.jsonl"
[[alert]]
to = "stdout:"
"""
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
MOST_OF_A_LINE = 8_000
"""Characters; a title of 100,000 is cut wherever people read."""


def assert_harmless(text: str, where: str, *, data: bool = False) -> None:
    """No character in it does anything to a terminal but stand there; ``data`` may hold many marks over a letter."""
    bad = {f"U+{ord(one):04X}" for one in set(text) - {"\n"} if unicodedata.category(one) in HIDDEN}
    assert not bad, f"{where}: {bad}"
    assert data or not re.search("[\u0300-\u036f]{5}", text), where


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store in which every trick was listed, and some withdrawn again; ``run`` saw it all."""
    folder = tmp_path_factory.mktemp("names")
    with Stage(victims=6) as stage:
        write(folder, stage.proxy_url, {"gang": stage.mirrors[0]}, each=EACH, more=MORE)
        with Program(folder) as program:
            program.until("event=visited", "entries=6")
            stage.act(0, Publish(VICTIMS))
            program.until("event=visited", f"entries={6 + len(VICTIMS)}")
            stage.act(0, Withdraw(tuple(victim.slug for victim in VICTIMS[:3])))
            for _ in range(3):
                program.until("event=withdrawn", start=len(program.said) - 1)
            assert program.stop() == 0
            assert program.process.stdout is not None
            (folder / "out").write_text(program.process.stdout.read())
            (folder / "log").write_text("".join(program.said))
        yield folder


def test_what_run_says_and_where_alerts_go(folder: Path) -> None:
    for name in ("out", "log", "alerts.jsonl"):
        assert_harmless((folder / name).read_text(), name, data=name != "log")
    assert max(map(len, (folder / "log").read_text().splitlines())) < MOST_OF_A_LINE
    alerts = json_lines((folder / "alerts.jsonl").read_text())
    assert len(json_lines((folder / "out").read_text())) == len(alerts)
    listed = [alert["entry"]["title"] for alert in alerts if alert["kind"] == "listed"]
    assert len(listed) == len(TRICKS)
    assert {alert["kind"] for alert in alerts} >= {"listed", "withdrawn"}
    assert next(alert["watchlist"] for alert in alerts if "CORVA" in alert["entry"]["title"]) == ["corva"]


def commands(folder: Path) -> Iterator[tuple[str, ...]]:
    yield from (("check",), ("status",), ("entries",), ("events",), ("captures",), ("replay", "--dry-run"), ("doctor",))
    events = objects(folder, "events")
    withdrawn = next(event for event in events if event["kind"] == "withdrawn")
    entry = objects(folder, "entries", "--match", "corva")[0]
    for what in (withdrawn["id"], entry["key"], withdrawn["before"]):
        yield ("show", what)
    for by in ("entries", "text", "source"):
        yield ("diff", withdrawn["before"], withdrawn["after"], "--by", by)
        yield ("diff", withdrawn["before"], withdrawn["after"], "--by", by, "--format", "unified")


def said(folder: Path, *command: str) -> Result:
    """What a command prints; a process for each would take half a minute."""
    result = CliRunner().invoke(cli, ["-c", str(folder / "watcher.toml"), *command], prog_name="watcher")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_what_every_command_says(folder: Path) -> None:
    shown = ""
    for command in commands(folder):
        for form in ((), ("--json",)):
            if "--format" in command and form:
                continue
            done = said(folder, *command, *form)
            where = " ".join((*command, *form))
            assert_harmless(done.stdout, where, data=bool(form))
            assert_harmless(done.stderr, where)
            if not form and command[0] != "diff":
                assert max(map(len, done.stdout.splitlines()), default=0) < MOST_OF_A_LINE, where
            shown += done.stdout
    assert "\\u{1b}" in shown  # the tricks were there, and can be seen
    assert "\\u{202e}" in shown


def test_a_comparison_as_a_page_holds_no_markup_of_theirs(folder: Path) -> None:
    withdrawn = next(event for event in objects(folder, "events") if event["kind"] == "withdrawn")
    for by in ("entries", "text", "source"):
        done = said(folder, "diff", withdrawn["before"], withdrawn["after"], "--by", by, "--format", "html")
        assert_harmless(done.stdout, by)
        assert "<script" not in done.stdout
        assert "<img" not in done.stdout


@pytest.mark.parametrize("command", [("entries",), ("events",), ("status",), ("check",)])
def test_what_a_terminal_gets(folder: Path, command: tuple[str, ...]) -> None:
    """On a terminal there are colours; of all escape sequences only those."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*WATCHER, *command], cwd=folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so at the end of a terminal
                break
            if not piece:
                break
            said += piece
        os.close(ours)
    assert process.returncode == 0
    text = said.decode()
    assert COLOUR.search(text)
    assert_harmless(COLOUR.sub("", text).replace("\r\n", "\n"), " ".join(command))
