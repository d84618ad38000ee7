"""Titles that act, in every form in which an event leaves the program: nothing hidden, nothing that runs."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from tests.core.test_message import VELMORA
from tests.hostile.servers.pages import ACTING, FORMULA, LONG
from watcher.core import escape
from watcher.core.atom import Channel, feed
from watcher.core.message import message
from watcher.core.sharing import to_csv, to_misp, to_stix
from watcher.edge.notify import alert_line

HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
CHANNEL = Channel(name="all", title="Events", author="watcher", base="http://127.0.0.1:8080", path="/feed.atom")
FORMS = ("csv", "misp", "stix", "atom", "message", "alert", "terminal", "html", "chat")


def told(form: str, title: str) -> str:
    assert VELMORA.entry is not None
    event = replace(VELMORA, entry=replace(VELMORA.entry, title=title), was=title, why=(f"says:{title}", title))
    match form:
        case "csv":
            return "".join(to_csv([event]))
        case "misp":
            return to_misp([event], vantage="test")
        case "stix":
            return to_stix([event], {}, vantage="test").decode()
        case "atom":
            return feed(CHANNEL, [event]).decode()
        case "message":
            made = message([event])
            return f"{made.title}\n{made.body}"
        case "alert":
            return alert_line(event, "")
        case "terminal":
            return escape.line(title)
        case "html":
            return escape.html(title)
    return escape.chat(title)


@pytest.mark.parametrize("title", [*ACTING, LONG], ids=lambda title: ascii(title[:12]))
@pytest.mark.parametrize("form", FORMS)
def test_titles_are_inert(form: str, title: str) -> None:
    text = told(form, title)
    assert HIDDEN.findall(text.replace("\r\n", "\n")) == []
    if form == "csv":
        for row in csv.reader(io.StringIO(text)):
            assert not any(re.match(r"\s*[=@]|\s*[+-](?!\d)", cell) for cell in row), row
    if form in {"misp", "stix", "alert"}:
        json.loads(text)
    if form == "atom":
        assert {node.tag.rpartition("}")[2] for node in ElementTree.fromstring(text).iter()} <= {
            "feed", "id", "title", "updated", "author", "name", "generator", "link", "entry", "published", "category",
            "summary",
        }  # fmt: skip
    if form == "html":
        assert not set("<>\"'") & set(text)
    if form in {"message", "chat"}:
        assert not set("<>`@") & set(text)
        assert "http:" not in text
    if form in {"message", "terminal", "chat"}:
        assert len(text) < 10_000


def test_a_formula_would_be_one() -> None:
    """Else the test above could not fail."""
    assert re.match(r"\s*[=@]", FORMULA)
    assert HIDDEN.search(ACTING[0])
    assert HIDDEN.search(ACTING[1])
