"""Large bodies on an S3-compatible object store: named by their digest, written once, whole.

What is written there is never written over: ``put`` asks the server to create (``If-None-Match: *``), and because not
every server keeps that promise, every frame stands alone (a keyframe), so that whatever once was written under a digest
gives that digest's bytes; they are checked after every reading, as those of files are.

A store remembers in ``bodies-at`` where its bodies went, so that every command finds them. Credentials are not
written down: they come from the environment (``AWS_ACCESS_KEY_ID`` …), as with other tools. What lies in the folder
stays there.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from backports.zstd import ZstdDecompressor, ZstdError

from watcher.core.addresses import Place, parse_place
from watcher.edge import durable, trouble
from watcher.edge.bodies import BodyFiles, Frames
from watcher.errors import StoreDamaged, StoreError, UsageError

if TYPE_CHECKING:
    from obstore.store import S3Store

T = TypeVar("T")
MARK = "bodies-at"
"""The file in a store's folder that says where its large bodies are."""
OWNER = "watcher-store"
"""The object that says whose the others are: two stores that share a prefix would sweep each other's away."""
PROBE = "watcher-doctor"
"""How an object begins that is made to see whether it can be, and is taken away again."""
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
RETRIES = 4
RETRY_SECONDS, TIMEOUT_SECONDS = 20.0, 30.0
MOST_BYTES = 256 << 20


def use(folder: Path, url: str) -> None:
    """From now on the store in ``folder`` keeps its large bodies there. For the holder of its lock."""
    path = folder / MARK
    known = _mark(folder)
    if known is not None and known["url"] == url:
        return
    parse_place(url)
    form = json.dumps({"url": url, "store": known["store"] if known else secrets.token_hex(16)}).encode()
    durable.put(path, form)


def frames_of(folder: Path, near: BodyFiles) -> Frames:
    """Where the store in ``folder`` has its large bodies: ``near``, and on an object store if it was told to."""
    known = _mark(folder)
    return near if known is None else ObjectBodies(parse_place(known["url"]), near, known["store"])


def _mark(folder: Path) -> dict[str, str] | None:
    path = folder / MARK
    with trouble.told(path):
        if not path.exists():
            return None
        data = path.read_bytes()
    try:
        known = json.loads(data)
        return {"url": str(known["url"]), "store": str(known["store"])}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreDamaged(f"{path} does not say where the bodies are", hint="restore it from a copy") from error


def creates_once(url: str) -> bool:
    """Whether the object store there creates what is not there, and refuses to create it again; ``StoreError`` if it
    does not answer, or refuses all. Nothing of it stays."""
    return ObjectBodies(parse_place(url), BodyFiles(Path()), "").try_out()


class ObjectBodies:
    """``Frames`` on an object store; those that were kept in the folder before are still found there."""

    alone = True
    near = False

    def __init__(self, place: Place, files: BodyFiles, owner: str) -> None:
        self.place = place
        self._files, self._owner = files, owner
        self._store: S3Store | None = None

    def prepare(self) -> int:
        """Make sure that the objects there are this store's; ``StoreError`` if they are another's, or the server does
        not answer. How many leftovers were swept from the folder."""
        if not self._create(OWNER, self._owner.encode()):
            there = self._get(OWNER)
            if there != self._owner.encode():
                raise StoreError(
                    f"{self.place.url} holds the bodies of another store", hint="give each store a prefix of its own"
                )
        return self._files.prepare()

    def try_out(self) -> bool:
        """Whether an object can be created, and only once."""
        import obstore

        name = f"{PROBE}-{secrets.token_hex(8)}"
        if not self._create(name, b"1"):
            return False
        try:
            return not self._create(name, b"2")
        finally:
            self._asked(lambda: obstore.delete(self._opened(), name))

    def write(self, digest: str, frame: bytes) -> None:
        """Keep the frame, which stands alone, under its body's digest; one that is there already is left."""
        if not self._create(_name(digest), frame):
            there = self._get(_name(digest))
            if there is None or not _gives(there, digest):
                raise StoreDamaged(
                    f"body {digest}: what lies at {self.place.url} under its name is something else",
                    hint="nobody but this store may write there; remove that object",
                )

    def read(self, digest: str) -> bytes:
        """The frame kept under the digest; ``StoreDamaged`` if it is gone."""
        if self._files.path(digest).is_file():
            return self._files.read(digest)
        frame = self._get(_name(digest))
        if frame is None:
            raise StoreDamaged(f"body {digest} is gone: {self.place.url} does not have it", hint="restore that object")
        return frame

    def digests(self) -> set[str]:
        """The digests of all frames, there and in the folder."""
        import obstore

        def listed() -> set[str]:
            return {
                str(one["path"]).rpartition("/")[2].removesuffix(".zst")
                for some in obstore.list(self._opened())
                for one in some
                if str(one["path"]).endswith(".zst")
            }

        return self._files.digests() | self._asked(listed)

    def remove(self, digest: str) -> None:
        """Erase the frame, if it is there."""
        import obstore

        def removed() -> None:
            try:
                obstore.delete(self._opened(), _name(digest))
            except FileNotFoundError:
                return

        self._files.remove(digest)
        self._asked(removed)

    # --------------------------------------------------------------------------------------------- the server

    def _create(self, name: str, data: bytes) -> bool:
        """Whether the object was made; False if there was one of that name."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        def made() -> bool:
            try:
                obstore.put(self._opened(), name, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

        return self._asked(made)

    def _get(self, name: str) -> bytes | None:
        import obstore

        def got() -> bytes | None:
            try:
                return bytes(obstore.get(self._opened(), name).bytes())
            except FileNotFoundError:
                return None

        return self._asked(got)

    def _opened(self) -> S3Store:
        if self._store is None:
            if lacking := [name for name in CREDENTIALS if not os.environ.get(name)]:
                raise StoreError(
                    f"{self.place.url} needs credentials: {' and '.join(lacking)} not set", hint="set them first"
                )  # without them the machine's cloud would be asked for some, past the proxy
            from obstore.store import S3Store

            options: dict[str, Any] = {}
            if self.place.endpoint:
                options["endpoint"] = self.place.endpoint
            if self.place.region:
                options["region"] = self.place.region
            self._store = S3Store(
                self.place.bucket,
                prefix=self.place.prefix or None,
                virtual_hosted_style_request=not self.place.endpoint,
                client_options={
                    "allow_http": self.place.endpoint.startswith("http:"),
                    "timeout": timedelta(seconds=TIMEOUT_SECONDS),
                },
                retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
                **options,
            )
        return self._store

    def _asked(self, ask: Callable[[], T]) -> T:
        """What the server answers; ``StoreError`` if it does not, or refuses."""
        try:
            from obstore.exceptions import BaseError
        except ImportError as error:
            raise UsageError(
                "bodies on an object store need the package obstore", hint='pip install "leak-watcher[s3]"'
            ) from error
        try:
            return ask()
        except (BaseError, OSError, ValueError) as error:
            reason = str(error).partition("\n")[0][:300]
            raise StoreError(
                f"{self.place.url} does not do as asked: {reason}",
                hint="look at the server, the bucket's name, and the credentials in the environment; nothing is lost",
            ) from error


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}.zst"


def _gives(frame: bytes, digest: str) -> bool:
    """Whether the frame, alone, gives the bytes of the digest."""
    decompressor = ZstdDecompressor()
    try:
        payload = decompressor.decompress(frame, max_length=MOST_BYTES)
    except ZstdError:
        return False
    return decompressor.eof and sha256(payload).hexdigest() == digest
