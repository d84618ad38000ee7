"""Text as it is searched: words, pieces that versions share, phrases that no border cuts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import searching
from watcher.core.searching import APART, OVERLAP, excerpt, of_entry, phrase, pieces, says_else, texts_of, words
from watcher.records import RosterEntry

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Velmora Logistics GmbH", "velmora logistics gmbh"),
        ("ÁCME-Corp. & söhne_ß", "acme corp sohne ss"),
        ("ＶＥＬ\u200bMORA", "velmora"),
        ("https://www.velmora.example/a?b=1", "https www velmora example a b 1"),
        ("株式会社Velmora東京", "株 式 会 社 velmora 東 京"),
        ("deadline 7d 20h 00m 00s now", "deadline now"),
        ("views: 1,234 of Velmora", "of velmora"),
        ("2026-11-22", "2026 11 22"),
        ("***  \x00 \ud800 ", ""),
    ],
)
def test_words(text: str, expected: str) -> None:
    assert " ".join(words(text)) == expected


@given(st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta", "x1", "y2", "z3"]), max_size=400), st.data())
def test_every_short_phrase_of_a_text_stands_whole_in_one_piece(text: list[str], data: st.DataObject) -> None:
    found = pieces(" ".join(text)).values()
    size = data.draw(st.integers(1, OVERLAP + 1))
    at = data.draw(st.integers(0, max(0, len(text) - size)))
    wanted = " ".join(text[at : at + size])
    assert not wanted or any(f" {wanted} " in f" {piece} " for piece in found)


@given(st.text(max_size=3000))
def test_any_text_has_words_that_the_index_takes_as_they_are(text: str) -> None:
    for word in words(text):
        assert word
        assert len(word) <= 64
        assert all(one.isalnum() or one >= "\u3400" for one in word)  # signs newer than this Python


def test_a_word_more_moves_no_other_border() -> None:
    before = [f"word{n}" for n in range(3000)]
    after = [*before[:1500], "another", *before[1500:]]
    old, new = pieces(" ".join(before)), pieces(" ".join(after))
    assert len(old) > 60
    assert len(new.keys() - old.keys()) <= 3


def test_a_long_text_is_cut_between_words() -> None:
    text = "velmora " * 10_000
    assert set(words(text)) == {"velmora"}
    assert sum(1 for _ in words(text)) == 10_000
    assert sum(1 for _ in words("x" * 50_000)) <= 6
    assert len(pieces(" ".join(str(n) for n in range(90_000)))) < 9_000


def test_a_phrase_and_a_beginning() -> None:
    assert phrase(" Velmora  LOGISTICS! ") == ("velmora", "logistics")
    assert phrase("Velm*") == ("velm*",)
    assert phrase("velmora log* ") == ("velmora", "log*")
    assert phrase('"" * -- ') == ()
    assert len(phrase("a b c d e f g h i j k")) == OVERLAP + 1


def test_the_words_round_it() -> None:
    piece = " ".join(f"w{n}" for n in range(30))
    assert excerpt(piece, ("w15", "w16"), around=2) == "… w13 w14 w15 w16 w17 w18 …"
    assert excerpt(piece, ("w0",), around=1) == "w0 w1 …"
    assert excerpt("velmora logistics", ("velmora", "log*")) == "velmora logistics"


def test_all_that_an_entry_says_is_found_and_no_phrase_goes_over_a_border() -> None:
    entry = RosterEntry(
        key="velmora",
        title="Velmora",
        url="http://leak.example/posts/velmora-1",
        fields={"description": "Freight, and more", "size": "3 GB"},
        first_seen=NOW,
        last_seen=NOW,
        seen_in="c1",
        aliases=("V******",),
    )
    assert of_entry(entry) == f"velmora {APART} v {APART} freight and more {APART} 3 gb {APART} posts velmora 1"
    assert len(of_entry(RosterEntry(
        key="x", title="x " * 9000, first_seen=NOW, last_seen=NOW, seen_in="c1"
    )).split()) == searching.ENTRY_WORDS  # fmt: skip


FIELDS = st.dictionaries(
    st.sampled_from(["views", "size", "date", "text"]), st.sampled_from(["12", "1,300", "7 GB", "velmora", ""])
)
ENTRIES = st.builds(
    RosterEntry,
    key=st.just("/a"),
    title=st.sampled_from(["Velmora", "Zanster"]),
    url=st.sampled_from(["", "http://a.onion/a", "http://b.onion/a", "http://a.onion/b"]),
    fields=FIELDS,
    aliases=st.sampled_from([(), ("Velmora",)]),
    first_seen=st.just(NOW),
    last_seen=st.just(NOW),
    seen_in=st.just("c1"),
)


@given(ENTRIES, ENTRIES)
def test_an_entry_that_says_the_same_is_searched_alike(was: RosterEntry, entry: RosterEntry) -> None:
    assert says_else(was, entry) or texts_of(was) == texts_of(entry)


@pytest.mark.parametrize(
    ("was", "now", "else_"),
    [
        ({"size": "12"}, {"size": "1,300"}, False),
        ({"views": "some"}, {"views": "many"}, False),
        ({"size": "12"}, {"size": "12 GB"}, True),
        ({"size": "12"}, {"date": "12"}, True),
        ({"size": "12"}, {"size": "12", "text": ""}, True),
    ],
)
def test_a_number_that_moves_says_nothing_else(was: dict[str, str], now: dict[str, str], else_: bool) -> None:
    one = RosterEntry(key="/a", title="Velmora", fields=was, first_seen=NOW, last_seen=NOW, seen_in="c1")
    other = RosterEntry(key="/a", title="Velmora", fields=now, first_seen=NOW, last_seen=NOW, seen_in="c2")
    assert says_else(one, other) is else_
