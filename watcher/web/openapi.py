"""The API, described for programs (OpenAPI 3.1): generated clients, fuzzers, and people who read JSON."""

from __future__ import annotations

from typing import Any, get_args

import watcher
from watcher.records import EventKind, StandingName

Json = dict[str, Any]
KINDS = list(get_args(EventKind))
STANDINGS = list(get_args(StandingName))
MOMENT = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
WORDS = {"type": "array", "items": TEXT}
WITHOUT_NUL = r"^[^\u0000]*\S[^\u0000]*$"
A_MOMENT = (
    r"^([1-9][0-9]{0,2}[smhdw]"
    r"|20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?Z?)?)$"
)
FIELDS = {"type": "object", "additionalProperties": TEXT}


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


def _all(schema: Json, *names: str) -> Json:
    """These properties, all of one kind."""
    return dict.fromkeys(names, schema)


def _schemas() -> Json:
    published = _object({**_all(TEXT, "key", "title", "url"), "fields": FIELDS})
    mirror = _object({**_all(TEXT, "url", "verdict"), "last_visit": _or_null(MOMENT)})
    standing = {"type": "string", "enum": STANDINGS}
    return {
        "error": _object(_all(TEXT, "error", "hint")),
        "status": _object(
            {
                **_all(TEXT, "site", "target", "verdict", "because", "paused_by"),
                **_all(_or_null(MOMENT), "last_visit", "last_complete", "next_visit", "paused_until"),
                **_all(COUNT, "listed", "misses_in_a_row"),
                "every_seconds": _or_null(COUNT),
                "mirrors": {"type": "array", "items": mirror},
            }
        ),
        "entry": _object(
            {
                **_all(TEXT, "site", "key", "title", "url"),
                **_all(MOMENT, "first_seen", "last_seen"),
                **_all(_or_null(MOMENT), "missing_since", "withdrawn_at"),
                "fields": FIELDS,
                "standing": standing,
                "aliases": WORDS,
            }
        ),
        "event": _object(
            {
                **_all(TEXT, "id", "site", "vantage", "was"),
                **_all(_or_null(TEXT), "before", "after"),
                **_all(MOMENT, "not_after", "confirmed_at"),
                "not_before": _or_null(MOMENT),
                **_all(WORDS, "why", "watchlist"),
                "kind": {"type": "string", "enum": KINDS},
                "entry": _or_null(published),
                "changes": {"type": "object", "additionalProperties": WORDS},
            },
            "changes",
            "was",
        ),
        "capture": _object(
            {
                **_all(TEXT, "id", "site", "target", "url", "mirror", "verdict", "vantage"),
                **_all(MOMENT, "requested_at", "finished_at"),
                **_all(COUNT, "body_bytes", "stored_bytes"),
                "status": _or_null({"type": "integer"}),
                "why": WORDS,
                "complete": {"type": "boolean"},
                "body_digest": _or_null(TEXT),
                "leaf": _or_null(COUNT),
            }
        ),
        "found": _object(
            {
                "what": {"type": "string", "enum": ["entry", "page"]},
                **_all(TEXT, "site", "url", "excerpt"),
                **_all(_or_null(TEXT), "key", "title", "standing", "target", "mirror", "first_capture", "last_capture"),
                **_all(MOMENT, "first_seen", "last_seen"),
                "foreign": {"type": "boolean"},
            }
        ),
        "read": _object(
            {
                "verdict": TEXT,
                "why": WORDS,
                "complete": {"type": "boolean"},
                "entries": {"type": "array", "items": published},
                "rule": _or_null({"type": "object"}),
            }
        ),
    }
