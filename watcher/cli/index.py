"""``watcher index``: one overview of a fleet."""

from __future__ import annotations

import asyncio

import click

from watcher.cli.kit import State, command
from watcher.cli.watching import ensure_key
from watcher.errors import UsageError


@command(
    examples=[
        ("watcher index", "Follow the fleet until stopped; serve the web page, if [web] is set:"),
        ("watcher index --once && watcher events", "Take in what was shipped so far, and look at it:"),
    ],
    exits=[("0", "a clean stop"), ("2", "trouble of ours: configuration, store, no server with --once")],
)
@click.option("--once", is_flag=True, help="End when all that was shipped so far is taken in.")
def index_command(state: State, *, once: bool) -> None:
    """Follow a fleet: take in what its vantages ship, conclude what they agree on, tell it, serve the overview.

    The store then holds one ledger over all vantages, on which every other command works, and below vantages/ an exact
    copy of each one's, which `watcher verify` checks with the vantage's own key. [fleet] in the configuration says who
    they are. The index has a name, a store and a key of its own, and visits nothing.
    """
    from watcher.cli.compose_index import follow
    from watcher.cli.logs import log_to_stderr

    settings = state.settings
    if settings.fleet is None:
        raise UsageError(
            f"there is no [fleet] in {settings.path}", hint="it says where the servers are, and who the vantages are"
        )
    log_to_stderr()
    ensure_key(settings)
    asyncio.run(follow(settings, settings.fleet, once=once))
