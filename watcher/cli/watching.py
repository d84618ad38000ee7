"""``watcher check`` and ``watcher run``: visits, once or for a long time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import click

from watcher.cli.kit import State, command, json_option, known, progress, say, site_names, tell
from watcher.cli.looking import event_table
from watcher.cli.output import Cell, columns, json_lines, table, verdict
from watcher.core import contract
from watcher.errors import ConfigError, UsageError, WatcherError
from watcher.records import Event, Site

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.look import Visited

SHORT = 100
STAMP_SECONDS = 15.0


@command(
    examples=[
        ("watcher check", "Look at everything once, now:"),
        ("watcher check clop --json | jq 'select(.kind)'", "One site; of what is printed, only the events:"),
    ],
    exits=[
        ("0", "all were visited, whatever they said"),
        ("1", "some target gave a miss"),
        ("2", "trouble of ours: configuration, proxy, disk"),
    ],
)
@click.argument("sites", metavar="[SITE]...", nargs=-1, shell_complete=site_names)
@json_option
def check_command(state: State, *, sites: tuple[str, ...], as_json: bool) -> int:
    """Visit every target (of the named sites) once, now, whatever the schedule says; print what it saw and any events.

    With --json: the capture objects of each visit, and then its event objects.
    """
    from watcher.cli.logs import log_to_stderr

    settings = state.settings
    chosen = _chosen(settings, sites)
    log_to_stderr(quiet=True)
    ensure_key(settings)
    seen: list[_Seen] = []
    with progress("visiting", shown=not as_json and len(chosen) > 1) as advance:
        advance(0, len(chosen))

        def on_visit(visited: Visited) -> None:
            seen.append(_seen(visited))
            advance(len(seen), len(chosen))
            if as_json:
                _print_objects(settings, visited)

        troubles = asyncio.run(_check(settings, chosen, on_visit))
    if not as_json:
        _print_tables(seen)
    for trouble in troubles:
        tell(trouble)
    if troubles:
        return 2
    return 1 if any(one.is_miss for one in seen) else 0


class _Seen(NamedTuple):
    """What is told of a visit: pages and rosters of thousands of sites are not held until the last one is there."""

    row: tuple[str | Cell, ...]
    is_miss: bool
    events: tuple[Event, ...]


def _seen(visited: Visited) -> _Seen:
    snapshot = visited.snapshot
    row = (
        visited.site,
        verdict(snapshot.verdict),
        "yes" if snapshot.complete else "no",
        str(visited.shown),
        str(sum(not capture.is_miss for capture in visited.captures)),
        str(len(visited.events)),
        Cell(", ".join(snapshot.why), limit=SHORT),
    )
    return _Seen(row, visited.is_miss, visited.events)


async def _check(
    settings: Settings, sites: Sequence[Site], on_visit: Callable[[Visited], None]
) -> tuple[WatcherError, ...]:
    from watcher.cli.compose import watching
    from watcher.cli.tor import until_ready

    async with watching(settings, on_visit) as parts:
        await until_ready(parts.reached)
        troubles = await parts.watch.check(sites)
        await parts.delivery.flush()
        with suppress(TimeoutError):  # no authority, no delay: what is not stamped now is asked for next time
            async with asyncio.timeout(STAMP_SECONDS):
                await parts.tending.once()
    return troubles


@command(
    examples=[
        ("watcher run", "Watch until stopped (SIGINT or SIGTERM); SIGHUP reads the file again:"),
        ("watcher -c /srv/w/watcher.toml run 2>>/var/log/watcher.log", "From anywhere, its log in a file:"),
    ],
    exits=[("0", "a clean stop"), ("2", "trouble of ours: configuration, proxy, store")],
)
def run_command(state: State) -> None:
    """Watch: visit what is due, deliver alerts, sign checkpoints, until SIGTERM or SIGINT.

    Visits in flight are then finished, or recorded as misses, within 10 seconds. SIGHUP reads the configuration again;
    if that is wrong, its faults are told and watching goes on as before.
    """
    ensure_key(state.settings)
    run_with(state.settings)


def run_with(settings: Settings) -> None:
    """The long-running process with these settings."""
    import structlog

    from watcher.cli.compose import run
    from watcher.cli.logs import log_to_stderr
    from watcher.edge.machine import collect_seldom

    log_to_stderr()
    collect_seldom()
    log = structlog.get_logger("watcher")

    def on_visit(visited: Visited) -> None:
        seen = visited.snapshot
        log.info(
            "visited",
            site=visited.site,
            verdict=seen.verdict,
            complete=seen.complete,
            entries=visited.shown,
            why=", ".join(seen.why[:2]),
        )
        for event in visited.events:
            log.warning(
                event.kind,
                site=event.site,
                entry=event.entry.title if event.entry else "",
                why=", ".join(event.why[:3]),
                id=event.id,
            )

    def reload() -> Settings | None:
        from watcher import config

        try:
            renewed = config.load(settings.path)
        except ConfigError as error:
            tell(error)
            say("watching goes on with the configuration as it was")
            return None
        log.info("configuration read again", sites=len(renewed.sites))
        return renewed

    asyncio.run(run(settings, on_visit, reload))
    log.info("stopped")


def ensure_key(settings: Settings) -> None:
    """A signing key where there is none yet: for a configuration that was written by hand."""
    if settings.key.exists():
        return
    from watcher.edge.sign import create_key

    key = create_key(settings.key, settings.vantage)
    say(f"made a signing key: {settings.key}; keep a copy where nobody else reads it; public: {key.vkey}")


def _chosen(settings: Settings, names: Sequence[str]) -> tuple[Site, ...]:
    """The sites of those names, or all. Raises UsageError for an unknown one, or if there is none."""
    if not settings.sites:
        raise UsageError(f"there are no sites in {settings.path} yet", hint="add a [[site]] to it")
    for name in names:
        known(name, [site.name for site in settings.sites], "site")
    return tuple(site for site in settings.sites if not names or site.name in names)


def _print_objects(settings: Settings, visited: Visited) -> None:
    """The captures of a visit, with what they were read to say, and its events."""
    from watcher.edge.ledger import Ledger

    with Ledger.open(settings.store) as ledger:
        captures = ledger.captures_of(visited.captures[0].visit) if visited.captures else ()
    json_lines(contract.capture_object(capture) for capture in captures)
    json_lines(contract.event_object(event) for event in visited.events)
    sys.stdout.flush()


def _print_tables(seen: Sequence[_Seen]) -> None:
    rows = sorted((one.row for one in seen), key=lambda row: str(row[0]))
    table(columns("SITE  VERDICT  COMPLETE  >ENTRIES  >CAPTURES  >EVENTS  ~WHY"), rows)
    events = [event for one in seen for event in one.events]
    if events:
        click.echo()
        event_table(events)
