"""What was told against what was true: recall and precision for each kind of event, false and missed withdrawals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

KINDS = ("listed", "withdrawn", "renamed", "relisted", "changed")
TRUE_KIND = {
    "added": "listed",
    "withdrawn": "withdrawn",
    "renamed": "renamed",
    "relisted": "relisted",
    "changed": "changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One thing that truly happened: between the look before and the look ``at``."""

    site: str
    kind: str
    identity: str
    at: int
    """Number of the first look after it."""
    time: datetime
    mass: bool = False
    until: int = 1 << 30
    """Number of the look by which it was undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that was told."""

    site: str
    kind: str
    identity: str
    at: int
    not_before: datetime | None = None
    not_after: datetime | None = None
    title: str = ""


@dataclass(slots=True)
class Tally:
    """Sums over sites and seeds."""

    true: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    false_withdrawals: int = 0
    repeated_withdrawals: int = 0
    single: int = 0
    single_missed: int = 0
    traceless: int = 0
    """Withdrawals that nothing could show, and that were not told."""
    delays: list[int] = field(default_factory=list)
    wrong_windows: int = 0
    checks: int = 0
    faulty: int = 0
    mistakes: list[str] = field(default_factory=list)

    def recall(self, kind: str) -> float:
        return self.found[kind] / self.true[kind] if self.true[kind] else 1.0

    def precision(self, kind: str) -> float:
        return self.right[kind] / self.told[kind] if self.told[kind] else 1.0

    def median_delay(self) -> float:
        delays = sorted(self.delays)
        return float(delays[len(delays) // 2]) if delays else 0.0

    def missed_share(self) -> float:
        return self.single_missed / self.single if self.single else 0.0


def score(
    tally: Tally,
    truths: Sequence[Truth],
    tolds: Sequence[Told],
    good: Mapping[int, bool],
    listed: Iterable[frozenset[str]],
    hidden: frozenset[Truth] = frozenset(),
) -> None:
    """Adds one series. ``good``: look number to whether it was no fault; ``listed``: the true entries at each look.

    ``hidden``: truths that nothing shows, and that nobody can be blamed for missing.
    """
    there = list(listed)
    open_truths = sorted(truths, key=lambda truth: truth.at)
    used: set[int] = set()
    for told in tolds:
        if told.kind not in KINDS:
            continue
        tally.told[told.kind] += 1
        match = next(
            (
                number
                for number, truth in enumerate(open_truths)
                if number not in used
                and (truth.kind, truth.identity) == (told.kind, told.identity)
                and truth.at <= told.at
            ),
            None,
        )
        if match is None:
            _mistaken(tally, told, there)
            continue
        used.add(match)
        _matched(tally, open_truths[match], told, good)
    for number, truth in enumerate(open_truths):
        if truth in hidden and number not in used:
            tally.traceless += 1
            continue
        tally.true[truth.kind] += 1
        if truth.kind == "withdrawn" and not truth.mass:
            tally.single += 1
        if number not in used:
            tally.mistakes.append(f"{truth.site} missed {truth.kind} {truth.identity[:8]} at look {truth.at}")
            if truth.kind == "withdrawn" and not truth.mass:
                tally.single_missed += 1


def _matched(tally: Tally, truth: Truth, told: Told, good: Mapping[int, bool]) -> None:
    tally.right[told.kind] += 1
    tally.found[told.kind] += 1
    # before a good look showed it again nobody could know that it was back
    late = truth.kind == "withdrawn" and any(good[number] for number in range(truth.until, told.at + 1))
    if late:
        tally.false_withdrawals += 1
        tally.mistakes.append(f"{told.site} FALSE (late) withdrawn {told.title} at look {told.at}")
    if told.not_after is not None:
        inside = (told.not_before is None or told.not_before < truth.time) and truth.time <= told.not_after
        if not inside:
            tally.wrong_windows += 1
            tally.mistakes.append(
                f"{told.site} window of {told.kind} {told.title} {told.not_before} {told.not_after} {truth.time}"
            )
    if truth.kind == "withdrawn" and not truth.mass:
        tally.delays.append(sum(good[number] for number in range(truth.at, told.at + 1)))


def _mistaken(tally: Tally, told: Told, there: Sequence[frozenset[str]]) -> None:
    if told.kind == "withdrawn":
        if told.identity in there[told.at]:
            tally.false_withdrawals += 1
            tally.mistakes.append(f"{told.site} FALSE withdrawn {told.title} at look {told.at}")
            return
        tally.repeated_withdrawals += 1
    tally.mistakes.append(f"{told.site} untrue {told.kind} {told.title} at look {told.at}")


def table(rows: Sequence[tuple[str, Tally]]) -> str:
    """The tallies side by side, a line each."""
    head = f"{'':42}{'checks':>8}{'faulty':>8}{'false':>7}{'again':>6}{'missed':>13}{'hidden':>7}{'delay':>6}"
    head += "".join(f"{kind:>17}" for kind in KINDS)
    lines = [head, " " * 97 + "".join(f"{'recall prec.':>17}" for _ in KINDS)]
    for name, tally in rows:
        line = f"{name:42}{tally.checks:8}{tally.faulty / max(1, tally.checks):8.1%}{tally.false_withdrawals:7}"
        line += f"{tally.repeated_withdrawals:6}{tally.single_missed:6}/{tally.single:<6}{tally.traceless:7}"
        line += f"{tally.median_delay():6.0f}"
        line += "".join(f"{tally.recall(kind):10.3f} {tally.precision(kind):6.3f}" for kind in KINDS)
        lines.append(line)
    return "\n".join(lines)
