"""A fleet's bundle: a zip of whole bundles, one for the index and one for each vantage, listed and signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from watcher.core import note, wacz
from watcher.errors import EvidenceError

PROFILE = "multi-wacz-package"
INDEX = "index.wacz"
VANTAGE = "vantage-"
BY_HAND = "VERIFY.txt"
_HAND = """\
This file holds the evidence of a fleet: several watchers that looked at the same site, each by itself.

  index.wacz         what they concluded together, and the pages as the index of the fleet received them
  vantage-NAME.wacz  one watcher's own captures, the checkpoints that it signed, and the proofs in its own log

Each is a whole bundle. To check one, take it out of this zip file and run, with Python 3 alone:

  unzip -p index.wacz evidence/verify.py > verify.py
  python3 verify.py vantage-NAME.wacz --key KEY-OF-THAT-VANTAGE --key KEY-OF-THE-INDEX

The vantage's key vouches for what is proved; the index's for nothing but that it packed it. Or all of it at once:

  watcher verify THIS-FILE --key KEY-OF-THE-INDEX --key KEY-OF-A-VANTAGE --key ...
"""


def path_of(vantage: str) -> str:
    """Where the bundle of a vantage stands."""
    return f"{VANTAGE}{vantage}.wacz"


def is_fleet(files: Mapping[str, bytes]) -> bool:
    """Whether these are the files of a fleet's bundle."""
    return INDEX in files


def whole(bundles: Mapping[str, bytes], cover: wacz.Cover, key: note.VerifierKey, sign: note.Sign) -> bytes:
    """The zip of these bundles, signed."""
    files = {**bundles, BY_HAND: _HAND.encode()}
    about = replace(cover, description="Bundles of a fleet of watchers; begin with VERIFY.txt.")
    return wacz.sealed(files, wacz.datapackage(about, files, profile=PROFILE), key, sign)


def vantage_bundles(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Path to bundle, of every vantage."""
    found = {path: data for path, data in files.items() if path.startswith(VANTAGE)}
    strange = sorted(set(files) - set(found) - {INDEX, BY_HAND, wacz.PACKAGE, wacz.PACKAGE_DIGEST})
    if strange:
        raise EvidenceError(f"files that do not belong there: {', '.join(strange[:6])}")
    return found


def name_in(path: str) -> str:
    """The vantage whose bundle stands there."""
    return path.removeprefix(VANTAGE).removesuffix(".wacz")
