"""A comparison as one self-contained page: side by side, aligned, changed words marked, no script, prints well.

Everything captured passes through ``escape.html``; the page has a policy of its own that forbids every request, so that
even a mistake here could load nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from watcher.core.comparison import Comparison, EntryChange, Side, facts_of
from watcher.core.difference import Block, Span
from watcher.core.escape import html
from watcher.core.moments import rfc3339
from watcher.records import Entry

FOLD = 8
"""Unchanged blocks in a row that are folded away."""
AROUND = 3

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --faint: #595959; --rule: #c8c8c8;
  --gone: #fbe3e1; --gone-word: #f2a59d; --come: #def3e0; --come-word: #95d5a0; --other: #fdf1cf; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e8e8e8; --faint: #a8a8a8; --rule: #4a4d52;
  --gone: #43201d; --gone-word: #8c3b33; --come: #1c3a22; --come-word: #2f7a40; --other: #40361a; } }
body { background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 1.5rem auto;
  max-width: 80rem; padding: 0 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.3rem; } .faint { color: var(--faint); font-size: .9em; }
table { border-collapse: collapse; table-layout: fixed; width: 100%; }
th { text-align: left; font-weight: 600; } th, td { border: 1px solid var(--rule); padding: .35rem .6rem;
  vertical-align: top; width: 50%; }
td.removed { background: var(--gone); } td.added { background: var(--come); }
td.moved, td.changed { background: var(--other); }
td.none { background: repeating-linear-gradient(135deg, transparent 0 6px, var(--rule) 6px 7px); }
del { background: var(--gone-word); text-decoration: line-through; }
ins { background: var(--come-word); text-decoration: none; }
pre { font: 13px/1.45 ui-monospace, monospace; margin: 0; white-space: pre-wrap; }
dl { margin: .3rem 0 0; } dt { color: var(--faint); float: left; clear: left; margin-right: .5rem; }
dd { margin: 0 0 0 6rem; }
strong.title { font-size: 1.05em; } .kind { float: right; color: var(--faint); }
@media print { body { max-width: none; margin: 0; font-size: 10pt; } tr { break-inside: avoid; }
  * { print-color-adjust: exact; } }
"""


def page(comparison: Comparison) -> str:
    """The whole page."""
    old, new = comparison.old, comparison.new
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f"<title>{html(old.label, 80)} and {html(new.label, 80)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>What changed, by {comparison.by}</h1>{table(comparison)}</body></html>\n"
    )


def table(comparison: Comparison) -> str:
    """The comparison as a part of a page that brings its own style."""
    rows = _entry_rows(comparison.entries) if comparison.difference is None else _block_rows(comparison)
    verdict = "<p>No difference.</p>" if comparison.is_none else ""
    doubts = "".join(f"<p>{html(doubt, 400)}.</p>" for doubt in comparison.doubts)
    whole = "<p>Too much differs to compare words everywhere: some blocks are shown whole.</p>"
    degraded = whole if comparison.degraded else ""
    tally = f'<p class="faint">{comparison.tally}</p>' if comparison.tally else ""
    heads = (
        f'<th scope="col">{_head("Before", comparison.old)}</th><th scope="col">{_head("After", comparison.new)}</th>'
    )
    return (
        f'{verdict}{doubts}{degraded}\n<table class="diff"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{''.join(rows)}</tbody></table>\n{tally}"
    )


def _head(name: str, side: Side) -> str:
    facts = [side.label, rfc3339(side.time) if side.time else "", side.verdict]
    shown = " · ".join(html(fact, 200) for fact in facts if fact)
    return f'{name}<div class="faint">{shown}<br>{html(side.url, 300)}</div>'


def _entry_rows(changes: Sequence[EntryChange]) -> Iterator[str]:
    for change in changes:
        if change.kind in {"changed", "renamed"}:
            yield _row("changed", _side_of(change, "removed"), _side_of(change, "added"))
        else:
            whole = _entry(change.entry)
            yield _row(change.kind, whole, whole)


def _entry(entry: Entry) -> str:
    return _record(html(entry.title, 400), [(name, html(value, 4000)) for name, value in facts_of(entry)])


def _side_of(change: EntryChange, op: str) -> str:
    """An entry as it stood on one side, with the words that only this side has marked."""
    title = _marked(change.spans["title"], op) if "title" in change.spans else html(change.entry.title, 400)
    return _record(title, [(name, _marked(found, op)) for name, found in change.spans.items() if name != "title"])


def _record(title: str, facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{html(name, 60)}</dt><dd>{value}</dd>" for name, value in facts)
    return f'<strong class="title">{title}</strong>{f"<dl>{rows}</dl>" if rows else ""}'


def _marked(found: Sequence[Span], op: str) -> str:
    tag = "del" if op == "removed" else "ins"
    return "".join(
        html(span.text) if span.op == "same" else f"<{tag}>{html(span.text)}</{tag}>"
        for span in found
        if span.op in {"same", op}
    )


def _block_rows(comparison: Comparison) -> Iterator[str]:
    assert comparison.difference is not None
    same: list[Block] = []
    for block in comparison.difference.blocks:
        if block.kind == "same":
            same.append(block)
            continue
        yield from _folded(same)
        same.clear()
        if block.kind == "changed":
            before, after = (_marked(block.spans, op) for op in ("removed", "added"))
        else:
            before, after = html(block.before), html(block.after)
        yield _row(block.kind, f"<pre>{before}</pre>", f"<pre>{after}</pre>")
    yield from _folded(same)


def _folded(same: Sequence[Block]) -> Iterator[str]:
    if len(same) <= FOLD:
        yield from (_row("", f"<pre>{html(one.before)}</pre>", f"<pre>{html(one.after)}</pre>") for one in same)
        return
    yield from _folded(same[:AROUND])
    yield f'<tr><td colspan="2" class="faint">{len(same) - 2 * AROUND} blocks are the same</td></tr>\n'
    yield from _folded(same[-AROUND:])


def _row(kind: str, before: str, after: str) -> str:
    """Both sides; of what was added or removed there is only one."""
    sides = [("none", "") if kind == "added" else (kind, before), ("none", "") if kind == "removed" else (kind, after)]
    cells = "".join(f'<td class="{name}">{inner}</td>' if name else f"<td>{inner}</td>" for name, inner in sides)
    return f"<tr>{cells}</tr>\n"
