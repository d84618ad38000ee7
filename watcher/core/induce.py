"""Entries from a page without a rule: candidates, what several pages teach about them, and the rule that follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.core.parse import Document
from watcher.records import Entry, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the pages of one site taught; bounded in size; msgspec turns it to JSON and back."""

    rule: Rule | None = None
    """What reads the site at present."""
    provisional: bool = True
    """The rule is a guess that churn has not confirmed yet."""
    pages: int = 0
    """Good pages that taught it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What could be read from one document."""

    entries: tuple[Entry, ...] = ()
    rule: Rule | None = None
    """The rule that read them; None: none was found."""
    provisional: bool = False
    frame_found: bool = False
    """The container of the records is there, even if it holds none."""
    announced: int | None = None
    """How many entries the page says it has ("12 companies"), if it says so."""


def extract(document: Document, learned: Learned, *, rule: Rule | None = None, known: Sequence[str] = ()) -> Extraction:
    """The entries of a document: by ``rule`` if given, else by what was learned, else by a first guess."""
    raise NotImplementedError


def learn(learned: Learned, document: Document, extraction: Extraction) -> Learned:
    """What is known once this page, judged good, is counted too."""
    raise NotImplementedError


def relearn(
    document: Document, learned: Learned, known: Sequence[str], *, example: str = ""
) -> tuple[Extraction, Learned] | None:
    """A new reading and what is learned from it, with known titles (or one example) as seeds, for a page
    whose design changed; None if nothing on the page holds enough of them."""
    raise NotImplementedError
