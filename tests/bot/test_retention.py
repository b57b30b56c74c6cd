"""What people are told of how long their words are kept is true."""

from datetime import timedelta

from bot.retention import Retention
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Talk
from tests.bot.test_turn import PLACE


async def bodies(talk: Talk) -> tuple[int, int]:
    """How many messages from and to Ana can still be read."""

    async def work(tx: Transaction) -> tuple[int, int]:
        person = await tx.people.by_address("web", "web", "ana")
        assert person is not None
        received = [each for each in await tx.inbox.history(person.id, 100) if each.body]
        return len(received), len([each for each in await tx.outbox.history(person.id, 0, 100) if each.say])

    return await talk.store.run(work)


async def test_messages_of_both_sides_go_after_their_days_and_not_before(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    retention = Retention(talk.store, talk.watch, days=30)
    await talk.say("hello")
    await talk.hears()
    there = await bodies(talk)
    assert min(there) > 0
    talk.watch.forward(timedelta(days=29))
    await retention.delete()
    assert await bodies(talk) == there
    talk.watch.forward(timedelta(days=2))
    await retention.delete()
    assert await bodies(talk) == (0, 0)


async def test_someone_whose_messages_are_gone_goes_on_where_they_were(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    await talk.say("hello")
    await talk.hears()
    talk.watch.forward(timedelta(days=31))
    await Retention(talk.store, talk.watch, days=30).delete()
    await talk.say("Leeds")
    assert await talk.hears()
