"""Rules: how entries are read from a document, checked, written and named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from watcher.core.parse import Document
from watcher.records import Entry, Rule


def from_table(table: Mapping[str, Any]) -> Rule:
    """The rule that a ``[site.rule]`` table describes; the table must have no faults."""
    raise NotImplementedError


def faults(table: Mapping[str, Any]) -> list[str]:
    """What is wrong with a ``[site.rule]`` table: one sentence a fault, starting with the key; none if it is good."""
    raise NotImplementedError


def to_toml(rule: Rule) -> str:
    """The rule as a ``[site.rule]`` block."""
    raise NotImplementedError


def rule_digest(rule: Rule) -> str:
    """SHA-256 (hex) of the canonical JSON of the rule."""
    raise NotImplementedError


def apply(rule: Rule, document: Document) -> tuple[Entry, ...]:
    """The entries that the rule reads from the document, in page order; keys are assigned."""
    raise NotImplementedError
