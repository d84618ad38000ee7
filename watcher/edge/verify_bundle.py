"""Whether a bundle holds, check by check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cryptography import x509

from watcher.core import bundle, bundle_checks, note
from watcher.core.bundle_checks import Trust
from watcher.core.bundle_reading import Opened, open_bundle
from watcher.core.checks import CheckResult, Checks, need
from watcher.core.moments import rfc3339
from watcher.edge import tokens
from watcher.edge.apart import reread_apart
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError


def verify_bundle(
    data: bytes,
    *,
    keys: Sequence[str] = (),
    roots: bytes | None = None,
    held: bytes | None = None,
    read_again: Callable[[bytes], str] = reread_apart,
) -> list[CheckResult]:
    """Every check of a bundle; ``keys`` are the verifier keys that the user trusts (one may be the vantage's, the rest
    those of who may have packed), ``roots`` the authorities' (PEM), ``held`` a checkpoint that the user kept. Pages are
    read again in a process that may be killed."""
    named = [note.parse_key(one) for one in keys]
    trusted = None if roots is None else tokens.load_roots(roots, source="--tsa-roots")
    checks = Checks()
    try:
        opened = open_bundle(data)
    except EvidenceError as error:
        checks.add("zip", False, str(error))
        return checks.results
    checks.add("zip", True, f"{len(opened.files)} files")
    checks.run("package", lambda: bundle_checks.package(opened))
    checks.run("documents", lambda: bundle_checks.documents(opened))
    pinned = _meant(named, opened)
    if pinned is None:
        if not checks.run("key", lambda: f"{note.parse_key(opened.log['key'])}"):
            return checks.results
        checks.results.pop()
    trust = Trust(
        key=pinned or note.parse_key(opened.log["key"]),
        pinned=pinned is not None,
        check=check_signature,
        packers=tuple(named),
    )
    checks.run("key", lambda: bundle_checks.key(opened, trust))
    checks.run("signature", lambda: bundle_checks.signature(opened, trust))
    if checks.run("checkpoints", lambda: bundle_checks.checkpoints(opened, trust)):
        checks.run("consistency", lambda: bundle_checks.consistency(opened))
        checks.run("leaves", lambda: bundle_checks.leaves(opened))
    checks.run("captures", lambda: bundle_checks.captures(opened))
    checks.run("wire", lambda: bundle_checks.wire(opened))
    checks.run("bodies", lambda: bundle_checks.bodies(opened))
    checks.run("readings", lambda: bundle_checks.readings(opened))
    checks.run("snapshots", lambda: bundle_checks.snapshots(opened))
    checks.run("events", lambda: bundle_checks.events(opened))
    checks.run("absence", lambda: bundle_checks.presence(opened))
    checks.run("reread", lambda: read_again(data))
    checks.run("descriptors", lambda: bundle_checks.descriptors(opened, trust))
    checks.run("clock", lambda: bundle_checks.clocks(opened))
    checks.run("times", lambda: _times(opened, trusted))
    if held is not None:
        checks.run("held", lambda: _held(opened, trust, held))
    return checks.results


def _meant(named: Sequence[note.VerifierKey], opened: Opened) -> note.VerifierKey | None:
    """The key that is meant for the log of this bundle: the one that it names, or else the first."""
    own = opened.log.get("key")
    return next((key for key in named if str(key) == own), named[0] if named else None)


def _held(opened: Opened, trust: Trust, held: bytes) -> str:
    """A checkpoint that somebody kept is one of those in the bundle."""
    signed = note.parse(held)
    note.verify(signed, trust.key, trust.check)
    kept = note.parse_checkpoint(signed)
    for head, path in opened.heads:
        if head.size == kept.size:
            need(head.root == kept.root, f"{path} has another root than the checkpoint held: the log forked")
            return f"{path} is the checkpoint held, over {kept.size} leaves"
    sizes = ", ".join(str(head.size) for head, _ in opened.heads)
    raise EvidenceError(f"the bundle speaks of the log at {sizes} leaves, the checkpoint held of {kept.size}")


def _times(opened: Opened, roots: tuple[x509.Certificate, ...] | None) -> str:
    """Each token is of a checkpoint here, by an authority under the roots; no record claims to be later than it."""
    paths = sorted(path for path in opened.files if path.endswith(".tsr"))
    if not paths:
        need(roots is None, "there is no time-stamp to check against your roots")
        return "no independent time: only the vantage's own clock"
    trusted = roots or tokens.load_roots(opened.file(bundle.ROOTS), source=bundle.ROOTS)
    sizes = {path: head.size for head, path in opened.heads}
    found = []
    for path in paths:
        stamped = path.rpartition("-")[0] + ".txt"
        need(stamped in sizes, f"{path} is a time-stamp of no checkpoint here")
        at = tokens.verify(opened.files[path], opened.files[stamped], trusted)
        found.append(f"{sizes[stamped]} leaves existed by {rfc3339(at)[:19]}Z")
        for index, record in opened.leaves.items():
            late = index < sizes[stamped] and datetime.fromisoformat(record["at"]) > at + tokens.CLOCK_TOLERANCE
            need(not late, f"leaf {index} says it was made after the time-stamp that covers it")
    return "; ".join(found) + ("" if roots else " (by the bundle's own roots: name yours with --tsa-roots)")
