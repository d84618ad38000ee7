"""Which column of which group holds the titles, as far as one page can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2

from watcher.core.groups import JUDGED, Column, Group
from watcher.core.identity import fold_title
from watcher.core.lexicon import NOT_TITLE_HINTS, STRONG_TITLE_HINTS, TITLE_HINTS
from watcher.core.shapes import apply_frame, frame_of
from watcher.core.short_keys import cached_if_short
from watcher.core.words import TITLE_KINDS, aside_weight, is_aside_inside, is_company, kind_of, words_in

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_TAG_BONUS = {
    **dict.fromkeys(HEADINGS, 0.8),
    **dict.fromkeys(("strong", "b", "u", "th", "a", "font", "summary", "dt", "legend"), 0.35),
    **dict.fromkeys(("time", "button", "label", "small", "option", "code", "pre"), -0.5),
}
_TITLE_LABELS = STRONG_TITLE_HINTS | {"client", "domain", "site", "website", "host", "who", "url", "link"}
_NO_TITLES = frozenset({"href", "data-href", "data-url", "data-link", "onclick", "datetime", "data-id"})
BEST_COLUMNS = 3
"""Title columns of a group that are kept in the running."""
LEAST = 2.0
"""Score below which a candidate is no list of entries."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each sign counts for; tuned on one half of the sites, judged on the other."""

    name: float = 3.0
    domain: float = 2.7
    tag: float = 1.0
    hint: float = 0.9
    label: float = 1.2
    first: float = 0.35
    linked: float = 0.3
    long: float = 0.8
    gap: float = 2.5
    repeat: float = 2.2
    count: float = 0.5
    rich: float = 1.0
    aside: float = 1.0
    twin: float = 1.0
    attribute: float = 1.5
    pure: float = 0.7
    pages: float = 0.7
    company: float = 1.2
    trimmed: float = 0.3
    address: float = 0.8
    inside: float = 1.5
    file: float = 0.8


DEFAULT = Weights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A column of a group that may hold the titles."""

    group: Group
    title: Column
    frame: str
    """Regex that takes the title out of the column's text."""
    titles: Mapping[int, str]
    """Record number to title."""
    score: float

    @property
    def key(self) -> str:
        """What names the candidate on every page of its design."""
        return f"{self.group.key}|{self.title.identity()}"

    @property
    def shape(self) -> str:
        """The same, with tags alone."""
        tags = "/".join(f"{tag}:{nth}" for tag, _, nth in self.title.place)
        return f"{self.group.shape}|{tags}@{self.title.attr}{self.title.path}"

    def folded(self, frame: str | None = None) -> frozenset[str]:
        """The titles as they are compared; with another ``frame``, as that would take them out."""
        if frame is None:
            return frozenset(map(_folded, self.titles.values()))
        return frozenset(_folded(apply_frame(frame, self.title.cells[number])) for number in self.titles)


@cached_if_short(2_000)
def _folded(title: str) -> str:
    return fold_title(title)[0]


def candidates_of(group: Group, columns: Sequence[Column], weights: Weights = DEFAULT) -> list[Candidate]:
    """The best title columns of a group, best first; their titles are not yet taken out of what is round them."""
    around = _group_score(group, columns, weights)
    scored: list[Candidate] = []
    for column in columns:
        frame = ""
        score = _best_score(column, group, weights)
        if score is None and len(column.cells) > 1 and _may_be_framed(column):
            frame = frame_of(list(column.cells.values()))
            score = title_score(_framed(column, frame), group, weights) if frame else None
        if score is not None and score + around > LEAST - 2:
            total = score + around - _twin_penalty(column, columns, weights)
            total -= weights.address * (column.share("domain") > 0.5 and _has_names(columns))
            scored.append(Candidate(group=group, title=column, frame=frame, titles=column.cells, score=total))
    return sorted(scored, key=lambda candidate: -candidate.score)[:BEST_COLUMNS]


def _has_names(columns: Sequence[Column]) -> bool:
    """Whether a column holds names that are no domains: then the domains are what the names are found under."""
    return any(
        column.names - column.share("domain") > 0.7 and column.distinct() > 0.8 and not column.attr and not column.label
        for column in columns
    )


def _best_score(column: Column, group: Group, weights: Weights) -> float | None:
    """The column's score, or what it is without the menu words among its names, if that is better."""
    score = title_score(column, group, weights)
    aside = column.share("menu", "question")
    if not 0.05 < aside < 0.7 or column.names < 0.9 * (1 - aside):
        return score
    names = _copied(
        column, {number: cell for number, cell in column.cells.items() if kind_of(cell) not in _ASIDE_KINDS}
    )
    trimmed = title_score(names, group, weights, records=len(group.records) - len(column.cells) + len(names.cells))
    if trimmed is None:
        return score
    return trimmed - weights.trimmed if score is None else max(score, trimmed - weights.trimmed)


_ASIDE_KINDS = frozenset({"menu", "question", "none", "status"})


def _may_be_framed(column: Column) -> bool:
    """Whether a column that holds no names may hold them inside something else."""
    return (
        column.attr not in _NO_TITLES
        and column.share("sentence", "label", "question", "name", "price") > 0.3
        and all(len(value) < 150 for value in list(column.cells.values())[:10])
    )


def with_titles(candidate: Candidate) -> Candidate:
    """The candidate with its titles taken out of what is round them, and without menu words among names."""
    values = list(candidate.title.cells.values())
    frame = candidate.frame or frame_of(values)
    titles = {number: apply_frame(frame, value) for number, value in candidate.title.cells.items()}
    left_out = {number for number, title in titles.items() if kind_of(title) in _ASIDE_KINDS}
    if 0 < len(left_out) < 0.7 * len(titles):
        titles = {number: title for number, title in titles.items() if number not in left_out}
    return replace(candidate, frame=frame, titles=titles)


def may_be_titles(candidate: Candidate) -> bool:
    """Whether names are left where what all the texts have in common was taken off: of ``Lot #12``, a number is."""
    titles = list(candidate.titles.values())[:JUDGED]
    return not candidate.frame or sum(kind_of(title) in TITLE_KINDS for title in titles) * 10 >= len(titles) * 3


def _framed(column: Column, frame: str) -> Column:
    return _copied(column, {number: apply_frame(frame, value) for number, value in column.cells.items()})


def _copied(column: Column, cells: dict[int, str]) -> Column:
    """The column with other texts."""
    made = Column(place=column.place, rank=column.rank, attr=column.attr, path=column.path)
    made.cells = cells
    made.owners, made.tag, made.label = column.owners, column.tag, column.label
    made.hinted, made.linked, made.order = column.hinted, column.linked, column.order
    return made


def title_score(column: Column, group: Group, weights: Weights = DEFAULT, *, records: int = 0) -> float | None:
    """How much a column looks like titles; None if it cannot be. ``records``, if not all of the group's are meant."""
    if column.attr in _NO_TITLES:
        return None
    domains = column.share("domain")
    names = column.names - domains
    if column.tag in HEADINGS or words_in(column.label) & STRONG_TITLE_HINTS or _hint(column.hints) == 1.0:
        names += weights.file * column.share("file")  # what is called a title is one, even if it is called Acme.zip
    if names + domains < 0.3:
        return None
    records = max(1, records or len(group.records))
    if len(column.cells) * 5 < records * 2 and len(column.cells) < 8:
        return None
    distinct = column.distinct()
    looked = list(column.cells.values())[:40]
    score = (
        (names * weights.name + domains * weights.domain)
        * (0.35 + 0.65 * distinct)
        * float((names + domains) ** weights.pure)
    )
    companies = sum(1 for value in looked if is_company(value) and kind_of(value) != "domain")
    score += weights.company * (companies / len(looked) + domains / 2)
    score += weights.tag * _TAG_BONUS.get(column.tag, 0.0)
    score += weights.hint * _hint(column.hints)
    if column.label:
        words = words_in(column.label)
        if words & _TITLE_LABELS:
            score += weights.label if words & STRONG_TITLE_HINTS else weights.label / 2
        else:
            score -= weights.label
    score += weights.first * (1.0 if column.order == 0 else 0.4 if column.order == 1 else 0.0)
    score += weights.linked * column.linked
    score -= weights.gap * (1 - min(1.0, len(column.cells) / records))
    if len(column.cells) > 2:
        score -= weights.repeat * max(0.0, 0.7 - distinct)
    elif len(column.cells) == 2 and distinct < 1:
        score -= weights.repeat / 2
    score -= weights.long * min(2.0, max(0.0, sum(map(len, looked)) / len(looked) - 45) / 40)
    if column.attr:
        score -= weights.attribute * (2.0 if column.attr.endswith("~slug") else 1.0)
    inner = {word for tag, key, _ in column.place for word in words_in(f"{tag} {key}")} - group.words
    if any(map(is_aside_inside, inner)):
        score -= weights.inside
    return score


def _hint(words: frozenset[str]) -> float:
    other_field = words & NOT_TITLE_HINTS and not words & {"company", "victim"}
    if other_field or words & _SMALL_PARTS:
        return -1.0
    if words & STRONG_TITLE_HINTS:
        return 1.0
    return 0.5 if words & TITLE_HINTS else 0.0


_SMALL_PARTS = frozenset({"foot", "footer", "btn", "button", "more", "slug", "small", "sub", "subtitle"})


def _group_score(group: Group, columns: Sequence[Column], weights: Weights) -> float:
    """What the group says, whatever its title column."""
    score = weights.count * log2(1 + min(group.size, 200))
    rich = 0.0
    if any(column.wordy for column in columns):
        rich += 0.6
    facts = sum(
        1 for column in columns if column.share("date", "timer", "size", "status", "views", "price", "percent") > 0.5
    )
    rich += min(0.6, 0.3 * facts)
    if any(column.linked for column in columns):
        rich += 0.2
    if group.pages:
        rich += weights.pages
    return score + weights.rich * rich - weights.aside * min(2.5, aside_of(group.key))


@cached_if_short(1_000)
def aside_of(key: str) -> float:
    """How much a path says that it leads aside from the main content."""
    steps = key.split("/")
    own = aside_weight(steps[-1])
    return own + sum(sorted((aside_weight(step) for step in steps[:-1]), reverse=True)[:2])


def _twin_penalty(title: Column, columns: Iterable[Column], weights: Weights) -> float:
    """Takes off when the record holds several titles of the same kind: then it is a row of records."""
    for column in columns:
        if column is title or len(column.place) != len(title.place) or column.rank != title.rank or column.label:
            continue
        differing = [
            at for at, (mine, other) in enumerate(zip(title.place, column.place, strict=True)) if mine != other
        ]
        if len(differing) != 1 or differing[0] >= len(title.place) - 1:
            continue
        mine, other = title.place[differing[0]], column.place[differing[0]]
        alike = abs(column.share("domain") - title.share("domain")) < 0.3
        if mine[:2] == other[:2] and alike and column.names > 0.6 and column.distinct() > 0.6:
            return weights.twin
    return 0.0
