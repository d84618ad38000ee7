from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from watcher.core.blocks import source_blocks, text_blocks
from watcher.core.difference import BUDGET, Budget, difference, spans

CARDS = [
    f"<div class='card c{number % 3}'><h3>Victim {number} Holdings</h3><p>We hold {number * 7} GB.</p>"
    f"<span>views: {number * 13}</span></div>"
    for number in range(60)
]


def page(cards: list[str]) -> str:
    return f"<html><head><title>x</title></head><body><h1>Leaks</h1>{''.join(cards)}<footer>end</footer></body></html>"


def kinds(old: str, new: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for block in difference(text_blocks(old), text_blocks(new)).blocks:
        found.setdefault(block.kind, []).append(block.before or block.after)
    return found


def test_one_entry_removed_is_one_run_of_blocks() -> None:
    found = difference(text_blocks(page(CARDS)), text_blocks(page(CARDS[:20] + CARDS[21:])))
    kinds_in_order = "".join(block.kind[0] for block in found.blocks)
    assert kinds_in_order.count("r") == 3
    assert "rrr" in kinds_in_order
    assert next(block.before for block in found.blocks if block.kind == "removed") == "Victim 20 Holdings"


def test_a_reorder_removes_and_adds_nothing() -> None:
    found = kinds(page(CARDS), page(CARDS[30:] + CARDS[:30]))
    assert set(found) == {"same", "moved"}


def test_a_counter_is_a_changed_word() -> None:
    found = difference(
        text_blocks(page(CARDS)), text_blocks(page([card.replace("views: 1", "views: 9") for card in CARDS]))
    )
    changed = [block for block in found.blocks if block.kind == "changed"]
    assert changed
    assert all(block.before.startswith("views: 1") for block in changed)
    assert [span.text for span in changed[0].spans if span.op == "same"] == ["views: "]
    assert not found.degraded


def test_unlike_blocks_in_one_place_are_removed_and_added() -> None:
    found = kinds("<p>a</p><p>Velmora Logistics 30 GB</p><p>z</p>", "<p>a</p><p>Ostrava Foods soon</p><p>z</p>")
    assert set(found) == {"same", "removed", "added"}


@given(st.text("ab c.", max_size=80), st.text("ab c.", max_size=80))
def test_spans_rebuild_both_sides(before: str, after: str) -> None:
    found = spans(before, after, Budget())
    assert "".join(span.text for span in found if span.op != "added") == before
    assert "".join(span.text for span in found if span.op != "removed") == after


@given(st.lists(st.text("ab ", max_size=5), max_size=20), st.lists(st.text("ab ", max_size=5), max_size=20))
def test_every_block_of_both_pages_is_shown_once(old: list[str], new: list[str]) -> None:
    blocks = difference(old, new).blocks
    assert sorted(block.old for block in blocks if block.old is not None) == list(range(len(old)))
    assert [block.new for block in blocks if block.new is not None] == list(range(len(new)))


def test_a_page_of_noise_spends_the_budget_and_says_so() -> None:
    words = random.Random(1)
    old, new = ([" ".join(str(words.random()) for _ in range(400)) for _ in range(3)] for _ in range(2))
    shared = " ".join(f"w{number}" for number in range(9000))
    found = difference([f"{text} {shared}" for text in old], [f"{text} {shared}" for text in new])
    assert found.degraded
    budget = Budget()
    assert budget.left == BUDGET


def test_of_very_many_changed_blocks_in_one_place_none_is_called_another() -> None:
    """Each would have to be laid beside each; that they went and came is told all the same."""
    found = difference([f"old w{number}" for number in range(150)], [f"new w{number}" for number in range(150)])
    assert found.degraded
    assert len(found.blocks) == 300
    assert all(None in (block.old, block.new) for block in found.blocks)


def test_text_blocks_show_what_a_person_sees() -> None:
    markup = (
        "<head><title>t</title></head><p>a <b>b</b>&amp;c</p><!-- no --><script>if (1<2) no()</script>"
        "<style>no</style>3 &lt; 4<div>d<br>e</div></html><p>after the end</p><!-- unclosed <p>no</p>"
    )
    assert text_blocks(markup) == ("a b&c", "3 < 4", "d", "e", "after the end")


def test_source_blocks_lose_nothing() -> None:
    markup = page(CARDS)
    assert "".join(source_blocks(markup)) == markup
    assert "\n".join(source_blocks("a\n\nb")) == "a\n\nb"
    assert len(source_blocks(markup)) > len(CARDS)
