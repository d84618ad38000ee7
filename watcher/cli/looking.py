"""``status``, ``entries``, ``events`` and ``captures``: what the store holds, for people and for programs."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, get_args

import click

from watcher.cli.kit import State, check_site, command, json_option, moment, say, since_option, site_option
from watcher.cli.output import Cell, columns, console, grid, json_lines, minute, since, table, verdict, when, window
from watcher.cli.tor import tell_tors
from watcher.core import contract
from watcher.core.cadence import unchecked
from watcher.core.moments import counted, size_words, words
from watcher.core.reasons import waiting
from watcher.core.status import configured
from watcher.errors import UsageError
from watcher.records import Event, EventKind, MirrorStatus, Policy, RosterEntry, StandingName, TargetStatus

if TYPE_CHECKING:
    from watcher.edge.ledger import Ledger

FOLLOW_SECONDS = 1.0
"""How long ``--follow`` waits between looks at the store."""
SHORT = 60


@command(
    examples=[
        ("watcher status", "How the sites stand:"),
        ("watcher status --watch", "The same, anew every second:"),
        ("watcher status --json | jq 'select(.misses_in_a_row > 3) | .site'", "Sites that do not answer:"),
    ],
)
@click.option("--watch", is_flag=True, help="Go on: the table anew every second, until interrupted.")
@json_option
def status_command(state: State, *, watch: bool, as_json: bool) -> None:
    """How every target stands: verdict, last and next visit, last complete snapshot, entries listed, misses in a row,
    health of its mirrors."""
    if watch:
        if as_json or not sys.stdout.isatty():
            raise UsageError("--watch paints a terminal", hint="for a program: watcher status --json, again and again")
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends it, the terminal is given back
        with suppress(KeyboardInterrupt):
            _watch_status(state)
        return
    targets = _targets(state)
    if as_json:
        json_lines(contract.status_object(target) for target in targets)
        return
    if not targets:
        say(f"there are no sites in {state.view.path} yet; add a [[site]] to it")
        return
    now = datetime.now(UTC)
    late = unchecked(state.view.sites, targets, now)
    table(STATUS, _status_rows(targets, late, now))
    adaptive = {site.name for site in state.view.sites if site.every == "adaptive"}
    for one in targets:
        if one.site in adaptive and one.every:
            say(f"{one.site} is looked at every {words(one.every)} because of this: {one.because}")
    _say_missing(state)
    if late:
        say(
            f"{len(late)} of {len(targets)} unchecked for more than two intervals: is `watcher run` running? "
            "`watcher doctor` says more"
        )
    tell_tors(state.view)


STATUS = columns("SITE  TARGET  VERDICT  >LISTED  LAST VISIT  LAST COMPLETE  NEXT  >MISSES  >MIRRORS")


def _say_missing(state: State) -> None:
    with state.ledger(silent=True) as ledger:
        missing = ledger.count("missing") if ledger else 0
    if missing:
        which = counted(missing, "entry is", "entries are")
        say(f"{which} missing and not told yet; `watcher entries --standing missing` says why")


def _targets(state: State, *, silent: bool = False) -> tuple[TargetStatus, ...]:
    with state.ledger(silent=silent) as ledger:
        if not ledger:
            return configured(state.view.sites, ())
        adaptive = [site.name for site in state.view.sites if site.every == "adaptive"]
        watched = ledger.watched(adaptive, datetime.now(UTC))
        return configured(state.view.sites, ledger.status(), watched, others=state.view.is_index)


def _status_rows(targets: Sequence[TargetStatus], late: Collection[str], now: datetime) -> list[tuple[Cell | str, ...]]:
    return [
        (
            target.site,
            target.target,
            verdict(target.verdict),
            str(target.listed),
            since(target.last_visit, now),
            since(target.last_complete, now),
            _next(target, target.site in late, now),
            Cell(str(target.misses_in_a_row), "red" if target.misses_in_a_row else ""),
            _health(target.mirrors),
        )
        for target in targets
    ]


def _next(target: TargetStatus, is_late: bool, now: datetime) -> Cell:
    if target.paused_until is not None:
        return Cell(f"paused: {since(target.paused_until, now)}", "yellow")
    return Cell(since(target.next_visit, now), "bold red" if is_late else "")


def _watch_status(state: State) -> None:
    """The table, painted anew every second; what moved most lately stands first, as far as there is room."""
    from rich.live import Live

    out = console()
    with Live(console=out, screen=True, auto_refresh=False) as live:
        while True:
            now = datetime.now(UTC)
            targets = sorted(
                _targets(state, silent=True),
                key=lambda one: one.last_visit or datetime.min.replace(tzinfo=UTC),
                reverse=True,
            )
            late = unchecked(state.view.sites, targets, now)
            rows = _status_rows(targets[: max(1, out.height - 2)], late, now)
            live.update(grid(STATUS, rows, out.width), refresh=True)
            time.sleep(FOLLOW_SECONDS)


def _health(mirrors: tuple[MirrorStatus, ...]) -> Cell:
    good = sum(mirror.verdict in {"listing", "empty"} for mirror in mirrors)
    return Cell(f"{good}/{len(mirrors)}", "" if good == len(mirrors) else "yellow")


@command(
    examples=[
        ("watcher entries --site clop --standing withdrawn", "What was taken off a site:"),
        ("watcher entries --match acme", "Is a name on any site?"),
        ("watcher entries --standing missing", "What is not on its page and not told yet, and why not:"),
    ],
)
@site_option
@click.option("--standing", type=click.Choice(get_args(StandingName)), help="Only entries of this standing.")
@click.option("--match", metavar="TEXT", help="Only entries whose title, past or present, or key holds this.")
@json_option
def entries_command(
    state: State, *, site: str | None, standing: StandingName | None, match: str | None, as_json: bool
) -> None:
    """The roster: every entry ever seen on each site, and its standing (listed, missing, withdrawn)."""
    with state.ledger() as ledger:
        check_site(state, ledger, site)
        found = ledger.entries(site, standing, match) if ledger else iter(())
        if as_json:
            json_lines(contract.entry_object(name, entry) for name, entry in found)
            return
        if ledger and standing == "missing":
            _print_missing(ledger, found, state.view.policy)
            return
        table(
            columns("SITE  STANDING  ~TITLE  FIRST SEEN  LAST SEEN  WITHDRAWN  ~KEY"),
            (
                (
                    name,
                    verdict(entry.standing),
                    Cell(entry.title, limit=SHORT),
                    minute(entry.first_seen),
                    minute(entry.last_seen),
                    minute(entry.withdrawn_at),
                    Cell(entry.key, limit=SHORT),
                )
                for name, entry in found
            ),
        )


def _print_missing(ledger: Ledger, found: Iterator[tuple[str, RosterEntry]], policy: Policy) -> None:
    """Entries that are missing, and what each waits for before it is told."""
    from watcher.core.decide import held  # a tenth of a second, for this alone

    waits: dict[str, Mapping[str, tuple[str, ...]]] = {}

    def row(site: str, entry: RosterEntry) -> tuple[Cell | str, ...]:
        if site not in waits:
            waits[site] = held(ledger.notes(site), policy)
        why = waiting(waits[site].get(entry.key, ()), entry.absences, policy)
        return site, Cell(entry.title, limit=SHORT), minute(entry.missing_since), str(entry.absences), why

    table(columns("SITE  ~TITLE  MISSING SINCE  >LOOKS  ~NOT TOLD YET"), (row(site, entry) for site, entry in found))


@command(
    examples=[
        ("watcher events --since 1d", "What happened since yesterday:"),
        ("watcher events --follow --json", "Every event as it comes, for a program:"),
        ("watcher events --since 7d --format stix > week.json", "A week for a threat-intelligence platform:"),
    ],
    exits=[("0", "done, or --follow was interrupted"), ("2", "trouble of ours, told on stderr with its mend")],
)
@site_option
@click.option(
    "--kind",
    metavar="KIND",
    type=click.Choice(get_args(EventKind)),
    help=f"Only events of this kind: {', '.join(get_args(EventKind))}.",
)
@since_option
@click.option("--follow", is_flag=True, help="Go on: print events as they come, until interrupted.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["stix", "misp", "csv"]),
    help="For other programs: a STIX 2.1 bundle, MISP events (JSON), or a table (CSV).",
)
@json_option
def events_command(
    state: State,
    *,
    site: str | None,
    kind: str | None,
    since: str | None,
    follow: bool,
    form: str | None,
    as_json: bool,
) -> None:
    """Events, oldest first: what was listed, changed, renamed, withdrawn, relisted; and news of whole sites.

    It happened after the first of the two times, and no later than the second.
    """
    news = _News(site, kind, moment(since))
    if form and (as_json or follow):
        raise UsageError(
            f"--format {form} is a whole document; --json and --follow are lines", hint="take one of them out"
        )
    with state.ledger() as ledger:
        check_site(state, ledger, site)
        if form:
            _share(state, ledger, list(news.of(ledger)), form)
            return
        _print_events(news.of(ledger), as_json, head=True)
    if follow:
        with suppress(KeyboardInterrupt):
            _follow(state, news, as_json)


def _share(state: State, ledger: Ledger | None, events: list[Event], form: str) -> None:
    """Events in a form that programs of others take."""
    from watcher.core import sharing

    settings = state.view
    if form == "csv":
        sys.stdout.writelines(sharing.to_csv(events))
    elif form == "misp":
        sys.stdout.write(sharing.to_misp(events, vantage=settings.vantage) + "\n")
    else:
        names = dict.fromkeys(one for event in events for one in (event.before, event.after) if one)
        found = {name: capture for name in names if ledger and (capture := ledger.capture(name))}
        made = sharing.to_stix(events, found, vantage=settings.vantage, operator=settings.operator)
        sys.stdout.write(made.decode())


class _News:
    """Events that were not seen before."""

    def __init__(self, site: str | None, kind: str | None, since: datetime | None) -> None:
        self._wanted = (site, kind, since)
        self._last = 0

    def of(self, ledger: Ledger | None) -> Iterator[Event]:
        if ledger is None:
            return
        for number, event in ledger.numbered_events(*self._wanted, self._last):
            self._last = number
            yield event


def _follow(state: State, news: _News, as_json: bool) -> None:
    """Show what is new, again and again; a store that does not exist yet is waited for."""
    while True:
        with state.ledger(silent=True) as ledger:
            while ledger is not None:
                _print_events(news.of(ledger), as_json, head=False)
                sys.stdout.flush()
                time.sleep(FOLLOW_SECONDS)
        time.sleep(FOLLOW_SECONDS)


def _print_events(events: Iterator[Event], as_json: bool, *, head: bool) -> None:
    if as_json:
        json_lines(contract.event_object(event) for event in events)
    else:
        event_table(events, head=head)


def event_table(events: Iterable[Event], *, head: bool = True) -> None:
    """Events for people."""
    rows = [
        (
            when(event.confirmed_at),
            verdict(event.kind),
            event.site,
            Cell(event.entry.title if event.entry else "–", "bold" if event.watchlist else "", SHORT),
            window(event.not_before, event.not_after),
            Cell(", ".join(event.why), limit=SHORT),
            event.id,
        )
        for event in events
    ]
    table(columns("CONFIRMED  KIND  SITE  ~ENTRY  AFTER … NO LATER THAN  ~WHY  ID"), rows, head=head)


@command(
    examples=[
        ("watcher captures --site clop --since 2h", "What was seen of a site lately:"),
        ("watcher captures --json | jq 'select(.status == null)'", "Misses only:"),
    ],
)
@site_option
@since_option
@json_option
def captures_command(state: State, *, site: str | None, since: str | None, as_json: bool) -> None:
    """Captures and misses, oldest first. A miss says why nothing came; it says nothing about entries."""
    start = moment(since)
    with state.ledger() as ledger:
        check_site(state, ledger, site)
        found = ledger.captures(site, start) if ledger else iter(())
        if as_json:
            json_lines(contract.capture_object(capture) for capture in found)
            return
        table(
            columns("REQUESTED  SITE  TARGET  VERDICT  >STATUS  >BODY  >NEW  >TOOK  ID  ~URL"),
            (
                (
                    when(one.requested_at),
                    one.site,
                    one.target,
                    verdict(one.verdict),
                    "–" if one.status is None else str(one.status),
                    size_words(one.body_bytes),
                    size_words(one.stored_bytes),
                    f"{(one.finished_at - one.requested_at) / timedelta(seconds=1):.1f} s",
                    one.id,
                    Cell(one.url, limit=SHORT + 20),
                )
                for one in found
            ),
        )
