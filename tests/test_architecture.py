"""The one rule of the layout, checked: who may import whom, and what ``core`` may not touch."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "watcher"
MODULES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}

# each layer and what it may import; "core" may import "core"
MAY_IMPORT = {
    "records": set(),
    "errors": set(),
    "core": {"records", "errors", "core"},
    "ports": {"records", "errors"},
    "config": {"records", "errors", "core"},
    "look": {"ports", "core", "records", "errors"},
    "short": {"look", "ports", "core", "records", "errors"},
    "visit": {"short", "look", "ports", "core", "records", "errors"},
    "testing": {"ports", "core", "records", "errors", "testing"},
    "edge": {"visit", "look", "ports", "core", "records", "errors", "config", "edge"},
    "watch": {"visit", "look", "ports", "core", "records", "errors", "config", "edge"},
    "web": {"watch", "edge", "visit", "look", "ports", "core", "records", "errors", "config", "web"},
    "cli": {"web", "watch", "edge", "visit", "look", "ports", "core", "records", "errors", "config", "testing", "cli"},
}
PURE_LIBRARIES = {
    "selectolax", "xxhash", "diff_match_patch", "rapidfuzz", "msgspec", "jmespath", "rfc8785", "jinja2", "markupsafe",
    "brotli", "backports", "compression",
}  # fmt: skip
IMPURE_STANDARD = {
    "asyncio", "logging", "os", "random", "secrets", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess",
    "tempfile", "threading", "time", "urllib.request",
}  # fmt: skip
IMPURE_CALLS = {"open", "print", "input", "now", "utcnow", "today", "uuid4", "uuid1", "urandom", "getenv"}


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            found |= {
                f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in MODULES else node.module
                for alias in node.names
            }
    return found


def layer(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_inward(module: str) -> None:
    mine = layer(module)
    if not mine or mine == "__main__":
        return
    for imported in imports_of(MODULES[module]):
        if imported.startswith("watcher.") and layer(imported):
            assert layer(imported) in MAY_IMPORT[mine], f"{module} imports {imported}"


@pytest.mark.parametrize("module", [name for name in MODULES if layer(name) == "core"])
def test_core_is_pure(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text())
    for imported in imports_of(MODULES[module]):
        assert imported not in IMPURE_STANDARD, f"{module} imports {imported}"
        root = imported.split(".")[0]
        assert root in PURE_LIBRARIES | {"watcher"} or root in __import__("sys").stdlib_module_names, (
            f"{module} imports {imported}, which is not on the list of pure libraries"
        )
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            assert name not in IMPURE_CALLS, f"{module}:{node.lineno} calls {name}"


def floors() -> list[list[str]]:
    """The modules of ``core`` as its docstring has them, from the ground up."""
    said = ast.get_docstring(ast.parse(MODULES["watcher.core"].read_text())) or ""
    items = " ".join(said.partition("\n- ")[2].split()).rstrip(".").split(". - ")
    return [[f"watcher.core.{name}" for name in item.partition(": ")[2].split(", ")] for item in items]


def test_every_module_of_core_has_its_place_and_imports_nothing_above_it() -> None:
    place = {module: number for number, floor in enumerate(floors()) for module in floor}
    assert sorted(module for floor in floors() for module in floor) == sorted(
        name for name in MODULES if name.startswith("watcher.core.")
    )
    upward = [
        f"{module} imports {imported}"
        for module in place
        for imported in imports_of(MODULES[module])
        if place.get(imported, 0) > place[module]
    ]
    assert upward == []


def test_no_import_cycles() -> None:
    graph = {name: {i for i in imports_of(path) if i in MODULES and i != name} for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail, name])
        if name not in done:
            for imported in graph[name]:
                walk(imported, (*trail, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def test_one_broad_except() -> None:
    """One failing site never stops the others: that is said once, in watch.py."""
    broad = [
        f"{name}:{node.lineno}"
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
    ]
    assert all(place.startswith("watcher.watch:") for place in broad), broad
    assert len(broad) <= 1, broad
