"""Fuzzing, for as long as wanted: with atheris, which follows the code, where it is installed, else with hypothesis.

    make fuzz                                        # every target, FUZZ_SECONDS each
    python -m tests.fuzz.run reading diff --seconds 600 --corpus ~/fuzz

What reaches new code is kept under the folder given by ``--corpus``, so that the next run starts from there. An input
that breaks a promise is written to ``tests/fuzz/found/TARGET/``; from then on the tests replay it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import random
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

INSIDE = "TARGET_OF_FUZZING"
"""Set in the process that fuzzes one target, to how it does."""

if os.environ.get(INSIDE) == "atheris":
    import atheris  # what it is to follow must be imported under its eyes

    with atheris.instrument_imports(include=["watcher"]):
        from tests.fuzz.targets import INPUTS, TARGETS, Target, kept
else:
    from tests.fuzz.targets import INPUTS, TARGETS, Target, kept

LONGEST_INPUT = 16_384
SLOW_SECONDS = 10
"""An input that takes so long is a finding, too."""
MEMORY_MIB = 2048


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Look for inputs that break a promise.")
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)} (default: all)")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "600")), help="each")
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="where new inputs are kept")
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), help="default: atheris if it is installed")
    asked = parser.parse_args(given)
    if unknown := set(asked.targets) - TARGETS.keys():
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    engine = asked.engine or ("atheris" if importlib.util.find_spec("atheris") else "hypothesis")
    broken = []
    for name in asked.targets or TARGETS:
        folder = (asked.corpus / name).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        start = time.monotonic()
        code = _apart(name, engine, asked.seconds, folder)
        inputs = len(list(folder.iterdir()))
        print(
            f"{name}: {engine}, {time.monotonic() - start:.0f} s, {inputs} inputs kept, "
            f"{'nothing found' if code == 0 else f'BROKEN (exit code {code})'}",
            flush=True,
        )
        if code:
            broken.append(name)
    return 1 if broken else 0


def _apart(name: str, engine: str, seconds: int, folder: Path) -> int:
    """The exit code of a process that fuzzes one target: what breaks it breaks no other."""
    command = [sys.executable, "-m", "tests.fuzz.run", name, f"--seconds={seconds}", f"--corpus={folder}"]
    return subprocess.run(command, env=os.environ | {INSIDE: engine}, check=False).returncode


def inside(given: Sequence[str]) -> int:
    """Fuzz one target in this process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int)
    parser.add_argument("--corpus", type=Path)
    asked = parser.parse_args(given)
    if os.environ[INSIDE] == "atheris":
        return _with_atheris(asked.target, asked.seconds, asked.corpus)
    return _with_hypothesis(asked.target, asked.seconds, asked.corpus)


def noting(name: str, target: Target) -> Callable[[bytes], None]:
    """The target; an input that breaks it is written down first."""

    def noted(data: bytes) -> None:
        try:
            target(data)
        except BaseException:
            note(name, data)
            raise

    return noted


def note(name: str, data: bytes) -> Path:
    """Keep an input that broke something, to be replayed by the tests from now on."""
    path = INPUTS / "found" / name / hashlib.sha256(data).hexdigest()[:16]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _with_atheris(name: str, seconds: int, folder: Path) -> int:
    import atheris

    options = [
        f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={SLOW_SECONDS}",
        f"-rss_limit_mb={MEMORY_MIB}", f"-artifact_prefix={INPUTS / 'found' / name}/",
        "-verbosity=0", "-print_final_stats=1",
    ]  # fmt: skip
    (INPUTS / "found" / name).mkdir(parents=True, exist_ok=True)
    seeds = [str(INPUTS / part / name) for part in ("corpus", "found") if (INPUTS / part / name).is_dir()]
    atheris.Setup([sys.argv[0], *options, str(folder), *seeds], noting(name, TARGETS[name]))
    atheris.Fuzz()
    return 0


def _with_hypothesis(name: str, seconds: int, folder: Path) -> int:
    """Random bytes, and random changes of the inputs that are kept; what is slow or breaks something is a finding."""
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from hypothesis import strategies as st

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MIB << 20, resource.RLIM_INFINITY))
    target, deadline = noting(name, TARGETS[name]), time.monotonic() + seconds
    starts = [path.read_bytes() for path in (*kept(name), *folder.iterdir())] or [b""]
    edits = st.lists(st.tuples(st.integers(0, LONGEST_INPUT), st.integers(0, 40), st.binary(max_size=40)), max_size=6)
    inputs = st.binary(max_size=2000) | st.builds(changed, st.sampled_from(starts), edits)

    while time.monotonic() < deadline:

        @seed(random.getrandbits(64))
        @settings(
            max_examples=500,
            deadline=SLOW_SECONDS * 1000,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def round_of_inputs(data: bytes) -> None:
            if time.monotonic() < deadline:
                target(data)

        try:
            round_of_inputs()
        except Exception:  # whatever it is: it is told, and the exit code says so
            traceback.print_exc()
            return 1
    return 0


def changed(start: bytes, edits: Sequence[tuple[int, int, bytes]]) -> bytes:
    """An input with some stretches replaced: at a place, so many bytes by others."""
    for place, size, new in edits:
        at = place % (len(start) + 1)
        start = start[:at] + new + start[at + size :]
    return start[:LONGEST_INPUT]


if __name__ == "__main__":
    sys.exit(inside(sys.argv[1:]) if INSIDE in os.environ else main(sys.argv[1:]))
