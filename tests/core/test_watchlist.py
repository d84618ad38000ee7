"""Which watched names an entry is about: case, accents, punctuation, masked letters and domains allowed for."""

from __future__ import annotations

import pytest

from watcher.core.watchlist import Watch, watched

ACME = Watch(name="Acme", match=("acme", "acme.example"))
TWO = Watch(name="Velmora", match=("Velmora Logistics",))
ACCENTS = Watch(name="Müller", match=("Müller-Łódź",))
ALL = (ACME, TWO, ACCENTS)


@pytest.mark.parametrize(
    "title",
    [
        "ACME", "Acme Corp.", "the (acme) group", "A.C.M.E.", "Ácme", "ＡＣＭＥ", "ac\u200bme", "аcmе",
        "A**E", "a∗∗e corp", "AC●●", "A██E Ltd", "www.acme.example", "A**E.EXAMPLE", "acme_2024", "ACME[.]example",
    ],
)  # fmt: skip
def test_a_title_that_is_about_it(title: str) -> None:
    assert watched(ALL, title, {}) == ("Acme",)


@pytest.mark.parametrize(
    "title",
    ["Acmeville", "Placme", "Ac Me", "A***", "****", "Macme", "Acm", "Xa.C.M.E.", "a c d m e", "B**E", "A**X", ""],
)
def test_a_title_that_is_not(title: str) -> None:
    assert watched((ACME,), title, {}) == ()


@pytest.mark.parametrize(
    "title",
    [
        "Velmora Logistics Ltd", "VELMORA-LOGISTICS", "velmoralogistics", "velmora\n logistics", "V****** L********",
        "Vel**** Logistics", "VELMORA L*******S", "velmora_logistics",
    ],
)  # fmt: skip
def test_several_words_stand_together(title: str) -> None:
    assert watched(ALL, title, {}) == ("Velmora",)


@pytest.mark.parametrize("title", ["Velmora", "Logistics Velmora", "Velmora Fine Logistics", "V* L*"])
def test_words_alone_or_apart_are_another_name(title: str) -> None:
    assert watched(ALL, title, {}) == ()


@pytest.mark.parametrize("title", ["MULLER LODZ", "Mueller Łódź", "müller/łódź", "MUELLER-LODZ GmbH"])
def test_accents_may_be_left_out_or_written_out(title: str) -> None:
    assert watched(ALL, title, {}) == ("Müller",)


def test_where_else_a_name_may_stand() -> None:
    for fields in (
        {"domain": "acme.example"},
        {"website": "https://www.acme.example/about"},
        {"description": "We took all of ACME, and more."},
        {"company": "Acme"},
    ):
        assert watched(ALL, "Another", fields) == ("Acme",)
    assert watched(ALL, "Another", {}, "http://leak.example/acme") == ("Acme",)
    assert watched(ALL, "Another", {"size": "acme"}) == ()
    assert watched(ALL, "Another", {"description": "a**e"}) == ()  # hidden letters are believed in names alone
    assert watched(ALL, "Another", {"domain": "a**e.example"}) == ("Acme",)


def test_several_watches_are_named_in_their_order() -> None:
    assert watched(ALL, "Velmora Logistics and Acme", {}) == ("Acme", "Velmora")
    assert watched((), "Acme", {}) == ()


def test_a_title_of_a_megabyte_costs_little() -> None:
    assert watched(ALL, "x* " * 300_000, {}) == ()
