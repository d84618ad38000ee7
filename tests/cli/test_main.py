"""The program as a whole: help, flags, errors, streams, exit codes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest

import watcher
from tests.cli.conftest import Run
from watcher.cli.kit import Command, Commands, State
from watcher.cli.main import TABLE, cli

PROGRAM = [sys.executable, "-m", "watcher"]


def test_help_lists_every_command_without_loading_one(run: Run) -> None:
    result = run("--help")
    assert result.exit_code == 0
    shown = [
        line.split()[0]
        for line in result.stdout.split("Commands:")[1].splitlines()
        if line.startswith("  ") and line[2] != " "
    ]
    assert [name for name in shown if name in TABLE] == list(TABLE)
    assert result.stderr == ""


@pytest.mark.parametrize("name", TABLE)
def test_every_command_loads_and_reads_like_a_manual(run: Run, name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert isinstance(command, Command)
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: watcher {name} ")
    assert "Examples:\n" in result.stdout
    assert f"$ watcher {name}" in result.stdout
    assert "Exit status:\n  0 " in result.stdout
    assert "-c, --config FILE" in result.stdout
    assert all(len(line) <= 80 for line in result.stdout.splitlines() if not line.startswith("    $ "))


def test_version(run: Run) -> None:
    assert run("--version").stdout == f"watcher {watcher.__version__}\n"


def test_no_command_shows_the_help(run: Run) -> None:
    result = run()
    assert result.exit_code == 2
    assert "Commands:" in result.stderr
    assert result.stdout == ""


def test_an_unknown_command_is_told_with_the_nearest(run: Run) -> None:
    result = run("evnts")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == 'watcher: there is no command "evnts"\n  mend: did you mean "events"?\n'


def test_an_unknown_flag(run: Run) -> None:
    result = run("events", "--nope")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "No such option '--nope'" in result.stderr


@pytest.mark.parametrize(
    ("before", "after"),
    [(["-c", "x.toml"], []), ([], ["-c", "x.toml"]), ([], ["--config=x.toml"]), (["-c", "y"], ["-c", "x.toml"])],
)
def test_the_file_may_be_named_before_or_after(run: Run, before: list[str], after: list[str]) -> None:
    result = run(*before, "status", *after)
    assert result.exit_code == 2
    assert result.stderr == (
        "x.toml: No such file or directory\n"
        "watcher: 1 fault; name another with `-c FILE`, or write one with `watcher init`\n"
    )


def test_no_file_at_all(run: Run) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "there is no watcher.toml in this folder\n"
        "watcher: 1 fault; write one with `watcher init`, or name one: `-c FILE`, or WATCHER_CONFIG=FILE in the "
        "environment\n"
    )


def test_every_fault_of_a_file(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text("[watcher]\nstore = 1\nstroe = 2\n")
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "watcher.toml:2: [watcher] store: the number 1 stands here; write a string in quotes\n"
        'watcher.toml:3: [watcher] stroe: unknown key; did you mean "store"?\n'
        "watcher: 2 faults; nothing was started; mend these and try again\n"
    )


def test_doubts_are_told_and_do_not_stop(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text('[[site]]\nname = "a"\nmirrors = ["http://short.onion/"]\n')
    result = run("status", "--json")
    assert result.exit_code == 0
    assert result.stderr.startswith("watcher: watcher.toml:3: [[site]] mirrors: an onion address has 56 letters")


def test_looking_needs_no_secrets_and_visiting_does(run: Run, tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text(
        '[[site]]\nname = "a"\nmirrors = ["http://a.example/"]\n[[alert]]\nto = "env:NO_SUCH_SECRET"\n'
    )
    assert [run(command, "--json").exit_code for command in ("status", "events", "entries", "captures")] == [0] * 4
    result = run("check")
    assert result.exit_code == 2
    assert "watcher.toml:5: [[alert]] to: the environment variable NO_SUCH_SECRET is not set" in result.stderr


def group(callback: object) -> Commands:
    """A program with one command ``x`` that does this."""

    class One(Commands):
        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            return Command("x", callback=callback)  # type: ignore[arg-type] - any callable

    return One("watcher", table={"x": ("x", "does")})


def test_the_number_that_a_command_returns_is_the_exit_code() -> None:
    assert group(lambda: 1).main(["x"], standalone_mode=False) == 1
    assert group(lambda: None).main(["x"], standalone_mode=False) == 0
    with pytest.raises(SystemExit) as caught:
        group(lambda: 3).main(["x"])
    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (watcher.errors.ProxyError("no answer", hint="start tor"), 2, "watcher: no answer\n  mend: start tor\n"),
        (watcher.errors.StoreFull("full"), 2, f"watcher: full\n  mend: {watcher.errors.StoreFull.mend}\n"),
        (
            watcher.errors.EvidenceError("forged \x1b[31m", hint="ask \x1b"),
            1,
            "watcher: forged \\u{1b}[31m\n  mend: ask \\u{1b}\n",
        ),
        (KeyboardInterrupt(), 130, "\n"),
        (
            PermissionError(13, "Permission denied", "/x"),
            2,
            "watcher: /x: Permission denied\n"
            "  mend: give this user the right to read and write there, or name another place\n",
        ),
        (
            OSError(28, "No space left on device"),
            2,
            "watcher: No space left on device\n  mend: make room on that disk; what was kept is unharmed\n",
        ),
        (click.ClickException("odd"), 1, "Error: odd\n"),
        (click.Abort(), 130, ""),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_a_code(
    error: BaseException, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    assert group(fail).main(["x"], standalone_mode=False) == code
    assert capsys.readouterr() == ("", told)


def test_names_of_sites_for_the_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watcher.toml").write_text(
        "".join(f'[[site]]\nname = "{name}"\nmirrors = ["http://{name}.example/"]\n' for name in ("clop", "conti", "x"))
    )
    shell = subprocess.run(
        PROGRAM,
        cwd=tmp_path,
        env={
            **os.environ,
            "_WATCHER_COMPLETE": "bash_complete",
            "COMP_WORDS": "watcher events --site c",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    if shell.stdout == "":  # python -m is named by its module
        pytest.fail(shell.stderr)
    assert shell.stdout == "plain,clop\nplain,conti\n"


# ----------------------------------------------------------------------------------- as a process of its own


def test_nobody_reads(tmp_path: Path) -> None:
    """A closed pipe ends the program without a word."""
    text = "".join(f'[[site]]\nname = "s{n}"\nmirrors = ["http://s{n}.example/"]\n' for n in range(3000))
    (tmp_path / "watcher.toml").write_text(text)
    process = subprocess.Popen(
        [*PROGRAM, "status", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    talk = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=30) == 141
    assert "Traceback" not in talk
    assert "rror" not in talk


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["status", "--json"], ["--version"], ["status", "--help"]])
def test_a_full_disk_behind_stdout(tmp_path: Path, arguments: list[str], unbuffered: str) -> None:
    (tmp_path / "watcher.toml").write_text('[[site]]\nname = "a"\nmirrors = ["http://a.example/"]\n')
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*PROGRAM, *arguments], cwd=tmp_path, env=environ, stdout=full, stderr=subprocess.PIPE, timeout=30,
            check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert b"watcher: No space left on device" in done.stderr
    assert b"make room on that disk" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


def test_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text('[[site]]\nname = "a"\nmirrors = ["http://a.example/Ž"]\n', encoding="utf-8")
    environ = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [*PROGRAM, "status", "--json"], cwd=tmp_path, env=environ, capture_output=True, timeout=30, check=False
    )
    assert done.returncode == 0
    assert "http://a.example/Ž" in done.stdout.decode("utf-8")


def test_following_ends_well_when_interrupted(tmp_path: Path) -> None:
    (tmp_path / "watcher.toml").write_text("")
    process = subprocess.Popen(
        [*PROGRAM, "events", "--follow", "--json"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    assert b"nothing was visited yet" in process.stderr.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, talk = process.communicate(timeout=30)
    assert (process.returncode, out, talk) == (0, b"", b"")


HEAVY = (
    "aiohttp",
    "asyncio",
    "rapidfuzz",
    "rich",
    "selectolax",
    "cryptography",
    "sqlite_utils",
    "jinja2",
    "structlog",
    "apprise",
    "rfc3161_client",
)


@pytest.mark.parametrize("arguments", [["--help"], ["events", "--json"], ["status"], ["entries", "--help"]])
def test_what_is_not_needed_is_not_loaded(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "watcher.toml").write_text('[[site]]\nname = "gang"\nmirrors = ["http://gang.example/"]\n')
    code = (
        "import sys; from watcher.cli.main import cli; cli.main(sys.argv[1:], standalone_mode=False);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0
    loaded = set(done.stderr.splitlines()[-1].split())
    assert "watcher" in loaded
    assert not loaded & set(HEAVY) - ({"rich"} if arguments == ["status"] else set())  # it has a table to draw


def test_what_watches_does_not_load_what_few_ask_for() -> None:
    """Each weighs megabytes, as long as the process lives."""
    code = "import sys, watcher.cli.compose; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    loaded = set(done.stdout.split())
    assert {"watcher", "aiohttp_socks", "sqlite3"} <= loaded
    assert not loaded & {
        "apprise",
        "jinja2",
        "rapidfuzz",
        "rfc3161_client",
        "nats",
        "obstore",
        "requests",
        "diff_match_patch",
    }


def test_the_state_reads_the_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "w.toml"
    path.write_text("")
    state = State(given=str(path))
    first, looked = state.settings, state.view
    path.unlink()
    assert state.settings is first
    assert state.view is looked


def test_the_short_helps_end_as_sentences() -> None:
    assert all(re.fullmatch(r"[A-Z].*\.", does) for _, does in TABLE.values())
