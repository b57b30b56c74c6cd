"""Who came, told afterwards by the host or by themselves: the starter flows, from the list to what counts."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.codes import code
from storage.signups import Signup
from storage.store import Store, Transaction
from tests.bot.neighbourhood import Neighbourhood
from tests.databases import Watch

SATURDAY = datetime(2026, 3, 7, 11, tzinfo=UTC)
END, HOUR, DAY = SATURDAY + timedelta(hours=2), timedelta(hours=1), timedelta(days=1)


class Group(Neighbourhood):
    """Sam hosts a clean-up on Saturday."""

    async def begin(self, *people: str) -> int:
        """These sign up for it; its number."""
        await self.libraries.begin()
        number = await self.action(await self.buddy("sam", capacity=0), SATURDAY)
        for who in people:
            await self.comes(who, number)
        self.watch.now = SATURDAY
        return number

    async def comes(self, who: str, number: int) -> None:
        """They are on a list from now on."""

        async def work(tx: Transaction) -> None:
            person = await tx.people.add("web", "web", who, "en")
            await tx.people.save(person.id, {"name": who.title(), "consented": ("keep",), "place": "Leeds"})
            await tx.actions.sign_up(number, person.id, "yes")

        await self.store.run(work)

    async def at(self, moment: datetime) -> None:
        """It is then, and what is due by then happens."""
        self.watch.now = moment
        await self.settle()

    async def signup(self, number: int, who: str) -> Signup:
        person = await self.person(who)
        assert person is not None
        found = await self.store.read(lambda tx: tx.actions.signup(number, person.id))
        assert found is not None
        return found

    async def attended(self, who: str) -> int:
        person = await self.person(who)
        assert person is not None
        count = person.fields.get("attended") or 0
        assert isinstance(count, int)
        assert (await self.life(who)).count("checkin.made") == count
        return count

    async def asked(self) -> tuple[str, ...]:
        """The names from which Sam may choose, as they were shown last."""
        shown = [each.say for each in self.channel.outbound if each.address == "sam" and "see at" in each.say.text]
        return tuple(choice.label for choice in shown[-1].choices) if shown else ()


@pytest.fixture
def here(store: Store, watch: Watch) -> Group:
    return Group(store, watch)


async def test_the_host_presses_who_came_and_only_the_others_are_asked(here: Group) -> None:
    number = await here.begin("ana", "ben", "cleo")
    await here.says("cleo", "code", "4821")
    await here.at(END + HOUR)
    assert await here.asked() == ("Ana", "Ben")
    assert (await here.says("sam", "Ana"))[-1].startswith("Thank you! It's noted")
    assert (await here.signup(number, "ana")).checked_in_at is not None
    assert [await here.attended(who) for who in ("ana", "ben", "cleo")] == [1, 0, 1]
    await here.at(END + DAY + HOUR)
    await here.at(END + DAY + 4 * HOUR)
    missed = {who for who in ("ana", "ben", "cleo") if any("We missed you" in text for text in here.heard[who])}
    thanked = {who for who in ("ana", "ben", "cleo") if any(text.startswith("How was") for text in here.heard[who])}
    assert (missed, thanked) == ({"ben"}, {"ana", "cleo"})


async def test_the_host_is_told_the_code_of_the_hour_whenever_they_ask(here: Group) -> None:
    number = await here.begin("ana")
    action = await here.store.read(lambda tx: tx.actions.get(number))
    assert action is not None
    for hours in (-3, 0, 2, 14):
        here.watch.now = SATURDAY + hours * HOUR
        await here.say("code", "sam")
        ((_, told),) = await here.send()
        assert told.startswith(f"Clean up the canal: the code is *{code(action, here.watch.now)}* now.")
        assert here.channel.outbound[-1].say.attach == f"qr:{number}"
    here.watch.now = SATURDAY + 15 * HOUR
    await here.say("code", "sam")
    assert [text[:14] for _, text in await here.send()] == ["Are you there?"]


async def test_the_name_of_somebody_who_is_forgotten_goes_from_the_hosts_list(here: Group) -> None:
    await here.begin("ana", "ben")
    await here.at(END + HOUR)
    sam = (await here.loaded("sam")).person.id

    async def shown() -> bool:
        sent = await here.store.read(lambda tx: tx.outbox.history(sam, 0, 100))
        return any("Ana" in choice.label for each in sent if each.say for choice in each.say.choices)

    assert await shown()
    await here.says("ana", "forget me", "yes")
    assert not await shown()


async def test_what_they_say_themselves_counts_and_agrees_with_the_host_in_either_order(here: Group) -> None:
    number = await here.begin("ana", "ben")
    await here.at(END + HOUR)
    await here.at(END + DAY + HOUR)
    await here.says("ana", "But I was there!")
    assert [await here.attended(who) for who in ("ana", "ben")] == [1, 0]
    at = (await here.signup(number, "ana")).checked_in_at
    sam = await here.person("sam")
    assert sam is not None
    body = {"flow": "who_came", "action": str(number)}
    await here.store.run(lambda tx: tx.inbox.put("test", "again", sam.id, "begin", body))
    await here.settle()
    assert await here.asked() == ("Ben",)
    await here.says("sam", "all of them")
    await here.says("ben", "But I was there!")
    assert [await here.attended(who) for who in ("ana", "ben")] == [1, 1]
    assert (await here.signup(number, "ana")).checked_in_at == at
    assert await here.cards() == []


async def test_a_host_of_two_actions_is_asked_about_each_alone(here: Group) -> None:
    await here.begin("ana")
    sam = await here.person("sam")
    assert sam is not None
    other = await here.action(sam.id, SATURDAY + 2 * HOUR, title="Plant trees")
    await here.comes("ben", other)
    for moment in (SATURDAY, SATURDAY + HOUR):
        await here.at(moment)
    await here.at(END + HOUR)
    assert await here.asked() == ("Ana",)
    await here.says("sam", "1")
    await here.at(END + 3 * HOUR)
    assert await here.asked() == ("Ben",)
    assert [await here.attended(who) for who in ("ana", "ben")] == [1, 0]


async def test_nobody_is_asked_where_everybody_typed_the_code(here: Group) -> None:
    await here.begin("ana")
    await here.says("ana", "code", "4821")
    await here.at(END + 3 * HOUR)
    assert await here.asked() == ()


async def test_who_was_forgotten_since_holds_up_nobody(here: Group) -> None:
    await here.begin("ana", "ben")
    await here.at(END + HOUR)
    assert await here.asked() == ("Ana", "Ben")
    await here.says("ana", "forget me", "yes")
    assert await here.person("ana") is None
    assert (await here.says("sam", "1 and 2"))[-1].startswith("Thank you! It's noted")
    assert await here.attended("ben") == 1


async def test_only_the_host_sees_the_list_and_marks_from_it(here: Group) -> None:
    number = await here.begin("ana", "ben")
    await here.at(END + HOUR)
    ben = await here.person("ben")
    assert ben is not None
    body = {"flow": "who_came", "action": str(number)}
    await here.store.run(lambda tx: tx.inbox.put("test", "not the host", ben.id, "begin", body))
    before = len(here.heard["ben"])
    await here.settle()
    assert here.heard["ben"][before:] == []


async def test_the_turn_of_the_host_writes_nobody_else(here: Group) -> None:
    number = await here.begin("ana")
    await here.at(END + HOUR)
    await here.say("Ana", "sam")
    assert (await here.signup(number, "ana")).checked_in_at is None
    await here.handover.drain()
    assert (await here.signup(number, "ana")).checked_in_at is not None
