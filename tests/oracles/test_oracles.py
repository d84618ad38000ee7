"""Strangers agree with our bundles: warcio, wacz, openssl, the STIX validator, pywb with a browser, a bare Python."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.evidence.authority import Authority
from tests.evidence.conftest import stamped
from tests.evidence.keeping import play_withdrawal
from tests.evidence.story import KEY, ONION, OTHERS, SUBJECT, page
from tests.evidence.test_export import HOSTILE, _keep_hostile
from tests.props.ports import free_ports
from watcher.core import wacz
from watcher.edge.export import make
from watcher.edge.gather import Provenance, Selection, gather
from watcher.edge.ledger import Ledger

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = ROOT / ".venv" / "oracles" / "bin"
MEND = "sh tests/oracles/setup"
ABOUT = Provenance(operator="Example CERT", vantage="local", software="watcher/0.1.0")


def oracle(program: str, *args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    if not (ENVIRONMENT / program).exists():
        pytest.skip(f"no {program}: {MEND}")
    return subprocess.run(
        [ENVIRONMENT / program, *args], capture_output=True, text=True, check=False, cwd=cwd, timeout=100
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Path:
    """A withdrawal from a real store, its heads time-stamped."""
    folder = tmp_path_factory.mktemp("bundle")
    asyncio.run(play_withdrawal(folder / "store"))
    with Ledger.open(folder / "store") as ledger:
        event = next(event.id for event in ledger.events() if event.kind == "withdrawn")
        material = gather(ledger, Selection(events=(event,)), KEY, replace(ABOUT, tsa_roots=authority.roots))
        material = replace(material, heads=tuple(stamped(head, authority) for head in material.heads))
        (folder / "w.wacz").write_bytes(make(material, KEY))
    with zipfile.ZipFile(folder / "w.wacz") as archive:
        archive.extractall(folder / "open")
    return folder / "w.wacz"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whatever a server may send."""
    folder = tmp_path_factory.mktemp("hostile")
    asyncio.run(_keep_hostile(folder / "store"))
    with Ledger.open(folder / "store") as ledger:
        names = tuple(capture.id for capture in ledger.captures())
        data = make(gather(ledger, Selection(captures=names), KEY, ABOUT), KEY)
    (folder / "h.wacz").write_bytes(data)
    (folder / "data.warc.gz").write_bytes(wacz.unpack(data)[wacz.DATA])
    return folder / "h.wacz"


def test_warcio_finds_every_digest_right(bundle: Path, hostile: Path) -> None:
    for path in (bundle.parent / "open" / "archive" / "data.warc.gz", hostile.parent / "data.warc.gz"):
        done = oracle("warcio", "check", "-v", str(path))
        assert (done.returncode, done.stderr) == (0, "")
        assert "digest pass" in done.stdout
        assert "digest failed" not in done.stdout


def test_warcio_reads_the_very_bytes(hostile: Path) -> None:
    """``warcio extract`` writes a record as it stands."""
    index = wacz.unpack(hostile.read_bytes())[wacz.INDEX].decode()
    offsets = sorted(int(found) for found in re.findall(r'"offset": "(\d+)"', index))
    warc = hostile.parent / "data.warc.gz"
    if not (ENVIRONMENT / "warcio").exists():
        pytest.skip(f"no warcio: {MEND}")
    plain = subprocess.run(["gzip", "-dc", str(warc)], capture_output=True, check=True).stdout
    assert len(offsets) == len([one for one in HOSTILE.values() if one])
    for response in HOSTILE.values():
        assert response in plain


def test_wacz_calls_it_valid(bundle: Path) -> None:
    done = oracle("wacz", "validate", "-f", str(bundle))
    assert "Validation succeeded, the passed WACZ is valid" in done.stdout, done.stdout + done.stderr


def test_the_stix_validator_has_nothing_to_say(bundle: Path) -> None:
    done = oracle("stix2_validator", "--strict-types", str(bundle.parent / "open" / "evidence" / "stix.json"))
    assert done.returncode == 0, done.stdout
    assert "STIX JSON: Valid" in done.stdout


def test_openssl_agrees_on_the_time(bundle: Path, authority: Authority) -> None:
    evidence = bundle.parent / "open" / "evidence"
    tokens = sorted(evidence.glob("*.tsr"))
    assert tokens
    for token in tokens:
        data = evidence / (token.name.rpartition("-")[0] + ".txt")
        command = ["openssl", "ts", "-verify", "-in", token, "-data", data, "-CAfile", authority.roots_path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert "Verification: OK" in done.stdout + done.stderr


def test_a_bare_python_checks_it_without_us(bundle: Path, authority: Authority, tmp_path: Path) -> None:
    """No package of ours or anyone's on the path, no environment, another folder."""
    verifier = tmp_path / "verify.py"
    shutil.copy(bundle.parent / "open" / "evidence" / "verify.py", verifier)
    command = [sys.executable, "-I", "-S", str(verifier), str(bundle), "--key", KEY.vkey]
    done = subprocess.run(
        [*command, "--tsa-roots", str(authority.roots_path)],
        capture_output=True, text=True, check=False, cwd="/", env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "leaves existed by 20" in done.stdout
    broken = tmp_path / "broken.wacz"
    broken.write_bytes(bundle.read_bytes()[:-1])
    assert subprocess.run([*command[:4], str(broken)], capture_output=True, check=False).returncode == 1
    assert subprocess.run([*command[:4], "nowhere"], capture_output=True, check=False).returncode == 2


@contextlib.contextmanager
def replaying(bundle: Path, folder: Path) -> Iterator[str]:
    """pywb with the bundle as its one collection."""
    for command in (("wb-manager", "init", "gang"), ("wb-manager", "add", "--unpack-wacz", "gang", str(bundle))):
        done = oracle(*command, cwd=folder)
        assert done.returncode == 0, done.stderr
    (folder / "config.yaml").write_text("framed_replay: false\n")
    port = free_ports(1)[0]
    with subprocess.Popen(
        [ENVIRONMENT / "wayback", "--bind", "127.0.0.1", "--port", str(port)],
        cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            for _ in range(200):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/gang"
        finally:
            server.terminate()


@pytest.mark.chromium
def test_pywb_replays_the_pages_in_a_browser(bundle: Path, tmp_path: Path, chromium: str) -> None:
    with replaying(bundle, tmp_path) as base:
        with urllib.request.urlopen(f"{base}/20251120094216id_/{ONION}", timeout=20) as answer:
            assert answer.read() == page(OTHERS)
        seen = subprocess.run(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             "--proxy-server=socks5://127.0.0.1:9", "--proxy-bypass-list=127.0.0.1", "--virtual-time-budget=5000",
             "--dump-dom", f"{base}/20251120091512/{ONION}"],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert SUBJECT in seen.stdout
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{base}/2025id_/{ONION}nowhere", timeout=20)
