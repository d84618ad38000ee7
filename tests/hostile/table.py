"""The table in ``docs/hostile.md``, made from the catalogue: python -m tests.hostile.table"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from tests.hostile.servers import CATALOGUE

PAGE = Path(__file__).parent.parent.parent / "docs" / "hostile.md"
MARK = "<!-- made by python -m tests.hostile.table -->\n"


def made() -> str:
    """All groups, each with its table."""
    parts = []
    for group, items in groupby(CATALOGUE, key=lambda item: item.group):
        rows = "".join(f"| `{item.name}` | {item.does} | {brings(item.verdict, item.why)} |\n" for item in items)
        parts.append(f"\n### {group}\n\n| name | what it does | what it brings |\n|---|---|---|\n{rows}")
    return "".join(parts)


def brings(verdict: str, why: str) -> str:
    shown = why.removesuffix("*").removesuffix(":")
    return f"{verdict}: `{shown}`" if shown else verdict


def main() -> None:
    head, _, _ = PAGE.read_text().partition(MARK)
    PAGE.write_text(head + MARK + made())


if __name__ == "__main__":
    main()
