"""The process that hands messages to services: everything it sends goes through the proxy, and nothing else leaves it.

``python -m watcher.edge.apprise_worker``, without arguments: what is secret comes on standard input, a JSON object a
line (``Errand``), and the answer goes to standard output (``Done``). It holds no files and no environment of the
watcher's, logs nothing, and ends with its input.
"""

from __future__ import annotations

import logging
import os
import smtplib
import ssl
import sys
from typing import Any

import msgspec

from watcher.edge.only_proxy import OnlyProxy
from watcher.edge.proxy import Proxy

PATIENCE_SECONDS = 30.0
"""For a service to take a connection, and to answer: Tor is slow."""


class Start(msgspec.Struct, forbid_unknown_fields=True):
    """The first line: the way out."""

    host: str
    port: int
    username: str
    password: str


class Errand(msgspec.Struct, forbid_unknown_fields=True):
    """One message; without a body: is this address any good?"""

    url: str
    title: str = ""
    body: str = ""
    urgent: bool = False


class Done(msgspec.Struct):
    """What came of it; ``why`` holds no secret."""

    ok: bool
    why: str = ""


class Facts:
    """What services answered, noted on the way: what Apprise itself reports may hold secrets."""

    def __init__(self, proxy: OnlyProxy) -> None:
        self._proxy = proxy
        self.status = 0
        self.mail = 0
        self.tls = ""
        self._refused = 0

    def clear(self) -> None:
        self.status, self.mail, self.tls, self._proxy.trouble = 0, 0, "", ""
        self._refused = self._proxy.guard.refused

    def words(self) -> str:
        """Why a message did not arrive."""
        if self._proxy.trouble:
            return self._proxy.trouble
        if self._proxy.guard.refused > self._refused:
            return "this service does not go through a SOCKS proxy (no TCP), and nothing ever goes past it"
        if self.tls:
            return f"the service's certificate is not to be trusted, or no TLS is spoken there: {self.tls}"
        if self.status >= 300:
            return f"the service answered with status {self.status}"
        if self.mail >= 400:
            return f"the mail server answered with code {self.mail}"
        return "the service did not take it"

    def watch(self) -> None:
        """Note statuses, reply codes and TLS trouble from now on."""
        import requests

        facts = self

        def noting(original: Any) -> Any:
            def send(session: Any, request: Any, **options: Any) -> Any:
                answer = original(session, request, **options)
                facts.status = answer.status_code
                if answer.request.method != request.method:  # redirected, and the message was left behind
                    facts.status = answer.history[0].status_code
                    raise requests.TooManyRedirects("the message did not arrive there")
                return answer

            return send

        def noting_mail(original: Any) -> Any:
            def getreply(server: Any) -> Any:
                reply = original(server)
                facts.mail = max(facts.mail, reply[0])  # what went wrong is followed by a polite end
                return reply

            return getreply

        def noting_tls(original: Any) -> Any:
            def do_handshake(sock: Any, *arguments: Any) -> None:
                try:
                    original(sock, *arguments)
                except ssl.SSLCertVerificationError as error:
                    facts.tls = error.verify_message
                    raise
                except ssl.SSLError as error:
                    facts.tls = str(error.reason or "").replace("_", " ").lower()
                    raise

            return do_handshake

        for kind, name, make in (
            (requests.Session, "send", noting),
            (smtplib.SMTP, "getreply", noting_mail),
            (ssl.SSLSocket, "do_handshake", noting_tls),
        ):
            setattr(kind, name, make(getattr(kind, name)))


def main() -> None:
    """Deliver what comes, until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whatever a plug-in prints is no answer
    logging.disable(logging.CRITICAL)
    source = sys.stdin.buffer
    start = msgspec.json.decode(source.readline(), type=Start)
    out = OnlyProxy(Proxy(host=start.host, port=start.port), (start.username, start.password))
    out.take_over()
    facts = Facts(out)
    facts.watch()
    _patient()
    while said := source.readline():
        done = _deliver(msgspec.json.decode(said, type=Errand), facts)
        answers.write(msgspec.json.encode(done) + b"\n")
        answers.flush()


def _patient() -> None:
    """Defaults for the way over Tor, and for long messages; an address may say otherwise."""
    from apprise.common import OverflowMode
    from apprise.plugins.base import NotifyBase
    from apprise.url import URLBase

    for kind, name, value in (
        (URLBase, "socket_connect_timeout", PATIENCE_SECONDS),
        (URLBase, "socket_read_timeout", PATIENCE_SECONDS),
        (NotifyBase, "overflow_mode", OverflowMode.SPLIT),
    ):
        setattr(kind, name, value)


def _deliver(errand: Errand, facts: Facts) -> Done:
    import apprise

    facts.clear()
    asset = apprise.AppriseAsset(
        app_id="watcher",
        app_desc="watcher",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask="",
        async_mode=False,
        secure_logging=True,
        pgp_autogen=False,
        pem_autogen=False,
    )
    post = apprise.Apprise(asset=asset)
    if not post.add(errand.url):
        return Done(ok=False, why="Apprise knows no such service, or the address lacks a part of what it needs")
    if not errand.body:
        return Done(ok=True)
    arrived = post.notify(
        title=errand.title,
        body=errand.body,
        notify_type=apprise.NotifyType.WARNING if errand.urgent else apprise.NotifyType.INFO,
        body_format=apprise.NotifyFormat.TEXT,
    )
    return Done(ok=True) if arrived else Done(ok=False, why=facts.words())


if __name__ == "__main__":
    main()
