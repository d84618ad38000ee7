"""What the processes that we start get of our environment: nothing that could be a secret."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from watcher.edge.apart import Apart, made_inert
from watcher.edge.reader import WorkerReader
from watcher.records import Hints, Page

ROOT = Path(__file__).parent.parent.parent / "watcher"
STARTS = re.compile(r"(?:create_subprocess_exec|Popen|subprocess\.run)\((.*?)\n {4,12}\)", re.DOTALL)
SECRET = "hunter2hunter2"


def readers() -> list[int]:
    """Processes that read pages for this one."""
    children = map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())
    return [pid for pid in children if b"read_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def environ(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except PermissionError:  # what reads pages lets nobody look into it
        pytest.skip("only root can look at the environment of what reads pages: run as root")


def test_what_works_on_pages_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TOKEN", SECRET)
    with Apart("inert") as apart:
        assert apart.work(b'["<p onclick=x()>a"]')[0] == 0
        with Apart("inert") as fresh:
            assert SECRET.encode() not in environ(fresh._process.pid)
    assert made_inert(["<p>a"]) is not None


async def test_what_reads_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TOKEN", SECRET)
    reader = WorkerReader()
    try:
        page = Page(body=b"<ul><li>a</ul>", url="http://a.example/", status=200, content_type="text/html")
        await reader.read(page, b"", (), Hints())
        workers = readers()
        assert workers
        assert not any(SECRET.encode() in environ(pid) for pid in workers)
    finally:
        await reader.close()


def test_nobody_starts_a_process_in_edge_without_saying_what_it_gets() -> None:
    starts = {
        f"{path.name}: {found[1][:60]}": found[1]
        for path in sorted((ROOT / "edge").glob("*.py"))
        for found in STARTS.finditer(path.read_text(encoding="utf-8"))
    }
    assert len(starts) >= 6
    assert [name for name, text in starts.items() if "env=" not in text] == []
