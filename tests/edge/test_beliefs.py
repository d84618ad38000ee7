"""What is believed of sites stays what it was, held as it is or packed, within so many bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.edge.keeping import START, entries, roster
from watcher.edge import beliefs
from watcher.edge.beliefs import Belief, Beliefs
from watcher.ports import SiteState


def belief(site: str, number: int = 3) -> Belief:
    """Of a site with an entry of every kind."""
    whole = roster(site, entries(number), START, "c1")
    held = dict(whole.entries)
    first, second, *_ = held.values()
    held[first.key] = replace(
        first, standing="missing", missing_since=START, missing_in="c2", absences=2, aliases=("Once", "Twice")
    )
    held[second.key] = replace(second, standing="withdrawn", withdrawn_at=START + timedelta(microseconds=1))
    state = SiteState(roster=replace(whole, entries=held, notes=b'{"visits":7}'), memory=b"\x00\xffmemory")
    return Belief(state, ((START, "c1"), (START + timedelta(seconds=3), "c2")), 4)


def test_what_is_packed_comes_back_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beliefs, "MOST_BYTES", 0)
    held = Beliefs()
    held.put("alpha", belief("alpha"))
    held.put("beta", belief("beta"))
    assert held.at_hand("alpha") is None
    assert held.at_hand("beta") == belief("beta")
    found = held.get("alpha")
    assert found == belief("alpha")
    assert found is not None
    assert list(found.state.roster.entries) == list(belief("alpha").state.roster.entries), "in the same order"
    assert held.at_hand("alpha") is found
    assert held.get("beta") == belief("beta")


def test_no_more_is_held_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    weight = beliefs._weight(belief("site-00", 50))
    monkeypatch.setattr(beliefs, "MOST_BYTES", 3 * weight)
    one = Beliefs()
    one._pack("site-00", belief("site-00", 50))
    monkeypatch.setattr(beliefs, "MOST_PACKED_BYTES", 4 * one._packed_bytes + 20)
    monkeypatch.setattr(beliefs, "PACKS_TO", weight // one._packed_bytes)
    held = Beliefs()
    names = [f"site-{number:02}" for number in range(20)]
    for name in names:
        held.put(name, belief(name, 50))
    assert [name for name in names if held.at_hand(name) is not None] == names[-3:]
    assert list(held._packed) == names[:4], "the others found no room, and turned none of these out"
    assert held.get("site-03") == belief("site-03", 50)
    assert held.get("site-04") is None
    assert held.at_hand("site-17") is None
    assert held.get("site-17") == belief("site-17", 50), "it took the room of the one that is held as it is now"
    held.drop("site-19")
    assert held.get("site-19") is None
    held.clear()
    assert (held._plain_bytes, held._packed_bytes) == (0, 0)
    held.put("site-01", belief("site-01", 50))
    held.drop("site-01")
    assert (held._plain_bytes, held._packed_bytes) == (0, 0)
