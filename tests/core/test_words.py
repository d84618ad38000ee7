# ruff: noqa: E501 - pages and tables read better in one piece
"""What kind of thing a text is."""

from __future__ import annotations

import pytest

from watcher.core.words import aside_weight, is_company, kind_of, label_of, words_in


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Velmora Logistics Ltd", "name"), ("404 Media", "name"), ("Captcha Ltd", "name"), ("H&M", "name"),
        ("Bodegas de la Torre Vieja S.A.", "name"), ("蓝海科技有限公司", "name"), ("Завод «Северор»", "name"),
        ("velmora.co.uk", "domain"), ("https://velmora.example/about", "domain"), ("www.v??????a.com", "domain"),
        ("Ve***** Lo*******", "masked"), ("De*****", "masked"), ("F??????? ?????s", "masked"),
        ("HOME", "menu"), ("HOW TO DOWNLOAD?", "menu"), ("Read more", "menu"), ("Hello world!", "menu"),
        ("Who are you?", "question"), ("Can I buy the data?", "question"),
        ("Do not modify encrypted files.", "sentence"), ("It was easy.", "sentence"),
        ("We have taken all of the drawings, contracts and passports that were there to be found.", "sentence"),
        ("2026-03-02", "date"), ("02.03.2026", "date"), ("Posted Mar 02, 2026.", "date"), ("2 days ago", "date"),
        ("Mon, 02 Mar 2026 04:00:00 +0000", "date"), ("today", "date"),
        ("7D 20h 00m 00s", "timer"), ("12:33:01", "timer"), ("1 DAY BEFORE PUBLICATION", "timer"),
        ("447 GB", "size"), ("Size: 447 GB", "size"), ("902 GB of data", "size"), ("$3085", "price"),
        ("5,425", "number"), ("32984 views", "views"), ("Published", "status"), ("(SOLD)", "status"), ("Spain", "place"),
        ("Country: Spain", "place"), ("a" * 16 + ".onion", "address"), ("team@exploit.example", "token"),
        ("vor 3 Tagen", "date"), ("hace un día", "date"), ("42 дня назад", "date"), ("3 gün önce", "date"), ("12 天 前", "date"),
        ("vor dem Tor", "name"), ("Tag 24 danach", "name"), ("velmora steel co., ltd.", "name"), ("they took it all.", "sentence"),
        ("公司拒绝与我们谈判。", "sentence"), ("0219778b-790d", "token"), ("/leak/0219-790d", "token"),
        ("urn:uuid:0219778b", "token"), ("رفضت الشركة التفاوض معنا.", "sentence"), ("مجموعة نور للتجارة", "name"), ("Weiterlesen", "menu"), ("已公布", "status"),
        ("Waiting, Spain", "status"), ("Spain | 447 GB", "place"), ("Spain Foods, Inc.", "name"), ("Waiting, Velmora", "name"),
        ("7df4c32ef1", "token"), ("facade", "name"), ("A3" * 38, "token"), ("backup.part1.7z", "file"), ("Country:", "label"), ("—", "none"),
    ],
)  # fmt: skip
def test_kind(text: str, kind: str) -> None:
    assert kind_of(text) == kind


def test_kind_is_quick_on_hostile_text() -> None:
    for text in ("1 " * 5_000, "d " * 5_000, "1:00" * 3_000, "a" * 100_000, "." * 10_000, "12 h " * 30):
        kind_of(text)


@pytest.mark.parametrize(
    ("text", "label", "value"),
    [
        ("Country: Spain", "country", "Spain"), ("Web Site:https://v.example", "web site", "https://v.example"),
        ("http://v.example", "", "http://v.example"), ("Velmora", "", "Velmora"), ("国家：西班牙", "国家", "西班牙"),
        ("We say this to them all: pay", "", "We say this to them all: pay"),
    ],
)  # fmt: skip
def test_label(text: str, label: str, value: str) -> None:
    assert label_of(text) == (label, value)


def test_words_of_identifiers() -> None:
    assert words_in("card-titleBlock x__Head") == {"card", "title", "block", "x", "head"}
    assert aside_weight("footer-links") > aside_weight("page-header") > aside_weight("victim-card") == 0
    assert aside_weight("pricing-plans") == aside_weight("tagcloud") == aside_weight("menu")


def test_company_words() -> None:
    assert is_company("Velmora Stadtwerke GmbH")
    assert is_company("蓝海科技有限公司")
    assert all(map(is_company, ("VELMORA LOGISTICS", "ZÜRN HOLDINGS", "Завод Орск")))
    assert not any(map(is_company, ("Velmora Scoop", "Zürn Incas")))
    assert not is_company("Affiliate program")
