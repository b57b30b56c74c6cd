"""What people say that nothing asked for: the code of where they are."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.codes import code
from storage.store import Store
from tests.bot.neighbourhood import Neighbourhood
from tests.databases import Watch

NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
THERE = "Good that you're there! Enjoy it."

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    """An action that begins at noon. Ana comes, Sam hosts it, and it is half an hour before."""
    watch.now = NOON - HOUR / 2
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    sam, ana = await here.buddy("sam"), await here.buddy("ana")
    number = await here.action(sam, NOON)
    await store.run(lambda tx: tx.actions.sign_up(number, ana, "yes"))
    return here


async def now(here: Neighbourhood) -> str:
    action = await here.store.run(lambda tx: tx.actions.get(1))
    assert action is not None
    return code(action, here.watch.now)


@pytest.mark.parametrize("hours", [0, 13], ids=["before it is asked for", "when the question has lapsed"])
async def test_a_code_is_heard_though_nothing_asks_for_it(here: Neighbourhood, hours: int) -> None:
    heard = await now(here)
    if hours:
        await here.settle()
        here.watch.now = NOON + 7 * HOUR
        await here.settle()
        here.watch.now = NOON + hours * HOUR
    assert (await here.says("ana", heard))[0] == THERE
    assert "checkin.made" in await here.life("ana")


async def test_whoever_came_without_signing_up_is_there_by_the_code_alone(here: Neighbourhood) -> None:
    await here.says("bo", "help")
    wrong = str((int(await now(here)) + 1) % 9000 + 1000)
    assert (await here.says("bo", wrong))[0].startswith("Thanks for writing!"), "it may be anything"
    assert (await here.says("bo", await now(here)))[0] == THERE


async def test_whoever_comes_and_heard_it_wrong_is_asked_once_more(here: Neighbourhood) -> None:
    wrong = str((int(await now(here)) + 1) % 9000 + 1000)
    assert (await here.says("ana", wrong))[0].startswith("Are you there? Send me the code")
    assert await here.says("ana", await now(here)) == [THERE]


async def test_digits_are_no_code_where_a_question_takes_them_or_nothing_goes_on(here: Neighbourhood) -> None:
    await here.says("ana", "propose")
    assert (await here.says("ana", await now(here)))[0].startswith("What happens there?")
    here.watch.now = NOON + 20 * HOUR
    assert "checkin.made" not in await here.life("ana")
    await here.says("bo", "help")
    assert (await here.says("bo", "4821"))[0].startswith("Thanks for writing!")
