"""How often names stand on a page: many are looked for in one pass, which must find what looking for each finds."""

from __future__ import annotations

import random

import pytest

from watcher.core import structural
from watcher.core.structural import FEW_NAMES, count_names, count_usual

OTHERS = {f"other-{at}": f"Zanster{at} Holding" for at in range(FEW_NAMES)}
"""With these there are many."""


@pytest.mark.parametrize(
    ("title", "text", "times"),
    [
        ("Velmora Foods", "News · VELMORA FOODS, velmora_foods; Velmora-Foods Velmora, Ltd · Foods", 3),
        ("Café Brûlot", "CAFE\u0301 BRU\u0302LOT and café · brûlot, cafe brulot", 2),
        ("Velmora", "Vel\u200bmora Ｖｅｌｍｏｒａ velmora5 5velmora Velmora\u00a0Velmora\ud800Velmora", 5),
        ("Straße 12", "STRASSE １２ strasse12 Straße\u300012", 2),
        ("Завод", "новый ЗАВОД, заводы, завод", 2),
        ("12 Monkeys", "2026-11-12 monkeys 112 monkeys", 1),
        ("Velmora", "", 0),
    ],
)
def test_names_are_counted_word_for_word(title: str, text: str, times: int) -> None:
    assert count_names(text, {"it": title})["it"] == times
    assert count_names(text, {"it": title, **OTHERS})["it"] == times


WORDS = ("velmora", "Foods", "12", "7", "a1", "b", "３", "½", "²x", "Éclair", "5\u0301", "\ud800", "_", "-", "1,000")


@pytest.mark.parametrize("seed", range(40))
def test_one_name_is_counted_as_many_are(seed: int) -> None:
    """A single name is looked for in the text, many are looked up word by word: both must see the same words."""
    draw = random.Random(seed)
    titles = {f"{at}": " ".join(draw.choices(("ab", "a", "ba", "7"), k=draw.randint(1, 3))) for at in range(FEW_NAMES)}
    text = "".join(draw.choices(("ab", "a", "ba", "7", "_", " ", " ", "-"), k=60))
    one_by_one = {key: count_names(text, {key: title})[key] for key, title in titles.items()}
    together = count_names(text, {**titles, **OTHERS})
    overlapping = {key for key, title in titles.items() if len(words := title.split()) > 1 and words[0] == words[-1]}
    for key in titles.keys() - overlapping:  # "a b a b a" has "a b a" once for who reads, twice for who looks up
        assert one_by_one[key] == together[key], (titles[key], text)


@pytest.mark.parametrize("seed", range(60))
def test_counting_again_where_numbers_moved_finds_what_counting_finds(seed: int) -> None:
    dice = random.Random(seed)

    def some(most: int) -> str:
        return " ".join(dice.choice(WORDS) for _ in range(dice.randint(1, most)))

    titles = {f"/{at}": some(2) for at in range(dice.choice((1, 3, FEW_NAMES, 30)))}
    text = " ".join([some(40), *titles.values(), some(40)])
    usual, names = 1, dict[str, int]()
    for look in range(6):
        if look == 4:
            titles["/1"] = some(2)
        moved = "".join(str(dice.randint(0, 20)) if sign in "0123456789" else sign for sign in text)
        usual, names = count_usual(moved, titles, names, usual)
        counted = count_names(moved, titles)
        assert {key: names.get(key, usual) for key in titles} == {key: counted[key] or 1 for key in titles}


def test_only_names_with_digits_are_counted_where_nothing_but_numbers_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = {"/a": "Velmora", "/b": "12 Monkeys", **OTHERS}
    looked_for: list[set[str]] = []
    count = structural._count_in
    monkeypatch.setattr(
        structural, "_count_in", lambda said, wanted: looked_for.append(set(wanted)) or count(said, wanted)
    )
    usual, names = count_usual("Velmora Velmora, 12 Monkeys, seen 99 times", titles, {}, 1)
    usual, names = count_usual("Velmora Velmora, 12 Monkeys, seen 100 times", titles, names, usual)
    assert looked_for == [set(titles), {"/b", *OTHERS}]
    assert (usual, names) == (1, {"/a": 2})
    count_usual("Velmora Velmora, 12 Monkeys, seen 101 times", titles, {}, usual)
    assert looked_for[2] == set(titles), "what the notes say of the page before is not what was found on it"
