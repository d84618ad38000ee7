"""``watcher read`` and ``watcher learn``: from a file, a pipe, a capture and an address."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cli.conftest import Run
from tests.cli.seed import HOSTILE, MIRROR, fill
from watcher.cli.main import cli
from watcher.core import rules
from watcher.core.parse import parse
from watcher.records import Page
from watcher.testing.process import PracticeProcess

NAMES = ("Velmora Logistics", "Orbin Health", "Castel Foods", "Dunmere Glass", "Halvard Shipping")
PAGE = "<html><head><title>Leaks</title></head><body><h1>Leaks</h1><div class=list>{}</div></body></html>"
CARD = '<div class=card><h2>{}</h2><p>Files of {}, all of them</p><a href="/v/{}">more</a></div>'


def page(*names: str) -> str:
    return PAGE.format("".join(CARD.format(name, name, NAMES.index(name) if name in NAMES else "x") for name in names))


def one(output: str) -> dict[str, Any]:
    (line,) = output.splitlines()
    value = json.loads(line)
    assert isinstance(value, dict)
    return value


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(page(*NAMES[:3]))
    return path


def test_read_for_programs(run: Run, saved: Path) -> None:
    result = run("read", "page.html", "--json", "--url", "http://leak.example/list/")
    assert (result.exit_code, result.stderr) == (0, "")
    value = one(result.stdout)
    assert set(value) == {"verdict", "why", "complete", "entries", "rule"}
    assert (value["verdict"], value["complete"]) == ("listing", True)
    assert [entry["title"] for entry in value["entries"]] == list(NAMES[:3])
    assert [entry["url"] for entry in value["entries"]] == [f"http://leak.example/v/{n}" for n in range(3)]
    assert {"entry", "title"} <= set(value["rule"])


def test_read_for_people(run: Run, saved: Path) -> None:
    lines = run("read", "page.html").stdout.splitlines()
    assert lines[:3] == ["listing", "3 entries", ""]
    assert lines[3].startswith("TITLE ")
    assert [line.split("  ")[0] for line in lines[4:7]] == list(NAMES[:3])
    assert "[site.rule]" in lines


def test_read_needs_no_configuration(run: Run, saved: Path) -> None:
    (saved.parent / "watcher.toml").write_text("this is no TOML")
    assert run("read", "page.html").exit_code == 0


def test_read_from_a_pipe(run: Run) -> None:
    result = CliRunner().invoke(cli, ["read", "-", "--json"], input=json.dumps([{"name": name} for name in NAMES]))
    assert [entry["title"] for entry in one(result.stdout)["entries"]] == list(NAMES)


def test_read_by_the_rule_of_a_site(run: Run, saved: Path) -> None:
    config = f'[[site]]\nname = "a"\nmirrors = ["{MIRROR}"]\n[site.rule]\nentry = "div.card"\ntitle = "p"\n'
    (saved.parent / "watcher.toml").write_text(config)
    value = one(run("read", "page.html", "--site", "a", "--json").stdout)
    assert [entry["title"] for entry in value["entries"]] == [f"Files of {name}, all of them" for name in NAMES[:3]]
    assert value["rule"] == {"entry": "div.card", "title": "p"}


def test_read_is_held_to_what_is_listed(run: Run, tmp_path: Path) -> None:
    """A queue page where entries are known is a queue page."""
    fill(tmp_path)
    (tmp_path / "page.html").write_text("<title>Queue</title><p>You are number 7. Please wait, checking your browser.")
    value = one(run("read", "page.html", "--site", "clop", "--json").stdout)
    assert value["verdict"] == "blocked"
    assert not value["complete"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["read", "none.html"], "watcher: none.html: No such file or directory\n"),
        (["read", "page.html", "--site", "x"], "there is no watcher.toml in this folder\n"),
        (["learn", "none.html"], 'watcher: "none.html" is no file and no capture\n'),
        (["learn", "ftp://x"], "there is no watcher.toml in this folder\n"),
    ],
)
def test_what_cannot_be_read(run: Run, saved: Path, arguments: list[str], told: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(told)


def test_a_folder_is_no_page(run: Run, tmp_path: Path) -> None:
    assert run("read", str(tmp_path)).exit_code == 2


def test_a_binary_file_is_unreadable_and_no_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + bytes(5000))
    result = run("read", "x.zip", "--json")
    assert (result.exit_code, one(result.stdout)["verdict"]) == (0, "unreadable")


def test_what_a_page_says_does_not_act(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page(*NAMES[:3], HOSTILE[:200]), encoding="utf-8", errors="surrogateescape")
    for command in ("read", "learn"):
        shown = run(command, "page.html").stdout
        assert r"\u{202e}proc" in shown
        assert not {"\x1b", "\u202e", "\x07"} & set(shown)


# ----------------------------------------------------------------------------------------------------- learn


def test_learn_prints_a_rule_that_works(run: Run, saved: Path) -> None:
    result = run("learn", "page.html")
    assert result.exit_code == 0
    assert result.stderr.startswith("watcher: are these the entries? Then no rule is needed")
    assert [line.split("  ")[0] for line in result.stdout.splitlines()[4:7]] == list(NAMES[:3])
    table = tomllib.loads("[[site]]\n" + result.stdout[result.stdout.index("[site.rule]") :])["site"][0]["rule"]
    assert rules.faults(table) == []
    other = parse(Page(body=page(*NAMES).encode(), url=MIRROR, status=200))
    assert [entry.title for entry in rules.apply(rules.from_table(table), other)] == list(NAMES)


def test_learn_from_several_pages(run: Run, saved: Path) -> None:
    (saved.parent / "later.html").write_text(page(*NAMES[1:5]))
    value = one(run("learn", "page.html", "later.html", "--json").stdout)
    assert [entry["title"] for entry in value["entries"]] == list(NAMES[1:5])


@pytest.mark.parametrize("text", ["<p>Nothing is repeated here.", "", "{}"])
def test_learn_finds_nothing(run: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "page.html").write_text(text)
    result = run("learn", "page.html")
    assert result.exit_code == 1
    assert "[site.rule]" not in result.stdout
    assert '--example "TITLE"' in result.stderr


def test_learn_says_when_the_example_is_not_there(run: Run, saved: Path) -> None:
    assert '"Nobody \\u{1b} Here" is none of these' in run("learn", "page.html", "--example", "Nobody \x1b Here").stderr
    assert "is none of these" not in run("learn", "page.html", "--example", NAMES[0].lower()).stderr


def test_learn_from_a_capture(run: Run, tmp_path: Path) -> None:
    """The page of the seeded store repeats nothing; another id is no source at all."""
    captures = fill(tmp_path)
    result = run("learn", captures[0].id[:6], "--json")
    assert (result.exit_code, one(result.stdout)["verdict"]) == (1, "unreadable")
    assert run("learn", "c0000000000000000").exit_code == 2


def test_learn_from_an_address_through_the_proxy(run: Run, tmp_path: Path) -> None:
    with PracticeProcess("story") as world:
        (tmp_path / "watcher.toml").write_text(f'[proxy]\nurl = "{world.proxy_url}"\n')
        result = subprocess.run(
            [sys.executable, "-m", "watcher", "learn", world.mirror, "--json"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert result.stderr == ""
        assert one(result.stdout)["verdict"] == "listing"
        gone = run("learn", world.mirror.replace("http://", "http://x."))
    assert gone.exit_code == 2
    assert gone.stdout == ""
    assert not (tmp_path / "snapshots").exists()


def test_learn_without_the_proxy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text('[proxy]\nurl = "socks5://127.0.0.1:1"\n')
    result = run("learn", "http://leak.example/")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the proxy 127.0.0.1:1 does not answer" in result.stderr
