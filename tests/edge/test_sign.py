"""The signing key: made once, readable by its owner alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.core import note
from watcher.edge import sign
from watcher.errors import EvidenceError, StoreError, UsageError


def test_a_new_key_is_private_and_the_same_when_loaded(tmp_path: Path) -> None:
    made = sign.create_key(tmp_path / "watcher.key", "vantage.example/a")
    assert (tmp_path / "watcher.key").stat().st_mode & 0o777 == 0o600
    loaded = sign.load_key(tmp_path / "watcher.key")
    assert loaded.vkey == made.vkey
    assert loaded.origin == "vantage.example/a"


def test_it_signs_checkpoints_that_its_public_half_verifies(tmp_path: Path) -> None:
    key = sign.create_key(tmp_path / "k", "o")
    signed = note.parse(key.checkpoint(5, bytes(32)).encode())
    note.verify(signed, note.parse_key(key.vkey), sign.check_signature)
    assert note.parse_checkpoint(signed) == note.Checkpoint(origin="o", size=5, root=bytes(32))
    other = sign.create_key(tmp_path / "l", "o")
    with pytest.raises(EvidenceError, match="bears none"):
        note.verify(signed, other.verifier, sign.check_signature)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    made = sign.create_key(tmp_path / "k", "o")
    with pytest.raises(UsageError, match="exists"):
        sign.create_key(tmp_path / "k", "o")
    assert sign.load_key(tmp_path / "k").vkey == made.vkey


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    sign.create_key(tmp_path / "k", "o")
    (tmp_path / "k").chmod(mode)
    with pytest.raises(StoreError, match=f"mode {mode:o}") as caught:
        sign.load_key(tmp_path / "k")
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("content", [b"", b"# watcher signing key of o\n", b"rubbish\nrubbish\n"])
def test_a_file_that_is_no_key_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "k").write_bytes(content)
    (tmp_path / "k").chmod(0o600)
    with pytest.raises(StoreError, match="no signing key"):
        sign.load_key(tmp_path / "k")


def test_a_missing_key_says_how_one_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        sign.load_key(tmp_path / "k")
    assert "watcher init" in caught.value.hint


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb", "a\u2003b"])
def test_a_name_that_cannot_stand_in_a_note_is_refused(tmp_path: Path, origin: str) -> None:
    with pytest.raises(EvidenceError, match="name"):
        sign.create_key(tmp_path / "k", origin)
    assert not (tmp_path / "k").exists()


def test_rubbish_is_no_signature() -> None:
    assert not sign.check_signature(b"short", bytes(64), b"")
    assert not sign.check_signature(bytes(32), b"short", b"")
