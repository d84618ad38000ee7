"""STIX 2.1: the same findings for programs of other people. A small builder; the objects are few."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from hashlib import sha256

from watcher.core.custody import canonical
from watcher.core.material import Material
from watcher.core.moments import rfc3339
from watcher.core.redact import Redactor
from watcher.records import Capture, Event

OBSERVABLE_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")
"""STIX 2.1, section 2.9: what identifiers of observables are derived in."""
CLAIM = "Named in an entry on a leak site. That is a claim by criminals, not a finding."
Json = dict[str, object]


def bundle(material: Material, redactor: Redactor) -> bytes:
    """The STIX bundle: who observed, what was observed, where, and what was concluded."""
    made = rfc3339(material.heads[-1].made_at)
    observer = domain_object("identity", made, name=f"watcher {material.vantage}", identity_class="system")
    if material.operator:
        observer["contact_information"] = redactor.hide(material.operator)
    objects: list[Json] = [observer]
    sites = {
        site: leak_site(redactor.hide(site), made, str(observer["id"]))
        for site in dict.fromkeys(kept.capture.site for kept in material.kept)
    }
    objects += sites.values()
    seen: dict[str, str] = {}
    for kept in material.kept:
        if kept.bytes_included and not redactor.finds_in(kept):
            found = list(observed(kept.capture, made, str(observer["id"])))
            seen[kept.capture.id] = str(found[-1]["id"])
            objects += found
    for told in material.events:
        objects += conclusion(told.event, made, str(observer["id"]), redactor, sites=sites, seen=seen)
    everything = sorted({str(one["id"]) for one in objects if one["type"] != "report"})
    objects.append(
        domain_object(
            "report",
            made,
            created_by_ref=observer["id"],
            name="What a watcher observed on " + ", ".join(redactor.hide(site) for site in sites),
            published=made,
            report_types=["observed-data"],
            object_refs=everything,
        )
    )
    return packed(objects)


def packed(objects: Iterable[Json]) -> bytes:
    """The bundle of these objects, each once."""
    unique = {str(one["id"]): one for one in objects}
    content = canonical({"ids": [*unique]})
    whole = {"type": "bundle", "id": f"bundle--{identifier(content)}", "objects": list(unique.values())}
    return json.dumps(whole, indent=1).encode() + b"\n"


def leak_site(name: str, made: str, observer: str) -> Json:
    """A site, as infrastructure."""
    return domain_object(
        "infrastructure",
        made,
        created_by_ref=observer,
        name=name,
        infrastructure_types=["exfiltration"],
        description="A leak site: a publication on which entries claim that data was taken from organisations.",
    )


def observed(capture: Capture, made: str, observer: str) -> Iterator[Json]:
    """The address, the body and, last, the observation of both."""
    address = observable("url", {"value": capture.url})
    refs = [address["id"]]
    yield address
    if capture.body_digest:
        body = observable("file", {"hashes": {"SHA-256": capture.body_digest}})
        body["size"] = capture.body_bytes
        refs.append(body["id"])
        yield body
    yield domain_object(
        "observed-data",
        made,
        salt=capture.id,
        created_by_ref=observer,
        first_observed=rfc3339(capture.requested_at),
        last_observed=rfc3339(max(capture.requested_at, capture.finished_at)),
        number_observed=1,
        object_refs=refs,
    )


def conclusion(
    event: Event, made: str, observer: str, redactor: Redactor, *, sites: dict[str, Json], seen: dict[str, str]
) -> Iterator[Json]:
    """The incident, whom it is about, and why it was concluded."""
    title = redactor.hide(event.entry.title) if event.entry else ""
    what = f"Entry {event.kind}" if event.entry else f"Site {event.kind}"
    since = rfc3339(event.not_before) if event.not_before else "an unknown time"
    incident = domain_object(
        "incident",
        made,
        salt=event.id,
        created_by_ref=observer,
        name=f"{what}: {title}" if title else f"{what}: {redactor.hide(event.site)}",
        description=(
            f"{what} on {redactor.hide(event.site)} after {since} and no later than {rfc3339(event.not_after)}; "
            f"certain at {rfc3339(event.confirmed_at)}. An observation of a publication: it does not say "
            "that the claim made there is true, nor why the entry came or went."
        ),
    )
    yield incident
    about = [str(incident["id"])]
    if event.site in sites:
        about.append(str(sites[event.site]["id"]))
    about += [seen[name] for name in (event.before, event.after) if name in seen]
    if event.entry:
        named = domain_object(
            "identity",
            made,
            salt=event.site,
            created_by_ref=observer,
            name=title,
            identity_class="organization",
            description=CLAIM,
        )
        yield named
        about.append(str(named["id"]))
    yield domain_object(
        "note",
        made,
        salt=event.id,
        created_by_ref=observer,
        abstract="Why this was concluded",
        content=redactor.hide("\n".join(event.why)) or "No reasons were recorded.",
        object_refs=list(dict.fromkeys(about)),
    )


def domain_object(kind: str, made: str, *, salt: str = "", **properties: object) -> Json:
    """A domain object; its identifier follows from its contents."""
    content = json.dumps([kind, salt, properties], sort_keys=True).encode()
    head = {"type": kind, "spec_version": "2.1", "id": f"{kind}--{identifier(content)}"}
    return {**head, "created": made, "modified": made, **properties}


def observable(kind: str, properties: Json) -> Json:
    """An observable; STIX says how its identifier follows from its contents."""
    name = json.dumps(properties, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    made = uuid.uuid5(OBSERVABLE_NAMESPACE, name)
    return {"type": kind, "spec_version": "2.1", "id": f"{kind}--{made}", **properties}


def identifier(content: bytes) -> str:
    """A UUID in the form of version 4, which STIX asks of its objects, made from contents."""
    return str(uuid.UUID(bytes=sha256(content).digest()[:16], version=4))
