"""One ``tor`` process of a private network: its torrc, its life, and its control port."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

from watcher.errors import WatcherError

Settings = list[tuple[str, object]]
LOOPBACK = "127.0.0.1"
LAST_LINES = 5


class TorNetworkError(WatcherError):
    """The private network did not do what was asked of it; the message ends with what tor last logged."""


class ControlPort:
    """Asks one tor what it knows and tells it what to do (control-spec), over TCP or a socket file."""

    def __init__(self, address: tuple[str, int] | str, cookie: Path) -> None:
        self.address = address
        self.cookie = cookie
        """The file whose bytes authenticate."""

    def __str__(self) -> str:
        return self.address if isinstance(self.address, str) else "{}:{}".format(*self.address)

    def connect(self, timeout_seconds: float = 30.0) -> socket.socket:
        """A connection, authenticated; OSError while there is none to be had."""
        with contextlib.ExitStack() as undo:
            stream = undo.enter_context(
                socket.socket(socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET)
            )
            stream.settimeout(timeout_seconds)
            stream.connect(self.address)
            stream.sendall(f"AUTHENTICATE {self.cookie.read_bytes().hex()}\r\n".encode())
            answer = stream.recv(1000)
            if not answer.startswith(b"250"):
                raise ConnectionError(f"control port {self}: {answer!r}")
            undo.pop_all()
        return stream

    def ask(self, command: str) -> list[str]:
        """The lines of the reply without their codes (the lines of a data block as they are); TorNetworkError if tor
        refuses."""
        with self.connect() as stream, stream.makefile("rw", encoding="utf-8", newline="\r\n") as talk:
            talk.write(f"{command}\r\n")
            talk.flush()
            return list(_reply(talk, command))


def _reply(lines: Iterable[str], command: str) -> Iterable[str]:
    """Control-spec section 2.3: ``250-`` goes on, ``250+`` starts a data block, ``250 `` is the last line."""
    in_data = False
    for line in lines:
        text = line.removesuffix("\r\n")
        if in_data:
            in_data = text != "."
            if in_data:
                yield text.removeprefix(".")
            continue
        if text[0] in "45":
            raise TorNetworkError(f"tor refuses {command.split(maxsplit=1)[0]}: {text}")
        yield text[4:]
        if text[3] == " ":
            return
        in_data = text[3] == "+"
    raise ConnectionError(f"the control port hung up on {command.split(maxsplit=1)[0]}")


class TorNode:
    """A tor with a data directory, a torrc and a control socket of its own.

    It never outlives this process: it ends with the connection that this object keeps to its control socket, or, at the
    latest, when it finds its owner gone.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.home = folder / name
        self.home.mkdir(mode=0o700)
        self.control = ControlPort(str(self.home / "control"), self.home / "control_auth_cookie")
        self.settings: Settings = []
        self._process: subprocess.Popen[bytes] | None = None
        self._leash: socket.socket | None = None
        self._waker: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._meant_to_run = False

    @property
    def pid(self) -> int | None:
        """Of the process, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def fingerprint(self) -> str:
        """Of the router's identity (RSA, hex); OSError before tor has written it."""
        return (self.home / "fingerprint").read_text().split()[1]

    def command(self, *arguments: str) -> list[str]:
        """A tor that reads none of the machine's own settings."""
        nothing = self.home / "nothing"
        nothing.touch()
        return ["tor", "--defaults-torrc", str(nothing), "--ignore-missing-torrc", *arguments]

    def start(self) -> None:
        """Let it run, with ``settings`` as they are now."""
        lines = [*self.settings, ("DataDirectory", self.home), ("ControlSocket", self.home / "control")]
        torrc = self.home / "torrc"
        torrc.write_text("".join(f"{option} {value}\n" for option, value in lines))
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command("-f", str(torrc)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,  # Ctrl-C is for us
            )
        self._meant_to_run = True

    def is_up(self) -> bool:
        """Whether it answers on its control socket; from the first time on, it is bound to this process."""
        with self._lock:
            if self._leash is None:
                with contextlib.suppress(OSError):
                    leash = self.control.connect()
                    leash.sendall(b"TAKEOWNERSHIP\r\n")
                    self._leash = leash
            return self._leash is not None

    def kill(self) -> None:
        """Stop it as a power cut would."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop it in good order, or by force after some seconds."""
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop its time: it keeps its connections and answers nothing."""
        if self.pid and self._waker is None:
            # who is stopped cannot see that its owner has died: a shell waits for that, and wakes it
            wake = ["sh", "-c", f"read _; kill -CONT {self.pid}"]
            self._waker = subprocess.Popen(wake, stdin=subprocess.PIPE, process_group=0)
            self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let its time go on."""
        if self._waker:
            with self._waker:  # ends its input, and waits for it
                self._waker = None

    def check(self) -> None:
        """TorNetworkError if it has ended of itself."""
        if self._meant_to_run and self._process and self._process.poll() is not None:
            raise TorNetworkError(f"{self.name} ended with exit code {self._process.returncode}\n{self.last_words()}")

    def last_words(self) -> str:
        """What it logged last, a line each, with its name."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.home / "log").read_text(errors="replace").splitlines()[-LAST_LINES:]
            return "\n".join(f"{self.name}: {line}" for line in lines)
        return f"{self.name}: (no log)"

    def _signal(self, number: signal.Signals) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        self._meant_to_run = False
        self._signal(number)
        self.thaw()  # or it would not see the signal
        if self._process:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        with self._lock:
            if self._leash:
                self._leash.close()
            self._leash = None
