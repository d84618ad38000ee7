"""What a long-running command says of itself: lines on stderr, every text in them escaped."""

from __future__ import annotations

import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

from watcher.core.escape import block, line

LONGEST = 500


def log_to_stderr(*, quiet: bool = False) -> None:
    """Log lines go to stderr: coloured for a terminal, ``key=value`` otherwise; warnings alone if ``quiet``."""
    terminal = sys.stderr.isatty()
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=True, exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"], bool_as_flag=False)
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _escaped,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("warning" if quiet else "info"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _escaped(_: Any, __: str, told: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Whatever a site wrote, it reaches no terminal raw."""
    return {
        key: (block(value) if key == "exception" else line(value, LONGEST)) if isinstance(value, str) else value
        for key, value in told.items()
    }
