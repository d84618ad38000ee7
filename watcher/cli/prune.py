"""``watcher prune``: old bodies erased, their proofs kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, json_option, length, say
from watcher.cli.output import json_lines
from watcher.core.contract import as_object
from watcher.core.moments import counted, size_words

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.pruner import Pruned

RIGHT = "write a length of time: 90d, 12w, 48h"


@command(
    examples=[
        ("watcher prune --keep 90d --dry-run", "What would go:"),
        ("watcher prune --keep 90d", "Erase what is older than 90 days and no event needs:"),
    ],
    exits=[("0", "done, or nothing was old enough"), ("2", "trouble of ours: the store is in use, or damaged")],
)
@click.option("--keep", metavar="TIME", required=True, help="Keep everything that is younger: 90d, 12w.")
@click.option("--dry-run", is_flag=True, help="Say what would go; erase nothing.")
@json_option
def prune_command(state: State, *, keep: str, dry_run: bool, as_json: bool) -> None:
    """Drop old bodies that no event needs. Digests, records and proofs stay, and the act is logged: what was erased can
    still be shown to have been there, and a copy that somebody else kept can still be shown to be the same.

    What shows an event, from the copy before to the moment when it was certain, is never dropped, nor the last page
    that shows an entry.
    """
    kept = length("--keep", keep, none="everything would go", right=RIGHT)
    settings = state.settings
    if not settings.store.exists():
        say("there is no store yet: nothing to prune")
        return
    before = datetime.now(UTC) - kept
    pruned = asyncio.run(_prune(settings, before, dry_run=dry_run))
    if as_json:
        names = ("before", "bodies", "captures", "stored_bytes", "dry_run")
        json_lines([as_object(pruned, names, before=before, dry_run=dry_run)])
        return
    if not pruned.bodies:
        click.echo(f"nothing that is older than {keep} may go")
        return
    would = "would be erased" if dry_run else "erased, and the log says so"
    click.echo(
        f"{counted(len(pruned.bodies), 'body', 'bodies')} ({size_words(pruned.stored_bytes)}), "
        f"shown by {counted(pruned.captures, 'capture')}: {would}"
    )


async def _prune(settings: Settings, before: datetime, *, dry_run: bool) -> Pruned:
    """Erase, and sign the log that says so."""
    from watcher.edge.sign import load_key
    from watcher.edge.store import LedgerStore

    key = load_key(settings.key)
    async with LedgerStore.open(settings.store, vantage=settings.vantage) as store:
        pruned = await store.prune(before, dry_run=dry_run)
        if pruned.bodies and not dry_run:
            size, root = await store.head()
            await store.checkpoint(size, str(key.checkpoint(size, root)))
    return pruned
