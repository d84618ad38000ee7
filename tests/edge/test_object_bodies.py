"""Bodies on an S3-compatible object store, against a real server of the kind that developers use (moto)."""

from __future__ import annotations

import asyncio
import base64
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from tests.edge.keeping import START, entries, exchange, keep, outcome, reading, visit_at, whole_visit
from tests.props.ports import free_ports
from watcher import config
from watcher.core.addresses import parse_place
from watcher.edge import doctor, object_bodies
from watcher.edge.bodies import BodyFiles, pack
from watcher.edge.ledger import Ledger
from watcher.edge.object_bodies import ObjectBodies
from watcher.edge.store import LedgerStore
from watcher.edge.verify_store import verify_store
from watcher.errors import StoreDamaged, StoreError

pytest.importorskip("obstore", reason="needs the extra s3")
pytest.importorskip("moto", reason="needs the development package moto")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server with a bucket named ``evidence``."""
    port = free_ports(1)[0]
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    before = dict(os.environ)
    os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                asked = urllib.request.Request(f"{address}/evidence", method="PUT")
                urllib.request.urlopen(asked, timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < deadline, "the server never came up"
                assert process.poll() is None, "the server ended"
                time.sleep(0.1)
        yield address
    finally:
        os.environ.clear()
        os.environ.update(before)
        process.kill()
        process.wait()


@pytest.fixture
def place(server: str, request: pytest.FixtureRequest) -> str:
    return f"s3://evidence/{request.node.name}?endpoint={server}&region=us-east-1"


def large(seed: int, size: int = 100_000) -> bytes:
    """A text that no compression makes small."""
    return base64.b64encode(random.Random(seed).randbytes(size))


def failed(folder: Path) -> list[str]:
    """What of the store does not hold, but for rules: those of these tests are made up."""
    return [f"{one.check}: {one.detail}" for one in verify_store(folder) if not one.ok and one.check != "readings"]


async def test_large_bodies_go_there_and_small_ones_stay(tmp_path: Path, place: str) -> None:
    async with LedgerStore.open(tmp_path, vantage="local", bodies=place) as store:
        await whole_visit(store, 1, b"<li>small</li>", entries(3))
        capture = await whole_visit(store, 2, large(1), entries(3))
        # a second version shares most of its bytes, and yet its frame, if large, stands alone
        changed = large(1)[:60_000] + large(2, 40_000)
        second = await whole_visit(store, 3, changed, entries(3))
    assert BodyFiles(tmp_path / "bodies").digests() == set()
    with Ledger.open(tmp_path) as ledger:
        files = ledger.bodies.files
        assert isinstance(files, ObjectBodies)
        assert files.digests() == {capture.body_digest, second.body_digest}
        assert ledger.body(sha256(changed).hexdigest()) == changed
        bases = ledger.connection.execute("SELECT base FROM body WHERE frame IS NULL").fetchall()
        assert bases == [(None,), (None,)]
    assert failed(tmp_path) == []


async def test_what_was_kept_in_the_folder_is_still_found(tmp_path: Path, place: str) -> None:
    async with LedgerStore.open(tmp_path, vantage="local") as store:
        first = await whole_visit(store, 1, large(3), entries(2))
    async with LedgerStore.open(tmp_path, vantage="local", bodies=place) as store:
        second = await whole_visit(store, 2, large(4), entries(2))
    async with LedgerStore.open(tmp_path, vantage="local") as store:  # it knows where its bodies are
        third = await whole_visit(store, 3, large(5), entries(2))
    with Ledger.open(tmp_path) as ledger:
        for seed, capture in ((3, first), (4, second), (5, third)):
            assert ledger.body(capture.body_digest or "") == large(seed)
        assert BodyFiles(tmp_path / "bodies").digests() == {first.body_digest}
    assert failed(tmp_path) == []


async def test_a_body_is_written_once_and_one_that_is_something_else_is_refused(tmp_path: Path, place: str) -> None:
    frames = ObjectBodies(parse_place(place), BodyFiles(tmp_path), "owner")
    digest = sha256(large(6)).hexdigest()
    frames.write(digest, pack(large(6)))
    first = frames.read(digest)
    other = pack(large(6) + b"", b"")
    frames.write(digest, other)
    assert frames.read(digest) == first
    planted = sha256(large(7)).hexdigest()
    frames._create(object_bodies._name(planted), b"not what it says")
    with pytest.raises(StoreDamaged, match="something else"):
        frames.write(planted, pack(large(7)))
    assert frames.read(planted) == b"not what it says"  # never written over


async def test_an_object_that_was_changed_or_removed_is_told(tmp_path: Path, place: str) -> None:
    async with LedgerStore.open(tmp_path, vantage="local", bodies=place) as store:
        gone = await whole_visit(store, 1, large(8), entries(2))
        changed = await whole_visit(store, 2, large(9), entries(2))
    with Ledger.open(tmp_path) as ledger:
        files = ledger.bodies.files
        assert isinstance(files, ObjectBodies)
        files.remove(gone.body_digest or "")
        files.remove(changed.body_digest or "")
        files._create(object_bodies._name(changed.body_digest or ""), pack(large(10)))
        strange = sha256(b"strange").hexdigest()
        files._create(object_bodies._name(strange), b"left over")
    found = " ".join(failed(tmp_path))
    assert f"body {gone.body_digest} is gone" in found
    assert f"body {changed.body_digest} is damaged" in found


async def test_two_stores_do_not_share_a_prefix(tmp_path: Path, place: str) -> None:
    async with LedgerStore.open(tmp_path / "one", vantage="one", bodies=place) as store:
        await whole_visit(store, 1, large(11), entries(2))
    with pytest.raises(StoreError, match="another store"):
        LedgerStore.open(tmp_path / "two", vantage="two", bodies=place)
    assert failed(tmp_path / "one") == []


async def test_pruned_bodies_are_erased_there(tmp_path: Path, place: str) -> None:
    async with LedgerStore.open(tmp_path, vantage="local", bodies=place) as store:
        for number, seed in ((1, 12), (2, 13)):
            _, at = visit_at(number, "alpha", minutes=15)
            (capture,) = await keep(store, number, exchange(large(seed), at), site="alpha")
            await store.record(outcome(capture.visit, [capture], {capture.id: reading(entries(1), text="x")}))
        pruned = await store.prune(START + timedelta(days=400))
        assert len(pruned.bodies) >= 1
    with Ledger.open(tmp_path) as ledger:
        assert ledger.bodies.files.digests().isdisjoint(pruned.bodies)


async def test_a_server_that_does_not_answer_is_told_and_nothing_is_half_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_bodies, "RETRIES", 0)
    url = f"s3://evidence/none?endpoint=http://127.0.0.1:{free_ports(1)[0]}&region=us-east-1"
    with pytest.raises(StoreError, match="does not do as asked"):
        LedgerStore.open(tmp_path, vantage="local", bodies=url)
    assert not (tmp_path / "ledger.db").exists()


def test_the_doctor_sees_whether_objects_are_created_only_once(
    tmp_path: Path, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    settings = config.parse(f'[watcher]\nbodies = "{place}"\n', tmp_path)

    def found() -> list[tuple[bool, str]]:
        return [(one.ok, one.detail) for one in asyncio.run(doctor._bodies(settings))]

    assert found() == [(True, "the object store answers, and writes nothing over")]
    kept = ObjectBodies(parse_place(place), BodyFiles(tmp_path), "")
    assert list(obstore.list(kept._opened())) == []

    def over(self: ObjectBodies, name: str, data: bytes) -> bool:
        self._asked(lambda: obstore.put(self._opened(), name, data))
        return True

    with monkeypatch.context() as patched:
        patched.setattr(ObjectBodies, "_create", over)
        ((ok, told),) = found()
        assert not ok
        assert "writes over what is there" in told
    assert list(obstore.list(kept._opened())) == []
    settings = replace(settings, bodies=place.replace("evidence", "no-such-bucket"))
    ((ok, told),) = found()
    assert not ok
    assert "does not do as asked" in told


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://evidence/x", "s3://"),
        ("s3:///x", "s3://"),
        ("s3://key:secret@bucket/x", "environment"),
        ("s3://bucket/x?acl=public", "acl"),
        ("s3://bucket/x?endpoint=ftp://a", "endpoint"),
    ],
)
def test_an_address_that_is_none(url: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        parse_place(url)
