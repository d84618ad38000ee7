#!/usr/bin/env python3
"""Checks an evidence bundle of `watcher`, offline: one file, Python 3.9 or newer, nothing else to install.

    python3 -I verify.py BUNDLE.wacz [--key NAME+ID+KEY] [--tsa-roots ROOTS.pem] [--checkpoint FILE]

Every check is named, passed or failed, and says where. Exit 0: valid; 1: not valid; 2: cannot be read. Without --key
the bundle's own word is taken for who signed it. Time-stamps are checked with the program `openssl`, against the roots
you name. This is written apart from the watcher's own code, so that a mistake in the one shows in the other.
"""

# ruff: noqa: UP017, RUF007, N818 - newer Pythons spell some things shorter; this runs on old ones

from __future__ import annotations

import argparse
import base64
import hashlib
import html
import html.parser
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

Json = Any
Result = tuple[str, bool, str]
FOLDERS = ("", "archive", "indexes", "pages", "evidence")
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")
END = b"\r\n\r\n"
MAX_RECORD = 256 << 20
MAX_CHUNKS = 100_000
FRAMING = ("transfer-encoding", "content-length")
CLOCK_TOLERANCE = timedelta(minutes=10)
ENTRY_SET = b"watcher/entry-set/v1\n"


class Fault(Exception):
    """What does not hold."""


def need(condition: object, message: str) -> None:
    if not condition:
        raise Fault(message)


def counted(count: int, one: str, more: str) -> str:
    return f"{count} {one if count == 1 else more}"


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def hexed(data: bytes) -> str:
    return sha(data).hex()


def unhex(text: Json) -> bytes:
    need(isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text), f"not a SHA-256 in hex: {str(text)[:70]!r}")
    return bytes.fromhex(text)


# ---------------------------------------------------------------------------------------- Ed25519 (RFC 8032, 5.1)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, p: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, p)
        p, number = add(p, p), number >> 1
    return total


def point(data: bytes) -> Point | None:
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point(int(4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(public: bytes, signature: bytes, message: bytes) -> bool:
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or BASE is None:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# ------------------------------------------------------------------- signed notes and checkpoints (c2sp.org)


def unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(f"not base64: {text[:60]!r}") from None
    need(base64.b64encode(raw).decode() == text, "base64 with spare bits")
    return raw


class Key:
    """NAME+ID+KEY."""

    def __init__(self, text: str) -> None:
        parts = text.strip().split("+", 2)
        need(len(parts) == 3, "a verifier key has the form NAME+ID+KEY")
        self.text, self.name = text.strip(), parts[0]
        raw = unbase64(parts[2])
        need(len(raw) == 33 and raw[0] == 1, "the verifier key is no Ed25519 key")
        self.public = raw[1:]
        self.id = sha(self.name.encode() + b"\n" + raw)[:4]
        need(self.id.hex() == parts[1], "the id in the verifier key is not its own")


def note_text(data: bytes, key: Key) -> str:
    """The text of a signed note, if the key signed it."""
    try:
        whole = data.decode()
    except UnicodeDecodeError:
        raise Fault("a note is not UTF-8") from None
    head, gap, tail = whole.rpartition("\n\n")
    need(gap and tail.endswith("\n"), "a note has no signatures")
    text, found = head + "\n", False
    for line in tail[:-1].split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, blob = rest.partition(" ")
        need(dash == "\u2014" and name and blob, "a note has a broken signature line")
        raw = unbase64(blob)
        if name == key.name and raw[:4] == key.id:
            need(signed(key.public, raw[4:], text.encode()), f"the signature by {name} does not hold")
            found = True
    need(found, f"no signature by {key.name} with key {key.id.hex()}")
    return text


# --------------------------------------------------------------------------------- Merkle trees (RFC 9162, 2.1)


def leaf_of(data: bytes) -> bytes:
    return sha(b"\0" + data)


def node_of(left: bytes, right: bytes) -> bytes:
    return sha(b"\1" + left + right)


def check_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    need(0 <= index < size, f"there is no leaf {index} among {size}")
    fn, sn, r = index, size - 1, leaf
    for p in path:
        need(sn, f"the path of leaf {index} is too long")
        if fn & 1 or fn == sn:
            r = node_of(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_of(r, p)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, f"the path of leaf {index} is too short")
    need(r == root, f"leaf {index} does not lead to the root of {size} leaves")


def check_consistency(old: int, new: int, path: Sequence[bytes], first: bytes, second: bytes) -> None:
    need(0 < old < new and path, "checkpoints do not follow each other")
    steps = list(path)
    if old & (old - 1) == 0:
        steps.insert(0, first)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = steps[0]
    for c in steps[1:]:
        need(sn, "a consistency proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_of(c, fr), node_of(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_of(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(
        sn == 0 and fr == first and sr == second, f"the log of {new} leaves does not continue the one of {old}: a fork"
    )


def tree_root(leaves: Sequence[bytes]) -> bytes:
    if not leaves:
        return sha(b"")
    row = list(leaves)
    while len(row) > 1:
        row = [node_of(*row[i : i + 2]) if i + 1 < len(row) else row[i] for i in range(0, len(row), 2)]
    return row[0]


def key_leaf(key: str) -> bytes:
    return leaf_of(ENTRY_SET + key.encode("utf-8", "surrogatepass"))


def bound(size: int, root: bytes) -> str:
    return hexed(ENTRY_SET + size.to_bytes(8, "big") + root)


def commitment(keys: Sequence[str]) -> str:
    leaves = sorted({key_leaf(key) for key in keys})
    return bound(len(leaves), tree_root(leaves))


# ----------------------------------------------------------------------------------------------------- documents


def canonical(value: Json) -> str:
    """RFC 8785, for values without fractions."""
    if value is None or value is True or value is False:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        need(abs(value) < 2**53, "a number that JSON cannot carry")
        return str(value)
    if isinstance(value, str):
        return json.dumps(scrubbed(value), ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    need(isinstance(value, dict), "a number with a fraction")
    pairs = sorted(((scrubbed(k), v) for k, v in value.items()), key=lambda pair: pair[0].encode("utf-16-be"))
    return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{canonical(v)}" for k, v in pairs) + "}"


def scrubbed(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def digest(value: Json) -> str:
    return hexed(canonical(value).encode())


def parsed(data: bytes, what: str) -> Json:
    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        made = dict(pairs)
        need(len(made) == len(pairs), f"{what} has a name twice")
        return made

    def fraction(text: str) -> float:
        raise ValueError(f"{text[:40]} is no whole number")

    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_float=fraction, parse_constant=fraction)
    except (ValueError, RecursionError) as error:
        raise Fault(f"{what} is no JSON: {error}") from None


class Bundle:
    """The files, and what stands in them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.files = unzipped(data)
        self.problem: dict[str, str] = {}
        self.log = self._document("evidence/log-proofs.json")
        self.shown = self._document("evidence/captures.json")
        self.told = self._document("evidence/event.json")
        self.absence = self._document("evidence/absence.json")
        self.leaves: dict[int, dict[str, Json]] = {}
        self.root = b""
        self.size = 0
        self.blocks: dict[str, dict[str, bytes]] = {}

    def _document(self, path: str) -> dict[str, Json]:
        try:
            value = parsed(self.file(path), path)
            need(isinstance(value, dict) and value.get("form") == 1, f"{path} is not of a form known here")
            return dict(value)
        except Fault as fault:
            self.problem[path] = str(fault)
            return {}

    def file(self, path: str) -> bytes:
        need(path in self.files, f"{path} is missing")
        return self.files[path]

    def acts(self, *kinds: str) -> Iterator[tuple[int, dict[str, Json]]]:
        return ((index, record) for index, record in self.leaves.items() if record.get("act") in kinds)

    def of_capture(self, name: str, *kinds: str) -> list[dict[str, Json]]:
        return [record for _, record in self.acts(*kinds) if record.get("capture") == name]


def unzipped(data: bytes) -> dict[str, bytes]:
    """The files of a zip file that is written as bundles are, and in no other way."""
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                folder, _, name = entry.filename.rpartition("/")
                plain = folder in FOLDERS and NAME.fullmatch(name)
                need(plain, f"{entry.filename[:80]!r} is no name for a file in a bundle")
                need(entry.filename not in files, f"two files are named {entry.filename}")
                need(entry.compress_type == 0 and entry.compress_size == entry.file_size, "a file is compressed")
                start = entry.header_offset + 30 + len(entry.filename)
                files[entry.filename] = data[start : start + entry.file_size]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, EOFError) as error:
        raise Fault(str(error)) from None
    first = ("datapackage.json", "datapackage-digest.json")
    again = io.BytesIO()
    with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files, key=lambda path: (path not in first, path)):
            info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, files[path])
    need(again.getvalue() == data, "the zip file has something between, before or behind its files, or odd flags")
    return files


# -------------------------------------------------------------------------------------------------------- checks


def check_package(b: Bundle) -> str:
    package = b.file("datapackage.json")
    said = parsed(b.file("datapackage-digest.json"), "datapackage-digest.json")
    need(
        isinstance(said, dict) and said.get("hash") == "sha256:" + hexed(package), "datapackage.json has another digest"
    )
    need(said.get("path") == "datapackage.json", "datapackage-digest.json speaks of another file")
    spelled = json.dumps({name: said.get(name) for name in ("path", "hash", "note")}, indent=2).encode() + b"\n"
    plain = b.file("datapackage-digest.json") == spelled
    need(plain, "datapackage-digest.json, which no signature covers, holds more than it needs to")
    resources = parsed(package, "datapackage.json").get("resources")
    listed = {one["path"]: one for one in resources}
    need(len(listed) == len(resources), "a file is listed twice")
    others = set(b.files) - {"datapackage.json", "datapackage-digest.json"}
    faults = [f"{path} is not listed" for path in sorted(others - set(listed))]
    faults += [f"{path} is missing" for path in sorted(set(listed) - others)]
    for path in sorted(others & set(listed)):
        same = listed[path]["hash"] == "sha256:" + hexed(b.files[path]) and listed[path]["bytes"] == len(b.files[path])
        faults += [] if same else [f"{path} has another digest or length than is listed"]
    need(not faults, "; ".join(faults))
    return f"{len(listed)} files, each with the digest that is listed"


def check_documents(b: Bundle) -> str:
    need(not b.problem, "; ".join(b.problem.values()))
    return "all documents are there"


def meant(b: Bundle, named: Sequence[Key]) -> Key | None:
    """Of the keys that were named, the one for this log."""
    own = str(b.log.get("key", ""))
    return next((key for key in named if key.text == own), named[0] if named else None)


def check_key(b: Bundle, pinned: Key | None) -> str:
    own = Key(str(b.log.get("key", "")))
    if pinned is None:
        return f"{own.text}: the bundle's own word; name the key that you trust with --key"
    need(pinned.text == own.text, f"signed with {own.text}, not with the key that you named")
    return f"{own.text}, as you named it"


def check_signature(b: Bundle, key: Key, named: Sequence[Key]) -> str:
    if "packer" in b.log:
        packer = Key(str(b.log["packer"]))
        known = not named or packer.text in [one.text for one in (key, *named)]
        need(known, f"packed and signed by {packer.text}, whose key you did not name: name it, too, if you trust it")
        key = packer
    said = parsed(b.file("datapackage-digest.json"), "datapackage-digest.json")
    text = note_text(str(said.get("note", "")).encode(), key)
    expected = f"{key.name}/bundle\nwatcher bundle v1\nsha256 {hexed(b.file('datapackage.json'))}\n"
    need(text == expected, "the signature is of another package")
    return f"the package is signed by {key.name}"


def heads_of(b: Bundle, key: Key) -> list[tuple[int, bytes, str]]:
    found = []
    for item in b.log.get("checkpoints", []):
        lines = note_text(b.file(item["file"]), key).split("\n")
        need(len(lines) >= 4 and lines[0] == key.name, f"{item['file']} is a checkpoint of another log")
        need(lines[1] == str(item["size"]), f"{item['file']} has another size than is said")
        root = unbase64(lines[2])
        need(len(root) == 32, f"{item['file']} has no root")
        found.append((int(lines[1]), root, str(item["file"])))
    need(found and found[-1][2] == "evidence/checkpoint.txt", "there is no last checkpoint")
    need(all(x[0] < y[0] for x, y in zip(found, found[1:], strict=False)), "checkpoints are out of order")
    extra = {p for p in b.files if re.fullmatch(r"evidence/checkpoint(-\d+)?\.txt", p)} - {f for _, _, f in found}
    need(not extra, f"a checkpoint is not accounted for: {', '.join(sorted(extra))}")
    return found


def check_checkpoints(b: Bundle, key: Key) -> str:
    heads = heads_of(b, key)
    b.size, b.root = heads[-1][0], heads[-1][1]
    return f"{len(heads)} signed by {key.name}, the last over {b.size} leaves"


def check_fork(b: Bundle, key: Key) -> str:
    heads = heads_of(b, key)
    proofs = b.log.get("consistency", [])
    need(len(proofs) == len(heads) - 1, "a proof between checkpoints is missing, or one too many")
    for (size, root, _), proof in zip(heads, proofs, strict=False):
        need((proof["old"], proof["new"]) == (size, heads[-1][0]), "a consistency proof is about other checkpoints")
        check_consistency(size, heads[-1][0], [unhex(p) for p in proof["path"]], root, heads[-1][1])
    return f"{counted(len(heads), 'checkpoint is', 'checkpoints are')} of one log that only grew"


def check_leaves(b: Bundle) -> str:
    for item in b.log.get("leaves", []):
        index, record = item["index"], item["record"]
        need(index not in b.leaves, f"leaf {index} stands there twice")
        leaf = leaf_of(sha(canonical(record).encode()))
        check_inclusion(leaf, index, b.size, [unhex(p) for p in item["path"]], b.root)
        b.leaves[index] = record
    need(b.leaves, "no record at all")
    return f"{counted(len(b.leaves), 'record stands', 'records stand')} in the log"


def opened(sealed: Json, what: str) -> dict[str, Json] | None:
    """The value, if it is shown; its digest must be that which is said."""
    need(isinstance(sealed, dict) and "digest" in sealed, f"{what} is not sealed")
    if "value" not in sealed:
        return None
    need(digest(sealed["value"]) == sealed["digest"], f"{what} is not what its digest says")
    return dict(sealed["value"])


def check_captures(b: Bundle) -> str:
    names = [item["id"] for item in b.shown.get("captures", [])]
    need(len(set(names)) == len(names), "a capture stands there twice")
    hidden = 0
    for item in b.shown["captures"]:
        records = b.of_capture(item["id"], "capture", "miss", "refusal")
        need(len(records) == 1, f"capture {item['id']} has {len(records)} records in the log")
        need(
            records[0].get("facts") == item["facts"]["digest"],
            f"the facts of capture {item['id']} are not those logged",
        )
        facts = opened(item["facts"], f"capture {item['id']}")
        hidden += facts is None
        if facts is not None:
            need(facts["id"] == item["id"], f"the facts of capture {item['id']} are another's")
            need((facts["body_digest"] or "") == records[0]["body"], f"capture {item['id']} names another body")
    logged = {str(record["capture"]) for _, record in b.acts("capture", "miss", "refusal")}
    need(logged == set(names), f"a capture is logged and not shown: {', '.join(sorted(logged - set(names)))}")
    shown = counted(len(names), "capture or miss is", "captures and misses are")
    return f"{shown} as logged" + (f", {hidden} of them hidden" if hidden else "")


def warc_records(data: bytes) -> Iterator[tuple[dict[str, str], bytes, int, int]]:
    place = 0
    while place < len(data):
        unpack, parts, at, room = zlib.decompressobj(31), list[bytes](), place, MAX_RECORD
        try:
            while not unpack.eof and at < len(data) and room > 0:
                parts.append(unpack.decompress(unpack.unconsumed_tail or data[at : at + 65536], room))
                room -= len(parts[-1])
                at += 0 if unpack.unconsumed_tail else 65536
        except zlib.error as error:
            raise Fault(f"the record at byte {place} cannot be unpacked: {error}") from None
        need(unpack.eof, f"the record at byte {place} is cut, or too long")
        end = min(at, len(data)) - len(unpack.unused_data)
        head, gap, rest = b"".join(parts).partition(END)
        lines = head.decode("utf-8", "replace").split("\r\n")
        need(gap and lines[0] == "WARC/1.1" and rest.endswith(END), f"the record at byte {place} is no WARC record")
        pairs = [line.partition(": ")[::2] for line in lines[1:]]
        headers = {name.lower(): value for name, value in pairs}
        need(len(headers) == len(pairs), f"the record at byte {place} has a header twice")
        block = rest[:-4]
        whole = headers.get("content-length") == str(len(block))
        need(
            whole and headers.get("warc-block-digest") == "sha256:" + hexed(block),
            f"the record at byte {place} is damaged",
        )
        yield headers, block, place, end - place
        place = end


def check_wire(b: Bundle) -> str:
    data, index = b.file("archive/data.warc.gz"), {}
    pending: dict[str, tuple[bytes, str]] = {}
    count = 0
    for headers, block, place, length in warc_records(data):
        kind = headers.get("warc-type", "")
        need((kind == "warcinfo") == (place == 0), "the archive does not begin with its description")
        count += 1
        if kind in ("response", "request"):
            need(kind not in pending, f"two records of one kind, the second at byte {place}")
            pending[kind] = (block, headers.get("warc-target-uri", ""))
            if kind == "response":
                index[place] = length
        elif kind == "metadata":
            facts = parsed(block, "a metadata record")
            name = facts["id"]
            need(name not in b.blocks, f"capture {name} stands in the archive twice")
            b.blocks[name] = {kind: block for kind, (block, _) in pending.items()}
            b.blocks[name]["facts"] = block
            pending = {}
        else:
            need(kind == "warcinfo", f"a record of an unknown kind at byte {place}")
    need(not pending, "the archive ends within a capture")
    wanted = {item["id"]: item for item in b.shown.get("captures", []) if item["bytes"]}
    need(set(wanted) == set(b.blocks), "the archive does not hold the captures that are said to be in it")
    for name, blocks in b.blocks.items():
        record = b.of_capture(name, "capture", "miss", "refusal")[0]
        need(
            hexed(blocks["facts"]) == record["facts"],
            f"the facts of capture {name} in the archive are not those logged",
        )
        for kind in ("request", "response"):
            need(hexed(blocks.get(kind, b"")) == record[kind], f"the {kind} of capture {name} is not what was logged")
    for line in b.file("indexes/index.cdx").decode().splitlines():
        said = parsed(line.split(" ", 2)[2].encode(), "the index")
        need(
            index.pop(int(said["offset"]), None) == int(said["length"]), "the index points to where no response stands"
        )
    whose = counted(len(b.blocks), "capture", "captures")
    inside = counted(count, "record", "records")
    return f"{inside} in the archive; requests and responses of {whose} are as logged"


def payload(response: bytes) -> bytes:
    """The body of an HTTP response, transfer framing taken off (RFC 9112, 6 and 7)."""
    headers: list[list[str]] = []
    status, at = "100", 0
    while status.startswith("1") and status != "101":
        while response[at : at + 1] in (b"\r", b"\n"):
            at += 1
        end = re.compile(rb"\n\r?\n").search(response, at)
        first = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t]+[^\r\n]*)?[ \t]*\r?\n").match(response, at)
        if end is None or first is None:
            return b""
        status, headers = first[1].decode(), []
        for line in response[first.end() : end.end()].decode("latin-1").split("\n"):
            text = line[:-1] if line.endswith("\r") else line
            if text[:1] in (" ", "\t") and headers:
                headers[-1][1] += " " + text.strip(" \t")
            elif text:
                name, _, value = text.partition(":")
                headers.append([name.strip(" \t").lower(), value.strip(" \t")])
        at = end.end()
    rest = response[at:]
    coding, lengths = (
        [w.strip(" \t").lower() for n, v in headers if n == name for w in v.split(",")] for name in FRAMING
    )
    if status in ("204", "304", "101"):
        return b""
    if coding and coding[-1] == "chunked":
        return dechunked(rest)
    if coding or len(set(lengths)) != 1 or not re.fullmatch(r"[0-9]{1,18}", lengths[0]):
        return rest
    return rest[: int(lengths[0])]


def dechunked(data: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    for _ in range(MAX_CHUNKS):
        line = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*|\r?)\n").match(data, at)
        if line is None:
            break
        size = int(line[1], 16)
        parts.append(data[line.end() : line.end() + size])
        at = line.end() + size
        after = 2 if data[at : at + 2] == b"\r\n" else 1 if data[at : at + 1] == b"\n" else 0
        at += after
        if size == 0 or not after:
            break
    return b"".join(parts)


def check_bodies(b: Bundle) -> str:
    count = 0
    for name, blocks in b.blocks.items():
        record = b.of_capture(name, "capture", "miss", "refusal")[0]
        if record["body"]:
            need(
                hexed(payload(blocks.get("response", b""))) == record["body"],
                f"the body of capture {name} is not as logged",
            )
            count += 1
    return f"{counted(count, 'body is', 'bodies are')} as logged"


def check_readings(b: Bundle) -> str:
    count = 0
    for item in b.shown.get("captures", []):
        if item["reading"] is None:
            continue
        name, what = item["id"], f"the reading of capture {item['id']}"
        value = opened(item["reading"], what)
        own = [r for r in b.of_capture(name, "reading") if r["reading"] == item["reading"]["digest"]]
        records = own or [record for _, record in b.acts("snapshot") if record["captures"] == [name]]
        need(records, f"{what} is not in the log")
        if value is None:
            continue
        rule, record = value["rule"], records[0]
        need(record["rule"] == value["rule_digest"], f"capture {name} was read by another rule")
        need(rule is None or digest(rule) == value["rule_digest"], f"the rule enclosed for {name} is not the one used")
        need(record["verdict"] == value["verdict"], f"capture {name} was read to be something else")
        need(record["complete"] is value["complete"], f"capture {name} was read to be whole, or cut, otherwise")
        need(
            record["entries"] == commitment([e["key"] for e in value["entries"]]), f"{what}: other entries were logged"
        )
        count += 1
    return f"{counted(count, 'reading is', 'readings are')} as logged, rules included"


def check_snapshots(b: Bundle) -> str:
    readings = {item["id"]: (item["reading"] or {}).get("value") for item in b.shown.get("captures", [])}
    count = 0
    for item in b.shown.get("snapshots", []):
        record, what = b.leaves.get(item["leaf"], {}), f"snapshot {item['leaf']}"
        need(record.get("act") == "snapshot", f"{what} is not in the log")
        need(record["captures"] == item["captures"], f"{what} is of other captures")
        need(record["snapshot"] == item["snapshot"]["digest"], f"{what} is not the one logged")
        value = opened(item["snapshot"], what)
        if value is not None:
            need(
                record["entries"] == commitment([e["key"] for e in value["entries"]]),
                f"{what}: other entries were logged",
            )
            only = readings.get(item["captures"][0]) if len(item["captures"]) == 1 else None
            need(
                only is None or only["entries"] == value["entries"], f"{what} is not what its one page was read to say"
            )
        count += 1
    return f"{counted(count, 'snapshot is', 'snapshots are')} as logged"


def check_events(b: Bundle) -> str:
    count = 0
    logged = {record["event"]: record["digest"] for _, record in b.acts("event")}
    for sealed in b.told.get("events", []):
        need(sealed["digest"] in logged.values(), "an event is not the one logged")
        value = opened(sealed, "an event")
        if value is not None:
            need(logged.get(value["id"]) == sealed["digest"], f"event {value['id']} is not the one logged")
            shown = {item["id"] for item in b.shown.get("captures", [])}
            for side in ("before", "after"):
                need(
                    value[side] is None or value[side] in shown,
                    f"the capture {side} event {value['id']} is not enclosed",
                )
        count += 1
    need(count == len(logged), "an event is logged and not shown")
    return f"{counted(count, 'event is', 'events are')} as logged"


def snapshot_of(b: Bundle, capture: str | None) -> dict[str, Json] | None:
    found = [item for item in b.shown.get("snapshots", []) if capture and capture in item["captures"]]
    return found[0] if found else None


def check_absence(b: Bundle) -> str:
    seen: dict[tuple[str, int], set[bool]] = {}
    for proof in b.absence.get("proofs", []):
        record = b.leaves.get(proof["leaf"], {})
        need(record.get("act") == "snapshot", f"snapshot {proof['leaf']} is not in the log")
        size, root = proof["size"], unhex(proof["root"])
        need(
            bound(size, root) == record.get("entries"),
            f"a proof about snapshot {proof['leaf']} is of another set of entries",
        )
        wanted = unhex(proof["key_leaf"])
        need(proof["key"] is None or key_leaf(proof["key"]) == wanted, "a proof is about another entry than it names")
        near = [(n["index"], unhex(n["leaf"]), [unhex(p) for p in n["path"]]) for n in proof["neighbours"]]
        for index, leaf, path in near:
            check_inclusion(leaf, index, size, path, root)
        if proof["present"]:
            need(len(near) == 1 and near[0][1] == wanted, "a proof of presence shows another entry")
        else:
            below, above = [n for n in near if n[1] < wanted], [n for n in near if n[1] > wanted]
            need(len(below) <= 1 and len(above) <= 1 and len(below) + len(above) == len(near), "a wrong neighbour")
            left, right = below[0][0] if below else -1, above[0][0] if above else size
            need(
                right == left + 1,
                f"in a proof about snapshot {proof['leaf']} the neighbours are not next to each other",
            )
            need(size or root == sha(b""), "an empty set with a root")
        seen.setdefault((proof["event"], proof["leaf"]), set()).add(bool(proof["present"]))
    told = [event for event in (s.get("value") for s in b.told.get("events", [])) if event and event["entry"]]
    for event in told:
        after, before = snapshot_of(b, event["after"]), snapshot_of(b, event["before"])
        gone = event["kind"] in ("withdrawn", "vantages-disagree")
        for side, item, present in (
            ("before", before, event["kind"] not in ("listed", "relisted")),
            ("after", after, not gone),
        ):
            if item is not None:
                shows = True in seen.get((event["id"], item["leaf"]), set())
                proved = (event["id"], item["leaf"]) in seen
                need(proved, f"nothing proves what event {event['id']} says of the copy {side}")
                need(shows == present, f"the copy {side} event {event['id']} shows the contrary of it")
                complete = b.leaves[item["leaf"]]["complete"]
                need(
                    present or complete is True,
                    f"the copy {side} event {event['id']} is incomplete: absence means nothing",
                )
        need(not gone or (before and after), f"event {event['id']} lacks the copy before or after it")
    return counted(len(b.absence.get("proofs", [])), "proof", "proofs") + " of presence and absence: all hold"


# ------------------------------------------------------------------------------------------- reading bytes again


class Text(html.parser.HTMLParser):
    """Text pieces, and attributes that say something, each with the two elements round it."""

    SAYING = frozenset(["title", "alt", "aria-label", "value", "data-title", "data-name"])
    VOID = frozenset(
        ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
    )

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, str]] = []
        self.found: list[tuple[tuple[str, ...], str]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in self.VOID:
            self.open = [*self.open[-300:], (tag, given.get("class", ""))]
        for name in self.SAYING & given.keys():
            self.found.append((self.place("@" + name), given[name]))

    def handle_endtag(self, tag: str) -> None:
        for number in range(len(self.open) - 1, -1, -1):
            if self.open[number][0] == tag:
                del self.open[number:]
                return

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1][0] not in ("script", "style"):
            self.found.append((self.place(""), data))

    def place(self, what: str) -> tuple[str, ...]:
        return (*(f"{tag}.{kind}" for tag, kind in self.open[-2:]), what)


def folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(c for c in plain if unicodedata.category(c) != "Cf").casefold().split())


def decoded(response: bytes) -> bytes | None:
    head = response.partition(END)[0].lower()
    coding = re.findall(rb"content-encoding:[ \t]*([^\r\n]*)", head)
    body = payload(response)
    if not coding or coding in ([b""], [b"identity"]):
        return body
    if coding in ([b"gzip"], [b"x-gzip"], [b"deflate"]):
        for bits in (31, 15, -15):
            try:
                return zlib.decompressobj(bits).decompress(body, 64 << 20)
            except zlib.error:
                continue
    return None


def texts(response: bytes) -> list[str] | None:
    """The body under each character set that it may be in."""
    body = decoded(response)
    if body is None:
        return None
    named = re.findall(rb"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", response.partition(END)[0] + b" " + body[:4096])
    made = []
    for name in ["utf-8", *(n.decode() for n in named), "cp1252", "cp1251"]:
        try:
            made.append(body.decode(name, "replace"))
        except (LookupError, ValueError):
            continue
    return list(dict.fromkeys(made))


def pieces(source: str) -> list[tuple[tuple[str, ...], str]]:
    """Where each piece of text stands: strings of a JSON document by the names above them, else text and attributes."""
    found: list[tuple[tuple[str, ...], str]] = []

    def walk(value: Json, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for name, item in value.items():
                walk(item, (*path[-1:], name))
        elif isinstance(value, list):
            for item in value:
                walk(item, path)
        elif isinstance(value, str):
            found.append((("json", *path), value))

    try:
        walk(json.loads(source), ())
    except (ValueError, RecursionError):
        found = Text(source).found
    return [(place, folded(text)) for place, text in found]


def anywhere(sources: Sequence[str], title: str) -> bool:
    """Whether the title stands in a page at all: in its text, across elements, in attributes, scripts or JSON."""
    for source in sources:
        plain = html.unescape(source)
        bare = re.sub(r"<[^<>]*>", "\0", plain)
        unescaped = re.sub(r"\\u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), plain)
        for text in (plain, bare.replace("\0", ""), bare.replace("\0", " "), unescaped):
            if title in folded(text):
                return True
    return False


def check_reread(b: Bundle) -> str:
    """What readings say must stand in the bytes; a withdrawn entry must not stand where it stood before."""
    pages: dict[str, list[str] | None] = {n: texts(x.get("response", b"")) for n, x in b.blocks.items()}
    checked = unread = 0
    for item in b.shown.get("captures", []):
        value = (item["reading"] or {}).get("value")
        if value is None or item["id"] not in pages:
            continue
        sources = pages[item["id"]]
        if sources is None:
            unread += 1
            continue
        cache = [folded(html.unescape(source)) for source in sources]
        for entry in value["entries"]:
            title = folded(entry["title"])
            there = any(title in text for text in cache) or anywhere(sources, title)
            need(there, f"entry {entry['title'][:60]!r} does not stand in the bytes of capture {item['id']}")
            checked += 1
    for event in (s.get("value") for s in b.told.get("events", [])):
        if event and event["entry"] and event["kind"] == "withdrawn":
            check_gone(b, event, pages)
    return f"{checked} entries stand in the bytes that they were read from" + (
        f"; {unread} pages not read" if unread else ""
    )


def is_name(text: str, title: str) -> bool:
    """Whether a piece of text is the title, with little beside it: not a sentence that mentions it."""
    found = title and re.search(r"(?<!\w)" + re.escape(title) + r"(?!\w)", text)
    return bool(found) and len(text) <= 2 * len(title)


def check_gone(b: Bundle, event: dict[str, Json], pages: dict[str, list[str] | None]) -> None:
    """Where the entry's name stood before, it does not stand after, unless another entry that is there has it."""
    keys = {proof["key"] for proof in b.absence["proofs"] if proof["event"] == event["id"]}
    before, after = snapshot_of(b, event["before"]), snapshot_of(b, event["after"])
    read = {item["id"]: (item["reading"] or {}).get("value") for item in b.shown["captures"]}
    was = [
        entry for name in (before or {}).get("captures", []) for entry in (read.get(name) or {"entries": []})["entries"]
    ]
    now = [
        entry for name in (after or {}).get("captures", []) for entry in (read.get(name) or {"entries": []})["entries"]
    ]
    others = sorted((folded(entry["title"]) for entry in now if entry["key"] not in keys), key=len, reverse=True)
    before_that, after_that = list(all_pieces(pages, before)), list(all_pieces(pages, after))
    for title in {folded(entry["title"]) for entry in was if entry["key"] in keys}:
        stood = {place for place, text in before_that if is_name(text, title)}
        for text in (text for place, text in after_that if place in stood and is_name(text, title)):
            left = text
            for other in (other for other in others if title in other):
                left = left.replace(other, "\0")
            gone = not is_name(left, title)
            need(gone, f"the withdrawn entry of event {event['id']} still stands in the bytes, where it stood before")


def all_pieces(
    pages: dict[str, list[str] | None], snapshot: dict[str, Json] | None
) -> Iterator[tuple[tuple[str, ...], str]]:
    for name in (snapshot or {}).get("captures", []):
        for source in pages.get(name) or []:
            yield from pieces(source)


# --------------------------------------------------------------------------------------------------------- times


DESCRIPTOR = re.compile(
    rb"hs-descriptor 3\ndescriptor-lifetime \d{1,4}\ndescriptor-signing-key-cert\n"
    rb"-----BEGIN ED25519 CERT-----\n([A-Za-z0-9+/=\n]{1,400})-----END ED25519 CERT-----\n"
    rb"revision-counter \d{1,20}\nsuperencrypted\n-----BEGIN MESSAGE-----\n[A-Za-z0-9+/=\n]+-----END MESSAGE-----\n"
    rb"signature ([A-Za-z0-9+/]{86})\n?"
)
BASE_POINT = (
    b"(15112221349535400772501151409588531511454012693041857206046113283949847762202, "
    b"46316835694926478169428394003475163141307993866256225615783033603165251855960)"
)


def check_descriptors(b: Bundle) -> str:
    listed = b.shown["descriptors"]
    there = {path for path in b.files if path.endswith(".hsdesc")}
    need({item["file"] for item in listed} == there, "a descriptor is not accounted for")
    for item in listed:
        path, record = item["file"], b.leaves.get(item["leaf"], {})
        text = b.file(path)
        need(record.get("act") == "descriptor", f"{path} is not in the log")
        need(record["descriptor"] == hexed(text), f"{path} is not the one that was logged")
        need(record["onion"] == hexed(item["onion"].encode()), f"{path} is another service's")
        form = DESCRIPTOR.fullmatch(text)
        need(form, f"{path} is no descriptor")
        assert form is not None
        cert = base64.b64decode(form[1])
        need(len(cert) >= 140 and cert[:2] == b"\1\x08" and cert[39] == 1, f"{path} has another certificate")
        need(cert[40:44] == b"\0\x20\x04\0" and len(cert) == 140, f"{path} has another certificate")
        blinded = cert[44:76]
        need(signed(blinded, cert[76:], cert[:76]), f"{path}: its certificate's signature does not hold")
        message = b"Tor onion service descriptor sig v3" + text[: form.start(2) - len(b"signature ")]
        need(signed(cert[7:39], base64.b64decode(form[2] + b"=="), message), f"{path}: its signature does not hold")
        need(
            blinded in blindings(item["onion"], instant(record["at"])), f"{path} is not signed by the key of its onion"
        )
    return f"{len(listed)} signed by the keys of their onions" if listed else "none enclosed"


def blindings(onion: str, near: datetime) -> Iterator[bytes]:
    """The onion's key, blinded for the time periods that may have been (rend-spec-v3, appendix A.2)."""
    raw = base64.b32decode(onion.split(".")[-2].upper())
    service = raw[:32]
    checksum = hashlib.sha3_256(b".onion checksum" + service + b"\3").digest()[:2]
    key = point(service)
    need(raw[32:] == checksum + b"\3" and key is not None, f"{onion} is no onion address")
    for length in (1440, 4, 8, 12, 24, 48, 120, 240, 720):
        now = (int(near.timestamp()) // 60 - length // 2) // length
        for period in (now, now - 1, now + 1):
            nonce = b"key-blind" + period.to_bytes(8, "big", signed=True) + length.to_bytes(8, "big")
            h = bytearray(hashlib.sha3_256(b"Derive temporary signing key\0" + service + BASE_POINT + nonce).digest())
            h[0], h[31] = h[0] & 248, h[31] & 63 | 64
            x, y, z, _ = times(int.from_bytes(h, "little"), key or (0, 1, 1, 0))
            inverse = pow(z, P - 2, P)
            yield (y * inverse % P | (x * inverse % P & 1) << 255).to_bytes(32, "little")


def check_clock(b: Bundle) -> str:
    """Doubts about the vantage's own clock are told; they make nothing invalid."""
    shown = {item["id"]: item["facts"].get("value") for item in b.shown.get("captures", [])}
    kept = sorted((n, record) for n, record in b.acts("capture", "miss", "refusal"))
    found = [facts for facts in (shown.get(record["capture"]) for _, record in kept) if facts]
    doubts: list[str] = []
    last: dict[str, tuple[datetime, float]] = {}
    for facts in found:
        boot, at = str(facts["facts"].get("boot_id", "")), instant(facts["requested_at"])
        try:
            ran = float(facts["facts"]["monotonic_start"])
        except (KeyError, TypeError, ValueError):
            continue
        if boot and boot in last:
            jump = (at - last[boot][0]).total_seconds() - (ran - last[boot][1])
            if abs(jump) > 2 + abs(ran - last[boot][1]) / 1000:
                doubts.append(
                    f"the clock was set by {jump:+.0f} s before {facts['requested_at']} (capture {facts['id']})"
                )
        last[boot] = (at, ran)
    unkept = sum(facts["facts"].get("clock_state") == "unsynchronised" for facts in found)
    said = f"; no time service kept it at {unkept} of them" if unkept else ""
    if doubts:
        return "times are NOT CERTAIN: " + "; ".join(doubts) + said
    return f"it was not set between {counted(len(found), 'capture', 'captures')}{said}"


def instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)


def check_times(b: Bundle, key: Key, roots: str | None) -> str:
    tokens = sorted(path for path in b.files if path.endswith(".tsr"))
    heads = {path: size for size, _, path in heads_of(b, key)}
    pairs = [(path, re.sub(r"-\d+\.tsr$", ".txt", path)) for path in tokens]
    need(all(stamped in heads for _, stamped in pairs), "a time-stamp is of no checkpoint here")
    if not tokens:
        need(roots is None, "there is no time-stamp to check against your roots")
        return "no independent time: only the vantage's own clock"
    openssl = shutil.which("openssl")
    if openssl is None:
        need(roots is None, "openssl is not installed: time-stamps cannot be checked")
        return f"{len(tokens)} time-stamps NOT CHECKED: openssl is not installed"
    told = []
    for path, stamped in pairs:
        at = stamped_at(openssl, b, path, stamped, roots)
        told.append(f"{heads[stamped]} leaves existed by {at:%Y-%m-%dT%H:%M:%SZ}")
        for index, record in b.leaves.items():
            late = index < heads[stamped] and instant(record["at"]) > at + CLOCK_TOLERANCE
            need(not late, f"leaf {index} says it was made after the time-stamp that covers it")
    return "; ".join(told) + ("" if roots else " (by the bundle's own roots: name yours with --tsa-roots)")


def stamped_at(openssl: str, b: Bundle, path: str, stamped: str, roots: str | None) -> datetime:
    """The time in a token, if it is of this file and by an authority under the roots."""
    with tempfile.TemporaryDirectory() as folder:
        token, data, pem = (os.path.join(folder, name) for name in ("t.tsr", "data", "roots.pem"))
        enclosed = b"" if roots else b.file("evidence/tsa-roots.pem")
        for name, content in ((token, b.files[path]), (data, b.files[stamped]), (pem, enclosed)):
            with open(name, "wb") as file:
                file.write(content)
        told = subprocess.run(
            [openssl, "ts", "-reply", "-in", token, "-text"], capture_output=True, check=False, env={"LC_ALL": "C"}
        )
        found = re.search(
            r"Time stamp: (\w+ +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT", told.stdout.decode("utf-8", "replace")
        )
        need(found, f"{path} is no time-stamp")
        assert found is not None
        at = datetime.strptime(f"{found[1]} {found[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=timezone.utc)
        command = [openssl, "ts", "-verify", "-in", token, "-data", data, "-CAfile", roots or pem]
        command += ["-attime", str(int(at.timestamp()))]
        done = subprocess.run(command, capture_output=True, check=False, env={"LC_ALL": "C"})
        whose = "your roots" if roots else "the roots enclosed"
        need(done.returncode == 0, f"{path} is not a time-stamp of {stamped} by an authority under {whose}")
    return at


# ---------------------------------------------------------------------------------------------------------- main


def check_held(b: Bundle, key: Key, held: bytes) -> str:
    lines = note_text(held, key).split("\n")
    need(len(lines) >= 4 and lines[0] == key.name and lines[1].isdigit(), "what you kept is no checkpoint of this log")
    for size, root, path in heads_of(b, key):
        if size == int(lines[1]):
            need(root == unbase64(lines[2]), f"{path} has another root than the checkpoint that you kept: a fork")
            return f"{path} is the checkpoint that you kept, over {size} leaves"
    raise Fault(f"the bundle does not speak of the log at {lines[1]} leaves, as the checkpoint that you kept does")


def check_all(data: bytes, named: Sequence[Key], roots: str | None, held: bytes | None = None) -> list[Result]:
    results: list[Result] = []

    def run(name: str, check: Callable[[], str]) -> bool:
        try:
            results.append((name, True, check()))
        except Fault as fault:
            results.append((name, False, str(fault)))
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            results.append((name, False, f"something is missing or of another kind: {error!r}"))
        return results[-1][1]

    try:
        b = Bundle(data)
    except Fault as fault:
        return [("zip", False, str(fault))]
    results.append(("zip", True, f"{len(b.files)} files"))
    run("package", lambda: check_package(b))
    run("documents", lambda: check_documents(b))
    pinned = meant(b, named)
    run("key", lambda: check_key(b, pinned))
    try:
        key = pinned or Key(str(b.log.get("key", "")))
    except Fault:
        return results
    run("signature", lambda: check_signature(b, key, named))
    if run("checkpoints", lambda: check_checkpoints(b, key)):
        run("consistency", lambda: check_fork(b, key))
        run("leaves", lambda: check_leaves(b))
    run("captures", lambda: check_captures(b))
    run("wire", lambda: check_wire(b))
    run("bodies", lambda: check_bodies(b))
    run("readings", lambda: check_readings(b))
    run("snapshots", lambda: check_snapshots(b))
    run("events", lambda: check_events(b))
    run("absence", lambda: check_absence(b))
    run("reread", lambda: check_reread(b))
    run("descriptors", lambda: check_descriptors(b))
    run("clock", lambda: check_clock(b))
    run("times", lambda: check_times(b, key, roots))
    if held is not None:
        run("held", lambda: check_held(b, key, held))
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks an evidence bundle of watcher, offline.")
    parser.add_argument("bundle")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        help="a verifier key that you trust, NAME+ID+KEY (given again: that of who packed it)",
    )
    parser.add_argument("--tsa-roots", metavar="PEM", help="the roots of time-stamp authorities that you trust")
    parser.add_argument("--checkpoint", metavar="FILE", help="a checkpoint of the log that you kept")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    given = parser.parse_args()
    try:
        named = [Key(text) for text in given.key]
        with open(given.bundle, "rb") as file:
            data = file.read()
        held = None
        if given.checkpoint:
            with open(given.checkpoint, "rb") as file:
                held = file.read()
        if given.tsa_roots and not os.path.isfile(given.tsa_roots):
            raise Fault(f"{given.tsa_roots} is no file")
    except (OSError, Fault) as error:
        sys.stderr.write(f"verify.py: {error}\n")
        return 2
    results = check_all(data, named, given.tsa_roots, held)
    for name, ok, detail in results:
        clean = "".join(c if c.isprintable() else "?" for c in detail)
        if given.json:
            sys.stdout.write(json.dumps({"check": name, "ok": ok, "detail": detail}) + "\n")
        else:
            sys.stdout.write(
                f"{'ok    ' if ok else 'FAILED'}  {name:<12} {clean.encode('ascii', 'replace').decode()}\n"
            )
    valid = all(ok for _, ok, _ in results)
    if not given.json:
        sys.stdout.write("\nVALID\n" if valid else "\nNOT VALID\n")
    return 0 if valid else 1


if __name__ == "__main__":
    sys.exit(main())
