"""``watcher read`` and ``watcher learn``: what pages say, without visiting or keeping anything."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watcher.cli.kit import State, command, json_option, known, say, site_option
from watcher.cli.output import Cell, Column, json_lines, style_of, table
from watcher.core import contract
from watcher.core.escape import block, line
from watcher.core.identity import fold_title
from watcher.core.moments import counted
from watcher.errors import UnreadableError, UsageError
from watcher.records import Hints, Page, Reading

if TYPE_CHECKING:
    from watcher.config import Settings

LARGEST_FILE = 64 << 20
NOWHERE = "http://page.invalid/"
"""Where a page stands of which nobody says where it stood."""
SHORT = 70


@command(
    examples=[
        ("watcher read page.html", "What a saved page says:"),
        ("watcher read page.html --site clop --json", "By the rule of a site, and held to what was learned of it:"),
    ],
    exits=[("0", "read, whatever it says"), ("2", "the file cannot be read")],
)
@click.argument(
    "file", metavar="FILE", type=click.Path(dir_okay=False, readable=False, allow_dash=True, path_type=Path)
)
@click.option("--url", metavar="URL", default="", help="Where the page stood: its links are relative to that.")
@site_option
@json_option
def read_command(state: State, *, file: Path, url: str, site: str | None, as_json: bool) -> None:
    """Read a saved page (HTML or JSON; - is stdin) as a visit would: verdict and entries. Nothing is kept.

    With --site it is read by that site's rule, and held to what its pages taught and to the entries that are listed.
    """
    body = contents(file)
    hints, memory, titles = _of_site(state, site) if site else (Hints(), b"", ())
    page = Page(body=body, url=_address(url) if url else hints.mirror or NOWHERE, status=200)
    (reading,) = asyncio.run(read_pages([page], hints=hints, memory=memory, titles=titles))
    if as_json:
        json_lines([contract.reading_object(reading)])
    else:
        show(reading)


@command(
    examples=[
        ("watcher learn page.html", "What is repeated on a saved page, as a rule to be edited:"),
        ("watcher learn monday.html friday.html", "Several pages of one site make a better rule:"),
        ('watcher learn page.html --example "Velmora Logistics"', "Where the wrong things are found, name one entry:"),
    ],
    exits=[
        ("0", "a rule was found"),
        ("1", "nothing that repeats like entries was found"),
        ("2", "a source cannot be read"),
    ],
)
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
@click.option("--example", metavar="TEXT", help="The title of one entry that must be found.")
@json_option
def learn_command(state: State, *, sources: tuple[str, ...], example: str | None, as_json: bool) -> int:
    """Find the repeated records of a page, show them, and print a [site.rule] block for them.

    A SOURCE is a file, the id of a capture, or a URL, which is fetched through the proxy and not kept. Name pages of
    one site, oldest first.
    """
    pages = [_source(state, source) for source in sources]
    titles = (example,) if example else ()
    reading = asyncio.run(read_pages(pages, titles=titles))[-1]
    if as_json:
        json_lines([contract.reading_object(reading)])
    elif reading.rule:
        from watcher.core.rules import to_toml

        show(reading, with_rule=False)
        click.echo(f"\n{block(to_toml(reading.rule)).strip()}")
        _guide(reading, example)
    else:
        show(reading)
        _guide(reading, example)
    return 0 if reading.rule and reading.entries else 1


def _guide(reading: Reading, example: str | None) -> None:
    """What to do with what was learned, for whoever does it for the first time."""
    if not reading.entries:
        say("nothing repeats here as entries do; is it the page with the list, saved after its scripts had run?")
        say('name one entry as the page writes it: --example "TITLE"; or several pages of the site, oldest first')
        return
    if example and not any(fold_title(example)[0] in fold_title(entry.title)[0] for entry in reading.entries):
        say(f'"{line(example, 60)}" is none of these; write it just as the page does, or write the rule by hand')
        return
    say("are these the entries? Then no rule is needed: a visit finds them in the same way, after a redesign, too")
    say("if not, put the rule below the [[site]] and edit it; `watcher read FILE --site SITE` shows what it finds then")


async def read_pages(
    pages: Sequence[Page], *, hints: Hints | None = None, memory: bytes = b"", titles: tuple[str, ...] = ()
) -> list[Reading]:
    """What the pages say, one after the other, each held to what those before it taught; in a process that may die."""
    from watcher.edge.reader import WorkerReader

    readings = []
    async with WorkerReader(workers=1) as reader:
        for page in pages:
            reading, memory = await reader.read(page, memory, titles, hints or Hints())
            readings.append(reading)
    return readings


def contents(path: Path) -> bytes:
    """The bytes of a file, or of stdin for ``-``. Raises UnreadableError."""
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UnreadableError(
            f"{line(str(path))}: {error.strerror}", hint="name a saved page that this user may read; - is stdin"
        ) from error
    if len(data) > LARGEST_FILE:
        raise UnreadableError(
            f"{line(str(path))} is larger than 64 MiB: this is no page", hint="name a page that was saved alone"
        )
    return data


def show(reading: Reading, *, with_rule: bool = True) -> None:
    """A reading for people."""
    whole = "" if reading.complete else ", not complete"
    why = f": {', '.join(line(word) for word in reading.why)}" if reading.why else ""
    colour = style_of(reading.verdict).rpartition(" ")[2] or None
    click.echo(f"{click.style(reading.verdict, colour)}{whole}{why}")
    if not reading.entries:
        return
    click.echo(counted(len(reading.entries), "entry", "entries") + "\n")
    names = [name for name in _usual(reading) if name not in {"title", "link"}][:2]
    table(
        [Column("TITLE", firm=False), *(Column(line(name, 20).upper(), firm=False) for name in names), Column("URL")],
        (
            (Cell(one.title, limit=SHORT), *(Cell(one.fields.get(name, ""), limit=40) for name in names), Cell(one.url))
            for one in reading.entries
        ),
    )
    if with_rule and reading.rule:
        from watcher.core.rules import to_toml

        guess = " (a first guess)" if reading.provisional else ""
        click.echo(f"\nread by{guess}:\n{block(to_toml(reading.rule)).strip()}")


def _usual(reading: Reading) -> list[str]:
    """The fields that most entries have, commonest first."""
    counts = Counter(name for entry in reading.entries for name in entry.fields)
    return [name for name, count in counts.most_common() if count * 2 > len(reading.entries)]


def _of_site(state: State, name: str) -> tuple[Hints, bytes, tuple[str, ...]]:
    """What the configuration says of a site's pages, what they taught, and the titles that are listed."""
    settings = state.view
    site = settings.site(known(name, [one.name for one in settings.sites], "site"))
    hints = Hints(rule=site.rule, pages=site.pages, next=site.next, mirror=site.mirrors[0])
    with state.ledger(silent=True) as ledger:
        if ledger is None:
            return hints, b"", ()
        believed = ledger.state(name)
    titles = tuple(entry.title for entry in believed.roster.entries.values() if entry.standing != "withdrawn")
    return hints, believed.memory, titles


def _source(state: State, source: str) -> Page:
    """The page that a file, a capture or an address brings."""
    if "://" in source:
        return asyncio.run(_fetched(state.settings, source))
    path = Path(source)
    if source == "-" or path.exists():
        return Page(body=contents(path), url=NOWHERE, status=200)
    if state.given or Path("watcher.toml").exists():
        with state.ledger(silent=True) as ledger:
            found = [one for one in (ledger.find(source) if ledger else ()) if one.what == "capture"]
            if ledger and len(found) == 1:
                return ledger.page(found[0].id)
    raise UsageError(
        f'"{line(source, 80)}" is no file and no capture',
        hint="`watcher captures` shows ids; a URL begins with http://",
    )


def _address(text: str) -> str:
    """The address of a page. Raises UsageError if it is none."""
    from watcher.core.addresses import page_address

    try:
        return page_address(text)
    except ValueError as error:
        raise UsageError(
            f"{line(text, 80)} is no address of a page: {error}",
            hint="write it as a browser shows it: http://….onion/",
        ) from None


async def _fetched(settings: Settings, address: str) -> Page:
    """The page at an address, through the proxy. Raises UnreadableError if none came."""
    from watcher.cli.tor import reached_and_ready
    from watcher.core.http import split
    from watcher.edge.fetch import SocksFetcher
    from watcher.edge.guard import Guard
    from watcher.edge.ledger_captures import page_of
    from watcher.ports import Ask

    url = _address(address)
    ask = Ask(
        url=url, mirror=url, isolation="learn", headers={}, timeout_seconds=settings.proxy.timeout.total_seconds()
    )
    async with (
        reached_and_ready(settings, url) as reached,
        SocksFetcher(reached.proxy.urls, [url], max_body=reached.proxy.max_body, usable=reached.check) as fetcher,
    ):
        with Guard().arm((*fetcher.proxies, *reached.controls)):
            last = (await fetcher.fetch(ask))[-1]
    if last.status is None:
        raise UnreadableError(
            f"{line(url, 120)}: {last.verdict}: {', '.join(line(word) for word in last.why)}",
            hint="try again later: a site that does not answer now may in an hour; `watcher doctor` checks the proxy",
        )
    wire = split(last.response)
    return page_of(last, wire.payload, wire.headers)
