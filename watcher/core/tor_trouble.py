"""Why a tor of our own is not ready, and how to mend it: from what tor itself says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from watcher.core.torrc import PACKAGES, TRANSPORTS

OLDEST = (0, 4, 7)
"""The first that guards onion clients against the discovery of their guards (vanguards-lite)."""
INSTALL = "apt-get install tor (or the like), or write the address of a proxy under [proxy] url"
_VERSION = re.compile(r"\b(\d+)\.(\d+)\.(\d+)\.?(\S*)")
_NOISE = (
    "You are running Tor as root", "TestingTorNetwork is set", "You have used DirAuthority",
    "Tor can't help you if you use it wrong", "is relative and will resolve",
    "Reading config failed--see warnings above", "Acting on config options left us in a broken state",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong with a tor."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """How far a tor is, in its own words (control-spec, ``status/bootstrap-phase``)."""

    percent: int = 0
    summary: str = ""
    warning: str = ""
    """What went wrong last."""
    reason: str = ""
    """The same as one of tor's words: ``CONNECTREFUSED``, ``NOROUTE`` …"""


def phase_of(answer: str) -> Phase | None:
    """The phase that tor's answer tells; None if it tells none."""
    progress = re.search(r"\bPROGRESS=(\d+)", answer)
    if progress is None:
        return None
    words: dict[str, str] = dict(re.findall(r'\b([A-Z]+)="((?:[^"\\]|\\.)*)"', answer))
    reason = re.search(r"\bREASON=(\w+)", answer)
    return Phase(
        percent=int(progress[1]),
        summary=words.get("SUMMARY", ""),
        warning=words.get("WARNING", ""),
        reason=reason[1] if reason else "",
    )


def complaint(text: str) -> str:
    """A line of tor's log without time and level; empty if it is no warning, or one that only tells what we know."""
    found = re.search(r"\[(?:warn|err)\] (.*)", text)
    return found[1].strip() if found and not any(noise in found[1] for noise in _NOISE) else ""


def too_old(said: str) -> Trouble | None:
    """What is wrong with the version that ``tor --version`` says; None if nothing is."""
    found = _VERSION.search(said)
    if found is None:
        return Trouble(what="the program tor does not say which version it is", mend=INSTALL)
    if tuple(int(found[number]) for number in (1, 2, 3)) >= OLDEST:
        return None
    oldest = ".".join(map(str, OLDEST))
    return Trouble(
        what=f"tor {found[0].rstrip('.')} is too old: onion services need {oldest} or later to be visited safely",
        mend="upgrade it: apt-get install --only-upgrade tor, or take it from the Tor Project's own packages",
    )


def no_transport(name: str) -> Trouble:
    """That the program of a pluggable transport is missing."""
    programs = TRANSPORTS.get(name, ())
    if not programs:
        return Trouble(
            what=f"no program is known for the bridges' pluggable transport {name}",
            mend=f'name it under [proxy] torrc: "ClientTransportPlugin {name} exec /path/to/program"',
        )
    package = PACKAGES.get(programs[0])
    how = f"apt-get install {package}" if package else f"install {programs[0]}"
    return Trouble(
        what=f"the bridges need the pluggable transport {name}, and neither {' nor '.join(programs)} is installed",
        mend=f'{how}, or name the program under [proxy] torrc: "ClientTransportPlugin {name} exec /path/to/program"',
    )


def explain(phase: Phase, said: Sequence[str] = (), *, ended: int | None = None) -> Trouble:
    """Why tor is not ready, from its phase, its complaints so far, and how it ended (exit status) if it did."""
    for pattern, what, mend in _KNOWN:
        for one in reversed((*said, phase.warning)):
            if found := pattern.search(one):
                return Trouble(what=what.format(*(group or "" for group in found.groups()), said=one), mend=mend)
    if ended is not None:
        words = f": {said[-1]}" if said else ""
        return Trouble(what=f"tor ended (status {ended}){words}", mend="its own words say why; see also its manual")
    state = f"tor is ready to {phase.percent} %" + (f" ({phase.summary})" if phase.summary else "")
    if not phase.warning:
        return Trouble(
            what=state, mend="wait; if it stays so, the network or a firewall may keep it out: see [proxy] bridges"
        )
    mend = _REASONS.get(phase.reason, "look at the network; where Tor is kept out, [proxy] bridges may help")
    return Trouble(what=f"{state}; it says: {phase.warning} ({phase.reason or 'no reason'})", mend=mend)


_CLOCK = "set the clock and let it be kept right: timedatectl set-ntp true, or chrony"
_OWNER = "give the store to the watcher's user: chown -R USER STORE"
_TAKEN = "another program listens there; start again, and another port is chosen"
_KNOWN = tuple(
    (re.compile(pattern), what, mend)
    for pattern, what, mend in (
        (
            r"Our clock is .+ behind|skewed time|[Yy]our clock|[Cc]lock skew",
            "the clock is wrong: tor says: {said}",
            _CLOCK,
        ),
        (
            r"can't find a pluggable transport proxy supporting '(\w+)'",
            "the bridges' pluggable transport {0} does not run: tor says: {said}",
            "see that its program is installed and starts, or name it under [proxy] torrc (ClientTransportPlugin)",
        ),
        (
            r"Managed proxy (?:at )?[\"'](\S+?)[\"'] (?:failed|died|having PID)|Could not launch managed proxy",
            "the program of the pluggable transport failed: tor says: {said}",
            "start it by hand to see why, or name another under [proxy] torrc (ClientTransportPlugin)",
        ),
        (r"Could not bind to (\S+): Address already in use", "port {0} is taken", _TAKEN),
        (
            r"another Tor process is running with the same data directory",
            "another tor works in the same folder, and is none of a watcher that runs",
            "stop that tor, or name another store",
        ),
        (
            r"is not a (?:directory|file\?)|Couldn't open .* for locking: Is a directory",
            "something else stands in tor's folder: {said}",
            "take it away: tor makes anew what it needs",
        ),
        (r"is not owned by this user", "tor cannot use its folder: {said}", _OWNER),
        (
            r"(?:Directory .* cannot be read|Couldn't (?:create|access) (?:private )?data directory|Permissions on).*",
            "tor cannot use its folder: {said}",
            _OWNER,
        ),
        (
            r"Failed to parse/validate config: (.*)",
            "tor does not take its configuration: {0}",
            "mend or take out that line under [proxy] torrc or bridges",
        ),
        (
            r"Unknown option '(\w+)'",
            "tor knows no option {0}",
            "mend or take out that line under [proxy] torrc",
        ),
        (r"No space left on device", "tor finds no room on the disk: {said}", "make room, or move the store"),
        (
            r"No running bridges|all of your bridges|bridges? .*(?:unreachable|down)",
            "none of the bridges answers: tor says: {said}",
            "ask for other bridges, and write them under [proxy] bridges",
        ),
    )
)
"""Pattern in tor's words, what that means, and its mend; the first that is found tells."""
_REASONS = {
    "CONNECTREFUSED": "the relays refuse: a firewall may keep Tor out; [proxy] bridges may help",
    "NOROUTE": "there is no way to the network: look at the machine's connection",
    "TIMEOUT": "nothing answers: look at the machine's connection; where Tor is kept out, [proxy] bridges may help",
    "PT_MISSING": "install the program of the bridges' pluggable transport, or name it under [proxy] torrc",
    "CLOCK_SKEW": _CLOCK,
}
