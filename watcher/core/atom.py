"""Events as an Atom feed (RFC 4287). What is captured is text in it, never markup; identifiers never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid5
from xml.etree import ElementTree

from watcher.core.escape import block, line
from watcher.core.moments import rfc3339
from watcher.core.reasons import KINDS, reason
from watcher.records import Event

NAMESPACE = "http://www.w3.org/2005/Atom"
OURS = UUID("6f0d1f2e-5c2b-5a7e-9a43-0d6b8b6f4d11")
"""Under which the names of feeds and events become identifiers."""
MEDIA_TYPE = "application/atom+xml; charset=utf-8"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """What the whole feed is about."""

    name: str
    """Tells this feed from the others of the same watcher: its filters."""
    title: str
    author: str
    base: str
    """The address of the page that serves it, without a slash at its end."""
    path: str
    """Of the feed itself, its query included."""


def feed(channel: Channel, events: Sequence[Event]) -> bytes:
    """The feed, newest event first."""
    root = ElementTree.Element("feed", {"xmlns": NAMESPACE, "xml:lang": "en"})
    _text(root, "id", f"urn:uuid:{uuid5(OURS, f'feed {channel.name}')}")
    _text(root, "title", channel.title)
    _text(root, "updated", rfc3339(max((event.confirmed_at for event in events), default=NEVER)))
    author = ElementTree.SubElement(root, "author")
    _text(author, "name", channel.author)
    _text(root, "generator", "watcher")
    _link(root, "self", channel.base + channel.path, "application/atom+xml")
    _link(root, "alternate", f"{channel.base}/events", "text/html")
    for event in events:
        _entry(root, channel, event)
    ElementTree.indent(root, " ")
    whole: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _entry(root: ElementTree.Element, channel: Channel, event: Event) -> None:
    entry = ElementTree.SubElement(root, "entry")
    _text(entry, "id", f"urn:uuid:{uuid5(OURS, f'event {event.id}')}")
    _text(entry, "title", headline(event))
    _text(entry, "updated", rfc3339(event.confirmed_at))
    _text(entry, "published", rfc3339(event.confirmed_at))
    _link(entry, "alternate", f"{channel.base}/events/{event.id}", "text/html")
    for term in (event.kind, event.site, *(f"watchlist: {line(name)}" for name in event.watchlist)):
        ElementTree.SubElement(entry, "category", {"term": term})
    _text(entry, "summary", "\n".join(_said(event)))


def headline(event: Event) -> str:
    """The event in one line."""
    about = f": {line(event.entry.title)}" if event.entry else ""
    return f"{KINDS[event.kind]}{about} ({event.site})"


def _said(event: Event) -> list[str]:
    """What happened, between when and when, and why that was concluded."""
    after = f"after {rfc3339(event.not_before)} and " if event.not_before else ""
    said = [f"It happened {after}no later than {rfc3339(event.not_after)}; certain at {rfc3339(event.confirmed_at)}."]
    if event.was:
        said.append(f"Its title was: {line(event.was)}")
    said += [f"{line(name)}: {line(old)} → {line(new)}" for name, (old, new) in event.changes.items()]
    said += [block(f"{reason(word)} ({word})" if reason(word) else word, 1000) for word in event.why]
    return said


def _text(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = block(text)


def _link(parent: ElementTree.Element, rel: str, href: str, kind: str) -> None:
    ElementTree.SubElement(parent, "link", {"rel": rel, "type": kind, "href": href})
