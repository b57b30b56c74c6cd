"""What one person's flows may know of actions: the fields of one, and the lists to choose from."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from babel.dates import format_date, format_skeleton, format_timedelta

from bot import codes
from bot.cells import km
from bot.do.base import Turn
from bot.do.trainings import trainings
from bot.named import known
from flows import phrases
from flows.model import Option, Value
from flows.text import locale, show
from flows.times import zone
from storage.actions import CANCELLED, PUBLISHED, Action
from storage.needs import Need
from storage.signups import AGAIN, GOING, LATELY, WAITING, YES, Signup

MOST = 8
"""Lines of a list: a person reads them all, and every platform shows them."""

MOST_PEOPLE = 100
"""Names that a host chooses from: as a numbered list they still are one message of every platform."""

LONGEST = 20
"""Characters of a label that every platform shows on a button."""

_LOOKED_AT = 500
"""Actions that are looked at for those near someone, the soonest first."""

_NEVER_ROUNDED_UP = 10**9
"""Babel would say one week for six days."""

_SOON, _FEW_WEEKS = timedelta(hours=12), timedelta(days=25)

_HOURS: Mapping[str, Callable[[date], tuple[int, ...]]] = {
    "weekday_evening": lambda day: (18,) if day.weekday() < 5 else (),
    "daytime": lambda day: (11,) if day.weekday() < 5 else (11, 15),
    "saturday": lambda day: (11, 15) if day.weekday() == 5 else (),
    "sunday": lambda day: (11, 15) if day.weekday() == 6 else (),
}
"""Hours at which people meet, for each of the starter flows' `me.times`."""


async def facts_of(turn: Turn, action: Action) -> Mapping[str, Value]:
    """What this person may know of an action: where exactly only once they come, the code only as its host.

    What is not known, or not for them, is absent.
    """
    tx, person = turn.tx, turn.person
    hosts = action.host_id is not None and action.host_id == person.id
    signup = await tx.actions.signup(action.id, person.id)
    comes = hosts or (signup is not None and signup.state == GOING)
    needs = await tx.actions.needs(action.id)
    # Of a cohort the places of all its sessions together mean nothing.
    totals = await tx.campaigns.totals_of(action.campaign) if action.campaign and not action.cohort else None
    attended = signup is not None and signup.checked_in_at is not None
    facts: dict[str, Value] = {
        "title": action.title,
        "what": action.what,
        "kind": action.kind,
        "campaign": action.campaign,
        "district": action.district,
        "address": action.address if comes else None,
        "starts": action.starts_at,
        "ends": action.ends_at,
        "bring": tuple(need.what for need in needs),
        "open_needs": tuple(need.what for need in needs if need.claimed < need.wanted),
        "my_needs": await _brought(turn, action.id, needs),
        "host": await _host(turn, action),
        "going": action.going,
        "goal": action.goal or None,
        "places_left": None if action.capacity is None else max(0, action.capacity - action.going),
        "code": codes.code(action, tx.now) if hosts else None,
        "materials": action.materials if hosts or attended else None,
        "campaign_going": totals.going if totals else None,
        "campaign_confirmed": totals.confirmed if totals else None,
        "campaign_goal": totals.goal or None if totals else None,
        **(await _cohort(turn, action) if action.cohort else {}),
        "coming": _coming(signup),
        "confirmed": has_confirmed(action, signup) or None,
        "until_then": until_then(action, tx.now, turn.language),
    }
    return {name: value for name, value in facts.items() if value is not None and value != ""}


async def _brought(turn: Turn, action_id: int, needs: Sequence[Need]) -> tuple[str, ...]:
    """What this person said they bring, of what an action needs."""
    taken = [need for need in needs if need.claimed]
    # Where nobody has taken anything on, ten thousand who are reminded need not be asked about.
    mine = await turn.tx.actions.claimed(action_id, turn.person.id) if taken else ()
    return tuple(need.what for need in taken if need.id in mine)


async def _cohort(turn: Turn, action: Action) -> Mapping[str, Value]:
    """Which of its sessions it is, and when those that follow are, as they are read."""
    sessions = await turn.tx.campaigns.sessions(action.campaign)
    later = [show(each.starts_at, "when", turn.language, turn.zone) for each in sessions
             if each.starts_at > action.starts_at]  # fmt: skip
    number = sum(each.starts_at <= action.starts_at for each in sessions)
    return {"cohort": action.campaign, "session": number, "sessions": len(sessions), "sessions_left": tuple(later)}


def _coming(signup: Signup | None) -> str:
    """What this person said: yes, maybe, waiting (for a place); "" where they said nothing."""
    return "" if signup is None else signup.kind if signup.state == GOING else WAITING


def has_confirmed(action: Action, signup: Signup | None) -> bool:
    """Whether they said yes shortly before it, or again, and since it was last changed: nobody has to ask once more."""
    said_at = signup.confirmed_at if signup is not None and signup.kind == YES else None
    if signup is None or said_at is None:
        return False
    if action.changed_at is not None and signup.at <= action.changed_at:
        return said_at >= action.changed_at
    return said_at >= action.starts_at - LATELY or said_at >= signup.at + AGAIN


# Ten thousand are reminded of one action at one moment, and read the same.
@lru_cache(maxsize=64)
def until_then(action: Action, now: datetime, language: str) -> str:
    """How long it is until an action, as people say it: "in 3 days", "in 2 hours". "" once it has begun.

    Days are counted by the calendar of the action's zone: from Thursday evening, Saturday morning is in 2 days.
    """
    left = action.starts_at - now
    if left <= timedelta(0):
        return ""
    here = zone(action.zone)
    days = (action.starts_at.astimezone(here).date() - now.astimezone(here).date()).days
    if left >= _SOON and days:
        return _spoken(timedelta(days=days), "day", language)
    whole = timedelta(seconds=left // timedelta(seconds=1))
    return _spoken(whole, "hour" if left >= timedelta(hours=1) else "minute", language)


# Ten thousand are reminded of one action: Babel takes as long for the words as the database does for the turn.
@lru_cache(maxsize=1024)
def _spoken(left: timedelta, granularity: Literal["day", "hour", "minute"], language: str) -> str:
    return format_timedelta(
        left, granularity=granularity, threshold=_NEVER_ROUNDED_UP, add_direction=True, locale=locale(language)
    )


# --- lists -----------------------------------------------------------------------------------------------------

NAMES = (
    "actions_near_me", "my_actions", "open_needs", "my_needs", "my_trainings", "not_checked_in", "possible_times",
)  # fmt: skip
"""The lists of the vocabulary that this module makes."""


async def lists(
    turn: Turn, wanted: Collection[str] = NAMES, about: Collection[int] = ()
) -> dict[str, tuple[Option, ...]]:
    """Those of the lists that are wanted, each with at most `MOST` lines in the reader's language and zone. `about`:
    the actions that their conversations are about.

    actions_near_me  published, not over, within reach of where they live (all, where that is not known), without
                     those they signed up for; of a cohort only its next session; soonest first
    my_actions       those they signed up for and that are not over; soonest first
    open_needs       what is still to be brought to those; each knows its action
    my_needs         what they said they bring to those
    my_trainings     trainings they were at or hosted, and can host anew; the latest first
    not_checked_in   who signed up for what they host and their conversations are about, and has not checked in: first
                     names, in the order in which they signed up, at most `MOST_PEOPLE` for each action; the id is the
                     sign-up's
    possible_times   when two people could meet in the coming two weeks; the id is "2026-11-28 11:00" in their zone
    """
    found: dict[str, tuple[Option, ...]] = {}
    if "not_checked_in" in wanted:
        found["not_checked_in"] = tuple([line for each in about for line in await _not_checked_in(turn, each)])
    if set(wanted) - {"possible_times", "not_checked_in", "my_trainings"}:
        signups = await turn.tx.actions.signups_of(turn.person.id)
        mine = [action for action, _ in signups if action.ends_at > turn.tx.now and action.state != CANCELLED]
        if "actions_near_me" in wanted:
            near = await _near(turn, {action.id for action, _ in signups})
            found["actions_near_me"] = await _options(turn, near[:MOST])
        if "my_actions" in wanted:
            found["my_actions"] = await _options(turn, mine[:MOST])
        if "open_needs" in wanted:
            found["open_needs"] = await _needs(turn, mine, theirs=False)
        if "my_needs" in wanted:
            found["my_needs"] = await _needs(turn, mine, theirs=True)
    if "my_trainings" in wanted:
        found["my_trainings"] = await _options(turn, (await trainings(turn))[:MOST])
    if "possible_times" in wanted:
        found["possible_times"] = tuple(_possible_times(turn))
    return found


async def _near(turn: Turn, mine: Collection[int]) -> list[Action]:
    cohorts: set[str] = set()
    found: list[Action] = []
    for action in await turn.tx.actions.upcoming(_LOOKED_AT):
        if action.id in mine or not _offered(turn, action) or (action.cohort and action.campaign in cohorts):
            continue
        found.append(action)
        if action.cohort:
            cohorts.add(action.campaign)
    return found


def _offered(turn: Turn, action: Action) -> bool:
    is_on = action.state == PUBLISHED and action.ends_at > turn.tx.now
    return is_on and lies_near(turn.person.district, action.cell, turn.world.pairing.reach_km)


def lies_near(district: str, cell: str, reach_km: float) -> bool:
    """Whether somebody who lives in one of these H3 cells is shown what happens in the other: all is, where either is
    not known."""
    away = km(district, cell)
    return away is None or away <= reach_km


async def invited(turn: Turn, action: Action) -> bool:
    """Whether what begins by itself for those `nearby` may speak of this action to them: it is among the
    `actions_near_me`, they agreed to be remembered, and it is not they who host it."""
    if not _offered(turn, action) or action.host_id == turn.person.id or not turn.fields.get("consented"):
        return False
    return await turn.tx.actions.signup(action.id, turn.person.id) is None


async def _options(turn: Turn, actions: list[Action]) -> tuple[Option, ...]:
    labels = labels_of(actions, turn.tx.now, turn.language, turn.zone)
    return tuple(
        [
            Option(str(action.id), label, {"action": await facts_of(turn, action)})
            for action, label in zip(actions, labels, strict=True)
        ]
    )


async def _needs(turn: Turn, mine: list[Action], *, theirs: bool) -> tuple[Option, ...]:
    """What they bring to actions, or what is open for them to bring."""
    found: list[tuple[Action, Need]] = []
    for action in mine:
        brought = await turn.tx.actions.claimed(action.id, turn.person.id)
        for need in await turn.tx.actions.needs(action.id):
            if need.id in brought if theirs else need.claimed < need.wanted and need.id not in brought:
                found.append((action, need))
    del found[MOST:]
    days = [_day(action.starts_at, turn.language, turn.zone) for action, _ in found]
    labels = _distinct([[need.what, f"{need.what}, {day}"] for (_, need), day in zip(found, days, strict=True)])
    facts = {action.id: {"action": await facts_of(turn, action)} for action, _ in found}
    return tuple(
        Option(str(need.id), label, facts[action.id]) for (action, need), label in zip(found, labels, strict=True)
    )


async def _not_checked_in(turn: Turn, action_id: int) -> list[Option]:
    """Empty for everybody but the host."""
    action = await turn.tx.actions.get(action_id)
    if action is None or action.host_id != turn.person.id:
        return []
    signups = [each for each in await turn.tx.actions.people(action_id) if each.checked_in_at is None]
    found: list[tuple[Signup, str]] = []
    for signup in signups[:MOST_PEOPLE]:
        person = await turn.tx.people.get(signup.person_id)
        if person is not None and person.id != action.host_id:
            found.append((signup, known(turn, person) or turn.words(phrases.SOMEONE)))
    many = Counter(name.casefold() for _, name in found)
    ways = [await _apart(turn, signup, name) if many[name.casefold()] > 1 else [name] for signup, name in found]
    labels = _distinct(ways)
    return [
        Option(str(signup.id), label, action=str(action_id)) for (signup, _), label in zip(found, labels, strict=True)
    ]


async def _apart(turn: Turn, signup: Signup, name: str) -> list[str]:
    """Ways to say which of several of one name this is, by what a host sees at the door: what they bring, and how many
    others come with them."""
    claimed = await turn.tx.actions.claimed(signup.action_id, signup.person_id)
    brings = [need.what for need in await turn.tx.actions.needs(signup.action_id) if need.id in claimed]
    others = [f"{name} +{signup.bringing}"] if signup.bringing else []
    return [*(f"{name}, {what}" for what in brings), *others, name]


def _possible_times(turn: Turn) -> Iterator[Option]:
    kept = turn.fields.get("times")
    times = [name for name in kept if name in _HOURS] if isinstance(kept, tuple) else []
    here, language = turn.zone, turn.language
    today = turn.tx.now.astimezone(zone(here)).date()
    count = 0
    for day in (today + timedelta(days=away) for away in range(1, 15)):
        for hour in sorted({hour for name in times or _HOURS for hour in _HOURS[name](day)}):
            at = datetime.combine(day, time(hour), tzinfo=zone(here))
            label = f"{_date(at, language, here)}, {show(at, 'time', language, here)}"
            yield Option(f"{at:%Y-%m-%d %H:%M}", label)
            count += 1
            if count == MOST:
                return


# --- labels ----------------------------------------------------------------------------------------------------


def labels_of(actions: Iterable[Action], now: datetime, language: str, zone_name: str) -> list[str]:
    """A short label for each: its day and place ("Sat 28 Nov, Leeds"), or its title where two would look the same."""
    return _distinct([_ways_to_say(action, now, language, zone_name) for action in actions])


def _ways_to_say(action: Action, now: datetime, language: str, zone_name: str) -> list[str]:
    at = action.starts_at
    with_month, alone = _date(at, language, zone_name), _day(at, language, zone_name)
    clock = show(at, "time", language, zone_name)
    short = [with_month] if at - now > _FEW_WEEKS else [with_month, alone]
    ways = [f"{day}, {what}" for what in (action.district, action.title) if what for day in short]
    fitting = [way for way in ways if len(way) <= LONGEST]
    return [*fitting, *ways, f"{alone} {clock}, {action.title}", action.title]


def _distinct(ways: list[list[str]]) -> list[str]:
    """The first way of saying each that no other has taken, short enough; a number where there is none."""
    taken: dict[str, None] = {}
    for each in ways:
        short = [cut(way) for way in each]
        free = next((way for way in short if way not in taken), None)
        number = len(taken) + 1
        taken[free if free is not None else f"{cut(each[0], LONGEST - 4)} ({number})"] = None
    return list(taken)


def cut(text: str, most: int = LONGEST) -> str:
    """`text`, or its beginning with "…" where it is longer: after a whole word, if one ends near."""
    text = " ".join(text.split())
    if len(text) <= most:
        return text
    start = text[: most - 1]
    space = start.rfind(" ")
    whole = space if space >= most * 2 // 3 and text[most - 1] != " " else most - 1
    return start[:whole].rstrip(" ,.;:-") + "…"


def _date(at: datetime, language: str, zone_name: str) -> str:
    day = at.astimezone(zone(zone_name)).date()
    return format_skeleton("MMMEd", day, locale=locale(language)).replace(",", "").replace("،", "")


def _day(at: datetime, language: str, zone_name: str) -> str:
    return format_date(at.astimezone(zone(zone_name)).date(), "EEE d", locale=locale(language))


async def _host(turn: Turn, action: Action) -> str | None:
    if action.host_id is None:
        return None
    if action.host_id == turn.person.id:
        return str(turn.person.fields.get("name") or "") or None
    return known(turn, await turn.tx.people.get(action.host_id)) or None
