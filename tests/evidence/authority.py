"""A time-stamp authority for tests: `openssl ts` behind a root of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

CONFIG = """
[ tsa ]
default_tsa = it
[ it ]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ req ]
distinguished_name = dn
prompt = no
[ dn ]
CN = {name}
[ root ]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[ signer ]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class Authority:
    """Gives time-stamps, by its own clock: this machine's."""

    def __init__(self, folder: Path, name: str = "Test Time Authority") -> None:
        if not shutil.which("openssl"):
            pytest.skip("no program openssl: apt-get install openssl")
        folder.mkdir()
        self.folder = folder
        self._config = folder / "openssl.cnf"
        self._config.write_text(CONFIG.format(folder=folder, name=name))
        (folder / "serial").write_text("01\n")
        ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        self._run(
            "req", "-x509", *ec, "-keyout", "root.key", "-out", "root.pem", "-days", "3650", "-extensions", "root"
        )
        self._run("req", "-new", *ec, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", f"/CN={name} signer")
        self._run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial",
                  "-out", "tsa.pem", "-days", "3650", "-extfile", str(self._config),
                  "-extensions", "signer")  # fmt: skip

    @property
    def roots(self) -> bytes:
        return (self.folder / "root.pem").read_bytes()

    @property
    def roots_path(self) -> Path:
        return self.folder / "root.pem"

    def answer(self, query: bytes) -> bytes:
        """The reply to a time-stamp query."""
        (self.folder / "query.tsq").write_bytes(query)
        self._run("ts", "-reply", "-queryfile", "query.tsq", "-out", "reply.tsr", "-section", "it")
        return (self.folder / "reply.tsr").read_bytes()

    def stamp(self, data: bytes) -> bytes:
        """A token over the data."""
        (self.folder / "data").write_bytes(data)
        self._run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", "query.tsq")
        return self.answer((self.folder / "query.tsq").read_bytes())

    def _run(self, command: str, *args: str) -> None:
        given = [] if command == "x509" else ["-config", str(self._config)]
        if command == "ts" and "-query" in args:
            given = ["-config", str(self._config)]
        done = subprocess.run(
            ["openssl", command, *args, *given], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
