"""Standard output and files as places where alerts go."""

from __future__ import annotations

import io
import json
import resource
import signal
from pathlib import Path

import pytest

from tests.edge.keeping import entries, event
from watcher.config import AlertSettings
from watcher.edge.notify import FileSink, StreamSink, alert_line, sink_name, sinks
from watcher.errors import DeliveryError
from watcher.records import Entry

CHECKPOINT = "local\n7\nAAAA\n\n— local sig\n"
TO_FILE, TO_STDOUT = AlertSettings(to="file:/a"), AlertSettings(to="stdout:")


def test_a_line_holds_the_event_its_key_and_the_checkpoint() -> None:
    line = alert_line(event(3), CHECKPOINT)
    assert line.endswith("}\n")
    assert line.count("\n") == 1
    alert = json.loads(line)
    assert (alert["id"], alert["idempotency_key"], alert["checkpoint"]) == (event(3).id, event(3).id, CHECKPOINT)
    assert (alert["kind"], alert["entry"]["title"]) == ("listed", entries(1)[0].title)
    assert alert_line(event(3), CHECKPOINT) == line


def test_a_line_holds_nothing_hidden() -> None:
    trick = Entry(key="k", title="ACME \x1b[2J\u202e\u2028\ud800 FOODS")
    line = alert_line(event(1, entry=trick), "")
    assert line.encode().isascii()
    assert line.rstrip("\n").isprintable()
    assert json.loads(line)["entry"]["title"] == trick.title


@pytest.mark.parametrize(
    ("kinds", "watchlist_only", "watchlist", "wanted"),
    [
        (("listed",), False, (), True),
        (("withdrawn",), False, (), False),
        (("listed",), True, (), False),
        (("listed",), True, ("acme",), True),
        (("withdrawn",), True, ("acme",), False),
    ],
)
def test_what_a_sink_wants(
    kinds: tuple[str, ...], watchlist_only: bool, watchlist: tuple[str, ...], wanted: bool
) -> None:
    settings = AlertSettings(to="stdout:", kinds=kinds, watchlist_only=watchlist_only)
    (sink,) = sinks([settings], io.StringIO())
    assert sink.wants(event(1, watchlist=watchlist)) is wanted


async def test_a_stream_gets_a_line_at_once() -> None:
    class Buffered(io.StringIO):
        flushed = ""

        def flush(self) -> None:
            self.flushed = self.getvalue()

    stream = Buffered()
    await StreamSink(TO_STDOUT, stream).send(event(1), CHECKPOINT)
    assert stream.flushed == alert_line(event(1), CHECKPOINT)


async def test_a_pipe_that_nobody_reads_is_told() -> None:
    class Closed(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(DeliveryError, match="standard output: Broken pipe"):
        await StreamSink(TO_STDOUT, Closed()).send(event(1), CHECKPOINT)


async def test_a_stream_that_was_closed_is_told() -> None:
    closed = io.StringIO()
    closed.close()
    with pytest.raises(DeliveryError, match="standard output: I/O operation on closed file") as told:
        await StreamSink(TO_STDOUT, closed).send(event(1), CHECKPOINT)
    assert "pipe" in told.value.hint


async def test_a_file_that_is_a_folder_a_loop_or_not_to_be_read_is_told_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name in ("folder", "loop", "x" * 300):
        with pytest.raises(DeliveryError) as told:
            await FileSink(TO_FILE, tmp_path / name).send(event(1), CHECKPOINT)
        assert name in str(told.value)
        assert told.value.hint


async def test_a_line_for_which_there_is_no_room_is_told_and_the_next_one_stands_alone(
    tmp_path: Path,
) -> None:
    """A limit of the file's size is what a full disk is, in small: it cuts the line where it strikes."""
    path = tmp_path / "alerts.jsonl"
    sink = FileSink(TO_FILE, path)
    await sink.send(event(1), CHECKPOINT)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    heeded = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, before[1]))
    try:
        with pytest.raises(DeliveryError, match="File too large"):
            await sink.send(event(2), CHECKPOINT)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, heeded)
    await sink.send(event(2), CHECKPOINT)
    first, torn, last = path.read_text().splitlines()
    assert [json.loads(line)["id"] for line in (first, last)] == [event(1).id, event(2).id]
    assert len(torn) == 20


async def test_a_file_grows_line_by_line(tmp_path: Path) -> None:
    sink = FileSink(TO_FILE, tmp_path / "alerts.jsonl")
    for number in (1, 2):
        await sink.send(event(number), CHECKPOINT)
    told = (tmp_path / "alerts.jsonl").read_text()
    assert told == alert_line(event(1), CHECKPOINT) + alert_line(event(2), CHECKPOINT)


async def test_a_line_that_was_torn_swallows_no_other(tmp_path: Path) -> None:
    (tmp_path / "alerts.jsonl").write_bytes(alert_line(event(1), CHECKPOINT).encode() + b'{"id": "half')
    await FileSink(TO_FILE, tmp_path / "alerts.jsonl").send(event(2), CHECKPOINT)
    whole, torn, after = (tmp_path / "alerts.jsonl").read_text().splitlines()
    assert json.loads(whole)["id"] == event(1).id
    assert torn == '{"id": "half'
    assert json.loads(after)["id"] == event(2).id


async def test_a_file_that_cannot_be_written_is_told_with_the_mend(tmp_path: Path) -> None:
    sink = FileSink(TO_FILE, tmp_path / "no folder" / "alerts.jsonl")
    with pytest.raises(DeliveryError, match="No such file or directory") as told:
        await sink.send(event(1), CHECKPOINT)
    assert "the alert is kept" in told.value.hint


async def test_a_full_disk_is_told() -> None:
    with pytest.raises(DeliveryError, match="No space left on device"):
        await FileSink(TO_FILE, Path("/dev/full")).send(event(1), CHECKPOINT)


def test_a_sinks_name_holds_no_secret() -> None:
    assert sink_name("stdout:") == "stdout:"
    assert sink_name("file:/var/alerts.jsonl") == "file:/var/alerts.jsonl"
    secret = sink_name("slack://token-a/token-b/token-c")
    assert secret.startswith("slack:")
    assert "token" not in secret
    assert secret != sink_name("slack://token-a/token-b/token-d")
