"""Verdicts over a corpus of listing pages with truth: a confusion matrix, and every page judged wrongly.

    python benchmarks/detection/verdicts.py CORPUS [--cold] [--site NAME] [--wrong]

CORPUS holds a folder a site with ``truth.json`` and its pages in time order. ``--cold`` reads every page as the first
one of its site, without memory; ``--wrong`` names the pages judged wrongly. What is right: an ``ok`` page is a complete
listing; a ``partial``, ``blocked`` or ``empty`` one is no complete listing. A page that is whole but shows only some
rows (``partial/short``) cannot be told from a true one unless the page announces how many there are: listed apart.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watcher.core.reading import read_page
from watcher.records import Hints, Page, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One page, what it is and what was said of it."""

    site: str
    file: str
    kind: str
    reading: Reading
    size: int

    @property
    def said(self) -> str:
        return f"{self.reading.verdict}{'+complete' if self.reading.complete else ''}"

    @property
    def right(self) -> bool:
        if self.kind.startswith("ok"):
            return self.said == "listing+complete"
        return self.said != "listing+complete"


def judged(folder: Path, *, cold: bool) -> Iterator[Judged]:
    """Every version of one site, read in time order by what the earlier ones taught."""
    truth = json.loads((folder / "truth.json").read_text("utf-8"))
    memory = b""
    known: tuple[str, ...] = ()
    for number, version in enumerate(truth["versions"]):
        body = (folder / version["file"]).read_bytes()
        page = Page(body=body, url=f"http://{truth['site']}.onion/", status=200)
        if cold:
            memory, known = b"", ()
        reading, memory = read_page(page, memory, known, Hints(mirror=page.url))
        if reading.verdict == "listing" and reading.complete:
            known = tuple(entry.title for entry in reading.entries)
        kind = version["kind"]
        if kind == "ok":
            fresh = number and version["template"] != truth["versions"][number - 1]["template"]
            kind = "ok/redesign" if fresh else "ok"
        elif more := version.get("partial") or version.get("blocked"):
            kind = f"{kind}/{more}"
        yield Judged(site=truth["site"], file=version["file"], kind=kind, reading=reading, size=len(body))


def main() -> int:
    """Print the matrix; 1 if a page was judged wrongly that can be told."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--site", default="*")
    options = parser.parse_args()
    began = time.process_time()
    pages = [
        page
        for truth in sorted(options.corpus.glob(f"{options.site}/truth.json"))
        for page in judged(truth.parent, cold=options.cold)
    ]
    took = time.process_time() - began
    matrix = Counter((page.kind, page.said) for page in pages)
    kinds, said = sorted({kind for kind, _ in matrix}), sorted({word for _, word in matrix})
    print(f"{'':18}" + "".join(f"{word:>20}" for word in said))
    for kind in kinds:
        print(f"{kind:18}" + "".join(f"{matrix[kind, word] or '.':>20}" for word in said))
    wrong = [page for page in pages if not page.right]
    if options.wrong:
        for page in wrong:
            print(f"{page.site}/{page.file}  {page.kind}: {page.said}  {' '.join(page.reading.why)}")
    alarms = [page for page in wrong if page.kind.startswith("ok")]
    missed = [page for page in wrong if not page.kind.startswith("ok") and page.kind != "partial/short"]
    ok = sum(page.kind.startswith("ok") for page in pages)
    size = sum(page.size for page in pages)
    print(
        f"\n{len(pages)} pages, {size / 1e6:.1f} MB, {took:.1f} s CPU ({size / 1e6 / took:.1f} MB/s); "
        f"false alarms {len(alarms)} of {ok}; faulty pages taken for whole listings {len(missed)}, "
        f"and {sum(page.kind == 'partial/short' for page in wrong)} short ones that look whole"
    )
    return 1 if missed or len(alarms) * 100 > ok else 0


if __name__ == "__main__":
    sys.exit(main())
