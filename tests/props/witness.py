"""What a witness does: the program checks cosignatures, and makes none."""

from __future__ import annotations

from watcher.core import note


def cosign(text: str, key: note.VerifierKey, time: int, sign: note.Sign) -> note.Signature:
    """A witness's signature line."""
    blob = time.to_bytes(8, "big") + sign(note.cosigned_message(text, time))
    return note.Signature(name=key.name, key_id=key.id, blob=blob)
