"""A comparison as lines for people (with colour where there is some), as a unified diff, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from watcher.core.comparison import Comparison, EntryChange, Side, facts_of
from watcher.core.difference import Block, Difference, Span
from watcher.core.escape import block as safe_block
from watcher.core.escape import line as safe_line
from watcher.core.moments import rfc3339

Style = Literal["", "head", "removed", "added", "changed", "moved", "faint"]
Piece = tuple[Style, str]
CONTEXT = 3
"""Blocks shown around a difference."""
MARKS = {"removed": "-", "added": "+", "changed": "~", "renamed": "~", "moved": ">", "same": " "}


# ------------------------------------------------------------------------------------------------- for people


def lines(comparison: Comparison) -> Iterator[list[Piece]]:
    """What a person reads, a list of styled pieces a line; every captured text is made safe for a terminal."""
    yield [("head", f"--- {_label(comparison.old)}")]
    yield [("head", f"+++ {_label(comparison.new)}")]
    if comparison.is_none:
        yield [("", f"no difference by {comparison.by}")]
    elif comparison.difference is None:
        for change in comparison.entries:
            yield from _entry_lines(change)
        yield [("faint", comparison.tally)]
        for doubt in comparison.doubts:
            yield [("changed", safe_line(doubt, 400))]
    else:
        for hunk in _hunks(comparison.difference):
            yield [("faint", f"@@ {_range(hunk)} @@")]
            for block in hunk:
                yield from _block_lines(block)
        if comparison.degraded:
            yield [("faint", "too much differs to compare words everywhere: some blocks are shown whole")]


def _label(side: Side) -> str:
    parts = [side.label, rfc3339(side.time) if side.time else "", side.verdict, side.url]
    return safe_line("  ".join(part for part in parts if part), 300)


def _entry_lines(change: EntryChange) -> Iterator[list[Piece]]:
    style: Style = "changed" if change.kind == "renamed" else change.kind
    title = safe_line(change.entry.title)
    shown = f"{safe_line(change.was)} → {title}" if change.kind == "renamed" else title
    yield [(style, f"{MARKS[change.kind]} {change.kind:<8} {shown}")]
    if change.kind in {"added", "removed"}:
        for name, value in facts_of(change.entry):
            yield [(style, f"    {name}: {safe_line(value)}")]
    for name, found in change.spans.items():
        if name != "title" or change.kind != "renamed":
            yield [("", f"    {safe_line(name, 40)}: "), *_span_pieces(found)]


def _span_pieces(found: Sequence[Span]) -> list[Piece]:
    """Words with marks that also stand without colour: ``[-old-]{+new+}``."""
    pieces: list[Piece] = []
    for span in found:
        text = safe_block(span.text).replace("\n", " ")
        match span.op:
            case "same":
                pieces.append(("", text if len(text) <= 120 else f"{text[:50]} … {text[-50:]}"))
            case "removed":
                pieces.append(("removed", f"[-{safe_line(text, 400)}-]"))
            case _:  # added
                pieces.append(("added", f"{{+{safe_line(text, 400)}+}}"))
    return pieces


def _block_lines(block: Block) -> Iterator[list[Piece]]:
    if block.kind == "changed":
        yield [("changed", "~ "), *_span_pieces(block.spans)]
        return
    style: Style = "" if block.kind == "same" else block.kind
    for text in safe_block(block.before or block.after).split("\n"):
        yield [(style, f"{MARKS[block.kind]} {safe_line(text, 400)}")]


def _hunks(found: Difference) -> list[list[Block]]:
    """Runs of differing blocks with a little of what stands around them."""
    blocks = found.blocks
    shown = {
        near
        for place, block in enumerate(blocks)
        if block.kind != "same"
        for near in range(max(0, place - CONTEXT), min(len(blocks), place + CONTEXT + 1))
    }
    hunks: list[list[Block]] = []
    for place in sorted(shown):
        if place - 1 not in shown:
            hunks.append([])
        hunks[-1].append(blocks[place])
    return hunks


def _range(hunk: Sequence[Block]) -> str:
    old = [block.old for block in hunk if block.old is not None]
    new = [block.new for block in hunk if block.new is not None]
    return f"-{min(old, default=-1) + 1},{len(old)} +{min(new, default=-1) + 1},{len(new)}"


# ------------------------------------------------------------------------------------------------ for programs


def unified(comparison: Comparison) -> Iterator[str]:
    """A unified diff; by entries, an entry's title and each of its fields stand on lines of their own."""
    if comparison.is_none:
        return
    yield f"--- {_label(comparison.old)}"
    yield f"+++ {_label(comparison.new)}"
    if comparison.difference is None:
        for change in comparison.entries:
            yield f"@@ {change.kind} @@"
            yield from _unified_entry(change)
        return
    for hunk in _hunks(comparison.difference):
        yield f"@@ {_range(hunk)} @@"
        for block in hunk:
            yield from _unified_block(block)


def _unified_entry(change: EntryChange) -> Iterator[str]:
    if change.kind in {"added", "removed"}:
        mark = MARKS[change.kind]
        yield f"{mark}{safe_line(change.entry.title)}"
        for name, value in facts_of(change.entry):
            yield f"{mark}  {safe_line(name, 40)}: {safe_line(value, 4000)}"
        return
    if "title" not in change.changes:
        yield f" {safe_line(change.entry.title)}"
    for name, (old, new) in change.changes.items():
        label = "" if name == "title" else f"  {safe_line(name, 40)}: "
        if old:
            yield f"-{label}{safe_line(old, 4000)}"
        if new:
            yield f"+{label}{safe_line(new, 4000)}"


def _unified_block(block: Block) -> Iterator[str]:
    sides = {
        "same": ((" ", block.after),),
        "removed": (("-", block.before),),
        "added": (("+", block.after),),
        "changed": (("-", block.before), ("+", block.after)),
        "moved": ((">", block.after),),
    }[block.kind]
    for mark, text in sides:
        for one in safe_block(text).split("\n"):
            yield f"{mark}{one}"


def as_object(comparison: Comparison) -> dict[str, Any]:
    """The comparison as one JSON object."""
    value: dict[str, Any] = {
        "by": comparison.by,
        "old": _side(comparison.old),
        "new": _side(comparison.new),
        "same": comparison.is_none,
        "degraded": comparison.degraded,
    }
    if comparison.difference is None:
        value["entries"] = [_change(change) for change in comparison.entries]
    else:
        value["blocks"] = [_block(block) for block in comparison.difference.blocks if block.kind != "same"]
    return value


def _side(side: Side) -> dict[str, Any]:
    return {
        "label": side.label,
        "url": side.url,
        "time": rfc3339(side.time) if side.time else None,
        "verdict": side.verdict,
        "entries": len(side.entries),
    }


def _change(change: EntryChange) -> dict[str, Any]:
    entry = change.entry
    value: dict[str, Any] = {
        "kind": change.kind,
        "entry": {"key": entry.key, "title": entry.title, "url": entry.url, "fields": dict(entry.fields)},
    }
    if change.kind == "renamed":
        value["was"] = change.was
    if change.changes:
        value["changes"] = {name: list(pair) for name, pair in change.changes.items()}
    return value


def _block(block: Block) -> dict[str, Any]:
    value: dict[str, Any] = {"kind": block.kind, "old": block.old, "new": block.new}
    if block.kind != "added":
        value["before"] = block.before
    if block.kind != "removed":
        value["after"] = block.after
    if block.spans:
        value["words"] = [[span.op, span.text] for span in block.spans]
    return value
