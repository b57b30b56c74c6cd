"""Whoever waits for a buddy hears something true within seconds, and again within two days, whatever happens."""

from datetime import UTC, datetime, timedelta

import pytest

from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, RESPUESTAS, Neighbourhood
from tests.databases import Watch

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
STILL, TODAVIA = "I'm still asking people near you", "Sigo preguntando a gente cerca de ti"


async def at(store: Store, watch: Watch, hour: int) -> Neighbourhood:
    """A neighbourhood on a Monday, at this hour."""
    watch.now = MONDAY.replace(hour=hour)
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return here


async def heard_within(here: Neighbourhood, hours: int) -> list[tuple[float, str]]:
    """(hours later, what) of all that Ana is told from now on, without a word of hers."""
    begun, known = here.watch.now, len(here.heard["ana"])
    found = []
    for _ in range(hours):
        await here.hours(1)
        later = (here.watch.now - begun).total_seconds() / 3600
        found += [(later, text) for text in here.heard["ana"][known:]]
        known = len(here.heard["ana"])
    return found


@pytest.mark.parametrize("hour", [6, 11, 16, 20])
async def test_where_nobody_is_free_and_what_is_on_goes_unanswered(store: Store, watch: Watch, hour: int) -> None:
    here = await at(store, watch, hour)
    host = await here.buddy("host", capacity=0)
    await here.action(host, MONDAY + timedelta(days=5))
    told = await here.says("ana", "hello", *ANSWERS)
    assert any("Nobody near you is free" in text for text in told)
    later = await heard_within(here, 47)
    (hours,) = [hours for hours, text in later if STILL in text]
    assert 8 <= (MONDAY.replace(hour=hour) + timedelta(hours=hours + 1)).hour <= 21, "and not at night"


async def test_where_those_who_are_asked_never_answer(store: Store, watch: Watch) -> None:
    here = await at(store, watch, 16)
    for name in ("sam", "kit", "lee"):
        await here.buddy(name)
    told = await here.says("ana", "hello", *ANSWERS)
    assert any("I've found someone near you to ask" in text for text in told)
    assert sum(STILL in text for _, text in await heard_within(here, 47)) == 1
    assert len(await here.pairs("ana")) > 1


async def test_where_they_asked_for_another_and_there_is_none(store: Store, watch: Watch) -> None:
    here = await at(store, watch, 9)
    await here.buddy("sam")
    await here.says("ana", "hola", *RESPUESTAS, language="es")
    await here.says("sam", "yes")
    told = await here.says("ana", "otra persona", "Sí, por favor")
    assert any("no hay nadie libre" in text for text in told)
    assert sum(TODAVIA in text for _, text in await heard_within(here, 47)) == 1
    assert not any(TODAVIA in text for _, text in await heard_within(here, 24)), "once is enough"


async def test_who_was_introduced_by_then_hears_nothing_of_it(store: Store, watch: Watch) -> None:
    here = await at(store, watch, 9)
    await here.buddy("sam")
    await here.says("ana", "hello", *ANSWERS)
    await here.says("sam", "yes")
    assert not any(STILL in text for _, text in await heard_within(here, 47))


async def test_who_has_stopped_or_no_longer_wants_to_meet_anyone_hears_nothing(store: Store, watch: Watch) -> None:
    here = await at(store, watch, 9)
    await here.says("ana", "hello", *ANSWERS)
    await here.says("ben", "hello", *ANSWERS)

    async def nobody_any_more(tx: Transaction) -> None:
        ben = await tx.people.by_address("web", "web", "ben")
        assert ben is not None
        await tx.buddies.set_waiting(ben.id, None)

    await here.says("ana", "stop")
    await here.store.run(nobody_any_more)
    await here.hours(28)
    before = len(here.heard["ana"])
    await here.hours(20)
    assert len(here.heard["ana"]) == before
    assert not any(STILL in text for text in here.heard["ben"])
