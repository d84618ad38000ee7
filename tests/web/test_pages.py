"""Every page: what it says, that nothing captured acts in it, and that everybody can use it."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from selectolax.lexbor import LexborHTMLParser

from tests.cli.seed import believe
from tests.core.looks import Watching
from tests.web.conftest import Asker, Serving, asking
from tests.web.seed import CONFIG, EVIL_KEY, NOW, START, STEP, settings_in
from watcher.core.moments import rfc3339
from watcher.edge.ledger_sights import WebLedger
from watcher.edge.pause_files import change
from watcher.edge.sign import load_key
from watcher.errors import EvidenceError
from watcher.web import app as web_app
from watcher.web.door import HEADERS

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


def paths(asker: Asker) -> list[str]:
    """A path to every kind of page."""
    seen, gone = asker.captures[5].id, asker.captures[6].id
    return [
        "/", "/?refresh=60", "/events", "/events?site=clop&kind=withdrawn&watchlist=*", "/events?text=zzz",
        *(f"/events/{name}" for name in ("e1listed", "e2changed", "e3renamed", "e4recovered", "e5withdrawn")),
        "/entries", "/entries?standing=withdrawn", "/entries?text=velmora", "/sites/clop", "/sites/quiet",
        "/sites/clop/entry?key=velmora", f"/sites/clop/entry?key={quote(EVIL_KEY, safe='')}", "/captures",
        "/captures?site=clop", f"/captures/{seen}", f"/captures/{asker.captures[2].id}",
        f"/captures/{seen}/text", f"/captures/{seen}/source", "/search", "/search?text=velmora",
        "/search?text=zzz", "/diff", f"/diff?old={seen}&new={gone}",
        f"/diff?old={seen}&new={gone}&by=text", f"/diff?old={seen}&new={gone}&by=source",
        f"/diff?old=clop@{START + STEP:%Y-%m-%dT%H:%MZ}&new={gone}", "/log", "/log/0", "/log/5",
    ]  # fmt: skip


async def test_every_page_answers_and_everybody_can_use_it(web: Asker) -> None:
    for path in paths(web):
        answer = await web.ask(path)
        assert answer.status == 200, (path, answer.text[:500])
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        usable(path, LexborHTMLParser(answer.text))


def usable(path: str, tree: LexborHTMLParser) -> None:
    """Landmarks, one heading, labels, unique ids, and nothing that needs a script."""
    assert tree.css_first("html").attributes["lang"] == "en"
    assert len(tree.css("h1")) == len(tree.css("main#main")) == len(tree.css("head title")) == 1, path
    assert tree.css_first("body > *").attributes["href"] == "#main"
    assert tree.css_first("nav[aria-label]") is not None
    ids = [node.attributes["id"] for node in tree.css("[id]")]
    assert len(ids) == len(set(ids)), path
    for node in tree.css("[aria-labelledby]"):
        assert node.attributes["aria-labelledby"] in ids
    for node in tree.css("input:not([type=hidden]), select"):
        assert any(parent.tag == "label" for parent in ancestors(node)), (path, node.html)
    for node in tree.css("svg[role=img]"):
        assert node.attributes["aria-label"]
    for node in tree.css("iframe, img"):
        assert node.attributes.get("title") or node.attributes.get("alt")
    for node in tree.css("table th"):
        assert node.attributes["scope"] == "col"
    assert not tree.css("script, style, [style], [onclick], [onload], [onerror]"), path


def ancestors(node):  # type: ignore[no-untyped-def] - selectolax's nodes
    while node.parent is not None:
        node = node.parent
        yield node


async def test_nothing_captured_acts_or_hides(web: Asker) -> None:
    seen = web.captures[5].id
    for path in [*paths(web), "/feed.atom", "/metrics", "/api/entries", "/api/events", f"/api/captures/{seen}/reading"]:
        answer = await web.ask(path)
        assert not CONTROL.search(answer.text), path
        if "html" not in answer.headers["Content-Type"]:
            continue
        tree = LexborHTMLParser(answer.text)
        assert not tree.css("script, b[onclick], svg[onload], img[onerror], main i, main u, code b, dd b"), path
        for node in tree.css("[href], [src], [action]"):
            for name in ("href", "src", "action"):
                target = node.attributes.get(name) or ""
                assert re.match(r"(?:/(?!/)|#|data:image/svg|\Z)", target), (path, target)


async def test_every_answer_has_its_headers(web: Asker) -> None:
    for path in ["/", "/nope", "/events?kind=nope", "/static/watcher.css", "/api/status", "/api/nope", "/feed.atom"]:
        answer = await web.ask(path)
        for name, value in HEADERS.items():
            expected = "private, no-cache" if (path, name) == ("/feed.atom", "Cache-Control") else value
            expected = "max-age=3600" if ("static" in path, name) == (True, "Cache-Control") else expected
            assert answer.headers[name] == expected, (path, name)
        assert answer.headers["Server"] == "watcher"


# ------------------------------------------------------------------------------------------------------ what they say


async def test_the_overview_tells_how_sites_stand_and_what_happened(web: Asker) -> None:
    tree = LexborHTMLParser((await web.ask("/")).text)
    numbers = {node.css_first("dt").text(): node.css_first("dd").text() for node in tree.css(".numbers > div")}
    assert numbers["Entries listed"] == "6"
    assert numbers["Listed in 24 h"] == "1"
    assert numbers["Withdrawn in 24 h"] == "1"
    rows = [
        [cell.text(separator=" ", strip=True) for cell in row.css("td")] for row in tree.css("section table tr")[1:]
    ]
    assert [row[:3] for row in rows] == [["clop", "listing", "6"], ["quiet", "not visited", "0"]]
    assert tree.css_first("svg.spark[aria-label^='of the last 11 visits 8']") is not None
    assert "Velmora Logistics" in tree.css_first("ol.events li").text()
    assert not tree.css(".alarm")


async def test_a_site_that_nobody_looked_at_is_an_alarm(told, tmp_path) -> None:  # type: ignore[no-untyped-def]
    folder, _ = told
    later = NOW + timedelta(hours=1)
    async with web_app.serve(settings_in(folder), now=lambda: later) as base:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.get(base) as response:
            tree = LexborHTMLParser(await response.text())
    assert [node.text() for node in tree.css(".alarm li a")] == ["clop"]


async def test_a_paused_site_says_when_it_is_looked_at_again(own: Asker) -> None:
    until = NOW + timedelta(days=3)
    change(own.settings.store, load_key(own.settings.key), {"clop": until}, NOW)
    tree = LexborHTMLParser((await own.ask("/sites/clop")).text)
    numbers = {node.css_first("dt").text(): node.css_first("dd") for node in tree.css(".numbers > div")}
    assert numbers["Next visit"].css_first("small time").attributes["datetime"] == rfc3339(until)
    assert "Paused by test until" in tree.css_first("main").text()
    row = LexborHTMLParser((await own.ask("/")).text).css_first("section table tr + tr, tbody tr")
    assert "paused" in row.css_first("td").text()
    assert row.css_first("td[data-label=Next] time").attributes["datetime"] == rfc3339(until)


async def test_an_entrys_life_has_every_sighting_and_every_gap(web: Asker) -> None:
    tree = LexborHTMLParser((await web.ask("/sites/clop/entry?key=velmora")).text)
    runs = [
        (node.attributes["class"], re.sub(r"\s+", " ", node.text().partition("·")[0]).strip())
        for node in tree.css("ol.runs > li")
    ]
    assert runs == [
        ("absent", "Not there in 1 complete copy"),
        ("silent", "No word for 1 visit: error"),
        ("absent", "Not there in 3 complete copies"),
        ("seen", "Seen in 2 visits"),
        ("silent", "No word for 2 visits: unreachable, blocked"),
        ("seen", "Seen in 2 visits"),
    ]
    links = {node.attributes["href"] for node in tree.css("main a")}
    seen, gone = web.captures[5].id, web.captures[6].id
    assert {f"/captures/{seen}", f"/captures/{gone}", f"/diff?old={seen}&new={gone}", "/events/e5withdrawn"} <= links


async def test_an_event_shows_before_and_after_and_why(web: Asker) -> None:
    tree = LexborHTMLParser((await web.ask("/events/e5withdrawn")).text)
    before, after = tree.css(".side")
    assert before.css_first("li.is").text().startswith("Velmora Logistics")
    assert after.css_first("li.not").text().startswith("Velmora Logistics")
    assert (
        "complete copies of the listing in a row that did not show the entry: 3" in tree.css_first("#why").parent.text()
    )
    marks = [node.attributes["class"] for node in tree.css(".picture svg circle, .picture svg path")]
    assert marks == ["there", "gone", "gone", "gone"]


async def test_a_diff_names_the_entry_that_went(web: Asker) -> None:
    seen, gone = web.captures[5].id, web.captures[6].id
    tree = LexborHTMLParser((await web.ask(f"/diff?old={seen}&new={gone}")).text)
    assert [node.css_first(".title").text() for node in tree.css("td.removed")] == ["Velmora Logistics"]
    assert not tree.css("td.added, td.changed, td.moved")


async def test_a_capture_tells_its_facts_and_shows_its_page_without_rights(web: Asker) -> None:
    seen = web.captures[5]
    tree = LexborHTMLParser((await web.ask(f"/captures/{seen.id}")).text)
    assert seen.body_digest in tree.body.text()
    frame = tree.css_first("iframe")
    assert frame.attributes["sandbox"] == ""
    answer = await web.ask(frame.attributes["src"])
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
        "frame-src 'none'; object-src 'none'; frame-ancestors 'self'; sandbox"
    )
    assert "<script>" not in answer.text
    assert "Velmora Logistics" in answer.text


async def test_a_leaf_shows_its_record_and_a_proof_that_holds(web: Asker) -> None:
    from watcher.core import merkle

    answer = await web.ask("/log/0")
    tree = LexborHTMLParser(answer.text)
    facts = dict(zip((n.text() for n in tree.css("dt")), (n.html for n in tree.css("dd")), strict=True))
    path = [bytes.fromhex(found) for found in re.findall(r"\b[0-9a-f]{64}\b", facts["Path (RFC 6962)"])]
    (root,) = (bytes.fromhex(found) for found in re.findall(r"\b[0-9a-f]{64}\b", facts["Root"]))
    (leaf,) = (bytes.fromhex(found) for found in re.findall(r"\b[0-9a-f]{64}\b", facts["Hash of the leaf"]))
    (size,) = (int(found.replace("\u202f", "")) for found in re.findall(r"([\d\u202f]+) leaves", answer.text))
    merkle.verify_inclusion(leaf, 0, size, path, root)


async def test_a_search_says_where_a_name_stood_and_from_when_to_when(web: Asker) -> None:
    tree = LexborHTMLParser((await web.ask("/search?text=velmora%20logistics")).text)
    rows = [[cell.text(separator=" ", strip=True) for cell in row.css("td")] for row in tree.css("tbody tr")]
    assert rows[0][0].split() == ["Velmora", "Logistics", "withdrawn"]
    assert rows[0][2][:20] == f"{START:%Y-%m-%d %H:%M:%S}Z"
    assert "Found nowhere" in (await web.ask("/search?text=nobody%20ever")).text
    assert (await web.ask("/search?text=%2A")).status == 400


# ------------------------------------------------------------------------------------------------------------- paging


async def test_turning_pages_shows_every_event_once_whatever_comes_meanwhile(
    own: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watcher.web.events.A_PAGE", 2)
    shown: list[str] = []
    path = "/events"
    while path:
        tree = LexborHTMLParser((await own.ask(path)).text)
        shown += [node.attributes["href"] for node in tree.css("ol.events .what a")]
        if len(shown) == 2:
            add_event(own, "e9new")
        more = tree.css_first("a[rel=next]")
        path = more.attributes["href"] if more else ""
    assert shown == [f"/events/{name}" for name in ("e5withdrawn", "e4recovered", "e3renamed", "e2changed", "e1listed")]
    back = LexborHTMLParser((await own.ask(last_prev(tree))).text)
    assert [node.attributes["href"] for node in back.css("ol.events .what a")] == [
        "/events/e3renamed",
        "/events/e2changed",
    ]


def last_prev(tree: LexborHTMLParser) -> str:
    return tree.css_first("a[rel=prev]").attributes["href"]


def add_event(asker: Asker, name: str) -> None:
    connection = sqlite3.connect(asker.settings.store / "ledger.db")
    with connection:
        connection.execute(
            "INSERT INTO event (id, site, kind, confirmed, recorded, leaf, data)"
            " SELECT ?, site, kind, confirmed, recorded, leaf, CAST(replace(CAST(data AS TEXT), id, ?) AS BLOB)"
            " FROM event LIMIT 1",
            (name, name),
        )
    connection.close()


async def test_turning_pages_of_entries_and_visits_shows_all(web: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.web.entries.A_PAGE", 3)
    monkeypatch.setattr("watcher.web.captures.A_PAGE", 4)
    for start, css, expected in (
        ("/entries", "tbody td.first a", 7),
        ("/entries?standing=listed", "tbody td.first a", 6),
        ("/captures", "tbody td.first a", 11),
        ("/captures?site=clop", "tbody td.first time", 11),
    ):
        shown: list[str] = []
        path = start
        while path:
            tree = LexborHTMLParser((await web.ask(path)).text)
            shown += [node.html for node in tree.css(css)]
            more = tree.css_first("a[rel=next]")
            path = more.attributes["href"] if more else ""
        assert len(shown) == len(set(shown)) == expected, start


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("/events?kind=withdrawn", ["Velmora Logistics"]),
        ("/events?text=VELMORA", ["Velmora Logistics"]),
        ("/events?watchlist=Acme%20%3Cb%3E", ["Velmora Logistics"]),
        ("/events?watchlist=*", ["Velmora Logistics"]),
        ("/events?watchlist=Other", []),
        ("/events?since=2026-11-22T07:30Z", ["Velmora Logistics"]),
        ("/events?since=1m", []),
        ("/events?site=quiet", []),
        ("/entries?text=V******", ["Velmora Logistics"]),
        ("/entries?text=plain%203", ["Plain 3 Foods"]),
        ("/entries?text=%25", None),
        ("/entries?site=clop&standing=withdrawn", ["Velmora Logistics"]),
        ("/entries?text=status", []),
        ("/sites/clop?text=foods&standing=withdrawn", []),
    ],
)
async def test_filters(web: Asker, path: str, titles: list[str] | None) -> None:
    tree = LexborHTMLParser((await web.ask(path)).text)
    if path.startswith("/sites"):
        tree = LexborHTMLParser(tree.css_first("#roster").parent.html)
    found = [node.text() for node in tree.css("ol.events .what > a, tbody td.first > a")]
    if titles is None:  # the hostile key holds a percent sign
        assert len(found) == 1
        assert "Evil" in found[0]
    else:
        assert found == titles


# ------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nope", 404, "no such page"),
        ("/events/enope", 404, "no such event"),
        ("/captures/c0000000000000000", 404, "no such capture"),
        ("/captures/%00", 404, "no such"),
        ("/sites/nope", 404, "no such site"),
        ("/sites/clop/entry?key=nope", 404, "no such entry"),
        ("/log/999999", 404, "no leaf"),
        ("/log/x", 400, "number"),
        ("/log/99999999999999999999", 400, "number"),
        ("/events?kind=nope", 400, "is no kind"),
        ("/events?since=yesterday-ish", 400, "is no time"),
        ("/events?since=0001-01-01", 400, "nothing was watched"),
        ("/events?older=1;DROP", 400, "no place in the list"),
        ("/events?older=99999999999999999999", 400, "no place in the list"),
        ("/entries?older=5", 400, "no place in the list"),
        ("/events?text=" + "a" * 201, 400, "longer than 200"),
        ("/events?text=%00", 400, "NUL"),
        ("/entries?standing=gone", 400, "is no standing"),
        ("/diff?old=x&new=y", 404, "is no capture"),
        ("/diff?old=x", 400, "name both"),
        ("/diff?old=nope@2026-11-22&new=y", 404, "no such site"),
        ("/?refresh=1", 400, "no number from 10"),
        ("/sites/clop/entry?key=velmora&newer=4", 400, "turned back"),
        ("/login", 404, "No token is set"),
    ],
)
async def test_errors_say_what_is_wrong(web: Asker, path: str, status: int, says: str) -> None:
    answer = await web.ask(path)
    assert answer.status == status
    tree = LexborHTMLParser(answer.text)
    usable(path, tree)
    assert says in tree.css_first("main").text()


NASTY = (
    "", "-1", "1-2-3", "9" * 19, "%00", "%FF%FE", "%F0%9F%92%A9", "%22%3E%3Cscript%3E", "..%2F..", "%25", "%E2%80%AE",
    "*", "2026-02-30",
)  # fmt: skip
PARAMETERS = (
    "site", "kind", "since", "watchlist", "text", "older", "newer", "standing", "key", "old", "new", "by", "leaf",
    "refresh", "limit", "after", "format", "next",
)  # fmt: skip


@pytest.mark.parametrize(
    "path",
    ["/", "/events", "/entries", "/captures", "/search", "/sites/clop", "/sites/clop/entry", "/diff", "/log",
     "/log/find", "/feed.atom", "/api/events", "/api/entries", "/api/captures", "/api/status", "/api/search"],
)  # fmt: skip
async def test_no_parameter_breaks_a_page(web: Asker, path: str) -> None:
    for name in PARAMETERS:
        for value in NASTY:
            answer = await web.ask(f"{path}?{name}={quote(value, safe='%*.-')}")
            assert answer.status in {200, 303, 400, 404}, (path, name, value, answer.text[:300])


@pytest.mark.parametrize("path", ["/events/{}", "/captures/{}", "/captures/{}/page", "/sites/{}", "/log/{}", "/api/{}"])
async def test_no_name_breaks_a_page(web: Asker, path: str) -> None:
    for value in NASTY:
        answer = await web.ask(path.format(quote(value, safe="%*.-")))
        assert answer.status in {200, 303, 400, 404}, (path, value, answer.text[:300])


async def test_a_miss_has_no_page_and_cannot_be_compared(web: Asker) -> None:
    miss, seen = web.captures[2].id, web.captures[5].id
    for what in ("page", "text", "source", "picture.png"):
        assert (await web.ask(f"/captures/{miss}/{what}")).status == 404
    assert (await web.ask(f"/diff?old={miss}&new={seen}")).status == 400


async def test_pages_are_only_looked_at(web: Asker) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = await web.ask("/events", method)
        assert answer.status == 405
        assert "GET" in answer.headers["Allow"]


async def test_a_request_beyond_measure_is_refused(web: Asker) -> None:
    assert (await web.ask("/events?text=" + "a" * 40_000)).status == 400
    huge = await web.ask("/logout", "POST", data={"x": "y" * 100_000})
    assert huge.status in {303, 413}
    assert (await web.ask("/login", "POST", data={"token": "y" * 100_000})).status == 413


async def test_before_the_first_visit_the_sites_are_there(serving: Serving) -> None:
    async with serving() as asker:
        tree = LexborHTMLParser((await asker.ask("/")).text)
        assert [node.text() for node in tree.css("section td.first a")] == ["clop", "quiet"]
        assert (await asker.ask("/sites/clop")).status == 200
        for path in ("/events", "/captures", "/log", "/entries"):
            answer = await asker.ask(path)
            assert (answer.status, "nothing was visited yet" in answer.text.lower()) == (404, True), path
        assert (await asker.ask("/api/events")).text == "[]\n"
        assert len((await asker.ask("/api/status")).text.splitlines()) == 2
        assert b"watcher_sites 2" in (await asker.ask("/metrics")).body


async def test_without_sites_the_overview_says_what_to_do(serving: Serving) -> None:
    async with serving('[web]\nlisten = "127.0.0.1:0"\n') as asker:
        assert "add a" in (await asker.ask("/")).text


async def test_a_store_that_cannot_be_read_is_told_and_outlived(own: Asker) -> None:
    ledger = own.settings.store / "ledger.db"
    whole = ledger.read_bytes()
    assert (await own.ask("/events")).status == 200
    ledger.unlink()
    ledger.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    answer = await own.ask("/events")
    assert answer.status in {500, 503}
    assert "ledger" in answer.text
    ledger.unlink()
    ledger.write_bytes(whole)
    assert (await own.ask("/events")).status == 200


async def test_a_damaged_body_is_told(own: Asker) -> None:
    connection = sqlite3.connect(own.settings.store / "ledger.db")
    with connection:
        connection.execute("UPDATE body SET frame = substr(frame, 1, length(frame) - 4)")
    connection.close()
    answer = await own.ask(f"/captures/{own.captures[5].id}/text")
    assert answer.status == 500
    assert "damaged" in answer.text
    assert (await own.ask("/")).status == 200


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (ZeroDivisionError("<b>\x1b[31m"), "by a fault of the program (ZeroDivisionError)"),
        (EvidenceError("a proof does not hold", hint="look at it"), "proof does not hold"),
    ],
)
async def test_a_fault_of_the_program_is_a_page_and_a_line_in_the_log(
    web: Asker, monkeypatch: pytest.MonkeyPatch, fault: Exception, says: str
) -> None:
    def broken(*_: object) -> None:
        raise fault

    with structlog.testing.capture_logs() as log, monkeypatch.context() as patch:
        patch.setattr(WebLedger, "entries_page", broken)
        patch.setattr(WebLedger, "status", broken)
        page = await web.ask("/entries?text=%1b")
        program = await web.ask("/api/status")
    assert (page.status, program.status) == (500, 500)
    assert says in page.text
    assert "\x1b" not in page.text
    assert set(HEADERS) <= set(page.headers)
    assert says in json.loads(program.text)["error"]
    assert "hint" in program.text
    told = [one for one in log if one["event"] == "a page failed"]
    if isinstance(fault, EvidenceError):
        assert told == []
    else:
        assert (told[0]["path"], told[0]["exc_info"]) == ("/entries?text=%1b", fault)
    assert (await web.ask("/entries")).status == 200


async def test_two_servers_cannot_have_one_address(told, tmp_path) -> None:  # type: ignore[no-untyped-def]
    from watcher.errors import WatcherError

    folder, _ = told
    async with asking(settings_in(folder)) as asker:
        port = asker.base.rpartition(":")[2].strip("/")
        again = settings_in(tmp_path, CONFIG.replace("127.0.0.1:0", f"127.0.0.1:{port}"))
        with pytest.raises(WatcherError, match="cannot be listened on"):
            async with web_app.serve(again):
                pass


async def test_a_missing_entry_says_what_it_waits_for(own: Asker, tmp_path: Path) -> None:
    site = Watching()
    site.looks(2, "ABCDEFGH")
    site.look("ABDEFGH")
    site.look("ABDEFGH")
    await believe(tmp_path / "snapshots", "clop", site)
    tree = LexborHTMLParser((await own.ask("/sites/clop/entry?key=calderis%20clinic")).text)
    lead = tree.css_first(".lead").text()
    assert "missing since" in lead
    assert lead.endswith(
        "not told as withdrawn yet. Absent from 2 complete copies in a row; 3 are needed, over at least 30 min."
    )
    listed = LexborHTMLParser((await own.ask("/sites/clop/entry?key=arvelo%20logistics")).text)
    assert "withdrawn" not in listed.css_first(".lead").text()
    told = LexborHTMLParser((await own.ask("/")).text).css_first(".numbers a")
    assert (told.text(), told.attributes["href"]) == ("1 missing, not told yet", "/entries?standing=missing")
