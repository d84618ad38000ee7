"""One entry's being missing: what each look adds to it, and when it is sure enough to be called withdrawn.

An absence that nothing makes suspicious is sure after ``confirm_visits`` complete snapshots over ``confirm_after``. One
that looks like a fault needs a witness (the entry's own page is gone while another entry's answers; another mirror,
otherwise whole, lacks it too) or must outlast ``structural_after``. One that may have rolled off the end of a full
list, or whose name still stands on the page, is never sure by time: only its own page can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from watcher.core.notes import Absence, Notes, tag
from watcher.core.structural import Signs, is_mass
from watcher.records import Policy, Probe, RosterEntry, Snapshot

ENOUGH_CIRCUITS = 2
MOST_CIRCUITS = 4
MANY_BAD, LATELY = 3, 8
"""So many bad visits among the last so many stretch every wait."""
TWICE = 2
ASLEEP = 60
"""An absence that another mirror contradicts is forgotten after so many visits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Whether an absence is sure, and why, or what it waits for."""

    sure: bool
    why: tuple[str, ...] = ()
    waits: tuple[str, ...] = ()
    """Machine words; ``time`` and ``visits`` mean that nothing else is in the way."""


def stretch(looks: str) -> float:
    """By how much bad visits lately lengthen every wait."""
    bad = looks[-LATELY:].count("b")
    return 1.0 + bad / LATELY if bad >= MANY_BAD else 1.0


def begin(held: RosterEntry, notes: Notes, snapshot: Snapshot) -> Absence:
    """The absence of an entry that this complete snapshot lacks and the last one had."""
    had, had_in = notes.whole.get(held.key, (held.last_seen, held.seen_in))
    return Absence(
        had=had,
        had_in=had_in,
        after=snapshot.finished_at,
        lacks_in=snapshot.captures[0] if snapshot.captures else None,
        began=notes.visits,
        last=snapshot.taken_at,
    )


def begin_anew(absence: Absence, notes: Notes, snapshot: Snapshot) -> None:
    """Counts from here: what was lost with the entry is back, so the pages that lacked it until now were faulty."""
    absence.after = snapshot.finished_at
    absence.lacks_in = snapshot.captures[0] if snapshot.captures else None
    absence.began = notes.visits
    absence.last = snapshot.taken_at
    absence.count = absence.clean = 0
    absence.elapsed = 0.0
    absence.circuits, absence.mirrors, absence.sound = [], {}, {}


def count(absence: Absence, key: str, signs: Signs, snapshot: Snapshot, *, group: int, fresh: int) -> None:
    """Adds one complete snapshot that lacks the entry; ``group`` went with it, ``fresh`` go just now."""
    mirror = tag(snapshot.mirror)
    absence.count += 1
    absence.elapsed += max(0.0, (snapshot.taken_at - absence.last).total_seconds())
    absence.last = snapshot.taken_at
    absence.resting = False
    absence.shown.pop(mirror, None)
    circuit = tag(snapshot.isolation) if snapshot.isolation else f"?{snapshot.visit}"
    if circuit not in absence.circuits:
        absence.circuits = [*absence.circuits, circuit][-MOST_CIRCUITS:]
    absence.mirrors[mirror] = absence.mirrors.get(mirror, 0) + 1
    if signs.nearly_all and not signs.empty:
        absence.sound[mirror] = absence.sound.get(mirror, 0) + 1
    absence.doubts = _doubts(absence, key, signs, group, fresh)
    if not absence.doubts:
        absence.clean += 1


def _doubts(absence: Absence, key: str, signs: Signs, group: int, fresh: int) -> list[str]:
    """What makes the loss look like a fault, as of this snapshot."""
    doubts = []
    if signs.empty:
        # the template says "nothing here" of a failed database, too: words cannot tell it from the truth
        doubts.append("site-says-empty" if signs.says_empty else "empty-frame")
    if is_mass(group, signs.expected) or is_mass(fresh, signs.expected):
        doubts.append(f"many-at-once:{max(group, fresh)}")
    elif not signs.control(key):
        doubts.append("no-control-majority")
    if key in signs.tail and not signs.empty:
        doubts.append("tail-of-list")
    if absence.shuffled:
        doubts.append("reshuffled")
    if signs.older:
        doubts.append("older-set")
    if signs.copy or signs.stale:
        doubts.append("older-page")
    if key in signs.elsewhere:
        doubts.append(f"name-on-page:{signs.elsewhere[key]}")
    return doubts


def probe(absence: Absence, probes: Mapping[str, Probe], key: str, *, answers: bool) -> None:
    """Adds what the entry's own page said; ``answers``: the page of a listed entry did answer, so ``gone`` counts."""
    seen = probes.get(key)
    if seen is None:
        return
    absence.probes += 1
    if seen.answer == "alive":
        absence.alive += 1
        absence.gone = 0
        absence.answer, absence.probed_in = "alive", seen.capture
    elif seen.answer == "gone" and answers:
        absence.gone += 1
        absence.answer, absence.probed_in = "gone", seen.capture


def judge(absence: Absence, policy: Policy, looks: str, twin: str) -> Finding:
    """Whether the absence is sure. ``twin`` names an entry still listed that says exactly the same, if there is one."""
    slow = stretch(looks)
    visits = max(policy.confirm_visits, 1)
    gone = absence.gone >= min(visits, ENOUGH_CIRCUITS) and absence.answer == "gone"
    alive = absence.answer == "alive"
    circuits = len(absence.circuits) >= ENOUGH_CIRCUITS
    elapsed = timedelta(seconds=absence.elapsed)
    doubts = [*absence.doubts, *([] if circuits else ["one-circuit"])]
    unread = "name-on-page:unread" in doubts
    if twin and not gone:
        return Finding(sure=False, waits=(f"same-as:{twin}",))
    if not gone and (absence.cap or unread):
        return Finding(sure=False, waits=("own-page", *(["rolled-off"] if absence.cap else ["name-on-page:unread"])))
    longer = TWICE if alive else 1
    ways = {"own-page-gone": (visits, policy.confirm_after)} if gone and circuits else {}
    if circuits and not doubts and not absence.shown and absence.clean >= ceil(visits * slow) * longer:
        ways["clean"] = (ceil(visits * slow) * longer, policy.confirm_after * slow * longer)
    if circuits and not absence.shown and not alive and _mirrors_agree(absence) and not _own_fault(absence):
        ways["mirrors"] = (TWICE * visits, policy.confirm_after * slow)
    ways["lasted"] = (TWICE * visits, max(policy.structural_after, policy.confirm_after) * slow * longer)
    for way, (needed, wait) in ways.items():
        if absence.count >= needed and elapsed >= wait:
            return Finding(sure=True, why=_why(absence, way, doubts))
    waits = doubts or (["detail-still-up"] if alive else []) or (["mirror-still-shows"] if absence.shown else [])
    return Finding(sure=False, waits=tuple(waits or ["visits" if absence.count < visits else "time"]))


def _mirrors_agree(absence: Absence) -> bool:
    """Whether two mirrors, both otherwise whole, lacked it twice each."""
    return sum(times >= TWICE for times in absence.sound.values()) >= TWICE


def _own_fault(absence: Absence) -> bool:
    """Whether the loss looks like what all mirrors would share: an older set, a name that is still there."""
    shared = ("older", "name-on-page", "empty-frame", "site-says", "no-control")
    return any(doubt.startswith(shared) for doubt in absence.doubts)


def _why(absence: Absence, way: str, doubts: list[str]) -> tuple[str, ...]:
    """Machine words."""
    words = [f"absent-from-listing:{absence.count}"]
    if absence.answer == "gone":
        words.append("detail-offline")
    elif absence.answer == "alive":
        words.append("detail-still-up")
    if len(absence.mirrors) > 1:
        words.append(f"mirrors-agree:{len(absence.mirrors)}")
    words += [f"mirror-still-shows:{mirror}" for mirror in sorted(absence.shown)]
    known = [circuit for circuit in absence.circuits if not circuit.startswith("?")]
    if known:
        words.append(f"circuits:{len(known)}")
    words.append(f"lasted:{lasted(absence.elapsed)}")
    if way != "clean":
        words += [doubt for doubt in doubts if not doubt.startswith("one-circuit")]
    words.append(f"sure-by:{way}")
    return tuple(words)


def lasted(seconds: float) -> str:
    """A length of time in its two largest units: ``1d2h``, ``35m``, ``40s``."""
    left = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if left >= size or (unit == "s" and not parts):
            parts.append(f"{left // size}{unit}")
            left %= size
    return "".join(parts[:2])


def show_again(absence: Absence, snapshot: Snapshot, signs: Signs | None) -> bool:
    """Counts a sighting of a missing entry; whether it is back (a blink) or only another mirror still shows it.

    The mirror that lacked it must show it again; what another one shows, or an older page, only holds the decision,
    until it has shown it twice.
    """
    mirror = tag(snapshot.mirror)
    if signs is not None and (signs.copy or signs.stale):
        absence.shown[mirror] = absence.shown.get(mirror, 0) + 1
        return absence.shown[mirror] >= TWICE
    if mirror in absence.mirrors:
        return True
    absence.shown[mirror] = absence.shown.get(mirror, 0) + 1
    if sum(absence.shown.values()) >= TWICE:
        absence.resting = True
    return False
