"""``watcher verify``: a bundle or a store, check by check."""

from __future__ import annotations

from pathlib import Path

import click

from watcher.cli.kit import State, command, json_option
from watcher.cli.output import Cell, Column, json_lines, table
from watcher.core.contract import check_object
from watcher.errors import EvidenceError, UsageError

LONGEST = 2_000


@command(
    examples=[
        ("watcher verify velmora.wacz --key 'berlin-1+ee89fc23+AQOh…'", "A bundle, signed by whom you think:"),
        ("watcher verify snapshots --checkpoint kept.txt", "A store, against a checkpoint that came with an alert:"),
    ],
    exits=[("0", "valid"), ("1", "not valid"), ("2", "cannot be read")],
)
@click.argument("path", type=click.Path(readable=False, path_type=Path))
@click.option(
    "--key",
    "keys",
    metavar="VKEY",
    multiple=True,
    help="The public key that you trust: NAME+ID+KEY (of a fleet, one for each vantage).",
)
@click.option(
    "--tsa-roots",
    metavar="PEM",
    type=click.Path(readable=False, path_type=Path),
    help="Roots of time-stamp authorities that you trust.",
)
@click.option(
    "--checkpoint",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="A checkpoint that you kept: is it contained?",
)
@json_option
def verify_command(
    state: State, *, path: Path, keys: tuple[str, ...], tsa_roots: Path | None, checkpoint: Path | None, as_json: bool
) -> int:
    """Every check of a bundle (a file) or a store (a folder), by name: passed or failed, and what failed where. Of an
    index's store, each vantage's log with that vantage's key, too.

    Without --key the thing's own word is taken for who signed it, without --tsa-roots for when. No configuration and no
    network is needed; a bundle can also be checked by the program it carries, evidence/verify.py.
    """
    from watcher.core.note import parse_key
    from watcher.edge.verify import verify

    del state

    for key in keys:
        try:
            parse_key(key)
        except EvidenceError as error:
            raise UsageError(str(error), hint="it is printed by `watcher init` and `watcher export`") from error
    results = verify(path, keys=keys, roots=tsa_roots, held=checkpoint)
    valid = all(result.ok for result in results)
    if as_json:
        json_lines(check_object(result.check, result.ok, result.detail) for result in results)
        return 0 if valid else 1
    table(
        [Column(""), Column("CHECK"), Column("", firm=False)],
        (
            (
                Cell("ok" if result.ok else "FAILED", "green" if result.ok else "bold red"),
                result.check,
                Cell(result.detail, limit=LONGEST),
            )
            for result in results
        ),
        head=False,
    )
    click.echo(f"\n{path}: {'valid' if valid else 'NOT VALID'}")
    return 0 if valid else 1
