"""The API, described for programs (OpenAPI 3.1): generated clients, fuzzers, and people who read JSON."""

from __future__ import annotations

import builtins
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args, get_origin, get_type_hints

import watcher
from watcher.core import contract
from watcher.core.contract import Json
from watcher.edge.search import HIT, OR_NULL, Hit
from watcher.records import (
    Capture,
    Entry,
    Event,
    EventKind,
    MirrorStatus,
    Reading,
    RosterEntry,
    StandingName,
    TargetStatus,
)

KINDS = list(get_args(EventKind))
STANDINGS = list(get_args(StandingName))
MOMENT = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
PLAIN: Mapping[type, Json] = {str: TEXT, int: COUNT, bool: {"type": "boolean"}, datetime: MOMENT}
RECORDS: Mapping[type, Sequence[str]] = {Entry: contract.PUBLISHED, MirrorStatus: contract.MIRROR}
"""Records within records, and what is shown of them."""
WITHOUT_NUL = r"^[^\u0000]*\S[^\u0000]*$"
A_MOMENT = (
    r"^([1-9][0-9]{0,2}[smhdw]"
    r"|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?)$"
)


def document() -> Json:
    """The description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "watcher",
            "version": watcher.__version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "What was seen of leak sites, and what was concluded. Lists are JSON arrays, oldest first;"
            " with `format=jsonl` (or `Accept: application/x-ndjson`) one object a line. Without `limit` a list comes"
            " whole; with it the `Link` header names the next part. Titles, fields and addresses are captured text:"
            " never trust them as markup.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
    }


def _paths() -> Json:
    site = _parameter("site", _text(64), "Only of this site.")
    since = _parameter(
        "since",
        {"type": "string", "pattern": A_MOMENT, "examples": ["2026-11-22", "2026-11-22T15:04Z", "3d"]},
        "Only from then on: a date, a time, or so long ago.",
    )
    text = _parameter("text", _text(200), "Only with this in title, past titles or key.")
    kind = _parameter("kind", {"type": "string", "enum": KINDS}, "Only of this kind.")
    watchlist = _parameter(
        "watchlist",
        _text(200),
        "Only about this name of the watchlist; * for any.",
    )
    standing = _parameter("standing", {"type": "string", "enum": STANDINGS}, "Only of this standing.")
    limit = _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 10_000}, "At most so many.")

    def paging(longest: int, what: str) -> list[Json]:
        return [limit, _parameter("after", _text(longest), f"Only what follows this one: {what}.")]

    form = _parameter("format", {"type": "string", "enum": ["json", "jsonl"]}, "An array, or one object a line.")
    return {
        "/api/status": {"get": _list("status", "How every target stands.", [form])},
        "/api/entries": {
            "get": _list(
                "entry", "The rosters: every entry ever seen.", [site, standing, text, *paging(4161, "SITE/KEY"), form]
            )
        },
        "/api/entries/{site}/{key}": {"get": _one("entry", "One entry.", "site", "key")},
        "/api/events": {
            "get": _list(
                "event", "What was concluded.", [site, kind, since, watchlist, text, *paging(200, "an id"), form]
            )
        },
        "/api/events/{id}": {"get": _one("event", "One event.", "id")},
        "/api/captures": {"get": _list("capture", "Captures and misses.", [site, since, *paging(40, "an id"), form])},
        "/api/captures/{id}": {"get": _one("capture", "One capture or miss.", "id")},
        "/api/search": {
            "get": _list("found", "Where a name or phrase ever stood.", [{**text, "required": True}, site, since, form])
        },
        "/api/captures/{id}/reading": {"get": _one("read", "What a capture was read to say.", "id")},
    }


def _text(longest: int) -> Json:
    return {"type": "string", "minLength": 1, "maxLength": longest, "pattern": WITHOUT_NUL}


def _parameter(name: str, schema: Json, about: str) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": about}


def _list(schema: str, about: str, parameters: list[Json]) -> Json:
    item = {"$ref": f"#/components/schemas/{schema}"}
    return {
        "operationId": f"list-{schema}",
        "summary": about,
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The objects.",
                "headers": {"Link": {"schema": TEXT, "description": "With limit: where the next part begins."}},
                "content": {
                    "application/json": {"schema": {"type": "array", "items": item}},
                    "application/x-ndjson": {"schema": TEXT},
                },
            },
            **_errors("400", "404"),
        },
    }


def _one(schema: str, about: str, *names: str) -> Json:
    return {
        "operationId": f"get-{schema}",
        "summary": about,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ],
        "responses": {
            "200": {
                "description": "The object.",
                "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
            },
            **_errors("400", "404"),
        },
    }


def _errors(*codes: str) -> Json:
    about = {
        "400": "A parameter cannot be meant.",
        "404": "There is no such thing.",
        "401": "A token is needed.",
        "403": "Not from here.",
        "503": "The store cannot be read now.",
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}
    return {code: {"description": about[code], "content": content} for code in (*codes, "401", "403", "503")}


def _object(properties: Json, *optional: str) -> Json:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _of(record: type, names: Sequence[str], *optional: str, **made: Json) -> Json:
    """The object of a record: these fields, as their types say; those that are ``made`` are not the record's own."""
    hints = get_type_hints(record)
    return _object({name: made[name] if name in made else _typed(hints[name]) for name in names}, *optional)


def _typed(hint: Any) -> Json:
    inner = get_args(hint)
    match get_origin(hint):
        case None:
            return PLAIN.get(hint) or _of(hint, RECORDS[hint])
        case types.UnionType:
            return _or_null(_typed(inner[0]))
        case typing.Literal:
            return {"type": "string", "enum": list(inner)}
        case builtins.tuple:
            return {"type": "array", "items": _typed(inner[0])}
    return {"type": "object", "additionalProperties": _typed(inner[1])}


def _schemas() -> Json:
    entry = _of(RosterEntry, contract.ENTRY)
    return {
        "error": _object(dict.fromkeys(("error", "hint"), TEXT)),
        "status": _of(TargetStatus, contract.STATUS, every_seconds=_or_null(COUNT)),
        "entry": _object({"site": TEXT, **entry["properties"]}),
        "event": _of(Event, (*contract.EVENT, "changes", "was"), "changes", "was"),
        "capture": _of(Capture, contract.CAPTURE),
        "found": _of(Hit, HIT, **dict.fromkeys(OR_NULL, _or_null(TEXT))),
        "read": _of(Reading, (*contract.READING, "rule"), rule=_or_null({"type": "object"})),
    }
