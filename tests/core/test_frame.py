"""The frame: what good pages have in common, and how a page disagrees with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from watcher.core.frame import (
    EPOCH,
    MOST_COUNTS,
    MOST_STRIKES,
    compare,
    fresh_lines,
    short_of,
    strikes,
    struck,
    taught,
)
from watcher.core.lessons import Count, Frame, Marks
from watcher.core.seen import Seen, digest

TITLES = ("Ostrava Textil", "Velmora Logistics", "Karvel & Sons", "Hotel Brunoy")
HEADER, MENU, FOOTER, PGP = (digest(name) for name in ("header", "menu", "footer", "pgp key"))
WHOLE = Seen(
    marks=frozenset({HEADER, MENU, FOOTER}),
    words=frozenset({digest("home"), digest("rules"), digest("contact"), PGP}),
    closing=(FOOTER, PGP),
    ends=frozenset({"</html>", "</body>", "last:/html"}),
    lines=("home", "rules", "contact", "", "pgp key"),
)


def learned(*pages: Seen, titles: Sequence[str] = TITLES, number: int = 1, kind: str = "html") -> Frame:
    frame = Frame()
    for seen in pages:
        frame = taught(frame, seen, titles, kind=kind, number=number)
    return frame


def test_a_page_like_the_others_has_no_fault() -> None:
    faults = compare(learned(WHOLE, WHOLE), WHOLE)
    assert (faults.hard, faults.soft, faults.share) == ((), (), 1.0)


def test_what_changes_from_page_to_page_falls_out() -> None:
    one = replace(WHOLE, marks=WHOLE.marks | {digest("ad-1")}, words=WHOLE.words | {digest("buy now")})
    other = replace(WHOLE, marks=WHOLE.marks | {digest("ad-2")})
    frame = learned(one, other)
    assert set(frame.base.marks) == WHOLE.marks
    assert compare(frame, WHOLE).share == 1.0


@pytest.mark.parametrize(
    ("seen", "hard", "soft"),
    [
        (replace(WHOLE, ends=frozenset()), ("closing-tag-missing",), ()),
        (replace(WHOLE, ends=frozenset({"</html>", "</body>", "last:/div"})), (), ()),
        (replace(WHOLE, ends=frozenset({"</body>"})), ("closing-tag-missing",), ()),
        (replace(WHOLE, cut="ends-inside-tag", ends=frozenset()), ("ends-inside-tag", "closing-tag-missing"), ()),
        (replace(WHOLE, marks=frozenset({HEADER, MENU}), words=WHOLE.words - {PGP}), (), ("closing-part-missing",)),
        (replace(WHOLE, marks=frozenset({HEADER, MENU})), (), ()),  # half of it is there
        (replace(WHOLE, left_open=2), (), ("elements-left-open",)),
        (replace(WHOLE, left_open=-1), (), ()),
    ],
)
def test_faults(seen: Seen, hard: tuple[str, ...], soft: tuple[str, ...]) -> None:
    faults = compare(learned(WHOLE, WHOLE), seen)
    assert (faults.hard, faults.soft) == (hard, soft)


def test_a_page_without_html_tags_is_held_to_its_last_one() -> None:
    bare = replace(WHOLE, ends=frozenset({"last:/div"}))
    frame = learned(bare, bare)
    assert compare(frame, replace(bare, ends=frozenset({"last:h3"}))).hard == ("closing-tag-missing",)
    assert compare(frame, bare).hard == ()


def test_a_feed_that_is_a_page_now_is_not_held_to_the_tags_of_a_feed() -> None:
    frame = learned(replace(WHOLE, ends=frozenset({"last:/rss"})), kind="feed")
    assert compare(frame, WHOLE, "html").hard == ()
    assert compare(frame, replace(WHOLE, ends=frozenset()), "feed").hard == ("closing-tag-missing",)


def test_containers_left_open_in_changing_numbers_say_nothing() -> None:
    frame = learned(WHOLE, replace(WHOLE, left_open=3))
    assert frame.base.left_open is None
    assert compare(frame, replace(WHOLE, left_open=9)).soft == ()


def test_a_first_page_is_held_only_to_itself() -> None:
    assert compare(Frame(), replace(WHOLE, ends=frozenset())) == compare(Frame(), WHOLE)
    assert compare(Frame(), replace(WHOLE, cut="ends-inside-tag")).hard == ("ends-inside-tag",)
    assert compare(Frame(), WHOLE).share is None


def test_either_language_or_structure_makes_the_frame() -> None:
    frame = learned(WHOLE, WHOLE)
    assert compare(frame, replace(WHOLE, words=frozenset({digest("главная")}))).share == 1.0
    assert compare(frame, replace(WHOLE, marks=frozenset())).share == 1.0
    assert compare(frame, replace(WHOLE, marks=frozenset(), words=frozenset())).share == 0.0


def test_few_marks_say_nothing() -> None:
    tiny = Seen(marks=frozenset({HEADER}), words=frozenset({PGP}))
    assert compare(learned(tiny, tiny), Seen()).share is None


def test_the_frame_follows_a_site_that_changes_slowly() -> None:
    frame = learned(WHOLE)
    grown = replace(WHOLE, marks=WHOLE.marks | {digest("banner")})
    for _ in range(EPOCH):
        frame = taught(frame, grown, TITLES, kind="html", number=1)
    assert digest("banner") not in frame.base.marks
    for _ in range(EPOCH):
        frame = taught(frame, grown, TITLES, kind="html", number=1)
    assert digest("banner") in frame.base.marks


def test_a_good_page_in_another_design_is_a_new_frame() -> None:
    other = Seen(
        marks=frozenset(digest(name) for name in ("app", "hero", "tiles")),
        words=frozenset(digest(word) for word in ("welcome", "archive", "about")),
        ends=frozenset({"last:/main"}),
        counts={digest("n"): len(TITLES)},
    )
    frame = taught(learned(WHOLE, WHOLE, WHOLE), other, TITLES, kind="html", number=1)
    assert set(frame.base.marks) == other.marks
    assert frame.base.pages == 1
    assert frame.base.ends == ("last:/main",)
    assert [count.place for count in frame.counts] == [digest("n")]


def test_fresh_lines() -> None:
    seen = replace(WHOLE, lines=("home", "", "the database is gone", "pgp key"))
    assert fresh_lines(learned(WHOLE), seen) == ("the database is gone",)


# -------------------------------------------------------------------------------------------------------- counters


def counting(number: int, *, place: str = "total", named: bool = True, others: int = 0) -> Seen:
    places = {digest(place): number} | {digest(f"other {n}"): number for n in range(others)}
    return replace(WHOLE, counts=places, named=frozenset({digest(place)}) if named else frozenset())


def after(counts: Sequence[tuple[int, int]], *, named: bool = True) -> Frame:
    """What pages teach that announce one number and show another of rows."""
    frame = Frame()
    for announced, rows in counts:
        frame = taught(frame, counting(announced, named=named), ["x"] * rows, kind="html", number=1)
    return frame


@pytest.mark.parametrize(
    ("counts", "named", "announced", "rows", "said"),
    [
        ([(4, 4), (5, 5)], True, 5, 4, ("announced:5>4", True)),
        ([(4, 4), (5, 5)], False, 5, 4, ("announced:5>4", True)),
        ([(4, 4), (4, 4)], True, 4, 3, ("announced:4>3", False)),
        ([(4, 4), (4, 4)], False, 4, 3, None),  # a coincidence, for all we know
        ([(4, 4)], True, 4, 3, None),
        ([(4, 4), (5, 5)], True, 4, 5, None),  # more rows than announced are no loss
        ([(4, 4), (5, 5)], True, 5, 5, None),
        ([(4, 4), (5, 5), (9, 5)], True, 9, 5, None),  # it was wrong once
        ([(7, 4), (5, 5)], True, 9, 5, None),  # it was wrong at first
    ],
)
def test_announced(
    counts: list[tuple[int, int]], named: bool, announced: int, rows: int, said: tuple[str, bool] | None
) -> None:
    assert short_of(after(counts, named=named), counting(announced, named=named), rows) == said


def test_counters_that_disagree_announce_nothing() -> None:
    frame = replace(
        Frame(), rows=5, counts=(Count(place=1, values=(4, 5), hits=2), Count(place=2, values=(4, 5), hits=2))
    )
    assert short_of(frame, Seen(counts={1: 9, 2: 9}), 5) == ("announced:9>5", True)
    assert short_of(frame, Seen(counts={1: 9, 2: 5}), 5) is None
    assert short_of(frame, Seen(counts={1: 9}), 5) == ("announced:9>5", True)


def test_a_counter_that_is_not_there_this_time_is_not_forgotten() -> None:
    frame = taught(after([(4, 4), (5, 5)]), WHOLE, ["x"] * 6, kind="html", number=1)
    assert short_of(frame, counting(6), 5) == ("announced:6>5", True)


def test_later_pages_of_a_listing_teach_no_numbers() -> None:
    frame = taught(after([(4, 4), (5, 5)]), counting(9), ["x"] * 3, kind="html", number=2)
    assert (frame.rows, frame.counts) == (5, after([(4, 4), (5, 5)]).counts)


# ---------------------------------------------------------------------------------------- tail, echo, strikes, size


def test_tail_and_rows() -> None:
    frame = learned(WHOLE)
    assert frame.tail == TITLES[-3:]
    assert frame.rows == 4


def test_echo() -> None:
    beside = replace(WHOLE, lines=(*WHOLE.lines, *(title.casefold() for title in TITLES)))
    assert taught(Frame(), beside, TITLES, kind="html", number=1).echo == 2
    assert taught(Frame(), WHOLE, TITLES, kind="html", number=1).echo == 0
    assert taught(Frame(), WHOLE, [], kind="html", number=1).echo == 0
    again = replace(beside, lines=(*beside.lines, *(f"hacked: {title.casefold()}" for title in TITLES)))
    assert taught(Frame(), again, TITLES, kind="html", number=1).echo == 3


def test_strikes_are_counted_by_page_and_by_fault() -> None:
    frame = learned(WHOLE)
    for _ in range(3):
        frame = struck(frame, ("closing-tag-missing",), 2)
    assert strikes(frame, ("closing-tag-missing",), 2) == 3
    assert strikes(frame, ("closing-tag-missing",), 1) == 0
    assert strikes(frame, ("closing-part-missing",), 2) == 0
    assert strikes(struck(frame, ("closing-part-missing",), 2), ("closing-tag-missing",), 2) == 0
    good_first = taught(frame, WHOLE, TITLES, kind="html", number=1)
    assert strikes(good_first, ("closing-tag-missing",), 2) == 3
    assert strikes(taught(frame, WHOLE, TITLES, kind="html", number=2), ("closing-tag-missing",), 2) == 0


def test_what_a_careless_site_always_leaves_out_is_no_fault() -> None:
    careless = replace(WHOLE, cut="elements-not-closed")
    assert compare(learned(careless), careless).hard == ()
    assert compare(learned(careless), replace(WHOLE, cut="ends-inside-tag")).hard == ("ends-inside-tag",)


def test_it_is_bounded_and_goes_through_json() -> None:
    frame = Frame()
    for number in range(40):
        frame = taught(frame, counting(4, others=900), ["x" * 5_000] * 4, kind="html", number=1)
        frame = struck(frame, (f"fault {number}",), number + 2)
    assert len(frame.counts) == MOST_COUNTS
    assert len(frame.strikes) == MOST_STRIKES
    assert frame.counts[0].named
    written = msgspec.json.encode(frame)
    assert len(written) < 16_000
    assert msgspec.json.decode(written, type=Frame) == frame
    assert Marks() == Frame().base
