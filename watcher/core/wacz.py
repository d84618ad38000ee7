"""WACZ 1.1.1: a web archive in one zip file, with an ``evidence`` folder beside it.

Files stand in a fixed order, uncompressed, at a fixed time, so that the same contents give the same bytes and an
archive can be read in place. ``read`` takes nothing else: a bundle is small enough to be held to one form, and a zip
file that means two things to two readers is an old trick.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from watcher.core.moments import rfc3339
from watcher.core.note import Sign, VerifierKey, sign
from watcher.errors import EvidenceError

DATA = "archive/data.warc.gz"
INDEX = "indexes/index.cdx"
PAGES = "pages/pages.jsonl"
PACKAGE = "datapackage.json"
PACKAGE_DIGEST = "datapackage-digest.json"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
MAX_FILES = 10_000
Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One capture that a reader may want to open."""

    url: str
    at: datetime
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """What the package says of itself."""

    title: str
    description: str
    created: datetime
    software: str


# ------------------------------------------------------------------------------------------------------ writing


def pages_jsonl(pages: tuple[Page, ...]) -> bytes:
    """The list of pages, a JSON object a line."""
    lines: list[Json] = [{"format": "json-pages-1.0", "id": "pages", "title": "Pages"}]
    for page in pages:
        name = sha256(f"{page.url}\n{rfc3339(page.at)}".encode()).hexdigest()[:24]
        lines.append({"id": name, "url": page.url, "ts": rfc3339(page.at), "title": page.title})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def datapackage(
    cover: Cover, files: Mapping[str, bytes], pages: tuple[Page, ...] = (), profile: str = "data-package"
) -> bytes:
    """``datapackage.json``: every file with its length and digest."""
    about: Json = {
        "profile": profile,
        "wacz_version": "1.1.1",
        "title": cover.title,
        "description": cover.description,
        "created": rfc3339(cover.created),
        "modified": rfc3339(cover.created),
        "software": cover.software,
    }
    if pages:
        about |= {"mainPageUrl": pages[-1].url, "mainPageDate": rfc3339(pages[-1].at)}
    about["resources"] = [
        {
            "name": path.rpartition("/")[2].lower(),
            "path": path,
            "hash": f"sha256:{sha256(data).hexdigest()}",
            "bytes": len(data),
        }
        for path, data in sorted(files.items())
    ]
    return json.dumps(about, indent=2).encode() + b"\n"


def sealed(files: Mapping[str, bytes], package: bytes, key: VerifierKey, signer: Sign) -> bytes:
    """The zip file of these files, with the package that lists them, signed."""
    signed = sign(statement(key.name, package), key, signer)
    return pack({**files, PACKAGE: package, PACKAGE_DIGEST: package_digest(package, str(signed))})


def package_digest(package: bytes, note: str) -> bytes:
    """``datapackage-digest.json``; ``note`` is the signed statement of the digest."""
    digest = f"sha256:{sha256(package).hexdigest()}"
    return json.dumps({"path": PACKAGE, "hash": digest, "note": note}, indent=2).encode() + b"\n"


def statement(origin: str, package: bytes) -> str:
    """The text by which a vantage vouches for a package: it holds no more and no less than it put there."""
    return f"{origin}/bundle\nwatcher bundle v1\nsha256 {sha256(package).hexdigest()}\n"


def pack(files: Mapping[str, bytes]) -> bytes:
    """The zip file of these files: the package first, the rest by name."""
    order = sorted(files, key=lambda path: (path not in (PACKAGE, PACKAGE_DIGEST), path))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in order:
            entry = zipfile.ZipInfo(path, ZIP_TIME)
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, files[path])
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------ reading


def unpack(data: bytes) -> dict[str, bytes]:
    """The files in a zip file written by ``pack``; ``EvidenceError`` for any other, naming what is odd."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_FILES:
                raise EvidenceError(f"zip: more than {MAX_FILES} files")
            files = {entry.filename: _content(entry, data) for entry in entries}
            if len(files) != len(entries):
                raise EvidenceError("zip: two files have the same name")
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OverflowError) as error:
        raise EvidenceError(f"zip: {error}") from error
    for path in files:
        if not _is_plain(path):
            raise EvidenceError(f"zip: {path[:80]!r} is no name for a file in a bundle")
    if pack(files) != data:  # whatever is left: comments, gaps, other flags, another order, two readings of one file
        raise EvidenceError("zip: it is not written as a bundle is")
    return files


def _content(entry: zipfile.ZipInfo, data: bytes) -> bytes:
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        raise EvidenceError(f"zip: {entry.filename[:80]!r} is compressed")
    start = entry.header_offset + 30 + len(entry.filename.encode())
    return data[start : start + entry.file_size]


def _is_plain(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    letters = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    return (
        bool(name)
        and name[0] != "."
        and set(name) <= letters
        and folder in ("", "archive", "indexes", "pages", "evidence")
    )
