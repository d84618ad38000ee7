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

Each error says what is wrong (``str(error)``) and how to mend it (``error.hint``). What a hostile site does is never an
exception: it is a verdict.
"""

from __future__ import annotations


class WatcherError(Exception):
    """Something is wrong that a person can mend."""

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ConfigError(WatcherError):
    """The configuration is wrong; ``faults`` holds one line for each fault."""

    def __init__(self, faults: tuple[str, ...], *, hint: str = "") -> None:
        super().__init__("\n".join(faults), hint=hint)
        self.faults = faults


class UsageError(WatcherError):
    """A command was asked for something that does not exist."""


class ProxyError(WatcherError):
    """The SOCKS proxy does not answer, or refuses us."""


class LeakError(WatcherError):
    """Something tried to connect, or to look a name up, past the proxy."""


class StoreError(WatcherError):
    """The store cannot be opened, read or written."""


class StoreBusy(StoreError):  # noqa: N818 - the name says the state, as OSError's children do
    """Another process owns the store."""


class StoreFull(StoreError):  # noqa: N818
    """There is no room left on the disk; what was there is unharmed."""


class StoreDamaged(StoreError):  # noqa: N818
    """What is stored is not what was kept."""


class DeliveryError(WatcherError):
    """An alert did not arrive; it is tried again."""


class UnreadableError(WatcherError):
    """A file is not what it should be."""


class EvidenceError(WatcherError):
    """A proof, a signature or a bundle does not hold; the message names every fault."""

    exit_code = 1
