"""``[proxy]`` as settings: somebody's proxies, or tors of our own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, cast, get_args

from watcher.core import addresses, torrc
from watcher.core.tables import Table

Isolate = Literal["site", "visit", "none"]

KEYS = frozenset({"url", "control", "isolate", "timeout", "max_body", "tors", "bridges", "torrc"})
MOST_TORS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """How the world is reached."""

    urls: tuple[str, ...] = ("socks5://127.0.0.1:9050",)
    """SOCKS5 addresses; or ``("tor",)``: a tor of our own."""
    control: tuple[str, int] | None = None
    """Host and port of tor's control port, on this machine, if tor is to be asked for onion descriptors."""
    isolate: Isolate = "site"
    timeout: timedelta = timedelta(seconds=90)
    """For a whole visit."""
    max_body: int = 16 << 20
    """Bytes of one body."""
    tors: int = 1
    """How many tors of our own."""
    bridges: tuple[str, ...] = ()
    """Bridges that they go through."""
    torrc: tuple[str, ...] = ()
    """More lines of their configuration."""

    @property
    def managed(self) -> bool:
        """Whether the watcher starts and stops its own tor."""
        return self.urls == ("tor",)


def read_proxy(table: Table) -> ProxySettings:
    """The settings; what is wrong is among the table's faults."""
    default = ProxySettings()
    right = 'an address such as "socks5://127.0.0.1:9050", a list of them, or "tor"'
    given = table.texts("url", right, needed=table.has("url"), secret=True)
    urls = []
    for path, value in given:
        url = value if value == "tor" else table.made("url", value, addresses.proxy_address, "", path)
        if url and url in urls:
            table.fault("url", "the same proxy stands here twice; take one out", path)
        urls.append(url)
    isolate = cast("Isolate", table.choice("isolate", default.isolate, get_args(Isolate)))
    if "tor" in urls and len(urls) > 1:
        table.fault("url", '"tor" starts a tor of our own and cannot be mixed with others; write one or the other')
    if any("@" in url for url in urls) and isolate != "none":
        table.fault(
            "url",
            f'user and password would be replaced by those that keep circuits apart (isolate = "{isolate}"); '
            'take them out, or write isolate = "none"',
        )
    control = None
    if table.has("control"):
        control = table.made("control", table.text("control"), addresses.listen_address, None)
    if control and not (addresses.is_loopback(control[0]) and control[1]):
        table.fault("control", "only a tor on this machine is asked; write 127.0.0.1:9051")
    settings = replace(
        _own_tors(table, is_managed="tor" in urls),
        urls=tuple(urls) or default.urls,
        control=control,
        isolate=isolate,
        timeout=table.duration("timeout", "90s", least=timedelta(seconds=1)),
        max_body=table.size("max_body", "16MiB"),
    )
    table.finish()
    return settings


def _own_tors(table: Table, *, is_managed: bool) -> ProxySettings:
    """What only tors of our own are told."""
    count = table.whole("tors", 1, least=1, most=MOST_TORS)
    bridges = [
        table.made("bridges", value, torrc.bridge_line, "", path)
        for path, value in table.texts(
            "bridges", 'bridges as they are handed out: ["obfs4 192.0.2.7:443 …"]', secret=True
        )
    ]
    lines = [
        table.made("torrc", value, torrc.pass_line, "", path)
        for path, value in table.texts("torrc", 'lines of torrc such as ["EntryNodes {is}"]', secret=True)
    ]
    for key in ("tors", "bridges", "torrc"):
        if table.has(key) and not is_managed:
            table.fault(key, 'only a tor of our own is told this; write url = "tor", or take it out')
    if is_managed and table.has("control"):
        table.fault("control", "the watcher knows the control port of its own tor; take it out")
    return ProxySettings(tors=count, bridges=tuple(filter(None, bridges)), torrc=tuple(filter(None, lines)))
