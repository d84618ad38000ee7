"""Times, lengths of time and counts as people and programs write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)(ms|s|m|h|d|w)", re.ASCII)
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)?", re.ASCII)
_SIZE_UNITS = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}
_LONGEST = timedelta(days=3660)
_MOMENT = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2})?([.,]\d{1,9})?(Z|z|[+-]\d{2}:?\d{2})?)?", re.ASCII
)


def parse_duration(text: str) -> timedelta:
    """The length of time that ``"90s"``, ``"15m"``, ``"1h30m"`` or ``"30d"`` names; ValueError says what is wrong."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no length of time")
    try:
        total = sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta())
    except OverflowError:
        total = timedelta.max
    if total > _LONGEST:
        raise ValueError(f"{text!r} is longer than ten years")
    return total


def parse_size(text: str) -> int:
    """The bytes that ``"16MiB"``, ``"500kB"`` or ``"1024"`` names; ValueError says what is wrong."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no size")
    return round(float(match[1]) * _SIZE_UNITS[match[2] or "B"])


def parse_moment(text: str, now: datetime) -> datetime:
    """The moment that a date, an RFC 3339 time or a length of time before ``now`` (``"3d"``) names, in UTC.

    A time without an offset is taken as UTC. ValueError says what is wrong.
    """
    text = text.strip()
    match = _MOMENT.fullmatch(text)
    try:
        if match is None:
            return now - parse_duration(text.removesuffix(" ago").replace(" ", ""))
        day, minute, second, fraction, offset = match.groups()
        digits = (fraction or ".0")[1:7].ljust(6, "0")
        zone = "+00:00" if offset in {None, "Z", "z"} else offset
        return datetime.fromisoformat(f"{day}T{minute or '00:00'}{second or ':00'}.{digits}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time") from None


def rfc3339(moment: datetime) -> str:
    """The moment in UTC with microseconds and Z: ``2026-11-22T15:04:05.123456Z``. ValueError without a zone."""
    if moment.tzinfo is UTC:
        return f"{moment.isoformat(timespec='microseconds')[:-6]}Z"
    if moment.utcoffset() is None:
        raise ValueError("a time without a zone")
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='microseconds')}Z"


def words(length: timedelta) -> str:
    """A length of time for people, in its largest unit and the next: ``2 h 5 min``, ``3 d``, ``40 s``."""
    seconds = int(abs(length.total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    sizes = ((86400, "d"), (3600, "h"), (60, "min"))
    at = next(i for i, (size, _) in enumerate(sizes) if seconds >= size)
    size, unit = sizes[at]
    shown = f"{seconds // size} {unit}"
    if at + 1 < len(sizes) and seconds // size < 10:
        below, name = sizes[at + 1]
        rest = seconds % size // below
        shown += f" {rest} {name}" if rest else ""
    return shown


def when(moment: datetime | None) -> str:
    """A moment for people: UTC to the second."""
    return "–" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def since(moment: datetime, now: datetime) -> str:
    """How long ago, or in how long."""
    return f"{words(now - moment)} ago" if moment <= now else f"in {words(moment - now)}"


def counted(count: int, one: str, more: str = "") -> str:
    """So many of something: "1 site", "2 sites"; ``more`` where an s at the end will not do."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def size_words(count: int) -> str:
    """Bytes for people: ``812 B``, ``16.0 KiB``, ``1.5 GiB``."""
    if count < 1024:
        return f"{count} B"
    size = float(count)
    for unit in ("KiB", "MiB", "GiB"):
        size /= 1024
        if size < 1024:
            return f"{size:.1f} {unit}"
    return f"{size / 1024:.1f} TiB"
