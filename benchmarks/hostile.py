"""The whole catalogue of hostile servers beside healthy sites, at default limits: time, memory, lateness.

    python -m benchmarks.hostile [ROUNDS]

One ``watcher check`` a round. Prints, for each: how long it took, the most memory that the process and its readers had
together and each by itself, and how many healthy sites were read whole.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.hostile.servers import CATALOGUE
from tests.props.stage import Play, Stage
from tests.stories.program import Memory, Program, json_lines, write

MIB = 1024 * 1024
HEALTHY = 10
MOST_BYTES = 400 * MIB


def main(rounds: int) -> int:
    """0 if the memory stayed within its limit and every healthy site was read whole."""
    good = True
    play = Play(sites=HEALTHY, victims=30, hostile=tuple(item.name for item in CATALOGUE))
    with Stage(play) as stage, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sites = {f"healthy{number}": urls for number, urls in enumerate(stage.mirrors)}
        sites |= {name.replace(".", "-"): (url,) for name, url in stage.hostile.items()}
        write(folder, stage.proxy_url, sites, timeout="90s")
        print(f"{len(CATALOGUE)} hostile servers and {HEALTHY} healthy sites")
        for number in range(1, rounds + 1):
            began = time.monotonic()
            with Program(folder, "check", "--json") as program, Memory(program.process) as memory:
                assert program.process.stdout is not None
                told = json_lines(program.process.stdout.read())
                code = program.process.wait()
            whole = {one["site"] for one in told if one.get("complete") and one["site"].startswith("healthy")}
            crashed = "Traceback" in "".join(program.said)
            print(
                f"round {number}: {time.monotonic() - began:.0f} s, at most {memory.most_bytes / MIB:.0f} MiB, "
                f"{len(whole)} of {HEALTHY} healthy sites whole, exit code {code}{', CRASHED' if crashed else ''}",
                flush=True,
            )
            good &= memory.most_bytes <= MOST_BYTES and len(whole) == HEALTHY and not crashed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2))
