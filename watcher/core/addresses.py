"""Addresses that people write into the configuration: checked, and brought to one form.

Each function returns the address to use, or raises ValueError whose text is "what is wrong; what would be right".
No fault repeats more of an address than its scheme: it may hold a secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, urlsplit, urlunsplit

from watcher.core import note, onion
from watcher.errors import EvidenceError

_PAGE_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_BODY_OPTIONS = frozenset({"endpoint", "region"})
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029]")


def page_address(text: str) -> str:
    """The address of a page on a site: http or https, no credentials, no fragment, host in lower case."""
    parts = _split(text, "http://….onion/")
    if parts.scheme not in _PAGE_PORTS:
        raise ValueError(f"{_scheme(parts)} cannot be watched; write http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the address holds a user name or password, and the watcher never logs in; take it out")
    host = _host(parts, "http://….onion/")
    port = _port(parts)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _PAGE_PORTS[parts.scheme]:
        netloc += f":{port}"
    return urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, ""))


def onion_doubt(address: str) -> str:
    """Why Tor could never reach this page address; empty if it is no onion's, or a good one's."""
    host = urlsplit(address).hostname or ""
    if not onion.is_onion(host):
        return ""
    try:
        onion.public_key(host)
    except ValueError as error:
        return str(error)
    return ""


def proxy_address(text: str) -> str:
    """The address of a SOCKS5 proxy that resolves names itself: ``socks5://[user:password@]host:port``."""
    parts = _split(text, "socks5://127.0.0.1:9050")
    if parts.scheme in {"socks4", "socks4a", "socks"}:
        raise ValueError(
            "SOCKS4 has no credentials to keep circuits apart, and looks names up here; write socks5://HOST:PORT"
        )
    if parts.scheme not in {"socks5", "socks5h"}:
        raise ValueError(f'{_scheme(parts)} is no SOCKS5 proxy; write "socks5://127.0.0.1:9050" or "tor"')
    host = _host(parts, "socks5://127.0.0.1:9050")
    port = _port(parts)
    if not port:
        raise ValueError("the port is missing; tor listens on 9050, Tor Browser on 9150")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError("there is something after the port; write socks5://HOST:PORT")
    user, at, _ = parts.netloc.rpartition("@")
    return f"socks5://{user}{at}{f'[{host}]' if ':' in host else host}:{port}"


def witness_address(text: str) -> tuple[str, str]:
    """The address of a C2SP witness and its verifier key, from ``"https://witness.example/ NAME+ID+KEY"``."""
    example = 'write its address and its key: "https://witness.example/ NAME+ID+KEY"'
    url, gap, key = text.strip().partition(" ")
    if not gap:
        raise ValueError(f"a witness needs a key; {example}")
    try:
        kind = note.parse_key(key).kind
    except EvidenceError as error:
        raise ValueError(f"{error}; {example}") from None
    if kind != note.COSIGNATURE_V1:
        raise ValueError(f"the key is a log's, not a witness's; {example}")
    return page_address(url), key.strip()


def listen_address(text: str) -> tuple[str, int]:
    """Host (an address, or localhost) and port to listen on."""
    example = "write 127.0.0.1:8080"
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if text.startswith("[") else host
    if not colon or not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > 65535:
        raise ValueError(f"this is no HOST:PORT; {example}")
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            raise ValueError(f"the host is neither an IP address nor localhost; {example}") from None
    return host, int(port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where large bodies may go besides the store's folder: ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME``."""

    url: str
    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = ""


def parse_place(url: str) -> Place:
    """The place that the address names; ``ValueError`` says what is wrong with it."""
    no_place = "this is no place for bodies; write s3://BUCKET/PREFIX, with ?endpoint=https://HOST for your own server"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError(no_place) from None
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(no_place)
    if "@" in parts.netloc:
        raise ValueError(
            "credentials do not stand here; they come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
        )
    options = parse_qs(parts.query, keep_blank_values=True)
    if unknown := sorted(options.keys() - _BODY_OPTIONS):
        raise ValueError(f"unknown in it: {', '.join(unknown)}; known are {', '.join(sorted(_BODY_OPTIONS))}")
    endpoint = options.get("endpoint", [""])[-1]
    try:
        page_address(endpoint or "http://none/")
    except ValueError:
        raise ValueError("its endpoint is no address; write one such as endpoint=https://192.0.2.7:9000") from None
    region = options.get("region", [""])[-1]
    return Place(url=url, bucket=parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint, region=region)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on the host."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


def alert_address(text: str) -> str:
    """Where alerts go: ``stdout:``, ``file:PATH``, or the URL of a service (``slack://…``, ``mailtos://…``)."""
    example = 'write an Apprise URL such as "slack://…", "file:alerts.jsonl" or "stdout:"'
    scheme, colon, rest = text.partition(":")
    scheme = scheme.lower()
    if _UNPRINTABLE.search(text.strip(" ")) and scheme != "file":
        raise ValueError(f"there is a space or control character in it; {example}")
    if not colon or not _SCHEME.fullmatch(scheme):
        raise ValueError(f"it has no scheme; {example}")
    if scheme == "stdout":
        if rest:
            raise ValueError('there is something after the colon; write "stdout:"')
        return "stdout:"
    if scheme == "file":
        if rest.startswith("//") or "\0" in rest or _UNPRINTABLE.sub("", rest) == "":
            raise ValueError('this is no path; write "file:PATH" with a path relative to this file, or absolute')
        return f"file:{rest}"
    if not rest.startswith("//") or not rest.strip("/"):
        raise ValueError(f"{scheme}: is followed by nothing that could be a service; {example}")
    return f"{scheme}:{rest}"


def _split(text: str, example: str) -> SplitResult:
    if _UNPRINTABLE.search(text):
        raise ValueError(f"there is a space or control character in the address; write {example}")
    if "\\" in text:
        raise ValueError(f"there is a backslash in the address; write {example}")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(f"this is no address; write {example}") from None
    if not parts.scheme or (not parts.netloc and not text.lower().startswith(f"{parts.scheme}://")):
        known = {*_PAGE_PORTS, "socks5", "socks5h", "file", "ftp"}
        if parts.scheme not in known:
            raise ValueError(f"the scheme is missing; write {example}")
    return parts


def _scheme(parts: SplitResult) -> str:
    return f"{parts.scheme}://"


def _host(parts: SplitResult, example: str) -> str:
    """The host, as names go over the wire: lower case, ASCII."""
    host = parts.hostname or ""
    if not host:
        raise ValueError(f"the host is missing; write {example}")
    try:
        name = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        name = ""
    if ":" in host or re.fullmatch(r"[\d.]+", name or host):  # "²" is a name that becomes a number
        try:
            return str(ip_address(host))
        except ValueError:
            raise ValueError(f"the host is no IP address; write {example}") from None
    if not name or len(name) > 253 or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise ValueError(f"the host is no name that could be looked up; write {example}")
    return name


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        raise ValueError("the port is no number from 1 to 65535; write HOST:PORT") from None
    if port == 0:
        raise ValueError("there is no port 0; write HOST:PORT")
    return port
