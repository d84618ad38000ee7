"""Sites that no one wrote by hand: entries are found on nearly all of them, before and after a redesign."""

from __future__ import annotations

from collections import Counter

from benchmarks.detection.invented import site
from watcher.core.identity import fold_title
from watcher.core.induce import Learned, extract, learn, relearn
from watcher.core.parse import parse
from watcher.records import Page

SEEDS = range(2_000, 2_042)
SKIPPED = "slug"
"""A design that shows no names at all; the benchmark prints it, it is no promise."""


def folded(titles: list[str]) -> Counter[str]:
    return Counter(fold_title(title)[0] for title in titles)


def score(seed: int) -> tuple[float, float]:
    """Mean precision and recall from the third page on."""
    learned, known, precision, recall = Learned(), [], [], []
    versions = site(seed).versions
    for number, version in enumerate(versions, 1):
        document = parse(Page(body=version.body.encode(), url="http://site.onion/", status=200))
        extraction = extract(document, learned, known=known)
        lost = folded(known) - folded([entry.title for entry in extraction.entries])
        again = relearn(document, learned, known) if lost.total() * 2 > len(known) else None
        if again is not None:
            extraction, learned = again
        else:
            learned = learn(learned, document, extraction)
        known = [entry.title for entry in extraction.entries]
        if number >= 3:
            right = (folded(known) & folded(version.titles)).total()
            precision.append(right / len(known) if known else 0.0)
            recall.append(right / len(version.titles))
    return sum(precision) / len(precision), sum(recall) / len(recall)


def test_invented_sites() -> None:
    scores = {seed: score(seed) for seed in SEEDS if not site(seed).style.startswith(SKIPPED)}
    worst = sorted(scores.items(), key=lambda item: sum(item[1]))[:3]
    precision = sum(one for one, _ in scores.values()) / len(scores)
    recall = sum(one for _, one in scores.values()) / len(scores)
    assert precision >= 0.97, worst
    assert recall >= 0.97, worst
