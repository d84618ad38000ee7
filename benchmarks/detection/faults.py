"""Faults injected into the corpus's series: bursts of cut pages, queues, errors, empty frames, short and old pages.

Between faults every check shows what is truly on the site. A site has one mirror or three. Entries with a link have a
page of their own, there exactly as long as the entry is listed, except that some stay up, and that any answer may fail.

A list with room for so many can hide a withdrawal: what would have been pushed off its end by what came at the same
time, and would never have been shown again, leaves no trace in it. If its own page stays up as well, or it has none,
nobody can know: such withdrawals are counted apart (``Tally.traceless``), neither as found nor as missed.

What ``SETTINGS`` leave out, and why: a burst of faults ends before ``structural_after`` is over (at most ``LONGEST``
+ 1 checks, 24 hours), and some mirror is always up to date. That wait is the longest outage that the operator wants to
survive; a list that shows itself short, whole and unchanged for longer than that, on every mirror, cannot be told from
a list that was shortened. ``BEYOND`` does not leave it out: there bursts last up to three times as long as the wait,
and all mirrors lag behind together. What is told falsely there is printed apart, and not hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from benchmarks.detection.events import told_of
from benchmarks.detection.looks import MIRRORS, Look, Watched, snapshot_of
from benchmarks.detection.score import TRUE_KIND, Tally, Told, Truth, score
from benchmarks.detection.series import Series, State
from watcher.core.compare import Delta, compare
from watcher.core.identity import own_path
from watcher.records import Policy, Probe, Snapshot

CHECKS = 3
EVERY = timedelta(hours=4)
LAST_CHECKS = 12
"""The last version is looked at so often, so that what it lost can be concluded."""
POLICY = Policy(
    confirm_visits=2,
    confirm_after=timedelta(hours=1),
    confirm_gap=timedelta(minutes=5),
    structural_after=timedelta(hours=24),
)
KINDS = {"cut": 20, "queue": 12, "error": 12, "miss": 12, "empty": 12, "short": 17, "old": 15}
START, GO_ON, SAME_KIND, LONGEST = 0.13, 0.6, 0.6, 5
"""A burst is over before ``structural_after``, and a good check follows it."""
FAR_LONGER, GO_ON_LONGER = 18, 0.85
"""Bursts that outlast it three times."""
LAG, LAG_CHECKS = 0.02, 9
STAYS_UP = 0.1
"""So many own pages outlive their entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a watched site is like."""

    name: str
    mirrors: int = 1
    details: bool = False
    capped: float = 0
    """The listing has room for so much of what it held at first, and shows the newest; 0: for all."""
    longest: int = LONGEST
    """Checks that a burst of faults may go on for after its first."""
    go_on: float = GO_ON
    """How likely a burst goes on."""
    together: bool = False
    """All mirrors lag behind at once."""


SETTINGS = (
    Setting(name="own pages and three mirrors", mirrors=3, details=True),
    Setting(name="own pages", details=True),
    Setting(name="three mirrors", mirrors=3),
    Setting(name="neither"),
    Setting(name="neither, full list", capped=1),
    Setting(name="own pages, full list", details=True, capped=1),
    Setting(name="own pages, list that holds less", details=True, capped=0.7),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The truth at one check."""

    state: State
    listed: frozenset[str]
    """On the site, whether or not the listing has room for it."""
    number: int
    version: int


BEYOND = (
    Setting(
        name="own pages, three mirrors, long faults", mirrors=3, details=True, longest=FAR_LONGER, go_on=GO_ON_LONGER
    ),
    Setting(name="neither, long faults", longest=FAR_LONGER, go_on=GO_ON_LONGER),
    Setting(name="own pages, all three mirrors lag", mirrors=3, details=True, together=True),
    Setting(name="all three mirrors lag", mirrors=3, together=True),
)
"""Faults that outlast every wait, or reach every mirror at once: what no rule was made to survive."""


def moments_of(series: Series, setting: Setting) -> list[Moment]:
    """What is truly on the site at each check; the corpus's own faulty versions count as what was true then."""
    found: list[Moment] = []
    for version, newest in zip(series.versions, _newest(series), strict=True):
        state = version.true.only(newest[: _room(series, setting)]) if setting.capped else version.true
        last = version is series.versions[-1]
        for _ in range(LAST_CHECKS if last else CHECKS):
            found.append(
                Moment(state=state, listed=frozenset(version.true.ids), number=len(found), version=version.number)
            )
    return found


def _room(series: Series, setting: Setting) -> int:
    return max(3, int(setting.capped * len(series.versions[0].true.ids)))


def _newest(series: Series, kept: str = "", span: range = range(0)) -> list[list[str]]:
    """What is on the site in each version, the newest first; as if ``kept`` stayed in the versions of ``span``."""
    newest: list[str] = []
    found = []
    for version in series.versions:
        there = {*version.true.ids, *([kept] if version.number in span else [])}
        newest = [one for one in version.true.ids if one not in newest] + [one for one in newest if one in there]
        found.append(newest)
    return found


class Faults:
    """Draws what each check brings."""

    def __init__(self, moments: Sequence[Moment], setting: Setting, random: Random) -> None:
        self.moments, self.setting, self.random = moments, setting, random
        self.kind, self.length, self.rows, self.back = "", 0, 0.0, 0
        self.lag = [0] * setting.mirrors

    def look(self, series: Series, moment: Moment) -> Look:
        """One check."""
        time = series.versions[0].time + moment.number * EVERY
        mirror = moment.number % self.setting.mirrors
        base = Look(time=time, shown=moment.state, mirror=MIRRORS[mirror], version=moment.version)
        self._burst()
        if self.kind and moment.number:
            return self._faulty(base, moment)
        behind = self._lag(mirror)
        if behind and moment.number:
            old = self.moments[max(0, moment.number - behind)]
            if old.state.ids != moment.state.ids:
                return replace(base, shown=old.state, faulty="lagging")
        return base

    def _burst(self) -> None:
        draw = self.random.random
        if self.kind:
            self.length += 1
            if self.length > self.setting.longest or draw() > self.setting.go_on:
                self.kind = ""
            elif draw() > SAME_KIND:
                self._another()
        elif draw() < START:
            self.length = 1
            self._another()

    def _another(self) -> None:
        self.kind = self.random.choices(list(KINDS), list(KINDS.values()))[0]
        self.rows, self.back = self.random.random(), self.random.randint(3, 15)

    def _lag(self, mirror: int) -> int:
        rest = sum(not lag for lag in self.lag)
        if (rest > 1 or self.setting.together) and not self.lag[mirror] and self.random.random() < LAG:
            behind = self.random.randint(3, LAG_CHECKS)
            self.lag = [behind] * len(self.lag) if self.setting.together else self.lag
            self.lag[mirror] = behind
        if self.lag[mirror]:
            self.lag[mirror] -= 1
            return LAG_CHECKS
        return 0

    def _faulty(self, look: Look, moment: Moment) -> Look:
        state = moment.state
        look = replace(look, faulty=self.kind)
        match self.kind:
            case "cut":
                return replace(look, verdict="partial", complete=False, shown=state.first(self._some(state)))
            case "queue":
                return replace(look, verdict="blocked", complete=False, shown=None)
            case "error":
                return replace(look, verdict="error", complete=False, shown=None)
            case "miss":
                return replace(look, verdict="unreachable", complete=False, shown=None)
            case "empty":
                return replace(look, verdict="empty", shown=state.first(0))
            case "short":
                return replace(look, shown=state.first(max(1, self._some(state))))
        old = self.moments[max(0, moment.number - self.back)]
        copied = self.random.random() < 0.5
        return replace(look, shown=old.state, text_of=look.time - self.back * EVERY if copied else None)

    def _some(self, state: State) -> int:
        return int(self.rows * len(state.ids))


def staying(series: Series, seed: int) -> frozenset[str]:
    """Entries whose own pages stay up when they are gone from the list."""
    every = sorted(set(series.titles().values()))
    return frozenset(one for one in every if Random(f"{seed} {series.site} {one}").random() < STAYS_UP)


class OwnPages:
    """Answers for single pages."""

    def __init__(self, series: Series, seed: int) -> None:
        self.random = Random(f"{seed} {series.site} pages")
        self.stays = staying(series, seed)

    def answer(self, site: Watched, delta: Delta, snapshot: Snapshot, moment: Moment) -> tuple[Probe, ...]:
        """What the pages that the product asks for say."""
        return tuple(self._probe(site, key, delta, snapshot, moment) for key in site.wanted(delta))

    def _probe(self, site: Watched, key: str, delta: Delta, snapshot: Snapshot, moment: Moment) -> Probe:
        identity = site.identity(site.roster.entries[key].title)
        answer = "alive" if identity in moment.listed or identity in self.stays else "gone"
        draw = self.random.random()
        if draw < 0.08:
            answer = "unknown"
        elif draw < 0.085:
            answer = "gone"
        return Probe(
            key=key,
            answer="alive" if answer == "alive" else "gone" if answer == "gone" else "unknown",
            control=key in delta.seen,
            capture=f"{snapshot.visit}-{key}",
            at=snapshot.finished_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check with all that is known of it."""

    moment: Moment
    look: Look
    snapshot: Snapshot


def as_judged(look: Look) -> Look:
    """The look with the verdict that its page gets."""
    return look


def as_answered(look: Look) -> Look:
    """The look as it would be if every page that came were taken for the list, whatever it is."""
    if look.verdict == "unreachable":
        return look
    return replace(look, verdict="listing" if look.shown is not None and look.shown.ids else "empty", complete=True)


def checks_of(series: Series, setting: Setting, seed: int) -> Iterator[Check]:
    """The checks of one site, the same for the same seed."""
    moments = moments_of(series, setting)
    faults = Faults(moments, setting, Random(f"{seed} {series.site} {setting.name}"))
    for moment in moments:
        look = as_judged(faults.look(series, moment))
        yield Check(moment=moment, look=look, snapshot=snapshot_of(series.site, moment.number, look))


def truths_of(series: Series, moments: Sequence[Moment], setting: Setting) -> list[Truth]:
    """What truly happened, by number of check."""
    first = {moment.version: moment.number for moment in reversed(moments)}
    start = series.versions[0].time
    found = []
    for version in series.versions:
        for event in version.events:
            number = first[version.number]
            found.append(
                Truth(
                    site=series.site,
                    kind=TRUE_KIND[str(event["type"])],
                    identity=str(event["id"]),
                    at=number,
                    time=start + number * EVERY - EVERY / 2,
                    mass=version.mass,
                )
            )
    if setting.capped:
        shown = [frozenset(moment.state.ids) for moment in moments]
        found = [truth for truth in found if _visible(truth, shown)]
    return [_until(truth, found) for truth in found]


def _visible(truth: Truth, shown: Sequence[frozenset[str]]) -> bool:
    """Whether a listing with room for only so many can show that it happened."""
    before, after = truth.identity in shown[truth.at - 1], truth.identity in shown[truth.at]
    if truth.kind == "withdrawn":
        return before
    return after if truth.kind in ("listed", "relisted") else before and after


def is_traceless(series: Series, moments: Sequence[Moment], setting: Setting, seed: int, truth: Truth) -> bool:
    """Whether the listing shows, as long as it lasts, just what it would if this withdrawal had not been made.

    If so, only its own page could tell: one that it has, and that does not stay up.
    """
    if truth.kind != "withdrawn" or not setting.capped:
        return False
    entry = moments[truth.at - 1].state
    url = entry.entries[entry.ids.index(truth.identity)].url
    if setting.details and own_path(url) and truth.identity not in staying(series, seed):
        return False
    span = range(moments[truth.at].version, moments[min(truth.until, len(moments)) - 1].version + 1)
    kept = _newest(series, truth.identity, span)
    room = _room(series, setting)
    return not any(
        truth.identity in newest[:room]
        for version, newest in zip(series.versions, kept, strict=True)
        if version.number in span
    )


def _until(truth: Truth, found: Sequence[Truth]) -> Truth:
    back = [t.at for t in found if t.identity == truth.identity and t.kind == "relisted" and t.at > truth.at]
    return replace(truth, until=min(back, default=1 << 30)) if truth.kind == "withdrawn" else truth


def run(all_series: Sequence[Series], setting: Setting, seeds: Sequence[int]) -> Tally:
    """The product over all series with faults."""
    tally = Tally()
    for seed in seeds:
        for series in all_series:
            site = Watched(site=series.site, policy=POLICY, titles=series.titles())
            pages = OwnPages(series, seed)
            tolds: list[Told] = []
            checks = list(checks_of(series, setting, seed))
            for check in checks:
                delta = compare(site.roster, check.snapshot)
                probes: tuple[Probe, ...] = ()
                if setting.details and check.snapshot.complete:
                    probes = pages.answer(site, delta, check.snapshot, check.moment)
                events = site.decide(check.snapshot, delta, probes, MIRRORS[: setting.mirrors])
                tolds += told_of(site, check.moment.number, events)
            count(tally, series, setting, checks, tolds, seed)
    return tally


def count(
    tally: Tally, series: Series, setting: Setting, checks: Sequence[Check], tolds: Sequence[Told], seed: int
) -> None:
    """Scores one series."""
    moments = [check.moment for check in checks]
    good = {check.moment.number: not check.look.faulty for check in checks}
    tally.checks += len(checks)
    tally.faulty += sum(not well for well in good.values())
    before = len(tally.mistakes)
    truths = truths_of(series, moments, setting)
    hidden = frozenset(truth for truth in truths if is_traceless(series, moments, setting, seed, truth))
    score(tally, truths, tolds, good, [moment.listed for moment in moments], hidden)
    tally.mistakes[before:] = [f"{seed} {mistake}" for mistake in tally.mistakes[before:]]
