"""What evidence costs: ratios within one run.

``python -m benchmarks.evidence`` prints, in processor time:

- checking a log of a million leaves, against bare SHA-256 of 64 bytes in the same language;
- a proof in a log of ten million leaves, in look-ups;
- exporting an event whose pages are 1 MB each, and checking it, with both verifiers, in seconds.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from tests.evidence.keeping import play_withdrawal
from tests.evidence.story import KEY
from watcher.core import merkle
from watcher.edge.export import STANDALONE, export
from watcher.edge.gather import Provenance, Selection
from watcher.edge.ledger import Ledger
from watcher.edge.verify import verify

LEAVES = 1_000_000


def hashing() -> None:
    block = os.urandom(64)
    start = time.process_time()
    for _ in range(LEAVES):
        sha256(block).digest()
    bare = LEAVES / (time.process_time() - start)
    data = [number.to_bytes(32, "big") for number in range(LEAVES)]
    start = time.process_time()
    merkle.levels([merkle.leaf_hash(one) for one in data])
    ours = (2 * LEAVES - 1) / (time.process_time() - start)
    print(f"a log of {LEAVES:,} leaves checked at {ours / bare:.2f} of bare SHA-256 ({bare / 1e6:.1f} M/s of 64 bytes)")


def proving() -> None:
    looks = 0

    def node_at(level: int, index: int) -> bytes:
        nonlocal looks
        looks += 1
        return sha256(b"%d %d" % (level, index)).digest()

    merkle.inclusion_proof(3_333_333, 9_999_999, node_at)
    included, looks = looks, 0
    merkle.consistency_proof(3_333_333, 9_999_999, node_at)
    print(f"ten million leaves: {included} look-ups for an inclusion proof, {looks} for a consistency proof")


def exporting() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(play_withdrawal(folder / "store", size=1_000_000))
        out = folder / "e.wacz"
        with Ledger.open(folder / "store") as ledger:
            event = next(event.id for event in ledger.events() if event.kind == "withdrawn")
            for draw in (False, True):
                start = time.perf_counter()
                made = export(
                    ledger, Selection(events=(event,)), out, key=KEY, about=Provenance(vantage="local"), draw=draw
                )
                print(f"export with {made.pictures} pictures: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        verify(out, keys=[KEY.vkey])
        print(f"watcher verify: {time.perf_counter() - start:.2f} s")
        start = time.perf_counter()
        subprocess.run([sys.executable, "-I", STANDALONE, out, "--key", KEY.vkey], check=True, capture_output=True)
        print(f"evidence/verify.py: {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    hashing()
    proving()
    exporting()
