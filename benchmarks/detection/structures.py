"""The corpus's own events in other page structures, with the faults of ``faults``, read end to end without a rule.

    python -m benchmarks.detection CORPUS --part structures [--seeds N] [--site NAME] [--mistakes]

A site's series keeps its entries, dates and events, but its pages are written anew: in a layout drawn for it
(``layouts.py``), with another one after each redesign, with titles in the writing that was drawn (upper case, domains,
Cyrillic, Chinese, Arabic, masked …), and with what stands round a list. Every check writes the pages for its own time
(counters and clocks move), breaks them as ``faults`` drew it, and reads them as a visit would, further pages included.
What a page does not show is not asked for: a change of a field that its layout leaves out is no truth here. Another
seed pairs other sites with other layouts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from random import Random
from urllib.parse import urljoin

from benchmarks.detection.entries import folded
from benchmarks.detection.events import told_of
from benchmarks.detection.faults import POLICY, SETTINGS, Moment, OwnPages, Setting, checks_of, count
from benchmarks.detection.layouts import LAYOUTS, Row, Scene
from benchmarks.detection.looks import MIRRORS, Look, Watched
from benchmarks.detection.score import Tally, Told, table
from benchmarks.detection.series import Series, State, Version
from watcher.core.compare import compare
from watcher.core.identity import fold_title
from watcher.core.reading import read_page
from watcher.core.snapshot import assemble
from watcher.records import Capture, Entry, Hints, Page, Reading, Snapshot

PAGES = 64
FROM = 3
"""The first version that is scored for its entries."""
COUNTRIES = ("Spain", "Italy", "France", "Japan", "Mexico", "USA", "Germany", "Canada")
SECTORS = ("Healthcare", "Energy", "Retail", "Education", "Finance", "Transport")
SAYINGS = (
    "The network was visited and everything of worth was copied.", "Contracts, passports and mail were taken.",
    "The management did not want to talk.", "All of it will be given away when time runs out.",
    "Backups were removed as well.", "There are drawings, invoices and personal files.",
)  # fmt: skip
CYRILLIC = dict(zip("abvgdeziyklmnoprstufhcjqwx", "абвгдезийклмнопрстуфхцжкшх", strict=True))
ARABIC = dict(zip("abtjhdrzsfqklmnwyegiopuvcx", "ابتجحدرزسفقكلمنويعغئوبوفكخ", strict=True))
HAN = "天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往"


def _spelled(letters: Mapping[str, str]) -> Mapping[int, str]:
    return str.maketrans({**letters, **{one.upper(): other.upper() for one, other in letters.items()}})


def _chinese(title: str) -> str:
    return "".join(HAN[ord(one) % len(HAN)] for one in title.lower() if one.isalnum())[:12] + "有限公司"


WRITINGS: Mapping[str, Callable[[str], str]] = {
    "as it is": str,
    "upper": str.upper,
    "lower": str.lower,
    "domain": lambda title: re.sub(r"[^\w*?.]+", "-", title.lower()).strip("-.") + ".com",
    "address": lambda title: "www." + re.sub(r"[^\w*?.]+", "", title.lower()).strip(".") + ".de",
    "file": lambda title: re.sub(r"[^\w*?]+", "_", title).strip("_") + (".7z", ".zip", ".tar.gz")[len(title) % 3],
    "cyrillic": lambda title: title.translate(_spelled(CYRILLIC)),
    "arabic": lambda title: title.lower().translate(_spelled(ARABIC)),
    "chinese": _chinese,
    "country in brackets": lambda title: f"{title} ({('US', 'DE', 'BR', 'IT')[len(title) % 4]})",
    "masked": lambda title: title[:2] + "*" * max(3, len(title) - 4) + title[-2:],
}
_NAME = re.compile(r"((?:[\[(][^\])]*[\])]\s*)?)(.*?)((?:\s*[\[(][^\])]*[\])])?)", re.S)
USUAL = ("as it is", "as it is", "as it is", "as it is", *WRITINGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One series in another dress."""

    series: Series
    layouts: tuple[str, ...]
    """By number of redesign."""
    writing: str
    setting: Setting
    salt: int

    @property
    def name(self) -> str:
        return f"{self.series.site} as {' → '.join(dict.fromkeys(self.layouts))}, {self.writing}"

    def pages(self, state: State, tick: int) -> Mapping[str, str]:
        """The pages of the listing, the first one first."""
        design = int(state.rule.rpartition("-")[2]) - 1
        rows = [self._row(one, entry) for one, entry in zip(state.ids, state.entries, strict=True)]
        scene = Scene(rows=rows, salt=self.salt + design, tick=tick, build=tick // 700_000)
        return LAYOUTS[self.layouts[design % len(self.layouts)]](scene)

    def _row(self, identity: str, entry: Entry) -> Row:
        number = int(sha256(identity.encode()).hexdigest()[:8], 16)
        date = entry.fields.get("date", "")[:10]
        filler = Random(number)
        return Row(
            title=entry.title,
            text=entry.fields.get("description") or " ".join(filler.sample(SAYINGS, filler.choice([1, 2, 3]))),
            status=entry.fields.get("status") or "Published",
            date=date if re.fullmatch(r"\d{4}-\d\d-\d\d", date) else f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            number=number,
            country=COUNTRIES[number % 8],
            sector=SECTORS[number % 6],
            size=f"{number % 900 + 3} GB",
        )


class Titles(dict[str, str]):
    """Who a title is, however it is spaced and spelled."""

    def get(self, title: str, default: str = "") -> str:  # type: ignore[override]  # never None here
        return super().get(title) or super().get(fold_title(title)[0]) or default


@dataclass(slots=True, kw_only=True)
class Found:
    """How the entries of one site were read on its good checks."""

    name: str
    precision: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    unread: int = 0
    """Good checks that were not taken for a listing."""
    false: int = 0

    def mean(self) -> tuple[float, float]:
        checks = max(1, len(self.precision))
        return sum(self.precision) / checks, sum(self.recall) / checks

    @property
    def wrong(self) -> bool:
        return self.mean()[0] < 0.1


def sites_of(all_series: Sequence[Series], seed: int) -> Iterator[Site]:
    """Every series in the layouts that the seed draws for it; each layout comes about equally often."""
    names = sorted(LAYOUTS)
    Random(f"{seed} layouts").shuffle(names)
    for place, series in enumerate(all_series):
        draw = Random(f"{seed} {series.site}")
        writing = draw.choice(USUAL)
        yield Site(
            series=_written(series, writing),
            layouts=(names[place % len(names)], draw.choice(names)),
            writing=writing,
            setting=SETTINGS[(place + seed) % 4],
            salt=draw.randrange(1 << 30) * 100,
        )


def _written(series: Series, writing: str) -> Series:
    """The series with its titles in another writing, but for those masked or renamed at some time; all as they are
    where two would be one."""
    spell = WRITINGS[writing]
    titles = series.titles()
    names = Counter(titles.values())
    masked = {one for title, one in titles.items() if "*" in title or "?" in title or names[one] > 1}
    made: dict[str, str] = {}
    spelled = {title: title if identity in masked else _spell(title, spell) for title, identity in titles.items()}
    for title, identity in titles.items():
        if made.setdefault(fold_title(spelled[title])[0], identity) != identity:
            spelled = {title: title for title in titles}
            break

    def anew(state: State) -> State:
        entries = tuple(replace(entry, title=spelled[entry.title]) for entry in state.entries)
        return replace(state, entries=entries)

    versions = tuple(replace(one, shown=anew(one.shown), true=anew(one.true)) for one in series.versions)
    return replace(series, versions=versions)


def _spell(title: str, spell: Callable[[str], str]) -> str:
    """The name anew, what stands round it (``(SOLD)``) as it was: nobody could know a name that is masked with it."""
    found = _NAME.fullmatch(title)
    assert found is not None
    return found[1] + spell(found[2]) + found[3]


# --------------------------------------------------------------------------------------------------------- one check


QUEUE = "<html><head><title>Access queue</title></head><body><h1>Please wait</h1><p>You are in the queue. Your place is {n}. The page will reload.</p></body></html>"  # noqa: E501
ERROR = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>"  # noqa: E501


def answers(site: Site, look: Look, moment: Moment) -> Mapping[str, Page]:
    """What the mirror answers at one check, by path; nothing if it does not answer."""
    tick = int((look.text_of or look.time).timestamp())
    if look.faulty == "miss":
        return {}
    if look.faulty == "queue":
        return {"/": _page("/", QUEUE.format(n=tick % 977), look)}
    if look.faulty == "error":
        return {"/": _page("/", ERROR, look, status=502 if tick % 2 else 200)}
    state = moment.state if look.faulty == "cut" or look.shown is None else look.shown
    made = site.pages(state, tick)
    pages = {path: _page(path, body, look) for path, body in made.items()}
    if look.faulty == "cut":
        shown = len(look.shown.ids) / max(1, len(state.ids)) if look.shown is not None else 0.5
        path = list(pages)[-1 if tick % 3 == 0 else 0]
        body = pages[path].body
        pages[path] = replace(
            pages[path], body=body[: int(len(body) * (0.1 + 0.85 * shown))], cut="" if tick % 2 else "length"
        )
    return pages


def _page(path: str, body: str, look: Look, status: int = 200) -> Page:
    return Page(body=body.encode(), url=urljoin(look.mirror, path), status=status)


def visit(
    site: Site, look: Look, pages: Mapping[str, Page], memory: bytes, known: Sequence[str], number: int
) -> tuple[Snapshot, bytes]:
    """The listing's pages read in order, as a visit does, and put together."""
    found: list[tuple[Capture, Reading | None]] = []
    waiting, seen = ["/"], {"/"}
    while waiting and len(found) < PAGES:
        path = waiting.pop(0)
        page = pages.get(path)
        if page is None and found:
            page = _page(path, "<html><body><h1>404 Not Found</h1></body></html>", look, status=404)
        capture = _capture(site, look, number, len(found), page)
        if page is None:
            found.append((capture, None))
            break
        hints = Hints(mirror=look.mirror, number=len(found) + 1)
        reading, memory = read_page(page, memory, known, hints)
        found.append((capture, reading))
        for url in reading.next_urls:
            further = "/" + url.removeprefix(look.mirror)
            if further not in seen:
                seen.add(further)
                waiting.append(further)
        if len(found) == 2 and page.status == 404:
            break
    return assemble(site.series.site, f"{site.series.site}@{look.time.isoformat()}", "bench", found), memory


def _capture(site: Site, look: Look, number: int, place: int, page: Page | None) -> Capture:
    return Capture(
        id=f"{site.series.site}-{number}-{place}",
        site=site.series.site,
        target="listing",
        visit=f"{site.series.site}@{look.time.isoformat()}",
        url=page.url if page else look.mirror,
        mirror=look.mirror,
        requested_at=look.time,
        finished_at=look.time + timedelta(seconds=9),
        status=page.status if page else None,
        verdict="" if page else "unreachable",
        why=(),
        cut="",
        isolation=f"circuit-{number}",
        body_digest="",
        body_bytes=len(page.body) if page else 0,
        stored_bytes=0,
        leaf=None,
        vantage="bench",
    )  # fmt: skip


# ---------------------------------------------------------------------------------------------------------- a site


def play(site: Site, tally: Tally, seed: int) -> Found:
    """One site, check after check; what it told is scored into the tally."""
    series = site.series
    titles = Titles()
    for title, identity in series.titles().items():
        titles[title] = identity
        titles.setdefault(fold_title(title)[0], identity)
    watched = Watched(site=series.site, policy=POLICY, titles=titles)
    own = OwnPages(series, seed)
    found = Found(name=site.name)
    memory = b""
    tolds: list[Told] = []
    checks = list(checks_of(series, site.setting, seed))
    for check in checks:
        known = [held.title for held in watched.roster.entries.values() if held.standing != "withdrawn"]
        pages = answers(site, check.look, check.moment)
        snapshot, memory = visit(site, check.look, pages, memory, known, check.moment.number)
        if not check.look.faulty and check.moment.version >= FROM:
            _entries(found, snapshot, check.moment)
        delta = compare(watched.roster, snapshot)
        probes = (
            own.answer(watched, delta, snapshot, check.moment) if site.setting.details and snapshot.complete else ()
        )
        events = watched.decide(snapshot, delta, probes, MIRRORS[: site.setting.mirrors])
        tolds += told_of(watched, check.moment.number, events)
    before, false = len(tally.mistakes), tally.false_withdrawals
    shown = replace(series, versions=tuple(_showing(site)))
    count(tally, shown, site.setting, checks, tolds, seed)
    tally.mistakes[before:] = [mistake.replace(series.site, site.name, 1) for mistake in tally.mistakes[before:]]
    found.false = tally.false_withdrawals - false
    return found


def _entries(found: Found, snapshot: Snapshot, moment: Moment) -> None:
    if not snapshot.complete:
        found.unread += 1
    true = folded([entry.title for entry in moment.state.entries])
    there = folded([entry.title for entry in snapshot.entries])
    right = (true & there).total()
    found.precision.append(right / there.total() if there else float(not true))
    found.recall.append(right / true.total() if true else 1.0)


def _showing(site: Site) -> Iterator[Version]:
    """The versions with those of their events that the pages show."""
    before: State | None = None
    for version in site.series.versions:
        yield replace(
            version,
            events=tuple(one for one in version.events if before is None or _shows(site, before, version.true, one)),
        )
        before = version.true if version.kind == "ok" else before


def _shows(site: Site, before: State, after: State, event: Mapping[str, object]) -> bool:
    identity = str(event["id"])
    if event["type"] not in ("changed", "renamed") or identity not in before.ids or identity not in after.ids:
        return True
    one, other = before.entries[before.ids.index(identity)], after.entries[after.ids.index(identity)]
    if event["type"] == "renamed":
        return one.title != other.title
    alone = [
        State(ids=(identity,), entries=(replace(entry, title=one.title),), rule=after.rule) for entry in (one, other)
    ]
    return site.pages(alone[0], 0) != site.pages(alone[1], 0)


# ---------------------------------------------------------------------------------------------------------- report


def report(all_series: Sequence[Series], seeds: Sequence[int], *, mistakes: bool) -> None:
    """Prints what was found and told, draw by draw."""
    print(f"\nThe same events in {len(LAYOUTS)} other page structures, with faults in every fifth check\n")
    rows: list[tuple[str, Tally]] = []
    every: list[Found] = []
    for seed in seeds:
        tally = Tally()
        every += [play(site, tally, seed) for site in sites_of(all_series, seed)]
        rows.append((f"draw {seed}", tally))
    precision, recall = (sum(one.mean()[at] for one in every) / max(1, len(every)) for at in (0, 1))
    wrong = [one for one in every if one.wrong]
    print(
        f"  entries: precision {precision:.4f}, recall {recall:.4f}, wholly wrong on {len(wrong)} of {len(every)} sites"
    )
    for one in sorted(every, key=lambda one: sum(one.mean())):
        if min(one.mean()) < 0.999 or one.unread or one.false:
            print(
                f"    {one.mean()[0]:.3f} {one.mean()[1]:.3f}  unread {one.unread:2}  false {one.false:2}  {one.name}"
            )
    print("\n" + table(rows))
    if mistakes:
        for name, tally in rows:
            for mistake in tally.mistakes:
                print(f"  {name}: {mistake}")
    checks, false = (sum(getattr(tally, name) for _, tally in rows) for name in ("checks", "false_withdrawals"))
    print(f"\n{checks} checks, {false} false withdrawals", flush=True)
