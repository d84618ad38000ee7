"""C2SP signed notes and checkpoints: text that says who signed it (signed-note, tlog-checkpoint, tlog-cosignature).

Signing and checking themselves are given as functions, so that nothing here touches a key file or a library.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from watcher.errors import EvidenceError

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
SIGNATURE_BYTES = 64
MARK = "— "
MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100

Sign = Callable[[bytes], bytes]
"""Gives the Ed25519 signature (64 bytes) of a message."""
Check = Callable[[bytes, bytes, bytes], bool]
"""Whether (public key, signature, message) hold together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key with the name it signs under: ``NAME+ID+KEY``."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.public).decode()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line of a note."""

    name: str
    key_id: bytes
    blob: bytes
    """What follows the key id: for Ed25519 the signature; for a cosignature, eight bytes of time before it."""


def signature_line(signature: Signature) -> str:
    """The line that a signature takes in a note."""
    return f"{MARK}{signature.name} {base64.b64encode(signature.key_id + signature.blob).decode()}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A text (ending in a newline) and its signatures."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature_line(one) for one in self.signatures)}"

    def encode(self) -> bytes:
        return str(self).encode()

    def by(self, key: VerifierKey) -> tuple[Signature, ...]:
        """The signatures of this key."""
        wanted = key.name, key.id
        return tuple(one for one in self.signatures if (one.name, one.key_id) == wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The head of a log: how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text of this checkpoint."""
        body = f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"
        return body + "".join(f"{line}\n" for line in self.extensions)


def sealed(domain: bytes, body: bytes, sign: Sign) -> bytes:
    """What is no note, with the signature over it behind it. The domain stands before what is signed, so that no
    signature of one kind passes for another's."""
    return body + sign(domain + body)


def unsealed(domain: bytes, data: bytes, public: bytes, check: Check) -> bytes | None:
    """What was sealed by this key; None if it was not."""
    body, signature = data[:-SIGNATURE_BYTES], data[-SIGNATURE_BYTES:]
    return body if len(signature) == SIGNATURE_BYTES and check(public, signature, domain + body) else None


# ------------------------------------------------------------------------------------------------------- names


def parse_key(vkey: str) -> VerifierKey:
    """The verifier key spelled ``NAME+ID+KEY``; ``EvidenceError`` if it is none, or its id is not its own."""
    parts = vkey.strip().split("+", 2)
    if len(parts) != 3:
        raise EvidenceError("verifier key: not of the form NAME+ID+KEY")
    name, key_id, blob = parts
    check_name(name)
    raw = _decode(blob, "verifier key")
    if len(raw) != 33 or raw[0] not in (ED25519, COSIGNATURE_V1):
        raise EvidenceError("verifier key: not an Ed25519 key")
    key = VerifierKey(name=name, kind=raw[0], public=raw[1:])
    if key.id.hex() != key_id:
        raise EvidenceError(f"verifier key: the id {key_id} does not belong to this name and key")
    return key


def check_name(name: str) -> None:
    """None if ``name`` may stand before a signature, else ``EvidenceError``."""
    if not name or "+" in name or not name.isprintable() or any(c.isspace() for c in name):
        raise EvidenceError(f"a key's name must be printable, without spaces and plus signs: {name!r}")


# -------------------------------------------------------------------------------------------- sign, parse, verify


def sign(text: str, key: VerifierKey, signer: Sign) -> Note:
    """The text, signed."""
    _check_text(text)
    signature = Signature(name=key.name, key_id=key.id, blob=signer(text.encode()))
    return Note(text=text, signatures=(signature,))


def cosigned_message(text: str, time: int) -> bytes:
    """What a witness signs: that it saw this checkpoint, at this POSIX time, and none before that contradicts it."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def with_signatures(note: Note, more: Sequence[Signature]) -> Note:
    """The note with further signature lines, none twice."""
    return replace(note, signatures=tuple(dict.fromkeys((*note.signatures, *more))))


def parse(data: bytes) -> Note:
    """The note in ``data``; ``EvidenceError`` if it is none."""
    if len(data) > MAX_BYTES:
        raise EvidenceError("note: too long")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise EvidenceError("note: not UTF-8") from error
    head, gap, tail = whole.rpartition("\n\n")
    if not gap or not tail:
        raise EvidenceError("note: no empty line before signatures")
    text = head + "\n"
    _check_text(text)
    return Note(text=text, signatures=parse_signatures(tail))


def parse_signatures(block: str) -> tuple[Signature, ...]:
    """The signature lines in ``block``, at least one."""
    if not block.endswith("\n"):
        raise EvidenceError("note: the last signature line is cut")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise EvidenceError("note: too many signatures")
    return tuple(_parse_signature(line) for line in lines)


def _parse_signature(line: str) -> Signature:
    if not line.startswith(MARK):
        raise EvidenceError("note: a signature line does not begin with a dash")
    name, _, blob = line.removeprefix(MARK).partition(" ")
    check_name(name)
    raw = _decode(blob, "note: signature")
    if len(raw) < 5:
        raise EvidenceError("note: a signature is too short")
    return Signature(name=name, key_id=raw[:4], blob=raw[4:])


def verify(note: Note, key: VerifierKey, check: Check) -> None:
    """None if ``key`` signed the note, else ``EvidenceError``. Signatures by others are not looked at."""
    mine = note.by(key)
    if not mine:
        raise EvidenceError(f"signature: the note bears none by {key.name} with key {key.id.hex()}")
    for signature in mine:
        _check_one(note.text, key, signature, check)


def verify_cosignature(note: Note, key: VerifierKey, check: Check) -> int:
    """The POSIX time at which the witness ``key`` cosigned the note, else ``EvidenceError``."""
    if key.kind != COSIGNATURE_V1:
        raise EvidenceError(f"cosignature: {key.name} is not a witness key")
    verify(note, key, check)
    return max(int.from_bytes(one.blob[:8], "big") for one in note.by(key))


def _check_one(text: str, key: VerifierKey, signature: Signature, check: Check) -> None:
    blob, message = signature.blob, text.encode()
    if key.kind == COSIGNATURE_V1:
        if len(blob) != 8 + SIGNATURE_BYTES:
            raise EvidenceError(f"cosignature: the one by {key.name} has the wrong length")
        message, blob = cosigned_message(text, int.from_bytes(blob[:8], "big")), blob[8:]
    if len(blob) != SIGNATURE_BYTES or not check(key.public, blob, message):
        raise EvidenceError(f"signature: the one by {key.name} does not hold")


def parse_checkpoint(note: Note) -> Checkpoint:
    """The log head that the note states; ``EvidenceError`` if it states none."""
    lines = note.text[:-1].split("\n")
    if len(lines) < 3:
        raise EvidenceError("checkpoint: fewer than three lines")
    origin, size, root, *extensions = lines
    if not origin:
        raise EvidenceError("checkpoint: no origin")
    if not size.isascii() or not size.isdigit() or (size[0] == "0" and size != "0") or len(size) > 18:
        raise EvidenceError(f"checkpoint: {size[:30]!r} is no size")
    raw = _decode(root, "checkpoint: root")
    if len(raw) != 32:
        raise EvidenceError("checkpoint: the root is not 32 bytes")
    if any(not line for line in extensions):
        raise EvidenceError("checkpoint: an empty extension line")
    return Checkpoint(origin=origin, size=int(size), root=raw, extensions=tuple(extensions))


def _check_text(text: str) -> None:
    if not text.endswith("\n") or text == "\n":
        raise EvidenceError("note: the text must end in a newline")
    if any(ord(c) < 0x20 and c != "\n" for c in text):
        raise EvidenceError("note: a control character in the text")


def _decode(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EvidenceError(f"{what}: not base64") from error
    if base64.b64encode(raw).decode() != text:
        raise EvidenceError(f"{what}: base64 with spare bits")
    return raw
