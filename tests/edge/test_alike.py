"""What is held beside another comes back as it was, and what many say is held once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watcher.edge.alike import MOST_SAMPLE, Alike

SAID_BY_ALL = bytes(range(256)) * 4


@given(st.lists(st.binary(max_size=3000)))
def test_what_was_packed_comes_back(things: list[bytes]) -> None:
    alike = Alike()
    packed = [alike.pack(thing) for thing in things]
    assert [alike.unpack(one) for one in packed] == things


def test_what_the_first_said_costs_the_others_next_to_nothing() -> None:
    alike = Alike()
    packed = [alike.pack(SAID_BY_ALL + str(number).encode()) for number in range(9)]
    assert max(map(len, packed)) < 64


def test_a_first_one_of_any_size_holds_no_more_than_a_sample() -> None:
    alike = Alike()
    large = SAID_BY_ALL * 100
    assert alike.unpack(alike.pack(large)) == large
    assert len(alike._sample) == MOST_SAMPLE
