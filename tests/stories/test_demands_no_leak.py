"""A whole ``check``, its page readers too, under a tracer and in a network where only the proxy can be reached.

python -m tests.stories.test_demands_no_leak FOLDER     what the test runs inside the namespace
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.edge.test_guard import TRACE, endpoints, needs
from tests.props.stage import Play, Stage, opening
from tests.stories.program import objects, run, write
from watcher.testing.scene import Publish, Victim, Withdraw

PLAY = Play(sites=3, mirrors=2, victims=8, per_page=5)
HURRY = '[policy]\nconfirm_visits = 2\nconfirm_after = "0s"\n[[alert]]\nto = "file:alerts.jsonl"\n'
LURE = Victim(
    slug="lure",
    title="http://evil.example/ LURE FOODS",
    statement="<img src=http://evil.example/x.png> See http://evil.example/ and //192.0.2.7/a.",
    domain="evil.example",
)


def look(folder: Path) -> None:
    """Four looks, each traced: listings of two pages, a mirror that is down, own pages, an alert; all through one
    proxy, and nowhere else."""
    with Stage(PLAY) as stage:
        write(folder, stage.proxy_url, {f"s{number}": urls for number, urls in enumerate(stage.mirrors)}, more=HURRY)
        gone = opening(PLAY, 1).victims[1]
        for number in range(4):
            trace = folder / f"trace{number}"
            done = run(folder, "check", before=["strace", *TRACE, "-o", str(trace)])
            assert done.returncode == 0, done.stderr
            host, port = stage.proxy_url.removeprefix("socks5://").split(":")
            reached = endpoints(trace.read_text())
            assert reached == {(host, int(port))}
            assert "AF_UNIX" not in trace.read_text()  # nor is a name service of this machine asked for anything
            if number == 0:
                stage.act(0, Publish((LURE,)))
                stage.act(1, Withdraw((gone.slug,)))
    kinds = {(event["kind"], event["entry"]["title"]) for event in objects(folder, "events")}
    assert kinds == {("listed", LURE.title), ("withdrawn", gone.title)}
    captures = objects(folder, "captures")
    assert {capture["target"] for capture in captures} == {"listing", "detail"}
    assert all(".onion/" in capture["url"] for capture in captures)
    assert "evil.example" in (folder / "alerts.jsonl").read_text()


@pytest.mark.namespace
def test_a_whole_check_reaches_nothing_but_the_proxy(tmp_path: Path) -> None:
    """In a network namespace that has only ``lo``: nobody to ask for names, nowhere to go."""
    needs("unshare", "ip", "strace")
    inside = [sys.executable, "-m", __name__, str(tmp_path)]
    command = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *inside]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    look(Path(sys.argv[1]))
