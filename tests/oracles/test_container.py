"""docs/Containerfile: what hadolint says of it, and that it is what it says, as far as that shows without an engine."""

from __future__ import annotations

import json
import re

import pytest

from tests.oracles.test_oracles import ROOT, oracle
from watcher.cli.main import TABLE

FILE = ROOT / "docs" / "Containerfile"
TEXT = FILE.read_text(encoding="utf-8")
STEPS = [
    (found[1], found[2])
    for step in re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines()
    if (found := re.fullmatch(r"([A-Z]+) (.*)", step))
]
"""Instructions and what stands behind them, lines joined."""


def last(name: str) -> str:
    return [rest for one, rest in STEPS if one == name][-1]


def test_hadolint_finds_nothing() -> None:
    done = oracle("hadolint", "--no-color", "--failure-threshold=style", str(FILE))
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_special() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", last("USER"))
    assert [one for one, _ in STEPS].index("USER") > max(i for i, (one, _) in enumerate(STEPS) if one == "RUN")
    assert f"--uid {last('USER').partition(':')[0]} " in TEXT


def test_all_that_it_takes_from_the_checkout_is_there_and_holds_no_secret() -> None:
    taken = [rest.split() for one, rest in STEPS if one == "COPY" and not rest.startswith("--from")]
    sources = {source for words in taken for source in words[:-1]}
    assert sources == {"docs/requirements.lock", "pyproject.toml", "README.md", "docs/LICENSE", "watcher"}
    assert all((ROOT / source).exists() for source in sources)
    assert not [one for one, _ in STEPS if one == "ADD"]


def test_nothing_is_installed_but_by_its_hash() -> None:
    installs = [rest for one, rest in STEPS if one == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert all(
        "--require-hashes -r /src/docs/requirements.lock" in rest or "--no-deps /src" in rest for rest in installs
    )


def test_what_it_starts_and_what_it_tells_to_start_are_commands() -> None:
    started = json.loads(last("ENTRYPOINT")) + json.loads(last("CMD"))
    told = re.findall(r"-v watcher:/data watcher(?: (\w+))?$", TEXT, re.MULTILINE)
    assert started == ["watcher", "run"]
    assert set(filter(None, told)) == {"init", "check"}
    assert {*filter(None, told), "run", "doctor"} <= set(TABLE)


@pytest.mark.parametrize("file", ["docs/Containerfile", "docs/watcher.service", "docs/requirements.lock", ".ci/lock"])
def test_no_registry_is_named(file: str) -> None:
    assert not re.search(r"(?i)docker\.io|ghcr|quay\.io|pypi|https?://", (ROOT / file).read_text(encoding="utf-8"))


def test_what_it_needs_of_the_checkout_is_enough_to_install_it() -> None:
    """``readme`` and ``license-files`` of pyproject.toml are among what is taken."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    named = [
        *re.findall(r'^readme = "(.*)"', project, re.M),
        *re.findall(r'^license-files = \["(.*)"\]', project, re.M),
    ]
    assert named == ["README.md", "docs/LICENSE"]
    assert all(any(name in rest for one, rest in STEPS if one == "COPY") for name in named)
