"""A program that behaves as tor does towards its owner, by a script: for what the real one does only on a bad day.

``install(folder, **script)`` puts it there under the name ``tor``; it speaks the control-spec with SAFECOOKIE, opens
the SOCKS port when its network is let on, and answers there as a proxy that takes everyone and leads nowhere.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PROGRAM = """#!{python} -SE
import hashlib, hmac, json, os, secrets, shlex, socketserver, sys, threading, time

SCRIPT = json.loads({script!r})
if sys.argv[1:] == ["--version"]:
    print(SCRIPT["version"])
    sys.exit()
options = dict(line.split(" ", 1) for line in open(sys.argv[sys.argv.index("-f") + 1]).read().splitlines())
folder = shlex.split(options["DataDirectory"])[0]
starts = os.path.join(folder, "starts")
number = os.path.getsize(starts) if os.path.exists(starts) else 0
open(starts, "a").write("x")
with open(os.path.join(folder, "seen"), "w") as file:
    json.dump({{"environ": dict(os.environ), "options": options}}, file)
for said in SCRIPT["says"]:
    print("Nov 22 22:00:00.000", said, flush=True)
if number < SCRIPT["fails"]:
    sys.exit(1)
cookie, left = secrets.token_bytes(32), [SCRIPT["cuts"], SCRIPT["mute_after"]]
open(os.path.join(folder, "control_auth_cookie"), "wb").write(b"?" * 32 if SCRIPT["false_cookie"] else cookie)
network = threading.Event()

class Socks(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(100)
        self.request.sendall(bytes([5, 2]))
        self.request.recv(300)
        self.request.sendall(bytes([1, 0]))
        if self.request.recv(300):
            self.request.sendall(bytes([5, 4, 0, 1, 0, 0, 0, 0, 0, 0]))

class Threading(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True

def place(option):
    host, port = options[option].split()[0].split(":")
    return host, int(port)

class Control(socketserver.StreamRequestHandler):
    def handle(self):
        admitted = mine = False
        for raw in self.rfile:
            line = raw.decode().strip()
            answer = "250 OK"
            if line.startswith("PROTOCOLINFO"):
                answer = '250-AUTH METHODS=SAFECOOKIE COOKIEFILE="/nowhere"\\r\\n250-VERSION Tor="0.4.9.11"\\r\\n250 OK'
            elif line.startswith("AUTHCHALLENGE"):
                theirs, ours = bytes.fromhex(line.split()[2]), secrets.token_bytes(32)
                key = b"Tor safe cookie authentication %s hash"
                proof = hmac.digest(key % b"server-to-controller", cookie + theirs + ours, "sha256").hex()
                wanted = hmac.digest(key % b"controller-to-server", cookie + theirs + ours, "sha256").hex()
                answer = f"250 AUTHCHALLENGE SERVERHASH={{proof}} SERVERNONCE={{ours.hex()}}"
            elif line.startswith("AUTHENTICATE"):
                admitted = line.split()[1] == wanted
                answer = "250 OK" if admitted else "515 Authentication failed"
            elif not admitted:
                answer = "514 Authentication required"
            elif line == "TAKEOWNERSHIP":
                mine = True
            elif line == "SETCONF DisableNetwork=0":
                try:
                    server = Threading(place("SocksPort"), Socks)
                except OSError as error:
                    where = "%s:%s" % place("SocksPort")
                    print(f"Nov 22 22:00:00.000 [warn] Could not bind to {{where}}: {{error.strerror}}. ", flush=True)
                    answer = "553 Unable to set option: Failed to bind one of the listener ports."
                else:
                    threading.Thread(target=server.serve_forever, daemon=True).start()
                    network.started = time.monotonic()
                    network.set()
            elif line.startswith("GETINFO status/bootstrap-phase"):
                since = time.monotonic() - network.started if network.is_set() else 0
                phase = [text for after, text in SCRIPT["phases"] if after <= since][-1]
                answer = f"250-status/bootstrap-phase={{phase}}\\r\\n250 OK"
                left[1] -= 1
                if not left[1]:
                    time.sleep(1_000)
            if left[0] and not line.startswith("PROTOCOLINFO"):
                left[0] -= 1
                self.wfile.write(answer[:left[0] * 7].encode())
                break
            self.wfile.write(f"{{answer}}\\r\\n".encode())
        if mine:
            os._exit(0)

if SCRIPT["dies_after"] is not None:
    threading.Timer(SCRIPT["dies_after"], os._exit, [9]).start()
Threading(place("ControlPort"), Control).serve_forever()
"""
DONE = 'NOTICE BOOTSTRAP PROGRESS=100 TAG=done SUMMARY="Done"'
STARTING = 'NOTICE BOOTSTRAP PROGRESS=0 TAG=starting SUMMARY="Starting"'
STUCK = (
    'WARN BOOTSTRAP PROGRESS=14 TAG=handshake SUMMARY="Handshaking with a relay" WARNING="No route to host" '
    "REASON=NOROUTE COUNT=3 RECOMMENDATION=warn"
)


def install(
    folder: Path,
    *,
    version: str = "Tor version 0.4.9.11.",
    says: tuple[str, ...] = (),
    fails: int = 0,
    false_cookie: bool = False,
    dies_after: float | None = None,
    cuts: int = 0,
    mute_after: int = -1,
    phases: tuple[tuple[float, str], ...] = ((0, DONE),),
) -> None:
    """``says``: lines of its log; ``fails``: so many starts end at once; ``false_cookie``: whoever listens does not
    know what stands in tor's file; ``cuts``: so many times it hangs up in the middle of an answer; ``mute_after``: so
    many questions about its bootstrap are answered, and then none; ``phases``: what it says of its bootstrap, so many
    seconds after it was let on."""
    script = {
        "version": version,
        "says": says,
        "fails": fails,
        "false_cookie": false_cookie,
        "dies_after": dies_after,
        "cuts": cuts,
        "mute_after": mute_after,
        "phases": phases,
    }
    folder.mkdir(exist_ok=True)
    program = folder / "tor"
    program.write_text(PROGRAM.format(python=sys.executable, script=json.dumps(script)))
    program.chmod(0o755)


def seen(folder: Path) -> dict[str, Any]:
    """What the tor with this data folder was started with."""
    told: dict[str, Any] = json.loads((folder / "seen").read_text())
    return told


def starts(folder: Path) -> int:
    """How often it was started."""
    return (folder / "starts").stat().st_size
