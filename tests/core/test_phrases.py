"""Words that give pages away: what is heard, and what is not."""

from __future__ import annotations

import pytest

from watcher.core.phrases import HEADINGS, PHRASES, Topic, counts_something, fold, headed, says


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("You are in the queue. Your place in the queue is 564.", "queue"),
        ("Вы в очереди, не обновляйте страницу", "queue"),
        ("您正在排队,请稍候", "queue"),
        ("DDoS protection by Example. Checking your browser before access.", "challenge"),
        ("Подтвердите, что вы не робот", "challenge"),
        ("これは…ロボットではありません", "challenge"),
        ("Making sure you’re not a bot!", "challenge"),
        ("Please turn JavaScript on", "script"),
        ("Bitte melden Sie sich an", "login"),
        ("THIS HIDDEN SITE HAS BEEN SEIZED by law enforcement", "seized"),
        ("Diese Seite wurde beschlagnahmt", "seized"),
        ("502 Bad Gateway", "error"),
        ("Сервис временно недоступен", "error"),
        ("Sorry, that page can’t be found", "gone"),
        ("ページが見つかりません", "gone"),
        ("Nothing here yet.", "nothing"),
        ("暂无数据", "nothing"),
        ("Hier ist nichts zu sehen", "nothing"),
    ],
)
def test_a_phrase_is_heard(text: str, topic: str) -> None:
    assert says(fold(text), topic)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("Captcha Ltd", "challenge"),
        ("Queue Systems GmbH", "queue"),
        ("404 Media", "error"),
        ("404 Media", "gone"),
        ("Login Logistics", "login"),
        ("unbad gatewayed", "error"),  # only where a word begins
        ("annother errorless company", "error"),
        ("Velmora Logistics, seized opportunities since 1970", "seized"),
    ],
)
def test_a_name_is_no_phrase(text: str, topic: str) -> None:
    assert not says(fold(text), topic)


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("502 Bad Gateway", "error"),
        ("Error 403: Forbidden", "error"),
        ("404", "gone"),
        ("410 Gone", "gone"),
        ("  Just a moment...  ", "challenge"),
        ("Access Queue", "queue"),
        ("ВХОД", "login"),
        ("SEIZED!", "seized"),
    ],
)
def test_a_heading_is_heard(heading: str, topic: str) -> None:
    assert headed([heading], topic)


@pytest.mark.parametrize(
    ("heading", "topic"),
    [
        ("404 Media", "error"),
        ("404 Media", "gone"),
        ("503 Main Street Realty", "error"),
        ("Captcha Ltd", "challenge"),
        ("Login Systems Inc", "login"),
        ("502 Bad Gateway", "gone"),
        ("404 Not Found", "error"),
        ("Security Bank", "challenge"),
    ],
)
def test_a_heading_that_is_a_name_is_not(heading: str, topic: str) -> None:
    assert not headed([heading], topic)


@pytest.mark.parametrize(
    ("headings", "topic", "heard"),
    [
        (["Velmora Logistics", "You are in a queue"], "queue", True),
        (["502 Bad Gateway", "Just a moment"], "challenge", True),
        (["404 Not Found", "502 Bad Gateway"], "error", True),  # what the first is not, another may be
        (["404 Not Found", "502 Bad Gateway"], "gone", True),
        (["Velmora", "Just a", "moment"], "challenge", False),  # no phrase goes from one heading into the next
        (["Just a moment" + " and more" * 20], "challenge", False),
        ([], "error", False),
    ],
)
def test_each_heading_is_heard_for_itself(headings: list[str], topic: Topic, heard: bool) -> None:
    assert headed(headings, topic) is heard


def test_folding_takes_off_what_is_not_seen() -> None:
    assert fold("  V\u200bel\u00admora\u00a0 LOGISTICS\n\t’s ") == "velmora logistics 's"
    assert fold("Ｖｅｌｍｏｒａ") == "velmora"


def test_the_lists_are_clean() -> None:
    for lists in (PHRASES, HEADINGS):
        for topic, phrases in lists.items():
            assert "" not in phrases, topic
            assert len(set(phrases)) == len(phrases), topic
            assert all(fold(phrase) for phrase in phrases), topic
    # a phrase is never a word alone that a company may be called by
    assert all(len(phrase) >= 5 or ord(phrase[0]) > 0x24F for phrases in PHRASES.values() for phrase in phrases)


def test_words_that_count() -> None:
    assert counts_something("total: # victims")
    assert counts_something("всего жертв #")
    assert not counts_something("# visitors online")
