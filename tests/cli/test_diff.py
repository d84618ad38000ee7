"""``watcher diff`` from outside: what it compares, what it prints, how it exits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CARD = '<div class="card"><h3><a href="/{slug}">{title}</a></h3><p>{text}</p><span>views: {views}</span></div>'
NAMES = ["Velmora Logistics", "Brackenwold Systems", "Ostrava Foods", "Tarn Dental", "Holmvik Legal", "Eskar Housing"]


def write(path: Path, names: list[str], views: int = 3) -> str:
    cards = "".join(
        CARD.format(slug=name.lower().replace(" ", "-"), title=name, text=f"{name} did not pay us.", views=views + at)
        for at, name in enumerate(names)
    )
    path.write_text(f"<html><body><h1>Leaks</h1><main>{cards}</main><footer>the end</footer></body></html>")
    return str(path)


def diff(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "watcher", "diff", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("pages")
    return write(folder / "old.html", NAMES), write(folder / "new.html", [NAMES[0], *NAMES[2:]], views=9)


def test_the_entry_that_went_is_named(pages: tuple[str, str]) -> None:
    done = diff(*pages, "--json")
    assert done.returncode == 1, done.stderr
    (removed,) = [one for one in json.loads(done.stdout)["entries"] if one["kind"] == "removed"]
    assert removed["entry"]["title"] == "Brackenwold Systems"


def test_a_page_and_itself(pages: tuple[str, str]) -> None:
    assert (done := diff(pages[0], pages[0], "--by", "text")).returncode == 0, done.stderr


def test_the_html_is_one_page_and_the_same_each_time(pages: tuple[str, str]) -> None:
    first, second = (diff(*pages, "--by", "text", "--format", "html") for _ in range(2))
    assert first.returncode == 1
    assert first.stdout == second.stdout
    assert first.stdout.startswith("<!doctype html>")
    assert 'http-equiv="Content-Security-Policy"' in first.stdout
    assert "src=" not in first.stdout


def test_what_is_nowhere_is_told_with_a_mend(pages: tuple[str, str]) -> None:
    done = diff(pages[0], "nowhere.html")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "nowhere.html" in done.stderr
    assert "mend:" in done.stderr


def test_a_page_that_shows_no_list_is_no_sign_that_an_entry_went(pages: tuple[str, str], tmp_path: Path) -> None:
    queues = [tmp_path / f"queue-{number}.html" for number in (1, 2)]
    for number, queue in enumerate(queues, start=1):
        queue.write_text(f"<title>Queue</title><h1>Please wait in line</h1><p>You are number {number}</p>")
    done = diff(pages[0], str(queues[0]))
    assert done.returncode == 1
    assert "shows no whole list (blocked): an entry may have stood there all the same" in done.stdout
    neither = diff(*map(str, queues))
    assert (neither.returncode, neither.stdout) == (2, "")
    assert "neither shows a whole list: blocked and blocked" in neither.stderr
    assert "--by text" in neither.stderr
    assert diff(str(queues[0]), str(queues[0])).returncode == 0
