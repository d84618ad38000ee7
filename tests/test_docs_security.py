"""What docs/SECURITY.md promises of files and folders, seen in one where people who trust everybody have worked."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stories.program import run, write
from watcher.testing.process import PracticeProcess

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def modes(folder: Path) -> dict[str, str]:
    """Mode of every file and folder, by its path."""
    return {
        path.relative_to(folder).as_posix(): f"{stat.S_IMODE(path.stat().st_mode):o}"
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``init`` and ``check`` have worked with a umask that forbids nothing."""
    folder = tmp_path_factory.mktemp("trusting")
    with PracticeProcess("story") as world:
        world.turn()
        assert run(folder, "init", umask=0).returncode == 0
        configured = (folder / "watcher.toml").stat().st_mode
        write(folder, world.proxy_url, {"clop": [world.mirror]}, more='[[alert]]\nto = "file:alerts.jsonl"\n')
        done = run(folder, "check", umask=0)
        assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(configured) == 0o600
    return folder


def test_nobody_else_may_read_the_key_the_configuration_or_the_store(folder: Path) -> None:
    seen = modes(folder)
    assert (seen["watcher.key"], seen["watcher.toml"], seen["store"]) == ("600", "600", "700")
    kept = {path: mode for path, mode in seen.items() if path.startswith(("store/", "snapshots/"))}
    assert {mode for path, mode in kept.items() if (folder / path).is_dir()} == {"700"}
    assert {mode for path, mode in kept.items() if (folder / path).is_file()} == {"600"}
    assert "store/ledger.db" in kept


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660])
def test_a_key_that_others_may_read_is_refused_before_anything_is_asked(folder: Path, mode: int) -> None:
    key = folder / "watcher.key"
    key.chmod(mode)
    try:
        done = run(folder, "check")
    finally:
        key.chmod(0o600)
    assert done.returncode == 2
    assert f"mode {mode:o}" in done.stderr
    assert "chmod 600" in done.stderr


def test_secrets_from_the_environment_are_in_no_log_error_or_record(folder: Path) -> None:
    secret = "hunter2hunter2hunter2"
    text = (folder / "watcher.toml").read_text()
    path = folder / "wrong.toml"
    path.write_text(text.replace("file:alerts.jsonl", "env:SERVICE") + '[web]\ntoken = "env:TOKEN"\n')
    environ = {**os.environ, "SERVICE": f"json://u:{secret}@127.0.0.1:9/", "TOKEN": secret}
    said = "".join(
        done.stdout + done.stderr
        for done in (
            run(folder, "-c", "wrong.toml", "check", env=environ),
            run(folder, "-c", "wrong.toml", "doctor", env=environ),
            run(folder, "-c", "wrong.toml", "events", "--json", env=environ),
        )
    )
    assert secret not in said
    assert not [
        path for path in (folder / "store").rglob("*") if path.is_file() and secret.encode() in path.read_bytes()
    ]


def test_every_file_and_target_that_it_names_is_there() -> None:
    for target in re.findall(r"`make (\w+)`", PAGE):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
    for path in re.findall(r"-r (\S+)", PAGE):
        assert (ROOT / path).is_file()


def test_the_version_can_be_told() -> None:
    done = subprocess.run([sys.executable, "-m", "watcher", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"watcher \d+\.\d+\.\d+\n", done.stdout)
