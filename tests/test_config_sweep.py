"""Every key of ``watcher.toml``, one by one: what is wrong with it is told with file, line, key and mend, and what is
right stands in the settings."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from watcher import config
from watcher.config import Settings
from watcher.core import note
from watcher.errors import ConfigError

FOLDER = Path("/srv/watch")
VANTAGE = "local+7add2ff6+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
WITNESS = str(note.VerifierKey(name="w.example", kind=note.COSIGNATURE_V1, public=bytes(32)))

MANY_DIGITS = "0x" + "f" * 5000
"""More than Python writes out in decimals."""
NO_TEXT = ("5", "true", "[]", "{}", "1979-05-27", "inf", MANY_DIGITS, r'"a\u0000b"')
NO_TEXTS = ("5", "false", "{}", "[5]", "[[]]", "[{}]", '[""]', "07:32:00", MANY_DIGITS)
NO_FLAG = ("1", '"true"', "[]", "{}", '""', MANY_DIGITS)
NO_COUNT = ('"3"', "true", "1.5", "[3]", "{}", "0", "-1", "nan", "1000001", "9" * 60, "-" + "9" * 4000, MANY_DIGITS)
NO_LENGTH = (
    "90", "1.5", "true", "[]", "{}", '""', '"90"', '"s"', '"-5s"', '"5 m"', '"5min"', '"5M"', '"1h 30m"', '"٣s"',
    '"1e3s"', '"99999d"', '"999999999w"', f'"{"9" * 5000}s"', '"5MiB"', '"P1D"', r'"5s\u0000"',
)  # fmt: skip
NO_SIZE = (
    "16", "true", "[]", '""', '"0"', '"1023B"', '"-1MiB"', '"16mib"', '"16M"', '"1TiB"', '"5GiB"', '"999999999999GiB"',
    f'"{"9" * 400}GiB"', '"1e9"', '"90s"', '"٣MiB"',
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Key:
    """One key: what it may not be, and where a good value of it is found again."""

    section: str
    name: str
    good: str
    """As TOML; not the default."""
    want: Any
    of: Callable[[Settings], Any]
    bad: tuple[str, ...]
    beside: str = ""
    """What else the section needs."""

    def text(self, value: str, name: str = "") -> str:
        """A file with that value; the key is on its last line."""
        return f"{NEEDS.get(self.section, '')}{self.section}\n{self.beside}\n# the key\n{name or self.name} = {value}"


def first_site(attribute: str) -> Callable[[Settings], Any]:
    return lambda settings: getattr(settings.sites[0], attribute)


def first_alert(attribute: str) -> Callable[[Settings], Any]:
    return lambda settings: getattr(settings.alerts[0], attribute)


def rule(settings: Settings) -> Any:
    assert settings.sites[0].rule is not None
    return settings.sites[0].rule


def selectors(field: str) -> Callable[[Settings], Any]:
    return lambda settings: [(one.css, one.attr, one.nth) for one in rule(settings).fields[field]]


def fleet(attribute: str) -> Callable[[Settings], Any]:
    return lambda settings: getattr(settings.fleet, attribute)


def web(settings: Settings) -> Any:
    assert settings.web is not None
    return settings.web


MIRRORS = 'mirrors = ["http://a.example/"]\n'
NEEDS = {
    "[[alert]]": '[[watchlist]]\nname = "x"\nmatch = "x"\n',
    "[site.rule]": f'[[site]]\nname = "a"\n{MIRRORS}',
    "[site.headers]": f'[[site]]\nname = "a"\n{MIRRORS}',
}
SITE = f'name = "a"\n{MIRRORS}'
CHAT = 'to = "json://chat.example/"\n'
FLEET = f'servers = ["nats://192.0.2.7"]\nvantages = ["{VANTAGE}"]\n'
OWN_TOR = 'url = "tor"\n'
RULE = 'entry = "li"\ntitle = "b"\n'


def sweep() -> Iterator[Key]:
    def in_watcher(name: str, good: str, want: Any, *more: str) -> Key:
        return Key(
            section="[watcher]",
            name=name,
            good=f'"{good}"',
            want=want,
            of=lambda s: getattr(s, name),
            bad=NO_TEXT + more,
        )

    yield in_watcher("vantage", "berlin-1", "berlin-1", '""', '"-a"', '"a b"', '"a+b"', f'"{"a" * 101}"', '"ü"')
    yield in_watcher("store", "../kept", FOLDER / "../kept", '""', '"  "')
    yield in_watcher("key", "/etc/w.key", Path("/etc/w.key"), '""')
    yield in_watcher("operator", "Example CERT", "Example CERT")
    place = "s3://b/p?endpoint=https://192.0.2.9:9000&region=x"
    yield in_watcher(
        "bodies", place, place, '""', '"/srv/bodies"', '"s3://"', '"s3://["', '"https://b/"', '"s3://u:p@b/"',
        '"s3://b?ednpoint=x"', '"s3://b?endpoint=192.0.2.9"', '"s3://b?endpoint=https://"', '"s3://b?endpoint=http://["',
    )  # fmt: skip

    def in_proxy(name: str, good: str, want: Any, *bad: str, beside: str = "") -> Key:
        at = "urls" if name == "url" else name
        return Key(
            section="[proxy]",
            name=name,
            good=good,
            want=want,
            of=lambda s: getattr(s.proxy, at),
            bad=bad,
            beside=beside,
        )

    yield in_proxy(
        "url", '["socks5h://Tor-A:1"]', ("socks5://tor-a:1",), *NO_TEXTS, '""', "[]", '"http://127.0.0.1:8118"',
        '"https://127.0.0.1:9050"', '"socks4a://127.0.0.1:9050"', '"socks5://127.0.0.1"', '"socks5://:9050"',
        '"socks5://127.0.0.1:0"', '"socks5://127.0.0.1:70000"', '"socks5://1.2.3.999:9050"', '"9050"', '"Tor"',
        '["tor", "socks5://127.0.0.1:9050"]', '["socks5://a:1", "socks5://A:1/"]', '"env:NO_SUCH"', '"env:"',
        r'"socks5://a:1\u0000"',
    )  # fmt: skip
    yield in_proxy("control", '"[::1]:9051"', ("::1", 9051), *NO_TEXT, '""', '"9051"', '"127.0.0.1:0"', '"tor:9051"',
                   '"192.0.2.1:9051"', '"127.0.0.1:65536"')  # fmt: skip
    yield in_proxy("isolate", '"visit"', "visit", *NO_TEXT, '""', '"Site"', '"circuit"')
    yield in_proxy("timeout", '"1m30.5s"', timedelta(seconds=90.5), *NO_LENGTH, '"999ms"')
    yield in_proxy("max_body", '"1.5MiB"', 3 << 19, *NO_SIZE)
    yield in_proxy("tors", "16", 16, *NO_COUNT, "17", beside=OWN_TOR)
    yield in_proxy("bridges", '["192.0.2.8:443"]', ("192.0.2.8:443",), *NO_TEXTS, '["x"]', '["host:443"]',
                   '["env:NO_SUCH"]', beside=OWN_TOR)  # fmt: skip
    yield in_proxy("torrc", '"EntryNodes {is}"', ("EntryNodes {is}",), *NO_TEXTS, '["ControlPort 1"]', '[" "]',
                   r'["A b\nSocksPort 1"]', r'"A \u0000"', beside=OWN_TOR)  # fmt: skip

    def in_policy(name: str, good: str, want: Any, *bad: str) -> Key:
        return Key(section="[policy]", name=name, good=good, want=want, of=lambda s: getattr(s.policy, name), bad=bad)

    yield in_policy("confirm_visits", "5", 5, *NO_COUNT)
    yield in_policy("confirm_after", '"0s"', timedelta(0), *NO_LENGTH, '"13h"')
    yield in_policy("confirm_gap", '"100ms"', timedelta(seconds=0.1), *NO_LENGTH, '"99ms"', '"0s"')
    yield in_policy("structural_after", '"1w"', timedelta(weeks=1), *NO_LENGTH, '"29m"')

    def in_watchlist(name: str, good: str, want: Any, beside: str, *bad: str) -> Key:
        return Key(section="[[watchlist]]", name=name, good=good, want=want, beside=beside, bad=bad,
                   of=lambda s: getattr(s.watchlist[0], name))  # fmt: skip

    yield in_watchlist("name", '"Velmora"', "Velmora", 'match = ["x"]', *NO_TEXT, '""', '" "')
    yield in_watchlist("match", '"vel mora"', ("vel mora",), 'name = "V"', *NO_TEXTS, "[]", '""', '"**"', '["a", "–"]')

    def in_site(name: str, good: str, want: Any, *bad: str, beside: str = SITE) -> Key:
        return Key(section="[[site]]", name=name, good=good, want=want, of=first_site(name), bad=bad, beside=beside)

    yield in_site("name", f'"{"a" * 64}"', "a" * 64, *NO_TEXT, '""', '"A"', '"a b"', '"a_b"', '"../a"', f'"{"a" * 65}"',
                  beside=MIRRORS)  # fmt: skip
    yield in_site(
        "mirrors", '"HTTP://B.example:80#x"', ("http://b.example/",), *NO_TEXTS, "[]", '""', '"b.example"', '"ftp://b"',
        '"http://"', '"http://u@b.example/"', '"http://b.example:0/"', '"http://b..example/"', '"http://[::1"',
        '"http://1.2.3.256/"', f'"http://{"b" * 64}.example/"', f'"http://{"b." * 130}example/"',
        '["http://b.example/", "HTTP://B.EXAMPLE:80/"]', r'"http://b.example/\u0000"', '"socks5://b.example/"',
        beside='name = "a"',
    )  # fmt: skip
    yield in_site("every", '"adaptive"', "adaptive", *NO_LENGTH, '"Adaptive"', '"99ms"')
    yield in_site("detail", "false", False, *NO_FLAG)
    yield in_site("pages", '"?p={n}"', "?p={n}", *NO_TEXT, '""', '"page/2"', '"{n}/{n}"', '"http://b.example/{n}"')
    yield in_site("next", '"a[rel=next]@href"', "a[rel=next]@href", *NO_TEXT, '""', '"a"', '"@href"', '"a@"',
                  '"a[@href"', '"li[li[li[@href"', '"a:not(@href"')  # fmt: skip
    yield in_site("headers", '{ "X-A" = "1" }', {"X-A": "1"}, "5", "true", '"X"', "[]", '[{ "X-A" = "1" }]')
    yield in_site("vantages", "2", 2, *NO_COUNT)
    yield in_site("rule", '{ entry = "li", title = "b" }', ("li",), "5", "true", '"li"', "[]", '[{ entry = "li" }]')

    def in_rule(name: str, good: str, want: Any, of: Callable[[Settings], Any], beside: str, *bad: str) -> Key:
        return Key(section="[site.rule]", name=name, good=good, want=want, of=of, beside=beside, bad=bad)

    no_path = ("5", "true", "{}", "[5]", "[[]]", "1979-05-27", MANY_DIGITS, "[]", '"li["', '[":not("]')
    yield in_rule("entry", '["ul li", "tr"]', ("ul li", "tr"), lambda s: rule(s).entry, 'title = "b"', *no_path, '""')
    for field in ("title", "link", "deadline"):
        yield in_rule(
            field, '["h2@title", { css = "b", nth = -1 }]', [("h2", "title", 0), ("b", "", -1)],
            selectors(field),
            RULE if field != "title" else 'entry = "li"',
            *(set(no_path) - {"{}"}), '{ css = 5 }', '{ csss = "b" }', '{ nth = "1" }', "{ nth = 1.0 }",
            f"{{ nth = {'9' * 20} }}", f"{{ nth = {MANY_DIGITS} }}", '{ attr = "a b" }', '{ regex = "(" }',
            '{ template = "x" }', f"{{ {'x' * 60} = 1 }}",
        )  # fmt: skip
    yield in_rule("skip", '["HOME"]', ("HOME",), lambda s: rule(s).skip, RULE, "5", "true", "{}", "[5]", MANY_DIGITS)
    yield in_rule("format", '"json"', "json", lambda s: rule(s).format, 'entry = "data"\ntitle = "name"', "5", "[]",
                  "{}", "true", '"JSON"', '""', '"xml"', MANY_DIGITS, "1979-05-27")  # fmt: skip
    yield Key(
        section="[site.headers]", name="Cookie", good='"a=b"', want={"Cookie": "a=b"}, of=first_site("headers"),
        bad=("5", "true", "[]", "{}", MANY_DIGITS, r'"a\r\nHost: b"', r'"a\u0000"', '"Ω"', '"env:NO_SUCH"'),
    )  # fmt: skip

    def in_alert(name: str, good: str, want: Any, *bad: str, beside: str = CHAT, at: str = "") -> Key:
        return Key(
            section="[[alert]]", name=name, good=good, want=want, of=first_alert(at or name), bad=bad, beside=beside
        )

    yield in_alert("to", '"FILE:a.jsonl"', f"file:{FOLDER}/a.jsonl", "5", "true", "[]", "{}", MANY_DIGITS, '""',
                   '"slack"', '"slack:"', '"slack://"', '"stdout"', '"stdout:x"', '"file:"', '"file:///a"',
                   r'"file:a\u0000"', '"json://a b/"', '"env:NO_SUCH"', '"1x://a"', beside="")  # fmt: skip
    yield in_alert("kinds", '"vanished"', ("vanished",), *NO_TEXTS, "[]", '""', '"Listed"', '["listed", "removed"]')
    yield in_alert("watchlist_only", "true", True, *NO_FLAG, beside=CHAT)
    yield in_alert("digest", '"1m"', timedelta(minutes=1), *NO_LENGTH, '"59s"')
    yield in_alert("quiet", '"22:00 – 06:30"', (time(22), time(6, 30)), *NO_TEXT, '""', '"22-22"', '"25:00-06:00"',
                   '"22:00"', '"22:00-23:00-24:00"', '"22:00+01:00-06:00"', '"nights"')  # fmt: skip
    yield in_alert("timezone", '"Asia/Tokyo"', ZoneInfo("Asia/Tokyo"), *NO_TEXT, '""', '"Mars/Base"', '"Europe"',
                   '"/etc"', '"../UTC"',
                   f'"{"x" * 5000}"', beside=f'{CHAT}quiet = "22:00-06:00"', at="zone")  # fmt: skip
    yield in_alert("template", '"t.txt"', FOLDER / "t.txt", *NO_TEXT, '""', '" "')
    yield in_alert("rate", "1", 1, *NO_COUNT)

    def in_timestamp(name: str, good: str, want: Any, *bad: str, beside: str = "") -> Key:
        return Key(section="[timestamp]", name=name, good=good, want=want, bad=bad, beside=beside,
                   of=lambda s: getattr(s.timestamp, name))  # fmt: skip

    yield in_timestamp("authorities", '"https://tsa.example"', ("https://tsa.example/",), *NO_TEXTS, '"tsa.example"',
                       '"ftp://tsa.example/"', '["http://t.example", "http://T.example/"]', '"env:NO_SUCH"',
                       beside='roots = "r.pem"')  # fmt: skip
    yield in_timestamp("roots", '"r.pem"', FOLDER / "r.pem", *NO_TEXT, '""')
    yield in_timestamp("witnesses", f'"https://w.example {WITNESS}"', (("https://w.example/", WITNESS),), *NO_TEXTS,
                       '"https://w.example"', f'"ftp://w.example {WITNESS}"', f'"https://w.example {VANTAGE}"',
                       '"https://w.example w+00000000+x"', '"https://["')  # fmt: skip

    yield Key(section="[web]", name="listen", good='"[::1]:0"', want=("::1", 0),
              of=lambda s: (web(s).host, web(s).port), bad=(*NO_TEXT, '""', '"8080"', '":8080"', '"localhost"',
                   '"web.example:80"', '"127.0.0.1:65536"',
                   '"127.0.0.1:٣"', '"0.0.0.0:80"', '"http://127.0.0.1:80"', '"127.0.0.1:-1"'))  # fmt: skip
    yield Key(section="[web]", name="token", good=f'"{"t" * 16}"', want="t" * 16, of=lambda s: web(s).token,
              bad=("5", "true", "[]", "{}", MANY_DIGITS, '"short"', f'"{"t" * 15}"', '"env:NO_SUCH"'))  # fmt: skip

    def in_fleet(name: str, good: str, want: Any, *bad: str, at: str = "") -> Key:
        beside = re.sub(rf"{name} = .*\n", "", FLEET)
        return Key(section="[fleet]", name=name, good=good, want=want, of=fleet(at or name), bad=bad, beside=beside)

    key = note.parse_key(VANTAGE)
    yield in_fleet("servers", '["tls://[::1]", "nats://localhost:1"]', ("tls://[::1]:4222", "nats://127.0.0.1:1"),
                   *NO_TEXTS, "[]", '""', '"192.0.2.7"', '"http://192.0.2.7"', '"nats://fleet.example"', '"nats://["',
                   '"nats://u:p@192.0.2.7"', '"nats://192.0.2.7:99999"', '"nats://192.0.2.7/x"')  # fmt: skip
    yield in_fleet("credentials", '"file:a.creds"', FOLDER / "a.creds", "5", "true", "[]", "{}", MANY_DIGITS,
                   '"env:NO_SUCH"', at="credentials_file")  # fmt: skip
    yield in_fleet("roots", '"ca.pem"', FOLDER / "ca.pem", *NO_TEXT, '""')
    no_keys = ('"local"', '"local+00000000+AAAA"', f'"{WITNESS}"', f'["{VANTAGE}", "{VANTAGE}"]', f'"{VANTAGE[:-1]}"')
    yield in_fleet("vantages", f'"{VANTAGE}"', (key,), *NO_TEXTS, "[]", '""', *no_keys)
    yield in_fleet("operators", f'"{VANTAGE}"', (key,), *NO_TEXTS, *no_keys)
    yield in_fleet("each", "1", 1, *NO_COUNT, "2")
    yield in_fleet("agree", "1", 1, *NO_COUNT, "2")
    yield in_fleet("lease", '"1s"', timedelta(seconds=1), *NO_LENGTH, '"999ms"')


KEYS = tuple(sweep())
each_key = pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key.section}{key.name}")
MEND = re.compile(r"[;,:] ?(write|take|set|add|put|keep|make|save"
                  r"|did you mean|known|it belongs|each vantage|they come from|tor listens)\b"
                  r"|\bmust (be|hold)\b|it needs \{n\}")  # fmt: skip
LONGEST = 600
"""Letters of a fault: whatever stood in the file, it is told in a few lines of a terminal."""


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.parse(text, FOLDER, name="my.toml", environ={})
    assert caught.value.hint
    return caught.value.faults


def is_told_well(fault: str) -> None:
    """One line, short, no control character, and a mend."""
    assert fault.isprintable(), fault
    assert len(fault) < LONGEST, fault
    assert MEND.search(fault.split(": ", 2)[2]), f"no mend: {fault}"


def test_no_key_is_left_out() -> None:
    swept = {(key.section, key.name) for key in KEYS}
    known = {(section, name) for section, names in config.SECTIONS.items() for name in names}
    assert known <= swept
    assert {section for section, _ in swept - known} == {"[site.rule]", "[site.headers]"}


@each_key
def test_a_good_value_stands_in_the_settings(key: Key) -> None:
    text = key.text(key.good)
    for written in (text, "\ufeff".join(["", text.replace("\n", "\r\n")])):
        settings = config.parse(written.removeprefix("\ufeff"), FOLDER, environ={})
        found = key.of(settings)
        assert (found.entry if key.name == "rule" else found) == key.want
    if key.section in {"[watcher]", "[proxy]", "[policy]"}:  # their defaults need nothing beside them
        assert key.of(config.parse(key.text('"x"', "#"), FOLDER, environ={})) != key.want


@each_key
def test_each_bad_value_is_told_with_line_key_and_mend(key: Key) -> None:
    for value in key.bad:
        text = key.text(value)
        line = text.count("\n") + 1
        faults = faults_of(text)
        place = f"my.toml:{line}: {key.section if key.name != 'rule' else '[[site]]'} {key.name}: "
        assert [fault for fault in faults if fault.startswith(place)], (value[:60], faults)
        for fault in faults:
            is_told_well(fault)


@each_key
def test_a_misspelt_key_is_told_with_the_right_one(key: Key) -> None:
    if key.section in {"[site.rule]", "[site.headers]"}:
        return  # any other name is a field or a header
    wrong = key.name + key.name[-1]
    (told,) = [fault for fault in faults_of(key.text(key.good, wrong)) if f" {wrong}: " in fault]
    assert told.endswith(f': {key.section} {wrong}: unknown key; did you mean "{key.name}"?')


@each_key
def test_a_key_given_twice_is_told_where_it_stands_again(key: Key) -> None:
    text = key.text(key.good)
    (fault,) = faults_of(f"{text}\n{key.name} = {key.good}\n")
    assert fault.startswith(f"my.toml:{text.count(chr(10)) + 2}: this is no TOML: ")
    assert "the line reads: " in fault


@each_key
def test_a_value_beyond_measure_is_taken_or_told_in_few_words(key: Key) -> None:
    for value in ('"' + "x" * 50_000 + '"', "[" + '"x", ' * 2_000 + "]", '"' + "é{}*%\\\\" * 5_000 + '"'):
        try:
            config.parse(key.text(value), FOLDER, environ={})
        except ConfigError as error:
            longest = max(map(len, error.faults))
        else:
            longest = 0
        assert longest < LONGEST


# --------------------------------------------------------------------------------------- the file as a whole


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[watcher]\n\n[proxy]\ntors = " + "9" * 5000, 4),
        ("# " + "1" * 5000 + "\n", None),  # a comment is no number
        ("[watcher]\nstore = 1\nstore = 2", 3),
        ("[watcher]\n[proxy]\n[watcher]", 3),
        ('[[site]]\nname = "a"\n[site]\nname = "b"', 3),
        ("[watcher]\nstore = 'a' 'b'", 2),
        ("[watcher]\nstore = snapshots", 2),
        ("[watcher]\nstore: 'a'", 2),
        ("[watcher]\n\tstore = 'a\nb'", 2),
        ('[watcher]\nstore = "C:\\watch"', 2),
        ("[policy]\nconfirm_visits = 03", 2),
        ("[policy]\r\nconfirm_after = \u201c30m\u201d\r\n", 2),
        ("[watcher]\nstore = 'a\x07'", 2),
        ('{"watcher": {}}', 1),
        ("watcher:\n  store: a\n", 1),
    ],
)
def test_what_python_cannot_read_is_told_with_its_line(text: str, line: int | None) -> None:
    if line is None:
        config.parse(text, FOLDER, environ={})
        return
    (fault,) = faults_of(text)
    assert fault.startswith(f"my.toml:{line}: ")
    assert len(fault) < LONGEST
    assert fault.isprintable()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1", "cp037"])
def test_another_encoding_is_told_as_one(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes('[watcher]\nstore = "zürich"\n'.encode(encoding))
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    (fault,) = caught.value.faults
    assert re.match(rf"{re.escape(str(path))}:\d: ", fault)
    assert "UTF-8" in fault


def test_a_byte_order_mark_and_windows_lines_are_no_faults(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(b"\xef\xbb\xbf[watcher]\r\nvantage = 'b'\r\nstroe = 'x'\r\n")
    with pytest.raises(ConfigError) as caught:
        config.load(path)
    assert caught.value.faults == (f'{path}:3: [watcher] stroe: unknown key; did you mean "store"?',)


def test_what_one_site_takes_another_cannot_have() -> None:
    """Names and mirrors are one site's alone; each second one is told, with whose it is, on its own line."""
    blocks = "".join(
        f'[[site]]\nname = "{name}"\nmirrors = ["{mirror}"]\n'
        for name, mirror in (("a", "http://x.example/"), ("b", "http://X.example:80"), ("a", "http://y.example/"))
    )
    second, third = faults_of(blocks)
    assert second == 'my.toml:6: [[site]] mirrors: http://x.example/ is already a mirror of "a"; take one out'
    assert third == 'my.toml:8: [[site]] name: "a" is the name of another site (line 2); write another'
    same_host = '[[site]]\nname = "a"\nmirrors = ["http://x.example/a", "https://x.example/", "http://x.example:81/"]'
    assert len(config.parse(same_host, FOLDER).sites[0].mirrors) == 3


def test_a_thousand_faults_are_told_in_the_order_of_the_file() -> None:
    text = "".join(f'[[site]]\nname = "S{n}"\nmirors = []\n' for n in range(400))
    lines = [int(fault.split(":")[1]) for fault in faults_of(text)]
    assert len(lines) == 1200  # a bad name, no mirrors, an unknown key
    assert lines == sorted(lines)


def test_a_section_of_another_name_is_not_read() -> None:
    for section in config.SECTIONS:
        name = section.strip("[]")
        found = faults_of(f"{section.replace(name, name + name[-1])}\nx = 1\n")
        assert found == (f'my.toml:1: [{name}{name[-1]}]: unknown section; did you mean "{name}"?',)


def test_without_secrets_only_they_are_forgiven() -> None:
    """Every key that may be ``env:NAME``, and no other, is let through where no secret is needed."""
    forgiven = set()
    for key in KEYS:
        for value in ('"env:NO_SUCH"', '["env:NO_SUCH"]'):
            text = key.text(value)
            try:
                config.parse(text, FOLDER, environ={}, secrets=False)
            except ConfigError:
                continue
            try:
                config.parse(text, FOLDER, environ={})
            except ConfigError:
                forgiven.add(f"{key.section} {key.name}")
    assert forgiven == {
        "[proxy] url", "[proxy] bridges", "[proxy] torrc", "[site.headers] Cookie", "[[alert]] to",
        "[timestamp] authorities", "[web] token", "[fleet] credentials",
    }  # fmt: skip


def test_no_quiet_hours_without_a_zone_are_meant_in_utc() -> None:
    settings = config.parse(f'[[alert]]\n{CHAT}quiet = "22:00-06:00"', FOLDER)
    assert settings.alerts[0].zone is UTC
