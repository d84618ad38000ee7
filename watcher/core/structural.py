"""What makes a complete page look like a fault all the same: it lost many at once, or its tail, or is an older one."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import compress
from operator import not_

import xxhash

from watcher.core.identity import fold
from watcher.core.notes import RUNS, Notes, Run, set_print, tag
from watcher.records import Entry, RosterEntry

SEVERAL, SHARE = 2, 5
"""A loss is structural if at least so many go at once, and at least one in so many of all."""
MANY, SMALL_SHARE = 10, 20
"""And of very many, at least one in so many."""
SHUFFLED = 0.2
"""A page on which so many entries changed places was shuffled."""
MOVES = 2
"""That, if it keeps happening without news, shows that the text moves by itself."""
TEXTS = 6
LONGEST_TEXT = 2_000_000
FEW_NAMES = 12
"""So few names are each looked for; more in one pass over all words."""
MOST_COUNTED = 20_000
"""Pages whose names are not counted again while only numbers move; some hundred bytes each."""
_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"[0-9]")
_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_WORDS_ALONE = bytes(ord(chr(at).lower()) if chr(at).isalnum() else 0x20 for at in range(0x80)) + bytes(
    range(0x80, 0x100)
)
"""ASCII in UTF-8 without case, and without all that is in no word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What one complete snapshot looks like beside what is believed."""

    lost: tuple[str, ...] = ()
    """Believed listed and not on the page; what rolled off the list long ago is no longer expected."""
    expected: int = 0
    present: int = 0
    formerly: bool = False
    """The very set that an earlier page had, before another one came."""
    older: frozenset[str] = frozenset()
    """Lost, and the page is the very set from before they came: it may be that page."""
    behind: frozenset[str] = frozenset()
    """Lost, and this mirror never showed them."""
    stale: bool = False
    """Some entries go by former titles or say what they said before: it is that page."""
    copy: bool = False
    """The very text of an earlier page, of a site whose text moves by itself."""
    shuffled: bool = False
    empty: bool = False
    says_empty: bool = False
    tail: tuple[str, ...] = ()
    """Lost from the end of the page, nothing after them left; the last one first."""
    head: tuple[str, ...] = ()
    """Lost from its beginning, likewise; the first one first."""
    swapped: frozenset[str] = frozenset()
    """Lost from a shuffled page that is no shorter: others may have taken their places."""
    fewer_pages: bool = False
    agrees: bool = False
    """Another mirror lacked just the same at its last look."""
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Lost, and yet the name stands on the page: ``unread`` as often as ever, ``named`` less often."""

    def with_lost(
        self, *, older: frozenset[str], behind: frozenset[str], elsewhere: Mapping[str, str], agrees: bool
    ) -> Signs:
        return replace(self, older=older, behind=behind, elsewhere=elsewhere, agrees=agrees)

    def with_order(
        self, *, shuffled: bool, tail: tuple[str, ...], head: tuple[str, ...], swapped: frozenset[str]
    ) -> Signs:
        return replace(self, shuffled=shuffled, tail=tail, head=head, swapped=swapped)

    @property
    def faulty(self) -> bool:
        """Whether the page as a whole looks like a fault."""
        odd = self.copy or self.stale or self.empty or bool(self.older)
        return odd or len(self.tail) >= SEVERAL or is_mass(len(self.lost), self.expected)

    def control(self, key: str) -> bool:
        """Whether most of the other entries are there."""
        others = self.expected - (key in self.lost)
        return others > 0 and 2 * self.present > others


def is_mass(lost: int, expected: int) -> bool:
    """Whether so many of so many gone at once are several and a good share."""
    return (lost >= SEVERAL and lost * SHARE >= expected) or (lost >= MANY and lost * SMALL_SHARE >= expected)


def believed(entries: Mapping[str, RosterEntry], notes: Notes) -> list[str]:
    """The keys of what should be on the page: listed or missing, less what has rolled off its end."""
    rolled = {key for key, absence in notes.absences.items() if absence.cap and not absence.resting}
    return [key for key, entry in entries.items() if entry.standing != "withdrawn" and key not in rolled]


# ------------------------------------------------------------------------------------------------------ older pages


def when_before(notes: Notes, page: Sequence[str]) -> datetime | None:
    """When an earlier page first stopped having this very set, another having come since; None: none ever had it."""
    print_now = set_print(page)
    runs = notes.runs[:-1] if notes.runs and notes.runs[-1].set_print == print_now else notes.runs
    return next((run.last for run in runs if run.set_print == print_now), None)


def is_copy(notes: Notes, text: str) -> bool:
    """Whether this text stood on an earlier page, and another came since, though texts never stay here."""
    if not text or notes.moving < MOVES:
        return False
    mark = tag(text)
    texts = [seen for run in notes.runs for seen in run.texts]
    return mark in texts and texts[-1] != mark


def remember_run(notes: Notes, page: Sequence[str], text: str, at: datetime, *, news: bool) -> None:
    """Adds this page to the runs of sets; with ``news``, or another order, its text had to change."""
    print_now, mark, order = set_print(page), tag(text) if text else "", tag("\n".join(page))
    if notes.runs and notes.runs[-1].set_print == print_now:
        run = notes.runs[-1]
        if mark and run.texts and run.texts[-1] != mark and not news and run.order == order:
            notes.moving = min(notes.moving + 1, MOVES)
        run.visits += 1
        run.last, run.order = at, order
        if mark and (not run.texts or run.texts[-1] != mark):
            run.texts = [*run.texts, mark][-TEXTS:]
        return
    for run in notes.runs:
        run.last = min(run.last, at - timedelta.resolution)  # it was before, however the clock was set
    notes.runs = [*notes.runs, Run(print_now, [mark] if mark else [], 1, at, order)][-RUNS:]


# ------------------------------------------------------------------------------------------------------- the order


def is_shuffled(before: Sequence[str], page: Sequence[str]) -> bool:
    """Whether many of the entries on both pages changed places (one moved to the front did not shuffle the rest)."""
    place = {mark: at for at, mark in enumerate(before)}
    line = [place[mark] for mark in page if mark in place]
    piles: list[int] = []
    for at in line:
        spot = bisect_left(piles, at)
        piles[spot : spot + 1] = [at]
    moved = len(line) - len(piles)
    return moved >= max(1, SHUFFLED * len(line))


def lost_tail(before: Sequence[str], lost: Collection[str], page: Sequence[str]) -> list[str]:
    """Tags lost from the end of the last page with nothing left after them, the last one first.

    None if the page goes on with new ones after what it had: then it was not cut there.
    """
    there = set(page)
    known = there.intersection(before)
    if known and page[-1] not in known:
        return []
    tail = []
    for mark in reversed(before):
        if mark in lost:
            tail.append(mark)
        elif mark in there:
            break
    return tail


def swapped(before: Sequence[str], lost: Collection[str], page: Sequence[str], longest: int) -> frozenset[str]:
    """Lost from a shuffled page that is full: what came may have taken the place of what went, wherever it stands.

    ``before`` is what was on the last page that was not faulty.
    """
    known = set(before)
    come = sum(mark not in known for mark in page)
    return frozenset(lost) if come and longest <= len(page) + max(0, len(lost) - come) else frozenset()


def next_order(before: Sequence[str], page: Sequence[str], keep: Collection[str]) -> list[str]:
    """The page's tags in order, those that are missing kept after the neighbour they stood behind."""
    there = set(page)
    behind: defaultdict[str, list[str]] = defaultdict(list)
    last = ""
    for mark in before:
        if mark in there:
            last = mark
        elif mark in keep:
            behind[last].append(mark)
    order = list(behind.get("", ()))
    for mark in page:
        order.append(mark)
        order.extend(behind.get(mark, ()))
    return order


# ------------------------------------------------------------------------------------------- names on the page


def count_names(text: str, titles: Mapping[str, str]) -> Counter[str]:
    """How often each entry's title stands in the text, word for word: key to number."""
    if len(titles) <= FEW_NAMES:
        folded = fold(text[:LONGEST_TEXT])
        found = {key: _count(_words(title), folded) for key, title in titles.items()}
        return Counter({key: times for key, times in found.items() if times})
    return _count_in(_said(text[:LONGEST_TEXT]), titles)


def _count_in(said: Sequence[str], titles: Mapping[str, str]) -> Counter[str]:
    """The same, of all words of a text."""
    called: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    sizes: defaultdict[str, set[int]] = defaultdict(set)
    for key, title in titles.items():
        words = _words(title)
        if words:
            called[words].append(key)
            sizes[words[0]].add(len(words))
    counted: defaultdict[str, int] = defaultdict(int)
    for at in compress(itertools.count(), map(sizes.__contains__, said)):
        for size in sizes[said[at]]:
            if at + size <= len(said):  # at the end of a text, what is cut off would be another, shorter name
                for key in called.get(tuple(said[at : at + size]), ()):
                    counted[key] += 1
    return Counter(counted)


def count_usual(
    text: str, titles: Mapping[str, str], names: Mapping[str, int], usual: int
) -> tuple[int, dict[str, int]]:
    """How often an entry's title stands in the text, for most, and how often, by key, where it is not as often as that;
    once at least. ``names`` and ``usual`` are what was found on the page before.

    Most changes of a page are numbers that move. Titles without a digit stand in both texts alike, and are not counted
    again.
    """
    form = _form(text, titles)
    counted: Mapping[str, int]
    if form and _outcome(form, titles, names, usual) in _counted:
        moving = {key: title for key, title in titles.items() if _has_digit(title)}
        if not moving:
            return usual, {key: names[key] for key in titles if names.get(key, usual) != usual}
        again = _count_in(_said(text), moving) if len(titles) > FEW_NAMES else count_names(text, moving)
        counted = {key: again[key] if key in moving else names.get(key, usual) for key in titles}
    else:
        counted = count_names(text, titles)
    times = {key: counted[key] or 1 for key in titles}
    numbers = Counter(times.values())
    most = numbers.most_common(1)[0][0] if numbers else 1
    found = {key: number for key, number in times.items() if number != most}
    if form:
        _counted[_outcome(form, titles, found, most)] = None
        if len(_counted) > MOST_COUNTED:
            _counted.popitem(last=False)
    return most, found


_counted: OrderedDict[bytes, None] = OrderedDict()
"""Fingerprints of what was counted, with what it came to."""


def _form(text: str, titles: Mapping[str, str]) -> bytes:
    """What texts share that are one but for their numbers; empty where that says nothing."""
    if not titles or len(text) > LONGEST_TEXT:
        return b""
    form = text.encode("utf-8", "surrogatepass").translate(_DIGITS)
    for several in (b"000", b"00", b"00"):  # a counter that gains a digit is still one
        form = form.replace(several, b"0")
    return xxhash.xxh3_128_digest(form)


def _outcome(form: bytes, titles: Mapping[str, str], names: Mapping[str, int], usual: int) -> bytes:
    of_page = [names.get(key, usual) for key in titles]
    return xxhash.xxh3_128_digest(repr((form, list(titles.items()), of_page, usual)).encode("utf-8", "surrogatepass"))


def _said(text: str) -> list[str]:
    """All words of a text as ``_words`` has them. Those in ASCII, most of a page, are cut out at once."""
    parts = text.encode("utf-8", "replace").translate(_WORDS_ALONE).decode().split()
    if text.isascii():
        return parts
    said: list[str] = []
    done = 0
    for at in compress(itertools.count(), map(not_, map(str.isascii, parts))):
        said += parts[done:at]
        said += _WORD.findall(fold(parts[at]))
        done = at + 1
    return said + parts[done:]


@lru_cache(maxsize=2_000)
def _words(title: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(fold(title)))


@lru_cache(maxsize=2_000)
def _has_digit(title: str) -> bool:
    return any(map(_DIGIT.search, _words(title)))


def _count(words: tuple[str, ...], folded: str) -> int:
    """How often the words stand in a folded text, one after the other."""
    if not words or words[0] not in folded:
        return 0
    first, *others = map(re.escape, words)
    # what stands before is looked at last: a pattern that begins with letters is found ten times as fast
    called = "".join([first, rf"(?<![^\W_]{first})", *(rf"[\W_]+{word}" for word in others)])
    return len(re.findall(rf"{called}(?![^\W_])", folded))


def words_of(entries: Iterable[Entry]) -> str:
    """All that the entries say."""
    return " \n ".join(" \n ".join((entry.title, *entry.fields.values())) for entry in entries)


def stands_elsewhere(
    text: str, lost: Mapping[str, str], usual: Mapping[str, int], added: Sequence[Entry], entries: Sequence[Entry]
) -> dict[str, str]:
    """Which lost entries' names still stand on the page: ``unread`` if as often as before, ``named`` if less often.

    ``lost`` is key to title, ``usual`` how often the name stood there while the entry was listed: what the page's other
    entries say of it was counted then, too; what new ones say was not there before.
    """
    if not text or not lost:
        return {}
    now = count_names(text, lost)
    if not now:
        return {}
    new = count_names(words_of(added), lost)
    all_words = count_names(words_of(entries), lost)
    found = {}
    for key, times in now.items():
        if times - new[key] >= usual.get(key, 1):
            found[key] = "unread"
        elif times > all_words[key]:
            found[key] = "named"
    return found
