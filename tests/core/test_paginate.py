# ruff: noqa: E501 - pages and tables read better in one piece
"""Further pages of a listing."""

from __future__ import annotations

import pytest

from watcher.core.paginate import next_urls
from watcher.core.parse import parse
from watcher.records import Entry, Page

HERE = "http://site.onion/"


def found(body: str, *, url: str = HERE, entries: tuple[Entry, ...] = (), **given: object) -> tuple[str, ...]:
    page = parse(Page(body=body.encode(), url=url, status=200))
    return tuple(address.removeprefix("http://site.onion") for address in next_urls(page, entries, **given))  # type: ignore[arg-type]


PAGER = '<ul class=pagination><li><a href="?page=1">1</a><li><a href="?page=2">2</a><li><a href="?page=5">5</a><li><a href="?page=2">Next</a></ul>'


@pytest.mark.parametrize(
    ("body", "url", "addresses"),
    [
        (PAGER, HERE, ("/?page=2", "/?page=3", "/?page=4", "/?page=5")),
        (PAGER, HERE + "?page=2", ("/?page=1", "/?page=3", "/?page=4", "/?page=5")),
        ('<a class=page-numbers href="/">1</a><span class="page-numbers current">2</span><a class=page-numbers href="/page/3/">3</a>'
         '<a class=page-numbers href="/page/4/">4</a>', HERE + "page/2/", ("/", "/page/3/", "/page/4/")),
        ('<a href="/list?offset=20">2</a> <a href="/list?offset=40">3</a>', HERE + "list", ("/list?offset=20", "/list?offset=40")),
        ('<div class=pager><a href="/list-2.html">2</a><a href="/list-3.html">3</a></div>', HERE, ("/list-2.html", "/list-3.html")),
        ('<link rel=next href="/two">', HERE, ("/two",)),
        ('<a rel="nofollow next" href="/two">on</a>', HERE, ("/two",)),
        ('<a rel="n&#101;xt" href="/two">on</a>', HERE, ("/two",)),
        ('<link rel=NEXT href="/two">', HERE, ("/two",)),
        ('<a class="load-more" href="/older">Load more</a>', HERE, ("/older",)),
        ('<div class=nav-previous><a href="/page/2/">Older posts »</a></div>', HERE, ("/page/2/",)),
        ('<a href="/?p=2">»</a>', HERE, ("/?p=2",)),
        ('<button data-url="/part?page=2">Show more</button>', HERE, ("/part?page=2",)),
        ("<script>function goto_page(n){ document.location = '/?page=' + n + '&s=1'; }</script>"
         "<a onclick=\"goto_page('2')\">2</a><a onclick=\"goto_page('3')\">3</a>", HERE, ("/?page=2&s=1", "/?page=3&s=1")),
        # what is none
        ("<a onclick=\"goto_page('14')\">14</a>", HERE, ()),
        ('<a href="/v/1">1</a><a href="/v/2">2</a>', HERE, ()),
        ('<div class=files><a href="/dl/a.7z.001">1</a><a href="/dl/a.7z.002">2</a></div>', HERE, ()),
        ('<div class=pagination><a href="http://other.onion/?page=2">2</a></div>', HERE, ()),
        ('<a href="/about">Next</a>', HERE, ()),
        ('<div class=pagination><p><p><i><b><s><u><em><a href="/far">Next</a>', HERE, ()),
        ('<div class=pagination><a href="http://[a.onion/?page=2">2</a></div>', HERE, ()),
        ('<div class=pagination><a onclick="return false">2</a></div>', HERE, ()),
        ('<link rel=next href="http://[::1"><a rel=next href="/two">on</a>', HERE, ("/two",)),
        ('<div class=pagination><a href="?page=700000">2</a></div>', HERE, ()),
        ('<div class=pagination><a href="?page=1">1</a></div>', HERE, ()),
        ('<div class=pagination><a href="#">2</a><a href="javascript:void(0)">3</a></div>', HERE, ()),
        ('<div class=pagination><a href="?page=999999">999999</a></div>', HERE, ()),
    ],
)  # fmt: skip
def test_by_itself(body: str, url: str, addresses: tuple[str, ...]) -> None:
    assert found(body, url=url) == addresses


def test_never_an_entry() -> None:
    body = '<div class=pager><a href="/?page=2">2</a></div>'
    assert found(body, entries=(Entry(key="k", title="2", url=HERE + "?page=2"),)) == ()


def test_bounded() -> None:
    body = '<div class=pagination><a href="?page=2">2</a><a href="?page=4000">4000</a></div>'
    assert len(found(body)) == 64
    assert len(found(body, limit=5)) == 5


@pytest.mark.parametrize(
    ("pages", "url", "address"),
    [
        ("page/{n}/", HERE, "/page/2/"),
        ("page/{n}/", HERE + "page/2/", "/page/3/"),
        ("page/{n}/", HERE + "list/page/9/", "/list/page/10/"),
        ("?page={n}", HERE + "list?page=2", "/list?page=3"),
        ("/all/{n}", HERE + "all/3", "/all/4"),
    ],
)
def test_by_template(pages: str, url: str, address: str) -> None:
    assert found("<p>x" + PAGER, url=url, pages=pages) == (address,)


@pytest.mark.parametrize("pages", ["http://[a.onion/{n}", "http://a.onion]/{n}"])
def test_by_a_template_that_makes_no_address_there_is_no_further_page(pages: str) -> None:
    assert found("<p>x" + PAGER, pages=pages) == ()


def test_by_selector() -> None:
    assert found('<a class=n data-to="/two">x</a><a class=n>y</a>' + PAGER, next_link="a.n@data-to") == ("/two",)
    assert found('<a class=n href="/two">x</a>', next_link="a.n") == ("/two",)
    assert found("<p>", next_link="a[") == ()
    assert found('{"next": "/api?page=2"}', next_link="a.n") == ()


@pytest.mark.parametrize(
    ("body", "url", "addresses"),
    [
        ('{"next": "/api?page=2", "rows": []}', HERE, ("/api?page=2",)),
        ('{"links": {"next": "http://site.onion/api?c=x"}, "rows": []}', HERE, ("/api?c=x",)),
        ('{"page": 0, "total_pages": 3}', HERE + "api?page=0&k=v", ("/api?k=v&page=1", "/api?k=v&page=2")),
        ('{"meta": {"current_page": 2, "last_page": 3}}', HERE + "api?page=2", ("/api?page=1", "/api?page=3")),
        ('{"total": 25, "rows": []}', HERE + "api?offset=0&limit=10", ("/api?limit=10&offset=10", "/api?limit=10&offset=20")),
        ('{"total": 250, "rows": []}', HERE + "api/0/100", ("/api/100/100", "/api/200/100")),
        ('{"total": 25, "per_page": 10}', HERE + "api?page=1", ("/api?page=2", "/api?page=3")),
        # an answer that says how many there are, but not how to ask for more
        ('{"total": 250, "per_page": 10}', HERE + "api", ()),
        # with the name that the answer itself has for it
        ('{"Page": 1, "total_pages": 3}', HERE + "api", ("/api?Page=2", "/api?Page=3")),
        ('{"meta": {"page": 1, "total_pages": 2}}', HERE + "api", ("/api?page=2",)),
        ('{"next": null, "rows": []}', HERE, ()),
        ('[{"next": "/x"}]', HERE, ()),
    ],
)  # fmt: skip
def test_json(body: str, url: str, addresses: tuple[str, ...]) -> None:
    assert found(body, url=url) == addresses
