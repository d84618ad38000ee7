"""Two stories as data: the one the product comes from, and an endless one to practise on.

``CL0P`` is the Cl0p story with every name invented: a supplier of police forces is listed, the site falters in all the
usual ways, then the supplier's entry is taken out of the header and its own page is gone. Exactly two things may be
told of it: *listed* and *withdrawn*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle, islice

from watcher.records import EventKind
from watcher.testing.names import invented_victims
from watcher.testing.scene import (
    Act,
    Break,
    Change,
    Fault,
    Mend,
    Publish,
    Relist,
    Rename,
    Reorder,
    Scene,
    Script,
    Step,
    Victim,
    Withdraw,
)

LOOK_GAP = timedelta(minutes=10)
"""What lies between two looks of the story, if a clock is turned by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A step of a story, how often the watcher looks while it lasts, and what it may tell."""

    step: Step
    looks: int = 1
    unreachable: bool = False
    """The onion service itself does not answer while the chapter lasts."""
    new_circuit: bool = False
    """Tor is told to build new circuits at its start."""
    told: tuple[EventKind, ...] = ()
    """The kinds of events about entries to be told in it, and no others."""

    @property
    def caption(self) -> str:
        return self.step.caption


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Chapters in order. The first one is the baseline: it sets the scene and nothing happens in it."""

    site: str
    title: str
    """What the site calls itself."""
    opening: Scene
    chapters: tuple[Chapter, ...]

    @property
    def script(self) -> Script:
        """The same for a practice site: a step for each chapter."""
        return Script(opening=self.opening, steps=tuple(chapter.step for chapter in self.chapters))


SUPPLIER = Victim(
    slug="brackenwold-systems",
    title="BRACKENWOLD SYSTEMS",
    statement=(
        "Brackenwold Systems keeps the computers of several police forces. Who keeps Brackenwold?\n"
        "We wrote to them in October, in November, and on a Sunday. They answer quickly when a police station calls.\n"
        "Number plates, custody records, letters between chiefs. All of it went through one password.\n"
        "To the officers who read this: you may call us, too. The first part is below."
    ),
    country="Westmark",
    domain="www.brackenwold-systems.example",
    size="310 GB",
    date="2026-12-02",
    status="PART 1",
)

_PEERS = tuple(islice(invented_victims(2021), 7))
_BASELINE = Scene(victims=(*_PEERS[:5], *(replace(victim, archived=True) for victim in _PEERS[5:])))

CL0P = Story(
    site="clop",
    title="CL0P^_- LEAKS",
    opening=_BASELINE,
    chapters=(
        Chapter(step=Step(caption="The site as it stands: seven entries, two of them below ARCHIVE."), looks=2),
        Chapter(
            step=Step(acts=(Publish((SUPPLIER,)),), caption="A supplier of police forces appears in the header."),
            looks=2,
            told=("listed",),
        ),
        Chapter(step=Step(caption="The onion service is down: nothing answers."), looks=2, unreachable=True),
        Chapter(
            step=Step(acts=(Break(Fault(kind="queue")),), caption="It is back, behind a queue page with status 200."),
            looks=2,
        ),
        Chapter(
            step=Step(acts=(Break(Fault(kind="status", status=502)),), caption="Now its web server answers 502."),
            looks=2,
        ),
        Chapter(
            step=Step(acts=(Mend(),), caption="All is well again, seen over a new circuit."), looks=2, new_circuit=True
        ),
        Chapter(
            step=Step(
                acts=(Withdraw((SUPPLIER.slug,)),),
                caption="The supplier is gone from the header, and the link to its page leads nowhere.",
            ),
            looks=4,
            told=("withdrawn",),
        ),
    ),
)
"""Seven entries, one more, trouble, seven entries."""


def practice_opening(seed: int = 1) -> Scene:
    """What the endless story starts from: six entries."""
    return Scene(victims=tuple(islice(invented_victims(seed), 6)))


def practice_steps(seed: int = 1) -> Iterator[Step]:
    """Steps without end for a site driven by the clock, the same for the same seed: in every round, of some eleven
    minutes, a new victim is listed (the first one half a minute after the start) and withdrawn again, an older one
    goes for good, and in between the site queues, fails, renames, changes and reorders."""
    victims = invented_victims(seed)
    older = [victim.slug for victim in islice(victims, 6)]
    trouble = cycle((
        ("Its web server answers 502.", Fault(kind="status", status=502)),
        ("It hangs up on everyone.", Fault(kind="closed")),
        ("It wants a captcha solved.", Fault(kind="captcha")),
        ("Its page arrives cut short.", Fault(kind="cut", framing="length")),
        ("It shows its frame without entries.", Fault(kind="empty")),
    ))  # fmt: skip
    yield Step(caption="The site as it stands: six entries.", lasts_seconds=30)
    for number, (new, (words, fault)) in enumerate(zip(victims, trouble, strict=False)):
        masked = new.title[0] + "*" * (len(new.title) - 1)
        yield _step(f"{new.title} is listed.", 90, Publish((new,)))
        yield _step("Everyone waits in a queue.", 40, Break(Fault(kind="queue")))
        yield _step("The queue is gone.", 40, Mend())
        yield _step(f"{new.title} is withdrawn.", 150, Withdraw((new.slug,)))
        yield _step(words, 45, Break(fault))
        yield _step(f"All is well, and {new.title} is back.", 90, Mend(), Relist((new.slug,)))
        yield _step(f"{new.title} changes.", 60, Change(new.slug, {"status": "PUBLISHED", "size": "1 TB"}))
        yield _step("The same entries in another order.", 30, Reorder(seed=number))
        yield _step(f"An older entry, {older[0]}, goes for good.", 120, Withdraw((older.pop(0),)))
        if number % 2:
            yield _step("A name is masked.", 30, Rename(new.slug, masked))
            yield _step("The mask falls.", 30, Rename(new.slug, new.title))
        older.append(new.slug)


def _step(caption: str, lasts_seconds: float, *acts: Act) -> Step:
    return Step(acts=acts, caption=caption, lasts_seconds=lasts_seconds)
