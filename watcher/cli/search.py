"""``watcher search``: where a name or phrase ever stood."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, check_site, command, json_option, moment, progress, say, since_option, site_option
from watcher.cli.output import Cell, columns, json_lines, minute, table, verdict
from watcher.errors import StoreBusy

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.search import Hit

SHORT = 60


@command(
    examples=[
        ("watcher search 'Velmora Logistics'", "Was our name ever on any page, from when to when?"),
        (
            "watcher search 'velmora*' --site clop --since 30d",
            "Words that begin so, on one site, seen in the last 30 days:",
        ),
        ("watcher search velmora.example --json | jq -r .last_capture", "The captures that show our domain:"),
    ],
    exits=[("0", "it stood somewhere"), ("1", "nothing found"), ("2", "trouble of ours, told on stderr with its mend")],
)
@click.argument("text", metavar="TEXT...", nargs=-1, required=True)
@site_option
@since_option
@json_option
def search_command(state: State, *, text: tuple[str, ...], site: str | None, since: str | None, as_json: bool) -> int:
    """Where a name or phrase ever stood: entries, and the visible text of every version of every page that was kept.

    The words are found in this order, whatever their case, accents and punctuation; a * at the end finds words that
    begin so. Each line is a span of time: first and last seen there, and the captures that show it. Clocks and counters
    are not searched.
    """
    from watcher.edge.search import search, waiting

    start = moment(since)
    _bring_up_to_date(state.view)
    with state.ledger() as ledger:
        if ledger is None:
            return 1
        check_site(state, ledger, site)
        if waiting(ledger.connection):
            say("older captures are still being put into the index, by the watcher that runs; there may be more")
        answer = search(ledger, " ".join(text), site=site, since=start)
    if answer.cut:
        say("these words stand nearly everywhere: only a part is shown; name more of them")
    if as_json:
        json_lines(hit.object() for hit in answer.hits)
    else:
        _show(answer.hits)
    if not answer.hits:
        say("found nowhere")
    return 0 if answer.hits else 1


def _bring_up_to_date(settings: Settings) -> None:
    """Index what was kept before there was an index, unless a watcher runs, which does it by itself."""
    from watcher.edge.reader import WorkerReader
    from watcher.edge.schema import LEDGER, is_behind
    from watcher.edge.search_backfill import backfill
    from watcher.edge.store import LedgerStore

    if not (settings.store / LEDGER).exists() or not is_behind(settings.store):
        return

    async def work() -> None:
        async with LedgerStore.open(settings.store, vantage=settings.vantage) as store, WorkerReader() as reader:
            with progress("indexing what was kept before") as advance:
                await backfill(store, reader, advance)

    try:
        asyncio.run(work())
    except StoreBusy:
        return


def _show(hits: tuple[Hit, ...]) -> None:
    table(
        columns("SITE  WHERE  FIRST SEEN  LAST SEEN  STANDING  ~WHAT  ~IT SAYS  LAST CAPTURE"),
        (
            (
                hit.site,
                f"{hit.target or hit.what}{' (foreign)' if hit.foreign else ''}",
                minute(hit.first_seen),
                minute(hit.last_seen),
                verdict(hit.standing),
                Cell(hit.title or hit.url, limit=SHORT),
                Cell(hit.excerpt, limit=SHORT),
                hit.last_capture,
            )
            for hit in hits
        ),
    )
