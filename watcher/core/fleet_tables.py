"""``[fleet]`` as settings."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from watcher.core import note
from watcher.core.tables import Table
from watcher.errors import EvidenceError

KEYS = frozenset({"servers", "credentials", "roots", "vantages", "operators", "each", "agree", "lease"})
TOKEN = re.compile(r"[A-Za-z0-9_-]+")
"""What a vantage of a fleet may be called: its name is part of subjects, where dots and slashes mean something."""
PORT = 4222
FILE = "file:"
"""Begins ``credentials`` that stand in a file of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSettings:
    """Where the others are, and who they are."""

    servers: tuple[str, ...]
    """``nats://HOST:PORT`` or ``tls://HOST:PORT``, the host a number: names are never looked up."""
    credentials: str = ""
    """``USER:PASSWORD`` or a token; a secret."""
    credentials_file: Path | None = None
    """Instead: a ``.creds`` file, or a user's seed (nkey)."""
    roots: Path | None = None
    """The certificates that ``tls://`` servers are checked against; None: this machine's."""
    vantages: tuple[note.VerifierKey, ...] = field(default=())
    """Everyone who belongs to the fleet, this vantage among them: name and verifier key."""
    operators: tuple[note.VerifierKey, ...] = field(default=())
    """Whose word on pauses this vantage heeds; nobody's at first."""
    each: int = 1
    """How many vantages look at each site, unless the site says otherwise."""
    agree: int = 1
    """How many of them must have confirmed a withdrawal."""
    lease: timedelta = timedelta(seconds=30)
    """A vantage that is silent for so long is gone, and the others look at its sites."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(key.name for key in self.vantages)


def read_fleet(table: Table, folder: Path) -> FleetSettings:
    """The settings; what is wrong is among the table's faults."""
    right = 'addresses such as ["nats://192.0.2.7:4222"]'
    servers = [
        table.made("servers", value, server_address, "", path)
        for path, value in table.texts("servers", right, needed=True)
    ]
    right = 'the verifier key of every vantage, as `watcher init` printed it: ["a+9ab1…+AQ…", …]'
    keys = _keys(table, "vantages", right, needed=True)
    right = "verifier keys of who may pause sites, the index's or those of vantages; or take it out"
    operators = _keys(table, "operators", right, needed=False)
    for name in [name for name, key in operators.items() if keys.get(name, key) != key]:
        table.fault("operators", f'"{name}" has another key under vantages; write the same here')
    credentials = table.text("credentials", secret=True)
    file = credentials.removeprefix(FILE) if credentials.startswith(FILE) else ""
    settings = FleetSettings(
        servers=tuple(filter(None, servers)),
        credentials="" if file else credentials,
        credentials_file=folder / file if file else None,
        roots=folder / table.text("roots", needed='write a file such as "fleet-ca.pem"')
        if table.has("roots")
        else None,
        vantages=tuple(keys.values()),
        operators=tuple(operators.values()),
        each=table.whole("each", 1, least=1),
        agree=table.whole("agree", 1, least=1),
        lease=table.duration("lease", "30s", least=timedelta(seconds=1)),
    )
    if keys and settings.each > len(keys):
        table.fault("each", f"there are only {len(keys)} vantages; write {len(keys)} or fewer")
    if keys and settings.agree > len(keys):
        table.fault("agree", f"there are only {len(keys)} vantages; write {len(keys)} or fewer")
    table.finish()
    return settings


def _keys(table: Table, name: str, right: str, *, needed: bool) -> dict[str, note.VerifierKey]:
    """The keys that stand there, by whose they are."""
    keys: dict[str, note.VerifierKey] = {}
    for path, value in table.texts(name, right, needed=needed):
        key = table.made(name, value, vantage_key, None, path)
        if key and key.name in keys:
            table.fault(name, f'"{key.name}" stands here twice; each vantage has its own name and key', path)
        elif key:
            keys[key.name] = key
    return keys


def vantage_key(text: str) -> note.VerifierKey:
    """The verifier key of a vantage; ValueError for another's."""
    try:
        key = note.parse_key(text)
    except EvidenceError as error:
        raise ValueError(f"{error}; write it as `watcher init` printed it: NAME+ID+KEY") from None
    if key.kind != note.ED25519:
        raise ValueError("this is a witness's key; write a vantage's, as `watcher init` printed it")
    if not TOKEN.fullmatch(key.name):
        raise ValueError(f'a vantage of a fleet is called by A-Z a-z 0-9 _ and -; "{key.name}" holds something else')
    return key


def server_address(text: str) -> str:
    """The address of an engine's server, with its port; ValueError if it is none."""
    example = "write nats://192.0.2.7:4222"
    try:
        url = urlsplit(text)
        host, port = url.hostname or "", url.port or PORT
    except ValueError:
        raise ValueError(f"this is no address; {example}") from None
    if url.scheme not in {"nats", "tls"} or url.path or url.query or url.fragment:
        raise ValueError(f"this is no nats:// or tls:// address; {example}")
    if url.username is not None:
        raise ValueError("user and password stand under credentials; take them out here")
    if host == "localhost":
        host = "127.0.0.1"
    try:
        number = ip_address(host)
    except ValueError:
        raise ValueError(f"names are never looked up outside the proxy; {example}, with the host's number") from None
    shown = f"[{number}]" if number.version == 6 else str(number)
    return f"{url.scheme}://{shown}:{port}"
