"""Numbers of a text that move without being searched: counters and clocks, learned one by one.

Whether a part of a text is a clock or a counter depends on where digits stand, never on which (``core.noise``). So of
two texts that are one but for their digits, the same parts are left out of what is searched; and where what is searched
is the same, each number that moved between them is in such a part, now and in every text of that form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import gt, ne, or_

import xxhash

_DIGITS = bytes(ord("0") if chr(code) in "0123456789" else code for code in range(256))
_NUMBERS = bytes(code if chr(code) in "0123456789" else ord(" ") for code in range(256))


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
        return not any(map(gt, self._moved(other), self.ticking))

    def then(self, other: Numbers, said: bytes) -> Numbers:
        """The other text, which came after this one; ``said``: fingerprint of what is searched of it."""
        if self.form != other.form or self.said != said:
            return Numbers(other.form, other.numbers, said, bytes(len(other.numbers.split())))
        return Numbers(other.form, other.numbers, said, bytes(map(or_, self._moved(other), self.ticking)))

    def _moved(self, other: Numbers) -> Iterator[bool]:
        """Which numbers are others in a text of this form."""
        return map(ne, self.numbers.split(), other.numbers.split())


def numbers(text: str) -> Numbers:
    """The text's form and numbers."""
    data = text.encode("utf-8", "surrogatepass")
    return Numbers(xxhash.xxh3_128_digest(data.translate(_DIGITS)), b" ".join(data.translate(_NUMBERS).split()))
