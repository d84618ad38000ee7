"""The short way for visits that see the same again leads where the full decision leads, whatever came before."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core.again import Lately, Resighted, listed, titles
from watcher.core.compare import compare
from watcher.core.decide import decide, wanted_probes
from watcher.core.snapshot import assemble
from watcher.records import Capture, Decision, Entry, Policy, Reading, Roster, Snapshot

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICY = Policy(confirm_after=timedelta(0))
MIRRORS = ("http://one.example/", "http://two.example/")
Pages = list[tuple[Capture, Reading | None]]


def entry(number: int, **fields: str) -> Entry:
    return Entry(key=f"/{number}", title=f"Velmora {number} Freight", url=f"http://one.example/{number}", fields=fields)


def reading(entries: list[Entry], **more: object) -> Reading:
    text = "Latest " + " ".join(one.title for one in entries)
    made = Reading(verdict="listing", complete=True, entries=tuple(entries), text=text, rule_digest="r")
    return replace(made, **more)  # type: ignore[arg-type]  # names are checked by replace


class Site:
    """One site, decided both ways; the short way's roster goes on."""

    def __init__(self) -> None:
        self.lately, self.full, self.short = Lately(), Roster(site="a"), Roster(site="a")
        self.looks = self.shortened = 0

    def look(self, *read: Reading | None, mirror: str = MIRRORS[0]) -> Decision:
        at = START + timedelta(minutes=15 * self.looks)
        pages: Pages = [(self._capture(at, number, one, mirror), one) for number, one in enumerate(read)]
        visit = f"a@{self.looks}"
        self.looks += 1
        made = assemble("a", visit, "test", pages)
        known = self.lately.snapshot("a", visit, pages)
        assert known is None or known == made
        snapshot = known or made
        short = self.lately.decision(self.short, snapshot)
        if short is None:
            short = self._decide(self.short, snapshot)
            self.lately.learn(self.short, pages, snapshot, short)
        else:
            self.shortened += 1
        full = self._decide(self.full, made)
        assert short == full
        assert short.roster.notes == full.roster.notes
        assert titles(short.roster.entries) == titles(dict(full.roster.entries))
        assert listed(short.roster.entries) == listed(dict(full.roster.entries))
        self.full, self.short = full.roster, short.roster
        return full

    def _decide(self, roster: Roster, snapshot: Snapshot) -> Decision:
        delta = compare(roster, snapshot)
        wanted_probes(roster, delta, POLICY)
        return decide(roster, snapshot, delta, (), POLICY, mirrors=MIRRORS)

    def _capture(self, at: datetime, number: int, read: Reading | None, mirror: str) -> Capture:
        return Capture(
            id=f"c{self.looks:08x}{number:08x}",
            site="a",
            target="listing",
            visit=f"a@{self.looks}",
            url=mirror if not number else f"{mirror}page/{number + 1}/",
            mirror=mirror,
            requested_at=at + timedelta(seconds=number),
            finished_at=at + timedelta(seconds=number + 1),
            status=None if read is None else 200,
            verdict="unreachable" if read is None else "",
            why=("socks:F2",) if read is None else (),
            cut="",
            isolation=f"a-{self.looks % 3}",
            body_digest=None if read is None else "00",
            body_bytes=0,
            stored_bytes=0,
            leaf=self.looks,
            vantage="test",
        )


def test_a_page_that_stays_the_same_is_soon_decided_the_short_way() -> None:
    site, page = Site(), reading([entry(n) for n in range(12)])
    for _ in range(20):
        site.look(page)
    assert site.shortened >= 15
    assert isinstance(site.short.entries, Resighted)
    assert len(site.short.entries) == 12
    assert list(site.short.entries) == [f"/{n}" for n in range(12)]


def test_and_so_is_one_whose_rule_stays_a_guess() -> None:
    site, page = Site(), reading([entry(n) for n in range(12)], provisional=True)
    for _ in range(30):
        site.look(page)
    assert site.shortened >= 18


def test_another_mirror_is_decided_in_full() -> None:
    site, page = Site(), reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    before = site.shortened
    site.look(page, mirror=MIRRORS[1])
    assert site.shortened == before


def test_a_listing_of_several_pages() -> None:
    site = Site()
    pages = [
        reading([entry(n) for n in range(8)], next_urls=(f"{MIRRORS[0]}page/2/",)),
        reading([entry(n) for n in range(8, 12)]),
    ]
    for _ in range(12):
        site.look(*pages)
    assert site.shortened >= 8
    seen_in = {found.seen_in for found in site.short.entries.values()}
    assert len(seen_in) == 2


def test_what_is_new_or_gone_is_decided_in_full_and_found() -> None:
    site = Site()
    page = reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    more = reading([entry(99), *(entry(n) for n in range(12))])
    assert [event.kind for event in site.look(more).events] == ["listed"]
    for _ in range(8):
        site.look(more)
    less = reading([entry(99), *(entry(n) for n in range(12) if n != 5)])
    told = [event.kind for _ in range(8) for event in site.look(less).events]
    assert told == ["withdrawn"]


def test_a_roster_from_elsewhere_is_decided_in_full() -> None:
    """As after a restart, or when what was believed had to be read from the ledger again."""
    site, page = Site(), reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    before = site.shortened
    site.short = replace(site.short, entries=dict(site.short.entries))
    site.look(page)
    assert site.shortened == before
    for _ in range(3):
        site.look(page)
    assert site.shortened > before


@pytest.mark.parametrize("seed", range(20))
def test_it_leads_where_the_full_decision_leads(seed: int) -> None:
    """Anything may happen; each state stays for a few looks, now and then with trouble between."""
    chance, site = random.Random(seed), Site()
    there = [entry(n, status="new") for n in range(chance.randrange(3, 14))]
    number = 100
    for _ in range(15):
        match chance.randrange(9):
            case 0 | 1:
                number += 1
                there.insert(0, entry(number))
            case 2 if len(there) > 2:
                there.pop(chance.randrange(len(there)))
            case 3:
                there[0] = replace(there[0], fields={"status": f"part {number}"})
                number += 1
            case 4:
                there[-1] = replace(there[-1], title=f"Ostraven {number} Dental")
            case 5:
                chance.shuffle(there)
            case _:
                pass
        provisional = chance.random() < 0.2
        page = reading(list(there), provisional=provisional)
        if chance.random() < 0.2:
            page = replace(page, text=f"{page.text} {number}")
        faults: list[Reading | None] = [None, Reading(verdict="blocked", why=("captcha",)), reading(there[:1])]
        for _ in range(chance.randrange(1, 9)):
            mirror = MIRRORS[chance.randrange(2)] if chance.random() < 0.2 else MIRRORS[0]
            site.look(page if chance.random() < 0.93 else chance.choice(faults), mirror=mirror)
    assert site.shortened
