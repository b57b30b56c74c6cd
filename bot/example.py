"""Example people and one action near any place, so that a trial has somebody to meet."""

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.cells import cell_at, km
from bot.codes import new_secret
from bot.places import Place
from bot.world import World
from flows.model import Library, Value
from flows.states import AskState
from storage.actions import PUBLISHED
from storage.pairs import BUDDY
from storage.transaction import Transaction

KEPT = "trial: example people"
NEAR_KM = 12.0
"""So near to people who are there already, nobody is added."""

NOON = time(11)
LASTS = timedelta(hours=2)
A_WEEKEND_SOON, SOON = range(2, 5), timedelta(days=3)
"""The action is on a Saturday so many days ahead; where none is, on the day after the day after tomorrow: soon enough
that nobody is asked whether they met before it was."""

CAPACITY = 3


@dataclass(frozen=True, slots=True)
class Example:
    """Someone who was added: their number, first name, web address and district."""

    id: int
    name: str
    address: str
    cell: str


@dataclass(frozen=True, slots=True)
class _Part:
    """Someone to be added: how far north and east of the place, and which of the group's interests and times."""

    name: str
    north_km: float
    east_km: float
    every: int


_PARTS = (_Part("Sam", 0.7, 0.4, 1), _Part("Maya", -1.6, 1.1, 2), _Part("Jo", 0.9, -3.2, 3))
"""The first is the nearest and shares everything: whom most newcomers are introduced to."""

FIRST = _PARTS[0].name


async def known(tx: Transaction) -> tuple[Example, ...]:
    """Everyone who was added so far."""
    return tuple(Example(**each) for each in json.loads(await tx.settings.get(KEPT) or "[]"))


async def plant(tx: Transaction, world: World, library: Library, place: Place) -> tuple[Example, ...]:
    """Adds example buddies near a place and an action hosted by the first of them; who was added.

    Where some are near already, nobody is.
    """
    there = await known(tx)
    if any(_near(example.cell, place.cell) for example in there):
        return ()
    added = [await _buddy(tx, library, part, place) for part in _PARTS]
    await _action(tx, world, place, added[0])
    await tx.settings.set(KEPT, json.dumps([asdict(each) for each in (*there, *added)]))
    return tuple(added)


async def _buddy(tx: Transaction, library: Library, part: _Part, place: Place) -> Example:
    address = secrets.token_hex(16)
    person = await tx.people.add("web", "web", address, "en")
    cell = _cell(place, part.north_km, part.east_km)
    fields: dict[str, Value] = {
        "name": part.name,
        "language": "en",
        "languages": ("en", "es"),
        "place": place.name,
        "interests": tuple(offered(library, "me.interests")[:: part.every]),
        "times": tuple(offered(library, "me.times")[:: part.every]),
        "adult": "yes",
        "wants_buddy": "yes",
        "consented": ("keep", "pair"),
        "contact": f"{part.name.lower()}@example.org",
    }
    await tx.people.save(person.id, fields, language="en", role=BUDDY, district=cell)
    for to in ("keep", "pair"):
        await tx.consents.record(person.id, to, "An example person of a trial.", library.version)
    await tx.buddies.serve(person.id, role=BUDDY, capacity=CAPACITY, approved_at=tx.now)
    return Example(person.id, part.name, address, cell)


async def _action(tx: Transaction, world: World, place: Place, host: Example) -> None:
    starts = first_action(tx.now, ZoneInfo(world.group.zone))
    action_id = await tx.actions.add(
        title="Garden morning",
        what="We plant the beds at the community garden and share a pot of tea. No experience needed.",
        kind="gathering",
        district=place.name,
        cell=_cell(place, 1.1, -0.8),
        address="The community garden, 12 Orchard Lane (the green gate)",
        starts_at=starts,
        ends_at=starts + LASTS,
        zone=world.group.zone,
        capacity=20,
        goal=10,
        secret=new_secret(),
        state=PUBLISHED,
        host_id=host.id,
    )
    for need, wanted in (("gardening gloves", 4), ("a cake", 1), ("a thermos of tea", 2)):
        await tx.actions.add_need(action_id, need, wanted)


def first_action(now: datetime, zone: ZoneInfo) -> datetime:
    """When the example action begins: eleven in the morning of a day soon, a Saturday where one is. Aware UTC."""
    today = now.astimezone(zone).date()
    saturdays = [days for days in A_WEEKEND_SOON if (today + timedelta(days=days)).weekday() == 5]
    day = today + (timedelta(days=saturdays[0]) if saturdays else SOON)
    return datetime.combine(day, NOON, zone).astimezone(UTC)


def offered(library: Library, field: str) -> list[str]:
    """The keys of every choice that some flow keeps in this field, in their order."""
    states = (state for flow in library.flows.values() for state in flow.states.values())
    asked = (state.choices or {} for state in states if isinstance(state, AskState) and state.save == field)
    return list(dict.fromkeys(_keys(asked)))


def _keys(asked: Iterable[Iterable[str]]) -> Iterable[str]:
    return (key for choices in asked for key in choices)


def _near(cell: str, other: str) -> bool:
    away = km(cell, other)
    return away is not None and away <= NEAR_KM


def _cell(place: Place, north_km: float, east_km: float) -> str:
    """The district so far away; a degree of longitude is taken as it is at 45 degrees."""
    lat = max(-90.0, min(90.0, place.lat + north_km / 111))
    lon = (place.lon + east_km / 79 + 180) % 360 - 180
    return cell_at(lat, lon)
