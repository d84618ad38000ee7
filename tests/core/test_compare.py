"""How roster and snapshot differ: facts, by key, by title, by what else says who it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.core.looks import FIRST, SECOND, START, Watching, entry
from watcher.core.compare import Delta, compare
from watcher.core.identity import assign_keys
from watcher.records import Entry, Roster, Snapshot


def snapshot(*entries: Entry, complete: bool = True, base: str = FIRST) -> Snapshot:
    return Snapshot(
        site="site",
        visit="site@9",
        mirror=base,
        vantage="test",
        taken_at=START + timedelta(days=1),
        finished_at=START + timedelta(days=1, seconds=4),
        verdict="listing",
        complete=complete,
        entries=assign_keys(entries, base=base),
        captures=("c9",),
        rule_digest="rule",
    )


def roster(*entries: Entry) -> Roster:
    site = Watching()
    site.looks(2, entries)
    return site.roster


def delta(before: list[Entry], after: list[Entry], **other: bool) -> Delta:
    return compare(roster(*before), snapshot(*after, **other))


def post(number: int, title: str, host: str = FIRST, **fields: str) -> Entry:
    return entry(title, link=f"{host}post/{number}", **fields)


def test_everything_is_new_to_an_empty_roster() -> None:
    found = compare(Roster(site="site"), snapshot(entry("A"), entry("B")))
    assert [one.title for one in found.added] == ["Arvelo Logistics", "Brontek Foods"]
    assert not found.missing
    assert not found.seen


def test_the_same_again() -> None:
    found = delta([entry("A"), entry("B")], [entry("B"), entry("A")])
    assert list(found.seen) == ["brontek foods", "arvelo logistics"]
    assert not found.added
    assert not found.missing
    assert not found.changed
    assert not found.renamed


def test_added_and_missing() -> None:
    found = delta([entry("A"), entry("B")], [entry("A"), entry("C")])
    assert [one.title for one in found.added] == ["Calderis Clinic"]
    assert found.missing == ("brontek foods",)


def test_an_incomplete_page_lacks_and_changes_nothing() -> None:
    found = delta([entry("A", status="Sold"), entry("B")], [entry("A", status="Open")], complete=False)
    assert list(found.seen) == ["arvelo logistics"]
    assert not found.missing
    assert not found.changed


def test_another_host_is_the_same_site() -> None:
    before = [post(1, "A"), post(2, "B")]
    after = [post(1, "A", SECOND), post(2, "B", SECOND)]
    found = compare(roster(*before), snapshot(*after, base=SECOND))
    assert list(found.seen) == ["/post/1", "/post/2"]
    assert not found.added
    assert not found.missing
    assert not found.changed


def test_new_links_on_old_titles() -> None:
    found = delta([post(1, "A"), post(2, "B")], [post(11, "A"), post(12, "B")])
    assert {key: one.key for key, one in found.seen.items()} == {"/post/1": "/post/11", "/post/2": "/post/12"}
    assert not found.added
    assert not found.missing


def test_links_that_are_only_places_in_the_list() -> None:
    before = [post(1, "A"), post(2, "B"), post(3, "C")]
    after = [post(1, "D"), post(2, "A"), post(3, "B")]
    found = delta(before, after)
    assert {key: one.title for key, one in found.seen.items()} == {
        "/post/1": "Arvelo Logistics",
        "/post/2": "Brontek Foods",
    }
    assert [one.title for one in found.added] == ["Dorvani Energy"]
    assert found.missing == ("/post/3",)


def test_renamed_by_link_mask_and_place() -> None:
    before = [post(1, "A"), entry("Ve***** Lo*******"), entry("Tarsk Ltd"), entry("B")]
    after = [post(1, "Ardal Freight"), entry("Velmora Logistics"), entry("Tarsk Ltd International"), entry("B")]
    found = delta(before, after)
    assert found.renamed == {"/post/1": "link", "ve* lo*": "unmasked", "tarsk ltd": "title"}
    assert not found.added
    assert not found.missing


def test_a_status_in_the_title_is_the_same_entry() -> None:
    found = delta([entry("A"), entry("Velmora")], [entry("A"), entry("[SOLD] Velmora")])
    assert found.renamed == {"velmora": "status"}


def test_invisible_letters_and_case_are_the_same_title() -> None:
    found = delta([entry("A"), entry("Velmora Ltd")], [entry("A"), entry("VEL\u200bMORA  Ltd")])
    assert list(found.seen) == ["arvelo logistics", "velmora ltd"]
    assert not found.renamed


def test_a_former_title_is_known() -> None:
    site = Watching()
    site.look([entry("A"), entry("Ve***** Lo*******")])
    site.look([entry("A"), entry("Velmora Logistics")])
    found = compare(site.roster, snapshot(entry("A"), entry("Ve***** Lo*******")))
    assert found.renamed == {"ve* lo*": "former"}


def test_two_victims_of_one_name_are_told_apart_by_what_they_say() -> None:
    north, south = entry("Twin", domain="north.example"), entry("Twin", domain="south.example")
    known = roster(entry("A"), north, south)
    keys = {held.fields["domain"]: key for key, held in known.entries.items() if held.title == "Twin"}
    found = compare(known, snapshot(entry("A"), south))
    assert found.missing == (keys["north.example"],)
    assert keys["south.example"] in found.seen
    found = compare(known, snapshot(entry("A"), south, north))
    assert {one.fields["domain"]: key for key, one in found.seen.items() if one.title == "Twin"} == keys


def test_changed_fields_with_both_values() -> None:
    found = delta([post(1, "A", status="Open", views="7")], [post(1, "A", status="Sold", views="9")])
    assert found.changed == {"/post/1": {"status": ("Open", "Sold")}}


def test_another_rules_fields_are_not_compared() -> None:
    known = roster(entry("A", status="Open"))
    found = compare(known, replace(snapshot(entry("A", status="Sold")), rule_digest="another"))
    assert not found.changed
    assert list(found.seen) == ["arvelo logistics"]


def test_a_withdrawn_entry_is_known_again_by_its_link_only_with_a_like_title() -> None:
    site = Watching()
    site.look([post(1, "A"), post(2, "B"), post(3, "C"), post(4, "D")])
    site.looks(3, [post(1, "A"), post(3, "C"), post(4, "D")])
    assert site.standing("B") == "withdrawn"
    rest = [post(1, "A"), post(3, "C"), post(4, "D")]
    again = compare(site.roster, snapshot(post(2, "Brontek Foods Ltd"), *rest))
    assert "/post/2" in again.seen
    assert not again.added
    other = compare(site.roster, snapshot(post(2, "Zylmar Glass"), *rest))
    assert "/post/2" not in other.seen
    assert [one.title for one in other.added] == ["Zylmar Glass"]
