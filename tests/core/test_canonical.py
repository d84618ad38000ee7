"""The quick way to a canonical record gives the bytes of RFC 8785, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import custody
from watcher.errors import EvidenceError
from watcher.records import Entry, Reading, Rule, Selector, Snapshot

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["", "a,1.5", ":-3e9", "[12345678901234567", "\ue000", "\U0001f600", "\x00\x1f\x7f\u2028", "é", '"\\/']
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(WORDS, PLAIN, max_size=5))
def test_every_record_has_the_spelling_of_rfc_8785(record: dict[str, custody.Json]) -> None:
    assert custody.canonical(record) == rfc8785.dumps(record)


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**18])
def test_numbers_that_have_no_spelling_are_refused(number: int) -> None:
    with pytest.raises(EvidenceError, match="canonical"):
        custody.canonical({"n": number})


def test_lone_surrogates_become_replacement_characters_and_pairs_become_characters() -> None:
    assert custody.canonical({"a": "x\ud800y"}) == '{"a":"x\ufffdy"}'.encode()
    assert custody.canonical({"a": "\ud83d\ude00"}) == '{"a":"\U0001f600"}'.encode()


def test_readings_and_snapshots_are_described_field_by_field() -> None:
    selector = Selector(css="h3", regex="(.*)", nth=-1)
    rule = Rule(entry=("li",), fields={"title": (selector,)}, skip=("HOME",))
    entry = Entry(key="acme", title="Acme", fields={"status": "1.5 GB"})
    reading = Reading(
        verdict="listing", why=("a", "b"), complete=True, entries=(entry,), text="t", rule=rule, rule_digest="ab"
    )
    zone = timezone(timedelta(hours=2))
    snapshot = Snapshot(
        site="s",
        visit="v",
        mirror="m",
        vantage="local",
        taken_at=datetime(2026, 11, 22, 15, tzinfo=zone),
        finished_at=datetime(2026, 11, 22, 13, 0, 1, 5, tzinfo=UTC),
        verdict="listing",
        entries=(entry, replace(entry, key="b")),
        captures=("c1",),
        seen_in={"b": "c1"},
    )
    for record in (reading, snapshot, replace(snapshot, text="\ud800"), replace(snapshot, text="\U0001f600")):
        digest = custody._digest_of(record, custody.shown(record.entries))
        assert digest == sha256(rfc8785.dumps(_scrubbed(record))).hexdigest()
    assert custody.described(snapshot)["taken_at"] == "2026-11-22T13:00:00.000000Z"


def test_a_snapshots_clocks_are_logged_with_its_first_capture_alone() -> None:
    """A store gives the snapshot back without them: its record must be the same then."""
    at = datetime(2026, 11, 22, 15, tzinfo=UTC)
    plain = Snapshot(site="s", visit="v", mirror="m", vantage="local", taken_at=at, finished_at=at, verdict="listing")
    timed = replace(plain, ran=12345.678901, boot="b", clock_kept=True)
    assert custody.snapshot_record(timed, at=at) == custody.snapshot_record(plain, at=at)
    assert custody.described(timed) == custody.described(plain)


def _scrubbed(record: Reading | Snapshot) -> custody.Json:
    return custody._scrubbed(custody.described(record))
