"""Templates, and how records look in them. Whatever is captured is escaped here, and odd characters are shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from watcher.core.escape import block, line
from watcher.core.moments import rfc3339, since, size_words, when
from watcher.core.reasons import KINDS, TONES, reason
from watcher.records import Event

LONG_TITLE = 300
STYLE = Path(__file__).parent / "static" / "watcher.css"
STYLE_URL = f"/static/watcher.css?v={sha256(STYLE.read_bytes()).hexdigest()[:12]}"
"""Another address for another sheet, so that browsers may keep it."""
NEVER = Markup('<span class="soft">–</span>')


def _safe(value: Any) -> Any:
    """Every text that a template shows: hidden characters become visible, line ends stay."""
    if type(value) is str and not value.isprintable():  # Markup is made by us
        return block(value, 2 << 20)
    return value


ENVIRONMENT = Environment(
    loader=PackageLoader("watcher.web", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_safe,
)


def page(template: str, **values: Any) -> str:
    """The page as HTML."""
    return ENVIRONMENT.get_template(template).render(**values)


def url(path: str, **parameters: Any) -> str:
    """The path with what is not empty of the parameters."""
    given = {name.rstrip("_"): value for name, value in parameters.items() if value not in {"", None, False}}
    return f"{path}?{urlencode(given)}" if given else path


def entry_url(site: str, key: str) -> str:
    """Where an entry's life is told. The key is captured text: it goes where no dots or slashes lead astray."""
    return url(f"/sites/{site}/entry", key=key)


def stamp(moment: datetime | None) -> Markup:
    """A moment as an element that programs and people can read."""
    if moment is None:
        return NEVER
    return Markup(f'<time datetime="{rfc3339(moment)}">{when(moment)}</time>')  # digits, made here


def ago(moment: datetime | None, now: datetime) -> Markup:
    """How long ago or in how long; the moment itself as its title."""
    if moment is None:
        return NEVER
    return Markup(f'<time datetime="{rfc3339(moment)}" title="{when(moment)}">{since(moment, now)}</time>')


def day(moment: datetime) -> str:
    """The day, as a heading."""
    return f"{moment.astimezone(UTC):%A, %-d %B %Y}"


def window(start: datetime | None, end: datetime) -> Markup:
    """Between when and when; the day is not said twice."""
    if start is None:
        return Markup("no later than {}").format(stamp(end))
    return Markup("after {} and no later than {}").format(stamp(start), stamp(end))


def title(text: str) -> str:
    """A captured title on one line."""
    return line(text, LONG_TITLE) or "(no title)"


def headline(event: Event) -> str:
    """What an event is about."""
    return f"{KINDS[event.kind]}: {title(event.entry.title)}" if event.entry else KINDS[event.kind]


def prose(event: Event) -> str:
    """The first reason that is said in words; else what the first machine word means."""
    said = next((word for word in event.why if " " in word), "")
    return said or next((reason(word) for word in event.why if reason(word)), "")


def number(count: int) -> str:
    """A number, its thousands apart."""
    return f"{count:,}".replace(",", "\u202f")


def seconds(length: timedelta) -> str:
    """A short length of time."""
    return f"{length / timedelta(seconds=1):.1f} s"


ENVIRONMENT.globals |= {
    "url": url, "entry_url": entry_url, "stamp": stamp, "ago": ago, "window": window, "headline": headline,
    "prose": prose, "clock": when, "STYLE_URL": STYLE_URL, "reason": reason, "KINDS": KINDS,
}  # fmt: skip
ENVIRONMENT.filters |= {
    "tone": lambda word: TONES.get(word, "quiet"),
    "named": title,
    "line": line,
    "size": size_words,
    "day": day,
    "number": number,
    "seconds": seconds,
}
