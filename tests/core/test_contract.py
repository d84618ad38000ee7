"""The JSON objects, key by key: people script against them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from watcher.core import contract, rule_tables
from watcher.records import (
    Capture,
    Entry,
    Event,
    MirrorStatus,
    Reading,
    RosterEntry,
    Rule,
    Selector,
    TargetStatus,
)

T1 = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
T2 = datetime(2026, 11, 22, 15, 34, 5, tzinfo=UTC)
ENTRY = Entry(key="velmora", title="Velmora Logistics", url="http://a.example/v", fields={"status": "new"})
EVENT = Event(
    id="e1",
    kind="withdrawn",
    site="clop",
    entry=ENTRY,
    not_before=T1,
    not_after=T2,
    confirmed_at=T2,
    before="c1",
    after="c2",
    why=("absent-from-listing:3", "detail-offline"),
    watchlist=("Velmora",),
    vantage="local",
)
CAPTURE = Capture(
    id="c1",
    site="clop",
    target="listing",
    visit="clop@2026-11-22T15:04:05.123456Z",
    url="http://a.example/",
    mirror="http://a.example/",
    requested_at=T1,
    finished_at=T2,
    status=200,
    verdict="listing",
    why=("rule",),
    complete=True,
    cut="",
    isolation="clop-0",
    body_digest="ab" * 32,
    body_bytes=1000,
    stored_bytes=90,
    leaf=7,
    vantage="local",
)


def test_event() -> None:
    assert contract.event_object(EVENT) == {
        "id": "e1",
        "kind": "withdrawn",
        "site": "clop",
        "entry": {
            "key": "velmora",
            "title": "Velmora Logistics",
            "url": "http://a.example/v",
            "fields": {"status": "new"},
        },
        "not_before": "2026-11-22T15:04:05.123456Z",
        "not_after": "2026-11-22T15:34:05.000000Z",
        "confirmed_at": "2026-11-22T15:34:05.000000Z",
        "before": "c1",
        "after": "c2",
        "why": ["absent-from-listing:3", "detail-offline"],
        "watchlist": ["Velmora"],
        "vantage": "local",
    }


def test_event_of_a_site() -> None:
    value = contract.event_object(replace(EVENT, kind="seized", entry=None, not_before=None, before=None, after=None))
    assert (value["entry"], value["not_before"], value["before"], value["after"]) == (None, None, None, None)


def test_changed_and_renamed_say_what() -> None:
    changed = contract.event_object(replace(EVENT, kind="changed", changes={"status": ("new", "sold")}))
    renamed = contract.event_object(replace(EVENT, kind="renamed", was="V******"))
    assert changed["changes"] == {"status": ["new", "sold"]}
    assert "was" not in changed
    assert renamed["was"] == "V******"
    assert "changes" not in renamed


def test_entry() -> None:
    entry = RosterEntry(
        key="velmora",
        title="Velmora Logistics",
        standing="missing",
        first_seen=T1,
        last_seen=T2,
        seen_in="c1",
        missing_since=T2,
        aliases=("V******",),
    )
    assert contract.entry_object("clop", entry) == {
        "site": "clop",
        "key": "velmora",
        "title": "Velmora Logistics",
        "url": "",
        "fields": {},
        "standing": "missing",
        "first_seen": "2026-11-22T15:04:05.123456Z",
        "last_seen": "2026-11-22T15:34:05.000000Z",
        "missing_since": "2026-11-22T15:34:05.000000Z",
        "withdrawn_at": None,
        "aliases": ["V******"],
    }


def test_capture() -> None:
    assert contract.capture_object(CAPTURE) == {
        "id": "c1",
        "site": "clop",
        "target": "listing",
        "url": "http://a.example/",
        "mirror": "http://a.example/",
        "requested_at": "2026-11-22T15:04:05.123456Z",
        "finished_at": "2026-11-22T15:34:05.000000Z",
        "status": 200,
        "verdict": "listing",
        "why": ["rule"],
        "complete": True,
        "body_digest": "ab" * 32,
        "body_bytes": 1000,
        "stored_bytes": 90,
        "leaf": 7,
        "vantage": "local",
        "visit": "clop@2026-11-22T15:04:05.123456Z",
        "cut": "",
        "foreign": False,
    }


def test_miss() -> None:
    miss = replace(CAPTURE, status=None, verdict="unreachable", body_digest=None, body_bytes=0, stored_bytes=0)
    value = contract.capture_object(miss)
    assert (value["status"], value["body_digest"], value["verdict"]) == (None, None, "unreachable")


def test_status() -> None:
    target = TargetStatus(
        site="clop",
        target="listing",
        verdict="listing",
        last_visit=T1,
        last_complete=T1,
        next_visit=None,
        listed=3,
        misses_in_a_row=0,
        mirrors=(MirrorStatus(url="http://a.example/", verdict="listing", last_visit=T1),),
    )
    assert contract.status_object(target) == {
        "site": "clop",
        "target": "listing",
        "verdict": "listing",
        "last_visit": "2026-11-22T15:04:05.123456Z",
        "last_complete": "2026-11-22T15:04:05.123456Z",
        "next_visit": None,
        "listed": 3,
        "misses_in_a_row": 0,
        "every_seconds": None,
        "because": "",
        "paused_until": None,
        "paused_by": "",
        "mirrors": [{"url": "http://a.example/", "verdict": "listing", "last_visit": "2026-11-22T15:04:05.123456Z"}],
    }


def test_reading() -> None:
    rule = Rule(
        entry=("li", "div.card"),
        fields={
            "title": (Selector(css="b"),),
            "link": (Selector(css="a", attr="href"), Selector(attr="data-url")),
            "id": (Selector(css="a", attr="href", regex="id=(.*)", template="/x/{}", nth=-1),),
        },
        skip=("HOME",),
        format="json",
    )
    reading = Reading(verdict="listing", why=("rule",), complete=True, entries=(ENTRY,), rule=rule)
    assert contract.reading_object(reading) == {
        "verdict": "listing",
        "why": ["rule"],
        "complete": True,
        "entries": [
            {"key": "velmora", "title": "Velmora Logistics", "url": "http://a.example/v", "fields": {"status": "new"}}
        ],
        "rule": {
            "entry": ["li", "div.card"],
            "title": "b",
            "link": ["a@href", "@data-url"],
            "id": {"css": "a", "attr": "href", "regex": "id=(.*)", "template": "/x/{}", "nth": -1},
            "skip": ["HOME"],
            "format": "json",
        },
    }
    assert contract.reading_object(Reading(verdict="error"))["rule"] is None


def test_a_plain_rule_is_short() -> None:
    rule = Rule(entry=("li",), fields={"title": (Selector(css="b", nth=1),)})
    assert rule_tables.to_table(rule) == {"entry": "li", "title": {"css": "b", "nth": 1}}


def test_check() -> None:
    assert contract.check_object("digests", True, "12 of 12") == {"check": "digests", "ok": True, "detail": "12 of 12"}


def test_a_line_is_utf_8_and_hides_nothing() -> None:
    dumped = contract.dumps({"title": "Žižkov \x1b[31m \u202e \ud800 \u2028"})
    assert dumped == '{"title": "Žižkov \\u001b[31m \\u202e \\ud800 \\u2028"}'
    assert json.loads(dumped)["title"] == "Žižkov \x1b[31m \u202e \ud800 \u2028"
    assert "\n" not in contract.dumps({"a": "one\ntwo"})


def test_a_number_that_json_lacks_is_refused() -> None:
    with pytest.raises(ValueError):
        contract.dumps({"a": float("nan")})
