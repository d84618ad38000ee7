# ruff: noqa: E501 - markup reads better in one piece
"""Page structures that leak sites use, as far as what is public tells: what a list of entries may be written as.

A layout writes rows as one page or several. Most are a record's markup with places for what it says; the others are
functions. Names of classes are what such pages call them, or hashes; no layout was written with an eye on how entries
are found. ``LAYOUTS`` names them all.
"""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from urllib.parse import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry with all that a page could say of it."""

    title: str
    text: str
    status: str
    date: str
    number: int
    """Stays the same as long as the entry lives."""
    country: str
    sector: str
    size: str

    @property
    def path(self) -> str:
        return f"/post/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a page is written from: the rows, and what else changes from load to load."""

    rows: Sequence[Row]
    salt: int
    """Of the site: what it chose once."""
    tick: int
    """Seconds: what a clock, a counter or a nonce shows."""
    build: int = 0
    """Hashed names change with it."""

    def draw(self, what: str) -> Random:
        return Random(f"{self.salt} {what}")

    def hashed(self, name: str) -> str:
        return f"css-{Random(f'{self.salt} {self.build} {name}').randrange(16**6):06x}"


Layout = Callable[[Scene], Mapping[str, str]]
"""Pages by address; the first is the listing's."""

LAYOUTS: dict[str, Layout] = {}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]


def said(scene: Scene, row: Row, place: int) -> dict[str, str]:
    """What a record's markup may name."""
    seconds = (row.number * 977 - scene.tick) % 1_200_000
    year, month, day = row.date[:4], row.date[5:7], row.date[8:10]
    return {
        "t": html.escape(row.title),
        "d": html.escape(row.text),
        "s": html.escape(row.status),
        "S": row.status.split()[0].lower(),
        "date": row.date,
        "dmy": f"{day}.{month}.{year}",
        "long": f"{MONTHS[int(month) - 1]} {int(day)}, {year}",
        "id": str(row.number),
        "n": str(place),
        "p": row.path,
        "views": str(700 + row.number % 5000 + scene.tick // 977),
        "size": row.size,
        "files": str(row.number % 90_000 + 300),
        "c": row.country,
        "i": row.sector,
        "left": f"{seconds // 86400}d {seconds // 3600 % 24:02}h {seconds // 60 % 60:02}m {seconds % 60:02}s",
        "pct": str(row.number % 9 * 10 + 10),
        "u": "/uploads/" + f"{row.number * 7919 % 16**8:08x}.png",
        "f": quote(row.title, safe=""),
        **{f"h{at}": scene.hashed(f"h{at}") for at in range(6)},
    }


def records(scene: Scene, template: str, rows: Sequence[Row] | None = None) -> str:
    rows = scene.rows if rows is None else rows
    return "".join(template.format(**said(scene, row, place)) for place, row in enumerate(rows, 1))


def page(scene: Scene, main: str, *, bare: bool = False) -> str:
    """The whole page: what stands round the list on this site."""
    if bare:
        return f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{SITES[scene.salt % len(SITES)]}</title></head><body>\n{main}\n</body></html>"
    draw = scene.draw("round")
    chosen = draw.sample(sorted(ROUND), draw.choice([1, 2, 3, 4]))
    blocks = [ROUND[name](scene) for name in chosen]
    half = draw.randrange(len(blocks) + 1)
    name = SITES[scene.salt % len(SITES)]
    return (
        f"<!DOCTYPE html><html><head><meta charset=utf-8><title>{name}</title><script>var t={scene.tick};</script></head><body>"
        f"<header><a href='/'>{name}</a></header>{''.join(blocks[:half])}<main>\n{main}\n</main>{''.join(blocks[half:])}"
        f"<footer><p>{name} 2026. All data is published as is.</p></footer></body></html>"
    )


SITES = ["Nightfall", "Ebony Blog", "Grey Harbour", "RedLedger", "KRAKENFELS", "Vault 9", "Silent Crew", "Rook Leaks"]
ROUND: Mapping[str, Callable[[Scene], str]] = {
    "nav": lambda _: "<nav><ul>" + "".join(f"<li><a href='/{w.lower()}'>{w}</a></li>" for w in ("Home", "News", "Rules", "About", "Contact")) + "</ul></nav>",
    "mirrors": lambda s: "<div class=mirrors><h3>Mirrors</h3>" + "".join(f"<p><a href='http://{s.draw(f'm{at}').randrange(10**15):x}leak{at}.onion/'>{s.draw(f'm{at}').randrange(10**15):x}leak{at}.onion</a></p>" for at in range(4)) + "</div>",
    "stats": lambda s: f"<div class=stats><div><b>{s.tick // 977}</b><span>visits</span></div><div><b>{s.tick // 99_991} TB</b><span>leaked</span></div><div><b>99%</b><span>uptime</span></div></div>",
    "contact": lambda _: "<section id=contact><h3>Contact us</h3><p>Tox: 4F2A99D0C1</p><p>Session: 05aa77</p><form><input name=mail><textarea name=text></textarea><button>Send</button></form></section>",
    "about": lambda _: "<section><h2>Who we are</h2><p>We are not politicians. We care for money only.</p><p>Companies that do not pay are listed here.</p></section>",
    "faq": lambda _: "<div class=faq>" + "".join(f"<details><summary>{q}</summary><p>{a}</p></details>" for q, a in (("How do I pay?", "Write to the chat."), ("What happens then?", "The entry is deleted."), ("Can I buy the data?", "Write to us."))) + "</div>",
    "advert": lambda s: f"<aside class=ad><a href='https://ad{s.tick % 7}.example/'>Best hosting {s.tick % 89}% off</a></aside>",
    "clock": lambda s: f"<div id=clock>Server time {s.tick // 3600 % 24:02}:{s.tick // 60 % 60:02}:{s.tick % 60:02} UTC</div>",
    "steps": lambda _: "<div class=row>" + "".join(f"<div class='col step'><h4>{w}</h4><p>{x}</p></div>" for w, x in (("Get in touch", "Use the chat."), ("Test decryption", "Two files are free."), ("Pay", "In Monero only."))) + "</div>",
    "languages": lambda _: "<div class=lang>" + " ".join(f"<a href='?lang={w.lower()}'>{w}</a>" for w in ("EN", "DE", "RU", "ZH")) + "</div>",
}  # fmt: skip


def simple(name: str, before: str, record: str, after: str = "", *, bare: bool = False) -> None:
    """A layout that is one record's markup, again and again, between two ends."""

    def made(scene: Scene) -> Mapping[str, str]:
        spelled = {f"h{at}": scene.hashed(f"h{at}") for at in range(6)}
        start, end = (part.format(**spelled) if "{h" in part else part for part in (before, after))
        return {"/": page(scene, start + records(scene, record) + end, bare=bare)}

    LAYOUTS[name] = made


def layout(made: Layout) -> Layout:
    LAYOUTS[made.__name__.replace("_", "-")] = made
    return made


# ---------------------------------------------------------------------------------------------------- cards and blocks

simple(
    "bootstrap-cards",
    "<div class='row row-cols-3'>",
    "<div class='col mb-4'><div class='card h-100'><div class='card-header'>{s}</div><div class='card-body'><h5 class='card-title'>{t}</h5><p class='card-text'>{d}</p><a href='{p}' class='btn btn-secondary'>Read more</a></div><div class='card-footer'><small class='text-muted'>{date}</small></div></div></div>",
    "</div>",
)
simple(
    "card-of-link",
    "<div class=grid>",
    "<a class='post-block {S}' href='{p}'><div class='post-title-block'><div class='post-title'>{t}</div><div class='post-timer'>{left}</div></div><div class='post-block-text'>{d}</div><div class='updated-post-date'>{long}</div><div class='views'>{views}</div></a>",
    "</div>",
)
simple(
    "card-header-pairs",
    "<div class=companies>",
    "<div class='card'><div class='card-header'><span class='company-name'>{t}</span><div class='domain-info'>{c} / {i}</div></div><div class='info'><span>Size:</span> {size}<br><span>Status:</span> {s}</div><p>{d}</p></div>",
    "</div>",
)
simple(
    "badges",
    "<section class=board>",
    "<div class='victim-card'><span class='status-badge {S}'>{s}</span><h2>{t}</h2><div class='card-meta'><span class='meta-item'>{size}</span><span class='meta-item'>{files} files</span></div><p>{d}</p><a href='{p}'>details</a></div>",
    "<div class='victim-card'><h2>PAID</h2><div class='card-meta'></div></div></section>",
)
simple(
    "tailwind",
    "<div class='grid grid-cols-1 md:grid-cols-3 gap-6'>",
    "<div class='bg-gray-800 rounded-lg p-4 border border-gray-700 hover:border-red-500'><div class='flex justify-between mb-2'><div class='text-lg font-bold text-white'>{t}</div><div class='text-xs px-2 py-1 bg-red-600 rounded'>{s}</div></div><div class='text-sm text-gray-400'>{d}</div><div class='flex text-xs mt-4 gap-2'><div>{c}</div><div>{size}</div><div>{date}</div></div></div>",
    "</div>",
)
simple(
    "hashed-divs",
    "<div class='{h0}'>",
    "<div class='{h1}'><div class='{h2}'>{t}</div><div class='{h3}'>{d}</div><div class='{h4}'><div>{dmy}</div><div>{s}</div></div></div>",
    "</div>",
)
simple(
    "divs-without-names",
    "<div>",
    "<div><div><div><div>{t}</div><div>{dmy}</div></div><div>{d}</div></div><div><a href='{p}'>More</a></div></div>",
    "</div>",
)
simple(
    "modules",
    "<ul class='_list_8fk2_1'>",
    "<li class='_item_8fk2_7'><span class='_flag_8fk2_9'>{c}</span><span class='_companyName_8fk2_12'>{t}</span><span class='_rev_8fk2_20'>${pct}M</span><span class='_status_8fk2_22'>{s}</span><div class='_desc_8fk2_30'>{d}</div></li>",
    "</ul>",
)
simple(
    "custom-elements",
    "<victim-list>",
    "<victim-card data-id='{id}'><span slot=name>{t}</span><span slot=text>{d}</span><time>{date}</time></victim-card>",
    "</victim-list>",
)
simple(
    "articles",
    "",
    "<article id='post-{id}' class='post type-post hentry'><header class='entry-header'><h2 class='entry-title'><a href='{p}' rel=bookmark>{t}</a></h2><div class='entry-meta'>Posted on <time datetime='{date}'>{long}</time> by <a href='/author/admin'>admin</a></div></header><div class='entry-content'><p>{d}</p><p><a href='{p}'>Continue reading</a></p></div><footer>Leave a comment</footer></article>",
)
simple(
    "flip-cards",
    "<div class=flips>",
    "<div class=flip><div class=front><img src='{u}' alt='logo'><h3>{t}</h3></div><div class=back><h3>{t}</h3><p>{d}</p><p>{size}</p></div></div>",
    "</div>",
)
simple(
    "progress-bars",
    "<div class=queue>",
    "<div class=item><div class=row1><strong>{t}</strong> <em>{s}</em></div><div class='progress'><div class='progress-bar' style='width:{pct}%'>{pct}%</div></div><p>{d}</p></div>",
    "</div>",
)
simple(
    "countdowns",
    "<div class=timers>",
    "<div class='timer-box' id='t{id}'><a href='{p}'>{t}</a><div class=digits><span>{left}</span></div><p class=label>until publication</p><p class=note>{d}</p></div>",
    "</div>",
)
simple(
    "timeline",
    "<div class=timeline>",
    "<div class='tl-item'><div class='tl-date'>{long}</div><div class='tl-dot'></div><div class='tl-body'><h4>{t}</h4><p>{d}</p></div></div>",
    "</div>",
)
simple(
    "accordion",
    "<div class='accordion' id=acc>",
    "<div class='accordion-item'><h2 class='accordion-header' id='h{id}'><button class='accordion-button' data-bs-target='#c{id}'>{t}</button></h2><div id='c{id}' class='collapse'><div class='accordion-body'>{d}<br>Size: {size}<br>Date: {dmy}</div></div></div>",
    "</div>",
)
simple(
    "details-summary",
    "<div>",
    "<details><summary>{t} <small>{s}</small></summary><p>{d}</p><p>{size}, {files} files</p></details>",
    "</div>",
)
simple("definition-list", "<dl>", "<dt>{t}</dt><dd>{d}</dd>", "</dl>")
simple(
    "definitions-a-victim",
    "<div>",
    "<dl class=v><dt>Company</dt><dd>{t}</dd><dt>Country</dt><dd>{c}</dd><dt>Status</dt><dd>{s}</dd><dt>About</dt><dd>{d}</dd></dl>",
    "</div>",
)
simple(
    "labelled-lines",
    "<div>",
    "<div class=blk><p><b>Name:</b> {t}</p><p><b>Country:</b> {c}</p><p><b>Published:</b> {date}</p><p><b>Info:</b> {d}</p></div>",
    "</div>",
)
simple("headings-and-text", "", "<h3>{t}</h3><p>{d}</p><p>{date}</p>")
simple("headings-and-lists", "", "<h2>{t}</h2><ul><li>{size}</li><li>{files} files</li><li>{s}</li></ul><p>{d}</p><hr>")
simple("bold-and-breaks", "<div class=content>", "<b>{t}</b><br>{d}<br><i>{dmy}</i><br><br>", "</div>")
simple("font-tags", "<center>", "<p><font size=5 color=red>{t}</font><br><font size=2>{d}</font></p>", "</center>")
simple(
    "block-headings",
    "<div class=container>",
    "<div class='block-heading pt-4 mt-5'><h2 class='text-info'>{t}</h2></div><div class='row align-items-center'><div class='col-md-6'><img src='{u}'></div><div class='col-md-6'><p>{d}</p><a class='btn' href='{p}'>Learn more</a></div></div>",
    "</div>",
)
simple(
    "ant-cards",
    "<div class='ant-row {h0}'>",
    "<div class='ant-col {h1}'><div class='ant-card {h2}'><div class='ant-card-body'><h2 class='ant-typography {h3}'>{t}</h2><span class='ant-tag {h4}'>{s}</span><div class='ant-typography'>{d}</div></div></div></div>",
    "</div>",
)
simple(
    "mui-list",
    "<ul class='MuiList-root {h0}'>",
    "<li class='MuiListItem-root {h1}'><div class='MuiListItemText-root'><span class='MuiTypography-root MuiTypography-body1'>{t}</span><p class='MuiTypography-root MuiTypography-body2'>{d}</p></div><span class='MuiChip-label'>{s}</span></li>",
    "</ul>",
)
simple(
    "image-alt",
    "<div class=logos>",
    "<div class=logo><a href='{p}'><img src='{u}' alt='{t}'></a><p>{dmy}</p></div>",
    "</div>",
)
simple("image-alt-alone", "<div class=wall>", "<a href='{p}'><img src='{u}' alt='{t}' title='{t}'></a>", "</div>")
simple(
    "data-attributes",
    "<div class=tiles>",
    "<div class=tile data-name='{t}' data-id='{id}'><div class=cover style='background:url({u})'></div><div class=info>{size}</div><div class=when>{left}</div></div>",
    "</div>",
)
simple(
    "modal-cards",
    "<div class=cards>",
    "<div class=c onclick=\"show('{id}')\"><span class=n>{t}</span></div><div class=modal id='m{id}'><div class=modal-title>{t}</div><div class=modal-body>{d}</div><button>Close</button></div>",
    "</div>",
)
simple(
    "mirrors-in-entry",
    "<div>",
    "<article class='leek-item'><h2 class='leek-title'>{t}</h2><p>{d}</p><a class=mirror href='http://files.example/{id}/1'>mirror 1</a> <a class=mirror href='http://files.example/{id}/2'>mirror 2</a> <a class=mirror href='http://files.example/{id}/3'>mirror 3</a></article>",
    "</div>",
)
simple(
    "telegram",
    "<div class=history>",
    "<div class='message default clearfix' id='message{id}'><div class=body><div class='pull_right date details' title='{dmy} 12:00'>12:00</div><div class=from_name>Leak channel</div><div class=text><strong>{t}</strong><br>{d}</div><span class=reactions>{views}</span></div></div>",
    "</div>",
    bare=True,
)
simple(
    "tweets",
    "<div class=feed>",
    "<div class=tweet><div class=by>@crew · {long}</div><div class=msg>New victim: <b>{t}</b> {d}</div><div class=bar><span>{views}</span></div></div>",
    "</div>",
)
simple(
    "german",
    "<div class=liste>",
    "<div class=eintrag><h3>{t}</h3><p>{d}</p><p>Veröffentlicht: {dmy}</p><p>Größe: {size}</p><a href='{p}'>Mehr erfahren</a></div>",
    "</div>",
)
simple(
    "russian",
    "<div class=spisok>",
    "<div class=zapis><div class=nazvanie>{t}</div><div class=opis>{d}</div><div>Дата: {dmy}</div><div>Просмотров: {views}</div><a href='{p}'>Подробнее</a></div>",
    "</div>",
)
simple(
    "spanish",
    "<section>",
    "<div class=victima><h4><a href='{p}'>{t}</a></h4><span>Publicado el {dmy}</span><p>{d}</p><span>{views} visitas</span></div>",
    "</section>",
)
simple(
    "chinese",
    "<div class=lb>",
    "<div class=x><a href='{p}'>{t}</a><span>发布时间: {date}</span><p>{d}</p><em>阅读 {views}</em></div>",
    "</div>",
)
simple(
    "schema-org",
    "<div itemscope itemtype='http://schema.org/ItemList'>",
    "<div itemprop=itemListElement itemscope><meta itemprop=position content='{n}'><a itemprop=url href='{p}'><span itemprop=name>{t}</span></a><span itemprop=description>{d}</span></div>",
    "</div>",
)
simple(
    "numbered",
    "<div class=posts>",
    "<div class=line><span class=no>#{n}</span> <span class=ttl>{t}</span> <span class=dt>{date}</span><div class=tx>{d}</div></div>",
    "</div>",
)
simple(
    "checkbox-cards",
    "<div>",
    "<div class=box><input type=checkbox id='x{id}'><label for='x{id}'>{t}</label><div class=hidden>{d}</div></div>",
    "</div>",
)
simple(
    "figures",
    "<div class=gallery>",
    "<figure><img src='{u}'><figcaption><a href='{p}'>{t}</a><span>{size}</span></figcaption></figure>",
    "</div>",
)
simple(
    "fieldsets",
    "<form>",
    "<fieldset><legend>{t}</legend><p>{d}</p><input value='{id}' type=hidden><button>{s}</button></fieldset>",
    "</form>",
)
simple("blockquotes", "<div>", "<blockquote><p>{t}</p><footer>{d}</footer></blockquote>", "</div>")

# ------------------------------------------------------------------------------------------------------------- tables

simple(
    "table-with-heads",
    "<table class='table'><thead><tr><th>#</th><th>Company</th><th>Country</th><th>Size</th><th>Date</th><th>Status</th></tr></thead><tbody>",
    "<tr><td>{n}</td><td>{t}</td><td>{c}</td><td>{size}</td><td>{date}</td><td>{s}</td></tr>",
    "</tbody></table>",
)
simple(
    "table-first-row-heads",
    "<table border=1><tr><td>Name</td><td>Sector</td><td>Data</td><td>Added</td></tr>",
    "<tr><td><a href='{p}'>{t}</a></td><td>{i}</td><td>{size}</td><td>{dmy}</td></tr>",
    "</table>",
)
simple(
    "table-a-victim",
    "<div>",
    "<table class=vic><tr><td>Company</td><td>{t}</td></tr><tr><td>Country</td><td>{c}</td></tr><tr><td>Data</td><td>{size}</td></tr><tr><td>Status</td><td>{s}</td></tr></table>",
    "</div>",
)
simple(
    "table-a-victim-headed",
    "<center>",
    "<table width=80%><tr><th colspan=2>{t}</th></tr><tr><td colspan=2>{d}</td></tr><tr><td>{date}</td><td><a href='{p}'>Open</a></td></tr></table><br>",
    "</center>",
)
simple(
    "two-rows-an-entry",
    "<table>",
    "<tr class=head><td>{t}</td><td>{date}</td></tr><tr class=body><td colspan=2>{d}</td></tr>",
    "</table>",
)
simple(
    "logo-table",
    "<table class=list><tbody>",
    "<tr><td><img src='{u}'></td><td><b>{t}</b><br><small>{d}</small></td><td>{views}</td><td><a href='{p}'>View</a></td></tr>",
    "</tbody></table>",
)
simple(
    "div-table",
    "<div class=tbl><div class=tr><div class=th>Target</div><div class=th>Country</div><div class=th>Size</div><div class=th>Timer</div></div>",
    "<div class=tr><div class=td>{t}</div><div class=td>{c}</div><div class=td>{size}</div><div class=td>{left}</div></div>",
    "</div>",
)
simple(
    "layout-table",
    "<table width=100%><tr><td>",
    "<table class=inner><tr><td class=a>{t}</td></tr><tr><td class=b>{d}</td></tr></table>",
    "</td></tr></table>",
)

# -------------------------------------------------------------------------------------------- lists of names and links

simple("bare-links", "<ul>", "<li><a href='{p}'>{t}</a></li>", "</ul>")
simple("links-and-breaks", "<p>", "<a href='{p}'>{t}</a><br>", "</p>")
simple("link-lines-with-dates", "<div class=idx>", "<div>{date} - <a href='{p}'>{t}</a></div>", "</div>")
simple("ordered-list", "<ol>", "<li>{t}</li>", "</ol>")
simple("paragraph-names", "<p>We are a group. These firms did not pay:</p><p>", "{t}<br>", "</p><p>Write to us.</p>")
simple("paragraphs", "<div class=names>", "<p>{t}</p>", "</div>")
simple("slug-buttons", "<div class=btns>", "<button onclick=\"location='{p}'\">{t}</button>", "</div>")
simple("file-names", "<ul class=files>", "<li><a href='/dl/{id}.7z'>{t}</a> <span>{size}</span></li>", "</ul>")
simple("tag-cloud", "<div class=cloud>", "<a class='tag s{pct}' href='{p}'>{t}</a> ", "</div>")
simple(
    "header-menu",
    "<header><ul class='g-toplevel'><li class='g-menu-item'><a href='/'><span class='g-menu-item-title'>HOME</span></a></li><li class='g-menu-item'><a href='/how'><span class='g-menu-item-title'>HOW TO DOWNLOAD?</span></a></li>",
    "<li class='g-menu-item'><a href='{p}'><span class='g-menu-item-title'>{t}</span></a></li>",
    "<li class='g-menu-item'><a href='/archive'><span class='g-menu-item-title'>ARCHIVE</span></a></li></ul></header><h1>Dear companies</h1><p>You have time until Friday.</p>",
    bare=True,
)
simple(
    "aside-menu",
    "<div class=wrap><aside><h4>Companies</h4><ul>",
    "<li class=co><a href='{p}'>{t}</a></li>",
    "</ul></aside><div class=text><h1>Statement</h1><p>We do not attack hospitals.</p><p>We speak with everyone.</p><p>We keep our word.</p></div></div>",
)
simple("inline-list", "<div class=tx><h2>Refused to pay</h2>", "<span>{t}</span>, ", "</div>")


@layout
def pre_lines(scene: Scene) -> Mapping[str, str]:
    return {"/": page(scene, "<pre>" + records(scene, "{date}  {t}\n") + "</pre>", bare=True)}


@layout
def pre_links(scene: Scene) -> Mapping[str, str]:
    return {"/": page(scene, "<pre>" + records(scene, "[+] <a href='{p}'>{t}</a>    {size}\n") + "</pre>", bare=True)}


@layout
def ascii_table(scene: Scene) -> Mapping[str, str]:
    width = 44
    rule = f"+{'-' * width}+------------+\n"
    lines = "".join(f"| {html.escape(row.title[: width - 2]):{width - 2}} | {row.date} |\n" for row in scene.rows)
    return {
        "/": page(scene, f"<pre>{rule}| {'COMPANY':{width - 2}} | DATE       |\n{rule}{lines}{rule}</pre>", bare=True)
    }


@layout
def directory_index(scene: Scene) -> Mapping[str, str]:
    lines = "".join(
        f'<a href="{quote(row.title, safe="")}/">{html.escape(row.title)}/</a>{" " * max(1, 51 - len(row.title))}{row.date[8:10]}-{MONTHS[int(row.date[5:7]) - 1][:3]}-{row.date[:4]} 10:00                   -\n'
        for row in scene.rows
    )
    return {
        "/": f'<html>\n<head><title>Index of /</title></head>\n<body>\n<h1>Index of /</h1><hr><pre><a href="../">../</a>\n{lines}</pre><hr></body>\n</html>\n'
    }


@layout
def apache_table_index(scene: Scene) -> Mapping[str, str]:
    rows = records(
        scene,
        "<tr><td valign=top><img src='/icons/folder.gif' alt='[DIR]'></td><td><a href='{f}/'>{t}/</a></td><td align=right>{date} 10:00</td><td align=right>  - </td><td>&nbsp;</td></tr>\n",
    )
    return {
        "/": f"<html><head><title>Index of /leaks</title></head><body><h1>Index of /leaks</h1><table><tr><th></th><th><a href='?C=N;O=D'>Name</a></th><th><a href='?C=M;O=A'>Last modified</a></th><th><a href='?C=S;O=A'>Size</a></th><th>Description</th></tr><tr><th colspan=5><hr></th></tr>\n<tr><td></td><td><a href='/'>Parent Directory</a></td><td>&nbsp;</td><td align=right>  - </td><td>&nbsp;</td></tr>\n{rows}<tr><th colspan=5><hr></th></tr></table><address>Apache Server</address></body></html>"
    }


# ---------------------------------------------------------------------------------------------------- data and feeds


def _object(row: Row, scene: Scene) -> dict[str, object]:
    return {
        "_id": f"{row.number * 7919 % 16**8:08x}", "name": row.title, "note": row.text, "status": row.status,
        "published": row.date, "country": row.country, "views": 700 + row.number % 999 + scene.tick // 977,
        "files": {"count": row.number % 9000, "size": row.size},
    }  # fmt: skip


@layout
def json_list(scene: Scene) -> Mapping[str, str]:
    return {"/": json.dumps([_object(row, scene) for row in scene.rows])}


@layout
def json_targets(scene: Scene) -> Mapping[str, str]:
    data = {"ok": True, "time": scene.tick, "targets": [_object(row, scene) for row in scene.rows], "total": len(scene.rows), "menu": [{"name": word, "url": "/" + word} for word in ("home", "rules", "faq")]}  # fmt: skip
    return {"/": json.dumps(data)}


@layout
def json_by_name(scene: Scene) -> Mapping[str, str]:
    return {"/": json.dumps({"victims": {row.title: {"date": row.date, "text": row.text} for row in scene.rows}})}


@layout
def json_in_pre(scene: Scene) -> Mapping[str, str]:
    data = json.dumps({"targets": [_object(row, scene) for row in scene.rows]})
    return {"/": f"<html><head></head><body><pre>{html.escape(data, quote=False)}</pre></body></html>"}


@layout
def window_data(scene: Scene) -> Mapping[str, str]:
    data = json.dumps([_object(row, scene) for row in scene.rows]).replace("</", "<\\/")
    return {"/": page(scene, f"<div id=app></div><script>window.__DATA__ = {data};</script>", bare=True)}


@layout
def next_data(scene: Scene) -> Mapping[str, str]:
    posts = [{"id": row.number, "attributes": _object(row, scene)} for row in scene.rows]
    data = {"props": {"pageProps": {"posts": posts, "meta": {"pagination": {"page": 1, "total": len(posts)}}}}, "page": "/", "buildId": scene.hashed("b")}  # fmt: skip
    return {
        "/": page(
            scene,
            f"<div id=__next></div><script id=__NEXT_DATA__ type=application/json>{json.dumps(data).replace('</', '<')}</script>",
            bare=True,
        )
    }


@layout
def script_arrays(scene: Scene) -> Mapping[str, str]:
    lines = ",\n".join(
        "{"
        + f"id: {row.number}, title: {json.dumps(row.title)}, body: {json.dumps(row.text)}, time: '{row.date}'"
        + "}"
        for row in scene.rows
    )
    return {
        "/": page(
            scene, f"<div id=list></div><script>\nconst leaks = [\n{lines}\n];\nrender(leaks);\n</script>", bare=True
        )
    }


@layout
def rss(scene: Scene) -> Mapping[str, str]:
    items = records(
        scene,
        "<item><title>{t}</title><link>http://x.onion{p}</link><guid>{id}</guid><pubDate>{date}</pubDate><description>{d}</description></item>\n",
    )
    return {
        "/": f"<?xml version='1.0' encoding='UTF-8'?>\n<rss version='2.0'><channel><title>Leaks</title><link>/</link><description>all</description>\n{items}</channel></rss>"
    }


@layout
def atom(scene: Scene) -> Mapping[str, str]:
    items = records(
        scene,
        "<entry><title>{t}</title><link href='{p}'/><id>urn:{id}</id><updated>{date}T00:00:00Z</updated><summary>{d}</summary></entry>\n",
    )
    return {
        "/": f"<?xml version='1.0' encoding='utf-8'?>\n<feed xmlns='http://www.w3.org/2005/Atom'><title>Leaks</title><id>urn:x</id>\n{items}</feed>"
    }


@layout
def plain_text(scene: Scene) -> Mapping[str, str]:
    return {"/": "LEAKS\n=====\n\n" + "".join(f"* {row.title}\n" for row in scene.rows) + "\nend of list\n"}


# ------------------------------------------------------------------------------------------------- with other lists

_POST = "<article class=post><h2 class=entry-title><a href='{p}'>{t}</a></h2><time>{long}</time><div class=entry>{d}</div></article>"


@layout
def blog_with_side_bar(scene: Scene) -> Mapping[str, str]:
    recent = records(scene, "<li><a href='{p}'>{t}</a></li>", scene.rows[:5])
    months = "".join(f"<li><a href='/2026/{at:02}/'>{MONTHS[at - 1]} 2026</a> ({at * 3})</li>" for at in range(1, 7))
    kinds = "".join(
        f"<li><a href='/category/{word.lower()}/'>{word}</a></li>"
        for word in ("Finance", "Health", "Retail", "Energy", "Legal")
    )
    return {
        "/": page(
            scene,
            f"<div id=primary>{records(scene, _POST)}</div><div id=secondary><section class=widget><h3>Recent Posts</h3><ul>{recent}</ul></section><section class=widget><h3>Archives</h3><ul>{months}</ul></section><section class=widget><h3>Categories</h3><ul>{kinds}</ul></section><section class=widget><h3>Meta</h3><ul><li><a href='/login'>Log in</a></li><li><a href='/feed'>Entries feed</a></li></ul></section></div>",
        )
    }


@layout
def side_bar_of_all(scene: Scene) -> Mapping[str, str]:
    names = records(scene, "<li><a href='#c{id}'>{t}</a></li>")
    cards = records(scene, "<div class=comp id='c{id}'><h3>{t}</h3><p>{d}</p><span>{size}</span></div>")
    return {"/": page(scene, f"<div class=side><ul>{names}</ul></div><div class=body>{cards}</div>")}


@layout
def carousel_and_grid(scene: Scene) -> Mapping[str, str]:
    slides = records(scene, "<div class='slide'><img src='{u}'><h4>{t}</h4></div>", [*scene.rows[:4], *scene.rows[:2]])
    return {
        "/": page(
            scene,
            f"<div class=carousel>{slides}</div><div class=grid>{records(scene, '<div class=cell><h3>{t}</h3><p>{d}</p><i>{date}</i></div>')}</div>",
        )
    }


@layout
def doubled_marquee(scene: Scene) -> Mapping[str, str]:
    names = records(scene, "<span class=mq>{t}</span>")
    return {
        "/": page(
            scene,
            f"<div class=marquee><div>{names}</div><div aria-hidden=true>{names}</div></div><div class=grid>{records(scene, '<div class=cell><h3>{t}</h3><p>{d}</p></div>')}</div>",
        )
    }


@layout
def featured_above(scene: Scene) -> Mapping[str, str]:
    first = records(
        scene,
        "<section class=featured><h1>{t}</h1><p class=lead>{d}</p><a href='{p}'>Open</a></section>",
        scene.rows[:1],
    )
    return {
        "/": page(
            scene,
            first
            + f"<div class=list>{records(scene, '<div class=it><h3><a href={p}>{t}</a></h3><p>{d}</p></div>')}</div>",
        )
    }


@layout
def pinned_notice(scene: Scene) -> Mapping[str, str]:
    pinned = "<div class='post pinned'><h3>HOW TO BUY DATA?</h3><p>Write to us in the chat, we answer within a day.</p></div><div class='post pinned'><h3>Affiliate program</h3><p>We look for partners.</p></div>"
    return {
        "/": page(
            scene, f"<div class=posts>{pinned}{records(scene, '<div class=post><h3>{t}</h3><p>{d}</p></div>')}</div>"
        )
    }


@layout
def by_month(scene: Scene) -> Mapping[str, str]:
    months = list(dict.fromkeys(row.date[:7] for row in scene.rows))
    parts = [
        f"<h2 class=month>{MONTHS[int(month[5:]) - 1]} {month[:4]}</h2><div class=month-list>{records(scene, '<div class=e><b>{t}</b><p>{d}</p></div>', [row for row in scene.rows if row.date[:7] == month])}</div>"
        for month in months
    ]
    return {"/": page(scene, "".join(parts))}


@layout
def by_country(scene: Scene) -> Mapping[str, str]:
    parts = [
        f"<section><h2>{country}</h2><ul>{records(scene, '<li><a href={p}>{t}</a> <span>{size}</span></li>', [row for row in scene.rows if row.country == country])}</ul></section>"
        for country in sorted({row.country for row in scene.rows})
    ]
    return {"/": page(scene, "".join(parts))}


@layout
def two_lists(scene: Scene) -> Mapping[str, str]:
    record = "<div class=card><h4>{t}</h4><p>{d}</p><span class=state>{s}</span></div>"
    soon = [row for row in scene.rows if row.number % 3 == 0]
    done = [row for row in scene.rows if row.number % 3]
    return {
        "/": page(
            scene,
            f"<div id=upcoming><h2>Upcoming</h2>{records(scene, record, soon)}</div><div id=published><h2>Published</h2>{records(scene, record, done)}</div>",
        )
    }


@layout
def two_lists_unlike(scene: Scene) -> Mapping[str, str]:
    soon = [row for row in scene.rows if row.number % 3 == 0]
    done = [row for row in scene.rows if row.number % 3]
    return {
        "/": page(
            scene,
            f"<div class=soon><h2>Countdown</h2>{records(scene, '<div class=w><h4>{t}</h4><span>{left}</span></div>', soon)}</div><div class=done><h2>Published</h2>{records(scene, '<div class=w><h4>{t}</h4><p>{d}</p></div>', done)}</div>",
        )
    }


@layout
def forum(scene: Scene) -> Mapping[str, str]:
    names = ("wolf", "sable", "krait", "onyx")
    rows = "".join(
        "<tr class='topic row{n}'><td><a class=topictitle href='viewtopic.php?t={id}'>{t}</a><br>by <a href='u.php?u={by}'>{by}</a></td><td>{replies}</td><td>{views}</td><td>{long}<br>by <a href='u.php?u={last}'>{last}</a></td></tr>".format(
            **said(scene, row, place),
            by=names[row.number % 4],
            last=names[(row.number + scene.tick // 99_991) % 4],
            replies=row.number % 40,
        )
        for place, row in enumerate(scene.rows, 1)
    )
    return {
        "/": page(
            scene,
            f"<div class=breadcrumb><a href='/'>Board index</a> » <a href='f.php?f=2'>Leaks</a></div><table class=forumbg><tr><th>Topics</th><th>Replies</th><th>Views</th><th>Last post</th></tr>{rows}</table>",
        )
    }


@layout
def grid_of_rows(scene: Scene) -> Mapping[str, str]:
    cells = [
        records(scene, "<div class=col-md-4><div class=victim><h4>{t}</h4><p>{d}</p></div></div>", [row])
        for row in scene.rows
    ]
    return {
        "/": page(
            scene, "".join(f"<div class=row>{''.join(cells[at : at + 3])}</div>" for at in range(0, len(cells), 3))
        )
    }


@layout
def table_cells(scene: Scene) -> Mapping[str, str]:
    cells = [records(scene, "<td><a href='{p}'><b>{t}</b></a><br>{size}</td>", [row]) for row in scene.rows]
    rows = "".join("<tr>" + "".join(cells[at : at + 4]) + "</tr>" for at in range(0, len(cells), 4))
    return {"/": page(scene, f"<table>{rows}</table>")}


@layout
def statement_and_list(scene: Scene) -> Mapping[str, str]:
    text = "".join(
        f"<p>{words}</p>"
        for words in (
            "We are back. Do not believe the press.",
            "Our servers were not taken.",
            "We honour every agreement that is kept by both sides.",
            "Journalists may write to us.",
        )
    )
    return {
        "/": page(
            scene, f"<h1>Statement</h1>{text}<h2>List</h2><ul>{records(scene, '<li>{t} - {size}</li>')}</ul>{text}"
        )
    }


@layout
def status_classes(scene: Scene) -> Mapping[str, str]:
    return {
        "/": page(
            scene,
            f"<div class=all>{records(scene, '<div class=lot-{S}><div class=lot-name>{t}</div><div class=lot-text>{d}</div><div class=lot-state>{s}</div></div>')}</div>",
        )
    }


@layout
def new_ribbon(scene: Scene) -> Mapping[str, str]:
    newest = {row.number for row in sorted(scene.rows, key=lambda row: row.date)[-2:]}
    parts = [
        records(
            scene,
            ("<div class='w new'><i>NEW</i>" if row.number in newest else "<div class=w>")
            + "<h3>{t}</h3><p>{d}</p></div>",
            [row],
        )
        for row in scene.rows
    ]
    return {"/": page(scene, f"<div>{''.join(parts)}</div>")}


@layout
def optional_parts(scene: Scene) -> Mapping[str, str]:
    parts = []
    for row in scene.rows:
        middle = "".join(
            part
            for at, part in enumerate(
                ("<div class=im><img src='{u}'></div>", "<div class=sz>{size}</div>", "<div class=ct>{c}</div>")
            )
            if row.number >> at & 1
        )
        parts.append(
            records(scene, f"<div class=w>{middle}<div class=nm>{{t}}</div><div class=ds>{{d}}</div></div>", [row])
        )
    return {"/": page(scene, f"<div>{''.join(parts)}</div>")}


@layout
def with_news(scene: Scene) -> Mapping[str, str]:
    draw = Random(scene.tick // 400_000)
    news = "".join(
        f"<div class=news><h3>{draw.choice(['Update', 'Notice', 'Warning', 'Message'])} {draw.randrange(99)}</h3><p>{draw.choice(['We changed the chat.', 'The mirror is down.', 'New files were added.'])}</p></div>"
        for _ in range(4)
    )
    return {
        "/": page(
            scene,
            f"<div class=newsbox>{news}</div><div class=box>{records(scene, '<div class=victim><h3>{t}</h3><p>{d}</p></div>')}</div>",
        )
    }


@layout
def with_file_list(scene: Scene) -> Mapping[str, str]:
    files = "".join(
        f"<tr><td><a href='/f/{at}'>part{at:03}.rar</a></td><td>{at * 13 % 90 + 5} GB</td></tr>" for at in range(30)
    )
    return {
        "/": page(
            scene,
            f"{records(scene, '<section class=c><h2>{t}</h2><p>{d}</p></section>')}<table class=fl>{files}</table>",
        )
    }


@layout
def ticker_of_activity(scene: Scene) -> Mapping[str, str]:
    draw = Random(scene.tick // 30_000)
    lines = "".join(
        f"<li>{draw.choice(['wolf', 'sable', 'krait'])} bid {draw.randrange(1, 90)} XMR on {html.escape(draw.choice(scene.rows).title)}</li>"
        for _ in range(6 if scene.rows else 0)
    )
    return {
        "/": page(
            scene,
            f"<ul class=activity>{lines}</ul><div class=auction>{records(scene, '<div class=lot><h4>{t}</h4><p>{d}</p><b>{left}</b></div>')}</div>",
        )
    }


@layout
def announced_total(scene: Scene) -> Mapping[str, str]:
    return {
        "/": page(
            scene,
            f"<h2>Total companies: {len(scene.rows)}</h2><div>{records(scene, '<div class=q><a href={p}>{t}</a><p>{d}</p></div>')}</div>",
        )
    }


# ------------------------------------------------------------------------------------------------------ several pages


def _paged(
    scene: Scene, record: str, address: Callable[[int], str], links: Callable[[int, int], str], size: int = 10
) -> dict[str, str]:
    count = max(1, -(-len(scene.rows) // size))
    return {
        address(at): page(scene, f"<div class=items>{records(scene, record, scene.rows[(at - 1) * size : at * size])}</div>{links(at, count) if count > 1 else ''}")
        for at in range(1, count + 1)
    }  # fmt: skip


@layout
def pages_by_number(scene: Scene) -> Mapping[str, str]:
    def address(at: int) -> str:
        return f"/?page={at}" if at > 1 else "/"

    def links(here: int, count: int) -> str:
        return (
            "<div class=pagination>"
            + "".join(
                f"<a href='{address(at)}'>{at}</a>" if at != here else f"<b>{at}</b>" for at in range(1, count + 1)
            )
            + "</div>"
        )

    return _paged(scene, "<div class=v><h3>{t}</h3><p>{d}</p></div>", address, links)


@layout
def pages_of_a_blog(scene: Scene) -> Mapping[str, str]:
    def address(at: int) -> str:
        return f"/page/{at}/" if at > 1 else "/"

    def links(here: int, count: int) -> str:
        older = f"<div class=nav-previous><a href='{address(here + 1)}'>Older posts</a></div>" if here < count else ""
        newer = f"<div class=nav-next><a href='{address(here - 1)}'>Newer posts</a></div>" if here > 1 else ""
        return f"<nav class=navigation>{older}{newer}</nav>"

    return _paged(scene, _POST, address, links)


@layout
def pages_by_rel_next(scene: Scene) -> Mapping[str, str]:
    def address(at: int) -> str:
        return f"/list/{at}" if at > 1 else "/"

    def links(here: int, count: int) -> str:
        return f"<a rel=next href='{address(here + 1)}'>→</a>" if here < count else ""

    return _paged(scene, "<a class=r href='{p}'><span>{t}</span><em>{date}</em></a>", address, links, 20)


@layout
def pages_with_gaps(scene: Scene) -> Mapping[str, str]:
    def address(at: int) -> str:
        return f"/index.php?p={at}" if at > 1 else "/"

    def links(here: int, count: int) -> str:
        shown = sorted({1, count, *(at for at in (here - 1, here, here + 1) if 1 <= at <= count)})
        return "<ul class=pager>" + "".join(f"<li><a href='{address(at)}'>{at}</a></li>" for at in shown) + "</ul>"

    return _paged(
        scene,
        "<tr><td>{t}</td><td>{size}</td><td>{date}</td></tr>".join(("<table class=one>", "</table>")),
        address,
        links,
    )


def relabelled(scene: Scene, title: Callable[[str], str]) -> Scene:
    """The same with other titles."""
    return replace(scene, rows=[replace(row, title=title(row.title)) for row in scene.rows])
