"""Which leftover of the roster is which on the page: masks, renames, boilerplate; and in doubt none."""

from __future__ import annotations

import pytest

from watcher.core.match import Pair, Side, pair, unmask_fits

NO_OTHERS: dict[str, dict[str, str]] = {}


@pytest.mark.parametrize(
    ("masked", "full"),
    [
        ("Ve***** Lo*******", "Velmora Logistics"),
        ("Br******* Mo**** LL*", "Brumirpri Motors LLC"),
        ("F??????? ?????s", "Falqueri Batons"),
        ("www.f????????????s.com", "www.falqueribatons.com"),
        ("ho************", "holravdrihq.de"),
        ("За*** «К*************", "Завод «Карвелгальтор»"),
        ("ザモ****", "ザモヴ製作所"),
        ("A**e", "Acme"),
        ("Vel████ Logistics", "Velmora Logistics"),
        ("Velxxxx Logistics", "Velmora Logistics"),
    ],
)
def test_a_mask_fits_letter_by_letter(masked: str, full: str) -> None:
    assert unmask_fits(masked, full) == 1.0
    assert unmask_fits(full, masked) == 0.0


@pytest.mark.parametrize(
    ("masked", "full"),
    [
        ("Ve***** Lo*******", "Vermont Logic"),
        ("Ve***** Lo*******", "Velmora Foods"),
        ("A**e", "Acre Ltd"),
        ("****", "Five"),
        ("Velmora", "Velmora"),
        ("HOW TO DOWNLOAD?", "HOW TO DOWNLOADS"),
        ("Ve*****", "Ve*****"),
    ],
)
def test_a_mask_that_does_not_fit(masked: str, full: str) -> None:
    assert unmask_fits(masked, full) == 0.0


def test_marks_that_do_not_count_letters_fit_less_and_need_letters() -> None:
    assert 0 < unmask_fits("Velm** Logistics", "Velmora Logistics") < 1
    assert unmask_fits("V** L**", "Velmora Logistics") == 0.0


def test_a_hostile_mask_is_quick() -> None:
    assert unmask_fits("a*" * 40 + "b", "a" * 5_000) == 0.0


def side(key: str, title: str, before: str = "", after: str = "", url: str = "", **fields: str) -> Side:
    return Side(key=key, title=title, url=url, fields=fields, before=before, after=after)


def test_the_same_link_is_the_same_entry_on_any_mirror() -> None:
    old = [side("a", "Velmora", url="http://one.onion/p/7?t=1")]
    new = [side("0", "Something Else", url="http://two.onion/p/7?t=9")]
    assert pair(old, new, NO_OTHERS) == (Pair("a", "0", "link"),)


def test_links_that_went_over_from_one_title_to_another_prove_nothing() -> None:
    old = [side("a", "Velmora", url="http://one.onion/p/7")]
    new = [side("0", "Something Else", url="http://one.onion/p/7")]
    assert pair(old, new, NO_OTHERS, links=False) == ()


def test_two_masks_that_fit_one_title_are_told_apart_or_not_at_all() -> None:
    old = [side("a", "Ve***** Lo*******", "x", "y"), side("b", "V****** L********", "y", "z")]
    new = [side("0", "Velmora Logistics", "x", "y")]
    assert pair(old, new, NO_OTHERS) == (Pair("a", "0", "unmasked"),)
    nowhere = [side("a", "Ve***** Lo*******"), side("b", "V****** L********")]
    assert pair(nowhere, [side("0", "Velmora Logistics")], NO_OTHERS) == ()


LONG = "Velmora runs 41 depots in Brasova and keeps the freight papers of 1300 customers; all of it was downloaded."


def test_a_long_description_is_an_entrys_own() -> None:
    old, new = [side("a", "Velmora", description=LONG)], [side("0", "Nordfracht", description=LONG)]
    assert pair(old, new, NO_OTHERS) == (Pair("a", "0", "description"),)


def test_boilerplate_is_nobodys() -> None:
    text = "Financial reports, passports, contracts and mail archives. All data will be published when the timer ends."
    old, new = [side("a", "Velmora", description=text)], [side("0", "Nordfracht", description=text)]
    assert pair(old, new, {"Third Party": {"description": text}}) == ()


def test_the_same_description_does_not_outweigh_two_domains() -> None:
    old = [side("a", "Velmora", description=LONG, domain="velmora.example")]
    new = [side("0", "Nordfracht", description=LONG, domain="nordfracht.example")]
    assert pair(old, new, NO_OTHERS) == ()


def test_the_same_domain_is_the_same_entry() -> None:
    old = [side("a", "Velmora", domain="velmora.example")]
    new = [side("0", "V. Holding", domain="https://www.velmora.example/")]
    assert pair(old, new, NO_OTHERS) == (Pair("a", "0", "domain"),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Velmora Logistics", "Velmora Logistics Holding"),
        ("Velmora", "www.velmora"),
        ("Ceramiche Velmora S.r.l.", "Ceramiche Velmora S.r.l. - Part 2"),
        ("Velmora Logistcs", "Velmora Logistics"),
        ("イルケフ病院", "イルケフ病院 Holding"),
    ],
)
def test_close_titles_in_the_same_place(old: str, new: str) -> None:
    others = {f"Other {name} Ltd": {} for name in ("Arnt", "Brisk", "Corvo", "Dulm", "Elsk")}
    assert pair([side("a", old, "x", "y")], [side("0", new, "x", "y")], others) == (Pair("a", "0", "title"),)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Hospital Velmora", "Hospital Tarskin"),
        ("Studio Legale Velmora S.r.l.", "Studio Legale Tarskin S.r.l."),
        ("Farmaceutici Toror S.r.l.", "Farmaceutici Yarambralum S.r.l."),
        ("Prefeitura de Mirholbru Ltda", "Prefeitura de Kalvesto Ltda"),
        ("Velmora Foods", "Tarskin Foods"),
    ],
)
def test_two_victims_that_share_common_words_are_two(old: str, new: str) -> None:
    assert pair([side("a", old, "x", "y")], [side("0", new, "x", "y")], {"Third Party": {}}) == ()


def test_an_ambiguous_pair_is_removed_and_added() -> None:
    old = [side("a", "Velmora Group North"), side("b", "Velmora Group South")]
    new = [side("0", "Velmora Group")]
    assert pair(old, new, NO_OTHERS) == ()


def test_every_side_is_used_once() -> None:
    old = [side(f"k{at}", f"Name{at} Logistics", f"b{at}", f"a{at}") for at in range(40)]
    new = [side(str(at), f"Name{at} Logistics International", f"b{at}", f"a{at}") for at in range(40)]
    made = pair(old, new, NO_OTHERS)
    assert {(one.old, one.new) for one in made} == {(f"k{at}", str(at)) for at in range(40)}


def test_another_site_altogether_is_not_matched() -> None:
    many = [side(f"k{at}", f"Name{at}") for at in range(5_001)]
    assert pair(many, [side(str(at), f"Name{at}") for at in range(5_001)], NO_OTHERS) == ()
