"""Every folder in ``snapshots/cases`` is a site whose entries are found without a rule."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from watcher.core.identity import fold_title
from watcher.core.induce import Learned, extract, learn, relearn
from watcher.core.parse import Document, parse
from watcher.core.rules import apply
from watcher.records import Entry, Page

CASES = Path(__file__).parents[2] / "snapshots" / "cases"


def titles(entries: tuple[Entry, ...] | list[Entry]) -> list[str]:
    return sorted(fold_title(entry.title)[0] for entry in entries)


def document(path: Path) -> Document:
    return parse(Page(body=path.read_bytes(), url="http://case.onion/", status=200, content_type="text/html"))


@pytest.mark.parametrize("folder", sorted(CASES.iterdir()), ids=lambda folder: folder.name)
def test_case(folder: Path) -> None:
    """From the third page on every entry is found and nothing else, through a redesign too."""
    truth = json.loads((folder / "truth.json").read_text())
    learned, known, template = Learned(), [], 1
    for number, version in enumerate(truth["versions"], 1):
        page = document(folder / version["file"])
        extraction = extract(page, learned, known=known)
        if version["template"] != template:
            template = version["template"]
            again = relearn(page, learned, known)
            assert again is not None, f"{version['file']}: not learned again"
            extraction, learned = again
        else:
            learned = learn(learned, page, extraction)
        if number >= 3:
            expected = sorted(fold_title(title)[0] for title in version["titles"])
            assert titles(extraction.entries) == expected, f"{version['file']} by {extraction.rule}"
        assert extraction.rule is None or apply(extraction.rule, page) == extraction.entries
        known = [entry.title for entry in extraction.entries]
    assert not learned.provisional or len(known) < 3
