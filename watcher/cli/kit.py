"""What every command shares: the file it works with, how its help reads, how its errors are told."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from watcher.errors import ConfigError, UsageError, WatcherError

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.edge.ledger import Ledger


INTERRUPTED = 130
PIPE_CLOSED = 141
"""As the shell tells of a program that a closed pipe ended."""


@dataclass(slots=True)
class State:
    """What was said before the command's own flags, and what was read because of it."""

    given: str | None = None
    _read: dict[bool, Settings] = field(default_factory=dict, repr=False)

    @property
    def settings(self) -> Settings:
        """The settings, with their secrets, for who visits or tells; read once. Raises ConfigError."""
        return self._load(secrets=True)

    @property
    def view(self) -> Settings:
        """The settings for who only looks at the store: secrets may be missing from the environment."""
        return self._load(secrets=False)

    def _load(self, *, secrets: bool) -> Settings:
        if secrets not in self._read:
            from watcher import config

            self._read[secrets] = config.load(config.find(self.given), secrets=secrets)
            for doubt in self._read[secrets].doubts if len(self._read) == 1 else ():
                say(doubt)
        return self._read[secrets]

    @contextmanager
    def ledger(self, *, silent: bool = False) -> Iterator[Ledger | None]:
        """The store, for reading, whoever owns it; None, told unless ``silent``, before anything was kept."""
        from watcher.edge.ledger import Ledger
        from watcher.edge.schema import LEDGER

        if not (self.view.store / LEDGER).exists():
            if self.view.store.exists() and not self.view.store.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "the store is no folder", str(self.view.store))
            if not silent:
                say("nothing was visited yet; `watcher check` does it once, `watcher run` goes on")
            yield None
            return
        with Ledger.open(self.view.store) as ledger:
            yield ledger


def config_option() -> click.Option:
    """``-c/--config FILE``, before the command or after it."""

    def keep(ctx: click.Context, _: click.Parameter, value: str | None) -> None:
        state = ctx.ensure_object(State)
        state.given = value or state.given

    return click.Option(
        ["-c", "--config"],
        metavar="FILE",
        type=click.Path(readable=False),
        expose_value=False,
        callback=keep,
        help="The configuration; without it ./watcher.toml, then $WATCHER_CONFIG.",
    )


class Command(click.Command):
    """A command that takes ``-c``, and whose help ends with examples and exit codes."""

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        exits: Sequence[tuple[str, str]] = (("0", "done"), ("2", "trouble of ours, told on stderr with its mend")),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(config_option())
        self.examples, self.exits = tuple(examples), tuple(exits)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_epilog(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                for line, does in self.examples:
                    formatter.write_text(does)
                    with formatter.indentation():
                        formatter.write(f"{'':{formatter.current_indent}}$ {line}\n")
        if self.exits:
            with formatter.section("Exit status"):
                formatter.write_dl(self.exits)


def command(**about: Any) -> Callable[[Callable[..., Any]], Command]:
    """Makes ``NAME_command``, whose first argument is the ``State``, the command NAME."""

    def made(function: Callable[..., Any]) -> Command:
        return click.command(function.__name__.removesuffix("_command"), cls=Command, **about)(click.pass_obj(function))

    return made


json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
since_option = click.option(
    "--since", metavar="TIME", help="Only from then on: 2026-11-22, 2026-11-22T15:04Z, or so long ago: 2h, 3d."
)


def site_names(ctx: click.Context, _: click.Parameter, part: str) -> list[str]:
    """Names of sites that begin so, for the shell; nothing if the file cannot be used."""
    root = ctx.find_root()
    try:
        return [site.name for site in root.ensure_object(State).view.sites if site.name.startswith(part)]
    except WatcherError:
        return []


site_option = click.option("--site", metavar="SITE", shell_complete=site_names)


def moment(text: str | None) -> datetime | None:
    """The moment that ``--since`` names. Raises UsageError."""
    if text is None:
        return None
    from watcher.core.moments import parse_moment

    try:
        return parse_moment(text, datetime.now(UTC))
    except ValueError as error:
        raise UsageError(str(error), hint="write 2026-11-22, 2026-11-22T15:04Z, or so long ago: 2h, 3d") from None


def known(name: str, names: Sequence[str], what: str) -> str:
    """The name, if it is one of ``names``. Raises UsageError, with the nearest one, if not."""
    if name in names:
        return name
    from watcher.core.escape import line
    from watcher.core.tables import meant

    listed = f"known: {', '.join(names[:12])}{' …' if len(names) > 12 else ''}" if names else f"there is no {what} yet"
    raise UsageError(f'there is no {what} "{line(name, 60)}"', hint=meant(name, names) or listed)


def check_site(state: State, ledger: Ledger | None, site: str | None) -> None:
    """Nothing if the site is configured, or known from before. Raises UsageError."""
    names = {one.name for one in state.view.sites}
    if site is not None and site not in names:
        known(site, sorted({*names, *(ledger.sites() if ledger else ())}), "site")


def length(flag: str, text: str, *, none: str, right: str) -> timedelta:
    """The length of time that a flag names; ``none``: what a length of nothing would mean. Raises UsageError."""
    from watcher.core.moments import parse_duration

    try:
        found = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}", hint=right) from None
    if found <= timedelta(0):
        raise UsageError(f"{flag}: {none}", hint=right)
    return found


# ------------------------------------------------------------------------------------------------ telling


def say(text: str) -> None:
    """A line of talk, on stderr."""
    click.echo(f"watcher: {text}", err=True)


def tell(error: WatcherError) -> None:
    """An error and its mend, on stderr; every fault of a configuration on a line that begins with its place."""
    from watcher.core.escape import block

    if isinstance(error, ConfigError):
        click.echo(block(str(error)), err=True)
        if error.hint:
            say(f"{len(error.faults)} fault{'s' if len(error.faults) > 1 else ''}; {error.hint}")
        return
    say(block(str(error)))
    if error.hint:
        click.echo(f"  mend: {block(error.hint)}", err=True)


class Commands(click.Group):
    """A group that loads a command when it is asked for, and turns what goes wrong into a sentence and an exit code."""

    def __init__(self, *args: Any, table: dict[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(config_option())
        self.table = table
        """Command to the module that holds it and its short help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        if cmd_name not in self.table:
            return None
        from importlib import import_module

        module, _ = self.table[cmd_name]
        found = getattr(import_module(f"watcher.cli.{module}"), f"{cmd_name}_command")
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.table and not args[0].startswith("-") and not ctx.resilient_parsing:
            known(args[0], tuple(self.table), "command")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in self.table.items()])

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and exit (or return, if not ``standalone_mode``) with the command's code."""
        code = self._code(args, prog_name, complete_var, **extra)
        if standalone_mode:
            sys.exit(code)
        return code

    def _code(self, args: Sequence[str] | None, prog_name: str | None, complete_var: str | None, **extra: Any) -> int:
        try:
            returned = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            return returned if isinstance(returned, int) else 0
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except click.Abort:
            return INTERRUPTED
        except WatcherError as error:
            tell(error)
            return error.exit_code
        except OSError as error:
            tell(refused := _refused(error))
            return refused.exit_code

    def invoke(self, ctx: click.Context) -> Any:
        try:
            returned = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_quietly()
            return PIPE_CLOSED
        return returned


def _refused(error: OSError) -> WatcherError:
    """What the operating system refused; if it was to print, what is left of that is given up."""
    try:
        sys.stdout.flush()
    except OSError:
        _close_quietly()
    where = f"{error.filename}: " if error.filename else ""
    return WatcherError(f"{where}{error.strerror or error}", hint=_mend_of(error))


def _mend_of(error: OSError) -> str:
    """What to do about what the operating system refused."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return "make that folder, or name another place"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "give this user the right to read and write there, or name another place"
        case errno.EEXIST | errno.EISDIR:
            return "name another place, or move what is there"
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return "make room on that disk; what was kept is unharmed"
        case errno.EMFILE | errno.ENFILE:
            return "let this user open more files (ulimit -n), and try again"
        case _:
            return "look at the disk and the system's own log (dmesg); `watcher doctor` checks what is ours"


@contextmanager
def progress(what: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, told how many of how many are through; none where nobody would see it."""
    if not shown or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _close_quietly() -> None:
    """Nobody gets it any more: what is left in the buffer goes nowhere, so that the interpreter's exit is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):  # a stream without a file, in tests
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - kept to the end of the process
    finally:
        os.close(nowhere)
