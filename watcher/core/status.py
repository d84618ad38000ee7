"""How the configured sites stand, those never visited too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from watcher.core.adaptive import DAY, EVEN_PACE, NOTHING_YET, Watched, intervals, rates
from watcher.core.cadence import JITTER
from watcher.core.moments import rfc3339, words
from watcher.records import MirrorStatus, Site, TargetStatus

QUICK = 0.8
"""Planned sooner than this share of its interval, a visit is a quick look."""
A_WHILE = timedelta(minutes=1)
"""Less than that beyond its interval is no delay: a visit itself takes time."""


def configured(
    sites: Sequence[Site],
    found: Sequence[TargetStatus],
    watched: Mapping[str, Watched] | None = None,
    *,
    others: bool = False,
) -> tuple[TargetStatus, ...]:
    """How the configured sites stand, those never visited too; each with its configured mirrors, how often it is
    looked at, and why. ``watched``: what watching brought so far, by site, for those whose interval is adaptive.
    ``others``: and all that are not configured here, as those of a fleet's vantages are at its index."""
    by_site: dict[str, list[TargetStatus]] = {}
    for target in found:
        by_site.setdefault(target.site, []).append(target)
    every = _every(sites, watched or {})
    mine = tuple(
        _paced(_with_mirrors(site, target), *every[site.name])
        for site in sites
        for target in by_site.get(site.name) or [unseen(site.name)]
    )
    return (*mine, *(target for target in found if target.site not in every)) if others else mine


def _every(sites: Sequence[Site], watched: Mapping[str, Watched]) -> dict[str, tuple[timedelta, str]]:
    """Each site's interval, worked out as ``watch`` does, and what it comes from."""
    fixed = {
        site.name: (site.every, "the configuration says so") for site in sites if isinstance(site.every, timedelta)
    }
    names = [site.name for site in sites if site.name not in fixed]
    known = [watched.get(name, NOTHING_YET) for name in names]
    paces = intervals(rates(known), EVEN_PACE)
    return fixed | {name: (every, _news(one, every)) for name, one, every in zip(names, known, paces, strict=True)}


def _news(watched: Watched, every: timedelta) -> str:
    if not watched.days:
        return "nothing is known of it yet"
    number = f"{watched.news} new entr{'y' if watched.news == 1 else 'ies'} in {words(watched.days * DAY)}"
    if every >= EVEN_PACE.longest:
        return f"{number}: as seldom as any"
    if every <= EVEN_PACE.shortest:
        return f"{number}: as often as any"
    more = "more" if every < EVEN_PACE.mean else "less" if every > EVEN_PACE.mean else "as much"
    return f"{number}, {more} {'as' if more == 'as much' else 'than'} on most"


def _paced(target: TargetStatus, every: timedelta, because: str) -> TargetStatus:
    """With the interval that counts now, and why."""
    if target.paused_until is not None:
        return replace(
            target, every=every, because=f"{target.paused_by} paused it until {rfc3339(target.paused_until)}"
        )
    if target.next_visit is not None and target.last_visit is not None:
        planned = target.next_visit - target.last_visit
        longest = every * (1 + JITTER) + A_WHILE
        if target.misses_in_a_row > 1 and planned > longest:
            return replace(target, every=planned, because=f"{target.misses_in_a_row} looks in a row brought nothing")
        if timedelta(0) < planned < every * QUICK:
            return replace(target, every=planned, because="something is new, missing or not certain: a quick look")
    return replace(target, every=every, because=because)


def unseen(name: str) -> TargetStatus:
    """A site that was never visited."""
    return TargetStatus(
        site=name,
        target="listing",
        verdict="",
        last_visit=None,
        last_complete=None,
        next_visit=None,
        listed=0,
        misses_in_a_row=0,
        mirrors=(),
    )


def _with_mirrors(site: Site, target: TargetStatus) -> TargetStatus:
    seen = {mirror.url: mirror for mirror in target.mirrors}
    mirrors = (seen.get(url) or MirrorStatus(url=url, verdict="", last_visit=None) for url in site.mirrors)
    return replace(target, mirrors=tuple(mirrors))
