"""Where each key of a TOML document stands, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_LITERAL = re.compile(r"'[^'\n]*'")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL)
_SCALAR = re.compile(r"[^,\]}\n#]+")
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")


def key_lines(text: str) -> Mapping[Path, int]:
    """Path of every key, table and array item to its line, from 1. The text must be valid TOML."""
    finder = _Finder(text)
    finder.document()
    return finder.lines


class _Finder:
    """Walks over a valid document, keeping count of lines."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.line = text, 0, 1
        self.lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}

    def document(self) -> None:
        prefix: Path = ()
        self._take(_BLANK)
        while self.at < len(self.text):
            if self._peek("["):
                prefix = self._header()
            else:
                self._assignment(prefix)
            self._take(_SPACE)
            self._take(_BLANK)

    def _header(self) -> Path:
        array = self._peek("[[")
        line = self.line
        self._move(2 if array else 1)
        names = self._key()
        self._move(2 if array else 1)
        prefix: Path = ()
        for name in names[:-1]:
            prefix = self._into((*prefix, name))
        whole = (*prefix, names[-1])
        if array:
            self.lines.setdefault(whole, line)
            number = self._lengths.get(whole, 0)
            self._lengths[whole] = number + 1
            whole = (*whole, number)
        self.lines[whole] = line
        return whole

    def _into(self, path: Path) -> Path:
        """The path, or its last item if it is an array of tables."""
        self.lines.setdefault(path, self.line)
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _assignment(self, prefix: Path) -> None:
        line = self.line
        path = prefix
        for name in self._key():
            path = (*path, name)
            self.lines.setdefault(path, line)
        self._move(1)  # "="
        self._take(_SPACE)
        self._value(path)

    def _key(self) -> list[str]:
        names = []
        while True:
            self._take(_SPACE)
            name = self._take(_BASIC, _LITERAL, _BARE)
            names.append(name if _BARE.fullmatch(name) else tomllib.loads(f"k = {name}")["k"])
            self._take(_SPACE)
            if not self._peek("."):
                return names
            self._move(1)

    def _value(self, path: Path) -> None:
        if self._peek("["):
            self._items(path, "]")
        elif self._peek("{"):
            self._items(path, "}")
        else:
            self._take(_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL, _SCALAR)

    def _items(self, path: Path, closing: str) -> None:
        self._move(1)
        number = 0
        while True:
            self._take(_BLANK)
            if self._peek(closing):
                self._move(1)
                return
            if self._peek(","):
                self._move(1)
            elif closing == "}":
                self._assignment(path)
            else:
                self.lines[(*path, number)] = self.line
                self._value((*path, number))
                number += 1

    def _peek(self, what: str) -> bool:
        return self.text.startswith(what, self.at)

    def _take(self, *patterns: re.Pattern[str]) -> str:
        """What the first of them that fits takes, moved past; of a valid document, one fits."""
        found = next(match[0] for pattern in patterns if (match := pattern.match(self.text, self.at)))
        self._move(len(found))
        return found

    def _move(self, count: int) -> None:
        self.line += self.text.count("\n", self.at, self.at + count)
        self.at += count
