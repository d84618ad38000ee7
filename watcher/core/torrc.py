"""What a tor of our own is told: the operator's lines, checked, and the lines that are ours (tor(1))."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from watcher.core.escape import line

OURS = (
    "__OwningControllerProcess", "CookieAuthentication", "CookieAuthFile", "CookieAuthFileGroupReadable",
    "ControlPort", "ControlSocket", "DataDirectory", "DisableNetwork", "HashedControlPassword", "Log", "PidFile",
    "RunAsDaemon", "SocksPort", "User",
)  # fmt: skip
"""Options that decide whose tor it is, and how it is reached: never the operator's."""
SERVING = (
    "DNSPort", "DirPort", "ExtORPort", "HTTPTunnelPort", "HiddenServiceDir", "HiddenServicePort", "MetricsPort",
    "NATDPort", "ORPort", "ServerTransportPlugin", "TransPort",
)  # fmt: skip
"""Options that would make it listen for others."""
TRANSPORTS: Mapping[str, tuple[str, ...]] = {
    "obfs4": ("obfs4proxy", "lyrebird"),
    "meek_lite": ("obfs4proxy", "lyrebird"),
    "snowflake": ("snowflake-client", "lyrebird"),
    "webtunnel": ("webtunnel-client", "lyrebird"),
}
"""Programs that speak a pluggable transport, the usual one first."""
PACKAGES = {"obfs4proxy": "obfs4proxy", "snowflake-client": "snowflake-client"}
"""Debian's packages of them."""

_BRIDGE = re.compile(r"(?:([A-Za-z_][A-Za-z0-9_]*) )?(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):\d{1,5}(?: .*)?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")


def pass_line(text: str) -> str:
    """A line of torrc that the operator may add; ValueError "what is wrong; what would be right" for any other."""
    example = 'write an option and its value, such as "EntryNodes {is}"'
    plain = text.strip()
    if _UNPRINTABLE.search(plain) or plain.endswith("\\"):
        raise ValueError(f"a line break or control character stands in it; {example}")
    option = plain.partition(" ")[0].lstrip("+/").lower()
    if not re.fullmatch(r"_{0,2}[a-z][a-z0-9_]*", option):
        raise ValueError(f"it begins with no option of tor's; {example}")
    for name in (*OURS, *SERVING):
        # tor takes a name that is cut short for the whole one
        if name.lower().startswith(option):
            why = "would make tor listen for others" if name in SERVING else "is the watcher's to set"
            raise ValueError(f"{line(option, 40)} {why}; take it out")
    return plain


def bridge_line(text: str) -> str:
    """A bridge as it is handed out: ``[TRANSPORT] ADDRESS:PORT [FINGERPRINT] [key=value …]``. Raises ValueError."""
    example = 'write it as it was handed out: "obfs4 192.0.2.7:443 FINGERPRINT cert=… iat-mode=0"'
    plain = " ".join(text.split())
    plain = plain[7:] if plain.lower().startswith("bridge ") else plain
    if _UNPRINTABLE.search(plain) or plain.endswith("\\") or not _BRIDGE.fullmatch(plain):
        raise ValueError(f"this is no bridge; {example}")
    return plain


def transports(bridges: Sequence[str], lines: Sequence[str]) -> tuple[str, ...]:
    """The pluggable transports that bridges need and no ``ClientTransportPlugin`` among the lines provides."""
    words = [one.split() for one in lines]
    given = {
        name for word in words if word[0].lower() == "clienttransportplugin" for name in "".join(word[1:2]).split(",")
    }
    asked = [*bridges, *(" ".join(word[1:]) for word in words if word[0].lower() == "bridge")]
    found = (_BRIDGE.fullmatch(bridge) for bridge in asked)
    needed = dict.fromkeys(match[1] for match in found if match and match[1])
    return tuple(name for name in needed if name not in given)


def torrc(
    *,
    folder: str,
    owner: int,
    socks: tuple[str, int],
    control: tuple[str, int],
    bridges: Sequence[str] = (),
    plugins: Mapping[str, str] | None = None,
    lines: Sequence[str] = (),
    onions_only: bool = False,
) -> str:
    """The whole file. The network stays off until the owner is at the control port and says otherwise; ``plugins``:
    transport to program; ``onions_only``: nothing else is carried."""
    carried = " OnionTrafficOnly" if onions_only else ""
    ours = [
        f"DataDirectory {quoted(folder)}",
        f"__OwningControllerProcess {owner}",
        "DisableNetwork 1",
        f"ControlPort {control[0]}:{control[1]}",
        "CookieAuthentication 1",
        f"SocksPort {socks[0]}:{socks[1]} IsolateSOCKSAuth ExtendedErrors{carried}",
        "ClientOnly 1",
        "DormantCanceledByStartup 1",
        "Log notice stdout",
    ]
    if bridges:
        ours.append("UseBridges 1")
    ours += [f"ClientTransportPlugin {name} exec {program}" for name, program in (plugins or {}).items()]
    ours += [f"Bridge {bridge}" for bridge in bridges]
    return "".join(f"{one}\n" for one in (*ours, *lines))


def quoted(value: str) -> str:
    """A value in which spaces, ``#``, quotes and line breaks are only characters."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
