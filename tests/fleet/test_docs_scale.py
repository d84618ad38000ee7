"""What docs/scale.md shows is what the program takes."""

from __future__ import annotations

from pathlib import Path

from tests.fleet.test_permissions import PAGE, example
from tests.fleet.vantage import key_of
from watcher import config
from watcher.core.fleet_tables import KEYS


def test_the_configuration_is_taken() -> None:
    settings = config.parse(example("toml\n"), Path("/srv"), environ={"FLEET_CREDENTIALS": "berlin:x"})
    assert settings.fleet is not None
    assert [str(key) for key in settings.fleet.vantages] == [key_of("berlin").vkey, key_of("oslo").vkey]


def test_every_key_is_explained() -> None:
    assert all(f"| `{key}` |" in PAGE for key in KEYS)
