"""The reference pages of docs/, made from the program: ``python -m tests.reference`` writes them anew.

Help texts are click's own; keys and their meaning are the comments of ``watcher/template.toml``, and of ``MORE`` below
for keys that the template leaves out; JSON objects are what ``watcher.core.contract`` makes of examples.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from watcher.cli.main import TABLE, cli
from watcher.config import SECTIONS
from watcher.core import contract
from watcher.records import Capture, Entry, Event, MirrorStatus, Reading, RosterEntry, Rule, Selector, TargetStatus

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
TEMPLATE = ROOT / "watcher" / "template.toml"
WIDTH = 100
MADE = "<!-- Made from the program by `make reference`; edit there. -->\n"

ABOUT_COMMANDS = """\
Every command takes `-c FILE` (else `./watcher.toml`, else `$WATCHER_CONFIG`), and works from any folder. Data goes to
stdout, talk to stderr. With `--json` it is one [JSON object](reference-json.md) a line.
"""
ABOUT_KEYS = """\
`watcher init` writes this file with every default and a comment for each. A wrong file is told by line, key, what is
wrong and what would be right, all faults at once, and nothing starts. An unknown key is a fault. Paths are relative to
the file. Secrets may be `env:NAME`: then the value stands in the environment. Durations are `90s`, `15m`, `12h`, `2d`;
sizes `16MiB`. `SIGHUP` makes `watcher run` read the file again.
"""
ABOUT_OBJECTS = """\
One object a line, UTF-8. Times are RFC 3339 in UTC with microseconds, sizes are bytes. Keys may be added, and are never
renamed nor taken away. Captured text is as the page said it, hidden characters written as `\\u…`: escape it before you
show it.

An event of kind `changed` has `changes` besides, `{field: [old, new]}`, and one of kind `renamed` has `was`.
"""

MORE: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "[watcher]": {"bodies": ("", "where large bodies go, if not into the store: `s3://BUCKET/PREFIX`")},
    "[proxy]": {
        "tors": ("1", 'with `url = "tor"`: so many of them, for more circuits'),
        "bridges": ("[]", 'with `url = "tor"`: bridge lines, as Tor Browser takes them'),
        "torrc": ("[]", 'with `url = "tor"`: further lines of its configuration'),
    },
    "[[site]]": {
        "rule": ("", "a table of its own, below"),
        "vantages": ("", "in a fleet: how many vantages look at this site; without it `[fleet] each` says so"),
    },
    "[site.rule]": {
        "format": (
            '"html"',
            'or `"json"`: then `entry`, `title`, `link` and all others are JMESPath over JSON, the `items` of a feed '
            'or an index, what a page\'s scripts assign, and lists in lines of text (`"lines *"`, `pre`, `p`); objects '
            'that go by their names say them as `"@name"`',
        ),
        "any other key": (
            "",
            "a field: `description`, `deadline`, `status` …; a selector as above, a list of them (the first that finds "
            'something), or `{ css = "", attr = "", regex = "", template = "", nth = 0 }`',
        ),
    },
    "[fleet]": {"roots": ("", "for `tls://` servers: the certificates that you trust, a PEM file")},
    "[[alert]]": {
        "digest": ("", 'everything of so long in one message: `"1h"`; for people only ([alerts](alerts.md))'),
        "quiet": ("", 'between these times of day nothing is told: `"22:00-06:00"`'),
        "timezone": ('"UTC"', "where quiet hours are meant"),
        "template": ("", "a file that words the message"),
        "rate": ("10", "more events than this of one kind at one site at once are one message"),
    },
}
"""Keys that the template does not show: default and meaning."""

NEEDED = {"name", "mirrors", "entry", "title", "match", "to"}
"""Keys that have no default: what the template shows is an example."""
DEFAULT_OF: Mapping[tuple[str, str], str] = {
    ("[proxy]", "control"): "",
    ("[[site]]", "pages"): "",
    ("[[site]]", "next"): "",
    ("[[site]]", "headers"): "{}",
    ("[site.rule]", "link"): "",
    ("[site.rule]", "skip"): "[]",
    ("[[alert]]", "kinds"): "all kinds",
    ("[timestamp]", "authorities"): "[]",
    ("[timestamp]", "roots"): "",
    ("[web]", "token"): "",
    ("[fleet]", "servers"): "",
    ("[fleet]", "credentials"): "",
    ("[fleet]", "vantages"): "",
}
"""Keys whose value in the template is an example, and what holds without them."""


# ------------------------------------------------------------------------------------------------------- commands


def commands() -> str:
    """Every command's help, as the program prints it."""
    parts = [
        MADE,
        "# Commands\n",
        ABOUT_COMMANDS,
        "| command | does |\n|---|---|",
        *(f"| [`{name}`](#watcher-{name}) | {does} |" for name, (_, does) in TABLE.items()),
    ]
    wide: dict[str, Any] = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    with click.Context(cli, info_name="watcher", help_option_names=["-h", "--help"], **wide) as top:
        for name in TABLE:
            command = cli.get_command(top, name)
            assert command is not None
            about = click.Context(command, info_name=name, parent=top, **wide)
            parts.append(f"\n## `watcher {name}`\n\n```text\n{command.get_help(about).strip()}\n```")
    return "\n".join(parts) + "\n"


# --------------------------------------------------------------------------------------------------- configuration


@dataclass
class Key:
    """One key of the template."""

    name: str
    value: str
    about: str


_HEAD = re.compile(r"#?(\[\[?[a-z.]+\]\]?)\s*(?:#\s*(.*))?")
_KEY = re.compile(r"#?([a-z_]+) = (.*)")
_ON = re.compile(r"\s+# (.*)")


def template() -> dict[str, tuple[str, list[Key]]]:
    """Section to what is said of it and its keys, as the template shows them."""
    sections: dict[str, tuple[str, list[Key]]] = {}
    current, above = "", ""
    for line in TEMPLATE.read_text(encoding="utf-8").splitlines():
        if head := _HEAD.fullmatch(line):
            current = head[1]
            sections[current] = (" ".join(filter(None, [above, head[2] or ""])), [])
            above = ""
        elif current and (found := _KEY.fullmatch(line)):
            value, about = _parted(found[2])
            sections[current][1].append(Key(found[1], value, about))
        elif current and sections[current][1] and (more := _ON.fullmatch(line)):
            sections[current][1][-1].about += f" {more[1]}"
        elif line.startswith("# ") and not line.startswith("# --"):
            above = f"{above} {line[2:]}".strip()
    return sections


def _parted(text: str) -> tuple[str, str]:
    """A value and the comment behind it."""
    quoted = False
    for at, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        if letter == "#" and not quoted:
            return text[:at].strip(), text[at + 1 :].strip()
    return text.strip(), ""


def configuration() -> str:
    """Every section and key, its default and meaning."""
    shown = template()
    parts = [
        MADE,
        "# `watcher.toml`\n",
        ABOUT_KEYS,
    ]
    for section in ordered(shown):
        about, keys = shown.get(section, ("", []))
        about = "" if section == "[watcher]" else linked(about)
        known = SECTIONS.get(section)
        rows = {key.name: row(section, key) for key in keys}
        for name, (value, meaning) in MORE.get(section, {}).items():
            if known is not None and name not in known:
                continue
            rows.setdefault(name, f"| `{name}` | {f'`{value}`' if value else '–'} | {meaning} |")
        if known is not None:
            missing = sorted(known - rows.keys())
            assert not missing, f"{section} {missing}: say in watcher/template.toml (or in MORE, here) what they mean"
            assert set(rows) <= known, f"{section} {sorted(set(rows) - known)}: the program does not know them"
        parts.append(f"## `{section}`\n\n{f'{about[0].upper()}{about[1:]}' if about else ''}\n".replace("\n\n\n", "\n"))
        parts.append("| key | without it | means |\n|---|---|---|")
        parts += [*rows.values(), ""]
    return "\n".join(parts).rstrip() + "\n"


def ordered(shown: Mapping[str, Any]) -> Iterator[str]:
    """Sections as the template shows them, then those that it does not."""
    yield from shown
    yield from (section for section in SECTIONS if section not in shown)


def linked(text: str) -> str:
    """``docs/page.md`` as a link, where such a page is; sections as code."""
    text = re.sub(r"(?<![`\w])\[\[?[a-z.]+\]\]?(?!`)", lambda found: f"`{found[0]}`", text)
    return re.sub(
        r"docs/([\w-]+)\.md",
        lambda found: f"[{found[1]}]({found[1]}.md)" if (DOCS / f"{found[1]}.md").exists() else f"`{found[0]}`",
        text,
    )


def row(section: str, key: Key) -> str:
    value = DEFAULT_OF.get((section, key.name), key.value)
    about = linked(key.about.replace("|", "\\|"))
    if (section, key.name) in DEFAULT_OF or (key.name in NEEDED and section != "[watcher]"):
        example = f"`{key.value}`".replace("|", "\\|")
        about = f"{about}{'; ' if about else ''}such as {example}"
        default = "needed" if key.name in NEEDED else f"`{value}`" if value else "–"
        return f"| `{key.name}` | {default} | {about} |"
    return f"| `{key.name}` | `{value}` | {about} |"


# ------------------------------------------------------------------------------------------------------------ JSON

AT = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
LATER = AT + timedelta(minutes=35)
MIRROR = "http://leak.example/"
VELMORA = Entry(
    key="/velmora-logistics",
    title="VELMORA LOGISTICS",
    url=f"{MIRROR}velmora-logistics",
    fields={"status": "PUBLISHED"},
)
EXAMPLES: Mapping[str, tuple[str, dict[str, Any]]] = {
    "event": (
        "`watcher events --json`, `/api/events`, alerts to `file:` and `stdout:` (there with `idempotency_key` and "
        "`checkpoint`)",
        contract.event_object(
            Event(
                id="e6949f1573a9f0c21",
                kind="withdrawn",
                site="clop",
                entry=VELMORA,
                not_before=AT,
                not_after=AT + timedelta(minutes=15),
                confirmed_at=LATER,
                before="c10432b4113f6898c",
                after="c941cfd37648e38b1",
                why=("absent-from-listing:3", "detail-offline", "sure-by:own-page-gone", "The name is gone …"),
                watchlist=("Velmora",),
                vantage="berlin-1",
            )
        ),
    ),
    "entry": (
        "`watcher entries --json`, `/api/entries`; `watcher show` adds `waits` to one that is missing",
        contract.entry_object(
            "clop",
            RosterEntry(
                key=VELMORA.key,
                title=VELMORA.title,
                url=VELMORA.url,
                fields=VELMORA.fields,
                standing="withdrawn",
                first_seen=AT - timedelta(days=3),
                last_seen=AT,
                seen_in="c10432b4113f6898c",
                missing_since=AT + timedelta(minutes=15),
                withdrawn_at=LATER,
                aliases=("V****** L********",),
            ),
        ),
    ),
    "capture": (
        "`watcher captures --json`, `/api/captures`; for a miss `status` and `body_digest` are null",
        contract.capture_object(
            Capture(
                id="c10432b4113f6898c",
                visit="clop@2026-11-22T15:04:05.123456Z",
                site="clop",
                target="listing",
                url=MIRROR,
                mirror=MIRROR,
                requested_at=AT,
                finished_at=AT + timedelta(seconds=2),
                status=200,
                verdict="listing",
                why=(),
                complete=True,
                cut="",
                isolation="clop-0",
                body_digest="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                body_bytes=4060,
                stored_bytes=79,
                leaf=122,
                vantage="berlin-1",
            )
        ),
    ),
    "status": (
        "`watcher status --json`, `/api/status`",
        contract.status_object(
            TargetStatus(
                site="clop",
                target="listing",
                verdict="listing",
                last_visit=AT,
                last_complete=AT,
                next_visit=AT + timedelta(minutes=15),
                listed=7,
                misses_in_a_row=0,
                mirrors=(MirrorStatus(url=MIRROR, verdict="listing", last_visit=AT),),
            )
        ),
    ),
    "read": (
        "`watcher read --json`, `watcher learn --json`, `/api/captures/ID/reading`",
        contract.reading_object(
            Reading(
                verdict="listing",
                why=(),
                complete=True,
                entries=(VELMORA,),
                rule=Rule(
                    entry=("ul.g-toplevel li",),
                    fields={"title": (Selector(css=".g-menu-item-title"),), "link": (Selector(css="a", attr="href"),)},
                    skip=("HOME",),
                ),
            )
        ),
    ),
    "verify": (
        "`watcher verify --json`, one line a check",
        contract.check_object("absence", True, "4 proofs of presence and absence: all hold"),
    ),
}
MEANINGS: Mapping[str, str] = {
    "id": "stays the same for ever; its beginning is enough for `watcher show`",
    "kind": "`listed`, `changed`, `renamed`, `withdrawn`, `relisted`; of a whole site `unreachable`, `blocked`, "
    "`seized`, `redesigned`, `vanished`, `recovered`",
    "site": "the name in `watcher.toml`",
    "entry": "what the page said of it; null for events of a whole site",
    "not_before": "it happened after this moment",
    "not_after": "and no later than this one",
    "confirmed_at": "when it was sure",
    "before": "the last capture that shows the state before",
    "after": "the first that shows the state after",
    "why": "machine words first, then prose ([what they mean](deciding.md))",
    "watchlist": "names of the watchlist that it is about",
    "vantage": "which observer saw it",
    "key": "stays the same while the entry does, whatever happens to its title",
    "title": "as the page says it",
    "url": "the address",
    "fields": "whatever else the page says of it",
    "standing": "`listed`, `missing` or `withdrawn`",
    "first_seen": "when a page first showed it",
    "last_seen": "when a page last showed it",
    "missing_since": "the first complete capture without it; null if it is listed",
    "withdrawn_at": "when that was sure; null before",
    "aliases": "titles that it had",
    "target": "`listing`, or the entry's own page",
    "mirror": "the address of the site that was asked",
    "requested_at": "when the request began",
    "finished_at": "when the answer was over",
    "status": "the HTTP status",
    "verdict": "what the page is ([verdicts](glossary.md#what-the-verdicts-mean))",
    "complete": "all of the listing came; nothing else speaks of absence",
    "body_digest": "SHA-256 of the body as received",
    "body_bytes": "its length",
    "stored_bytes": "what it cost in the store",
    "leaf": "its place in the custody log",
    "visit": "the visit that it belongs to",
    "cut": "why the transfer did not finish (`length`, `chunked`, `reset`, `limit`, `deadline`); empty if it did",
    "foreign": "captured by others and brought in with `watcher ingest`",
    "last_visit": "when it was last looked at",
    "last_complete": "when the whole listing was last seen",
    "next_visit": "when it is due",
    "listed": "entries that are listed",
    "misses_in_a_row": "visits in a row that brought nothing",
    "every_seconds": "how often it is looked at now: `every`, or what adaptive made of it; null where nobody says",
    "because": "why so often",
    "paused_until": "nobody looks at it until then (`watcher pause`), or null",
    "paused_by": "who says so, or empty",
    "mirrors": "each with `url`, `verdict` and `last_visit`",
    "entries": "each with `key`, `title`, `url` and `fields`",
    "rule": "how it was read, as a `[site.rule]` table; null if nothing repeats",
    "check": "its name",
    "ok": "whether it holds",
    "detail": "what was checked, or what failed where",
}


def objects() -> str:
    """The JSON objects, each with an example and the meaning of its keys."""
    parts = [
        MADE,
        "# JSON objects\n",
        ABOUT_OBJECTS,
    ]
    for name, (where, value) in EXAMPLES.items():
        parts += [f"## {name}\n\n{where}.\n", f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```\n"]
        parts += ["| key | means |\n|---|---|", *(f"| `{key}` | {MEANINGS[key]} |" for key in value), ""]
    return "\n".join(parts).rstrip() + "\n"


PAGES = {"reference-commands.md": commands, "reference-config.md": configuration, "reference-json.md": objects}


def main() -> None:
    for name, made in PAGES.items():
        (DOCS / name).write_text(made(), encoding="utf-8")


if __name__ == "__main__":
    main()
