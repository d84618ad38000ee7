"""The Cl0p story over real onions: a supplier is listed, the site falters in all the usual ways, the supplier is gone.

The watcher is the program itself, a process for each look; tor is tor; only the site is invented.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.props.tor import PrivateTorNetwork
from watcher.testing.background import run_in_thread
from watcher.testing.site import PracticeSite
from watcher.testing.story import CL0P, SUPPLIER

CONFIGURATION = """
[watcher]
vantage = "story"
store = "store"

[proxy]
url = "{proxy}"
timeout = "25s"

[policy]
confirm_visits = 3
confirm_after = "0s"
confirm_gap = "1s"

[[site]]
name = "clop"
mirrors = ["http://{onion}/"]

[[alert]]
to = "file:alerts.jsonl"
"""


class Watcher:
    """The program, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "watcher", "-c", str(self.folder / "watcher.toml"), *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def objects(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def told(tor_network: PrivateTorNetwork, tmp_path_factory: pytest.TempPathFactory) -> tuple[Watcher, list[Any]]:
    """The story played once: the watcher that saw it, and each look as (chapter's number, exit code, events)."""
    watcher = Watcher(tmp_path_factory.mktemp("story"))
    looks: list[tuple[int, int, list[dict[str, Any]]]] = []
    with run_in_thread(PracticeSite(CL0P.opening, CL0P.script.steps, title=CL0P.title)) as site:
        onion = tor_network.add_onion(site.port)
        text = CONFIGURATION.format(proxy=tor_network.socks_url, onion=onion.address)
        (watcher.folder / "watcher.toml").write_text(text)
        for number, chapter in enumerate(CL0P.chapters):
            site.advance()
            if chapter.unreachable:
                tor_network.remove_onion(onion)
                tor_network.wait_until_down(onion)
            elif number and CL0P.chapters[number - 1].unreachable:
                tor_network.revive(onion)
            if chapter.new_circuit:
                tor_network.newnym()
            for _ in range(chapter.looks):
                done = watcher.run("check", "--json")
                objects = [json.loads(line) for line in done.stdout.splitlines()]
                looks.append((number, done.returncode, [one for one in objects if "kind" in one]))
        tor_network.remove_onion(onion)
        assert site.archive_bytes == 0
    return watcher, looks


@pytest.mark.tor
@pytest.mark.timeout(300)
class TestStory:
    def test_exactly_listed_and_withdrawn_are_told(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        events = watcher.objects("events")
        assert [(event["kind"], event["entry"]["title"]) for event in events] == [
            ("listed", SUPPLIER.title),
            ("withdrawn", SUPPLIER.title),
        ]

    def test_each_is_told_in_its_chapter_and_nothing_in_between(self, told: tuple[Watcher, list[Any]]) -> None:
        _, looks = told
        for number, chapter in enumerate(CL0P.chapters):
            kinds = [event["kind"] for at, _, events in looks for event in events if at == number]
            assert kinds == list(chapter.told), chapter.caption

    def test_the_reasons_name_the_header_and_the_detail_page(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        (withdrawn,) = watcher.objects("events", "--kind", "withdrawn")
        assert "absent-from-listing:3" in withdrawn["why"]
        assert "detail-offline" in withdrawn["why"]
        assert "own page" in withdrawn["why"][-1]

    def test_both_captures_show_what_they_should(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        (withdrawn,) = watcher.objects("events", "--kind", "withdrawn")
        before = watcher.run("show", "--body", withdrawn["before"]).stdout
        after = watcher.run("show", "--body", withdrawn["after"]).stdout
        assert SUPPLIER.title in before
        assert SUPPLIER.title not in after
        captures = {capture["id"]: capture for capture in watcher.objects("captures")}
        assert captures[withdrawn["before"]]["requested_at"] <= withdrawn["not_before"]
        assert withdrawn["not_before"] < withdrawn["not_after"] <= withdrawn["confirmed_at"]

    def test_misses_and_pages_that_say_nothing_are_kept_as_such(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, looks = told
        listing = [one for one in watcher.objects("captures") if one["target"] == "listing"]
        verdicts = {one["verdict"] for one in listing}
        assert {"listing", "blocked", "error"} <= verdicts
        misses = [one for one in listing if one["status"] is None]
        assert misses
        assert all(one["body_digest"] is None for one in misses)
        assert {code for number, code, _ in looks if CL0P.chapters[number].unreachable} == {1}
        assert {code for number, code, _ in looks if not CL0P.chapters[number].unreachable} == {0}

    def test_alerts_arrived_once_with_a_checkpoint(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        alerts = [json.loads(line) for line in (watcher.folder / "alerts.jsonl").read_text().splitlines()]
        assert [alert["kind"] for alert in alerts] == ["listed", "withdrawn"]
        assert all(alert["checkpoint"].startswith("story\n") for alert in alerts)

    def test_the_supplier_is_withdrawn_on_the_roster_and_the_others_stay(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        standing = {entry["title"]: entry["standing"] for entry in watcher.objects("entries")}
        assert standing.pop(SUPPLIER.title) == "withdrawn"
        assert set(standing.values()) == {"listed"}
        assert len(standing) == 7

    def test_a_replay_concludes_the_same(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        done = watcher.run("replay", "--dry-run")
        assert (done.returncode, done.stdout) == (0, "")

    def test_the_diff_names_the_entry_that_went(self, told: tuple[Watcher, list[Any]]) -> None:
        watcher, _ = told
        (withdrawn,) = watcher.objects("events", "--kind", "withdrawn")
        done = watcher.run("diff", withdrawn["before"], withdrawn["after"], "--json")
        assert done.returncode == 1
        (removed,) = [one for one in json.loads(done.stdout)["entries"] if one["kind"] == "removed"]
        assert removed["entry"]["title"] == SUPPLIER.title
