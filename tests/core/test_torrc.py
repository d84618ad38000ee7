"""What a tor of our own is told: which lines of the operator's are taken, and how the file reads."""

from __future__ import annotations

import pytest

from watcher.core.torrc import bridge_line, pass_line, quoted, torrc, transports


@pytest.mark.parametrize(
    "text",
    ["EntryNodes {is},{se}", "  ExcludeNodes {xx} ", "+Bridge 192.0.2.7:443", "LogTimeGranularity 1", "Sandbox 1"],
)
def test_lines_that_are_taken(text: str) -> None:
    assert pass_line(text) == text.strip()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("SocksPort 9999", "socksport is the watcher's to set; take it out"),
        ("socksport 9999", "socksport is the watcher's to set; take it out"),
        ("SocksP 9999", "socksp is the watcher's to set; take it out"),
        ("+SocksPort 9999", "socksport is the watcher's to set; take it out"),
        ("/SocksPort", "socksport is the watcher's to set; take it out"),
        ("ControlPort 9051", "controlport is the watcher's to set; take it out"),
        ("DataDirectory /var/lib/tor", "datadirectory is the watcher's to set; take it out"),
        ("__OwningControllerProcess 1", "__owningcontrollerprocess is the watcher's to set; take it out"),
        ("Log debug file /tmp/x", "log is the watcher's to set; take it out"),
        ("ORPort 9001", "orport would make tor listen for others; take it out"),
        ("HiddenServiceDir /x", "hiddenservicedir would make tor listen for others; take it out"),
        ("%include /etc/passwd", "it begins with no option of tor's"),
        ("# a comment", "it begins with no option of tor's"),
        ("", "it begins with no option of tor's"),
        ("EntryNodes {is}\nSocksPort 9999", "a line break or control character stands in it"),
        ("EntryNodes {is} \\", "a line break or control character stands in it"),
    ],
)
def test_lines_that_are_not(text: str, why: str) -> None:
    with pytest.raises(ValueError) as caught:
        pass_line(text)
    assert str(caught.value).startswith(why)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("192.0.2.7:443", "192.0.2.7:443"),
        ("Bridge [2001:db8::7]:443 0123456789", "[2001:db8::7]:443 0123456789"),
        ("  obfs4  192.0.2.7:443 ABC cert=x+y/z iat-mode=0 ", "obfs4 192.0.2.7:443 ABC cert=x+y/z iat-mode=0"),
    ],
)
def test_bridges_as_they_are_handed_out(text: str, line: str) -> None:
    assert bridge_line(text) == line


@pytest.mark.parametrize(
    "text", ["", "obfs4", "obfs4 example.org:443", "192.0.2.7", "a b 192.0.2.7:1", "192.0.2.7:1 \\"]
)
def test_what_is_no_bridge(text: str) -> None:
    with pytest.raises(ValueError, match="this is no bridge; write it as it was handed out"):
        bridge_line(text)


def test_which_transports_are_missing() -> None:
    bridges = ["obfs4 192.0.2.7:443 A", "obfs4 192.0.2.8:443 B", "192.0.2.9:443", "snowflake 192.0.2.3:80"]
    assert transports(bridges, []) == ("obfs4", "snowflake")
    assert transports(bridges, ["ClientTransportPlugin snowflake,meek_lite exec /x"]) == ("obfs4",)
    assert transports([], ["bridge webtunnel 192.0.2.1:1", "UseBridges 1"]) == ("webtunnel",)


def test_the_file() -> None:
    text = torrc(
        folder='/srv/a "b" #1',
        owner=7,
        socks=("127.0.0.1", 1),
        control=("127.0.0.1", 2),
        bridges=["obfs4 192.0.2.7:443 A"],
        plugins={"obfs4": "/usr/bin/obfs4proxy"},
        lines=["EntryNodes {is}"],
    )
    assert text.splitlines() == [
        'DataDirectory "/srv/a \\"b\\" #1"',
        "__OwningControllerProcess 7",
        "DisableNetwork 1",
        "ControlPort 127.0.0.1:2",
        "CookieAuthentication 1",
        "SocksPort 127.0.0.1:1 IsolateSOCKSAuth ExtendedErrors",
        "ClientOnly 1",
        "DormantCanceledByStartup 1",
        "Log notice stdout",
        "UseBridges 1",
        "ClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy",
        "Bridge obfs4 192.0.2.7:443 A",
        "EntryNodes {is}",
    ]


def test_a_value_cannot_end_its_line() -> None:
    assert quoted('a\\"\nSocksPort 1') == '"a\\\\\\"\\nSocksPort 1"'


def test_without_bridges_none_are_used_and_pages_may_stand_outside() -> None:
    plain = torrc(folder="/t", owner=7, socks=("127.0.0.1", 1), control=("127.0.0.1", 2))
    assert "Bridge" not in plain
    assert "OnionTrafficOnly" not in plain
    assert "UseBridges 1\n" in torrc(
        folder="/t", owner=7, socks=("127.0.0.1", 1), control=("127.0.0.1", 2), bridges=["192.0.2.7:443"]
    )
