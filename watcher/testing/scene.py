"""What a practice site shows, and what may happen to it: records and one pure function, ``after``.

A ``Step`` is a few acts that happen at once. A script is any iterable of steps, endless ones too; ``PracticeSite``
plays it, step by step or by the clock.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

Design = Literal["menu", "cards", "table", "json"]
FaultKind = Literal[
    "status", "closed", "silent", "queue", "captcha", "login", "seized", "cut", "empty", "old", "script-shell",
]  # fmt: skip

REMEMBERED = 1000
"""So many withdrawn victims can be listed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Victim:
    """An invented firm and what the site says of it."""

    slug: str
    """The path of its own page, without the slash."""
    title: str
    statement: str = ""
    """What its own page says, one paragraph a line; the cards show the first."""
    country: str = ""
    domain: str = ""
    size: str = ""
    """Of what is claimed to have been taken, as the site words it."""
    date: str = ""
    status: str = ""
    archived: bool = False
    """The menu shows it below ARCHIVE."""
    has_page: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How answers go wrong while it lasts."""

    kind: FaultKind
    status: int = 502
    """For ``status``."""
    share: float = 0.55
    """For ``cut``: how much of the body is sent."""
    framing: Literal["none", "length", "chunked"] = "none"
    """For ``cut``: what betrays it. ``none``: Content-Length agrees with the short body."""
    back: int = 1
    """For ``old``: how many changes of the content ago the page was current."""
    hosts: tuple[str, ...] = ()
    """Only these mirrors; empty: all."""
    pages: tuple[int, ...] = ()
    """Only these pages of the listing; empty: all of them."""
    details: bool = True
    """The entries' own pages fail, too."""
    every: int = 1
    """Only every so many-th request that it concerns."""
    most: int = 0
    """Only so many requests; 0: as many as there are while it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that a visitor could see at one time."""

    victims: tuple[Victim, ...] = ()
    """As listed, in order."""
    still_up: tuple[Victim, ...] = ()
    """Not listed, but their own pages answer."""
    gone: tuple[Victim, ...] = ()
    """Withdrawn: kept here so that they can be listed again."""
    mentioned: tuple[str, ...] = ()
    """Names in the text of the listing page, outside any entry."""
    design: Design = "menu"
    classes: str = ""
    """Follows each class name: another value is another set of class names."""
    language: Literal["en", "ru"] = "en"
    per_page: int = 0
    """Entries on a page of the listing; 0: all on one."""
    fault: Fault | None = None
    lags: Mapping[str, int] = field(default_factory=dict)
    """Mirror (host) to how many changes of the content it is behind."""

    def victim(self, slug: str) -> Victim:
        """The listed victim of this path; KeyError if there is none."""
        for victim in self.victims:
            if victim.slug == slug:
                return victim
        raise KeyError(slug)

    @property
    def content(self) -> Scene:
        """The same without faults and lags: what the site means to show."""
        return replace(self, fault=None, lags={})

    @property
    def titles(self) -> tuple[str, ...]:
        """What a faultless reading of the listing finds, in order."""
        return tuple(victim.title for victim in self.victims)


@dataclass(frozen=True, slots=True)
class Publish:
    """Victims get entries, the first one ``at`` this place."""

    victims: tuple[Victim, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Entries go: from the listing, and their own pages unless they stay."""

    slugs: tuple[str, ...]
    page_stays: bool = False
    mention_stays: bool = False


@dataclass(frozen=True, slots=True)
class Relist:
    """Entries that were withdrawn are back."""

    slugs: tuple[str, ...]
    at: int = 0


@dataclass(frozen=True, slots=True)
class Rename:
    """An entry has another title, and perhaps another path."""

    slug: str
    title: str
    new_slug: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """Fields of an entry change: ``Change("velmora", {"status": "PUBLISHED"})``."""

    slug: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reorder:
    """The same entries in another order."""

    seed: int = 1


@dataclass(frozen=True, slots=True)
class Break:
    """From now on answers go wrong."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Mend:
    """Answers are right again, and every mirror is up to date."""


@dataclass(frozen=True, slots=True)
class Redesign:
    """The same entries in another dress."""

    design: Design | None = None
    classes: str = ""
    language: Literal["en", "ru"] | None = None
    per_page: int | None = None


@dataclass(frozen=True, slots=True)
class Lag:
    """A mirror stays so many changes of the content behind."""

    host: str
    steps: int = 1


Act: TypeAlias = Publish | Withdraw | Relist | Rename | Change | Reorder | Break | Mend | Redesign | Lag


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What happens at one time, and for how long it then stays so."""

    acts: tuple[Act, ...] = ()
    caption: str = ""
    """For the narrator."""
    lasts_seconds: float = 60.0
    """Until the next step, if a clock drives the script."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A story with an end: where it starts, and what happens then."""

    opening: Scene
    steps: tuple[Step, ...] = ()


def after(scene: Scene, *acts: Act) -> Scene:
    """The scene once the acts have happened, one after another; KeyError if one concerns a victim that is not there."""
    for act in acts:
        scene = _after(scene, act)
    return scene


def _after(scene: Scene, act: Act) -> Scene:
    match act:
        case Publish(victims, at):
            return replace(scene, victims=_insert(scene.victims, victims, at))
        case Withdraw():
            return _withdraw(scene, act)
        case Relist(slugs, at):
            back = tuple(_find(scene.gone + scene.still_up, slug) for slug in slugs)
            return replace(
                scene,
                victims=_insert(scene.victims, back, at),
                gone=_without(scene.gone, slugs),
                still_up=_without(scene.still_up, slugs),
            )
        case Rename(slug, title, new_slug):
            renamed = replace(scene.victim(slug), title=title, slug=new_slug or slug)
            return replace(scene, victims=_swap(scene.victims, slug, renamed))
        case Change(slug, fields):
            # a mapping of names to text cannot be typed as the record's fields; replace() refuses unknown names
            changed = replace(scene.victim(slug), **fields)  # type: ignore[arg-type]
            return replace(scene, victims=_swap(scene.victims, slug, changed))
        case Reorder(seed):
            shuffled = list(scene.victims)
            random.Random(seed).shuffle(shuffled)
            return replace(scene, victims=tuple(shuffled))
        case Break(fault):
            return replace(scene, fault=fault)
        case Mend():
            return replace(scene, fault=None, lags={})
        case Redesign(design, classes, language, per_page):
            return replace(
                scene,
                design=design or scene.design,
                classes=classes,
                language=language or scene.language,
                per_page=scene.per_page if per_page is None else per_page,
            )
        case Lag(host, steps):
            return replace(scene, lags={**scene.lags, host: steps})


def _withdraw(scene: Scene, act: Withdraw) -> Scene:
    leaving = tuple(scene.victim(slug) for slug in act.slugs)
    scene = replace(scene, victims=_without(scene.victims, act.slugs))
    if act.mention_stays:
        scene = replace(scene, mentioned=scene.mentioned + tuple(victim.title for victim in leaving))
    if act.page_stays:
        return replace(scene, still_up=scene.still_up + leaving)
    return replace(scene, gone=(scene.gone + leaving)[-REMEMBERED:])


def _find(victims: tuple[Victim, ...], slug: str) -> Victim:
    return Scene(victims=victims).victim(slug)


def _insert(victims: tuple[Victim, ...], new: tuple[Victim, ...], at: int) -> tuple[Victim, ...]:
    at = at if at >= 0 else len(victims) + 1 + at
    return victims[:at] + new + victims[at:]


def _without(victims: tuple[Victim, ...], slugs: tuple[str, ...]) -> tuple[Victim, ...]:
    return tuple(victim for victim in victims if victim.slug not in slugs)


def _swap(victims: tuple[Victim, ...], slug: str, new: Victim) -> tuple[Victim, ...]:
    return tuple(new if victim.slug == slug else victim for victim in victims)
