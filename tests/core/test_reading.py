"""A page read: what it is said to be, and what it teaches. Every site and name here is invented."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import SelectolaxError

from watcher.core.lessons import recall
from watcher.core.parse import Document
from watcher.core.probing import probe_answer
from watcher.core.reading import Hints, read_detail, read_page
from watcher.records import PAGE_VERDICTS, Page, Reading, Rule, Selector

NAMES = (
    "Ostrava Textil a.s.", "Velmora Logistics GmbH", "Karvel & Sons Ltd", "Hotel Brunoy SARL", "Miradon Foods Inc",
    "Tescovar Engineering", "Quilmar Seguros S.A.", "Norlund Shipping AB", "Palvero Clinica", "Zandor Realty Group",
    "Ferrowick Motors", "Belanto Studio", "Drevik Holding", "Ilmora Pharma", "Cordance Legal LLP",
    "Untermain Druckerei",
)  # fmt: skip
RULE = Rule(entry=("div.card",), fields={"title": (Selector(css="h3"),), "link": (Selector(css="a", attr="href"),)})


def card(name: str, about: str = "") -> str:
    path = "".join(c if c.isalnum() else "-" for c in name.lower())
    about = about or f"{name} employs {len(name) * 31} people. Contracts and mail archives."
    return (
        f'<div class="card"><h3><a href="/p/{path}">{name}</a></h3><p>{about}</p><span class="t">views: 77</span></div>'
    )


def listing(names: Sequence[str], *, total: int | None = None, extra: str = "", empty: str = "") -> str:
    """A page of a leak site: header, menu, cards, footer."""
    counter = "" if total is None else f"<p class='sum'>Total: {total} victims</p>"
    return (
        '<!DOCTYPE html><html><head><title>Velm blog</title></head><body class="dark"><header class="top">'
        '<nav class="menu"><a href="/">Home</a><a href="/rules">Rules</a><a href="/contact">Contact us</a></nav>'
        "</header>"
        f'{counter}<div class="cards">{"".join(map(card, names))}{empty}</div>{extra}'
        '<section class="mirrors"><h6>Mirrors</h6><ul><li>one</li><li>two</li></ul></section>'
        '<footer class="foot"><p>All rights reserved by the team</p><p>PGP key</p></footer></body></html>'
    )


def redesign(names: Sequence[str]) -> str:
    rows = "".join(
        f'<tr class="row"><td class="n">{name}</td><td class="d">{len(name)} GB of files</td></tr>' for name in names
    )
    return (
        '<html><head><title>VELM 2.0</title></head><body><main id="app"><section class="hero"><h1>Welcome back</h1>'
        f'</section><table class="leaks"><tbody>{rows}</tbody></table></main><div class="bottom">Since we began</div>'
        "</body></html>"
    )


QUEUE = (
    '<html><head><title>Access Queue</title><meta http-equiv="refresh" content="10"></head><body>'
    "<h1>You are in the queue</h1><p>Your place in the queue is 564.</p></body></html>"
)
CAPTCHA = (
    "<html><head><title>Anti-Bot</title></head><body><h3>Select all images with clocks</h3><form>"
    + '<label><input type="checkbox"><img src="data:x"></label>' * 9
    + "</form></body></html>"
)
LOGIN = (
    '<html><head><title>Sign in</title></head><body><form action="/login"><input name="login">'
    '<input type="password"><button>Enter</button></form></body></html>'
)
SEIZED = (
    "<html><head><title>THIS HIDDEN SITE HAS BEEN SEIZED</title></head><body><h1>THIS HIDDEN SITE HAS BEEN SEIZED</h1>"
    "<p>by law enforcement agencies as part of an international operation.</p></body></html>"
)
BAD_GATEWAY = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"
SHELL = (
    '<!doctype html><html><head><title>Blog</title><script type="module" src="/a.js"></script></head>'
    '<body><div id="root"></div><noscript>You need to enable JavaScript to run this app.</noscript></body></html>'
)
PROOF_OF_WORK = (
    "<html><head><title>Velm</title></head><body><p>Protected by Anti-DDoS. Please wait while we check.</p>"
    "<script>work()</script></body></html>"
)
ODD = "<html><head><title>~</title></head><body><p>brb</p></body></html>"

OBSTACLES = [
    (QUEUE, "blocked"),
    (CAPTCHA, "blocked"),
    (LOGIN, "login"),
    (SEIZED, "seized"),
    (BAD_GATEWAY, "error"),
    (SHELL, "blocked"),
    (PROOF_OF_WORK, "blocked"),
    ("", "error"),
    ("   \n", "error"),
]


@dataclass
class Site:
    """Reads one page after the other, as visits to one site do."""

    rule: Rule | None = None
    memory: bytes = b""
    known: tuple[str, ...] = ()
    readings: list[Reading] = field(default_factory=list)

    def reads(self, markup: str | bytes, *, status: int = 200, cut: str = "", kind: str = "text/html") -> Reading:
        body = markup if isinstance(markup, bytes) else markup.encode()
        page = Page(body=body, url="http://velm.onion/", status=status, content_type=kind, cut=cut)
        reading, self.memory = read_page(page, self.memory, self.known, Hints(rule=self.rule))
        if reading.verdict == "listing" and reading.complete:
            self.known = tuple(dict.fromkeys((*self.known, *(entry.title for entry in reading.entries))))
        self.readings.append(reading)
        return reading


def titles(reading: Reading) -> list[str]:
    return [entry.title for entry in reading.entries]


@pytest.fixture(params=["learned", "ruled"])
def site(request: pytest.FixtureRequest) -> Site:
    """A site of which three good pages were seen, without a rule or with one."""
    built = Site(rule=RULE if request.param == "ruled" else None)
    for names in (NAMES[:10], NAMES[:11], NAMES[1:11]):
        reading = built.reads(listing(names))
        assert (reading.verdict, reading.complete) == ("listing", True)
    assert titles(built.readings[-1]) == list(NAMES[1:11])
    return built


# ------------------------------------------------------------------------------------------------------ good pages


def test_a_listing(site: Site) -> None:
    reading = site.reads(listing(NAMES[2:12]))
    assert (reading.verdict, reading.complete, reading.provisional) == ("listing", True, False)
    assert titles(reading) == list(NAMES[2:12])
    assert reading.why == ()
    assert reading.rule is not None
    assert len(reading.rule_digest) == 64
    assert "Contact us" in reading.text


def test_counters_and_advertisements_are_no_fault(site: Site) -> None:
    ads = '<div class="ad-7731"><b>Buy now</b></div><p>91 204 visitors online</p>'
    assert site.reads(listing(NAMES[1:11], extra=ads)).complete
    assert site.reads(listing(NAMES[1:11], extra="<!-- 0.31 s -->") + "\n<!-- cached -->").complete


def test_an_entry_may_be_called_anything(site: Site) -> None:
    odd = ("Captcha Ltd", "404 Media", "Queue Systems plc", "Seized Assets Bureau", "Login VSI")
    reading = site.reads(listing((*NAMES[1:11], *odd)))
    assert (reading.verdict, reading.complete) == ("listing", True)
    assert titles(reading)[-5:] == list(odd)


def test_an_entry_may_say_anything(site: Site) -> None:
    says = card(
        "Drevik Holding", "This site has been seized. 502 Bad Gateway. Solve the captcha. Checking your browser."
    )
    page = listing(NAMES[1:11]).replace('<div class="cards">', f'<div class="cards">{says}')
    reading = site.reads(page)
    assert (reading.verdict, reading.complete) == ("listing", True)


def test_a_site_with_one_entry_called_captcha() -> None:
    site = Site(rule=RULE)
    for _ in range(2):
        reading = site.reads(listing(["Captcha Ltd"]))
        assert (reading.verdict, reading.complete, titles(reading)) == ("listing", True, ["Captcha Ltd"])


def test_a_site_that_changes_language(site: Site) -> None:
    page = listing(NAMES[1:11])
    for english, russian in (
        ("Home", "Главная"), ("Rules", "Правила"), ("Contact us", "Связь"), ("Mirrors", "Зеркала"),
        ("All rights reserved by the team", "Все права защищены"), ("PGP key", "Ключ"), ("employs", "нанимает"),
        ("Velm blog", "Велм блог"), ("views", "просмотры"),
    ):  # fmt: skip
        page = page.replace(english, russian)
    reading = site.reads(page)
    assert (reading.verdict, reading.complete) == ("listing", True)
    assert titles(reading) == list(NAMES[1:11])


def test_the_last_entry_goes_and_the_site_says_so(site: Site) -> None:
    site.reads(listing(NAMES[3:4]))
    reading = site.reads(listing([], empty="<p>Nothing here yet.</p>"))
    assert (reading.verdict, reading.complete) == ("empty", True)
    assert "site-says-empty" in reading.why


def test_an_empty_frame_does_not_say_so(site: Site) -> None:
    reading = site.reads(listing([]))
    assert (reading.verdict, reading.why, reading.entries) == ("empty", ("no-entries",), ())


def test_all_entries_are_others(site: Site) -> None:
    reading = site.reads(listing(NAMES[12:]))
    assert (reading.verdict, reading.complete) == ("listing", True)
    assert titles(reading) == list(NAMES[12:])


# ----------------------------------------------------------------------------------------------------- cut pages


def test_a_page_cut_anywhere_is_partial(site: Site) -> None:
    whole = listing(NAMES[1:11])
    before = site.memory
    for share in range(30, 100, 3):
        cut = replace(site, memory=before, readings=[]).reads(whole[: len(whole) * share // 100])
        assert cut.verdict == "partial", share
        assert not cut.complete


def test_a_cut_page_still_shows_what_it_shows(site: Site) -> None:
    whole = listing(NAMES[1:11])
    reading = site.reads(whole[: whole.index(NAMES[7])])
    assert titles(reading)[:5] == list(NAMES[1:6])
    assert reading.verdict == "partial"


def bare(names: Sequence[str], *, pages: bool = False) -> bytes:
    """A page that is its list and nothing else; with ``pages``, four names of it and links to the next."""
    if not pages:
        rows = "".join(f"<a href='/post/{at}'>{name}</a>    {at}7 GB\n" for at, name in enumerate(names))
        return f"<html><body>\n<pre>{rows}</pre>\n</body></html>".encode()
    cards = "".join(f"<div class=v><h3>{name}</h3><p>It was easy.</p></div>" for name in names[:4])
    links = "".join(f"<a href='/?page={at}'>{at}</a>" for at in (2, 3, 4))
    return (
        f"<html><body><div class=items>{cards}</div><div class=pagination><b>1</b>{links}</div></body></html>".encode()
    )


MANY = [
    f"{first} {last}" for first in ("Velmora", "Korvane", "Tamniden", "Eskavi") for last in ("AG", "Ltd", "Inc", "SA")
]


def read_after(bodies: Sequence[bytes]) -> Reading:
    """What the last of the pages says, each read by what those before taught."""
    memory, known = b"", list[str]()
    for body in bodies:
        page = Page(body=body, url="http://bare.onion/", status=200)
        reading, memory = read_page(page, memory, known, Hints(mirror=page.url))
        known = titles(reading) or known
    return reading


def test_an_error_page_after_the_first_page_of_a_bare_list_is_no_entry() -> None:
    error = b"<html><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"
    assert read_after([bare(MANY), error]).verdict == "error"
    assert titles(read_after([bare(MANY), error, bare(MANY)])) == MANY


def test_a_redesign_that_comes_with_further_pages_is_learned_again() -> None:
    new = [MANY, [*MANY, "Margamere Bakeries"], [*MANY, "Margamere Bakeries", "Orvelin & Sons"]]
    reading = read_after([*map(bare, new), bare(new[2], pages=True)])
    assert (reading.verdict, titles(reading)) == ("listing", MANY[:4]), "a quarter of what was known"
    assert len(reading.next_urls) == 3


def test_a_redesign_that_moves_the_list_into_a_script_is_learned_again() -> None:
    firms = [
        f"{first} {last}" for first in ("Северор", "Ветрозан", "Молар", "Кардун") for last in ("Завод", "Банк", "Групп")
    ]
    data = json.dumps({"props": {"posts": [{"name": name, "size": f"{at} GB"} for at, name in enumerate(firms)]}})
    assert "\\u0421" in data, "no name stands in the page as it is said"
    shell = "<html><body><div id=app></div><script id=__NEXT_DATA__ type=application/json>{}</script></body></html>"
    before = [listing(firms[:count]).encode() for count in (10, 11, 12)]
    assert titles(read_after([*before, shell.format(data).encode()])) == firms
    assert read_after([*before, shell.format('{"wait": ["Home", "News", "Rules"]}').encode()]).verdict == "blocked"


@pytest.mark.parametrize(
    "beside",
    [
        "<aside class=sidebar><h3>Recent posts</h3><ul>{}</ul></aside>",
        "<div class='widget recent-posts'><ul>{}</ul></div>",
        "<footer><ul class=links>{}</ul></footer>",
    ],
)
def test_what_stands_beside_a_list_that_cannot_be_read_is_none_though_further_pages_follow(beside: str) -> None:
    """Recent posts are all known, too: all other entries would be missed."""
    new = [MANY, [*MANY, "Margamere Bakeries"], [*MANY, "Margamere Bakeries", "Orvelin & Sons"]]
    recent = beside.format("".join(f"<li><a href='/post/{at}'>{name}</a></li>" for at, name in enumerate(MANY[:4])))
    links = "".join(f"<a href='/?page={at}'>{at}</a>" for at in (2, 3, 4))
    page = (
        f"<html><body><main><div id=app></div></main>{recent}<div class=pagination><b>1</b>{links}</div></body></html>"
    )
    reading = read_after([*map(bare, new), page.encode()])
    assert not (reading.complete and reading.entries), (reading.verdict, titles(reading))


def test_the_transfer_was_cut(site: Site) -> None:
    reading = site.reads(listing(NAMES[1:6]), cut="length")
    assert (reading.verdict, reading.complete) == ("partial", False)
    assert reading.why == ("cut:length",)


def test_the_footer_is_missing_and_the_end_of_the_list_too(site: Site) -> None:
    """A template that failed half way, tags closed."""
    whole = listing(NAMES[1:11])
    half = whole[: whole.index(card(NAMES[6]))] + "</div></body></html>"
    reading = site.reads(half)
    assert (reading.verdict, reading.why) == ("partial", ("closing-part-missing",))


def test_a_new_footer_under_a_whole_list_is_a_new_footer(site: Site) -> None:
    whole = listing(NAMES[1:11])
    other = whole[: whole.index("<section")] + '<div class="end"><i>Contact us</i></div></body></html>'
    assert site.reads(other).complete
    assert site.reads(other.replace(card(NAMES[4]), "")).complete


def test_a_page_that_keeps_losing_its_tail_is_never_a_new_frame(site: Site) -> None:
    whole = listing(NAMES[1:11])
    for _ in range(30):
        assert site.reads(whole[: whole.index(card(NAMES[6]))]).verdict == "partial"


def test_closing_tags_that_never_come_back_are_given_up(site: Site) -> None:
    bare = listing(NAMES[1:11]).replace("</body></html>", "")
    said = [site.reads(bare).complete for _ in range(8)]
    assert not any(said[:4])
    assert said[-1]


def test_first_page_cut() -> None:
    for rule in (None, RULE):
        site = Site(rule=rule)
        whole = listing(NAMES[:10])
        assert site.reads(whole[: len(whole) // 2]).verdict == "partial"
        assert site.reads(whole).complete
        assert titles(site.readings[-1]) == list(NAMES[:10])


# ------------------------------------------------------------------------------------------------- announced counts


def counted(rule: Rule | None, counts: Sequence[int]) -> Site:
    site = Site(rule=rule)
    for count in counts:
        assert site.reads(listing(NAMES[:count], total=count)).complete
    return site


@pytest.mark.parametrize("rule", [None, RULE])
def test_fewer_rows_than_announced(rule: Rule | None) -> None:
    site = counted(rule, (10, 11, 12))
    reading = site.reads(listing(NAMES[:9], total=12))
    assert (reading.verdict, reading.complete, reading.why) == ("partial", False, ("announced:12>9",))
    assert titles(reading) == list(NAMES[:9])
    assert site.reads(listing(NAMES[:9], total=9)).complete


def test_a_proven_counter_is_believed_for_long() -> None:
    site = counted(RULE, (10, 11, 12))
    assert not any(site.reads(listing(NAMES[:9], total=12)).complete for _ in range(40))


def test_a_counter_that_never_moved_is_believed_for_a_while() -> None:
    site = counted(RULE, (10,))
    assert site.reads(listing(NAMES[1:11], total=10)).complete
    said = [site.reads(listing(NAMES[1:9], total=10)).complete for _ in range(8)]
    assert not said[0]
    assert said[-1]


def test_a_number_that_is_no_counter_announces_nothing() -> None:
    site = Site(rule=RULE)
    for count in (10, 11, 12):
        assert site.reads(listing(NAMES[:count], total=10 * count)).complete
    assert site.reads(listing(NAMES[:9], total=500)).complete


def test_a_counter_that_counts_otherwise_is_forgotten() -> None:
    site = counted(RULE, (10, 11))
    assert site.reads(listing(NAMES[:12], total=5)).complete
    assert site.reads(listing(NAMES[:11], total=12)).complete


def test_an_empty_frame_that_announces_entries_is_cut() -> None:
    site = counted(RULE, (10, 11))
    assert site.reads(listing([], total=11)).verdict == "partial"
    assert site.reads(listing([], total=0)).verdict == "empty"


# -------------------------------------------------------------------------------------------------- other pages


@pytest.mark.parametrize(("markup", "verdict"), OBSTACLES)
def test_what_stands_in_the_way(site: Site, markup: str, verdict: str) -> None:
    before = site.memory
    reading = site.reads(markup)
    assert (reading.verdict, reading.complete, reading.entries) == (verdict, False, ())
    assert reading.why
    assert recall(site.memory).learned == recall(before).learned
    again = site.reads(listing(NAMES[1:11]))
    assert (again.verdict, again.complete) == ("listing", True)


@pytest.mark.parametrize(("markup", "verdict"), OBSTACLES)
@pytest.mark.parametrize("rule", [None, RULE])
def test_a_first_page_that_is_none_is_no_baseline(markup: str, verdict: str, rule: Rule | None) -> None:
    site = Site(rule=rule)
    reading = site.reads(markup)
    assert (reading.verdict, reading.complete, reading.entries) == (verdict, False, ())
    assert recall(site.memory).frame.base.pages == 0
    assert recall(site.memory).learned.rule is None
    assert titles(site.reads(listing(NAMES[:10]))) == list(NAMES[:10])
    assert site.readings[-1].complete


def test_an_unknown_page_in_place_of_the_listing(site: Site) -> None:
    reading = site.reads(ODD)
    assert (reading.verdict, reading.complete) == ("blocked", False)
    assert reading.why == ("frame-missing", "no-known-entry")


def test_another_list_in_place_of_the_listing(site: Site) -> None:
    """A parked domain: many links, none of what is known, another frame."""
    links = "".join(f'<li class="ad"><a href="/go/{n}">Cheap {word}</a></li>' for n, word in enumerate(NAMES[12:]))
    reading = site.reads(
        f'<html><body><ul class="sponsored">{links}</ul><p>{"Sponsored listings. " * 120}</p></body></html>'
    )
    assert not reading.complete
    assert reading.verdict in ("redesigned", "blocked")


def test_an_error_inside_the_sites_own_frame(site: Site) -> None:
    reading = site.reads(listing([], empty='<div class="alert">Something went wrong. Database error.</div>'))
    assert (reading.verdict, reading.complete) == ("error", False)


@pytest.mark.parametrize(("status", "verdict"), [(404, "error"), (500, "error"), (503, "error"), (302, "error")])
def test_a_status_that_is_no_listing(site: Site, status: int, verdict: str) -> None:
    reading = site.reads(listing(NAMES[1:11]), status=status)
    assert (reading.verdict, reading.complete, reading.why[0]) == (verdict, False, f"http:{status}")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"PK\x03\x04" + b"\x00" * 100, "text/html"),
        (b"\x89PNG\r\n\x1a\n....", ""),
        (b"<html>", "image/png"),
        (b"<html>", "application/zip"),
        (b"\x00" * 5000, "text/html"),
    ],
)
def test_what_is_no_text(site: Site, body: bytes, kind: str) -> None:
    before = site.memory
    reading = site.reads(body, kind=kind)
    assert (reading.verdict, reading.complete) == ("unreadable", False)
    assert site.memory == before


def test_what_would_take_the_parser_for_ever_is_not_parsed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = site.memory
    monkeypatch.setattr("watcher.core.reading.parse", None)
    assert site.reads(listing(NAMES[1:11]) + "<b>" * 51_000).why[0] == "parse-refused"
    assert site.memory == before


def test_what_the_parser_refuses(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(page: Page) -> Document:
        raise SelectolaxError("no more memory")

    before = site.memory
    monkeypatch.setattr("watcher.core.reading.parse", refuse)
    assert site.reads(listing(NAMES[1:11])).why[0] == "parse-refused"
    assert site.memory == before
    assert of(site, listing([]), NAMES[1])[0].verdict == "unreadable"


# ------------------------------------------------------------------------------------------------------- redesigns


def test_a_redesign_is_learned_at_once(site: Site) -> None:
    reading = site.reads(redesign(NAMES[1:11]))
    assert (reading.verdict, reading.complete) == ("listing", True)
    assert reading.why == ("rule-relearned",)
    assert titles(reading) == list(NAMES[1:11])
    after = site.reads(redesign(NAMES[2:12]))
    assert (after.verdict, after.complete, titles(after)) == ("listing", True, list(NAMES[2:12]))


def test_a_redesign_and_a_withdrawal(site: Site) -> None:
    reading = site.reads(redesign([*NAMES[1:5], *NAMES[6:11]]))
    assert reading.complete
    assert titles(reading) == [*NAMES[1:5], *NAMES[6:11]]


def test_a_renamed_class_is_a_redesign(site: Site) -> None:
    reading = site.reads(listing(NAMES[1:11]).replace('class="card"', 'class="leak-item"'))
    assert (reading.verdict, reading.complete) == ("listing", True)
    assert titles(reading) == list(NAMES[1:11])


def test_names_in_running_text_cannot_be_learned(site: Site) -> None:
    reading = site.reads(f"<html><body><p>{'; '.join(NAMES[1:11])}</p></body></html>")
    assert not reading.complete
    assert reading.entries == ()
    assert reading.verdict == "redesigned"


def test_a_redesign_that_is_cut_is_partial(site: Site) -> None:
    page = redesign(NAMES[1:11])
    reading = site.reads(page[: page.index('<div class="bottom')])
    assert (reading.verdict, reading.complete) == ("partial", False)


def test_an_empty_list_of_one_or_two_is_no_other_list() -> None:
    """While the list is too short to be sure of, its end must not make the news the entries."""
    rows = "".join(
        f'<div class="news-row"><b>{head}</b> <i>{2 + n} March</i> {text}</div>'
        for n, (head, text) in enumerate(
            (("New mirror", "Use it."), ("Statement", "We go on."), ("Rules", "Read them."))
        )
    )
    news = f'<div class="news">{rows}</div>'
    site = Site()
    for _ in range(2):
        assert titles(site.reads(listing(NAMES[1:3], extra=news))) == list(NAMES[1:3])
        assert site.readings[-1].provisional
    reading = site.reads(listing([], extra=news))
    assert (reading.verdict, reading.entries) == ("empty", ())
    assert titles(site.reads(listing(NAMES[1:3], extra=news))) == list(NAMES[1:3])


def test_the_roster_outlives_the_memory(site: Site) -> None:
    """A new version of the program forgets what pages taught: the known names teach it again."""
    site.memory = b""
    reading = site.reads(redesign(NAMES[1:11]))
    assert (reading.verdict, reading.complete, titles(reading)) == ("listing", True, list(NAMES[1:11]))
    site.memory = b""
    assert not site.reads(ODD).complete


def test_an_index_of_files() -> None:
    def index(names: Sequence[str]) -> str:
        rows = "".join(f'<a href="{n}/">{n}/</a>   2026-11-0{i + 1} 10:00   -\n' for i, n in enumerate(names))
        return f"<html><head><title>Index of /</title></head><body><h1>Index of /</h1><pre>{rows}</pre></body></html>"

    site = Site()
    folders = ("ostrava-textil", "velmora-logistics", "karvel-sons", "hotel-brunoy", "miradon-foods", "tescovar")
    for some in (folders[:5], folders, folders[1:]):
        reading = site.reads(index(some))
        assert (reading.verdict, reading.complete, len(reading.entries)) == ("listing", True, len(some))
    assert site.reads(index(folders)[:-60]).verdict == "partial"
    assert not site.reads(BAD_GATEWAY).complete


def test_a_side_bar_does_not_stand_for_the_list() -> None:
    def page(names: Sequence[str]) -> str:
        recent = "".join(f'<li class="r">{name}</li>' for name in NAMES[1:11])
        return listing(names, extra=f'<aside class="recent"><ul>{recent}</ul></aside>')

    site = Site(rule=RULE)
    for names in (NAMES[1:11], NAMES[1:12]):
        assert site.reads(page(names)).complete
    reading = site.reads(page([]))
    assert (reading.verdict, reading.complete) == ("empty", False)  # ten of eleven are named: what is gone is the list
    renamed = site.reads(page(NAMES[1:12]).replace('class="card"', 'class="leak-item"'))
    assert (renamed.verdict, renamed.complete, titles(renamed)) == ("listing", True, list(NAMES[1:12]))


def with_the_latest(names: Sequence[str], latest: Sequence[str]) -> str:
    """A listing beside which a side bar names the latest entries, and another the countries."""
    bar = "".join(f'<li><a href="/p/{at}">{name}</a></li>' for at, name in enumerate(latest))
    lands = "".join(f'<li><a href="/c/{at}">{land}</a></li>' for at, land in enumerate(("Italy", "Mexico", "Spain")))
    sides = "".join(f'<div class="widget"><h6>{head}</h6><ul>{rows}</ul></div>' for head, rows in
                    (("Recent posts", bar), ("Categories", lands)))  # fmt: skip
    return listing(names, extra=f'<aside class="sides">{sides}</aside>')


@pytest.mark.parametrize("latest", [NAMES[2:7], NAMES[1:6]], ids=["as before", "one is new there"])
def test_a_side_bar_of_the_latest_does_not_stand_for_the_list(latest: Sequence[str]) -> None:
    site = Site()
    for names in (NAMES[3:12], NAMES[2:12], NAMES[2:13]):
        assert site.reads(with_the_latest(names, NAMES[2:7])).complete
    for _ in range(3):
        reading = site.reads(with_the_latest([], latest))
        assert (titles(reading), reading.verdict == "listing") == ([], False)
    back = site.reads(with_the_latest(NAMES[1:13], NAMES[1:6]))
    assert (back.verdict, back.complete, titles(back)) == ("listing", True, list(NAMES[1:13]))


def test_a_redesign_beside_such_a_side_bar_is_learned_at_once() -> None:
    site = Site()
    for names in (NAMES[3:12], NAMES[2:12], NAMES[2:13]):
        assert site.reads(with_the_latest(names, NAMES[2:7])).complete
    reading = site.reads(with_the_latest(NAMES[2:13], NAMES[2:7]).replace('class="card"', 'class="leak-item"'))
    assert (reading.verdict, reading.why, titles(reading)) == ("listing", ("rule-relearned",), list(NAMES[2:13]))


def test_what_was_no_redesign_is_taken_back() -> None:
    """The rule of before reads what the one learned since does not: the site looks as it did, and what was taken for
    its list tells of others, too."""
    site = Site()
    for names in (NAMES[:10], NAMES[:11], NAMES[1:11]):
        assert site.reads(listing(names)).complete
    before = site.readings[-1].rule
    most_viewed = (*NAMES[1:7], "Orvane Partners", "Sulmedia Hosting", "Kadriel Press")
    rows = "".join(f'<tr class="row"><td class="n">{name}</td><td>{len(name)} GB</td></tr>' for name in most_viewed)
    table = f'<table class="top"><tbody>{rows}</tbody></table>'
    assert titles(site.reads(listing([], extra=table))) == list(most_viewed)
    back = site.reads(listing(NAMES[1:11], extra=table))
    assert (titles(back), back.rule) == (list(NAMES[1:11]), before)
    assert titles(site.reads(listing(NAMES[2:12], extra=table))) == list(NAMES[2:12])


@pytest.mark.parametrize("before", [(NAMES[:9], NAMES[1:11]), (NAMES[:9], NAMES[:10], NAMES[1:11])], ids=len)
def test_titles_are_read_where_they_were_while_other_texts_change_more(before: Sequence[Sequence[str]]) -> None:
    """Addresses behave as names do, and better where a name only gets a status; yet nobody was renamed."""

    def page(names: Sequence[str], sold: Sequence[str] = ()) -> str:
        cards = "".join(
            f'<div class="box"><h3><b>{name}{" (SOLD)" if name in sold else ""}</b></h3>'
            f"<h5>{'www.' if name in sold else ''}{name.split()[0].lower()}.com, <span>2026-02-1{at % 9}</span></h5>"
            f"<p>All {len(name) * 7} GB of their files will be published soon.</p></div>"
            for at, name in enumerate(names)
        )
        return listing([], empty=f'<div class="boxes">{cards}</div>')

    site = Site()
    for names in before:
        site.reads(page(names))
    for sold in (NAMES[3:4], NAMES[3:5], NAMES[3:6]):
        reading = site.reads(page(NAMES[1:11], sold))
        shown = [title.removesuffix(" (SOLD)") for title in titles(reading)]
        assert (shown, reading.complete) == (list(NAMES[1:11]), True)


# ---------------------------------------------------------------------------------------------------- other kinds


def api(names: Sequence[str]) -> str:
    items = [{"id": number, "company": name, "views": number * 7} for number, name in enumerate(names, 1)]
    return msgspec.json.encode({"ok": True, "data": {"total": len(names), "items": items}}).decode()


def feed(names: Sequence[str]) -> str:
    items = "".join(
        f"<item><title>{n.replace('&', '&amp;')}</title><link>http://v.onion/{i}</link></item>"
        for i, n in enumerate(names)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Velm</title>{items}</channel></rss>'


@pytest.mark.parametrize(("page", "kind"), [(api, "application/json"), (feed, "application/rss+xml")])
def test_answers_and_feeds(page: Callable[[Sequence[str]], str], kind: str) -> None:
    site = Site()
    for names in (NAMES[:10], NAMES[:11], NAMES[1:12]):
        assert site.reads(page(names), kind=kind).complete
        assert titles(site.readings[-1]) == list(names)
    whole = page(NAMES[1:12])
    assert site.reads(whole[: len(whole) * 55 // 100], kind=kind).verdict == "partial"
    assert site.reads(page([]), kind=kind).verdict == "empty"
    assert site.reads(QUEUE).verdict == "blocked"
    assert not site.reads('{"error": "Unauthorized"}', kind="application/json").complete
    assert site.reads(whole, kind=kind).complete
    moved = site.reads(listing(NAMES[1:12]))
    assert (moved.complete, titles(moved)) == (True, list(NAMES[1:12]))


# ---------------------------------------------------------------------------------------------------- later pages


@pytest.mark.parametrize("rule", [None, RULE])
def test_a_listing_of_several_pages(rule: Rule | None) -> None:
    """Later pages are read by the rule of the first, teach no titles, and are not held to its number of rows."""
    memory: bytes = b""
    names = [f"{NAMES[n % 16]} {n}" for n in range(60)]
    for visit in range(4):
        shown = names[visit : visit + 47]
        for number in (1, 2, 3):
            rows = shown[(number - 1) * 20 : number * 20]
            page = Page(body=listing(rows, total=len(rows[:20])).encode(), url="http://velm.onion/", status=200)
            reading, memory = read_page(page, memory, shown, Hints(rule=rule, number=number))
            assert (reading.verdict, reading.complete, titles(reading)) == ("listing", True, rows), (visit, number)
    assert recall(memory).frame.rows == 20
    learned = recall(memory).learned
    for status, markup in ((200, redesign(names[23:40])), (502, BAD_GATEWAY), (200, QUEUE)):
        page = Page(body=markup.encode(), url="http://velm.onion/?page=2", status=status)
        reading, after = read_page(page, memory, names[3:50], Hints(rule=rule, number=2))
        assert (reading.complete, reading.entries) == (False, ())
        assert recall(after).learned == learned


# ---------------------------------------------------------------------------------------------------------- memory


def test_memory_is_bounded_and_settles() -> None:
    site = Site()
    sizes = set()
    for number in range(60):
        site.reads(listing([f"{NAMES[n % 16]} {n}" for n in range(number, number + 300)]))
        sizes.add(len(site.memory))
    assert max(sizes) < 60_000
    same = listing([f"{NAMES[n % 16]} {n}" for n in range(59, 359)])
    before = site.memory
    site.reads(same)
    assert site.memory == before


@pytest.mark.parametrize("memory", [b"{", b"[]", b'{"version": 99}', b"\xff\xfe", b"null"])
def test_a_damaged_memory_is_a_new_one(memory: bytes) -> None:
    site = Site(rule=RULE, memory=memory)
    assert site.reads(listing(NAMES[:10])).complete
    assert recall(site.memory).frame.base.pages == 1


def test_the_same_page_says_the_same(site: Site) -> None:
    page = Page(body=listing(NAMES[1:11]).encode(), url="http://velm.onion/", status=200)
    assert read_page(page, site.memory, site.known, Hints()) == read_page(page, site.memory, site.known, Hints())


def test_another_rule_forgets_numbers_of_rows() -> None:
    site = counted(RULE, (10, 11, 12))
    site.rule = replace(RULE, skip=(NAMES[0],))
    reading = site.reads(listing(NAMES[:12], total=12))
    assert (reading.complete, titles(reading)) == (True, list(NAMES[1:12]))


# ------------------------------------------------------------------------------------------------------ own pages


def detail(main: str, *, title: str = "Velm blog") -> str:
    return listing([]).replace('<div class="cards"></div>', f"<article>{main}</article>").replace("Velm blog", title)


def of(site: Site, markup: str, title: str, *, status: int = 200, cut: str = "") -> tuple[Reading, str]:
    page = Page(body=markup.encode(), url="http://velm.onion/p/x", status=status, cut=cut)
    reading = read_detail(page, site.memory, title)
    return reading, probe_answer(reading, status)


@pytest.mark.parametrize(
    "title",
    [
        NAMES[1],
        NAMES[1].upper(),
        f"{NAMES[1]} (SOLD)",
        "Vel**** Logistics GmbH",
        "V?????a L?????????s GmbH",
        "Velmora Logist...",
    ],
)
def test_an_own_page_shows_its_title(site: Site, title: str) -> None:
    reading, answer = of(site, detail(f"<h1>{NAMES[1]}</h1><p>Files, not found by their owner. Error 404.</p>"), title)
    assert (reading.verdict, reading.complete, answer) == ("detail", True, "alive")


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("markup", ["", "<h1>404 Not Found</h1><hr>nginx", "gone"])
def test_an_own_page_is_gone(site: Site, status: int, markup: str) -> None:
    reading, answer = of(site, markup, NAMES[1], status=status)
    assert (reading.verdict, answer) == ("error", "gone")
    assert reading.why == (f"http:{status}",)


@pytest.mark.parametrize(
    "main", ["<h1>Page not found</h1>", "<h2>404</h2><p>Nothing at this address</p>", "<p>Запись не найдена</p>"]
)
def test_the_site_says_in_its_own_frame_that_there_is_no_such_page(site: Site, main: str) -> None:
    reading, answer = of(site, detail(main), NAMES[1])
    assert reading.verdict == "error"
    assert {"soft-gone", "site-frame"} <= set(reading.why)
    assert answer == "gone"


def test_somebody_else_says_that_there_is_no_such_page(site: Site) -> None:
    reading, answer = of(site, "<html><body><h1>Not found</h1><p>hosting</p></body></html>", NAMES[1])
    assert reading.verdict == "error"
    assert answer == "unknown"


def test_a_side_bar_names_what_the_page_says_is_gone(site: Site) -> None:
    reading, answer = of(site, detail(f"<h1>Page not found</h1><ul><li>{NAMES[1]}</li></ul>"), NAMES[1])
    assert (reading.verdict, answer) == ("error", "gone")


@pytest.mark.parametrize(("markup", "verdict"), [one for one in OBSTACLES if one[0].strip()])
def test_an_obstacle_says_nothing_of_an_own_page(site: Site, markup: str, verdict: str) -> None:
    reading, answer = of(site, markup, NAMES[1])
    assert answer == "unknown"
    assert reading.verdict in (verdict, "unreadable")
    assert of(site, markup, NAMES[1], status=503)[1] == "unknown"


def test_a_queue_with_status_404_is_a_queue(site: Site) -> None:
    reading, answer = of(site, QUEUE, NAMES[1], status=404)
    assert (reading.verdict, answer) == ("blocked", "unknown")


@pytest.mark.parametrize("status", [500, 502, 503, 403, 302])
def test_a_failing_site_says_nothing(site: Site, status: int) -> None:
    assert of(site, "", NAMES[1], status=status)[1] == "unknown"


def test_an_own_page_that_is_cut_says_nothing(site: Site) -> None:
    whole = detail(f"<h1>{NAMES[1]}</h1>")
    assert of(site, whole, NAMES[1], cut="length")[1] == "unknown"
    assert of(site, whole[: whole.index("<section") + 5], NAMES[2])[0].verdict == "partial"


def test_the_listing_in_place_of_an_own_page_says_nothing(site: Site) -> None:
    reading, answer = of(site, listing(NAMES[2:11]), NAMES[1])
    assert (reading.verdict, reading.why, answer) == ("unreadable", ("title-absent",), "unknown")


def test_an_own_page_that_is_no_text(site: Site) -> None:
    page = Page(body=b"%PDF-1.7", url="http://velm.onion/p/x", status=200, content_type="application/pdf")
    reading = read_detail(page, site.memory, NAMES[1])
    assert (reading.verdict, probe_answer(reading, 200)) == ("unreadable", "unknown")


def test_a_miss_says_nothing() -> None:
    assert probe_answer(Reading(verdict="unreadable"), None) == "unknown"


# -------------------------------------------------------------------------------------------------- anything at all


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_served_gets_a_verdict(site: Site, data: st.DataObject) -> None:
    """A good page with pieces taken out, doubled or overwritten, or mere bytes: a verdict, and never an exception."""
    body = listing(NAMES[1:11]).encode()
    if data.draw(st.booleans()):
        body = data.draw(st.binary(max_size=400))
    for _ in range(data.draw(st.integers(0, 4))):
        at, to = sorted((data.draw(st.integers(0, len(body))), data.draw(st.integers(0, len(body)))))
        body = (
            body[:at] + data.draw(st.sampled_from([b"", body[at:to] * 2, b"<", b"\x00", b"</div>", b"{["])) + body[to:]
        )
    page = Page(body=body, url="http://velm.onion/", status=data.draw(st.sampled_from([200, 404])), content_type="")
    reading, memory = read_page(page, site.memory, site.known, Hints(rule=site.rule))
    assert reading.verdict in PAGE_VERDICTS - {"detail"}
    assert not reading.complete or reading.verdict in ("listing", "empty")
    assert reading.complete or reading.why
    assert recall(memory).version == 1
    assert read_detail(page, memory, NAMES[1]).verdict in PAGE_VERDICTS


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 0.999))
def test_no_part_of_a_page_is_the_whole(site: Site, share: float) -> None:
    whole = listing(NAMES[1:11], total=10)
    part = whole[: int(len(whole) * share)]
    assert not replace(site, readings=[]).reads(part).complete
