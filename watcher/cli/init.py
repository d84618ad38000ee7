"""``watcher init``: a commented ``watcher.toml``, the signing key and the store; nothing is ever overwritten."""

from __future__ import annotations

import os
from pathlib import Path

import click

from watcher.cli.kit import State, command
from watcher.errors import UsageError

TEMPLATE = Path(__file__).parent.parent / "template.toml"


@command(
    examples=[
        ("watcher init", "Set up in this folder:"),
        ("watcher init --vantage berlin-1 /srv/watcher", "Set up elsewhere, under a name of its own:"),
    ],
    exits=[("0", "all three were made"), ("2", "one of them is there already, or cannot be written; nothing was made")],
)
@click.argument(
    "folder", metavar="[DIR]", type=click.Path(readable=False, path_type=Path), default=None, required=False
)
@click.option("--vantage", metavar="NAME", default="local", show_default=True, help="The name of this observer.")
def init_command(state: State, folder: Path | None, vantage: str) -> None:
    """Write a commented watcher.toml, make the signing key (readable by you alone) and the store.

    Nothing is overwritten. The key signs the custody log: who has it can forge, who loses it cannot go on signing. With
    -c FILE the configuration gets that name, and key and store stand beside it.
    """
    from watcher import config
    from watcher.edge.schema import LEDGER
    from watcher.edge.sign import create_key

    if not config.VANTAGE.fullmatch(vantage):
        raise UsageError("the name of the vantage stands in signatures", hint=config.VANTAGE_RIGHT)
    file = (folder or Path()) / config.FILE if folder or not state.given else Path(state.given)
    text = TEMPLATE.read_text(encoding="utf-8").replace('vantage = "local"', f'vantage = "{vantage}"', 1)
    settings = config.parse(text, file.parent, name=str(file))
    for path in (settings.path, settings.key, settings.store / LEDGER, settings.store):
        if path.exists() and not (path == settings.store and path.is_dir()):
            raise UsageError(
                f"{path} is there already", hint="init overwrites nothing: name another folder, or move it"
            )
    file.parent.mkdir(parents=True, exist_ok=True)
    key = create_key(settings.key, vantage)
    settings.store.mkdir(mode=0o700, exist_ok=True)
    settings.store.chmod(0o700)  # the folder may have been there, as in a checkout of this program, with other things
    handle = os.open(settings.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # secrets may come to stand in it
    with open(handle, "w", encoding="utf-8") as written:
        written.write(text)
    click.echo(f"{settings.path}  the configuration: add your sites to it")
    click.echo(f"{settings.key}  the signing key: keep a copy where nobody else reads it")
    click.echo(f"{settings.store}  the store")
    click.echo(f"\nWho checks your evidence needs the public key:\n  {key.vkey}\n")
    click.echo("Next: add a [[site]], then `watcher doctor` and `watcher check`.")
