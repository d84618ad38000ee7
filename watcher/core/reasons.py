"""The machine words of events, said for people."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.core.moments import words as length
from watcher.records import MISS_VERDICTS, PAGE_VERDICTS, Policy

KINDS = {
    "listed": "Entry listed",
    "changed": "Entry changed",
    "renamed": "Entry renamed",
    "withdrawn": "Entry withdrawn",
    "relisted": "Entry listed again",
    "unreachable": "Site unreachable",
    "blocked": "Site blocked",
    "seized": "Site seized",
    "redesigned": "Site redesigned",
    "vanished": "Many entries gone at once, unconfirmed",
    "recovered": "Site back",
    "vantages-disagree": "Vantages see different things",
}
TONES = {
    "listing": "good", "listed": "good", "recovered": "good", "detail": "good", "relisted": "again", "empty": "warn",
    "missing": "warn", "partial": "warn", "redesigned": "warn", "error": "warn", "vanished": "warn", "changed": "info",
    "renamed": "info", "vantages-disagree": "warn", "withdrawn": "gone", "seized": "gone", "blocked": "bad",
    "login": "bad", "unreachable": "bad", "timeout": "bad", "refused": "bad", "refused-content": "bad",
    "unreadable": "bad", "stamped": "good", "pending": "warn", "off": "bad", "delivered": "good", "owed": "warn",
    "dead": "bad",
}  # fmt: skip
"""How verdicts, standings, kinds of events and states look; each face has its own colours for it."""
_REASONS = {
    "new-on-listing": "the entry stands on the page and never did before",
    "rule-settled": "it came while the way to read the page was still being learned, and is still there",
    "seen-again": "an entry that was withdrawn stands on the page again",
    "sightings": "looks at which it stood there again: {}",
    "field": "what says something else than before: {}",
    "same": "what it was recognised by: {}",
    "absent-from-listing": "complete copies of the listing in a row that did not show the entry: {}",
    "detail-offline": "the entry's own page answered that it does not exist",
    "detail-still-up": "the entry's own page still answers: it was taken off the listing alone",
    "mirrors-agree": "other addresses of the site that agree: {}",
    "vantages-agree": "vantages that agree, each on its own captures: {}",
    "agrees": "it confirmed this on its own captures: vantage {}",
    "vantages-disagree": "vantages that lastingly see different things: {}",
    "shown-to": "its last complete copy shows the entry: vantage {}",
    "lacked-by": "its complete copies in a row lack the entry: vantage {}",
    "told-as": "the vantage told of it as: {}",
    "entries": "entries concerned: {}",
    "mirror-still-shows": "another address of the site still shows the entry: {}",
    "circuits": "different paths through the network over which the page was fetched: {}",
    "lasted": "time from the first complete copy without the entry to the last: {}",
    "sure-by": "what made it certain: {}",
    "control-majority": "most of the other entries were there each time",
    "no-control-majority": "most of the other entries were gone as well",
    "site-says-empty": "the site itself says that there is nothing",
    "older-set": "the entries are those of an earlier moment: it may have been an old copy of the page",
    "older-page": "the page looks like one that was seen earlier: it may have been an old copy",
    "many-at-once": "entries that went at the same time: {}",
    "tail-of-list": "the entries that went stood at the end of the list",
    "empty-frame": "the page had its frame and no entries",
    "name-on-page": "the name still stood elsewhere on the page: {}",
    "gone-at-once": "entries that were gone at once: {}",
    "clock-stepped-back": "this machine's clock was set back in between",
    "rule-relearned": "the page had a new design, and the way to read it was learned again",
    "recovered-from": "what it recovered from: {}",
    "socks": "the proxy answered with code {}",
    "http": "the server answered with status {}",
    "read-as": "not read anew: but for numbers from which nothing follows, the page is that of capture {}",
    "heading-says": "the page's own heading says what it is: {}",
    "says": "the page's few words say what it is: {}",
    "password-form": "the page asks for a password, and holds little else",
    "picture-form": "the page asks what a picture shows, and holds little else",
    "script-only": "the page is a script and little else",
    "reloads-itself": "the page loads itself again, and holds little else",
    "empty-body": "the answer has no body",
    "not-text": "the answer is no text",
    "type": "the answer is no page, but {}",
    "parse-refused": "the parser cannot take this page",
    "worker-killed": "the page was too much for the process that reads it: {}",
    "cut": "the answer was cut short: {}",
    "closing-part-missing": "the page lacks the end that it always had",
    "closing-tag-missing": "the page lacks the closing tag that it always had",
    "brackets-not-closed": "the page ends before its brackets are closed",
    "elements-left-open": "more elements are left open than is usual on this site",
    "elements-not-closed": "the page ends before its elements are closed",
    "ends-inside-comment": "the page ends in the middle of a comment",
    "ends-inside-tag": "the page ends in the middle of a tag",
    "json-not-finished": "the JSON ends before it is whole",
    "xml-not-finished": "the XML ends before it is whole",
    "root-not-closed": "the page ends before its root is closed",
    "frame-missing": "what stands round the list on every page of this site is not there",
    "no-known-entry": "none of the known entries stands on the page",
    "known-titles-unread": "titles of known entries stand on the page, and not where entries were learned to stand",
    "no-entries": "the page has its frame, and no entries in it",
    "no-entries-found": "nothing on the page repeats as entries do",
    "first-page": "no good page of this site was seen before",
    "announced": "the page says how many entries there are, and shows fewer: {}",
    "page": "a further page of the listing was not a good one: {}",
    "pages-not-read": "further pages of the listing that were not read: {}",
    "further-pages-unknown-to-the-server": "the server says that the further pages do not exist",
    "title-stands": "the entry's title stands on its own page",
    "title-absent": "the entry's title does not stand on its own page",
    "soft-gone": "the site says that there is no such page, with status 200",
    "site-frame": "the page has the site's own frame",
    "interrupted": "the visit was broken off before this was asked for",
    "not-kept": "this was not asked for at the time",
    "foreign": "others captured it",
    **{kind: f"visits in a row that found the site {kind}: {{}}" for kind in sorted(PAGE_VERDICTS | MISS_VERDICTS)},
}
_SURE_BY = {
    "clean": "nothing about it looked like a fault, often and long enough",
    "own-page-gone": "the entry's own page is gone, too, while another entry's answers",
    "lasted": "it outlasted the wait for what looks like a fault",
    "mirrors": "several addresses, which do not fail together, agree",
    "mirrors-differ": "addresses that lack it are beyond doubt, and outlasted the wait for a fault",
}


def reason(word: str) -> str:
    """What a machine word means; empty for prose, which speaks for itself."""
    name, _, value = word.partition(":")
    if " " in name:
        return ""
    if name not in _WAITS and name.startswith(("page-", "same-")):
        name, _, value = word.partition("-")
    if name == "sure-by":
        value = _SURE_BY.get(value, value)
    return (_REASONS.get(name) or _WAITS.get(name, "")).format(value)


_WAITS = {
    "own-page": "only its own page can tell whether it is gone",
    "rolled-off": "it may have rolled off the end of a full list",
    "same-as": "an entry that says exactly the same is still listed ({})",
    "one-circuit": "all copies without it came by one path through the network, and a second is needed",
    "detail-still-up": "its own page still answers",
    "mirror-still-shows": "another address of the site still shows it",
    "mirror-behind": "this address of the site lags behind another",
    "reshuffled": "the order of the list changed with it",
    "site-says-empty": "the site says that its list is empty, as failed databases do, too",
    "name-on-page": "its name still stands elsewhere on the page",
}


def waiting(words: Sequence[str], absences: int, policy: Policy) -> str:
    """One sentence on why a missing entry is not told as withdrawn yet, from what it waits for."""
    copies = f"{absences} complete {'copies' if absences != 1 else 'copy'} in a row"
    plain = f"{policy.confirm_visits} are needed, over at least {length(policy.confirm_after)}"
    plainly = {"visits", "time", *(("one-circuit",) if absences < policy.confirm_visits else ())}
    said = [
        _WAITS.get(name, _REASONS.get(name, name)).format(value)
        for name, _, value in (word.partition(":") for word in words)
        if name not in plainly
    ]
    if not said:
        return f"Absent from {copies}; {plain}."
    wait = length(max(policy.structural_after, policy.confirm_after))
    ends = (
        ""
        if "own-page" in words or words[0].startswith("same-as")
        else (f"; what looks like a fault must last {wait}, or its own page must answer that it is gone")
    )
    return f"Absent from {copies}, but {'; '.join(dict.fromkeys(said))}{ends}."
