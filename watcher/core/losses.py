"""One entry's being missing: what each look adds to it, and when it is sure enough to be called withdrawn.

An absence that nothing makes suspicious is sure after ``confirm_visits`` complete snapshots over ``confirm_after``. One
that looks like a fault needs a witness (the entry's own page is gone while another entry's answers; another mirror,
otherwise whole, lacks it too) or must outlast ``structural_after``. One that may have rolled off the end of a full
list, or whose name still stands on the page, is never sure by time: only its own page can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Literal

from watcher.core.notes import Absence, Lack, Notes, tag
from watcher.core.structural import Signs, is_mass
from watcher.records import Policy, Probe, RosterEntry, Snapshot

ENOUGH_CIRCUITS = 2
MOST_CIRCUITS = 4
MANY_BAD, LATELY = 3, 8
"""So many bad visits among the last so many stretch every wait."""
TWICE = 2
UNREAD = "name-on-page:unread"
MIRRORS_DIFFER = "mirrors-differ"
LONG_STALE = 6
"""An old page that another mirror shows so often, with no other look between, is what there is."""
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


def is_off(absence: Absence) -> bool:
    """Whether an entry rolled off the end of the list, and not just now."""
    return bool(absence.cap) and absence.count >= TWICE * TWICE


def is_of_page(absence: Absence) -> bool:
    """Whether the loss looked like a fault of the page as a whole, not of this entry or mirror."""
    whole = ("many", "tail", "empty", "site-says", "no-control", "reshuffled")
    return any(doubt.startswith(whole) for doubt in absence.doubts)


def begin(held: RosterEntry, notes: Notes, snapshot: Snapshot) -> Absence:
    """The absence of an entry that this complete snapshot lacks and the last one had."""
    had, had_in = notes.whole.get(held.key, (held.last_seen, held.seen_in))
    return Absence(
        had=had,
        had_in=had_in,
        after=snapshot.finished_at,
        lacks_in=snapshot.captures[0] if snapshot.captures else None,
        began=notes.visits,
        since=notes.passed,
    )


def begin_anew(absence: Absence, notes: Notes, snapshot: Snapshot) -> None:
    """Counts from here: what was lost with the entry is back, so the pages that lacked it until now were faulty."""
    absence.after = snapshot.finished_at
    absence.lacks_in = snapshot.captures[0] if snapshot.captures else None
    absence.began = notes.visits
    absence.since = notes.passed
    absence.count = absence.clean = 0
    absence.elapsed = absence.total = 0.0
    absence.circuits, absence.mirrors, absence.first = [], {}, None
    absence.room = 0


def resume(absence: Absence, held: RosterEntry, notes: Notes, snapshot: Snapshot) -> None:
    """Counts from here, on a mirror that lacks what another has shown since; what this one lacked is not forgotten."""
    if absence.first is None:
        absence.first = (absence.had, absence.had_in, absence.after, absence.lacks_in)
    absence.had, absence.had_in = notes.whole.get(held.key, (held.last_seen, held.seen_in))
    absence.after = snapshot.finished_at
    absence.lacks_in = snapshot.captures[0] if snapshot.captures else None
    absence.count = absence.clean = 0
    absence.elapsed = 0.0
    absence.circuits = []
    absence.resting = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What else the page lacks."""

    together: int
    """Lost at the same time as the entry, itself counted."""
    doubtful: int
    """Others that are lost just now, or went together with so many that it looks like a fault."""
    fresh: int
    """Lost just now."""


def count(absence: Absence, key: str, signs: Signs, snapshot: Snapshot, company: Company, *, now: float) -> bool:
    """Adds one complete snapshot that lacks the entry; ``now``: how much has surely passed by it.

    Returns whether this mirror lacks it again, after another showed it in between: they do not fail together.
    """
    mirror = tag(snapshot.mirror)
    apart = bool(absence.shown) and mirror in absence.mirrors
    passed, absence.since = now - absence.since, now
    absence.elapsed += passed if absence.count else 0.0
    absence.total += passed
    if signs.empty and not absence.empty:
        # an empty frame says nothing new of what was lost before it: its own clock runs
        absence.count = absence.clean = 0
        absence.elapsed = 0.0
    absence.empty, absence.moving = signs.empty, absence.count > 0 and is_mass(company.fresh, signs.expected)
    absence.count += 1
    absence.shown.pop(mirror, None)
    absence.stale = {other: 0 for other in absence.stale if other != mirror}
    circuit = tag(snapshot.isolation) if snapshot.isolation else f"?{snapshot.visit}"
    if circuit not in absence.circuits:
        absence.circuits = [*absence.circuits, circuit][-MOST_CIRCUITS:]
    absence.doubts = _doubts(absence, key, signs, company)
    lack = absence.mirrors.setdefault(mirror, Lack())
    lack.count += 1
    lack.agreed += signs.agrees and not _is_shared(absence.doubts)  # on an old page all agree
    if not absence.doubts:
        absence.clean += 1
        lack.clean += 1
    if not set(absence.doubts) - {"reshuffled"}:
        absence.room = max(absence.room, len(snapshot.entries))
    return apart


def _doubts(absence: Absence, key: str, signs: Signs, company: Company) -> list[str]:
    """What makes the loss look like a fault, as of this snapshot."""
    doubts = []
    if signs.empty:
        # the template says "nothing here" of a failed database, too: words cannot tell it from the truth
        doubts.append("site-says-empty" if signs.says_empty else "empty-frame")
    many = max(company.together, company.doubtful)
    if is_mass(many, signs.expected):
        doubts.append(f"many-at-once:{many}")
    elif not signs.control(key):
        doubts.append("no-control-majority")
    if key in signs.tail and not signs.empty:
        doubts.append("tail-of-list")
    if absence.shuffled:
        doubts.append("reshuffled")
    if key in signs.older:
        doubts.append("older-set")
    if key in signs.behind:
        doubts.append("mirror-behind")
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
        absence.answer, absence.gone = "alive", 0
    elif seen.answer == "gone" and answers:
        absence.answer, absence.gone = "gone", absence.gone + 1


def judge(absence: Absence, policy: Policy, notes: Notes, twin: str = "") -> Finding:
    """Whether the absence is sure. ``twin`` names an entry still listed that says exactly the same, if there is one."""
    visits = max(policy.confirm_visits, 1)
    gone = absence.answer == "gone" and absence.gone >= min(visits, ENOUGH_CIRCUITS)
    circuits = len(absence.circuits) >= ENOUGH_CIRCUITS
    doubts = [*absence.doubts, *([] if circuits else ["one-circuit"])]
    if twin and not gone:
        return Finding(sure=False, waits=(f"same-as:{twin}",))
    if absence.cap and not gone:
        return Finding(sure=False, waits=("own-page", "rolled-off"))
    if UNREAD in doubts and not gone:
        return Finding(sure=False, waits=("own-page", UNREAD))
    for way, (looks, needed, seconds, wait) in _ways(absence, policy, notes, doubts).items():
        if looks >= needed and timedelta(seconds=seconds) >= wait:
            return Finding(sure=True, why=_why(absence, way, doubts))
    waits = [*doubts, *(["detail-still-up"] if absence.answer == "alive" else [])]
    waits += ["mirror-still-shows"] if absence.shown else []
    return Finding(sure=False, waits=tuple(waits or ["visits" if absence.count < visits else "time"]))


def _ways(
    absence: Absence, policy: Policy, notes: Notes, doubts: Sequence[str]
) -> dict[str, tuple[int, int, float, timedelta]]:
    """The ways in which it can become sure: looks made and needed, seconds passed and wait."""
    slow = stretch(notes.looks) * (TWICE if absence.answer == "alive" else 1)
    visits = max(policy.confirm_visits, 1)
    after, long = policy.confirm_after, max(policy.structural_after, policy.confirm_after) * slow
    circuits = "one-circuit" not in doubts
    if absence.shown:
        # other mirrors still show it: those that lack it must be beyond doubt, and outlast the wait for a fault
        lacking = sum(lack.clean for mirror, lack in absence.mirrors.items() if mirror not in absence.shown)
        return {} if absence.doubts else {MIRRORS_DIFFER: (lacking, ceil(TWICE * visits * slow), absence.total, long)}
    ways = {} if absence.moving else {"lasted": (absence.count, TWICE * visits, absence.elapsed, long)}
    if circuits and absence.gone >= min(visits, ENOUGH_CIRCUITS) and absence.answer == "gone":
        ways["own-page-gone"] = (absence.count, visits, absence.elapsed, after)
    if not doubts:
        ways["clean"] = (min(absence.clean, absence.count), ceil(visits * slow), absence.elapsed, after * slow)
    if circuits and absence.answer != "alive" and notes.apart >= TWICE and _mirrors_agree(absence):
        ways["mirrors"] = (absence.count, TWICE * visits, absence.elapsed, after * slow)
    return ways


def _mirrors_agree(absence: Absence) -> bool:
    """Whether two mirrors lacked just the same again and again, and it is no fault that mirrors can share.

    They may ask one database behind them: a list cut short, an old or an empty one looks the same on all of them.
    Of a list in another order nobody can tell whether it was cut short.
    """
    return not _is_shared(absence.doubts) and sum(lack.agreed > 0 for lack in absence.mirrors.values()) >= TWICE


def _is_shared(doubts: Sequence[str]) -> bool:
    """Whether a look has a doubt that mirrors share."""
    shared = ("tail", "reshuffled", "older", "mirror-behind", "name-on-page", "empty-frame", "site-says", "no-control")
    return any(doubt.startswith(shared) for doubt in doubts)


def _why(absence: Absence, way: str, doubts: list[str]) -> tuple[str, ...]:
    """Machine words."""
    words = [f"absent-from-listing:{absence.count}"]
    if absence.answer == "gone":
        words.append("detail-offline")
    elif absence.answer == "alive":
        words.append("detail-still-up")
    if len(absence.mirrors) > 1:
        words.append(f"mirrors-agree:{len(absence.mirrors)}")
    words += [f"mirror-still-shows:{mirror}" for mirror in sorted({*absence.shown, *absence.stale})]
    known = [circuit for circuit in absence.circuits if not circuit.startswith("?")]
    if known:
        words.append(f"circuits:{len(known)}")
    words.append(f"lasted:{lasted(absence.total if way == MIRRORS_DIFFER else absence.elapsed)}")
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


def show_again(absence: Absence, snapshot: Snapshot, signs: Signs, now: float) -> Literal["back", "elsewhere", "old"]:
    """Counts a sighting of a missing entry: ``back`` where it lacked (a blink), shown ``elsewhere`` by another mirror,
    or on an ``old`` page that says nothing.

    What another mirror shows breaks the row of looks that lack the entry, but not that mirror's own.
    """
    mirror = tag(snapshot.mirror)
    absence.total += now - absence.since
    absence.since = now
    if signs.copy or signs.stale or (signs.older and mirror not in absence.mirrors):
        absence.stale[mirror] = absence.stale.get(mirror, 0) + 1
        if absence.stale[mirror] < (TWICE if mirror in absence.mirrors else LONG_STALE):
            return "old"
    absence.shown[mirror] = absence.shown.get(mirror, 0) + 1
    absence.mirrors.pop(mirror, None)
    if not absence.mirrors:
        return "back"
    absence.resting = True
    return "elsewhere"
