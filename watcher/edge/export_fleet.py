"""``watcher export`` at an index: one file that holds, for what the fleet concluded, every vantage's own bundle.

It is a zip of bundles (as ``multi-wacz-package`` names such a thing): the index's, with its conclusion and the pages as
it received them, and of each vantage concerned one with its captures, its checkpoints and the proofs in its own log.
Each is a whole bundle that stands alone; the index packed and signed them, and vouches for no more than that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from watcher.config import Settings
from watcher.core import bundle, fleet_bundle, note
from watcher.core.agreement import same_entry
from watcher.core.material import Kept, Material
from watcher.edge.export import Exported, check, drawn, export, make, roots_of, written
from watcher.edge.gather import Provenance, Selection, gather
from watcher.edge.index_copies import copies
from watcher.edge.ledger import Ledger
from watcher.edge.sign import KnownKey, SigningKey
from watcher.edge.verify_fleet import verify_fleet
from watcher.errors import EvidenceError, StoreDamaged
from watcher.records import Event


@contextmanager
def opened_copies(
    store: Path, keys: Sequence[note.VerifierKey]
) -> Iterator[dict[str, tuple[Ledger, note.VerifierKey]]]:
    """The copies that an index keeps of the vantages with these keys; none in a lone watcher's store."""
    known = {key.name: key for key in keys}
    with ExitStack() as stack:
        yield {
            name: (stack.enter_context(Ledger.open(folder)), known[name])
            for name, folder in copies(store).items()
            if name in known
        }


def export_with(
    settings: Settings,
    ledger: Ledger,
    selection: Selection,
    out: Path,
    *,
    key: SigningKey,
    hidden: Sequence[str] = (),
    draw: bool = True,
) -> Exported:
    """The bundle that these settings ask for: a lone watcher's, or, of an index, one with those of all vantages.
    ``StoreDamaged`` if what was kept does not hold."""
    path = settings.timestamp.roots
    roots = path.read_bytes() if path is not None and path.is_file() else b""
    about = Provenance(operator=settings.operator, vantage=settings.vantage, tsa_roots=roots, hidden=tuple(hidden))
    try:
        if settings.fleet is None or not copies(settings.store):
            return export(ledger, selection, out, key=key, about=about, draw=draw)
        with opened_copies(settings.store, settings.fleet.vantages) as vantages:
            return export_fleet(ledger, vantages, selection, out, key=key, about=about, draw=draw)
    except EvidenceError as error:  # it is the store that does not hold, not a file that was handed in
        raise StoreDamaged(str(error), hint=error.hint or "`watcher verify` says what of the store is lost") from error


def export_fleet(
    union: Ledger,
    vantages: Mapping[str, tuple[Ledger, note.VerifierKey]],
    selection: Selection,
    out: Path,
    *,
    key: SigningKey,
    about: Provenance,
    draw: bool = True,
) -> Exported:
    """The bundle of what is selected at an index, in the file ``out``; nothing is written unless all of it verifies."""
    whole = drawn(union, selection, out, key, about, draw=draw)
    made = {fleet_bundle.INDEX: make(whole, key)}
    for name, (ledger, verifier) in sorted(vantages.items()):
        theirs = _theirs(ledger, whole, name)
        if theirs is None:
            continue
        packed = replace(about, vantage=name, packer=key.vkey)
        made[fleet_bundle.path_of(name)] = make(gather(ledger, theirs, KnownKey(verifier=verifier), packed), key)
    data = fleet_bundle.whole(made, bundle.cover(whole), key.verifier, key.sign)
    keys = [key.vkey, *(str(verifier) for _, verifier in vantages.values())]
    check(verify_fleet(data, keys=keys, roots=roots_of(whole)))
    return written(out, data, whole)


def _theirs(ledger: Ledger, whole: Material, vantage: str) -> Selection | None:
    """What of the vantage's own log belongs to it: its own conclusions on the same entries, and its pages that are
    shown; None: nothing."""
    events = [one for told in whole.events if (one := _own_event(ledger, told.event, vantage)) is not None]
    shown = [kept.capture.id for kept in whole.kept if _is_shown(kept, vantage, ledger)]
    if not events and not shown:
        return None
    return Selection(events=tuple(dict.fromkeys(one.id for one in events)), captures=tuple(shown))


def _is_shown(kept: Kept, vantage: str, ledger: Ledger) -> bool:
    return kept.bytes_included and kept.capture.vantage == vantage and ledger.capture(kept.capture.id) is not None


def _own_event(ledger: Ledger, event: Event, vantage: str) -> Event | None:
    """What the vantage itself told of the same thing, last before the fleet did."""
    if event.vantage == vantage:
        return ledger.event(event.id)
    told = [one for one in ledger.events(site=event.site, kind=event.kind) if one.confirmed_at <= event.confirmed_at]
    return next((one for one in reversed(told) if same_entry(event, one)), None)
