"""The quick way to a canonical record gives the bytes of RFC 8785, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.core.test_message import T1
from tests.core.test_sharing import CAPTURE
from watcher.core import custody
from watcher.core.snapshot import assemble
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


def test_a_snapshots_record_says_nothing_of_its_captures_clocks() -> None:
    """A store gives a snapshot back without them: its record must be the same then."""
    timed = replace(CAPTURE, facts={"boot_id": "b", "monotonic_start": 12345.678901, "clock_state": "synchronised"})
    reading = Reading(verdict="listing", complete=True, entries=(Entry(key="acme", title="Acme"),))
    with_clocks, without = (assemble("clop", "v", "local", [(one, reading)]) for one in (timed, CAPTURE))
    assert custody.snapshot_record(with_clocks, at=T1) == custody.snapshot_record(without, at=T1)
    assert custody.described(with_clocks) == custody.described(without)


def _scrubbed(record: Reading | Snapshot) -> custody.Json:
    return custody._scrubbed(custody.described(record))
