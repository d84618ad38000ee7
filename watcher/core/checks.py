"""Checks by name: each passes or fails, and says where. None stops the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from watcher.errors import EvidenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """One check."""

    check: str
    ok: bool
    detail: str
    """What was found, or what is wrong and where."""


class Checks:
    """Results as they come."""

    def __init__(self) -> None:
        self.results: list[CheckResult] = []

    def run(self, name: str, check: Callable[[], str]) -> bool:
        """Whether the check passed; its faults are kept either way."""
        try:
            with told():
                self.add(name, True, check())
        except EvidenceError as error:
            self.add(name, False, str(error))
        return self.results[-1].ok

    def add(self, name: str, ok: bool, detail: str) -> None:
        """A result found elsewhere."""
        self.results.append(CheckResult(check=name, ok=ok, detail=detail))


@contextmanager
def told() -> Iterator[None]:
    """What a document of the wrong shape raises, as ``EvidenceError``: a forger writes what he likes."""
    try:
        yield
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError, OverflowError) as error:
        raise EvidenceError(f"something is missing or of another kind: {error!r}") from error


def need(condition: object, message: str) -> None:
    """None if the condition holds, else ``EvidenceError``."""
    if not condition:
        raise EvidenceError(message)
