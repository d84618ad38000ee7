"""Everything that can go wrong and is told to a person.

    WatcherError
    ├── ConfigError        watcher.toml is wrong: every fault at once
    ├── UsageError         a command was asked for something that does not exist
    ├── ProxyError         the SOCKS proxy does not answer, or refuses us
    ├── LeakError          something tried to reach past the proxy
    ├── StoreError         the store cannot be opened, read or written
    │   ├── StoreBusy      another process owns it
    │   ├── StoreFull      no room left on the disk
    │   └── StoreDamaged   what is stored is not what was kept
    ├── DeliveryError      an alert did not arrive; it is tried again
    ├── UnreadableError    a file is not what it should be
    └── EvidenceError      a proof, signature or bundle does not hold

Each error says what is wrong (``str(error)``) and how to mend it (``error.hint``; where it is raised without one, what
holds for all of its kind: ``mend``). What a hostile site does is never an
exception: it is a verdict.
"""

from __future__ import annotations


class WatcherError(Exception):
    """Something is wrong that a person can mend."""

    exit_code = 2
    mend = "`watcher doctor` looks for what is wrong, and says how to mend it"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint or self.mend


class ConfigError(WatcherError):
    """The configuration is wrong; ``faults`` holds one line for each fault."""

    mend = "mend the file and try again; nothing was started"

    def __init__(self, faults: tuple[str, ...], *, hint: str = "") -> None:
        super().__init__("\n".join(faults), hint=hint)
        self.faults = faults


class UsageError(WatcherError):
    """A command was asked for something that does not exist."""

    mend = "`watcher COMMAND --help` shows what can be asked"


class ProxyError(WatcherError):
    """The SOCKS proxy does not answer, or refuses us."""

    mend = "`watcher doctor` says whether the proxy answers, and what it is"


class LeakError(WatcherError):
    """Something tried to connect, or to look a name up, past the proxy."""

    mend = "name the host as a mirror, or the proxy in [proxy] url; nothing was sent"


class StoreError(WatcherError):
    """The store cannot be opened, read or written."""

    mend = "`watcher verify` on the store says what of it holds"


class StoreBusy(StoreError):  # noqa: N818 - the name says the state, as OSError's children do
    """Another process owns the store."""

    mend = "stop the other watcher, or name another [watcher] store"


class StoreFull(StoreError):  # noqa: N818
    """There is no room left on the disk; what was there is unharmed."""

    mend = "make room on that disk, or drop old bodies with `watcher prune`"


class StoreDamaged(StoreError):  # noqa: N818
    """What is stored is not what was kept."""

    mend = "restore a copy of the store; `watcher verify` on it says what is lost"


class DeliveryError(WatcherError):
    """An alert did not arrive; it is tried again."""

    mend = "see that the address in [[alert]] is right; `watcher doctor` shows what waits"


class UnreadableError(WatcherError):
    """A file is not what it should be."""

    mend = "see that it is the file that was meant, and whole; get it again if it is not"


class EvidenceError(WatcherError):
    """A proof, a signature or a bundle does not hold; the message names every fault."""

    exit_code = 1
    mend = "get it anew from its source; what still does not hold proves nothing: ask who made it"
