"""Bodies that are not what they seem: bombs, other codings, disguised and forbidden types, redirects."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import replace

import brotli

from tests.hostile.servers.item import (
    PEOPLE,
    Asked,
    Hostile,
    Say,
    always,
    card,
    cards,
    forever,
    head,
    listing,
    page,
    whole,
)

PAGE = listing(cards())
MIB = 1 << 20
BLANK = b" \n" * (MIB // 2)
"""Costs a parser little: a bomb that is to be heavy there, too, is one of tags."""


def _gzipped(megabytes: int) -> bytes:
    coder = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([coder.compress(BLANK) for _ in range(megabytes)]) + coder.flush()


def _coded(coding: str, body: bytes) -> bytes:
    return whole(body, "text/html", f"Content-Encoding: {coding}")


def _gzip_bomb(_: Asked) -> Iterator[Say]:
    yield _coded("gzip", _gzipped(32))


def _gzip_bomb_of_tags(_: Asked) -> Iterator[Say]:
    yield _coded("gzip", gzip.compress(b"<b><i>" * (3 * MIB), mtime=0))


def _nested_bomb(_: Asked) -> Iterator[Say]:
    yield _coded("gzip, gzip", gzip.compress(_gzipped(32), mtime=0))


def _brotli_bomb(_: Asked) -> Iterator[Say]:
    yield _coded("br", brotli.compress(BLANK * 32, quality=2))


def _zstd_bomb(_: Asked) -> Iterator[Say]:
    # RFC 8878: a frame of blocks that repeat one byte, 128 KiB each of four bytes: 32 MiB in 1 kB
    block = (1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b" "
    last = (1 | 1 << 1 | (128 << 10) << 3).to_bytes(3, "little") + b" "
    yield _coded("zstd", b"\x28\xb5\x2f\xfd" + b"\x00\x38" + block * 255 + last)


CODINGS = (
    Hostile(
        name="gzip-bomb",
        does="32 MiB in 32 kB of gzip, though nobody asked for gzip",
        answer=_gzip_bomb,
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="gzip-bomb-of-tags",
        does="the same of a million elements",
        answer=_gzip_bomb_of_tags,
        verdict="unreadable",
        why="*",
    ),
    Hostile(
        name="gzip-bomb-nested",
        does="gzip in gzip: 32 MiB in a few hundred bytes",
        answer=_nested_bomb,
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="brotli-bomb",
        does="32 MiB in a few hundred bytes of Brotli",
        answer=_brotli_bomb,
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="zstd-bomb",
        does="32 MiB in 1 kB of Zstandard",
        answer=_zstd_bomb,
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="gzip-cut",
        does="a gzip body that stops before its end, with a length that agrees",
        answer=always(_coded("gzip", gzip.compress(PAGE.encode(), mtime=0)[:-12])),
        verdict="partial",
        why="cut:gzip-cut",
    ),
    Hostile(
        name="gzip-members",
        does="2,000 gzip members of one letter",
        answer=always(_coded("gzip", gzip.compress(b"<", mtime=0) * 2000)),
        verdict="partial",
        why="cut:limit",
    ),
    Hostile(
        name="gzip-that-is-none",
        does="says gzip and sends the page as it is",
        answer=always(_coded("gzip", PAGE.encode())),
        verdict="partial",
        why="cut:gzip-damaged",
    ),
    Hostile(
        name="coding-unknown",
        does="a coding that nobody knows",
        answer=always(_coded("x-secret", PAGE.encode())),
        verdict="partial",
        why="cut:unknown-coding:x-secret",
    ),
    Hostile(
        name="codings-by-the-thousand",
        does="names 1,000 codings",
        answer=always(_coded(", ".join(["gzip"] * 1000), PAGE.encode())),
        verdict="partial",
        why="cut:too-many-codings",
    ),
)

# ------------------------------------------------------------------------------------------------------- redirects


def _to(place: str) -> bytes:
    return head(f"Location: {place}", "Content-Length: 0", status="302 Found")


def _loop(asked: Asked) -> Iterator[Say]:
    yield _to("/b" if asked.path == "/" else "/")


def _ever_deeper(asked: Asked) -> Iterator[Say]:
    yield _to(f"{asked.path.rstrip('/')}/x")


def _led_astray(name: str, does: str, place: str, word: str) -> Hostile:
    return Hostile(name=name, does=does, answer=always(_to(place)), verdict="refused", why=word, at_most=1)


REDIRECTS = (
    _led_astray("to-loopback", "redirects to this machine", "http://127.0.0.1:9051/", "redirect:clearnet"),
    _led_astray("to-localhost", "redirects to localhost", "http://localhost/", "redirect:clearnet"),
    _led_astray("to-ipv6-loopback", "redirects to [::1]", "http://[::1]/", "redirect:clearnet"),
    _led_astray("to-mapped-ipv6", "redirects to [::ffff:127.0.0.1]", "http://[::ffff:7f00:1]/", "redirect:clearnet"),
    _led_astray("to-decimal-address", "redirects to 127.0.0.1 as one number", "http://2130706433/", "redirect:bad"),
    _led_astray("to-octal-address", "redirects to 127.0.0.1 in octal", "http://0177.0.0.1/", "redirect:bad"),
    _led_astray("to-hex-address", "redirects to 127.0.0.1 in hex", "http://0x7f.1/", "redirect:bad"),
    _led_astray("to-router", "redirects into a private network", "http://192.168.0.1/", "redirect:clearnet"),
    _led_astray("to-clearnet", "redirects to the clearnet", "https://evil.example/", "redirect:clearnet"),
    _led_astray("to-other-onion", "redirects to an onion that is no mirror", f"http://{'c' * 55}d.onion/",
                "redirect:not-allowed"),
    _led_astray("to-javascript", "redirects to a script", "javascript:alert(1)", "redirect:scheme"),
    _led_astray("to-file", "redirects to a file of this machine", "file:///etc/passwd", "redirect:scheme"),
    _led_astray("to-data", "redirects to a page in its address", "data:text/html,<h1>Seized</h1>", "redirect:scheme"),
    _led_astray("to-gopher", "redirects to gopher", "gopher://127.0.0.1:25/_EHLO", "redirect:scheme"),
    _led_astray("to-userinfo", "hides the host behind a user name", "http://good.onion@evil.example/",
                "redirect:credentials"),
    _led_astray("to-backslashes", "redirects with backslashes", "\\\\evil.example\\x", "redirect:clearnet"),
    _led_astray("to-injection", "puts a second request into the address", "http://evil.example/%0d%0aHost: x",
                "redirect:clearnet"),
    _led_astray("to-full-width-dots", "writes the dots of an address otherwise",
                "http://evil\xe3\x80\x82example/", "redirect:bad"),
    _led_astray("to-archive", "redirects to an archive on the clearnet", "http://files.example/acme.7z",
                "redirect:clearnet"),
    Hostile(
        name="redirect-circle",
        does="redirects in a circle",
        answer=_loop,
        verdict="refused",
        why="redirect:too-many",
        may_ask=("/b",),
        at_most=6,
    ),
    Hostile(
        name="redirect-ever-deeper",
        does="redirects deeper and deeper",
        answer=_ever_deeper,
        verdict="refused",
        why="redirect:too-many",
        may_ask=("/x*",),
        at_most=6,
    ),
    Hostile(
        name="redirect-of-a-megabyte",
        does="redirects to an address of 50 kB",
        answer=always(_to("/" + "a" * 50_000)),
        verdict="refused",
        why="redirect:bad",
        at_most=1,
    ),
)  # fmt: skip

# -------------------------------------------------------------------------------------------------- not collected


def _refused(name: str, does: str, lines: tuple[str, ...], start: bytes, why: str) -> Hostile:
    """A file, or what calls itself one: as much of it as anyone takes."""
    answer = forever(head(*lines) + start, b"stolen " * 8_000)
    return Hostile(name=name, does=does, answer=answer, verdict="refused-content", why=why, at_most=1)


FILES = (
    _refused("archive", "an archive without end", ("Content-Type: application/zip",), b"PK\x03\x04",
             "content:type:application/zip"),
    _refused("archive-as-html", "an archive that says it is a page", ("Content-Type: text/html",), b"PK\x03\x04",
             "content:magic:zip"),
    _refused("archive-without-type", "an archive that does not say what it is", (), b"7z\xbc\xaf\x27\x1c",
             "content:magic:7z"),
    _refused("archive-in-gzip", "an archive in gzip that says it is a page",
             ("Content-Type: text/html", "Content-Encoding: gzip"),
             gzip.compress(b"PK\x03\x04" + bytes(range(256)) * 40, mtime=0), "content:magic:zip"),
    _refused("attachment", "a page to be saved", ("Content-Type: text/html", "Content-Disposition: attachment"), b"",
             "content:attachment"),
    _refused("disposition-name", "a page with the name of an archive",
             ("Content-Type: text/html", "Content-Disposition: inline; filename*=utf-8''a%2E7z"), b"",
             "content:name:7z"),
    replace(
        _refused("address-of-an-archive", "a page at an archive's address", ("Content-Type: text/html",), b"<p>",
                 "content:name:zip"),
        path="/acme/data.%7Aip",
    ),
    _refused("archive-behind-a-broken-head", "an archive behind a head that no library takes",
             ("X-\x00: y", "Content-Type: text/html"), b"PK\x03\x04", "content:magic:zip"),
    _refused("picture-as-html", "a picture that says it is a page", ("Content-Type: text/html",),
             b"\x89PNG\r\n\x1a\n", "content:magic:png"),
    _refused("video", "a film", ("Content-Type: video/mp4",), b"\x00\x00\x00\x20ftypisom", "content:type:video/mp4"),
    _refused("pdf-as-text", "a document that says it is text", ("Content-Type: text/plain",), b"%PDF-1.7",
             "content:magic:pdf"),
    _refused("spreadsheet", "a table to be saved", ("Content-Type: text/csv",), b"name;password\r\n",
             "content:type:text/csv"),
    _refused("mail-archive", "an archive of mail as bytes of no type", ("Content-Type: application/octet-stream",),
             b"!BDN", "content:type:application/octet-stream"),
    Hostile(
        name="lures",
        does="a list whose links are archives, scripts, data, files and forms: none is to be followed",
        answer=page(
            listing(
                card(PEOPLE[0], "/files/ostrava.7z")
                + card(PEOPLE[1], "/download?id=2&amp;file=velmora.zip")
                + card(PEOPLE[2], "javascript:fetch('/steal')")
                + card(PEOPLE[3], "data:text/html,&lt;h1&gt;x")
                + card(PEOPLE[4], "file:///etc/passwd")
                + '<img src="/pixel.png"><script src="/run.js"></script><iframe src="/frame"></iframe>'
                '<link rel="stylesheet" href="/style.css"><object data="/o"></object><video src="/film.mp4"></video>'
                '<form action="/pay" method="post"><input name="btc"><button>Pay</button></form>'
                '<link rel="prefetch" href="/pre"><link rel="dns-prefetch" href="//evil.example">'
                '<a href="magnet:?xt=urn:btih:0">all of it</a><a ping="/ping" href="http://evil.example/">x</a>'
            )
        ),
        verdict="listing",
        at_most=1,
    ),
)  # fmt: skip
