"""What a hostile server is: what it says, and what a watcher is to make of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from watcher.testing.socks5 import Conduct

Say: TypeAlias = bytes | float
"""Bytes to send, or seconds to wait."""
End: TypeAlias = Literal["fin", "rst", "keep"]
"""What follows an answer: the connection is closed, or reset, or stays open."""
Tls: TypeAlias = Literal["", "stranger", "silent", "garbage"]
"""None; with a certificate that vouches for somebody else; a hello that nobody answers; or is answered with noise."""

PEOPLE = ("Ostrava Textil a.s.", "Velmora Logistics GmbH", "Karvel & Sons Ltd", "Hotel Brunoy SARL", "Quilden Optics")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, as the answer sees it."""

    path: str
    """With the query."""
    number: int
    """Requests that came before."""


Answer: TypeAlias = Callable[[Asked], Iterable[Say]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One entry of the catalogue."""

    name: str
    does: str
    """One line, for people."""
    answer: Answer
    verdict: str
    """Of the capture that the first look ends in."""
    why: str = ""
    """The first of its reasons, ``*`` at the end for whatever follows; empty: there is none."""
    group: str = ""
    path: str = "/"
    scheme: Literal["http", "https"] = "http"
    host: str = ""
    """A name on the clearnet; empty: an onion of its own."""
    first: bytes = b""
    """Said before anything was asked."""
    end: End = "fin"
    tls: Tls = ""
    proxy: Conduct | None = None
    """How the proxy treats requests for it."""
    may_ask: tuple[str, ...] = ()
    """Paths that may be asked for besides its own, ``*`` at the end for whatever follows: nothing else may."""
    at_most: int = 3
    """Requests that one look may cost, and none more."""


# -------------------------------------------------------------------------------------------------- how to say it


def head(*lines: str, status: str = "200 OK") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")


def whole(body: bytes | str, kind: str = "text/html; charset=utf-8", *more: str, status: str = "200 OK") -> bytes:
    """A well-formed answer."""
    body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    return head(f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, status=status) + body


def always(*parts: Say) -> Answer:
    """The same answer to every request."""
    return lambda _: parts


def page(body: bytes | str, kind: str = "text/html; charset=utf-8", *more: str, status: str = "200 OK") -> Answer:
    """A well-formed answer to every request."""
    said = whole(body, kind, *more, status=status)
    return lambda _: (said,)


def made(build: Callable[[], bytes | str], kind: str = "text/html; charset=utf-8") -> Answer:
    """The same, made anew for each request: what is large is not kept."""

    def answer(_: Asked) -> Iterator[Say]:
        yield whole(build(), kind)

    return answer


def forever(start: bytes, part: bytes, pause: float = 0.0) -> Answer:
    """A start, and then a part again and again for as long as anyone listens."""

    def answer(_: Asked) -> Iterator[Say]:
        yield start
        while True:
            yield part
            yield pause

    return answer


def card(title: str, link: str = "", text: str = "The contracts of the firm, and its letters.") -> str:
    """One entry."""
    heading = f'<a href="{link}">{title}</a>' if link else title
    return f'<div class="card"><h3>{heading}</h3><p>{text}</p></div>'


def listing(cards: str, *, before: str = "", after: str = "") -> str:
    """A leak site's page round some entries."""
    return (
        f"<!DOCTYPE html><html><head><title>Leaks</title>{before}</head><body><h1>Leaks</h1>"
        f"<main>{cards}</main>{after}<footer>We are many. Write to us.</footer></body></html>"
    )


def cards(*titles: str) -> str:
    """Entries with pages of their own at ``/v/0``, ``/v/1`` …"""
    return "".join(card(title, f"/v/{number}") for number, title in enumerate(titles or PEOPLE))
