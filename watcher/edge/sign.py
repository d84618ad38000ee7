"""The vantage's signing key: an Ed25519 key in a file that only its owner may read."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from watcher.core import note
from watcher.edge.durable import sync_folder
from watcher.errors import EvidenceError, StoreError, UsageError

PRIVATE_MODE = 0o600
NAME_LINE = "# watcher signing key of "


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key and the origin it signs for."""

    origin: str
    secret: Ed25519PrivateKey

    @property
    def verifier(self) -> note.VerifierKey:
        """The public half, to be given to whoever checks."""
        public = self.secret.public_key().public_bytes_raw()
        return note.VerifierKey(name=self.origin, kind=note.ED25519, public=public)

    @property
    def vkey(self) -> str:
        """The public half as text: ``NAME+ID+KEY``."""
        return str(self.verifier)

    def sign(self, message: bytes) -> bytes:
        """The Ed25519 signature of ``message``."""
        return self.secret.sign(message)

    def checkpoint(self, size: int, root: bytes) -> note.Note:
        """The signed head of a log of ``size`` leaves."""
        head = note.Checkpoint(origin=self.origin, size=size, root=root)
        return note.sign(head.text(), self.verifier, self.sign)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKey:
    """The public half of another vantage's key: whose log is read here, and cannot be signed here."""

    verifier: note.VerifierKey

    @property
    def origin(self) -> str:
        return self.verifier.name

    @property
    def vkey(self) -> str:
        return str(self.verifier)

    def checkpoint(self, size: int, root: bytes) -> note.Note:  # noqa: ARG002 - as SigningKey's
        """Raises EvidenceError: only the vantage itself can sign its log's head."""
        raise EvidenceError(
            f"vantage {self.origin} has signed no checkpoint yet that covers this",
            hint="it signs one within a minute, and ships it; try again then",
        )


def check_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def create_key(path: Path, origin: str) -> SigningKey:
    """A new key for ``origin``, durably in ``path``, readable by its owner alone; refused if the file exists."""
    note.check_name(origin)
    secret = Ed25519PrivateKey.generate()
    pem = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    except FileExistsError as error:
        raise UsageError(f"{path} exists", hint="a signing key is never overwritten; move it away first") from error
    with os.fdopen(handle, "wb") as file:
        file.write(f"{NAME_LINE}{origin}\n".encode() + pem)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return SigningKey(origin=origin, secret=secret)


def load_key(path: Path) -> SigningKey:
    """The key in ``path``; refused if anyone but its owner may read it."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            if mode & 0o077:
                raise StoreError(
                    f"the signing key {path} may be read by others (mode {mode:o})",
                    hint=f"chmod 600 {path}; if others used this machine meanwhile, make a new key",
                )
            data = file.read()
    except OSError as error:
        is_none = isinstance(error, FileNotFoundError)
        hint = "watcher init makes one" if is_none else "name a file that this user may read under [watcher] key"
        raise StoreError(f"the signing key {path} cannot be read: {error.strerror}", hint=hint) from error
    first, _, pem = data.partition(b"\n")
    name = first.decode("utf-8", "replace")
    try:
        secret = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:  # TypeError: it is encrypted
        raise StoreError(f"{path} holds no signing key", hint="restore it from a copy") from error
    if not isinstance(secret, Ed25519PrivateKey) or not name.startswith(NAME_LINE):
        raise StoreError(f"{path} holds no signing key of a watcher", hint="restore it from a copy")
    origin = name.removeprefix(NAME_LINE)
    try:
        note.check_name(origin)
    except EvidenceError as error:
        raise StoreError(f"{path} holds no signing key: {error}", hint="restore it from a copy") from error
    return SigningKey(origin=origin, secret=secret)
