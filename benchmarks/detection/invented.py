# ruff: noqa: E501, SIM905, ARG001 - markup reads better in one piece; every noise has one signature
"""Leak sites that never were: random designs, random noise, entries that come and go, and the truth about them.

Nothing here was written with an eye on how entries are found: a design is drawn from what markup allows, not from what
can be read. Names are made of invented syllables.
"""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field

_SYLLABLES = (
    "al bra cor del esk fir gal hem ivo jar kel lor mun nev oss pri quor ral sed tor ulm var wex yor zan".split()
)
_KINDS = ["Ltd", "Inc", "GmbH", "S.p.A.", "SAS", "& Sons", "Group", "Logistics", "Clinic", "School District", "Energy",
          "Law Firm", "Steel", "Dental", "Foods", "Insurance Brokers", "Corp.", ""]  # fmt: skip
_COUNTRIES = "Spain Italy France Germany Japan Mexico Canada Brazil Sweden Thailand USA UK".split()
_SECTORS = ["Healthcare", "Energy", "Retail", "Education", "Finance", "Transport", "Construction", "Legal"]
_STATUSES = ["Published", "Waiting", "Negotiation", "Coming soon"]
_SENTENCES = [
    "The network was visited and everything of worth was copied.", "Contracts, passports and mail were taken.",
    "The management did not want to talk.", "All of it will be given away when time runs out.",
    "Clients should ask them why.", "They had two weeks to write to us.", "Backups were removed as well.",
    "There are drawings, invoices and personal files.", "It was easy.", "More will follow.",
]  # fmt: skip
_RECORD_NAMES = "card item post entry company victim leak block tile row record case target box".split()
_LIST_NAMES = "list grid items cards posts wrapper feed board container content results leaks".split()
_TITLE_NAMES = "title name company heading header caption victim-name card-title item-title".split()
_TEXT_NAMES = "text desc description body excerpt content summary info".split()
_TAILWIND = "flex p-4 rounded-lg mb-2 text-sm w-full bg-gray-800 border mt-4 font-bold space-y-2 gap-4 shadow".split()


@dataclass
class Victim:
    """One entry, as it truly is."""

    name: str
    domain: str
    text: str
    date: str
    size: str
    status: str
    country: str
    sector: str
    slug: str
    number: int
    views: int
    shown: str = ""
    """What the site calls it."""


@dataclass
class Version:
    """One page of a site, and what is on it."""

    body: str
    titles: list[str]
    template: int
    kind: str = "ok"


@dataclass
class InventedSite:
    """A site and its pages in time order."""

    name: str
    style: str
    versions: list[Version] = field(default_factory=list)


def site(seed: int) -> InventedSite:
    """The site of a seed: eleven good pages, a redesign before the ninth."""
    draw = random.Random(seed)
    victims = [victim(draw) for _ in range(draw.choice([1, 2, 3, 5, 8, 8, 12, 20, 40, 90]))]
    names = sorted(DESIGNS)
    style = names[seed % len(names)]
    first = Design(draw, style)
    others = [other for other in names if other != "slug"] if style != "slug" else ["slug"]
    second = Design(draw, draw.choice(others))
    second.by_domain = first.by_domain
    made = InventedSite(name=f"invented-{seed}", style=f"{style}→{second.style}")
    gone: list[Victim] = []
    for number in range(11):
        if number >= 2:
            for _ in range(draw.choice([1, 1, 2, 3]) if number == 2 else draw.choice([0, 0, 1, 1, 2])):
                victims.insert(0 if draw.random() < 0.8 else len(victims), victim(draw))
            if number > 2 and len(victims) > 2 and draw.random() < 0.5:
                gone.append(victims.pop(draw.randrange(len(victims))))
            for one in victims:
                one.views += draw.randrange(50)
                if draw.random() < 0.05:
                    one.status = draw.choice(_STATUSES)
            if number == 5:
                draw.shuffle(victims)
        design = second if number >= 8 else first
        made.versions.append(
            Version(design.page(victims, number), [design.shown(one) for one in victims], 1 + (number >= 8))
        )
    return made


def victim(draw: random.Random) -> Victim:
    """An invented company."""
    word = "".join(draw.choice(_SYLLABLES) for _ in range(draw.choice([2, 2, 3]))).capitalize()
    kind = draw.choice(_KINDS)
    name = (
        f"{word} {kind}".strip() if draw.random() < 0.85 else f"{draw.choice(['Hospital', 'Groupe', 'Studio'])} {word}"
    )
    if draw.random() < 0.06:
        name = name[:2] + "*" * (len(name) - 2)
    return Victim(
        name=name,
        domain=f"{word.lower()}{draw.choice(['', '-group', 'tech'])}.{draw.choice(['com', 'de', 'co.uk', 'org', 'it'])}",
        text=" ".join(draw.sample(_SENTENCES, draw.choice([1, 1, 2, 3]))),
        date=f"2026-{draw.randrange(1, 13):02}-{draw.randrange(1, 29):02}",
        size=f"{draw.randrange(1, 999)} {draw.choice(['GB', 'MB', 'TB'])}",
        status=draw.choice(_STATUSES),
        country=draw.choice(_COUNTRIES),
        sector=draw.choice(_SECTORS),
        slug=f"{word.lower()}-{draw.randrange(16**4):04x}",
        number=draw.randrange(1000, 9999),
        views=draw.randrange(9000),
    )


class Design:
    """How one site writes its page."""

    def __init__(self, draw: random.Random, style: str) -> None:
        self.draw = random.Random(draw.random())
        self.style = style
        self.naming = self.draw.choice(["plain", "plain", "bootstrap", "tailwind", "hashed", "module", "none"])
        self.by_domain = self.draw.random() < 0.2
        self.record_name = self.draw.choice(_RECORD_NAMES)
        self.list_name = self.draw.choice(_LIST_NAMES)
        self.title_name = self.draw.choice(_TITLE_NAMES)
        self.text_name = self.draw.choice(_TEXT_NAMES)
        self.title_tag = self.draw.choice(["h2", "h3", "h4", "h5", "div", "span", "a", "strong", "p"])
        self.record_tag = self.draw.choice(["div", "div", "article", "section", "li", "a"])
        self.depth = self.draw.choice([0, 0, 1, 2])
        self.parts = self.draw.sample(
            ["text", "date", "size", "status", "country", "views", "button", "site", "image"],
            self.draw.choice([1, 2, 3, 5]),
        )
        self.linked = self.draw.random() < 0.7
        unnamed = (
            {"recent", "top", "slider"} if style == "slug" else set()
        )  # where names are shown, they are the titles
        self.noise = self.draw.sample(sorted(NOISE.keys() - unnamed), self.draw.choice([2, 4, 6, 8]))
        self.before = self.draw.random() < 0.5
        self.salt = self.draw.randrange(1 << 30)
        self.build = 0
        """Names with hashes in them change with every build of the site."""

    def shown(self, one: Victim) -> str:
        """The title as the page shows it."""
        if self.style == "slug":
            return one.slug
        return one.domain if self.by_domain else one.name

    def cls(self, name: str, extra: str = "") -> str:
        """A class attribute for what is called ``name``."""
        if self.naming == "none":
            return ""
        if self.naming == "bootstrap":
            name = {"record": "card", "title": "card-title", "text": "card-text", "list": "row"}.get(name, name)
        elif self.naming == "tailwind":
            name = " ".join(random.Random(f"{name}{self.salt}").sample(_TAILWIND, 4))
        elif self.naming == "hashed":
            name = f"css-{random.Random(f'{name}{self.salt}{self.build}').randrange(16**6):06x}"
        elif self.naming == "module":
            name = f"_{self.word(name)}_{random.Random(f'{name}{self.salt}{self.build}').randrange(36**4):05x}_1"
        else:
            name = self.word(name)
        return f' class="{name}{" " + extra if extra else ""}"'

    def word(self, name: str) -> str:
        return {
            "record": self.record_name,
            "title": self.title_name,
            "text": self.text_name,
            "list": self.list_name,
        }.get(name, name)

    def page(self, victims: list[Victim], number: int) -> str:
        """The page in its present state."""
        draw = random.Random(f"{self.salt}{number}")
        self.build = number // 3
        main = DESIGNS[self.style](self, victims)
        for one in victims:
            one.shown = self.shown(one)
        if self.style in {"json", "feed"}:
            return main
        blocks = [NOISE[name](Moment(draw, number, victims, self.salt)) for name in self.noise]
        half = len(blocks) // 2
        head = f"<html><head><title>{self.salt % 9973} blog</title><meta charset=utf-8></head><body>"
        wrap = draw.choice(["main", "div"]) if False else "main"
        middle = f'<{wrap} class="container">{main}</{wrap}>'
        order = [*blocks[:half], middle, *blocks[half:]]
        return head + "".join(order) + f"<!-- {draw.random()} --></body></html>"

    def title(self, one: Victim) -> str:
        """The title in its element."""
        shown = html.escape(self.shown(one))
        if self.title_tag == "a":
            return f'<a href="/view/{one.slug}"{self.cls("title")}>{shown}</a>'
        if self.linked and self.record_tag != "a" and self.draw_fixed("inlink") < 0.4:
            return f'<{self.title_tag}{self.cls("title")}><a href="/view/{one.slug}">{shown}</a></{self.title_tag}>'
        return f"<{self.title_tag}{self.cls('title')}>{shown}</{self.title_tag}>"

    def draw_fixed(self, what: str) -> float:
        return random.Random(f"{what}{self.salt}").random()

    def rest(self, one: Victim) -> str:
        """The other parts of a record."""
        made = {
            "text": f"<p{self.cls('text')}>{html.escape(one.text)}</p>",
            "date": f"<span{self.cls('date')}>{one.date}</span>",
            "size": f"<div{self.cls('size')}>{'Size: ' if self.draw_fixed('size') < 0.5 else ''}{one.size}</div>",
            "status": f"<span{self.cls('status', one.status.lower().split()[0])}>{one.status}</span>",
            "country": f"<small>{one.country}</small>",
            "views": f"<i>{one.views} views</i>",
            "button": f'<a{self.cls("btn")} href="/view/{one.slug}">{"Read more" if self.record_tag != "a" else ""}</a>' if self.record_tag != "a" else "<b>Open</b>",
            "site": f'<a href="https://{one.domain}">{one.domain}</a>' if self.record_tag != "a" else f"<u>{one.domain}</u>",
            "image": f'<img src="/img/{one.number}.png">',
        }  # fmt: skip
        return "".join(made[part] for part in self.parts)

    def record(self, one: Victim, inner: str) -> str:
        for level in range(self.depth):
            inner = f"<div{self.cls(f'inner{level}')}>{inner}</div>"
        link = f' href="/view/{one.slug}"' if self.record_tag == "a" else ""
        extra = one.status.split()[0].lower() if self.draw_fixed("state") < 0.3 else ""
        return f"<{self.record_tag}{self.cls('record', extra)}{link}>{inner}</{self.record_tag}>"


def _cards(design: Design, victims: list[Victim]) -> str:
    records = []
    for one in victims:
        title, rest = design.title(one), design.rest(one)
        records.append(design.record(one, rest + title if design.draw_fixed("order") < 0.15 else title + rest))
    return f"<div{design.cls('list')}>{''.join(records)}</div>"


def _columns(design: Design, victims: list[Victim]) -> str:
    cells = [
        f"<div{design.cls('col')}>{design.record(one, design.title(one) + design.rest(one))}</div>" for one in victims
    ]
    rows = [f"<div{design.cls('rowline')}>{''.join(cells[at : at + 3])}</div>" for at in range(0, len(cells), 3)]
    return "".join(rows)


def _sections(design: Design, victims: list[Victim]) -> str:
    parts = []
    for status in _STATUSES:
        records = "".join(
            design.record(one, design.title(one) + design.rest(one)) for one in victims if one.status == status
        )
        parts.append(
            f'<div class="tab {status.split()[0].lower()}" id="{status.split()[0]}"><h2>{status}</h2>{records}</div>'
        )
    return "".join(parts)


def _table(design: Design, victims: list[Victim]) -> str:
    head = (
        "<tr><th>#</th><th>Company</th><th>Country</th><th>Date</th><th>Size</th></tr>"
        if design.draw_fixed("head") < 0.7
        else ""
    )
    rows = "".join(
        f"<tr><td>{one.number}</td><td>{html.escape(design.shown(one))}</td><td>{one.country}</td><td>{one.date}</td><td>{one.size}</td></tr>"
        for one in victims
    )
    return f"<table{design.cls('list')}>{head}{rows}</table>"


def _links(design: Design, victims: list[Victim]) -> str:
    return (
        "<ul>"
        + "".join(f'<li><a href="/view/{one.slug}">{html.escape(design.shown(one))}</a></li>' for one in victims)
        + "</ul>"
    )


def _lines(design: Design, victims: list[Victim]) -> str:
    return (
        "<div>"
        + "".join(f'<a href="/view/{one.slug}">{html.escape(design.shown(one))}</a><br>' for one in victims)
        + "</div>"
    )


def _menu(design: Design, victims: list[Victim]) -> str:
    items = [
        ("/", "HOME"),
        ("/how", "HOW TO DOWNLOAD?"),
        *((f"/{one.slug}", design.shown(one)) for one in victims),
        ("/archive", "ARCHIVE"),
    ]
    return (
        '<header><nav><ul class="menu">'
        + "".join(
            f'<li class="menu-item"><a href="{link}"><span>{html.escape(text)}</span></a></li>' for link, text in items
        )
        + "</ul></nav></header><h1>Welcome to us</h1><p>Dear companies, write to us.</p>"
    )


def _labelled(design: Design, victims: list[Victim]) -> str:
    def one_record(one: Victim) -> str:
        pairs = [
            ("Company", design.shown(one)),
            ("Country", one.country),
            ("Industry", one.sector),
            ("Volume", one.size),
        ]
        if design.draw_fixed("dl") < 0.5:
            return design.record(
                one, "<dl>" + "".join(f"<dt>{k}</dt><dd>{html.escape(v)}</dd>" for k, v in pairs) + "</dl>"
            )
        return design.record(
            one, "".join(f"<div class=kv><span>{k}</span><span>{html.escape(v)}</span></div>" for k, v in pairs)
        )

    return f"<div{design.cls('list')}>{''.join(map(one_record, victims))}</div>"


def _inline_labels(design: Design, victims: list[Victim]) -> str:
    records = [
        design.record(
            one,
            f"<p>Name: {html.escape(design.shown(one))}<br>Country: {one.country}<br>Size: {one.size}</p><p>{one.text}</p>",
        )
        for one in victims
    ]
    return f"<div{design.cls('list')}>{''.join(records)}</div>"


def _flat(design: Design, victims: list[Victim]) -> str:
    tag = design.draw.choice(["h2", "h3", "h4"]) if False else ["h2", "h3", "h4"][design.salt % 3]
    return (
        "<section>"
        + "".join(
            f"<{tag}>{html.escape(design.shown(one))}</{tag}><p>{one.text}</p><p>{one.country}</p><hr>"
            for one in victims
        )
        + "</section>"
    )


def _tables(design: Design, victims: list[Victim]) -> str:
    return "".join(
        f"<table border=1><tr><td colspan=2><b>{html.escape(design.shown(one))}</b></td></tr><tr><td>Country</td><td>{one.country}</td></tr><tr><td>Data</td><td>{one.size}</td></tr></table><br>"
        for one in victims
    )


def _own_text(design: Design, victims: list[Victim]) -> str:
    cells = [
        f"<th class=News onclick=\"viewtopic('{one.slug}')\">{html.escape(design.shown(one))}<div>{one.country}</div><div>{one.domain}</div><div>views: {one.views}</div></th>"
        for one in victims
    ]
    rows = "".join(f"<tr>{''.join(cells[at : at + 2])}</tr>" for at in range(0, len(cells), 2))
    return f"<table>{rows}</table>"


def _pictures(design: Design, victims: list[Victim]) -> str:
    return (
        f"<div{design.cls('list')}>"
        + "".join(
            f'<div{design.cls("record")}><a href="/view/{one.number}"><img src="/logo/{one.number}.png" alt="{html.escape(design.shown(one))}"></a><p>{one.text}</p></div>'
            for one in victims
        )
        + "</div>"
    )


def _slug(design: Design, victims: list[Victim]) -> str:
    return (
        f"<div{design.cls('list')}>"
        + "".join(
            f'<div{design.cls("record")}><a href="/company/{one.slug}"><img src="/logo/{one.number}.png"></a><p>{one.text}</p></div>'
            for one in victims
        )
        + "</div>"
    )


def _beside(design: Design, victims: list[Victim]) -> str:
    mark = [" | {}", " - {} ", " ({}) "][design.salt % 2].format
    return (
        "<div>"
        + "".join(
            f"<div{design.cls('record')}><h3>{html.escape(design.shown(one))}{mark(one.country)}</h3><p>{one.text}</p></div>"
            for one in victims
        )
        + "</div>"
    )


def _dated(design: Design, victims: list[Victim]) -> str:
    days: dict[str, list[Victim]] = {}
    for one in victims:
        days.setdefault(one.date[:7], []).append(one)
    return "".join(
        f"<div class=day><h4>{day}</h4><ul>"
        + "".join(
            f'<li><a href="/view/{one.slug}">{html.escape(design.shown(one))}</a> <em>{one.size}</em></li>'
            for one in ones
        )
        + "</ul></div>"
        for day, ones in days.items()
    )


def _script(design: Design, victims: list[Victim]) -> str:
    rows = ",\n".join(
        f'{{id: {one.number}, name: "{design.shown(one)}", text: "{one.text}", "country": \'{one.country}\', size: "{one.size}",}}'
        for one in victims
    )
    return f"<div id=app></div><script>let config = {{debug: false}};\nconst leaks = [{rows}];\nrender(leaks);</script>"


def _json(design: Design, victims: list[Victim]) -> str:
    rows = [
        {
            "id": one.number,
            "attributes": {"company": design.shown(one), "about": one.text},
            "size": one.size,
            "published": one.date,
        }
        for one in victims
    ]
    return json.dumps(
        {
            "meta": {"count": len(rows)},
            "links": [{"title": "Mirror one", "url": "/m1"}, {"title": "Mirror two", "url": "/m2"}],
            "data": rows,
        }
    )


def _feed(design: Design, victims: list[Victim]) -> str:
    items = "".join(
        f"<item><title>{html.escape(design.shown(one))}</title><link>http://feed.example/{one.slug}</link><description>{one.text}</description></item>"
        for one in victims
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>'


DESIGNS: dict[str, Callable[[Design, list[Victim]], str]] = {
    "cards": _cards, "cards2": _cards, "cards3": _cards, "columns": _columns, "sections": _sections, "table": _table,
    "links": _links, "lines": _lines, "menu": _menu, "labelled": _labelled, "inline": _inline_labels, "flat": _flat,
    "tables": _tables, "owntext": _own_text, "pictures": _pictures, "slug": _slug, "beside": _beside, "dated": _dated,
    "script": _script, "json": _json, "feed": _feed,
}  # fmt: skip


# --------------------------------------------------------------------------------------------------------- noise


@dataclass
class Moment:
    """What a page knows of itself besides its entries' design."""

    draw: random.Random
    number: int
    victims: list[Victim]
    salt: int


_SERVICES = [
    "Penetration testing",
    "DDoS protection",
    "Data recovery",
    "Corporate audit",
    "Consulting",
    "Negotiation help",
]
_PAPERS = ["Daily Lantern", "The Harbour Post", "Byte Weekly", "Evening Gazette", "Nordic Ledger"]


def _nav(now: Moment) -> str:
    words = random.Random(now.salt).sample(
        ["Home", "News", "FAQ", "Contact", "About us", "Mirrors", "Rules", "Login", "Press", "Terms"], 5
    )
    return (
        "<nav class=navbar><ul>"
        + "".join(f'<li><a href="/{w.lower().replace(" ", "-")}">{w}</a></li>' for w in words)
        + "</ul></nav>"
    )


def _services(now: Moment) -> str:
    cards = "".join(
        f'<div class="card"><h3>{name}</h3><p>We offer it at a fair price to everyone.</p><a href="/s/{at}">More</a></div>'
        for at, name in enumerate(_SERVICES)
    )
    return f"<section class=services><h2>Our services</h2><div class=grid>{cards}</div></section>"


def _papers(now: Moment) -> str:
    return (
        "<section class=press><h3>They write about us</h3>"
        + "".join(
            f'<article><h4><a href="https://paper{at}.example/x">{name}</a></h4><p>A gang said that it took data.</p></article>'
            for at, name in enumerate(_PAPERS)
        )
        + "</section>"
    )


def _recent(now: Moment) -> str:
    return (
        "<aside class=sidebar><h5>Recent</h5><ul>"
        + "".join(f'<li><a href="/view/{one.slug}">{html.escape(one.shown)}</a></li>' for one in now.victims[:5])
        + "</ul></aside>"
    )


def _top(now: Moment) -> str:
    best = sorted(now.victims, key=lambda one: -one.views)[:4]
    return (
        "<div class=top><b>Most viewed</b>"
        + "".join(f"<div class=top-row><span>{html.escape(one.shown)}</span><i>{one.views}</i></div>" for one in best)
        + "</div>"
    )


def _news(now: Moment) -> str:
    heads = ["New tool", "Affiliate program", "Statement", "New mirrors", "About the arrest", "Happy new year"]
    start = max(0, 3 - now.number // 3)
    return (
        "<div class=news>"
        + "".join(
            f"<div class=news-row><span>0{at}.03.2026</span><b>{head}</b> Something was said about it by the team.</div>"
            for at, head in enumerate(heads[start : start + 3])
        )
        + "</div>"
    )


def _stats(now: Moment) -> str:
    return f"<div class=stats><div><b>{len(now.victims)}</b><small>companies</small></div><div><b>{now.draw.randrange(900)} TB</b><small>leaked</small></div></div>"


def _files(now: Moment) -> str:
    return (
        "<table class=files><tr><th>File</th><th>Size</th></tr>"
        + "".join(f'<tr><td><a href="/dl/part{at}.7z">part{at}.7z</a></td><td>{at + 1} GB</td></tr>' for at in range(9))
        + "</table>"
    )


def _tags(now: Moment) -> str:
    return (
        "<div class=tagcloud>" + "".join(f'<a href="/tag/{name.lower()}">{name}</a> ' for name in _SECTORS) + "</div>"
    )


def _months(now: Moment) -> str:
    return (
        "<div class=widget><h6>Archives</h6><ul>"
        + "".join(
            f'<li><a href="/2026/{at:02}">{name} 2026</a> ({now.draw.randrange(20)})</li>'
            for at, name in enumerate(["March", "February", "January"], 1)
        )
        + "</ul></div>"
    )


def _mirrors(now: Moment) -> str:
    return (
        "<div class=mirrors>"
        + "".join(
            f"<code>{''.join(random.Random(now.salt + at).choices('abcdefghijklmnopqrstuvwxyz234567', k=56))}.onion</code>"
            for at in range(4)
        )
        + "</div>"
    )


def _contacts(now: Moment) -> str:
    return (
        "<div class=contacts><div><h5>TOX</h5><p>"
        + "A3" * 38
        + "</p></div><div><h5>Jabber</h5><p>team@exploit.example</p></div></div>"
    )


def _faq(now: Moment) -> str:
    return "<div id=faq><h4>Who are you?</h4><p>Nobody you know.</p><h4>How can I pay?</h4><p>Write to us.</p></div>"


def _adverts(now: Moment) -> str:
    return (
        "<div class=ads>"
        + "".join(
            f'<a href="/ad/{now.draw.randrange(999)}"><b>{now.draw.choice(_SYLLABLES).capitalize()} {now.draw.choice(["Exchange", "Hosting", "Market", "Casino"])}</b><span>Best rates</span></a>'
            for _ in range(3)
        )
        + "</div>"
    )


def _team(now: Moment) -> str:
    return (
        "<section class=team>"
        + "".join(
            f"<div class=member><strong>{name}</strong><p>Does the {work}.</p></div>"
            for name, work in [("Grey Wolf", "talking"), ("Iron Hand", "coding"), ("Old Fox", "counting")]
        )
        + "</section>"
    )


def _slider(now: Moment) -> str:
    return (
        '<div class="slider">'
        + "".join(
            f'<div class="slide"><h2>{html.escape(one.shown)}</h2></div>'
            for one in now.draw.sample(now.victims, min(3, len(now.victims)))
        )
        + "</div>"
    )


NOISE: dict[str, Callable[[Moment], str]] = {
    "nav": _nav, "services": _services, "papers": _papers, "recent": _recent, "top": _top, "news": _news, "stats": _stats,
    "files": _files, "tags": _tags, "months": _months, "mirrors": _mirrors, "contacts": _contacts, "faq": _faq,
    "adverts": _adverts, "team": _team, "slider": _slider,
}  # fmt: skip
