"""What may be asked for, where a redirect may lead, what is not collected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.reach import (
    follow,
    host_of,
    hosts_of,
    is_inside,
    may_ask,
    refuse_content,
    refuse_start,
    shown,
    wire_address,
)

ONION = "a" * 55 + "d.onion"
MIRROR = "b" * 55 + "d.onion"
STRANGER = "c" * 55 + "d.onion"
ALLOWED = hosts_of([f"http://{ONION}/", f"http://www.{MIRROR}/blog/", "https://www.leaks.example/", "http://10.0.0.5/"])
MOST = 1000


def test_allowed_hosts_come_from_addresses() -> None:
    assert {ONION, MIRROR, "www.leaks.example", "10.0.0.5"} == ALLOWED
    assert hosts_of(["leaks.example", "[::1]:80", "http://bad host/", ""]) == {"leaks.example", "::1"}


@pytest.mark.parametrize(
    ("address", "word"),
    [
        (f"http://{ONION}/page?x=1", ""),
        (f"http://{ONION.upper()}:8080/", ""),
        (f"https://cdn.{ONION}/", ""),
        (f"http://{MIRROR}/", ""),
        ("https://leaks.example/", ""),
        ("https://www.leaks.example./", ""),
        ("http://10.0.0.5/", ""),  # the operator's own word
        (f"http://{STRANGER}/", "address:not-allowed"),
        (f"http://{ONION}.evil.example/", "address:not-allowed"),
        (f"http://x{ONION}/", "address:not-allowed"),
        ("http://sub.leaks.example/", "address:not-allowed"),
        ("http://www.leaks.example.evil.example/", "address:not-allowed"),
        ("http://127.0.0.1/", "address:not-allowed"),
        ("http://localhost/", "address:not-allowed"),
        (f"http://{ONION}@evil.example/", "address:credentials"),
        (f"http://u:p@{ONION}/", "address:credentials"),
        (f"ftp://{ONION}/", "address:scheme"),
        ("file:///etc/passwd", "address:scheme"),
        ("javascript:alert(1)", "address:scheme"),
        ("data:text/html,x", "address:scheme"),
        ("", "address:scheme"),
        ("http://", "address:bad"),
        ("http://[::1", "address:bad"),
        ("http://[v1.fe80:1]/", "address:bad"),  # of a kind of address that nobody has
        (f"http://{ONION}:99999/", "address:bad"),
        (f"http://{ONION}:0/", "address:bad"),
        (f"http://{ONION}/" + "x" * 9000, "address:bad"),
    ],
)
def test_what_may_be_asked(address: str, word: str) -> None:
    refusal = may_ask(address, ALLOWED)
    assert (refusal.word if refusal else "") == word


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("/next", f"http://{ONION}/next"),
        ("next", f"http://{ONION}/dir/next"),
        ("?page=2", f"http://{ONION}/dir/page?page=2"),
        ("", f"http://{ONION}/dir/page"),
        (f"//{ONION}/x", f"http://{ONION}/x"),
        (f"https://{ONION}/x#part", f"https://{ONION}/x"),
        (f"http://{ONION}:8080/", f"http://{ONION}:8080/"),
        (f"HTTP://{ONION.upper()}/X", f"http://{ONION}/X"),
        (f"http://www.{ONION}/", f"http://www.{ONION}/"),
        (f"http://{MIRROR}/", f"http://{MIRROR}/"),
        ("\t /a b\r\n", f"http://{ONION}/a%20b"),
        ("/\xe9\xff", f"http://{ONION}/%E9%FF"),
        ("/Jos\xc3\xa9", f"http://{ONION}/Jos%C3%A9"),
        ("/100%", f"http://{ONION}/100%"),
        (f"http:\\\\{ONION}\\x", f"http://{ONION}/x"),
        # away from the onion
        ("https://leaks.example/", "redirect:clearnet"),  # though it is a mirror
        ("http://evil.example/", "redirect:clearnet"),
        ("//evil.example/", "redirect:clearnet"),
        ("http:\\\\evil.example\\x", "redirect:clearnet"),
        ("http://127.0.0.1/", "redirect:clearnet"),
        ("http://localhost:9051/", "redirect:clearnet"),
        ("http://10.0.0.5/", "redirect:clearnet"),
        (f"http://{ONION}.evil.example/", "redirect:clearnet"),
        (f"http://{STRANGER}/", "redirect:not-allowed"),
        (f"http://{ONION}@evil.example/", "redirect:credentials"),
        ("ftp://evil.example/", "redirect:scheme"),
        ("file:///etc/passwd", "redirect:scheme"),
        ("javascript:alert(1)", "redirect:scheme"),
        ("data:text/html,hello", "redirect:scheme"),
        ("magnet:?xt=urn:btih:0", "redirect:scheme"),
        ("http://[::1", "redirect:bad"),
        ("http://%6c%6fcalhost/", "redirect:bad"),
        ("https://?", "redirect:bad"),
    ],
)
def test_where_an_onion_may_lead(location: str, result: str) -> None:
    target = follow(f"http://{ONION}/dir/page", location, ALLOWED)
    assert (target if isinstance(target, str) else target.word) == result


@pytest.mark.parametrize(
    ("location", "result"),
    [
        ("https://leaks.example/", "https://leaks.example/"),
        (f"http://{ONION}/", f"http://{ONION}/"),
        ("http://sub.leaks.example/", "redirect:not-allowed"),
        ("http://127.0.0.1/", "redirect:private"),
        ("http://127.1/", "redirect:bad"),
        ("http://2130706433/", "redirect:bad"),
        ("http://0x7f.0.0.1/", "redirect:bad"),
        ("http://0/", "redirect:bad"),
        ("http://１２７.0.0.1/".encode().decode("latin-1"), "redirect:bad"),  # as the bytes of the header come in
        ("http://[::1]/", "redirect:private"),
        ("http://[::ffff:127.0.0.1]/", "redirect:private"),
        ("http://[fe80::1]/", "redirect:private"),
        ("http://169.254.169.254/latest/meta-data/", "redirect:private"),
        ("http://192.168.1.1/", "redirect:private"),
        ("http://10.0.0.5/", "redirect:private"),  # a redirect may not, though the operator may
        ("http://100.64.0.1/", "redirect:private"),
        ("http://224.0.0.1/", "redirect:private"),
        ("http://0.0.0.0/", "redirect:private"),
        ("http://localhost/", "redirect:private"),
        ("http://LOCALHOST./", "redirect:private"),
        ("http://x.localhost/", "redirect:private"),
        ("http://router.lan/", "redirect:private"),
        ("http://printer/", "redirect:private"),
        ("http://8.8.8.8/", "redirect:not-allowed"),
    ],
)
def test_where_the_clearnet_may_lead(location: str, result: str) -> None:
    target = follow("http://www.leaks.example/", location, ALLOWED)
    assert (target if isinstance(target, str) else target.word) == result


def test_a_host_may_lead_to_itself() -> None:
    """Even where the operator watches a machine of a private network."""
    assert follow("http://10.0.0.5/", "http://10.0.0.5:8080/x", ALLOWED) == "http://10.0.0.5:8080/x"


@given(st.text(max_size=60), st.sampled_from(["", "http://", "//", f"http://{ONION}", "http:\\\\"]))
def test_no_redirect_leads_an_onion_astray(text: str, start: str) -> None:
    target = follow(f"http://{ONION}/", start + text, ALLOWED)
    if isinstance(target, str):
        assert host_of(target).endswith((ONION, MIRROR))
        assert target.isascii()
        assert target.startswith(("http://", "https://"))
        assert wire_address(target) == target


def test_hosts_in_the_form_in_which_they_are_compared() -> None:
    assert host_of("http://MÜLLER.example./x") == "xn--mller-kva.example"
    assert host_of("http://[2001:DB8::0001]:80/") == "2001:db8::1"
    assert host_of("leaks.example:80") == "leaks.example"
    assert host_of("http://a..b/") == ""
    assert host_of("http://" + "x" * 64 + ".example/") == ""
    assert host_of("http://[fd00::1/") == ""
    assert is_inside("fd00::1")
    assert not is_inside("2606:4700::1111")


def test_texts_of_strangers_are_harmless() -> None:
    assert shown('<b>"\x1b[31m\u202e`\\&</b>\n') == "?b???[31m???&?/b??"
    assert shown("x" * 100) == "x" * 80 + "…"


# --------------------------------------------------------------------------------------------------------- content

URL = f"http://{ONION}/company/acme"


def refused(headers: dict[str, str], url: str = URL, status: int = 200) -> str:
    refusal = refuse_content(url, status, tuple(headers.items()), MOST)
    return refusal.word if refusal else ""


@pytest.mark.parametrize(
    "kind",
    [
        "text/html", "text/html; charset=utf-8", "TEXT/HTML", "text/plain", "application/xhtml+xml", "application/xml",
        "application/json", "application/ld+json", "application/rss+xml", "application/atom+xml", "text/xml",
        "application/javascript", "application/x-ndjson", "text/markdown", "", "html", "utf-8", "application/hal+json",
    ],
)  # fmt: skip
def test_pages_are_read(kind: str) -> None:
    assert refused({"Content-Type": kind}) == ""
    assert refused({}) == ""


@pytest.mark.parametrize(
    "kind",
    [
        "application/zip", "application/x-7z-compressed", "application/x-rar-compressed", "application/gzip",
        "application/x-tar", "application/octet-stream", "application/x-bittorrent", "application/pdf",
        "application/msword", "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.ms-excel", "image/png", "image/svg+xml", "video/mp4", "audio/mpeg", "font/woff2", "text/csv",
        "text/rtf", "application/sql", "application/x-sqlite3", "multipart/mixed", "message/rfc822",
        "application/epub+zip", "application/force-download",
    ],
)  # fmt: skip
def test_what_is_no_page_is_refused_by_type(kind: str) -> None:
    assert refused({"Content-Type": kind}) == f"content:type:{kind}"
    assert refused({"content-type": kind.upper() + "; name=x"}) == f"content:type:{kind}"


def test_one_bad_type_of_several_is_enough() -> None:
    headers = (("Content-Type", "text/html"), ("content-type", "application/zip"))
    assert refuse_content(URL, 200, headers, MOST) is not None


@pytest.mark.parametrize(
    ("disposition", "word"),
    [
        ("attachment", "content:attachment"),
        ('Attachment; filename="x.html"', "content:attachment"),
        ('inline; filename="acme.7z"', "content:name:7z"),
        ("inline; filename=acme.tar.gz", "content:name:gz"),
        ("inline; filename*=UTF-8''acme%2Epdf", "content:name:pdf"),
        ("inline", ""),
        ('inline; filename="index.html"', ""),
        ("", ""),
    ],
)
def test_attachments_are_refused(disposition: str, word: str) -> None:
    assert refused({"Content-Type": "text/html", "Content-Disposition": disposition}) == word


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/files/acme.zip", "content:name:zip"),
        ("/files/ACME.PART1.RAR", "content:name:rar"),
        ("/files/acme.sql?download=1", "content:name:sql"),
        ("/files/acme%2Epdf", "content:name:pdf"),
        ("/files/acme.torrent.", "content:name:torrent"),
        ("/acme.com", ""),
        ("/acme.one", ""),
        ("/zip", ""),
        ("/acme.zip/", ""),
        ("/?file=acme.zip", ""),
        ("/index.php", ""),
    ],
)
def test_files_are_refused_by_name(path: str, word: str) -> None:
    assert refused({"Content-Type": "text/html"}, url=f"http://{ONION}{path}") == word


def test_an_error_page_in_the_place_of_an_archive_is_read() -> None:
    url = f"http://{ONION}/acme.zip"
    assert refused({"Content-Type": "text/html"}, url=url, status=404) == ""
    assert refused({"Content-Type": "application/zip"}, url=url, status=404) == "content:type:application/zip"
    assert refused({}, url=url, status=404) == "content:name:zip"


def test_size() -> None:
    assert refused({"Content-Length": "1001"}) == "content:size:1001"
    assert refused({"Content-Length": "1000"}) == ""
    assert refused({"Content-Length": "9" * 30}) == ""  # no length at all; the transfer is cut at the limit


def test_no_body_is_no_file() -> None:
    assert refused({"Content-Type": "application/zip", "Content-Length": "0"}, status=302) == ""
    assert refused({"Content-Type": "application/zip"}, status=304) == ""


@pytest.mark.parametrize(
    ("start", "word"),
    [
        (b"PK\x03\x04\x14\x00", "content:magic:zip"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "content:magic:7z"),
        (b"%PDF-1.7", "content:magic:pdf"),
        (b"\x00\x00\x00\x20ftypisom", "content:magic:media"),
        (b"RIFF\x24\x00\x00\x00WAVE", "content:magic:media"),
        (b"\0" * 257 + b"ustar\x00", "content:magic:tar"),
        (b"<html>PK\x03\x04", ""),
        (b"PKZIP is a program", ""),
        (b"RIFF are a band", ""),
        (b"", ""),
    ],
)
def test_files_are_refused_by_their_first_bytes(start: bytes, word: str) -> None:
    refusal = refuse_start(start)
    assert (refusal.word if refusal else "") == word


def test_words_hold_nothing_that_harms() -> None:
    word = refused({"Content-Type": "application/\x1b[31m<script>"})
    assert word.isascii()
    assert word.isprintable()
    assert "<" not in word
