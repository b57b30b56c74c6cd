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


async def test_words_go_from_settled_cards_too_but_not_from_open_ones_nor_from_reports(talking: Talking) -> None:
    talk = await talking({"place": PLACE})
    retention = Retention(talk.store, talk.watch, days=30)
    await talk.say("hello")

    async def cards(tx: Transaction) -> dict[str, int]:
        person = await tx.people.by_address("web", "web", "ana")
        assert person is not None
        made = {
            kind: await tx.cards.add(kind, f"{kind}:1", person.id, {"about": "My dog"}) for kind in ("human", "report")
        }
        for card in made.values():
            await tx.cards.act(card, "done", "Kim")
            await tx.desks.begin("slack", card)
            await tx.desks.done("slack", card, f"C:{card}", "My dog", 0)
        return made | {"open": await tx.cards.add("told", "x:1", person.id, {"about": "My cat"})}

    made = await talk.store.run(cards)

    async def about() -> list[object]:
        async def look(tx: Transaction) -> list[object]:
            found = [await tx.cards.get(card) for card in made.values()]
            return [each.body.get("about") if each else None for each in found]

        return await talk.store.read(look)

    talk.watch.forward(timedelta(days=29))
    await retention.delete()
    assert await about() == ["My dog", "My dog", "My cat"]
    talk.watch.forward(timedelta(days=2))
    await retention.delete()
    assert await about() == [None, "My dog", "My cat"]
    changed = await talk.store.read(lambda tx: tx.desks.changed("slack", 9))
    assert [each.card.id for each in changed] == [made["human"]], "and the desk shows it without them"
