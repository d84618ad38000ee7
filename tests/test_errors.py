"""Every error that a person can meet is a sentence with a mend: read from the program, wherever errors are raised."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

from watcher import errors
from watcher.errors import ConfigError, UsageError, WatcherError

ROOT = Path(errors.__file__).parent
MODULES = [
    path for path in sorted(ROOT.rglob("*.py")) if "standalone" not in path.parts and "testing" not in path.parts
]
NEED_THEIR_OWN = {"WatcherError", "UsageError", "StoreError", "StoreBusy", "StoreFull", "StoreDamaged"}
"""Kinds whose mend depends on the case, where a person raised them by what they wrote or by how a machine is set up."""
INNER = {
    "watcher/edge/keeper.py",
    "watcher/edge/recorder.py",
    "watcher/edge/rows.py",
    "watcher/edge/writer.py",
}
"""What these refuse is a fault of the program, not of a person: the mend of the kind is all there is to say."""


def classes() -> list[type[WatcherError]]:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        if "Error)" in text and "class " in text and path.name != "__main__.py":
            importlib.import_module(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))
    found, left = [], [WatcherError]
    while left:
        one = left.pop()
        found.append(one)
        left += one.__subclasses__()
    return [one for one in found if one.__module__.startswith("watcher.")]


def calls() -> Iterator[tuple[str, ast.Call, str]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                yield path.relative_to(ROOT.parent).as_posix(), node, name


def is_sentence(text: str) -> bool:
    """Words, not a name of a class or of an exception; begins as the middle of a sentence does, and has no full stop,
    for it stands after ``watcher:`` or ``mend:``."""
    first = text.split(maxsplit=1)[0]
    odd = first[:1].isupper() and first not in {"Authorization:", "HTTP", "SOCKS", "DIR", "SITE/KEY"}
    return " " in text and not text.endswith(".") and not odd


def test_every_kind_of_error_has_a_mend() -> None:
    kinds = classes()
    assert {ConfigError, UsageError} < set(kinds)
    assert len(kinds) >= 15
    for kind in kinds:
        assert is_sentence(kind.mend), kind
    assert UsageError("there is no such thing").hint == UsageError.mend
    assert UsageError("there is no such thing", hint="look").hint == "look"
    assert ConfigError(("a", "b")).hint == ConfigError.mend


def test_where_the_mend_depends_on_the_case_it_is_given() -> None:
    without = [
        f"{place}:{call.lineno}: {ast.unparse(call)[:120]}"
        for place, call, name in calls()
        if name in NEED_THEIR_OWN
        and place not in INNER
        and not any(keyword.arg in {"hint", None} for keyword in call.keywords)
    ]
    assert without == []


def test_messages_and_mends_are_sentences() -> None:
    kinds = {kind.__name__ for kind in classes()}
    odd = []
    for place, call, name in calls():
        hints = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
        for said in [*call.args[:1], *hints] if name in kinds else ():
            text = literal(said)
            if text is not None and text.strip("\x00 ") and not is_sentence(text.replace("\x00", "x")):
                odd.append(f"{place}:{call.lineno}: {text!r}")
    assert odd == []


def literal(node: ast.expr) -> str | None:
    """A text as it stands in the program, what is filled in as NUL; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(one.value) if isinstance(one, ast.Constant) else "\x00" for one in node.values)
    return None
