from __future__ import annotations

import json

import pytest

from watcher.core.comparison import By, Side, compared, entry_changes
from watcher.core.diff_html import page
from watcher.core.diff_text import as_object, lines, unified
from watcher.records import Entry


def entry(title: str, **fields: str) -> Entry:
    return Entry(key=title.lower(), title=title, url=f"http://a.onion/{title.lower().replace(' ', '-')}", fields=fields)


OLD = [
    entry("Velmora Logistics", status="SOON", size="30 GB"),
    entry("Brackenwold Systems", description="Keeps the computers of several police forces."),
    entry("Ostrava Foods", size="2 TB"),
    entry("H***** Dental", description="A dental clinic in the old town with nine chairs and no backups at all."),
]
NEW = [
    entry("Ostrava Foods", size="2 TB"),
    entry("Velmora Logistics", status="PUBLISHED", size="30 GB"),
    entry("Harrow Dental", description="A dental clinic in the old town with nine chairs and no backups at all."),
    entry("Tarn & Sons"),
]
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202egnp.exe \"onload='x'"


def side(entries: list[Entry], markup: str = "") -> Side:
    return Side(label="c0", verdict="listing", entries=tuple(entries), markup=markup)


def test_each_entry_is_told_once_as_what_became_of_it() -> None:
    found = {change.entry.title: change.kind for change in entry_changes(OLD, NEW)}
    assert found["Brackenwold Systems"] == "removed"
    assert found["Tarn & Sons"] == "added"
    assert found["Velmora Logistics"] == "changed"
    assert found["Harrow Dental"] == "renamed"


def test_a_reorder_removes_and_adds_nothing() -> None:
    assert {change.kind for change in entry_changes(OLD, OLD[::-1])} == {"moved"}


def test_what_changed_is_told_by_field_and_word() -> None:
    (change,) = [one for one in entry_changes(OLD, NEW) if one.kind == "changed"]
    assert dict(change.changes) == {"status": ("SOON", "PUBLISHED")}
    assert [(span.op, span.text) for span in change.spans["status"]] == [("removed", "SOON"), ("added", "PUBLISHED")]


def test_for_people() -> None:
    told = ["".join(text for _, text in pieces) for pieces in lines(compared(side(OLD), side(NEW), "entries"))]
    assert "- removed  Brackenwold Systems" in told
    assert "~ renamed  H***** Dental → Harrow Dental" in told
    assert "    status: [-SOON-]{+PUBLISHED+}" in told
    assert "+ added    Tarn & Sons" in told
    assert told[-1].endswith("1 added")


def test_unified() -> None:
    told = list(unified(compared(side(OLD), side(NEW), "entries")))
    assert told[2:5] == ["@@ removed @@", "-Brackenwold Systems", "-  url: http://a.onion/brackenwold-systems"]
    assert "-  status: SOON" in told
    assert "+  status: PUBLISHED" in told


def test_of_a_field_that_came_or_went_there_is_one_line() -> None:
    old = entry("Velmora Logistics", status="SOON", size="30 GB")
    new = entry("Velmora Logistics", size="30 GB", date="2026-11-02")
    told = list(unified(compared(side([old]), side([new]), "entries")))
    assert told[3:] == [" Velmora Logistics", "-  status: SOON", "+  date: 2026-11-02"]


def test_json() -> None:
    value = json.loads(json.dumps(as_object(compared(side(OLD), side(NEW), "entries"))))
    assert (value["by"], value["same"], value["degraded"]) == ("entries", False, False)
    assert {one["kind"] for one in value["entries"]} >= {"removed", "added", "changed", "renamed"}


@pytest.mark.parametrize("by", ["entries", "text", "source"])
def test_the_same_differs_in_nothing(by: By) -> None:
    found = compared(side(OLD, "<p>a</p>"), side(OLD, "<p>a</p>"), by)
    assert found.is_none
    assert list(unified(found)) == []
    assert as_object(found)["same"] is True


@pytest.mark.parametrize("by", ["text", "source"])
def test_a_hunk_shows_a_little_of_what_stands_around(by: By) -> None:
    paragraphs = [f"<p>paragraph {number} of the page</p>\n" for number in range(40)]
    found = compared(side([], "".join(paragraphs)), side([], "".join(paragraphs[:20] + paragraphs[21:])), by)
    told = list(unified(found))
    assert sum(line.startswith("-") and "paragraph 20" in line for line in told) == 1
    assert sum(line.startswith(" ") for line in told) == 6
    assert sum(line.startswith("@@") for line in told) == 1


@pytest.mark.parametrize("by", ["entries", "text", "source"])
def test_nothing_hostile_is_let_through(by: By) -> None:
    old = side([entry(HOSTILE, description=HOSTILE)], f"<p>{HOSTILE}</p>")
    new = side([entry("Velmora")], "<p>b</p>")
    found = compared(old, new, by)
    for told in (
        "\n".join("".join(text for _, text in pieces) for pieces in lines(found)),
        "\n".join(unified(found)),
        page(found),
    ):
        assert "\x1b" not in told
        assert "\u202e" not in told
    shown = page(found)
    assert "<script" not in shown
    assert "onload='" not in shown
    assert "default-src 'none'" in shown


def test_the_page_marks_the_words_of_each_side() -> None:
    shown = page(compared(side(OLD), side(NEW), "entries"))
    assert "<del>SOON</del>" in shown
    assert "<ins>PUBLISHED</ins>" in shown
    assert shown.count("Brackenwold Systems") == 1


def test_which_side_does_not_say_what_stood_there_is_told_beside_the_entries() -> None:
    good = Side(label="c1", verdict="listing", entries=tuple(OLD))
    mute = Side(label="c2 <b>", verdict="blocked")
    assert compared(good, Side(label="c3", verdict="empty"), "entries").doubts == ()
    assert compared(good, mute, "text").doubts == ()
    found = compared(good, mute, "entries")
    said = "shows no whole list (blocked): an entry may have stood there all the same"
    assert found.doubts == (f"c2 <b> {said}",)
    assert f"c2 <b> {said}" in ["".join(text for _, text in one) for one in lines(found)]
    assert f"<p>c2 &lt;b&gt; {said}.</p>" in page(found)
    assert compared(Side(label="c4"), good, "entries").doubts == (f"c4 {said.replace('blocked', 'never read')}",)
