"""What an entry is called by: a key that stays the same between captures and never contains the host."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import xxhash

from watcher.core.short_keys import cached_if_short
from watcher.records import Entry

LONGEST_KEY = 200
LONGEST_TITLE = 2_000
MOST_STATUSES = 8
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
"""Zero width, direction, soft hyphens and variation selectors: two names that differ in them look alike."""
_PASSING = re.compile(r"(?:t|ts|v|_|rnd|rand|time|timestamp|nonce|token|csrf|sid|session|sessionid|phpsessid|utm_\w+)=")
"""Query parameters that change from one capture to the next and name nothing."""

_WORDS = (
    "new|hot|updated?|sold(?: out)?|for sale|on sale|disclosed|published|unpublished|publication|leak(?:ed)?|released|"
    "removed|deleted|closed|expired|paid|payed|unpaid|pending|wait(?:ing)?|soon|coming soon|negotiat(?:ions?|ing|ed)|"
    "timer|time(?: is)? (?:up|over|out)|available|free|full|full dump|full leak|dump|evidence|proofs?|done|finished|"
    "ended|active|stopped|auction|exclusive|data|tba|опубликовано|продано|новое|обновлено|veröffentlicht|verkauft|neu|"
    "publié|vendu|nouveau|publicado|vendido|nuevo"
)
_STATUS = re.compile(
    r"(?:\d{1,3} ?% |(?:all|full|fully|partially|new|now|data|files|already|was|not|in|part) )*"
    rf"(?:{_WORDS}|\d{{1,3}} ?%)"
    r"(?: (?:now|soon|data|files|leak|leaked|dump|published|available|part|\d{1,3} ?%))*[!.]*"
)
_BRACKETED = re.compile(
    r"\s*(?:\[(?P<a>[^\[\]]{1,40})\]|\((?P<b>[^()]{1,40})\)|\{(?P<c>[^{}]{1,40})\}|【(?P<d>[^【】]{1,40})】)\s*"
)
_LED = re.compile(r"(?P<status>[^\s|:–—•·-][^|:–—•·]{0,39}?)\s*(?:\s[-–—•·]\s|[|:•·]\s?)\s*(?=\S)")
_TRAILED = re.compile(r"(?<=\S)\s*(?:\s[-–—•·]\s|[|•·]\s?|:\s)\s*(?P<status>[^|:–—•·]{1,40})$")
_RIBBON = re.compile(r"^(?:NEW|SOLD|UPDATED?)!*\s+(?=\S*[a-z])|(?<=[a-z.,)])\s+(?:NEW|SOLD|UPDATED?)!*$")
_ORNAMENT = re.compile(r"^[\s✅✔☑❌✖🔥⚡🆕🔒🔓⏳⌛★☆►▶»•·|–—-]+(?=\S)|[\s✅✔☑❌✖🔥⚡🆕🔒🔓⏳⌛★☆◄◀•·|–—-]+$")

_NOTABLE = re.compile(r"[^\w\s.,&'/]|_|NEW|SOLD|UPDATE|x{4}|X{4}")
"""A title without any of this has neither status nor mask nor ornament."""
RIBBONS = frozenset({"new", "hot", "update", "updated"})
"""Status words that come and go by themselves."""
MASK = "*"
_MASKS = re.compile(r"[*∗✱●•█▓▒░■]{2,}|(?<=[\w.&])[*∗✱●•█▓▒░■]|[*∗✱●•█▓▒░■](?=\w)|\?{2,}|#{2,}|_{3,}|(?<=\w)[xX]{4,}")
"""Letters that a title hides: a run of marks, or a single one that touches a letter."""


def plain(text: str) -> str:
    """The text with compatibility forms and invisible characters taken off, white space folded; case is kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text))
    return " ".join(text.split())


def fold(text: str) -> str:
    """The text as words are compared: as ``plain`` has it, and without case."""
    return plain(text).casefold()


def unmarked(title: str) -> str:
    """The title with every hidden letter as one ``*``, whatever mark hides it, so that lengths are kept."""
    return _MASKS.sub(lambda hidden: MASK * len(hidden.group()), plain(title[:LONGEST_TITLE]))


@cached_if_short(4_000)
def fold_title(title: str) -> tuple[str, tuple[str, ...]]:
    """The title as it is compared, and the status words that were taken off it (``SOLD``, ``50% published``).

    Compatibility forms, case, white space and ornaments do not count; letters that are hidden stand as one ``*``.
    A title that is all status stays whole: somebody may be called so.
    """
    text = plain(title[:LONGEST_TITLE])
    if not _NOTABLE.search(text):
        return text.casefold(), ()
    statuses: list[str] = []
    while len(statuses) < MOST_STATUSES:
        shorter = _without_status(text, statuses)
        if shorter == text or not any(character.isalnum() or character == MASK for character in shorter):
            break
        text = shorter
    bare = _ORNAMENT.sub("", text) or text
    return _MASKS.sub(MASK, bare).casefold() or text.casefold(), tuple(statuses)


def _without_status(text: str, statuses: list[str]) -> str:
    """The text less one status at its head or tail, which is added to ``statuses``."""
    for found in _BRACKETED.finditer(text):
        if found.start() == 0 or found.end() == len(text):
            inside = next(group for group in found.groups() if group is not None)
            rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
            if rest and _STATUS.fullmatch(inside.strip().casefold()):
                statuses.append(inside.strip())
                return rest
    for pattern in (_LED, _TRAILED):
        beside = pattern.match(text) if pattern is _LED else pattern.search(text)
        if beside and _STATUS.fullmatch(beside["status"].strip().casefold()):
            statuses.append(beside["status"].strip())
            return (text[: beside.start()] + text[beside.end() :]).strip()
    ribbon = _RIBBON.search(text)
    if ribbon:
        statuses.append(ribbon.group().strip(" !"))
        return (text[: ribbon.start()] + text[ribbon.end() :]).strip()
    return text


def own_path(url: str) -> str:
    """Path and query of a link that may be an entry's own page; empty if it leads nowhere of its own."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https", ""}:
        return ""
    path = parts.path.rstrip("/")
    query = "&".join(part for part in parts.query.split("&") if part and not _PASSING.match(part.lower()))
    route = parts.fragment if parts.fragment.startswith(("/", "!")) and len(parts.fragment) > 2 else ""
    if not path and not query and not route:
        return ""
    return (path or "/") + (f"?{query}" if query else "") + (f"#{route}" if route else "")


def own_paths(urls: Sequence[str], base: str = "") -> list[str]:
    """Each entry's own link path by its address, empty where that leads off the site, is shared, or is none."""
    places = [_place(url) for url in urls]
    here = _place(base)[0]
    hosts = Counter([host for host, _ in places]) if not here else Counter[str]()
    paths = [
        path if host in {"", here} or host.endswith(".onion") or (not here and hosts[host] > 1) else ""
        for host, path in places
    ]
    if len(set(paths)) == len(paths):
        return paths
    count = Counter(paths)
    return [path if count[path] == 1 else "" for path in paths]


_PLAIN_URL = re.compile(r"https?://([a-z0-9.-]+)((?:/[\w.~%-]+)*)/*", re.ASCII)
"""An address of nothing but host and path."""


@cached_if_short(2_000)
def _place(url: str) -> tuple[str, str]:
    """Host and own path of a link; both empty if it cannot be read."""
    if not url:
        return "", ""
    plainly = _PLAIN_URL.fullmatch(url)
    if plainly:  # what urlsplit would say, at a tenth of its cost
        return plainly[1], plainly[2]
    try:
        return urlsplit(url).hostname or "", own_path(url)
    except ValueError:
        return "", ""


def assign_keys(entries: Sequence[Entry], *, base: str = "") -> tuple[Entry, ...]:
    """The entries in the same order, each with a key that is unique on the page.

    The key is, in order: its own link's path and query; an id in the record; its folded title. ``base`` is the address
    of the page, to tell links of the site from links that lead away; without it the links themselves tell.
    """
    records = [(entry.title, entry.url, entry.fields) for entry in entries]
    keys = _keys(records, base)
    if all(
        entry.key == key and not _untold_status(entry.title, entry.fields)
        for key, entry in zip(keys, entries, strict=True)
    ):
        return tuple(entries)
    return _with_keys(keys, records)


Record = tuple[str, str, Mapping[str, str]]
"""Title, address and fields of what is to be an entry."""


def entries_of(records: Sequence[Record], *, base: str = "") -> tuple[Entry, ...]:
    """The records as entries with keys, as ``assign_keys`` gives them; what a title says of its status is a field, if
    the record says nothing else of it."""
    return _with_keys(_keys(records, base), records)


def _with_keys(keys: Sequence[str], records: Sequence[Record]) -> tuple[Entry, ...]:
    entries = []
    for key, (title, url, fields) in zip(keys, records, strict=True):
        status = _untold_status(title, fields)
        entries.append(Entry(key=key, title=title, url=url, fields={**fields, "status": status} if status else fields))
    return tuple(entries)


def _untold_status(title: str, fields: Mapping[str, str]) -> str:
    """What the title alone says of the status."""
    return "" if fields.get("status") else title_status(title)


def _keys(records: Sequence[Record], base: str) -> list[str]:
    paths = own_paths([url for _, url, _ in records], base)
    numbers = [fields.get("id", "") for _, _, fields in records]
    times = Counter(filter(None, numbers))
    keys = []
    for (title, _, _), path, number in zip(records, paths, numbers, strict=True):
        if path:
            keys.append(_short(path))
        elif number and times[number] == 1:
            keys.append(_short(f"#{number}"))
        else:
            keys.append(_short(fold_title(title)[0]))
    return _apart(keys, records) if len(set(keys)) < len(keys) else keys


def title_status(title: str) -> str:
    """The status words in a title, less those that come and go by themselves; empty for most."""
    statuses = fold_title(title)[1]
    return ", ".join(word for word in statuses if word.casefold() not in RIBBONS) if statuses else ""


def _apart(keys: Sequence[str], records: Sequence[Record]) -> list[str]:
    """The keys, those that several entries share told apart by what else the records say, else by their order."""
    count = Counter(keys)
    used = {key for key in keys if count[key] == 1}
    last: Counter[str] = Counter()
    apart = []
    for key, (_, _, fields) in zip(keys, records, strict=True):
        name = key
        if count[key] > 1:
            name = f"{key}~{_digest(fields)}" if fields else key
            while name in used:
                last[key] = max(2, last[key] + 1)  # counted on, or thousands of the same would each count from 2
                name = f"{key}~{last[key]}"
            used.add(name)
        apart.append(name)
    return apart


def _digest(fields: Mapping[str, str]) -> str:
    """Eight hex digits that tell two entries of one name apart: by domain if they have one, else by all they say."""
    steady = fields.get("domain") or fields.get("website") or fields.get("description")
    said = steady or "\n".join(f"{name}={fields[name]}" for name in sorted(fields))
    return xxhash.xxh3_64_hexdigest(fold(said).encode())[:8]


def _short(key: str) -> str:
    """The key, a very long one with its end as a digest."""
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[: LONGEST_KEY - 17]}~{xxhash.xxh3_64_hexdigest(key.encode())}"


def merge_pages(pages: Sequence[Sequence[Entry]], *, base: str = "") -> tuple[tuple[Entry, ...], tuple[int, ...]]:
    """The entries of a listing read in several pages, keys unique over all of them, and the page each is on.

    An entry that moved to the next page while the pages were read stands on both: it is one entry.
    """
    if len(pages) == 1:
        return assign_keys(pages[0], base=base), (0,) * len(pages[0])
    together: list[Entry] = []
    places: list[int] = []
    earlier: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
    for number, page in enumerate(pages):
        signs = [_sign(entry) for entry in page]
        for entry, sign in zip(page, signs, strict=True):
            if sign not in earlier:
                together.append(entry)
                places.append(number)
        earlier.update(signs)
    return assign_keys(together, base=base), tuple(places)


def _sign(entry: Entry) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What makes two records on two pages the same: title and own link, or all they say where there is no link."""
    path = own_path(entry.url)
    return fold_title(entry.title)[0], path, () if path else tuple(sorted(entry.fields.items()))
