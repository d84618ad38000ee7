"""Signed notes and checkpoints, against the published examples and every broken form of them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.props.witness import cosign
from watcher.core import note
from watcher.edge.sign import check_signature
from watcher.errors import EvidenceError

# The example of the format's first description (golang.org/x/mod/sumdb/note).
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# The example of c2sp.org/tlog-cosignature.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


@pytest.mark.parametrize(("vkey", "line"), [(PETER, PETER_LINE), (ENOCH, ENOCH_LINE)])
def test_the_published_signatures_hold(vkey: str, line: str) -> None:
    key = note.parse_key(vkey)
    assert str(key) == vkey
    note.verify(note.parse(f"{TEXT}\n{line}".encode()), key, check_signature)


def test_signatures_by_others_are_carried_and_not_looked_at() -> None:
    both = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    parsed = note.parse(both)
    assert parsed.encode() == both
    note.verify(parsed, note.parse_key(PETER), check_signature)
    note.verify(parsed, note.parse_key(ENOCH), check_signature)


def test_a_bit_flipped_anywhere_does_not_pass() -> None:
    data = f"{TEXT}\n{PETER_LINE}".encode()
    key = note.parse_key(PETER)
    for place in range(len(data)):
        broken = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        with pytest.raises(EvidenceError):
            note.verify(note.parse(broken), key, check_signature)


def test_the_published_checkpoint_is_understood() -> None:
    parsed = note.parse(COSIGNED.encode())
    head = note.parse_checkpoint(parsed)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)
    assert head.text() == parsed.text
    log, witness = parsed.signatures
    assert log.key_id.hex() == "033de0ae"
    assert witness.name == "witness.example.com/w1"
    assert int.from_bytes(witness.blob[:8], "big") == 0x641850CB
    assert len(witness.blob) == 72


def test_a_witness_signs_the_time_with_the_text() -> None:
    secret = Ed25519PrivateKey.generate()
    public, sign = secret.public_key().public_bytes_raw(), secret.sign
    key = note.VerifierKey(name="witness.example/w1", kind=note.COSIGNATURE_V1, public=public)
    head = note.parse(COSIGNED.encode())
    line = cosign(head.text, key, 1_700_000_000, sign)
    seen = note.with_signatures(head, [line, line])
    assert len(seen.signatures) == 3
    assert note.verify_cosignature(seen, note.parse_key(str(key)), check_signature) == 1_700_000_000
    later = note.Signature(name=line.name, key_id=line.key_id, blob=(1_700_000_001).to_bytes(8, "big") + line.blob[8:])
    with pytest.raises(EvidenceError, match="does not hold"):
        note.verify_cosignature(note.with_signatures(head, [later]), key, check_signature)
    plain = note.VerifierKey(name=key.name, kind=note.ED25519, public=public)
    with pytest.raises(EvidenceError, match="not a witness key"):
        note.verify_cosignature(seen, plain, check_signature)


@pytest.mark.parametrize(
    ("vkey", "fault"),
    [
        ("PeterNeumann", "NAME"),
        ("PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not belong"),
        ("peterneumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "does not belong"),
        ("Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "name"),
        ("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T", "base64"),
        ("PeterNeumann+c74f20a3+ARpc", "not an Ed25519 key"),
        ("PeterNeumann+c74f20a3+Ahpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "not an Ed25519 key"),
        ("+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW", "name"),
    ],
)
def test_a_wrong_key_is_refused(vkey: str, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        note.parse_key(vkey)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "no empty line"),
        (b"text\n\n", "no empty line"),
        (b"text\n\xff\n\n" + PETER_LINE.encode(), "UTF-8"),
        (b"te\rxt\n\n" + PETER_LINE.encode(), "control character"),
        (b"\n\n" + PETER_LINE.encode(), "newline"),
        (b"text\n\n" + PETER_LINE.encode()[:-1], "cut"),
        (b"text\n\n- PeterNeumann x08g\n", "dash"),
        ("text\n\n— PeterNeumann x08g\n".encode(), "too short"),
        ("text\n\n— PeterNeumann x08go\n".encode(), "base64"),
        ("text\n\n— Peter+Neumann x08goAAA\n".encode(), "name"),
        (b"text\n\n" + PETER_LINE.encode() * 101, "too many"),
        (b"x" * 1_000_001, "too long"),
    ],
)
def test_a_broken_note_is_named(data: bytes, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        note.parse(data)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("origin\n5\n", "three lines"),
        ("\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no origin"),
        ("o\n05\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no size"),
        ("o\n-5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no size"),
        ("o\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no size"),
        ("o\n٥\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "no size"),
        ("o\n5\nCsUY\n", "32 bytes"),
        ("o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", "spare bits"),
        ("o\n5\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\nx\n", "empty extension"),
    ],
)
def test_a_broken_checkpoint_is_named(text: str, fault: str) -> None:
    with pytest.raises(EvidenceError, match=fault):
        note.parse_checkpoint(note.Note(text=text))


def test_extension_lines_are_kept() -> None:
    head = note.Checkpoint(origin="o", size=5, root=bytes(32), extensions=("one", "two"))
    assert note.parse_checkpoint(note.Note(text=head.text())) == head
    assert head.text().split("\n")[2] == base64.b64encode(bytes(32)).decode()
