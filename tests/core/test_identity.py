"""Keys that stay: the same for the same entry, on whatever mirror, under whatever name it later goes by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.identity import LONGEST_KEY, assign_keys, fold_title
from watcher.records import Entry


def entry(title: str, url: str = "", **fields: str) -> Entry:
    return Entry(key="", title=title, url=url, fields=fields)


def keys(entries: Sequence[Entry]) -> list[str]:
    return [one.key for one in assign_keys(entries)]


@pytest.mark.parametrize(
    ("title", "folded"),
    [
        ("Velmora  Logistics", "velmora logistics"),
        ("ＶＥＬＭＯＲＡ Logistics", "velmora logistics"),
        ("Vel\u200bmora Logistics", "velmora logistics"),
        ("Velmora Logistics (SOLD)", "velmora logistics"),
        ("[DISCLOSED] Velmora Logistics", "velmora logistics"),
    ],
)
def test_a_title_is_folded(title: str, folded: str) -> None:
    assert fold_title(title)[0] == folded


def test_status_words_are_kept_beside() -> None:
    assert fold_title("Velmora Logistics (SOLD)")[1]


def test_a_key_knows_no_host() -> None:
    one = keys([entry("Velmora", "http://aaa.onion/velmora"), entry("Ostrava", "http://aaa.onion/ostrava")])
    other = keys([entry("Velmora", "http://bbb.onion/velmora"), entry("Ostrava", "http://bbb.onion/ostrava")])
    assert one == other
    assert not any("onion" in key for key in one)


def test_a_link_that_all_share_is_nobodys_own() -> None:
    found = keys([entry("Velmora", "http://a.onion/#"), entry("Ostrava", "http://a.onion/#")])
    assert found == ["velmora", "ostrava"]


def test_a_link_that_nothing_can_read_is_nobodys_own() -> None:
    found = keys([entry("Velmora", "http://[a.onion/velmora"), entry("Ostrava", "http://[a.onion/ostrava")])
    assert found == ["velmora", "ostrava"]


def test_names_that_differ_only_far_behind_have_two_short_keys() -> None:
    found = keys([entry("v" * 3 * LONGEST_KEY), entry("v" * 3 * LONGEST_KEY + "w")])
    assert len(set(found)) == 2
    assert max(map(len, found)) <= LONGEST_KEY


def test_a_new_title_on_the_same_page_of_its_own_is_the_same_entry() -> None:
    others = [entry("Ostrava", "http://a.onion/p?id=7"), entry("Tarn", "http://a.onion/p?id=8")]
    before = keys([entry("V*****a", "http://a.onion/p?id=3"), *others])
    after = keys([entry("Velmora", "http://a.onion/p?id=3"), *others])
    assert before == after


def test_entries_that_have_their_keys_are_taken_as_they_are() -> None:
    entries = assign_keys([entry("Velmora", "http://a.onion/velmora"), entry("Ostrava (SOLD)", "http://a.onion/o")])
    assert assign_keys(entries) is entries
    other, told = replace(entries[0], key="/else"), replace(entries[1], fields={})
    assert assign_keys((other, told)) == entries


def test_two_victims_with_one_name_keep_two_keys_whatever_their_order() -> None:
    one, two = entry("Delta", domain="delta.example"), entry("Delta", domain="delta-group.example")
    forward, backward = assign_keys([one, two]), assign_keys([two, one])
    assert {e.key: e.fields["domain"] for e in forward} == {e.key: e.fields["domain"] for e in backward}
    assert len({e.key for e in forward}) == 2


@given(st.lists(st.tuples(st.sampled_from(["A", "B", "a~2", "a"]), st.sampled_from(["", "x", "y"])), max_size=30))
def test_keys_are_unique_on_a_page(rows: list[tuple[str, str]]) -> None:
    found = keys([entry(title, note=note) if note else entry(title) for title, note in rows])
    assert len(set(found)) == len(rows)


def test_thousands_of_the_same_name_are_told_apart() -> None:
    found = keys([entry("Same")] * 5000)
    assert len(set(found)) == 5000
    assert found[:3] == ["same", "same~2", "same~3"]
