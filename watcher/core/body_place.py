"""Where large bodies may go besides the store's folder."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

_OPTIONS = frozenset({"endpoint", "region"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where objects go: ``s3://BUCKET/PREFIX?endpoint=URL&region=NAME``."""

    url: str
    bucket: str
    prefix: str
    endpoint: str = ""
    region: str = ""


def parse_place(url: str) -> Place:
    """The place that the address names; ``ValueError`` says what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise ValueError(
            "this is no place for bodies; write s3://BUCKET/PREFIX, with ?endpoint=https://HOST for your own server"
        )
    if "@" in parts.netloc:
        raise ValueError(
            "credentials do not stand here; they come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
        )
    options = parse_qs(parts.query, keep_blank_values=True)
    if unknown := sorted(options.keys() - _OPTIONS):
        raise ValueError(f"unknown in it: {', '.join(unknown)}; known are {', '.join(sorted(_OPTIONS))}")
    endpoint = options.get("endpoint", [""])[-1]
    if endpoint and urlsplit(endpoint).scheme not in {"http", "https"}:
        raise ValueError("its endpoint is no address; write one such as endpoint=https://192.0.2.7:9000")
    region = options.get("region", [""])[-1]
    return Place(url=url, bucket=parts.netloc, prefix=parts.path.strip("/"), endpoint=endpoint, region=region)


def bodies_address(text: str) -> str:
    """The address, if it is one; ``ValueError`` else."""
    return parse_place(text).url
