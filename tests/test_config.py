"""``watcher.toml``: the example of the contract loads; every fault is told with its line, its key and its mend."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher import config
from watcher.config import AlertSettings, TimestampSettings, WebSettings
from watcher.core.proxy_tables import ProxySettings
from watcher.core.watchlist import Watch
from watcher.errors import ConfigError
from watcher.records import Policy, Selector

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
FOLDER = Path("/srv/watch")

EXAMPLE = f"""\
[watcher]
vantage = "local"                     # the name of this observer
store = "snapshots"                   # folder
operator = ""                         # who answers for this watcher, printed in reports

[proxy]
url = "socks5://127.0.0.1:9050"       # one or a list; names are always resolved by the proxy
isolate = "site"
timeout = "90s"
max_body = "16MiB"

[policy]
confirm_visits = 3
confirm_after = "30m"
confirm_gap = "5m"
structural_after = "12h"

[[watchlist]]
name = "Acme"
match = ["acme", "acme.example"]

[[site]]
name = "clop"
mirrors = ["http://{ONION}/"]
every = "15m"
detail = true
pages = "page/{{n}}/"
headers = {{ }}

[site.rule]
entry = "ul.g-toplevel li.g-menu-item"
title = ".g-menu-item-title"
link = "a@href"
skip = ["HOME", "HOW TO DOWNLOAD?", "ARCHIVE"]

[[alert]]
to = "slack://token/token/token"
kinds = ["listed", "withdrawn", "relisted"]
watchlist_only = false

[timestamp]
authorities = []
roots = "tsa-roots.pem"

[web]
listen = "127.0.0.1:8080"
"""


def faults_of(text: str, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FOLDER, environ=environ)
    return caught.value.faults


def test_the_example_of_the_contract() -> None:
    settings = config.parse(EXAMPLE, FOLDER)
    assert settings.path == FOLDER / "watcher.toml"
    assert (settings.vantage, settings.store, settings.operator) == ("local", FOLDER / "snapshots", "")
    assert settings.key == FOLDER / "watcher.key"
    assert settings.proxy == ProxySettings(
        urls=("socks5://127.0.0.1:9050",), isolate="site", timeout=timedelta(seconds=90), max_body=16 << 20
    )
    assert settings.policy == Policy()
    assert settings.watchlist == (Watch(name="Acme", match=("acme", "acme.example")),)
    (site,) = settings.sites
    assert site is settings.site("clop")
    assert (site.name, site.mirrors, site.every, site.detail) == (
        "clop",
        (f"http://{ONION}/",),
        timedelta(minutes=15),
        True,
    )
    assert (site.pages, site.next, site.headers) == ("page/{n}/", "", {})
    assert site.rule is not None
    assert site.rule.entry == ("ul.g-toplevel li.g-menu-item",)
    assert site.rule.fields["link"] == (Selector(css="a", attr="href"),)
    assert site.rule.skip == ("HOME", "HOW TO DOWNLOAD?", "ARCHIVE")
    assert settings.alerts == (
        AlertSettings(to="slack://token/token/token", kinds=("listed", "withdrawn", "relisted"), watchlist_only=False),
    )
    assert settings.timestamp == TimestampSettings(authorities=(), roots=FOLDER / "tsa-roots.pem")
    assert settings.web == WebSettings(host="127.0.0.1", port=8080, token="")
    assert settings.doubts == ()


def test_an_empty_file_is_all_defaults() -> None:
    settings = config.parse("", FOLDER)
    assert (settings.sites, settings.alerts, settings.watchlist, settings.web) == ((), (), (), None)
    assert settings.proxy == ProxySettings()
    assert settings.policy == Policy()


def test_what_else_may_be_said() -> None:
    settings = config.parse(
        f"""
[watcher]
store = "/var/lib/watcher"
[proxy]
url = ["socks5h://tor-a:9050", "socks5://[::1]:9150"]
[[site]]
name = "a"
mirrors = "HTTPS://Leak.Example:443/list?x=1#top"
every = "adaptive"
next = "a.next@href"
[site.headers]
Cookie = "env:COOKIE"
[[site]]
name = "b"
mirrors = ["http://{ONION}", "http://bücher.example:8080/x"]
[[alert]]
to = "file:alerts.jsonl"
[[alert]]
to = "env:SINK"
digest = "1h"
quiet = "22:00-06:30"
timezone = "Europe/Berlin"
template = "alert.txt"
rate = 3
[web]
listen = "0.0.0.0:80"
token = "env:TOKEN"
""",
        FOLDER,
        environ={"COOKIE": "a=b", "SINK": "mailtos://u:p@mail.example", "TOKEN": "x" * 16},
    )
    assert settings.store == Path("/var/lib/watcher")
    assert settings.proxy.urls == ("socks5://tor-a:9050", "socks5://[::1]:9150")
    a, b = settings.sites
    assert (a.mirrors, a.every, a.next, a.headers) == (
        ("https://leak.example/list?x=1",),
        "adaptive",
        "a.next@href",
        {"Cookie": "a=b"},
    )
    assert b.mirrors == (f"http://{ONION}/", "http://xn--bcher-kva.example:8080/x")
    assert [alert.to for alert in settings.alerts] == ["file:/srv/watch/alerts.jsonl", "mailtos://u:p@mail.example"]
    assert settings.alerts[0].kinds == config.KINDS
    mail = settings.alerts[1]
    assert (mail.digest, mail.quiet, mail.rate) == (timedelta(hours=1), (time(22), time(6, 30)), 3)
    assert (mail.zone, mail.template) == (ZoneInfo("Europe/Berlin"), Path("/srv/watch/alert.txt"))
    assert settings.web == WebSettings(host="0.0.0.0", port=80, token="x" * 16)


def test_a_tor_of_our_own() -> None:
    assert config.parse('[proxy]\nurl = "tor"', FOLDER).proxy.managed
    assert not config.parse("", FOLDER).proxy.managed
    proxy = config.parse(
        "[proxy]\nurl = 'tor'\ntors = 3\nbridges = ['env:BRIDGE', 'Bridge 192.0.2.8:443']\ntorrc = 'EntryNodes {is}'",
        FOLDER,
        environ={"BRIDGE": "obfs4 192.0.2.7:443 ABC cert=x iat-mode=0"},
    ).proxy
    assert proxy.tors == 3
    assert proxy.bridges == ("obfs4 192.0.2.7:443 ABC cert=x iat-mode=0", "192.0.2.8:443")
    assert proxy.torrc == ("EntryNodes {is}",)


SITE = '[[site]]\nname = "a"\nmirrors = ["http://a.example/"]\n'
EXAMPLE_URL = "http://….onion/"
FAULTS: list[tuple[str, str]] = [
    # names
    ("[watcher]\nvantge = 'x'", 'watcher.toml:2: [watcher] vantge: unknown key; did you mean "vantage"?'),
    ("\n\n[policy]\nstore = 'x'", "watcher.toml:4: [policy] store: unknown key; it belongs in [watcher]"),
    ("[web]\nzzz = 1", "watcher.toml:2: [web] zzz: unknown key; known here: listen, token"),
    ("[wacher]\n", 'watcher.toml:1: [wacher]: unknown section; did you mean "watcher"?'),
    (
        "[[zzz]]\n",
        "watcher.toml:1: [zzz]: unknown section; known are [watcher], [proxy], [policy], [[watchlist]], [[site]], "
        "[[alert]], [timestamp], [web], [fleet]",
    ),
    ("store = 'x'", "watcher.toml:1: store: the key stands before any section; put it below [watcher]"),
    ("stroe = 'x'", 'watcher.toml:1: stroe: unknown key before any section; did you mean "store"?'),
    # types
    ("[watcher]\nstore = 5", "watcher.toml:2: [watcher] store: the number 5 stands here; write a string in quotes"),
    (
        "[proxy]\ntimeout = 90",
        'watcher.toml:2: [proxy] timeout: the number 90 stands here; write a length of time in quotes such as "90s"',
    ),
    (
        "[policy]\nconfirm_visits = true",
        "watcher.toml:2: [policy] confirm_visits: true (true or false) stands here; write a whole number such as 3",
    ),
    (
        "[policy]\nconfirm_visits = '3'",
        'watcher.toml:2: [policy] confirm_visits: the string "3" stands here; write a whole number such as 3',
    ),
    (f"{SITE}detail = 1", "watcher.toml:4: [[site]] detail: the number 1 stands here; write true or false"),
    (f"{SITE}headers = []", "watcher.toml:4: [[site]] headers: a list stands here; write a table [site.headers]"),
    (f"{SITE}rule = 'x'", 'watcher.toml:4: [[site]] rule: the string "x" stands here; write a table [site.rule]'),
    (
        "[site]\nname = 'a'\nmirrors = ['http://a.example']",
        "watcher.toml:1: [[site]]: [site] is a single table; write [[site]] with double brackets, once for each",
    ),
    (
        "[[policy]]\nconfirm_visits = 3",
        "watcher.toml:1: [policy]: there can be only one; write [policy] with single brackets, once",
    ),
    ("web = 2026-01-01", "watcher.toml:1: [web]: the time 2026-01-01 stands here; write a table [web]"),
    (
        "[[alert]]\nto = 'stdout:'\nkinds = [1]",
        "watcher.toml:3: [[alert]] kinds: the number 1 stands in the list; write kinds such as "
        '["listed", "withdrawn"]',
    ),
    # [watcher]
    (
        "[watcher]\nvantage = 'a+b'",
        "watcher.toml:2: [watcher] vantage: it names signatures; write 1 to 100 of A-Z a-z 0-9 . _ / -, "
        "a letter or digit first",
    ),
    ("[watcher]\nstore = ''", 'watcher.toml:2: [watcher] store: it is empty; write a folder such as "snapshots"'),
    # [proxy]
    (
        "[proxy]\nurl = 'http://127.0.0.1:8118'",
        'watcher.toml:2: [proxy] url: http:// is no SOCKS5 proxy; write "socks5://127.0.0.1:9050" or "tor"',
    ),
    (
        "[proxy]\nurl = [\n'socks5://a:1',\n'socks4://a:2']",
        "watcher.toml:4: [proxy] url: SOCKS4 has no credentials to keep circuits apart, and looks names up here; "
        "write socks5://HOST:PORT",
    ),
    (
        "[proxy]\nurl = 'socks5://127.0.0.1'",
        "watcher.toml:2: [proxy] url: the port is missing; tor listens on 9050, Tor Browser on 9150",
    ),
    (
        "[proxy]\nurl = 'socks5://127.0.0.1:99999'",
        "watcher.toml:2: [proxy] url: the port is no number from 1 to 65535; write HOST:PORT",
    ),
    (
        "[proxy]\nurl = 'socks5://127.0.0.1:9050/x'",
        "watcher.toml:2: [proxy] url: there is something after the port; write socks5://HOST:PORT",
    ),
    (
        "[proxy]\nurl = '127.0.0.1:9050'",
        "watcher.toml:2: [proxy] url: the scheme is missing; write socks5://127.0.0.1:9050",
    ),
    (
        "[proxy]\nurl = []",
        'watcher.toml:2: [proxy] url: it is empty; write an address such as "socks5://127.0.0.1:9050", a list of '
        'them, or "tor"',
    ),
    (
        "[proxy]\nurl = ['socks5://a:1', 'socks5h://A:1']",
        "watcher.toml:2: [proxy] url: the same proxy stands here twice; take one out",
    ),
    (
        "[proxy]\nurl = ['tor', 'socks5://a:1']",
        'watcher.toml:2: [proxy] url: "tor" starts a tor of our own and cannot be mixed with others; '
        "write one or the other",
    ),
    (
        "[proxy]\nurl = 'socks5://u:hunter2@a:1'",
        "watcher.toml:2: [proxy] url: user and password would be replaced by those that keep circuits apart "
        '(isolate = "site"); take them out, or write isolate = "none"',
    ),
    (
        "[proxy]\ntors = 2",
        'watcher.toml:2: [proxy] tors: only a tor of our own is told this; write url = "tor", or take it out',
    ),
    ("[proxy]\nurl = 'tor'\ntors = 0", "watcher.toml:3: [proxy] tors: 0 is too few; write 1 or more"),
    (
        "[proxy]\ncontrol = '192.0.2.7:9051'",
        "watcher.toml:2: [proxy] control: only a tor on this machine is asked; write 127.0.0.1:9051",
    ),
    (
        f"{SITE}[site.rule]",
        'watcher.toml:4: [site.rule]: it is empty; write entry = "CSS" and title = "CSS", or take it out',
    ),
    (
        "[proxy]\nurl = 'tor'\ntors = 17",
        "watcher.toml:3: [proxy] tors: 17 is too many; write 16 or fewer",
    ),
    (
        "[proxy]\nurl = 'tor'\nbridges = ['obfs4']",
        "watcher.toml:3: [proxy] bridges: this is no bridge; write it as it was handed out: "
        '"obfs4 192.0.2.7:443 FINGERPRINT cert=… iat-mode=0"',
    ),
    (
        "[proxy]\nurl = 'tor'\ntorrc = [\n'EntryNodes {is}',\n'SocksPort 9050']",
        "watcher.toml:5: [proxy] torrc: socksport is the watcher's to set; take it out",
    ),
    (
        "[proxy]\nurl = 'tor'\ncontrol = '127.0.0.1:9051'",
        "watcher.toml:3: [proxy] control: the watcher knows the control port of its own tor; take it out",
    ),
    (
        "[proxy]\nisolate = 'sites'",
        'watcher.toml:2: [proxy] isolate: "sites" is unknown; did you mean "site"?',
    ),
    (
        "[proxy]\nisolate = 'always'",
        'watcher.toml:2: [proxy] isolate: "always" is unknown; write "site", "visit" or "none"',
    ),
    ("[proxy]\ntimeout = '0s'", "watcher.toml:2: [proxy] timeout: 0s is too short; write 1s or more"),
    (
        "[proxy]\ntimeout = '90 sec'",
        "watcher.toml:2: [proxy] timeout: '90 sec' is no length of time; write \"90s\"",
    ),
    ("[proxy]\nmax_body = '16 MB!'", "watcher.toml:2: [proxy] max_body: '16 MB!' is no size; write \"16MiB\""),
    (
        "[proxy]\nmax_body = '16B'",
        "watcher.toml:2: [proxy] max_body: 16B is too small for a page; write 1KiB or more",
    ),
    # [policy]
    (
        "[policy]\nconfirm_visits = 0",
        "watcher.toml:2: [policy] confirm_visits: 0 is too few; write 1 or more",
    ),
    ("[policy]\nconfirm_gap = '0s'", "watcher.toml:2: [policy] confirm_gap: 0s is too short; write 0.1s or more"),
    (
        "[policy]\nconfirm_after = '2d'",
        "watcher.toml:2: [policy] confirm_after: a loss that looks like a fault (structural_after) would be believed "
        "sooner than a plain one (confirm_after); make structural_after the longer one",
    ),
    # [[watchlist]]
    ("[[watchlist]]\nmatch = ['a']", 'watcher.toml:1: [[watchlist]] name: it is missing; write a name such as "Acme"'),
    (
        "[[watchlist]]\nname = 'A'",
        'watcher.toml:1: [[watchlist]] match: it is missing; write words such as ["acme", "acme.example"]',
    ),
    (
        "[[watchlist]]\nname = 'A'\nmatch = ['***']",
        "watcher.toml:3: [[watchlist]] match: there is no letter or digit to look for; write words such as "
        '["acme", "acme.example"]',
    ),
    (
        "[[watchlist]]\nname = 'A'\nmatch = ['a']\n[[watchlist]]\nname = 'A'\nmatch = ['b']",
        'watcher.toml:5: [[watchlist]] name: "A" stands here twice; put its words into one match list',
    ),
    # [[site]]
    (
        "[[site]]\nmirrors = ['http://a.example']",
        'watcher.toml:1: [[site]] name: it is missing; write a name such as "clop"',
    ),
    (
        "[[site]]\nname = 'Cl0p!'\nmirrors = ['http://a.example']",
        'watcher.toml:2: [[site]] name: "Cl0p!" is no name; write 1 to 64 of a-z, 0-9 and -',
    ),
    (
        "[[site]]\nname = 'a'",
        f'watcher.toml:1: [[site]] mirrors: it is missing; write addresses such as ["{EXAMPLE_URL}"]',
    ),
    (
        "[[site]]\nname = 'a'\nmirrors = []",
        f'watcher.toml:3: [[site]] mirrors: it is empty; write addresses such as ["{EXAMPLE_URL}"]',
    ),
    (
        f"{SITE}[[site]]\nname = 'a'\nmirrors = ['http://b.example/']",
        'watcher.toml:5: [[site]] name: "a" is the name of another site (line 2); write another',
    ),
    (
        f"{SITE}[[site]]\nname = 'b'\nmirrors = ['http://c.example',\n'http://A.example:80']",
        'watcher.toml:7: [[site]] mirrors: http://a.example/ is already a mirror of "a"; take one out',
    ),
    (
        "[[site]]\nname = 'a'\nmirrors = ['http://a.example', 'http://a.example/']",
        "watcher.toml:3: [[site]] mirrors: http://a.example/ is already a mirror of this site; take one out",
    ),
    (
        f"{SITE}every = 'adaptve'",
        "watcher.toml:4: [[site]] every: 'adaptve' is no length of time; write \"15m\" or \"adaptive\"",
    ),
    (f"{SITE}every = '0s'", "watcher.toml:4: [[site]] every: 0s is too short; write 0.1s or more"),
    (
        f"{SITE}pages = 'page/2'",
        'watcher.toml:4: [[site]] pages: it needs {n} once, for the number, and no host; write "page/{n}/"',
    ),
    (
        f"{SITE}next = 'a.next'",
        "watcher.toml:4: [[site]] next: it names no attribute that holds the address; write CSS@attribute such as "
        '"a.next@href"',
    ),
    (
        f"{SITE}pages = '{{n}}'\nnext = 'a@href'",
        "watcher.toml:5: [[site]] next: pages says already where further pages are; keep one of the two",
    ),
    (
        f"{SITE}headers = {{ Host = 'x' }}",
        "watcher.toml:4: [site.headers] Host: the watcher sets this header itself, or must not send it; take it out",
    ),
    (
        f"{SITE}headers = {{ Authorization = 'Basic x' }}",
        "watcher.toml:4: [site.headers] Authorization: the watcher sets this header itself, or must not send it; "
        "take it out",
    ),
    (
        f'{SITE}[site.headers]\nX = "a\\r\\nHost: b"',
        "watcher.toml:5: [site.headers] X: there is a line end, a control character or a letter outside Latin-1 in "
        "it; take it out",
    ),
    (
        f'{SITE}[site.headers]\n"X Y" = "a"',
        "watcher.toml:5: [site.headers] X Y: this is no name of a header; write letters, digits and -",
    ),
    (
        f'{SITE}[site.headers]\nx-a = "1"\nX-A = "2"',
        "watcher.toml:6: [site.headers] X-A: the header stands here twice, in other letters; take one out",
    ),
    # [[alert]]
    (
        "[[alert]]\nkinds = ['listed']",
        'watcher.toml:1: [[alert]] to: it is missing; write an Apprise URL, "file:alerts.jsonl" or "stdout:"',
    ),
    (
        "[[alert]]\nto = 'slack'",
        'watcher.toml:2: [[alert]] to: it has no scheme; write an Apprise URL such as "slack://…", '
        '"file:alerts.jsonl" or "stdout:"',
    ),
    (
        "[[alert]]\nto = 'slack:x'",
        "watcher.toml:2: [[alert]] to: slack: is followed by nothing that could be a service; write an Apprise URL "
        'such as "slack://…", "file:alerts.jsonl" or "stdout:"',
    ),
    (
        "[[alert]]\nto = 'file:///x'",
        'watcher.toml:2: [[alert]] to: this is no path; write "file:PATH" with a path relative to this file, '
        "or absolute",
    ),
    (
        "[[alert]]\nto = 'stdout:x'",
        'watcher.toml:2: [[alert]] to: there is something after the colon; write "stdout:"',
    ),
    (
        "[[alert]]\nto = 'stdout:'\n[[alert]]\nto = 'STDOUT:'",
        "watcher.toml:4: [[alert]] to: alerts go there already; put all kinds into one [[alert]]",
    ),
    (
        "[[alert]]\nto = 'stdout:'\nkinds = ['withdrwan']",
        'watcher.toml:3: [[alert]] kinds: there is no kind "withdrwan"; did you mean "withdrawn"?',
    ),
    (
        "[[alert]]\nto = 'stdout:'\nwatchlist_only = true",
        "watcher.toml:3: [[alert]] watchlist_only: there is no [[watchlist]], so nothing would ever be told; add one",
    ),
    (
        "[[alert]]\nto = 'stdout:'\ndigest = '1h'",
        "watcher.toml:3: [[alert]] digest: stdout: and file: are for programs, which get each event as it comes; "
        "take it out",
    ),
    (
        "[[alert]]\nto = 'json://x/'\ndigest = '10s'",
        "watcher.toml:3: [[alert]] digest: 10s is too short; write 60s or more",
    ),
    (
        "[[alert]]\nto = 'json://x/'\nquiet = '22:00'",
        "watcher.toml:3: [[alert]] quiet: these are no two times of day; write from when to when, as in "
        '"22:00-06:00"',
    ),
    (
        "[[alert]]\nto = 'json://x/'\nquiet = '22:00-22:00'",
        "watcher.toml:3: [[alert]] quiet: these are no quiet hours; write from when to when, as in "
        '"22:00-06:00", and the place under timezone',
    ),
    (
        "[[alert]]\nto = 'json://x/'\nquiet = '22:00-06:00'\ntimezone = 'Europe/Velmora'",
        'watcher.toml:4: [[alert]] timezone: there is no time zone "Europe/Velmora"; write one such as "Europe/Berlin"',
    ),
    (
        "[[alert]]\nto = 'json://x/'\ntimezone = 'Europe/Berlin'",
        "watcher.toml:3: [[alert]] timezone: it says where quiet hours are meant, and there are none; "
        'add quiet = "22:00-06:00"',
    ),
    (
        "[[alert]]\nto = 'json://x/'\nrate = 0",
        "watcher.toml:3: [[alert]] rate: 0 is too few; write 1 or more",
    ),
    (
        "[[alert]]\nto = 'json://x/'\n\ntemplate = ''",
        'watcher.toml:4: [[alert]] template: it is empty; write a file such as "alert.txt"',
    ),
    (
        "[[alert]]\nto = 'env:SINK'",
        "watcher.toml:2: [[alert]] to: the environment variable SINK is not set; set it first",
    ),
    # [timestamp]
    (
        "[timestamp]\nroots = 'r.pem'\nauthorities = ['tsa.example']",
        "watcher.toml:3: [timestamp] authorities: the scheme is missing; write http://….onion/",
    ),
    (
        "[timestamp]\nauthorities = ['https://tsa.example']",
        "watcher.toml:2: [timestamp] authorities: without pinned roots anyone could have stamped; add "
        'roots = "tsa-roots.pem" below it',
    ),
    # [web]
    (
        "[web]\nlisten = '0.0.0.0:8080'",
        "watcher.toml:2: [web] listen: others could reach it without a token; write 127.0.0.1:8080, or add a token",
    ),
    (
        "[web]\nlisten = '[::]:8080'\ntoken = ''",
        "watcher.toml:2: [web] listen: others could reach it without a token; write 127.0.0.1:8080, or add a token",
    ),
    ("[web]\nlisten = '8080'", "watcher.toml:2: [web] listen: this is no HOST:PORT; write 127.0.0.1:8080"),
    (
        "[web]\nlisten = 'web.example:80'",
        "watcher.toml:2: [web] listen: the host is neither an IP address nor localhost; write 127.0.0.1:8080",
    ),
    (
        "[web]\nlisten = '127.0.0.1:1'\ntoken = 'abc'",
        "watcher.toml:3: [web] token: it is short enough to be guessed; write 16 characters or more, or env:NAME",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fault"), FAULTS, ids=[fault.split(": ", 1)[1][:60] for _, fault in FAULTS])
def test_a_fault(text: str, fault: str) -> None:
    assert faults_of(text) == (fault,)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://a.example/", "ftp:// cannot be watched; write http:// or https://"),
        ("file:///etc/passwd", "file:// cannot be watched; write http:// or https://"),
        ("javascript:alert(1)", f"the scheme is missing; write {EXAMPLE_URL}"),
        ("http://", f"the host is missing; write {EXAMPLE_URL}"),
        ("http:///x", f"the host is missing; write {EXAMPLE_URL}"),
        ("http:a.example", f"the host is missing; write {EXAMPLE_URL}"),
        ("a.example", f"the scheme is missing; write {EXAMPLE_URL}"),
        ("http://a b.example/", f"there is a space or control character in the address; write {EXAMPLE_URL}"),
        ("http://a.example\\@b.example/", f"there is a backslash in the address; write {EXAMPLE_URL}"),
        (
            "http://user:secret@a.example/",
            "the address holds a user name or password, and the watcher never logs in; take it out",
        ),
        ("http://a.example:0/", "there is no port 0; write HOST:PORT"),
        ("http://a.example:x/", "the port is no number from 1 to 65535; write HOST:PORT"),
        ("http://[::1/", f"this is no address; write {EXAMPLE_URL}"),
        ("http://1.2.3.999/", f"the host is no IP address; write {EXAMPLE_URL}"),
        ("http://-a.example/", f"the host is no name that could be looked up; write {EXAMPLE_URL}"),
        ("http://a..example/", f"the host is no name that could be looked up; write {EXAMPLE_URL}"),
        (f"http://{'a' * 64}.example/", f"the host is no name that could be looked up; write {EXAMPLE_URL}"),
    ],
)
def test_a_mirror_that_is_no_page_address(url: str, problem: str) -> None:
    text = f"[[site]]\nname = 'a'\nmirrors = [\n  'http://good.example/',\n  '{url}',\n]"
    assert faults_of(text) == (f"watcher.toml:5: [[site]] mirrors: {problem}",)


@pytest.mark.parametrize(
    ("host", "doubt"),
    [
        ("expyuzz4wqqyqhjn.onion", "a version 2 onion address: they ended in 2021"),
        (ONION.replace("pg6m", "pg6n"), "the onion address does not fit its checksum: a letter is wrong"),
        ("short.onion", "an onion address has 56 letters before .onion, this has 5"),
    ],
)
def test_an_onion_that_tor_cannot_reach_is_doubted(host: str, doubt: str) -> None:
    settings = config.parse(f"[[site]]\nname = 'a'\nmirrors = ['http://{host}/']", FOLDER)
    (told,) = settings.doubts
    assert told.startswith(f"watcher.toml:3: [[site]] mirrors: {doubt}")
    assert told.endswith("; tor cannot reach it, copy the address again")


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    found = faults_of(
        "[web]\nlisten = 'x'\n[watcher]\nstore = 1\nxyz = 2\n[[site]]\nname = '!'\nmirrors = ['ftp://x', 'y']\n[zzz]\n"
    )
    assert [fault.split(":")[1] for fault in found] == ["2", "4", "5", "7", "8", "8", "9"]


RULE_FAULTS = [
    ("entry = 'li['\ntitle = 'b'", 5, "entry"),
    ("title = 'b'", 4, "entry"),
    ("entry = 'li'\ntitle = { css = 'b', regex = '(' }", 6, "title"),
    ("entry = 'li'\ntitle = 'b'\nformat = 'xml'", 7, "format"),
    ("format = 'json'\nentry = 'a['\ntitle = 'b'", 6, "entry"),
]


@pytest.mark.parametrize(("rule", "at", "key"), RULE_FAULTS)
def test_a_rule_that_cannot_be_used(rule: str, at: int, key: str) -> None:
    (fault,) = faults_of(f"{SITE}[site.rule]\n{rule}")
    assert fault.startswith(f"watcher.toml:{at}: [site.rule] {key}")


@pytest.mark.parametrize(
    ("text", "at", "shown"),
    [
        ("[watcher\n", 1, "[watcher"),
        ("\n\na = 'x\n", 3, "a = 'x"),
        ("a = 1\na = 2\n", 2, "a = 2"),
        ("a = ", 1, "a ="),
        ("a = [\n  1,\n  2,\n]\n\nb = 'x\n[watcher]\nstore = 'y'\n", 6, "b = 'x"),
        (f'a = [{"1," * 20}\n]\nb = """x\n' + "text\n" * 300, 3, 'b = """x'),
        ("a = [\n1,\n\n", 2, "1,"),
    ],
)
def test_what_is_no_toml(text: str, at: int, shown: str) -> None:
    (fault,) = faults_of(text)
    assert fault.startswith(f"watcher.toml:{at}: this is no TOML: ")
    assert fault.endswith(f"; the line reads: {shown}")
    assert not re.search(r"line \d|column|document", fault)


def test_the_line_is_found_fast_in_a_long_file() -> None:
    head = "".join(f"[t{n}]\na = [\n{n},\n]\n" for n in range(1000))
    (fault,) = faults_of(f"{head}[x]\nb = 'open\n{head.replace('[t', '[u')}")
    assert fault.startswith("watcher.toml:4002: ")


def test_too_deep() -> None:
    (fault,) = faults_of("a = " + "[" * 100_000)
    assert "nested too deep" in fault


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "[proxy]\nurl = 'env:S'",
        f"[proxy]\nurl = 'socks4://u:{SECRET}@a'",
        "[[alert]]\nto = 'env:S'",
        f"[[site]]\nname = 'a'\nmirrors = ['http://u:{SECRET}@a.example/']",
        f"{SITE}[site.headers]\nX-A = 'env:BAD'",
        "[timestamp]\nauthorities = ['env:S']\nroots = 'x'",
    ],
)
def test_no_fault_tells_a_secret(text: str) -> None:
    for fault in faults_of(text, S=f"{SECRET}x", BAD=f"{SECRET}\r\n"):
        assert "hunter" not in fault


def test_who_only_looks_needs_no_secrets() -> None:
    text = f"""{SITE}[site.headers]
X-A = "env:A"
[[alert]]
to = "env:B"
[web]
listen = "0.0.0.0:80"
token = "env:C"
[proxy]
url = "env:D"
[timestamp]
authorities = ["env:E"]
roots = "r"
"""
    assert [fault.split(" is not")[0][-1] for fault in faults_of(text)] == ["A", "B", "C", "D", "E"]
    settings = config.parse(text, FOLDER, environ={}, secrets=False)
    assert [site.name for site in settings.sites] == ["a"]
    with pytest.raises(ConfigError) as caught:
        config.parse(text + "zzz = 1", FOLDER, environ={}, secrets=False)
    assert len(caught.value.faults) == 1


def test_a_fault_shows_no_control_character() -> None:
    (fault,) = faults_of('"a\\u001b[31m\\u202e" = 1')
    assert "\x1b" not in fault
    assert "\u202e" not in fault


@given(
    st.lists(
        st.tuples(
            st.sampled_from([f"{section}\n{key}" for section, keys in config.SECTIONS.items() for key in sorted(keys)]),
            st.sampled_from(
                ["''", "'x'", "1", "-1", "true", "[]", "['']", "{}", "[[1]]", "1979-05-27", "'env:X'", "inf"]
            ),
        ),
        max_size=4,
    )
)
def test_no_value_of_any_kind_breaks_the_reading(pairs: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in pairs)
    found: tuple[str, ...] = ()
    try:
        config.parse(text, FOLDER, environ={})
    except ConfigError as error:
        found = error.faults
    assert all(fault.startswith("watcher.toml:") for fault in found)


def test_every_key_is_known_to_the_suggestions() -> None:
    """``SECTIONS`` says where a misplaced key belongs, so it must hold what the sections really take."""
    for section, keys in config.SECTIONS.items():
        (fault,) = [one for one in faults_of(f"{section}\nzzzzzzzz = 1") if "zzzzzzzz" in one]
        assert fault.split("known here: ")[1].split(", ") == sorted(keys), section


# ------------------------------------------------------------------------------------------- files


def test_a_file_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    environ = {"WATCHER_CONFIG": "/etc/w.toml"}
    assert config.find("x.toml", environ) == Path("x.toml")
    assert config.find(None, environ) == Path("/etc/w.toml")
    (tmp_path / "watcher.toml").write_text("")
    assert config.find(None, environ) == Path("watcher.toml")


def test_no_file_is_told_with_its_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        config.find(None, {})
    assert str(caught.value) == "there is no watcher.toml in this folder"
    assert "watcher init" in caught.value.hint


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "mine.toml").write_bytes(b"\xef\xbb\xbf[watcher]\r\nstore = '../kept'\r\n")
    monkeypatch.chdir(tmp_path)
    settings = config.load(Path("deep/mine.toml"))
    assert settings.store == tmp_path / "deep" / "../kept"
    assert settings.path == tmp_path / "deep" / "mine.toml"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"[watcher]\nstore = '\xff'\n", ":2: a byte that is no UTF-8; save the file as UTF-8"),
        (b"\n[watcher]\nstore = 1\n", ":3: [watcher] store: the number 1 stands here; write a string in quotes"),
        (b"#" * (config.LARGEST_FILE + 1), ":1: the file is larger than 16 MiB; this is no watcher.toml"),
    ],
)
def test_a_bad_file_is_told_by_its_name(tmp_path: Path, content: bytes, fault: str) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert caught.value.faults == (f"{path}{fault}",)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, problem in [(tmp_path / "none.toml", "No such file or directory"), (tmp_path, "Is a directory")]:
        with pytest.raises(ConfigError) as caught:
            config.load(path)
        assert str(caught.value) == f"{path}: {problem}"
        assert caught.value.exit_code == 2


def test_settings_cannot_be_changed() -> None:
    settings = config.parse(EXAMPLE, FOLDER)
    for record in (settings, settings.proxy, settings.sites[0], settings.alerts[0]):
        with pytest.raises(AttributeError):
            setattr(record, fields(record)[0].name, "x")
