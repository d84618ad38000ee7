"""Mirrors: whose address is this, and which one to ask next."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from urllib.parse import urlsplit, urlunsplit


def host_of(url: str) -> str:
    """The host of an address, lower case, without port; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def on_mirror(url: str, mirror: str, mirrors: Collection[str]) -> str:
    """The same page of the site at another mirror; empty if the address is none of the site's own."""
    hosts = {host_of(one) for one in mirrors} | {host_of(mirror)}
    if host_of(url) not in hosts:
        return ""
    there, path = urlsplit(mirror), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, path.path, path.query, ""))


def turn(mirrors: Sequence[str], visits: int, failing: Collection[str]) -> tuple[str, ...]:
    """Mirrors in the order in which to try them: each leads in its turn, those that failed last time come last."""
    start = visits % len(mirrors)
    rotated = (*mirrors[start:], *mirrors[:start])
    return (*(one for one in rotated if one not in failing), *(one for one in rotated if one in failing))
