"""For other programs: an Atom feed of events, and numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256

from aiohttp import web

from watcher.core.atom import MEDIA_TYPE, Channel, feed
from watcher.core.status import configured
from watcher.edge.ledger_sights import Counts, WebLedger
from watcher.edge.ledger_web import ANY
from watcher.records import Event, TargetStatus
from watcher.web.events import FILTERS, wanted_of
from watcher.web.ledgers import NothingKeptError
from watcher.web.room import Room, query, room
from watcher.web.show import url

MOST = 100
PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


async def atom(request: web.Request) -> web.Response:
    """The last events, as the filters say."""
    about, asked = room(request), query(request)
    asked.only(*FILTERS)
    wanted = wanted_of(asked)

    def work(ledger: WebLedger) -> tuple[Event, ...]:
        about.known_site(ledger, wanted.site)
        return tuple(event for _, event in ledger.events_page(wanted, limit=MOST).rows)

    try:
        events = await about.ledgers.ask(work)
    except NothingKeptError:
        events = ()
    filters = {name: request.query[name] for name in FILTERS if request.query.get(name)}
    body = feed(_channel(about, request, filters), events)
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    if tag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers={"ETag": tag})
    return web.Response(
        body=body, headers={"Content-Type": MEDIA_TYPE, "ETag": tag, "Cache-Control": "private, no-cache"}
    )


def _channel(about: Room, request: web.Request, filters: dict[str, str]) -> Channel:
    told = ", ".join("any watchlist" if value == ANY else value for value in filters.values())
    return Channel(
        name=" ".join([about.settings.vantage, *(f"{name}={filters[name]}" for name in sorted(filters))]),
        title=f"watcher {about.settings.vantage}{f': {told}' if told else ''}",
        author=about.settings.operator or f"watcher {about.settings.vantage}",
        base=f"{request.scheme}://{request.headers['Host']}",
        path=url("/feed.atom", **filters),
    )


# ------------------------------------------------------------------------------------------------------- Prometheus


async def metrics(request: web.Request) -> web.Response:
    """How the watching goes, in Prometheus' text format."""
    about = room(request)
    query(request).only()

    def work(ledger: WebLedger) -> tuple[tuple[TargetStatus, ...], Counts]:
        return ledger.status(), about.summary("counts", ledger.newest(), ledger.counts)

    try:
        found, counts = await about.ledgers.ask(work)
    except NothingKeptError:
        found, counts = (), None
    targets = configured(about.settings.sites, found, others=about.settings.is_index)
    lines = [*_of_targets(targets), *(_of_counts(counts) if counts else ())]
    return web.Response(body=("\n".join(lines) + "\n").encode(), headers={"Content-Type": PROMETHEUS})


def _of_targets(targets: tuple[TargetStatus, ...]) -> Iterator[str]:
    yield from _head("watcher_sites", "gauge", "Sites in the configuration.")
    yield f"watcher_sites {len({target.site for target in targets})}"
    gauges = (
        ("watcher_site_listed", "Entries listed now.", lambda one: one.listed),
        ("watcher_site_misses_in_a_row", "Visits in a row that brought nothing.", lambda one: one.misses_in_a_row),
        (
            "watcher_site_last_visit_timestamp_seconds",
            "When it was last visited.",
            lambda one: _seconds(one.last_visit),
        ),
        (
            "watcher_site_last_complete_timestamp_seconds",
            "When the whole listing was last seen.",
            lambda one: _seconds(one.last_complete),
        ),
        ("watcher_site_next_visit_timestamp_seconds", "When it is due.", lambda one: _seconds(one.next_visit)),
    )
    for name, about, value in gauges:
        yield from _head(name, "gauge", about)
        for target in targets:
            number = value(target)
            if number is not None:
                yield f"{name}{_labels(site=target.site, target=target.target)} {number}"
    yield from _head("watcher_site_verdict", "gauge", "1 for the verdict of the last visit.")
    for target in targets:
        if target.verdict:
            yield f"watcher_site_verdict{_labels(site=target.site, target=target.target, verdict=target.verdict)} 1"
    yield from _head("watcher_mirror_verdict", "gauge", "1 for the verdict of the last visit to a mirror.")
    for target in targets:
        for mirror in target.mirrors:
            if mirror.verdict:
                yield f"watcher_mirror_verdict{_labels(site=target.site, url=mirror.url, verdict=mirror.verdict)} 1"


def _of_counts(counts: Counts) -> Iterator[str]:
    single = (
        ("watcher_captures_total", "counter", "Captures and misses kept.", counts.captures),
        ("watcher_log_leaves_total", "counter", "Leaves of the custody log.", counts.leaves),
        ("watcher_checkpoints_total", "counter", "Signed checkpoints.", counts.checkpoints),
        ("watcher_ledger_bytes", "gauge", "Size of the ledger.", counts.ledger_bytes),
    )
    for name, kind, about, value in single:
        yield from _head(name, kind, about)
        yield f"{name} {value}"
    for name, kind, about, label, found in (
        ("watcher_events_total", "counter", "Events concluded.", "kind", counts.events),
        ("watcher_entries", "gauge", "Entries ever seen, by standing.", "standing", counts.entries),
    ):
        yield from _head(name, kind, about)
        for (site, word), value in sorted(found.items()):
            yield f"{name}{_labels(site=site, **{label: word})} {value}"
    for name, about, states in (
        ("watcher_alerts", "Alerts by state.", counts.alerts),
        ("watcher_timestamps", "Time-stamps of checkpoints by state.", counts.stamps),
    ):
        yield from _head(name, "gauge", about)
        for state, value in sorted(states.items()):
            yield f"{name}{_labels(state=state)} {value}"


def _head(name: str, kind: str, about: str) -> Iterator[str]:
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {kind}"


def _labels(**labels: str) -> str:
    told = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(told)}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
