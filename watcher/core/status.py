"""How the configured sites stand, those never visited too; and which were not looked at for too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from watcher.records import MirrorStatus, Site, TargetStatus

LATE_AFTER = 2
"""Intervals without a visit after which something is wrong with the watching."""
A_WHILE = timedelta(minutes=1)
"""Less than that is never late: a visit itself takes time."""


def configured(sites: Sequence[Site], found: Sequence[TargetStatus]) -> tuple[TargetStatus, ...]:
    """How the configured sites stand, those never visited too; each with its configured mirrors."""
    by_site: dict[str, list[TargetStatus]] = {}
    for target in found:
        by_site.setdefault(target.site, []).append(target)
    return tuple(
        _with_mirrors(site, target) for site in sites for target in by_site.get(site.name) or [unseen(site.name)]
    )


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


def late_by(target: TargetStatus, site: Site, now: datetime) -> timedelta | None:
    """How long ago the site should have been looked at, if that is more than two intervals; else None. A site that
    was never visited is not late: it is new."""
    if target.last_visit is None:
        return None
    every = site.every if isinstance(site.every, timedelta) else None
    if every is None:
        planned = target.next_visit - target.last_visit if target.next_visit else timedelta(0)
        every = max(planned, timedelta(minutes=15))
    silent = now - target.last_visit
    return silent if silent > max(LATE_AFTER * every, A_WHILE) else None
