"""Lines of keys agree with what tomllib reads."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watcher.core.toml_lines import Path, key_lines

HARD = '''# a comment with [brackets] and "quotes"
[watcher]
a = """x
"" \\" y # not a comment
""""
b = [ # one
  "x", "y]",
  { q = 1, r.s = [2,
  3] },
] # t
"c d".e = 1979-05-27T07:32:00Z
'f.g' = \'\'\'
\'\'\'\'\'
"\\u0068" = ''
[[site]]
name = "a"
[site.rule]
x = -1.5e3
[[site.more]]
z=1
[[site.more]]
z=1
[[site]]
name = "b" # [site]
[ site . headers ]
"A#b" = "c]"
[new.deep]
'''
EXPECTED: dict[Path, int] = {
    ("watcher",): 2,
    ("watcher", "a"): 3,
    ("watcher", "b"): 6,
    ("watcher", "b", 0): 7,
    ("watcher", "b", 1): 7,
    ("watcher", "b", 2): 8,
    ("watcher", "b", 2, "q"): 8,
    ("watcher", "b", 2, "r"): 8,
    ("watcher", "b", 2, "r", "s"): 8,
    ("watcher", "b", 2, "r", "s", 0): 8,
    ("watcher", "b", 2, "r", "s", 1): 9,
    ("watcher", "c d"): 11,
    ("watcher", "c d", "e"): 11,
    ("watcher", "f.g"): 12,
    ("watcher", "h"): 14,
    ("site",): 15,
    ("site", 0): 15,
    ("site", 0, "name"): 16,
    ("site", 0, "rule"): 17,
    ("site", 0, "rule", "x"): 18,
    ("site", 0, "more"): 19,
    ("site", 0, "more", 0): 19,
    ("site", 0, "more", 0, "z"): 20,
    ("site", 0, "more", 1): 21,
    ("site", 0, "more", 1, "z"): 22,
    ("site", 1): 23,
    ("site", 1, "name"): 24,
    ("site", 1, "headers"): 25,
    ("site", 1, "headers", "A#b"): 26,
    ("new",): 27,
    ("new", "deep"): 27,
}


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        found |= paths_of(below, (*path, key))
    return found


def test_every_kind_of_key() -> None:
    assert dict(key_lines(HARD)) == EXPECTED
    assert paths_of(tomllib.loads(HARD)) == set(EXPECTED)


def test_nothing_and_windows_line_ends() -> None:
    assert key_lines("") == {}
    assert key_lines("\r\n[a]\r\nb = 1\r\n") == {("a",): 2, ("a", "b"): 3}


KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,5}", fullmatch=True),
    st.text("ab. '#[]=\\\"", min_size=1, max_size=5).map(
        lambda key: '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    ),
)
STRINGS = st.sampled_from(
    [
        '""',
        "''",
        '"a\\"]"',
        "'#'",
        '"""\n]\n"""',
        "'''a\n=\n'''",
        '""""a"""""',
        "1",
        "true",
        "1979-05-27 07:32:00",
        "-1.5",
    ]
)
VALUES = st.recursive(
    STRINGS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: "[ # c\n" + ",\n".join(items) + "\n]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{n} = {item}" for n, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.tuples(KEYS, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    KEYS.map(lambda key: f"[{key}] # x"),
    KEYS.map(lambda key: f"[[ {key}.t ]]"),
    st.just("# comment ]"),
    st.just(""),
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_every_path_that_tomllib_reads_has_a_line(text: str) -> None:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = key_lines(text)
    assert paths_of(data) == set(lines)
    for path, at in lines.items():
        if isinstance(path[-1], str) and path[-1].isalnum():
            assert path[-1] in text.split("\n")[at - 1]
