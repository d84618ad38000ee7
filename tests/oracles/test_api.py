"""schemathesis on the API: it makes up requests from our description, good and bad, and holds the answers to it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from tests.oracles.test_oracles import ENVIRONMENT, MEND
from tests.web.conftest import Asker, told, web

__all__ = ["told", "web"]  # fixtures

PROGRAM = ENVIRONMENT / "schemathesis"


async def test_the_api_is_as_described(web: Asker, tmp_path: Path) -> None:
    if not PROGRAM.exists():
        pytest.skip(f"no schemathesis: {MEND}")
    process = await asyncio.create_subprocess_exec(
        PROGRAM, "run", f"{web.base}api/openapi.json", "--phases", "coverage,fuzzing", "--max-examples", "3",
        "--seed", "1", "--generation-database", "none", "--no-color",
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said[-4000:]
    assert "No issues found" in said
    assert "9 passed" in said
