"""Events for programs of others: their forms, and that nothing captured breaks out of them."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
from dataclasses import replace
from typing import Any

import pytest

from tests.core.test_message import HOSTILE, T1, VELMORA
from watcher.core.sharing import COLUMNS, to_csv, to_misp, to_stix
from watcher.records import Capture, Event

CAPTURE = Capture(
    id="c1",
    site="clop",
    target="listing",
    visit="clop@2026-11-22T15:04:05.000000Z",
    url="http://leak.example/",
    mirror="http://leak.example/",
    requested_at=T1,
    finished_at=T1,
    status=200,
    verdict="listing",
    why=(),
    cut="",
    isolation="",
    body_digest="0" * 64,
    body_bytes=3,
    stored_bytes=3,
    leaf=0,
    vantage="local",
)
SEIZED = replace(VELMORA, id="e2", kind="seized", entry=None, watchlist=(), not_before=None)
RENAMED = replace(VELMORA, id="e3", kind="renamed", was="V******", changes={"status": ("new", "sold")})
assert VELMORA.entry
EVIL = replace(
    VELMORA,
    id="e4",
    entry=replace(
        VELMORA.entry, title=f'=HYPERLINK("http://evil.example"){HOSTILE}\r\n,"x', url="@SUM(1)", key="\t=1+1"
    ),
    why=("-2+3", HOSTILE),
    was="+1;cmd|' /C calc'!A0",
    changes={"=a": ("-1", "@b")},
    watchlist=(HOSTILE,),
)
ALL = [VELMORA, SEIZED, RENAMED, EVIL]


def objects(*events: Event) -> dict[str, list[dict[str, Any]]]:
    made = json.loads(to_stix(events, {"c1": CAPTURE}, vantage="local", operator="Example CERT"))
    assert made["type"] == "bundle"
    found: dict[str, list[dict[str, Any]]] = {}
    for one in made["objects"]:
        found.setdefault(one["type"], []).append(one)
    return found


def test_stix_names_site_victim_captures_and_reasons() -> None:
    found = objects(VELMORA)
    (incident,), (note,) = found["incident"], found["note"]
    assert incident["name"] == "Entry withdrawn: Velmora Logistics"
    assert incident["created"] == "2026-11-22T15:49:05.000000Z"
    assert note["content"] == "\n".join(VELMORA.why)
    assert {incident["id"], found["infrastructure"][0]["id"], found["observed-data"][0]["id"]} < set(
        note["object_refs"]
    )
    assert [one["value"] for one in found["url"]] == ["http://leak.example/"]
    assert sorted(one["name"] for one in found["identity"]) == ["Velmora Logistics", "watcher local"]


def test_stix_says_the_same_of_the_same_whatever_is_said_beside() -> None:
    alone, beside = objects(VELMORA), objects(*ALL)
    for kind, known in alone.items():
        assert all(one in beside[kind] for one in known)
    identifiers = [one["id"] for group in beside.values() for one in group]
    assert len(identifiers) == len(set(identifiers))
    assert to_stix(ALL, {}, vantage="local") == to_stix(ALL, {}, vantage="local")


def test_misp_takes_each_event_and_blocks_nothing() -> None:
    made = [one["Event"] for one in json.loads(to_misp(ALL, vantage="local"))["response"]]
    assert [one["info"] for one in made[:3]] == [
        "Entry withdrawn: Velmora Logistics (clop)", "Site seized: clop", "Entry renamed: Velmora Logistics (clop)",
    ]  # fmt: skip
    assert made[0]["date"] == "2026-11-22"
    assert made[0]["timestamp"] == "1795362545"
    identifiers = [one["uuid"] for event in made for one in (event, *event["Attribute"])]
    assert len(set(identifiers)) == len(identifiers)
    assert all(uuid.UUID(one).version == 5 for one in identifiers)
    for event in made:
        assert {"uuid", "info", "date", "threat_level_id", "analysis", "distribution", "Orgc"} <= event.keys()
        for attribute in event["Attribute"]:
            assert attribute["to_ids"] is False
            assert attribute["value"].strip()
            assert {"type", "category", "uuid", "distribution", "comment"} <= attribute.keys()
    kinds = {one["type"]: one["value"] for one in made[2]["Attribute"] if one["type"] != "text"}
    assert kinds["target-org"] == "Velmora Logistics"
    assert kinds["url"] == "http://leak.example/velmora"
    assert "status: new → sold" in [one["value"] for one in made[2]["Attribute"]]


def test_no_cell_is_a_formula_and_no_row_breaks() -> None:
    text = "".join(to_csv(ALL))
    assert text.endswith("\r\n")
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == COLUMNS
    assert [row[0] for row in rows] == ["e46a71547", "e2", "e3", "e4"]
    assert rows[0][COLUMNS.index("not_after")] == "2026-11-22T15:34:05.000000Z"
    for row in rows:
        assert len(row) == len(COLUMNS)
        assert not any(re.match(r"[\s'\"]*[=+\-@]", cell) and cell[0] != "'" for cell in row)
        assert not any(set("\r\n\t\x00\u202e") & set(cell) for cell in row)


@pytest.mark.parametrize("made", [to_stix(ALL, {}, vantage="local").decode(), to_misp(ALL, vantage="local")])
def test_no_hidden_character_is_raw(made: str) -> None:
    assert not set("\x1b\u202e\x07") & set(made)
    json.loads(made)
