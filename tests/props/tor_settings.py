"""How the torrcs of a private network read, and how its directory authorities get their keys.

What is not obvious has its reason beside it. Everything listens on loopback and leaves from loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.props.tor_node import LOOPBACK, Settings, TorNetworkError, TorNode

VOTING_INTERVAL_SECONDS = 10
"""The shortest that tor takes."""
FIRST_VOTE_SECONDS = 8
"""From the start to the first consensus: time for relays to start and to be known to all authorities."""
KEYS_LAST_SECONDS = 7 * 24 * 3600
"""Cached keys are made anew after this; the certificates in them last for months."""
GUARD_BANDWIDTH, RELAY_BANDWIDTH = 10, 10_000
"""The guards are so scarce that a path's other hops are hardly ever its guard: such a path is of no use, and tor would
wait and retry."""


def every_node(root: Path, authorities: list[str]) -> Settings:
    return [
        ("TestingTorNetwork", 1),
        ("__OwningControllerProcess", os.getpid()),
        ("CookieAuthentication", 1),
        ("OutboundBindAddress", LOOPBACK),
        ("ServerDNSResolvConfFile", root / "resolv.conf"),
        ("Schedulers", "Vanilla"),  # the others need kernel help that containers often lack
        ("ShutdownWaitLength", 0),
        ("Log", "notice stdout"),
        *(("DirAuthority", authority) for authority in authorities),
    ]


def router(name: str, port: int) -> Settings:
    return [
        ("Nickname", name),
        ("Address", LOOPBACK),
        ("AddressDisableIPv6", 1),
        ("ORPort", f"{LOOPBACK}:{port}"),
        ("SocksPort", 0),
        ("AssumeReachable", 1),
        ("ExitPolicy", "reject *:*"),
    ]


def relay() -> Settings:
    # A relay that also serves the directory is asked for descriptors before it has them, which costs retries of 10 s.
    return [("DirCache", 0)]


def authority(root: Path, dir_port: int, guards: list[str], first_vote: float) -> Settings:
    """``guards``: the fingerprints of those that alone are guards and onion-service directories."""
    trusted = ",".join(guards)
    return [
        ("AuthoritativeDirectory", 1),
        ("V3AuthoritativeDirectory", 1),
        ("ContactInfo", "nobody@watcher.invalid"),
        ("DirPort", f"{LOOPBACK}:{dir_port}"),
        ("V3BandwidthsFile", root / "bandwidths"),
        ("V3AuthVotingInterval", VOTING_INTERVAL_SECONDS),
        ("V3AuthVoteDelay", 2),
        ("V3AuthDistDelay", 2),
        ("TestingV3AuthInitialVotingInterval", VOTING_INTERVAL_SECONDS),
        ("TestingV3AuthInitialVoteDelay", 2),
        ("TestingV3AuthInitialDistDelay", 2),
        ("TestingV3AuthVotingStartOffset", round(first_vote) % VOTING_INTERVAL_SECONDS),
        ("TestingDirAuthVoteGuard", trusted),
        ("TestingDirAuthVoteGuardIsStrict", 1),
        ("TestingDirAuthVoteHSDir", trusted),
        ("TestingDirAuthVoteHSDirIsStrict", 1),
        ("AuthDirVoteStableGuaranteeMinUptime", 0),
    ]


def onion_host() -> Settings:
    return [("SocksPort", 0)]


def client(socks_port: int, control_port: int) -> Settings:
    return [
        ("SocksPort", f"{LOOPBACK}:{socks_port} IsolateSOCKSAuth OnionTrafficOnly ExtendedErrors"),
        ("ControlPort", f"{LOOPBACK}:{control_port}"),
    ]


def write_bandwidths(root: Path, guards: list[str], relays: list[str]) -> None:
    """The file that the authorities take as measured (bandwidth-file-spec 1.0)."""
    measured = [(name, GUARD_BANDWIDTH) for name in guards] + [(name, RELAY_BANDWIDTH) for name in relays]
    lines = [f"node_id=${name} bw={bandwidth}\n" for name, bandwidth in measured]
    new = root / "bandwidths.new"
    new.write_text(f"{int(time.time())}\n{''.join(lines)}")
    new.rename(root / "bandwidths")


def make_authority_keys(node: TorNode, cache: Path | None) -> None:
    """Give a node the keys of a directory authority and of a router; from the cache if it holds fresh ones."""
    cached = cache / node.name if cache else None
    if cached and cached.exists() and time.time() - cached.stat().st_mtime < KEYS_LAST_SECONDS:
        shutil.copytree(cached, node.home, dirs_exist_ok=True)
        node.home.chmod(0o700)  # or tor opens no control socket there
        return
    keys = node.home / "keys"
    keys.mkdir(mode=0o700)
    made = {"-i": "authority_identity_key", "-s": "authority_signing_key", "-c": "authority_certificate"}
    files = [word for flag, name in made.items() for word in (flag, str(keys / name))]
    _run(["tor-gencert", "--create-identity-key", "--passphrase-fd", "0", *files], "practice\n")
    settings = ["--ORPort", "1", "--Nickname", node.name, "--DataDirectory", str(node.home)]
    _run(node.command("--list-fingerprint", "--quiet", *settings))
    if cached:
        with tempfile.TemporaryDirectory(dir=cached.parent, ignore_cleanup_errors=True) as folder:
            fresh = Path(folder) / node.name
            shutil.copytree(keys, fresh / "keys")
            shutil.copy(node.home / "fingerprint", fresh)
            shutil.rmtree(cached, ignore_errors=True)
            with suppress(OSError):  # another process was faster
                fresh.rename(cached)


def trust_in(node: TorNode, or_port: int, dir_port: int) -> str:
    """The line by which all nodes trust an authority."""
    certificate = (node.home / "keys" / "authority_certificate").read_text()
    identity = certificate.split("\nfingerprint ")[1].split()[0]
    return f"{node.name} orport={or_port} v3ident={identity} {LOOPBACK}:{dir_port} {node.fingerprint}"


def _run(command: list[str], given: str = "") -> None:
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TorNetworkError(f"{command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")
