"""What may be asked for, where a redirect may lead, and what is not collected: decided before a byte of it is read.

Everything is refused that is not allowed by name. A refusal is a machine word and a sentence; neither holds a character
that could do harm where it is shown.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Sequence, Set
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, quote, quote_from_bytes, unquote, urljoin, urlsplit, urlunsplit

from watcher.core.onion import is_onion

_SCHEMES = frozenset({"http", "https"})
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")
_INSIDE = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home", "corp", "home.arpa")
_ENDS = "".join(map(chr, range(0x21)))
_LONGEST_URL = 8_000

REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Refusal(NamedTuple):
    """Why something is not done."""

    word: str
    """For machines: ``redirect:clearnet``, ``content:type:application/zip`` …"""
    sentence: str
    """For people."""
    address: str = ""
    """Where it would have led, if that is an http(s) address."""

    @property
    def why(self) -> tuple[str, str]:
        """As records say it."""
        return self.word, self.sentence


# ------------------------------------------------------------------------------------------------------- addresses


@functools.lru_cache(maxsize=1024)
def wire_address(text: str) -> str:
    """An http(s) address as it goes over the wire: ASCII, host in lower case, no fragment.

    ValueError if it is none, with a word and a sentence as arguments.
    """
    cleaned = _tidy(text)
    try:
        parts = urlsplit(cleaned)
        port = parts.port
    except ValueError:
        raise ValueError("bad", f"“{shown(text)}” is no address") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("scheme", f"“{shown(text)}” is neither http nor https")
    if "@" in parts.netloc:
        raise ValueError("credentials", "the address holds a user name or password, and the watcher never logs in")
    host = _host(parts)
    if not host or port == 0 or len(cleaned) > _LONGEST_URL:
        raise ValueError("bad", f"“{shown(text)}” is no address")
    netloc = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=-._~[]|^")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=-._~?[]|^`{}\\")
    return urlunsplit((parts.scheme, netloc, path, query, ""))


@functools.lru_cache(maxsize=1024)
def host_of(address: str) -> str:
    """The host of an address, in the form in which hosts are compared; empty if it has none."""
    try:
        return _host(urlsplit(address if "//" in address else f"//{address}"))
    except ValueError:
        return ""


def hosts_of(addresses: Iterable[str]) -> frozenset[str]:
    """The hosts that these addresses (or bare hosts) allow: an onion's with all its subdomains."""
    return frozenset(_root(host) for host in map(host_of, addresses) if host)


def may_ask(address: str, allowed: Set[str]) -> Refusal | None:
    """Why an address may not be asked; None if it may. ``allowed`` comes from ``hosts_of``."""
    try:
        host = host_of(wire_address(address))
    except ValueError as error:
        return Refusal(f"address:{error.args[0]}", error.args[1])
    if not _is_allowed(host, allowed):
        return Refusal("address:not-allowed", f"{shown(host)} is no mirror of a configured site")
    return None


def follow(address: str, location: str, allowed: Set[str]) -> str | Refusal:
    """Where a redirect from ``address`` leads, or why it is not followed. ``location`` is the header, as latin-1."""
    try:
        target = wire_address(urljoin(address, _unlatin(_tidy(location))))
    except ValueError as error:
        word, sentence = error.args if len(error.args) == 2 else ("bad", f"“{shown(location)}” is no address")
        return Refusal(f"redirect:{word}", f"the redirect was not followed: {sentence}")
    here, there = host_of(address), host_of(target)
    if is_onion(here) and not is_onion(there):
        word, where = "clearnet", f"it leads from an onion to {shown(there)}"
    elif here != there and is_inside(there):
        word, where = "private", f"{shown(there)} is not on the internet"
    elif here != there and not _is_allowed(there, allowed):
        word, where = "not-allowed", f"{shown(there)} is no configured mirror"
    else:
        return target
    return Refusal(f"redirect:{word}", f"the redirect was not followed: {where}", target)


def is_inside(host: str) -> bool:
    """Whether a host is this machine, or one of a private network."""
    try:
        address = ip_address(host)
    except ValueError:
        return "." not in host or host.endswith(tuple(f".{name}" for name in _INSIDE))
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return not (inner or address).is_global or address.is_multicast


def shown(text: str) -> str:
    """A text of a stranger's, safe to print and short."""
    return re.sub(r"[^!#-;=?-\[\]-_a-z{|}~]", "?", text[:80]) + ("…" if len(text) > 80 else "")


def _tidy(text: str) -> str:
    """An address without what browsers pass over, and with the slashes they see (WHATWG URL, 4.4)."""
    cleaned = re.sub(r"[\t\r\n]", "", text.strip(_ENDS))
    place = min((cleaned.index(mark) for mark in "?#" if mark in cleaned), default=len(cleaned))
    return cleaned[:place].replace("\\", "/") + cleaned[place:]


def _host(parts: SplitResult) -> str:
    """Lower case, ASCII, no dot at the end; empty if no name or number that could be reached."""
    host = (parts.hostname or "").removesuffix(".")
    if ":" in host:
        try:
            return str(IPv6Address(host))
        except ValueError:
            return ""
    try:
        host = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    if len(host) > 253 or not _NAME.fullmatch(host):
        return ""
    if _NUMBER.fullmatch(host.rpartition(".")[2]):  # an IPv4 address, maybe in a form that hides it: 127.1, 0x7f000001
        try:
            return str(ip_address(host))
        except ValueError:
            return ""
    return host


def _root(host: str) -> str:
    """An onion without its subdomains; any other host as it is."""
    return ".".join(host.split(".")[-2:]) if is_onion(host) else host


def _is_allowed(host: str, allowed: Set[str]) -> bool:
    return bool({_root(host), host.removeprefix("www."), f"www.{host}"} & allowed)


def _unlatin(location: str) -> str:
    """A Location header with bytes beyond ASCII percent-encoded, as browsers do (WHATWG URL, 1.3)."""
    raw = location.encode("latin-1", "replace")
    return quote_from_bytes(raw, safe=bytes(range(0x80)).decode("ascii"))


# --------------------------------------------------------------------------------------------------------- content

_WORDS_OF_PAGES = frozenset({"xhtml+xml", "xml", "json", "javascript", "x-javascript", "ecmascript", "x-ndjson"})
_TEXTS_THAT_ARE_DATA = frozenset({"csv", "tab-separated-values", "calendar", "vcard", "x-vcard", "rtf", "richtext"})
# endings that are domains' too (.one, .dot, .pub, .com) are left out: victims' names stand in paths
_ARCHIVES = """
    zip zipx rar r00 7z tar gz tgz bz2 tbz tbz2 xz txz zst lz lz4 lzma arj ace iso img dmg vhd vhdx vmdk ova
    jar war apk deb rpm msi exe dll bin torrent 001 part
"""
_DOCUMENTS = """
    pdf doc docx docm dotx rtf odt ods odp xls xlsx xlsm xlsb ppt pptx pps ppsx vsd vsdx csv tsv sql bak
    dump mdb accdb db sqlite sqlite3 dbf pst ost eml msg mbox vcf ics p12 pfx kdbx epub mobi djvu dwg dxf
"""
_MEDIA = """
    jpg jpeg png gif webp avif bmp tif tiff svg ico heic psd mp3 wav flac ogg opus m4a aac mp4 m4v mkv avi mov wmv
    flv webm mpg mpeg 3gp woff woff2 ttf otf
"""
_NAMES = frozenset((_ARCHIVES + _DOCUMENTS + _MEDIA).split())
_MAGIC = {
    b"PK\x03\x04": "zip", b"PK\x05\x06": "zip", b"Rar!\x1a\x07": "rar", b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x1f\x8b\x08": "gzip", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"MSCF\x00\x00\x00\x00": "cab",
    b"%PDF-": "pdf", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "ole", b"{\\rtf": "rtf", b"SQLite format 3\x00": "sqlite",
    b"\x89PNG\r\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF87a": "gif", b"GIF89a": "gif", b"OggS\x00": "ogg",
    b"ID3": "mp3", b"\x1a\x45\xdf\xa3": "matroska", b"\x7fELF": "elf", b"d8:announce": "torrent", b"!BDN": "pst",
}  # fmt: skip


def refuse_content(address: str, status: int, headers: Sequence[tuple[str, str]], max_body: int) -> Refusal | None:
    """Why the body behind this head is not collected; None if it may be read."""
    types = [value for name, value in headers if name.lower() == "content-type"]
    dispositions = [value for name, value in headers if name.lower() == "content-disposition"]
    lengths = [value for name, value in headers if name.lower() == "content-length"]
    if status in {204, 304} or lengths == ["0"]:
        return None
    for value in types:
        kind = value.partition(";")[0].strip().lower()
        if not _is_page(kind):
            return Refusal(f"content:type:{shown(kind)}", "the connection was closed at the headers: this is no page")
    for value in dispositions:
        if value.strip().lower().startswith("attachment"):
            return Refusal("content:attachment", "the connection was closed at the headers: the body is a file to save")
        if name := _refused_name(_file_name(value)):
            return Refusal(f"content:name:{name}", "the connection was closed at the headers: the body is a file")
    # a page that says "404" where an archive was is news; its name is no reason to look away
    if not (status >= 400 and types) and (name := _refused_name(urlsplit(address).path)):
        return Refusal(
            f"content:name:{name}", "the connection was closed at the headers: the address is that of a file"
        )
    for value in lengths:
        if re.fullmatch(r"[0-9]{1,18}", value) and int(value) > max_body:
            return Refusal(
                f"content:size:{value}", f"the connection was closed at the headers: more than {max_body} bytes"
            )
    return None


def refuse_start(start: bytes) -> Refusal | None:
    """Why a decoded body that starts so is not collected, whatever its head said; None if it may be read."""
    for magic, name in _MAGIC.items():
        if start.startswith(magic):
            return Refusal(
                f"content:magic:{name}", f"the connection was closed at the first bytes: they are those of {name}"
            )
    if start[4:8] == b"ftyp" or (start[:4] == b"RIFF" and start[8:12] in {b"WAVE", b"AVI ", b"WEBP"}):
        return Refusal(
            "content:magic:media", "the connection was closed at the first bytes: they are those of a medium"
        )
    if start[257:262] == b"ustar":
        return Refusal("content:magic:tar", "the connection was closed at the first bytes: they are those of a tar")
    return None


def _is_page(kind: str) -> bool:
    """Whether a media type is a page's, or so broken that browsers guess (and so do we, by ``refuse_start``)."""
    major, slash, minor = kind.partition("/")
    if not slash:
        return True
    if major == "text":
        return minor not in _TEXTS_THAT_ARE_DATA
    return major == "application" and (minor in _WORDS_OF_PAGES or minor.endswith(("+json", "+xml")))


def _file_name(disposition: str) -> str:
    """The file name in a Content-Disposition header (RFC 6266), percent-encoding undone; empty without one."""
    found = re.search(r"filename\*?\s*=\s*(?:[\w-]*'[\w-]*')?\"?([^\";]*)", disposition, re.IGNORECASE)
    return found[1] if found else ""


def _refused_name(path: str) -> str:
    """The ending of a file's name, if it is that of something we do not collect; else empty."""
    ending = unquote(path).rstrip(". ").rpartition("/")[2].rpartition(".")[2].lower()
    return ending if ending in _NAMES and "." in unquote(path) else ""
