"""What is done from the page: a bundle that verifies, and that the log knows of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.evidence.keeping import play_withdrawal
from tests.web.conftest import Asker, asking
from tests.web.seed import settings_in
from watcher.edge.ledger import Ledger
from watcher.edge.sign import load_key
from watcher.edge.verify import verify_bundle
from watcher.web import acts


@pytest.fixture
async def kept(tmp_path: Path) -> AsyncIterator[tuple[Asker, str]]:
    """A store that real visits filled, served; and the event of the withdrawal."""
    settings = settings_in(tmp_path, '[watcher]\nvantage = "local"\n[web]\nlisten = "127.0.0.1:0"\n')
    visits = await play_withdrawal(settings.store, key=load_key(settings.key))
    (event,) = [event for visited in visits for event in visited.events if event.kind == "withdrawn"]
    async with asking(settings) as asker:
        yield asker, event.id


async def test_a_bundle_is_made_verified_logged_and_sent(kept: tuple[Asker, str]) -> None:
    asker, event = kept
    answer = await asker.ask(f"/events/{event}/bundle", "POST", headers={"Origin": asker.base.rstrip("/")})
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"] == "application/wacz"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{event}.wacz"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    key = load_key(asker.settings.key)
    assert all(result.ok for result in verify_bundle(answer.body, keys=[key.vkey], roots=None))
    with Ledger.open(asker.settings.store) as ledger:
        record = ledger.record_of(ledger.log.size - 1)
    assert (record["act"], record["events"]) == ("export", [event])


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/events/enope/bundle", {}, 404),
        ("/events/..%2Fx/bundle", {}, 404),
        ("/events/e5withdrawn/bundle", {"Origin": "http://evil.example"}, 403),
        ("/events/e5withdrawn/bundle", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
async def test_no_bundle(own: Asker, path: str, headers: dict[str, str], status: int) -> None:
    assert (await own.ask(path, "POST", headers=headers)).status == status


async def test_looking_never_makes_a_bundle(own: Asker) -> None:
    assert (await own.ask("/events/e5withdrawn/bundle")).status == 405


async def test_without_a_key_the_page_says_so(own: Asker) -> None:
    own.settings.key.unlink()
    answer = await own.ask("/events/e5withdrawn/bundle", "POST")
    assert answer.status == 503
    assert "watcher init makes one" in answer.text
    assert "there is no signing key here" in (await own.ask("/log")).text


async def test_a_store_that_does_not_hold_gives_no_bundle(own: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    from watcher.errors import EvidenceError

    def broken(*_: object, **__: object) -> None:
        raise EvidenceError("leaf 4 does not hold")

    monkeypatch.setattr(acts, "export_with", broken)
    answer = await own.ask("/events/e5withdrawn/bundle", "POST")
    assert answer.status == 500
    assert "leaf 4 does not hold" in answer.text


async def test_nothing_is_left_behind(kept: tuple[Asker, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asker, event = kept
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    assert (await asker.ask(f"/events/{event}/bundle", "POST")).status == 200
    async with asyncio.timeout(20):  # the last byte arrives before the server has tidied up
        while list(folder.iterdir()):  # noqa: ASYNC110 - another's folder has no event
            await asyncio.sleep(0.02)


async def test_what_cannot_be_read_again_gives_no_bundle(own: Asker) -> None:
    """The seed's readings are made up: whoever reads its pages again finds something else."""
    answer = await own.ask("/events/e5withdrawn/bundle", "POST")
    assert answer.status == 500
    assert "does not verify" in answer.text
