"""The machine words of events, said for people."""

from __future__ import annotations

KINDS = {
    "listed": "Entry listed",
    "changed": "Entry changed",
    "renamed": "Entry renamed",
    "withdrawn": "Entry withdrawn",
    "relisted": "Entry listed again",
    "unreachable": "Site unreachable",
    "blocked": "Site blocked",
    "seized": "Site seized",
    "redesigned": "Site redesigned",
    "vanished": "Many entries gone at once, unconfirmed",
    "recovered": "Site back",
}
_REASONS = {
    "absent-from-listing": "complete copies of the listing in a row did not show the entry: {}",
    "detail-offline": "the entry's own page answered that it does not exist, while a control page of the site answered",
    "detail-alive": "the entry's own page still answers: it was taken off the listing only",
    "delisted": "the entry was taken off the listing; its own page still answers",
    "mirrors-agree": "other addresses of the site agree: {}",
    "mirror-still-shows": "another address of the site still shows the entry: {}",
    "socks": "the proxy answered with code {}",
    "vanished": "entries that were gone at once: {}",
}


def reason(word: str) -> str:
    """What a machine word means; empty for prose, which speaks for itself."""
    name, _, value = word.partition(":")
    if " " in name:
        return ""
    return _REASONS.get(name, "").format(value)
