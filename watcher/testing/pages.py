"""The pages of a practice site: scenes rendered as real leak sites look, every name and claim on them invented."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from watcher.testing.scene import Scene, Victim

NoticeKind = Literal["queue", "captcha", "login", "seized", "note"]

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
WORDS = {
    "en": {
        "home": "HOME", "how": "HOW TO DOWNLOAD?", "archive": "ARCHIVE", "contact": "HOW TO CONTACT",
        "tagline": "Companies listed here chose not to talk. Their files speak now.",
        "write": "You found your name? Write to us:", "choose": "Choose a company in the menu above.",
        "nothing": "Nothing here yet. Come back later.", "about": "Soon: more about", "visits": "Visitors",
        "views": "Views", "practice": "practice site: everything on it is invented",
        "company": "Company", "country": "Country", "data": "Data", "date": "Date", "status": "Status",
        "web": "Web", "files": "Files", "all_files": "All parts in one archive",
    },
    "ru": {
        "home": "ГЛАВНАЯ", "how": "КАК СКАЧАТЬ?", "archive": "АРХИВ", "contact": "СВЯЗЬ С НАМИ",
        "tagline": "Эти компании не захотели говорить. Теперь говорят их файлы.",
        "write": "Нашли своё имя? Пишите:", "choose": "Выберите компанию в меню.",
        "nothing": "Здесь пока ничего нет. Зайдите позже.", "about": "Скоро: подробнее о", "visits": "Посетители",
        "views": "Просмотры", "practice": "учебный сайт: всё на нём выдумано",
        "company": "Компания", "country": "Страна", "data": "Данные", "date": "Дата", "status": "Статус",
        "web": "Сайт", "files": "Файлы", "all_files": "Все части одним архивом",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """What is another on each load of a page that says the same."""

    nonce: str
    views: int
    ticks: int
    stamp: str
    place: int
    """In the queue."""

    @classmethod
    def of(cls, seed: int, count: int, now: datetime) -> Moving:
        """The same for the same seed, number of the load, and time."""
        dice = random.Random(f"{seed}:{count}")
        return cls(
            nonce=f"{dice.getrandbits(128):032x}",
            views=1000 + 3 * count + dice.randrange(3),
            ticks=int(now.timestamp()),
            stamp=now.isoformat(timespec="seconds"),
            place=dice.randrange(20, 400),
        )

    def values(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


def path_of(victim: Victim) -> str:
    """The path of an entry's own page."""
    return "/" + quote(victim.slug)


def last_page(scene: Scene) -> int:
    """How many pages the listing has, at least one."""
    return max(1, -(-len(scene.victims) // scene.per_page)) if scene.per_page else 1


def listing(scene: Scene, page: int, title: str, moving: Moving, *, empty: bool = False) -> tuple[str, str]:
    """One page of the listing, and its content type. ``empty``: the frame without entries, as a server fault leaves
    it."""
    rows = scene.victims
    if scene.per_page:
        rows = rows[(page - 1) * scene.per_page : page * scene.per_page]
    rows = () if empty else rows
    if scene.design == "json":
        return _as_json(scene, rows, page, moving), "application/json"
    suffix = scene.classes
    html = _TEMPLATES.get_template(f"{scene.design}.html").render(
        rows=rows,
        page=page,
        last_page=last_page(scene),
        empty_by_fault=empty,
        mentioned=scene.mentioned,
        c=lambda name: name + suffix,
        href=path_of,
        page_href=lambda n: "/" if n == 1 else f"/page/{n}/",
        **_common(scene, title, moving),
    )
    return html, "text/html"


def detail(scene: Scene, victim: Victim, title: str, moving: Moving) -> str:
    """An entry's own page."""
    return _TEMPLATES.get_template("detail.html").render(victim=victim, **_common(scene, title, moving))


def notice(kind: NoticeKind, moving: Moving, *, heading: str = "", text: str = "") -> str:
    """A page that stands where another should; ``note`` shows just the heading and the text."""
    return _TEMPLATES.get_template("notice.html").render(kind=kind, heading=heading, text=text, **moving.values())


def shell(title: str, moving: Moving) -> str:
    """A page that shows nothing unless its script runs."""
    return _TEMPLATES.get_template("shell.html").render(site_title=title, **moving.values())


def _common(scene: Scene, title: str, moving: Moving) -> dict[str, object]:
    return {
        "site_title": title, "language": scene.language, "words": WORDS[scene.language], **moving.values(),
    }  # fmt: skip


def _as_json(scene: Scene, rows: tuple[Victim, ...], page: int, moving: Moving) -> str:
    items = [
        {
            "id": victim.slug,
            "name": victim.title,
            "url": path_of(victim) if victim.has_page else None,
            "description": victim.statement.partition("\n")[0],
            "country": victim.country,
            "domain": victim.domain,
            "published": victim.date,
            "status": victim.status,
            "views": moving.views + number,
        }
        for number, victim in enumerate(rows)
    ]
    pages = {"page": page, "pages": last_page(scene), "total": len(scene.victims)}
    return json.dumps({"ok": True, **pages, "generated": moving.stamp, "items": items}, ensure_ascii=False)
