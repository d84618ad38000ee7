"""The terminal that a long-running command was started on; and what becomes of the command when somebody closes it."""

from __future__ import annotations

import os
from collections.abc import Callable

OUT, LOG = 1, 2


def on_hangup(stop: Callable[[], None], reload: Callable[[], None]) -> Callable[[], None]:
    """What SIGHUP means from now on: stop, where the terminal of the log was closed; else reload, as daemons do."""
    had = os.isatty(LOG)

    def hung_up() -> None:
        if not had or os.isatty(LOG):
            reload()
            return
        nowhere = os.open(os.devnull, os.O_WRONLY)  # a line to a closed terminal would be an error of its own
        for stream in (OUT, LOG):
            os.dup2(nowhere, stream)
        os.close(nowhere)
        stop()

    return hung_up
