"""Lists of sites that others keep, as ``[[site]]`` blocks: RansomLook, ransomware.live (JSON), deepdarkCTI (markdown).

What stands in such a list is hostile text: names become ``[a-z0-9-]``, addresses are checked as the configuration
checks them, and all else only ever stands in a comment, on one line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from watcher.core.addresses import onion_doubt, page_address
from watcher.core.escape import line
from watcher.core.onion import is_onion
from watcher.errors import UnreadableError

LONGEST_NAME = 64
MOST_SITES = 10_000
MOST_MIRRORS = 200
SHORT = 120
_ROW = re.compile(r"\s*\|(.*)\|?\s*")
_LINK = re.compile(r"\[[^\]]*\]\((\S+?)\)|<(\S+?)>|(\S+)")
_ASIDE = re.compile(r"[(\[][^()\[\]]*[)\]]")
_NOT_THE_LIST = re.compile(
    r"\b(?:victims? (?:page|requests?|login)|requests? id|negotiat\w*|chats?|support|payment|recovery|admin\w*|panel|"
    r"decrypt\w*|files?(?: ?server)?|download\w*|storage|login|private)\b",
    re.IGNORECASE,
)
_DOWN = re.compile(r"\b(?:down|offline|seized|dead|inactive|not working)\b", re.IGNORECASE)
_NOT_LEAKS = frozenset({"t.me", "telegram.me", "twitter.com", "x.com", "discord.gg", "github.com", "youtube.com"})
"""Where groups talk, and what is no site of theirs."""
_PARTS = ("chat", "fs", "admin", "private")
_KINDS = frozenset({"chat", "files", "file", "fs", "admin", "negotiation", "private", "api"})


@dataclass(slots=True, kw_only=True)
class Target:
    """One site of a list."""

    name: str
    called: str
    """As the list calls it."""
    mirrors: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    """Addresses that the list says are down."""


@dataclass(slots=True, kw_only=True)
class Targets:
    """All sites of a list, and what was left out."""

    form: str
    watched: frozenset[str] = frozenset()
    """Addresses that are watched already."""
    names: frozenset[str] = frozenset()
    """Names that sites have already."""
    sites: dict[str, Target] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    taken: dict[str, str] = field(default_factory=dict)
    """Address to the site that has it."""


def read_list(text: str, source: str, *, watched: Collection[str] = (), names: Collection[str] = ()) -> Targets:
    """The sites in a list; addresses that are ``watched`` already are left out, and no site gets one of ``names``.
    Raises UnreadableError if it is no list of a known form."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if start in {"{", "["}:
        try:
            data = json.loads(text.lstrip("\ufeff"))
        except (ValueError, RecursionError) as error:
            raise UnreadableError(f"{source}: this is no JSON: {line(str(error), 100)}", hint=_MEND) from error
        found, form = list(_from_json(data, source)), "JSON (RansomLook, ransomware.live)"
    else:
        found, form = list(_from_markdown(text)), "markdown (deepdarkCTI)"
    if not found:
        raise UnreadableError(f"{source}: there is no site in it", hint=_MEND)
    made = Targets(form=form, watched=frozenset(watched), names=frozenset(names))
    for name, url, is_down in found:
        _add(made, name, url, is_down)
    return made


_MEND = "give a list of groups from RansomLook or ransomware.live (JSON), or a table of deepdarkCTI (markdown)"


def _add(made: Targets, called: str, url: str, is_down: bool) -> None:
    """Take one address into the list, or say why not."""
    try:
        address = page_address(_tidy(url))
    except ValueError:
        made.left_out["no address of a page"] += 1
        return
    address = quote(address, safe="!#$%&'()*+,/:;=?@[]~-._")
    host = urlsplit(address).hostname or ""
    if host.removeprefix("www.") in _NOT_LEAKS:
        made.left_out["channels and profiles, not sites"] += 1
    elif is_onion(host) and onion_doubt(address):
        made.left_out["onion addresses that tor cannot reach (of the old kind, or mistyped)"] += 1
    elif address in made.watched:
        made.left_out["watched already"] += 1
    elif address in made.taken:
        made.left_out["named twice"] += 1
    else:
        name = site_name(called)
        while name in made.names:
            name = _another(name)
        target = made.sites.get(name)
        if target is None:
            if len(made.sites) >= MOST_SITES:
                made.left_out[f"more than {MOST_SITES} sites"] += 1
                return
            target = made.sites[name] = Target(name=name, called=line(called, SHORT))
        if len(target.mirrors) + len(target.dead) >= MOST_MIRRORS:
            made.left_out[f"more than {MOST_MIRRORS} addresses of a site"] += 1
            return
        made.taken[address] = name
        (target.dead if is_down else target.mirrors).append(address)


def site_name(called: str) -> str:
    """The name of a site in the form that the configuration wants."""
    plain = unicodedata.normalize("NFKD", called[:1000]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_NAME].strip("-") or "unnamed"


def _another(name: str) -> str:
    """The name with the next number behind it."""
    base, _, number = name.rpartition("-")
    if base and number.isdigit() and len(number) < 6:
        return f"{base}-{int(number) + 1}"
    return f"{name[: LONGEST_NAME - 7]}-2"


def _tidy(url: str) -> str:
    """An address as lists write it: with a scheme, without what stands round it."""
    text = url.strip().strip("`'\"<>,;").replace("hxxp", "http").replace("[.]", ".")
    return text if "://" in text[:12] else f"http://{text}"


# ---------------------------------------------------------------------------------------------------------- JSON


def _from_json(data: Any, source: str) -> Iterator[tuple[str, str, bool]]:
    """Name, address and whether it is down, of each address in one of the known shapes: a list of groups, groups by
    name, or one group with its posts behind it."""
    stem = source.rpartition("/")[2].partition(".")[0]
    if isinstance(data, dict) and not _locations(data):
        for name, group in data.items():
            for one in group if isinstance(group, list) else [group]:
                yield from _group(one, str(name))
    elif isinstance(data, dict):
        yield from _group(data, stem)
    else:
        for one in data:
            yield from _group(one, stem)


def _group(group: Any, name: str) -> Iterator[tuple[str, str, bool]]:
    if isinstance(group, str) and "." in group:
        yield name, group, False
    if not isinstance(group, dict):
        return
    said = next((group[key] for key in ("name", "group", "group_name") if isinstance(group.get(key), str)), name)
    for place in _locations(group):
        if isinstance(place, str):
            yield said, place, False
        elif isinstance(place, dict) and not _is_other(place):
            url = next(
                (place[key] for key in ("slug", "url", "fqdn") if isinstance(place.get(key), str) and place[key]), ""
            )
            if url:
                yield said, url, place.get("available") is False or place.get("enabled") is False


def _locations(group: Mapping[str, Any]) -> list[Any]:
    found: list[Any] = next(
        (group[key] for key in ("locations", "urls", "mirrors") if isinstance(group.get(key), list)), []
    )
    return found


def _is_other(place: Mapping[str, Any]) -> bool:
    """Whether the address is known to serve something else than the list: chats, files, administration."""
    kind = str(place.get("type") or "").strip().lower()
    return kind in _KINDS or any(place.get(part) is True for part in _PARTS)


# ------------------------------------------------------------------------------------------------------ markdown


def _from_markdown(text: str) -> Iterator[tuple[str, str, bool]]:
    """The same of a table whose first columns are name, link and status."""
    for row in text.splitlines():
        match = _ROW.fullmatch(row[:20_000])
        if match is None:
            continue
        cells = [cell.strip() for cell in match[1].split("|")]
        if len(cells) < 2 or not cells[1] or set(cells[1]) <= set("-: "):
            continue
        link = _LINK.search(cells[1])
        url = next((one for one in link.groups() if one), "") if link else ""
        if "." not in url:
            continue  # the head of the table
        name = _ASIDE.sub(" ", cells[0]).strip(" -*_") or cells[0]
        if _NOT_THE_LIST.search(cells[0]):
            continue
        status = cells[2] if len(cells) > 2 else ""
        yield name, url, bool(_DOWN.search(status))


# ---------------------------------------------------------------------------------------------------------- TOML


def toml(targets: Targets, source: str, *, dead: bool = False) -> Iterator[str]:
    """``[[site]]`` blocks, line by line. Addresses that the list says are down stand in a comment, and sites that have
    no other are left out; with ``dead`` they are addresses like the others."""
    yield f"# from {line(source, SHORT)}: {targets.form}; checked by nobody: look at each before you watch it"
    for target in targets.sites.values():
        mirrors = [*target.mirrors, *(target.dead if dead else ())]
        if not mirrors:
            continue
        yield ""
        yield "[[site]]"
        yield f'name = "{target.name}"' + (f"  # {target.called}" if target.called != target.name else "")
        if len(mirrors) == 1:
            yield f'mirrors = ["{mirrors[0]}"]'
        else:
            yield "mirrors = ["
            for mirror in mirrors:
                yield f'  "{mirror}",'
            yield "]"
        for mirror in () if dead else target.dead:
            yield f"# said to be down: {line(mirror, 300)}"
