"""The stories hold together, and the world shows what they say, to a visitor who comes through the proxy."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import aiohttp
import pytest
from aiohttp_socks import ProxyConnectionError, ProxyConnector, ProxyError
from selectolax.lexbor import LexborHTMLParser

from watcher.core.onion import public_key
from watcher.errors import WatcherError
from watcher.testing.clocks import ManualClock
from watcher.testing.names import invented_onion
from watcher.testing.process import PracticeProcess
from watcher.testing.scene import Scene, after
from watcher.testing.story import CL0P, SUPPLIER, practice_opening, practice_steps
from watcher.testing.world import PracticeWorld

MENU_NO_ENTRIES = {"HOME", "HOW TO DOWNLOAD?", "ARCHIVE"}


async def get(proxy_url: str, url: str) -> tuple[int, str]:
    connector = ProxyConnector.from_url(proxy_url, rdns=True)
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as reply:
        return reply.status, await reply.text()


def titles(page: str) -> list[str]:
    found = [node.text(strip=True) for node in LexborHTMLParser(page).css(".g-menu-item-title")]
    return [title for title in found if title not in MENU_NO_ENTRIES]


async def test_the_cl0p_story_as_a_visitor_sees_it() -> None:
    baseline = list(CL0P.opening.titles)
    assert len(baseline) == 7
    seen: list[object] = []
    async with PracticeWorld(CL0P.opening) as world:
        page_of_supplier = f"{world.mirrors[0]}{SUPPLIER.slug}"
        for chapter in CL0P.chapters:
            world.enter(chapter)
            try:
                status, page = await get(world.proxy.url, world.mirrors[0])
                detail, _ = await get(world.proxy.url, page_of_supplier)
            except ProxyError as error:
                seen.append(str(error))
            else:
                seen.append((status, detail, titles(page)))
    assert seen == [
        (200, 404, baseline),
        (200, 200, [SUPPLIER.title, *baseline]),
        "Invalid reply code: 0XF2",
        (200, 200, []),  # the queue
        (502, 502, []),
        (200, 200, [SUPPLIER.title, *baseline]),
        (200, 404, baseline),
    ]
    assert [kind for chapter in CL0P.chapters for kind in chapter.told] == ["listed", "withdrawn"]


def test_the_script_is_the_story() -> None:
    scene = CL0P.script.opening
    for step in CL0P.script.steps:
        scene = after(scene, *step.acts)
    assert scene.content.victims == CL0P.opening.victims
    assert scene.gone == (SUPPLIER,)


def test_the_practice_run_lists_soon_withdraws_later_and_never_ends() -> None:
    elapsed, listed_at, withdrawn_at, scene = 0.0, None, None, practice_opening()
    sizes = set()
    for step in islice(practice_steps(), 2000):
        before = set(scene.titles)
        scene = after(scene, *step.acts)
        if listed_at is None and set(scene.titles) - before:
            listed_at = elapsed
        if listed_at is not None and withdrawn_at is None and before - set(scene.titles):
            withdrawn_at = elapsed
        elapsed += step.lasts_seconds
        sizes.add(len(scene.victims))
    assert listed_at is not None
    assert listed_at < 60
    assert withdrawn_at is not None
    assert 60 < withdrawn_at - listed_at < 300
    assert sizes <= {6, 7}, "the listing does not grow"
    assert elapsed > 24 * 3600


def test_the_practice_run_is_the_same_for_the_same_seed() -> None:
    def captions(seed: int) -> list[str]:
        return [step.caption for step in islice(practice_steps(seed), 60)]

    assert captions(1) == captions(1)
    assert captions(1) != captions(2)


async def test_the_practice_run_by_the_clock() -> None:
    clock = ManualClock()
    async with PracticeWorld(practice_opening(), practice_steps(), clock=clock) as world:
        before = titles((await get(world.proxy.url, world.mirrors[0]))[1])
        clock.turn(seconds=45)
        after_a_while = titles((await get(world.proxy.url, world.mirrors[0]))[1])
    assert before == list(practice_opening().titles)
    assert after_a_while[1:] == before


async def test_mirrors_have_addresses_of_their_own() -> None:
    async with PracticeWorld(Scene(), mirrors=3) as world:
        assert len(set(world.mirrors)) == 3
        for mirror in world.mirrors:
            assert (await get(world.proxy.url, mirror))[0] == 200
    assert {request.host for request in world.site.requests} == set(world.onions)


def test_invented_onions_are_well_formed_and_stay_the_same() -> None:
    assert invented_onion(1) == invented_onion(1) != invented_onion(2)
    assert len(public_key(invented_onion(1))) == 32


async def test_a_world_in_a_process_of_its_own() -> None:
    with PracticeProcess("story") as world:
        assert titles((await get(world.proxy_url, world.mirror))[1]) == list(CL0P.opening.titles)
        first, second = world.turn(), await asyncio.to_thread(world.turn)
        assert [first, second] == [
            {"caption": chapter.caption, "looks": chapter.looks, "told": list(chapter.told)}
            for chapter in CL0P.chapters[:2]
        ]
        assert SUPPLIER.title in titles((await get(world.proxy_url, world.mirror))[1])
        assert [told["caption"] for _ in CL0P.chapters[2:] if (told := world.turn())] == [
            chapter.caption for chapter in CL0P.chapters[2:]
        ]
        assert world.turn() is None
    with pytest.raises(ProxyConnectionError):
        await get(world.proxy_url, world.mirror)
    with pytest.raises(RuntimeError):
        world.turn()


async def test_the_endless_world_in_a_process_of_its_own() -> None:
    with PracticeProcess("practice") as world:
        assert world.turn() == {"caption": next(practice_steps()).caption}
        page = (await get(world.proxy_url, world.mirror))[1]
    assert titles(page) == list(practice_opening().titles)


def test_the_process_dies_with_its_owner() -> None:
    owner = (
        "from watcher.testing.process import PracticeProcess\n"
        "import sys, time\n"
        "with PracticeProcess('story') as world:\n"
        "    sys.stdout.write(f'{world._process.pid}\\n'); sys.stdout.flush(); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        world = int(process.stdout.readline())
        process.kill()
    deadline = time.monotonic() + 10
    while is_alive(world):
        assert time.monotonic() < deadline, "it outlived its owner"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_world_that_cannot_start_says_so() -> None:
    world = PracticeProcess("story")
    world._command = [sys.executable, "-c", "raise SystemExit(3)"]
    with pytest.raises(WatcherError, match="exit code 3"):
        world.__enter__()
