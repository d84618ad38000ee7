"""What one look is not enough for: an old value, an old title, a withdrawn entry again; told only when it stays."""

from __future__ import annotations

from datetime import timedelta

from watcher.core.case import Case
from watcher.core.noise import steady
from watcher.core.notes import Flip, tag
from watcher.core.tell import Window

ENOUGH = 2


def stays(case: Case, name: str, said: str, *, needed: int = 0, slow: bool = False) -> Flip | None:
    """The sightings of what is said, once there are enough of them; None while it may still be an old page.

    On a page that looks old (or with ``slow``), time must pass as for a loss that looks like a fault.
    """
    notes, policy = case.notes, case.policy
    flip = seen(case, name, said)
    enough = max(ENOUGH, needed)
    wait = timedelta(0)
    if slow or case.signs.older or case.signs.copy or case.signs.stale:
        enough, wait = max(ENOUGH, 2 * policy.confirm_visits), policy.structural_after
    if flip.seen >= enough and timedelta(seconds=flip.elapsed) >= wait:
        del notes.flips[name]
        return flip
    return None


def seen(case: Case, name: str, said: str) -> Flip:
    """The sightings of what is said, this one counted."""
    notes, snapshot = case.notes, case.snapshot
    mark = tag(said)
    flip = notes.flips.get(name)
    if flip is None or flip.said != mark:
        flip = Flip(
            said=mark,
            after=snapshot.finished_at,
            after_in=case.first_capture,
            visit=notes.visits,
            had=notes.since,
            had_in=notes.since_in,
            seen=0,
            since=notes.passed,
        )
        notes.flips[name] = flip
    flip.seen += 1
    flip.visit = notes.visits
    flip.elapsed += notes.passed - flip.since
    flip.since = notes.passed
    return flip


def waiting(case: Case) -> set[tuple[str, str]]:
    """Roster key and field of the changes that are held back: seen before, or back to what was said before."""
    flips = case.notes.flips
    return {
        (key, name)
        for key, fields in case.delta.changed.items()
        for name, (_, new) in fields.items()
        if is_former(case, key, name, new)
        or ((flip := flips.get(f"field:{name}:{key}")) is not None and flip.said == tag(new))
    }


def is_former(case: Case, key: str, name: str, value: str) -> bool:
    """Whether a field of an entry said this before, and then something else: so does an old page."""
    former = case.notes.former.get(key)
    return former is not None and said_as(name, value) in former


def said_as(name: str, value: str) -> str:
    """By what the notes know that a field said something."""
    return tag(f"{name}\n{steady(value)}")


def put_back(url: str, fields: dict[str, str], name: str, old: str) -> str:
    """Puts an old value back among ``fields``, for a change that is not believed yet; the address to go with them."""
    if name == "link":
        return old
    if old:
        fields[name] = old
    else:
        fields.pop(name, None)
    return url


def window_of(flip: Flip) -> Window:
    """When it happened, by the first sighting."""
    return Window(not_before=flip.had, not_after=flip.after, before=flip.had_in, after=flip.after_in)


def forget(case: Case) -> None:
    """Drops what a complete snapshot did not say again."""
    notes = case.notes
    notes.flips = {
        name: flip for name, flip in notes.flips.items() if flip.visit == notes.visits or name.startswith("new:")
    }
