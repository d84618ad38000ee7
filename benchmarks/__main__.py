"""Everything that is measured, and ``docs/performance.md`` made of it.

python -m benchmarks                 # all parts, some twenty minutes
python -m benchmarks floor versions  # some; their sections of the page are renewed, the others stay
python -m benchmarks lateness:2000,30,12 million:/tmp/big    # with what a part's own module takes
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from benchmarks.report import Part, machine

PARTS = ("floor", "steps", "fetch", "peers", "versions", "million", "lateness", "adaptive", "diffing")
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
HEAD = """# Performance

Made by `make bench`; do not edit. Ratios within one run are what counts: processors differ, and a busy machine slows
both sides. Everything runs on loopback, pages and proxy in a process of their own that is not counted. One part alone:
`python -m benchmarks.floor`.
"""
_SECTION = re.compile(r"<!-- (\w+) -->\n(.*?)(?=<!-- \w+ -->|\Z)", re.DOTALL)


def main(names: list[str]) -> None:
    """Measure these parts, or all."""
    sections = dict(_SECTION.findall(PAGE.read_text(encoding="utf-8"))) if PAGE.exists() else {}
    for asked in names or PARTS:
        name, _, given = asked.partition(":")
        measure: Callable[..., Part] = import_module(f"benchmarks.{name}").measure
        facts = machine()
        part = measure(*(int(one) if one.isdigit() else one for one in given.split(",") if one))
        sections[name] = f"{part.markdown()}\n{facts}.\n\n"
        print(part.markdown(), flush=True)
        text = "".join(f"<!-- {one} -->\n{sections[one]}" for one in PARTS if one in sections)
        PAGE.write_text(f"{HEAD}\n{text}".rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
