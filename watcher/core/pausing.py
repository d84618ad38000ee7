"""Sites that nobody is to look at for a time, and who may say so.

A pause is a signed statement of whoever the configuration of each vantage names (``[fleet] operators``; alone, of the
watcher itself). It names sites that are not looked at, each until a moment: it can make nobody look, and it ends by
itself. The newest statement of each counts; a site is paused while anybody's names it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import msgspec

from watcher.core.note import Check, Sign
from watcher.errors import EvidenceError

DOMAIN = b"watcher/paused/v1\n"
MOST = 1000
"""Sites in one statement: it is said again and again."""
LARGEST = 1 << 18
_SITE = re.compile(r"[a-z0-9-]{1,64}")


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """All that one operator has paused."""

    by: str
    number: int
    """Greater than in every statement before: none is taken twice, or after a later one."""
    until: dict[str, datetime]
    """By site."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    """Who paused a site, and until when."""

    by: str
    until: datetime


_encode = msgspec.json.Encoder(order="sorted").encode
_decode = msgspec.json.Decoder(Statement).decode


def say(statement: Statement, sign: Sign) -> bytes:
    """The statement, signed: a line of JSON, and one of base 64."""
    body = _encode(statement)
    return body + b"\n" + base64.b64encode(sign(DOMAIN + body)) + b"\n"


def read(data: bytes) -> Statement:
    """What is stated, whoever signed it; ``EvidenceError`` if it is no statement."""
    body, _, _ = data.partition(b"\n")
    try:
        statement = _decode(body) if len(data) <= LARGEST else None
    except ValueError as error:  # no JSON, not of this form, or no UTF-8
        raise EvidenceError(f"a pause that is none: {error}") from error
    sites = statement.until if statement else {}
    if statement is None or len(sites) > MOST or not all(map(_SITE.fullmatch, sites)):
        raise EvidenceError("a pause that names too much, or no sites")
    if any(moment.utcoffset() is None for moment in sites.values()):
        raise EvidenceError("a pause that ends at a time without a zone")
    return statement


def hear(data: bytes, by: str, public: bytes, check: Check) -> Statement:
    """The statement of this operator, whose key (32 bytes) signed it; ``EvidenceError`` if it is not."""
    body, _, signature = data.partition(b"\n")
    try:
        is_signed = check(public, base64.b64decode(signature.strip(), validate=True), DOMAIN + body)
    except binascii.Error:
        is_signed = False
    if not is_signed:
        raise EvidenceError(f"a pause that {by} did not sign")
    statement = read(data)
    if statement.by != by:
        raise EvidenceError(f"{by} signed a pause for {statement.by!r}")
    return statement


def after(before: Statement | None, by: str, sites: Mapping[str, datetime | None], now: datetime) -> Statement:
    """The statement that follows: these sites are paused until then, or (None) no more. ValueError for too many."""
    until = {site: end for site, end in (before.until if before else {}).items() if end > now and site not in sites}
    until |= {site: end for site, end in sites.items() if end is not None}
    if len(until) > MOST:
        raise ValueError(f"{len(until)} sites would be paused, and {MOST} can be")
    number = max(int(now.timestamp() * 1e6), before.number + 1 if before else 0)
    return Statement(by=by, number=number, until=until)


def paused(statements: Iterable[Statement], now: datetime) -> dict[str, Paused]:
    """The sites that are paused now; where several said so, by whom the longest."""
    found: dict[str, Paused] = {}
    for statement in statements:
        for site, until in statement.until.items():
            if until > now and (site not in found or found[site].until < until):
                found[site] = Paused(by=statement.by, until=until)
    return found
