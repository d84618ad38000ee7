"""What is the matter with a site as a whole: told once, when it has lasted, and once more when it is over."""

from __future__ import annotations

from datetime import datetime

from watcher.core.case import Case
from watcher.core.notes import Episode, tag
from watcher.core.structural import is_mass
from watcher.core.tell import Window
from watcher.records import MISS_VERDICTS, EventKind

KINDS: dict[str, EventKind] = {
    **dict.fromkeys(sorted(MISS_VERDICTS | {"error"}), "unreachable"),
    "blocked": "blocked",
    "login": "blocked",
    "seized": "seized",
    "redesigned": "redesigned",
}  # fmt: skip
"""Verdict to what is the matter; every other verdict is a sign of life or says nothing."""
RELEARNED = "rule-relearned"
AT_LEAST = 2
"""A site that is blocked or seized once may have been so for one visitor."""
PATIENCE = 5
"""Onions come and go, and queues pass: what lasts no longer than this many visits is no news."""
CALM = 3
"""After so many good snapshots a next redesign is another one."""
MOST_KEYS = 200
_SAID = {
    "unreachable": "No address of the site brought a usable page in {count} visits in a row.",
    "blocked": "The site answers with a queue, a captcha or a login instead of its list, in {count} visits in a row.",
    "seized": "The site shows a notice of seizure instead of its list, in {count} visits in a row.",
    "redesigned": "The page is built differently now; its entries are read by a new rule, or cannot be read yet.",
}


def follow(case: Case) -> None:
    """Tells what became the matter with the site, or is over, as of this snapshot."""
    notes, snapshot = case.notes, case.snapshot
    # the worst page of several gives the verdict; where entries were read the site is there all the same
    kind = KINDS.get(snapshot.verdict) if not snapshot.entries else None
    if kind is None and RELEARNED in snapshot.why:
        kind = "redesigned"
    if kind is not None and not notes.settled and kind == "redesigned":
        kind = None
    if kind is not None:
        _count(case, kind)
    if snapshot.verdict in ("listing", "redesigned") or (snapshot.verdict == "empty" and snapshot.complete):
        _over(case, tuple(other for other in ("unreachable", "blocked", "seized") if other in notes.episodes))
    elif snapshot.entries:
        _over(case, tuple(other for other in ("unreachable", "blocked") if other in notes.episodes))
    if snapshot.verdict == "listing" and kind is None and "redesigned" in notes.episodes:
        episode = notes.episodes["redesigned"]
        if episode.verdict == "redesigned":
            _over(case, ("redesigned",))
        else:
            episode.good += 1
            if episode.good >= CALM:
                del notes.episodes["redesigned"]


def _count(case: Case, kind: EventKind) -> None:
    """Adds this visit to an episode, and tells it when it has lasted."""
    notes, snapshot = case.notes, case.snapshot
    episode = notes.episodes.setdefault(kind, Episode())
    episode.count += 1
    episode.good = 0
    episode.verdict = snapshot.verdict
    episode.last = snapshot.taken_at
    mirror = tag(snapshot.mirror)
    if mirror not in episode.mirrors:
        episode.mirrors.append(mirror)
    if episode.first is None:
        episode.first, episode.first_in = snapshot.finished_at, case.first_capture
        episode.had, episode.had_in = notes.reached, notes.reached_in
    if episode.told or episode.count < _needed(case, kind, episode):
        return
    episode.told = True
    why = [f"{snapshot.verdict}:{episode.count}"]
    if len(episode.mirrors) > 1:
        why.append(f"mirrors-agree:{len(episode.mirrors)}")
    why += [word for word in snapshot.why[:4] if " " not in word]
    window = Window(
        not_before=episode.had, not_after=episode.first, before=episode.had_in, after=episode.first_in or None
    )
    case.tell(kind, None, window, (*why, _SAID[kind].format(count=episode.count)))


def _needed(case: Case, kind: EventKind, episode: Episode) -> int:
    """Visits in a row after which it is told."""
    visits = max(2 * case.policy.confirm_visits, PATIENCE)
    match kind:
        case "redesigned":
            return 1
        case "seized":
            return AT_LEAST
        case "unreachable":
            covered = {tag(mirror) for mirror in case.mirrors} <= set(episode.mirrors)
            return visits if covered else visits * max(1, len(case.mirrors))
    return visits


def _over(case: Case, kinds: tuple[str, ...]) -> None:
    """Ends episodes; one ``recovered`` for all of them that were told."""
    notes = case.notes
    ended = {kind: notes.episodes.pop(kind) for kind in kinds}
    told = [kind for kind, episode in ended.items() if episode.told]
    if not told:
        return
    last = max((moment for kind in told if (moment := ended[kind].last) is not None), default=None)
    _recovered(case, tuple(told), last)


def _recovered(case: Case, kinds: tuple[str, ...], last: datetime | None) -> None:
    words = [f"recovered-from:{kind}" for kind in kinds]
    prose = f"The site is no longer {' or '.join(kinds)}: its list was captured again."
    if kinds == ("vanished",):
        prose = "Most of the entries that were gone at once are back."
    case.tell(
        "recovered",
        None,
        Window(not_before=last, not_after=case.snapshot.finished_at, before=None, after=case.first_capture),
        (*words, prose),
    )


# ------------------------------------------------------------------------------------------ many gone at once


def vanished(case: Case, fresh: list[str]) -> None:
    """Tells at once, unconfirmed, that many entries went together; and that they are back, if they come back."""
    notes, signs = case.notes, case.signs
    episode = notes.episodes.get("vanished")
    lost = [key for key in case.delta.missing if key in notes.absences]
    if episode is None:
        if not fresh or not is_mass(len(fresh), signs.expected):
            return
        episode = Episode(told=True, first=case.snapshot.finished_at, keys=[tag(key) for key in fresh[:MOST_KEYS]])
        notes.episodes["vanished"] = episode
        doubts = notes.absences[fresh[0]].doubts
        prose = f"{len(fresh)} of {signs.expected} entries are gone from the page at once; this is not confirmed."
        case.tell("vanished", None, case.window_now(), (f"gone-at-once:{len(fresh)}", *doubts, prose))
        return
    still = {tag(key) for key in lost} & set(episode.keys)
    standing = {tag(key): held.standing for key, held in case.entries.items() if held.standing != "missing"}
    back = sum(standing.get(mark) == "listed" for mark in episode.keys)
    if 2 * back >= len(episode.keys):
        del notes.episodes["vanished"]
        _recovered(case, ("vanished",), episode.last)
    elif not still:
        del notes.episodes["vanished"]
    else:
        episode.last = case.snapshot.taken_at
