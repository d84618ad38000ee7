"""Sites that misbehave over time: queues, forms, lists without end, and pages that are never the same."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.hostile.servers.item import Asked, Hostile, Say, card, cards, listing, page, whole
from watcher.testing.names import invented_victims

SEED = 77


def _names(start: int, number: int) -> list[str]:
    victims = invented_victims(SEED)
    for _ in range(start):
        next(victims)
    return [next(victims).title for _ in range(number)]


def _pager(number: int) -> str:
    return f'<nav class="pagination"><a rel="next" href="/?page={number + 1}">Next</a></nav>'


def _number(path: str) -> int:
    text = path.partition("page=")[2]
    return int(text) if text.isdecimal() else 1


def _endless(asked: Asked) -> Iterator[Say]:
    number = _number(asked.path)
    yield whole(listing(cards(*_names(5 * number, 5)), after=_pager(number)))


def _endless_and_large(asked: Asked) -> Iterator[Say]:
    number = _number(asked.path)
    text = f"<p>{f'leak {number} ' * 120_000}</p>"
    yield whole(listing(cards(*_names(5 * number, 5)), after=text + _pager(number)))


def _endless_same(asked: Asked) -> Iterator[Say]:
    yield whole(listing(cards(), after=_pager(_number(asked.path))))


def _endless_path(asked: Asked) -> Iterator[Say]:
    deeper = f"{asked.path.rstrip('/')}/page/2/"
    after = f'<nav class="pagination"><a rel="next" href="{deeper}">Next</a></nav>'
    yield whole(listing(cards(*_names(len(asked.path), 5)), after=after))


def _thousands_of_pages(_: Asked) -> Iterator[Say]:
    links = "".join(f'<a href="/?page={number}">{number}</a>' for number in range(1, 5_000))
    yield whole(listing(cards(), after=f'<nav class="pagination">{links}</nav>'))


def _growing(asked: Asked) -> Iterator[Say]:
    yield whole(listing(cards(*_names(0, 20 * (asked.number + 1)))))


def _never_the_same(asked: Asked) -> Iterator[Say]:
    yield whole(listing(cards(*_names(12 * asked.number, 12))))


def _shuffled(asked: Asked) -> Iterator[Say]:
    names = _names(0, 40)
    random.Random(asked.number).shuffle(names)
    yield whole(listing(cards(*names)))


def _other_design(asked: Asked) -> Iterator[Say]:
    names = _names(0, 15)
    shown = (
        cards(*names),
        "<table>" + "".join(f"<tr><td>{name}</td><td>1 TB</td></tr>" for name in names) + "</table>",
        "<ul class='x'>" + "".join(f"<li><a href='/w/{n}'>{name}</a></li>" for n, name in enumerate(names)) + "</ul>",
    )
    yield whole(listing(shown[asked.number % 3]))


def _now_and_then(asked: Asked) -> Iterator[Say]:
    if asked.number % 2:
        yield whole("<h1>502 Bad Gateway</h1><p>nginx", status="502 Bad Gateway")
    else:
        yield whole(listing(cards(*_names(0, 12))))


def _own_page_is_a_bomb(asked: Asked) -> Iterator[Say]:
    if asked.path == "/":
        yield whole(listing(cards(*_names(asked.number, 12))))
    else:
        yield whole("<div/>" * 200_000)


def _own_page_is_a_file(asked: Asked) -> Iterator[Say]:
    if asked.path == "/":
        yield whole(listing(cards(*_names(asked.number, 12))))
    else:
        yield whole(b"PK\x03\x04" + b"stolen " * 100_000, "application/zip")


def _thousands_of_probes(asked: Asked) -> Iterator[Say]:
    """A third of a thousand entries goes and comes with every look: each might be asked after."""
    if asked.path == "/":
        names = _names(0, 1_000)
        yield whole(listing("".join(card(name, f"/v/{n}") for n, name in enumerate(names) if (n + asked.number) % 3)))
    else:
        yield whole("<h1>404 Not Found</h1>", status="404 Not Found")


FORM = '<form action="/in" method="post"><input name="u"><input name="p" type="password"><button>In</button></form>'

GUARDED = (
    Hostile(
        name="queue",
        does="a queue that never ends",
        answer=page("<h1>You are in the queue</h1><p>You have been placed in a queue, awaiting forwarding."),
        at_most=1,
        verdict="blocked",
        why="heading-says:queue",
    ),
    Hostile(
        name="captcha",
        does="a captcha",
        answer=page(
            "<h1>Prove that you are human</h1><img src='/c.png'><form method='post'><input name='captcha'></form>"
        ),
        verdict="blocked",
        why="heading-says:challenge",
        at_most=1,
    ),
    Hostile(
        name="proof-of-work",
        does="a script that wants a proof of work, a cookie, and the page again",
        answer=page(
            '<html><head><meta http-equiv="refresh" content="3"><script>for(;;)document.cookie="a"</script></head>'
            "<body><h1>Checking your browser</h1></body></html>"
        ),
        verdict="blocked",
        why="heading-says:challenge",
        at_most=1,
    ),
    Hostile(
        name="login",
        does="a page to log in, filled in already",
        answer=page(f"<html><body><h1>Log in</h1>{FORM}</body></html>"),
        at_most=1,
        verdict="login",
        why="heading-says:login",
    ),
    Hostile(
        name="payment",
        does="a form that pays",
        answer=page(
            "<html><body><p>Access costs 1 BTC.<form action='/pay'><input type='submit' autofocus></form></body></html>"
        ),
        verdict="unreadable",
        why="no-entries-found",
        at_most=1,
    ),
    Hostile(
        name="authentication",
        does="asks for a password by status 401",
        answer=page("<p>No.", "text/html", 'WWW-Authenticate: Basic realm="x"', status="401 Unauthorized"),
        verdict="error",
        why="http:401",
        at_most=1,
    ),
    Hostile(
        name="script-only",
        does="a page that is nothing without its script",
        answer=page('<html><body><div id="app"></div><script src="/app.js"></script></body></html>'),
        verdict="blocked",
        why="script-only",
        at_most=1,
    ),
)

ENDLESS = (
    Hostile(
        name="pages-without-end",
        does="page N links to page N + 1, always with new entries",
        answer=_endless,
        verdict="listing",
        may_ask=("/?page=*",),
        at_most=200,
    ),
    Hostile(
        name="large-pages-without-end",
        does="page N links to page N + 1, each more than a megabyte",
        answer=_endless_and_large,
        verdict="listing",
        may_ask=("/?page=*",),
        at_most=200,
    ),
    Hostile(
        name="same-page-without-end",
        does="page N links to page N + 1, always with the same entries",
        answer=_endless_same,
        verdict="listing",
        may_ask=("/?page=*",),
        at_most=200,
    ),
    Hostile(
        name="deeper-without-end",
        does="each page links to one whose address is longer",
        answer=_endless_path,
        verdict="listing",
        may_ask=("/page/2/*",),
        at_most=200,
    ),
    Hostile(
        name="five-thousand-pages",
        does="a pager of 5,000 pages, each with the same entries",
        answer=_thousands_of_pages,
        verdict="listing",
        may_ask=("/?page=*",),
        at_most=200,
    ),
)

MOVING = (
    Hostile(
        name="grows-by-looking",
        does="twenty more entries with every look",
        answer=_growing,
        verdict="listing",
        may_ask=("/v/*",),
    ),
    Hostile(
        name="never-the-same",
        does="twelve other entries with every look",
        answer=_never_the_same,
        verdict="listing",
        may_ask=("/v/*",),
        at_most=40,
    ),
    Hostile(
        name="shuffled",
        does="the same entries in another order with every look",
        answer=_shuffled,
        verdict="listing",
        may_ask=("/v/*",),
    ),
    Hostile(
        name="another-design",
        does="the same entries in another design with every look",
        answer=_other_design,
        verdict="listing",
        may_ask=("/v/*", "/w/*"),
    ),
    Hostile(
        name="now-and-then",
        does="a list at one look, 502 at the next",
        answer=_now_and_then,
        verdict="listing",
        may_ask=("/v/*",),
    ),
    Hostile(
        name="entry-kills-reader",
        does="other entries with every look, and pages of theirs that kill whoever reads them",
        answer=_own_page_is_a_bomb,
        verdict="listing",
        may_ask=("/v/*",),
        at_most=40,
    ),
    Hostile(
        name="entry-is-an-archive",
        does="other entries with every look, and archives where their pages should be",
        answer=_own_page_is_a_file,
        verdict="listing",
        may_ask=("/v/*",),
        at_most=40,
    ),
    Hostile(
        name="a-thousand-probes",
        does="hundreds of a thousand entries go and come with every look",
        answer=_thousands_of_probes,
        verdict="listing",
        may_ask=("/v/*",),
        at_most=40,
    ),
)
