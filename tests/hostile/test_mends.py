"""What the hostile suite once found broken, each where it was mended."""

from __future__ import annotations

import msgspec
import pytest

from watcher.core.feeds import looks_like_feed
from watcher.core.http import head_length
from watcher.core.paginate import MOST_FUNCTIONS, next_urls
from watcher.core.parse import parse, read_json
from watcher.core.reading import read_page
from watcher.records import Hints, Page


def test_blank_lines_before_a_head_are_passed_over() -> None:
    """One by one, again with each piece: a server that dripped them took all the time there was."""
    start = b"\r\n" * 30_000
    assert head_length(start) == -1
    assert head_length(start + b"HTTP/1.1 200 OK\r\n\r\n") == len(start) + 19


@pytest.mark.parametrize("part", ["<?xml>", "<!-- -->", "<!doctype>", " <?x ?> "])
def test_a_prologue_is_tried_in_one_way(part: str) -> None:
    """In 2^170 ways, before."""
    assert not looks_like_feed(part * 170 + "<p>")
    assert looks_like_feed(part * 170 + "<rss version='2.0'>")


def test_half_a_character_in_json_is_none() -> None:
    """A lone surrogate ended the reader: the answer could not be written down."""
    text = r'{"a": "x \ud83d y", "b": "\ud83d\ude00", "c": "\\ud83d", "d": "\ude00\ud83d", "n": NaN}'
    value = read_json(text)
    assert {**value, "n": 0} == {"a": "x � y", "b": "😀", "c": r"\ud83d", "d": "��", "n": 0}
    records = ",".join(rf'{{"id": {n}, "title": "Velmora {n} \ud83d Ltd"}}' for n in range(4))
    page = Page(body=f"[{records}]".encode(), url="http://a.onion/", status=200, content_type="application/json")
    reading, _ = read_page(page, b"", (), Hints())
    assert len(reading.entries) == 4
    assert b"Velmora" in msgspec.json.encode(reading)


def test_scripts_are_searched_for_a_few_functions() -> None:
    """For each of 3,000 links again, before."""
    functions = "".join(f"function f{n}(p){{ location = '/?page=' + p; }}" for n in range(MOST_FUNCTIONS + 5))
    links = "".join(f'<a onclick="f{n}({n + 2})">{n + 2}</a>' for n in range(MOST_FUNCTIONS + 5))
    markup = f"<script>{functions}</script><div class='pagination'>{links}</div>"
    document = parse(Page(body=markup.encode(), url="http://a.onion/", status=200, content_type="text/html"))
    assert len(next_urls(document)) == MOST_FUNCTIONS
