"""How configured sites stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from watcher.core.status import configured, unseen
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
