"""Events as messages for people: mail, chat, telephone. Plain words, nothing that a service would run or fetch.

Every captured text passes through ``core.escape.chat``: no markup, no mention, no address that anybody could follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from watcher.core.contract import event_object, published
from watcher.core.escape import chat, cut, line
from watcher.core.moments import rfc3339, words
from watcher.core.reasons import KINDS, reason
from watcher.records import Entry, Event

LONGEST_TITLE = 200
LONGEST_BODY = 12_000
MOST_LISTED = 50
"""Events that one message names; of more it says how many, and where to see them."""
MOST_CHANGES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a service is handed."""

    title: str
    body: str
    urgent: bool = False
    """It is about a name on the watchlist."""


def message(events: Sequence[Event], checkpoint: str = "") -> Message:
    """One message that tells of these events (at least one), with the signed log head that covers them."""
    told = _one(events[0]) if len(events) == 1 else _many(events)
    tail = f"\n\nSigned head of the custody log that holds this:\n{checkpoint.strip()}" if checkpoint else ""
    return Message(title=cut(told.title, LONGEST_TITLE), body=cut(told.body, LONGEST_BODY) + tail, urgent=told.urgent)


def key_of(events: Sequence[Event]) -> str:
    """What stays the same however often a message comes: the event's identifier, or one of all of theirs."""
    if len(events) == 1:
        return events[0].id
    return f"g{sha256(' '.join(sorted(event.id for event in events)).encode()).hexdigest()[:16]}"


# ------------------------------------------------------------------------------------------------------ one event


def _one(event: Event) -> Message:
    what = KINDS[event.kind]
    where = chat(event.site)
    title = f"{_mark([event])}{what}: {_title(event)}" + (f" ({where})" if event.entry else "")
    rows = [f"{what} on {where}" + (f": {_title(event)}" if event.entry else "")]
    if event.watchlist:
        rows.append(f"On the watchlist: {_watched([event])}")
    if event.was:
        rows.append(f"Before, it was called: {chat(event.was)}")
    rows += _changes(event)
    rows += [f"When: {_window(event)}", f"Sure at: {_moment(event.confirmed_at)}", f"Why: {why(event)}"]
    if event.entry and event.entry.url:
        rows.append(f"Its address: {chat(event.entry.url)}")
    seen = [f"{name} {capture}" for name, capture in (("before", event.before), ("after", event.after)) if capture]
    if seen:
        rows.append(f"Captures: {', '.join(seen)}")
    rows += [
        f"Seen from: {chat(event.vantage) or 'here'}",
        "This says what a page showed. It does not say that the claim made there is true.",
        f"Event {event.id} (the same however often this comes); more: watcher show {event.id}",
    ]
    return Message(title=title, body="\n".join(rows), urgent=bool(event.watchlist))


def _changes(event: Event) -> list[str]:
    rows = [f"{chat(name, 40)}: {chat(old) or '–'} → {chat(new) or '–'}" for name, (old, new) in event.changes.items()]
    more = [f"… and {len(rows) - MOST_CHANGES} more"] if len(rows) > MOST_CHANGES else []
    return rows[:MOST_CHANGES] + more


def why(event: Event) -> str:
    """The reasons in words: the prose if there is any, else what the machine words mean."""
    prose = [chat(word, 600) for word in event.why if " " in word]
    if prose:
        return " ".join(prose)
    return chat("; ".join(reason(word) or word for word in event.why), 600) or "no reasons were recorded"


def _window(event: Event) -> str:
    if event.not_before is None:
        return f"no later than {_moment(event.not_after)}"
    span = words(event.not_after - event.not_before)
    return f"after {_moment(event.not_before)} and no later than {_moment(event.not_after)} ({span})"


# ---------------------------------------------------------------------------------------------------- many events


def _many(events: Sequence[Event]) -> Message:
    kinds = {event.kind for event in events}
    sites = {event.site for event in events}
    about = KINDS[events[0].kind].lower() if len(kinds) == 1 else "events"
    place = chat(events[0].site) if len(sites) == 1 else f"{len(sites)} sites"
    title = (
        f"{_mark(events)}{len(events)} × {about} on {place}"
        if len(kinds) == 1
        else (f"{_mark(events)}{len(events)} events on {place}")
    )
    rows = [f"{len(events)} {'events' if len(kinds) > 1 else f'times: {about}'} on {place}"]
    if watched := _watched(events):
        rows.append(f"On the watchlist: {watched}")
    first = sorted(events, key=lambda event: not event.watchlist)  # what matters most is never among the uncounted
    rows += [f"- {_row(event, kind=len(kinds) > 1, site=len(sites) > 1)}" for event in first[:MOST_LISTED]]
    if len(events) > MOST_LISTED:
        since = min(event.confirmed_at for event in events)
        rows.append(f"… and {len(events) - MOST_LISTED} more; all of them: watcher events --since {rfc3339(since)}")
    rows.append("This says what pages showed. It does not say that the claims made there are true.")
    rows.append(f"Message {key_of(events)} (the same however often this comes)")
    return Message(title=title, body="\n".join(rows), urgent=any(event.watchlist for event in events))


def _row(event: Event, *, kind: bool, site: bool) -> str:
    parts = [_title(event)]
    if kind or not event.entry:
        parts.insert(0, KINDS[event.kind])
    if site and event.entry:
        parts.append(chat(event.site))
    if event.watchlist:
        parts.append(f"WATCHLIST: {_watched([event])}")
    if event.was:
        parts.append(f"before: {chat(event.was, 80)}")
    parts += [f"no later than {_moment(event.not_after)}", event.id]
    return " · ".join(parts)


def _title(event: Event) -> str:
    return chat(event.entry.title) if event.entry else chat(event.site)


def _mark(events: Sequence[Event]) -> str:
    return "WATCHLIST · " if any(event.watchlist for event in events) else ""


def _watched(events: Sequence[Event]) -> str:
    names = dict.fromkeys(name for event in events for name in event.watchlist)
    return chat(", ".join(names))


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


# ------------------------------------------------------------------------------------------------ templates of users


class Wording:
    """A template of the operator's (Jinja): its first line is the title, the rest the body. Every value that it prints
    is escaped for chats; it can reach nothing but what it is given."""

    def __init__(self, source: str) -> None:
        """Raises ValueError, "line: what is wrong", for a template that cannot be used."""
        # 2 MiB, and few watchers have such a template
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        jinja = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined, finalize=_printed, trim_blocks=True, lstrip_blocks=True, autoescape=False
        )
        try:
            self._template = jinja.from_string(source)
        except TemplateError as error:
            raise _fault(error) from error
        self.message([_SAMPLE], "sample")
        self.message([_SAMPLE, _SAMPLE], "sample")

    def message(self, events: Sequence[Event], checkpoint: str = "") -> Message:
        """The message that the template makes of these events. Raises ValueError, as above, if it makes none."""
        from jinja2 import TemplateError

        shown = [_described(event) for event in events]
        try:
            text = self._template.render(
                events=shown,
                event=shown[0],
                count=len(shown),
                key=key_of(events),
                watchlist=list(dict.fromkeys(name for event in events for name in event.watchlist)),
                checkpoint=_Own(checkpoint.strip()),
            )
        except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise _fault(error) from error
        title, _, body = text.strip().partition("\n")
        return Message(
            title=cut(title.strip(), LONGEST_TITLE),
            body=cut(body.strip("\n"), LONGEST_BODY) or title,
            urgent=any(event.watchlist for event in events),
        )


def _fault(error: Exception) -> ValueError:
    return ValueError(f"{getattr(error, 'lineno', 1) or 1}: {line(str(error)) or type(error).__name__}")


class _Own(str):
    """A text of our own: printed as it is."""

    __slots__ = ()


def _printed(value: Any) -> Any:
    if isinstance(value, _Own):
        return str(value)
    if isinstance(value, list | tuple):
        return ", ".join(str(_printed(one)) for one in value)
    text = str(value)
    before, after = (" " if text[at : at + 1].isspace() else "" for at in (0, len(text) - 1))
    return f"{before}{chat(text, 2000)}{after}"


def _described(event: Event) -> Mapping[str, Any]:
    """What a template may print of an event."""
    told = {"changes": {}, "was": "", **event_object(event), **published(event.entry or Entry(key="", title=""))}
    shown = {name: "" if value is None else value for name, value in told.items() if name not in {"entry", "key"}}
    return {**shown, "what": KINDS[event.kind], "why": _Own(why(event)), "reasons": list(event.why)}


_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SAMPLE = Event(
    id="e0",
    kind="listed",
    site="sample",
    entry=Entry(key="sample", title="Sample", url="http://sample.example/", fields={"status": "new"}),
    not_before=_NOON - timedelta(minutes=15),
    not_after=_NOON,
    confirmed_at=_NOON,
    before=None,
    after=None,
    why=("new-on-listing",),
    watchlist=("Sample",),
    vantage="sample",
)
