"""The series without injected faults: each version looked at three times, the corpus's own bad pages among them.

From the truth's entries, or end to end from the pages, read without any rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from benchmarks.detection.looks import Look, Watched, snapshot_of
from benchmarks.detection.score import TRUE_KIND, Tally, Told, Truth, score
from benchmarks.detection.series import Series, Version
from watcher.core.reading import read_page
from watcher.core.snapshot import assemble
from watcher.records import Capture, Event, Hints, Page, Policy, Snapshot

CHECKS = 3
BETWEEN = timedelta(minutes=20)
POLICY = Policy(confirm_visits=2, confirm_after=timedelta(minutes=10), structural_after=timedelta(hours=12))
VERDICTS = {
    "ok": ("listing", True),
    "partial": ("listing", True),
    "blocked": ("blocked", False),
    "empty": ("empty", True),
}


def truths_of(series: Series, checks: int, start: int = 0) -> list[Truth]:
    """What truly happened, by number of look; of what came before the first version nothing is known."""
    found: list[Truth] = []
    for place, version in enumerate(series.versions):
        for event in version.events:
            kind, identity = TRUE_KIND[str(event["type"])], str(event["id"])
            found.append(
                Truth(
                    site=series.site,
                    kind=kind,
                    identity=identity,
                    at=start + place * checks,
                    time=version.time,
                    mass=version.mass,
                )
            )
    return [_until(truth, found) for truth in found]


def _until(truth: Truth, all_of_them: Sequence[Truth]) -> Truth:
    back = [t.at for t in all_of_them if t.identity == truth.identity and t.kind == "relisted" and t.at > truth.at]
    return replace(truth, until=min(back, default=1 << 30)) if truth.kind == "withdrawn" else truth


def told_of(site: Watched, number: int, events: Sequence[Event]) -> list[Told]:
    """The events as they are scored."""
    return [
        Told(
            site=site.site,
            kind=event.kind,
            identity=site.identity(event.entry.title if event.entry else ""),
            at=number,
            not_before=event.not_before,
            not_after=event.not_after,
            title=event.entry.title if event.entry else "",
        )
        for event in events
    ]


def run(all_series: Sequence[Series], *, pages: bool) -> Tally:
    """All series; ``pages``: read the pages themselves, without a rule."""
    tally = Tally()
    for series in all_series:
        site = Watched(site=series.site, policy=POLICY, titles=series.titles())
        tolds: list[Told] = []
        listed: list[frozenset[str]] = []
        looks = _read(site, series) if pages else _shown(series)
        for number, (version, snapshot) in enumerate(looks):
            tolds += told_of(site, number, site.look(snapshot))
            listed.append(frozenset(version.true.ids))
        tally.checks += len(listed)
        score(tally, truths_of(series, CHECKS), tolds, dict.fromkeys(range(len(listed)), True), listed)
    return tally


def _shown(series: Series) -> Iterator[tuple[Version, Snapshot]]:
    for place, version in enumerate(series.versions):
        verdict, complete = VERDICTS[version.kind]
        for check in range(CHECKS):
            look = Look(
                time=version.time + check * BETWEEN,
                verdict=verdict,
                complete=complete,
                shown=None if version.kind == "blocked" else version.shown,
                text_of=version.time,
            )
            yield version, snapshot_of(series.site, place * CHECKS + check, look)


def _read(site: Watched, series: Series) -> Iterator[tuple[Version, Snapshot]]:
    memory = b""
    url = f"http://{series.site}.onion/"
    for place, version in enumerate(series.versions):
        body = version.file.read_bytes()
        for check in range(CHECKS):
            time = version.time + check * BETWEEN
            known = [held.title for held in site.roster.entries.values() if held.standing != "withdrawn"]
            page = Page(body=body, url=url, status=200)
            reading, memory = read_page(page, memory, known, Hints(mirror=url))
            capture = Capture(
                id=f"{series.site}-{place * CHECKS + check}",
                site=series.site,
                target="listing",
                visit=f"{series.site}@{time.isoformat()}",
                url=url,
                mirror=url,
                requested_at=time,
                finished_at=time + timedelta(seconds=9),
                status=200,
                verdict="",
                why=(),
                cut="",
                isolation=f"circuit-{place * CHECKS + check}",
                body_digest="",
                body_bytes=len(body),
                stored_bytes=0,
                leaf=None,
                vantage="bench",
            )
            # the pages have next links that lead nowhere here: what one page says is the whole listing
            from dataclasses import replace

            yield version, assemble(series.site, capture.visit, "bench", [(capture, replace(reading, next_urls=()))])
