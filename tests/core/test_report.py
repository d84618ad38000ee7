"""The report: it says what was seen, no more; nothing that a site wrote can act in it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.evidence.story import ONION, OTHERS, SUBJECT, Story, withdrawal
from watcher.core import report, stix, timeline
from watcher.core.material import Material, Told
from watcher.core.reasons import KINDS, reason
from watcher.core.redact import BAR, Redactor
from watcher.records import ENTRY_KINDS, Entry

HOSTILE = "<script>alert(1)</script>\u202e'\"><img src=x onerror=y> {{ 7*7 }} \x1b[31m"


def rendered(material: Material) -> tuple[str, LexborHTMLParser]:
    page = report.html(material, Redactor(material.hidden)).decode()
    return page, LexborHTMLParser(page)


def words(tree: LexborHTMLParser) -> str:
    return " ".join((tree.body.text(separator=" ") if tree.body else "").split())


def test_a_withdrawal_is_told_in_a_sentence() -> None:
    page, tree = rendered(withdrawal().material())
    claim = " ".join(tree.css(".claim")[0].text().split())
    assert claim == (
        "On 20 November 2025, 08:15:03 a complete copy of the listing showed “Velmora Logistics”. On 20 November 2025, "
        "09:00:00 a complete copy of the same listing did not. It was not observed in 3 complete copies between then "
        "and 20 November 2025, 09:30:00."
    )
    assert "after 2025-11-20T08:15:03.000000Z and no later than 2025-11-20T09:00:00.000000Z (44 min)" in page


def test_both_pages_stand_side_by_side_with_the_entry_marked() -> None:
    _, tree = rendered(withdrawal().material())
    before, after = tree.css(".side")
    assert [node.text(deep=True) for node in before.css("li.is")] == [f"{SUBJECT}this entry"]
    assert [node.text(deep=True) for node in after.css("li.not")] == [f"{SUBJECT}not on this page"]
    rows = [node.text(deep=True) for node in after.css("li")]
    assert rows.index(f"{SUBJECT}not on this page") == 4, "where it stood: between its neighbours"
    assert [row for row in rows if SUBJECT not in row] == list(OTHERS)


def test_every_visit_and_gap_is_listed_and_drawn() -> None:
    _, tree = rendered(withdrawal().material())
    table = next(table for table in tree.css("table") if "says of the entry" in table.text())
    said = [[cell.text() for cell in row.css("td")][1:] for row in table.css("tbody tr")]
    gone = ["listing", "complete, and the entry is not there"]
    assert said == [
        ["listing", "the entry is there"],
        ["listing", "the entry is there"],
        ["unreachable, socks:F2", "says nothing"],
        ["partial", "says nothing"],
        gone, gone, gone,
    ]  # fmt: skip
    picture = next(svg for svg in tree.css("svg[role]"))
    assert (len(picture.css(".there")), len(picture.css(".gone")), len(picture.css("path.silent"))) == (2, 3, 2)


@pytest.mark.parametrize("forbidden", ["paid", "deleted", "safe"])
def test_it_says_not_observed_and_never_more(forbidden: str) -> None:
    text = words(rendered(withdrawal().material())[1])
    without_limits = text[: text.index("What this does not show")] + text[text.index("How to check this") :]
    assert not re.search(rf"\b{forbidden}\b", without_limits, re.IGNORECASE)
    assert "not observed" in text


def test_nothing_that_a_site_wrote_can_act() -> None:
    story = withdrawal()
    told = story.told[0]
    bad = Entry(key=HOSTILE, title=HOSTILE, url=f"{ONION}{HOSTILE}", fields={HOSTILE: HOSTILE})
    event = replace(told.event, entry=bad, why=(HOSTILE,), site=HOSTILE)
    page, tree = rendered(story.material(events=(Told(event=event, leaf=told.leaf),), operator=HOSTILE))
    assert not tree.css("script, img, link, iframe, a, form, object, embed")
    assert not [a for node in tree.css("*") for a in node.attributes if a.startswith("on")]
    assert "\u202e" not in page
    assert "\x1b" not in page
    assert "{{ 7*7 }}" in page
    assert "49" not in re.findall(r">\s*(\d+)\s*<", page)


def test_addresses_lead_nowhere() -> None:
    page, _ = rendered(withdrawal().material())
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert ".onion" not in page
    assert "hxxp://" in page


def test_it_asks_for_nothing() -> None:
    _, tree = rendered(withdrawal().material())
    policy = tree.css_first("meta[http-equiv=Content-Security-Policy]").attributes["content"]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert not tree.css("[src], [href]")


def test_a_clock_that_was_set_stands_at_the_top() -> None:
    story = withdrawal()
    kept = [
        replace(k, capture=replace(k.capture, facts={"boot_id": "b", "monotonic_start": 100.0 + n}))
        for n, k in enumerate(story.kept)
    ]
    text = words(rendered(story.material(kept=tuple(kept)))[1])
    assert text.index("The times in this report are not certain. The clock was set forward by") < text.index(
        "Site gang"
    )


def test_hidden_names_are_bars() -> None:
    page, _ = rendered(withdrawal().material(hidden=(SUBJECT,)))
    assert "elmora" not in page
    assert BAR in page
    assert OTHERS[0].replace("&", "&amp;") in page


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_event_has_a_report(kind: str) -> None:
    story = Story()
    first = story.visit(OTHERS, after=timedelta())
    then = story.visit((*OTHERS, SUBJECT), after=timedelta(minutes=9))
    event = story.tell(kind, SUBJECT, before=first, after=then, why=("new-on-listing", "gone-at-once:3"))
    changes = {"status": ("new", "sold")} if kind == "changed" else {}
    entry = event.entry if kind in ENTRY_KINDS else None
    told = Told(
        event=replace(event, entry=entry, changes=changes, was="Masked" if kind == "renamed" else ""),
        leaf=story.told[0].leaf,
    )
    material = story.material(events=(told,))
    assert KINDS[kind] in words(rendered(material)[1])
    assert stix.bundle(material, Redactor(()))


def test_a_report_without_events_lists_its_captures() -> None:
    text = words(rendered(withdrawal().material(events=(), snapshots=()))[1])
    assert text.startswith("Captures of gang")


def test_machine_words_are_explained_and_prose_speaks_for_itself() -> None:
    assert reason("absent-from-listing:3").endswith(": 3")
    assert reason("The name is gone: look") == ""
    assert reason("no-such-word:1") == ""


def test_a_picture_of_one_moment_is_drawn() -> None:
    at = withdrawal().now
    mark = timeline.Mark(at=at, shows="there", label="<b>")
    drawn = timeline.svg([mark], not_before=None, not_after=at, confirmed=at)
    assert "nan" not in drawn
    assert "<b>" not in drawn
