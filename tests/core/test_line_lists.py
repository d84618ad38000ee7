"""Lists written as lines of text."""

from __future__ import annotations

import pytest

from watcher.core import line_lists
from watcher.core.line_lists import MOST_LINES, of_text
from watcher.core.parse import parse
from watcher.core.reading import Hints, read_page
from watcher.records import Page

NAMES = ("Velmora Logistics", "Quistral Foods GmbH", "Dranek Clinic", "Osterby Steel AB", "Hallin & Sons Ltd")


def page(body: str, content_type: str = "text/html") -> Page:
    return Page(body=body.encode(), url="http://x.onion/", status=200, content_type=content_type)


def titles(*bodies: str, content_type: str = "text/html") -> list[str]:
    """What the last of several pages is read to list."""
    memory = b""
    for body in bodies:
        reading, memory = read_page(page(body, content_type), memory, (), Hints(mirror="http://x.onion/"))
    return [entry.title for entry in reading.entries]


def lined(names: tuple[str, ...], line: str, between: str = "\n") -> str:
    return between.join(line.format(name=name, day=day) for day, name in enumerate(names, 10))


def test_lines_of_one_mark_are_one_list_and_what_stands_round_it_is_not() -> None:
    text = "LEAKS\n=====\n\n* Velmora\n* Quistral\n\n* Dranek\nend of list\n"
    assert of_text(text) == {"lines *": [{"text1": "Velmora"}, {"text1": "Quistral"}, {"text1": "Dranek"}]}


def test_numbers_in_front_are_a_mark() -> None:
    assert of_text("9. Velmora\n10. Quistral") == {"lines 1.": [{"text1": "Velmora"}, {"text1": "Quistral"}]}


@pytest.mark.parametrize("gap", ["   ", "\t", " | ", " │ "])
def test_cells_are_parted_by_wide_gaps_tabs_and_bars(gap: str) -> None:
    (rows,) = of_text(f"2026-01-01{gap}Velmora Logistics\n2026-01-02{gap}Quistral Foods").values()
    assert rows[0] == {"text1": "2026-01-01", "text2": "Velmora Logistics"}


def test_a_first_row_set_off_by_a_rule_names_the_columns() -> None:
    rule = "+------+------+\n"
    text = f"{rule}| COMPANY | DATE |\n{rule}| Velmora | 2026-01-01 |\n| Quistral | 2026-01-02 |\n{rule}"
    (rows,) = of_text(text).values()
    assert rows == [{"COMPANY": "Velmora", "DATE": "2026-01-01"}, {"COMPANY": "Quistral", "DATE": "2026-01-02"}]


@pytest.mark.parametrize("text", ["", "one line", "\n\n\n", "=====\n-----\n", "x" * 300 + "\n" + "y" * 300])
def test_what_is_no_list_gives_none(text: str) -> None:
    assert of_text(text) == {}


def test_no_more_lines_are_read_than_a_list_has() -> None:
    (rows,) = of_text("- Arvel\n" * (MOST_LINES + 5)).values()
    assert len(rows) == MOST_LINES


@pytest.mark.parametrize(
    "body",
    [
        "<html><body><h1>Leaks</h1><pre>{}</pre></body></html>",
        "<html><body><p>These firms did not pay:</p><p>{}</p><p>Write to us.</p></body></html>",
    ],
)
def test_lines_of_a_page_are_read_and_followed(body: str) -> None:
    between = "\n" if "<pre>" in body else "<br>"
    line = "2026-01-{day}  {name}" if "<pre>" in body else "{name}"
    first, then = (body.format(lined(names, line, between)) for names in (NAMES[1:], NAMES))
    assert titles(first, first, then, then) == list(NAMES)


def test_lines_of_plain_text_are_read() -> None:
    text = "LEAKS\n\n" + lined(NAMES, "* {name}") + "\n\nend of list\n"
    assert titles(text, text, content_type="text/plain") == list(NAMES)


def test_what_an_entry_says_in_lines_is_no_list_of_the_page() -> None:
    cards = "".join(
        f"<div class=card><h2>{name}</h2><p>Founded long ago<br>Ten thousand files<br>Passports and mail</p></div>"
        for name in NAMES
    )
    assert titles(*[f"<html><body><main>{cards}</main></body></html>"] * 3) == list(NAMES)


@pytest.mark.parametrize(
    "lines",
    [
        ["All your files are encrypted", "Do not rename them", "Write to us in the chat", "Pay or lose"],
        ["Telegram: @x", "Tox: ABCDEF0123456789", "Jabber: a@b.im"],
        ["No hospitals", "No schools", "No CIS", "Only big fish"],
        ["You are in the queue", "Your place is 17", "The page will reload"],
    ],
)
@pytest.mark.parametrize("between", ["\n", "<br>"])
def test_notes_rules_and_contacts_are_no_list(lines: list[str], between: str) -> None:
    tag = "pre" if between == "\n" else "p"
    body = f"<html><body><h1>News</h1><{tag}>{between.join(lines)}</{tag}></body></html>"
    assert titles(body, body, body) == []


def test_names_without_capitals_are_a_list_where_each_has_its_day() -> None:
    assert of_text("velmora north\nquistral west") == {}
    assert len(of_text("2026-01-01  velmora north\n2026-01-02  quistral west")["lines"]) == 2


def test_one_card_counts_for_more_than_many_lines_beside_it() -> None:
    staff = "\n".join(f"Anna {name}" for name in ("Meier", "Novak", "Olsen", "Peters", "Quint"))
    card = "<div class=card><h2><a href=/p/1>Velmora Ltd</a></h2><p>They did not pay.</p><i>3 GB</i></div>"
    assert titles(*[f"<html><body>{card}<pre>{staff}</pre></body></html>"] * 3) == ["Velmora Ltd"]


def test_literals_of_scripts_stand_beside_lines() -> None:
    body = '<html><body><pre>a b\nc d</pre><script>var leaks = [{"title": "Velmora"}];</script></body></html>'
    assert parse(page(body)).data == {"pre": [{"text1": "a b"}, {"text1": "c d"}], "leaks": [{"title": "Velmora"}]}


def test_a_pre_in_every_other_is_looked_through_so_often_as_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(line_lists, "_lists", lambda lines: looked.append(len(lines)) or [])
    body = "<pre>" * 200 + "x\n" * 100_000
    document = parse(page(f"<html><body>{body}</body></html>"))
    assert not document.data
    assert len(looked) == line_lists.MOST_TEXT // 200_000
