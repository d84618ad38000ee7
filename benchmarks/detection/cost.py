"""What reading, comparing and deciding cost, for a page with 10,000 entries of which ten changed."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from urllib.parse import urlsplit

from watcher.core.compare import compare
from watcher.core.decide import decide
from watcher.core.identity import assign_keys
from watcher.core.reading import read_page
from watcher.records import Entry, Hints, Page, Policy, Roster, Snapshot

ENTRIES = 10_000
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def page(number: int, *, links: bool) -> list[Entry]:
    """A long listing, in which ten entries changed by the ``number``: new, gone, renamed, or saying something else."""
    entries = [
        Entry(
            key="",
            title=f"{NAMES[at % len(NAMES)]}{NAMES[at // 7 % len(NAMES)].lower()} {at} {TRADES[at % len(TRADES)]}",
            url=f"http://long.onion/post/{at}" if links else "",
            fields={
                "description": f"Founded in {1900 + at % 120}, {at * 7 % 9000} people. All data will be published."
            },
        )
        for at in range(ENTRIES)
    ]
    if number:
        for at in range(4):
            changed = {"description": f"{entries[900 * at].fields['description']} New samples were uploaded."}
            entries[900 * at] = replace(entries[900 * at], fields=changed)
        entries[5000] = replace(entries[5000], title=f"{entries[5000].title} Holding")
        entries[5001] = replace(entries[5001], title=f"{entries[5001].title} (SOLD)")
        del entries[7000], entries[7100]
        entries[:0] = [Entry(key="", title=f"Newcomer {at} Ltd", fields={"description": "Just in."}) for at in range(2)]
    return entries


NAMES = ("Velm", "Tarn", "Orsk", "Quil", "Brund", "Kest", "Lumar", "Zandr", "Fjell", "Hald", "Mirt")
TRADES = ("Logistics Ltd", "Foods Inc", "Werkzeugbau GmbH", "Clinic", "Energy PLC", "School District", "Realty & Sons")


def snapshot(number: int, entries: tuple[Entry, ...]) -> Snapshot:
    taken = START + number * timedelta(minutes=20)
    return Snapshot(
        site="long",
        visit=f"long@{number}",
        mirror="http://long.onion/",
        vantage="bench",
        taken_at=taken,
        finished_at=taken + timedelta(seconds=9),
        verdict="listing",
        complete=True,
        entries=entries,
        text="\n".join(f"{entry.title} {entry.fields['description']}" for entry in entries) + f"\n{number} visitors",
        captures=(f"c{number}",),
        isolation=f"i{number}",
        rule_digest="r",
    )


def markup(number: int, *, links: bool) -> bytes:
    """The listing as a page of cards."""
    cards = []
    for at, entry in enumerate(page(number, links=links)):
        title = f"<h3>{escape(entry.title)}</h3>"
        linked = f'<a href="{urlsplit(entry.url).path}">{title}</a>' if entry.url else title
        said = (
            f'<p class="text">{escape(entry.fields["description"])}</p><span class="views">{at * 13 % 997} views</span>'
        )
        cards.append(f'<div class="card">{linked}{said}</div>')
    menu = '<nav><a href="/">Home</a><a href="/contact">Contact</a></nav>'
    return (
        f"<html><head><title>Long list</title></head><body>{menu}<main>{''.join(cards)}</main>"
        f"<footer><p>{number} visitors</p></footer></body></html>"
    ).encode()


def reading(*, links: bool) -> list[float]:
    """Seconds of CPU to read the page: when it is new, while its rule is learned, and from then on."""
    memory, spent = b"", list[float]()
    known: tuple[str, ...] = ()
    for number in (0, 1, 0, 1, 0):
        body = markup(number, links=links)
        began = time.process_time()
        read, memory = read_page(
            Page(body=body, url="http://long.onion/", status=200, content_type="text/html"),
            memory, known, Hints(mirror="http://long.onion/"),
        )  # fmt: skip
        spent.append(time.process_time() - began)
        known = tuple(entry.title for entry in read.entries)
        assert len(known) == ENTRIES
    return [spent[0], spent[1], min(spent[2:])]


def measure(*, links: bool) -> tuple[float, float, int]:
    """Seconds of CPU for keys, and for comparison and decision; events told."""
    roster = Roster(site="long")
    keys = spent = 0.0
    told = 0
    for number in range(3):
        began = time.process_time()
        entries = assign_keys(page(min(number, 1), links=links), base="http://long.onion/")
        keys = time.process_time() - began
        shown = snapshot(number, entries)
        began = time.process_time()
        decision = decide(roster, shown, compare(roster, shown), (), Policy())
        if number == 1:
            spent, told = time.process_time() - began, len(decision.events)
        roster = decision.roster
    return keys, spent, told


def report() -> None:
    print(f"\n{ENTRIES} entries, ten changed: seconds of CPU\n")
    for links in (True, False):
        _, spent, told = measure(links=links)
        first, learning, steady = reading(links=links)
        print(
            f"  {'with' if links else 'without'} links: read {steady:.3f} (new {first:.3f}, learning {learning:.3f}),"
            f" compare and decide {spent:.3f}, {told} events; together {steady + spent:.3f}"
        )
