"""Example people near any place."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.cells import cell_at, km
from bot.example import KEPT, NEAR_KM, first_action, known, offered, plant
from bot.group import Group
from bot.pairing.rules import Terms, Verdict, Wish, weigh
from bot.pairing.seeking import helper_of
from bot.places import Place
from bot.world import World
from flows.model import Library
from flows.reader import STARTER, read_folder
from storage.store import Store, Transaction
from tests.databases import Watch

LEEDS = Place("Leeds", cell_at(53.7965, -1.5478), 53.7965, -1.5478)
WORLD = World(Group(zone="Europe/London"))
SOUTH_POLE, FIJI = Place("Pole", cell_at(-89.99, 0), -89.99, 0.0), Place("Fiji", cell_at(-16.8, 179.99), -16.8, 179.99)


@pytest.fixture(scope="module")
def library() -> Library:
    return read_folder(STARTER).library


@pytest.mark.parametrize("place", [LEEDS, SOUTH_POLE, FIJI], ids=lambda place: place.name)
async def test_a_newcomer_anywhere_finds_buddies_who_fit_and_an_action_near_them(
    store: Store, watch: Watch, library: Library, place: Place
) -> None:
    added = await store.run(lambda tx: plant(tx, WORLD, library, place))
    assert [each.name for each in added] == ["Sam", "Maya", "Jo"]

    async def work(tx: Transaction) -> None:
        wish = Wish(
            id=99,
            languages=("es",),
            interests=("food",),
            times=("sunday",),
            cell=place.cell,
            adult=True,
            consented=True,
            joined=watch.now,
        )
        costs = []
        for buddy in await tx.buddies.all():
            verdict = weigh(wish, helper_of(buddy), Terms(watch.now))
            assert isinstance(verdict, Verdict), verdict
            costs.append(verdict.cost)
        assert costs == sorted(costs)
        (action,) = await tx.actions.upcoming(10)
        away = km(place.cell, action.cell)
        assert away is not None
        assert away < 3
        assert (action.host_id, action.going, len(action.secret)) == (added[0].id, 0, 32)
        assert len(await tx.actions.needs(action.id)) == 3

    await store.run(work)


async def test_nobody_is_added_where_somebody_is_near(store: Store, library: Library) -> None:
    near = Place("Headingley", cell_at(53.82, -1.58), 53.82, -1.58)
    far = Place("York", cell_at(53.96, -1.08), 53.96, -1.08)
    assert await store.run(lambda tx: plant(tx, WORLD, library, LEEDS))
    assert not await store.run(lambda tx: plant(tx, WORLD, library, near))
    assert await store.run(lambda tx: plant(tx, WORLD, library, far))
    everyone = await store.run(known)
    assert len({each.address for each in everyone}) == len(everyone) == 6
    away = km(everyone[0].cell, everyone[3].cell)
    assert away is not None
    assert away > NEAR_KM


async def test_example_people_are_no_success_in_the_ledger(store: Store, library: Library) -> None:
    await store.run(lambda tx: plant(tx, WORLD, library, LEEDS))
    assert await store.run(lambda tx: tx.ledger.newest(10)) == []
    assert await store.run(lambda tx: tx.settings.get(KEPT))


@pytest.mark.parametrize("day", range(16, 30))
def test_the_action_is_two_to_four_days_ahead_at_eleven_on_a_saturday_where_one_is(day: int) -> None:
    now = datetime(2026, 11, day, 23, 30, tzinfo=UTC)
    zone = ZoneInfo("Europe/London")
    starts = first_action(now, zone).astimezone(zone)
    assert starts.hour == 11
    assert 2 <= (starts.date() - now.date()).days <= 4
    if now.weekday() in (1, 2, 3):
        assert starts.weekday() == 5


def test_people_choose_from_what_the_flows_offer(library: Library) -> None:
    assert offered(library, "me.interests") == ["climate", "housing", "food"]
    assert offered(library, "me.nothing") == []
