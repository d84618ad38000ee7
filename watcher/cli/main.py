"""``watcher``: the commands, each in its own module, loaded when it is asked for."""

from __future__ import annotations

import io
import os
import sys

import click

import watcher
from watcher.cli.kit import Commands, State

TABLE = {
    "init": ("init", "Write a commented watcher.toml, make the signing key and the store."),
    "run": ("watching", "Watch: visit what is due, deliver alerts, sign checkpoints."),
    "check": ("watching", "Visit every target once, now; print what it saw and any events."),
    "pause": ("pausing", "Look at sites no more for a time."),
    "resume": ("pausing", "Look again at sites that were paused."),
    "status": ("looking", "How every target stands."),
    "entries": ("looking", "The roster: every entry ever seen, and its standing."),
    "events": ("looking", "What was listed, changed, renamed, withdrawn, relisted; oldest first."),
    "captures": ("looking", "Captures and misses, oldest first."),
    "search": ("search", "Where a name or phrase ever stood, from when to when."),
    "show": ("showing", "One capture, entry or event, whole."),
    "read": ("reading", "Read a saved page as a visit would: verdict and entries."),
    "learn": ("reading", "Find the repeated records of a page; print a rule for them."),
    "diff": ("diff", "How two captures differ: by entries, text or source."),
    "replay": ("replay", "Read stored captures again with today's rules."),
    "export": ("export", "An evidence bundle that a sceptic can check without us."),
    "ingest": ("ingest", "Bring in captures made by others, marked foreign."),
    "import": ("importing", "Sites from a list that others keep, as TOML blocks."),
    "verify": ("verify", "Check a bundle or a store, by name: passed or failed, and where."),
    "log": ("log", "The custody log: its head, its checkpoints, a proof, its time-stamps."),
    "prune": ("prune", "Drop old bodies that no event needs; digests, records and proofs stay."),
    "index": ("index", "Follow a fleet: one ledger over all vantages, and what they agree on."),
    "serve": ("serve", "Serve the web page, API and feeds alone."),
    "doctor": ("doctor", "Check proxy, Tor, clock, key, store, disk; say how to mend each."),
    "demo": ("demo", "The whole story offline, in under a minute."),
    "practice": ("demo", "Watch a practice site, offline, until stopped."),
}
"""Command to its module and short help, in the order of the help."""


@click.group(
    cls=Commands,
    table=TABLE,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`watcher COMMAND --help` shows a command's flags and examples. Data goes to stdout, talk to stderr.",
)
@click.version_option(watcher.__version__, prog_name="watcher", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Tells, and proves, that an entry on a leak site was listed, changed or withdrawn."""
    ctx.ensure_object(State)
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def main() -> None:
    """The program: UTF-8 out, whatever the locale."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    cli.main(prog_name="watcher")
