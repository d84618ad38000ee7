"""``watcher ingest``: captures made by others."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, json_option, progress, say, site_names
from watcher.cli.output import json_lines
from watcher.core import contract
from watcher.core.escape import line
from watcher.core.moments import counted
from watcher.errors import StoreBusy, UsageError
from watcher.records import Site

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.ingest import Brought


@command(
    examples=[
        ("watcher ingest crawl.warc.gz --site clop", "What a crawler kept of a site:"),
        ("watcher ingest saved-pages/ --site clop --url http://….onion/", "Pages saved by hand, dated by their names:"),
        ("watcher captures --site clop --json | jq 'select(.foreign)'", "What was brought in:"),
    ],
    exits=[("0", "brought in"), ("2", "unreadable, or there is no page in it")],
)
@click.argument("source", metavar="WARC|WACZ|FOLDER", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--site",
    metavar="SITE",
    required=True,
    shell_complete=site_names,
    help="The site that they are of.",
)
@click.option(
    "--url", metavar="URL", default="", help="Where the pages of a folder are from (the site's first mirror)."
)
@json_option
def ingest_command(state: State, *, source: Path, site: str, url: str, as_json: bool) -> None:
    """Bring in captures made by others, so that they can be read, compared and searched.

    Their times and origin are claims: they are marked foreign, stand in no log and no proof, and neither the roster nor
    any event follows from them. Only pages are taken, never archives, media or documents. What was brought in before is
    not brought in twice. With --json: the capture objects.
    """
    settings = state.view
    chosen = next((one for one in settings.sites if one.name == site), None)
    if chosen is None:
        if not re.fullmatch(r"[a-z0-9-]{1,64}", site):
            raise UsageError(f'"{line(site, 60)}" is no name of a site', hint="write 1 to 64 of a-z 0-9 -")
        say(f"{site} is not in {settings.path}: its pages are read without a rule")
        chosen = Site(name=site, mirrors=())
    if url:
        from watcher.core.addresses import page_address

        try:
            url = page_address(url)
        except ValueError as error:
            what, _, mend = str(error).partition("; ")
            raise UsageError(f"--url: {what}", hint=mend) from None
    try:
        done = asyncio.run(_bring(settings, chosen, source, url))
    except StoreBusy as error:
        raise StoreBusy(str(error), hint="stop the running watcher for so long") from error
    if as_json:
        json_lines(contract.capture_object(capture) for capture in done.captures)
    else:
        _show(done)
    for fault in done.faults:
        say(f"the rest could not be read: {line(fault)}")


async def _bring(settings: Settings, site: Site, source: Path, url: str) -> Brought:
    from watcher.edge.ingest import Ingest
    from watcher.edge.ledger import Ledger
    from watcher.edge.reader import WorkerReader
    from watcher.edge.store import LedgerStore

    async with LedgerStore.open(settings.store, vantage=settings.vantage) as store, WorkerReader() as reader:
        with progress("bringing in") as advance:
            ingest = Ingest(store=store, reader=reader, site=site, max_body=settings.proxy.max_body, advance=advance)
            done = await ingest.bring(source, url)
    with Ledger.open(settings.store) as ledger:
        done.captures = [ledger.capture(one.id) or one for one in done.captures]
    return done


def _show(done: Brought) -> None:
    times = [capture.requested_at for capture in done.captures]
    click.echo(
        f"{counted(len(done.captures), 'capture')} from {min(times):%Y-%m-%d %H:%M}Z to {max(times):%Y-%m-%d %H:%M}Z"
        + (f", {done.known} of them there already" if done.known else "")
    )
    verdicts = Counter(capture.verdict for capture in done.captures)
    click.echo("  read as: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()))
    for why, count in done.passed.items():
        click.echo(f"  passed over: {count} {why}")
