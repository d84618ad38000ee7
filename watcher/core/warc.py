"""WARC 1.1 (ISO 28500:2017): requests and responses exactly as they went over the wire.

A small writer of our own, because the usual ones parse a response and write down what they understood. Each record is a
gzip member; the same input gives the same bytes: identifiers follow from contents, and no time is taken from a clock.
``read`` is as strict as ``write`` is plain: it takes what is written here, byte for byte, and names every fault.
"""

from __future__ import annotations

import json
import re
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, urlsplit

from watcher.core import http
from watcher.core.moments import rfc3339
from watcher.errors import EvidenceError

VERSION = b"WARC/1.1\r\n"
END = b"\r\n\r\n"
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""Deflate, no name, no time, best compression, unknown system."""
CHUNK = 64 * 1024
MAX_RECORD_BYTES = 256 * 1024 * 1024
TRUNCATED = {
    "limit": "length",
    "deadline": "time",
    "length": "disconnect",
    "chunked": "disconnect",
    "reset": "disconnect",
}
"""Why a transfer did not finish, in the words of ISO 28500, 5.13."""
REPLAYED = "application/http;msgtype=response"
ASKED = "application/http;msgtype=request"
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieval:
    """One retrieval of one URI: what was sent, what came back, and what is known of it."""

    id: str
    url: str
    at: datetime
    request: bytes
    response: bytes
    status: int | None
    cut: str = ""
    facts: bytes = b"{}"
    """JSON, written as a metadata record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the response to one retrieval stands in the file."""

    url: str
    at: datetime
    status: int
    mime: str
    digest: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A WARC file and where its responses stand."""

    data: bytes
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as read."""

    kind: str
    headers: Mapping[str, str]
    """Lower-case names."""
    block: bytes
    offset: int
    length: int


# ------------------------------------------------------------------------------------------------------ writing


def write(info: Mapping[str, str], retrievals: Sequence[Retrieval], *, filename: str, at: datetime) -> Archive:
    """The WARC file of these retrievals: ``warcinfo``, then for each its response, request and metadata."""
    fields = "".join(f"{name}: {value}\r\n" for name, value in info.items()).encode()
    opening = _headers("warcinfo", at, fields, "application/warc-fields", [("WARC-Filename", filename)])
    data = bytearray(_member(opening, fields))
    places: list[Place] = []
    for retrieval in retrievals:
        members, length = _retrieval(retrieval, _id_of(opening))
        if length and retrieval.status is not None:
            places.append(_place(retrieval, retrieval.status, len(data), length))
        data += members
    return Archive(data=bytes(data), places=tuple(places))


def _retrieval(item: Retrieval, info_id: str) -> tuple[bytes, int]:
    """The members of one retrieval, and the length of its response's."""
    common = [("WARC-Warcinfo-ID", info_id)]
    target = ("WARC-Target-URI", _uri(item.url))
    response = request = b""
    about = None
    if item.response:
        more = [target, *common]
        if (digest := payload_digest(item.response)) is not None:
            more.append(("WARC-Payload-Digest", digest))
        if item.cut:
            more.append(("WARC-Truncated", TRUNCATED.get(item.cut, "unspecified")))
        headers = _headers("response", item.at, item.response, REPLAYED, more, salt=item.id)
        response, about = _member(headers, item.response), _id_of(headers)
    if item.request:
        more = [target, *common] + ([("WARC-Concurrent-To", about)] if about else [])
        headers = _headers("request", item.at, item.request, ASKED, more, salt=item.id)
        request, about = _member(headers, item.request), about or _id_of(headers)
    # Known by a name of ours, not by the address: a replay must never offer our notes as the page.
    more = [("WARC-Target-URI", f"urn:watcher:capture:{quote(item.id, safe='')}"), *common]
    more += [("WARC-Refers-To", about)] if about else []
    headers = _headers("metadata", item.at, item.facts, "application/json", more, salt=item.id)
    return response + request + _member(headers, item.facts), len(response)


def _headers(
    kind: str, at: datetime, block: bytes, content_type: str, more: Sequence[tuple[str, str]], *, salt: str = ""
) -> list[tuple[str, str]]:
    digest, date = sha256(block).hexdigest(), rfc3339(at)
    name = sha256("\n".join((kind, date, digest, salt, *(value for _, value in more))).encode()).digest()
    return [
        ("WARC-Type", kind),
        ("WARC-Record-ID", f"<{uuid.UUID(bytes=name[:16], version=5).urn}>"),
        ("WARC-Date", date),
        *more,
        ("Content-Type", content_type),
        ("WARC-Block-Digest", f"sha256:{digest}"),
        ("Content-Length", str(len(block))),
    ]


def _id_of(headers: Sequence[tuple[str, str]]) -> str:
    return headers[1][1]


def _member(headers: Sequence[tuple[str, str]], block: bytes) -> bytes:
    """One record as a gzip member."""
    head = VERSION + "".join(f"{name}: {value}\r\n" for name, value in headers).encode() + b"\r\n"
    whole = head + block + END
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    body = deflate.compress(whole) + deflate.flush()
    tail = zlib.crc32(whole).to_bytes(4, "little") + (len(whole) & 0xFFFFFFFF).to_bytes(4, "little")
    return GZIP_HEAD + body + tail


def _uri(url: str) -> str:
    """The URL as it may stand in a header: no space, control or non-ASCII character."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~-._")


# -------------------------------------------------------------------------------- what stands in an HTTP response


def payload_digest(response: bytes) -> str | None:
    """The digest of what follows the header; None where readers disagree on what that is (transfer coding, interim
    responses, line ends of one byte, folded lines, bytes beyond the length)."""
    wire = http.split(response)
    head, _, rest = response.partition(END)
    if wire.status is None or wire.head != head + END or wire.payload != rest:
        return None
    lines = head.split(b"\r\n")[1:]
    names = [line.partition(b":")[0] for line in lines]
    plain = all(b":" in line and b"\n" not in line and line[:1].strip() for line in lines)
    if not plain or any(name != name.strip() or name.lower() == b"transfer-encoding" for name in names):
        return None
    return f"sha256:{sha256(rest).hexdigest()}"


def mime_type(response: bytes) -> str:
    """The media type that the response gives itself; ``unk`` if it gives none."""
    head = http.parse_head(response)
    kind = http.header(head.headers, "content-type").split(";")[0].strip().lower() if head else ""
    return kind if _MIME.fullmatch(kind) else "unk"


# -------------------------------------------------------------------------------------------------------- index


def _place(item: Retrieval, status: int, offset: int, length: int) -> Place:
    return Place(
        url=_uri(item.url),
        at=item.at,
        status=status,
        mime=mime_type(item.response),
        digest=f"sha256:{sha256(http.split(item.response).payload).hexdigest()}",
        offset=offset,
        length=length,
    )


def cdxj(places: Sequence[Place], filename: str) -> bytes:
    """The index (CDXJ) by which a replay finds responses: a sorted line for each."""
    lines = []
    for place in places:
        fields = {
            "url": place.url,
            "mime": place.mime,
            "status": str(place.status),
            "digest": place.digest,
            "length": str(place.length),
            "offset": str(place.offset),
            "filename": filename,
        }
        moment = rfc3339(place.at)[:19].translate({ord(c): None for c in "-:T"})
        lines.append(f"{surt(place.url)} {moment} {json.dumps(fields)}\n")
    return "".join(sorted(lines)).encode()


def surt(url: str) -> str:
    """The URL with its host turned round and its query sorted, as indexes spell it: ``onion,abc)/path?a=1``."""
    parts = urlsplit(url.lower())
    host = (parts.hostname or "").strip(".")
    first, _, rest = host.partition(".")
    if rest and first.startswith("www") and (first[3:].isdigit() or first == "www"):
        host = rest
    default = {"http": 80, "https": 443}.get(parts.scheme)
    port = f":{parts.port}" if parts.port and parts.port != default else ""
    path = parts.path or "/"
    if len(path) > 1:
        path = path.rstrip("/") or "/"
    pairs = sorted(parse_qsl(parts.query, keep_blank_values=True))
    query = "&".join(part for part in sorted(parts.query.split("&")) if part) if pairs else ""
    return f"{','.join(reversed(host.split('.')))}{port}){path}{'?' + query if query else ''}"


# ------------------------------------------------------------------------------------------------------ reading


def read(data: bytes) -> Iterator[Record]:
    """The records of a WARC file written by ``write``; ``EvidenceError`` where it is not one."""
    offset = 0
    while offset < len(data):
        whole, length = _inflate(data, offset)
        yield _parse(whole, offset, length)
        offset += length


def _inflate(data: bytes, offset: int) -> tuple[bytes, int]:
    where = f"warc: the record at byte {offset}"
    if data[offset : offset + len(GZIP_HEAD)] != GZIP_HEAD:
        raise EvidenceError(f"{where} does not begin as a gzip member of ours")
    inflate, parts, room, at = zlib.decompressobj(31), list[bytes](), MAX_RECORD_BYTES, offset
    try:
        while not inflate.eof and at < len(data) and room > 0:  # in steps, or the rest of the file is copied each time
            parts.append(inflate.decompress(inflate.unconsumed_tail or data[at : at + CHUNK], room))
            room -= len(parts[-1])
            if not inflate.unconsumed_tail:
                at += CHUNK
    except zlib.error as error:
        raise EvidenceError(f"{where} cannot be unpacked: {error}") from error
    if not inflate.eof:
        raise EvidenceError(f"{where} is cut, or longer than {MAX_RECORD_BYTES} bytes")
    return b"".join(parts), min(at, len(data)) - offset - len(inflate.unused_data)


def _parse(whole: bytes, offset: int, length: int) -> Record:
    where = f"warc: the record at byte {offset}"
    head, end, rest = whole.partition(END)
    if not end or not head.startswith(VERSION):
        raise EvidenceError(f"{where} has no WARC 1.1 header")
    headers: dict[str, str] = {}
    for line in head[len(VERSION) :].split(b"\r\n"):
        name, colon, value = line.partition(b": ")
        try:
            key, text = name.decode("ascii").lower(), value.decode()
        except UnicodeDecodeError as error:
            raise EvidenceError(f"{where} has a header that is no text") from error
        if not colon or not key or key in headers:
            raise EvidenceError(f"{where} has a header that is broken or stands there twice: {key[:40]!r}")
        headers[key] = text
    missing = {"warc-type", "warc-record-id", "warc-date", "content-length", "warc-block-digest"} - headers.keys()
    if missing:
        raise EvidenceError(f"{where} lacks {', '.join(sorted(missing))}")
    if rest[-4:] != END or headers["content-length"] != str(len(rest) - 4):
        raise EvidenceError(f"{where} is not as long as it says")
    block = rest[:-4]
    if headers["warc-block-digest"] != f"sha256:{sha256(block).hexdigest()}":
        raise EvidenceError(f"{where} does not have the digest that it gives")
    return Record(kind=headers["warc-type"], headers=headers, block=block, offset=offset, length=length)
