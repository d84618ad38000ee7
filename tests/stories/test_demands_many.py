"""Many targets at once, and a proxy that is dead, deaf or none: told at once, with the mend."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.props.ports import free_ports
from tests.props.stage import Stage
from tests.stories.program import Memory, Program, json_lines, objects, run, write

MANY = 200
MOST_BYTES = 150 * 1024 * 1024


def test_200_targets_that_answer_after_2_seconds(tmp_path: Path) -> None:
    """One ``check``: they are waited for together, in less than 150 MiB for the program and its page readers."""
    with Stage(sites=MANY, delay_seconds=2.0) as stage:
        write(tmp_path, stage.proxy_url, {f"s{number}": urls for number, urls in enumerate(stage.mirrors)})
        with Program(tmp_path, "check", "--json") as program, Memory(program.process) as memory:
            out, _ = program.process.stdout.read(), program.process.wait()  # type: ignore[union-attr]
        report = stage.report()
    assert program.process.returncode == 0, program.said
    captures = json_lines(out)
    assert len({capture["site"] for capture in captures}) == len(captures) == MANY
    assert {(capture["verdict"], capture["complete"]) for capture in captures} == {("listing", True)}
    assert report["requests"] == MANY
    assert report["at_once"] > MANY // 3  # one after another would be 1, and 400 seconds
    assert 30 * 1024 * 1024 < memory.most_bytes < MOST_BYTES


@pytest.fixture(params=["dead", "deaf", "no SOCKS proxy"])
def useless_proxy(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a proxy that is of no use."""
    if request.param == "dead":
        yield f"socks5://127.0.0.1:{free_ports(1)[0]}"
        return
    if request.param == "deaf":  # the kernel takes the connection, and nobody ever says a word
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield f"socks5://127.0.0.1:{listener.getsockname()[1]}"
        return
    with Stage() as stage:
        yield f"socks5://127.0.0.1:{stage.site_port}"


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_useless_proxy_is_told_with_the_mend(tmp_path: Path, useless_proxy: str, command: str) -> None:
    write(tmp_path, useless_proxy, {"gang": [f"http://{'a' * 55}d.onion/"]})
    done = run(tmp_path, command)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"watcher: the proxy {useless_proxy.removeprefix('socks5://')} " in done.stderr
    assert "\n  mend: " in done.stderr
    assert "Traceback" not in done.stderr
    assert objects(tmp_path, "captures") == []  # no site is blamed for it


def test_the_second_of_two_proxies_will_do(tmp_path: Path) -> None:
    with Stage() as stage, socket.create_server(("127.0.0.1", 0)) as deaf:
        write(tmp_path, stage.proxy_url, {"gang": stage.mirrors[0]})
        text = (tmp_path / "watcher.toml").read_text()
        urls = f'["socks5://127.0.0.1:{deaf.getsockname()[1]}", "{stage.proxy_url}"]'
        (tmp_path / "watcher.toml").write_text(text.replace(f'"{stage.proxy_url}"', urls))
        assert run(tmp_path, "check").returncode == 0
