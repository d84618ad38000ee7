"""What follows from one snapshot: the next roster, the events, and whether to look again soon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from watcher.core import episodes, losses
from watcher.core.appear import appear, name_added
from watcher.core.baseline import remember_text, settle
from watcher.core.case import Case
from watcher.core.clock import Reading as Clocks
from watcher.core.clock import surely_passed
from watcher.core.compare import Delta
from watcher.core.identity import own_path
from watcher.core.missing import miss
from watcher.core.notes import LOOKS, Clock, Notes, load, save, tag
from watcher.core.remember import remember
from watcher.core.signs import read_signs
from watcher.core.watchlist import Watch
from watcher.records import SPEAKING, Decision, Policy, Probe, Roster, Snapshot

MOST_MISSING, MOST_NEW = 6, 2
"""Own pages that one visit may ask for: of missing entries, and of those just listed."""
ROLLED_EVERY = 12
"""An entry that rolled off is asked for in so many visits once."""
PATIENT = 24
"""A loss that must outlast a long wait is looked at so many times during it."""


# --------------------------------------------------------------------------------------------------------- probes


def wanted_probes(roster: Roster, delta: Delta, policy: Policy) -> tuple[str, ...]:
    """Roster keys of the entries whose own pages are worth a look now; the last is the control, still listed.

    Missing ones first, those least looked at before the others; then withdrawn ones that are on the page again, and
    just listed ones, so that their pages are known before they go. A site without links of its own asks for none.
    """
    notes = load(roster.notes)
    lacking = [key for key in delta.missing if own_path(roster.entries[key].url)]
    asked = [
        (notes.absences[key].probes if key in notes.absences else 0, at, key)
        for at, key in enumerate(lacking)
        if not _resting(notes, key, policy)
    ]
    wanted = [key for _, _, key in sorted(asked)[:MOST_MISSING]]
    again = [key for key in delta.seen if roster.entries[key].standing == "withdrawn" and own_path(delta.seen[key].url)]
    wanted += again[:MOST_NEW]
    wanted += [key for key in notes.fresh if key in delta.seen and key not in wanted][:MOST_NEW]
    if not wanted:
        return ()
    control = _control(roster, delta, notes, exclude={*wanted, *notes.fresh})
    return (*wanted, *control)


def usual_pages(roster: Roster) -> int:
    """How many pages the listing has when it is complete; 0 before it ever was."""
    return load(roster.notes).pages


def _resting(notes: Notes, key: str, policy: Policy) -> bool:
    """Whether a missing entry's page was seen often enough to wait: it rolled off, or its page stays up."""
    absence = notes.absences.get(key)
    if absence is None or absence.probes <= 2 * policy.confirm_visits:
        return False
    return bool(absence.cap or absence.answer == "alive") and absence.count % ROLLED_EVERY > 0


def _control(roster: Roster, delta: Delta, notes: Notes, exclude: set[str]) -> tuple[str, ...]:
    """A listed entry that is on the page and has one of its own; another one each visit."""
    for least in (exclude, set[str]()):
        candidates = [
            key
            for key in delta.seen
            if key not in least and roster.entries[key].standing == "listed" and own_path(roster.entries[key].url)
        ]
        if candidates:
            return (candidates[notes.visits % len(candidates)],)
    return ()


# ------------------------------------------------------------------------------------------------------- decision


def decide(
    roster: Roster,
    snapshot: Snapshot,
    delta: Delta,
    probes: Sequence[Probe],
    policy: Policy,
    *,
    mirrors: Sequence[str] = (),
    watchlist: Sequence[Watch] = (),
    clocks: Clocks | None = None,
) -> Decision:
    """The next roster and the events that this snapshot justifies. Misses come here too, and speak of the site only.

    ``clocks``: what the machine's clocks said when it was taken; without them the wall clock is believed.
    """
    notes = load(roster.notes)
    notes.visits += 1
    case = Case(
        snapshot=snapshot,
        delta=delta,
        probes={probe.key: probe for probe in probes},
        policy=policy,
        mirrors=mirrors,
        watchlist=watchlist,
        notes=notes,
        before=roster.entries,
        entries=dict(roster.entries),
    )
    _pass_time(notes, clocks or Clocks(capture="", at=snapshot.taken_at, monotonic=None, boot="", state=""))
    episodes.follow(case)
    findings: dict[str, losses.Finding] = {}
    if snapshot.entries or (snapshot.complete and snapshot.verdict in SPEAKING):
        name_added(case)
        if snapshot.complete:
            notes.complete += 1
        if settle(case):
            if snapshot.complete:
                case.signs = read_signs(case)
            appear(case)
            if snapshot.complete:
                findings = miss(case)
        if snapshot.complete:
            remember(case)
    if snapshot.complete or (snapshot.verdict == "unreadable" and not notes.stable):
        remember_text(case)
    if not notes.absences and not notes.flips:
        notes.clock = None
    _looks(case)
    again = _look_again(case, findings)
    return Decision(
        roster=replace(roster, entries=case.entries, notes=save(notes)), events=tuple(case.events), look_again=again
    )


def _pass_time(notes: Notes, now: Clocks) -> None:
    """Adds what surely passed since the last visit."""
    last = notes.clock
    boot = tag(now.boot) if now.boot else ""
    if last is None:
        notes.clock = Clock(now.at, now.monotonic, boot, now.state)
    elif now.monotonic is not None or last.ran is None:  # a visit that was broken off knows of no clock but the wall's
        before = Clocks(capture="", at=last.at, monotonic=last.ran, boot=last.boot, state=last.state)
        passed = last.passed + surely_passed(before, replace(now, boot=boot))
        notes.clock = Clock(now.at, now.monotonic, boot, now.state, passed)


def _looks(case: Case) -> None:
    """Notes whether the visit was good (``g``), doubtful (``d``) or bad (``b``), and when the site last answered."""
    notes, snapshot, signs = case.notes, case.snapshot, case.signs
    good = snapshot.complete and snapshot.verdict in SPEAKING
    doubtful = signs.older or signs.copy or signs.stale or signs.empty
    notes.looks = (notes.looks + ("b" if not good else "d" if doubtful else "g"))[-LOOKS:]
    if good:
        notes.reached, notes.reached_in = snapshot.taken_at, case.first_capture


def _look_again(case: Case, findings: Mapping[str, losses.Finding]) -> timedelta | None:
    """When to look again, ahead of the schedule."""
    policy, notes = case.policy, case.notes
    if any(not name.startswith(("new:", "empty")) for name in notes.flips):
        return policy.confirm_gap
    waiting = {key: finding for key, finding in findings.items() if not finding.sure and key in notes.absences}
    if not findings:
        open_ones = any(not absence.resting and not absence.cap for absence in notes.absences.values())
        bad_lately = notes.looks[-3:] == "bbb"
        if (open_ones and not bad_lately) or notes.fresh:
            return policy.confirm_gap
        return None
    soon: list[timedelta] = []
    for key, finding in waiting.items():
        if "own-page" in finding.waits or any(wait.startswith("same-as") for wait in finding.waits):
            continue
        long = notes.absences[key].count >= 2 * max(policy.confirm_visits, 2)
        soon.append(max(policy.confirm_gap, policy.structural_after / PATIENT) if long else policy.confirm_gap)
    if notes.fresh:
        soon.append(policy.confirm_gap)
    return min(soon, default=None)


def held(notes: bytes, policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """What each missing entry waits for before it may be called withdrawn: roster key to machine words.

    ``notes`` are those of the site's roster. What another mirror shows since waits for that: ``mirror-still-shows``.
    """
    known = load(notes)
    return {
        key: ("mirror-still-shows",) if absence.resting else losses.judge(absence, policy, known).waits
        for key, absence in known.absences.items()
    }
