"""Whether a title stands on a page."""

from __future__ import annotations

import pytest

from watcher.core.parse import parse
from watcher.core.phrases import fold
from watcher.core.standing import standing, stands
from watcher.records import Page

TEXT = fold("Welcome. Velmora Logistics GmbH was hacked; www.ostravatextil.example, too. Café Norlund — 2026")


@pytest.mark.parametrize(
    "title",
    [
        "Velmora Logistics GmbH", "VELMORA  LOGISTICS", "Velmora Logistics (SOLD)", "[NEW] Velmora Logistics GmbH",
        "Ve***** Lo*******", "V?????a Logistics", "w**.ostravatextil.example", "*****ra Logistics", "Velmora Logist...",
        "Velmora Logi…", "Velmora-Logistics GmbH", "Vel\u200bmora Logistics", "café norlund",
    ],
)  # fmt: skip
def test_it_stands(title: str) -> None:
    assert stands(title, TEXT)


@pytest.mark.parametrize(
    "title",
    [
        "Zelmora Logistics",
        "Ve**** Xo****",
        "****",
        "*",
        "",
        "a****",
        "Velm**** GmbH",
        "elm*** Logistics",
        "Ostrava*GmbH",
    ],
)
def test_it_does_not_stand(title: str) -> None:
    assert not stands(title, TEXT)


def test_hostile_masks_cost_little() -> None:
    assert not stands("a*" * 60 + "b", "a" * 200_000)
    stands("a*" * 5_000 + "b", "a" * 200_000)  # cut before it is looked for: only that it ends is promised
    assert not stands("a*a b", "a" * 200_000)


def count(markup: str, titles: list[str], times: int = 0) -> int:
    return standing(parse(Page(body=markup.encode(), url="http://velm.onion/", status=200)), titles, times)


def test_how_many_stand() -> None:
    titles = [f"Company {number:04} Ltd" for number in range(1000)]
    assert count("<p>" + " ".join(titles) + "</p>", titles) == 1000
    assert count("<p>nothing</p>", titles) == 0
    assert 300 <= count("<p>" + " ".join(titles[::2]) + "</p>", titles) <= 1000
    assert count("<p>words</p>", []) == 0


def test_short_titles_stand_alone_or_nowhere() -> None:
    assert count("<p>the abc of it, ABC-like</p>", ["ABC"]) == 0
    assert count("<h2>ABC</h2><p>LS</p><p>LSX</p><p>***</p>", ["Abc", "LS", "LX", "***", ""]) == 2
    assert count("<h2>ABC</h2><h2>ABC</h2><h2>LS</h2>", ["ABC", "LS"], 2) == 1
    assert count('{"names": ["ABC"]}', ["ABC"]) == 0


def test_what_a_side_bar_has_too_is_not_counted() -> None:
    assert count("<p>Velmora Logistics</p>", ["Velmora Logistics"], 2) == 0
    assert count("<p>Velmora Logistics</p><p>Velmora Logistics</p>", ["Velmora Logistics"], 2) == 1


def test_names_in_a_script_stand_there() -> None:
    assert count('<script>let a=[{n:"Velmora Logistics"}]</script>', ["Velmora Logistics"]) == 1
