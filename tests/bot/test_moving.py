"""A lost account, on each database: Telegram is gone, and some of its people have the chat page too."""

from datetime import timedelta

import pytest

from bot import moving
from bot.do.base import Turn
from flows import phrases
from flows.model import Library, Say
from storage.cards import OVER
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import failed
from tests.bot.test_other_phone import HELLO, LATER, Phones

GONE, PAGE = ("telegram", "main"), ("web", "web")
MOVED = phrases.MOVED


async def known(bot: Phones, who: str, *, page: bool = False) -> int:
    """Someone who wrote on Telegram last, and perhaps has the chat page too; their number."""
    await bot.say("hello", who=who)
    await bot.hears(who=who)
    loaded = await bot.loaded(GONE, who)
    assert loaded is not None
    if page:
        await bot.talk.store.run(lambda tx: tx.people.add_address(loaded.person.id, *PAGE, f"page {who}"))
    return loaded.person.id


async def move(bot: Phones, number: int, to: moving.Account | None = None) -> int:
    """Moves them, as the command does."""

    async def work(tx: Transaction) -> int:
        await moving.lose(tx, GONE)
        loaded = await tx.people.load(number)
        assert loaded is not None
        person = loaded.person
        turn = Turn(tx=tx, world=bot.talk.world, library=Library({}), person=person, fields=dict(person.fields))
        return await moving.over(turn, GONE, to)

    return await bot.talk.store.run(work)


async def left(bot: Phones, number: int, *texts: str) -> None:
    """These wait for them, where they are written to now."""

    async def work(tx: Transaction) -> None:
        loaded = await tx.people.load(number)
        assert loaded is not None
        await tx.outbox.add(loaded.person, loaded.person.address_id, None, [Say(text) for text in texts])

    await bot.talk.store.run(work)


@pytest.fixture
async def bot(talking: Talking) -> Phones:
    return Phones(await talking({"hello": HELLO, "later": LATER}))


async def test_what_waits_failed_or_is_held_goes_out_once_at_the_other_address_in_its_order(bot: Phones) -> None:
    number = await known(bot, "7", page=True)
    await left(bot, number, "refused before")
    bot.telegram.answers = [failed(final=True)]
    await bot.hears()
    await left(bot, number, "went through")
    assert await bot.hears() == ["went through"]
    await left(bot, number, "lost", "x" * 5000, "waits")
    bot.telegram.answers = [failed(final=True), failed(retry_after=timedelta(hours=1))]
    bot.talk.watch.forward(timedelta(seconds=5))
    assert await bot.hears() == []
    assert await move(bot, number) == 3
    assert await bot.hears("web", "page 7") == [MOVED, "lost", "x" * 5000, "waits"]
    bot.talk.watch.forward(timedelta(days=1))
    assert await bot.hears() == []
    assert await move(bot, number) == 0
    assert await bot.hears("web", "page 7") == []
    cards = await bot.talk.store.run(lambda tx: tx.cards.newest(9))
    assert {card.state for card in cards if card.kind == "failed_send"} == {OVER}


async def test_what_is_on_the_wire_stays_until_it_has_come_back_or_is_surely_lost(bot: Phones) -> None:
    number = await known(bot, "7", page=True)
    await left(bot, number, "on the wire")
    await bot.talk.store.run(lambda tx: tx.outbox.claim(*GONE, 9, "another process"))
    assert await move(bot, number) == 0
    assert (await bot.talk.store.run(lambda tx: tx.outbox.stranded_at(*GONE))) == (0, 1)
    assert await bot.hears("web", "page 7") == [MOVED]
    bot.talk.watch.forward(timedelta(minutes=4))
    assert (await bot.talk.store.run(lambda tx: tx.outbox.stranded_at(*GONE))) == (1, 0)
    assert await move(bot, number) == 1
    assert await bot.hears("web", "page 7") == ["on the wire"]


async def test_what_begins_by_itself_goes_to_the_other_address_from_then_on(bot: Phones) -> None:
    number = await known(bot, "7", page=True)
    await bot.say("/later", who="7")
    await move(bot, number)
    await bot.hears("web", "page 7")
    bot.talk.watch.forward(timedelta(hours=2))
    await bot.talk.tick()
    assert (await bot.hears("web", "page 7"), await bot.hears()) == (["It is time."], [])


async def test_a_message_too_long_for_the_other_channel_becomes_several(bot: Phones) -> None:
    await bot.say("hello", "web", "w")
    await bot.hears("web", "w")
    loaded = await bot.loaded(PAGE, "w")
    assert loaded is not None
    number = loaded.person.id
    await left(bot, number, f"{'a ' * 2500}end")

    async def work(tx: Transaction) -> int:
        await tx.people.add_address(number, *GONE, "7")
        found = await tx.people.load(number)
        assert found is not None
        turn = Turn(tx=tx, world=bot.talk.world, library=Library({}), person=found.person, fields={})
        return await moving.over(turn, PAGE, None)

    assert await bot.talk.store.run(work) == 1
    assert [len(text) <= 4096 for text in await bot.hears()] == [True, True, True]


async def test_who_comes_over_later_gets_then_what_they_did_not_get(bot: Phones) -> None:
    number = await known(bot, "7")
    assert await move(bot, number) == 0
    await left(bot, number, "while you were away")
    code = "a-link-of-their-own"
    await bot.talk.store.run(lambda tx: tx.links.make(number, code, tx.now + timedelta(days=1)))
    await bot.say(f"/start {code}", "web", "w")
    assert (await bot.hears("web", "w"))[0] == "while you were away"
    assert await bot.hears() == []


async def test_a_link_also_brings_whoever_wrote_as_a_stranger_before_they_opened_it(bot: Phones) -> None:
    number = await known(bot, "7")
    await bot.say("hello", "web", "w")
    code = "a-link-of-their-own"
    await bot.talk.store.run(lambda tx: tx.links.make(number, code, tx.now + timedelta(days=1)))
    await bot.say(f"/start {code}", "web", "w")
    loaded = await bot.loaded(PAGE, "w")
    assert loaded is not None
    assert loaded.person.id == number


async def test_the_plan_tells_who_can_be_written_to_where_and_leaves_those_alone_who_stopped(bot: Phones) -> None:
    ana, bo, cleo = await known(bot, "1", page=True), await known(bot, "2"), await known(bot, "3")
    await bot.talk.store.run(lambda tx: tx.people.add_address(ana, "telegram", "south", "1"))
    await bot.say("stop", who="3")
    await bot.hears(who="3")
    await left(bot, bo, "waits")

    async def plan(tx: Transaction) -> list[moving.Plan]:
        return [await moving.plan(tx, GONE, to) for to in (None, PAGE)]

    newest, wished = await bot.talk.store.read(plan)
    assert newest == moving.Plan({("telegram", "south"): [ana]}, [bo], 1, 1)
    assert wished.elsewhere == {PAGE: [ana]}
    await move(bot, cleo)
    assert await bot.hears("web", "page 3") == []


async def test_an_account_that_is_lost_too_is_no_place_to_move_to(bot: Phones) -> None:
    number = await known(bot, "7", page=True)
    await bot.talk.store.run(lambda tx: moving.lose(tx, PAGE))
    assert (await bot.talk.store.read(lambda tx: moving.plan(tx, GONE, None))).nowhere == [number]
    await bot.talk.store.run(lambda tx: moving.lose(tx, PAGE))
    assert await bot.talk.store.read(moving.lost) == [PAGE]
