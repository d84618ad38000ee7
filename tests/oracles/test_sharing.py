"""What others' programs say of the events that we share."""

from __future__ import annotations

from pathlib import Path

from tests.core.test_sharing import ALL, CAPTURE
from tests.oracles.test_oracles import oracle
from watcher.core.sharing import to_stix


def test_the_bundle_of_events_is_stix(tmp_path: Path) -> None:
    file = tmp_path / "events.json"
    file.write_bytes(to_stix(ALL, {"c1": CAPTURE}, vantage="local", operator="Example CERT"))
    done = oracle("stix2_validator", "--strict-types", str(file))
    assert done.returncode == 0, done.stdout
    assert "STIX JSON: Valid" in done.stdout
