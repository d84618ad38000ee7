"""``watcher diff``: how two captures differ."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command
from watcher.cli.output import console, json_lines
from watcher.core.escape import line
from watcher.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from watcher.core.comparison import By, Comparison, Side
    from watcher.edge.ledger import Ledger
    from watcher.records import Capture

STYLES = {
    "head": "bold", "removed": "red", "added": "green", "changed": "yellow", "moved": "cyan", "faint": "dim", "": "",
}  # fmt: skip


@command(
    examples=[
        ("watcher diff clop@2026-11-20 clop@2026-11-22", "What became of each entry between two times:"),
        ("watcher diff c80064423 c91175534 --by text", "The visible text of two captures:"),
        ("watcher diff old.html new.html --format html >diff.html", "Two files, as a page, side by side:"),
    ],
    exits=[("0", "they are the same"), ("1", "they differ"), ("2", "trouble")],
)
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@click.option("--by", type=click.Choice(["entries", "text", "source"]), default="entries", show_default=True)
@click.option(
    "--format", "form", type=click.Choice(["text", "unified", "json", "html"]), default="text", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def diff_command(state: State, *, old: str, new: str, by: By, form: str, as_json: bool) -> int:
    """How two captures differ. OLD and NEW are a capture's id, SITE@TIME (the site's last capture at or before it), or
    a file. A mere change of order removes nothing: what moved is told as moved."""
    from watcher.core.comparison import compared

    sides = [_side(state, source, by) for source in (old, new)]
    found = compared(sides[0], sides[1], by)
    if found.is_none and len(found.doubts) == len(sides) and sides[0].markup != sides[1].markup:
        raise UsageError(
            f"neither shows a whole list: {' and '.join(one.verdict or 'never read' for one in sides)}",
            hint="compare what they say: --by text",
        )
    write(found, "json" if as_json else form)
    return 0 if found.is_none else 1


def write(found: Comparison, form: str) -> None:
    """The comparison on stdout."""
    if form == "html":
        from watcher.core.diff_html import page

        sys.stdout.write(page(found))
    elif form == "json":
        from watcher.core.diff_text import as_object

        json_lines([as_object(found)])
    elif form == "unified":
        from watcher.core.diff_text import unified

        sys.stdout.writelines(f"{one}\n" for one in unified(found))
    else:
        _write_for_people(found)


def _write_for_people(found: Comparison) -> None:
    from watcher.core.diff_text import lines

    if not sys.stdout.isatty():
        sys.stdout.writelines("".join(text for _, text in pieces) + "\n" for pieces in lines(found))
        return
    from rich.text import Text

    terminal = console()
    for pieces in lines(found):
        terminal.print(Text.assemble(*((text, STYLES[style]) for style, text in pieces)), soft_wrap=True)


# ------------------------------------------------------------------------------------------------ what is compared


def _side(state: State, source: str, by: By) -> Side:
    """The capture or file that was named. Raises UsageError if there is none."""

    if Path(source).is_file():
        return _of_file(Path(source), by)
    try:
        return _of_store(state, source)
    except ConfigError as error:
        raise UsageError(f'"{line(source, 80)}" is no file, and {error}', hint=error.hint) from None


def _of_store(state: State, source: str) -> Side:
    from watcher.edge.sides import side_of

    with state.ledger(silent=True) as ledger:
        capture = _capture(ledger, source) if ledger else None
        if ledger is None or capture is None:
            raise UsageError(
                f'"{line(source, 80)}" is no file, no capture and no SITE@TIME of one',
                hint="`watcher captures` shows ids; SITE@TIME is the last capture at or before that time",
            )
        return side_of(ledger, capture)


def _capture(ledger: Ledger, source: str) -> Capture | None:
    site, at, time = source.rpartition("@")
    if at and site in ledger.sites():
        from watcher.cli.kit import moment

        when = moment(time)
        return ledger.capture_at(site, when) if when else None
    found = [one for one in ledger.find(source) if one.what == "capture"]
    return ledger.capture(found[0].id) if len(found) == 1 else None


def _of_file(path: Path, by: By) -> Side:
    from watcher.cli.reading import NOWHERE, contents, read_pages
    from watcher.core.charset import decode
    from watcher.core.comparison import Side
    from watcher.records import Hints, Page

    body = contents(path)
    page = Page(body=body, url=NOWHERE, status=200)
    reading = asyncio.run(read_pages([page], hints=Hints()))[0] if by == "entries" else None
    return Side(
        label=str(path),
        verdict=reading.verdict if reading else "",
        entries=reading.entries if reading else (),
        markup=decode(body),
    )
