"""The way in, at real servers: TLS, passwords, keys and tokens; and who is kept out is told why, and how to mend it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tests.core.test_fleet_credentials import PUBLIC, SEED, spelled
from tests.fleet.copying import KEY
from tests.props.nats import NatsServer
from watcher.core.fleet_tables import FleetSettings
from watcher.edge.nats_link import Link
from watcher.errors import WatcherError

DAY = timedelta(days=1)
PEM = serialization.Encoding.PEM
USER = 'authorization { users = [{user: berlin, password: "r1ght"}] }'


class Signed(NamedTuple):
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates of servers."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.roots = folder / f"{name}.pem"
        made = self._unsigned(self._name, self._key, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.roots.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def _unsigned(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, ends: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name)
        builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - 2 * DAY).not_valid_after(now + ends)

    def server(self, *, ends: timedelta = DAY, address: str = "127.0.0.1") -> Signed:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
        made = self._unsigned(x509.Name([]), key, ends).add_extension(names, critical=True)
        found = Signed(self._folder / f"{address}{ends.days}.crt", self._folder / f"{address}{ends.days}.key")
        found.certificate.write_bytes(made.sign(self._key, hashes.SHA256()).public_bytes(PEM))
        found.key.write_bytes(key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return found


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "fleet")


def tls(signed: Signed) -> str:
    return f"tls {{ cert_file: {json.dumps(str(signed.certificate))}, key_file: {json.dumps(str(signed.key))} }}\n"


@asynccontextmanager
async def linked(
    server: NatsServer,
    *,
    scheme: str = "tls",
    credentials: str = "",
    file: Path | None = None,
    roots: Path | None = None,
) -> AsyncIterator[Link]:
    """A link that has come in, or knows why not."""
    url = server.url.replace("nats:", f"{scheme}:")
    fleet = FleetSettings(
        servers=(url,), credentials=credentials, credentials_file=file, roots=roots, vantages=(KEY.verifier,)
    )
    link = Link(fleet, "a")
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(20):
            while not (link.up.is_set() or link.trouble):  # noqa: ASYNC110 - either of two
                await asyncio.sleep(0.01)
        yield link
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_tls_and_a_password(tmp_path: Path, authority: Authority) -> None:
    with NatsServer(tmp_path, more=tls(authority.server()) + USER) as server:
        async with linked(server, credentials="berlin:r1ght", roots=authority.roots) as link:
            assert link.up.is_set()
            assert link.trouble is None
            server.stop()
            async with asyncio.timeout(20):
                while link.up.is_set():  # noqa: ASYNC110 - until it is noticed
                    await asyncio.sleep(0.01)
            server.start()
            await asyncio.wait_for(link.up.wait(), 20)  # the same way, once more


@pytest.mark.parametrize(
    ("ends", "address", "strange", "password", "told", "mend"),
    [
        (DAY, "127.0.0.1", True, "r1ght", "is not trusted", "[fleet] roots must name the certificate that signed it"),
        (-DAY, "127.0.0.1", False, "r1ght", "certificate has expired", "renew it there"),
        (DAY, "192.0.2.7", False, "r1ght", "is for another address", "subjectAltName"),
        (DAY, "127.0.0.1", False, "wr0ng", "does not take these credentials", "[fleet] credentials"),
    ],
    ids=["strange-authority", "expired", "another-address", "wrong-password"],
)
async def test_who_is_kept_out_is_told_why_and_how_it_is_mended(
    tmp_path: Path,
    authority: Authority,
    ends: timedelta,
    address: str,
    strange: bool,
    password: str,
    told: str,
    mend: str,
) -> None:
    roots = Authority(tmp_path, "stranger").roots if strange else authority.roots
    with NatsServer(tmp_path, more=tls(authority.server(ends=ends, address=address)) + USER) as server:
        async with linked(server, credentials=f"berlin:{password}", roots=roots) as link:
            assert not link.up.is_set()
            assert link.trouble is not None
            assert told in link.trouble[0]
            assert mend in link.trouble[1]
            assert password not in str(link.trouble)


async def test_nothing_is_said_in_the_clear_to_a_server_that_says_it_has_no_tls(
    tmp_path: Path, authority: Authority
) -> None:
    """Whoever stands between may say so as well: the password must not be sent."""
    said = bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b'INFO {"server_id":"x","version":"2.15.0","headers":true,"auth_required":true,"max_payload":9}\r\n'
        )
        said.extend(await reader.read(9999))
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    server = NatsServer(tmp_path, port=listening.sockets[0].getsockname()[1])  # never started
    async with listening, linked(server, credentials="berlin:s3cret", roots=authority.roots) as link:
        await asyncio.sleep(1.5)  # it tries again
        assert link.trouble is not None
        assert "no TLS" in link.trouble[0]
        assert "tls block" in link.trouble[1]
        assert not link.up.is_set()
    assert bytes(said) == b""


async def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    async with linked(NatsServer(tmp_path), scheme="nats") as link:  # never started
        assert link.trouble == ("no server answers there", "[fleet] servers says where; start it")


async def test_a_key_of_its_own(tmp_path: Path) -> None:
    file, other = tmp_path / "berlin.nk", tmp_path / "other.nk"
    file.write_text(f"{SEED}\n")
    other.write_text(spelled(bytes([18 << 3 | 20 >> 2, (20 & 3) << 6])))
    with NatsServer(tmp_path / "nats", more=f"authorization {{ users = [{{ nkey: {PUBLIC} }}] }}") as server:
        async with linked(server, scheme="nats", file=file) as link:
            assert link.up.is_set()
        async with linked(server, scheme="nats", file=other) as link:
            assert link.trouble is not None
            assert "does not take these credentials" in link.trouble[0]


async def test_a_token_of_an_operators_account(tmp_path: Path) -> None:
    operator, account, user = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
    limits = {"subs": -1, "data": -1, "payload": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1}
    of_operator = token(operator, 14, operator, 14, {"type": "operator", "system_account": named(account, 0)})
    of_account = token(operator, 14, account, 0, {"type": "account", "limits": {**limits, "wildcards": True}})
    preload = f"resolver: MEMORY\nresolver_preload: {{ {named(account, 0)}: {of_account} }}\n"
    more = f"operator: {of_operator}\nsystem_account: {named(account, 0)}\n{preload}"
    seed = spelled(bytes([18 << 3 | 20 >> 2, (20 & 3) << 6]), bytes([3]) * 32)
    with NatsServer(tmp_path / "nats", more=more) as server:
        for expires, is_in in ((int(time.time()) + 3600, True), (1, False)):
            of_user = token(account, 0, user, 20, {"type": "user", "subs": -1, "data": -1, "payload": -1}, exp=expires)
            file = tmp_path / "berlin.creds"
            file.write_text(
                f"-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n"
                f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
            )
            async with linked(server, scheme="nats", file=file) as link:
                assert link.up.is_set() == is_in, link.trouble


def named(key: Ed25519PrivateKey, kind: int) -> str:
    """A public key as NATS spells it; ``kind``: 0 account, 14 operator, 20 user."""
    return spelled(bytes([kind << 3]), key.public_key().public_bytes_raw())


def token(
    issuer: Ed25519PrivateKey,
    issuer_kind: int,
    subject: Ed25519PrivateKey,
    kind: int,
    nats: dict[str, object],
    **more: int,
) -> str:
    claims = {
        "iss": named(issuer, issuer_kind),
        "sub": named(subject, kind),
        "iat": 1,
        "jti": "",
        "nats": {**nats, "version": 2},
        **more,
    }
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode().rstrip("=")
    parts = [_plain({"typ": "JWT", "alg": "ed25519-nkey"}), _plain(claims)]
    signed = ".".join(parts)
    return f"{signed}.{base64.urlsafe_b64encode(issuer.sign(signed.encode())).decode().rstrip('=')}"


def _plain(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [("roots", None, "No such file"), ("roots", "no certificate", "no certificate that can be read"),
     ("credentials_file", None, "No such file"), ("credentials_file", "SUXXX", "mistyped or cut"),
     ("credentials_file", "\N{SNOWMAN}", "it is no text")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_told_at_the_start(
    tmp_path: Path, name: str, text: str | None, told: str
) -> None:
    file = tmp_path / "file"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    fleet = FleetSettings(servers=("tls://127.0.0.1:4222",), vantages=(KEY.verifier,), **{name: file})  # type: ignore[arg-type]
    with pytest.raises(WatcherError, match=told) as error:
        Link(fleet, "a")
    assert "[fleet]" in error.value.hint
