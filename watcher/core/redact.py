"""Hiding names in a bundle: every text that shows one is replaced by a bar; what was hidden is counted, never named."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from watcher.core import charset, coding, http
from watcher.core.custody import Json, Record, canonical, capture_facts, described
from watcher.core.material import Kept

BAR = "█████"
_GAP = r"(?:[\W_]|%20|&nbsp;|&#\w{1,6};){0,6}"
"""What may stand between the words of a name: a slug's hyphens, a masked space, markup's own."""
_TAGS = re.compile(r"<[^<>]{0,2000}>")
_MOST_BYTES = 64 * 1024 * 1024


class Redactor:
    """Finds and hides names, whatever their case, spacing or punctuation."""

    def __init__(self, names: Sequence[str]) -> None:
        self._patterns = tuple(_pattern(name) for name in names if name.strip())
        self._counts = [0] * len(self._patterns)

    def finds(self, text: str) -> bool:
        """Whether a name stands in the text."""
        return any(pattern.search(text) for pattern in self._patterns)

    def hide(self, text: str) -> str:
        """The text with every name covered."""
        for number, pattern in enumerate(self._patterns):
            text, count = pattern.subn(BAR, text)
            self._counts[number] += count
        return text

    def hide_all(self, value: Record) -> Record:
        """A JSON value with every name covered, in keys too."""
        if not self._patterns:
            return value
        return {self.hide(key): self._hide(item) for key, item in value.items()}

    def _hide(self, value: Json) -> Json:
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self._hide(item) for item in value]
        return self.hide_all(value) if isinstance(value, dict) else value

    def finds_in(self, kept: Kept) -> bool:
        """Whether a name stands anywhere in a capture: its facts, its bytes as sent, decoded, or shown, its reading."""
        if not self._patterns:
            return False
        wire = http.split(kept.response)
        body = coding.decode(wire.payload, wire.headers, _MOST_BYTES).body
        text = html.unescape(charset.decode(body, http.header(wire.headers, "content-type")))
        reading = kept.reading
        return any(
            self.finds(one)
            for one in (
                canonical(capture_facts(kept.capture)).decode(),
                kept.request.decode("utf-8", "replace"),
                kept.response.decode("utf-8", "replace"),
                text,
                _TAGS.sub("", text),
                _TAGS.sub(" ", text),
                canonical(described(reading)).decode() if reading else "",
            )
        )

    def account(self) -> Record:
        """How much was hidden; call it when all is done."""
        entries: list[Json] = [{"redaction": number, "places": count} for number, count in enumerate(self._counts, 1)]
        return {"form": 1, "bar": BAR, "redactions": entries}


def _pattern(name: str) -> re.Pattern[str]:
    words = re.findall(r"\w+", name.replace("_", " "))
    return re.compile(_GAP.join(re.escape(word) for word in words) if words else re.escape(name), re.IGNORECASE)
