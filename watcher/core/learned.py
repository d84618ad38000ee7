"""What the pages of one site taught: candidates in the running, how they behaved, and the rule that won."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from xxhash import xxh3_64_intdigest

from watcher.records import Rule

SKETCH = 160
"""Titles of a candidate that are remembered (those with the smallest hashes, so that two pages can be compared)."""
FEW = 4
"""Hashes in common reach of two sketches below which they say nothing."""
STAYED = 0.6
"""Part of the titles that stays when entries come and go."""
GONE = 0.35
"""Part of the titles up to which a list is another one."""
REMEMBERED = 18
"""Candidates that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """How one candidate behaved from page to page."""

    key: str
    shape: str
    titles: str = ""
    """Sketch of its titles on the last page that had it."""
    count: int = 0
    """Titles there."""
    frame: str = ""
    """What took the titles out of their texts when it was first seen, so that another frame makes no other list."""
    churned: int = 0
    """Times that its titles changed and yet overlapped: entries do that."""
    frozen: int = 0
    """Times that it stayed as it was while another list changed: menus do that."""
    replaced: int = 0
    """Times that it came with other titles altogether: advertisements do that."""
    appeared: bool = False
    """It came to a page whose other lists were known: the first entries of a site do that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What the pages of one site taught; bounded in size; msgspec turns it to JSON and back."""

    rule: Rule | None = None
    """What reads the site at present."""
    provisional: bool = True
    """The rule is a guess that churn has not confirmed yet."""
    pages: int = 0
    """Good pages that taught it."""
    chosen: str = ""
    """Key of the candidate that the rule was made from."""
    records: int = 0
    """Records that the rule was made from."""
    titles_a_record: float = 0.0
    """Matches of the title's selector in a record, on the average, when the rule was made."""
    memories: tuple[Memory, ...] = ()
    """The candidates in the running, best first."""
    former: Learned | None = None
    """What stood before the last redesign, in case that was none."""


@dataclass(frozen=True, slots=True)
class Move:
    """How a candidate's titles on one page compare with those on the page before."""

    shared: float
    """Part of the smaller set that is in both."""
    changed: bool
    single: bool = False
    """One of the sets has no more than one title: that it is another tells nothing."""


def sketch(titles: Iterable[str]) -> str:
    """The smallest hashes of a set of titles, as text."""
    hashes = sorted({xxh3_64_intdigest(title.encode("utf-8", "replace")) >> 16 for title in titles})[:SKETCH]
    return base64.b64encode(b"".join([value.to_bytes(6, "big") for value in hashes])).decode("ascii")


def _hashes(text: str) -> list[int]:
    packed = base64.b64decode(text)
    return [int.from_bytes(packed[at : at + 6], "big") for at in range(0, len(packed), 6)]


def compare_sketches(old: str, old_count: int, new: str, new_count: int) -> Move:
    """How two sets of titles overlap, as far as their sketches tell."""
    before, after = _hashes(old), _hashes(new)
    tops = [hashes[-1] for hashes, count in ((before, old_count), (after, new_count)) if count > len(hashes) > 0]
    top = min(tops, default=1 << 64)  # above it, one of the sketches knows nothing
    one, other = {value for value in before if value <= top}, {value for value in after if value <= top}
    smaller = min(len(one), len(other))
    if tops and smaller < FEW:
        return Move(shared=(STAYED + GONE) / 2, changed=True)
    shared = len(one & other) / smaller if smaller else 0.0
    return Move(shared=shared, changed=one != other or old_count != new_count, single=smaller < 2)


def evidence(memory: Memory) -> float:
    """What a candidate's behaviour adds to its score."""
    gain = 3.5 * (1 - 0.4**memory.churned)
    loss = 3.0 * (1 - 0.5**memory.frozen) * (0.2 if memory.churned else 1.0)
    return gain - loss - 3.5 * (1 - 0.4**memory.replaced)


def behave(memory: Memory, titles: str, count: int, *, others_changed: bool) -> Memory:
    """The memory once the candidate was seen again with these titles."""
    move = compare_sketches(memory.titles, memory.count, titles, count)
    if not move.changed:
        return replace(memory, frozen=min(20, memory.frozen + others_changed))
    if move.shared >= STAYED:
        return replace(memory, titles=titles, count=count, churned=min(20, memory.churned + 1))
    if move.shared > GONE or move.single:
        return replace(memory, titles=titles, count=count)
    return replace(memory, titles=titles, count=count, replaced=min(20, memory.replaced + 1))


def shown_by(memories: Iterable[Memory]) -> frozenset[int]:
    """What stands in any of the lists, as hashes of titles."""
    return frozenset().union(*(_hashes(memory.titles) for memory in memories))


def moved_only(memory: Memory, now: Memory, both: frozenset[int]) -> bool:
    """Whether all that came to a list or went from it only moved about the page: ``both`` pages hold it."""
    return set(_hashes(memory.titles)) ^ set(_hashes(now.titles)) <= both


def find(memories: Sequence[Memory], key: str, shape: str) -> Memory | None:
    """What is remembered of a candidate: by its key, else by the only one of its shape."""
    for memory in memories:
        if memory.key == key:
            return memory
    alike = [memory for memory in memories if memory.shape == shape]
    return alike[0] if len(alike) == 1 else None
