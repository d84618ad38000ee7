"""Mutation testing of the modules that everything rests on: each small fault put into them must make a test fail.

    make mutants                        # all; some minutes
    python -m tests.mutants merkle      # one module
    python -m tests.mutants --list

A mutant is one change of the syntax tree: a comparison or its boundary, an operator, a number, a text, a truth value,
a condition, an argument of ``and`` or ``or``, a filter of a comprehension, a value returned, a statement left out.
What an error says, and annotations, are left alone. Each mutant is tested in a process of its own, forked when all was
imported: there a function gets its changed code, or the changed module is imported first. Those that no test can tell
from the original are listed in ``EQUIVALENT``, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import copy
import functools
import importlib.abc
import importlib.machinery
import importlib.util
import itertools
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).parent.parent
TESTS = {
    "merkle": ("tests/core/test_merkle.py", "tests/core/test_standards.py"),
    "absence": ("tests/core/test_absence.py", "tests/core/test_corners.py"),
    "decide": (
        "tests/core/test_decide_alone.py", "tests/core/test_decide_corners.py", "tests/core/test_decide_clocks.py",
        "tests/core/test_decide.py", "tests/core/test_again.py",
        "tests/core/test_decide_properties.py",
    ),
}  # fmt: skip
"""Modules of ``watcher.core``, and the tests that must notice; quick ones first."""
ENOUGH = 0.90
"""What part of a module's mutants must be killed, those listed as equivalent counted as alive; the rest is printed."""
LONGEST = 3
"""Times the processor time that the tests take as it is, so that a busy machine kills no mutant."""
MOST_MEMORY = 1 << 30
"""Bytes beside what is held already: a loop without end may also fill a list."""

EQUIVALENT: dict[str, str] = {
    "decide.decide: snapshot.complete and snapshot.verdict in SPEAKING => snapshot.verdict in SPEAKING": (
        "a page that is cut, and has no entries, changes nothing"
    ),
    "decide._resting: return False => return None": "only its truth is asked for",
    "decide.decide: '' => '!'": "no capture is named by it",
    "decide.decide: '' => '!' #2": "only where the clock that nobody sets was read is it asked which boot it was",
    "decide.decide: '' => '!' #3": "neither is the state of a clock that is kept",
    "decide._pass_time: '' => '!' #2": "no capture is named by it",
    "merkle.verify_inclusion: not at & 1 and at => not at & 1": "the last leaf is not the first: a one is met",
    "merkle.verify_consistency: not at & 1 and at => not at & 1": "likewise",
}
"""Mutants that behave as the original does, by name, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module."""

    module: str
    place: str
    """The function it is in."""
    line: int
    was: str
    now: str
    tree: ast.Module

    @property
    def name(self) -> str:
        return f"{self.module}.{self.place}: {self.was} => {self.now}"


# ------------------------------------------------------------------------------------------------------- mutations

COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}  # fmt: skip
OPERATORS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Add,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.FloorDiv,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,), ast.BitAnd: (ast.BitOr,),
    ast.BitOr: (ast.BitAnd,),
}  # fmt: skip
NAMES = {"any": "all", "all": "any", "min": "max", "max": "min"}
LEFT_OUT = (ast.Assign, ast.AugAssign, ast.Expr, ast.Raise, ast.Delete)


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """What a node may be changed into, one change each."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=others):
            for other in COMPARISONS[type(op)]:
                yield ast.Compare(left=left, ops=[other()], comparators=others)
        case ast.Compare(left=left, ops=ops, comparators=others):
            for place, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield ast.Compare(left=left, ops=[*ops[:place], other(), *ops[place + 1 :]], comparators=others)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(op=ast.Or() if isinstance(op, ast.And) else ast.And(), values=values)
            for place in range(len(values)):
                rest = [*values[:place], *values[place + 1 :]]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=op, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            for changed in OPERATORS[type(op)]:
                yield ast.BinOp(left=left, op=changed(), right=right)
        case ast.AugAssign(target=target, op=op, value=value) if type(op) in OPERATORS:
            for changed in OPERATORS[type(op)]:
                yield ast.AugAssign(target=target, op=changed(), value=value)
        case ast.Constant(value=bool(value)):
            yield ast.Constant(value=not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value=value + 1)
            if value:
                yield ast.Constant(value=value - 1)
        case ast.Constant(value=str(value)):
            yield ast.Constant(value=value + "!" if value else "!")
        case ast.Constant(value=bytes(value)):
            yield ast.Constant(value=value + b"!")
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield ast.IfExp(test=test, body=orelse, orelse=body)
        case ast.Name(id=name) if name in NAMES:
            yield ast.Name(id=NAMES[name], ctx=ast.Load())
        case ast.comprehension(target=target, iter=source, ifs=ifs, is_async=is_async) if ifs:
            for place in range(len(ifs)):
                rest = [*ifs[:place], *ifs[place + 1 :]]
                yield ast.comprehension(target=target, iter=source, ifs=rest, is_async=is_async)
        case ast.If(test=test, body=body, orelse=orelse) | ast.While(test=test, body=body, orelse=orelse):
            for value in (True, False):
                yield type(node)(test=ast.Constant(value=value), body=body, orelse=orelse)
        case ast.Return(value=value) if value is not None and not _is(value, None):
            yield ast.Return(value=ast.Constant(value=None))
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
    if isinstance(node, LEFT_OUT):
        yield ast.Pass()


def _is(node: ast.AST, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def left_alone(parent: ast.AST, field: str, node: ast.AST) -> bool:
    """Docstrings, annotations, decorators, imports, and what an error says."""
    if field in {"annotation", "returns", "decorator_list"} or _is_docstring(node):
        return True
    if isinstance(node, ast.Import | ast.ImportFrom) or _is_alias(parent, node):
        return True
    return isinstance(parent, ast.Raise) or isinstance(node, ast.JoinedStr | ast.FormattedValue)


def _is_alias(parent: ast.AST, node: ast.AST) -> bool:
    """``NodeAt = Callable[…]``: a type, though it looks like a value."""
    return isinstance(parent, ast.Module) and isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript)


def places(
    tree: ast.AST, path: tuple[tuple[str, int | None], ...] = (), inside: str = ""
) -> Iterator[tuple[tuple[tuple[str, int | None], ...], ast.AST, str]]:
    """Every node that may be changed: the way to it, itself, and the function it is in."""
    for field, value in ast.iter_fields(tree):
        for number, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if not isinstance(node, ast.AST) or left_alone(tree, field, node):
                continue
            named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            where = ".".join(filter(None, (inside, node.name))) if named else inside
            step = (*path, (field, number))
            yield step, node, where
            yield from places(node, step, where)


def mutants(module: str, source: str) -> list[Mutant]:
    """All mutants of a module, in the order of its source."""
    tree = ast.parse(source)
    found, seen = [], dict[str, int]()
    for path, node, inside in places(tree):
        for new in changes(node):
            changed = copy.deepcopy(tree)
            _put(changed, path, new)
            ast.fix_missing_locations(changed)
            was, now = _spelled(node), _spelled(new)
            key = f"{inside}: {was} => {now}"
            seen[key] = seen.get(key, 0) + 1
            again = f" #{seen[key]}" if seen[key] > 1 else ""
            line = getattr(node, "lineno", 0)
            found.append(Mutant(module=module, place=inside, line=line, was=was, now=now + again, tree=changed))
    return found


def _put(tree: ast.AST, path: Sequence[tuple[str, int | None]], new: ast.AST) -> None:
    for field, number in path[:-1]:
        value = getattr(tree, field)
        tree = value if number is None else value[number]
    field, number = path[-1]
    if number is None:
        setattr(tree, field, new)
    else:
        getattr(tree, field)[number] = new


def _spelled(node: ast.AST) -> str:
    """A node in one line; of a statement with a body, its head."""
    if isinstance(node, ast.If | ast.While):
        return f"{type(node).__name__.lower()} {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 110 else text[:110] + "…"


# --------------------------------------------------------------------------------------------------------- running


class Instead(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports a changed module in the place of the one on the disk."""

    def __init__(self, name: str, code: CodeType, path: Path) -> None:
        self._name, self._code, self._path = name, code, path

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != self._name:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def get_code(self, name: str) -> CodeType:
        return self._code

    def get_source(self, name: str) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def survives(mutant: Mutant, seconds: int) -> bool:
    """Whether all its tests pass, in so much processor time."""
    child = os.fork()
    if child == 0:
        os._exit(_test(mutant, seconds))
    _, status = os.waitpid(child, 0)
    return status == 0


def _test(mutant: Mutant, seconds: int) -> int:
    """In the child: 0 if nothing fails."""
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))  # a loop without end is noticed
    resource.setrlimit(resource.RLIMIT_AS, (held + MOST_MEMORY, held + MOST_MEMORY))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    name, path = f"watcher.core.{mutant.module}", ROOT / "watcher" / "core" / f"{mutant.module}.py"
    try:
        code = compile(mutant.tree, str(path), "exec")
        if name in sys.modules:
            _swap(sys.modules[name], mutant.place, code)
        else:
            sys.meta_path.insert(0, Instead(name, code, path))
        for test in tests_of(mutant.module):
            test()
    except BaseException:
        return 1
    return 0


def tests_of(module: str) -> Iterator[Callable[[], object]]:
    """The tests that must notice, each with each of its parameters; they are called as they are, without pytest."""
    for path in TESTS[module]:
        found = importlib.import_module(path.removesuffix(".py").replace("/", "."))
        for name, test in vars(found).items():
            if name.startswith("test_"):
                marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
                for chosen in itertools.product(*map(_parameters, marks)):
                    yield functools.partial(test, **{key: value for one in chosen for key, value in one.items()})


def _parameters(mark: Any) -> list[dict[str, object]]:
    names, values = mark.args[:2]
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    return [dict(zip(names, one if len(names) > 1 else [one], strict=True)) for one in values]


def is_in_function(mutant: Mutant) -> bool:
    """Whether it changes the body of one function, whose code can be swapped; else the module is imported anew."""
    node = next((node for node in mutant.tree.body if getattr(node, "name", "") == mutant.place), None)
    return isinstance(node, ast.FunctionDef)


def _swap(module: ModuleType, function: str, code: CodeType) -> None:
    """Give a function the code that it has in a changed module, wherever it was imported to."""
    new = next(const for const in code.co_consts if isinstance(const, CodeType) and const.co_name == function)
    held = getattr(module, function)
    getattr(held, "__wrapped__", held).__code__ = new


def _warm_up() -> None:
    """Import what is not the product, so that no child has to."""
    for name in ("pytest", "hypothesis.strategies", "msgspec", "rapidfuzz", "structlog", "selectolax.lexbor", "xxhash",
                 "cryptography", "aiohttp", "jinja2"):  # fmt: skip
        importlib.import_module(name)
    import hypothesis

    hypothesis.settings.register_profile("the same each time", derandomize=True, database=None)
    hypothesis.settings.load_profile("the same each time")


def run(module: str, say: Callable[[str], None], part: int = 1, parts: int = 1) -> tuple[int, list[Mutant]]:
    """The number of mutants of a module, and those that no test noticed. To be called in a process of its own."""
    _warm_up()
    every = mutants(module, _source(module))[part - 1 :: parts]
    as_it_is = Mutant(module=module, place="", line=0, was="", now="", tree=ast.parse(_source(module)))
    if not survives(as_it_is, 600):
        raise SystemExit(f"{module}: its tests fail as it is")
    seconds = 5 + LONGEST * int(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime)
    alive = []
    for mutant in sorted(every, key=is_in_function):
        if is_in_function(mutant) and f"watcher.core.{module}" not in sys.modules:
            for _ in tests_of(module):
                pass
        if survives(mutant, seconds):
            alive.append(mutant)
            known = EQUIVALENT.get(mutant.name)
            say(f"  {'equivalent' if known else 'ALIVE'}  line {mutant.line}  {mutant.name}")
    return len(every), alive


@functools.cache
def _source(module: str) -> str:
    return (ROOT / "watcher" / "core" / f"{module}.py").read_text()


def main(given: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Put faults into the product; the tests must notice.")
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(TESTS)} (default: all)")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    parser.add_argument("--part", default="1/1", help="2/3: the second of three parts, for several processes")
    asked = parser.parse_args(given)
    modules = asked.modules or list(TESTS)
    if asked.list:
        print(*(mutant.name for module in modules for mutant in mutants(module, _source(module))), sep="\n")
        return 0
    if len(modules) > 1:  # each in a process of its own: none may have imported the product before
        codes = [
            subprocess.run([sys.executable, "-m", "tests.mutants", one], check=False).returncode for one in modules
        ]
        return max(codes)
    start = time.monotonic()
    number, alive = run(modules[0], lambda line: print(line, flush=True), *map(int, asked.part.split("/")))
    unknown = [mutant for mutant in alive if mutant.name not in EQUIVALENT]
    rate = 1 - len(alive) / number
    print(
        f"{modules[0]}: {number} mutants, {number - len(alive)} killed ({rate:.1%}), {len(alive) - len(unknown)} "
        f"equivalent, {len(unknown)} alive; {time.monotonic() - start:.0f} s",
        flush=True,
    )
    return 0 if rate >= ENOUGH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
