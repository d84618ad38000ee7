"""``watcher replay``: kept captures, read and concluded again with today's rules."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, json_option, known, moment, progress, say, since_option, site_option
from watcher.cli.output import Cell, columns, json_lines, table, verdict, when
from watcher.core import contract
from watcher.core.moments import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watcher.config import Settings
    from watcher.edge.replay import Replayed
    from watcher.records import Site

SHORT = 80


@command(
    examples=[
        ("watcher replay --dry-run", "Would today's rules have concluded anything else?"),
        ("watcher replay --site clop", "Take over what they conclude, after a rule was mended:"),
    ],
    exits=[
        ("0", "done; with --dry-run: no conclusion differs"),
        ("1", "with --dry-run: some differ"),
        ("2", "trouble"),
    ],
)
@site_option
@since_option
@click.option(
    "--dry-run", is_flag=True, help="Only show which conclusions would differ; works beside a running watcher."
)
@json_option
def replay_command(state: State, *, site: str | None, since: str | None, dry_run: bool, as_json: bool) -> int:
    """Read stored captures again with today's rules. What is newly concluded is old news: it alerts nobody. What was
    concluded and would not be today is shown, and stays on record.

    With --json: event objects with "replay": "newly" or "no-longer".
    """
    settings = state.settings
    if site is not None:
        known(site, [one.name for one in settings.sites], "site")
    chosen = [one for one in settings.sites if site in {None, one.name}]
    with state.ledger() as ledger:
        if ledger is None:
            return 0
        found = asyncio.run(_replay(settings, chosen, moment(since), dry_run))
    _show(found, as_json)
    return 1 if dry_run and any(one.differs for one in found) else 0


async def _replay(settings: Settings, sites: Sequence[Site], since: datetime | None, dry_run: bool) -> list[Replayed]:
    from watcher.cli.compose import means_of
    from watcher.edge.ledger import Ledger
    from watcher.edge.reader import WorkerReader
    from watcher.edge.replay import Sheet, nothing_kept, replay, take_over
    from watcher.edge.store import LedgerStore

    found = []
    async with WorkerReader() as reader:
        with Ledger.open(settings.store) as ledger, progress("telling visits again") as advance:
            means = means_of(settings, nothing_kept, Sheet(ledger), reader)
            for number, site in enumerate(sites):
                found.append(await replay(site, ledger, means, since))
                advance(number + 1, len(sites))
    if not dry_run:
        async with LedgerStore.open(settings.store, vantage=settings.vantage) as store:
            for one in found:
                await take_over(one, store)
    return found


def _show(found: Sequence[Replayed], as_json: bool) -> None:
    told = [("newly", event) for one in found for event in one.newly]
    told += [("no-longer", event) for one in found for event in one.no_longer]
    if as_json:
        json_lines({**contract.event_object(event), "replay": which} for which, event in told)
        return
    table(
        columns("CONCLUDED  KIND  SITE  ~ENTRY  CONFIRMED  ID"),
        (
            (
                which,
                verdict(event.kind),
                event.site,
                Cell(event.entry.title if event.entry else "–", limit=SHORT),
                when(event.confirmed_at),
                event.id,
            )
            for which, event in told
        ),
    )
    visits = sum(one.visits for one in found)
    which = counted(len(told), "conclusion differs", "conclusions differ") if told else "no conclusions differ"
    say(f"{counted(visits, 'visit')} told again; {which}")
