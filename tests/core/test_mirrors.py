from __future__ import annotations

import pytest

from watcher.core.mirrors import host_of, on_mirror, turn

A, B, C = "http://aaa.onion/", "http://bbb.onion/leaks/", "https://ccc.example:8443/"


@pytest.mark.parametrize(
    ("url", "mirror", "expected"),
    [
        ("http://aaa.onion/velmora", A, "http://aaa.onion/velmora"),
        ("http://aaa.onion/p?id=3#top", C, "https://ccc.example:8443/p?id=3"),
        ("https://velmora.example/", A, ""),
        ("mailto:unlock@support.example", A, ""),
        ("http://[broken/", A, ""),
    ],
)
def test_on_mirror(url: str, mirror: str, expected: str) -> None:
    assert on_mirror(url, mirror, (A, B, C)) == expected


def test_each_mirror_leads_in_its_turn() -> None:
    assert [turn((A, B, C), number, ())[0] for number in range(4)] == [A, B, C, A]


def test_a_failing_mirror_comes_last_but_comes() -> None:
    assert turn((A, B, C), 0, {A}) == (B, C, A)
    assert turn((A,), 5, {A}) == (A,)


def test_host_of() -> None:
    assert host_of("http://AAA.onion:81/x") == "aaa.onion"
