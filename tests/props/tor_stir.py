"""A breeze through a private Tor network: a cell on every link.

When several circuits over one link end at once, tor sends word of the first (a DESTROY cell) and keeps the others back
until the link has something else to carry. On the public network that is at once. On an idle private one it can take
most of a minute, in which introduction points believe in a host that is dead and clients wait for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise, permutations

from tests.props.tor_node import ControlPort, TorNetworkError

LONGEST_PATH = 8
"""Of a circuit: tor lets no more extensions pass (tor-spec, RELAY_EARLY)."""
BUILDING_SECONDS = 0.25


def stir(controls: Iterable[ControlPort], routers: Sequence[str], times: int = 1) -> None:
    """Let the tors with these control ports build circuits, and close them again, that use every link between the
    routers (fingerprints) in both directions, and every link from themselves to a router. Each time carries the end of
    a circuit one hop further at least."""
    ways = [*paths(routers), *(list(pair) for pair in pairwise([*routers, routers[0]]))]
    for _ in range(times):
        built = [(control, number) for control in controls for number in _build(control, ways)]
        time.sleep(BUILDING_SECONDS)
        for control, number in built:
            with suppress(TorNetworkError):  # it has ended already
                control.ask(f"CLOSECIRCUIT {number}")


def _build(control: ControlPort, ways: Sequence[Sequence[str]]) -> Iterator[str]:
    for way in ways:
        with suppress(TorNetworkError):  # a router is down
            told = control.ask(f"EXTENDCIRCUIT 0 {','.join(f'${router}' for router in way)} purpose=controller")
            yield told[0].split()[1]


def paths(routers: Sequence[str]) -> Iterator[list[str]]:
    """Paths that together take each step from one router to another exactly once and never turn straight back."""
    left = set(permutations(sorted(routers), 2))
    while left:
        path = list(min(left))
        left.remove((path[0], path[1]))
        while len(path) < LONGEST_PATH:
            steps = [step for step in left if step[0] == path[-1] and step[1] != path[-2]]
            if not steps:
                break
            left.remove(min(steps))
            path.append(min(steps)[1])
        yield path
