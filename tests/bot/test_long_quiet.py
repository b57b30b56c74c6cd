"""Who has not written for a long time is warned once, and then forgotten."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from bot.desks.week import week
from bot.long_quiet import Quiet
from flows import phrases
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Talk
from tests.bot.test_flood import HELLO

WARNING = phrases.LONG_QUIET.replace("{days}", "14")
UTC = ZoneInfo("UTC")


async def quiet_after(talk: Talk, days: int, kept: int = 100) -> list[str]:
    """What Ana hears of the daily job, noon by noon, for so many days."""
    job = Quiet(talk.store, talk.turns, UTC, talk.watch, kept)
    heard = []
    for _ in range(days):
        talk.watch.forward(timedelta(days=1))
        await job.tick()
        heard += await talk.hears()
    return heard


async def test_who_is_quiet_is_warned_once_two_weeks_before_and_then_forgotten(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=12)
    await talk.say("hello")
    await talk.hears()
    assert await quiet_after(talk, 85) == []
    assert await quiet_after(talk, 3) == [WARNING]
    assert await quiet_after(talk, 10) == []
    assert await talk.person() is not None, "the two weeks are not over"
    await quiet_after(talk, 3)
    assert await talk.person() is None
    assert await talk.ledger("forgotten after a long quiet") == 1


async def test_who_answers_the_warning_stays_and_may_be_warned_again(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=12)
    await talk.say("hello")
    assert WARNING in await quiet_after(talk, 90)
    await talk.say("hello")
    await talk.hears()
    assert await quiet_after(talk, 80) == []
    assert await quiet_after(talk, 10) == [WARNING]
    assert await talk.person() is not None


async def test_a_bot_that_was_away_for_a_year_warns_before_it_forgets(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=12)
    await talk.say("hello")
    await talk.hears()
    talk.watch.forward(timedelta(days=400))
    assert await quiet_after(talk, 10) == [WARNING]
    assert await talk.person() is not None
    await quiet_after(talk, 6)
    assert await talk.person() is None


async def test_who_stopped_is_forgotten_in_time_without_a_word(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=12)
    await talk.say("hello")
    await talk.say("stop")
    await talk.hears()
    assert await quiet_after(talk, 102) == []
    assert await talk.person() is None


async def test_nobody_is_warned_at_night_or_twice_a_day(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=2)
    await talk.say("hello")
    await talk.hears()
    talk.watch.forward(timedelta(days=90))
    job = Quiet(talk.store, talk.turns, UTC, talk.watch, 100)
    await job.tick()
    assert await talk.hears() == []
    talk.watch.forward(timedelta(hours=9))
    await job.tick()
    await job.tick()
    assert await talk.hears() == [WARNING]


async def test_coordinators_are_told_how_many_were_forgotten(talking: Talking) -> None:
    talk = await talking({"hello": HELLO})
    talk.watch.now = talk.watch.now.replace(hour=12)
    for who in ("ana", "tom"):
        await talk.say("hello", who)
        await talk.say("stop", who)
    await quiet_after(talk, 102)

    async def lines(tx: Transaction) -> tuple[str, ...]:
        return (await week(tx, UTC)).lines

    assert "2 people were quiet for so long that they were forgotten" in await talk.store.read(lines)
