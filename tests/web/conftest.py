"""A served store, and somebody who asks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.web.seed import CONFIG, NOW, fill, settings_in, tell
from watcher.config import Settings
from watcher.records import Capture
from watcher.web.app import serve


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Asker:
    """Somebody with a browser that keeps no cookies and follows no redirects."""

    base: str
    session: aiohttp.ClientSession
    settings: Settings
    captures: tuple[Capture, ...]

    async def ask(self, path: str, method: str = "GET", **options: Any) -> Answer:
        from yarl import URL

        async with self.session.request(
            method, URL(self.base + path.lstrip("/"), encoded=True), allow_redirects=False, **options
        ) as response:
            return Answer(response.status, response.headers, await response.read())


Serving = Callable[..., AbstractAsyncContextManager[Asker]]


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[Capture, ...]]:
    """The store of ``seed``, for those who only look."""
    folder = tmp_path_factory.mktemp("told")
    return folder, fill(folder)


@asynccontextmanager
async def asking(settings: Settings, captures: tuple[Capture, ...] = ()) -> AsyncIterator[Asker]:
    async with (
        serve(settings, now=lambda: NOW) as base,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield Asker(base, session, settings, captures)


@pytest.fixture
async def web(told: tuple[Path, tuple[Capture, ...]]) -> AsyncIterator[Asker]:
    """The seeded store, served without a token."""
    folder, captures = told
    async with asking(settings_in(folder), captures) as asker:
        yield asker


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Asker]:
    """A seeded store of the test's own, to be changed."""
    captures = await tell(tmp_path / "snapshots")
    async with asking(settings_in(tmp_path), captures) as asker:
        yield asker


@pytest.fixture
def serving(tmp_path: Path) -> Serving:
    """``serving(text)``: an empty store with another configuration."""

    def begin(text: str = CONFIG) -> AbstractAsyncContextManager[Asker]:
        return asking(settings_in(tmp_path, text))

    return begin
