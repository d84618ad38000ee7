"""https through the proxy: what HTTP said is kept, certificates are noted; an onion's address vouches for itself."""

from __future__ import annotations

import datetime
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.edge.hostile import ONION, Server, behind_proxy, listening
from tests.edge.test_fetch import OK, ask
from watcher.edge.fetch import SocksFetcher
from watcher.edge.socks import as_browsers_do, no_questions
from watcher.testing.socks5 import Socks5Proxy

HOST = "leaks.example"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate, by itself, of both hosts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + made.public_bytes(pem)
    )
    return file


def digest(file: Path) -> str:
    found = x509.load_pem_x509_certificates(file.read_bytes())[0]
    return hashlib.sha256(found.public_bytes(serialization.Encoding.DER)).hexdigest()


@asynccontextmanager
async def behind_tls(certificate: Path, server: Server, **how: object) -> AsyncIterator[SocksFetcher]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with listening(server, tls=context):
        routes = dict.fromkeys((ONION, HOST, "other.example"), ("127.0.0.1", server.port))
        async with Socks5Proxy(routes) as proxy, SocksFetcher([proxy.url], routes, **how) as fetcher:  # type: ignore[arg-type]
            yield fetcher


async def test_an_onion_vouches_for_itself(certificate: Path) -> None:
    async with behind_tls(certificate, Server([OK], close="keep")) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"https://{ONION}/"))
        (again,) = await fetcher.fetch(ask(f"https://{ONION}/"))
    assert (exchange.status, exchange.cut, exchange.response) == (200, "", OK)
    assert exchange.request.startswith(b"GET / HTTP/1.1\r\nHost: " + ONION.encode())
    assert exchange.facts["tls_chain_sha256"] == digest(certificate)
    assert str(exchange.facts["tls_version"]).startswith("TLSv1.")
    assert again.facts["exchanges_before"] == 1
    assert again.facts["tls_chain_sha256"] == digest(certificate)


def test_who_asks_no_authority_loads_none() -> None:
    """Those of a machine take megabytes, and most sites are onions."""
    assert no_questions().cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}


async def test_without_tls_no_authority_is_loaded() -> None:
    before = as_browsers_do.cache_info()
    async with (
        behind_proxy(OK) as (_, proxy),
        SocksFetcher([proxy.url], [ONION]) as fetcher,
    ):
        (exchange,) = await fetcher.fetch(ask(f"http://{ONION}/"))
    assert exchange.status == 200
    assert as_browsers_do.cache_info() == before
    assert fetcher._trust("http://leaks.example/") is True
    assert fetcher._trust(f"https://{ONION}/") is no_questions()
    assert fetcher._trust("https://leaks.example/") is as_browsers_do()


async def test_clearnet_certificates_are_judged(certificate: Path) -> None:
    async with behind_tls(certificate, Server([OK])) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"https://{HOST}/"))
    assert (exchange.status, exchange.verdict, exchange.why[0]) == (None, "unreachable", "tls:certificate")
    assert exchange.request == b""


async def test_a_certificate_that_holds(certificate: Path) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    async with behind_tls(certificate, Server([OK]), tls=context) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"https://{HOST}/"))
        (other,) = await fetcher.fetch(ask("https://other.example/"))
    assert exchange.status == 200
    assert other.why[0] == "tls:certificate"  # of another host


async def test_a_site_that_does_not_speak_tls() -> None:
    ssh = b"SSH-2.0-OpenSSH_9.2\r\n"
    async with behind_proxy(OK, first=ssh) as (_, proxy), SocksFetcher([proxy.url], [ONION]) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"https://{ONION}/"))
    assert (exchange.verdict, exchange.why[0]) == ("unreachable", "tls:handshake")


async def test_a_site_that_hangs_up_on_tls() -> None:
    server = Server([])

    async def hang_up(reader: object, writer: object) -> None: ...

    server.serve = hang_up  # type: ignore[method-assign]
    async with (
        listening(server),
        Socks5Proxy({ONION: ("127.0.0.1", server.port)}) as proxy,
        SocksFetcher([proxy.url], [ONION]) as fetcher,
    ):
        (exchange,) = await fetcher.fetch(ask(f"https://{ONION}/"))
    assert (exchange.verdict, exchange.why[0]) == ("unreachable", "tls:closed")


async def test_a_body_cut_under_tls(certificate: Path) -> None:
    async with behind_tls(certificate, Server([OK[:-2]])) as fetcher:
        (exchange,) = await fetcher.fetch(ask(f"https://{ONION}/"))
    assert (exchange.status, exchange.cut) == (200, "length")
