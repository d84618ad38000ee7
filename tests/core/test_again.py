"""The short way for visits that see the same again leads where the full decision leads, whatever came before."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core import resighted
from watcher.core.again import Lately, Shown, page_print
from watcher.core.compare import compare
from watcher.core.decide import decide, wanted_probes
from watcher.core.foreseen import as_foreseen, looks, seen_again
from watcher.core.resighted import Entries, Resighted
from watcher.core.snapshot import assemble
from watcher.records import Capture, Decision, Entry, Page, Policy, Reading, Roster, RosterEntry, Site

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
POLICY = Policy(confirm_after=timedelta(0))
MIRRORS = ("http://one.example/", "http://two.example/")
SITE = Site(name="a", mirrors=MIRRORS)
Pages = list[tuple[Capture, Reading | None]]


def entry(number: int, **fields: str) -> Entry:
    return Entry(key=f"/{number}", title=f"Velmora {number} Freight", url=f"http://one.example/{number}", fields=fields)


def reading(entries: list[Entry], **more: object) -> Reading:
    text = "Latest " + " ".join(one.title for one in entries)
    made = Reading(verdict="listing", complete=True, entries=tuple(entries), text=text, rule_digest="r")
    return replace(made, **more)  # type: ignore[arg-type]  # names are checked by replace


class Looked:
    """One site, decided in full each time, and told the short way where that is said to do."""

    def __init__(self) -> None:
        self.lately, self.full, self.short = Lately(), Roster(site="a"), Roster(site="a")
        self.looks = self.shortened = self.since = 0
        self.kept, self.decided = b"", list[str]()
        self.last: tuple[str, tuple[tuple[datetime, str], ...]] = "", ()

    def look(
        self,
        *read: Reading | None,
        mirror: str = MIRRORS[0],
        site: Site = SITE,
        taught: bool = False,
        restarted: bool = False,
    ) -> Decision:
        at = START + timedelta(minutes=15 * self.looks)
        visit = f"a@{self.looks}"
        pages: Pages = [(self._capture(at, number, one, mirror), one) for number, one in enumerate(read)]
        captures = [capture for capture, _ in pages]
        self.looks += 1
        if restarted:
            self.lately = Lately()
            self.lately.take_up(site, lately=self.kept, again=self.since, visit=self.last[0], looks=self.last[1])
        made = assemble("a", visit, "test", pages)
        delta = compare(self.full, made)
        wanted_probes(self.full, delta, POLICY)
        full = decide(self.full, made, delta, (), POLICY, mirrors=MIRRORS)
        shown, known = _shown(pages), self.lately.shown(site, mirror)
        if known is not None and known.shown == shown:
            last, like = self.lately.last("a", mirror)
            assert (last, like in self.decided) == (f"a@{self.looks - 2}", True)
            self.shortened += 1
            self.lately.again("a", replace(made, entries=(), text="", seen_in={}))
            assert (full.events, full.look_again) == ((), None)
            self.short = self._sighted(at, captures)
            self.since += 1
        else:
            self.lately.learn(site, self.short, None if taught else shown, made, full)
            self.kept, self.since = self.lately.kept(site), 0
            self.decided.append(visit)
            self.short = full.roster
        assert self.short == full.roster
        self.full = full.roster
        self.last = visit, looks(made)
        return full

    def _sighted(self, at: datetime, captures: list[Capture]) -> Roster:
        """What the ledger would say: as before, but for when and where that was last seen which was seen last."""
        entries = self.short.entries.values()
        last = max(one.last_seen for one in entries)
        seen: dict[str, RosterEntry] = {}
        for one in entries:
            again = one.last_seen == last
            page = captures[int(one.seen_in[-8:], 16)] if again else None
            seen[one.key] = replace(one, last_seen=at, seen_in=page.id) if page else one
        return Roster(site="a", entries=seen, notes=seen_again(self.short.notes, 1, at, captures[0].id))

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


def _shown(pages: Pages) -> Shown | None:
    if any(read is None for _, read in pages):
        return None
    return Shown(
        urls=tuple(capture.url for capture, _ in pages),
        prints=tuple(repr(read).encode() for _, read in pages),
        pages=(True,) * len(pages),
        entries=sum(len(read.entries) for _, read in pages if read),
    )


def test_a_page_that_stays_the_same_is_soon_told_the_short_way() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for _ in range(20):
        site.look(page)
    assert site.shortened >= 15


def test_and_so_is_one_whose_rule_stays_a_guess() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)], provisional=True)
    for _ in range(30):
        site.look(page)
    assert site.shortened >= 26  # but for the first three, and the one by which a baseline stands


def test_the_look_by_which_a_baseline_stands_is_decided_in_full_by_another_process_too() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)], provisional=True)
    for number in range(20):
        site.look(page, restarted=number > 1)
    assert site.shortened == 17


def test_another_process_goes_on_where_one_ended() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for number in range(20):
        site.look(page, restarted=number > 5)
    assert site.shortened >= 12
    site.look(page, site=replace(SITE, pages="page/{n}/"), restarted=True)
    assert site.lately.kept(SITE) == b""


def test_mirrors_that_take_turns_are_each_known() -> None:
    site, page = Looked(), reading([replace(entry(n), url="") for n in range(12)])
    for number in range(30):
        site.look(page, mirror=MIRRORS[number % 2])
    assert site.shortened >= 20


def test_a_mirror_that_was_never_asked_is_decided_in_full() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    before = site.shortened
    site.look(page, mirror=MIRRORS[1])
    assert site.shortened == before


def test_a_listing_of_several_pages() -> None:
    site = Looked()
    pages = [
        reading([entry(n) for n in range(8)], next_urls=(f"{MIRRORS[0]}page/2/",)),
        reading([entry(n) for n in range(8, 12)]),
    ]
    for _ in range(12):
        site.look(*pages)
    assert site.shortened >= 8
    assert len({found.seen_in for found in site.short.entries.values()}) == 2


def test_what_is_new_or_gone_is_decided_in_full_and_found() -> None:
    site = Looked()
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


def test_a_site_that_is_configured_otherwise_is_decided_in_full() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    before, other = site.shortened, replace(SITE, next="a.next@href")
    site.look(page, site=other)
    assert site.shortened == before
    for _ in range(3):
        site.look(page, site=other)
    assert site.shortened > before


def test_what_still_teaches_the_reader_is_decided_in_full() -> None:
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for _ in range(12):
        site.look(page, taught=True)
    assert not site.shortened


def test_what_was_believed_meanwhile_by_others_is_not_built_on() -> None:
    """As when a visit that a crash broke off is told later."""
    site, page = Looked(), reading([entry(n) for n in range(12)])
    for _ in range(8):
        site.look(page)
    mine, site.lately = site.lately, Lately()
    site.look(page)
    site.lately = mine
    taken = site.shortened
    site.short = replace(site.short, notes=seen_again(site.short.notes, 1, START, "c"))  # a visit that mine never saw
    site.full = site.short
    site.look(page, site=replace(SITE, mirrors=MIRRORS[:1]))
    site.look(page)
    assert site.shortened == taken


@pytest.mark.parametrize(
    "other",
    [
        Page(body=b"<p>b", url="http://a/", status=200),
        Page(body=b"<p>a", url="http://a/b", status=200),
        Page(body=b"<p>a", url="http://a/", status=203),
        Page(body=b"<p>a", url="http://a/", status=200, content_type="text/plain"),
        Page(body=b"<p>a", url="http://a/", status=200, cut="length"),
    ],
)
def test_a_page_is_known_by_all_that_a_reader_is_given(other: Page) -> None:
    capture = Looked()._capture(START, 0, reading([]), MIRRORS[0])
    page = Page(body=b"<p>a", url="http://a/", status=200)
    assert page_print(capture, page) == page_print(replace(capture, id="c1"), page)
    assert page_print(capture, page) != page_print(capture, other)
    assert page_print(capture, page) != page_print(replace(capture, body_digest="01"), page)


def test_many_visits_count_as_so_many_single_ones() -> None:
    site, page = Looked(), reading([entry(n) for n in range(5)])
    for _ in range(8):
        site.look(page)
    one, at = site.full.notes, START + timedelta(days=1)
    for number in range(20):
        one = seen_again(one, 1, at + timedelta(hours=number), f"c{number}")
    assert one == seen_again(site.full.notes, 20, at + timedelta(hours=19), "c19")
    assert seen_again(b"", 0, at, "c") == b""


@pytest.mark.parametrize("seed", range(20))
def test_it_leads_where_the_full_decision_leads(seed: int) -> None:
    """Anything may happen; each state stays for a few looks, now and then with trouble between."""
    chance, site = random.Random(seed), Looked()
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
            shown = page if chance.random() < 0.93 else chance.choice(faults)
            site.look(shown, mirror=mirror, restarted=chance.random() < 0.2)
    assert site.shortened


def test_what_is_asked_of_entries_seen_again_is_what_their_roster_says() -> None:
    """Over and over, by way of what the full decision left: nothing of it changes while the same is seen again."""
    standings = ("listed", "withdrawn", "missing", "listed")
    held = {
        f"/{number}": RosterEntry(
            key=f"/{number}", title=f"Velmora {number}", url="", first_seen=START + timedelta(days=number),
            last_seen=START, seen_in="c0", standing=standing,  # type: ignore[arg-type]  # out of a list of them
        )
        for number, standing in enumerate(standings)
    }  # fmt: skip
    seen = Resighted(Entries(held), {"/0": 1}, START + timedelta(days=9), ["c1", "c2"])
    for entries in (held, seen, seen):
        assert resighted.titles(entries) == ("Velmora 0", "Velmora 2", "Velmora 3")
        assert resighted.came(entries) == tuple(START + timedelta(days=number) for number in range(4))
        assert resighted.listed(entries) == 2
    assert (len(seen), list(seen)) == (4, list(held))
    assert (seen["/0"].last_seen, seen["/0"].seen_in) == (START + timedelta(days=9), "c2")
    assert seen["/1"] == held["/1"]


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({"views": "13", "status": "new", "deadline": "2d 03h 09m"}, True),
        ({"views": "12", "status": "old", "deadline": "2d 03h 10m"}, False),
        ({"views": "12", "status": "new", "deadline": "2026-12-24"}, False),
        ({"views": "12", "status": "new"}, False),
    ],
)
def test_only_what_counts_may_say_something_else(fields: dict[str, str], same: bool) -> None:
    site = Looked()
    page = reading([entry(n, views="12", status="new", deadline="2d 03h 10m") for n in range(4)])
    for _ in range(8):
        site.look(page)
    roster, last = site.full, site.last[1]
    site.look(page)
    held = site.full.entries["/2"]
    after = replace(site.full, entries={**site.full.entries, "/2": replace(held, fields=fields)})
    made = assemble("a", "a@8", "test", [(site._capture(held.last_seen, 0, page, MIRRORS[0]), page)])
    made = replace(made, captures=(held.seen_in,), taken_at=held.last_seen)
    assert as_foreseen(8, last, roster, made, Decision(roster=after)) is same
    assert not as_foreseen(7, last, roster, made, Decision(roster=site.full))
