"""An action that is changed or called off: everyone who signed up hears it once, with what they can do about it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.changed_actions import NotChanged, cancel_action, change_action
from storage.errors import NotFound
from storage.store import Store
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

SATURDAY = datetime(2026, 3, 7, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGED, TOLD, OFF = "Something has changed. Can you still come", "is now like this", "does not take place"


@pytest.fixture
async def here(store: Store, watch: Watch) -> Neighbourhood:
    made = Neighbourhood(store, watch)
    await made.libraries.begin()
    return made


async def coming(here: Neighbourhood, *people: str, how: str = "yes", **columns: Any) -> int:
    """An action of Sam's on Saturday, for which these have signed up."""
    number = await here.action(await here.buddy("sam", capacity=0), SATURDAY, **columns)
    await join(here, *people, how=how)
    return number


async def join(here: Neighbourhood, *people: str, how: str = "yes") -> None:
    for who in people:
        await here.says(who, "hello", *ANSWERS[:-1], "Not now", "yes")
        await here.says(who, "actions", "1", how, *(["9:30"] if how == "yes" else []))
    for heard in here.heard.values():
        heard.clear()


async def change(here: Neighbourhood, number: int, **columns: Any) -> bool:
    changed = await here.store.run(lambda tx: change_action(tx, number, **columns))
    await here.settle()
    return changed


def told(here: Neighbourhood, who: str, words: str) -> int:
    return sum(words in text for text in here.heard[who])


async def test_another_time_is_told_once_to_everyone_with_the_new_calendar_file(here: Neighbourhood) -> None:
    number = await coming(here, "ana", "ben")
    await join(here, "cleo", how="maybe")
    assert await change(here, number, starts_at=SATURDAY + 2 * HOUR, ends_at=SATURDAY + 4 * HOUR)
    await here.hours(2)
    assert [told(here, who, CHANGED) for who in ("ana", "ben")] == [1, 1]
    assert "12:00" in here.heard["ana"][-1]
    assert [told(here, who, TOLD) for who in ("cleo", "sam")] == [1, 1]
    attached = {message.say.attach for message in here.channel.outbound if CHANGED in message.say.text}
    assert attached == {f"calendar:{number}"}
    action = await here.store.run(lambda tx: tx.actions.get(number))
    assert action is not None
    assert (action.sequence, action.changed_at) == (1, here.watch.now - 2 * HOUR)


async def test_two_changes_in_one_night_are_one_message_in_the_morning(here: Neighbourhood) -> None:
    number = await coming(here, "ana")
    await here.until(datetime(2026, 3, 3, 22, tzinfo=UTC))
    await change(here, number, address="3 Mill Lane")
    await here.hours(3)
    await change(here, number, starts_at=SATURDAY + HOUR, ends_at=SATURDAY + 3 * HOUR)
    assert here.heard["ana"] == []
    await here.hours(12)
    assert told(here, "ana", CHANGED) == 1
    assert "11:00" in here.heard["ana"][0]
    assert "3 Mill Lane" in here.heard["ana"][0]


async def test_another_title_or_goal_is_no_news(here: Neighbourhood) -> None:
    number = await coming(here, "ana")
    assert not await change(here, number, title="Clean up the park", goal=40)
    assert not await change(here, number, starts_at=SATURDAY)
    assert here.heard["ana"] == []


async def test_one_press_cancels_and_the_place_goes_to_who_waits(here: Neighbourhood) -> None:
    number = await coming(here, "ana", "ben", capacity=1)
    await change(here, number, address="3 Mill Lane")
    assert (told(here, "ana", CHANGED), told(here, "ben", TOLD)) == (1, 1)
    assert told(here, "ben", "3 Mill Lane") == 0, "where exactly is for those who have a place"
    await here.says("ana", "I can't come")
    await here.settle()
    assert told(here, "ben", "A place is free, and it's yours") == 1


async def test_with_more_places_those_who_wait_move_up_by_themselves_in_turn(here: Neighbourhood) -> None:
    number = await coming(here, "ana", "ben", "cleo", "dan", capacity=1)
    await change(here, number, capacity=3)
    free = "A place is free, and it's yours"
    assert [told(here, who, free) for who in ("ben", "cleo", "dan")] == [1, 1, 0]
    await change(here, number, capacity=4)
    assert told(here, "dan", free) == 1
    with pytest.raises(NotChanged, match="4 places are taken already, so it cannot be 2"):
        await change(here, number, capacity=2)


async def test_who_says_yes_again_is_not_asked_three_days_before(here: Neighbourhood) -> None:
    number = await coming(here, "ana", "ben")
    await here.hours(1)
    await change(here, number, address="3 Mill Lane")
    await here.says("ana", "I'll be there")
    await here.until(SATURDAY - timedelta(days=2))
    assert [told(here, who, "Are you still coming") for who in ("ana", "ben")] == [0, 1]


async def test_what_is_called_off_is_told_once_and_nobody_is_reminded_of_it(here: Neighbourhood) -> None:
    number = await coming(here, "ana", "ben")
    await here.says("ben", "stop")
    await here.store.run(lambda tx: cancel_action(tx, number))
    await here.settle()
    assert told(here, "ana", OFF) == 1
    assert told(here, "sam", "have taken it off") == 1
    assert told(here, "ben", OFF) == 0
    with pytest.raises(NotChanged, match="is called off already"):
        await here.store.run(lambda tx: cancel_action(tx, number))
    with pytest.raises(NotChanged, match="is cancelled"):
        await change(here, number, capacity=9)
    before = len(here.heard["ana"])
    await here.until(SATURDAY + timedelta(days=3))
    assert [text for text in here.heard["ana"][before:] if "canal" in text] == []


async def test_what_is_over_or_not_there_is_not_changed(here: Neighbourhood) -> None:
    number = await here.action(await here.buddy(), SATURDAY)
    with pytest.raises(NotFound):
        await change(here, number + 1, title="x")
    here.watch.forward(timedelta(days=9))
    with pytest.raises(NotChanged, match="is over"):
        await change(here, number, title="x")


async def test_killed_while_it_tells_people_it_tells_the_rest_and_nobody_twice(
    here: Neighbourhood, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await coming(here, "ana", "ben")

    async def killed(*_: object, **__: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patched:
        patched.setattr("bot.due.all_were_told", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await change(here, number, address="3 Mill Lane")
    await here.settle()
    assert [told(here, who, CHANGED) for who in ("ana", "ben")] == [1, 1]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_who_has_answered_once_whether_they_come_is_not_asked_it_again(here: Neighbourhood) -> None:
    number = await coming(here, "ana")
    await here.until(SATURDAY - 71 * HOUR)
    assert told(here, "ana", "Are you still coming") == 1
    await change(here, number, address="2 Park Row")
    assert [text[:18] for text in await here.says("ana", "I'll be there")] == ["Good. The new time"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_nobody_is_asked_whether_they_come_to_what_does_not_take_place(here: Neighbourhood) -> None:
    number = await coming(here, "ana")
    await change(here, number, address="2 Park Row")
    await here.store.run(lambda tx: cancel_action(tx, number))
    await here.settle()
    assert [text[:20] for text in await here.says("ana", "no")] == ["That's fine. *action"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("plan", [(), ("9:30",)], ids=["when they leave", "what they bring"])
async def test_nobody_is_asked_how_they_get_to_what_they_have_cancelled(
    here: Neighbourhood, plan: tuple[str, ...]
) -> None:
    number = await coming(here)
    await here.store.run(lambda tx: tx.actions.add_need(number, "tea"))
    asked = await here.says("ana", "actions", "1", "yes", "yes", *plan)
    assert asked[-1].startswith("This is still needed" if plan else "When will you leave home?")
    await here.says("ana", "can't come", "1")
    assert await here.says("ana", "no") == ["All right. See you another time."]
