"""Why a missing entry is not told yet, said for people; and that every word which can be waited for is."""

from __future__ import annotations

import ast
from datetime import timedelta
from pathlib import Path

import pytest

from tests.core.looks import Watching
from watcher.core import losses
from watcher.core.decide import held
from watcher.core.reasons import reason, waiting
from watcher.records import Policy

POLICY = Policy(confirm_visits=3, confirm_after=timedelta(minutes=30), structural_after=timedelta(hours=12))
FAULT = "; what looks like a fault must last 12 h, or its own page must answer that it is gone."


@pytest.mark.parametrize(
    ("words", "absences", "sentence"),
    [
        (("visits",), 1, "Absent from 1 complete copy in a row; 3 are needed, over at least 30 min."),
        (("one-circuit",), 1, "Absent from 1 complete copy in a row; 3 are needed, over at least 30 min."),
        (("time",), 4, "Absent from 4 complete copies in a row; 3 are needed, over at least 30 min."),
        (
            ("own-page", "rolled-off"),
            2,
            "Absent from 2 complete copies in a row, but only its own page can tell whether it is gone; it may have "
            "rolled off the end of a full list.",
        ),
        (
            ("same-as:acme",),
            3,
            "Absent from 3 complete copies in a row, but an entry that says exactly the same is still listed (acme).",
        ),
        (
            ("many-at-once:7", "one-circuit"),
            5,
            "Absent from 5 complete copies in a row, but entries that went at the same time: 7; all copies without it "
            "came by one path through the network, and a second is needed" + FAULT,
        ),
        (
            ("detail-still-up", "mirror-still-shows"),
            9,
            "Absent from 9 complete copies in a row, but its own page still answers; another address of the site still "
            "shows it" + FAULT,
        ),
        (
            ("own-page", "name-on-page:unread"),
            3,
            "Absent from 3 complete copies in a row, but only its own page can tell whether it is gone; its name still "
            "stands elsewhere on the page.",
        ),
    ],
)
def test_one_sentence(words: tuple[str, ...], absences: int, sentence: str) -> None:
    assert waiting(words, absences, POLICY) == sentence


def test_every_doubt_that_losses_knows_is_said_in_words() -> None:
    """Read from the program: what ``_doubts`` and ``judge`` put into a finding."""
    tree = ast.parse(Path(losses.__file__).read_text(encoding="utf-8"))
    functions = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name in {"_doubts", "judge"}]
    texts = [
        node.value
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and "-" in node.value
        and " " not in node.value
    ]
    assert {"rolled-off", "tail-of-list", "one-circuit", "same-as:", "many-at-once:"} <= set(texts)
    for word in texts:
        assert word.partition(":")[0] not in waiting([f"{word.rstrip(':')}:x"], 3, POLICY), word


def test_of_a_site_that_was_watched() -> None:
    site = Watching()
    site.looks(2, "ABCDEFGH")
    site.look("ABDEFGH")
    key = "calderis clinic"
    waits = held(site.roster.notes, site.policy)
    assert waits == {key: ("one-circuit",)}
    site.look("ABDEFGH")
    assert held(site.roster.notes, site.policy) == {key: ("visits",)}
    site.look("ABDEFGH")
    assert held(site.roster.notes, site.policy) == {}
    assert site.standing("C") == "withdrawn"


def test_prose_speaks_for_itself() -> None:
    assert reason("The name is gone.") == ""
    assert reason("http:502") == "the server answered with status 502"
    assert reason("sure-by:clean").startswith("what made it certain: nothing about it looked like a fault")


def test_every_way_to_be_sure_is_said_in_words() -> None:
    tree = ast.parse(Path(losses.__file__).read_text(encoding="utf-8"))
    (ways,) = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "_ways")
    keys = {
        node.slice.value
        for node in ast.walk(ways)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
    } | {"lasted", losses.MIRRORS_DIFFER}
    assert {"clean", "own-page-gone", "mirrors"} <= keys
    assert all(not reason(f"sure-by:{key}").endswith(f": {key}") for key in keys)
