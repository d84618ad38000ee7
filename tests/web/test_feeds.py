"""The Atom feed (RFC 4287) and the numbers for Prometheus."""

from __future__ import annotations

import re
from datetime import datetime
from uuid import UUID
from xml.etree import ElementTree

import pytest

from tests.web.conftest import Asker

ATOM = "{http://www.w3.org/2005/Atom}"


async def feed(web: Asker, query: str = "") -> ElementTree.Element:
    answer = await web.ask(f"/feed.atom{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.body)


def one(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    found = parent.findall(f"{ATOM}{name}")
    assert len(found) == 1, name
    return found[0]


def text(parent: ElementTree.Element, name: str) -> str:
    return one(parent, name).text or ""


async def test_it_is_what_the_standard_asks_for(web: Asker) -> None:
    """RFC 4287, 4.1.1 and 4.1.2: what a feed and its entries must have, and at most once."""
    root = await feed(web)
    assert root.tag == f"{ATOM}feed"
    ids = [text(root, "id")]
    assert text(root, "title")
    assert text(one(root, "author"), "name") == "Somebody & Sons"
    links = {link.get("rel"): link.get("href") for link in root.findall(f"{ATOM}link")}
    assert links == {"self": f"{web.base}feed.atom", "alternate": f"{web.base}events"}
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 5
    for entry in entries:
        ids.append(text(entry, "id"))
        assert text(entry, "title")
        assert one(entry, "summary").get("type") in {None, "text"}
        assert datetime.fromisoformat(text(entry, "updated")).tzinfo is not None
        assert one(entry, "link").get("href", "").startswith(f"{web.base}events/e")
    assert len(set(ids)) == len(ids)
    for name in ids:
        assert UUID(name.removeprefix("urn:uuid:")).version == 5
    moments = [text(entry, "updated") for entry in entries]
    assert moments == sorted(moments, reverse=True)
    assert text(root, "updated") == moments[0]


async def test_identifiers_never_change_and_tell_feeds_apart(web: Asker) -> None:
    root = await feed(web, "?kind=withdrawn")
    assert text(one(root, "entry"), "id") == "urn:uuid:7983ddbe-3dde-5455-ab7f-8185897e3e2a"
    others = [text(await feed(web, query), "id") for query in ("", "?kind=withdrawn", "?site=clop", "?watchlist=*")]
    assert len(set(others)) == 4
    assert text(root, "id") in others


@pytest.mark.parametrize(
    ("query", "count"),
    [("?site=clop", 5), ("?site=quiet", 0), ("?kind=listed", 1), ("?watchlist=*", 1), ("?watchlist=Acme%20%3Cb%3E", 1)],
)
async def test_it_is_filtered(web: Asker, query: str, count: int) -> None:
    assert len((await feed(web, query)).findall(f"{ATOM}entry")) == count


async def test_an_unchanged_feed_is_not_sent_again(web: Asker) -> None:
    answer = await web.ask("/feed.atom")
    again = await web.ask("/feed.atom", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")
    assert (await web.ask("/feed.atom", headers={"If-None-Match": '"other"'})).status == 200


@pytest.mark.parametrize(("query", "status"), [("?kind=x", 400), ("?site=nope", 404), ("?nope=1", 400)])
async def test_wrong_filters_are_told(web: Asker, query: str, status: int) -> None:
    assert (await web.ask(f"/feed.atom{query}")).status == status


# ---------------------------------------------------------------------------------------------------------- metrics

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")


async def test_the_numbers_are_in_prometheus_format(web: Asker) -> None:
    answer = await web.ask("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.text.endswith("\n")
    kinds: dict[str, str] = {}
    samples: dict[tuple[str, str], float] = {}
    last = ""
    for line in answer.text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in kinds
            kinds[name] = kind
        elif not line.startswith("# HELP "):
            found = SAMPLE.fullmatch(line)
            assert found, line
            name, labels, value = found.groups()
            assert (name, labels) not in samples
            assert name in kinds
            assert name == last or not any(known == name for known, _ in samples), "samples of a metric stand together"
            last = name
            samples[name, labels or ""] = float(value)
            assert kinds[name] == ("counter" if name.endswith("_total") else "gauge")
    assert samples["watcher_sites", ""] == 2
    assert samples["watcher_site_listed", 'site="clop",target="listing"'] == 6
    assert samples["watcher_site_verdict", 'site="clop",target="listing",verdict="listing"'] == 1
    assert samples["watcher_captures_total", ""] == 11
    assert samples["watcher_events_total", 'site="clop",kind="withdrawn"'] == 1
    assert samples["watcher_entries", 'site="clop",standing="withdrawn"'] == 1
    assert samples["watcher_alerts", 'state="owed"'] == 5
    assert ("watcher_site_last_visit_timestamp_seconds", 'site="quiet",target="listing"') not in samples
