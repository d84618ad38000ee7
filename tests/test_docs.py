"""What README and docs/ say is true: links lead somewhere, commands parse, configuration loads, words are ours."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests import reference
from watcher import config
from watcher.cli.main import TABLE, cli
from watcher.core import reasons
from watcher.core.rules import faults
from watcher.errors import ConfigError, WatcherError
from watcher.records import MISS_VERDICTS, PAGE_VERDICTS

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\[[^\]]*\]\(([^()\s]+)\)")
ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd"


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """A page without its blocks."""
    return FENCE.sub("", text(page))


def blocks(page: Path, *languages: str) -> list[str]:
    return [textwrap.dedent(body) for _, language, body in FENCE.findall(text(page)) if language in languages]


def named(page: Path) -> str:
    return page.name


every_page = pytest.mark.parametrize("page", PAGES, ids=named)


# ----------------------------------------------------------------------------------------------------------- links


def anchors(page: Path) -> set[str]:
    """As GitHub and MkDocs name headings."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text(page)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_the_pages_of_the_site_are_there() -> None:
    menu = text(ROOT / ".ci" / "mkdocs.yml").partition("\nnav:\n")[2]
    listed = re.findall(r"([\w-]+\.md)", menu)
    assert len(listed) == len(set(listed)) > 12
    assert [name for name in listed if not (ROOT / "docs" / name).is_file()] == []


# -------------------------------------------------------------------------------------------------------- commands


def commands(page: Path) -> Iterator[str]:
    """Every command line that a page shows, one by one."""
    for block in blocks(page, "console", "sh", "shell", "bash"):
        for line in block.splitlines():
            if line.startswith("$ "):
                yield line[2:]
    for block in blocks(page, ""):
        yield from (line for line in block.splitlines() if line.startswith(("watcher ", "make ")))
    for block in blocks(page, "text"):
        yield from (line.strip()[2:] for line in block.splitlines() if line.strip().startswith("$ "))


def parts(line: str) -> Iterator[list[str]]:
    """The programs of one line with their arguments."""
    words = shlex.shlex(line, posix=True, punctuation_chars="|<>;&")
    words.whitespace_split, words.commenters = True, "#"
    part: list[str] = []
    for word in words:
        if set(word) <= set("|;&"):
            yield part
            part = []
        elif set(word) <= set("<>"):
            if part and part[-1].isdigit():
                part.pop()
            part.append("\0")
        elif part and part[-1] == "\0":
            part.pop()  # where it goes to
        else:
            part.append(word)
    yield part


def parse(arguments: list[str]) -> None:
    """Nothing, if the program takes these arguments. Raises click's error, or ours."""
    with cli.make_context("watcher", list(arguments)) as top:
        if top._protected_args or top.args:
            name, command, rest = cli.resolve_command(top, [*top._protected_args, *top.args])
            assert command is not None
            command.make_context(name, rest, parent=top)


@every_page
def test_commands_are_ones_that_the_program_takes(page: Path) -> None:
    makefile = text(ROOT / "Makefile")
    for line in commands(page):
        for program, *arguments in filter(None, parts(line)):
            if program.rpartition("/")[2] == "watcher":
                try:
                    parse(arguments)
                except click.exceptions.Exit:
                    pass  # --help, --version
                except (click.ClickException, WatcherError) as error:
                    raise AssertionError(f"{page.name}: {line}: {error}") from None
            elif program == "make":
                for target in arguments:
                    assert "=" in target or re.search(rf"(?m)^{re.escape(target)}:", makefile), f"{page.name}: {line}"


@every_page
def test_commands_in_running_text_exist(page: Path) -> None:
    """``watcher COMMAND --flag`` in prose: the command is one, and the flag one of its own."""
    for span in re.findall(r"`watcher ([^`\n]+)`", prose(page)):
        words = [word for word in span.split() if word != "…"]
        while words and words[0] == "-c":
            words = words[2:]
        if not words or words[0].startswith("-") or words[0].isupper():
            continue
        assert words[0] in TABLE, f"{page.name}: watcher {span}"
        with click.Context(cli) as top:
            command = cli.get_command(top, words[0])
        assert command
        known = {option for parameter in command.params for option in [*parameter.opts, *parameter.secondary_opts]}
        for word in words[1:]:
            if word.startswith("--"):
                assert word.partition("=")[0] in known | {"--help"}, f"{page.name}: watcher {span}"


# --------------------------------------------------------------------------------------------------- configuration


class Anything(dict[str, str]):
    """An environment in which whatever a page names is set."""

    def get(self, key: str, default: str | None = None) -> str:  # type: ignore[override]
        if key.endswith("BRIDGE"):
            return "192.0.2.7:443 0123456789ABCDEF0123456789ABCDEF01234567"
        if key.endswith("CREDENTIALS"):
            return "local:secret"
        return "json://there.example/hook" if not key.endswith("TOKEN") else "x" * 20

    def __getitem__(self, key: str) -> str:
        return self.get(key)

    def __contains__(self, key: object) -> bool:
        return True


@every_page
def test_configuration_loads(page: Path) -> None:
    for number, block in enumerate(blocks(page, "toml"), 1):
        whole = block.replace("….onion", f"{ONION}.onion")
        if "…" in whole:
            continue  # something that was too long, or must not stand there
        if "watchlist_only = true" in whole and "[[watchlist]]" not in whole:
            whole += '\n[[watchlist]]\nname = "Acme"\nmatch = ["acme"]\n'
        if whole.lstrip().startswith("[site."):
            whole = f'[[site]]\nname = "x"\nmirrors = ["http://{ONION}.onion/"]\n{whole}'
        try:
            config.parse(whole, Path("/srv"), environ=Anything())
        except ConfigError as error:
            wrong = [fault for fault in error.faults if "does not belong to this name and key" not in fault]  # invented
            assert wrong == [], f"{page.name}, block {number}"


# -------------------------------------------------------------------------------------------------- made from code


@pytest.mark.parametrize("name", reference.PAGES)
def test_reference_pages_are_what_the_program_says(name: str) -> None:
    made = reference.PAGES[name]()
    assert text(ROOT / "docs" / name) == made, "run `make reference`"


def test_json_blocks_are_json() -> None:
    found = [json.loads(block) for page in PAGES for block in blocks(page, "json")]
    assert len(found) >= 7


def test_the_case_of_the_contributing_page_has_the_form_of_the_others() -> None:
    (block,) = blocks(ROOT / "docs" / "CONTRIBUTING.md", "json")
    told = json.loads(block)
    for case in sorted((ROOT / "snapshots" / "cases").iterdir()):
        kept = json.loads(text(case / "truth.json"))
        assert set(told) <= set(kept)
        assert set(told["versions"][0]) <= set(kept["versions"][0])


def test_every_machine_word_is_explained() -> None:
    page = text(ROOT / "docs" / "deciding.md")
    words = {*reasons._REASONS, *reasons._WAITS} - {"sure-by", *PAGE_VERDICTS, *MISS_VERDICTS}
    words |= {f"sure-by:{way}" for way in reasons._SURE_BY}
    assert sorted(word for word in words if not re.search(rf"`{re.escape(word)}([:-][^`]+)?`", page)) == []


def test_messages_that_are_quoted_are_the_programs() -> None:
    source = "\n".join(text(path) for path in sorted((ROOT / "watcher").rglob("*.py")))
    rows = re.findall(r"^\| `([^`]+)`", text(ROOT / "docs" / "troubleshooting.md"), re.MULTILINE)
    assert len(rows) > 8
    for said in rows:
        pieces = [piece.strip() for piece in re.split(r"watcher\.toml|…", said) if piece.strip()]
        assert all(piece in source for piece in pieces), said


def test_rules_that_are_shown_are_rules() -> None:
    import tomllib

    shown = [block for page in PAGES for block in blocks(page, "toml") if "[site.rule]" in block]
    for block in shown:
        table = tomllib.loads(block.replace("….onion", f"{ONION}.onion"))
        rules = (
            [site["rule"] for site in table.get("site", []) if "rule" in site]
            if isinstance(table.get("site"), list)
            else []
        )
        assert all(faults(rule) == [] for rule in rules)
