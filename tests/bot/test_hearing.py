"""What someone says, by when they say it."""

from datetime import UTC, datetime

from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch


async def test_who_writes_at_night_hears_first_to_whom_they_were_introduced(store: Store, watch: Watch) -> None:
    watch.now = datetime(2026, 6, 1, 19, 30, tzinfo=UTC)
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    await here.buddy()
    await here.says("ana", "hello", *ANSWERS)
    await here.hours(1)
    heard = await here.says("sam", "yes")
    assert heard == ["Thank you! I'm telling Ana now."]
    heard = await here.says("ana", "Is nobody there?")
    assert heard[0].startswith("Good news, Ana. Sam lives near you")
    assert heard[-1] == "Or was that for Sam? Answer with the name, and I pass it on."
    assert not any("Is nobody there?" in text for text in here.heard["sam"])
    heard = await here.says("ana", "Hi Sam!")
    assert here.heard["sam"][-1] == "Ana: Hi Sam!"
    await here.hours(12)
    assert sum(text.startswith("Good news, Ana.") for text in here.heard["ana"]) == 1
    assert sum(text.startswith("You and Ana are introduced") for text in here.heard["sam"]) == 1
