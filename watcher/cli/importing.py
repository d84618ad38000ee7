"""``watcher import``: lists of sites that others keep."""

from __future__ import annotations

from pathlib import Path

import click

from watcher.cli.kit import State, command, say
from watcher.core.moments import counted
from watcher.errors import ConfigError, UnreadableError
from watcher.records import Site

LARGEST = 64 << 20


@command(
    examples=[
        (
            "watcher import groups.json >> watcher.toml",
            "Sites of RansomLook or ransomware.live that are not watched yet:",
        ),
        ("watcher import ransomware_gang.md --dead", "A table of deepdarkCTI, with what it says is down:"),
    ],
    exits=[("0", "done"), ("2", "unreadable, or there is no site in it")],
)
@click.argument("file", metavar="FILE", type=click.Path(readable=False, path_type=Path))
@click.option("--dead", is_flag=True, help="With addresses that the list says are down.")
def import_command(state: State, *, file: Path, dead: bool) -> None:
    """Sites from a list that others keep (RansomLook, ransomware.live: JSON; deepdarkCTI: markdown) as [[site]] blocks.

    Names are brought into form, addresses checked, duplicates merged; chats, file servers and login pages are left out,
    and so is what the configuration watches already. Nothing is fetched and nothing is changed: read what is printed,
    then append it to watcher.toml.
    """
    from watcher.core.targets import read_list, toml

    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise UnreadableError(f"{file}: {error.strerror}", hint="name a file") from error
    if len(data) > LARGEST:
        raise UnreadableError(f"{file} is larger than {LARGEST >> 20} MiB", hint="this is no list of sites")
    sites = _watched(state)
    found = read_list(
        data.decode("utf-8", "replace"),
        file.name,
        watched={mirror for site in sites for mirror in site.mirrors},
        names={site.name for site in sites},
    )
    for line in toml(found, file.name, dead=dead):
        click.echo(line)
    shown = [one for one in found.sites.values() if one.mirrors or dead]
    addresses = sum(len(one.mirrors) + (len(one.dead) if dead else 0) for one in shown)
    say(f"{counted(len(shown), 'site')}, {counted(addresses, 'address', 'addresses')}")
    if not dead and len(shown) < len(found.sites):
        say(f"{len(found.sites) - len(shown)} more are said to be down: --dead")
    for why, count in found.left_out.items():
        say(f"left out: {count} {why}")


def _watched(state: State) -> tuple[Site, ...]:
    """The sites of the configuration, if there is one that can be read."""
    try:
        return state.view.sites
    except ConfigError:
        return ()
