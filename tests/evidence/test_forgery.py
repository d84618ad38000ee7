"""Forged bundles: each is caught, by the program and by the file that stands alone, and by name; no good one is."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.evidence import forging
from tests.evidence.authority import Authority
from tests.evidence.conftest import stamped
from tests.evidence.forging import OTHER, Forgery
from tests.evidence.story import KEY, OTHERS, SUBJECT, Story, entry, page, plain, withdrawal
from watcher.core import custody, wacz
from watcher.core.material import Descriptor, Material, Token, Told
from watcher.edge.apart import _reread
from watcher.edge.export import STANDALONE, make
from watcher.edge.tokens import claimed_time
from watcher.edge.verify import verify_bundle


def load_standalone() -> ModuleType:
    spec = importlib.util.spec_from_file_location("standalone_verify", STANDALONE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["standalone_verify"] = module
    spec.loader.exec_module(module)
    module.signed = cache(module.signed)  # the same signatures, hundreds of times, in plain Python
    return module


ALONE = load_standalone()
DESCRIPTOR = (Path(__file__).parent.parent / "core" / "data" / "private-network.hsdesc").read_bytes()
ONION_OF_DESCRIPTOR = "srt2ptkp7lnio37mlasapq3s6gcosqabc3cgprbw7ry3roi3m7f6l4yd.onion"
FETCHED = datetime(2026, 11, 22, 20, 13, 18, tzinfo=UTC)


def failing(
    data: bytes, roots: Path | None, vkey: str = KEY.vkey, held: bytes | None = None
) -> tuple[set[str], set[str]]:
    """The checks that fail, in the program and in the file that stands alone."""
    pem = None if roots is None else roots.read_bytes()
    ours = {r.check for r in verify_bundle(data, keys=[vkey], roots=pem, held=held, read_again=_reread) if not r.ok}
    theirs = {name for name, ok, _ in ALONE.check_all(data, [ALONE.Key(vkey)], roots and str(roots), held) if not ok}
    return ours, theirs


def missed(forgeries: Iterable[Forgery], roots: Path | None = None) -> tuple[int, list[str]]:
    """How many there were, and those that were not caught, or not by that name."""
    count, wrong = 0, []
    for forgery in forgeries:
        count += 1
        for who, checks in zip(("program", "verify.py"), failing(forgery.data, roots), strict=True):
            if forgery.check not in checks:
                wrong.append(f"{forgery.name}: {who} said {sorted(checks)}, not {forgery.check}")
    return count, wrong


@pytest.fixture(scope="module")
def good(story: Story) -> bytes:
    return make(story.material(), KEY)


@pytest.fixture(scope="module")
def short() -> bytes:
    """As short as may be: hundreds of forgeries are made of it."""
    story = withdrawal(times=1)
    return make(story.material(kept=tuple(story.kept[1:]), snapshots=tuple(story.seen[1:])), KEY)


@pytest.fixture(scope="module")
def good_stamped(material: Material) -> bytes:
    return make(material, KEY)


# ------------------------------------------------------------------------------------------------ no false alarm


def materials() -> Iterator[tuple[str, Material]]:
    story = withdrawal()
    whole = story.material()
    yield "withdrawn", whole
    yield "one head", replace(whole, heads=whole.heads[-1:])
    yield "captures alone", replace(whole, events=(), snapshots=())
    yield "one miss", replace(whole, events=(), snapshots=(), kept=whole.kept[2:3])
    yield (
        "withheld between",
        replace(whole, snapshots=tuple(replace(s, whole=n in (1, 3, 5)) for n, s in enumerate(whole.snapshots))),
    )
    yield (
        "bytes of some",
        replace(whole, kept=tuple(replace(k, bytes_included=n in (1, 4)) for n, k in enumerate(whole.kept))),
    )
    yield "redacted", replace(whole, hidden=("Qarn & Hale",))
    yield "all redacted", replace(whole, hidden=(SUBJECT, *OTHERS, "gang"))
    yield "large", withdrawal(size=300_000).material()
    for kind in ("listed", "relisted"):
        other = Story()
        before = other.visit(OTHERS, after=timedelta())
        after = other.visit((*OTHERS, SUBJECT), after=timedelta(minutes=5))
        other.tell(kind, SUBJECT, before=before, after=after, why=("new-on-listing",))
        yield kind, other.material()
    other = Story()
    seen = other.visit((*OTHERS, SUBJECT), after=timedelta())
    other.tell("listed", SUBJECT, before=None, after=seen, why=("new-on-listing",))
    yield "listed on the first page", other.material()
    other = Story()
    before, after = (other.visit(titles, after=timedelta(minutes=15)) for titles in (OTHERS, OTHERS[:1]))
    other.tell("vanished", "", before=before, after=after, why=("missing-at-once:6",))
    yield "of the site, not of an entry", other.material()


@pytest.mark.parametrize(("name", "made"), list(materials()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_good_bundle_raises_no_alarm(name: str, made: Material) -> None:
    assert failing(make(made, KEY), None) == (set(), set())


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        ((0, 900, 1800), "it was not set between 3 captures"),
        ((0, 900.5, 1799), "it was not set between 3 captures"),
        ((0, 900, 12_600), "times are NOT CERTAIN"),
        ((0, 10, 910), "times are NOT CERTAIN"),
    ],
)
def test_a_clock_that_was_set_between_captures_is_told_and_makes_nothing_invalid(
    ran: tuple[float, ...], said: str
) -> None:
    """By the wall there are 15 minutes between two captures, whatever the clock ran that nobody can set."""
    played = Story()
    for number, monotonic in enumerate(ran):
        played.facts = {"boot_id": "b", "monotonic_start": monotonic}
        played.visit(OTHERS, after=timedelta(minutes=15) if number else timedelta())
    made = make(played.material(), KEY)
    ours = {r.check: r.detail for r in verify_bundle(made, keys=[KEY.vkey], read_again=_reread)}
    theirs = {name: detail for name, _, detail in ALONE.check_all(made, [ALONE.Key(KEY.vkey)], None, None)}
    assert ours["clock"].startswith(said)
    assert theirs["clock"].startswith(said)
    assert failing(made, None) == (set(), set())


def test_a_good_bundle_with_time_stamps_raises_no_alarm(good_stamped: bytes, authority: Authority) -> None:
    assert failing(good_stamped, authority.roots_path) == (set(), set())
    assert failing(good_stamped, None) == (set(), set())


def test_the_same_material_gives_the_same_bytes(story: Story, good: bytes) -> None:
    assert make(story.material(), KEY) == good


# -------------------------------------------------------------------------------------------------- the forgeries


@pytest.mark.parametrize(
    ("forgeries", "least"),
    [(forging.of_the_file, 180), (forging.without_the_key, 200), (forging.with_the_key, 250)],
    ids=["a hex editor", "the format", "the key"],
)
def test_every_forgery_is_caught_and_named(
    forgeries: Callable[[bytes], Iterator[Forgery]], least: int, short: bytes
) -> None:
    count, wrong = missed(forgeries(short))
    assert wrong == []
    assert count >= least, count


# ------------------------------------------------------------------------------------------- the whole log anew


def test_a_log_written_anew_contradicts_a_checkpoint_that_was_kept(story: Story, good: bytes) -> None:
    held = story.heads[-1].note
    assert failing(good, None, held=held) == (set(), set())
    other = Story(now=story.now)
    other.visit(OTHERS, after=timedelta())
    while len(other.leaves) < len(story.leaves):
        other.log(story.records[len(other.leaves)])
    other.sign()
    forged = make(other.material(events=(), snapshots=(), kept=tuple(other.kept)), KEY)
    assert failing(forged, None) == (set(), set())  # nothing in it is wrong by itself
    assert failing(forged, None, held=held) == ({"held"}, {"held"})


def test_time_stamps_of_another_log_or_by_an_impostor_are_seen(
    material: Material, authority: Authority, impostor: Authority
) -> None:
    def with_tokens(*tokens: bytes) -> bytes:
        made = tuple(Token(authority="x", token=token, time=claimed_time(token)) for token in tokens)
        return make(replace(material, heads=(*material.heads[:-1], replace(material.heads[-1], tokens=made))), KEY)

    roots = authority.roots_path
    head = material.heads[-1]
    true = head.tokens[0].token
    for name, data in {
        "an impostor's": with_tokens(impostor.stamp(head.note)),
        "an impostor's beside a true one": with_tokens(true, impostor.stamp(head.note)),
        "of another checkpoint": with_tokens(material.heads[0].tokens[0].token),
        "of something else": with_tokens(authority.stamp(b"something else")),
    }.items():
        assert failing(data, roots) == ({"times"}, {"times"}), name
    unstamped = make(replace(material, heads=tuple(replace(h, tokens=()) for h in material.heads)), KEY)
    assert failing(unstamped, roots) == ({"times"}, {"times"})


def test_an_impostors_roots_in_the_bundle_do_not_help_him(
    story: Story, impostor: Authority, authority: Authority
) -> None:
    made = story.material(tsa_roots=impostor.roots)
    forged = make(replace(made, heads=tuple(stamped(head, impostor) for head in made.heads)), KEY)
    assert failing(forged, authority.roots_path) == ({"times"}, {"times"})


def test_a_record_from_after_its_time_stamp_is_seen(authority: Authority) -> None:
    story = Story(now=datetime.now(UTC) + timedelta(days=1))
    story.visit(OTHERS, after=timedelta())
    made = story.material(tsa_roots=authority.roots, heads=(stamped(story.heads[-1], authority),))
    assert failing(make(made, KEY), authority.roots_path) == ({"times"}, {"times"})


def test_a_bundle_signed_throughout_by_another_key_needs_the_true_one_to_be_seen() -> None:
    forged = make(withdrawal(key=OTHER).material(), OTHER)
    ours, theirs = failing(forged, None)
    assert "key" in ours & theirs


# ----------------------------------------------------------------------------------------- what the onion signed


def with_descriptor(onion: str = ONION_OF_DESCRIPTOR, at: datetime = FETCHED, text: bytes = DESCRIPTOR) -> Material:
    story = withdrawal()
    leaf = story.log(custody.descriptor_record(onion=onion, text=text, at=at, vantage="local"))
    story.sign()
    return story.material(descriptors=(Descriptor(onion=onion, text=text, leaf=leaf),))


def test_an_onions_own_descriptor_is_enclosed_and_checked() -> None:
    assert failing(make(with_descriptor(), KEY), None) == (set(), set())


@pytest.mark.parametrize(
    "made",
    [
        with_descriptor(text=DESCRIPTOR.replace(b"revision-counter 1", b"revision-counter 2")),
        with_descriptor(text=DESCRIPTOR[:-9]),
        with_descriptor(text=b""),
        with_descriptor(at=FETCHED + timedelta(days=3)),
        with_descriptor(onion="f6cljfkwgcja4breffow7kcofeikht27c4evui4e3frzdt4f6tv5thyd.onion"),
        with_descriptor(onion=ONION_OF_DESCRIPTOR.replace("srt", "xrt")),
        replace(with_descriptor(), descriptors=(replace(with_descriptor().descriptors[0], text=DESCRIPTOR + b"\n"),)),
        replace(with_descriptor(), descriptors=(replace(with_descriptor().descriptors[0], onion="other.onion"),)),
    ],
)
def test_a_descriptor_that_the_onion_did_not_sign_is_seen(made: Material) -> None:
    assert failing(make(made, KEY), None) == ({"descriptors"}, {"descriptors"})


def test_a_descriptor_without_a_leaf_is_seen() -> None:
    files = wacz.unpack(make(withdrawal().material(), KEY))
    forged = forging.sealed({**files, "evidence/onion-1.hsdesc": DESCRIPTOR}, KEY)
    assert failing(forged, None) == ({"descriptors"}, {"descriptors"})


# -------------------------------------------------------------------------------- names that look like each other


def gone_among(before: tuple[str, ...], after: tuple[str, ...], gone: str, *, below: str = "") -> Material:
    """A withdrawal on a page with such entries, and such words below the list."""
    story = Story()
    wires = [plain(page(titles).replace(b"<footer>", below.encode() + b"<footer>")) for titles in (before, after)]
    first = story.visit(before, after=timedelta(), wire=wires[0])
    then = story.visit(after, after=timedelta(minutes=5), wire=wires[1])
    story.tell("withdrawn", gone, before=first, after=then, why=())
    return story.material()


@pytest.mark.parametrize(
    "made",
    [
        gone_among(("Tasq", "Tasq Insurance", "Ubo"), ("Tasq Insurance", "Ubo"), "Tasq"),
        gone_among(("Tasq Insurance", "Tasq", "Ubo"), ("Tasq", "Ubo"), "Tasq Insurance"),
        gone_among(
            ("Ubo", "Tasq"), ("Ubo",), "Tasq", below="<p>We speak of Tasq and its many friends here, at length.</p>"
        ),
        gone_among(("Ubo", "A.", "Tasq"), ("Ubo", "A."), "Tasq"),
        gone_among(("<b>Ubo</b> & Co", "Tasq"), ("<b>Ubo</b> & Co",), "Tasq"),
        gone_among(("Tasq",), (), "Tasq"),
    ],
)
def test_other_entries_with_such_a_name_are_no_contradiction(made: Material) -> None:
    assert failing(make(made, KEY), None) == (set(), set())


@pytest.mark.parametrize("others", [("Tasq",), ("Tasq Insurance Group",), ("Velmora",)])
def test_nor_an_excuse(others: tuple[str, ...]) -> None:
    before = ("Tasq Insurance", *others)
    story = Story()
    first = story.visit(before, after=timedelta())
    then = story.visit(others, after=timedelta(minutes=5), wire=plain(page(before)))
    story.tell("withdrawn", "Tasq Insurance", before=first, after=then, why=())
    assert failing(make(story.material(), KEY), None) == ({"reread"}, {"reread"})


def test_two_entries_of_one_name_are_kept_apart() -> None:
    """The one with the other key stays; the proofs speak of the one that went."""
    twin = replace(entry("Tasq"), key="/company/tasq-2", url=entry("Tasq").url + "-2")
    story = Story()
    first = story.visit(("Ubo", "Tasq"), after=timedelta())
    then = story.visit(("Ubo",), after=timedelta(minutes=5))
    for seen in (first, then):
        snapshot = replace(seen.snapshot, entries=(*seen.snapshot.entries, twin))
        story.seen[story.seen.index(seen)] = replace(
            seen, snapshot=snapshot, leaf=story.log(custody.snapshot_record(snapshot, at=story.now))
        )
    story.tell("withdrawn", "Tasq", before=story.seen[0], after=story.seen[1], why=())
    kept = tuple(replace(one, reading=None, bytes_included=False) for one in story.kept)
    assert failing(make(story.material(kept=kept), KEY), None) == (set(), set())


def test_a_renamed_entry_is_followed() -> None:
    story = Story()
    first = story.visit(("Ubo", "V****** L********"), after=timedelta())
    then = story.visit(("Ubo", SUBJECT), after=timedelta(minutes=5))
    event = story.tell("renamed", "V****** L********", before=first, after=then, why=())
    told = replace(event, entry=replace(entry(SUBJECT), key=entry("V****** L********").key), was="V****** L********")
    story.told[-1] = Told(event=told, leaf=story.log(custody.event_record(told, at=story.now)))
    story.sign()
    made = story.material()
    made = replace(made, events=(story.told[-1],))
    assert failing(make(made, KEY), None) == (set(), set())


# ---------------------------------------------------------------------------- readings that are not what bytes say


def lying(titles_read: tuple[str, ...], titles_there: tuple[str, ...]) -> Material:
    """A vantage that logged, from the start, that it read something else than what stands in the bytes."""
    story = Story()
    before = story.visit((*OTHERS, SUBJECT), after=timedelta())
    after = story.visit(titles_read, after=timedelta(minutes=5), wire=plain(page(titles_there)))
    story.tell("withdrawn", SUBJECT, before=before, after=after, why=())
    return story.material()


def test_an_entry_that_was_overlooked_on_purpose_is_seen() -> None:
    assert failing(make(lying(OTHERS, OTHERS), KEY), None) == (set(), set())
    forged = make(lying(OTHERS, (*OTHERS, SUBJECT)), KEY)
    assert failing(forged, None) == ({"reread"}, {"reread"})


def test_an_entry_that_was_made_up_is_seen() -> None:
    forged = make(lying((*OTHERS, "Phantom Freight"), OTHERS), KEY)
    assert failing(forged, None) == ({"reread"}, {"reread"})
    assert entry("Phantom Freight").key == "/company/phantom-freight"
