"""Frames, chains of versions, and the files among them."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.edge import bodies, schema
from watcher.edge.bodies import LONG, BodyFiles, Recent, pack, unpack
from watcher.edge.shelf import ERA, IN_LEDGER, MOST_DEPTH, BodyShelf, ContentShelf, Stored
from watcher.errors import StoreDamaged, StoreError

NOISE = random.Random(20261122)


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[BodyShelf]:
    yield from _shelf(tmp_path)


def _shelf(folder: Path) -> Iterator[BodyShelf]:
    files = BodyFiles(folder / "bodies")
    files.prepare()
    db = schema.open_owned(folder)
    yield BodyShelf(db.conn, files)
    db.conn.close()


def put(shelf: BodyShelf, payload: bytes, last: int | None = None) -> Stored:
    return shelf.put(sha256(payload).digest(), payload, last)


def depths(shelf: BodyShelf) -> list[int]:
    return [row[0] for row in shelf._connection.execute("SELECT depth FROM body ORDER BY id")]


# ------------------------------------------------------------------------------------------------------- frames


@given(st.binary(max_size=3000), st.binary(max_size=3000))
def test_a_frame_gives_back_what_was_packed(payload: bytes, prefix: bytes) -> None:
    assert unpack(pack(payload, prefix), len(payload), prefix) == payload


@given(st.binary(min_size=1, max_size=500), st.integers(0, 2**20), st.integers(1, 255))
def test_a_damaged_frame_never_gives_other_bytes_of_the_right_number_unseen(
    payload: bytes, place: int, flip: int
) -> None:
    """zstd itself may not notice; then the SHA-256 does, which is why every decode is checked."""
    frame = bytearray(pack(payload))
    frame[place % len(frame)] ^= flip
    try:
        found = unpack(bytes(frame), len(payload))
    except ValueError:
        return
    assert len(found) == len(payload)


def test_a_frame_that_grows_beyond_its_size_is_not_followed() -> None:
    bomb = pack(b"\0" * 5_000_000)
    assert len(bomb) < 1000
    with pytest.raises(ValueError, match="1001 bytes instead of 1000"):
        unpack(bomb, 1000)
    with pytest.raises(ValueError, match="instead of"):
        unpack(bomb[:-1], 5_000_000)


@pytest.mark.parametrize("size", [50_000, 400_000, LONG])
def test_a_version_costs_little_beside_the_one_before_at_any_size(size: int) -> None:
    before = NOISE.randbytes(size // 2).hex().encode()
    after = before[: size // 3] + b"<li>Acme</li>" + before[size // 3 :]
    assert len(pack(after, before)) < 200 + size // 2000


def test_recent_payloads_stay_within_their_bytes() -> None:
    recent = Recent(limit=100, packed_limit=0)
    for number in range(5):
        recent.put(number, bytes(30))
    assert [number for number in range(5) if recent.get(number) is not None] == [2, 3, 4]
    recent.put(9, bytes(101))
    assert recent.get(9) is None
    assert recent.get(4) is not None


def test_payloads_turned_out_are_packed_within_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_PACKED", 50_000)
    payloads = [NOISE.randbytes(200) + bytes(40_000) for _ in range(8)]
    recent = Recent(limit=100_000, packed_limit=1_000)
    for number, payload in enumerate(payloads):
        recent.put(number, payload)
        recent.put(number, payload)
    assert [number for number, payload in enumerate(payloads) if recent.get(number) == payload] == [2, 3, 4, 5, 6, 7]
    assert recent._held == sum(map(len, recent._payloads.values())) <= 100_000
    assert recent._packed_held == sum(map(len, recent._packed.values())) <= 1_000
    recent.put(8, bytes(60_000))
    recent.put(9, bytes(60_000))
    assert recent.get(8) is None, "too large to be packed"
    recent.clear()
    assert recent.get(9) is recent.get(7) is None
    assert (recent._held, recent._packed_held) == (0, 0)


# ------------------------------------------------------------------------------------------------------- chains


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_sequence_of_versions_comes_back_exact_and_shallow(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    for shelf in _shelf(tmp_path_factory.mktemp("chain")):
        page = data.draw(st.binary(min_size=0, max_size=400)) * data.draw(st.integers(1, 30))
        last: int | None = None
        kept: dict[int, bytes] = {}
        for _ in range(data.draw(st.integers(1, 40))):
            cut = data.draw(st.integers(0, len(page)))
            edit = data.draw(st.sampled_from(["insert", "cut", "new", "same", "back"]))
            if edit == "insert":
                page = page[:cut] + data.draw(st.binary(max_size=40)) + page[cut:]
            elif edit == "cut":
                page = page[:cut]
            elif edit == "new":
                page = data.draw(st.binary(max_size=300))
            elif edit == "back" and kept:
                page = kept[data.draw(st.sampled_from(sorted(kept)))]
            last = put(shelf, page, last).number
            kept[last] = page
        shelf.forget()
        assert {number: shelf.get(number) for number in kept} == kept
        assert max(depths(shelf)) <= MOST_DEPTH


def test_chains_go_back_to_their_keyframe_and_keyframes_come_again(shelf: BodyShelf) -> None:
    base = NOISE.randbytes(10_000).hex()
    last = None
    for number in range(ERA + 10):
        last = put(shelf, f"{base}{number:08}".encode(), last).number
    found = depths(shelf)
    assert found[:10] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert [place for place, depth in enumerate(found) if depth == 0] == [0, ERA]


def test_a_prefix_that_does_not_pay_is_not_used(shelf: BodyShelf) -> None:
    first = put(shelf, NOISE.randbytes(5000)).number
    put(shelf, NOISE.randbytes(5000), first)
    assert depths(shelf) == [0, 0]


def test_the_same_body_costs_nothing_wherever_it_comes_again(shelf: BodyShelf) -> None:
    one, other = b"one page" * 50, b"another" * 70
    first = put(shelf, one)
    second = put(shelf, other, first.number)
    assert first.new_bytes > 0
    assert put(shelf, one, second.number) == Stored(first.number, 0)
    empty = put(shelf, b"")
    assert put(shelf, b"") == Stored(empty.number, 0)
    assert shelf.get(empty.number) == b""


# -------------------------------------------------------------------------------------------------------- files


def test_a_large_frame_is_a_private_file_that_any_zstd_opens(shelf: BodyShelf, tmp_path: Path) -> None:
    payload = NOISE.randbytes(IN_LEDGER + 1)
    number = put(shelf, payload).number
    path = shelf.files.path(sha256(payload).hexdigest())
    assert unpack(path.read_bytes(), len(payload)) == payload
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, shelf.files.folder)} == {0o700}
    shelf.forget()
    assert shelf.get(number) == payload


@pytest.mark.parametrize("harm", ["torn", "flipped", "gone", "another"])
def test_a_damaged_file_is_named(shelf: BodyShelf, harm: str) -> None:
    payload = NOISE.randbytes(IN_LEDGER + 1)
    number, digest = put(shelf, payload).number, sha256(payload).hexdigest()
    path = shelf.files.path(digest)
    frame = path.read_bytes()
    match harm:
        case "torn":
            path.write_bytes(frame[: len(frame) // 2])
        case "flipped":
            path.write_bytes(frame[:5000] + bytes([frame[5000] ^ 1]) + frame[5001:])
        case "gone":
            path.unlink()
        case "another":
            path.write_bytes(pack(bytes(len(payload))))
    shelf.forget()
    with pytest.raises(StoreDamaged, match=digest) as error:
        shelf.get(number)
    assert error.value.hint


def test_a_damaged_link_is_named_not_what_follows_it_and_new_evidence_is_kept_all_the_same(shelf: BodyShelf) -> None:
    base = NOISE.randbytes(3000).hex()
    first = put(shelf, base.encode()).number
    second = put(shelf, f"{base}+".encode(), first).number
    assert depths(shelf) == [0, 1]
    shelf._connection.execute("UPDATE body SET frame = ? WHERE id = ?", (pack(bytes(6000)), first))
    shelf.forget()
    with pytest.raises(StoreDamaged, match=sha256(base.encode()).hexdigest()):
        shelf.get(second)
    third = put(shelf, f"{base}++".encode(), second).number
    shelf.forget()
    assert shelf.get(third) == f"{base}++".encode()


def test_a_chain_that_runs_in_a_circle_is_refused(shelf: BodyShelf) -> None:
    base = NOISE.randbytes(3000).hex()
    first = put(shelf, base.encode()).number
    second = put(shelf, f"{base}+".encode(), first).number
    shelf._connection.execute("UPDATE body SET base = ? WHERE id = ?", (second, first))
    shelf.forget()
    with pytest.raises(StoreDamaged, match="later"):
        shelf.get(second)


def test_leftovers_are_swept_and_nothing_else(tmp_path: Path) -> None:
    files = BodyFiles(tmp_path / "bodies")
    files.prepare()
    files.write("ab" * 32, b"whole")
    (files.folder / "new" / ("cd" * 32)).write_bytes(b"half")
    assert files.prepare() == 1
    assert files.read("ab" * 32) == b"whole"
    assert list((files.folder / "new").iterdir()) == []


def test_a_file_is_durable_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """flush, fsync, close, rename, fsync of the folder, in that order."""
    files = BodyFiles(tmp_path / "bodies")
    files.prepare()
    path = files.path("ab" * 32)
    steps: list[str] = []
    synced, renamed = os.fsync, Path.rename

    def fsync(handle: int) -> None:
        target = os.readlink(f"/proc/self/fd/{handle}")
        steps.append(f"sync {Path(target).relative_to(tmp_path)} named={path.exists()}")
        synced(handle)

    def rename(self: Path, target: Path) -> Path:
        steps.append(f"rename {self.stat().st_size}")
        return renamed(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "rename", rename)
    files.write("ab" * 32, b"frame")
    assert steps == [
        f"sync bodies/new/{'ab' * 32} named=False",
        "sync bodies named=False",
        "rename 5",
        "sync bodies/ab named=True",
    ]


def test_a_read_only_folder_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = BodyFiles(tmp_path / "bodies")
    files.prepare()

    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refused)
    with pytest.raises(StoreError, match="Read-only file system") as error:
        files.write("ab" * 32, b"frame")
    assert "right to write" in error.value.hint
    assert list((files.folder / "new").iterdir()) == []


# ----------------------------------------------------------------------------------------------------- contents


def test_a_saying_is_said_once_and_damage_is_told(tmp_path: Path) -> None:
    db = schema.open_owned(tmp_path)
    contents = ContentShelf(db.conn)
    first = contents.put(b'{"a":1}', "listing", "", True, None)
    assert contents.put(b'{"a":1}', "listing", "", True, first) == first
    other = contents.put(b'{"a":2}', "listing", "", True, first)
    assert other != first
    contents.forget()
    assert contents.get(other) == b'{"a":2}'
    db.conn.execute("UPDATE content SET frame = ? WHERE id = ?", (pack(b'{"a":3}'), other))
    contents.forget()
    with pytest.raises(StoreDamaged, match=f"reading {other}"):
        contents.get(other)
    db.conn.close()


def test_what_is_kept_of_bodies_stays_within_its_bounds() -> None:
    """However many pages are seen, and though nothing in them can be packed."""
    recent, dice = Recent(), random.Random(7)
    for number in range(400):
        recent.put(number, dice.randbytes(50_000))
    held = len([number for number in range(400) if recent.get(number) is not None])
    assert held * 50_000 > 0.9 * (bodies.RECENT_BYTES + bodies.RECENT_PACKED_BYTES)
    assert held * 50_000 <= bodies.RECENT_BYTES + bodies.RECENT_PACKED_BYTES


def test_a_page_that_never_changed_takes_no_memory_and_one_that_changes_holds_its_last_version(
    shelf: BodyShelf,
) -> None:
    versions = [f"{'<p>a line</p>' * 99}{number}".encode() for number in range(6)]
    last, recent = put(shelf, versions[0]).number, shelf._chains.recent
    assert shelf.get(last) == versions[0]
    assert recent.get(last) is None
    for version in versions[1:]:
        last = put(shelf, version, last).number
        assert [number for number in range(last + 1) if recent.get(number) is not None] == [last]
    assert (recent._held, recent._packed_held) == (len(versions[-1]), 0)
    assert [shelf.get(number + 1) for number in range(len(versions))] == versions


def test_a_large_page_that_never_changed_is_had_without_its_file_again(shelf: BodyShelf) -> None:
    payload = random.Random(3).randbytes(2 * IN_LEDGER)
    assert shelf._chains.recent.get(put(shelf, payload).number) == payload
    shelf.forget()
    assert shelf.get(1) == payload
    assert shelf._chains.recent.get(1) == payload
