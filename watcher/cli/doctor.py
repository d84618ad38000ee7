"""``watcher doctor``: what is well, what is not, and how to mend it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import click

from watcher.cli.kit import State, command, json_option
from watcher.cli.output import json_lines
from watcher.core.contract import as_object
from watcher.core.escape import line


@command(
    examples=[
        ("watcher doctor", "What is wrong, and how to mend it:"),
        ("watcher doctor --json | jq 'select(.ok | not)'", "For a monitor, only what is wrong:"),
    ],
    exits=[("0", "all is well"), ("1", "something is wrong"), ("2", "the configuration cannot be used")],
)
@json_option
def doctor_command(state: State, *, as_json: bool) -> int:
    """Check configuration, proxy, Tor, clock, key, disk, store, targets and time-stamp authorities, and in a fleet its
    servers, permissions and vantages; say how to mend each. Nothing is asked of any site. A tor of our own that does
    not run is started, to see how far it gets."""
    from watcher.cli.logs import log_to_stderr
    from watcher.cli.tor import tor_progress
    from watcher.edge.doctor import examine

    log_to_stderr(quiet=True)
    with tor_progress() as progress:
        findings = asyncio.run(examine(state.settings, datetime.now(UTC), progress=progress))
    if as_json:
        json_lines(as_object(one, ("check", "ok", "detail", "mend")) for one in findings)
    else:
        for one in findings:
            click.echo(f"{_mark(one.ok, bool(one.mend))}  {one.check:<14}{line(one.detail, 500)}")
            if one.mend:
                click.echo(f"{'':>21}{'mend' if not one.ok else 'better'}: {line(one.mend, 500)}")
    return 0 if all(one.ok for one in findings) else 1


def _mark(ok: bool, better: bool) -> str:
    if not ok:
        return click.style("wrong", fg="red", bold=True)
    return click.style("ok   ", fg="yellow" if better else "green")
