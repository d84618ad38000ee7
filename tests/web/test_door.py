"""Who comes in: names of this machine, the token, and requests that act only from our own pages."""

from __future__ import annotations

import asyncio
import base64
import re
from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.conftest import Asker, Serving
from tests.web.seed import CONFIG, NOW, fill
from watcher.web.door import Door, local

TOKEN = "correct horse battery staple"
GUARDED = CONFIG.replace("[web]", f'[web]\ntoken = "{TOKEN}"')


async def raw(asker: Asker, request: str) -> bytes:
    """What answers these very bytes."""
    host, port = asker.base.removeprefix("http://").strip("/").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request.encode("latin-1"))
    await writer.drain()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("127.0.0.1:{port}", 200),
        ("localhost:{port}", 200),
        ("LOCALHOST:{port}", 200),
        ("[::1]:{port}", 200),
        ("127.9.9.9:{port}", 200),
        ("127.0.0.1", 403),
        ("127.0.0.1:1", 403),
        ("evil.example:{port}", 403),
        ("localhost.evil.example:{port}", 403),
        ("127.0.0.1.evil.example:{port}", 403),
        ("evil.example", 403),
        ("10.0.0.1:{port}", 403),
        ("[::2]:{port}", 403),
        ("0.0.0.0:{port}", 403),
        ("127.0.0.1:{port}@evil.example", 403),
        ("", 403),
        ("127.0.0.1:{port}, evil.example", 403),
        ("127.0.0.1:{port}\r\nHost: evil.example", 400),
    ],
)
async def test_only_this_machines_names_are_answered(web: Asker, host: str, answer: int) -> None:
    port = web.base.rpartition(":")[2].strip("/")
    for path in ("/", "/api/status", "/static/watcher.css", "/feed.atom"):
        said = await raw(web, f"GET {path} HTTP/1.1\r\nHost: {host.format(port=port)}\r\nConnection: close\r\n\r\n")
        assert status(said) in ({answer} if answer != 400 else {400, 403}), (path, said[:200])
        if answer == 403:
            assert b"Velmora" not in said


async def test_a_request_without_a_host_is_refused(web: Asker) -> None:
    assert status(await raw(web, "GET / HTTP/1.0\r\n\r\n")) == 403


async def test_an_address_in_the_request_line_does_not_count_as_host(web: Asker) -> None:
    port = web.base.rpartition(":")[2].strip("/")
    said = await raw(web, f"GET http://127.0.0.1:{port}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
    assert status(said) in {400, 403}


async def test_with_a_token_nothing_is_shown_without_it(serving: Serving, tmp_path: Path) -> None:
    await asyncio.to_thread(fill, tmp_path)
    async with serving(GUARDED) as asker:
        for path in ("/", "/events", "/captures/c1", "/nope", "/events/e1listed?x=1"):
            answer = await asker.ask(path)
            assert answer.status == 303, path
            assert answer.headers["Location"].startswith("/login?next=/"), path
        for path in ("/api/status", "/api/openapi.json", "/feed.atom", "/metrics", "/captures/c1/page"):
            answer = await asker.ask(path)
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, 'Bearer realm="watcher", Basic')
        for given in ("Bearer wrong", "Bearer", "Basic !!", f"Digest {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u00e9"):
            assert (await asker.ask("/api/status", headers={"Authorization": given})).status == 401
        assert (await asker.ask("/login")).status == 200
        assert (await asker.ask("/static/watcher.css")).status == 200


async def test_the_token_lets_in_from_any_host(serving: Serving, tmp_path: Path) -> None:
    await asyncio.to_thread(fill, tmp_path)
    basic = base64.b64encode(f"anyone:{TOKEN}".encode()).decode()
    async with serving(GUARDED) as asker:
        for given in (f"Bearer {TOKEN}", f"bearer {TOKEN}", f"Basic {basic}"):
            answer = await asker.ask("/api/status", headers={"Authorization": given, "Host": "watch.example"})
            assert answer.status == 200
        assert (await asker.ask("/", headers={"Authorization": f"Bearer {TOKEN}"})).status == 200


async def test_logging_in_and_out(serving: Serving, tmp_path: Path) -> None:
    await asyncio.to_thread(fill, tmp_path)
    async with serving(GUARDED) as asker:
        form = (await asker.ask("/login?next=/events%3Fkind%3Dlisted")).text
        assert re.search(r'name="next" value="/events\?kind=listed"', form)
        wrong = await asker.ask("/login", "POST", data={"token": "wrong", "next": "/events"})
        assert (wrong.status, "not the token" in wrong.text, "Set-Cookie" in wrong.headers) == (401, True, False)
        answer = await asker.ask("/login", "POST", data={"token": TOKEN, "next": "/events"})
        assert (answer.status, answer.headers["Location"]) == (303, "/events")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert TOKEN not in cookie
        shown = {"Cookie": cookie.partition(";")[0]}
        assert (await asker.ask("/events", headers=shown)).status == 200
        assert (await asker.ask("/", headers={"Cookie": "watcher=9999999999.0000"})).status == 303
        out = await asker.ask("/logout", "POST", headers=shown)
        assert (out.status, out.headers["Location"]) == (303, "/login")
        assert 'watcher=""' in out.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "", "/a\r\nX: y"]
)
async def test_logging_in_never_leads_elsewhere(serving: Serving, back: str) -> None:
    async with serving(GUARDED) as asker:
        answer = await asker.ask("/login", "POST", data={"token": TOKEN, "next": back})
        assert answer.headers["Location"] == "/"


async def test_a_cookie_is_worth_nothing_after_its_time_or_another_token() -> None:
    door, later = Door(1, TOKEN), NOW + timedelta(hours=1)
    good = door.pass_until(later)
    until, _, seal = good.partition(".")
    assert door.is_ours(good, NOW)
    assert not door.is_ours(good, later)
    for bad in (
        door.pass_until(NOW),
        Door(1, TOKEN + "x").pass_until(later),
        f"{int(until) + 1}.{seal}",
        f"{until}.{seal[:-1]}0" if seal[-1] != "0" else f"{until}.{seal[:-1]}1",
        until,
        "",
        ".",
        "\u0661.x",
    ):
        assert not door.is_ours(bad, NOW), bad


def test_no_token_is_not_the_empty_token() -> None:
    assert not Door(1, "").is_token("")


@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ({}, 303),
        ({"Origin": "{base}"}, 303),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "{base}"}, 303),
    ],
)
async def test_what_acts_must_come_from_a_page_of_ours(web: Asker, headers: dict[str, str], answer: int) -> None:
    base = web.base.rstrip("/")
    given = {name: value.format(base=base) for name, value in headers.items()}
    assert (await web.ask("/logout", "POST", headers=given)).status == answer
    assert (await web.ask("/", headers=given)).status == 200


@pytest.mark.parametrize(("path", "to"), [("/events?x=1#y", "/events?x=1#y"), ("/", "/"), ("x", "/"), ("/é", "/")])
def test_paths_of_ours(path: str, to: str) -> None:
    assert local(path) == to
