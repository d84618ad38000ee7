"""How configured sites stand, and which were not looked at for too long."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest

from watcher.core.status import configured, late_by, unseen
from watcher.records import MirrorStatus, Site

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SITE = Site(name="clop", mirrors=("http://a.example/", "http://b.example/"))


def test_every_configured_site_stands_there_with_its_configured_mirrors() -> None:
    seen = MirrorStatus(url="http://b.example/", verdict="listing", last_visit=NOW)
    old = MirrorStatus(url="http://old.example/", verdict="listing", last_visit=NOW)
    found = (replace(unseen("clop"), listed=3, mirrors=(seen, old)), replace(unseen("forgotten"), listed=9))
    shown = configured((SITE, Site(name="new", mirrors=("http://n.example/",))), found)
    assert [(one.site, one.listed) for one in shown] == [("clop", 3), ("new", 0)]
    assert [(mirror.url, mirror.verdict) for mirror in shown[0].mirrors] == [
        ("http://a.example/", ""),
        ("http://b.example/", "listing"),
    ]


@pytest.mark.parametrize(
    ("every", "silent_minutes", "next_minutes", "late"),
    [
        (timedelta(minutes=15), 29, None, False),
        (timedelta(minutes=15), 31, None, True),
        (timedelta(seconds=5), 0.9, None, False),  # a visit itself takes time
        (timedelta(seconds=5), 1.1, None, True),
        ("adaptive", 29, None, False),
        ("adaptive", 31, None, True),
        ("adaptive", 100, 60, False),  # it was to be visited an hour after the last visit
        ("adaptive", 121, 60, True),
    ],
)
def test_late_is_more_than_two_intervals(
    every: timedelta | Literal["adaptive"], silent_minutes: float, next_minutes: float | None, late: bool
) -> None:
    last = NOW - timedelta(minutes=silent_minutes)
    due = None if next_minutes is None else last + timedelta(minutes=next_minutes)
    target = replace(unseen("clop"), last_visit=last, next_visit=due)
    found = late_by(target, replace(SITE, every=every), NOW)
    assert found == (timedelta(minutes=silent_minutes) if late else None)


def test_a_new_site_is_not_late() -> None:
    assert late_by(unseen("clop"), SITE, NOW) is None
