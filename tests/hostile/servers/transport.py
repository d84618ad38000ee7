"""Servers that misuse the connection: framing, heads, endless and dripping bodies, TLS, and a proxy gone mad."""

from __future__ import annotations

from collections.abc import Iterator

from tests.hostile.servers.item import (
    Asked,
    Hostile,
    Say,
    always,
    cards,
    forever,
    head,
    listing,
    page,
    whole,
)
from watcher.testing.socks5 import Conduct

HTML = "Content-Type: text/html; charset=utf-8"
PAGE = listing(cards()).encode()
CHUNKED = head(HTML, "Transfer-Encoding: chunked")
CUT = len(PAGE) * 55 // 100


def _chunks(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def _cookies(_: Asked) -> Iterator[Say]:
    yield whole(PAGE, "text/html", *(f"Set-Cookie: c{number}={'x' * 90}; Path=/" for number in range(400)))


FRAMING = (
    Hostile(
        name="chunk-size-overflow",
        does="names a chunk of 2^64 + 5 bytes",
        answer=always(CHUNKED, b"10000000000000005\r\n" + PAGE),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="chunk-size-negative",
        does="names a chunk of −1 bytes",
        answer=always(CHUNKED, b"-1\r\n" + PAGE + b"\r\n0\r\n\r\n"),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="chunk-size-a-lie",
        does="names a chunk larger than what follows, and hangs up",
        answer=always(CHUNKED, b"fffff\r\n" + PAGE),
        verdict="partial",
        why="cut:chunked",
    ),
    Hostile(
        name="chunks-of-one-byte",
        does="sends 104,000 chunks of one byte",
        answer=always(CHUNKED, _chunks(b"<p>x" * 26_000, 1) + b"0\r\n\r\n"),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="chunk-extension-flood",
        does="one chunk whose extension never ends",
        answer=forever(CHUNKED + b"5;a=", b"b" * 4000),
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="no-last-chunk",
        does="hangs up after the list, without the last chunk",
        answer=always(CHUNKED, _chunks(PAGE, 100)),
        verdict="partial",
        why="cut:chunked",
    ),
    Hostile(
        name="trailer-flood",
        does="trailers without end behind a whole page",
        answer=forever(CHUNKED + _chunks(PAGE, 500) + b"0\r\n", b"X: y\r\n" * 500),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="trailers-that-lie",
        does="a length and a place to go to, in the trailers",
        answer=always(CHUNKED, _chunks(PAGE, 500) + b"0\r\nContent-Length: 5\r\nLocation: http://127.0.0.1/\r\n\r\n"),
        verdict="listing",
    ),
    Hostile(
        name="length-negative",
        does="says that its length is −1",
        answer=always(head(HTML, "Content-Length: -1"), PAGE),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="length-twice",
        does="names two lengths, one that cuts the list",
        answer=always(head(HTML, f"Content-Length: {CUT}", f"Content-Length: {len(PAGE)}"), PAGE),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="length-in-arabic-digits",
        does="writes its length in bytes that Python takes for digits",
        answer=always(head(HTML, "Content-Length: \xb2\xb3"), PAGE),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="length-too-long",
        does="promises one byte more than it sends",
        answer=always(head(HTML, f"Content-Length: {len(PAGE) + 1}"), PAGE),
        verdict="partial",
        why="cut:length",
    ),
    Hostile(
        name="length-too-short",
        does="cuts its own list in the middle, with a length that agrees",
        answer=always(head(HTML, f"Content-Length: {CUT}"), PAGE),
        verdict="partial",
        why="elements-not-closed",
    ),
    Hostile(
        name="length-of-petabytes",
        does="promises 10^17 bytes",
        answer=forever(head(HTML, "Content-Length: 100000000000000000"), b"x" * 60_000),
        verdict="refused-content",
        why="content:size:100000000000000000",
    ),
    Hostile(
        name="length-beyond-measure",
        does="a length of 5,000 digits",
        answer=forever(head(HTML, f"Content-Length: {'9' * 5_000}"), b" \n" * 30_000),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="length-and-chunks",
        does="names a length and sends chunks: two readers would see two pages",
        answer=always(head(HTML, "Content-Length: 5", "Transfer-Encoding: chunked"), _chunks(PAGE, 99) + b"0\r\n\r\n"),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="chunked-twice",
        does="Transfer-Encoding: chunked, and something else after it",
        answer=always(head(HTML, "Transfer-Encoding: chunked, x"), _chunks(PAGE, 99) + b"0\r\n\r\n"),
        verdict="partial",
        why="cut:unknown-coding:x",
    ),
    Hostile(
        name="bare-line-feeds",
        does="ends every line of its head with a bare line feed",
        answer=always(head(HTML, f"Content-Length: {len(PAGE)}").replace(b"\r\n", b"\n"), PAGE),
        verdict="listing",
    ),
    Hostile(
        name="folded-head",
        does="folds its header over lines, one of them looks like another header",
        answer=always(head("Content-Type: text/html;\r\n charset=utf-8\r\n\tLocation: http://127.0.0.1/"), PAGE),
        verdict="listing",
    ),
    Hostile(
        name="nul-in-head",
        does="puts NUL, escape and 8-bit bytes into header names and values",
        answer=always(
            head("X-\x00\x1b[2J\xff: \x00", HTML, f"Content-Length: {len(PAGE)}"), PAGE[:CUT], 1.0, PAGE[CUT:]
        ),
        verdict="partial",
        why="cut:bad-http",
    ),
    Hostile(
        name="not-http",
        does="answers as a mail server would",
        answer=always(b"220 mail.example ESMTP\r\n250 ok\r\n\r\n"),
        verdict="unreachable",
        why="bad-http",
    ),
    Hostile(
        name="http-0.9",
        does="sends a page without any head",
        answer=always(PAGE),
        verdict="unreachable",
        why="bad-http",
    ),
    Hostile(
        name="status-of-four-digits",
        does="answers with status 2000",
        answer=always(b"HTTP/1.1 2000 OK\r\n\r\n" + PAGE),
        verdict="unreachable",
        why="bad-http",
    ),
    Hostile(
        name="status-000",
        does="answers with status 000",
        answer=page(PAGE, status="000 Nothing"),
        verdict="unreachable",
        why="bad-http",
    ),
    Hostile(
        name="switching-protocols",
        does="answers 101 and goes on in another protocol",
        answer=always(head("Upgrade: h2c", "Connection: Upgrade", status="101 Switching"), b"PRI * HTTP/2.0\r\n\r\n"),
        verdict="error",
        why="http:101",
    ),
    Hostile(
        name="interim-flood",
        does="says 100 Continue for ever",
        answer=forever(b"", head(status="100 Continue") * 100),
        verdict="unreachable",
        why="head-limit",
    ),
    Hostile(
        name="unasked-answer",
        does="answers before it is asked, and then once more",
        answer=always(whole(PAGE)),
        first=whole("<p>before"),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="two-answers",
        does="sends a second, forged answer in the same breath",
        answer=always(whole(PAGE) + whole("<h1>Forged</h1>")),
        verdict="listing",
        end="keep",
    ),
)

HEADS = (
    Hostile(
        name="header-flood",
        does="headers without end",
        answer=forever(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 200),
        verdict="unreachable",
        why="head-limit",
    ),
    Hostile(
        name="one-header-without-end",
        does="one header line that never ends",
        answer=forever(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 4000),
        verdict="unreachable",
        why="head-limit",
    ),
    Hostile(
        name="blank-lines-first",
        does="blank lines without end before the head",
        answer=forever(b"", b"\r\n" * 500),
        verdict="unreachable",
        why="head-limit",
    ),
    Hostile(
        name="cookie-flood",
        does="sets 400 cookies",
        answer=_cookies,
        verdict="listing",
        end="keep",
    ),
    Hostile(
        name="dripping-head",
        does="a byte of its head now and then",
        answer=forever(b"HTTP/1.1 200 OK\r\nX: ", b"y", 0.05),
        verdict="timeout",
        why="read-timeout",
    ),
    Hostile(
        name="silent",
        does="takes the request and says nothing",
        answer=forever(b"", b"", 1.0),
        verdict="timeout",
        why="read-timeout",
    ),
    Hostile(
        name="hangs-up",
        does="takes the request and hangs up",
        answer=always(),
        verdict="unreachable",
        why="closed",
    ),
    Hostile(
        name="resets",
        does="breaks the connection in the middle of its list",
        answer=always(head(HTML, f"Content-Length: {len(PAGE)}"), PAGE[:CUT], 0.05),
        end="rst",
        verdict="partial",
        why="cut:length",
    ),
)

BODIES = (
    Hostile(
        name="endless-body",
        does="a body without end, as fast as it is taken",
        answer=forever(head(HTML) + b"<p>and so on", b" \n" * 30_000),
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="endless-chunks",
        does="chunks without end",
        answer=forever(CHUNKED, b"1000\r\n" + b"x" * 4096 + b"\r\n"),
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="dripping-body",
        does="a byte of its list now and then",
        answer=forever(head(HTML, f"Content-Length: {len(PAGE)}") + PAGE[:CUT], b"x", 0.05),
        verdict="partial",
        why="cut:deadline",
    ),
    Hostile(
        name="dripping-chunks",
        does="a whole list, and then chunks of one byte now and then",
        answer=forever(CHUNKED + _chunks(PAGE, 99), b"1\r\n\n\r\n", 0.05),
        verdict="partial",
        why="cut:deadline",
    ),
    Hostile(
        name="empty-body",
        does="nothing, with status 200",
        answer=page(b""),
        verdict="error",
        why="empty-body",
    ),
    Hostile(
        name="blank-body",
        does="a megabyte of blanks",
        answer=page(b" \r\n" * 350_000),
        verdict="error",
        why="empty-body",
    ),
)

CONNECTIONS = (
    Hostile(
        name="tls-of-a-stranger",
        does="a clearnet address with a certificate of somebody else's",
        answer=page(PAGE),
        scheme="https",
        host="stranger.example",
        tls="stranger",
        verdict="unreachable",
        why="tls:certificate",
        at_most=0,
    ),
    Hostile(
        name="tls-never-answers",
        does="takes the hello of TLS and says nothing",
        answer=always(),
        scheme="https",
        tls="silent",
        verdict="timeout",
        why="connect-timeout",
        at_most=0,
    ),
    Hostile(
        name="tls-noise",
        does="answers the hello of TLS with noise",
        answer=always(),
        scheme="https",
        tls="garbage",
        verdict="unreachable",
        why="tls:handshake",
        at_most=0,
    ),
    Hostile(
        name="speaks-before-tls",
        does="speaks before TLS is agreed on",
        answer=always(),
        scheme="https",
        first=b"HTTP/1.1 200 OK\r\n\r\n<p>plain",
        verdict="unreachable",
        why="tls:handshake",
        at_most=0,
    ),
    Hostile(
        name="proxy-code-unknown",
        does="the proxy replies with a code that nobody knows",
        answer=page(PAGE),
        proxy=Conduct(code=0xAA),
        verdict="unreachable",
        why="socks:AA",
        at_most=0,
    ),
    Hostile(
        name="proxy-hangs-up",
        does="the proxy hangs up in place of a reply",
        answer=page(PAGE),
        proxy=Conduct(close="request"),
        verdict="unreachable",
        why="socks:closed",
        at_most=0,
    ),
    Hostile(
        name="proxy-half-a-reply",
        does="the proxy hangs up in the middle of its reply",
        answer=page(PAGE),
        proxy=Conduct(raw=b"\x05\x00\x00\x03\xff"),
        verdict="unreachable",
        why="socks:closed",
        at_most=0,
    ),
    Hostile(
        name="proxy-silent",
        does="the proxy takes the request and never replies",
        answer=page(PAGE),
        proxy=Conduct(silent=True),
        verdict="timeout",
        why="connect-timeout",
        at_most=0,
    ),
)
"""A proxy whose reply is no SOCKS at all is no matter of one site: ``watch`` waits until there is a proxy again."""
