"""The practice site, looked at as a visitor does: over HTTP, by a plain client that runs nothing."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import aiohttp
import pytest
from selectolax.lexbor import LexborHTMLParser

from watcher.testing.names import invented_victims
from watcher.testing.scene import (
    Break,
    Change,
    Fault,
    Lag,
    Mend,
    Publish,
    Redesign,
    Relist,
    Rename,
    Reorder,
    Scene,
    Step,
    Victim,
    Withdraw,
)  # fmt: skip
from watcher.testing.site import PracticeSite, SiteRequest

VICTIMS = tuple(islice(invented_victims(7), 5))
OPENING = Scene(victims=VICTIMS)
FIRST, SECOND = VICTIMS[0], VICTIMS[1]
MENU_NO_ENTRIES = {"HOME", "HOW TO DOWNLOAD?", "ARCHIVE"}
SELECTORS = {"menu": ".g-menu-item-title", "cards": ".card .card-title", "table": "tr.leak td.name"}


class Visitor:
    def __init__(self, site: PracticeSite, session: aiohttp.ClientSession) -> None:
        self.site, self.session = site, session

    async def get(self, path: str = "/", host: str = "practice.onion") -> tuple[int, str]:
        async with self.session.get(self.site.url + path.lstrip("/"), headers={"Host": host}) as reply:
            return reply.status, await reply.text()

    async def titles(self, path: str = "/", host: str = "practice.onion") -> list[str]:
        """What stands in the listing, whatever the design."""
        status, text = await self.get(path, host)
        assert status == 200
        if self.site.scene.design == "json":
            return [item["name"] for item in json.loads(text)["items"]]
        found = [node.text(strip=True) for node in LexborHTMLParser(text).css(SELECTORS[self.site.scene.design])]
        return [title for title in found if title not in MENU_NO_ENTRIES]


@asynccontextmanager
async def visiting(opening: Scene = OPENING, steps: Iterable[Step] = (), **more: object) -> AsyncIterator[Visitor]:
    async with (
        PracticeSite(opening, steps, **more) as site,  # type: ignore[arg-type]  # passed on as they are
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session,
    ):
        yield Visitor(site, session)


class HandClock:
    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.mark.parametrize("design", ["menu", "cards", "table", "json"])
async def test_each_design_lists_the_entries_in_order_and_links_to_their_pages(design: str) -> None:
    async with visiting(Scene(victims=VICTIMS, design=design)) as visitor:  # type: ignore[arg-type]  # a Literal
        assert await visitor.titles() == [victim.title for victim in VICTIMS]
        _, text = await visitor.get()
        assert all(f'"/{victim.slug}"' in text for victim in VICTIMS)
        status, page = await visitor.get(FIRST.slug)
        assert status == 200
        shown = LexborHTMLParser(page).body.text()
        assert FIRST.title in shown
        assert all(line in shown for line in FIRST.statement.split("\n"))


async def test_the_menu_is_that_of_a_real_site() -> None:
    older = Victim(slug="older", title="OLDER FIRM", archived=True)
    async with visiting(Scene(victims=(*VICTIMS, older))) as visitor:
        tree = LexborHTMLParser((await visitor.get())[1])
    items = [node.text(strip=True) for node in tree.css("ul.g-toplevel > li.g-menu-item > a .g-menu-item-title")]
    assert items == ["HOME", "HOW TO DOWNLOAD?", *(victim.title for victim in VICTIMS), "ARCHIVE"]
    below = tree.css("li.g-parent ul.g-dropdown > li.g-menu-item .g-menu-item-title")
    assert [node.text() for node in below] == ["OLDER FIRM"]


async def test_acts() -> None:
    async with visiting() as visitor:
        site, titles = visitor.site, [victim.title for victim in VICTIMS]
        new = Victim(slug="new", title="NEW FIRM")

        site.do(Publish((new,)))
        assert await visitor.titles() == ["NEW FIRM", *titles]
        site.do(Withdraw(("new",)))
        assert await visitor.titles() == titles
        assert (await visitor.get("new"))[0] == 404
        site.do(Relist(("new",), at=-1))
        assert await visitor.titles() == [*titles, "NEW FIRM"]
        assert (await visitor.get("new"))[0] == 200
        site.do(Withdraw(("new",), page_stays=True, mention_stays=True))
        assert await visitor.titles() == titles
        assert (await visitor.get("new"))[0] == 200, "delisted, page still up"
        assert "NEW FIRM" in (await visitor.get())[1], "named outside the entries"

        site.do(Rename(FIRST.slug, "ANOTHER NAME"), Change(SECOND.slug, {"status": "PUBLISHED"}))
        assert await visitor.titles() == ["ANOTHER NAME", *titles[1:]]
        assert "PUBLISHED" in (await visitor.get(SECOND.slug))[1]
        site.do(Reorder(seed=3))
        assert sorted(await visitor.titles()) == sorted(["ANOTHER NAME", *titles[1:]])
        assert await visitor.titles() != ["ANOTHER NAME", *titles[1:]]
        site.do(Rename(FIRST.slug, FIRST.title, new_slug="moved"))
        assert (await visitor.get(FIRST.slug))[0] == 404
        assert (await visitor.get("moved"))[0] == 200
        with pytest.raises(KeyError):
            site.do(Withdraw(("nobody",)))


@pytest.mark.parametrize("design", ["menu", "cards", "table", "json"])
async def test_loads_differ_in_what_moves_and_in_nothing_else(design: str) -> None:
    def still(text: str) -> str:
        return re.sub(r"[0-9a-f]{32}|\d+", "#", re.sub(r'data-n="\w+"', "", text))

    async with visiting(Scene(victims=VICTIMS, design=design)) as visitor:  # type: ignore[arg-type]  # a Literal
        loads = [(await visitor.get())[1] for _ in range(3)]
    assert all(one != two for one, two in pairwise(loads))
    assert len({still(text) for text in loads}) == 1


async def test_the_same_seed_gives_the_same_pages() -> None:
    async def loads(seed: int) -> list[str]:
        async with visiting(seed=seed, clock=HandClock()) as visitor:
            return [(await visitor.get())[1] for _ in range(2)]

    assert await loads(1) == await loads(1)
    assert await loads(1) != await loads(2)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("queue", "in a queue"), ("captcha", "Are you human"), ("login", "Members only"), ("seized", "HAS BEEN SEIZED"),
        ("script-shell", "enable JavaScript"),
    ],
)  # fmt: skip
async def test_pages_that_stand_for_the_listing_have_status_200(kind: str, words: str) -> None:
    async with visiting() as visitor:
        visitor.site.do(Break(Fault(kind=kind)))  # type: ignore[arg-type]  # a Literal
        for path in ("/", FIRST.slug):
            status, text = await visitor.get(path)
            assert status == 200
            assert words in text
            assert FIRST.title not in text
        visitor.site.do(Mend())
        assert len(await visitor.titles()) == len(VICTIMS)


@pytest.mark.parametrize("status", [404, 429, 500, 502, 503])
async def test_error_statuses(status: int) -> None:
    async with visiting() as visitor:
        visitor.site.do(Break(Fault(kind="status", status=status)))
        assert (await visitor.get())[0] == status


async def test_a_fault_meets_so_many_requests_and_no_more() -> None:
    async with visiting() as visitor:
        for _ in range(2):  # each fault counts for itself
            visitor.site.do(Break(Fault(kind="status", status=503, most=2)))
            assert [(await visitor.get())[0] for _ in range(4)] == [503, 503, 200, 200]


async def test_hangs_up_or_keeps_silent() -> None:
    async with visiting() as visitor:
        visitor.site.do(Break(Fault(kind="closed")))
        with pytest.raises(aiohttp.ClientConnectionError):
            await visitor.get()
        visitor.site.do(Break(Fault(kind="silent")))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await visitor.get()
        assert {request.fault for request in visitor.site.requests} == {"closed", "silent"}


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_cut_that_the_framing_betrays(framing: str) -> None:
    async with visiting() as visitor:
        visitor.site.do(Break(Fault(kind="cut", framing=framing)))  # type: ignore[arg-type]  # a Literal
        with pytest.raises(aiohttp.ClientPayloadError):
            await visitor.get()


async def test_a_cut_that_nothing_betrays() -> None:
    async with visiting() as visitor:
        whole = (await visitor.get())[1]
        visitor.site.do(Break(Fault(kind="cut", share=0.7)))
        status, part = await visitor.get()
        assert status == 200
        assert len(part.encode()) == pytest.approx(0.7 * len(whole.encode()), abs=10)
        assert "</html>" not in part
        assert 0 < sum(victim.title in part for victim in VICTIMS) < len(VICTIMS)


@pytest.mark.parametrize("design", ["menu", "cards", "table", "json"])
async def test_an_empty_frame_says_nothing_but_an_empty_site_says_so(design: str) -> None:
    async with visiting(Scene(victims=VICTIMS, design=design)) as visitor:  # type: ignore[arg-type]  # a Literal
        visitor.site.do(Break(Fault(kind="empty")))
        assert await visitor.titles() == []
        assert "Nothing here" not in (await visitor.get())[1]
        visitor.site.do(Mend(), Withdraw(tuple(victim.slug for victim in VICTIMS)))
        assert await visitor.titles() == []
        assert ("Nothing here" in (await visitor.get())[1]) == (design != "json")


async def test_an_old_page_and_a_mirror_out_of_step() -> None:
    new = Victim(slug="new", title="NEW FIRM")
    async with visiting() as visitor:
        site = visitor.site
        site.do(Publish((new,)))
        site.do(Break(Fault(kind="old")))
        assert "NEW FIRM" not in await visitor.titles()
        assert (await visitor.get("new"))[0] == 404
        site.do(Mend(), Lag("slow.onion"))
        assert "NEW FIRM" not in await visitor.titles(host="slow.onion")
        assert "NEW FIRM" in await visitor.titles(host="fast.onion")
        site.do(Mend())
        assert "NEW FIRM" in await visitor.titles(host="slow.onion")


async def test_a_fault_may_concern_a_mirror_a_page_or_every_second_request() -> None:
    async with visiting(Scene(victims=VICTIMS, design="cards", per_page=2)) as visitor:
        site = visitor.site

        async def statuses(*visits: tuple[str, str]) -> list[int]:
            return [(await visitor.get(path, host))[0] for path, host in visits]

        site.do(Break(Fault(kind="status", hosts=("bad.onion",))))
        assert await statuses(("/", "bad.onion"), ("/", "good.onion")) == [502, 200]
        site.do(Break(Fault(kind="status", pages=(2,))))
        assert await statuses(("/", "a"), ("/page/2/", "a"), ("/?page=2", "a"), ("/page/3/", "a")) == [
            200,
            502,
            502,
            200,
        ]
        site.do(Break(Fault(kind="status", details=False)))
        assert await statuses(("/", "a"), (FIRST.slug, "a")) == [502, 200]
        site.do(Break(Fault(kind="status", every=2)))
        assert sorted(await statuses(*[("/", "a")] * 4)) == [200, 200, 502, 502]


@pytest.mark.parametrize("design", ["cards", "table"])
async def test_pagination_leads_from_page_to_page(design: str) -> None:
    async with visiting(Scene(victims=VICTIMS, design=design, per_page=2)) as visitor:  # type: ignore[arg-type]
        seen, path, text = [], "/", ""
        while path:
            seen += await visitor.titles(path)
            text = (await visitor.get(path))[1]
            following = LexborHTMLParser(text).css_first("a[rel=next]")
            path = following.attributes["href"] or "" if following else ""
        assert seen == [victim.title for victim in VICTIMS]
        assert (await visitor.get("/page/4/"))[0] == 404


async def test_the_scene_may_change_between_two_pages() -> None:
    async with visiting(Scene(victims=VICTIMS, design="cards", per_page=3)) as visitor:

        def publish_before_page_two(request: SiteRequest) -> None:
            if request.path == "/page/2/":
                visitor.site.do(Publish((Victim(slug="new", title="NEW FIRM"),)))

        visitor.site.before_answer = publish_before_page_two
        pages = await visitor.titles("/") + await visitor.titles("/page/2/")
    assert pages.count(VICTIMS[2].title) == 2, "it moved from page 1 to page 2"


async def test_redesigns() -> None:
    async with visiting() as visitor:
        visitor.site.do(Redesign(classes="_x7f3"))
        text = (await visitor.get())[1]
        assert "g-menu-item_x7f3" in text
        assert 'class="g-menu-item"' not in text
        assert all(victim.title in text for victim in VICTIMS)
        visitor.site.do(Redesign(design="table", language="ru"))
        assert await visitor.titles() == [victim.title for victim in VICTIMS]
        assert 'lang="ru"' in (await visitor.get())[1]


async def test_names_are_escaped() -> None:
    bad = Victim(slug="bad", title="<script>alert(1)</script> & Sons", statement='"><img src=x onerror=alert(2)>')
    for design in ("menu", "cards", "table"):
        async with visiting(Scene(victims=(bad,), design=design)) as visitor:
            for path in ("/", "bad"):
                text = (await visitor.get(path))[1]
                assert "<script>alert" not in text
                assert "<img" not in text


async def test_stolen_files_are_on_offer_and_taking_some_is_noticed() -> None:
    async with visiting() as visitor:
        page = (await visitor.get(FIRST.slug))[1]
        assert f'href="/files/{FIRST.slug}/part1.7z"' in page
        for path in (f"files/{FIRST.slug}/part1.7z", f"download?of={FIRST.slug}"):
            reply = await visitor.session.get(visitor.site.url + path)
            assert reply.content_type in {"application/x-7z-compressed", "application/octet-stream"}
            assert "attachment" in reply.headers["Content-Disposition"]
            reply.close()
        assert visitor.site.archive_bytes == 0, "who hangs up at the headers has taken nothing"
        async with visitor.session.get(visitor.site.url + f"files/{FIRST.slug}/part1.7z") as reply:
            await reply.content.readexactly(100_000)
        assert visitor.site.archive_bytes >= 100_000


async def test_a_script_goes_step_by_step() -> None:
    new = Victim(slug="new", title="NEW FIRM")
    steps = (Step(acts=(Publish((new,)),), caption="listed"), Step(acts=(Withdraw(("new",)),), caption="gone"))
    async with visiting(steps=steps) as visitor:
        assert visitor.site.advance() == steps[0]
        assert "NEW FIRM" in await visitor.titles()
        assert visitor.site.advance() == visitor.site.step == steps[1]
        assert "NEW FIRM" not in await visitor.titles()
        assert visitor.site.advance() is None


async def test_a_script_goes_by_the_clock_and_catches_up() -> None:
    def steps() -> Iterable[Step]:
        for victim in invented_victims(9):
            yield Step(acts=(Publish((victim,)),), lasts_seconds=60)

    clock = HandClock()
    async with visiting(steps=steps(), clock=clock) as visitor:
        assert len(await visitor.titles()) == len(VICTIMS) + 1
        clock.time += timedelta(seconds=59)
        assert len(await visitor.titles()) == len(VICTIMS) + 1
        clock.time += timedelta(seconds=1)
        assert len(await visitor.titles()) == len(VICTIMS) + 2
        clock.time += timedelta(hours=1)
        assert len(await visitor.titles()) == len(VICTIMS) + 62


async def test_requests_are_written_down() -> None:
    async with visiting() as visitor:
        await visitor.get("/page/2/?x=1", host="a.onion:80")
    (request,) = visitor.site.requests
    assert (request.host, request.path) == ("a.onion", "/page/2/?x=1")
    assert ("Accept-Encoding", "gzip, deflate") in [(name, value[:13]) for name, value in request.headers]


async def test_answers_after_a_delay_many_at_once() -> None:
    async with visiting(delay_seconds=0.3) as visitor:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.gather(*(visitor.get(host=f"{number}.onion") for number in range(50)))
        assert loop.time() - start >= 0.3
    assert len({request.host for request in visitor.site.requests}) == 50


def test_invented_names_never_repeat_and_never_change() -> None:
    victims = list(islice(invented_victims(3), 500))
    assert len({victim.slug for victim in victims}) == len({victim.title for victim in victims}) == 500
    assert victims == list(islice(invented_victims(3), 500))
    assert victims[:5] != list(islice(invented_victims(4), 5))
    assert all(victim.domain.endswith(".example") for victim in victims)
