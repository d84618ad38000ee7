"""A bundle of a fleet: every vantage's own captures, checkpoints and proofs, and what the index made of them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.evidence.keeping import EVERYONE, POLICY, SITE, InProcess, Keeping
from tests.evidence.story import ONION, OTHERS, START
from watcher.cli.main import cli
from watcher.core import fleet_bundle, note, wacz
from watcher.core.agree import Agreement
from watcher.core.bundle import CAPTURES, EVENTS, LOG
from watcher.core.checks import CheckResult
from watcher.edge import acts, parcels
from watcher.edge.export_fleet import export_fleet, opened_copies
from watcher.edge.gather import Provenance, Selection
from watcher.edge.index import Arrival, Index
from watcher.edge.ledger import Ledger
from watcher.edge.sign import NAME_LINE, SigningKey
from watcher.edge.store import LedgerStore
from watcher.edge.verify import verify
from watcher.edge.verify_fleet import verify_fleet
from watcher.errors import EvidenceError
from watcher.look import Means
from watcher.testing.clocks import ManualClock
from watcher.visit import visit


def key_of(name: str) -> SigningKey:
    return SigningKey(origin=name, secret=Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()))


INDEX = key_of("overview")
NAMES = ("berlin", "oslo")
KEYS = {name: key_of(name) for name in NAMES}
VKEYS = (INDEX.vkey, *(key.vkey for key in KEYS.values()))


async def look(name: str, keeping: Keeping) -> None:
    """One real visit of this vantage to the page that is played."""
    means = Means(
        retrieve=keeping.retrieve,
        store=keeping.store,
        reader=InProcess(),
        clock=keeping.clock,
        policy=POLICY,
        vantage=name,
        timeout=timedelta(seconds=90),
    )
    await visit(SITE, SITE.mirrors, f"{name}-{keeping.clock.now():%H%M%S}", means)
    await keeping.sign()


async def shipped(name: str, keeping: Keeping) -> list[Arrival]:
    key = KEYS[name]
    while await keeping.store.do(partial(parcels.make_parcel, vantage=name, sign=key.sign, at=keeping.clock.now())):
        pass
    return [Arrival(vantage=name, data=data) for _, data in await keeping.store.do(partial(parcels.waiting, most=999))]


async def played(folder: Path) -> Path:
    """The store of an index over two vantages that saw the same entry go."""
    clock = ManualClock(START)
    rule = Agreement(index="overview", agree=2, policy=POLICY)
    index = await Index.open(folder / "index", [key.verifier for key in KEYS.values()], rule, now=clock.now)
    async with index:
        watching = {}
        for name in NAMES:
            store = LedgerStore.open(folder / name, vantage=name, now=clock.now)
            watching[name] = Keeping(store=store, clock=clock, key=KEYS[name])
            await store.do(parcels.join)
            await acts.opening(store, KEYS[name], config=b"", vantage=name, now=clock.now())
        for titles, times in ((EVERYONE, 4), (OTHERS, 6)):
            for _ in range(times):
                clock.turn(minutes=12)
                for name, keeping in watching.items():
                    keeping.show(titles)
                    clock.turn(seconds=9)
                    await look(name, keeping)
        for name, keeping in watching.items():
            for arrival in await shipped(name, keeping):
                await index.take(arrival)
            await keeping.store.close()
        size, root = await index.union.head()
        await index.union.checkpoint(size, str(INDEX.checkpoint(size, root)))
    return folder / "index"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the withdrawal that both confirmed."""
    folder = tmp_path_factory.mktemp("fleet")
    store = asyncio.run(played(folder))
    out = folder / "withdrawn.wacz"
    with Ledger.open(store) as union, opened_copies(store, [key.verifier for key in KEYS.values()]) as copies:
        (event,) = union.events(kind="withdrawn")
        done = export_fleet(
            union,
            copies,
            Selection(events=(event.id,)),
            out,
            key=INDEX,
            about=Provenance(operator="Example CERT", vantage="overview"),
            draw=False,
        )
    assert done.events == (event.id,)
    return out


def failed(results: list[CheckResult]) -> list[str]:
    return [f"{one.check}: {one.detail}" for one in results if not one.ok]


def test_it_holds_every_vantages_own_evidence(made: Path) -> None:
    results = verify(made, keys=VKEYS)
    assert failed(results) == []
    checks = {one.check: one.detail for one in results}
    assert {f"{name}: {check}" for name in ("index", *NAMES) for check in ("leaves", "absence", "reread")} <= set(
        checks
    )
    assert checks["agreement"].startswith("2 agreeing words")
    files = wacz.unpack(made.read_bytes())
    assert set(files) > {"index.wacz", "vantage-berlin.wacz", "vantage-oslo.wacz", "VERIFY.txt"}
    for name in NAMES:
        inner = wacz.unpack(files[f"vantage-{name}.wacz"])
        log = json.loads(inner["evidence/log-proofs.json"])
        assert (log["key"], log["packer"]) == (KEYS[name].vkey, INDEX.vkey)
        head = note.parse(inner["evidence/checkpoint.txt"])
        assert [one.name for one in head.signatures] == [name]
        (event,) = json.loads(inner["evidence/event.json"])["events"]
        assert (event["value"]["kind"], event["value"]["vantage"]) == ("withdrawn", name)
    assert quick(made) == []


def quick(path: Path, *keys: str) -> list[str]:
    """What fails, without reading the pages again: no forgery here is about them."""
    return failed(verify_fleet(path.read_bytes(), keys=keys, read_again=lambda _: "not here"))


def test_each_bundle_in_it_stands_alone(made: Path, tmp_path: Path) -> None:
    """Taken out, each is checked by the program that it carries, with bare Python."""
    files = wacz.unpack(made.read_bytes())
    for name, key in (("index", INDEX), ("vantage-berlin", KEYS["berlin"])):
        inner = tmp_path / f"{name}.wacz"
        inner.write_bytes(files[f"{name}.wacz"])
        program = tmp_path / "verify.py"
        program.write_bytes(wacz.unpack(inner.read_bytes())["evidence/verify.py"])
        both = ["--key", key.vkey, "--key", INDEX.vkey]
        alone = subprocess.run([sys.executable, program, inner, *both], capture_output=True, text=True, check=False)
        assert (alone.returncode, alone.stdout.splitlines()[-1]) == (0, "VALID"), alone.stdout
        assert failed(verify(inner, keys=(key.vkey, INDEX.vkey))) == []
    only = subprocess.run(
        [sys.executable, program, inner, "--key", key.vkey], capture_output=True, text=True, check=False
    )
    assert only.returncode == 1
    assert "signature" in [line.split()[1] for line in only.stdout.splitlines() if line.startswith("FAILED")]
    assert [line.partition(":")[0] for line in failed(verify(inner, keys=(key.vkey,)))] == ["signature"]


def repacked(files: dict[str, bytes], key: SigningKey) -> bytes:
    """The same, listed and signed again by this key."""
    bundles = {path: data for path, data in files.items() if path.endswith(".wacz")}
    cover = wacz.Cover(title="t", description="d", created=START, software="s")
    return fleet_bundle.whole(bundles, cover, key.verifier, key.sign)


def swapped(files: dict[str, bytes]) -> dict[str, bytes]:
    return {**files, "vantage-berlin.wacz": files["vantage-oslo.wacz"]}


def without_one(files: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if path != "vantage-oslo.wacz"}


def flipped(files: dict[str, bytes]) -> dict[str, bytes]:
    data = bytearray(files["vantage-oslo.wacz"])
    data[len(data) // 2] ^= 1
    return {**files, "vantage-oslo.wacz": bytes(data)}


@pytest.mark.parametrize("forge", [swapped, without_one, flipped])
def test_what_is_exchanged_or_left_out_is_told(
    made: Path, tmp_path: Path, forge: Callable[[dict[str, bytes]], dict[str, bytes]]
) -> None:
    files = wacz.unpack(made.read_bytes())
    out = tmp_path / "forged.wacz"
    out.write_bytes(wacz.pack(forge(files)))
    assert quick(out, *VKEYS)
    out.write_bytes(repacked(forge(files), INDEX))  # by the index itself: its word is not enough
    assert quick(out, *VKEYS)
    assert quick(out)


def test_a_stranger_cannot_pack_it(made: Path, tmp_path: Path) -> None:
    out = tmp_path / "forged.wacz"
    out.write_bytes(repacked(wacz.unpack(made.read_bytes()), key_of("mallory")))
    assert quick(out, *VKEYS)
    out.write_bytes(made.read_bytes())
    assert quick(out, *VKEYS) == []
    assert quick(out, INDEX.vkey, KEYS["berlin"].vkey)  # of oslo's log nobody said that it is trusted


def test_nothing_is_written_that_a_vantage_did_not_sign(tmp_path: Path) -> None:
    store = asyncio.run(played(tmp_path))
    with contextlib.closing(sqlite3.connect(store / "vantages" / "oslo" / "ledger.db")) as connection:
        connection.execute("DELETE FROM checkpoint")
        connection.commit()
    out = tmp_path / "none.wacz"
    with Ledger.open(store) as union, opened_copies(store, [key.verifier for key in KEYS.values()]) as copies:
        (event,) = union.events(kind="withdrawn")
        with pytest.raises(EvidenceError, match="oslo has signed no checkpoint"):
            export_fleet(
                union,
                copies,
                Selection(events=(event.id,)),
                out,
                key=INDEX,
                about=Provenance(vantage="overview"),
                draw=False,
            )
    assert not out.exists()


def test_the_commands_of_a_lone_watcher_work_on_an_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = asyncio.run(played(tmp_path))
    pem = INDEX.secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    key = tmp_path / "index.key"
    key.write_bytes(f"{NAME_LINE}overview\n".encode() + pem)
    key.chmod(0o600)
    keys = ", ".join(f'"{key.vkey}"' for key in KEYS.values())
    config = tmp_path / "watcher.toml"
    config.write_text(
        f'[watcher]\nvantage = "overview"\nstore = "{store.name}"\nkey = "index.key"\n'
        f'[fleet]\nservers = ["nats://127.0.0.1:4222"]\nvantages = [{keys}]\nagree = 2\n'
    )

    def told(*arguments: str) -> list[dict[str, object]]:
        capsys.readouterr()
        assert cli.main(["-c", str(config), *arguments, "--json"], standalone_mode=False) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    (event,) = told("events", "--kind", "withdrawn")
    assert event["vantage"] == "overview"
    assert {one["vantage"] for one in told("captures")} == set(NAMES)
    (gone,) = told("entries", "--standing", "withdrawn")
    assert gone["title"] == event["entry"]["title"]  # type: ignore[index]
    assert told("status")[0]["site"] == SITE.name
    out = tmp_path / "e.wacz"
    (made,) = told("export", str(event["id"]), "-o", str(out), "--no-pictures")
    assert made["events"] == [event["id"]]
    named = [part for vkey in VKEYS for part in ("--key", vkey)]
    assert all(one["ok"] for one in told("verify", str(out), *named))
    assert all(one["ok"] for one in told("verify", str(store), *named))
    assert told("log", "head")


# ------------------------------------------------------------------------------------- each disagreement by its name


Doc = dict[str, Any]
Files = dict[str, bytes]


def edited(files: dict[str, bytes], bundle: str, path: str, change: Callable[[Doc], None]) -> dict[str, bytes]:
    """The parcel's files with one document of one of its bundles changed by whoever packed it."""
    inner = wacz.unpack(files[bundle])
    document = json.loads(inner[path])
    change(document)
    return {**files, bundle: wacz.pack({**inner, path: json.dumps(document).encode()})}


def said_of(check: str, files: dict[str, bytes], tmp_path: Path, *keys: str, key: SigningKey = INDEX) -> str:
    """What one check says of these files, packed and signed anew by the index; with "no: " before it if it fails."""
    out = tmp_path / "forged.wacz"
    out.write_bytes(repacked(files, key))
    found = {one.check: one for one in verify_fleet(out.read_bytes(), keys=keys, read_again=lambda _: "not here")}
    return f"{'' if found[check].ok else 'no: '}{found[check].detail}"


def concluded(change: Callable[[Doc], None]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """The index's own conclusion, changed."""

    def forge(files: dict[str, bytes]) -> dict[str, bytes]:
        return edited(files, "index.wacz", EVENTS, lambda told: change(told["events"][0]["value"]))

    return forge


def told_by(name: str, change: Callable[[list[Doc]], None]) -> Callable[[dict[str, bytes]], dict[str, bytes]]:
    """The events in the bundle of a vantage, changed."""
    return lambda files: edited(files, f"vantage-{name}.wacz", EVENTS, lambda told: change(told["events"]))


def shown_by(name: str, change: Callable[[Doc], None], *, silent: bool = True) -> Callable[[Files], Files]:
    """Each copy of a page that the vantage shows is changed; if ``silent`` it tells of no event any more."""

    def forge(files: Files) -> Files:
        def each(shown: Doc) -> None:
            for item in shown["snapshots"]:
                if item["snapshot"].get("value"):
                    change(item["snapshot"]["value"])

        return edited(told_by(name, list.clear)(files) if silent else files, f"vantage-{name}.wacz", CAPTURES, each)

    return forge


def called(**words: str) -> Callable[[Files], Files]:
    """The index calls the entry something else in parts; no vantage shows a complete copy."""

    def forge(files: Files) -> Files:
        for name in NAMES:
            files = shown_by(name, lambda seen: seen.update(complete=False), silent=False)(files)
        return concluded(lambda event: event["entry"].update(words))(files)

    return forge


def a_word_of_berlin(told: Doc) -> None:
    """The index puts another kind into the mouth of a vantage."""
    value = {**told["events"][0]["value"], "id": "e0f0f0", "vantage": "berlin", "why": []}
    told["events"].append({"digest": told["events"][0]["digest"], "value": value})


@pytest.mark.parametrize(
    ("forge", "said"),
    [
        (concluded(lambda event: event["why"].append("agrees:paris")), "there is no bundle of vantage paris"),
        (
            lambda files: edited(files, "index.wacz", EVENTS, a_word_of_berlin),
            "event e0f0f0 is not what berlin told",
        ),
        (shown_by("oslo", lambda seen: seen.update(complete=False)), ": oslo does not show it"),
        (shown_by("oslo", lambda seen: seen.update(taken_at="2020-01-01T00:00:00Z")), ": oslo does not show it"),
    ],
)
def test_what_the_vantages_own_bundles_do_not_bear_out_is_named(
    made: Path, tmp_path: Path, forge: Callable[[dict[str, bytes]], dict[str, bytes]], said: str
) -> None:
    told = said_of("agreement", forge(wacz.unpack(made.read_bytes())), tmp_path)
    assert told.startswith("no: event ")
    assert told.endswith(said)


@pytest.mark.parametrize("same", ["key", "url", "title"])
def test_an_entry_that_every_copy_still_shows_is_not_backed(made: Path, tmp_path: Path, same: str) -> None:
    """Nor by whatever the copies call it."""
    files = wacz.unpack(made.read_bytes())
    shown = json.loads(wacz.unpack(files["vantage-berlin.wacz"])[CAPTURES])["snapshots"]
    last = max((one["snapshot"]["value"] for one in shown if "value" in one["snapshot"]), key=lambda v: v["taken_at"])
    names = {"key": "another", "url": f"{ONION}another", "title": "Another", same: last["entries"][0][same]}
    told = said_of("agreement", concluded(lambda event: event["entry"].update(names))(files), tmp_path)
    assert told.startswith("no: ")
    assert told.endswith("berlin does not show it")


@pytest.mark.parametrize(
    "forge",
    [
        called(key="another", url=f"{ONION}another"),
        called(key="another", title="V****** Logistics"),
        called(url=f"{ONION}another", title="V****** Logistics"),
        shown_by("oslo", lambda _: None),
    ],
)
def test_another_spelling_or_a_copy_without_the_entry_backs_it_too(
    made: Path, tmp_path: Path, forge: Callable[[Files], Files]
) -> None:
    """The same entry by key, page or title; and a vantage that saw it gone, though it never concluded so."""
    told = said_of("agreement", forge(wacz.unpack(made.read_bytes())), tmp_path)
    assert told == "2 agreeing words of vantages are backed by their own bundles"


def test_another_entry_altogether_is_not_what_the_vantages_told(made: Path, tmp_path: Path) -> None:
    forge = called(key="another", url=f"{ONION}another", title="Another")
    assert said_of("agreement", forge(wacz.unpack(made.read_bytes())), tmp_path).endswith("berlin does not show it")


def test_who_packed_and_whose_log_it_is_are_told_apart(made: Path, tmp_path: Path) -> None:
    files = wacz.unpack(made.read_bytes())
    mallory, false_oslo = key_of("mallory"), SigningKey(origin="oslo", secret=key_of("x").secret)
    by_mallory = edited(files, "vantage-oslo.wacz", LOG, lambda log: log.update(packer=mallory.vkey))
    assert said_of("packer", by_mallory, tmp_path) == "no: vantage-oslo.wacz: packed by another"
    by_itself = edited(files, "vantage-oslo.wacz", LOG, lambda log: log.update(packer=KEYS["oslo"].vkey))
    assert not said_of("packer", by_itself, tmp_path).startswith("no: ")
    assert said_of("names", swapped(files), tmp_path) == "no: vantage-berlin.wacz is of the log of oslo"
    assert said_of("names", files, tmp_path, INDEX.vkey, KEYS["berlin"].vkey, false_oslo.vkey) == (
        f"no: vantage-oslo.wacz: signed with {KEYS['oslo'].vkey}, not with a key that you named"
    )
    assert said_of("names", files, tmp_path, *VKEYS) == "berlin, oslo, overview"
    assert said_of("signature", files, tmp_path, KEYS["berlin"].vkey) == (
        f"no: packed and signed by {INDEX.vkey}, whose key you did not name"
    )
    assert "its own word" in said_of("signature", files, tmp_path)
    assert "its own word" not in said_of("signature", files, tmp_path, *VKEYS)
    assert said_of("signature", files, tmp_path, key=mallory).startswith("no: ")


def test_a_signature_of_another_parcel_is_not_this_ones(made: Path) -> None:
    files = wacz.unpack(made.read_bytes())
    other = wacz.unpack(repacked(without_one(files), INDEX))
    grafted = wacz.pack({**files, wacz.PACKAGE_DIGEST: other[wacz.PACKAGE_DIGEST]})
    results = {one.check: one for one in verify_fleet(grafted, read_again=lambda _: "")}
    assert (results["signature"].ok, results["signature"].detail) == (False, "the signature is of another package")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: {**files, "notes.txt": b"x"}, "files that do not belong there: notes.txt"),
        (lambda files: {**files, "vantage-oslo.wacz": b"x"}, ""),
        (lambda files: {path: data for path, data in files.items() if path != "index.wacz"}, ""),
        (lambda _: {}, ""),
    ],
)
def test_what_is_no_parcel_of_a_fleet_is_told_as_one_check(
    made: Path, change: Callable[[dict[str, bytes]], dict[str, bytes]], said: str
) -> None:
    """Nothing further is said of it, and nothing is raised."""
    (only,) = verify_fleet(wacz.pack(change(wacz.unpack(made.read_bytes()))), read_again=lambda _: "")
    assert (only.check, only.ok) == ("zip", False)
    assert said in only.detail
    assert only.detail


def test_a_checkpoint_that_was_kept_is_held_against_the_log_that_it_is_of(made: Path) -> None:
    head = note.parse(wacz.unpack(wacz.unpack(made.read_bytes())["vantage-berlin.wacz"])["evidence/checkpoint.txt"])
    size = note.parse_checkpoint(head).size

    def held(text: str) -> list[tuple[str, bool, str]]:
        found = verify_fleet(made.read_bytes(), held=text.encode(), read_again=lambda _: "")
        return [(one.check, one.ok, one.detail) for one in found if one.check.endswith(": held")]

    ((check, ok, said),) = held(str(head))
    assert (check, ok) == ("berlin: held", True)
    assert said.endswith(f"is the checkpoint held, over {size} leaves")
    ((check, ok, said),) = held(str(KEYS["berlin"].checkpoint(size, b"?" * 32)))
    assert (check, ok) == ("berlin: held", False)
    assert said.endswith("the log forked")
    ((_, ok, said),) = held(str(KEYS["berlin"].checkpoint(size + 1, b"?" * 32)))
    assert (ok, said.partition(" the checkpoint held")[2]) == (False, f" of {size + 1}")
