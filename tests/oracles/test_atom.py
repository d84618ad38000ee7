"""A RELAX NG validator on our Atom feed; that it would complain is tried as well."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.core.test_sharing import ALL
from tests.oracles.test_oracles import oracle
from watcher.core.atom import Channel, feed

HERE = Path(__file__).parent
CHANNEL = Channel(
    name="local", title="watcher local", author="Example CERT", base="http://127.0.0.1:8080", path="/feed.atom"
)
HOSTILE = "\x1b[31m\x00\x0b<script>&\ud800\ufffe \u202e]]>" + "x" * 10_000


def judged(data: bytes, folder: Path) -> tuple[int, str]:
    file = folder / "feed.atom"
    file.write_bytes(data)
    done = oracle("python", str(HERE / "relaxng.py"), str(HERE / "atom.rng"), str(file))
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_the_feed_is_atom(tmp_path: Path) -> None:
    assert judged(feed(CHANNEL, ALL), tmp_path) == (0, "")
    assert judged(feed(CHANNEL, ()), tmp_path) == (0, "")


def test_the_feed_is_atom_whatever_a_page_says(tmp_path: Path) -> None:
    first = next(event for event in ALL if event.entry)
    assert first.entry
    entry = replace(first.entry, title=HOSTILE, key=HOSTILE, url=HOSTILE)
    evil = replace(
        first, entry=entry, why=(HOSTILE,), was=HOSTILE, watchlist=(HOSTILE,), changes={HOSTILE: (HOSTILE, "")}
    )
    assert judged(feed(replace(CHANNEL, title=HOSTILE, author=HOSTILE), (evil,)), tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"<author>", b"<autor>"),
        (b"urn:uuid:", b"//"),
        (b"T15:", b" 15:"),
        (b"<updated>", b"<updated>no"),
        (b'rel="alternate" type="text/html" href', b'rel="alternate" type="html" href'),
        (b"<summary>", b"<summary>a</summary><summary>"),
        (b"<category term=", b"<category name="),
    ],
)
def test_the_validator_sees_what_is_wrong(tmp_path: Path, was: bytes, becomes: bytes) -> None:
    good = feed(CHANNEL, ALL)
    assert was in good
    bad = good.replace(was, becomes).replace(b"</author>", b"</autor>" if was == b"<author>" else b"</author>")
    code, said = judged(bad, tmp_path)
    assert (code, bool(said)) == (1, True)
