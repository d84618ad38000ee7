"""``python -m watcher.testing clop|practice [SEED]``: a practice world as a process of its own.

Prints one line of JSON, ``{"proxy": …, "mirrors": […]}``. Then each line on standard input is a question that is
answered by one line of JSON: ``next`` (enter the story's next chapter) and ``now`` say ``{"caption": …}``, null when
the story is over. Ends with its input, so that it never outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator

from watcher.testing.clocks import WallClock
from watcher.testing.scene import Step
from watcher.testing.story import CL0P, Chapter, practice_opening, practice_steps
from watcher.testing.world import PracticeWorld


async def serve(which: str, seed: int) -> None:
    """Serve one world until standard input ends."""
    chapters: Iterator[Chapter] = iter(())
    if which == "clop":
        chapters, world = iter(CL0P.chapters), PracticeWorld(CL0P.opening, title=CL0P.title, seed=seed)
    else:
        world = PracticeWorld(practice_opening(seed), practice_steps(seed), clock=WallClock(), seed=seed)
    async with world:
        _say({"proxy": world.proxy.url, "mirrors": world.mirrors})
        step: Step | None = world.site.step
        while line := await asyncio.to_thread(sys.stdin.readline):
            if line.strip() == "next":
                chapter = next(chapters, None)
                step = chapter.step if chapter else None
                if chapter:
                    world.enter(chapter)
            else:
                world.site.follow_clock()
                step = world.site.step if which != "clop" else step
            _say({"caption": step.caption if step else None})


def _say(thing: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(thing) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1))
