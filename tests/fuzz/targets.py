"""What is fuzzed: for each reader of foreign bytes a function that takes any bytes, and raises only if there is a bug.

A bug is an exception that no caller expects, or a promise broken: what was read can be written again and reads the
same; no forged proof holds; no changed bundle is valid. What a hostile input may lead to, a verdict, an empty answer, a
``WatcherError``, is no bug.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import io
import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from watcher.config import parse as parse_config
from watcher.core import absence, coding, http, merkle, note, onion_descriptor, wacz, warc
from watcher.core.comparison import Side, compared
from watcher.core.diff_html import page as diff_page
from watcher.core.diff_text import as_object, lines, unified
from watcher.core.difference import difference
from watcher.core.inert import inert
from watcher.core.parse import parse as parse_page
from watcher.core.reading import read_detail, read_page
from watcher.core.rule_tables import faults, from_table, rule_digest, to_toml
from watcher.core.rules import is_frame_there, read
from watcher.core.warc_reading import WarcFile
from watcher.edge.proxy import Health, Proxy, Unreached, greet, proxy_of, request
from watcher.edge.sign import check_signature
from watcher.edge.tap import Tape
from watcher.errors import EvidenceError, WatcherError
from watcher.records import Entry, Hints, Page

Target = Callable[[bytes], None]
ONION = "http://examplexamplexamplexamplexamplexamplexamplexamplexamplead.onion/"
LIMIT = 1 << 20
FEW_ENTRIES = 5_000


class Bug(Exception):  # noqa: N818 - it is what it says
    """A promise is broken."""


def must(condition: object, message: str) -> None:
    if not condition:
        raise Bug(message)


def divided(data: bytes, count: int) -> list[bytes]:
    """The input in so many parts: two bytes of length before each but the last, which is the rest."""
    parts = []
    for _ in range(count - 1):
        size = int.from_bytes(data[:2], "big")
        parts.append(data[2 : 2 + size])
        data = data[2 + size :]
    return [*parts, data]


def joined(*parts: bytes) -> bytes:
    """What ``divided`` takes apart."""
    return b"".join(len(part).to_bytes(2, "big") + part for part in parts[:-1]) + parts[-1]


# -------------------------------------------------------------------------------------------------- configuration


def config(data: bytes) -> None:
    """Settings, or a ``ConfigError`` whose every fault is a line."""
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(WatcherError):
        settings = parse_config(text, Path("/nowhere"), environ=MappingProxyType({"SET": "secret"}))
        must(len({site.name for site in settings.sites}) == len(settings.sites), "two sites have one name")
        for site in settings.sites:
            must(site.mirrors, "a site has no mirrors")


def rules(data: bytes) -> None:
    """A rule without faults can be written, digested, and applied to any page; it reads the same when read again."""
    import tomllib

    table_text, body = divided(data, 2)
    try:
        table: Mapping[str, Any] = tomllib.loads(table_text.decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    if faults(table):
        return
    rule = from_table(table)
    must(len(rule_digest(rule)) > 10, "a rule has no digest")
    again = tomllib.loads(to_toml(rule))
    again = again.get("site", again).get("rule", again) if "entry" not in again else again
    must(not faults(again), f"what is written of a rule has faults: {faults(again)}")
    must(from_table(again) == rule, "a rule is another once it was written and read")
    kind = "application/json" if rule.format == "json" else "text/html"
    document = parse_page(Page(body=body[:LIMIT], url=ONION, status=200, content_type=kind))
    entries = read(rule, document).entries
    is_frame_there(rule, document)
    must(entries == read(rule, document).entries, "a rule reads a page in two ways")
    _sound(entries)


def _sound(entries: tuple[Entry, ...]) -> None:
    for entry in entries:
        must(entry.title.strip(), "an entry has no title")
        for text in (entry.title, entry.url, *entry.fields.values()):
            text.encode()  # a lone surrogate could not be stored


# ---------------------------------------------------------------------------------------------------------- pages

KINDS = ("text/html", "text/html; charset=utf-8", "application/json", "application/rss+xml", "", "text/html; charset=x")


def reading(data: bytes) -> None:
    """Any page, then another one of the same site with what was learned: a verdict each, and the same one again."""
    first, second = divided(data, 2)
    kind = KINDS[first[0] % len(KINDS)] if first else ""
    memory, known = b"", ()
    for body in (first[1:], second, first[1:]):
        page = Page(body=body[:LIMIT], url=ONION, status=200, content_type=kind)
        said, after = read_page(page, memory, known, Hints(mirror=ONION))
        again, after_again = read_page(page, memory, known, Hints(mirror=ONION))
        must((said, after) == (again, after_again), "a page is read in two ways")
        _sound(said.entries)
        must(not said.complete or said.verdict in {"listing", "empty"}, f"a complete {said.verdict}")
        must(len({entry.key for entry in said.entries}) == len(said.entries), "two entries have one key")
        memory, known = after, tuple(entry.title for entry in said.entries[:FEW_ENTRIES])
        read_detail(page, memory, known[0] if known else "Velmora Logistics")
        inert(body[:LIMIT].decode("utf-8", "replace"))


def diff(data: bytes) -> None:
    """Two pages: their difference holds all of both, in order, and is shown in every form."""
    old, new = (part[:20_000].decode("utf-8", "replace") for part in divided(data, 2))
    before, after = old.split("\n"), new.split("\n")
    found = difference(before, after)
    must([b.before for b in sorted_by(found.blocks, "old")] == before, "the old side is not whole")
    must([b.after for b in sorted_by(found.blocks, "new")] == after, "the new side is not whole")
    must(found.is_none == (before == after), "no difference between two pages that differ, or the reverse")
    for block in found.blocks:
        for text, left_out in ((block.before, "added"), (block.after, "removed")):
            shown = "".join(span.text for span in block.spans if span.op != left_out)
            must(not block.spans or shown.split() == text.split(), "words are lost")
    for by in ("text", "source", "entries"):
        sides = [
            Side(label=name, url=ONION, markup=text, entries=_entries(text)) for name, text in (("a", old), ("b", new))
        ]
        comparison = compared(*sides, by)
        list(lines(comparison))
        list(unified(comparison))
        as_object(comparison)
        must("<script" not in diff_page(comparison).lower(), "a page's script is in the comparison")


def sorted_by(blocks: tuple[Any, ...], side: str) -> list[Any]:
    return sorted(
        (block for block in blocks if getattr(block, side) is not None), key=lambda block: getattr(block, side)
    )


def _entries(text: str) -> tuple[Entry, ...]:
    titles = dict.fromkeys(line.strip() for line in text.split("\n")[:50] if line.strip())
    return tuple(Entry(key=f"t:{title}", title=title, fields={"size": title[-3:]}) for title in titles)


# ------------------------------------------------------------------------------------------------- archives, bundles


def warc_file(data: bytes) -> None:
    """Files by others are read record by record, or refused in words; ours are refused unless ours."""
    stream = io.BytesIO(data)
    file = WarcFile(stream.read)
    with contextlib.suppress(WatcherError):
        for number, record in enumerate(file):
            must(isinstance(record.id + record.url + record.kind, str), "no text")
            _ = record.at
            if record.kind == "response":
                http_response(record.block)
            if number > 200:
                break
    with contextlib.suppress(EvidenceError):
        for ours in warc.read(data):
            must(len(ours.block) == int(ours.headers["content-length"]), "a record is not as long as it says")


@functools.cache
def good_bundle() -> tuple[dict[str, bytes], str]:
    """The files of a bundle, and the key that signed it."""
    from tests.evidence.story import KEY, withdrawal
    from watcher.core import bundle

    material = withdrawal().material()
    whole = bundle.whole(material, verifier=b"# verify\n", key=note.parse_key(material.vkey), sign=KEY.sign)
    return wacz.unpack(whole), material.vkey


def bundle_file(data: bytes) -> None:
    """Any bytes, and a good bundle with some of its bytes changed: refused in words, and valid only if unchanged."""
    from watcher.edge.verify import verify_bundle

    whole = verify_bundle(data, read_again=lambda _: "")
    must(not all(check.ok for check in whole), "bytes that nobody signed are a valid bundle")
    files, key = good_bundle()
    changed = patched(files, data)
    results = verify_bundle(wacz.pack(changed), keys=[key], read_again=lambda _: "")
    if changed == files:
        must(all(check.ok for check in results), f"a good bundle is refused: {results}")
    else:
        must(not all(check.ok for check in results), "a changed bundle is valid")


def patched(files: Mapping[str, bytes], orders: bytes) -> dict[str, bytes]:
    """The files with changes: each order names a file, a place, how much is cut out there, and what is put in."""
    made = dict(files)
    names = sorted(made)
    while len(orders) >= 6:
        which, place, cut, size = struct.unpack(">BHHB", orders[:6])
        name, new = names[which % len(names)], orders[6 : 6 + size]
        whole = made[name]
        at = place % (len(whole) + 1)
        made[name] = whole[:at] + new + whole[at + cut :]
        orders = orders[6 + size :]
    return made


# ---------------------------------------------------------------------------------------------------- proofs, notes


def proofs(data: bytes) -> None:
    """No proof holds but the true one, for any tree, place and hashes; and every true one does."""
    if len(data) < 5:
        return
    size, index, old, way, count = data[0] % 40 + 1, data[1], data[2], data[3], data[4] % 12
    leaves = [merkle.leaf_hash(bytes([number])) for number in range(size)]
    node_at = merkle.nodes_of(leaves)
    rest = data[5:]
    given = tuple(rest[at : at + 32] for at in range(0, min(len(rest), count * 32), 32))
    index, old = index % size, old % (size + 1)
    root = merkle.root(size, node_at)
    true = merkle.inclusion_proof(index, size, node_at)
    merkle.verify_inclusion(leaves[index], index, size, true, root)
    _holds_only(
        lambda proof: merkle.verify_inclusion(leaves[index], index, size, proof, root),
        true,
        (given, _bent(true, way, rest)),
    )
    true = merkle.consistency_proof(old, size, node_at)
    old_root = merkle.root(old, node_at)
    merkle.verify_consistency(old, size, true, old_root, root)
    _holds_only(
        lambda proof: merkle.verify_consistency(old, size, proof, old_root, root), true, (given, _bent(true, way, rest))
    )
    keys = {rest[at : at + 3].hex() for at in range(0, min(len(rest), 60), 3)}
    wanted = rest[:3].hex() if way % 2 else rest[1:4].hex()
    proof = absence.prove(wanted, keys)
    absence.verify_leaf(absence.key_leaf(wanted), proof, absence.commit(keys))
    must(proof.present == (wanted in keys), "a key is proved to be what it is not")
    leaf = given[0] if given else rest[:32]
    with contextlib.suppress(EvidenceError):
        absence.verify_leaf(leaf, proof, absence.commit(keys))
        inside = leaf in {absence.key_leaf(key) for key in keys}
        must(inside == proof.present and (not inside or leaf == absence.key_leaf(wanted)), "another key is proved")


def _bent(proof: tuple[bytes, ...], way: int, rest: bytes) -> tuple[bytes, ...]:
    """A true proof with one thing wrong."""
    if not proof:
        return (rest[:32],)
    at = way % len(proof)
    match way % 5:
        case 0:
            return proof[:at] + proof[at + 1 :]
        case 1:
            return (*proof[: at + 1], *proof[at:])
        case 2:
            return (*proof[:at], bytes([proof[at][0] ^ (rest[0] if rest else 1)]) + proof[at][1:], *proof[at + 1 :])
        case 3:
            return proof[::-1]
    return (*proof, rest[:32])


def _holds_only(
    check: Callable[[tuple[bytes, ...]], None], true: tuple[bytes, ...], wrong: tuple[tuple[bytes, ...], ...]
) -> None:
    for proof in wrong:
        try:
            check(proof)
        except EvidenceError:
            continue
        must(proof == true, f"a proof holds that is not the true one: {proof}")


def notes(data: bytes) -> None:
    """Notes, checkpoints, keys and cosignatures: what is parsed is written the same; no foreign signature holds."""
    with contextlib.suppress(EvidenceError):
        parsed = note.parse(data)
        must(parsed.encode() == data, "a note is not what was parsed")
        with contextlib.suppress(EvidenceError):
            head = note.parse_checkpoint(parsed)
            must(head.text() == parsed.text, "a checkpoint is not what was parsed")
            with contextlib.suppress(EvidenceError):
                note.verify(parsed, our_key(), check_signature)
                must(parsed.text in signed_texts(), "a signature holds that we never made")
    with contextlib.suppress(EvidenceError, UnicodeDecodeError):
        text = data.decode()
        key = note.parse_key(text)
        must(str(key) == text.strip(), "a key is not what was parsed")
    with contextlib.suppress(EvidenceError):
        onion_descriptor.verify(data, "a" * 56 + ".onion", datetime(2026, 11, 22, tzinfo=UTC), check_signature)


def our_key() -> note.VerifierKey:
    from tests.evidence.story import KEY

    return note.parse_key(KEY.vkey)


@functools.cache
def signed_texts() -> frozenset[str]:
    """All that this key ever signed."""
    from tests.evidence.story import withdrawal

    return frozenset(note.parse(head.note).text for head in withdrawal().heads)


# ------------------------------------------------------------------------------------------------------------ wire


def http_response(data: bytes) -> None:
    """A response is taken apart and put together again byte for byte; its body is decoded within bounds."""
    wire = http.split(data)
    must(http.rebuild(wire.head, wire.payload, wire.framing) == data, "a response cannot be put together again")
    decoded = coding.decode(wire.payload, wire.headers, LIMIT)
    must(len(decoded.body) <= LIMIT, "more was decoded than allowed")
    tape = Tape(max_header=4096, max_body=65536)
    for at in range(0, len(data), max(1, len(data) // 7)):
        if not tape.take(data[at : at + max(1, len(data) // 7)]):
            break
    head = tape.head
    must(head is None or 100 <= head.status < 1000, "a status that is none")
    with contextlib.suppress(ValueError):
        http.rebuild(b"", data[: len(data) // 2], data[len(data) // 2 :])


@functools.cache
def loop() -> asyncio.AbstractEventLoop:
    return asyncio.new_event_loop()


def socks(data: bytes) -> None:
    """Whatever a proxy answers: a connection, ``ProxyError`` or ``Unreached``. An address of one is read or refused."""
    with contextlib.suppress(WatcherError):
        proxy_of(data.decode("utf-8", "replace"))
    loop().run_until_complete(_talk(data))


SAYS_NO_MORE_SECONDS = 0.005


async def _talk(data: bytes) -> None:
    parts = divided(data, 3)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(SAYS_NO_MORE_SECONDS):
                    await reader.read(600)
            with contextlib.suppress(ConnectionError):
                writer.write(part)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        where = Proxy(host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        try:
            greeted = await greet(where, ("user", "password"), Health())
            try:
                await request(greeted, where, "examplexample.onion", 80)
            finally:
                greeted.line.transport.abort()
        except (WatcherError, Unreached):
            pass
    await asyncio.sleep(0)


TARGETS: Mapping[str, Target] = MappingProxyType(
    {
        "config": config,
        "rules": rules,
        "reading": reading,
        "diff": diff,
        "warc": warc_file,
        "bundle": bundle_file,
        "proofs": proofs,
        "notes": notes,
        "http": http_response,
        "socks": socks,
    }
)
INPUTS = Path(__file__).parent


def kept(target: str) -> Iterator[Path]:
    """The inputs of a target that are kept with the tests: seeds, and whatever broke something once."""
    for folder in ("corpus", "found"):
        yield from sorted((INPUTS / folder / target).glob("*"))
