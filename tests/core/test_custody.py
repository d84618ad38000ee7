"""What the custody log says of each act: one spelling, digests only, and a change in anything seen."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest

from watcher.core import absence, custody
from watcher.core.rule_tables import rule_digest
from watcher.errors import EvidenceError
from watcher.records import Capture, Entry, Event, Reading, Rule, Selector, Snapshot

AT = datetime(2026, 11, 22, 15, 4, 5, 123456, tzinfo=UTC)
SECRET = "Velmora Logistics"
ENTRY = Entry(key="/c/velmora", title=SECRET, url="http://a.example/c/velmora", fields={"status": SECRET})
CAPTURE = Capture(
    id="c1",
    site="gang",
    target="listing",
    visit="gang@2026",
    url=f"http://a.example/{SECRET}",
    mirror="http://a.example/",
    requested_at=AT,
    finished_at=AT + timedelta(seconds=2),
    status=200,
    verdict="",
    why=(),
    cut="",
    isolation="gang-1",
    body_digest=sha256(b"body").hexdigest(),
    body_bytes=4,
    stored_bytes=4,
    leaf=None,
    vantage="local",
    facts={"monotonic_start": 1.5, "boot_id": "b", "nanoseconds": 2**60},
)
READING = Reading(
    verdict="listing",
    complete=True,
    entries=(ENTRY,),
    text=SECRET,
    rule=Rule(entry=("li",), fields={"title": (Selector(css="b"),)}),
    rule_digest="aa",
)
SNAPSHOT = Snapshot(
    site="gang",
    visit="gang@2026",
    mirror="m",
    vantage="local",
    taken_at=AT,
    finished_at=AT,
    verdict="listing",
    complete=True,
    entries=(ENTRY,),
    captures=("c1",),
    text=SECRET,
)
EVENT = Event(
    id="e1",
    kind="listed",
    site="gang",
    entry=ENTRY,
    not_before=None,
    not_after=AT,
    confirmed_at=AT,
    before=None,
    after="c1",
    why=(SECRET,),
    changes={"status": (SECRET, "")},
    vantage="local",
)
ACTS = {
    "capture": custody.capture_record(CAPTURE, request=SECRET.encode(), response=SECRET.encode()),
    "miss": custody.capture_record(
        dataclasses.replace(CAPTURE, status=None, verdict="timeout", body_digest=None), request=b"", response=b""
    ),
    "refusal": custody.capture_record(
        dataclasses.replace(CAPTURE, status=None, verdict="refused-content"), request=b"", response=b""
    ),
    "reading": custody.reading_record("c1", READING, at=AT, vantage="local"),
    "snapshot": custody.snapshot_record(SNAPSHOT, at=AT),
    "event": custody.event_record(EVENT, at=AT),
    "alert": custody.alert_record(event="e1", sink=f"mailto://{SECRET}", checkpoint=b"cp", at=AT, vantage="local"),
    "export": custody.export_record(bundle=bytes(32), captures=["c1"], events=["e1"], at=AT, vantage="local"),
    "redaction": custody.redaction_record(bundle=bytes(32), redactions=bytes(32), count=2, at=AT, vantage="local"),
    "prune": custody.prune_record(bodies=["bb", "aa"], before=AT, at=AT, vantage="local"),
    "pause": custody.pause_record(by="index", until={"gang": AT}, at=AT, vantage="local"),
    "key": custody.key_record(old="", new="local+00000000+AQ==", at=AT, vantage="local"),
    "version": custody.version_record({"watcher": "0.1.0"}, config=bytes(32), at=AT, vantage="local"),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_record_names_its_act_and_holds_no_content(act: str) -> None:
    record = ACTS[act]
    assert record["act"] == act
    assert record["vantage"] == "local"
    canonical = custody.canonical(record)
    assert SECRET.split(maxsplit=1)[0].encode() not in canonical
    assert json.loads(canonical) == record
    assert custody.leaf_data(record) == sha256(canonical).digest()


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    record: custody.Record = {"\u20ac": "Euro", "\r": "CR", "\ufb33": "dalet", "1": 1, "\U0001f600": "x", "\u0080": []}
    assert custody.canonical(record) == (
        '{"\\r":"CR","1":1,"\u0080":[],"\u20ac":"Euro","\U0001f600":"x","\ufb33":"dalet"}'.encode()
    )


def test_lone_surrogates_do_not_stop_the_log() -> None:
    assert custody.canonical({"a\ud800": "\udc00b", "n": ["\U0001f600\ud83d"]}) == (
        '{"a\ufffd":"\ufffdb","n":["\U0001f600\ufffd"]}'.encode()
    )


def test_a_number_that_json_cannot_carry_is_refused() -> None:
    with pytest.raises(EvidenceError, match="canonical"):
        custody.canonical({"n": 2**60})


def test_what_is_learned_later_does_not_change_a_captures_facts() -> None:
    read = dataclasses.replace(CAPTURE, verdict="listing", why=("x",), complete=True, leaf=7, stored_bytes=9)
    assert custody.capture_facts(read) == custody.capture_facts(CAPTURE)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "x"},
        {"status": 404},
        {"requested_at": AT - timedelta(microseconds=1)},
        {"facts": {}},
        {"cut": "length"},
        {"body_bytes": 5},
        {"mirror": "x"},
        {"isolation": "x"},
        {"site": "x"},
    ],
)
def test_every_fact_of_a_capture_is_bound(change: dict[str, object]) -> None:
    other = custody.capture_record(
        dataclasses.replace(CAPTURE, **change), request=SECRET.encode(), response=SECRET.encode()
    )
    assert custody.leaf_data(other) != custody.leaf_data(ACTS["capture"])


def test_a_misss_reason_is_bound() -> None:
    miss = dataclasses.replace(CAPTURE, status=None, verdict="timeout", why=("socks:F2",))
    assert custody.capture_facts(miss)["why"] == ["socks:F2"]
    assert custody.capture_facts(miss)["verdict"] == "timeout"


def test_both_directions_are_bound() -> None:
    one, other = (custody.capture_record(CAPTURE, request=a, response=b) for a, b in [(b"a", b"b"), (b"a", b"c")])
    assert one["request"] == other["request"] == sha256(b"a").hexdigest()
    assert one["response"] != other["response"]


def test_the_log_commits_to_the_entries_that_were_read() -> None:
    for act in ("reading", "snapshot"):
        assert ACTS[act]["entries"] == absence.commit([ENTRY.key]).hex()
        assert ACTS[act]["count"] == 1


def test_times_are_utc_with_microseconds_and_never_naive() -> None:
    there = AT.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert custody.event_record(EVENT, at=there)["at"] == "2026-11-22T15:04:05.123456Z"
    with pytest.raises(ValueError, match="without a zone"):
        custody.event_record(EVENT, at=AT.replace(tzinfo=None))


def test_a_rule_is_spelled_as_its_digest_says() -> None:
    assert READING.rule is not None
    assert custody.digest(custody.described(READING.rule)) == rule_digest(READING.rule)
