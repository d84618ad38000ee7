"""A page's decoded body as a document: its kind, tree or data, title and visible text."""

from __future__ import annotations

from typing import Any, Literal

from selectolax.lexbor import LexborHTMLParser

from watcher.records import Page

Kind = Literal["html", "json", "feed", "directory", "text"]


class Document:
    """One page, parsed once; what costs is worked out when it is first asked for."""

    __slots__ = ("base", "content_length", "data", "kind", "markup", "tree", "url")

    kind: Kind
    url: str
    """Where it was taken from."""
    base: str
    """What its relative links are relative to."""
    markup: str
    """The body, decoded."""
    tree: LexborHTMLParser | None
    data: Any
    """The value, if the page is JSON (or shows JSON in a ``pre``)."""
    content_length: int
    """Bytes in the body."""

    @property
    def text(self) -> str:
        """The visible text, white space folded."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The text of ``<title>``, white space folded."""
        raise NotImplementedError


def parse(page: Page) -> Document:
    """The page as a document. Never raises for what a page holds."""
    raise NotImplementedError
