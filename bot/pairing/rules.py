"""The rules of pairing: who may never be introduced, and what speaks for the others. Pure: no clock, no storage.

A hard rule says why two may never be introduced, or None. A soft rule says what it costs if they are, never less than
nothing, and why it is good, if it is. A cost is counted in kilometres: 5 is as bad as living five kilometres further
apart. A new rule is one function and its line in `HARD` or `SOFT`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from bot.cells import Point, between, point_of
from flows.model import nothing
from storage.people import ACTIVE


@dataclass(frozen=True, slots=True)
class Wish:
    """A supporter who wants a buddy.

    languages      codes like "es", the one they are spoken to first; interests, times: keys of the group's own choices
    cell           the H3 cell of where they live; "" where it is not known
    exact          where they live, where that is known better: a spreadsheet's own point, never a point of the bot's
    at             where they are taken to live: `exact`, else the middle of `cell`; None where neither is known
    adult          whether they are as old as the group asks; consented: whether they agreed to be introduced
    waiting_since  since when they have waited for a buddy; None: they have just asked
    not_with       whom they are never introduced to: blocked either way, reported, or paired before
    traits, asks   what may be said of them, and what they asked of the other, as keys
    """

    id: int
    languages: tuple[str, ...]
    interests: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    cell: str = ""
    adult: bool = False
    consented: bool = False
    waiting_since: datetime | None = None
    joined: datetime | None = None
    not_with: frozenset[int] = frozenset()
    traits: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    exact: Point | None = None
    at: Point | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", self.exact or point_of(self.cell))


@dataclass(frozen=True, slots=True)
class Helper:
    """A buddy; what has the name it has in `Wish` means the same.

    approved   whether a coordinator has; consented: they agree by becoming a buddy, until they withdraw it
    capacity   how many newcomers they take at once; load: how many they have or were offered
    status     as in `storage.people`
    """

    id: int
    languages: tuple[str, ...]
    interests: tuple[str, ...] = ()
    times: tuple[str, ...] = ()
    cell: str = ""
    adult: bool = False
    approved: bool = False
    away_until: datetime | None = None
    capacity: int = 0
    load: int = 0
    status: str = ACTIVE
    joined: datetime | None = None
    not_with: frozenset[int] = frozenset()
    consented: bool = True
    traits: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    exact: Point | None = None
    at: Point | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", self.exact or point_of(self.cell))


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms pairs are made.

    reach_km     how far apart two may live, as the crow flies
    minimum_age  0: children may be introduced too; else both must be adult (have said that they are that old)
    weights      by what a soft rule's costs are multiplied, by the rule's name; 0 or more; 1 where it is not named
    """

    now: datetime
    reach_km: float = 25.0
    minimum_age: int = 18
    weights: Mapping[str, float] = field(default_factory=nothing)


class Reason(NamedTuple):
    """Why two fit, as a code and what it is about; `bot.pairing.reasons` says it in words."""

    code: str
    data: tuple[str, ...] = ()


class Never(NamedTuple):
    """These two may not be introduced. `why` is the first hard rule's word that said so."""

    why: str


class Verdict(NamedTuple):
    """These two may be introduced. `reasons` begin with what matters most, and are never none."""

    cost: float
    reasons: tuple[Reason, ...]


Cost = tuple[float, Reason | None]
Hard = Callable[[Wish, Helper, Terms], str | None]
Soft = Callable[[Wish, Helper, Terms], Cost]

NEAR_KM = 3.0
"""So near is near: one can walk."""
NO_INTEREST, NO_TIME, OTHER_LANGUAGE, FULL_HANDS, NOT_AS_ASKED, JUST_ASKED = 10.0, 8.0, 4.0, 15.0, 6.0, 20.0
"""What it costs: nothing in common; no time in common; not the language someone is spoken to first; a buddy with no
place left; each thing asked for and not given; not having waited yet."""
HALF_LIFE = timedelta(days=7)
"""After so long someone's wait costs half, and so they come before others."""

# --- hard: never, and why ---------------------------------------------------------------------------------------


def oneself(wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return "same person" if wish.id == helper.id else None


def consent(wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return None if wish.consented and helper.consented else "no consent"


def adults(wish: Wish, helper: Helper, terms: Terms) -> str | None:
    return "not adult" if terms.minimum_age > 0 and not (wish.adult and helper.adult) else None


def apart(wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return "kept apart" if helper.id in wish.not_with or wish.id in helper.not_with else None


def approved(_wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return None if helper.approved else "not approved"


def active(_wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return None if helper.status == ACTIVE else "not active"


def here(_wish: Wish, helper: Helper, terms: Terms) -> str | None:
    return "away" if helper.away_until is not None and helper.away_until > terms.now else None


def room(_wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return None if helper.load < helper.capacity else "full"


def speech(wish: Wish, helper: Helper, _terms: Terms) -> str | None:
    return None if any(language in helper.languages for language in wish.languages) else "no common language"


def reach(wish: Wish, helper: Helper, terms: Terms) -> str | None:
    if wish.at is None or helper.at is None:
        return "no place"
    return "too far" if between(wish.at, helper.at) > terms.reach_km else None


# --- soft: what it costs, and what speaks for it ----------------------------------------------------------------


def distance(wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    far = between(wish.at, helper.at) if wish.at is not None and helper.at is not None else 0.0
    return far, Reason("near") if far <= NEAR_KM else None


def interests(wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    return _common(NO_INTEREST, "interests", wish.interests, helper.interests)


def times(wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    return _common(NO_TIME, "times", wish.times, helper.times)


def language(wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    common = _both(wish.languages, helper.languages)
    return (0.0 if common and common[0] == wish.languages[0] else OTHER_LANGUAGE), Reason("language", common)


def load(_wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    if helper.load <= 0:
        return 0.0, Reason("free")
    return FULL_HANDS * helper.load / max(1, helper.capacity), None


def waiting(wish: Wish, _helper: Helper, terms: Terms) -> Cost:
    """The same with every buddy: it decides between supporters. However long two have waited, longer comes first."""
    waited = max(timedelta(0), terms.now - wish.waiting_since) if wish.waiting_since else timedelta(0)
    reason = Reason("waited", (str(waited.days),)) if waited.days >= 2 else None
    return JUST_ASKED * (HALF_LIFE / (HALF_LIFE + waited)), reason


def asked(wish: Wish, helper: Helper, _terms: Terms) -> Cost:
    if not wish.asks and not helper.asks:
        return 0.0, None
    given = (wish.asks & all_of(helper)) | (helper.asks & all_of(wish))
    missing = len(wish.asks - all_of(helper)) + len(helper.asks - all_of(wish))
    return NOT_AS_ASKED * missing, Reason("asked", tuple(sorted(given))) if given else None


def _common(most: float, code: str, ones: tuple[str, ...], others: tuple[str, ...]) -> Cost:
    common = _both(ones, others)
    return in_common(most, len(common)), Reason(code, common) if common else None


def in_common(most: float, things: int) -> float:
    """What it costs to have so many things in common: the first halves it, each further one counts for less."""
    return most / (1 + things)


def _both(ones: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([each for each in dict.fromkeys(ones) if each in others]) if ones and others else ()


def all_of(person: Wish | Helper) -> frozenset[str]:
    """All that can be asked of someone."""
    return person.traits.union(person.languages, person.interests, person.times)


# --- all of them ------------------------------------------------------------------------------------------------

HARD: tuple[Hard, ...] = (oneself, apart, consent, adults, approved, active, here, room, speech, reach)
SOFT: tuple[Soft, ...] = (interests, times, distance, language, load, waiting, asked)
"""In the order in which their reasons are told."""


def weigh(wish: Wish, helper: Helper, terms: Terms) -> Verdict | Never:
    """What it would cost to introduce these two, and why they fit; or why they may never be introduced."""
    why = forbidden(wish, helper, terms)
    return Never(why) if why is not None else Verdict(cost(wish, helper, terms), reasons(wish, helper, terms))


def forbidden(wish: Wish, helper: Helper, terms: Terms) -> str | None:
    """Why these two may never be introduced; None: they may."""
    for rule in HARD:
        why = rule(wish, helper, terms)
        if why is not None:
            return why
    return None


def cost(wish: Wish, helper: Helper, terms: Terms) -> float:
    """What `weigh` says it costs, where no hard rule stands against it."""
    weights = terms.weights
    if not weights:
        return sum([rule(wish, helper, terms)[0] for rule in SOFT])
    return sum([weights.get(rule.__name__, 1.0) * rule(wish, helper, terms)[0] for rule in SOFT])


def reasons(wish: Wish, helper: Helper, terms: Terms) -> tuple[Reason, ...]:
    """Why these two fit. Speaking a language in common is one, so there always is one."""
    found = (rule(wish, helper, terms)[1] for rule in SOFT)
    return tuple(reason for reason in found if reason is not None)


# --- bounds, for those who look for the cheapest ----------------------------------------------------------------


def free(helper: Helper) -> bool:
    """Whether there can be a wish at all with which no hard rule stands against this buddy, away or not."""
    return helper.approved and helper.consented and helper.status == ACTIVE and helper.load < helper.capacity


def dream(helpers: Iterable[Helper]) -> Helper:
    """Somebody who fits anyone, wherever they live, at least as well as any of `helpers` who is free does.

    With it the cost of many is bounded from below by asking once: `least`. Dreams can be dreamt of like helpers. It
    stands for no person: its number is 0.
    """
    them = [each for each in helpers if free(each)]
    return Helper(
        id=0,
        languages=_merged(each.languages for each in them),
        interests=_merged(each.interests for each in them),
        times=_merged(each.times for each in them),
        approved=True,
        capacity=max((each.capacity for each in them), default=0),
        load=min((each.load for each in them), default=0),
        traits=frozenset(chain.from_iterable(each.traits for each in them)),
    )


def _merged(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(lists)))


def least(wish: Wish, dreamt: Helper, far: float, terms: Terms) -> float | None:
    """The least that it can cost to introduce anyone `far` kilometres away or more of whom `dreamt` is the dream.

    None: nobody of them may be introduced, as they are out of reach or speak no language of the wish's.
    """
    if far > terms.reach_km or speech(wish, dreamt, terms):
        return None
    # The dream lives nowhere, so what `distance` says of it is nothing.
    return cost(wish, dreamt, terms) + terms.weights.get("distance", 1.0) * far
