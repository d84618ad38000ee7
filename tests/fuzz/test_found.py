"""Every seed, and every input that ever broke something, is read again; and a few hundred new ones are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.fuzz import seeds
from tests.fuzz.run import changed
from tests.fuzz.targets import INPUTS, TARGETS, Bug, Target, divided, joined, kept, must

FEW = {"reading": 40, "bundle": 40, "diff": 40, "rules": 60}
"""Inputs made up for slow targets; 200 for the others."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_kept_breaks_nothing(name: str) -> None:
    inputs = list(kept(name))
    assert inputs
    for path in inputs:
        TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_made_up_breaks_nothing(name: str) -> None:
    dice = random.Random(f"fuzz {name}")
    starts = [path.read_bytes() for path in kept(name)]
    for _ in range(FEW.get(name, 200)):
        edits = [
            (dice.randrange(16_384), dice.randrange(12), dice.randbytes(dice.randrange(8)))
            for _ in range(dice.randrange(1, 5))
        ]
        TARGETS[name](changed(dice.choice(starts), edits))


def test_every_target_has_seeds_that_are_as_they_are_made() -> None:
    made = {(target, name): data for target, name, data in seeds.seeds()}
    assert {target for target, _ in made} == TARGETS.keys()
    for (target, name), data in made.items():
        assert (INPUTS / "corpus" / target / name).read_bytes() == data


def test_a_broken_promise_is_seen() -> None:
    with pytest.raises(Bug, match="this is so"):
        must(False, "this is so")
    assert divided(joined(b"one", b"two", b"rest"), 3) == [b"one", b"two", b"rest"]
    assert changed(b"abcdef", [(2, 2, b"XYZ")]) == b"abXYZef"


def test_an_input_that_breaks_something_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.fuzz import run

    def target(data: bytes) -> None:
        must(len(data) < 3, "too long")

    monkeypatch.setattr(run, "INPUTS", tmp_path)
    broken: Target = run.noting("config", target)
    broken(b"ab")
    with pytest.raises(Bug):
        broken(b"abc")
    assert [path.read_bytes() for path in (tmp_path / "found" / "config").iterdir()] == [b"abc"]
