"""Captures that others made, as exchanges: what their files say of them, and nothing that they do not say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from watcher.core import http
from watcher.core.http import Headers
from watcher.core.reach import refuse_content, refuse_start
from watcher.core.warc_reading import Found
from watcher.records import Exchange

PAGES = ("text/html", "application/xhtml", "application/json", "text/json", "text/plain", "application/xml", "text/xml",
         "application/rss", "application/atom", "application/ld+json")  # fmt: skip
_STAMPS = (
    (re.compile(r"(?<!\d)(\d{4})(\d\d)(\d\d)[T_-]?(\d\d)(\d\d)(\d\d)(?!\d)"), 6),
    (re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T_ -](\d\d)[:.-]?(\d\d)[:.-]?(\d\d)(?!\d)"), 6),
    (re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)[T_ -](\d\d)[:.h-]?(\d\d)(?!\d)"), 5),
    (re.compile(r"(?<!\d)(\d{4})[-_.](\d\d)[-_.](\d\d)(?!\d)"), 3),
    (re.compile(r"(?<!\d)(20\d\d)(\d\d)(\d\d)(?!\d)"), 3),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One capture as its bringer tells it."""

    exchange: Exchange
    repeats: str = ""
    """The digest of the body that it says it repeats (``WARC-Payload-Digest``): the response lacks it."""
    digest: str = ""
    """What it calls the digest of its own body."""


def claims(records: Iterable[Found], source: str, max_body: int, passed: Counter[str]) -> Iterator[Claim]:
    """The pages among the records, as exchanges; a request that stands beside its response goes with it. Why others
    were ``passed`` over is counted."""
    requests: dict[str, bytes] = {}
    waiting: tuple[Found, Claim] | None = None
    for record in records:
        if record.kind == "request":
            about = record.headers.get("warc-concurrent-to", "").strip("<> ")
            if waiting is not None and about == waiting[0].id:
                yield _asked(waiting[1], record.block)
                waiting = None
            else:
                requests[about] = record.block
                if len(requests) > 1000:
                    del requests[next(iter(requests))]
            continue
        if record.kind not in {"response", "resource", "revisit"}:
            continue
        if waiting is not None:
            yield waiting[1]
            waiting = None
        why, claim = _claim(record, source, max_body)
        if claim is None:
            passed[why] += 1
        elif (request := requests.pop(record.id, None)) is not None:
            yield _asked(claim, request)
        else:
            waiting = (record, claim)
    if waiting is not None:
        yield waiting[1]


def _asked(claim: Claim, request: bytes) -> Claim:
    return replace(claim, exchange=replace(claim.exchange, request=request))


def _claim(record: Found, source: str, max_body: int) -> tuple[str, Claim | None]:
    """The claim; or why there is none."""
    at = record.at
    if record.too_large:
        return "too large for a page", None
    if urlsplit_or_none(record.url) is None:
        return "not of the web (http, https)", None
    if at is None:
        return "without a date", None
    response = record.block
    if record.kind == "resource":
        kind = record.headers.get("content-type", "application/octet-stream")
        response = _answer(kind.encode("latin-1", "replace"), record.block)
    wire = http.split(response)
    if wire.status is None:
        return "no whole HTTP answer", None
    if 300 <= wire.status < 400:
        return "redirects", None
    if why := not_a_page(record.url, wire.status, wire.headers, wire.payload, max_body):
        return why, None
    exchange = Exchange(
        url=record.url,
        mirror=origin(record.url),
        response=response,
        requested_at=at,
        finished_at=at,
        status=wire.status,
        cut=_cut(record, wire),
        facts={"brought_from": source, "warc_record": record.id, "warc_kind": record.kind},
    )
    digest = record.headers.get("warc-payload-digest", "")
    return "", Claim(
        exchange=exchange, digest=digest, repeats=digest if record.kind == "revisit" and not wire.payload else ""
    )


def _cut(record: Found, wire: http.Wire) -> str:
    if "warc-truncated" in record.headers:
        return record.headers["warc-truncated"][:20] or "unspecified"
    return "" if record.kind == "revisit" else wire.cut


def with_body(claim: Claim, payload: bytes) -> Claim:
    """The claim with the body that it says it repeats."""
    head = http.split(claim.exchange.response).head
    return replace(claim, exchange=replace(claim.exchange, response=head + payload), repeats="")


def page(path: str, body: bytes, url: str, at: datetime, source: str) -> Exchange:
    """A saved page as an exchange: there was an answer once, of which only the body is left."""
    start = body[:2000].lstrip().lower()
    kind = b"text/html; charset=utf-8"
    if path.lower().endswith((".json", ".ndjson")) or start[:1] in (b"{", b"["):
        kind = b"application/json"
    elif path.lower().endswith((".xml", ".rss", ".atom")) or start.startswith(b"<?xml"):
        kind = b"application/xml"
    if kind.startswith(b"text/html") and (b"charset" in start or not _is_utf8(body)):
        kind = b"text/html"
    return Exchange(
        url=url,
        mirror=origin(url),
        response=_answer(kind, body),
        requested_at=at,
        finished_at=at,
        status=200,
        facts={"brought_from": source, "file": path},
    )


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _answer(kind: bytes, body: bytes) -> bytes:
    plain = b"".join(kind.split(b"\n")).replace(b"\r", b"")
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (plain, len(body), body)


def not_a_page(url: str, status: int, headers: Headers, payload: bytes, max_body: int) -> str:
    """Why it is no page that is ever kept; empty if it is one. The same that is never fetched is never brought in."""
    kind = http.header(headers, "content-type").partition(";")[0].strip().lower()
    if kind and not kind.startswith(PAGES):
        return "no pages (pictures, styles, scripts …)"
    if len(payload) > max_body:
        return "too large for a page"
    start = http.decode(payload, headers, 4096).body[:4096] if payload else b""
    refused = refuse_content(url, status, headers, max_body) or refuse_start(start)
    return "content that is never kept (archives, media, documents)" if refused else ""


def origin(url: str) -> str:
    """The address at which the site of a page begins."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def urlsplit_or_none(url: str) -> str | None:
    """The host of a web address; None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    odd = any(character <= " " for character in url) or len(url) > 8000
    return parts.hostname if parts.scheme in {"http", "https"} and parts.hostname and port != 0 and not odd else None


def stamp(name: str) -> datetime | None:
    """The time in UTC that a name tells: ``20261122150405``, ``2026-11-22T15-04``, ``2026-11-22``."""
    for pattern, parts in _STAMPS:
        for match in pattern.finditer(name):
            year, month, day, hour, minute, second = [int(match[n]) for n in range(1, parts + 1)] + [0] * (6 - parts)
            try:
                return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            except ValueError:
                continue
    return None
