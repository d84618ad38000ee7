"""Reading a bundle's bytes again by the rules that it encloses: the entries must be those that were logged."""

from __future__ import annotations

import msgspec

from watcher.core import coding, custody, http
from watcher.core.bundle_reading import Blocks, Doc, Opened
from watcher.core.checks import need
from watcher.core.parse import parse
from watcher.core.rules import apply
from watcher.records import Page, Rule

MOST_BYTES = 64 * 1024 * 1024
READ_BY_RULE = frozenset({"listing", "partial"})


def reread(opened: Opened) -> str:
    """Every listing enclosed with its bytes, read anew."""
    count = 0
    for item in opened.shown["captures"]:
        value = (item["reading"] or {}).get("value")
        held = opened.blocks.get(item["id"])
        if value is None or held is None or value["rule"] is None or value["verdict"] not in READ_BY_RULE:
            continue
        _same(item["id"], value, _keys(held, value["rule"]))
        count += 1
    return f"{count} listings, read again, show the entries that were logged"


def _keys(held: Blocks, rule: Doc) -> set[str]:
    wire = http.split(held.response)
    body = coding.decode(wire.payload, wire.headers, MOST_BYTES).body
    facts = msgspec.json.decode(held.facts)
    page = Page(
        body=body, url=facts["url"], status=wire.status or 0, content_type=http.header(wire.headers, "content-type")
    )
    return {entry.key for entry in apply(msgspec.convert(rule, Rule), parse(page))}


def _same(name: str, value: Doc, keys: set[str]) -> None:
    said = {entry["key"] for entry in value["entries"]}
    gone, more = said - keys, keys - said
    shown = [custody.canonical({"key": key}).decode()[8:-2][:60] for key in sorted(gone | more)[:3]]
    need(
        not gone and not more,
        f"capture {name}, read again by its rule, shows {len(more)} entries more and {len(gone)} fewer: {shown}",
    )
