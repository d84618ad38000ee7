"""Numbers that move are learned one by one; nothing that is searched is ever taken for one."""

from __future__ import annotations

import re
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core import searching
from watcher.core.ticks import Numbers, numbers

PARTS = (
    "views: 0000", "000 visits", "00:00:00", "posted 2000-00-00", "7d 20h 00m", "Studio 00", "0 days ago", "0 GB", "k",
    "timer-000", "a00f00e00d00b00c0", "downloads 0,000", "0", "0000", "0k views", "ago", "days", "é", "x00",
)  # fmt: skip


def said(text: str) -> bytes:
    return searching.mark(" ".join(searching.words(text)))


def learned(*texts: str) -> Numbers:
    known = Numbers(b"", b"")
    for text in texts:
        known = known.then(numbers(text), said(text))
    return known


def test_a_counter_is_learned_once_it_moved() -> None:
    known = learned("Acme 12 GB, views: 1001")
    assert not known.only_ticks(numbers("Acme 12 GB, views: 1002"))
    known = learned("Acme 12 GB, views: 1001", "Acme 12 GB, views: 1002")
    assert known.only_ticks(numbers("Acme 12 GB, views: 7777"))
    assert known.only_ticks(numbers("Acme 12 GB, views: 1002"))


def test_what_is_searched_is_no_counter() -> None:
    known = learned("Acme 12 GB, views: 1001", "Acme 12 GB, views: 1002")
    assert not known.only_ticks(numbers("Acme 13 GB, views: 1003"))
    known = learned("Acme 12 GB, views: 1001", "Acme 13 GB, views: 1002", "Acme 14 GB, views: 1003")
    assert not known.only_ticks(numbers("Acme 15 GB, views: 1004"))


def test_another_form_is_learned_anew() -> None:
    known = learned("Acme, views: 998", "Acme, views: 999")
    assert not known.only_ticks(numbers("Acme, views: 1000"))
    assert not known.only_ticks(numbers("Acne, views: 999"))
    known = known.then(numbers("Acme, views: 1000"), said("Acme, views: 1000"))
    assert not known.only_ticks(numbers("Acme, views: 1001"))


@settings(deadline=None)
@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=12), st.integers(0, 1 << 30), st.sampled_from(("", " ")))
def test_texts_that_only_tick_are_searched_alike(parts: list[str], seed: int, between: str) -> None:
    dice = Random(seed)
    form = between.join(parts)
    texts = [re.sub("0", lambda _: str(dice.randrange(10)), form) for _ in range(3)]
    some = re.sub("[0-9]", lambda old: dice.choice((old[0], old[0], str(dice.randrange(10)))), texts[2])
    known = learned(*texts)
    assert known.said == said(texts[2])
    if known.only_ticks(numbers(some)):
        assert list(searching.words(some)) == list(searching.words(texts[2]))
