"""``watcher pause`` and ``watcher resume``: sites that nobody is to look at for a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, known, length, say, site_names
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.sign import SigningKey

RIGHT = "write a length of time: 12h, 7d"
_sites = click.argument("sites", metavar="SITE...", nargs=-1, required=True, shell_complete=site_names)


@command(examples=[("watcher pause clop --for 12h", "Let a site alone until tonight:")])
@_sites
@click.option("--for", "time", metavar="TIME", default="1d", show_default=True, help="For so long: 12h, 7d.")
def pause_command(state: State, *, sites: tuple[str, ...], time: str) -> None:
    """Look at these sites no more for a time: a running watcher heeds it within a second or two, another when it
    starts. What is in flight is finished. A pause ends by itself, is logged, and `watcher status` shows it.

    In a fleet it is for who is named under [fleet] operators, at the index or at a vantage, and holds at all vantages
    (docs/scale.md).
    """
    from watcher.core.moments import rfc3339
    from watcher.edge.pause_files import change

    lasts = length("--for", time, none="that is over at once", right=RIGHT)
    settings, key = _operator(state)
    names = _names(state)
    now = datetime.now(UTC)
    change(settings.store, key, {known(site, names, "site"): now + lasts for site in sites}, now)
    for site in sites:
        click.echo(f"{site} is not looked at until {rfc3339(now + lasts)}")
    if settings.fleet is not None:
        say(f"the fleet is told for as long as this watcher runs: `watcher {'index' if settings.is_index else 'run'}`")


@command(examples=[("watcher resume clop", "Look at a site again that was paused here:")])
@_sites
def resume_command(state: State, *, sites: tuple[str, ...]) -> None:
    """Take back `watcher pause`: the sites are looked at again; what was due meanwhile is due at once.

    In a fleet a pause is taken back where it was said.
    """
    from watcher.edge.pause_files import change, paused

    settings, key = _operator(state)
    now = datetime.now(UTC)
    found = paused(settings.store, now)
    if not found:
        raise UsageError("no site is paused", hint="`watcher status --json` says which are: paused_until")
    for site in sites:
        by = found[known(site, sorted(found), "paused site")].by
        if by != key.origin:
            raise UsageError(f"{site} was paused by {by}", hint=f"watcher resume {site}, at {by}")
    change(settings.store, key, dict.fromkeys(sites), now)
    for site in sites:
        click.echo(f"{site} is looked at again")


def _operator(state: State) -> tuple[Settings, SigningKey]:
    """Whoever may pause. Raises UsageError if nobody would heed this watcher."""
    from watcher.edge.sign import load_key

    settings = state.view
    key = load_key(settings.key)
    if not settings.store.is_dir():
        raise UsageError(f"there is no store in {settings.store} yet", hint="`watcher check` makes it; pause then")
    if settings.fleet is not None and key.verifier not in settings.fleet.operators:
        raise UsageError(
            "no vantage would heed this: the key of this watcher is not among those of the fleet's operators",
            hint=f'add "{key.vkey}" under [fleet] operators at every vantage, and start it again',
        )
    return settings, key


def _names(state: State) -> Sequence[str]:
    """The sites that can be paused; of an index, those that its vantages looked at."""
    names = [site.name for site in state.view.sites]
    if state.view.is_index:
        with state.ledger(silent=True) as ledger:
            names += [target.site for target in ledger.status()] if ledger else []
    return list(dict.fromkeys(names))
