"""Whether a fleet's bundle holds: the parcel, each bundle in it with its vantage's key, and what they say together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from watcher.core import bundle_checks, fleet_bundle, note, wacz
from watcher.core.agreement import agreeing
from watcher.core.bundle_reading import Doc, Opened, open_bundle, parse
from watcher.core.checks import CheckResult, Checks, need
from watcher.edge.apart import reread_apart
from watcher.edge.sign import check_signature
from watcher.edge.verify_bundle import verify_bundle
from watcher.errors import EvidenceError


def verify_fleet(
    data: bytes,
    *,
    keys: Sequence[str] = (),
    roots: bytes | None = None,
    held: bytes | None = None,
    read_again: Callable[[bytes], str] = reread_apart,
) -> list[CheckResult]:
    """Every check of a fleet's bundle; those of the bundles in it are called ``NAME: check``. A key is meant for the
    log that bears its name; without any, each log's own word is taken for whose it is."""
    checks = Checks()
    try:
        files = wacz.unpack(data)
        bundles = fleet_bundle.vantage_bundles(files)
        whole = {**bundles, fleet_bundle.INDEX: files.get(fleet_bundle.INDEX, b"")}
        opened = {path: open_bundle(one) for path, one in whole.items()}
    except EvidenceError as error:
        checks.add("zip", False, str(error))
        return checks.results
    checks.add("zip", True, f"the bundles of an index and {len(bundles)} vantages")
    checks.run("package", lambda: bundle_checks.package(Opened(files=files)))
    named = {note.parse_key(key).name: key for key in keys}
    index = str(opened[fleet_bundle.INDEX].log.get("key", ""))
    checks.run("signature", lambda: _signature(files, index, named))
    checks.run("packer", lambda: _packers(opened, index))
    checks.run("names", lambda: _names(opened, named))
    results = checks.results
    for path, one in sorted(opened.items()):
        about = held if held is not None and _is_about(held, one) else None
        theirs = verify_bundle(
            files[path], keys=keys, roots=roots if _is_stamped(one) else None, held=about, read_again=read_again
        )
        called = "index" if path == fleet_bundle.INDEX else fleet_bundle.name_in(path)
        results = [*results, *(replace(result, check=f"{called}: {result.check}") for result in theirs)]
    last = Checks()
    last.run("agreement", lambda: _agreement(opened))
    return [*results, *last.results]


def _signature(files: Mapping[str, bytes], index: str, named: Mapping[str, str]) -> str:
    """The index signed for the parcel as a whole."""
    key = note.parse_key(index)
    need(not named or index in named.values(), f"packed and signed by {index}, whose key you did not name")
    said = parse(files[wacz.PACKAGE_DIGEST], wacz.PACKAGE_DIGEST)
    signed = note.parse(said["note"].encode())
    note.verify(signed, key, check_signature)
    need(signed.text == wacz.statement(key.name, files[wacz.PACKAGE]), "the signature is of another package")
    return f"the package is signed by {key.name}" + ("" if named else ": its own word; name the keys that you trust")


def _packers(opened: Mapping[str, Opened], index: str) -> str:
    """The vantages' bundles were packed by the index that signed for all."""
    for path, one in opened.items():
        if path != fleet_bundle.INDEX:
            need(one.log.get("packer", one.log.get("key")) in (index, one.log.get("key")), f"{path}: packed by another")
    return "all bundles were packed by the index, or by the vantage itself"


def _names(opened: Mapping[str, Opened], named: Mapping[str, str]) -> str:
    """Each bundle is of the log of the vantage that its name says, with the key that was named for it."""
    for path, one in opened.items():
        key = note.parse_key(str(one.log.get("key", "")))
        if path != fleet_bundle.INDEX:
            need(key.name == fleet_bundle.name_in(path), f"{path} is of the log of {key.name}")
        need(not named or str(key) == named.get(key.name), f"{path}: signed with {key}, not with a key that you named")
    return ", ".join(sorted(str(one.log["key"]).partition("+")[0] for one in opened.values()))


def _is_about(held: bytes, one: Opened) -> bool:
    return note.parse_checkpoint(note.parse(held)).origin == str(one.log.get("key", "")).partition("+")[0]


def _is_stamped(one: Opened) -> bool:
    return any(path.endswith(".tsr") for path in one.files)


def _agreement(opened: Mapping[str, Opened]) -> str:
    """What the index concluded has the word of as many vantages behind it as it says, in their own bundles."""
    count = 0
    index = opened[fleet_bundle.INDEX]
    origin = str(index.log["key"]).partition("+")[0]
    for event in index.events():
        if event["vantage"] != origin:
            path = fleet_bundle.path_of(event["vantage"])
            if path in opened:
                need(event in opened[path].events(), f"event {event['id']} is not what {event['vantage']} told")
            continue
        for name in agreeing(event["why"]):
            path = fleet_bundle.path_of(name)
            need(path in opened, f"event {event['id']}: there is no bundle of vantage {name}")
            told = [
                one
                for one in opened[path].events()
                if one["kind"] == event["kind"] and _same(one["entry"], event["entry"])
            ]
            need(told or _lacks(opened[path], event), f"event {event['id']}: {name} does not show it")
            count += 1
    return f"{count} agreeing words of vantages are backed by their own bundles"


def _same(mine: Doc | None, theirs: Doc | None) -> bool:
    """Whether two entries are the same: by key, page or title."""
    if mine is None or theirs is None:
        return mine is theirs
    same_page = mine["url"] and mine["url"] == theirs["url"]
    return bool(mine["key"] == theirs["key"] or same_page or mine["title"] == theirs["title"])


def _lacks(one: Opened, event: Doc) -> bool:
    """Whether the vantage's bundle shows a complete copy that is without the entry."""
    entry = event["entry"]
    for item in one.shown["snapshots"]:
        value = item["snapshot"].get("value")
        if value is None or entry is None or not value["complete"] or value["taken_at"] < (event["not_before"] or ""):
            continue
        if not any(_same(shown, entry) for shown in value["entries"]):
            return True
    return False
