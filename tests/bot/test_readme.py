"""The README tells the truth: its first picture is what the bot tells of a newcomer's first week."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from bot import story
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

README = Path(__file__).parents[2] / "README.md"

SUMMER = timezone(timedelta(hours=1))
"""London's time in June."""


def june(day: int, hour: int, minute: int = 0) -> datetime:
    """That moment in London, in UTC."""
    return datetime(2026, 6, day, hour, minute, tzinfo=SUMMER).astimezone(UTC)


async def test_the_first_picture_is_a_week_as_it_is_told(store: Store, watch: Watch) -> None:
    watch.now = june(1, 19, 2)
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    await here.action(await here.buddy(), june(6, 11))
    await here.says("ana", "hello", *ANSWERS[:3])
    watch.now = june(1, 19, 4)
    await here.says("ana", *ANSWERS[3:])
    watch.now = june(1, 19, 31)
    await here.says("sam", "yes")
    await here.says("ana", "Hi Sam, good to meet you!")
    await here.until(june(3, 8, 15))
    await here.says("ana", "actions", "1", "yes", "10:30")
    await here.until(june(6, 11, 6))
    await here.says("ana", "4821")
    await here.until(june(7, 14, 12))
    await here.says("ana", "We met")
    await here.says("sam", "We met")
    ana = (await here.loaded("ana")).person.id
    told = await store.read(lambda tx: story.of(tx, ana))
    assert told is not None
    lines = [f"{story.when(at.astimezone(SUMMER), watch.now)}  {sentence}" for at, sentence in told.lines]
    width = max(len(line.split("  ")[0]) for line in lines)
    picture = "\n".join("  {:{}}  {}".format(line.split("  ")[0], width, line.split("  ", 1)[1]) for line in lines)
    assert picture in README.read_text("utf-8"), f"\n{picture}"
