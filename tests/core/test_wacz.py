"""The bundle's zip file: one form, and every other one refused by name."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from watcher.core import wacz
from watcher.errors import EvidenceError

AT = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
FILES = {
    "archive/data.warc.gz": b"warc" * 100,
    "evidence/report.html": b"<p>report</p>",
    "datapackage.json": b"{}",
    "pages/pages.jsonl": b"",
}


def test_files_come_back_and_stand_in_one_order() -> None:
    data = wacz.pack(FILES)
    assert data == wacz.pack(dict(reversed(FILES.items())))
    assert wacz.unpack(data) == FILES
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[0] == "datapackage.json"
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


def test_a_bit_flipped_anywhere_does_not_pass() -> None:
    data = wacz.pack(FILES)
    accepted = []
    for place in range(len(data)):
        for bit in (1, 0x80):
            broken = data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
            try:
                files = wacz.unpack(broken)
            except EvidenceError:
                continue
            accepted.append((place, files))
    assert accepted == []


def zipped(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", method) as archive:
        for path, data in entries:
            archive.writestr(zipfile.ZipInfo(path, wacz.ZIP_TIME), data, compress_type=method)
        archive.comment = comment
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "zip: File is not a zip file"),
        (b"PK\x05\x06", "zip"),
        (zipped(("../evil.txt", b"x")), "no name for a file"),
        (zipped(("/etc/passwd", b"x")), "no name for a file"),
        (zipped(("evidence/../../x", b"x")), "no name for a file"),
        (zipped(("evidence\\x", b"x")), "no name for a file"),
        (zipped(("evidence/a/b.txt", b"x")), "no name for a file"),
        (zipped(("evidence/", b"")), "no name for a file"),
        (zipped(("evidence/.hidden", b"")), "no name for a file"),
        (zipped(("evidence/\u202etxt.exe", b"")), "no name for a file"),
        (zipped(("evidence/a.txt", b"x"), ("evidence/a.txt", b"y")), "same name"),
        (zipped(("evidence/a.txt", bytes(100_000)), method=zipfile.ZIP_DEFLATED), "compressed"),
        (zipped(("evidence/a.txt", b"x"), comment=b"hello"), "not written as"),
        (wacz.pack(FILES) + b"\0", "zip"),
        (b"\0" + wacz.pack(FILES), "zip"),
        (wacz.pack(FILES)[:-1], "zip"),
        (zipped(("pages/a", b"x"), ("evidence/b", b"y")), "not written as"),
    ],
)
def test_another_zip_file_is_refused(data: bytes, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        wacz.unpack(data)


def test_a_file_hidden_between_the_others_is_seen() -> None:
    """The local headers say one thing, the directory another."""
    data = wacz.pack(FILES)
    hidden = zipped(("evidence/hidden.txt", b"x"))
    local = hidden[: hidden.index(b"PK\x01\x02")]
    start = struct.unpack("<I", data[-6:-2])[0]
    end = data[-22:-6] + struct.pack("<I", start + len(local)) + b"\0\0"
    with pytest.raises(EvidenceError, match="not written as"):
        wacz.unpack(data[:start] + local + data[start:-22] + end)


def test_a_crowd_of_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wacz, "MAX_FILES", 3)
    with pytest.raises(EvidenceError, match="more than 3"):
        wacz.unpack(wacz.pack(FILES))


def test_the_package_lists_every_file_with_its_digest() -> None:
    cover = wacz.Cover(title="t", description="d", created=AT, software="watcher 0.1.0")
    pages = (wacz.Page(url="http://a.example/", at=AT, title="a"), wacz.Page(url="http://b.example/", at=AT, title="b"))
    package = wacz.datapackage(cover, FILES, pages)
    said = json.loads(package)
    assert said["mainPageUrl"] == "http://b.example/"
    assert {one["path"]: (one["hash"], one["bytes"]) for one in said["resources"]} == {
        path: (f"sha256:{sha256(data).hexdigest()}", len(data)) for path, data in FILES.items()
    }
    assert json.loads(wacz.package_digest(package, "note"))["hash"] == f"sha256:{sha256(package).hexdigest()}"
    assert sha256(package).hexdigest() in wacz.statement("o", package)
    lines = [json.loads(line) for line in wacz.pages_jsonl(pages).splitlines()]
    assert [line.get("url") for line in lines] == [None, "http://a.example/", "http://b.example/"]
