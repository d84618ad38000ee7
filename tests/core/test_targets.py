"""Lists that others keep, in invented samples of their forms; whatever stands in them, only good TOML comes out."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher import config
from watcher.core.targets import Targets, read_list, site_name, toml
from watcher.errors import UnreadableError
from watcher.testing.names import invented_onion

ONIONS = [invented_onion(n) for n in range(8)]
A, B, C, D, E, F, *_ = (f"http://{onion}/" for onion in ONIONS)

RANSOMWARE_LIVE = [
    {
        "name": "velgroup",
        "meta": None,
        "profile": ["https://t.me/velgroup"],
        "locations": [
            {"fqdn": ONIONS[0], "slug": f"http://{ONIONS[0]}", "title": "Blog", "version": 3, "available": True},
            {"fqdn": ONIONS[1], "slug": f"http://{ONIONS[1]}/", "available": False, "lastscrape": "2026-01-01"},
            {"fqdn": ONIONS[2], "slug": f"http://{ONIONS[2]}", "available": True, "type": "Chat"},
        ],
    },
    {"group": "Ost & Söhne", "locations": [{"fqdn": ONIONS[3], "slug": "", "available": True}]},
    {"name": "silent", "locations": [{"slug": F, "available": False}]},
    {"name": "old", "locations": [{"slug": "http://abcdefghij234567.onion", "available": True}]},
    {"name": "empty", "locations": []},
]
RANSOMLOOK = {
    "velgroup": {"meta": "x", "locations": [{"slug": A, "fqdn": ONIONS[0], "chat": False, "fs": False}]},
    "other": {"locations": [{"slug": B, "fs": True}, {"slug": C, "admin": True}, {"slug": D, "private": False}]},
}
ONE_GROUP = [{"locations": [{"slug": A, "available": True}]}, [{"post_title": "Velmora", "discovered": "2026"}]]
DEEPDARK = f"""\
# Gangs

|Name|Link|Status|User:Password|Tox ID or other channel|RSS Feed|
| ------ | ------ | ------ | ------ | ------ | ----- |
|VELGROUP (1) |{A} ||||
|VELGROUP (mirror 2)|http://{ONIONS[1]} |(CURRENTLY DOWN)|||
|VELGROUP |[{C}]({C}) |ONLINE|||
|VELGROUP (victims page) |{D} ||||
|OST NEGOTIATION |{E} |||
|OST (SURFACE WEB) | hxxps://ost-leaks[.]example/news |OFFLINE||https://t.me/ost|
|CHANNEL |https://t.me/chan ||||
|NOTHING ||||
"""


def read(data: Any, name: str = "groups.json", **known: Any) -> Targets:
    return read_list(data if isinstance(data, str) else json.dumps(data), name, **known)


def sites(targets: Targets) -> dict[str, tuple[list[str], list[str]]]:
    return {name: (one.mirrors, one.dead) for name, one in targets.sites.items()}


def test_ransomware_live() -> None:
    found = read(RANSOMWARE_LIVE)
    assert sites(found) == {"velgroup": ([A], [B]), "ost-sohne": ([D], []), "silent": ([], [F])}
    assert found.sites["ost-sohne"].called == "Ost & Söhne"
    assert found.left_out == {"onion addresses that tor cannot reach (of the old kind, or mistyped)": 1}


def test_ransomlook() -> None:
    assert sites(read(RANSOMLOOK)) == {"velgroup": ([A], []), "other": ([D], [])}
    assert sites(read(ONE_GROUP, "some/velgroup.json")) == {"velgroup": ([A], [])}
    assert sites(read({"velgroup": [A, ONIONS[1]]})) == {"velgroup": ([A, B], [])}


def test_deepdarkcti() -> None:
    found = read(DEEPDARK, "ransomware_gang.md")
    assert sites(found) == {"velgroup": ([A, C], [B]), "ost": ([], ["https://ost-leaks.example/news"])}
    assert found.left_out == {"channels and profiles, not sites": 1}


def test_what_is_watched_already_is_left_out_and_names_stay_unique() -> None:
    found = read(RANSOMWARE_LIVE, watched={A}, names={"velgroup", "velgroup-2"})
    assert sites(found)["velgroup-3"] == ([], [B])
    assert found.left_out["watched already"] == 1
    twice = read([{"name": "a", "urls": [A]}, {"name": "b", "urls": [A, B]}, {"name": "A!", "urls": [C]}])
    assert sites(twice) == {"a": ([A, C], []), "b": ([B], [])}


def test_the_blocks_are_a_configuration() -> None:
    text = "\n".join(toml(read(RANSOMWARE_LIVE), "groups.json"))
    assert text == "\n".join([
        "# from groups.json: JSON (RansomLook, ransomware.live); checked by nobody: look at each before you watch it",
        "",
        "[[site]]",
        'name = "velgroup"',
        f'mirrors = ["{A}"]',
        f"# said to be down: {B}",
        "",
        "[[site]]",
        'name = "ost-sohne"  # Ost & Söhne',
        f'mirrors = ["{D}"]',
    ])  # fmt: skip
    settings = config.parse(text, Path("/w"))
    assert [site.name for site in settings.sites] == ["velgroup", "ost-sohne"]
    with_dead = config.parse("\n".join(toml(read(RANSOMWARE_LIVE), "groups.json", dead=True)), Path("/w"))
    assert [len(site.mirrors) for site in with_dead.sites] == [2, 1, 1]
    assert with_dead.doubts == ()


EVIL = [
    'x"\n[[alert]]\nto = "file:/tmp/x"\n#', "a\r\nb = 1", "\u2028[web]\u0085", "]]", "'''", '"""', "\\", "\x00\x1b[31m",
    "\u202e", "$(rm)", "", " ", "é" * 500, "\ud800", "{n}", "#", A + '"]\nx=1', "http://a b/", "javascript:alert(1)",
]  # fmt: skip
words = st.one_of(st.sampled_from([*EVIL, A, B, f"{A}?q=\"'", f"{C}é\n", "http://x.example/\\"]), st.text(max_size=30))
places = st.one_of(words, st.dictionaries(st.sampled_from(["slug", "fqdn", "available", "type", "chat"]), words))
groups = st.dictionaries(st.sampled_from(["name", "group", "locations", "urls"]), st.one_of(words, st.lists(places)))


@given(st.one_of(st.lists(groups, min_size=1), st.dictionaries(words, groups, min_size=1)), words)
def test_no_list_says_more_than_sites(data: Any, source: str) -> None:
    try:
        found = read_list(json.dumps(data), source)
    except UnreadableError:
        return
    text = "\n".join(toml(found, source, dead=True))
    assert set(tomllib.loads(text)) <= {"site"}
    config.parse(text, Path("/w"))
    assert not set("\r\x00\x1b\x85\u2028\u202e") & set(text)


@given(st.lists(st.lists(words, min_size=1, max_size=5), min_size=1))
def test_no_table_says_more_than_sites(rows: list[list[str]]) -> None:
    try:
        found = read_list("\n".join(f"|{'|'.join(row)}|" for row in rows), "x.md")
    except UnreadableError:
        return
    text = "\n".join(toml(found, "x.md", dead=True))
    assert set(tomllib.loads(text)) <= {"site"}
    config.parse(text, Path("/w"))


@pytest.mark.parametrize("text", ["", "plain words", "{", "[" * 100_000, "[]", "{}", '[1, null, "x"]', "|a|b|\n|-|-|"])
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(UnreadableError) as told:
        read_list(text, "x.json")
    assert "RansomLook" in told.value.hint


def test_names() -> None:
    assert [site_name(one) for one in ("LockBit 3.0", "Ärger", "***", "x" * 99)] == [
        "lockbit-3-0", "arger", "unnamed", "x" * 64,
    ]  # fmt: skip
