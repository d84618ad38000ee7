"""Numbers of a text that move without being searched: counters and clocks, learned one by one.

Whether a part of a text is a clock or a counter depends on where digits stand, never on which (``core.noise``). So of
two texts that are one but for their digits, the same parts are left out of what is searched; and where what is searched
is the same, each number that moved between them is in such a part, now and in every text of that form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import xxhash

_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_NUMBER = re.compile(rb"[0-9]+")


@dataclass(frozen=True, slots=True)
class Numbers:
    """A text as its form and its numbers."""

    form: bytes
    """Fingerprint of the text with every digit as 0."""
    numbers: bytes
    """In order, parted by spaces."""
    said: bytes = b""
    """Fingerprint of what is searched of it."""
    ticking: bytes = b""
    """One byte a number: 1 if it is known to tick."""

    def only_ticks(self, other: Numbers) -> bool:
        """Whether the other text differs in nothing but numbers that are known to tick."""
        if self.form != other.form:
            return False
        pairs = zip(self.numbers.split(b" "), other.numbers.split(b" "), self.ticking, strict=False)
        return all(one == two or ticks for one, two, ticks in pairs)

    def then(self, other: Numbers, said: bytes) -> Numbers:
        """The other text, which came after this one; ``said``: fingerprint of what is searched of it."""
        new = other.numbers.split(b" ")
        if self.form != other.form or self.said != said:
            return Numbers(other.form, other.numbers, said, bytes(len(new)))
        pairs = zip(self.numbers.split(b" "), new, self.ticking, strict=True)
        return Numbers(other.form, other.numbers, said, bytes([ticks or one != two for one, two, ticks in pairs]))


def numbers(text: str) -> Numbers:
    """The text's form and numbers."""
    data = text.encode("utf-8", "surrogatepass")
    return Numbers(xxhash.xxh3_128_digest(data.translate(_DIGITS)), b" ".join(_NUMBER.findall(data)))
