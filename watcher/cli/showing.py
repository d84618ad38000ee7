"""``watcher show``: one capture, entry or event, whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watcher.cli.kit import State, command, json_option
from watcher.cli.output import json_lines
from watcher.core import contract
from watcher.core.escape import block, line
from watcher.core.reasons import waiting
from watcher.errors import UsageError

if TYPE_CHECKING:
    from watcher.edge.ledger import Ledger
    from watcher.records import Capture, Policy, RosterEntry

LONGEST_VALUE = 20_000
"""Characters of one value that a terminal gets."""


@command(
    examples=[
        ("watcher show c80064423", "A capture by the beginning of its id:"),
        ("watcher show clop/velmora", "An entry, as SITE/KEY:"),
        ("watcher show --body c80064423 | less", "The bytes of a page, as received:"),
    ],
    exits=[("0", "shown"), ("2", "there is no such thing, or the bytes would go to a terminal")],
)
@click.argument("identifier", metavar="ID")
@click.option("--body", is_flag=True, help="Write a capture's body, byte for byte, to stdout (no terminal) or -o.")
@click.option(
    "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Where --body goes."
)
@json_option
def show_command(state: State, *, identifier: str, body: bool, output: Path | None, as_json: bool) -> None:
    """One capture, entry or event, whole. The beginning of an id is enough; an entry goes by its key, or SITE/KEY."""
    if output and not body:
        raise UsageError("-o says where the body goes", hint="add --body")
    if body and not output and sys.stdout.isatty():
        raise UsageError(
            "the body of a page is not written to a terminal: it could take it over",
            hint="send it into a pipe, or name a file with -o",
        )
    with state.ledger(silent=True) as ledger:
        kind, value = _whole(ledger, identifier, state.view.policy) if ledger else (None, None)
        if ledger is None or value is None:
            raise UsageError(
                f'there is no capture, event or entry "{line(identifier, 80)}"',
                hint="`watcher captures`, `watcher events` and `watcher entries` show ids and keys",
            )
        if body:
            _write_body(ledger, kind, value, output)
            return
    if as_json:
        json_lines([value])
    else:
        for shown in _lines(value):
            click.echo(shown)


def _whole(ledger: Ledger, identifier: str, policy: Policy) -> tuple[str | None, dict[str, Any] | None]:
    """What the identifier names, and everything that is known of it."""
    found = ledger.find(identifier) if identifier else ()
    exact = [one for one in found if one.id == identifier]
    entries = [
        (site, entry)
        for site, entry in (ledger.entries() if not found else ())
        if identifier in {entry.key, f"{site}/{entry.key}"}
    ]
    names = [one.id for one in exact or found] + [f"{site}/{entry.key}" for site, entry in entries]
    if len(names) > 1:
        raise UsageError(f'"{line(identifier, 80)}" may be {", ".join(names[:6])}', hint="write more of it")
    if entries:
        return "entry", _whole_entry(ledger, *entries[0], policy)
    if not found:
        return None, None
    name, kind = names[0], (exact or list(found))[0].what
    if kind == "event":
        event = ledger.event(name)
        return kind, None if event is None else contract.event_object(event)
    capture = ledger.capture(name)
    return kind, None if capture is None else _whole_capture(ledger, capture)


def _whole_entry(ledger: Ledger, site: str, entry: RosterEntry, policy: Policy) -> dict[str, Any]:
    """The entry, and where it is missing, what it waits for before that is told: machine words first, then prose."""
    value = contract.entry_object(site, entry)
    if entry.standing == "missing":
        from watcher.core.decide import held  # a tenth of a second, for this alone

        words = held(ledger.notes(site), policy).get(entry.key, ())
        value["waits"] = [*words, waiting(words, entry.absences, policy)]
    return value


def _whole_capture(ledger: Ledger, capture: Capture) -> dict[str, Any]:
    """The capture, how it was taken, and what it was read to say."""
    reading = ledger.reading(capture.id)
    return {
        **contract.capture_object(capture),
        "isolation": capture.isolation,
        "facts": dict(capture.facts),
        "reading": None if reading is None else contract.reading_object(reading),
    }


def _write_body(ledger: Ledger, kind: str | None, value: Mapping[str, Any], output: Path | None) -> None:
    if kind != "capture":
        raise UsageError("only a capture has a body", hint="an event names the captures before and after it")
    if value["body_digest"] is None:
        raise UsageError("this is a miss: no body came", hint="`watcher captures` shows which have one")
    data = ledger.body(value["body_digest"])
    if output:
        output.write_bytes(data)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def _lines(value: Any, name: str = "", depth: int = 0) -> Iterator[str]:
    """``name: value``, what is below it indented; texts on one line unless they have several."""
    space = "  " * depth
    head = f"{space}{line(name, 80)}:" if name else ""
    start = f"{head} " if name else space
    match value:
        case dict() if value:
            if head:
                yield head
            for key, below in value.items():
                yield from _lines(below, key, depth + bool(head))
        case list() if value and all(isinstance(one, str) for one in value) and len(value) <= 3:
            yield start + line(", ".join(value), LONGEST_VALUE)
        case list() if value:
            yield head
            for one in value:
                first, *rest = _lines(one, "", depth + 2)
                yield f"{space}  - {first.lstrip()}"
                yield from rest
        case str() if "\n" in value.strip():
            yield head
            for one in block(value, LONGEST_VALUE).split("\n"):
                yield f"{space}  {one}"
        case str() if value:
            yield start + line(value, LONGEST_VALUE)
        case bool():
            yield start + ("yes" if value else "no")
        case int() | float():
            yield f"{start}{value}"
        case _:
            yield f"{start}–"
