"""Invented victims, as many as wanted and always the same ones: none of these firms exists."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta

from watcher.testing.scene import Victim

_STARTS = ("Vel", "Ost", "Quil", "Bran", "Thur", "Kel", "Mar", "Zan", "Fjor", "Dra", "Lum", "Nor", "Eska", "Hol", "Tam")
_MIDDLES = ("mo", "ra", "ven", "da", "li", "su", "ker", "ga", "ni", "to", "wi", "be")
_ENDS = ("ra", "den", "lor", "vik", "stad", "mere", "nex", "holt", "quist", "ford", "bru", "ska")
_TRADES = (
    "Logistics", "Freight", "Dental", "Textiles", "Foods", "Instruments", "Legal", "Clinic", "Timber", "Hydraulics",
    "Insurance", "Packaging", "Optics", "Schools", "Housing", "Robotics", "Castings", "Bakeries", "Shipping", "Seeds",
)  # fmt: skip
_COUNTRIES = ("Norland", "Westmark", "Sudria", "Ostavia", "Kesteria", "Valdania")
_OPENINGS = (
    "{title} was told twice what would happen, and twice {title} said nothing.",
    "The managers of {title} like to speak of safety. We have read their safety reports; soon everyone can.",
    "Eleven days of talks with {title}, and then silence. Silence has a price.",
    "Nobody at {title} noticed us for a month. We noticed everything.",
)
_DETAILS = (
    "We hold contracts, payrolls and the passports of the staff.",
    "The mail of the board is there, all of it, since 2016.",
    "Drawings, tenders, price lists, and letters to lawyers.",
    "Customers, too, may wish to ask what was kept about them.",
)
_CLOSINGS = ("The first part is below.", "More every day until they write.", "The clock does not stop for holidays.")


def invented_victims(seed: int, *, first_date: date = date(2026, 3, 2)) -> Iterator[Victim]:
    """Some two thousand victims, no name twice; the same for the same seed."""
    dice, seen, day = random.Random(f"victims:{seed}"), set[str](), first_date
    while True:
        stem = dice.choice(_STARTS) + dice.choice(_MIDDLES) + dice.choice(_ENDS)
        if stem in seen:
            continue
        seen.add(stem)
        title = f"{stem} {dice.choice(_TRADES)}"
        day += timedelta(days=dice.randrange(1, 5))
        yield Victim(
            slug=title.lower().replace(" ", "-"),
            title=title.upper(),
            statement="\n".join(
                (dice.choice(_OPENINGS).format(title=title), dice.choice(_DETAILS), dice.choice(_CLOSINGS))
            ),
            country=dice.choice(_COUNTRIES),
            domain=f"www.{stem.lower()}.example",
            size=f"{dice.randrange(12, 900)} GB",
            date=day.isoformat(),
            status=dice.choice(("", "", "PART 1", "COMING SOON")),
        )
        if len(seen) == len(_STARTS) * len(_MIDDLES) * len(_ENDS):
            return
