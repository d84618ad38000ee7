"""Invented victims and addresses, as many as wanted and always the same ones: none of them exists."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from datetime import date, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher.core.onion import address
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
    """Victims without end, no name twice in the first forty thousand; the same for the same seed."""
    dice, seen, day = random.Random(f"victims:{seed}"), set[str](), first_date
    while True:
        stem = dice.choice(_STARTS) + dice.choice(_MIDDLES) + dice.choice(_ENDS)
        title = f"{stem} {dice.choice(_TRADES)}"
        if len(seen) >= 40_000:
            seen.clear()
        if title in seen:
            continue
        seen.add(title)
        day += timedelta(days=dice.randrange(1, 5))
        yield Victim(
            slug=title.lower().replace(" ", "-"),
            title=title.upper(),
            statement="\n".join(
                (dice.choice(_OPENINGS).format(title=title), dice.choice(_DETAILS), dice.choice(_CLOSINGS))
            ),
            country=dice.choice(_COUNTRIES),
            domain=f"www.{title.lower().replace(' ', '-')}.example",
            size=f"{dice.randrange(12, 900)} GB",
            date=day.isoformat(),
            status=dice.choice(("", "", "PART 1", "COMING SOON")),
        )


def invented_onion(seed: int) -> str:
    """A valid onion address that nobody serves; the same for the same seed."""
    private = hashlib.sha256(f"watcher practice onion {seed}".encode()).digest()
    return address(Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw())
