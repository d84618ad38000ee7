"""Which entry of the roster a new title on the page belongs to: one to one, best first, and in doubt nobody's."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

from watcher.core.identity import MASK, fold, fold_title, own_path, unmarked

MOST = 5_000
"""More leftovers than this on both sides are another site, not so many renames."""
FEW = 150
"""Up to so many on both sides every pair is looked at, not only those that share a word."""
LONG = 60
"""A description of so many letters, shared by no other entry, is one entry's."""
LOOSE = 0.5
"""How well a mask fits whose marks do not count letters; only in the same place is that enough."""
MOST_RUNS = 9
"""A mask cut into more runs than this is only fitted letter by letter."""
SHOWN = 4
"""Letters that a mask of unknown length must show."""
CLOSE, IN_PLACE, MARGIN = 0.82, 0.6, 0.12
"""How close two titles are anywhere; in the same place of the list; and how much closer than the next best."""
INSIDE = 0.85
"""How close a title is at least to one that contains it whole, if its words are telling."""
TELLING = 0.6
"""Words are telling that weigh so much of what a word weighs that no other title has."""
LACKING = 0.3
"""The share of a title's weight that the other may lack when it has words of its own."""

_FORMS = (
    "ltd limited inc incorporated llc llp plc corp corporation company co gmbh mbh ag kg ohg se sa sas sarl srl "
    "spa snc sl slu ltda me eireli bv nv oy ab as asa aps pty pvt sdn bhd ooo zao oao ооо зао оао the and und et "
    "of de du des del della di da do dos la le les el los group holding holdings international www com net org"
)
FORMS = frozenset(_FORMS.split())
"""Words that so many names have that they tell nothing, whatever few others a page has."""
MOST_WORDS, LONGEST_WORD = 30, 60
SAMPLE = 1_000
"""So many other titles show well enough how common a word is."""
FORM_WEIGHT = 0.1
RARE = 3
"""A description with so many words that no other one has is one entry's, wherever it stands."""

_RUNS = re.compile(rf"{re.escape(MASK)}+|[^{re.escape(MASK)}]+")
_TOKEN = re.compile(r"[^\W_]+")
_DOMAIN = re.compile(r"^(?:https?://)?(?:www\.)*([\w-]+(?:\.[\w-]+)+)/?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One entry, of the roster or of the page, as it is matched."""

    key: str
    title: str
    url: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    before: str = ""
    """Roster key of the entry above it that is on the page, too; empty for the first."""
    after: str = ""
    """Roster key of the entry below it that is on the page, too; empty for the last."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides that are one entry, and how that was seen."""

    old: str
    new: str
    how: str


def pair(
    old: Sequence[Side], new: Sequence[Side], others: Mapping[str, Mapping[str, str]], *, links: bool = True
) -> tuple[Pair, ...]:
    """The pairs among leftovers: the same link, a mask that fits, the same description or domain, a close title.

    ``others`` are title and fields of all other entries: words, descriptions and domains that they share say little.
    ``links``: whether the site's links stay with their entries. A pair that is not clearly best for both is left apart.
    """
    if not old or not new or (len(old) > MOST and len(new) > MOST):
        return ()
    found: list[Pair] = []
    olds, news = list(old), list(new)
    for how in (*(("link",) if links else ()), "unmasked", "description", "domain", "title"):
        taken = [(one.key, two.key) for one, two in _by(how, olds, news, others)]
        found.extend(Pair(one, two, how) for one, two in taken)
        gone, come = {one for one, _ in taken}, {two for _, two in taken}
        olds = [side for side in olds if side.key not in gone]
        news = [side for side in news if side.key not in come]
        if not olds or not news:
            break
    return tuple(found)


def _by(
    how: str, olds: Sequence[Side], news: Sequence[Side], others: Mapping[str, Mapping[str, str]]
) -> list[tuple[Side, Side]]:
    """The pairs that one way to see it finds."""
    match how:
        case "link":
            return _alike(olds, news, lambda side: own_path(side.url))
        case "unmasked":
            return _unmasked(olds, news)
        case "description":
            return _same_description(olds, news, others)
        case "domain":
            pairs = _alike(olds, news, lambda side: _domain(side.fields))
            common = {_domain(fields) for fields in others.values()} if pairs else set()
            return [(one, two) for one, two in pairs if _domain(two.fields) not in common]
    return _close(olds, news, list(others))


# ------------------------------------------------------------------------------------------------ the same sign


def _alike(olds: Sequence[Side], news: Sequence[Side], sign: Callable[[Side], str]) -> list[tuple[Side, Side]]:
    """Pairs with the same sign, where only one entry on either side has it."""
    mine, theirs = _by_sign(olds, sign), _by_sign(news, sign)
    return [
        (sides[0], theirs[said][0])
        for said, sides in mine.items()
        if said and len(sides) == 1 and len(theirs.get(said, ())) == 1
    ]


def _by_sign(sides: Sequence[Side], sign: Callable[[Side], str]) -> dict[str, list[Side]]:
    grouped: defaultdict[str, list[Side]] = defaultdict(list)
    for side in sides:
        grouped[sign(side)].append(side)
    return grouped


def _same_description(
    olds: Sequence[Side], news: Sequence[Side], others: Mapping[str, Mapping[str, str]]
) -> list[tuple[Side, Side]]:
    """Pairs that say the same at length, where nobody else says it and nothing else contradicts."""
    pairs = _alike(olds, news, lambda side: _long(fold(side.fields.get("description", ""))))
    pairs = pairs or _alike(olds, news, lambda side: _description(side.title, side.fields))
    pairs = [(one, two) for one, two in pairs if not _contradict(one, two)]
    if not pairs:
        return []
    told = {_description(title, fields) for title, fields in others.items()}
    said = Counter(word for text in told for word in set(_TOKEN.findall(text)))
    said.update(word for one in olds for word in set(_TOKEN.findall(_description(one.title, one.fields))))
    return [
        (one, two) for one, two in pairs if _description(two.title, two.fields) not in told and _own(one, two, said)
    ]


def _description(title: str, fields: Mapping[str, str]) -> str:
    """The description, if it is long enough to be this entry's alone; its own title is taken out of it."""
    return _long(fold(fields.get("description", "")).replace(fold(title), " ").strip())


def _long(text: str) -> str:
    return text if len(text) >= LONG else ""


def _domain(fields: Mapping[str, str]) -> str:
    for name in ("domain", "website", "site"):
        found = _DOMAIN.match(fold(fields.get(name, "")))
        if found and MASK not in found[1]:
            return found[1]
    return ""


def _own(one: Side, two: Side, said: Mapping[str, int]) -> bool:
    """Whether the same description in the same place, or one that nobody else could have, makes one entry of two."""
    rare = sum(said.get(word, 0) <= 1 for word in set(_TOKEN.findall(_description(two.title, two.fields))))
    return _place(one, two) > 0 or rare >= RARE


def _contradict(one: Side, two: Side) -> bool:
    """Whether both say whose they are, and say another thing."""
    paths = own_path(one.url), own_path(two.url)
    domains = _domain(one.fields), _domain(two.fields)
    return any(bool(mine) and bool(theirs) and mine != theirs for mine, theirs in (paths, domains))


# ----------------------------------------------------------------------------------------------- hidden letters


def unmask_fits(masked: str, full: str) -> float:
    """How well a masked title fits an unmasked one: 1 letter by letter, less with marks of another length, 0 not."""
    hidden, shown = unmarked(masked).casefold(), unmarked(full).casefold()
    if MASK not in hidden or hidden == shown:
        return 0.0
    letters = sum(1 for mark in hidden if mark.isalnum())
    if len(hidden) == len(shown):
        agree = all(mark in (letter, MASK) for mark, letter in zip(hidden, shown, strict=True))
        revealed = shown.count(MASK) < hidden.count(MASK)
        return 1.0 if agree and revealed and letters >= 1 else 0.0
    if letters < SHOWN or shown.count(MASK) > hidden.count(MASK) or len(_RUNS.findall(hidden)) > MOST_RUNS:
        return 0.0
    if len({len(run) for run in _RUNS.findall(hidden) if run.startswith(MASK)} - {1, 2, 3}) > 1:
        return 0.0  # marks that differ in number count letters
    return LOOSE if _pattern(hidden).fullmatch(shown) else 0.0


@lru_cache(maxsize=4096)
def _pattern(hidden: str) -> re.Pattern[str]:
    """What a masked title may stand for when its marks do not count the letters."""
    return re.compile("".join(r"\S{1,40}" if run.startswith(MASK) else re.escape(run) for run in _RUNS.findall(hidden)))


def _unmasked(olds: Sequence[Side], news: Sequence[Side]) -> list[tuple[Side, Side]]:
    """Masked titles and the only title on the other side that each can stand for (either may be the newer)."""
    fits: list[tuple[float, Side, Side]] = []
    for mine, theirs, turned in ((olds, news, False), (news, olds, True)):
        hidden = [side for side in mine if MASK in unmarked(side.title)]
        index = _by_first(theirs) if hidden else {}
        for side in hidden:
            first = unmarked(side.title)[:1].casefold()
            rivals = theirs if first == MASK else index.get(first, [])
            for other in rivals:
                fit = unmask_fits(side.title, other.title)
                if fit == 1.0 or (fit and _place(side, other)):
                    fits.append((fit, other, side) if turned else (fit, side, other))
    return _mutual([(fit + _place(one, two) / 10, one, two) for fit, one, two in fits], 0.5, 0.05)


def _by_first(sides: Sequence[Side]) -> dict[str, list[Side]]:
    grouped: defaultdict[str, list[Side]] = defaultdict(list)
    for side in sides:
        grouped[unmarked(side.title)[:1].casefold()].append(side)
        grouped[MASK].append(side)
    return grouped


# ------------------------------------------------------------------------------------------------- close titles


def _close(olds: Sequence[Side], news: Sequence[Side], others: Sequence[str]) -> list[tuple[Side, Side]]:
    """Pairs of close titles; rare words weigh most, and the same place in the list helps."""
    words = {id(side): _words(side.title) for side in (*olds, *news)}
    sample = others[:: len(others) // SAMPLE + 1]
    frequency = Counter(word for title in sample for word in set(_words(title)))
    for said in words.values():
        frequency.update(set(said))
    total = len(sample) + len(words)
    weigh = {
        word: (FORM_WEIGHT if word in FORMS or (len(word) == 1 and word.isascii()) else 1.0)
        * (log((total + 1) / (1 + times)) + 0.1)
        for word, times in frequency.items()
    }
    weigh[""] = log((total + 1) / 3) + 0.1  # of a word that only this pair has
    scored = []
    for one, two in _worth_a_look(olds, news, words):
        place = _place(one, two)
        score = closeness(words[id(one)], words[id(two)], weigh)
        if score >= (IN_PLACE if place else CLOSE):
            scored.append((score + place * (CLOSE - IN_PLACE), one, two))
    return _mutual(scored, CLOSE, MARGIN)


def _words(title: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST_WORD] for word in _TOKEN.findall(fold_title(title)[0])[:MOST_WORDS])


def _worth_a_look(
    olds: Sequence[Side], news: Sequence[Side], words: Mapping[int, tuple[str, ...]]
) -> Iterator[tuple[Side, Side]]:
    """All pairs of few; of many, those that share one of their rarer words."""
    if len(olds) * len(news) <= FEW * FEW:
        yield from ((one, two) for one in olds for two in news)
        return
    holders: defaultdict[str, list[Side]] = defaultdict(list)
    for two in news:
        for word in set(words[id(two)]):
            holders[word].append(two)
    for one in olds:
        rivals = {
            id(two): two
            for word in words[id(one)]
            if len(holders.get(word, ())) <= FEW
            for two in holders.get(word, ())
        }
        yield from ((one, two) for two in rivals.values())


def closeness(one: Sequence[str], two: Sequence[str], weigh: Mapping[str, float]) -> float:
    """How alike two titles are, 0 to 1: the weight of the words they share, spelling slips forgiven.
    ``weigh[""]`` is what a word weighs that no other title has.

    A title may gain or lose words (``Velmora``, ``Velmora Holding``: the rest counts half); where each has a telling
    word that the other lacks, they are two (``Hospital Velmora``, ``Hospital Tervel``).
    """
    if not one or not two:
        return 0.0
    from rapidfuzz.fuzz import ratio  # 3 MiB, and on few sites a title changes

    left = list(two)
    shared = 0.0
    for word in one:
        best = max(left, key=lambda other: ratio(word, other), default="")
        likeness = ratio(word, best) / 100 if best else 0.0
        if likeness >= 0.8:
            left.remove(best)
            shared += likeness * min(weigh.get(word, 1.0), weigh.get(best, 1.0))
    mine, theirs = sum(weigh.get(word, 1.0) for word in one), sum(weigh.get(word, 1.0) for word in two)
    less, more = sorted((mine, theirs))
    if less - shared > LACKING * less:
        return 0.0
    score = min(1.0, shared / (less + (more - less) / 2))
    return max(score, INSIDE) if shared >= 0.999 * less and less >= TELLING * weigh.get("", 1.0) else score


def _place(one: Side, two: Side) -> float:
    """1 if both stand between the same neighbours, 0.5 if one neighbour is the same, else 0."""
    return ((one.before == two.before) + (one.after == two.after)) / 2


def _mutual(scored: Sequence[tuple[float, Side, Side]], least: float, margin: float) -> list[tuple[Side, Side]]:
    """The pairs that are best for both sides, by a clear margin over the next best of either."""
    mine: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    theirs: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)
    for score, one, two in scored:
        mine[one.key].append((score, two.key))
        theirs[two.key].append((score, one.key))
    chosen = []
    for score, one, two in scored:
        rivals = [other for other, key in mine[one.key] if key != two.key]
        rivals += [other for other, key in theirs[two.key] if key != one.key]
        if score >= least and score - max(rivals, default=0.0) >= margin:
            chosen.append((one, two))
    return chosen
