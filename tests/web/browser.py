"""A real headless Chromium, asked over its own protocol through a pipe: no port, no driver, no other program."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-extensions", "--disable-default-apps", "--hide-scrollbars",
    "--disable-dev-shm-usage", "--mute-audio", "--disable-features=MediaRouter,OptimizationHints,Translate",
    "--remote-debugging-pipe", "about:blank",
)  # fmt: skip
SECONDS = 30


class Browser:
    """One Chromium with one tab; what the tab asks for and complains of is written down."""

    def __init__(self, program: str, *flags: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="watcher-browser-"))
        to_child, self._write = os.pipe()
        self._read, from_child = os.pipe()
        command = [program, f"--user-data-dir={self._folder}", *flags, *FLAGS]

        def at_three_and_four() -> None:
            """Where Chromium looks for its pipes; moved up first, lest one overwrite the other."""
            ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_child, from_child)]
            for end, place in zip(ends, (3, 4), strict=True):
                os.dup2(end, place)

        self.process = subprocess.Popen(
            command,
            preexec_fn=at_three_and_four,  # noqa: PLW1509 - it takes no lock
            pass_fds=(3, 4),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(to_child)
        os.close(from_child)
        self._buffer = b""
        self._number = 0
        self._session = ""
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.loaded = 0
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._write)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self._read)
        shutil.rmtree(self._folder, ignore_errors=True)

    # ---------------------------------------------------------------------------------------------------- protocol

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next(time.monotonic() + SECONDS)
            if said is None:
                raise TimeoutError(method)
            if said.get("id") == self._number:
                assert "error" not in said, said
                found: dict[str, Any] = said["result"]
                return found
            self._note(said)

    def _next(self, until: float) -> dict[str, Any] | None:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._read, 1 << 20)
            assert data, "Chromium ended"
            self._buffer += data
        one, _, self._buffer = self._buffer.partition(b"\0")
        said: dict[str, Any] = json.loads(one)
        return said

    def _note(self, said: dict[str, Any]) -> None:
        about = said.get("params", {})
        match said.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(about["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(about["exceptionDetails"]))
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(about["args"]))
            case "Log.entryAdded":
                self.complaints.append(f"{about['entry']['source']}: {about['entry']['text']}")
            case "Page.loadEventFired":
                self.loaded += 1

    # -------------------------------------------------------------------------------------------------------- pages

    def go(self, url: str) -> None:
        """Load the page, and everything in it."""
        before = self.loaded
        self.ask("Page.navigate", url=url)
        self.wait_for_load(before)

    def wait_for_load(self, before: int) -> None:
        until = time.monotonic() + SECONDS
        while self.loaded == before:
            said = self._next(until)
            if said is None:
                raise TimeoutError("the page did not load")
            self._note(said)

    def settle(self, seconds: float = 0.3) -> None:
        """Listen a little longer."""
        until = time.monotonic() + seconds
        while (said := self._next(until)) is not None:
            self._note(said)

    def run(self, script: str) -> Any:
        """What the script evaluates to, in the page."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def size(self, width: int, height: int = 900) -> None:
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )

    def scheme(self, name: str) -> None:
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def media(self, name: str) -> None:
        self.ask("Emulation.setEmulatedMedia", media=name)

    def key(self, name: str, code: int, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.ask(
                "Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code,
                **({"text": text} if text and kind == "keyDown" else {}),
            )  # fmt: skip

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the page."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))
