"""What follows from one snapshot: the next roster, the events, and whether to look again soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from watcher.core import episodes, flips, losses
from watcher.core.appear import appear, name_added
from watcher.core.baseline import remember_text, settle
from watcher.core.case import Case
from watcher.core.compare import Delta
from watcher.core.identity import fold_title, own_path
from watcher.core.noise import steady
from watcher.core.notes import LOOKS, Notes, join, load, save, tag, tags
from watcher.core.structural import (
    Signs,
    believed,
    count_names,
    is_copy,
    is_shuffled,
    lost_tail,
    next_order,
    remember_run,
    rolled_off,
    stands_elsewhere,
    when_before,
)
from watcher.core.tell import Window, withdrawn_prose
from watcher.core.watchlist import Watch
from watcher.records import Decision, Entry, Policy, Probe, Roster, RosterEntry, Snapshot

MOST_MISSING, MOST_NEW = 6, 2
"""Own pages that one visit may ask for: of missing entries, and of those just listed."""
ROLLED_EVERY = 12
"""An entry that rolled off is asked for in so many visits once."""
MOST_MIRRORS = 16
PATIENT = 24
"""A loss that must outlast a long wait is looked at so many times during it."""
SPEAKING = frozenset({"listing", "partial", "empty", "redesigned"})
"""Verdicts whose entries, if there are any, are the site's."""


# --------------------------------------------------------------------------------------------------------- probes


def wanted_probes(roster: Roster, delta: Delta, policy: Policy) -> tuple[str, ...]:
    """Roster keys of the entries whose own pages are worth a look now; the last is the control, still listed.

    Missing ones first, those least looked at before the others; then just listed ones, so that their pages are known
    before they go. A site without links of its own asks for none.
    """
    notes = load(roster.notes)
    lacking = [key for key in delta.missing if own_path(roster.entries[key].url)]
    asked = [
        (notes.absences[key].probes if key in notes.absences else 0, at, key)
        for at, key in enumerate(lacking)
        if not _resting(notes, key, policy)
    ]
    wanted = [key for _, _, key in sorted(asked)[:MOST_MISSING]]
    wanted += [key for key in notes.fresh if key in delta.seen and key not in wanted][:MOST_NEW]
    if not wanted:
        return ()
    control = _control(roster, delta, notes, exclude={*wanted, *notes.fresh})
    return (*wanted, *control)


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
) -> Decision:
    """The next roster and the events that this snapshot justifies. Misses come here too, and speak of the site only."""
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
        entries=dict(roster.entries),
    )
    episodes.follow(case)
    findings: dict[str, losses.Finding] = {}
    if snapshot.verdict in SPEAKING and (snapshot.entries or snapshot.complete):
        name_added(case)
        if snapshot.complete:
            notes.complete += 1
        if settle(case):
            if snapshot.complete:
                case.signs = _signs(case)
            appear(case)
            if snapshot.complete:
                findings = _lose(case)
        if snapshot.complete:
            _remember(case)
    if snapshot.complete or (snapshot.verdict == "unreadable" and not notes.stable):
        remember_text(case)
    _looks(case)
    again = _look_again(case, findings)
    return Decision(
        roster=replace(roster, entries=case.entries, notes=save(notes)), events=tuple(case.events), look_again=again
    )


def _signs(case: Case) -> Signs:
    """What the complete snapshot looks like beside what is believed."""
    notes, snapshot, delta = case.notes, case.snapshot, case.delta
    expected = believed(case.entries, notes)
    lost = tuple(key for key in expected if key not in delta.seen)
    if not lost and not any(case.entries[key].standing == "withdrawn" for key in delta.seen) and not case.added:
        return Signs(
            expected=len(expected),
            present=len(expected),
            copy=is_copy(notes, snapshot.text),
            stale=_is_stale(case),
            empty=not snapshot.entries,
        )
    page = _page_keys(case)
    before = tags(notes.order)
    lost_tags = {tag(key): key for key in lost}
    line = [tag(key) for key in page]
    pages = len(snapshot.captures)
    tail = lost_tail(before, lost_tags, line)
    shuffled = bool(lost) and is_shuffled(before, line)
    rolled = rolled_off(before, lost_tags, line, notes.longest, shuffled=shuffled)
    named = {key: case.entries[key].title for key in lost}
    before_at = when_before(notes, page)
    came = [notes.came.get(key, case.entries[key].first_seen) for key in lost]
    usual = {key: notes.names.get(key, notes.usual) for key in lost}
    return Signs(
        lost=lost,
        expected=len(expected),
        present=len(expected) - len(lost),
        formerly=before_at is not None,
        older=frozenset(
            key for key, moment in zip(lost, came, strict=True) if before_at is not None and before_at < moment
        ),
        behind=_behind(notes, snapshot, lost),
        stale=_is_stale(case),
        copy=is_copy(notes, snapshot.text),
        shuffled=shuffled,
        empty=not snapshot.entries,
        says_empty=not snapshot.entries and "site-says-empty" in snapshot.why,
        tail=frozenset(lost_tags[mark] for mark in tail),
        rolled=frozenset(lost_tags[mark] for mark in rolled),
        fewer_pages=0 < pages < notes.pages,
        elsewhere=stands_elsewhere(snapshot.text, named, usual, list(case.added.values()), snapshot.entries),
    )


def _behind(notes: Notes, snapshot: Snapshot, lost: Sequence[str]) -> frozenset[str]:
    """What is lost on a mirror that never showed it: one never looked at before, or one that lags behind."""
    mirror = tag(snapshot.mirror)
    if notes.mirrors and mirror not in notes.mirrors:
        return frozenset(lost)
    return frozenset(key for key in lost if key in notes.behind and mirror not in notes.behind[key])


def _is_stale(case: Case) -> bool:
    """Whether some entry goes by a title it had before, or says what it said before: so does an old page."""
    titles = any(how == "former" for how in case.delta.renamed.values())
    return titles or any(
        tag(f"{name}\n{steady(new)}") in case.notes.former.get(key, ())
        for key, changes in case.delta.changed.items()
        for name, (_, new) in changes.items()
    )


def _page_keys(case: Case) -> list[str]:
    """Roster keys in page order."""
    keys = {entry.key: key for key, entry in {**case.delta.seen, **case.added}.items()}
    return [keys[entry.key] for entry in case.snapshot.entries]


# --------------------------------------------------------------------------------------------------------- losses


def _lose(case: Case) -> dict[str, losses.Finding]:
    """Counts what the complete snapshot lacks, tells what is sure; what the rest waits for."""
    notes, signs, snapshot = case.notes, case.signs, case.snapshot
    fresh = [key for key in case.delta.missing if key not in notes.absences]
    for key in fresh:
        absence = losses.begin(case.entries[key], notes, snapshot)
        absence.shuffled = signs.shuffled
        absence.fewer_pages = signs.fewer_pages and key in signs.tail
        if key in signs.rolled or absence.fewer_pages:
            absence.cap = len(snapshot.entries)
        notes.absences[key] = absence
    began = (notes.absences[key].began for key in case.delta.missing)
    groups = Counter(notes.visits if visit in case.returned else visit for visit in began)
    newly = sum(key not in signs.rolled for key in fresh)
    answers = any(
        probe.answer == "alive" and (probe.control or key in case.delta.seen) for key, probe in case.probes.items()
    )
    findings: dict[str, losses.Finding] = {}
    apart = False
    for key in case.delta.missing:
        absence = notes.absences[key]
        if absence.resting:
            losses.resume(absence, case.entries[key], notes, snapshot)
        elif absence.began in case.returned:
            losses.begin_anew(absence, notes, snapshot)
        _release(case, absence.cap, key)
        apart |= losses.count(absence, key, signs, snapshot, group=groups[absence.began], fresh=newly)
        losses.probe(absence, case.probes, key, answers=answers)
        held = case.entries[key]
        case.entries[key] = replace(
            held,
            standing="missing",
            missing_since=held.missing_since or snapshot.taken_at,
            missing_in=held.missing_in or absence.lacks_in,
            absences=absence.count,
        )
        findings[key] = losses.judge(absence, case.policy, notes)
    notes.apart += apart
    episodes.vanished(case, fresh)
    if not snapshot.backfill:
        sure = [key for key, finding in findings.items() if finding.sure]
        twins = _twins(case, sure)
        for key in sure:
            finding = losses.judge(notes.absences[key], case.policy, notes, twins.get(key, ""))
            findings[key] = finding
            if finding.sure:
                _withdraw(case, key, finding)
    return findings


def _release(case: Case, cap: int, key: str) -> None:
    """A list that holds more than it did when an entry was lost from its end was not full: it did not roll off."""
    absence = case.notes.absences[key]
    if cap and not case.signs.older and not absence.fewer_pages and len(case.snapshot.entries) > cap:
        absence.cap = 0


def _twins(case: Case, keys: Sequence[str]) -> dict[str, str]:
    """Entries still on the page that say exactly what a lost one said: then nobody can tell which is gone."""
    if not keys:
        return {}
    shown = {
        (fold_title(entry.title)[0], entry.url, _said(entry.fields)): key for key, entry in case.delta.seen.items()
    }
    found = {}
    for key in keys:
        held = case.entries[key]
        twin = shown.get((fold_title(held.title)[0], held.url, _said(held.fields)))
        if twin:
            found[key] = twin
    return found


def _said(fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(fields.items()))


def _withdraw(case: Case, key: str, finding: losses.Finding) -> None:
    """Tells a withdrawal and takes the entry's absence off the books."""
    absence = case.notes.absences.pop(key)
    snapshot = case.snapshot
    had, had_in, after, lacks_in = absence.had, absence.had_in, absence.after, absence.lacks_in
    if absence.shown and absence.first is not None:
        had, had_in, after, lacks_in = absence.first
    if len(case.notes.mirrors) > 1:
        case.notes.clings[key] = sorted(set(absence.mirrors) - set(absence.shown))
    case.change(key, standing="withdrawn", withdrawn_at=snapshot.finished_at)
    words = list(finding.why)
    if case.signs.control(key):
        words.append("control-majority")
    window = Window(not_before=had, not_after=after, before=had_in, after=lacks_in)
    case.tell("withdrawn", key, window, (*words, withdrawn_prose(words, absence.count)))


# ------------------------------------------------------------------------------------------------- what is kept


def _remember(case: Case) -> None:
    """Notes what the complete snapshot showed, for the next one."""
    notes, snapshot = case.notes, case.snapshot
    page = _page_keys(case)
    page = [key for key in page if key in case.entries]
    fresh_text = bool(snapshot.text) and not (notes.runs and notes.runs[-1].texts[-1:] == [tag(snapshot.text)])
    line = [tag(key) for key in page]
    keep = {tag(key) for key, held in case.entries.items() if held.standing == "missing"}
    notes.order = "".join(next_order(tags(notes.order), line, keep))
    remember_run(notes, page, snapshot.text, snapshot.taken_at, news=bool(case.events))
    redesigned = bool(notes.rule and snapshot.rule_digest and notes.rule != snapshot.rule_digest)
    doubtful = case.signs.older or case.signs.copy or case.signs.stale
    if not doubtful:
        notes.longest = len(page) if redesigned else max(notes.longest, len(page))
        notes.pages = max(len(snapshot.captures), 0 if redesigned or not case.signs.lost else notes.pages)
    if snapshot.rule_digest and snapshot.rule_digest != notes.rule:
        notes.rule, notes.rule_since = snapshot.rule_digest, snapshot.taken_at
    if not case.signs.copy and not case.signs.stale:
        notes.since, notes.since_in = snapshot.taken_at, case.first_capture
    _remember_keys(case, page)
    _remember_mirror(case, page)
    if fresh_text:
        _remember_names(case, page)
    flips.forget(case)
    notes.fresh = [key for key in notes.fresh if key in case.entries and key not in case.probes]
    asleep = [
        k for k, absence in notes.absences.items() if absence.resting and notes.visits - absence.began > losses.ASLEEP
    ]
    for key in asleep:
        del notes.absences[key]


def _remember_keys(case: Case, page: Sequence[str]) -> None:
    """Notes under which key of its own each entry goes now."""
    notes = case.notes
    there = set(page)
    notes.came = {key: moment for key, moment in notes.came.items() if case.entries[key].standing != "withdrawn"}
    alias = {page_key: key for page_key, key in notes.alias.items() if key not in there and key in case.entries}
    for key, entry in {**case.delta.seen, **case.added}.items():
        if entry.key != key:
            alias[entry.key] = key
        else:
            alias.pop(entry.key, None)
    notes.alias = alias


def _remember_mirror(case: Case, page: Sequence[str]) -> None:
    """Notes what this mirror shows of what came lately."""
    notes, mirror = case.notes, tag(case.snapshot.mirror)
    if mirror not in notes.mirrors:
        notes.mirrors = [*notes.mirrors, mirror][-MOST_MIRRORS:]
    there = set(page)
    for key, lacked in notes.clings.items():
        if key not in there and mirror not in lacked:
            lacked.append(mirror)
    for key in [key for key in notes.behind if key not in case.entries]:
        del notes.behind[key]
    for key, shown in list(notes.behind.items()):
        if key in there and mirror not in shown:
            shown.append(mirror)
        if set(notes.mirrors) <= set(shown):
            del notes.behind[key]


def _remember_names(case: Case, page: Sequence[str]) -> None:
    """Notes how often each entry's name stands on the page, so that a row that is not read is not taken for gone."""
    notes = case.notes
    counted = count_names(case.snapshot.text, {key: case.entries[key].title for key in page})
    numbers = Counter(counted[key] or 1 for key in page)
    notes.usual = numbers.most_common(1)[0][0] if numbers else 1
    absent = {key for key, held in case.entries.items() if held.standing == "missing"}
    kept = {key: number for key, number in notes.names.items() if key in absent}
    notes.names = kept | {key: counted[key] or 1 for key in page if (counted[key] or 1) != notes.usual}


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
    if notes.flips and any(not name.startswith(("new:", "empty")) for name in notes.flips):
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


def held(roster: Roster) -> Mapping[str, tuple[str, ...]]:
    """What each missing entry waits for before it may be called withdrawn: roster key to machine words."""
    notes = load(roster.notes)
    waits: dict[str, tuple[str, ...]] = {}
    for key, absence in notes.absences.items():
        if not absence.resting:
            waits[key] = losses.judge(absence, Policy(), notes).waits
    return waits


__all__ = ["Delta", "Entry", "RosterEntry", "decide", "held", "join", "wanted_probes"]
