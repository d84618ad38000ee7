"""What reports, messages, exports and lists say where something is lacking: a copy, a window, an operator, room."""

from __future__ import annotations

import base64
import csv
import io
import json
import random
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from tests.core.test_match import NO_OTHERS, side
from tests.core.test_message import HOSTILE, T1, VELMORA
from tests.core.test_sharing import CAPTURE
from tests.evidence.story import ONION, OTHERS, SUBJECT, Story, withdrawal
from watcher.core import bundle, custody, report, stix
from watcher.core.adaptive import EVEN_PACE, Watched
from watcher.core.comparison import Side, compared
from watcher.core.diff_html import page as diff_page
from watcher.core.diff_text import lines
from watcher.core.match import closeness, pair
from watcher.core.material import Material, locate
from watcher.core.message import message
from watcher.core.redact import Redactor
from watcher.core.sharing import COLUMNS, to_csv, to_misp, to_stix
from watcher.core.status import configured
from watcher.core.targets import MOST_MIRRORS, MOST_SITES, read_list
from watcher.errors import EvidenceError, UnreadableError
from watcher.records import Entry, Event, Reading, Site
from watcher.testing.names import invented_onion

# ------------------------------------------------------------------------------------------------------- reports


def sides(material: Material) -> list[str]:
    tree = LexborHTMLParser(report.html(material, Redactor(material.hidden)).decode())
    return [" ".join(node.text(separator=" ").split()) for node in tree.css(".side")]


def test_what_was_there_from_the_start_has_no_earlier_copy() -> None:
    story = Story()
    seen = story.visit((*OTHERS, SUBJECT), after=timedelta())
    story.tell("listed", SUBJECT, before=None, after=seen, why=("new-on-listing",))
    before, after = sides(story.material())
    assert "There is no earlier copy: it was there when watching began." in before
    assert "The entry is on it" in after
    assert "no later than" in message([story.told[0].event]).body


def test_a_copy_that_is_not_enclosed_is_said_to_be_lacking() -> None:
    story = Story()
    seen = story.visit((*OTHERS, SUBJECT), after=timedelta())
    then = story.visit((*OTHERS, SUBJECT), after=timedelta(minutes=9))
    story.tell("listed", SUBJECT, before=seen, after=then, why=("new-on-listing",))
    assert "No copy." in sides(story.material(kept=tuple(story.kept[:1])))[1]


def test_a_side_on_which_the_site_did_not_answer_says_what_came() -> None:
    story = Story()
    seen = story.visit((*OTHERS, SUBJECT), after=timedelta())
    miss = story.miss("unreachable", ("socks:F2",), after=timedelta(minutes=9))
    event = story.tell("listed", SUBJECT, before=seen, after=seen, why=("x",))
    told = replace(story.told[0], event=replace(event, after=miss.capture.id))
    assert "The answer was: unreachable." in sides(story.material(events=(told,)))[1]


@pytest.mark.parametrize(("then", "place"), [(OTHERS[2:], 0), (("Tervel Foods", *OTHERS[1:]), 1)])
def test_a_lost_entry_is_shown_where_it_stood_among_those_that_stayed(then: tuple[str, ...], place: int) -> None:
    """After the last one before it that is still there; at the top if none of them is."""
    story = Story()
    seen = story.visit((*OTHERS[:2], SUBJECT, *OTHERS[2:]), after=timedelta())
    after = story.visit(then, after=timedelta(minutes=9))
    story.tell("withdrawn", SUBJECT, before=seen, after=after, why=("x",))
    tree = LexborHTMLParser(report.html(story.material(), Redactor(())).decode())
    rows = [node.text(deep=True) for node in tree.css(".side")[1].css("li")]
    assert rows.index(f"{SUBJECT}not on this page") == (place if place == 0 else 2)


def test_an_event_of_the_whole_site_is_about_no_entry() -> None:
    story = withdrawal()
    event = replace(story.told[0].event, entry=None)
    assert locate(event, story.seen[0].snapshot) is None
    assert locate(story.told[0].event, story.seen[0].snapshot) is not None


# ------------------------------------------------------------------------------------------------------- bundles


def test_no_bundle_is_made_of_what_no_checkpoint_covers() -> None:
    story = withdrawal()
    for heads in ((), (story.heads[0],)):
        with pytest.raises(EvidenceError, match="no checkpoint that covers this yet"):
            bundle.files(story.material(heads=heads), verifier=b"")


def test_pictures_and_witnesses_stand_in_the_bundle_under_names_that_say_nothing_of_the_victim() -> None:
    story = withdrawal()
    witness = story.key.sign
    line = f"— witness.example {base64.b64encode(b'1234' + witness(b'x')).decode()}\n"
    heads = (replace(story.heads[-1], cosignatures=line.encode()),)
    made = bundle.files(story.material(heads=heads, pictures={story.told[0].event.id: b"PNG"}), verifier=b"")
    assert made[bundle.picture_path(story.told[0].event.id)] == b"PNG"
    assert "elmora" not in bundle.picture_path("e-velmora")
    witnessed = [data for path, data in made.items() if path.endswith("-witnessed.txt")]
    assert len(witnessed) == 1
    assert witnessed[0].endswith(line.encode())


def test_snapshots_of_another_site_prove_nothing_of_an_entry() -> None:
    story = withdrawal()
    other = replace(story.seen[0], snapshot=replace(story.seen[0].snapshot, site="another"))
    proofs = json.loads(bundle.files(story.material(snapshots=(*story.seen, other)), verifier=b"")[bundle.ABSENCE])
    assert len(proofs["proofs"]) == len(story.seen)


def test_stix_without_an_operator_or_a_body_names_neither() -> None:
    story = withdrawal()
    made = json.loads(stix.bundle(story.material(operator=""), Redactor(())))
    observer = next(one for one in made["objects"] if one["type"] == "identity" and one["name"].startswith("watcher"))
    assert "contact_information" not in observer
    bodiless = replace(CAPTURE, body_digest=None, body_bytes=0)
    told = json.loads(to_stix([VELMORA], {"c1": bodiless}, vantage="local", operator=""))
    assert "file" not in {one["type"] for one in told["objects"]}
    assert "observed-data" in {one["type"] for one in told["objects"]}


def test_an_event_without_captures_and_reasons_is_shared_all_the_same() -> None:
    bare = replace(VELMORA, before=None, after=None, why=(), watchlist=(), not_before=None)
    text = to_misp([bare], vantage="local")
    assert "The capture that shows" not in text
    assert "Why this was concluded" not in text
    assert "Captures:" not in message([bare]).body
    assert "no later than 2026-11-22 15:34:05 UTC" in message([bare]).body
    flood = [replace(bare, id=f"e{number}") for number in range(30)]
    assert "On the watchlist" not in message(flood).body


CELLS = st.text(st.sampled_from("=+-@\t\r\n ,;\"'\u202e\uff1d0aZ|!(") | st.characters(), max_size=12)


@given(CELLS, CELLS, CELLS, st.dictionaries(CELLS, st.tuples(CELLS, CELLS), max_size=2))
def test_whatever_an_entry_says_no_cell_is_a_formula(
    title: str, url: str, was: str, changes: dict[str, tuple[str, str]]
) -> None:
    """A spreadsheet takes what begins with one of four signs for a formula, blanks and quotes before it or not."""
    entry = Entry(key=title, title=title, url=url, fields={was: url})
    event = replace(VELMORA, entry=entry, was=was, changes=changes, why=(title, was), watchlist=(url,))
    head, *rows = csv.reader(io.StringIO("".join(to_csv([event])), newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == 1
    assert len(rows[0]) == len(COLUMNS)
    for cell in rows[0]:
        number = re.fullmatch(r"[+-]?\d+(\.\d+)?", cell)
        assert number or not re.match(r"[\s\"]*[=+\-@＝＋－＠]", cell), cell
        assert not set("\r\n\t\x00\u202e") & set(cell)


# ------------------------------------------------------------------------------------------------------ comparison


def said(old: str, new: str, by: str = "text") -> str:
    comparison = compared(Side(label="a", markup=old), Side(label="b", markup=new), by)  # type: ignore[arg-type]
    return "\n".join("".join(text for _, text in line) for line in lines(comparison))


def test_two_pages_alike_differ_in_nothing() -> None:
    assert "no difference by text" in said("<p>a</p>", "<p>a</p>")


def test_a_page_too_different_to_compare_says_so() -> None:
    chance = random.Random(1)
    shared = " ".join(f"w{number}" for number in range(9000))
    old, new = (
        "".join(f"<p>{' '.join(str(chance.random()) for _ in range(400))} {shared}</p>" for _ in range(3))
        for _ in range(2)
    )
    assert "too much differs to compare words everywhere" in said(old, new)


def test_a_block_that_moved_is_shown_on_both_sides() -> None:
    same = "".join(f"<p>paragraph {number} stays</p>" for number in range(9))
    old, new = f"<p>this one moves down</p>{same}", f"{same}<p>this one moves down</p>"
    html = diff_page(compared(Side(label="a", markup=old), Side(label="b", markup=new), "text"))
    assert html.count("this one moves down") >= 2


# --------------------------------------------------------------------------------------------------------- renames


def test_among_very_many_a_rename_is_still_found_by_its_rarer_words() -> None:
    olds = [side(f"o{number}", f"Common{number} Holdings Group", f"b{number}") for number in range(200)]
    news = [side(f"n{number}", f"Other{number} Holdings Group", f"x{number}") for number in range(200)]
    olds.append(side("renamed", "Velmora Tervel Logistics", "p", "q"))
    news.append(side("now", "Velmora Tervell Logistics", "p", "q"))
    found = {one.old: one.new for one in pair(olds, news, NO_OTHERS)}
    assert found.get("renamed") == "now"
    assert len(found) == 1


def test_titles_without_a_word_are_like_nothing() -> None:
    assert closeness((), ("velmora",), {}) == closeness(("velmora",), (), {}) == closeness((), (), {}) == 0.0
    assert pair([side("o", "—")], [side("n", "★ ★")], NO_OTHERS) == ()


# ---------------------------------------------------------------------------------------------------------- status


def test_status_says_when_a_bound_keeps_a_site_from_more_or_less() -> None:
    sites = [Site(name=f"s{number}", mirrors=("http://a.example/",), every="adaptive") for number in range(40)]
    watched = {site.name: Watched(news=0, days=900.0) for site in sites} | {"s0": Watched(news=90_000, days=900.0)}
    told = {one.site: one for one in configured(sites, (), watched)}
    assert told["s0"].every == EVEN_PACE.shortest
    assert told["s0"].because == "90000 new entries in 900 d: as often as any"
    many = [Site(name=f"m{number}", mirrors=("http://a.example/",), every="adaptive") for number in range(400)]
    busy = {site.name: Watched(news=9000, days=900.0) for site in many} | {"m0": Watched(news=0, days=900.0)}
    assert {one.site: one for one in configured(many, (), busy)}["m0"].because.endswith(
        ("as seldom as any", "less than on most")
    )


# ----------------------------------------------------------------------------------------------------------- lists


def test_a_list_of_more_than_anyone_watches_is_cut_and_said_to_be() -> None:
    many = {f"group{number}": [f"http://host{number}.example/"] for number in range(MOST_SITES + 3)}
    made = read_list(json.dumps({k: {"locations": [{"slug": v[0]}]} for k, v in many.items()}), "x.json")
    assert len(made.sites) == MOST_SITES
    assert f"more than {MOST_SITES} sites" in str(made.left_out)
    one = {"group": {"locations": [{"slug": f"http://h{number}.example/"} for number in range(MOST_MIRRORS + 2)]}}
    made = read_list(json.dumps(one), "x.json")
    assert f"more than {MOST_MIRRORS} addresses of a site" in str(made.left_out)


def test_one_group_alone_is_named_after_its_file() -> None:
    alone = {"locations": [{"slug": f"http://{invented_onion(1)}/"}], "posts": []}
    assert list(read_list(json.dumps(alone), "lists/velgroup.json").sites) == ["velgroup"]
    with pytest.raises(UnreadableError):
        read_list(json.dumps("a text"), "x.json")


# --------------------------------------------------------------------------------------------------------- records


def test_records_of_unpaired_halves_of_characters_have_a_digest() -> None:
    """A title may hold one: it cannot be written as UTF-8, and the entry is logged all the same."""
    half = Entry(key="a", title="Vel\ud83dmora")
    whole = Entry(key="a", title="Vel\ufffdmora")
    one, two = (
        custody.reading_record("c1", Reading(verdict="listing", complete=True, entries=(entry,)), at=T1, vantage="a")
        for entry in (half, whole)
    )
    assert one == two


def test_what_has_no_plain_form_is_refused_by_name() -> None:
    facts: Any = {"odd": object()}
    with pytest.raises(TypeError, match="object has no plain form"):
        custody.described(replace(CAPTURE, facts=facts))
    raw: Any = {"raw": b"abc"}
    assert len(str(custody.described(replace(CAPTURE, facts=raw))["facts"])) > 64


def test_hostile_words_are_the_same_in_every_export() -> None:
    event: Event = replace(VELMORA, entry=Entry(key="k", title=HOSTILE), not_before=T1)
    for made in (to_misp([event], vantage="local"), to_stix([event], {}, vantage="local", operator="").decode()):
        assert "\u202e" not in made
    assert ONION.startswith("http://")
