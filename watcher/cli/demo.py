"""``watcher demo`` and ``watcher practice``: the real watcher, looking at a practice site behind a local proxy."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, say
from watcher.cli.output import console
from watcher.core.escape import line
from watcher.core.moments import counted
from watcher.errors import UsageError
from watcher.testing.process import PracticeProcess

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.look import Visited
    from watcher.records import Event

DEMO = """\
# Written by `watcher demo`: the story it tells, with your own eyes. The practice site ended with it.
[watcher]
vantage = "demo"
store = "store"
operator = "watcher demo"

[proxy]
url = "{proxy}"
timeout = "20s"

[policy]
confirm_visits = 3
confirm_after = "0s"      # the demo is in a hurry; half an hour is usual
confirm_gap = "1s"

[[watchlist]]
name = "the supplier"
match = ["Brackenwold", "brackenwold-systems.example"]

[[site]]
name = "clop"
mirrors = ["{mirror}"]
every = "15m"
"""

PRACTICE = """\
# Written by `watcher practice`, anew at each start: a practice site that goes on by itself, offline.
[watcher]
vantage = "practice"
store = "store"

[proxy]
url = "{proxy}"
timeout = "20s"

[policy]
confirm_visits = 3
confirm_after = "10s"
confirm_gap = "5s"
structural_after = "5m"

[[site]]
name = "practice"
mirrors = ["{mirror}"]
every = "10s"

[[alert]]
to = "{alerts}"
kinds = ["listed", "withdrawn", "relisted"]
"""

BUNDLE = "withdrawn.wacz"


@command(examples=[("watcher demo", "The story; what it keeps is in a folder of its own:")])
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(file_okay=False, path_type=Path))
def demo_command(state: State, folder: Path | None) -> None:
    """The whole story offline, in under a minute: a scripted leak site behind a local SOCKS proxy lists a supplier,
    then withdraws it from its header, with an outage, a queue page and errors between. What is kept stays in DIR."""
    del state
    folder = _empty_folder(folder)
    with PracticeProcess("story") as practice:
        settings = _written(folder, DEMO.format(proxy=practice.proxy_url, mirror=practice.mirror))
        events = asyncio.run(_tell(settings, practice))
    _conclude(settings, events)


async def _tell(settings: Settings, practice: PracticeProcess) -> list[Event]:
    from watcher.cli.compose import watching
    from watcher.cli.logs import log_to_stderr

    log_to_stderr(quiet=True)
    events: list[Event] = []
    seen: list[Visited] = []
    async with watching(settings, seen.append) as parts:
        while chapter := await asyncio.to_thread(practice.turn):
            _say(f"\n{chapter['caption']}", "bold")
            for _ in range(chapter["looks"]):
                await parts.watch.check(settings.sites)
                _say_seen(seen[-1])
                events += seen[-1].events
        await parts.delivery.flush()
    return events


def _say_seen(visited: Visited) -> None:
    snapshot = visited.snapshot
    shown = counted(visited.shown, "entry", "entries") if snapshot.complete else ", ".join(snapshot.why[:2])
    _say(f"  {snapshot.verdict:<12} {line(shown, 90)}", "")
    for event in visited.events:
        title = line(event.entry.title) if event.entry else event.site
        _say(f"  ► {event.kind}: {title}", "bold red" if event.kind == "withdrawn" else "bold green")
        _say(f"    {line(event.why[-1], 400)}", "dim")


def _conclude(settings: Settings, events: list[Event]) -> None:
    """What anyone would do next, by the commands anyone would use."""
    folder = settings.path.parent
    _command(folder, "events")
    withdrawn = next((event for event in events if event.kind == "withdrawn"), None)
    if withdrawn and withdrawn.before and withdrawn.after:
        _command(folder, "diff", withdrawn.before, withdrawn.after)
        _command(folder, "export", withdrawn.id, "-o", BUNDLE)
        _command(folder, "verify", BUNDLE)
    say(f"all of it is kept; look around: cd {folder}")


def _command(folder: Path, *arguments: str) -> None:
    _say(f"\n$ watcher {' '.join(arguments)}", "bold")
    sys.stdout.flush()
    subprocess.run([sys.executable, "-m", "watcher", *arguments], cwd=folder, check=False)


@command(
    examples=[("watcher practice", "Watch the practice site until stopped; then look at what was kept:")],
    exits=[("0", "a clean stop"), ("2", "trouble of ours")],
)
@click.argument(
    "folder", metavar="[DIR]", default="practice", type=click.Path(file_okay=False, path_type=Path), required=False
)
def practice_command(state: State, folder: Path) -> None:
    """The real long-running watcher on a practice site, offline: within a minute something is listed, a few minutes
    later it is withdrawn, and so on until it is stopped. What is kept goes to DIR (default: ./practice)."""
    from watcher.cli.watching import run_with

    del state
    folder.mkdir(parents=True, exist_ok=True)
    with PracticeProcess("practice") as practice:
        alerts = "file:alerts.jsonl" if sys.stdout.isatty() else "stdout:"  # JSON is for programs: people read the log
        settings = _written(folder, PRACTICE.format(proxy=practice.proxy_url, mirror=practice.mirror, alerts=alerts))
        say("watching a practice site, offline; no watcher.toml was found (make one: watcher init); stop: Ctrl-C")
        say(f"look from another terminal: watcher -c {settings.path} events --follow; alerts go to {alerts}")
        run_with(settings)


def _written(folder: Path, text: str) -> Settings:
    """The configuration, written and read as anyone's would be, with a key."""
    from watcher import config
    from watcher.cli.watching import ensure_key

    path = folder / "watcher.toml"
    path.write_text(text, encoding="utf-8")
    settings = config.load(path.resolve())
    ensure_key(settings)
    return settings


def _empty_folder(folder: Path | None) -> Path:
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="watcher-demo-"))
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", hint="name a folder that does not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _say(text: str, style: str) -> None:
    from rich.text import Text

    console().print(Text(text, style=style), soft_wrap=True)
