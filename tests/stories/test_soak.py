"""The soak in small: everything goes wrong for some seconds, and then both watchers must have told exactly what was."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.soak import Plan, slope, soak


@pytest.mark.namespace
@pytest.mark.timeout(300)
def test_all_is_well_after_everything_went_wrong(tmp_path: Path) -> None:
    outcome = soak(Plan(seconds=8, seed=11, sites=2, pace=0.15, settle_seconds=120), tmp_path / "soak", lambda _: None)
    assert outcome.faults == []
    assert sum(outcome.figures["acts"].values()) > 0
    assert len(outcome.figures["faults"]) > 5


def test_what_grows_is_seen() -> None:
    assert slope([(0, 5.0), (1, 7.0), (2, 9.0)]) == 2.0
    assert slope([(0, 5.0)]) == 0.0
