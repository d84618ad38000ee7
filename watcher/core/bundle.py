"""The files of an evidence bundle, from its material: pure, so that the same material gives the same bytes.

Whatever the log binds is shown *sealed*: the digest that the log holds, and the value it is the digest of. A value that
is hidden or withheld leaves its digest behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

from watcher.core import absence, custody, merkle, note, report, stix, wacz, warc
from watcher.core.custody import Json, Record
from watcher.core.material import Head, Kept, Leaf, Material, keys_of
from watcher.core.redact import Redactor
from watcher.errors import EvidenceError

FORM = 1
LOG = "evidence/log-proofs.json"
CAPTURES = "evidence/captures.json"
EVENTS = "evidence/event.json"
ABSENCE = "evidence/absence.json"
REPORT = "evidence/report.html"
STIX = "evidence/stix.json"
VERIFIER = "evidence/verify.py"
BY_HAND = "evidence/VERIFY.txt"
REDACTIONS = "evidence/redactions.json"
ROOTS = "evidence/tsa-roots.pem"
CHECKPOINT = "evidence/checkpoint.txt"


def files(material: Material, *, verifier: bytes) -> dict[str, bytes]:
    """Every file of the bundle but the package that lists them."""
    if not material.heads or any(leaf.index >= material.heads[-1].size for leaf in material.leaves()):
        raise EvidenceError("the log has no checkpoint that covers this yet", hint="the watcher signs one each visit")
    redactor = Redactor(material.hidden)
    archive = _archive(material, redactor)
    made = {
        wacz.DATA: archive.data,
        wacz.INDEX: warc.cdxj(archive.places, wacz.DATA.rpartition("/")[2]),
        wacz.PAGES: wacz.pages_jsonl(pages(material)),
        LOG: _json(_log(material)),
        CAPTURES: _json(_captures(material, redactor)),
        EVENTS: _json(
            {"form": FORM, "events": [_sealed(custody.described(t.event), redactor) for t in material.events]}
        ),
        ABSENCE: _json({"form": FORM, "proofs": list(_absence(material, redactor))}),
        REPORT: report.html(material, redactor),
        STIX: stix.bundle(material, redactor),
        VERIFIER: verifier,
        **_heads(material),
    }
    if material.tsa_roots:
        made[ROOTS] = material.tsa_roots
    for number, descriptor in enumerate(material.descriptors, 1):
        made[descriptor_path(number)] = descriptor.text
    for name, picture in material.pictures.items():
        made[picture_path(name)] = picture
    if material.hidden:
        made[REDACTIONS] = _json(redactor.account())
    made[BY_HAND] = report.by_hand(material, sorted(made))
    return made


def pages(material: Material) -> tuple[wacz.Page, ...]:
    """The captures that a replay shows, by time."""
    redactor = Redactor(material.hidden)
    return tuple(
        wacz.Page(url=kept.capture.url, at=kept.capture.requested_at, title=f"{kept.capture.site}: {kept.capture.id}")
        for kept in material.kept
        if kept.response and not kept.capture.is_miss and bytes_shown(kept, redactor)
    )


def cover(material: Material) -> wacz.Cover:
    """What the package says of itself: no time but those of its contents."""
    kinds = ", ".join(dict.fromkeys(told.event.kind for told in material.events)) or "captures"
    sites = ", ".join(dict.fromkeys(kept.capture.site for kept in material.kept))
    return wacz.Cover(
        title=Redactor(material.hidden).hide(f"Evidence: {kinds} on {sites}"),
        description="Made by watcher. Begin with evidence/report.html; check with evidence/verify.py.",
        created=material.heads[-1].made_at,
        software=material.software,
    )


def picture_path(event: str) -> str:
    """Where the picture of the pages before and after an event stands in the bundle."""
    return f"evidence/pages-{sha256(event.encode()).hexdigest()[:12]}.png"


def descriptor_path(number: int) -> str:
    """Where an onion service's descriptor stands in the bundle."""
    return f"evidence/onion-{number}.hsdesc"


def checkpoint_stem(head: Head, heads: tuple[Head, ...]) -> str:
    """The path, without its ending, of what concerns this head; the last one's is plain."""
    return "evidence/checkpoint" if head.size == heads[-1].size else f"evidence/checkpoint-{head.size}"


# ---------------------------------------------------------------------------------------------------- documents


def _archive(material: Material, redactor: Redactor) -> warc.Archive:
    info = {
        "software": material.software,
        "format": "WARC File Format 1.1",
        "conformsTo": "https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/",
        "operator": redactor.hide(material.operator or "not named"),
        "description": "Requests and responses exactly as on the wire, cookies, framing and interim responses included",
    }
    retrievals = [
        warc.Retrieval(
            id=kept.capture.id,
            url=kept.capture.url,
            at=kept.capture.requested_at,
            request=kept.request,
            response=kept.response,
            status=kept.capture.status,
            cut=kept.capture.cut,
            facts=custody.canonical(custody.capture_facts(kept.capture)),
        )
        for kept in material.kept
        if bytes_shown(kept, redactor)
    ]
    return warc.write(info, retrievals, filename="data.warc.gz", at=material.heads[-1].made_at)


def bytes_shown(kept: Kept, redactor: Redactor) -> bool:
    """Whether the archive holds this capture's bytes: asked for, and nothing that is hidden stands in them."""
    return kept.bytes_included and not redactor.finds_in(kept)


def _captures(material: Material, redactor: Redactor) -> Record:
    captures: list[Json] = [
        {
            "id": kept.capture.id,
            "facts": _sealed(custody.capture_facts(kept.capture), redactor),
            "reading": _reading(kept, material, redactor),
            "bytes": bytes_shown(kept, redactor),
        }
        for kept in material.kept
    ]
    snapshots: list[Json] = [
        {
            "leaf": seen.leaf.index,
            "captures": [*seen.snapshot.captures],
            "snapshot": _sealed(custody.described(seen.snapshot), redactor, withhold=not seen.whole),
        }
        for seen in material.snapshots
    ]
    descriptors: list[Json] = [
        {"file": descriptor_path(number), "onion": one.onion, "leaf": one.leaf.index}
        for number, one in enumerate(material.descriptors, 1)
    ]
    return {"form": FORM, "captures": captures, "snapshots": snapshots, "descriptors": descriptors}


def _reading(kept: Kept, material: Material, redactor: Redactor) -> Json:
    """The reading, where something here binds it: a leaf of its own, or its snapshot's."""
    if kept.reading is None:
        return None
    if kept.reading_leaf is None and not (kept.bytes_included and material.snapshot_with(kept.capture.id)):
        return None
    return _sealed(custody.described(kept.reading), redactor, withhold=not kept.bytes_included)


def _sealed(value: Record, redactor: Redactor, *, withhold: bool = False) -> Record:
    digest = custody.digest(value)
    if withhold:
        return {"digest": digest}
    hidden = redactor.hide_all(value)
    return {"digest": digest, "value": value} if hidden == value else {"digest": digest, "redacted": hidden}


def _absence(material: Material, redactor: Redactor) -> Iterator[Record]:
    """For each event of an entry and each snapshot: was it there, or not, under each of its keys?"""
    for told in material.events:
        for key in keys_of(told.event, material):
            for seen in material.snapshots:
                if seen.snapshot.site != told.event.site:
                    continue
                proof = absence.prove(key, (entry.key for entry in seen.snapshot.entries))
                neighbours: list[Json] = [
                    {"index": n.index, "leaf": n.leaf.hex(), "path": _hexes(n.path)} for n in proof.neighbours
                ]
                yield {
                    "event": told.event.id,
                    "leaf": seen.leaf.index,
                    "key": None if redactor.finds(key) else key,
                    "key_leaf": absence.key_leaf(key).hex(),
                    "present": proof.present,
                    "size": proof.size,
                    "root": proof.root.hex(),
                    "neighbours": neighbours,
                }


def _log(material: Material) -> Record:
    heads, last = material.heads, material.heads[-1].size
    leaves: dict[int, Leaf] = {leaf.index: leaf for leaf in material.leaves()}
    checkpoints: list[Json] = [{"size": h.size, "file": f"{checkpoint_stem(h, heads)}.txt"} for h in heads]
    consistency: list[Json] = [
        {"old": h.size, "new": last, "path": _hexes(merkle.consistency_proof(h.size, last, material.node_at))}
        for h in heads[:-1]
    ]
    proofs: list[Json] = [
        {
            "index": index,
            "record": leaf.record,
            "path": _hexes(merkle.inclusion_proof(index, last, material.node_at)),
        }
        for index, leaf in sorted(leaves.items())
    ]
    packed: Record = {"packer": material.packer} if material.packer else {}
    return {
        "form": FORM,
        "key": material.vkey,
        **packed,
        "checkpoints": checkpoints,
        "consistency": consistency,
        "leaves": proofs,
    }


def _heads(material: Material) -> dict[str, bytes]:
    made = {}
    for head in material.heads:
        stem = checkpoint_stem(head, material.heads)
        made[f"{stem}.txt"] = head.note
        for number, token in enumerate(head.tokens, 1):
            made[f"{stem}-{number}.tsr"] = token.token
        if head.cosignatures:
            lines = note.parse_signatures(head.cosignatures.decode())
            made[f"{stem}-witnessed.txt"] = note.with_signatures(note.parse(head.note), lines).encode()
    return made


def _hexes(path: tuple[bytes, ...]) -> list[Json]:
    return [value.hex() for value in path]


def _json(value: Mapping[str, Json]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=True, sort_keys=True).encode() + b"\n"


def whole(material: Material, *, verifier: bytes, key: note.VerifierKey, sign: note.Sign) -> bytes:
    """The bundle: its files, the package that lists them, and the vantage's signature over that."""
    made = files(material, verifier=verifier)
    package = wacz.datapackage(cover(material), made, pages(material))
    return wacz.sealed(made, package, key, sign)
