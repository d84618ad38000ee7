"""Bodies as objects, over a store of them in memory: what lies there and is not ours is told; nothing is believed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from watcher.core.addresses import parse_place
from watcher.edge import object_bodies
from watcher.edge.bodies import BodyFiles, pack
from watcher.edge.object_bodies import MARK, OWNER, ObjectBodies, frames_of, use
from watcher.errors import ConfigError, StoreDamaged, StoreError

obstore = pytest.importorskip("obstore", reason="needs the extra s3")
URL = "s3://evidence/here?endpoint=http://127.0.0.1:1&region=x"
PAYLOAD = random.Random(7).randbytes(5000)
DIGEST = sha256(PAYLOAD).hexdigest()
NAME = f"{DIGEST[:2]}/{DIGEST}.zst"


@pytest.fixture
def bodies(tmp_path: Path) -> ObjectBodies:
    """Where nothing lies yet."""
    made = ObjectBodies(parse_place(URL), BodyFiles(tmp_path / "bodies"), "ours")
    made._store = obstore.store.MemoryStore()
    assert made.prepare() == 0
    return made


def put(bodies: ObjectBodies, name: str, data: bytes) -> None:
    """Somebody else writes there."""
    obstore.put(bodies._opened(), name, data)


def test_a_frame_is_written_once_read_listed_and_erased(bodies: ObjectBodies) -> None:
    assert bodies.digests() == set()
    bodies.write(DIGEST, pack(PAYLOAD))
    put(bodies, "notes.txt", b"not a body")
    assert bodies.digests() == {DIGEST}
    assert bodies.read(DIGEST) == pack(PAYLOAD)
    bodies.remove(DIGEST)
    bodies.remove(DIGEST)
    assert bodies.digests() == set()
    with pytest.raises(StoreDamaged, match=f"body {DIGEST} is gone"):
        bodies.read(DIGEST)


def test_what_lies_in_the_folder_from_before_is_found_there_first(bodies: ObjectBodies) -> None:
    bodies._files.write(DIGEST, pack(PAYLOAD))
    put(bodies, NAME, b"something else")
    other = "ab" * 32
    put(bodies, f"ab/{other}.zst", b"x")
    assert bodies.read(DIGEST) == pack(PAYLOAD)
    assert bodies.digests() == {DIGEST, other}
    bodies.remove(DIGEST)
    assert bodies.digests() == {other}, "erased in both places"


@pytest.mark.parametrize(
    "there",
    [
        lambda: b"",
        lambda: b"no frame at all",
        lambda: pack(PAYLOAD)[:-20],
        lambda: pack(PAYLOAD[:-1]),
        lambda: pack(PAYLOAD, PAYLOAD[:4000]),
    ],
)
def test_an_object_that_does_not_give_the_body_by_itself_is_not_taken_for_it(
    bodies: ObjectBodies, there: Callable[[], bytes]
) -> None:
    put(bodies, NAME, there())
    with pytest.raises(StoreDamaged, match="under its name is something else") as caught:
        bodies.write(DIGEST, pack(PAYLOAD))
    assert caught.value.hint
    assert bodies.read(DIGEST) == there(), "nothing is written over"


def test_another_frame_that_gives_the_same_body_will_do(bodies: ObjectBodies) -> None:
    """Packed by another release, say."""
    from backports.zstd import compress

    put(bodies, NAME, compress(PAYLOAD, 1))
    bodies.write(DIGEST, pack(PAYLOAD))
    assert bodies.read(DIGEST) == compress(PAYLOAD, 1)


def test_no_frame_is_opened_without_end(bodies: ObjectBodies, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bodies, NAME, pack(PAYLOAD))
    monkeypatch.setattr(object_bodies, "MOST_BYTES", len(PAYLOAD) - 1)
    with pytest.raises(StoreDamaged, match="something else"):
        bodies.write(DIGEST, pack(PAYLOAD))


def test_objects_of_another_store_are_left_to_it(bodies: ObjectBodies, tmp_path: Path) -> None:
    other = ObjectBodies(bodies.place, BodyFiles(tmp_path / "other"), "theirs")
    other._store = bodies._store
    with pytest.raises(StoreError, match="holds the bodies of another store") as caught:
        other.prepare()
    assert caught.value.hint
    assert not (tmp_path / "other").exists()
    assert bytes(obstore.get(bodies._opened(), OWNER).bytes()) == b"ours"
    assert bodies.prepare() == 0, "and ours go on"


def test_a_server_that_writes_over_what_is_there_is_found_out(
    bodies: ObjectBodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = bodies.digests()
    assert bodies.try_out() is True
    plain = obstore.put
    monkeypatch.setattr(obstore, "put", lambda store, name, data, mode: plain(store, name, data))
    assert bodies.try_out() is False
    names = {str(one["path"]) for some in obstore.list(bodies._opened()) for one in some}
    assert names == {OWNER}, "nothing of the trial stays"
    assert bodies.digests() == before


def test_where_the_bodies_are_is_remembered_and_moves_with_one_identity(tmp_path: Path) -> None:
    near = BodyFiles(tmp_path / "bodies")
    assert frames_of(tmp_path, near) is near
    use(tmp_path, URL)
    first = json.loads((tmp_path / MARK).read_bytes())
    use(tmp_path, URL)
    assert json.loads((tmp_path / MARK).read_bytes()) == first
    elsewhere = URL.replace("here", "there")
    use(tmp_path, elsewhere)
    assert json.loads((tmp_path / MARK).read_bytes()) == {"url": elsewhere, "store": first["store"]}
    found = frames_of(tmp_path, near)
    assert isinstance(found, ObjectBodies)
    assert (found.place, found._owner) == (parse_place(elsewhere), first["store"])
    with pytest.raises((ConfigError, ValueError)):
        use(tmp_path, "ftp://x")
    assert json.loads((tmp_path / MARK).read_bytes())["url"] == elsewhere


@pytest.mark.parametrize("text", [b"", b"[]", b'{"url": "s3://x"}', b"\xff", b"null", b'"s3://evidence"'])
def test_a_torn_mark_is_damage_and_not_a_folder_without_bodies(tmp_path: Path, text: bytes) -> None:
    (tmp_path / MARK).write_bytes(text)
    with pytest.raises(StoreDamaged, match="does not say where the bodies are") as caught:
        frames_of(tmp_path, BodyFiles(tmp_path / "bodies"))
    assert caught.value.hint
