"""docs/requirements.lock is in step: with pyproject.toml, with the versions that the tests run with, and complete."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import metadata, requires
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "requirements.lock").read_text(encoding="utf-8")
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)==(\S+)(?: ; ([^\\\n]+?))?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)
LOCKED = {canonicalize_name(match[1]): match for match in ENTRY.finditer(TEXT)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MEND = "run `make lock`"


def pinned() -> dict[str, str]:
    lines = (ROOT / "tests" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def wanted_here() -> set[str]:
    """All that the watcher needs on this machine, from what is installed."""
    todo = [Requirement(text) for text in PROJECT["dependencies"]]
    found: set[str] = set()
    while todo:
        one = todo.pop()
        name = canonicalize_name(one.name)
        if name in found or (one.marker and not one.marker.evaluate({"extra": ""})):
            continue
        found.add(name)
        todo += [Requirement(text) for text in requires(name) or ()]
    return found


def test_nothing_stands_there_but_pins_with_hashes() -> None:
    rest = ENTRY.sub("", TEXT)
    assert [line for line in rest.splitlines() if line and not line.startswith("# ")] == []
    assert len(LOCKED) > 20


def test_no_place_is_named_where_files_come_from() -> None:
    assert "://" not in TEXT
    assert "index" not in TEXT


@pytest.mark.parametrize("text", PROJECT["dependencies"])
def test_every_requirement_is_locked_as_it_asks(text: str) -> None:
    requirement = Requirement(text)
    entry = LOCKED.get(canonicalize_name(requirement.name))
    assert entry, MEND
    assert requirement.specifier.contains(Version(entry[2])), MEND


def test_all_that_is_needed_is_locked_and_nothing_else() -> None:
    markers = {name: Marker(entry[3]) for name, entry in LOCKED.items() if entry[3]}
    here = {name for name in LOCKED if name not in markers or markers[name].evaluate()}
    assert here == wanted_here(), MEND


def test_the_versions_are_those_that_the_tests_run_with() -> None:
    tested = pinned()
    locked = {name: entry[2] for name, entry in LOCKED.items() if name != "pip"}  # the environment brings its own
    assert locked == {name: tested.get(name) for name in locked}, MEND


@pytest.mark.parametrize("name", sorted(wanted_here()))
def test_nothing_that_runs_is_under_a_licence_that_binds_ours(name: str) -> None:
    about = metadata(name)
    told = [*about.get_all("Classifier", []), about.get("License-Expression") or "", (about.get("License") or "")[:100]]
    licences = [one for one in told if "licen" in one.lower() or one in told[-2:]]
    assert any(licences)
    assert not any("GPL" in one or "General Public" in one for one in licences)
