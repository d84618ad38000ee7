"""What a request asks for, checked: every parameter has a form, and what has another is told what would be right."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from watcher.core.escape import line
from watcher.core.moments import parse_moment
from watcher.edge.ledger_lists import Cursor
from watcher.errors import WatcherError

LONGEST = 200
"""Characters of a text that is looked for, or of a name."""
_PLACE = re.compile(r"\d{1,18}(-\d{1,18})?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class WebError(WatcherError):
    """A request that gets another answer than it hoped for; ``status`` says which."""

    status = 500


class BadRequestError(WebError):
    """A parameter has a form that cannot be meant."""

    status = 400
    mend = "go back and write it otherwise; /api/openapi.json says what is understood"


class NotFoundError(WebError):
    """There is no such thing."""

    status = 404
    mend = "the overview, and the lists of events, entries and captures, lead to all there is"


class BusyError(WebError):
    """Too much of this is being done already."""

    status = 503
    mend = "try again in a minute"


class Query:
    """The parameters of one request."""

    def __init__(self, given: Mapping[str, str], now: datetime) -> None:
        self._given, self._now = given, now

    def only(self, *known: str) -> None:
        """Refuses any parameter that is not known, or empty: a misspelt filter would filter nothing."""
        for name, value in self._given.items():
            if name in known and not value.strip():
                raise BadRequestError(f"{name} is empty", hint="leave it out")
            if name not in known:
                raise BadRequestError(
                    f'there is no parameter "{line(name, 40)}"', hint=f"known: {', '.join(known)}" if known else ""
                )

    def text(self, name: str, longest: int = LONGEST) -> str:
        """A text without white space around it; empty if it was not given."""
        value = self._given.get(name, "").strip()
        if len(value) > longest:
            raise BadRequestError(f"{name} is longer than {longest} characters")
        if "\0" in value:
            raise BadRequestError(f"{name} holds a NUL")
        return value

    def needed(self, name: str) -> str:
        """A text that must be given."""
        value = self.text(name)
        if not value:
            raise BadRequestError(f"{name} is needed")
        return value

    def choice(self, name: str, known: Sequence[str]) -> str:
        """One of the words; empty if it was not given."""
        value = self.text(name)
        if value and value not in known:
            raise BadRequestError(f'"{line(value, 40)}" is no {name}', hint=f"known: {', '.join(known)}")
        return value

    def moment(self, name: str) -> datetime | None:
        """A moment; None if it was not given."""
        value = self.text(name, 60)
        if not value:
            return None
        try:
            found = parse_moment(value, self._now)
        except ValueError as error:
            raise BadRequestError(
                f"{name}: {line(str(error), 120)}", hint="write 2026-11-22, 2026-11-22T15:04Z, or so long ago: 2h, 3d"
            ) from None
        if found.year < 1971:
            raise BadRequestError(f"{name}: nothing was watched then")
        return found

    def number(self, name: str, default: int, *, least: int = 1, most: int) -> int:
        """A whole number within bounds."""
        value = self.text(name, 20)
        if not value:
            return default
        if not _NUMBER.fullmatch(value) or not least <= int(value) <= most:
            raise BadRequestError(f"{name} is no number from {least} to {most}")
        return int(value)

    def cursor(self, parts: int) -> Cursor | None:
        """Where a list goes on; None: at its beginning."""
        older, newer = self.text("older", 40), self.text("newer", 40)
        value = older or newer
        if not value:
            return None
        if (older and newer) or not _PLACE.fullmatch(value) or value.count("-") != parts - 1:
            raise BadRequestError("this is no place in the list", hint="go to its beginning, and turn the pages")
        return Cursor("older" if older else "newer", tuple(int(part) for part in value.split("-")))


def place(parts: tuple[int, ...] | None) -> str:
    """A place in a list as a parameter; empty for none."""
    return "" if parts is None else "-".join(map(str, parts))
