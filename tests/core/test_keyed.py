"""Objects that go by the names of what they are about."""

from __future__ import annotations

import json
from typing import Any

import pytest

from watcher.core.keyed import with_keys
from watcher.core.reading import Hints, read_page
from watcher.records import Page

NAMES = ("Velmora Logistics", "Quistral Foods GmbH", "Dranek Clinic", "Osterby Steel AB")


def named(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: {"date": f"2026-01-{day}", "text": "Mail and contracts."} for day, name in enumerate(names, 10)}


def test_objects_by_name_say_it_and_keep_the_rest() -> None:
    found = with_keys({"victims": named(NAMES[:2])})
    assert list(found["victims"]) == list(NAMES[:2])
    assert found["victims"]["Velmora Logistics"] == {
        "@name": "Velmora Logistics", "date": "2026-01-10", "text": "Mail and contracts.",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [
        {"17": {"date": "x", "text": "y"}, "18": {"date": "x", "text": "y"}},
        {"Velmora": {"title": "Velmora", "text": "y"}, "Quistral": {"title": "Quistral", "text": "y"}},
        {"Velmora": {"date": "x", "text": "y"}},
        {"Velmora": {"date": "x"}, "Quistral": {"text": "y"}},
        {"Velmora": {"date": "x", "text": "y"}, "Quistral": 2},
        [1, "a", None],
        "text",
        None,
    ],
)
def test_what_goes_by_numbers_or_has_a_title_is_as_it_was(value: Any) -> None:
    before = json.dumps(value)
    assert json.dumps(with_keys(value)) == before


def test_nests_without_end_cost_no_more_than_others() -> None:
    value: Any = {}
    for _ in range(900):
        value = {"a": value}
    assert with_keys(value) is value


def test_a_list_by_name_is_read_and_followed() -> None:
    memory = b""
    for names in (NAMES[1:], NAMES[1:], NAMES):
        body = json.dumps({"victims": named(names)}).encode()
        page = Page(body=body, url="http://x.onion/list.json", status=200, content_type="application/json")
        reading, memory = read_page(page, memory, (), Hints(mirror="http://x.onion/"))
    assert [entry.title for entry in reading.entries] == list(NAMES)
    assert reading.entries[0].fields["date"] == "2026-01-10"
