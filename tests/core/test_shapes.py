# ruff: noqa: E501 - pages and tables read better in one piece
"""What stands round titles, where links lead, and how lists are compared from page to page."""

from __future__ import annotations

import pytest

from watcher.core.learned import Memory, behave, compare_sketches, evidence, sketch
from watcher.core.links import lead_of, own_pages, scripted, slug_of
from watcher.core.shapes import apply_frame, frame_from_known, frame_of


@pytest.mark.parametrize(
    ("values", "titles"),
    [
        (["C0MPANY [Velmora Ltd]", "C0MPANY [Korvane]"], ["Velmora Ltd", "Korvane"]),
        (["+ www.velmora.example - 302 MB", "+ www.kor.example - 7 GB"], ["www.velmora.example", "www.kor.example"]),
        (["Velmora | Brazil", "Korvane | Spain", "Tamniden Ltd | USA"], ["Velmora", "Korvane", "Tamniden Ltd"]),
        (["velmora.example\\India", "kor.example\\Spain"], ["velmora.example", "kor.example"]),
        (["Velmora Ltd<velmora.example>", "Korvane<kor.example>"], ["Velmora Ltd", "Korvane"]),
        (["2026-03-02 - Velmora", "2026-03-01 - Korvane"], ["Velmora", "Korvane"]),
        (["“VELMORA”", "“KORVANE”"], ["VELMORA", "KORVANE"]),
        (["Company: Velmora"], ["Velmora"]),
        # what belongs to the name stays
        (["www.velmora.example", "www.kor.example"], ["www.velmora.example", "www.kor.example"]),
        (["Groupe Velmora SA", "Groupe Korvane SA", "Groupe Tamniden SA"], ["Groupe Velmora SA", "Groupe Korvane SA", "Groupe Tamniden SA"]),
        (["Velmora (Spain)", "Korvane (Italy)"], ["Velmora (Spain)", "Korvane (Italy)"]),
        (["Velmora - Korvane Ltd", "Tamniden"], ["Velmora - Korvane Ltd", "Tamniden"]),
        (["C: Velmora (AG)", "C: Korvane (SE)"], ["Velmora (AG)", "Korvane (SE)"]),
        (["Leak:", "Leak: Velmora", "Leak: Korvane"], ["Leak:", "Leak: Velmora", "Leak: Korvane"]),
        (["Velmora S.p.A.", "Korvane S.p.A.", "Tamniden S.p.A."], ["Velmora S.p.A.", "Korvane S.p.A.", "Tamniden S.p.A."]),
        ([], []),
    ],
)  # fmt: skip
def test_frame(values: list[str], titles: list[str]) -> None:
    regex = frame_of(values)
    assert [apply_frame(regex, value) for value in values] == titles


@pytest.mark.parametrize(
    ("values", "known", "titles"),
    [
        (["C0MPANY [velmora.de]", "C0MPANY [korvane.org]", "C0MPANY [new.com]"], ["velmora", "korvane"], ["velmora", "korvane", "new"]),
        (["+ Velmora Ltd - 7 GB", "+ Korvane - 8 TB"], ["Velmora Ltd", "Korvane"], ["Velmora Ltd", "Korvane"]),
        (["Name: Velmora", "Name: New"], ["Velmora"], ["Velmora", "New"]),
        (["Velmora", "Korvane International"], ["Velmora", "Korvane"], ["Velmora", "Korvane International"]),
        (["www.velmora.example"], ["velmora.example"], ["www.velmora.example"]),
        (["Other", "Names"], ["Velmora"], ["Other", "Names"]),
    ],
)  # fmt: skip
def test_frame_from_known_titles(values: list[str], known: list[str], titles: list[str]) -> None:
    regex = frame_from_known(values, known)
    assert [apply_frame(regex, value) for value in values] == titles


@pytest.mark.parametrize(
    ("link", "lead"),
    [
        ("/v/1", "page"), ("v.html", "page"), ("?id=7", "page"), ("http://other.onion/v", "page"), ("#!/v/1", "page"),
        ("/dl/a.7z", "file"), ("/a.zip?x=1", "file"), ("b.part01.rar", "file"), ("https://gofile.io/d/x", "file"),
        ("https://velmora.example/", "away"), ("", "none"), ("#top", "none"), ("javascript:x()", "none"),
        ("mailto:a@b.example", "none"), ("/", "none"), ("http://[", "none"), ("ftp://x/y", "none"),
    ],
)  # fmt: skip
def test_lead(link: str, lead: str) -> None:
    assert lead_of(link, "http://site.onion/") == lead


def test_own_pages_are_different_and_on_one_host() -> None:
    here = "http://site.onion/"
    assert own_pages(["/v/1", "/v/2", "/v/3"], here) == 1.0
    assert own_pages(["http://a.onion/1", "http://a.onion/2"], here) == 1.0
    assert own_pages(["http://a.onion/1", "http://b.onion/2"], here) == 0.0
    assert own_pages(["/buy", "/buy", "/buy"], here) == 0.0
    assert own_pages([], here) == 0.0


@pytest.mark.parametrize(
    ("code", "link"),
    [
        ("window.location='/post?id=7'", "/post?id=7"),
        ('location.href = "/x"', "/x"),
        ("viewtopic('k7')", "k7"),
        ("void(0)", ""),
    ],
)
def test_scripted_links(code: str, link: str) -> None:
    assert scripted(code) == link


@pytest.mark.parametrize(
    ("link", "slug"),
    [("/company/velmora", "velmora"), ("/v/velmora-7f.html?x=1", "velmora-7f"), ("?id=velmora", "velmora"), ("/%C3%A9clat/", "éclat"), ("/", "")],
)  # fmt: skip
def test_slug(link: str, slug: str) -> None:
    assert slug_of(link) == slug


# ------------------------------------------------------------------------------------------------ how lists behave


def names(first: int, last: int) -> list[str]:
    return [f"company {number}" for number in range(first, last)]


@pytest.mark.parametrize(
    ("old", "new", "shared", "changed"),
    [
        (names(0, 10), names(0, 10), 1.0, False),
        (names(0, 10), names(2, 13), 0.8, True),
        (names(0, 10), names(10, 20), 0.0, True),
        ([], names(0, 3), 0.0, True),
        (names(0, 9_000), names(300, 9_300), 0.97, True),
        (names(0, 9_000), names(9_000, 18_000), 0.0, True),
        (names(0, 400), names(0, 800), 1.0, True),
        (names(0, 20), names(0, 9_000), 0.475, True),  # too few to tell
    ],
)
def test_sketches_tell_how_lists_overlap(old: list[str], new: list[str], shared: float, changed: bool) -> None:
    move = compare_sketches(sketch(old), len(old), sketch(new), len(new))
    assert move.shared == pytest.approx(shared, abs=0.05)
    assert move.changed is changed
    assert len(sketch(new)) <= 160 * 8


def test_entries_gain_by_churn_and_menus_lose_by_standing_still() -> None:
    start = Memory(key="k", shape="s", titles=sketch(names(0, 10)), count=10)
    churned = behave(start, sketch(names(1, 12)), 11, others_changed=False)
    frozen = behave(start, sketch(names(0, 10)), 10, others_changed=True)
    replaced = behave(start, sketch(names(50, 60)), 10, others_changed=True)
    still = behave(start, sketch(names(0, 10)), 10, others_changed=False)
    assert evidence(churned) > evidence(still) == evidence(start) == 0 > evidence(frozen) > evidence(replaced)
    assert evidence(behave(churned, sketch(names(2, 13)), 11, others_changed=True)) > evidence(churned)
