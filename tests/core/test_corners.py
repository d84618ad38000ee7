"""Corners of small modules that no story comes to: each answers, or refuses in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from watcher.core import absence, blocks, bundle_reading, charset, custody, note, onion_descriptor, wacz
from watcher.core.cadence import unchecked
from watcher.core.checks import Checks
from watcher.core.comparison import Comparison, Side, compared
from watcher.core.diff_html import page as diff_page
from watcher.core.diff_text import as_object, lines
from watcher.errors import EvidenceError
from watcher.records import Site, TargetStatus

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


def test_an_empty_set_has_no_other_root() -> None:
    """One that chooses both root and commitment cannot prove absence from a set that he does not show."""
    empty = absence.prove("x", ())
    forged = replace(empty, root=bytes(32))
    commitment = absence._bind(0, bytes(32))
    with pytest.raises(EvidenceError, match="empty root"):
        absence.verify_leaf(absence.key_leaf("x"), forged, commitment)


@pytest.mark.parametrize("size", [8, 71, 73])
def test_a_cosignature_of_another_length_is_refused(size: int) -> None:
    key = note.VerifierKey(name="witness.example", kind=note.COSIGNATURE_V1, public=bytes(32))
    signed = note.Note(
        text="origin\n1\nroot\n", signatures=(note.Signature(name=key.name, key_id=key.id, blob=bytes(size)),)
    )
    with pytest.raises(EvidenceError, match="wrong length"):
        note.verify_cosignature(signed, key, lambda *_: True)


def test_what_is_no_record_is_not_described() -> None:
    with pytest.raises(TypeError, match="int is no record"):
        custody.described(5)
    site = Site(name="gang", mirrors=("http://gang.onion/",), every=timedelta(minutes=15))
    assert custody.described(site)["every"] == "900.0"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[1]", "no JSON object"),
        (b'{"a": 1, "a": 2}', "a name twice"),
        (b'{"a": NaN}', "NaN is no whole number"),
        (b'{"a": [1e999]}', "1e999 is no whole number"),
        (b'{"a": 1.0}', "1.0 is no whole number"),
    ],
)
def test_a_document_that_is_none_is_refused(data: bytes, words: str) -> None:
    with pytest.raises(EvidenceError, match=words):
        bundle_reading.parse(data, "evidence/event.json")


def test_a_bundle_without_its_documents_says_which_are_missing() -> None:
    opened = bundle_reading.open_bundle(wacz.pack({"datapackage.json": b"{}", "evidence/event.json": b"{}"}))
    assert len(opened.problems) == 4
    assert "is missing" in opened.problems["evidence/captures.json"]
    assert "something is missing" in opened.problems["evidence/event.json"]


def test_a_check_that_meets_nonsense_fails_in_words() -> None:
    checks = Checks()
    assert not checks.run("odd", lambda: {}["nothing"])
    assert checks.run("even", lambda: "fine")
    assert [(one.check, one.ok) for one in checks.results] == [("odd", False), ("even", True)]
    assert "KeyError" in checks.results[0].detail


def test_a_page_of_very_many_blocks_is_held_in_fewer() -> None:
    many = [f"block {number}" for number in range(2 * blocks.MOST_BLOCKS + 1)]
    found = blocks._not_too_many(many)
    assert len(found) <= blocks.MOST_BLOCKS
    assert "\n".join(found) == "\n".join(many)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("ein Stück".encode()[:-1], "ein Stüc"),
        ("abc Ü".encode()[:-1], "abc \ufffd"),
        (("straße " * 9).encode() + b"\xff" + b"ok ok ok", "straße " * 9 + "\ufffdok ok ok"),
    ],
)
def test_text_with_a_stray_byte_stays_what_it_is(body: bytes, text: str) -> None:
    assert charset.decode(body) == text


def two(old: str, new: str) -> Comparison:
    return compared(Side(label="a", markup=old), Side(label="b", markup=new), "text")


def page(*paragraphs: str) -> str:
    return "<html><body>" + "".join(f"<p>{text}</p>" for text in paragraphs) + "</body></html>"


def test_every_kind_of_block_is_shown_in_every_form() -> None:
    same = [f"paragraph number {number} stays as it was" for number in range(40)]
    old = page("this one goes away entirely", *same, "files of Velmora are 12 GB in size", "moved from here: terms")
    new = page("moved from here: terms", *same, "files of Velmora are 99 GB in size", "quite another thing came")
    comparison = two(old, new)
    kinds = {block["kind"] for block in as_object(comparison)["blocks"]}
    assert kinds == {"removed", "added", "moved", "changed"}
    html = diff_page(comparison)
    assert "blocks are the same" in html
    for css in ("removed", "added", "moved", "changed"):
        assert f'class="{css}' in html, css
    said = "\n".join("".join(text for _, text in line) for line in lines(comparison))
    assert "quite another thing" in said
    assert "moved from here" in said


def test_the_sites_that_go_unchecked_are_named() -> None:
    sites = [Site(name=name, mirrors=(f"http://{name}.onion/",), every=timedelta(minutes=10)) for name in ("a", "b")]
    late = [status("a", NOW - timedelta(hours=1)), status("b", NOW - timedelta(minutes=5)), status("c", NOW - DAY)]
    assert unchecked(sites, late, NOW) == {"a": timedelta(hours=1)}


DAY = timedelta(days=1)


def status(site: str, next_visit: datetime) -> TargetStatus:
    return TargetStatus(
        site=site,
        target="listing",
        verdict="listing",
        last_visit=None,
        last_complete=None,
        next_visit=next_visit,
        listed=1,
        misses_in_a_row=0,
        mirrors=(),
    )


def test_an_address_without_a_key_is_blinded_by_nobody() -> None:
    with pytest.raises(EvidenceError, match="holds no key"):
        onion_descriptor.blind(b"\xff" * 31 + b"\x7f", 16_904, 1440)
    with pytest.raises(EvidenceError, match="not base64"):
        onion_descriptor._decode(b"a")
