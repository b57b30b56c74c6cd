"""What people bring, and take others along in: the starter flows, from signing up to giving it back."""

from datetime import UTC, datetime, timedelta

from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

SATURDAY = datetime(2026, 3, 7, 11, tzinfo=UTC)
ASKED = "This is still needed. What could you take on?"


async def signed_up(here: Neighbourhood, who: str) -> list[str]:
    """They come, with a plan; what they hear from the plan on."""
    await here.says(who, "hello", *ANSWERS[:-1], "Not now", "yes", "1", "yes")
    return await here.says(who, "9:30")


async def test_who_signs_up_takes_something_on_and_gives_it_back_to_the_next(store: Store, watch: Watch) -> None:
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    number = await here.action(await here.buddy("sam", capacity=0), SATURDAY)
    ride = await store.run(lambda tx: tx.actions.add_need(number, "A ride for two"))
    plan, asked = await signed_up(here, "ana")
    assert plan == "09:30 it is. See you on Saturday 7 March!"
    assert asked.startswith(ASKED)
    (yours,) = await here.says("ana", "1")
    assert yours.startswith("Thank you, that one is yours.")
    assert [need.claimed for need in await store.read(lambda tx: tx.actions.needs(number))] == [1]
    assert await signed_up(here, "ben") == [plan]
    (nothing,) = await here.says("ben", "needs")
    assert nothing.startswith("Nothing more is needed")
    (which,) = await here.says("ana", "give back")
    assert which == "Which of these can't you bring after all?"
    (returned,) = await here.says("ana", "A ride for two")
    assert returned.startswith("Thank you for telling me")
    assert (await here.says("ben", "bring", "1"))[-1] == yours
    ben = (await here.loaded("ben")).person.id
    assert await store.read(lambda tx: tx.actions.claimed(number, ben)) == [ride]
    assert (await here.says("ana", "give back"))[-1].startswith("You haven't taken anything on")
    before = len(here.heard["ana"])
    watch.now = SATURDAY - timedelta(hours=2)
    await here.settle()
    assert "You said you bring: A ride for two. Thank you!" in here.heard["ben"]
    assert "ride" not in "".join(here.heard["ana"][before:]), "nobody is asked for what somebody brings"


async def test_of_two_they_come_to_what_the_other_needs_can_be_taken_on_too(store: Store, watch: Watch) -> None:
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    sam = await here.buddy("sam", capacity=0)
    first = await here.action(sam, SATURDAY)
    second = await here.action(sam, SATURDAY + timedelta(days=1), title="Plant trees")
    await store.run(lambda tx: tx.actions.add_need(first, "Tea"))
    spade = await store.run(lambda tx: tx.actions.add_need(second, "Spades"))
    assert (await signed_up(here, "ana"))[-1].startswith(ASKED)
    await here.says("ana", "skip", "actions", "1", "yes", "9:30")
    assert (await here.says("ana", "Spades"))[-1].startswith("Thank you, that one is yours.")
    ana = (await here.loaded("ana")).person.id
    assert await store.read(lambda tx: tx.actions.claimed(second, ana)) == [spade]
