"""What docs/tor.md shows is what the program takes, and says."""

from __future__ import annotations

import re
from pathlib import Path

from watcher import config
from watcher.core.proxy_tables import MOST_TORS
from watcher.core.tor_trouble import OLDEST
from watcher.core.torrc import OURS, SERVING, TRANSPORTS

PAGE = (Path(__file__).parent.parent / "docs" / "tor.md").read_text(encoding="utf-8")
BRIDGE = "192.0.2.8:443"


def test_the_configurations_are_taken() -> None:
    simple, whole = [
        config.parse(text, Path("/srv"), environ={"MY_BRIDGE": BRIDGE}).proxy
        for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    ]
    assert (simple.managed, simple.tors, simple.bridges, simple.torrc) == (True, 1, (), ())
    assert (whole.tors, whole.bridges[1], whole.torrc) == (3, BRIDGE, ("ExcludeNodes {xx}",))


def test_every_program_and_number_is_true() -> None:
    assert ".".join(map(str, OLDEST)) in PAGE
    assert f"1 to {MOST_TORS}" in PAGE
    for transport, programs in TRANSPORTS.items():
        assert transport == "meek_lite" or f"`{programs[0]}`" in PAGE


def test_lines_that_are_said_to_be_refused_are() -> None:
    refused = re.findall(r"`(\w+)`", PAGE[PAGE.index("Refused are") : PAGE.index("All three take effect")])
    assert len(refused) == 6
    assert set(refused) <= {*OURS, *SERVING}
