"""How the fleet's engine is entered: TLS, who we say we are, and what it means when we are not let in."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nats.aio.client import Client
from nats.errors import Error as NatsError

from watcher.core.fleet_credentials import public_name, read_credentials
from watcher.core.fleet_tables import FleetSettings
from watcher.errors import WatcherError

_NAMED = "[fleet] credentials names it"
_EXPIRED, _NOT_YET = 10, 9
_FOR_ANOTHER = {62, 64}
"""Of OpenSSL (``X509_V_ERR_…``): the certificate is for another name, another address."""


class PlainServerError(NatsError):
    """The server offers no TLS."""

    def __str__(self) -> str:
        return "the server offers no TLS, and nothing is said to it in the clear"


class Door(Client):
    """A connection to be. The library goes on in the clear where a server, or whoever stands before it, says that there
    is no TLS; this one goes only where TLS was not asked for."""

    def __init__(self, fleet: FleetSettings) -> None:
        super().__init__()
        self.more: dict[str, Any] = {**_tls(fleet), **self._who(fleet)}
        """For ``connect``."""

    def _connect_command(self) -> bytes:
        server = self._current_server
        if server is not None and server.uri.scheme == "tls" and not self._server_info.get("tls_required"):
            raise PlainServerError
        command: bytes = super()._connect_command()
        return command

    def _who(self, fleet: FleetSettings) -> dict[str, Any]:
        path = fleet.credentials_file
        if path is None:
            user, colon, password = fleet.credentials.partition(":")
            return {"user": user, "password": password} if colon else {"token": user} if user else {}
        try:
            found = read_credentials(path.read_text(encoding="ascii"))
        except OSError as error:
            raise WatcherError(f"{path}: {error.strerror}", hint=_NAMED) from error
        except ValueError as error:  # UnicodeDecodeError, too: it quotes what it read, and that is a secret
            what = "it is no text" if isinstance(error, UnicodeDecodeError) else str(error)
            raise WatcherError(f"{path}: {what}", hint=_NAMED) from None
        key = Ed25519PrivateKey.from_private_bytes(found.seed)
        sign: Callable[[str], bytes] = lambda nonce: base64.b64encode(key.sign(nonce.encode()))  # noqa: E731
        if found.jwt:
            return {"signature_cb": sign, "user_jwt_cb": found.jwt.encode}
        self._public_nkey = public_name(key.public_key().public_bytes_raw())  # as the library's own, for its own seeds
        return {"signature_cb": sign}


def _tls(fleet: FleetSettings) -> dict[str, Any]:
    if not any(server.startswith("tls:") for server in fleet.servers):
        return {}
    return {"tls": ssl.create_default_context() if fleet.roots is None else _trusting(fleet.roots)}


def _trusting(roots: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(roots))
    except ssl.SSLError as error:
        raise WatcherError(
            f"{roots} holds no certificate that can be read", hint="[fleet] roots names a file of certificates (PEM)"
        ) from error
    except OSError as error:
        raise WatcherError(f"{roots}: {error.strerror}", hint="[fleet] roots names it") from error


def why(error: Exception) -> tuple[str, str]:
    """What kept us out, and how it is mended."""
    said = str(error) or type(error).__name__
    match error:
        case ssl.SSLCertVerificationError(verify_code=code):
            if code == _EXPIRED:
                return "the server's certificate has expired", "renew it there; or set this machine's clock right"
            if code == _NOT_YET:
                return "the server's certificate is not valid yet", "set the clocks right, here and there"
            if code in _FOR_ANOTHER:
                return (
                    "the server's certificate is for another address",
                    "it must name the number under [fleet] servers (subjectAltName IP:192.0.2.7)",
                )
            return (
                f"the server's certificate is not trusted: {error.verify_message}",
                "[fleet] roots must name the certificate that signed it",
            )
        case ssl.SSLError():
            return f"no TLS with the server: {error.reason or said}", "see its tls block; does it ask for certificates?"
        case PlainServerError():
            return said, "give its configuration a tls block; or write nats:// where the way is your own"
        case NatsError() if "authorization violation" in said.lower():
            return (
                "the server does not take these credentials",
                "[fleet] credentials must be those of a user in its configuration",
            )
        case NatsError() if "authentication expired" in said.lower() or "authentication revoked" in said.lower():
            return said, "write new credentials: nsc generate creds"
        case NatsError() if "permissions violation" in said.lower():
            return said, "give the user the permissions of docs/scale.md"
        case ConnectionResetError() | BrokenPipeError():  # it may hang up before what it said of that can be read
            return (
                "the server hung up, as it does when it does not take these credentials",
                "[fleet] credentials must be those of a user in its configuration; its log says more",
            )
        case ConnectionRefusedError():
            return "no server answers there", "[fleet] servers says where; start it"
        case _:
            return said, "is the server there, and do credentials and permissions fit?"
