"""The contract's objects over HTTP: the very ones that the command line prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from tests.web.conftest import Asker
from tests.web.seed import EVIL_KEY
from watcher.core import contract
from watcher.edge.ledger import Ledger


async def objects(web: Asker, path: str, **options: Any) -> list[dict[str, Any]]:
    answer = await web.ask(path, **options)
    assert answer.status == 200, answer.text
    if answer.headers["Content-Type"].startswith("application/x-ndjson"):
        return [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    found: list[dict[str, Any]] = json.loads(answer.text)
    return found


async def test_lists_are_those_of_the_command_line(web: Asker) -> None:
    with Ledger.open(web.settings.store) as ledger:
        expected = {
            "/api/events": [contract.event_object(one) for one in ledger.events()],
            "/api/events?kind=listed": [contract.event_object(one) for one in ledger.events(kind="listed")],
            "/api/entries": [contract.entry_object(*one) for one in ledger.entries()],
            "/api/entries?standing=withdrawn": [
                contract.entry_object(*one) for one in ledger.entries(standing="withdrawn")
            ],
            "/api/entries?site=clop&text=PLAIN": [contract.entry_object(*one) for one in ledger.entries(match="plain")],
            "/api/captures": [contract.capture_object(one) for one in ledger.captures()],
            "/api/captures?site=clop": [contract.capture_object(one) for one in ledger.captures("clop")],
            "/api/captures?site=quiet": [],
        }
    for path, value in expected.items():
        assert await objects(web, path) == json.loads(json.dumps(value)), path


async def test_status_has_every_configured_site(web: Asker) -> None:
    first, second = await objects(web, "/api/status")
    assert (first["site"], first["verdict"], first["listed"]) == ("clop", "listing", 6)
    assert (second["site"], second["verdict"], second["last_visit"]) == ("quiet", "", None)
    assert set(first) == {
        "site", "target", "verdict", "last_visit", "last_complete", "next_visit", "listed", "misses_in_a_row",
        "every_seconds", "because", "paused_until", "paused_by", "mirrors",
    }  # fmt: skip


async def test_one_of_each(web: Asker) -> None:
    seen = web.captures[5].id
    for path, key, value in (
        ("/api/events/e5withdrawn", "kind", "withdrawn"),
        ("/api/entries/clop/velmora", "title", "Velmora Logistics"),
        (f"/api/entries/clop/{quote(EVIL_KEY, safe='')}", "key", EVIL_KEY),
        (f"/api/captures/{seen}", "id", seen),
        (f"/api/captures/{web.captures[2].id}", "status", None),
        (f"/api/captures/{seen}/reading", "verdict", "listing"),
    ):
        answer = await web.ask(path)
        assert answer.status == 200, path
        assert json.loads(answer.text)[key] == value, path


@pytest.mark.parametrize("how", [{"headers": {"Accept": "application/x-ndjson"}}, {"path": "?format=jsonl"}])
async def test_one_object_a_line(web: Asker, how: dict[str, Any]) -> None:
    answer = await web.ask(f"/api/events{how.get('path', '')}", headers=how.get("headers"))
    assert answer.headers["Content-Type"] == "application/x-ndjson; charset=utf-8"
    lines = answer.text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == [one["id"] for one in await objects(web, "/api/events")]


@pytest.mark.parametrize("path", ["/api/events", "/api/entries", "/api/captures", "/api/captures?site=clop"])
@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_parts_of_a_list_make_the_whole(web: Asker, path: str, limit: int) -> None:
    whole = await objects(web, path)
    found: list[dict[str, Any]] = []
    following = f"{path}{'&' if '?' in path else '?'}limit={limit}"
    while following:
        answer = await web.ask(following)
        part = json.loads(answer.text)
        assert len(part) <= limit
        found += part
        link = answer.headers.get("Link", "")
        following = link.partition(">")[0].removeprefix("<")
    assert found == whole


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/nope", 404),
        ("/api/", 404),
        ("/api/events/nope", 404),
        ("/api/entries/clop/nope", 404),
        ("/api/entries/nope/velmora", 404),
        ("/api/captures/nope", 404),
        ("/api/captures/c0/reading", 404),
        ("/api/events?site=nope", 404),
        ("/api/events?sites=clop", 400),
        ("/api/events?limit=0", 400),
        ("/api/events?limit=10001", 400),
        ("/api/events?limit=x", 400),
        ("/api/events?after=nope", 404),
        ("/api/entries?after=nope", 404),
        ("/api/captures?after=nope", 404),
        ("/api/search", 400),
        ("/api/search?text=*", 400),
        ("/api/events?kind=", 400),
        ("/api/status?format=%20", 400),
        ("/api/events?since=x", 400),
        ("/api/events?format=xml", 400),
        ("/api/status?x=1", 400),
        ("/api/events/e1listed?x=1", 400),
        ("/api/entries?text=" + "x" * 201, 400),
    ],
)
async def test_errors_are_json(web: Asker, path: str, status: int) -> None:
    answer = await web.ask(path)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert set(json.loads(answer.text)) == {"error", "hint"}


async def test_what_is_described_is_what_there_is(web: Asker) -> None:
    """Every path of the description answers, with objects that have the keys that it names, and no others."""
    document = json.loads((await web.ask("/api/openapi.json")).text)
    schemas = document["components"]["schemas"]
    names = {"{site}": "clop", "{key}": "velmora"}
    ids = {"/api/events/{id}": "e5withdrawn"}
    for path, operations in document["paths"].items():
        filled = f"{path}?text=velmora" if path == "/api/search" else path
        filled = filled.replace("{id}", ids.get(path, web.captures[5].id))
        for name, value in names.items():
            filled = filled.replace(name, value)
        schema = operations["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        reference = (schema.get("items") or schema)["$ref"].rpartition("/")[2]
        answer = json.loads((await web.ask(filled)).text)
        for one in answer if isinstance(answer, list) else [answer]:
            described = schemas[reference]
            assert set(described["required"]) <= set(one), path
            assert set(one) <= set(described["properties"]), path


async def test_a_long_list_is_sent_as_it_is_read(own: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.web.ledgers.BATCH", 2)
    answer = await own.ask("/api/captures")
    assert answer.headers.get("Transfer-Encoding") == "chunked"
    assert len(json.loads(answer.text)) == 11


@pytest.mark.parametrize("path", ["/api/events", "/api/entries", "/api/entries?site=clop"])
@pytest.mark.parametrize("together", [1, 2, 3])
async def test_a_list_is_the_same_however_it_is_fetched(
    own: Asker, monkeypatch: pytest.MonkeyPatch, path: str, together: int
) -> None:
    whole = await objects(own, path)
    assert len(whole) > 2
    monkeypatch.setattr("watcher.edge.ledger_lists.AT_ONCE", together)
    assert await objects(own, path) == whole


async def test_a_list_that_nobody_reads_is_broken_off_and_seen_to_be(
    own: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.web.api.LONGEST_SECONDS", 0.0)
    with pytest.raises(aiohttp.ClientError):
        await own.ask("/api/captures")
    monkeypatch.undo()
    assert len(await objects(own, "/api/captures")) == 11


def test_paths_of_the_store_never_leave_it(tmp_path: Path) -> None:
    """No route reads a file by a name that came over the wire: the one static file is named in the table."""
    from watcher.web.app import routes

    assert [route.path for route in routes() if "static" in route.path] == ["/static/watcher.css"]
