"""The ledger's tables, how an older ledger is brought up to date, and how one is opened.

Times are microseconds since 1970, or (``requested``, ``elapsed``, ``taken``, ``finished``, ``read_at``) since the visit
began, which is what makes rows small. Rows of evidence are only ever added.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

from watcher.edge import trouble
from watcher.errors import StoreError

if TYPE_CHECKING:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

LEDGER = "ledger.db"
VERSION = 9
"""Of the newest form this program knows: how many migrations there are."""
APPLICATION = 0x57746368
"""Stamped into the file, so that ``file`` and we can tell it from another database: ``Wtch``."""
BUSY_SECONDS = 10

_EVIDENCE = """
CREATE TABLE site (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- where captures come from; with the last body and reading seen there, as prefixes for the next
CREATE TABLE place (
  id INTEGER PRIMARY KEY, site INTEGER NOT NULL REFERENCES site, target TEXT NOT NULL, url TEXT NOT NULL,
  mirror TEXT NOT NULL, vantage TEXT NOT NULL, claimed INTEGER NOT NULL, body INTEGER, reading INTEGER,
  UNIQUE (site, target, url, mirror, vantage, claimed)
) STRICT;

-- payloads as received: a zstd frame here, or (frame NULL) in bodies/; erased: neither
CREATE TABLE body (
  id INTEGER PRIMARY KEY, key INTEGER NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL, base INTEGER,
  depth INTEGER NOT NULL, nth INTEGER NOT NULL, stored INTEGER NOT NULL, erased INTEGER, frame BLOB
) STRICT;
CREATE INDEX body_key ON body (key);

-- request, head, framing and facts of captures are kept as differences from one of these
CREATE TABLE pack (
  id INTEGER PRIMARY KEY, site INTEGER NOT NULL, mirror TEXT NOT NULL, status INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE INDEX pack_newest ON pack (site, mirror, status, id);

CREATE TABLE capture (
  n INTEGER PRIMARY KEY, id INTEGER NOT NULL, started INTEGER NOT NULL, place INTEGER NOT NULL REFERENCES place,
  requested INTEGER NOT NULL, elapsed INTEGER NOT NULL, status INTEGER, verdict TEXT, body INTEGER REFERENCES body,
  stored INTEGER NOT NULL, leaf INTEGER, pack INTEGER NOT NULL REFERENCES pack, rest BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX capture_id ON capture (id);
CREATE INDEX capture_started ON capture (started);

-- the digest of a response that can no longer be put together, because its body was erased
CREATE TABLE response (capture INTEGER PRIMARY KEY, digest BLOB NOT NULL) STRICT;

-- visits that were begun and not yet recorded
CREATE TABLE underway (site INTEGER NOT NULL, started INTEGER NOT NULL, PRIMARY KEY (site, started))
STRICT, WITHOUT ROWID;

-- what captures and visits say, each different saying once
CREATE TABLE content (
  id INTEGER PRIMARY KEY, key INTEGER NOT NULL, verdict TEXT NOT NULL, why TEXT NOT NULL, complete INTEGER NOT NULL,
  size INTEGER NOT NULL, base INTEGER, depth INTEGER NOT NULL, nth INTEGER NOT NULL, frame BLOB NOT NULL
) STRICT;
CREATE INDEX content_key ON content (key);
CREATE TABLE reading (
  capture INTEGER PRIMARY KEY, content INTEGER NOT NULL REFERENCES content, read_at INTEGER NOT NULL,
  leaf INTEGER
) STRICT;
CREATE TABLE snapshot (
  site INTEGER NOT NULL, started INTEGER NOT NULL, taken INTEGER NOT NULL, finished INTEGER NOT NULL,
  content INTEGER NOT NULL REFERENCES content, read_at INTEGER NOT NULL, leaf INTEGER NOT NULL,
  PRIMARY KEY (site, started)
) STRICT, WITHOUT ROWID;

-- what is believed; look: which of sight.looks says when the entry was last seen; NULL: data says so itself
CREATE TABLE state (site INTEGER PRIMARY KEY, memory BLOB NOT NULL, notes BLOB NOT NULL) STRICT;
CREATE TABLE sight (site INTEGER PRIMARY KEY, looks TEXT NOT NULL) STRICT;
CREATE TABLE entry (
  site INTEGER NOT NULL, key TEXT NOT NULL, standing TEXT NOT NULL, first_seen INTEGER NOT NULL, look INTEGER,
  data BLOB NOT NULL, PRIMARY KEY (site, key)
) STRICT;
CREATE TABLE target (
  site INTEGER NOT NULL, target TEXT NOT NULL, verdict TEXT NOT NULL, last_visit INTEGER, last_complete INTEGER,
  next_visit INTEGER, listed INTEGER NOT NULL, misses INTEGER NOT NULL, PRIMARY KEY (site, target)
) STRICT, WITHOUT ROWID;
CREATE TABLE mirror (
  site INTEGER NOT NULL, url TEXT NOT NULL, verdict TEXT NOT NULL, last_visit INTEGER, PRIMARY KEY (site, url)
) STRICT, WITHOUT ROWID;
CREATE TABLE event (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, site INTEGER NOT NULL, kind TEXT NOT NULL,
  confirmed INTEGER NOT NULL, recorded INTEGER NOT NULL, leaf INTEGER NOT NULL, data BLOB NOT NULL
) STRICT;
CREATE INDEX event_site ON event (site, seq);

-- the custody log: what each leaf is about (rows.py: Kind), its hash, and the interior nodes worth keeping
CREATE TABLE leaf (n INTEGER PRIMARY KEY, kind INTEGER NOT NULL, ref INTEGER, hash BLOB NOT NULL) STRICT;
CREATE TABLE node (place INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE act (leaf INTEGER PRIMARY KEY, record BLOB NOT NULL) STRICT;
"""

_DELIVERY = """
CREATE TABLE checkpoint (size INTEGER PRIMARY KEY, signed INTEGER NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE stamp (
  size INTEGER NOT NULL, authority TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL, next_try INTEGER,
  token BLOB, why TEXT NOT NULL, PRIMARY KEY (size, authority)
) STRICT, WITHOUT ROWID;

-- each event owes an alert to each sink known when it was recorded
CREATE TABLE sink (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, active INTEGER NOT NULL) STRICT;
CREATE TABLE delivery (
  event INTEGER NOT NULL, sink INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
  next_try INTEGER NOT NULL, why TEXT NOT NULL, PRIMARY KEY (event, sink)
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_owed ON delivery (next_try) WHERE state = 'owed';
"""

_LOOKING = """
-- for those who look: a page of a list costs the same however long the list is
CREATE INDEX entry_standing ON entry (site, standing, first_seen);
CREATE INDEX entry_first ON entry (standing, first_seen);
CREATE INDEX event_confirmed ON event (confirmed, site, kind);
CREATE INDEX event_kind ON event (kind);
CREATE INDEX event_watched ON event (seq) WHERE instr(data, CAST('"watchlist":[]' AS BLOB)) = 0;
"""

_SEARCH = """
-- what can be searched: each different piece of text once, deflated; words leads from its words to its number
CREATE TABLE piece (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, text BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5(text, content='', columnsize=0, tokenize='ascii');

-- where it stood: at a place from one capture up to, but without, another (until NULL: to this day); on which entries
CREATE TABLE stood (
  piece INTEGER NOT NULL, place INTEGER NOT NULL, first INTEGER NOT NULL, until INTEGER,
  PRIMARY KEY (piece, place, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX stood_now ON stood (place) WHERE until IS NULL;
CREATE TABLE named (
  piece INTEGER NOT NULL, site INTEGER NOT NULL, key TEXT NOT NULL, PRIMARY KEY (piece, site, key)
) STRICT, WITHOUT ROWID;

-- which text each place shows, since which capture; captures kept before there was an index, up to last, of which
-- those of places up to place are in it
CREATE TABLE looked (place INTEGER PRIMARY KEY, mark BLOB NOT NULL, first INTEGER NOT NULL) STRICT;
CREATE TABLE unsearched (last INTEGER NOT NULL, place INTEGER NOT NULL) STRICT;
INSERT INTO unsearched SELECT n, -1 FROM capture ORDER BY n DESC LIMIT 1;
"""

_BROUGHT = """
-- visits that hold captures made by others: their times and origin are claims
CREATE TABLE brought (site INTEGER NOT NULL, started INTEGER NOT NULL, PRIMARY KEY (site, started))
STRICT, WITHOUT ROWID;
"""

ENTRY_NAMES = (
    "json_extract(CAST(data AS TEXT), '$.title') || char(10) || key || char(10)"
    " || ifnull(nullif(json_extract(CAST(data AS TEXT), '$.aliases'), '[]'), '')"
)
"""What an entry is looked for by: title, key and past titles. Indexed: all of them are gone through at once."""
_NAMES = f"""
CREATE INDEX entry_names ON entry ({ENTRY_NAMES}, site, standing, first_seen);
"""

_FLEET = """
-- what a store that joined a fleet has yet to ship: rows that changed (tab: which of core.shipping.TABLES), and
-- messages made of rows, in the very form in which they are sent until they arrived
CREATE TABLE unshipped (tab INTEGER NOT NULL, key ANY NOT NULL, PRIMARY KEY (tab, key)) STRICT, WITHOUT ROWID;
CREATE TABLE parcel (seq INTEGER PRIMARY KEY AUTOINCREMENT, data BLOB NOT NULL) STRICT;

-- the last message that arrived: of this store's own at the fleet, or, in a copy of another's, from there
CREATE TABLE shipped (way TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
"""

_AGAIN = """
-- how often the same was seen again since state was written: its notes are to be counted on by so many visits
ALTER TABLE sight ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
"""

_LATELY = """
-- by what to know the pages of a site again on which nothing is open (core.again: Kept), for the next start
CREATE TABLE lately (site INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;
"""


def migrations() -> Migrations:
    """Every step from nothing to the form of today, in order. A step that was released is never changed."""
    from sqlite_utils.migrations import Migrations  # a tenth of a second to import, and only the owner needs it

    steps = Migrations("watcher")
    known = (
        ("evidence", _EVIDENCE),
        ("delivery", _DELIVERY),
        ("looking", _LOOKING),
        ("search", _SEARCH),
        ("brought", _BROUGHT),
        ("names", _NAMES),
        ("fleet", _FLEET),
        ("again", _AGAIN),
        ("lately", _LATELY),
    )
    for number, (name, script) in enumerate(known, start=1):
        steps(name=name)(_step(number, script))
    return steps


def _step(number: int, script: str) -> Callable[[Database], None]:
    def step(db: Database) -> None:
        for statement in script.split(";\n"):  # executescript would commit first, and a step is all or nothing
            if statement.strip():
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {number}")
        db.execute(f"PRAGMA application_id = {APPLICATION}")

    return step


# ------------------------------------------------------------------------------------------------------- opening


def open_owned(folder: Path) -> Database:
    """The ledger in ``folder`` for its one owner: made if it is not there, brought up to date, ready for writing."""
    from sqlite_utils import Database

    path = folder / LEDGER
    with trouble.told(path):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # SQLite's other files get its mode
        connection = _connect(path, "mode=rw")
        with ExitStack() as otherwise:
            otherwise.callback(connection.close)
            check_version(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            connection.execute("PRAGMA cache_size = -2048")
            connection.execute("PRAGMA temp_store = MEMORY")
            db = Database(connection, execute_plugins=False)
            if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
                migrations().apply(db)
            otherwise.pop_all()
    return db


def open_reading(folder: Path) -> sqlite3.Connection:
    """The ledger in ``folder`` for reading, whoever owns it; ``StoreError`` if there is none, or of another form."""
    path = folder / LEDGER
    if not path.is_file():
        raise StoreError(f"there is no store in {folder}", hint="watcher init makes one; or name its folder with -c")
    with trouble.told(path), ExitStack() as otherwise:
        try:
            connection = otherwise.enter_context(closing(_look_at(path, "mode=ro")))
            connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
        except StoreError:
            # on a disk that cannot be written SQLite cannot share the file; without an owner it need not
            if os.access(folder, os.W_OK) or path.with_name(f"{LEDGER}-wal").exists():
                raise
            connection = otherwise.enter_context(closing(_look_at(path, "mode=ro&immutable=1")))
        check_version(connection, path)
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found == 0:
            raise StoreError(f"{path} was never finished", hint="watcher check (or run) makes it anew; nothing is lost")
        if found < VERSION:
            raise StoreError(
                f"{path} has form {found}, and this watcher reads form {VERSION}",
                hint="watcher check (or run) brings it up to date",
            )
        otherwise.pop_all()
    return connection


def is_behind(folder: Path) -> bool:
    """Whether the ledger was made before there was a search index, and not all of it is in it yet."""
    path = folder / LEDGER
    with trouble.told(path), closing(_connect(path, "mode=ro")) as connection:
        if connection.execute("PRAGMA user_version").fetchone()[0] < VERSION:
            return True
        return connection.execute("SELECT 1 FROM unsearched").fetchone() is not None


def _look_at(path: Path, options: str) -> _Connection:
    connection = _connect(path, options, _Connection)
    assert isinstance(connection, _Connection)
    connection.place = path
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """None if this program may use the ledger; ``StoreError`` if it is newer, or no ledger at all."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    # a process killed at the very start leaves at most the list of migrations behind
    strange = "SELECT count(*) FROM sqlite_schema WHERE tbl_name != '_sqlite_migrations'"
    empty = connection.execute(strange).fetchone()[0] == 0
    if application != APPLICATION and not empty:
        raise StoreError(f"{path} is a database, but no watcher's ledger", hint="name another folder as the store")
    if found > VERSION:
        raise StoreError(
            f"{path} was written by a newer watcher (form {found}; this one knows {VERSION})", hint="upgrade watcher"
        )


class _Connection(sqlite3.Connection):
    """A reader's connection: what SQLite finds wrong with the file is told as a ``StoreError``."""

    place: Path

    def execute(self, sql: str, values: Any = (), /) -> _Cursor:
        return _Cursor(self).execute(sql, values)


class _Cursor(sqlite3.Cursor):
    connection: _Connection

    def execute(self, sql: str, values: Any = (), /) -> Self:
        try:
            return super().execute(sql, values)
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise trouble.of_sqlite(error, self.connection.place) from error

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise trouble.of_sqlite(error, self.connection.place) from error

    def fetchall(self) -> list[Any]:
        return list(self)

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise trouble.of_sqlite(error, self.connection.place) from error


def _connect(path: Path, options: str, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{options}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=factory,
    )
