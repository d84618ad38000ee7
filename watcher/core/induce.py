"""Entries from a page without a rule: candidates, what several pages teach about them, and the rule that follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from watcher.core import rules
from watcher.core.beside import beside_fields
from watcher.core.candidates import attribute_columns, head_cell, html_groups, path_key
from watcher.core.choosing import CLEAR, Weighed, of_same_records, weigh
from watcher.core.doubt import is_doubtful, whole_of
from watcher.core.fields import AFTER_LABEL, is_labelled, name_fields, outside_link, own_link
from watcher.core.groups import Column, Group
from watcher.core.identity import fold_title
from watcher.core.json_groups import json_groups, step
from watcher.core.learned import REMEMBERED, Learned, Memory, sketch
from watcher.core.links import SCRIPTED, SLUG, slug_of
from watcher.core.outline import Outline
from watcher.core.parse import Document
from watcher.core.ranking import Candidate, aside_of, candidates_of, may_be_titles, with_titles
from watcher.core.selectors import PROVED, Prover, entry_selector
from watcher.core.shapes import apply_frame, frame_from_known
from watcher.core.singles import single_candidates
from watcher.core.words import kind_of
from watcher.records import Entry, Rule, Selector

__all__ = ["Extraction", "Learned", "extract", "learn", "relearn"]

CONTENT_WITH = 4.0
"""Score from which the text columns of a group need no help from its attributes."""
BESIDE_A_NAME = ("date", "timer", "size", "views", "price", "percent")
"""Kinds of texts that are said of something: records that show them, and no name, may have it in an attribute."""
ASIDE = 1.5
"""Of what counts against a place's name, from which on it stands beside the list."""
SURE = 6.0
"""Score from which a page need not be looked at as if it had a single entry."""
BEHIND_ELEMENTS = 1.0
"""By so much lines of text count for less than lists that are marked up as such."""
FEW, LONG = 3, 24
"""Lists of up to so many may be all there is; with one of so many the page has no single entry."""
MOSTLY_KNOWN = 0.8
"""Share of known titles that makes a list one page of what was on one page before."""
RUNNERS = 20
"""Candidates of a page that are looked at closely."""
TRIED = 3
"""Of so many of the likeliest candidates, the first for which a rule can be made is taken."""
SKIPPED_KINDS = frozenset({"menu", "question", "label", "none", "status"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Extraction:
    """What could be read from one document."""

    entries: tuple[Entry, ...] = ()
    rule: Rule | None = None
    """The rule that read them; None: none was found."""
    provisional: bool = False
    frame_found: bool = False
    """The container of the records is there, even if it holds none."""
    chosen: str = ""
    """Key of the candidate that the rule was made from; empty if a rule stood."""
    records: int = 0
    """Records that the rule was made from."""
    titles_a_record: float = 0.0
    """Matches of the title's selector in a record, on the average."""
    memories: tuple[Memory, ...] = ()
    """How the candidates behaved, this page included; empty if a rule stood."""


def extract(document: Document, learned: Learned, *, rule: Rule | None = None, known: Sequence[str] = ()) -> Extraction:
    """The entries of a document: by ``rule`` if given, else by what was learned, else by a first guess."""
    if rule is not None:
        return _by_rule(rule, document)
    if learned.rule is None or learned.provisional:
        return _by_induction(document, learned)
    read = rules.read(learned.rule, document)
    if read.entries and is_doubtful(document, learned, read, known):
        better = _by_former(document, learned.former, read.entries, known) or _whole(document, read.entries, known)
        if better is not None:
            return better
    return _extraction(learned.rule, document, read)


def _by_rule(rule: Rule, document: Document, *, provisional: bool = False) -> Extraction:
    return _extraction(rule, document, rules.read(rule, document), provisional=provisional)


def _extraction(rule: Rule, document: Document, read: rules.Read, *, provisional: bool = False) -> Extraction:
    frame = bool(read.entries) or rules.is_frame_there(rule, document)
    return Extraction(entries=read.entries, rule=rule, provisional=provisional, frame_found=frame)


def _by_former(
    document: Document, former: Learned | None, entries: Sequence[Entry], known: Sequence[str]
) -> Extraction | None:
    """A reading by the rule of before a redesign that was none, if it reads more of the known titles; else None."""
    if former is None or former.rule is None:
        return None
    read = rules.read(former.rule, document)
    expected = {fold_title(title)[0] for title in known}
    then, now = ({fold_title(one.title)[0] for one in found} & expected for found in (read.entries, entries))
    if len(then) <= len(now):
        return None
    return Extraction(
        entries=read.entries, rule=former.rule, frame_found=True, chosen=former.chosen, records=former.records,
        titles_a_record=former.titles_a_record,
    )  # fmt: skip


def _whole(document: Document, entries: Sequence[Entry], known: Sequence[str]) -> Extraction | None:
    """A reading by a better rule, if the one that stands reads only a part of a list; None if there is none."""
    candidate = whole_of(find_candidates(document), entries, known)
    rule = make_rule(document, candidate) if candidate is not None else None
    if candidate is None or rule is None:
        return None
    read = rules.read(rule, document)
    if len(read.entries) <= len(entries):
        return None
    return Extraction(
        entries=read.entries, rule=rule, frame_found=True, chosen=candidate.key, records=candidate.group.size,
        titles_a_record=read.titles_a_record,
    )  # fmt: skip


def learn(learned: Learned, _document: Document, extraction: Extraction) -> Learned:
    """What is known once this page, judged good, is counted too."""
    if not extraction.chosen and not extraction.memories:  # the rule stood
        return replace(learned, pages=learned.pages + 1)
    return Learned(
        rule=extraction.rule,
        provisional=extraction.provisional,
        pages=learned.pages + 1,
        chosen=extraction.chosen,
        records=extraction.records,
        titles_a_record=extraction.titles_a_record,
        memories=extraction.memories if extraction.provisional else (),
        former=learned.former,
    )


# ------------------------------------------------------------------------------------------------------ induction


def _by_induction(document: Document, learned: Learned) -> Extraction:
    moving = any(memory.churned for memory in learned.memories)
    few = not moving or learned.records <= FEW  # a list of two may be one of one today
    weighed = weigh(find_candidates(document, singles=few, chosen=learned.chosen), learned)
    if not weighed:
        if learned.rule is not None:
            return _by_rule(learned.rule, document, provisional=True)
        return Extraction(provisional=True)
    memories = tuple(one.memory for one in weighed[:REMEMBERED])
    for at in range(min(TRIED, len(weighed))):
        best = weighed[at].candidate
        kept = _kept(document, learned, best)
        rule = learned.rule if kept is not None else make_rule(document, best)
        if rule is not None:
            break
    else:
        return Extraction(provisional=True, memories=memories)
    read = kept or rules.read(rule, document)
    return Extraction(
        entries=read.entries,
        rule=rule,
        titles_a_record=read.titles_a_record,
        provisional=not _is_settled(weighed[at:]),
        frame_found=True,
        chosen=best.key,
        records=learned.records if kept is not None else best.group.size,
        memories=memories,
    )


def _is_settled(weighed: Sequence[Weighed]) -> bool:
    """Whether the choice is confirmed: its titles changed and yet stayed, it is no list of one or two, and nothing
    else of the page comes near it (but another column of its records, once its titles changed twice)."""
    best = weighed[0]
    if best.memory.churned < 1 or best.candidate.group.size < 3:
        return False
    sure = best.memory.churned > 1
    rivals = [
        one.total for one in weighed[1:] if not one.titles & best.titles and not (sure and of_same_records(one, best))
    ]
    return not rivals or best.total - max(rivals) >= CLEAR


def _kept(document: Document, learned: Learned, best: Candidate) -> rules.Read | None:
    """What the rule that stands reads, if that is the same: names of fields stay as long as they can."""
    if learned.rule is None or learned.chosen != best.key or learned.records < min(FEW, best.group.size):
        return None
    read = rules.read(learned.rule, document)
    return read if best.folded() <= {fold_title(entry.title)[0] for entry in read.entries} else None


def find_candidates(document: Document, *, singles: bool = False, chosen: str = "") -> list[Candidate]:
    """What entries could be read from on this page alone, best first; ``singles``, even if there are lists. The list
    that was ``chosen`` before may hold one entry today."""
    found: list[Candidate] = []
    lines: list[Candidate] = []
    if document.data is not None:
        written = {step("", name) for name in document.lines}
        for group in json_groups(document.data):
            if group.path in written:
                lines += [
                    replace(one, score=one.score - BEHIND_ELEMENTS) for one in candidates_of(group, group.columns)
                ]
            else:
                found += candidates_of(group, group.columns)
    outline = document.outline if document.kind == "html" else None
    if outline is not None:
        groups = html_groups(outline)
        for group in [*groups, *_of_one(outline, chosen.partition("|")[0], groups)]:
            best = candidates_of(group, group.columns)
            if (not best or best[0].score < CONTENT_WITH) and _may_hide_titles(group):
                extra = [*attribute_columns(outline, group)]
                best += candidates_of(group, [*group.columns, *extra, *_slugs(extra)])
            found += best
        longest = max((one.group.size for one in found if one.score >= SURE), default=0)
        if longest <= FEW or (singles and longest <= LONG):
            found += single_candidates(outline, document.title)
    best_first = sorted(_once([*found, *lines]), key=lambda candidate: -candidate.score)[:RUNNERS]
    return [framed for framed in map(with_titles, best_first) if may_be_titles(framed)]


def _of_one(outline: Outline, key: str, groups: Sequence[Group]) -> list[Group]:
    """The group of this key, if it has a single record; those that have more are ``groups``."""
    if not key or any(group.key == key for group in groups):
        return []
    tag = key.rpartition("/")[2].partition(".")[0]
    number = Counter(outline.sig)
    alone = (at for at, sig in enumerate(outline.sig) if outline.tag[at] == tag and number[sig] == 1)
    record = next((at for at in alone if path_key(outline, at) == key), -1)
    return html_groups(outline, smallest=1, only=frozenset({outline.sig[record]})) if record >= 0 else []


def _may_hide_titles(group: Group) -> bool:
    """Whether names may stand in the attributes of a group whose texts are none."""
    if aside_of(group.key) >= ASIDE or any(column.names > 0.9 for column in group.columns):
        return False
    return group.pages or any(column.wordy or column.share(*BESIDE_A_NAME) > 0.5 for column in group.columns)


def _once(candidates: Iterable[Candidate]) -> list[Candidate]:
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        if candidate.titles and (candidate.key not in best or best[candidate.key].score < candidate.score):
            best[candidate.key] = candidate
    return list(best.values())


def _slugs(columns: Sequence[Column]) -> list[Column]:
    """The telling parts of links as columns: a site may show no name but in its addresses."""
    made: list[Column] = []
    for column in columns:
        if column.attr not in {"href", "data-href"}:
            continue
        slugs = Column(place=column.place, attr=f"{column.attr}~slug")
        slugs.cells = {number: slug for number, value in column.cells.items() if (slug := slug_of(value))}
        slugs.owners = {number: column.owners[number] for number in slugs.cells}
        slugs.tag, slugs.hinted, slugs.order = column.tag, column.hinted, column.order
        if slugs.cells:
            made.append(slugs)
    return made


# ------------------------------------------------------------------------------------------------------- the rule


def make_rule(document: Document, candidate: Candidate) -> Rule | None:
    """The rule that reads a candidate's entries, proved on the page; None if no selector does."""
    if candidate.group.path:
        return _json_rule(candidate, document.base)
    outline, nodes = document.outline, document.nodes
    if outline is None or nodes is None:
        return None
    group = candidate.group
    entry = entry_selector(outline, nodes, group)
    if not entry:
        return None
    prover = Prover(outline, nodes, group, entry)
    title = _title_selector(prover, candidate)
    if title is None:
        return None
    attributes = attribute_columns(outline, group, first=PROVED)
    fields: dict[str, tuple[Selector, ...]] = {"title": (title,)}
    link = own_link(attributes, candidate.title, document.base)
    if link is not None and (found := prover.selector(link, SCRIPTED if link.attr == "onclick" else "")):
        fields["link"] = (found,)
    named = name_fields(group, group.columns, candidate.title)
    away = outside_link(attributes, document.base)
    if away is not None and "domain" not in named:
        named["domain"] = away
    for name, column in named.items():
        if found := prover.selector(column, AFTER_LABEL if is_labelled(column) else ""):
            fields[name] = (found,)
    for name, selector in beside_fields(outline, group, prover).items():
        fields.setdefault(name, (selector,))
    head = head_cell(outline, group, candidate.title)
    return Rule(entry=(entry,), fields=fields, skip=(*filter(None, [head]), *_skipped(candidate)))


def _title_selector(prover: Prover, candidate: Candidate) -> Selector | None:
    column = candidate.title
    if column.attr.endswith("~slug"):
        links = Column(place=column.place, attr=column.attr.removesuffix("~slug"))
        outline = prover.outline
        links.owners = column.owners
        links.cells = {
            number: " ".join((outline.attrs[element].get(links.attr) or "").split())
            for number, element in column.owners.items()
        }
        return prover.selector(links, SLUG)
    return prover.selector(column, candidate.frame)


def _json_rule(candidate: Candidate, base: str) -> Rule:
    group = candidate.group
    fields: dict[str, tuple[Selector, ...]] = {"title": (Selector(css=candidate.title.path, regex=candidate.frame),)}
    link = own_link(group.columns, candidate.title, base)
    if link is not None:
        fields["link"] = (Selector(css=link.path),)
    for name, column in name_fields(group, group.columns, candidate.title).items():
        if column is not link:
            fields[name] = (Selector(css=column.path),)
    return Rule(entry=(group.path,), fields=fields, skip=_skipped(candidate), format="json")


def _skipped(candidate: Candidate) -> tuple[str, ...]:
    """Menu words at the edges of a list of names: HOME, HOW TO DOWNLOAD?, ARCHIVE."""
    left_out = [value for number, value in candidate.title.cells.items() if number not in candidate.titles]
    return tuple(dict.fromkeys(value for value in left_out if kind_of(value) in SKIPPED_KINDS))[:20]


# ------------------------------------------------------------------------------------------------- learning again


def relearn(
    document: Document, learned: Learned, known: Sequence[str], *, example: str = "", goes_on: bool = False
) -> tuple[Extraction, Learned] | None:
    """A new reading and what is learned from it, with known titles (or one example) as seeds, for a page
    whose design changed; None if nothing on the page holds enough of them. If the list ``goes_on`` on further pages,
    few are enough, as long as it shows little else."""
    seeds = frozenset(fold_title(title)[0] for title in ([example] if example else known) if title.strip())
    moved = any(memory.key == learned.chosen and memory.churned for memory in learned.memories)
    guessed = learned.rule is not None and learned.provisional and not moved  # then what is known may be guesses, too
    if not seeds or (guessed and not example):
        return None
    shown = [example] if example else list(known)
    best: tuple[float, Candidate] | None = None
    for candidate in find_candidates(document):
        trial = max(candidate, _seeded(candidate, shown), key=lambda one: len(one.folded() & seeds))
        titles = trial.folded()
        hits = len(titles & seeds)
        if not hits:
            continue
        found, clean = hits / len(seeds), hits / max(1, len(titles))
        a_page_of_them = goes_on and hits >= FEW and clean >= MOSTLY_KNOWN and _is_no_aside(trial)
        if found < (0.3 if len(seeds) > 3 else 0.5) and not a_page_of_them:
            continue
        worth = 10 * found + (0 if example else 2 * clean) + 0.3 * trial.score
        if best is None or worth > best[0]:
            best = (worth, trial)
    if best is None:
        return None
    chosen = best[1]
    rule = make_rule(document, chosen)
    if rule is None:
        return None
    titles = chosen.folded()
    # titles that were known and are here show what churn would
    memory = Memory(key=chosen.key, shape=chosen.shape, titles=sketch(titles), count=len(titles), churned=1)
    provisional = chosen.group.size < 3 and not example
    read = rules.read(rule, document)
    extraction = Extraction(
        entries=read.entries,
        rule=rule,
        titles_a_record=read.titles_a_record,
        provisional=provisional,
        frame_found=True,
        chosen=chosen.key,
        records=chosen.group.size,
        memories=(memory,),
    )
    former = None if learned.rule is None or learned.provisional else replace(learned, memories=(), former=None)
    return extraction, learn(replace(learned, pages=0, former=former), document, extraction)


def _is_no_aside(candidate: Candidate) -> bool:
    """Whether this is surely a list by itself, and none of what stands beside one: recent posts are all known, too."""
    return candidate.score >= SURE and aside_of(candidate.group.key) < ASIDE


def _seeded(candidate: Candidate, known: Sequence[str]) -> Candidate:
    """The candidate with the frame that known titles show."""
    regex = frame_from_known(list(candidate.title.cells.values()), known)
    if not regex:
        return candidate
    titles: Mapping[int, str] = {number: apply_frame(regex, value) for number, value in candidate.title.cells.items()}
    return replace(candidate, frame=regex, titles=titles)
