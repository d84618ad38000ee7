"""What a complete snapshot lacks: every missing entry's absence is counted, and what is sure is told as withdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from watcher.core import episodes, losses, rolling
from watcher.core.case import Case
from watcher.core.identity import fold_title
from watcher.core.structural import is_mass
from watcher.core.tell import Window, withdrawn_prose


def miss(case: Case) -> dict[str, losses.Finding]:
    """Counts what the snapshot lacks and tells what is sure; by roster key, what was found of each."""
    notes, signs, snapshot = case.notes, case.signs, case.snapshot
    fresh = [key for key in case.delta.missing if key not in notes.absences]
    begun = _begin(case, fresh)
    rolling.roll_off(case, begun)
    company = _company(case, fresh)
    findings: dict[str, losses.Finding] = {}
    apart = False
    for key in case.delta.missing:
        absence = notes.absences[key]
        apart |= losses.count(absence, key, signs, snapshot, company[key], now=notes.passed)
        losses.probe(absence, case.probes, key, answers=case.pages_answer)
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
    episodes.vanished(case, _gone_at_once(case, fresh))
    if not snapshot.backfill:
        _withdraw_sure(case, findings)
    return findings


def _gone_at_once(case: Case, fresh: Sequence[str]) -> list[str]:
    """What went just now and did not merely roll off the end."""
    absences = case.notes.absences
    return [key for key in fresh if absences[key].fewer_pages or not absences[key].cap]


def _company(case: Case, fresh: Sequence[str]) -> dict[str, losses.Company]:
    """What else is lost, for each lost entry; what rolled off the end some time ago is not counted."""
    notes, expected = case.notes, case.signs.expected
    groups = Counter(notes.absences[key].began for key in case.delta.missing)
    counted = [key for key in case.delta.missing if not losses.is_off(notes.absences[key])]
    doubtful = {
        key
        for key in counted
        if notes.absences[key].began == notes.visits or is_mass(groups[notes.absences[key].began], expected)
    }
    newly = sum(key in doubtful for key in fresh)
    return {
        key: losses.Company(together=groups[notes.absences[key].began], doubtful=len(doubtful - {key}), fresh=newly)
        for key in case.delta.missing
    }


def _begin(case: Case, fresh: Sequence[str]) -> set[str]:
    """Opens the absences of what is lost just now, and begins anew those that a faulty page had opened.

    What is back was lost to a fault; whatever else went then, or since, may have been lost to it, too.
    """
    notes, signs, snapshot = case.notes, case.signs, case.snapshot
    begun = set(fresh)
    fault = min(case.returned, default=notes.visits + 1)
    for key in fresh:
        notes.absences[key] = losses.begin(case.entries[key], notes, snapshot)
    for key in case.delta.missing:
        absence = notes.absences[key]
        if absence.resting:
            losses.resume(absence, case.entries[key], notes, snapshot)
        if fault <= absence.began < notes.visits:
            losses.begin_anew(absence, notes, snapshot)
            begun.add(key)
    for key in begun:
        absence = notes.absences[key]
        if key in notes.rolled:
            absence.cap, absence.pushed = absence.cap or notes.rolled.pop(key)[0], True
        absence.shuffled = absence.shuffled or signs.shuffled
        absence.fewer_pages = absence.fewer_pages or (signs.fewer_pages and key in signs.tail)
    return begun


def _withdraw_sure(case: Case, findings: dict[str, losses.Finding]) -> None:
    sure = [key for key, finding in findings.items() if finding.sure]
    twins = _twins(case, sure)
    for key in sure:
        if key in twins:
            findings[key] = losses.judge(case.notes.absences[key], case.policy, case.notes, twins[key])
        if findings[key].sure:
            _withdraw(case, key, findings[key])


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
    had, had_in, after, lacks_in = absence.had, absence.had_in, absence.after, absence.lacks_in
    if absence.shown and absence.first is not None:
        had, had_in, after, lacks_in = absence.first
    if absence.cap:
        # the list lost it by rolling; when it was taken off the site, between two looks at its own page, nobody knows
        after, lacks_in = case.snapshot.finished_at, case.first_capture
    if len(case.notes.mirrors) > 1:
        case.notes.clings[key] = sorted(absence.mirrors.keys() - absence.shown.keys() - absence.stale.keys())
    case.change(key, standing="withdrawn", withdrawn_at=case.snapshot.finished_at)
    words = list(finding.why)
    if case.signs.control(key):
        words.append("control-majority")
    window = Window(not_before=had, not_after=after, before=had_in, after=lacks_in)
    case.tell("withdrawn", key, window, (*words, withdrawn_prose(words, absence.count)))
