"""The page for people and the catalogue say the same."""

from __future__ import annotations

from tests.hostile.servers import CATALOGUE
from tests.hostile.table import MARK, PAGE, made


def test_the_page_is_in_step() -> None:
    """Else: python -m tests.hostile.table."""
    head, _, table = PAGE.read_text().partition(MARK)
    assert table == made()
    assert f"{len(CATALOGUE)} entries" in head
