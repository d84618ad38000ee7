"""What is well and what is not with the fleet: servers, the stream, what this vantage may do there, and who is there.

Nothing is written: what would be, is sent with a condition that the server cannot meet.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, NoServersError
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from watcher.config import Settings
from watcher.core.escape import line
from watcher.core.fleet import ALL_ALIVE, BEATS, hear, paused_subject
from watcher.core.fleet_tables import FleetSettings
from watcher.core.moments import counted, words
from watcher.core.shipping import STREAM, subject
from watcher.edge.finding import Finding, good, wrong
from watcher.edge.nats_door import Door, why
from watcher.edge.sign import check_signature, load_key
from watcher.errors import EvidenceError, WatcherError

ANSWER_SECONDS = 3.0
LONG_SECONDS = 2.0
"""Clocks that differ by more say of two captures the wrong one came first."""
NOBODY = "watcher-doctor"
"""A stream that there is not: what is to go there is refused, and kept nowhere."""
_good, _bad = partial(good, "fleet"), partial(wrong, "fleet")
PERMISSIONS = "give the user the permissions of docs/scale.md"


@dataclass(slots=True)
class _Visit:
    """A connection, and what was heard over it."""

    client: Door
    refused: list[str] = field(default_factory=list)
    """What the server said that may not be done."""
    heard: dict[str, float] = field(default_factory=dict)
    """By how many seconds each vantage's clock is ahead of this one."""

    @property
    def unheard(self) -> list[str]:
        """What of it was about listening."""
        return [one for one in self.refused if "subscription" in one]


async def fleet(settings: Settings, fleet: FleetSettings) -> list[Finding]:
    """The findings about the fleet."""
    found, answering = [*_own_key(settings, fleet)], list[str]()
    for server in fleet.servers:
        try:
            async with _reached(settings, replace(fleet, servers=(server,))) as visit:
                there = visit.client.connected_server_version
                version = f"{there.major}.{there.minor}.{there.patch}"
                answering.append(server)
                found.append(_good(f"{server} answers: NATS {version}, and takes these credentials"))
        except (TimeoutError, NatsError, OSError, WatcherError) as error:
            what, mend = (str(error), error.hint) if isinstance(error, WatcherError) else why(error)
            found.append(_bad(f"{server}: {what}", mend))
    if answering:
        with suppress(TimeoutError, NatsError, OSError):  # it went within the second: the next time tells more
            async with _reached(settings, replace(fleet, servers=(answering[0],))) as visit:
                found += await (_index(visit) if settings.is_index else _vantage(settings, fleet, visit))
                found += await _others(settings, fleet, visit)
    return found


@asynccontextmanager
async def _reached(settings: Settings, fleet: FleetSettings) -> AsyncIterator[_Visit]:
    """The one server of the settings; raises what keeps us out."""
    visit, errors = _Visit(Door(fleet)), list[Exception]()

    async def told(error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            visit.refused.append(str(error).lower())
        else:
            errors.append(error)

    try:
        await visit.client.connect(
            list(fleet.servers),
            name=f"watcher {settings.vantage} doctor",
            inbox_prefix=f"watcher.{settings.vantage}.inbox",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=round(ANSWER_SECONDS),
            error_cb=told,
            **visit.client.more,
        )
        yield visit
    except NoServersError as error:
        raise (errors[0] if errors else error) from None
    finally:
        with suppress(TimeoutError, NatsError, OSError):
            async with asyncio.timeout(ANSWER_SECONDS):
                await visit.client.close()


def _own_key(settings: Settings, fleet: FleetSettings) -> list[Finding]:
    if settings.is_index:
        return []
    try:
        key = load_key(settings.key)
    except WatcherError:
        return []  # told already
    if key.verifier in fleet.vantages:
        return []
    return [
        _bad(
            f"the key of this vantage is not among those of the fleet: {key.vkey}",
            "add it under [fleet] vantages, here and at every other vantage",
        )
    ]


# ------------------------------------------------------------------------------------------- stream and permissions


async def _index(visit: _Visit) -> list[Finding]:
    """What the index may do: all that concerns the stream. And the clock of the server, which is told there."""
    asked = datetime.now(UTC)
    try:
        answer = json.loads((await visit.client.request(f"$JS.API.STREAM.INFO.{STREAM}", timeout=ANSWER_SECONDS)).data)
    except NoRespondersError:
        return [_bad("the server keeps no streams", "switch JetStream on: jetstream { store_dir: /var/lib/nats }")]
    except (TimeoutError, NatsError):
        return [_bad("the index may not ask for the stream", "its user needs all permissions: it makes the stream")]
    found = []
    if "error" in answer:
        found.append(_good(f"there is no stream {STREAM} yet: `watcher index` makes it when it starts"))
    else:
        count = answer["state"]["messages"]
        found.append(_good(f"the stream {STREAM} is there, with {counted(count, 'message')}"))
    with suppress(KeyError, ValueError):
        ahead = datetime.fromisoformat(answer["ts"][:26].rstrip("Z") + "+00:00") - asked
        found.append(_clock("the server's clock", ahead.total_seconds()))
    return found


async def _vantage(settings: Settings, fleet: FleetSettings, visit: _Visit) -> list[Finding]:
    """What this vantage may do: ship as itself, see how far that goes, and nothing as another."""
    me = settings.vantage
    others = sorted(fleet.names - {me})
    asked = [_may_write(visit, name) for name in (me, *others[:1])]
    mine, *theirs = await asyncio.gather(*asked)
    found = []
    match mine:
        case "refused":
            found.append(_bad(f"the server lets {me} not publish {subject(me)}", PERMISSIONS))
        case "no stream":
            found.append(_bad(f"there is no stream {STREAM}", "start `watcher index`: it makes it"))
        case "no answer":
            found.append(_bad(f"nothing answers {me}{_because(visit)}", PERMISSIONS))
        case _:
            found.append(_good(f"{me} may ship to the stream {STREAM}"))
            found += await _reads_back(visit, me)
    if theirs == ["may"]:
        detail = f"{me} may also publish as {others[0]}: it is not signed, and not believed, but it fills the stream"
        found.append(_good(detail, PERMISSIONS))
    elif theirs == ["refused"]:
        found.append(_good(f"{me} may not publish as {others[0]}"))
    return found


async def _may_write(visit: _Visit, name: str) -> str:
    """Whether we may publish what this vantage ships: ``may``, ``refused``, ``no stream`` or ``no answer``."""
    stream = visit.client.jetstream(timeout=ANSWER_SECONDS)
    asked = asyncio.ensure_future(stream.publish(subject(name), b"", stream=NOBODY))
    for _ in range(round(ANSWER_SECONDS * 20)):
        if asked.done() or any(f'"{subject(name)}"' in one for one in visit.refused):
            break
        await asyncio.sleep(0.05)
    try:
        async with asyncio.timeout(0.1):
            await asked
    except (NoStreamResponseError, ServiceUnavailableError):
        return "no stream"
    except APIError:
        return "may"  # and the server keeps nothing: that stream is another
    except (TimeoutError, NatsError):
        pass
    return "refused" if any(f'"{subject(name)}"' in one for one in visit.refused) else "no answer"


async def _reads_back(visit: _Visit, me: str) -> list[Finding]:
    try:
        await visit.client.jetstream(timeout=ANSWER_SECONDS).get_last_msg(STREAM, subject(me), direct=True)
    except NotFoundError:
        return [_good(f"nothing of {me} is in the stream yet")]
    except (TimeoutError, NatsError):
        return [_bad(f"{me} may not see how far its part of the stream goes{_because(visit)}", PERMISSIONS)]
    return [_good(f"the stream holds what {me} ships")]


def _because(visit: _Visit) -> str:
    return f": {line(visit.refused[-1], 200)}" if visit.refused else ""


# ------------------------------------------------------------------------------------------------------ the others


async def _others(settings: Settings, fleet: FleetSettings, visit: _Visit) -> list[Finding]:
    """Who says that it is there, within two beats; and by how much the clocks differ."""
    keys = {key.name: key.public for key in fleet.vantages}
    expected = fleet.names - {settings.vantage}

    async def listen(message: Msg) -> None:
        name = message.subject.split(".")[1]
        with suppress(EvidenceError, KeyError):
            said = hear(message.data, name, keys[name], check_signature)
            visit.heard[name] = said.number / 1e9 - datetime.now(UTC).timestamp()

    await visit.client.subscribe(ALL_ALIVE, cb=listen)
    for operator in sorted({key.name for key in fleet.operators} - {settings.vantage}):
        await visit.client.subscribe(paused_subject(operator))
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * fleet.lease.total_seconds() / BEATS):
            while not (visit.heard.keys() >= expected or visit.unheard):  # noqa: ASYNC110 - either of two
                await asyncio.sleep(0.05)
    found = [_bad(f"what others say is not heard: {line(one, 200)}", PERMISSIONS) for one in visit.unheard]
    if found:
        return found
    if heard := sorted(visit.heard.keys() & expected):
        found.append(_good(f"{len(heard)} of {len(expected)} others are there: {', '.join(heard)}"))
    found += [
        _bad(
            f"{name} was not heard for {words(2 * fleet.lease / BEATS)}",
            "is `watcher run` running there, does it look (its log says), and does it reach a server?",
        )
        for name in sorted(expected - visit.heard.keys())
    ]
    found += [
        _clock(f"the clock of {name}", visit.heard[name]) for name in heard if abs(visit.heard[name]) > LONG_SECONDS
    ]
    return found


def _clock(whose: str, ahead: float) -> Finding:
    if abs(ahead) <= LONG_SECONDS:
        return _good(f"{whose} and this one agree")
    way = "ahead of" if ahead > 0 else "behind"
    mend = "set both right (chrony or systemd-timesyncd keep them so): pauses end, and captures are dated, by them"
    return _bad(f"{whose} is {abs(ahead):.0f} s {way} this one", mend)
