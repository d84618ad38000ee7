"""Every part of the benchmark, one after the other: `make bench`; each also runs alone."""

from __future__ import annotations

import subprocess
import sys

PARTS = ("fetch", "floor", "steps", "versions", "adaptive")
"""Those that take a minute or so each; ``million``, ``lateness``, ``web`` and ``detection`` are run alone."""

if __name__ == "__main__":
    failed = 0
    for part in PARTS:
        print(f"\n== {part} ==", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{part}"], check=False).returncode
    sys.exit(failed)
