"""RFC 3161 time-stamp tokens: made ready to be asked for, and checked against roots that the user pinned."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509 import Certificate

from watcher.errors import EvidenceError, UsageError

if TYPE_CHECKING:  # two megabytes, for those who ask an authority
    from rfc3161_client import TimeStampRequest, TimeStampResponse

CLOCK_TOLERANCE = timedelta(minutes=10)
"""How far a vantage's clock may be ahead of an authority's."""


def ask_for(data: bytes) -> TimeStampRequest:
    """The request for a token over the SHA-256 of ``data``, with a nonce, and the authority's certificate enclosed."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    return TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()


def load_roots(pem: bytes, *, source: str) -> tuple[Certificate, ...]:
    """The certificates in a PEM file; ``UsageError`` if there is none."""
    try:
        roots = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise UsageError(f"{source} holds no certificate in PEM form", hint="ask the authority for its root") from error
    return tuple(dict.fromkeys(roots))


def verify(token: bytes, data: bytes, roots: Sequence[Certificate], *, nonce: int | None = None) -> datetime:
    """The time at which an authority under ``roots`` saw ``data``; else ``EvidenceError``.

    Certificates inside the token may complete a chain; they are never trusted themselves.
    """
    from rfc3161_client import VerificationError, VerifierBuilder

    response = _decode(token)
    builder = VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        builder.build().verify_message(response, data)
    except (VerificationError, ValueError) as error:
        raise EvidenceError(f"time-stamp: {error}") from error
    return _utc(response.tst_info.gen_time)


def claimed_time(token: bytes) -> datetime:
    """The time that a token states, unchecked."""
    return _utc(_decode(token).tst_info.gen_time)


def _decode(token: bytes) -> TimeStampResponse:
    from rfc3161_client import decode_timestamp_response

    try:
        response = decode_timestamp_response(token)
        response.tst_info  # noqa: B018 - a refusal by the authority has none, and says so only here
    except ValueError as error:
        raise EvidenceError(f"time-stamp: no token: {error}") from error
    return response


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


__all__ = ["Certificate", "ask_for", "claimed_time", "load_roots", "verify"]
