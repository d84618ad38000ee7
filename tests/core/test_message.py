"""Messages for people: what they say, and that nothing captured acts in them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from watcher.core.message import Wording, key_of, message
from watcher.records import ENTRY_KINDS, Entry, Event, EventKind

T1 = datetime(2026, 11, 22, 15, 4, 5, tzinfo=UTC)
VELMORA = Event(
    id="e46a71547",
    kind="withdrawn",
    site="clop",
    entry=Entry(key="velmora", title="Velmora Logistics", url="http://leak.example/velmora"),
    not_before=T1,
    not_after=T1 + timedelta(minutes=30),
    confirmed_at=T1 + timedelta(minutes=45),
    before="c1",
    after="c2",
    why=("absent-from-listing:3", "detail-offline", "The name is gone from the listing."),
    watchlist=("Velmora",),
    vantage="local",
)
CHECKPOINT = "local\n12\nq2x4c0FtZV9oYXNo\n\n— local 9ab1cd==\n"
HOSTILE = "@everyone <!channel> [click](http://evil.example/) `rm` <b>x</b> \u202egnp.exe *bold* _i_ &amp; #tag ~~s~~"


def test_a_withdrawal_on_the_watchlist_says_all_that_is_known() -> None:
    made = message([VELMORA], CHECKPOINT)
    assert made.urgent
    assert made.title == "WATCHLIST · Entry withdrawn: Velmora Logistics (clop)"
    assert made.body == (
        "Entry withdrawn on clop: Velmora Logistics\n"
        "On the watchlist: Velmora\n"
        "When: after 2026-11-22 15:04:05 UTC and no later than 2026-11-22 15:34:05 UTC (30 min)\n"
        "Sure at: 2026-11-22 15:49:05 UTC\n"
        "Why: The name is gone from the listing.\n"
        "Its address: hxxp://leak[.]example/velmora\n"
        "Captures: before c1, after c2\n"
        "Seen from: local\n"
        "This says what a page showed. It does not say that the claim made there is true.\n"
        "Event e46a71547 (the same however often this comes); more: watcher show e46a71547\n"
        "\n"
        "Signed head of the custody log that holds this:\n"
        "local\n12\nq2x4c0FtZV9oYXNo\n\n— local 9ab1cd=="
    )


@pytest.mark.parametrize("kind", get_args(EventKind))
def test_every_kind_has_words_and_never_says_more_than_was_seen(kind: EventKind) -> None:
    entry = VELMORA.entry if kind in ENTRY_KINDS else None
    made = message([replace(VELMORA, kind=kind, entry=entry, watchlist=())])
    text = f"{made.title}\n{made.body}".lower()
    assert "clop" in text
    assert ("velmora" in text) == (entry is not None)
    assert not made.urgent
    assert not {"paid", "deleted", "safe"} & set(text.replace(".", " ").split())


def test_what_changed_and_what_it_was_called() -> None:
    changes = {f"field{n}": ("old", "new") for n in range(9)}
    body = message([replace(VELMORA, kind="changed", changes=changes)]).body
    assert "field0: old → new" in body
    assert "… and 3 more" in body
    assert "Before, it was called: V∗∗∗∗∗∗" in message([replace(VELMORA, kind="renamed", was="V******")]).body


def test_reasons_are_told_in_words_where_there_is_no_prose() -> None:
    body = message([replace(VELMORA, why=("absent-from-listing:3", "detail-offline"))]).body
    assert "complete copies of the listing in a row that did not show the entry: 3" in body
    assert "the entry's own page answered that it does not exist" in body


def test_a_flood_is_one_message_with_the_watched_first() -> None:
    flood = [replace(VELMORA, id=f"e{n}", kind="listed", watchlist=("Velmora",) if n == 70 else ()) for n in range(80)]
    made = message(flood)
    assert made.title == "WATCHLIST · 80 × entry listed on clop"
    lines = made.body.splitlines()
    assert lines[2].endswith("WATCHLIST: Velmora · no later than 2026-11-22 15:34:05 UTC · e70")
    assert sum(line.startswith("- ") for line in lines) == 50
    assert "… and 30 more; all of them: watcher events --since 2026-11-22T15:49:05.000000Z" in lines


def test_a_digest_of_different_things() -> None:
    made = message([VELMORA, replace(VELMORA, id="e2", kind="seized", site="other", entry=None, watchlist=())])
    assert made.title == "WATCHLIST · 2 events on 2 sites"
    assert "- Entry withdrawn · Velmora Logistics · clop · WATCHLIST: Velmora" in made.body
    assert "- Site seized · other" in made.body


def test_the_key_of_a_message_depends_on_its_events_alone() -> None:
    other = replace(VELMORA, id="e2")
    assert key_of([VELMORA]) == VELMORA.id
    assert key_of([VELMORA, other]) == key_of([other, VELMORA]) != key_of([VELMORA])


@pytest.mark.parametrize("size", [1, 3])
def test_captured_text_acts_nowhere(size: int) -> None:
    assert VELMORA.entry
    evil = replace(
        VELMORA,
        entry=replace(VELMORA.entry, title=HOSTILE + "x" * 100_000, url=f"javascript:{HOSTILE}"),
        changes={HOSTILE: (HOSTILE, HOSTILE)},
        was=HOSTILE,
        why=(HOSTILE, "socks:" + HOSTILE),
        watchlist=(HOSTILE,),
    )
    made = message([replace(evil, id=f"e{n}") for n in range(size)])
    for text in (made.title, made.body):
        assert not set("@<>`*_[~&#\u202e|\\") & set(text.replace("[.]", ""))
        assert "http:" not in text
    assert len(made.title) <= 200
    assert len(made.body) < 13_000


# ---------------------------------------------------------------------------------------------------- templates


def test_a_template_of_the_operators() -> None:
    wording = Wording(
        "{{ event.what }} at {{ event.site }}\n"
        "{% for one in events %}{{ one.title }} {{ one.url }}\n{% endfor %}{{ checkpoint }}"
    )
    made = wording.message([VELMORA], CHECKPOINT)
    assert made.title == "Entry withdrawn at clop"
    assert made.body == f"Velmora Logistics hxxp://leak[.]example/velmora\n{CHECKPOINT.strip()}"
    assert made.urgent


def test_a_template_prints_nothing_captured_raw() -> None:
    assert VELMORA.entry
    evil = replace(VELMORA, entry=replace(VELMORA.entry, title=HOSTILE), changes={HOSTILE: (HOSTILE, HOSTILE)})
    made = Wording("{{ event.title }}\n{{ event.changes }} {{ event.title|upper }} {{ event.watchlist }}").message(
        [evil]
    )
    assert not set("@<>`*_~&#\u202e") & set(made.title + made.body)


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("{{ event.titel }}", "titel"),
        ("one\n{% for %}", "2: "),
        ("{{ event.__class__.__mro__ }}", "unsafe"),
        ("{{ 1 / 0 }}", "zero"),
        ("{% include '/etc/passwd' %}", ""),
    ],
)
def test_a_template_that_cannot_be_used_is_told_by_line(source: str, fault: str) -> None:
    with pytest.raises(ValueError, match=r"^\d+: ") as told:
        Wording(source)
    assert fault in str(told.value)
