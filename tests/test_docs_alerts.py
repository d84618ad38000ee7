"""What docs/alerts.md shows is what the program takes."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from tests.core.test_message import CHECKPOINT, VELMORA
from watcher import config
from watcher.config import AlertSettings
from watcher.core.message import Wording

PAGE = (Path(__file__).parent.parent / "docs" / "alerts.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found
    return found[1]


def test_the_configuration_is_taken() -> None:
    settings = config.parse(example("toml"), Path("/srv"), environ={"TEAM_CHAT": "slack://a/b/c"})
    assert len(settings.alerts) == 4
    assert settings.doubts == ()


def test_the_template_is_taken() -> None:
    made = Wording(example("jinja")).message([VELMORA, VELMORA], CHECKPOINT)
    assert made.title == "Entry withdrawn: Velmora Logistics and more"
    assert made.body.count("clop: Velmora Logistics, no later than 2026-11-22T15:34:05") == 2


def test_every_key_is_explained() -> None:
    known = {one.name for one in fields(AlertSettings)} - {"to", "zone"} | {"timezone"}
    assert all(f"`{name}`" in PAGE for name in known)
