"""What one look is not enough for: an old value, an old title, a withdrawn entry again; told only when it stays."""

from __future__ import annotations

from datetime import timedelta

from watcher.core.case import Case
from watcher.core.notes import Flip, tag
from watcher.core.tell import Window

ENOUGH = 2


def stays(case: Case, name: str, said: str, *, needed: int = 0, slow: bool = False) -> Flip | None:
    """The sightings of what is said, once there are enough of them; None while it may still be an old page.

    On a page that looks old (or with ``slow``), time must pass as for a loss that looks like a fault.
    """
    notes, snapshot, policy = case.notes, case.snapshot, case.policy
    mark = tag(said)
    flip = notes.flips.get(name)
    if flip is None or flip.said != mark:
        flip = Flip(
            said=mark,
            after=snapshot.finished_at,
            after_in=case.first_capture,
            last=snapshot.taken_at,
            visit=notes.visits,
            had=notes.since,
            had_in=notes.since_in,
            seen=0,
        )
        notes.flips[name] = flip
    flip.seen += 1
    flip.visit = notes.visits
    flip.elapsed += max(0.0, (snapshot.taken_at - flip.last).total_seconds())
    flip.last = snapshot.taken_at
    enough = max(ENOUGH, needed)
    wait = timedelta(0)
    if slow or case.signs.older or case.signs.copy or case.signs.stale:
        enough, wait = max(ENOUGH, 2 * policy.confirm_visits), policy.structural_after
    if flip.seen >= enough and timedelta(seconds=flip.elapsed) >= wait:
        del notes.flips[name]
        return flip
    return None


def window_of(flip: Flip) -> Window:
    """When it happened, by the first sighting."""
    return Window(not_before=flip.had, not_after=flip.after, before=flip.had_in, after=flip.after_in)


def forget(case: Case) -> None:
    """Drops what a complete snapshot did not say again."""
    notes = case.notes
    notes.flips = {
        name: flip for name, flip in notes.flips.items() if flip.visit == notes.visits or name.startswith("new:")
    }
