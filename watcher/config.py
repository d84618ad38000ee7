"""``watcher.toml`` to frozen settings; or every fault at once: line, key, what is wrong and what would be right."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, time, timedelta, tzinfo
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from watcher.core import addresses
from watcher.core.batches import MANY
from watcher.core.escape import line
from watcher.core.fleet_tables import KEYS as FLEET_KEYS
from watcher.core.fleet_tables import FleetSettings, read_fleet
from watcher.core.proxy_tables import KEYS as PROXY_KEYS
from watcher.core.proxy_tables import ProxySettings, read_proxy
from watcher.core.site_tables import A_MOMENT, read_sites
from watcher.core.tables import Faults, Table, meant
from watcher.core.watchlist import Watch
from watcher.errors import ConfigError
from watcher.records import EventKind, Policy, Site

FILE = "watcher.toml"
VARIABLE = "WATCHER_CONFIG"
LARGEST_FILE = 16 << 20
KINDS: tuple[str, ...] = get_args(EventKind)
MEND = "nothing was started; mend these and try again"
NOTHING = timedelta(0)
A_MINUTE = timedelta(minutes=1)
SECTIONS: Mapping[str, frozenset[str]] = {
    "[watcher]": frozenset({"vantage", "store", "bodies", "operator", "key"}),
    "[proxy]": PROXY_KEYS,
    "[policy]": frozenset({"confirm_visits", "confirm_after", "confirm_gap", "structural_after"}),
    "[[watchlist]]": frozenset({"name", "match"}),
    "[[site]]": frozenset({"name", "mirrors", "every", "detail", "pages", "next", "headers", "rule", "vantages"}),
    "[[alert]]": frozenset({"to", "kinds", "watchlist_only", "digest", "quiet", "timezone", "template", "rate"}),
    "[timestamp]": frozenset({"authorities", "roots", "witnesses"}),
    "[web]": frozenset({"listen", "token"}),
    "[fleet]": FLEET_KEYS,
}
"""Every section and its keys: says where a misplaced key belongs. ``[site.rule]`` and ``headers`` take any key."""
SECTION_NAMES = tuple(name.strip("[]") for name in SECTIONS)

_DIGITS = re.compile(r"[\d_]{4000,}|$")
VANTAGE_RIGHT = "write 1 to 100 of A-Z a-z 0-9 . _ / -, a letter or digit first"
VANTAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")

_TOKEN = re.compile(
    r"""#[^\n]*|\"{3}(?:[^\\]|\\.)*?\"{3,5}(?!\")|'{3}.*?'{3,5}(?!')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(["'])|[^#"']+""",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """One place that is told of events."""

    to: str
    """``stdout:``, ``file:`` and an absolute path, or the URL of a service; may hold a secret."""
    kinds: tuple[str, ...] = KINDS
    watchlist_only: bool = False
    digest: timedelta | None = None
    """Everything of so long in one message."""
    quiet: tuple[time, time] | None = None
    """From when to when, by the clock of ``zone``, nothing is told; then all of it in one message."""
    zone: tzinfo = UTC
    template: Path | None = None
    """How a message is worded."""
    rate: int = MANY
    """More events of one kind at one site at once than this are one message."""

    @property
    def is_service(self) -> bool:
        """Whether a service tells people, out in the world; else a program here gets each event as it comes."""
        return not self.to.startswith(("stdout:", "file:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimestampSettings:
    """Independent time."""

    authorities: tuple[str, ...] = ()
    """RFC 3161 addresses."""
    roots: Path | None = None
    """The pinned root certificates."""
    witnesses: tuple[tuple[str, str], ...] = ()
    """Address and verifier key of each witness that is asked to cosign checkpoints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Where the web page is served."""

    host: str = "127.0.0.1"
    port: int = 8080
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All of ``watcher.toml``, checked."""

    path: Path
    """The file."""
    vantage: str = "local"
    store: Path
    bodies: str = ""
    """Where large bodies go, if not into the store: ``s3://BUCKET/PREFIX``."""
    operator: str = ""
    key: Path
    """The signing key."""
    proxy: ProxySettings = field(default_factory=ProxySettings)
    policy: Policy = field(default_factory=Policy)
    watchlist: tuple[Watch, ...] = ()
    sites: tuple[Site, ...] = ()
    alerts: tuple[AlertSettings, ...] = ()
    timestamp: TimestampSettings = TimestampSettings()
    web: WebSettings | None = None
    fleet: FleetSettings | None = None
    """None: this watcher works alone."""
    doubts: tuple[str, ...] = ()
    """What is no fault and yet cannot be meant; in the form of faults."""

    @property
    def is_index(self) -> bool:
        """Whether these are an index's: of a fleet, and none of its vantages."""
        return self.fleet is not None and self.vantage not in self.fleet.names

    def site(self, name: str) -> Site:
        """The site of that name. Raises KeyError."""
        for site in self.sites:
            if site.name == name:
                return site
        raise KeyError(name)


def find(given: str | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """The file to use: the one given, else ``./watcher.toml``, else ``$WATCHER_CONFIG``. Raises ConfigError."""
    if given:
        return Path(given)
    if Path(FILE).is_file():
        return Path(FILE)
    if named := environ.get(VARIABLE):
        return Path(named)
    raise ConfigError(
        (f"there is no {FILE} in this folder",),
        hint=f"write one with `watcher init`, or name one: `-c FILE`, or {VARIABLE}=FILE in the environment",
    )


def load(path: Path, *, secrets: bool = True) -> Settings:
    """The settings in the file. Raises ConfigError with every fault. Without ``secrets`` it is no fault that an
    ``env:NAME`` is not set: whoever only looks at the store needs no passwords."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(
            (f"{path}: {error.strerror}",), hint="name another with `-c FILE`, or write one with `watcher init`"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError((f"{path}:{at}: a byte that is no UTF-8; save the file as UTF-8",), hint=MEND) from error
    if len(raw) > LARGEST_FILE:
        raise ConfigError((f"{path}:1: the file is larger than 16 MiB; this is no {FILE}",), hint=MEND)
    return parse(text, path.absolute().parent, name=str(path), secrets=secrets)


def parse(
    text: str, folder: Path, *, name: str = FILE, environ: Mapping[str, str] = os.environ, secrets: bool = True
) -> Settings:
    """The settings that the text says; its paths are relative to ``folder``. Raises ConfigError with every fault."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            (_syntax_fault(str(error), text, name),), hint="https://toml.io says how it is written"
        ) from error
    except ValueError as error:  # tomllib's own is one, too, and stands above
        at = _DIGITS.split(text, 1)[0].count("\n") + 1
        raise ConfigError((f"{name}:{at}: a number has thousands of digits; write fewer",), hint=MEND) from error
    except RecursionError as error:
        raise ConfigError(
            (f"{name}:1: lists or tables are nested too deep; {FILE} needs no more than three",), hint=MEND
        ) from error
    faults = Faults(name, text)
    top = Table(data=data, name="", path=(), faults=faults, environ=environ, sections=SECTIONS)
    settings = _settings(top, folder, folder / Path(name).name)
    for key in data:
        if key not in SECTION_NAMES:
            faults.add((key,), *_unknown_at_top(key, data[key]))
    if told := faults.told(secrets=secrets):
        raise ConfigError(told, hint=MEND)
    return settings


# ----------------------------------------------------------------------------------------------- by section


def _settings(top: Table, folder: Path, path: Path) -> Settings:
    own = top.table("watcher", "[watcher]")
    vantage = own.text("vantage", "local")
    if not VANTAGE.fullmatch(vantage):
        own.fault("vantage", f"it names signatures; {VANTAGE_RIGHT}")
    store = folder / own.text("store", "snapshots", needed='write a folder such as "snapshots"')
    bodies = own.made("bodies", own.text("bodies"), addresses.parse_place, None) if own.has("bodies") else None
    key = folder / own.text("key", "watcher.key", needed='write a file such as "watcher.key"')
    operator = own.text("operator")
    own.finish()
    proxy = read_proxy(top.table("proxy", "[proxy]"))
    policy = _policy(top.table("policy", "[policy]"))
    watchlist = _watchlist(top)
    return Settings(
        path=path,
        vantage=vantage,
        store=store,
        bodies=bodies.url if bodies else "",
        operator=operator,
        key=key,
        proxy=proxy,
        policy=policy,
        watchlist=watchlist,
        sites=read_sites(top),
        alerts=_alerts(top, folder, watchlist),
        timestamp=_timestamp(top.table("timestamp", "[timestamp]"), folder),
        web=_web(top.table("web", "[web]")) if "web" in top.data else None,
        fleet=read_fleet(top.table("fleet", "[fleet]"), folder) if "fleet" in top.data else None,
        doubts=top.faults.doubted,
    )


def _policy(table: Table) -> Policy:
    policy = Policy(
        confirm_visits=table.whole("confirm_visits", 3, least=1),
        confirm_after=table.duration("confirm_after", "30m", least=NOTHING),
        confirm_gap=table.duration("confirm_gap", "5m", least=A_MOMENT),
        structural_after=table.duration("structural_after", "12h", least=NOTHING),
    )
    if policy.structural_after < policy.confirm_after:
        at = "structural_after" if table.has("structural_after") else "confirm_after"
        table.fault(
            at,
            "a loss that looks like a fault (structural_after) would be believed sooner than a plain one "
            "(confirm_after); make structural_after the longer one",
        )
    table.finish()
    return policy


def _watchlist(top: Table) -> tuple[Watch, ...]:
    watches: list[Watch] = []
    for table in top.tables("watchlist"):
        name = table.text("name", needed='write a name such as "Acme"')
        if name and name in {watch.name for watch in watches}:
            table.fault("name", f'"{line(name, 60)}" stands here twice; put its words into one match list')
        right = 'words such as ["acme", "acme.example"]'
        match = []
        for path, word in table.texts("match", right, needed=True):
            if not any(character.isalnum() for character in word):
                table.fault("match", f"there is no letter or digit to look for; write {right}", path)
            match.append(word)
        table.finish()
        watches.append(Watch(name=name, match=tuple(match)))
    return tuple(watches)


def _alerts(top: Table, folder: Path, watchlist: tuple[Watch, ...]) -> tuple[AlertSettings, ...]:
    alerts: list[AlertSettings] = []
    for table in top.tables("alert"):
        given = table.text("to", needed='write an Apprise URL, "file:alerts.jsonl" or "stdout:"', secret=True)
        to = table.made("to", given, addresses.alert_address, "") if given else ""
        if to.startswith("file:"):
            to = f"file:{folder / to.removeprefix('file:')}"
        if to and to in {alert.to for alert in alerts}:
            table.fault("to", "alerts go there already; put all kinds into one [[alert]]")
        kinds = []
        for path, kind in table.texts("kinds", 'kinds such as ["listed", "withdrawn"]', needed=table.has("kinds")):
            if kind not in KINDS:
                right = meant(kind, KINDS) or f"known are {', '.join(KINDS)}"
                table.fault("kinds", f'there is no kind "{line(kind, 40)}"; {right}', path)
            kinds.append(kind)
        only = table.flag("watchlist_only", False)
        if only and not watchlist:
            table.fault("watchlist_only", "there is no [[watchlist]], so nothing would ever be told; add one")
        settings = _worded(table, AlertSettings(to=to, kinds=tuple(kinds) or KINDS, watchlist_only=only), folder)
        table.finish()
        alerts.append(settings)
    return tuple(alerts)


def _worded(table: Table, alert: AlertSettings, folder: Path) -> AlertSettings:
    """The alert with how and when people are told; programs are told each event as it comes."""
    for key in ("digest", "quiet", "timezone", "template", "rate"):
        if table.has(key) and not alert.is_service:
            table.fault(key, "stdout: and file: are for programs, which get each event as it comes; take it out")
    template = table.text("template", needed='write a file such as "alert.txt"' if table.has("template") else "")
    if table.has("timezone") and not table.has("quiet"):
        table.fault("timezone", 'it says where quiet hours are meant, and there are none; add quiet = "22:00-06:00"')
    return replace(
        alert,
        digest=table.duration("digest", "1h", least=A_MINUTE) if table.has("digest") else None,
        quiet=table.made("quiet", table.text("quiet"), _hours, None) if table.has("quiet") else None,
        zone=table.made("timezone", table.text("timezone"), _zone, ZoneInfo("UTC")) if table.has("timezone") else UTC,
        template=folder / template if template else None,
        rate=table.whole("rate", MANY, least=1),
    )


def _hours(text: str) -> tuple[time, time]:
    right = 'write from when to when, as in "22:00-06:00"'
    try:
        start, end = (time.fromisoformat(part.strip()) for part in re.split("[-–]", text))
    except ValueError:
        raise ValueError(f"these are no two times of day; {right}") from None
    if start.tzinfo or end.tzinfo or start == end:
        raise ValueError(f"these are no quiet hours; {right}, and the place under timezone")
    return start, end


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'there is no time zone "{line(text, 40)}"; write one such as "Europe/Berlin"') from None


def _timestamp(table: Table, folder: Path) -> TimestampSettings:
    authorities = []
    for path, value in table.texts("authorities", 'addresses such as ["https://tsa.example/"]', secret=True):
        url = table.made("authorities", value, addresses.page_address, "", path)
        if url and url in authorities:
            table.fault("authorities", "the same authority stands here twice; take one out", path)
        authorities.append(url)
    roots = table.text("roots", needed='write a file such as "tsa-roots.pem"' if table.has("roots") else "")
    if authorities and not table.has("roots"):
        table.fault(
            "authorities", 'without pinned roots anyone could have stamped; add roots = "tsa-roots.pem" below it'
        )
    witnesses = [
        table.made("witnesses", value, addresses.witness_address, ("", ""), path)
        for path, value in table.texts(
            "witnesses", 'an address and a key, as in ["https://w.example/ w.example+9ab1…"]'
        )
    ]
    table.finish()
    return TimestampSettings(
        authorities=tuple(authorities),
        roots=folder / roots if roots else None,
        witnesses=tuple(one for one in witnesses if one[0]),
    )


def _web(table: Table) -> WebSettings:
    default = WebSettings()
    host, port = table.made(
        "listen", table.text("listen", "127.0.0.1:8080"), addresses.listen_address, (default.host, default.port)
    )
    token = table.text("token", secret=True)
    if not addresses.is_loopback(host) and not table.data.get("token"):
        table.fault("listen", "others could reach it without a token; write 127.0.0.1:8080, or add a token")
    if table.has("token") and token and len(token) < 16:
        table.fault("token", "it is short enough to be guessed; write 16 characters or more, or env:NAME")
    table.finish()
    return WebSettings(host=host, port=port, token=token)


# ------------------------------------------------------------------------------------------------- wording


def _unknown_at_top(key: str, value: Any) -> tuple[str, str]:
    """Place and problem of a name that is no section."""
    shown = line(key, 60)
    if isinstance(value, dict | list):
        right = meant(key, SECTION_NAMES) or f"known are {', '.join(SECTIONS)}"
        return f"[{shown}]", f"unknown section; {right}"
    homes = [section for section, keys in SECTIONS.items() if key in keys]
    if homes:
        return shown, f"the key stands before any section; put it below {' or '.join(homes)}"
    right = meant(key, sorted(set().union(*SECTIONS.values()))) or f"sections are {', '.join(SECTIONS)}"
    return shown, f"unknown key before any section; {right}"


def _syntax_fault(message: str, text: str, name: str) -> str:
    """Where and why the text is no TOML. What was never closed is told where it begins, not at the file's end."""
    place = _PLACE.search(message)
    lines = text.split("\n")
    at = int(place[1]) if place and place[1] else _line_of_open_quote(text)
    shown = line(lines[at - 1], 60)
    what = line(_PLACE.sub("", message), 120)
    return f"{name}:{at}: this is no TOML: {what}" + (f"; the line reads: {shown}" if shown else "")


def _line_of_open_quote(text: str) -> int:
    """The line of the first quote that is never closed; the last line with anything on it if there is none."""
    for token in _TOKEN.finditer(text):
        if token[1]:
            return text.count("\n", 0, token.start()) + 1
    return text.rstrip().count("\n") + 1
