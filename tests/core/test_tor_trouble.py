"""Why a tor is not ready: each of tor's own sayings, and what people are told of it."""

from __future__ import annotations

import pytest

from watcher.core.tor_trouble import Phase, complaint, explain, no_transport, phase_of, too_old

REFUSED = (
    '250-status/bootstrap-phase=WARN BOOTSTRAP PROGRESS=5 TAG=conn SUMMARY="Connecting to a relay" '
    'WARNING="Connection refused" REASON=CONNECTREFUSED COUNT=1 RECOMMENDATION=ignore '
    'HOSTID="BBBB" HOSTADDR="127.0.0.1:23458"\n250 OK'
)


def test_a_phase_with_its_warning() -> None:
    assert phase_of(REFUSED) == Phase(
        percent=5, summary="Connecting to a relay", warning="Connection refused", reason="CONNECTREFUSED"
    )


def test_a_phase_without() -> None:
    said = '250-status/bootstrap-phase=NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"\n250 OK'
    assert phase_of(said) == Phase(percent=100, summary="Done")


def test_no_phase() -> None:
    assert phase_of("552 Unrecognized key") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Nov 22 22:07:03.000 [warn] Could not bind to 127.0.0.1:9: x\n", "Could not bind to 127.0.0.1:9: x"),
        ("Nov 22 22:07:03.000 [err] Reading config failed.", "Reading config failed."),
        ("Nov 22 22:07:03.000 [notice] Bootstrapped 5% (conn): Connecting to a relay", ""),
        ("Nov 22 22:07:03.000 [warn] You are running Tor as root. You don't need to, and …", ""),
    ],
)  # fmt: skip
def test_complaints(text: str, said: str) -> None:
    assert complaint(text) == said


@pytest.mark.parametrize("said", ["Tor version 0.4.7.1.", "Tor version 0.4.9.11.", "Tor version 1.0.0-alpha."])
def test_versions_that_will_do(said: str) -> None:
    assert too_old(said) is None


@pytest.mark.parametrize(("said", "what"), [("Tor version 0.4.6.9.", "tor 0.4.6.9 is too old"), ("", "does not say")])
def test_versions_that_will_not(said: str, what: str) -> None:
    told = too_old(said)
    assert told is not None
    assert what in told.what
    assert "apt-get install" in told.mend


def test_transports_that_are_missing() -> None:
    assert "neither obfs4proxy nor lyrebird is installed" in no_transport("obfs4").what
    assert no_transport("obfs4").mend.startswith("apt-get install obfs4proxy")
    assert no_transport("webtunnel").mend.startswith("install webtunnel-client")
    assert no_transport("x").what == "no program is known for the bridges' pluggable transport x"


SKEWED = (
    "Received NETINFO cell with skewed time (OR:192.0.2.7:443): It seems that our clock is behind by 1 days, "
    "0 hours, 0 minutes, or that theirs is ahead. Tor requires an accurate clock to work: please check your time, "
    "timezone, and date settings."
)
BEHIND = (
    "Our clock is 1 hours, 2 minutes behind the time published in the consensus network status document "
    "(2026-11-22 15:00:00 UTC).  Tor needs an accurate clock to work correctly. Please check your time and date "
    "settings!"
)
NO_PLUGIN = (
    "We were supposed to connect to bridge '192.0.2.7:443' using pluggable transport 'obfs4', but we can't find a "
    "pluggable transport proxy supporting 'obfs4'. This can happen if you haven't provided a ClientTransportPlugin "
    "line, or if your pluggable transport proxy stopped running."
)


@pytest.mark.parametrize(
    ("said", "what", "mend"),
    [
        (SKEWED, "the clock is wrong: tor says: Received NETINFO", "set the clock"),
        (BEHIND, "the clock is wrong: tor says: Our clock is 1 hours", "set the clock"),
        (NO_PLUGIN, "the bridges' pluggable transport obfs4 does not run", "ClientTransportPlugin"),
        ("Managed proxy at '/usr/bin/obfs4proxy' failed at launch.", "the program of the pluggable", "by hand"),
        ("Could not bind to 127.0.0.1:9050: Address already in use. Is Tor already running?",
         "port 127.0.0.1:9050 is taken", "another port is chosen"),
        ("It looks like another Tor process is running with the same data directory.  Waiting 5 seconds to see if it "
         "goes away.", "another tor works in the same folder", "stop that tor"),
        ("Failed to parse/validate config: Unknown option 'Foo'.  Failing.",
         "tor does not take its configuration: Unknown option 'Foo'", "under [proxy] torrc"),
        ("Directory /srv/tor cannot be read: Permission denied", "tor cannot use its folder", "chown"),
        ("Error writing to \"/srv/tor/state.tmp\": No space left on device", "tor finds no room", "make room"),
    ],
)  # fmt: skip
def test_what_tor_says_and_what_that_means(said: str, what: str, mend: str) -> None:
    told = explain(Phase(percent=5, summary="x"), ["something before", said, "Reading config failed"], ended=1)
    assert told.what.startswith(what)
    assert mend in told.mend


@pytest.mark.parametrize(
    ("reason", "mend"),
    [("CONNECTREFUSED", "firewall"), ("NOROUTE", "no way to the network"), ("TIMEOUT", "nothing answers"),
     ("SOMETHING_NEW", "look at the network"), ("CLOCK_SKEW", "set the clock")],
)  # fmt: skip
def test_a_bootstrap_that_is_stuck_is_told_in_tors_words(reason: str, mend: str) -> None:
    told = explain(Phase(percent=14, summary="Handshaking with a relay", warning="No route", reason=reason))
    assert told.what == f"tor is ready to 14 % (Handshaking with a relay); it says: No route ({reason})"
    assert mend in told.mend


def test_a_bootstrap_that_says_nothing() -> None:
    assert explain(Phase(percent=14, summary="x")).mend.startswith("wait")
    assert explain(Phase()).what == "tor is ready to 0 %"


def test_a_tor_that_ended() -> None:
    assert explain(Phase(percent=100), ["last words"], ended=-9).what == "tor ended (status -9): last words"
    assert explain(Phase(percent=100), ended=0).what == "tor ended (status 0)"
