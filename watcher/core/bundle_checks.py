"""Whether a bundle holds, check by check. ``evidence/verify.py``, written apart from this, uses the same names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from watcher.core import absence, bundle, clock, custody, http, merkle, note, onion_descriptor, wacz, warc
from watcher.core.bundle_reading import SIDES, Blocks, Doc, Opened, hash_of, hashes_of, parse, unseal
from watcher.core.checks import need
from watcher.core.material import ONLY_AFTER, ONLY_BEFORE
from watcher.core.moments import counted
from watcher.errors import EvidenceError

KEPT = ("capture", "miss", "refusal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whose word is taken."""

    key: note.VerifierKey
    """Of the vantage whose log it is."""
    pinned: bool
    check: note.Check
    packers: tuple[note.VerifierKey, ...] = ()
    """Who else may have packed it."""


# ------------------------------------------------------------------------------------------ the package and its key


def package(opened: Opened) -> str:
    """Every file is listed, with its length and digest."""
    listing = opened.file(wacz.PACKAGE)
    said = parse(opened.file(wacz.PACKAGE_DIGEST), wacz.PACKAGE_DIGEST)
    need(said["hash"] == f"sha256:{sha256(listing).hexdigest()}", f"{wacz.PACKAGE} has another digest")
    need(said["path"] == wacz.PACKAGE, f"{wacz.PACKAGE_DIGEST} speaks of another file")
    plain = opened.file(wacz.PACKAGE_DIGEST) == wacz.package_digest(listing, said["note"])
    need(plain, f"{wacz.PACKAGE_DIGEST}, which no signature covers, holds more than it needs to")
    resources = parse(listing, wacz.PACKAGE)["resources"]
    listed = {one["path"]: (one["hash"], one["bytes"]) for one in resources}
    need(len(listed) == len(resources), "a file is listed twice")
    present = {
        path: (f"sha256:{sha256(data).hexdigest()}", len(data))
        for path, data in opened.files.items()
        if path not in (wacz.PACKAGE, wacz.PACKAGE_DIGEST)
    }
    faults = [f"{path} is not listed" for path in sorted(present.keys() - listed.keys())]
    faults += [f"{path} is missing" for path in sorted(listed.keys() - present.keys())]
    both = sorted(present.keys() & listed.keys())
    faults += [f"{path} has another digest or length than is listed" for path in both if present[path] != listed[path]]
    need(not faults, "; ".join(faults))
    return f"{len(listed)} files, each with the digest that is listed"


def documents(opened: Opened) -> str:
    """The documents are there, and of a form known here."""
    need(not opened.problems, "; ".join(opened.problems.values()))
    return "all documents are there"


def key(opened: Opened, trust: Trust) -> str:
    """Who signed is who was asked for."""
    own = note.parse_key(opened.log["key"])
    need(own == trust.key, f"signed with {own}, not with the key that you named")
    return f"{own}" + ("" if trust.pinned else ": the bundle's own word; name the key that you trust with --key")


def signature(opened: Opened, trust: Trust) -> str:
    """The vantage, or whoever packed for it, signed this very package."""
    said = parse(opened.file(wacz.PACKAGE_DIGEST), wacz.PACKAGE_DIGEST)
    signed = note.parse(said["note"].encode())
    packer = packer_of(opened) or trust.key
    known = not trust.pinned or packer in (trust.key, *trust.packers)
    need(known, f"packed and signed by {packer}, whose key you did not name: name it, too, if you trust it")
    note.verify(signed, packer, trust.check)
    expected = wacz.statement(packer.name, opened.file(wacz.PACKAGE))
    need(signed.text == expected, "the signature is of another package")
    return f"the package is signed by {packer.name}" + ("" if packer == trust.key else f", who packed it: {packer}")


def packer_of(opened: Opened) -> note.VerifierKey | None:
    """Who packed the bundle, if it says that it was not the vantage itself."""
    return note.parse_key(opened.log["packer"]) if "packer" in opened.log else None


# ---------------------------------------------------------------------------------------------------------- the log


def checkpoints(opened: Opened, trust: Trust) -> str:
    """Every checkpoint is signed, and none is hidden among the files."""
    found: list[tuple[note.Checkpoint, str]] = []
    for item in opened.log["checkpoints"]:
        signed = note.parse(opened.file(item["file"]))
        note.verify(signed, trust.key, trust.check)
        head = note.parse_checkpoint(signed)
        need(head.origin == trust.key.name, f"{item['file']} is a checkpoint of another log")
        need(head.size == item["size"], f"{item['file']} has another size than is said")
        found.append((head, item["file"]))
    need(found and found[-1][1] == bundle.CHECKPOINT, "there is no last checkpoint")
    sizes = [head.size for head, _ in found]
    need(sizes == sorted(set(sizes)), "checkpoints are out of order")
    there = {path for path in opened.files if re.fullmatch(r"evidence/checkpoint(-\d+)?\.txt", path)}
    extra = there - {path for _, path in found}
    need(not extra, f"a checkpoint is not accounted for: {', '.join(sorted(extra))}")
    opened.heads = found
    return f"{len(found)} signed by {trust.key.name}, the last over {sizes[-1]} leaves"


def consistency(opened: Opened) -> str:
    """The checkpoints are of one log that only grew."""
    *older, (last, _) = opened.heads
    proofs = opened.log["consistency"]
    need(len(proofs) == len(older), "a proof between checkpoints is missing, or one too many")
    for (head, _), proof in zip(older, proofs, strict=True):
        need((proof["old"], proof["new"]) == (head.size, last.size), "a consistency proof is about other checkpoints")
        merkle.verify_consistency(head.size, last.size, hashes_of(proof["path"]), head.root, last.root)
    number = len(opened.heads)
    return f"{counted(number, 'checkpoint is', 'checkpoints are')} of one log that only grew"


def leaves(opened: Opened) -> str:
    """Every record stands in the log."""
    need(opened.heads, "without a checkpoint nothing can be proved to stand in the log")
    last, _ = opened.heads[-1]
    for item in opened.log["leaves"]:
        index, record = item["index"], item["record"]
        need(index not in opened.leaves, f"leaf {index} stands there twice")
        leaf = merkle.leaf_hash(custody.leaf_data(record))
        merkle.verify_inclusion(leaf, index, last.size, hashes_of(item["path"]), last.root)
        opened.leaves[index] = record
    need(opened.leaves, "no record at all")
    return f"{counted(len(opened.leaves), 'record stands', 'records stand')} in the log"


# ------------------------------------------------------------------------------------------------- what was captured


def captures(opened: Opened) -> str:
    """What is said of each capture and miss is what was logged when it was kept; none is left out."""
    names = [item["id"] for item in opened.shown["captures"]]
    need(len(set(names)) == len(names), "a capture stands there twice")
    hidden = 0
    for item in opened.shown["captures"]:
        record, name = opened.kept(item["id"]), item["id"]
        need(record["facts"] == item["facts"]["digest"], f"the facts of capture {name} are not those logged")
        facts = unseal(item["facts"], f"capture {name}")
        if facts is None:
            hidden += 1
            continue
        need(facts["id"] == name, f"the facts of capture {name} are another's")
        need((facts["body_digest"] or "") == record["body"], f"capture {name} names another body than was logged")
    logged = {r["capture"] for r in opened.leaves.values() if r["act"] in KEPT}
    need(logged == set(names), f"a capture is logged and not shown: {', '.join(sorted(logged - set(names)))}")
    shown = counted(len(names), "capture or miss is", "captures and misses are")
    return f"{shown} as logged" + (f", {hidden} of them hidden" if hidden else "")


def wire(opened: Opened) -> str:
    """The archive holds, byte for byte, the requests and responses whose digests were logged."""
    count, places = fill_blocks(opened)
    wanted = {item["id"] for item in opened.shown["captures"] if item["bytes"]}
    need(wanted == opened.blocks.keys(), "the archive does not hold the captures that are said to be in it")
    for name, held in opened.blocks.items():
        record = opened.kept(name)
        for what, block in (("facts", held.facts), ("request", held.request), ("response", held.response)):
            same = sha256(block).hexdigest() == record[what]
            need(same, f"the {what} of capture {name} in the archive is not what was logged")
    for line in opened.file(wacz.INDEX).decode().splitlines():
        said = parse(line.split(" ", 2)[2].encode(), "the index")
        fits = places.pop(int(said["offset"]), None) == int(said["length"])
        need(fits, "the index points to where no response stands")
    inside = counted(count, "record")
    return f"{inside} in the archive; requests and responses of {counted(len(opened.blocks), 'capture')} are as logged"


def fill_blocks(opened: Opened) -> tuple[int, dict[int, int]]:
    """How many records the archive has, and where its responses stand; fills in ``opened.blocks``."""
    count, places, held, kinds = 0, dict[int, int](), Blocks(), set[str]()
    for record in warc.read(opened.file(wacz.DATA)):
        count += 1
        need((record.kind == "warcinfo") == (record.offset == 0), "the archive does not begin with its description")
        need(record.kind not in kinds, f"two records of one kind, the second at byte {record.offset}")
        match record.kind:
            case "response":
                held.response, held.url = record.block, record.headers.get("warc-target-uri", "")
                places[record.offset] = record.length
            case "request":
                held.request = record.block
            case "metadata":
                name, held.facts = parse(record.block, "a metadata record")["id"], record.block
                need(name not in opened.blocks, f"capture {name} stands in the archive twice")
                opened.blocks[name], held = held, Blocks()
            case "warcinfo":
                continue
            case other:
                raise EvidenceError(f"a record of an unknown kind, {other[:40]!r}, at byte {record.offset}")
        kinds = set() if record.kind == "metadata" else kinds | {record.kind}
    need(not kinds, "the archive ends within a capture")
    return count, places


def bodies(opened: Opened) -> str:
    """The bodies in the responses are those whose digests were logged."""
    count = 0
    for name, held in opened.blocks.items():
        if body := opened.kept(name)["body"]:
            payload = http.split(held.response).payload
            need(sha256(payload).hexdigest() == body, f"the body of capture {name} is not as logged")
            count += 1
    return f"{counted(count, 'body is', 'bodies are')} as logged"


# ----------------------------------------------------------------------------------------------- what was concluded


def readings(opened: Opened) -> str:
    """What captures were read as is what was logged, by the rule that is enclosed."""
    count = 0
    for item in opened.shown["captures"]:
        if item["reading"] is None:
            continue
        name, sealed = item["id"], item["reading"]
        value = unseal(sealed, f"the reading of capture {name}")
        record = _record_of_reading(opened, name, sealed["digest"])
        if value is None:
            continue
        need(record["rule"] == value["rule_digest"], f"capture {name} was read by another rule")
        enclosed = "" if value["rule"] is None else custody.digest(value["rule"])
        need(enclosed in ("", value["rule_digest"]), f"the rule enclosed for {name} is not the one used")
        same = (record["verdict"], record["complete"]) == (value["verdict"], value["complete"])
        need(same, f"capture {name} was read to be something else")
        _same_set(record, value, f"the reading of capture {name}")
        count += 1
    return f"{counted(count, 'reading is', 'readings are')} as logged, rules included"


def _record_of_reading(opened: Opened, name: str, digest: str) -> Doc:
    """What the log says of a reading: in a leaf of its own, or in that of the snapshot which says no more than it."""
    own = [record for record in opened.of_capture(name, "reading") if record["reading"] == digest]
    if own:
        return own[0]
    found = [r for r in opened.leaves.values() if r["act"] == "snapshot" and r["captures"] == [name]]
    need(found, f"the reading of capture {name} is not in the log")
    return found[0]


def snapshots(opened: Opened) -> str:
    """What visits saw is what was logged."""
    for item in opened.shown["snapshots"]:
        what, record = f"snapshot {item['leaf']}", opened.leaves.get(item["leaf"], {"act": ""})
        need(record["act"] == "snapshot", f"{what} is not in the log")
        need(record["captures"] == item["captures"], f"{what} is of other captures")
        need(record["snapshot"] == item["snapshot"]["digest"], f"{what} is not the one logged")
        value = unseal(item["snapshot"], what)
        if value is not None:
            _same_set(record, value, what)
            _same_entries(opened, item["captures"], value)
    return counted(len(opened.shown["snapshots"]), "snapshot is", "snapshots are") + " as logged"


def _same_entries(opened: Opened, names: list[str], snapshot: Doc) -> None:
    """A snapshot of one page has the entries that were read from it, titles and all."""
    readings = [(item["reading"] or {}).get("value") for item in opened.shown["captures"] if item["id"] in names]
    if len(readings) == 1 and readings[0] is not None and len(names) == 1:
        need(readings[0]["entries"] == snapshot["entries"], f"the reading of {names[0]} is not what its snapshot says")


def _same_set(record: Doc, value: Doc, what: str) -> None:
    committed = absence.commit(entry["key"] for entry in value["entries"]).hex()
    need(record["entries"] == committed, f"{what}: the entries are not those logged")


def events(opened: Opened) -> str:
    """The conclusions are those logged, and the copies that they speak of are enclosed."""
    logged = {r["event"]: r["digest"] for r in opened.leaves.values() if r["act"] == "event"}
    captures_shown = {item["id"] for item in opened.shown["captures"]}
    for sealed in opened.told["events"]:
        need(sealed["digest"] in logged.values(), "an event is not the one logged")
        value = unseal(sealed, "an event")
        if value is None:
            continue
        name = value["id"]
        need(logged.get(name) == sealed["digest"], f"event {name} is not the one logged")
        for side in SIDES:
            need(value[side] is None or value[side] in captures_shown, f"the copy {side} event {name} is not enclosed")
    need(len(opened.told["events"]) == len(logged), "an event is logged and not shown")
    return f"{counted(len(logged), 'event is', 'events are')} as logged"


def presence(opened: Opened) -> str:
    """The entries were, and were not, where the events say; absence is claimed of complete copies alone."""
    seen: dict[tuple[str, int], set[bool]] = {}
    for item in opened.absence["proofs"]:
        record = opened.leaves.get(item["leaf"], {"act": ""})
        need(record["act"] == "snapshot", f"absence: snapshot {item['leaf']} is not in the log")
        commitment = hash_of(record["entries"])
        proof = absence.SetProof(
            present=item["present"],
            size=item["size"],
            root=hash_of(item["root"]),
            neighbours=tuple(
                absence.Neighbour(index=n["index"], leaf=hash_of(n["leaf"]), path=hashes_of(n["path"]))
                for n in item["neighbours"]
            ),
        )
        wanted = hash_of(item["key_leaf"])
        named = item["key"] is None or absence.key_leaf(item["key"]) == wanted
        need(named, "absence: a proof is about another entry than it names")
        absence.verify_leaf(wanted, proof, commitment)
        seen.setdefault((item["event"], item["leaf"]), set()).add(proof.present)
    for event in opened.events():
        if event["entry"] is not None:
            _check_sides(opened, event, seen)
    return counted(len(opened.absence["proofs"]), "proof") + " of presence and absence: all hold"


def _check_sides(opened: Opened, event: Doc, seen: dict[tuple[str, int], set[bool]]) -> None:
    name, kind = event["id"], event["kind"]
    expected = {"before": kind not in ONLY_AFTER, "after": kind not in ONLY_BEFORE}
    for side in SIDES:
        snapshot = opened.snapshot_with(event[side])
        if snapshot is None:
            need(kind != "withdrawn", f"event {name} lacks the copy {side} it")
            continue
        shown = seen.get((name, snapshot["leaf"]))
        need(shown is not None, f"nothing proves what event {name} says of the copy {side} it")
        need((True in (shown or ())) == expected[side], f"the copy {side} event {name} shows the contrary of it")
        complete = opened.leaves[snapshot["leaf"]]["complete"] is True
        need(expected[side] or complete, f"the copy {side} event {name} is incomplete: absence from it means nothing")


def clocks(opened: Opened) -> str:
    """What speaks for and against the vantage's own clock. Doubts are told; they make nothing invalid."""
    shown = {item["id"]: item["facts"].get("value") for item in opened.shown["captures"]}
    in_log = [record["capture"] for _, record in sorted(opened.leaves.items()) if record["act"] in KEPT]
    found = [facts for name in in_log if (facts := shown.get(name)) is not None]
    seen = [clock.reading(f["id"], datetime.fromisoformat(f["requested_at"]), f["facts"]) for f in found]
    doubts, unkept = clock.doubts(seen), clock.unkept(seen)
    said = f"; no time service kept it at {unkept} of them" if unkept else ""
    if doubts:
        return "times are NOT CERTAIN: " + "; ".join(doubts) + said
    return f"it was not set between {counted(len(found), 'capture')}{said}"


def descriptors(opened: Opened, trust: Trust) -> str:
    """Onion services' descriptors were logged, and are signed by the keys in the services' addresses."""
    listed = opened.shown["descriptors"]
    there = {path for path in opened.files if path.endswith(".hsdesc")}
    need({item["file"] for item in listed} == there, "a descriptor is not accounted for")
    for item in listed:
        record, text = opened.leaves.get(item["leaf"], {"act": ""}), opened.file(item["file"])
        need(record["act"] == "descriptor", f"{item['file']} is not in the log")
        need(record["descriptor"] == sha256(text).hexdigest(), f"{item['file']} is not the one that was logged")
        need(record["onion"] == sha256(item["onion"].encode()).hexdigest(), f"{item['file']} is another service's")
        onion_descriptor.verify(text, item["onion"], datetime.fromisoformat(record["at"]), trust.check)
    return f"{len(listed)} signed by the keys of their onions" if listed else "none enclosed"
