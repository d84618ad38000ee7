"""The places where alerts go: standard output, a file, or any service that Apprise knows."""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from watcher.config import AlertSettings
from watcher.core.contract import dumps, event_object
from watcher.edge.apprise_sink import AppriseSink, Chosen
from watcher.edge.durable import sync_folder
from watcher.edge.proxy import Proxy
from watcher.errors import DeliveryError
from watcher.ports import Sink
from watcher.records import Event

A_PIECE = 1024
"""Characters that a pipe takes at once, if it takes any (PIPE_BUF, in bytes)."""


class Lines(Protocol):
    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...

    def fileno(self) -> int: ...


class StreamSink(Chosen):
    """``stdout:``: one JSON object a line."""

    def __init__(self, settings: AlertSettings, stream: Lines) -> None:
        super().__init__(settings, sink_name(settings.to))
        self._stream, self._torn = stream, ""

    async def send(self, event: Event, checkpoint: str) -> None:
        line = self._torn + alert_line(event, checkpoint)
        try:
            for start in range(0, len(line), A_PIECE):
                await _room(self._stream)
                self._torn = "\n"  # if this is given up on, the next line begins anew
                self._stream.write(line[start : start + A_PIECE])
                self._stream.flush()
            self._torn = ""
        except (OSError, ValueError) as error:  # ValueError: it was closed
            what = error.strerror if isinstance(error, OSError) else error
            raise DeliveryError(f"standard output: {what}", hint="is the reader of the pipe gone?") from error


class FileSink(Chosen):
    """``file:PATH``: one JSON object a line, on the disk before the alert counts as delivered."""

    def __init__(self, settings: AlertSettings, path: Path) -> None:
        super().__init__(settings, sink_name(settings.to))
        self._path = path

    async def send(self, event: Event, checkpoint: str) -> None:
        await asyncio.to_thread(self._append, alert_line(event, checkpoint))

    async def check(self) -> str:
        """Why nothing could be written there; empty if it could."""
        folder = self._path.parent
        if self._path.exists() and not self._path.is_file():
            return f"{self._path} is no file"
        if not folder.is_dir():
            return f"there is no folder {folder}"
        is_open = os.access(self._path if self._path.exists() else folder, os.W_OK)
        return "" if is_open else f"{self._path} cannot be written"

    def _append(self, line: str) -> None:
        try:
            is_new = not self._path.exists()
            if self._path.is_fifo():  # whoever opens one waits for a reader, if need be for ever
                raise DeliveryError(f"{self._path} is a pipe", hint="name a file, or lead stdout: into the pipe")
            with self._path.open("ab") as file:
                # a line that a full disk cut short must not swallow the next one
                if file.tell() and not _ends_with_newline(self._path):
                    file.write(b"\n")
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            if is_new:
                sync_folder(self._path.parent)
        except OSError as error:
            raise DeliveryError(
                f"{self._path}: {error.strerror}", hint="make room, or make the file writable; the alert is kept"
            ) from error


def alert_line(event: Event, checkpoint: str) -> str:
    """The event with the checkpoint that covers it, and its id as idempotency key: the same however often it comes."""
    return dumps({**event_object(event), "idempotency_key": event.id, "checkpoint": checkpoint}) + "\n"


def sinks(
    alerts: Sequence[AlertSettings], stdout: Lines = sys.stdout, *, proxies: Sequence[Proxy] = ()
) -> tuple[Sink, ...]:
    """The sinks that the configuration names; services are reached through the proxies, resolved ones. Raises
    ConfigError for a template that cannot be used."""
    return tuple(_sink(settings, stdout, proxies) for settings in alerts)


def sink_name(to: str) -> str:
    """What the store and the logs call a sink: without the secret that a service's URL holds."""
    scheme, _, _ = to.partition(":")
    if scheme in {"stdout", "file"}:
        return to
    return f"{scheme}:{hashlib.sha256(to.encode()).hexdigest()[:12]}"


def _sink(settings: AlertSettings, stdout: Lines, proxies: Sequence[Proxy]) -> Sink:
    scheme, _, rest = settings.to.partition(":")
    if scheme == "stdout":
        return StreamSink(settings, stdout)
    if scheme == "file":
        return FileSink(settings, Path(rest))
    return AppriseSink(settings, sink_name(settings.to), proxies)


async def _room(stream: Lines) -> None:
    """Waits until a pipe or terminal takes more; what is none always does. Nothing else of this process waits."""
    loop, room = asyncio.get_running_loop(), asyncio.Event()
    try:
        handle = stream.fileno()
        loop.add_writer(handle, room.set)
    except (OSError, ValueError):
        return
    try:
        await room.wait()
    finally:
        loop.remove_writer(handle)


def _ends_with_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"
