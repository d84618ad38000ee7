"""``watcher log``: the custody log."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from watcher.cli.kit import State, command, json_option, say
from watcher.cli.output import Column, columns, json_lines, table, when
from watcher.core.contract import as_object, dumps
from watcher.core.moments import rfc3339
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.edge.ledger import Ledger

STAMP = ("size", "authority", "state", "tries", "time", "next_try", "why")


@command(
    examples=[
        ("watcher log", "How many leaves, the root over them, the last signed checkpoint:"),
        ("watcher log checkpoint > kept.txt", "The last checkpoint, to be kept where nobody can rewrite it:"),
        ("watcher log prove 4711", "Leaf 4711, its record, and its path to the last checkpoint:"),
        ("watcher log timestamp", "Ask the time-stamp authorities for what is missing; show what they said:"),
    ],
    exits=[("0", "shown"), ("2", "there is no such leaf, or no log yet")],
)
@click.argument(
    "what",
    required=False,
    default="head",
    type=click.Choice(["head", "checkpoint", "prove", "timestamp"]),
    metavar="WHAT",
)
@click.argument("leaf", required=False, type=click.IntRange(min=0), metavar="[N]")
@json_option
def log_command(state: State, *, what: str, leaf: int | None, as_json: bool) -> None:
    """The custody log. WHAT is head (the default), checkpoint, prove N, or timestamp."""
    if (what == "prove") != (leaf is not None):
        raise UsageError(
            "a leaf is named to be proved", hint="watcher log prove N; `watcher captures --json` has leaves"
        )
    if what == "timestamp":
        _ask(state)
    with state.ledger() as ledger:
        if ledger is None:
            raise UsageError("there is no log yet", hint="`watcher check` visits every target once")
        if what == "prove":
            assert leaf is not None
            last = ledger.checkpoint()
            click.echo(dumps(ledger.proof(leaf, last if last and last.size > leaf else None)))
        elif what == "timestamp":
            _stamps(ledger, as_json)
        elif what == "checkpoint":
            _checkpoint(ledger, as_json)
        else:
            _head(ledger, as_json)


def _head(ledger: Ledger, as_json: bool) -> None:
    heads = list(ledger.checkpoints())
    last = heads[-1] if heads else None
    size = ledger.log.size
    value = {
        "size": size,
        "root": ledger.log.root().hex(),
        "checkpoints": len(heads),
        "signed": last.size if last else 0,
        "signed_at": rfc3339(last.signed_at) if last else None,
        "stamped": max((stamp.size for stamp in ledger.stamps() if stamp.state == "stamped"), default=0),
    }
    if as_json:
        json_lines([value])
        return
    rows = [
        ("leaves", str(size)),
        ("root", value["root"]),
        (
            "checkpoints",
            f"{len(heads)}, the last over {value['signed']} leaves, {when(last.signed_at)}" if last else "none",
        ),
        ("time-stamps", f"the last over {value['stamped']} leaves" if value["stamped"] else "none"),
    ]
    table([Column(""), Column("")], [(str(name), str(text)) for name, text in rows], head=False)


def _checkpoint(ledger: Ledger, as_json: bool) -> None:
    last = ledger.checkpoint()
    if last is None:
        raise UsageError("no checkpoint was signed yet", hint="`watcher check` and `watcher run` sign one")
    if as_json:
        json_lines([as_object(last, ("size", "signed_at", "note"))])
    else:
        click.echo(last.note, nl=False)


def _stamps(ledger: Ledger, as_json: bool) -> None:
    if as_json:
        json_lines(_stamp_objects(ledger))
        return
    rows = [
        (str(one["size"]), one["authority"], one["state"], one["time"] or "", one["why"])
        for one in _stamp_objects(ledger)
    ]
    if not rows:
        say("no time-stamp was asked for; [timestamp] authorities in watcher.toml names who gives them")
    table(columns(">LEAVES  AUTHORITY  STATE  TIME  ~WHY"), rows)


def _stamp_objects(ledger: Ledger) -> Iterator[dict[str, Any]]:
    from watcher.edge.tokens import claimed_time

    for stamp in ledger.stamps():
        yield as_object(stamp, STAMP, time=claimed_time(stamp.token) if stamp.token else None)


def _ask(state: State) -> None:
    """Ask for what is missing, if anybody is named, and the store is not in use: then its owner asks."""
    from watcher.cli.compose import SystemClock
    from watcher.cli.tor import reached_and_ready
    from watcher.edge.guard import Guard
    from watcher.edge.proxy import proxy_of, resolve
    from watcher.edge.sign import load_key
    from watcher.edge.store import LedgerStore
    from watcher.edge.timestamp import Authorities, Stamper
    from watcher.errors import StoreBusy

    settings = state.settings
    stamps = settings.timestamp
    if not stamps.authorities or not settings.store.is_dir():
        return

    async def ask() -> None:
        async with (
            LedgerStore.open(settings.store, vantage=settings.vantage) as store,
            reached_and_ready(settings) as reached,
        ):
            urls = reached.proxy.urls
            authorities = Authorities(urls=stamps.authorities, roots=stamps.roots, proxies=urls)
            proxies = [await resolve(proxy_of(url)) for url in urls]
            Guard().arm((*((proxy.host, proxy.port) for proxy in proxies), *reached.controls))  # to the process's end
            await Stamper(store, authorities, load_key(settings.key), SystemClock()).flush(now=True)

    try:
        asyncio.run(ask())
    except StoreBusy:
        say("the store is in use: the running watcher asks the authorities")
