"""Who asked for a human is heard by people until they are done, and by nobody else."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.desks.acting import Press, act
from bot.desks.base import DONE, WRITE
from bot.desks.showing import view
from bot.people import LATELY
from storage.audit import COORDINATOR
from storage.store import Store, Transaction
from tests.bot.neighbourhood import ANSWERS, Neighbourhood
from tests.databases import Watch

PASSED_ON = "I've passed that on to the people of Leeds Together. One of them will write to you here."
DONE_WITH = "The people of Leeds Together are done with this for now. Write *human* whenever you need somebody again."


class Desk:
    """Ana, Sam her buddy, and whoever coordinates."""

    def __init__(self, here: Neighbourhood) -> None:
        self.here = here
        self.card = 0

    async def introduced(self) -> None:
        await self.here.buddy()
        await self.here.says("ana", "hello", *ANSWERS)
        await self.here.says("sam", "yes")

    async def asks(self) -> None:
        await self.here.says("ana", "human", "About my dog")
        cards = await self.here.store.read(lambda tx: tx.cards.open(9))
        self.card = next(card.id for card in cards if card.kind == "human")

    async def press(self, button: str, text: str = "") -> None:
        pressed = Press(card=self.card, button=button, text=text, role=COORDINATOR, by="Kim", name="Kim")
        await self.here.store.run(lambda tx: act(tx, self.here.world, pressed))
        await self.here.settle()

    async def thread(self) -> list[str]:
        """What Ana wrote to the people of the group."""

        async def look(tx: Transaction) -> list[str]:
            await tx.desks.begin("test", self.card)
            await tx.desks.done("test", self.card, "shown", "", 0)
            return [line.text for line in await tx.desks.lines("test", 50) if not line.by]

        return await self.here.store.run(look)


@pytest.fixture
async def desk(store: Store, watch: Watch) -> Desk:
    here = Neighbourhood(store, watch)
    await here.libraries.begin()
    return Desk(here)


async def test_what_they_write_on_is_heard_by_people_and_said_so_once(desk: Desk) -> None:
    await desk.asks()
    assert await desk.here.says("ana", "He is big", "And friendly") == [PASSED_ON]
    assert await desk.thread() == ["He is big", "And friendly"]


async def test_asking_again_calls_people_again(desk: Desk) -> None:
    await desk.asks()
    await desk.here.says("ana", "human", "And about my cat")
    assert await desk.thread() == ["And about my cat"]


async def test_a_desk_without_threads_shows_what_was_written_on_the_card(desk: Desk) -> None:
    await desk.asks()
    await desk.here.says("ana", "He is big")
    await desk.press(WRITE, "Bring him")

    async def look(tx: Transaction) -> tuple[str, ...]:
        card = await tx.cards.get(desk.card)
        assert card is not None
        return (await view(tx, card, desk.here.libraries.current, ZoneInfo("UTC"))).lines

    assert (await desk.here.store.read(look))[-2:] == ("Ana: He is big", "Kim: Bring him")


async def test_words_for_the_bot_are_still_for_the_bot(desk: Desk) -> None:
    await desk.asks()
    assert "What can I do for you?" in (await desk.here.says("ana", "help"))[0]
    await desk.here.says("ana", "stop")
    assert await desk.here.says("ana", "Hello?") != [PASSED_ON]
    assert await desk.thread() == []


async def test_a_question_that_is_newer_than_their_talk_is_answered_and_not_passed_on(desk: Desk) -> None:
    await desk.asks()
    desk.here.watch.forward(timedelta(minutes=5))
    asked = await desk.here.says("ana", "start")
    assert asked
    await desk.here.says("ana", "1 and 3")
    heard = await desk.here.says("ana", "Leeds")
    assert PASSED_ON not in heard
    assert await desk.thread() == []


async def test_a_question_that_is_older_than_their_talk_does_not_swallow_it(desk: Desk) -> None:
    await desk.here.says("ana", "hello")
    desk.here.watch.forward(timedelta(minutes=5))
    await desk.asks()
    assert await desk.here.says("ana", "Is anybody there?") == [PASSED_ON]
    assert await desk.thread() == ["Is anybody there?"]
    assert PASSED_ON not in await desk.here.says("ana", "1 and 3"), "an answer that fits is still one"


async def test_who_is_handed_over_is_not_asked_by_the_bot_again_what_it_asked_before(desk: Desk) -> None:
    asked = await desk.here.says("ana", "hello")
    heard = await desk.here.says("ana", "human", "About my dog")
    assert len(heard) == 2
    assert asked[-1] not in heard


async def test_once_people_are_done_they_hear_it_and_nothing_is_passed_on(desk: Desk) -> None:
    await desk.asks()
    await desk.press(WRITE, "Bring him")
    await desk.press(DONE)
    assert desk.here.heard["ana"][-2:] == ["Kim of Leeds Together: Bring him", DONE_WITH]
    assert PASSED_ON not in await desk.here.says("ana", "Thank you")
    assert await desk.thread() == []


async def test_their_buddy_does_not_read_what_is_for_people(desk: Desk) -> None:
    await desk.introduced()
    desk.here.watch.forward(timedelta(hours=2))
    await desk.asks()
    await desk.here.says("ana", "I am worried about Sam")
    assert await desk.thread() == ["I am worried about Sam"]
    assert "worried" not in "".join(desk.here.heard["sam"])
    await desk.here.says("ana", "Sam: see you at six")
    assert desk.here.heard["sam"][-1] == "Ana: see you at six"
    assert await desk.thread() == ["I am worried about Sam"]


async def test_long_after_the_last_word_their_buddy_is_written_to_again(desk: Desk) -> None:
    await desk.introduced()
    desk.here.watch.forward(timedelta(hours=2))
    await desk.asks()
    desk.here.watch.forward(LATELY + timedelta(minutes=1))
    await desk.here.says("ana", "See you at six!")
    assert desk.here.heard["sam"][-1] == "Ana: See you at six!"
    await desk.press(WRITE, "I am back, Ana")
    await desk.here.says("ana", "Good")
    assert await desk.thread() == ["Good"]
