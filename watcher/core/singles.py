"""A page with one entry: no repetition to go by, only what looks like a record with a title."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from watcher.core.candidates import html_groups
from watcher.core.lexicon import STRONG_TITLE_HINTS
from watcher.core.outline import Outline
from watcher.core.ranking import HEADINGS, Candidate, aside_of, candidates_of
from watcher.core.words import is_company, kind_of, words_in

PENALTY = 1.8
LEVELS = 3
MOST = 12
MOST_TITLES = 60
"""Elements that may hold the title of a single record: the first ones."""
_RECORD_WORDS = frozenset(
    {
        "card", "item", "post", "entry", "article", "victim", "company", "leak", "row", "block", "target", "tile",
        "record", "incident", "segment", "product", "client", "col", "box", "panel", "news", "story", "case",
        "hentry", "excerpt",
    }
)  # fmt: skip
_LIST_WORDS = frozenset(
    {
        "cards", "items", "posts", "entries", "list", "grid", "container", "wrapper", "victims", "companies",
        "leaks", "rows", "blocks", "targets", "tiles", "records", "incidents", "segments", "products", "clients",
        "main", "content", "board", "body", "page", "layout", "wrap", "area",
    }
)  # fmt: skip


def single_candidates(outline: Outline, title: str) -> list[Candidate]:
    """Candidates of one record each, the likeliest levels of the page's likeliest titles; what the page's own ``title``
    says is none."""
    chosen: dict[int, float] = {}
    number = Counter(outline.sig)
    for element in _title_elements(outline, title.casefold()):
        for record, worth in _levels(outline, element):
            sig = outline.sig[record]
            if number[sig] == 1:  # what comes again is no single record
                chosen[sig] = max(worth, chosen.get(sig, worth))
    alone = frozenset(chosen)
    if not alone:
        return []
    found: list[Candidate] = []
    for group in html_groups(outline, smallest=1, only=alone):
        penalty = PENALTY - chosen[outline.sig[group.records[0]]]
        found += [replace(one, score=one.score - penalty) for one in candidates_of(group, group.columns)[:1]]
    return sorted(found, key=lambda candidate: -candidate.score)[:MOST]


def _title_elements(outline: Outline, title: str) -> list[int]:
    """Elements whose own text may be the title of the only record."""
    found: list[int] = []
    for leaf, owner in enumerate(outline.leaf_owner):
        text = outline.leaf_text[leaf]
        if len(text) > 120 or kind_of(text) not in {"name", "domain", "masked"}:
            continue
        near = [owner, outline.parent[owner]]
        names = " ".join((outline.attrs[at].get("class") or "") for at in near if at >= 0 and outline.attrs[at])
        if "h1" in (outline.tag[at] for at in near if at >= 0) and text.casefold() in title:
            continue
        telling = any(outline.tag[at] in HEADINGS for at in near if at >= 0) or words_in(names) & STRONG_TITLE_HINTS
        named = kind_of(text) != "name" or is_company(text)
        if telling or named or outline.tag[owner] in {"a", "b", "strong", "td", "th"}:
            found.append(owner)
            if len(found) >= MOST_TITLES:
                break
    return found


def _levels(outline: Outline, element: int) -> list[tuple[int, float]]:
    """Elements round a title that may be its record, with what speaks for each."""
    found: list[tuple[int, float]] = []
    sizes: set[int] = set()
    for above in [element, *outline.ancestors(element)]:
        if outline.tag[above] in {"body", "main", "html"} or len(sizes) > LEVELS:
            break
        leaves = outline.leaf_end[above] - outline.leaf_start[above]
        if leaves > 40:
            break
        if leaves < 2 or len(found) > 3 * LEVELS:
            continue
        sizes.add(leaves)
        words = words_in((outline.attrs[above].get("class") or "") if outline.attrs[above] else "") | {
            outline.tag[above]
        }
        worth = (
            -1.0 * (outline.tag[element] == "h1")
            + 0.7 * bool(words & _RECORD_WORDS)
            - 0.6 * bool(words & _LIST_WORDS)
            - 0.15 * len(sizes)
        )
        found.append((above, worth - 0.3 * aside_of(outline.key[above] or outline.tag[above])))
    return found
