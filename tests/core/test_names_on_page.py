"""How often names stand on a page: many are looked for in one pass, which must find what looking for each finds."""

from __future__ import annotations

import pytest

from watcher.core.structural import FEW_NAMES, count_names

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
