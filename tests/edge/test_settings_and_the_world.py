"""Settings that read well and cannot be what is meant: who finds out, before anything is lost, and how it is mended."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.web.seed import NOW
from watcher import config
from watcher.edge import object_bodies
from watcher.edge.doctor import examine
from watcher.edge.finding import Finding
from watcher.errors import StoreError


async def alerts(folder: Path, *blocks: str) -> list[Finding]:
    """What the doctor says of these ``[[alert]]`` tables."""
    path = folder / "watcher.toml"
    path.write_text('[proxy]\nurl = "socks5://127.0.0.1:1"\n' + "".join(f"[[alert]]\n{block}\n" for block in blocks))
    return [one for one in await examine(config.load(path), NOW) if one.check == "alerts"]


@pytest.mark.parametrize(
    ("to", "why"),
    [("folder", "is no file"), ("no/such/alerts.jsonl", "there is no folder"), ("pipe", "is no file")],
)
async def test_a_file_for_alerts_that_cannot_be_written_is_found(tmp_path: Path, to: str, why: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (found,) = await alerts(tmp_path, f'to = "file:{to}"')
    assert not found.ok
    assert why in found.detail
    assert found.mend == "name a file that can be written under [[alert]] to"


async def test_a_file_that_can_be_written_and_stdout_are_no_findings(tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("{}\n")
    assert await alerts(tmp_path, 'to = "file:there.jsonl"', 'to = "file:new.jsonl"', 'to = "stdout:"') == []
    assert (tmp_path / "there.jsonl").read_text() == "{}\n"
    assert not (tmp_path / "new.jsonl").exists()


@pytest.mark.parametrize(
    ("written", "why", "mend"),
    [
        (None, "No such file", "mend the file, or [[alert]] template"),
        (b"\xff", "it is no UTF-8", "mend the file, or [[alert]] template"),
        (b"{% if %}", "template:1: ", "docs/alerts.md says what a template may print"),
    ],
)
async def test_a_template_that_cannot_be_used_is_told_with_its_own_mend(
    tmp_path: Path, written: bytes | None, why: str, mend: str
) -> None:
    if written is not None:
        (tmp_path / "template").write_bytes(written)
    (found,) = await alerts(tmp_path, 'to = "json://chat.example/"\ntemplate = "template"')
    assert not found.ok
    assert why in found.detail
    assert found.mend == mend


@pytest.mark.parametrize("lacking", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_without_credentials_nobody_is_asked_for_some(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine in a cloud may be asked for credentials at an address of the cloud's: that is past the proxy, and
    nobody wrote it into the configuration."""
    with socket.create_server(("127.0.0.1", 0)) as cloud:
        cloud.settimeout(0)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.delenv(lacking)
        monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{cloud.getsockname()[1]}")
        with pytest.raises(StoreError) as caught:
            object_bodies.creates_once("s3://bucket/prefix?endpoint=http://127.0.0.1:1")
        with pytest.raises(BlockingIOError):
            cloud.accept()
    assert str(caught.value).endswith(f"needs credentials: {lacking} not set")
    assert caught.value.hint == "set them first"
