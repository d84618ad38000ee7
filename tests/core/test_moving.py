"""Where a page may move: what two pages share and all that fit have, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.moving import MOST_BYTES, MOST_PLACES, Mask, mask_of
from watcher.records import Page

NONCES = ("0f3a9c7e11", "9b2e44d0aa", "77c1e0ffe2")
WORD = re.compile(rb"[0-9A-Za-z]+")


def page(body: bytes | str, **more: object) -> Page:
    body = body.encode() if isinstance(body, str) else body
    return replace(Page(body=body, url="http://x.onion/", status=200, content_type="text/html"), **more)  # type: ignore[arg-type]  # names are checked by replace


def text(views: object, nonce: str = NONCES[0], clock: str = "09:07") -> str:
    return (
        f'<html><head><meta name="csrf" content="{nonce}"></head><body><p>Velmora Freight, 340 staff</p>'
        f"<b>{views} views</b><i>{clock}</i></body></html>"
    )


def learned(*bodies: str) -> Mask:
    found = None
    for before, after in pairwise(bodies):
        found = mask_of(page(before), page(after), found)
        assert found is not None
    assert found is not None
    return found


def fits(mask: Mask, body: bytes | str, **more: object) -> bool:
    return mask.mark(page(body, **more)) is not None


def test_what_moved_may_move_again() -> None:
    mask = learned(text(1207), text(1211, NONCES[1], "09:08"), text(1214, NONCES[1], "10:08"))
    for body in (text(1207), text(9999, NONCES[2], "23:59")):
        assert fits(mask, body)


@pytest.mark.parametrize(
    "other",
    [
        text(12), text(121150), text("many"), text("12x1"), text(-211), text("1.21"),
        text(1211).replace("340", "341"),
        text(1211).replace("Velmora", "Ostraven"),
        text(1211).replace("<b>", "<s>"),
        text(1211).replace("</i>", "</i><i>"),
        text(1211) + " ",
        text(1211)[:-1],
        text(1211, "0f3a9c7e1"), text(1211, "0f3a9c7e1g"), text(1211, "0F3A9C7E11"), text(1211, "0f3a-9c7e1"),
        text(1211, clock="09:0x"), text(1211, clock="9:07"), text(1211, clock="19:07"),
        "",
    ],
)  # fmt: skip
def test_nothing_else_may(other: str) -> None:
    mask = learned(text(1207), text(1211, NONCES[1], "09:08"))
    assert not fits(mask, other)
    assert fits(mask, text(1000, clock="09:99")), "or the test shows nothing"


@pytest.mark.parametrize(
    "more", [{"url": "http://y.onion/"}, {"status": 500}, {"cut": "length"}, {"content_type": "text/plain"}]
)
def test_nor_what_is_said_of_a_page_besides_its_bytes(more: dict[str, object]) -> None:
    mask = learned(text(1207), text(1211))
    assert not fits(mask, text(1211), **more)
    assert mask_of(page(text(1207)), page(text(1211), **more)) is None


def test_lengths_and_places_are_added_up() -> None:
    nines, tens = text(999), text(1000)
    assert not fits(learned(text(998), nines), text(10_000))
    both = learned(text(998), nines, tens)
    assert fits(both, text(997))
    assert fits(both, text(10_000))
    clock = learned(text(998), nines, tens, text(1000, clock="09:08"))
    assert fits(clock, text(997, clock="09:55"))
    assert not fits(both, text(997, clock="09:55"))


def test_a_counter_goes_on_to_the_next_digit_and_a_countdown_to_the_last() -> None:
    nines = learned(text(998), text(999))
    assert fits(nines, text(1000))
    assert fits(nines, text(99))
    assert not fits(nines, text(9))


def test_letters_round_a_number_stand_fast() -> None:
    mask = learned("<p>7d 20h, 2026-11-22T09:15:00Z</p>", "<p>6d 21h, 2026-11-23T10:15:00Z</p>")
    assert fits(mask, "<p>1d 00h, 2026-11-30T23:15:00Z</p>")
    assert not fits(mask, "<p>1h 00h, 2026-11-30T23:15:00Z</p>")
    assert not fits(mask, "<p>1d 00h, 2026-11-30t23:15:00Z</p>")


def test_a_number_of_which_the_letters_move_is_not_harmless_any_more() -> None:
    mask = mask_of(page("<p>part 20261122T0915</p>"), page("<p>part 20261122T0916</p>"))
    assert mask is not None
    assert mask_of(page("<p>part 20261122T0916</p>"), page("<p>part 20261122Z0917</p>"), mask) is None
    assert mask_of(page("<p>part 20261122T0916</p>"), page("<p>part 20261122Z0917</p>")), "a nonce, for all one knows"


def test_a_nonce_stays_one_of_its_alphabet() -> None:
    hexes = learned("<p>nonce 0f3a9c7e11 end", "<p>nonce 9b2e44d0aa end")
    assert not fits(hexes, "<p>nonce 9b2e44d0ZZ end")
    mixed = learned("<p>nonce 0f3a9c7e11 end", "<p>nonce 9b2e44d0aa end", "<p>nonce 9b2Z44d0aa end")
    assert fits(mixed, "<p>nonce QQ2e44d0ZZ end")
    assert not fits(mixed, "<p>nonce Negotiated end"), "letters alone may be a word"
    assert fits(learned("<p>0f3a9c7e11 end", "<p>9b2e44d0aa end"), "<p>77c1e0ffe2 end")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>Published</p>", "<p>Withdrawn</p>"),
        ("<p>a1</p>", "<p>b2</p>"),
        ("<h1>Error 403</h1>", "<h1>Error 404</h1>"),
        ("<h2>3 <i>companies</i> 17", "<h2>3 <i>companies</i> 18"),
        ("<title>Desk (3)</title>", "<title>Desk (4)</title>"),
        ("<h1>x</h1>", "<h2>x</h2>"),
        ("<x-1 y>", "<x-2 y>"),
        ('<p class="row-1">x</p>', '<p class="row-2">x</p>'),
        ("<p id='row-1'>x</p>", "<p id='row-2'>x</p>"),
        ("<p id=row-1>x</p>", "<p id=row-2>x</p>"),
        ('<p style="opacity: 1">x</p>', '<p style="opacity: 0">x</p>'),
        ("<style>p { opacity: 1 }</style>", "<style>p { opacity: 0 }</style>"),
        ("<p>Velmora &#38; Sons</p>", "<p>Velmora &#39; Sons</p>"),
        ("<p>12 34</p>", "<p>12  34</p>"),
        ("<p>1" + "2" * 20, "<p>1" + "3" * 20),
        ("\x1b$B 12 34", "\x1b$B 12 35"),
        ("x" * MOST_BYTES + " 1", "x" * MOST_BYTES + " 2"),
        ("1 " * (MOST_PLACES + 1), "2 " * (MOST_PLACES + 1)),
    ],
)
def test_what_tells_how_a_page_is_read_never_moves(before: str, after: str) -> None:
    assert mask_of(page(before), page(after)) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>12</p>", "<p>13</p>"),
        ("<h1>Latest</h1><p>12", "<h1>Latest</h1><p>13"),
        ('<a href="/x?v=12">', '<a href="/x?v=13">'),
        ('{"views": 12, "title": "Velmora"}', '{"views": 13, "title": "Velmora"}'),
        (" 1" * MOST_PLACES, " 2" * MOST_PLACES),
    ],
)
def test_what_may_move_does(before: str, after: str) -> None:
    assert fits(learned(before, after), before)


def test_a_mark_tells_what_is_visibly_said() -> None:
    mask = learned(text(1207), text(1211, NONCES[1], "09:08"))
    said = {body: mask.mark(page(body)) for body in (text(1207), text(1208), text(1207, clock="09:08"))}
    assert len(set(said.values())) == 3
    assert mask.mark(page(text(1207, NONCES[2]))) == said[text(1207)], "a nonce in the head is nothing to look at"
    assert (
        learned(text(1207).replace("views", "looks"), text(1211).replace("views", "looks")).mark(
            page(text(1207).replace("views", "looks"))
        )
        not in said.values()
    )


def _parts(body: bytes) -> tuple[list[bytes], list[bytes]]:
    return WORD.split(body), WORD.findall(body)


SIGNS = st.sampled_from(
    ["<p>", "</p>", " ", ":", "12", "7", "345", "d", "Velmora", "0f3a9c7e11", "ä", "x9", "h1>", "-"]
)
BODIES = st.lists(SIGNS, min_size=1, max_size=14).map("".join)


@given(st.data())
def test_whatever_fits_differs_in_words_that_moved_alone(data: st.DataObject) -> None:
    before = " " + data.draw(BODIES)
    after = re.sub(r"\d", lambda found: data.draw(st.sampled_from([found[0], "5"])), before)
    mask = mask_of(page(before), page(after))
    if mask is None:
        return
    assert fits(mask, before)
    assert fits(mask, after)
    other = data.draw(st.one_of(BODIES, st.just(re.sub(r"\d", "8", after)), st.just(after)))
    other = other if other.startswith(" ") else f" {other}"
    if fits(mask, other):
        gaps, words = _parts(other.encode())
        assert gaps == _parts(after.encode())[0]
        old = zip(_parts(before.encode())[1], _parts(after.encode())[1], words, strict=True)
        for was, now, word in old:
            # each number of a word may have a digit more or less
            near = abs(len(now) - len(word)) <= len(re.findall(rb"[0-9]+", now))
            assert was == now == word or (was != now and near)


def test_hostile_pages_are_looked_through_in_one_go() -> None:
    """Each of these would take minutes if what is never closed were looked for from each place anew."""
    for piece in ("<h1 ", "<h1>", "<style>", " class='", "&#", "<", "<!--", "a1", "<title>1 "):
        body = piece * (MOST_BYTES // len(piece) - 4)
        mask_of(page(f"{body} 1"), page(f"{body} 2"))
