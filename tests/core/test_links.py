"""Which links of a place are taken for the entries' own pages."""

from __future__ import annotations

import pytest

from watcher.core.links import own_pages

BASE = "http://leak.example/"


def menu(*others: str, pages: int) -> list[str]:
    return [*others, *(f"/entry-{number}" for number in range(pages))]


@pytest.mark.parametrize(
    ("links", "worth"),
    [
        (menu(pages=1), 1.0),
        (menu("/", pages=4), 1.0),  # HOME, in a short menu
        (menu("/", pages=8), 1.0),
        (menu("/", "#top", pages=6), 0.0),
        (menu("/", "#top", pages=18), 1.0),
        (menu("/", pages=3), 0.0),
        (menu("https://www.victim.example/", pages=2), 0.0),
        (menu("/", pages=0), 0.0),
        (["/one", "/one", "/one", "/two", "/three"], 0.0),
        ([], 0.0),
    ],
)
def test_links_that_lead_elsewhere_are_borne_where_they_are_few(links: list[str], worth: float) -> None:
    assert own_pages(links, BASE) == worth
