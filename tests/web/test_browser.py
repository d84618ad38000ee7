"""In a real browser: every page, at the width of a telephone and of a desk, by keyboard, and with hostile captures."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_inert import HOSTILE
from tests.web.browser import Browser
from tests.web.conftest import Asker, asking
from tests.web.seed import CONFIG, settings_in, tell
from tests.web.test_pages import paths

pytestmark = pytest.mark.chromium

Drive = Callable[..., Awaitable[Any]]
TOKEN = "correct horse battery staple"


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with Browser(chromium) as one:
        yield one


@pytest.fixture
async def drive(browser: Browser) -> Drive:
    """``await drive(browser.go, url)``: the browser waits for us, so it is driven from a thread."""
    browser.requests.clear()
    browser.complaints.clear()
    browser.ask("Network.clearBrowserCookies")

    async def run(step: Callable[..., Any], *values: Any, **options: Any) -> Any:
        return await asyncio.to_thread(step, *values, **options)

    return run


class Ear:
    """Listens on loopback and counts who comes."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = 0
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.heard += 1
            connection.close()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._thread.join(5)


async def test_every_page_at_every_width(web: Asker, browser: Browser, drive: Drive) -> None:
    """No complaint in the console, no request to anybody else, nothing wider than the window."""
    for width in (360, 1440):
        await drive(browser.size, width)
        for path in paths(web):
            await drive(browser.go, web.base + path.lstrip("/"))
            wide = await drive(browser.run, "document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, (width, path)
    assert browser.complaints == []
    asked = {url for url in browser.requests if not url.startswith("data:image/svg+xml,")}
    assert {url for url in asked if not url.startswith(web.base)} == set()


async def test_colours_of_every_text_are_seen(web: Asker, browser: Browser, drive: Drive) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 for every text, light and dark, as the browser computes it."""
    seen = web.captures[5].id
    for scheme in ("light", "dark"):
        await drive(browser.scheme, scheme)
        shown = ("/", "/events", "/events/e5withdrawn", "/sites/clop", "/sites/clop/entry?key=velmora", "/log")
        for path in (*shown, f"/captures/{seen}", f"/diff?old={seen}&new={web.captures[6].id}"):
            await drive(browser.go, web.base + path.lstrip("/"))
            assert await drive(browser.run, CONTRAST) == [], (scheme, path)
    await drive(browser.scheme, "light")


CONTRAST = """
(() => {
  const channel = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  const light = c => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
  const parse = t => (t.match(/[\\d.]+/g) || []).map(Number);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || e.closest('svg, option, .visually-hidden')) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const said = walk.currentNode.data.trim().slice(0, 40);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${e.tagName}.${e.className}: ${said}`);
  }
  return poor;
})()
"""


async def test_by_keyboard(web: Asker, browser: Browser, drive: Drive) -> None:
    await drive(browser.size, 1440)
    await drive(browser.go, web.base)
    await drive(browser.key, "Tab", 9)
    focused = "document.activeElement.textContent.trim()"
    assert await drive(browser.run, focused) == "Skip to the content"
    left = "document.activeElement.getBoundingClientRect().left"
    assert await drive(browser.run, left) >= 0
    names = []
    for _ in range(8):
        await drive(browser.key, "Tab", 9)
        names.append(await drive(browser.run, focused))
    assert names == ["watchertest", "Overview", "Events", "Entries", "Captures", "Search", "Compare", "Custody log"]
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await drive(browser.run, outline) == "solid"
    before = browser.loaded
    await drive(browser.key, "Enter", 13, "\r")
    await drive(browser.wait_for_load, before)
    assert await drive(browser.run, "location.pathname") == "/log"


async def test_filters_work_without_a_script(web: Asker, browser: Browser, drive: Drive) -> None:
    await drive(browser.go, f"{web.base}entries")
    await drive(browser.run, "document.querySelector('[name=text]').value = 'velmora'")
    before = browser.loaded
    await drive(browser.run, "document.querySelector('.filters button').click()")
    await drive(browser.wait_for_load, before)
    assert await drive(browser.run, "[...document.querySelectorAll('td.first a')].map(a => a.textContent)") == [
        "Velmora Logistics"
    ]


async def test_logging_in_by_the_form(tmp_path: Path, browser: Browser, drive: Drive) -> None:
    """The form's own POST has an Origin, whatever the browser's policy for referrers does to it."""
    captures = await tell(tmp_path / "snapshots")
    settings = settings_in(tmp_path, CONFIG.replace("[web]", f'[web]\ntoken = "{TOKEN}"'))
    async with asking(settings, captures) as asker:
        await drive(browser.go, f"{asker.base}events?kind=withdrawn")
        assert await drive(browser.run, "location.pathname") == "/login"
        await drive(browser.run, f"document.querySelector('[name=token]').value = '{TOKEN}'")
        before = browser.loaded
        await drive(browser.run, "document.querySelector('form.field button').click()")
        await drive(browser.wait_for_load, before)
        assert await drive(browser.run, "location.pathname + location.search") == "/events?kind=withdrawn"
        assert await drive(browser.run, "document.cookie") == ""


async def test_a_bundle_by_the_button(own: Asker, browser: Browser, drive: Drive, tmp_path: Path) -> None:
    """The seed cannot be read again, so its bundle is refused: what counts is that the request was let in."""
    await drive(browser.go, f"{own.base}events/e5withdrawn")
    await drive(browser.run, "document.querySelector('[name=pictures]').checked = false")
    before = browser.loaded
    await drive(browser.run, "document.querySelector('button.main').click()")
    await drive(browser.wait_for_load, before)
    assert "does not verify" in await drive(browser.run, "document.querySelector('h1').textContent")


async def test_a_hostile_capture_runs_nothing_and_reaches_nobody(
    tmp_path: Path, browser: Browser, drive: Drive
) -> None:
    """Every trick of the harmless-making's own tests, aimed at a listener; looked at in the viewer and on its own."""
    ear = Ear()
    try:
        tricks = "".join(HOSTILE.values()).replace("tracker.example", f"127.0.0.1:{ear.port}")
        captures = await tell(tmp_path / "snapshots", tricks)
        async with asking(settings_in(tmp_path), captures) as asker:
            seen = captures[5].id
            page = f"/captures/{seen}"
            for path in (page, f"{page}/page", f"{page}/text", f"{page}/source", "/sites/clop", "/events/e5withdrawn",
                         f"/diff?old={seen}&new={captures[6].id}&by=source"):  # fmt: skip
                await drive(browser.go, asker.base + path.lstrip("/"))
                await drive(browser.run, "document.querySelector('.viewer')?.scrollIntoView()")
                await drive(browser.settle, 0.3)
            assert any(url.endswith("/page") for url in browser.requests)
            strange = {url for url in browser.requests if not url.startswith((asker.base, "data:"))}
            assert strange == set()
            assert "Velmora" in await drive(browser.run, "document.body.textContent")
        assert ear.heard == 0
        assert [one for one in browser.complaints if "javascript" in one or "script" in one.lower()] == []
    finally:
        ear.close()


async def test_the_listener_would_have_heard(browser: Browser, drive: Drive) -> None:
    """The test above can fail: the same browser does reach the listener when it is asked to."""
    ear = Ear()
    try:
        await drive(browser.go, f"data:text/html,<link rel=preconnect href=http://127.0.0.1:{ear.port}/>")
        for _ in range(50):
            if ear.heard:
                break
            await drive(browser.settle, 0.1)
        assert ear.heard
    finally:
        ear.close()


async def test_printed_pages_leave_the_controls_out(web: Asker, browser: Browser, drive: Drive) -> None:
    await drive(browser.go, f"{web.base}events/e5withdrawn")
    await drive(browser.media, "print")
    shown = "[...document.querySelectorAll('nav, form, button')].filter(e => e.offsetParent !== null).length"
    assert await drive(browser.run, shown) == 0
    assert await drive(browser.run, "document.querySelector('.side').offsetParent !== null")
    await drive(browser.media, "")
