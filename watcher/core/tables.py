"""Reads a TOML table key by key and gathers every fault, each with its line and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from watcher.core.escape import line
from watcher.core.moments import parse_duration, parse_size

if TYPE_CHECKING:
    from watcher.core.toml_lines import Path

T = TypeVar("T")
W = TypeVar("W", bound=str)
MOST = 1_000_000
"""Of whatever is counted; more is a slip of the hand."""
LARGEST = 4 << 30
"""Bytes of one body."""


@dataclass(frozen=True)
class Faults:
    """What is wrong with one file, in the order in which it stands there."""

    file: str
    text: str
    found: list[tuple[int, str]] = field(default_factory=list)
    doubts: list[tuple[int, str]] = field(default_factory=list)
    """What is no fault and yet cannot be meant."""
    unset: list[tuple[int, str]] = field(default_factory=list)
    """Secrets that the environment does not hold: a fault for who needs them."""

    def add(self, path: Path, place: str, problem: str) -> None:
        """``problem`` is "what is wrong; what would be right"; ``place`` is "[section] key"."""
        self.found.append(self._told(path, place, problem))

    def doubt(self, path: Path, place: str, problem: str) -> None:
        """As ``add``, for what does not keep the watcher from starting."""
        self.doubts.append(self._told(path, place, problem))

    def miss(self, path: Path, place: str, problem: str) -> None:
        """As ``add``, for a secret that is not there."""
        self.unset.append(self._told(path, place, problem))

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        from watcher.core.toml_lines import key_lines  # as slow as reading the file: for who is told of a fault

        return key_lines(self.text)

    def line_of(self, path: Path) -> int:
        """Where a key stands, or what it would stand in."""
        return next((self._lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in self._lines), 1)

    def _told(self, path: Path, place: str, problem: str) -> tuple[int, str]:
        at = self.line_of(path)
        return at, f"{self.file}:{at}: {place}: {problem}"

    def told(self, *, secrets: bool = True) -> tuple[str, ...]:
        """One line a fault, by line of the file; secrets that are not set among them only if ``secrets`` are needed."""
        found = [*self.found, *(self.unset if secrets else ())]
        return tuple(text for _, text in sorted(found, key=lambda one: one[0]))

    @property
    def doubted(self) -> tuple[str, ...]:
        """One line a doubt."""
        return tuple(text for _, text in sorted(self.doubts, key=lambda one: one[0]))


@dataclass(slots=True)
class Table:
    """One table of the file; what is asked for is known, the rest is a fault."""

    data: Mapping[str, Any]
    name: str
    """As people write it: ``[proxy]``, ``[[site]]``."""
    path: Path
    faults: Faults
    environ: Mapping[str, str]
    """Where ``env:NAME`` is looked up."""
    sections: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Every section and its keys, to say where a misplaced key belongs."""
    asked: set[str] = field(default_factory=set)

    # ------------------------------------------------------------------------------------------- values

    def text(self, key: str, default: str = "", *, needed: str = "", secret: bool = False) -> str:
        """A string; ``needed`` says what would be right where it must not be missing or empty. A ``secret`` may be
        ``env:NAME``."""
        value = self._typed(key, str, "a string in quotes", default)
        if "\0" in value and not secret:
            self.fault(key, "there is a character of code 0 in it; take it out")
        if needed and not value.strip() and isinstance(self.data.get(key, ""), str):
            self.fault(key, f"{'it is empty' if self.has(key) else 'it is missing'}; {needed}")
        return self._secret(key, value) if secret else value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        return self._typed(key, bool, "true or false", default)

    def whole(self, key: str, default: int, *, least: int, most: int = MOST) -> int:
        """A whole number from ``least`` to ``most``."""
        value = self._typed(key, int, f"a whole number such as {default}", default)
        if value < least:
            self.fault(key, f"{_number(value)} is too few; write {least} or more")
            return default
        if value > most:
            self.fault(key, f"{_number(value)} is too many; write {most} or fewer")
            return default
        return value

    def duration(self, key: str, default: str, *, least: timedelta, also: Sequence[W] = ()) -> timedelta | W:
        """A length of time that is not below ``least``, or one of the words in ``also``."""
        right = " or ".join([f'"{default}"', *(f'"{word}"' for word in also)])
        value = self._typed(key, str, f"a length of time in quotes such as {right}", default)
        for word in also:
            if word == value:
                return word
        length = self.made(key, value, _or(parse_duration, right), parse_duration(default))
        if length < least:
            self.fault(key, f"{value} is too short; write {_plain(least)} or more")
            return parse_duration(default)
        return length

    def size(self, key: str, default: str) -> int:
        """A number of bytes, from 1 KiB to 4 GiB."""
        value = self._typed(key, str, f'a size in quotes such as "{default}"', default)
        size = self.made(key, value, _or(parse_size, f'"{default}"'), parse_size(default))
        if size < 1024:
            self.fault(key, f"{line(value, 40)} is too small for a page; write 1KiB or more")
        if size > LARGEST:
            self.fault(key, f"{line(value, 40)} is more than a page can have; write 4GiB or less")
        return size

    def choice(self, key: str, default: str, options: Sequence[str]) -> str:
        """One of the options."""
        value = self._typed(key, str, f"one of {_listed(options)}", default)
        if value not in options:
            self.fault(key, f"{_shown(value)} is unknown; {meant(value, options) or f'write {_listed(options)}'}")
            return default
        return value

    def texts(self, key: str, right: str, *, needed: bool = False, secret: bool = False) -> list[tuple[Path, str]]:
        """The strings of a list (or a single string), each with its path."""
        value = self._value(key, [])
        whole = self.path_of(key)
        if isinstance(value, str):
            value, paths = [value], [whole]
        elif isinstance(value, list):
            paths = [(*whole, number) for number in range(len(value))]
        else:
            self.fault(key, f"{_kind(value)} stands here; write {right}")
            return []
        if needed and not value:
            self.fault(key, f"{'it is empty' if self.has(key) else 'it is missing'}; write {right}")
        good = []
        for path, item in zip(paths, value, strict=True):
            if not isinstance(item, str):
                self.fault(key, f"{_kind(item)} stands in the list; write {right}", path)
            elif held := self._secret(key, item, path) if secret else item:
                good.append((path, held))
            elif not item:
                self.fault(key, f"an empty string stands here; write {right}", path)
        return good

    def made(self, key: str, value: str, make: Callable[[str], T], instead: T, path: Path | None = None) -> T:
        """``make(value)``; its ValueError ("what is wrong; what would be right") is a fault, ``instead`` goes on."""
        try:
            return make(value)
        except ValueError as error:
            self.fault(key, str(error), path)
            return instead

    # ------------------------------------------------------------------------------------------- tables

    def table(self, key: str, name: str) -> Table:
        """A table below this one, empty if it is missing."""
        value = self._value(key, {})
        if isinstance(value, list) and value and isinstance(value[0], dict):
            self._fault_of_table(key, name, f"there can be only one; write {name} with single brackets, once")
            value = {}
        elif not isinstance(value, dict):
            self._fault_of_table(key, name, f"{_kind(value)} stands here; write a table {name}")
            value = {}
        return self._below(value, name, self.path_of(key))

    def _fault_of_table(self, key: str, name: str, problem: str) -> None:
        self.faults.add(self.path_of(key), f"{self.name} {key}" if self.name else name, problem)

    def tables(self, key: str) -> Iterator[Table]:
        """The tables of an array of tables."""
        value = self._value(key, [])
        name = f"[[{key}]]"
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            what = f"[{key}] is a single table" if isinstance(value, dict) else f"{_kind(value)} stands here"
            self.faults.add(self.path_of(key), name, f"{what}; write {name} with double brackets, once for each")
            value = [value] if isinstance(value, dict) else []
        for number, one in enumerate(value):
            yield self._below(one, name, (*self.path_of(key), number))

    def _below(self, data: Mapping[str, Any], name: str, path: Path) -> Table:
        return Table(data=data, name=name, path=path, faults=self.faults, environ=self.environ, sections=self.sections)

    def finish(self) -> None:
        """Every key that nobody asked for is a fault."""
        for key in self.data:
            if key not in self.asked:
                self.fault(key, f"unknown key; {self._suggestion(key)}")

    def _suggestion(self, key: str) -> str:
        homes = [section for section, keys in self.sections.items() if key in keys and section != self.name]
        if near := meant(key, self.asked):
            return near
        if homes:
            return f"it belongs in {' or '.join(homes)}"
        return f"known here: {', '.join(sorted(self.asked))}"

    # ------------------------------------------------------------------------------------------- helpers

    def has(self, key: str) -> bool:
        """Whether the file holds the key."""
        self.asked.add(key)
        return key in self.data

    def path_of(self, key: str) -> Path:
        """Where the key stands."""
        return (*self.path, key)

    def fault(self, key: str, problem: str, path: Path | None = None) -> None:
        """Something wrong with a key of this table: "what is wrong; what would be right"."""
        self.faults.add(path or self.path_of(key), f"{self.name} {line(key, 60)}", problem)

    def _value(self, key: str, default: Any) -> Any:
        self.asked.add(key)
        return self.data.get(key, default)

    def _typed(self, key: str, kind: type[T], right: str, default: T) -> T:
        value = self._value(key, default)
        if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
            return value
        self.fault(key, f"{_kind(value)} stands here; write {right}")
        return default

    def _secret(self, key: str, value: str, path: Path | None = None) -> str:
        """The value, or what the environment holds for ``env:NAME``."""
        if not value.startswith("env:"):
            return value
        name = value.removeprefix("env:").strip()
        held = self.environ.get(name, "")
        if not held:
            problem = f"the environment variable {line(name, 60) or 'without a name'} is not set; set it first"
            self.faults.miss(path or self.path_of(key), f"{self.name} {line(key, 60)}", problem)
        return held


def meant(word: str, options: Collection[str]) -> str:
    """``did you mean "url"?``, or nothing if no option is near."""
    from difflib import get_close_matches  # only when something is wrong

    near = get_close_matches(word.lower(), sorted(options), n=1, cutoff=0.7)
    return f'did you mean "{near[0]}"?' if near else ""


def _or(parse: Callable[[str], T], right: str) -> Callable[[str], T]:
    """``parse``, whose ValueError says what would be right, too."""

    def make(value: str) -> T:
        try:
            return parse(value)
        except ValueError as error:
            raise ValueError(f"{line(str(error), 80)}; write {right}") from None

    return make


def _plain(length: timedelta) -> str:
    return f"{length.total_seconds():g}s"


def _shown(value: str) -> str:
    return f'"{line(value, 60)}"'


def _listed(options: Sequence[str]) -> str:
    quoted = [f'"{one}"' for one in options]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def _number(value: float, before: str = "") -> str:
    """The number as written, unless it is beyond all use: Python itself writes no more than 4300 digits."""
    is_long = isinstance(value, int) and value.bit_length() > 128
    return "a number of many digits" if is_long else f"{before}{value}"


def _kind(value: object) -> str:
    """What a value is, in the words of TOML, with the value where that helps."""
    match value:
        case bool():
            return f"{str(value).lower()} (true or false)"
        case int() | float():
            return _number(value, "the number ")
        case str():
            return f'the string "{line(value, 40)}"'
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return f"the time {value}"
