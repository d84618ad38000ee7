"""Forgeries of a bundle, each with the check that must name it. What a forger can do grows from part to part."""

from __future__ import annotations

import copy
import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.evidence.story import KEY
from watcher.core import absence, bundle, custody, merkle, note, wacz, warc
from watcher.edge.sign import SigningKey

OTHER = SigningKey(origin=KEY.origin, secret=Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
Files = dict[str, bytes]
Doc = dict[str, Any]


class Forgery(NamedTuple):
    """One forged bundle, and the check that must fail."""

    name: str
    data: bytes
    check: str


def sealed(files: Files, key: SigningKey | None = None, cover: Doc | None = None) -> bytes:
    """The files with their digests redone; signed again if there is a key."""
    files = dict(files)
    said = json.loads(files[wacz.PACKAGE]) | (cover or {})
    said["resources"] = [
        {"name": path.rpartition("/")[2].lower(), "path": path, "hash": f"sha256:{sha256(data).hexdigest()}",
         "bytes": len(data)}
        for path, data in sorted(files.items())
        if path not in (wacz.PACKAGE, wacz.PACKAGE_DIGEST)
    ]  # fmt: skip
    files[wacz.PACKAGE] = json.dumps(said, indent=2).encode() + b"\n"
    text = json.loads(files[wacz.PACKAGE_DIGEST])["note"]
    if key is not None:
        text = str(note.sign(wacz.statement(key.origin, files[wacz.PACKAGE]), key.verifier, key.sign))
    files[wacz.PACKAGE_DIGEST] = wacz.package_digest(files[wacz.PACKAGE], text)
    return wacz.pack(files)


def flipped(data: bytes, place: int, bit: int = 1) -> bytes:
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def places(data: bytes) -> set[int]:
    return {0, len(data) // 3, len(data) // 2, len(data) - 1} if data else set()


# ---------------------------------------------------------------------------------- with nothing but a hex editor


def of_the_file(good: bytes) -> Iterator[Forgery]:
    """A bit anywhere, a cut, something behind or in front, and what zip files can be made to say twice."""
    files = wacz.unpack(good)
    for path, content in files.items():
        start = good.index(content, good.index(path.encode())) if content else 0
        for place in places(content):
            yield Forgery(f"a bit of {path} at {place}", flipped(good, start + place), "zip")
    directory = good.index(b"PK\x01\x02")
    for place in [*range(0, 60, 3), *range(directory, directory + 120, 4), *range(len(good) - 22, len(good))]:
        yield Forgery(f"a bit of the zip file's own at {place}", flipped(good, place), "zip")
    for size in range(1, len(good), len(good) // 15):
        yield Forgery(f"cut to {size} bytes", good[:size], "zip")
    yield Forgery("something behind", good + b"\n", "zip")
    yield Forgery("something in front", b"#!/bin/sh\n" + good, "zip")
    yield from _zip_tricks(good, files)


def _zip_tricks(good: bytes, files: Files) -> Iterator[Forgery]:
    def zipped(entries: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED, comment: bytes = b"") -> bytes:
        out = io.BytesIO()
        with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(out, "w", method) as archive:
            for path, data in entries:
                info = zipfile.ZipInfo(path, wacz.ZIP_TIME)
                info.external_attr, info.create_system = 0o100644 << 16, 3
                archive.writestr(info, data, compress_type=method)
            archive.comment = comment
        return out.getvalue()

    order = [(entry.filename, files[entry.filename]) for entry in zipfile.ZipFile(io.BytesIO(good)).infolist()]
    for name in ("../evil", "/etc/cron.d/evil", "evidence/../../evil", "evidence\\evil", "evidence/a/b", "C:evil",
                 "evidence/.hidden", "other/file.txt", "evidence/\u202etxt.exe", "evidence/nul\0",
                 "evidence/"):  # fmt: skip
        yield Forgery(f"a file named {name!r}", zipped([*order, (name, b"x")]), "zip")
    for path, data in order[:6]:
        yield Forgery(f"{path} twice", zipped([*order, (path, data)]), "zip")
        yield Forgery(f"another {path} behind", zipped([*order, (path, b"other")]), "zip")
        yield Forgery(f"another {path} in front", zipped([(path, b"other"), *order]), "zip")
    yield Forgery("compressed", zipped(order, zipfile.ZIP_DEFLATED), "zip")
    yield Forgery("a bomb", zipped([*order, ("evidence/bomb.bin", bytes(30_000_000))], zipfile.ZIP_DEFLATED), "zip")
    yield Forgery("a comment", zipped(order, comment=b"hello"), "zip")
    yield Forgery("another order", zipped(order[::-1]), "zip")
    yield Forgery("no files", zipped([]), "package")
    hidden = zipped([("evidence/hidden.txt", b"x")])
    local = hidden[: hidden.index(b"PK\x01\x02")]
    start = struct.unpack("<I", good[-6:-2])[0]
    end = good[-22:-6] + struct.pack("<I", start + len(local)) + good[-2:]
    yield Forgery("a file between the others", good[:start] + local + good[start:-22] + end, "zip")


# ----------------------------------------------------------------------------------- with the format, not the key


def without_the_key(good: bytes) -> Iterator[Forgery]:
    """Files changed, removed, added, renamed, swapped; digests redone or not; signed by somebody else."""
    files = wacz.unpack(good)
    plain = [path for path in files if path not in (wacz.PACKAGE, wacz.PACKAGE_DIGEST)]
    for path in plain:
        changed = {**files, path: files[path] + b" "}
        removed = {other: data for other, data in files.items() if other != path}
        renamed = {**removed, path + ".bak": files[path]}
        following = plain[(plain.index(path) + 1) % len(plain)]
        swapped = {**files, path: files[following], following: files[path]}
        emptied = {**files, path: b""}
        for what, made in (
            ("changed", changed), ("removed", removed), ("renamed", renamed), ("swapped", swapped),
            ("emptied", emptied),
        ):  # fmt: skip
            yield Forgery(f"{path} {what}", wacz.pack(made), "package")
            yield Forgery(f"{path} {what}, digests redone", sealed(made), "signature")
            yield Forgery(f"{path} {what}, signed by another", sealed(made, OTHER), "signature")
    added = {**files, "evidence/more.txt": b"more"}
    yield Forgery("a file added", wacz.pack(added), "package")
    yield Forgery("a file added, digests redone", sealed(added), "signature")
    yield Forgery("all signed by another", _all_by_another(files), "key")
    for name, value in (("title", "x"), ("created", "2026-01-01T00:00:00Z"), ("software", "x"), ("mainPageUrl", "x")):
        yield Forgery(f"the package's {name}", sealed(files, cover={name: value}), "signature")
    spelled = json.loads(files[wacz.PACKAGE_DIGEST])
    for unsigned in (json.dumps(spelled, indent=2), json.dumps({**spelled, "more": "x"}, indent=2) + "\n"):
        made = wacz.pack({**files, wacz.PACKAGE_DIGEST: unsigned.encode()})
        yield Forgery(f"{wacz.PACKAGE_DIGEST} is {unsigned!r}", made, "package")
    for broken in (b"", b"{", b"[]", b"null", b'{"path": "datapackage.json", "path": "x"}', b"\xff"):
        for path in (wacz.PACKAGE, wacz.PACKAGE_DIGEST):
            yield Forgery(f"{path} is {broken!r}", wacz.pack({**files, path: broken}), "package")


def _all_by_another(files: Files) -> bytes:
    """Another key throughout: package, checkpoints, the key that the log names."""
    made = dict(files)
    log = json.loads(files[bundle.LOG])
    for item in log["checkpoints"]:
        text = note.parse(files[item["file"]]).text
        made[item["file"]] = note.sign(text, OTHER.verifier, OTHER.sign).encode()
    log["key"] = OTHER.vkey
    made[bundle.LOG] = json.dumps(log).encode()
    return sealed(made, OTHER)


# ----------------------------------------------------------------------------- with the key, but not a second log


def with_the_key(good: bytes) -> Iterator[Forgery]:
    """What the vantage itself could claim afterwards, its log being what it is."""
    files = wacz.unpack(good)

    def changed(path: str, change: Callable[[Doc], object]) -> bytes:
        document = json.loads(files[path])
        change(document)
        return sealed({**files, path: json.dumps(document).encode()}, KEY)

    for path in (bundle.LOG, bundle.CAPTURES, bundle.EVENTS, bundle.ABSENCE):
        for broken in (b"", b"{", b"[]", b'{"form": 2}', b'{"form": 1, "form": 1}'):
            yield Forgery(f"{path} is {broken!r}", sealed({**files, path: broken}, KEY), "documents")
        gone = sealed({other: data for other, data in files.items() if other != path}, KEY)
        yield Forgery(f"{path} is gone", gone, "documents")
    shown = files[bundle.CAPTURES]
    for number in (b"NaN", b"-Infinity", b"1e999"):  # a careless verifier gives them the digest of null
        forged = shown.replace(b": null", b": " + number, 1)
        assert forged != shown
        yield Forgery(f"{number!r} for null", sealed({**files, bundle.CAPTURES: forged}, KEY), "documents")
    yield from _log(files, changed)
    yield from _captures(files, changed)
    yield from _events(files, changed)
    yield from _absence(files, changed)
    yield from _archive(files)


Change = Callable[[str, Callable[[Doc], object]], bytes]


def _log(files: Files, changed: Change) -> Iterator[Forgery]:
    log = json.loads(files[bundle.LOG])
    for number, item in enumerate(log["leaves"]):
        what = f"leaf {item['index']}"

        def leaf(change: Callable[[Doc], object], number: int = number) -> bytes:
            return changed(bundle.LOG, lambda d: change(d["leaves"][number]))

        yield Forgery(f"{what}: later", leaf(lambda x: x["record"].update(at="2025-11-20T07:00:00.000000Z")), "leaves")
        yield Forgery(f"{what}: a field more", leaf(lambda x: x["record"].update(more="")), "leaves")
        yield Forgery(f"{what}: another index", leaf(lambda x: x.update(index=x["index"] ^ 1)), "leaves")
        yield Forgery(f"{what}: a path of others", leaf(lambda x: x["path"].reverse()), "leaves")
        yield Forgery(f"{what}: a shorter path", leaf(lambda x: x["path"].pop()), "leaves")
        yield Forgery(f"{what}: no hash", leaf(lambda x: x["path"].__setitem__(0, "zz")), "leaves")
        twice = changed(bundle.LOG, lambda d, n=number: d["leaves"].append(d["leaves"][n]))
        yield Forgery(f"{what}: twice", twice, "leaves")
        act = item["record"]["act"]
        if act == "reading":  # its snapshot's leaf says the same
            continue
        check = {"capture": "captures", "miss": "captures", "snapshot": "snapshots"}.get(act, "events")
        yield Forgery(f"{what}: left out", changed(bundle.LOG, lambda d, n=number: d["leaves"].pop(n)), check)
    for number, _ in enumerate(log["checkpoints"]):
        yield Forgery(
            f"checkpoint {number}: another size",
            changed(bundle.LOG, lambda d, n=number: d["checkpoints"][n].update(size=3)),
            "checkpoints",
        )
        yield Forgery(
            f"checkpoint {number}: another file",
            changed(bundle.LOG, lambda d, n=number: d["checkpoints"][n].update(file=bundle.REPORT)),
            "checkpoints",
        )
    yield Forgery("no checkpoints", changed(bundle.LOG, lambda d: d["checkpoints"].clear()), "checkpoints")
    yield Forgery("one checkpoint hidden", changed(bundle.LOG, lambda d: d["checkpoints"].pop(0)), "checkpoints")
    yield Forgery("checkpoints reversed", changed(bundle.LOG, lambda d: d["checkpoints"].reverse()), "checkpoints")
    yield Forgery("no consistency", changed(bundle.LOG, lambda d: d["consistency"].clear()), "consistency")
    for name, value in (("old", 1), ("new", 5), ("path", []), ("path", ["00" * 32])):
        made = changed(bundle.LOG, lambda d, n=name, v=value: d["consistency"][0].update({n: v}))
        yield Forgery(f"consistency: {name} is {value}", made, "consistency")
    yield Forgery("another key named", changed(bundle.LOG, lambda d: d.update(key=OTHER.vkey)), "key")
    yield Forgery("no key named", changed(bundle.LOG, lambda d: d.pop("key")), "key")
    yield Forgery("no leaves", changed(bundle.LOG, lambda d: d["leaves"].clear()), "leaves")
    for path in [item["file"] for item in log["checkpoints"]]:
        yield from _checkpoint(files, path)


def _checkpoint(files: Files, path: str) -> Iterator[Forgery]:
    head = note.parse_checkpoint(note.parse(files[path]))

    def instead(data: bytes) -> bytes:
        return sealed({**files, path: data}, KEY)

    other_log = note.Checkpoint(origin="elsewhere", size=head.size, root=head.root).text()
    yield Forgery(f"{path} by another", instead(OTHER.checkpoint(head.size, head.root).encode()), "checkpoints")
    yield Forgery(
        f"{path} of another log", instead(note.sign(other_log, KEY.verifier, KEY.sign).encode()), "checkpoints"
    )
    yield Forgery(f"{path} with another root", instead(KEY.checkpoint(head.size, bytes(32)).encode()), "consistency")
    yield Forgery(f"{path} of another size", instead(KEY.checkpoint(head.size + 1, head.root).encode()), "checkpoints")
    yield Forgery(f"{path} without a signature", instead(files[path].partition(b"\n\n")[0] + b"\n\n"), "checkpoints")
    yield Forgery(f"{path} with a bit flipped", instead(flipped(files[path], 3)), "checkpoints")


def _captures(files: Files, changed: Change) -> Iterator[Forgery]:
    shown = json.loads(files[bundle.CAPTURES])

    def redone(sealed_value: Doc, change: Callable[[Doc], object]) -> None:
        change(sealed_value["value"])
        sealed_value["digest"] = custody.digest(sealed_value["value"])

    for number, item in enumerate(shown["captures"]):
        what = f"capture {item['id']}"

        def of(change: Callable[[Doc], object], number: int = number) -> bytes:
            return changed(bundle.CAPTURES, lambda d: change(d["captures"][number]))

        for name in (
            "url",
            "mirror",
            "requested_at",
            "finished_at",
            "status",
            "site",
            "visit",
            "cut",
            "isolation",
            "facts",
        ):
            made = of(lambda c, n=name: c["facts"]["value"].update({n: "forged"}))
            yield Forgery(f"{what}: {name}", made, "captures")
        made = of(lambda c: redone(c["facts"], lambda v: v.update(requested_at="2025-11-19T00:00:00.000000Z")))
        yield Forgery(f"{what}: back-dated, digest redone", made, "captures")
        left_out = changed(bundle.CAPTURES, lambda d, n=number: d["captures"].pop(n))
        yield Forgery(f"{what}: left out", left_out, "captures")
        twice = changed(bundle.CAPTURES, lambda d, n=number: d["captures"].append(d["captures"][n]))
        yield Forgery(f"{what}: twice", twice, "captures")
        if item["bytes"]:
            yield Forgery(f"{what}: said to have no bytes", of(lambda c: c.update(bytes=False)), "wire")
        if item["reading"] and item["reading"].get("value"):
            yield Forgery(f"{what}: an entry unread", of(lambda c: c["reading"]["value"]["entries"].pop(0)), "readings")
            made = of(lambda c: redone(c["reading"], lambda v: v["entries"].pop(0)))
            yield Forgery(f"{what}: an entry unread, digest redone", made, "readings")
            made = of(lambda c: redone(c["reading"], lambda v: v["rule"].update(entry=["li.other"])))
            yield Forgery(f"{what}: the rule swapped", made, "readings")
            made = of(lambda c: redone(c["reading"], lambda v: v.update(complete=not v["complete"])))
            yield Forgery(f"{what}: complete or not", made, "readings")
    for number, item in enumerate(shown["snapshots"]):
        what = f"snapshot {item['leaf']}"

        def snap(change: Callable[[Doc], object], number: int = number) -> bytes:
            return changed(bundle.CAPTURES, lambda d: change(d["snapshots"][number]))

        yield Forgery(f"{what}: another leaf", snap(lambda s: s.update(leaf=0)), "snapshots")
        yield Forgery(f"{what}: other captures", snap(lambda s: s.update(captures=["c0"])), "snapshots")
        yield Forgery(f"{what}: complete", snap(lambda s: s["snapshot"]["value"].update(complete="yes")), "snapshots")
        made = snap(lambda s: redone(s["snapshot"], lambda v: v["entries"].clear()))
        yield Forgery(f"{what}: without entries, digest redone", made, "snapshots")


def _events(files: Files, changed: Change) -> Iterator[Forgery]:
    told = json.loads(files[bundle.EVENTS])
    for name in told["events"][0]["value"]:
        made = changed(bundle.EVENTS, lambda d, n=name: d["events"][0]["value"].update({n: "forged"}))
        yield Forgery(f"event: {name}", made, "events")

        def redone(d: Doc, n: str = name) -> None:
            d["events"][0]["value"][n] = "forged"
            d["events"][0]["digest"] = custody.digest(d["events"][0]["value"])

        yield Forgery(f"event: {name}, digest redone", changed(bundle.EVENTS, redone), "events")
    yield Forgery("event left out", changed(bundle.EVENTS, lambda d: d["events"].clear()), "events")
    yield Forgery("event twice", changed(bundle.EVENTS, lambda d: d["events"].append(d["events"][0])), "events")


def _absence(files: Files, changed: Change) -> Iterator[Forgery]:
    proofs = json.loads(files[bundle.ABSENCE])["proofs"]
    entries = {
        item["leaf"]: [entry["key"] for entry in item["snapshot"]["value"]["entries"]]
        for item in json.loads(files[bundle.CAPTURES])["snapshots"]
    }
    for number, proof in enumerate(proofs):
        what = f"proof {number}"

        def of(change: Callable[[Doc], object], number: int = number) -> bytes:
            return changed(bundle.ABSENCE, lambda d: change(d["proofs"][number]))

        yield Forgery(f"{what}: the contrary", of(lambda p: p.update(present=not p["present"])), "absence")
        yield Forgery(f"{what}: of another set", of(lambda p: p.update(root="00" * 32)), "absence")
        yield Forgery(f"{what}: of another size", of(lambda p: p.update(size=p["size"] + 1)), "absence")
        yield Forgery(f"{what}: without neighbours", of(lambda p: p["neighbours"].clear()), "absence")
        yield Forgery(f"{what}: for another entry", of(lambda p: p.update(key="/company/other")), "absence")
        yield Forgery(f"{what}: of another leaf", of(lambda p: p.update(leaf=0)), "absence")
        for other in entries[proof["leaf"]][:4]:
            wrong = absence.prove(other, entries[proof["leaf"]]).neighbours[0]
            given: Doc = {"index": wrong.index, "leaf": wrong.leaf.hex(), "path": [p.hex() for p in wrong.path]}
            if given not in proof["neighbours"]:
                made = of(lambda p, g=given: p["neighbours"].__setitem__(0, copy.deepcopy(g)))
                yield Forgery(f"{what}: the wrong neighbour {other}", made, "absence")
    yield Forgery("no proofs", changed(bundle.ABSENCE, lambda d: d["proofs"].clear()), "absence")


def _archive(files: Files) -> Iterator[Forgery]:
    """Records removed, doubled, swapped, changed with every digest made good."""
    data = files[wacz.DATA]
    records = list(warc.read(data))
    members = [data[record.offset : record.offset + record.length] for record in records]

    def archived(parts: list[bytes]) -> bytes:
        return sealed({**files, wacz.DATA: b"".join(parts)}, KEY)

    for number, record in enumerate(records):
        what = f"{record.kind} record {number}"
        without = members[:number] + members[number + 1 :]
        yield Forgery(f"{what} removed", archived(without), "wire")
        yield Forgery(f"{what} doubled", archived(members[: number + 1] + members[number:]), "wire")
        yield Forgery(f"{what} at the end", archived([*without, members[number]]) if number < len(records) - 1
                      else archived([members[number], *without]), "wire")  # fmt: skip
        changed = _rewritten(record, record.block.replace(b"e", b"o", 1) + b"!")
        if record.kind != "warcinfo":
            yield Forgery(
                f"{what} changed, digest redone", archived([*members[:number], changed, *members[number + 1 :]]), "wire"
            )
    yield Forgery("the archive cut", archived([data[:-10]]), "wire")
    yield Forgery("the archive empty", archived([]), "wire")
    yield Forgery(
        "a record of another kind", archived([*members, _rewritten(records[0], b"x", kind="resource")]), "wire"
    )
    index = files[wacz.INDEX].replace(b'"offset": "', b'"offset": "1')
    yield Forgery("the index points elsewhere", sealed({**files, wacz.INDEX: index}, KEY), "wire")


def _rewritten(record: warc.Record, block: bytes, kind: str | None = None) -> bytes:
    headers = [
        (name, value) for name, value in record.headers.items()
        if name not in ("warc-block-digest", "content-length", "warc-type")
    ]  # fmt: skip
    return warc._member(
        [
            ("warc-type", kind or record.kind),
            *headers,
            ("warc-block-digest", f"sha256:{sha256(block).hexdigest()}"),
            ("content-length", str(len(block))),
        ],
        block,
    )


__all__ = ["Forgery", "merkle", "of_the_file", "sealed", "with_the_key", "without_the_key"]
