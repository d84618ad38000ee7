"""Tables: widths, order, and no more memory than rows that are shown together."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from watcher.cli import output
from watcher.cli.output import Cell, Column, minute, since, table, when, window

COLUMNS = [Column("NAME", firm=False), Column("N", right=True)]
AT = datetime(2026, 11, 22, 15, 4, 5, 999_999, tzinfo=UTC)


def test_columns_are_as_wide_as_what_stands_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, [("a", "1"), ("東京", "22"), ("e\u0301e", Cell("3", "red"))])
    assert capsys.readouterr().out == "NAME   N\na      1\n東京  22\ne\u0301e     3\n"


def test_no_rows_no_head(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, [])
    assert capsys.readouterr().out == ""


def test_without_a_head(capsys: pytest.CaptureFixture[str]) -> None:
    table(COLUMNS, [("a", "1")], head=False)
    assert capsys.readouterr().out == "a     1\n"


def test_many_rows_are_not_held(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first few set the widths; each further row is printed before the next is asked for."""
    monkeypatch.setattr(output, "MOST_RICH", 2)
    shown: list[str] = []

    def rows() -> Iterator[tuple[str, str]]:
        for number in range(6):
            shown.append(capsys.readouterr().out)
            yield f"row{number}", str(number)

    table(COLUMNS, rows())
    assert shown == ["", "", "", "NAME  N\nrow0  0\nrow1  1\nrow2  2\n", "row3  3\n", "row4  4\n"]


def test_a_cell_is_one_line_and_cut(capsys: pytest.CaptureFixture[str]) -> None:
    table([Column("A")], [(Cell("x\ny" + "z" * 1000, limit=10),)])
    assert capsys.readouterr().out == "A\nx yzzzzzz…\n"


@pytest.mark.parametrize(
    ("room", "widths"),
    [(100, [30, 20, 10]), (50, [16, 20, 10]), (20, [12, 20, 10])],
)
def test_what_is_loose_gives_way(room: int, widths: list[int]) -> None:
    columns = [Column("A", firm=False), Column("B"), Column("C")]
    row = [Cell("a" * 30), Cell("b" * 20), Cell("c" * 10)]
    assert output._fitted(columns, [row], room) == widths


def test_times_for_people() -> None:
    assert (when(AT), minute(AT), when(None), minute(None)) == (
        "2026-11-22 15:04:05Z", "2026-11-22 15:04Z", "–", "–",
    )  # fmt: skip
    assert since(AT, AT + timedelta(hours=2)) == "2 h ago"
    assert since(AT, AT - timedelta(minutes=3)) == "in 3 min"
    assert since(None, AT) == "–"


def test_windows() -> None:
    assert window(None, AT) == "… 2026-11-22 15:04:05Z"
    assert window(AT - timedelta(hours=1), AT) == "2026-11-22 14:04:05 … 15:04:05Z"
    assert window(AT - timedelta(days=1), AT) == "2026-11-21 15:04:05Z … 2026-11-22 15:04:05Z"
