"""``watcher export``: an evidence bundle."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, json_option, moment, progress, say, since_option, site_option
from watcher.cli.output import json_lines
from watcher.core.moments import size_words
from watcher.errors import StoreError, UsageError

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.export import Exported
    from watcher.edge.sign import SigningKey


@command(
    examples=[
        ("watcher export e46a71547 -o velmora.wacz", "One event, with everything that shows it:"),
        ("watcher export --site clop --since 7d -o clop.wacz", "All that happened on a site, by when:"),
        ("watcher export e46a71547 --redact 'Other Victim' -o velmora.wacz", "The same, with a name hidden:"),
    ],
    exits=[
        ("0", "written, after it was verified"),
        ("2", "nothing written: there is no such thing, or the store does not hold"),
    ],
)
@click.argument("events", metavar="[EVENT]...", nargs=-1)
@site_option
@since_option
@click.option("--until", metavar="TIME", help="Only until then.")
@click.option("--capture", "captures", metavar="ID", multiple=True, help="A capture (may be given again).")
@click.option(
    "-o", "--output", metavar="FILE.wacz", required=True, type=click.Path(path_type=Path), help="Where it goes."
)
@click.option("--redact", "hidden", metavar="NAME", multiple=True, help="Hide a name (may be given again).")
@click.option("--pictures/--no-pictures", default=True, help="Pictures of both pages, where Chromium is installed.")
@json_option
def export_command(
    state: State,
    *,
    events: tuple[str, ...],
    site: str | None,
    since: str | None,
    until: str | None,
    captures: tuple[str, ...],
    output: Path,
    hidden: tuple[str, ...],
    pictures: bool,
    as_json: bool,
) -> None:
    """One file that a sceptic can check without us: the pages as received, proof that they stand in the signed log,
    proof of presence and absence, a report for people, and the program that checks it all.

    Give events, or --site (with --since and --until), or --capture.
    """
    from watcher.edge.export_fleet import export_with
    from watcher.edge.gather import Selection
    from watcher.edge.sign import load_key

    selection = Selection(events=events, captures=captures, site=site, since=moment(since), until=moment(until))
    if not (events or captures or site):
        raise UsageError("nothing is named to be exported", hint="name events, --site, or --capture")
    if (since or until) and not site:
        raise UsageError("--since and --until say what of a site is wanted", hint="add --site")
    if not output.absolute().parent.is_dir():  # told before all is gathered and drawn
        raise UsageError(f"there is no folder {output.parent}", hint="make it, or name another place")
    settings = state.settings
    key = load_key(settings.key)
    with state.ledger() as ledger:
        if ledger is None:
            raise UsageError("there is nothing to export yet", hint="`watcher check` visits every target once")
        with progress("making the bundle, and checking it"):
            made = export_with(settings, ledger, selection, output, key=key, hidden=hidden, draw=pictures)
    _log(settings, key, made)
    if as_json:
        json_lines([_object(made)])
        return
    click.echo(f"{output}  {size_words(made.size)}, verified: {_counted(made)}")
    click.echo(f"Who checks it needs your public key:\n  {key.vkey}")


def _log(settings: Settings, key: SigningKey, made: Exported) -> None:
    """The act, in the custody log; a store that cannot be written does not undo what was handed out."""
    from watcher.edge import acts

    record = made.record(datetime.now(UTC), settings.vantage)
    try:
        logged = asyncio.run(acts.log(settings.store, record, key, vantage=settings.vantage))
    except StoreError as error:
        say(f"the bundle was written, but the log does not say so: {error}")
        return
    if not logged:
        say("the store is in use: the running watcher takes the export into its log")


def _counted(made: Exported) -> str:
    parts = [(len(made.events), "event"), (len(made.captures), "capture"), (made.pictures, "picture")]
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for count, name in parts if count)


def _object(made: Exported) -> dict[str, object]:
    return {
        "path": str(made.path),
        "bytes": made.size,
        "package": f"sha256:{made.package.hex()}",
        "events": list(made.events),
        "captures": list(made.captures),
        "pictures": made.pictures,
        "hidden": made.places_hidden,
    }
