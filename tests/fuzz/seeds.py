"""The seeds, made anew: ``python -m tests.fuzz.seeds`` writes them to ``tests/fuzz/corpus/``.

Small inputs of each kind, from which a fuzzer finds its way to the code that matters.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from collections.abc import Iterator

from tests.evidence.story import ONION, OTHERS, chunked, page, plain, withdrawal
from tests.fuzz.targets import INPUTS, joined

TEMPLATE = """[watcher]
vantage = "local"
store = "snapshots"
[proxy]
url = ["socks5://127.0.0.1:9050", "socks5://127.0.0.1:9052"]
isolate = "visit"
timeout = "90s"
max_body = "16MiB"
[policy]
confirm_visits = 3
confirm_after = "30m"
[[site]]
name = "gang"
mirrors = ["http://pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion/"]
every = "adaptive"
headers = { "Accept-Language" = "en-US" }
[site.rule]
entry = "ul li"
title = ".t"
link = "a@href"
[[watchlist]]
name = "Acme"
match = ["acme", "acme.example"]
[[alert]]
to = "env:SET"
kinds = ["listed"]
quiet = "22:00-06:00"
timezone = "Europe/Vienna"
[timestamp]
authorities = ["https://tsa.example/tsr"]
roots = "roots.pem"
[web]
listen = "127.0.0.1:8080"
"""
RULES = (
    'entry = "li.item"\ntitle = "a"\nlink = "a@href"\n',
    'entry = ["ul.a > li", "li"]\ntitle = { css = "a", regex = "^(.+?) -", template = "{} Ltd" }\nskip = ["HOME"]\n',
    'format = "json"\nentry = "data[*]"\ntitle = "name"\nsize = ["size", "{css = \'bytes\'}"]\n',
)
TABLE = (
    "<!doctype html><html><head><title>Leaks</title></head><body><nav><a href=/>HOME</a></nav><table>"
    + "".join(f"<tr><td><a href='/{n}'>{n}</a><td>{9 * len(n)} GB<td>2026-03-0{len(n) % 9 + 1}</tr>" for n in OTHERS)
    + "</table><footer>contact us</footer></body></html>"
)
JSON = '{"data": [' + ", ".join(f'{{"name": "{name}", "size": "{len(name)} GB"}}' for name in OTHERS) + "]}"
NAMED = (
    '{"victims": {' + ", ".join(f'"{name}": {{"size": "{len(name)} GB", "text": "Mail."}}' for name in OTHERS) + "}}"
)
LINES = (
    "<html><body><p>Leaks<br>none</p><pre>"
    + "".join(f"2026-03-01  | {name}\n" for name in OTHERS)
    + "</pre></body></html>"
)
FEED = (
    "<?xml version='1.0'?><rss version='2.0'><channel><title>x</title>"
    + "".join(f"<item><title>{name.replace('&', '&amp;')}</title><link>/{name[:3]}</link></item>" for name in OTHERS)
    + "</channel></rss>"
)


def seeds() -> Iterator[tuple[str, str, bytes]]:
    """Target, name and contents of each."""
    yield "config", "whole", TEMPLATE.encode()
    yield "config", "wrong", TEMPLATE.replace("90s", "soon").replace("li", "li[").encode()
    for number, rule in enumerate(RULES):
        yield "rules", f"{number}", joined(rule.encode(), page(OTHERS) if number < 2 else JSON.encode())
    pages = {
        "list": page(OTHERS).decode(), "table": TABLE, "json": JSON, "feed": FEED, "lines": LINES, "named": NAMED,
    }  # fmt: skip
    for number, (name, text) in enumerate(pages.items()):
        kind = bytes([{"json": 2, "named": 2, "feed": 3}.get(name, number % 2)])
        fewer = text.replace(OTHERS[2], "Another One").replace("2026-03-08", "2026-04-01")
        yield "reading", name, joined(kind + text.encode(), fewer.encode())
    for name in ("list", "table"):
        lines = pages[name].replace("<", "\n<")
        yield "diff", name, joined(lines.encode(), lines.replace("Dovemark", "Lightmark\n<b>and</b>").encode())
    for name, wire in (("plain", plain(page(OTHERS[:2]))), ("chunked", chunked(page(OTHERS[:2])))):
        yield "http", name, wire
    packed = gzip.compress(page(OTHERS[:1]), mtime=0)
    head = b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.0 200\nContent-Encoding: gzip, deflate\r\n folded\r\n"
    yield "http", "coded", head + b"\r\n" + zlib.compress(packed)
    yield (
        "http",
        "gzip",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed,
    )
    yield from _warcs()
    yield "bundle", "nothing", b""
    for number, (which, place, cut, new) in enumerate(((3, 100, 1, b"x"), (5, 0, 0, b"{}"), (9, 700, 9, b"")), 1):
        yield "bundle", f"patch-{number}", struct.pack(">BHHB", which, place, cut, len(new)) + new
    yield "proofs", "bent", bytes([20, 5, 8, 2, 3]) + bytes(range(96))
    yield "proofs", "twice", bytes([39, 30, 16, 1, 9]) + bytes(300)
    story = withdrawal()
    yield "notes", "signed", story.heads[-1].note
    yield "notes", "key", story.key.vkey.encode()
    yield "socks", "good", joined(b"\5\2", b"\1\0", b"\5\0\0\1\0\0\0\0\0\0")
    yield "socks", "refused", joined(b"\5\0", b"\5\xf2\0\1\0\0\0\0\0\0", b"")
    yield "socks", "name", joined(b"\5\0", b"\5\0\0\3\4name\0\1more", b"socks5://user:p%20w@[::1]:9050")


def _warcs() -> Iterator[tuple[str, str, bytes]]:
    block = plain(page(OTHERS[:1]))
    record = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: <" + ONION.encode() + b">\r\n"
        b"WARC-Date: 2026-11-20T08:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\nContent-Length: %d\r\n\r\n" % len(block)
    ) + block + b"\r\n\r\n"  # fmt: skip
    yield "warc", "plain", record * 2
    yield "warc", "packed", gzip.compress(record, mtime=0) * 2
    from watcher.core import bundle

    files = bundle.files(withdrawal().material(), verifier=b"")
    yield "warc", "ours", files["archive/data.warc.gz"][:3000]


def main() -> None:
    for target, name, data in seeds():
        path = INPUTS / "corpus" / target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


if __name__ == "__main__":
    main()
