"""Every route, asked as no browser asks: odd names, numbers, methods, conditions, bytes. Whatever is asked, the answer
is one that was meant: never a fault of the program, never without its headers, never a file of the machine's."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
import structlog

from tests.web.conftest import Answer, Asker, Serving
from tests.web.seed import CONFIG, EVIL_KEY
from watcher.web.app import routes
from watcher.web.door import HEADERS

TOKEN = "a-token-of-many-letters"
OF_THEIR_OWN = {"Cache-Control", "Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"}
"""Headers that a page may word for itself: a feed is kept, a captured page has less than no rights."""
METHODS = ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND")
ROUTES = tuple((route.method, route.path) for route in routes())
PAGES = tuple(path for method, path in ROUTES if method == "GET")
NEEDED = {"/api/search": "?text=velmora", "/sites/{site}/entry": "?key=velmora"}


def filled(path: str, asker: Asker) -> str:
    """The path of something that is there."""
    identifier = "e5withdrawn" if "/events/" in path else asker.captures[5].id
    for name, value in (("{id}", identifier), ("{site}", "clop"), ("{leaf}", "5"), ("{key:.*}", "velmora")):
        path = path.replace(name, value)
    return path.replace("{rest:.*}", "nope")


def there(asker: Asker) -> Iterator[tuple[str, str]]:
    """Each page's pattern, and where one of it is."""
    for path in PAGES:
        yield path, filled(path, asker) + NEEDED.get(path, "")


def meant(answer: Answer, asked: object) -> None:
    """Whatever it is, it is an answer of ours, with the headers that keep it in its place."""
    assert 200 <= answer.status < 500, (asked, answer.status, answer.body[:300])
    assert answer.headers["Server"] == "watcher", asked
    for name in HEADERS.keys() - OF_THEIR_OWN:
        assert answer.headers[name] == HEADERS[name], (asked, name)
    assert "Traceback" not in answer.body.decode(errors="replace"), asked
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy, asked
    assert "script-src" not in policy, asked


def told_why(answer: Answer, path: str) -> None:
    """An error is a page for people and an object for programs, and both say what would be right."""
    if path.startswith("/api"):
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8", path
        value = json.loads(answer.body)
        assert list(value) == ["error", "hint"], path
        assert value["error"], path
    else:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8", path
        assert b"<h1" in answer.body, path


# --------------------------------------------------------------------------------------------- what is there


async def test_every_page_answers_a_head_as_it_answers_a_get_without_the_page(web: Asker) -> None:
    for pattern, path in there(web):
        whole, head = await web.ask(path), await web.ask(path, "HEAD")
        assert whole.status == (404 if pattern in {"/login", "/api/{rest:.*}"} else 200), path
        assert head.status == whole.status, path
        assert head.body == b"", path
        assert head.headers["Content-Type"] == whole.headers["Content-Type"], path
        if "Content-Length" in head.headers:
            assert head.headers["Content-Length"] in {str(len(whole.body)), whole.headers.get("Content-Length")}, path
        meant(head, path)
        meant(whole, path)


async def test_every_page_is_only_looked_at(web: Asker) -> None:
    acts = {path for method, path in ROUTES if method == "POST"}
    for (pattern, path), method in itertools.product(there(web), METHODS):
        if method == "POST" and pattern in acts:
            continue
        answer = await web.ask(path, method, data=b"x=1" if method != "TRACE" else None)
        meant(answer, (method, path))
        assert answer.status in {403, 405} or pattern.startswith("/api"), (method, path, answer.status)
        assert answer.status >= 400, (method, path)
        told_why(answer, path)
        if answer.status == 405:
            assert {"GET", "HEAD"} <= set(answer.headers["Allow"].replace(" ", "").split(",")), path


async def test_what_acts_is_never_done_by_looking(web: Asker) -> None:
    for path in [filled(path, web) for method, path in ROUTES if method == "POST"]:
        for method in ("GET", "HEAD"):
            answer = await web.ask(path, method)
            meant(answer, path)
            assert answer.status in {404, 405}, path


async def test_a_slash_too_many_or_another_case_is_no_page(web: Asker) -> None:
    for _, path in there(web):
        bare = path.partition("?")[0]
        for odd in (f"{bare}/", f"/{bare}", bare.upper(), f"{bare}.html", f"{bare};x=1", f"{bare}%20"):
            if odd.strip("/") in {"", bare.strip("/")} and not odd.endswith("/"):
                continue
            answer = await web.ask("/." + odd if odd.startswith("//") else odd)
            meant(answer, odd)
            assert answer.status in {200, 400, 404}, odd
            if answer.status >= 400:
                told_why(answer, odd)


# ------------------------------------------------------------------------------------------ names and parameters

NAMES = (
    "0", "-1", "9" * 30, "1e9", "0x10", "null", "undefined", "None", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "%00", "%0d%0aX-A:1", "a" * 3000, "%C0%AF", "%ED%A0%80", "%F0%9F%92%A9",
    "'%20OR%201=1--", "%25s%25n", "{{7*7}}", "%3Cscript%3E",
    "*", "?", "#", "c", "e", quote(EVIL_KEY, safe=""), "%E2%80%AEclop", "CLOP", "clop%20",
)  # fmt: skip


async def test_no_name_of_something_that_is_not_there_is_more_than_not_found(web: Asker) -> None:
    for path in [path for path in PAGES if "{" in path and "{rest" not in path]:
        for name in NAMES:
            odd = path
            for part in ("{id}", "{site}", "{leaf}", "{key:.*}"):
                odd = odd.replace(part, name)
            odd += NEEDED.get(path, "")
            answer = await web.ask(odd)
            meant(answer, odd)
            is_leaf = path == "/log/{leaf}" and name == "0"  # the first of the log
            is_list = name in {"?", "#"}  # what comes after is no part of the path
            assert is_leaf or is_list or answer.status in {400, 404}, (odd, answer.status)
            if answer.status >= 400:
                told_why(answer, odd)
            assert b"root:" not in answer.body


EXTREMES = {
    "site": ("clop", "quiet", "nope", "clop,quiet"), "since": ("9999-12-31T23:59Z", "1971-01-01", "9999999w", "1ms"),
    "until": ("9999-12-31",), "kind": ("withdrawn", "Listed"),
    "text": ("(", "a" * 200, "\u202e", "%", "_", "\\", "\ud7ff"),
    "older": ("0", "9" * 18, "0-0", "999999999999999999-999999999999999999"), "newer": ("1", "9" * 18, "1-1"),
    "limit": ("1", "10000", "999999999", "00001"), "after": ("e5withdrawn", "clop/velmora", "c0000000000000000", "e"),
    "standing": ("listed", "gone"), "format": ("jsonl", "json"), "refresh": ("10", "86400", "999999999"),
    "watchlist": ("*", "Acme <b>"), "key": ("velmora", EVIL_KEY), "by": ("entries", "source", "names"),
    "old": ("clop@2026-11-22", "clop@", "@"), "new": ("clop@9999-12-31", "clop@0001-01-01"),
}  # fmt: skip
ASKED = ("/", "/events", "/entries", "/captures", "/search", "/sites/clop", "/sites/clop/entry", "/diff", "/log",
         "/feed.atom", "/metrics", "/api/events", "/api/entries", "/api/captures", "/api/status",
         "/api/search")  # fmt: skip


@pytest.mark.parametrize("path", ASKED)
async def test_no_two_parameters_break_a_page_together(web: Asker, path: str) -> None:
    """Each parameter with each other; and each twice, with each of its values."""
    pairs = [
        (f"{one}={quote(values[number % len(values)])}", f"{two}={quote(others[number % len(others)])}")
        for number, ((one, values), (two, others)) in enumerate(itertools.combinations(EXTREMES.items(), 2))
    ]
    pairs += [
        (f"{name}={quote(one)}", f"{name}={quote(values[0])}") for name, values in EXTREMES.items() for one in values
    ]
    for pair in pairs:
        answer = await web.ask(f"{path}?{'&'.join(pair)}")
        meant(answer, (path, pair))
        assert answer.status in {200, 400, 404}, (path, pair, answer.status)
        if answer.status >= 400 and path != "/metrics":
            told_why(answer, path)


# -------------------------------------------------------------------------------------- conditions and ranges


CONDITIONS = (
    {"If-None-Match": "*"}, {"If-None-Match": '"'}, {"If-None-Match": "W/"}, {"If-None-Match": '"x", W/"y", z'},
    {"If-None-Match": '"' + "x" * 4000 + '"'}, {"If-Match": '"x"'}, {"If-Match": "*"},
    {"If-Modified-Since": "yesterday"}, {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"If-Modified-Since": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, {"If-Range": "x", "Range": "bytes=0-1"},
    {"Range": "bytes=0-"}, {"Range": "bytes=-1"}, {"Range": "bytes=5-2"}, {"Range": "bytes=99999999-"},
    {"Range": "bytes=0-0,2-3"}, {"Range": "bytes=" + "9" * 60 + "-"}, {"Range": "lines=1-2"}, {"Range": "bytes=-"},
    {"Range": "bytes=\u0663-"}, {"Accept": "x" * 4000}, {"Accept": ";q=,*"}, {"Accept-Encoding": "gzip;q=9, br"},
    {"Content-Length": "0"}, {"Expect": "200-ok"}, {"Upgrade": "websocket", "Connection": "Upgrade"},
    {"Cookie": "watcher=" + "9" * 5000 + "." + "x"}, {"Cookie": "watcher"}, {"Cookie": ";;=;watcher=\u00e9"},
    {"X-Forwarded-Host": "evil.example"}, {"X-HTTP-Method-Override": "DELETE"}, {"Content-Type": "multipart/form-data"},
)  # fmt: skip


@pytest.mark.parametrize("headers", CONDITIONS, ids=lambda given: "; ".join(f"{k}: {v[:24]}" for k, v in given.items()))
async def test_no_condition_breaks_an_answer(web: Asker, headers: dict[str, str]) -> None:
    for path in (
        "/",
        "/static/watcher.css",
        "/feed.atom",
        "/metrics",
        "/api/events",
        f"/captures/{web.captures[5].id}/page",
    ):
        answer = await web.ask(path, headers=headers)
        meant(answer, (path, headers))
        assert answer.status in {200, 206, 304, 412, 416, 417}, (path, headers, answer.status)
        assert answer.status == 200 or path in {"/static/watcher.css", "/feed.atom"} or "Expect" in headers
        if answer.status == 304:
            assert answer.body == b""


async def test_a_feed_is_sent_again_only_when_it_changed_and_to_no_forged_tag(web: Asker) -> None:
    first = await web.ask("/feed.atom")
    tag = first.headers["ETag"]
    for given, status in ((tag, 304), (f'"x", {tag}', 304), (f"W/{tag.removeprefix('W/')}", 304), ('"x"', 200),
                          (tag[:-2] + '"', 200), (tag.strip('"'), 200), ("", 200)):  # fmt: skip
        answer = await web.ask("/feed.atom", headers={"If-None-Match": given})
        assert answer.status == status, given
        assert (answer.body == b"") == (status == 304)
    other = await web.ask("/feed.atom?kind=withdrawn", headers={"If-None-Match": tag})
    assert other.status == 200


# ------------------------------------------------------------------------------------------------- raw bytes


async def raw(asker: Asker, request: bytes) -> bytes:
    """What comes back on a connection of its own: a head, and as much of a body as it tells of."""
    port = int(asker.base.rstrip("/").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request.replace(b"HOST", b"127.0.0.1:%d" % port))
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"\r\nContent-Length: (\d+)", head)
            return head + await reader.readexactly(int(length[1]) if length else 0)
    finally:
        writer.close()


LINE_END = b"\r\nHost: HOST\r\nConnection: close\r\n\r\n"
RAW: tuple[tuple[bytes, set[int]], ...] = (
    (b"GET /static/../../../etc/passwd HTTP/1.1" + LINE_END, {400, 404}),
    (b"GET /static/%2e%2e/%2e%2e/%2e%2e/etc/passwd HTTP/1.1" + LINE_END, {400, 404}),
    (b"GET /static/..%5c..%5cwatcher.key HTTP/1.1" + LINE_END, {404}),
    (b"GET /static//etc/passwd HTTP/1.1" + LINE_END, {404}),
    (b"GET //etc/passwd HTTP/1.1" + LINE_END, {400, 403, 404}),
    (b"GET /captures/../../watcher.toml HTTP/1.1" + LINE_END, {400, 404}),
    (b"GET /api/../../watcher.toml HTTP/1.1" + LINE_END, {400, 404}),
    (b"GET /events/%2fetc%2fpasswd HTTP/1.1" + LINE_END, {404}),
    (b"GET /\xff\xfe HTTP/1.1" + LINE_END, {400, 404}),
    (b"GET /events?text=\xff\xfe HTTP/1.1" + LINE_END, {200, 400}),
    (b"GET /events?%zz=%%% HTTP/1.1" + LINE_END, {200, 400}),
    (b"GET /" + b"?" * 300 + b" HTTP/1.1" + LINE_END, {200, 400}),
    (b"GET /?" + b"&" * 5000 + b" HTTP/1.1" + LINE_END, {200, 400}),
    (b"GET /" + b"a/" * 5000 + b" HTTP/1.1" + LINE_END, {400, 404, 414}),
    (b"GET /events?text=" + b"a" * 100_000 + b" HTTP/1.1" + LINE_END, {400, 414}),
    (b"GET http://evil.example/ HTTP/1.1" + LINE_END, {200, 400, 403}),
    (b"GET http://[ HTTP/1.1" + LINE_END, {400}),
    (b"GET * HTTP/1.1" + LINE_END, {400, 404, 405}),
    (b"OPTIONS * HTTP/1.1" + LINE_END, {400, 404, 405}),
    (b"CONNECT evil.example:443 HTTP/1.1" + LINE_END, {400, 403, 404, 405}),
    (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.0\r\n\r\n", {400, 403}),
    (b"GET / HTTP/9.9" + LINE_END, {400, 505}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: HOST@evil.example\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: [::1\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:99999999999999999999\r\nConnection: close\r\n\r\n", {400, 403}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nno colon here\r\n\r\n", {400}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\x00b\r\nConnection: close\r\n\r\n", {400}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", {400, 431}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\n" + b"X: y\r\n" * 5000 + b"Connection: close\r\n\r\n", {200, 400, 431}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nCookie: watcher=\xff\xfe.\xff; a=\x80\r\nConnection: close\r\n\r\n", {200, 400}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nAuthorization: Basic \xff\xfe\r\nConnection: close\r\n\r\n", {200}),
    (b"GET / HTTP/1.1\r\nHost: HOST\r\nAccept: \xff\xfe\r\nConnection: close\r\n\r\n", {200}),
    (b"GET /feed.atom HTTP/1.1\r\nHost: HOST\r\nIf-None-Match: \"\xff\xfe\r\nConnection: close\r\n\r\n", {200}),
    (b"POST /logout HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n", {400}),
    (b"POST /logout HTTP/1.1\r\nHost: HOST\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", {400}),
    (b"POST /logout HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nzz\r\n", {400}),
    (b"POST /logout HTTP/1.1\r\nHost: HOST\r\nOrigin: \xff\xfe\r\nConnection: close\r\n\r\n", {403}),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
    (b"\x00" * 100 + b"\r\n\r\n", {400}),
    (b"hello\r\n\r\n", {400}),
)  # fmt: skip


@pytest.mark.parametrize(("request_bytes", "statuses"), RAW, ids=[repr(one[:60])[2:-1] for one, _ in RAW])
async def test_bytes_that_no_browser_sends(web: Asker, request_bytes: bytes, statuses: set[int]) -> None:
    with structlog.testing.capture_logs() as logged:
        answer = await raw(web, request_bytes)
    assert answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 ")), answer[:200]
    assert int(answer.split()[1]) in statuses, answer[:300]
    for bad in (b"Traceback", b"root:", b"PRIVATE KEY", b"mirrors ="):
        assert bad not in answer
    assert [one for one in logged if one["event"] == "a page failed"] == []
    assert (await web.ask("/")).status == 200, "the others go on"


# --------------------------------------------------------------------------------------------- with a token

WRONG = (
    {}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Token {TOKEN}"},
    {"Authorization": "Basic"}, {"Authorization": "Basic %%%"}, {"Authorization": "Basic \u00e9\u00e9"},
    {"Authorization": f"Basic {base64.b64encode(TOKEN.encode()).decode()}"},  # a name, and no password
    {"Authorization": f"Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}"}, {"Cookie": f"watcher={TOKEN}"},
    {"Cookie": "watcher=" + "9" * 5000 + "."}, {"Cookie": "watcher=99999999999." + "0" * 64},
    {"Cookie": "watcher=.\u00e9"}, {"X-Token": TOKEN}, {"Authorization": f"Bearer {TOKEN.upper()}"},
)  # fmt: skip


async def test_no_route_forgets_the_token(serving: Serving) -> None:
    async with serving(f'{CONFIG}token = "{TOKEN}"\n') as asker:
        for pattern, headers in itertools.product(PAGES, WRONG):
            if pattern in {"/login", "/static/watcher.css"}:
                continue
            path = pattern.replace("{leaf}", "5").replace("{key:.*}", "velmora").replace("{rest:.*}", "nope")
            path = path.replace("{id}", "e5withdrawn").replace("{site}", "clop") + NEEDED.get(pattern, "")
            answer = await asker.ask(path, headers=headers)
            meant(answer, (path, headers))
            assert answer.status in {303, 401}, (path, headers, answer.status)
            if answer.status == 303:
                assert answer.headers["Location"].startswith("/login?next=")
                assert unquote(answer.headers["Location"].partition("=")[2]) == unquote(path)
            else:
                told_why(answer, path)
                assert "Bearer" in answer.headers["WWW-Authenticate"]
            assert b"Velmora" not in answer.body
        for given in (
            f"Bearer {TOKEN}",
            f"bearer  {TOKEN} ",
            f"Basic {base64.b64encode(f'any:{TOKEN}'.encode()).decode()}",
        ):
            assert (await asker.ask("/api/status", headers={"Authorization": given})).status == 200, given
        odd = b"Authorization: Basic \xff\xff\r\nCookie: watcher=1.\xff\r\nConnection: close\r\n\r\n"
        bad = await raw(asker, b"GET /api/status HTTP/1.1\r\nHost: HOST\r\n" + odd)
        assert bad.startswith(b"HTTP/1.1 401 "), bad[:200]


async def test_the_door_shuts_again_whatever_is_written_under_next(serving: Serving, tmp_path: Path) -> None:
    async with serving(f'{CONFIG}token = "{TOKEN}"\n') as asker:
        for back in ("//evil.example/", "/\\evil.example", "http://evil.example/", "/\r\nX-A: 1", "javascript:alert(1)",
                     "/%0d%0aX",
                     "\x00", "/" + "a" * 3000, "/\u202e", "?x", "", "/events?text=a%26b"):  # fmt: skip
            shown = await asker.ask(f"/login?next={quote(back, safe='')}")
            meant(shown, back)
            let_in = await asker.ask("/login", "POST", data={"token": TOKEN, "next": back})
            meant(let_in, back)
            assert let_in.status in {303, 400}, back
            if let_in.status == 303:
                place = let_in.headers["Location"]
                assert place.startswith("/"), back
                assert not place.startswith(("//", "/\\")), back
                assert "evil.example" not in place, back
            assert "X-A" not in let_in.headers
