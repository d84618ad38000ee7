"""Good bundles, made once, to be checked and forged."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.evidence.authority import Authority
from tests.evidence.story import Story, withdrawal
from watcher.core.material import Head, Material, Token
from watcher.edge.tokens import claimed_time


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture(scope="session")
def impostor(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Says that it is the other one."""
    return Authority(tmp_path_factory.mktemp("tsa") / "impostor")


def stamped(head: Head, authority: Authority) -> Head:
    token = authority.stamp(head.note)
    return replace(head, tokens=(Token(authority="http://tsa.example/", token=token, time=claimed_time(token)),))


@pytest.fixture(scope="session")
def story() -> Story:
    return withdrawal()


@pytest.fixture(scope="session")
def material(story: Story, authority: Authority) -> Material:
    """The withdrawal, its two heads time-stamped."""
    assert story.now < datetime.now(UTC), "the story must lie in the past: authorities stamp with today's time"
    made = story.material(tsa_roots=authority.roots)
    return replace(made, heads=tuple(stamped(head, authority) for head in made.heads))
