"""What follows from one snapshot: the next roster, the events, and whether to look again soon."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.compare import Delta
from watcher.core.watchlist import Watch
from watcher.records import Decision, Policy, Probe, Roster, Snapshot


def wanted_probes(roster: Roster, delta: Delta, policy: Policy) -> tuple[str, ...]:
    """Roster keys of the entries whose own pages are worth a look now; the last is the control, still listed."""
    raise NotImplementedError


def decide(
    roster: Roster,
    snapshot: Snapshot,
    delta: Delta,
    probes: Sequence[Probe],
    policy: Policy,
    *,
    mirrors: Sequence[str] = (),
    watchlist: Sequence[Watch] = (),
) -> Decision:
    """The next roster and the events that this snapshot justifies. Misses come here too: they speak of the site only."""
    raise NotImplementedError
