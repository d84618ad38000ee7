"""Where a link in a record leads: to the entry's own page, to files, to the victim's site, or nowhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal
from urllib.parse import unquote, urljoin, urlsplit

Lead = Literal["page", "file", "away", "none"]

_FILES = re.compile(
    r"\.(?:zip|7z|rar|tar|gz|tgz|bz2|xz|zst|iso|torrent|pdf|docx?|xlsx?|pptx?|csv|sql|bak|jpe?g|png|gif|webp|svg|ico|bmp"
    r"|mp4|mp3|avi|mkv|mov|webm|exe|msi|apk|css|js|woff2?|ttf|txt|asc|part\d*|\d{3})$",
    re.I,
)
_HOSTS = re.compile(
    r"(?:^|\.)(?:gofile\.io|mega\.nz|mega\.io|anonfiles\.com|bayfiles\.com|mediafire\.com|sendspace\.com|dropbox\.com"
    r"|drive\.google\.com|send\.exploit\.in|ufile\.io|qaz\.im|dropmefiles\.com|file\.io|wetransfer\.com|pixeldrain\.com"
    r"|transfer\.sh|easyupload\.io|files\.fm|temp\.sh|t\.me|twitter\.com|x\.com|facebook\.com|linkedin\.com"
    r"|zoominfo\.com|youtube\.com|github\.com|telegra\.ph|google\.com)$",
    re.I,
)
_SCRIPTED = re.compile(
    r"""(?:location(?:\.href)?|href)\s*=\s*["'`]([^"'`]+)|(?:open|assign|replace|navigate|push|go\w*|view\w*|load\w*)\s*\(\s*["'`]([^"'`]+)"""
)
SCRIPTED = r"""(?:location(?:\.href)?\s*=\s*|(?:open|assign|replace|navigate|push)\s*\(\s*)["'`]([^"'`]+)"""
"""Regex for the address in an ``onclick``."""
SLUG = r"([^/?#=]{3,}?)(?:\.html?|\.php|\.aspx?)?/?(?:[?#].*)?$"
"""Regex for the telling part of a link."""

FEW = 5
"""Links that are too few for one of them to lead elsewhere."""


def lead_of(link: str, base: str) -> Lead:
    """Where a link leads, as far as the address tells."""
    link = link.strip()
    if (
        not link
        or (link.startswith("#") and not link.startswith(("#/", "#!")))
        or link.lower().startswith(("javascript:", "mailto:", "tel:", "data:", "magnet:", "tox:"))
    ):
        return "none"
    if link[0] == "/" and link[1:2] != "/":
        path = link.partition("#")[0].partition("?")[0]
        return "file" if _FILES.search(path) else "page" if len(link) > 1 else "none"
    try:
        parts = urlsplit(urljoin(base, link))
        here = urlsplit(base)
    except ValueError:
        return "none"
    if parts.scheme not in {"http", "https"}:
        return "none"
    host = (parts.hostname or "").lower()
    if _FILES.search(parts.path):
        return "file"
    if host == (here.hostname or "").lower() or host.endswith(".onion"):
        if parts.path.rstrip("/") == here.path.rstrip("/") and not parts.query and len(parts.fragment) < 3:
            return "none"
        return "page"
    return "file" if _HOSTS.search(host) else "away"


def own_pages(links: Sequence[str], base: str) -> float:
    """How much the links of a place look like the entries' own pages, 0 to 1."""
    if not links:
        return 0.0
    links = links[:100]
    leads = Counter(lead_of(link, base) for link in links)
    different = len({link.strip() for link in links})
    others = len(links) - leads["page"]
    if (others > 1 or len(links) < FEW) and others * 10 > len(links):  # one HOME in a short menu is no objection
        return 0.0
    if len(links) > 1 and different * 10 < len(links) * 9:
        return 0.0
    hosts = {(urlsplit(link).hostname or "") for link in links if link.startswith(("http://", "https://"))}
    return 1.0 if len(hosts) <= 1 else 0.0


def scripted(code: str) -> str:
    """The address or argument in an ``onclick``; empty if there is none."""
    match = _SCRIPTED.search(code)
    return (match[1] or match[2] or "") if match else ""


def slug_of(link: str) -> str:
    """The telling part of a link: its last path segment, or the value of its query."""
    match = re.search(SLUG, link)
    return unquote(match[1]) if match else ""
