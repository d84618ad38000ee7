"""Who is there, and whose a site is."""

from __future__ import annotations

import random
from collections import Counter
from fnmatch import fnmatchcase
from itertools import combinations

import pytest

from tests.fleet.copying import KEY
from watcher.core.fleet import (
    ALL_ALIVE,
    DOMAIN,
    RollCall,
    Shares,
    Word,
    alive_subject,
    hear,
    homes,
    paused_subject,
    say,
)
from watcher.core.note import sealed
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError

NAMES = ("a", "b", "c", "d")
SITES = [f"s{number}" for number in range(2000)]
PUBLIC = KEY.verifier.public


# --------------------------------------------------------------------------------------------------------- homes


@pytest.mark.parametrize("copies", [1, 2, 3, 4, 9])
def test_a_site_has_as_many_homes_as_asked_for_or_all(copies: int) -> None:
    assert {len(homes(site, NAMES, copies)) for site in SITES[:50]} == {min(copies, 4)}


def test_everyone_works_out_the_same_whatever_the_order() -> None:
    assert all(homes(site, NAMES, 2) == homes(site, tuple(reversed(NAMES)), 2) for site in SITES[:50])


def test_the_shares_are_about_equal() -> None:
    count = Counter(name for site in SITES for name in homes(site, NAMES, 1))
    assert all(420 < count[name] < 580 for name in NAMES), count


def test_who_goes_leaves_its_own_share_alone() -> None:
    for site in SITES[:300]:
        before = homes(site, NAMES, 2)
        for gone in NAMES:
            after = homes(site, set(NAMES) - {gone}, 2)
            assert before - {gone} <= after
            if gone not in before:
                assert after == before


def test_with_more_copies_no_one_loses_a_site() -> None:
    assert all(homes(site, NAMES, few) <= homes(site, NAMES, many)
               for site in SITES[:50] for few, many in combinations((1, 2, 3, 4), 2))  # fmt: skip


def test_shares_kept_up_are_those_worked_out_anew() -> None:
    chance = random.Random(3)
    shares = Shares(frozenset(NAMES))
    copies = {site: chance.randint(1, 3) for site in SITES[:200]}
    before = {site: shares.of(site, few) for site, few in copies.items()}
    for _ in range(40):
        present = frozenset(chance.sample("abcdefgh", chance.randint(1, 8)))
        changed = shares.change(present)
        after = {site: shares.of(site, few) for site, few in copies.items()}
        assert after == {site: homes(site, present, few) for site, few in copies.items()}
        assert changed == {site: before[site] for site in copies if before[site] != after[site]}
        before = after


# ---------------------------------------------------------------------------------------------------------- words


def test_a_word_is_its_vantages_own() -> None:
    word = Word("a", 7, "p1", True)
    data = say(word, KEY.sign)
    assert hear(data, "a", PUBLIC, check_signature) == word
    for number in range(len(data)):
        broken = bytearray(data)
        broken[number] ^= 1
        with pytest.raises(EvidenceError, match="did not sign"):
            hear(bytes(broken), "a", PUBLIC, check_signature)
    for other in (b"", data[:-1], b'{"stream":"LOG","seq":7}'):
        with pytest.raises(EvidenceError, match="did not sign"):
            hear(other, "a", PUBLIC, check_signature)
    with pytest.raises(EvidenceError, match="signed for 'a'"):
        hear(data, "b", PUBLIC, check_signature)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x93\x01\x02\x03", b'{"vantage": "a"}'])
def test_what_is_signed_and_is_no_word_is_refused(body: bytes) -> None:
    with pytest.raises(EvidenceError, match="that is none"):
        hear(sealed(DOMAIN, body, KEY.sign), "a", PUBLIC, check_signature)


def test_whoever_listens_to_all_hears_each_and_no_pause() -> None:
    assert fnmatchcase(alive_subject("berlin"), ALL_ALIVE)
    assert not fnmatchcase(paused_subject("berlin"), ALL_ALIVE)


# ------------------------------------------------------------------------------------------------------ roll call


def roll(names: str = "abc", lease: float = 30) -> RollCall:
    return RollCall("a", names, lease)


def test_at_first_everyone_is_thought_to_be_there_and_has_a_lease_to_say_so() -> None:
    call = roll()
    assert call.present(0) == {"a", "b", "c"}
    call.can_hear(100)
    call.heard(Word("b", 1, "p", True), 110)
    assert call.present(129) == {"a", "b", "c"}
    assert call.present(131) == {"a", "b"}


def test_who_is_silent_for_a_lease_is_gone_and_back_with_its_first_word() -> None:
    call = roll()
    call.can_hear(0)
    for at in (10, 20, 30, 40):
        call.heard(Word("b", at, "p", True), at)
        call.heard(Word("c", at, "p", True), at)
    assert call.present(69) == {"a", "b", "c"}
    call.heard(Word("c", 69, "p", True), 69)
    assert call.present(71) == {"a", "c"}
    call.heard(Word("b", 72, "p", True), 72)
    assert call.present(72) == {"a", "b", "c"}


def test_nothing_follows_from_silence_while_no_word_arrives() -> None:
    call = roll()
    call.can_hear(0)
    call.heard(Word("b", 1, "p", True), 25)
    assert call.present(40) == {"a", "b"}
    call.is_deaf()
    assert call.present(10_000) == {"a", "b"}
    call.can_hear(10_000)
    assert call.present(10_029) == {"a", "b"}  # b has a lease to say that it is there; c was gone before
    assert call.present(10_031) == {"a"}


def test_no_word_counts_twice_or_after_a_later_one() -> None:
    call = roll()
    call.can_hear(0)
    assert call.heard(Word("b", 5, "p", True), 10)
    assert not call.heard(Word("b", 5, "p", True), 35)
    assert not call.heard(Word("b", 4, "p", True), 35)
    assert call.present(41) == {"a"}


def test_who_is_not_of_the_fleet_is_not_there() -> None:
    call = roll()
    call.can_hear(0)
    assert not call.heard(Word("z", 5, "p", True), 40)
    assert call.present(50) == {"a"}


def test_who_is_back_takes_its_sites_only_once_it_knows_who_is_gone() -> None:
    """a was killed, and then b started: b thinks that a is there until it has listened for a lease. Were it counted at
    once, nobody would look at those of a's sites that fall to b."""
    c, b = RollCall("c", "abc", 30), RollCall("b", "abc", 30)
    c.can_hear(0)
    assert c.present(31) == {"c"}
    b.can_hear(100)
    for at in range(105, 130, 10):
        assert not b.is_settled(at)
        c.heard(Word("b", at, "p", b.is_settled(at)), at)
        b.heard(Word("c", at, "p", True), at)
        assert (b.present(at), c.present(at)) == ({"a", "b", "c"}, {"c"})
    assert b.is_settled(130)
    assert b.present(130) == {"b", "c"}
    c.heard(Word("b", 130, "p", True), 130)
    assert c.present(130) == {"b", "c"}


def test_a_fleet_that_starts_together_or_whose_server_was_gone_keeps_its_shares() -> None:
    calls = {name: RollCall(name, "abc", 30) for name in "abc"}
    for begin in (0, 1000):
        for call in calls.values():
            call.can_hear(begin)
        for at in range(begin, begin + 100, 10):
            for name, call in calls.items():
                for other in calls.values():
                    other.heard(Word(name, at + 1, "p", call.is_settled(at)), at)
            assert {call.present(at) for call in calls.values()} == {frozenset("abc")}
        for call in calls.values():
            call.is_deaf()


def test_while_two_halves_cannot_hear_each_other_each_looks_at_everything() -> None:
    left, right = roll(), RollCall("b", "abc", 30)
    for call in (left, right):
        call.can_hear(0)
    assert all("a" in homes(site, left.present(31), 1) for site in SITES[:20])
    assert all("b" in homes(site, right.present(31), 1) for site in SITES[:20])
