"""Entries found without a rule: precision and recall over a corpus, what each sign is worth, and the speed.

    python -m benchmarks.detection.entries FOLDER     a folder of sites with pages and a truth.json each
    python -m benchmarks.detection.entries            invented sites (``invented.py``)
    … --ablate                                        once more for each sign left out (slow)
    … --worsen                                        pages with a services grid, a file table and hashed class names
    … --shake 10                                      with every weight multiplied by something between 0.6 and 1.6

Every site is read from its first page on; what is counted begins with the third. Known titles are given back as a
watcher would, so that a redesign is learned again. The weights were set by hand, not fitted; ``--shake`` tells how much
hangs on their values, the halves (by a hash of the name) how much on the choice of sites.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from hashlib import sha256
from pathlib import Path

from benchmarks.detection.invented import site
from watcher.core import choosing, induce, learned, ranking
from watcher.core.identity import fold_title
from watcher.core.induce import Extraction, Learned, extract, learn, relearn
from watcher.core.parse import parse
from watcher.core.reading import read_page
from watcher.records import Hints, Page


@dataclass(frozen=True)
class Version:
    """One page, and the titles that are on it."""

    body: bytes
    kind: str
    titles: list[str]


@dataclass
class Score:
    """How one site was read."""

    precision: float
    recall: float
    seconds: float
    bytes: int
    parsing: float
    provisional: int

    @property
    def wrong(self) -> bool:
        """Nothing of what was found is right."""
        return self.precision < 0.1


def folded(titles: list[str]) -> Counter[str]:
    return Counter(fold_title(title)[0] for title in titles)


def from_folder(folder: Path) -> dict[str, list[Version]]:
    sites: dict[str, list[Version]] = {}
    for truth in sorted(folder.glob("*/truth.json")):
        versions = json.loads(truth.read_text())["versions"]
        sites[truth.parent.name] = [
            Version(
                body=(truth.parent / version["file"]).read_bytes(),
                kind=version["kind"],
                titles=version.get("titles") or [entry["title"] for entry in version.get("entries", [])],
            )
            for version in versions
        ]
    return sites


def invented(count: int) -> dict[str, list[Version]]:
    return {
        f"{made.name} {made.style}": [Version(one.body.encode(), one.kind, one.titles) for one in made.versions]
        for made in map(site, range(5_000, 5_000 + count))
    }


def read(name: str, versions: list[Version]) -> Score:
    """The site's pages in order, each good one counted and learned from."""
    knowledge = Learned()
    known: list[str] = []
    precision, recall, seconds, parsing, size, provisional = [], [], 0.0, 0.0, 0, 0
    for number, version in enumerate(versions, 1):
        page = Page(body=version.body, url=f"http://{sha256(name.encode()).hexdigest()[:16]}.onion/", status=200)
        start = time.process_time()
        document = parse(page)
        parsed = time.process_time()
        extraction = extract(document, knowledge, known=known)
        seconds += time.process_time() - start
        lost = len(known) - (folded(known) & folded([entry.title for entry in extraction.entries])).total()
        start_again = time.process_time()
        again = relearn(document, knowledge, known) if version.kind == "ok" and lost * 2 > len(known) else None
        if again is not None:
            extraction, knowledge = again
        elif version.kind == "ok":
            knowledge = learn(knowledge, document, extraction)
        seconds += time.process_time() - start_again
        parsing += parsed - start
        size += len(version.body)
        if version.kind != "ok":
            continue
        known = [entry.title for entry in extraction.entries] or known
        if number >= 3:
            found = folded([entry.title for entry in extraction.entries])
            right = (found & folded(version.titles)).total()
            precision.append(right / found.total() if found else 0.0)
            recall.append(right / len(version.titles) if version.titles else 1.0)
            provisional += extraction.provisional
    count = max(1, len(precision))
    return Score(sum(precision) / count, sum(recall) / count, seconds, size, parsing, provisional)


def mean(scores: Mapping[str, Score]) -> tuple[float, float]:
    count = max(1, len(scores))
    return sum(one.precision for one in scores.values()) / count, sum(one.recall for one in scores.values()) / count


def half_of(name: str) -> int:
    return sha256(name.encode()).digest()[0] % 2


# ------------------------------------------------------------------------------------------------ worse than it was

_SERVICES = (
    "<section class='services'><div class='cards'>"
    + "".join(
        f"<div class='card'><h3>{title}</h3><p>We do it better than anyone.</p><a href='/s/{at}'>More</a></div>"
        for at, title in enumerate(["Penetration testing", "Corporate audit", "Data recovery", "Hosting", "Consulting"])
    )
    + "</div></section>"
)
_FILES = "<table class='files'>" + "".join(
    f"<tr><td><a href='/get/{at}'>Contracts {2000 + at}</a></td><td>{at + 1} GB</td></tr>" for at in range(12)
) + "</table>"  # fmt: skip


def worsened(version: Version, number: int) -> Version:
    """The page with a competing grid, a file table, and class names that change with every third page."""
    text = version.body.decode("utf-8", "replace")
    if "<body" not in text or "<pre" in text[:300] or version.kind != "ok":
        return version

    def hashed(found: re.Match[str]) -> str:
        tokens = (f"{one[:4]}_{sha256(f'{one}{number // 3}'.encode()).hexdigest()[:6]}" for one in found[1].split())
        return f'class="{" ".join(tokens)}"'

    text = re.sub(r"(<body[^>]*>)", lambda found: found[1] + _SERVICES + _FILES, text, count=1)
    return replace(version, body=re.sub(r'class="([^"]*)"', hashed, text).encode())


# -------------------------------------------------------------------------------------------------------- ablation


@contextmanager
def patched(module: object, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


def _no_evidence(_memory: learned.Memory) -> float:
    return 0.0


def _alone(document: object, _learned: Learned, **_given: object) -> Extraction:
    return _extract(document, Learned())  # type: ignore[arg-type]  # the same function under another name


_extract = induce.extract


def signs() -> dict[str, Callable[[], object]]:
    """What can be left out, and how."""
    found: dict[str, Callable[[], object]] = {
        "memory of earlier pages": lambda: patched(sys.modules[__name__], "extract", _alone),
        "churn": lambda: patched(choosing, "evidence", _no_evidence),
        "part and whole": lambda: patched(choosing, "_whole_of", lambda *_given: -1),
        "seen elsewhere": lambda: patched(choosing, "ELSEWHERE", 0.0),
        "doubt of a rule that stands": lambda: patched(induce, "is_doubtful", lambda *_given: False),
        "attributes and slugs": lambda: patched(induce, "_may_hide_titles", lambda _group: False),
        "single entries": lambda: patched(induce, "single_candidates", lambda *_given: []),
        "what stands round titles": lambda: patched(ranking, "frame_of", lambda _values: ""),
    }
    for weight in fields(ranking.Weights):
        less = replace(ranking.DEFAULT, **{weight.name: 0.0})
        if weight.name not in {"name", "domain"}:
            found[f"weight: {weight.name}"] = lambda less=less: weighed(less)  # type: ignore[misc]  # bound at once
    return found


@contextmanager
def weighed(weights: ranking.Weights) -> Iterator[None]:
    with patched(induce, "candidates_of", lambda group, columns: ranking.candidates_of(group, columns, weights)):
        yield


# ----------------------------------------------------------------------------------------------------------- print


def report(sites: Mapping[str, list[Version]]) -> dict[str, Score]:
    scores = {name: read(name, versions) for name, versions in sites.items()}
    for name, one in scores.items():
        mark = "" if one.precision > 0.999 and one.recall > 0.999 else "  <" if not one.wrong else "  << wholly wrong"
        print(f"{name:36} precision {one.precision:.3f}  recall {one.recall:.3f}  provisional {one.provisional}{mark}")
    precision, recall = mean(scores)
    for half in (0, 1):
        part = {name: one for name, one in scores.items() if half_of(name) == half}
        print(f"half {half}: {len(part)} sites, precision {mean(part)[0]:.4f}, recall {mean(part)[1]:.4f}")
    seconds, size = sum(one.seconds for one in scores.values()), sum(one.bytes for one in scores.values())
    parsing = sum(one.parsing for one in scores.values())
    print(f"all: {len(scores)} sites, precision {precision:.4f}, recall {recall:.4f}")
    print(f"wholly wrong: {sum(one.wrong for one in scores.values())}")
    print(f"speed: {size / seconds / 1e6:.1f} MB/s with parsing and learning; {seconds / parsing:.1f} x parsing alone")
    return scores


def summary(folder: Path, only: str = "") -> None:
    """Prints what ``report`` does of all sites together, and the speed with everything counted."""
    sites = {name: versions for name, versions in from_folder(folder).items() if only in name}
    scores = {name: read(name, versions) for name, versions in sites.items()}
    precision, recall = mean(scores)
    wrong = [name for name, one in scores.items() if one.wrong]
    below = sum(one.precision < 0.999 or one.recall < 0.999 for one in scores.values())
    print(f"Entries without a rule, {len(scores)} sites, from the third version on\n")
    print(f"  precision {precision:.4f}, recall {recall:.4f}, wholly wrong on {len(wrong)} sites {' '.join(wrong)}")
    print(f"  anything wrong on {below} sites")
    size, seconds = speed(sites)
    print(
        f"  {size / seconds / 1e6:.1f} MB/s with everything counted: parsing, learning, judging, text, further pages\n"
    )


def speed(sites: Mapping[str, list[Version]]) -> tuple[int, float]:
    """Bytes read and seconds of CPU, each site from its first page on as the product reads it."""
    size, seconds = 0, 0.0
    for versions in sites.values():
        memory = b""
        known: tuple[str, ...] = ()
        for version in versions:
            page = Page(body=version.body, url="http://invented.onion/", status=200)
            start = time.process_time()
            reading, memory = read_page(page, memory, known, Hints(mirror=page.url))
            seconds += time.process_time() - start
            size += len(version.body)
            if reading.complete:
                known = tuple(entry.title for entry in reading.entries)
    return size, seconds


def shaken(sites: Mapping[str, list[Version]], times: int) -> None:
    """Prints what other weights would have brought."""
    draw = random.Random(1)
    print("\nweights times 0.6 … 1.6, at random")
    for _ in range(times):
        given = {weight.name: getattr(ranking.DEFAULT, weight.name) for weight in fields(ranking.Weights)}
        weights = ranking.Weights(**{name: value * draw.uniform(0.6, 1.6) for name, value in given.items()})
        with weighed(weights):
            scores = {name: read(name, versions) for name, versions in sites.items()}
        precision, recall = mean(scores)
        wrong = sum(one.wrong for one in scores.values())
        print(f"precision {precision:.4f}  recall {recall:.4f}  wholly wrong {wrong}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="sites with their truth")
    parser.add_argument("--ablate", action="store_true", help="leave out each sign in turn")
    parser.add_argument("--worsen", action="store_true", help="add a grid, a file table and hashed class names")
    parser.add_argument("--shake", type=int, default=0, metavar="N", help="N times with other weights")
    parser.add_argument("--count", type=int, default=210, help="invented sites")
    given = parser.parse_args()
    sites = from_folder(given.folder) if given.folder else invented(given.count)
    if given.worsen:
        sites = {name: [worsened(one, at) for at, one in enumerate(versions)] for name, versions in sites.items()}
    whole = mean(report(sites))
    if given.shake:
        shaken(sites, given.shake)
    if given.ablate:
        print("\nwithout …                            precision        recall")
        for name, without in signs().items():
            with without():  # type: ignore[attr-defined]  # each is a context manager
                precision, recall = mean({key: read(key, versions) for key, versions in sites.items()})
            print(f"{name:36} {precision:.4f} ({precision - whole[0]:+.4f})  {recall:.4f} ({recall - whole[1]:+.4f})")


if __name__ == "__main__":
    main()
