"""What a platform tells later, from the channel to the outbox and the desk; and what waits until people write."""

from datetime import timedelta

import pytest

from bot.channels.base import Inbound, Receipt, SendFailed
from bot.sender import Sender
from bot.told import told_of
from bot.verdict import PATIENCE
from flows.limits import WHATSAPP
from flows.model import Said
from storage.sending import CLOSED
from storage.transaction import Transaction
from tests.bot.conftest import Talking
from tests.bot.talking import Recorder, Talk, failed

ECHO = {
    "echo": """
flow: echo
starts: {first_contact: true}
start: ask
states:
  ask: {ask: And?, expect: text, save: last, go: ask}
"""
}


class OnWhatsApp:
    """Ana on WhatsApp, as the bot sees her."""

    def __init__(self, talk: Talk) -> None:
        self.talk, self.channel = talk, Recorder("whatsapp", "main", WHATSAPP)
        self.sender = Sender(talk.store, self.channel, talk.watch)
        self.told = told_of(talk.store, self.channel, talk.watch, lambda: 0.5)
        self.events = 0

    async def hear(self, text: str, address: str = "GB.1", **more: object) -> None:
        self.events += 1
        inbound = Inbound("whatsapp", "main", address, f"e{self.events}", Said(text), **more)  # type: ignore[arg-type]
        await self.talk.turns.receive(inbound)

    async def send(self) -> list[str]:
        """The texts that go out now."""
        before = len(self.channel.sent)
        self.talk.watch.forward(timedelta(seconds=1))
        while await self.sender.pass_once():
            self.talk.watch.forward(timedelta(seconds=1))
        return [text for _, text in self.channel.sent[before:]]

    async def reachable(self) -> bool:
        """Whether they are taken to be."""
        person = await self.talk.store.read(lambda tx: tx.people.by_address("whatsapp", "main", "GB.1"))
        return person is not None and person.reachable

    async def cards(self) -> list[str]:
        """Why something did not reach her, of each card that waits."""

        async def reasons(tx: Transaction) -> list[str]:
            return [str(card.body["reason"]) for card in await tx.cards.open(10) if card.kind == "failed_send"]

        return await self.talk.store.run(reasons)


@pytest.fixture
async def ana(talking: Talking) -> OnWhatsApp:
    return OnWhatsApp(await talking(ECHO))


async def test_what_waits_until_they_write_goes_out_before_the_answer(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(until_heard=True)]
    await ana.hear("hello")
    assert await ana.send() == []
    assert ana.channel.outbound[0].closed is False
    await ana.hear("again")
    assert await ana.send() == ["And?", "And?"]


async def test_a_press_on_the_template_brings_what_waits_and_nothing_else(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(until_heard=True)]
    await ana.hear("hello")
    assert await ana.send() == []
    await ana.hear("Read it", silent=True, formerly="447700900001")
    assert await ana.send() == ["And?"]
    await ana.hear("Read it", silent=True)
    assert await ana.send() == ["And?"], "where nothing waited they are answered"


async def test_stop_on_the_template_stops_and_nothing_that_waited_goes_out(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(until_heard=True)]
    await ana.hear("hello")
    assert await ana.send() == []
    await ana.hear("Stop", silent=True)
    (said,) = await ana.send()
    assert "won't hear from me again" in said


async def test_what_nobody_knocks_for_is_shown_at_the_desk(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(until_heard=True, final=True)]
    await ana.hear("hello")
    assert await ana.send() == []
    (words,) = await ana.cards()
    assert CLOSED in words


async def test_who_does_not_write_for_days_is_given_up_and_the_desk_hears_of_it(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(until_heard=True)]
    await ana.hear("hello")
    assert await ana.send() == []
    assert await ana.cards() == []
    ana.talk.watch.forward(PATIENCE + timedelta(seconds=1))
    assert await ana.send() == []
    (words,) = await ana.cards()
    assert "have not written for so long" in words


async def test_a_message_that_failed_after_it_was_taken_is_at_the_desk(ana: OnWhatsApp) -> None:
    await ana.hear("hello")
    assert await ana.send() == ["And?"]
    number = ana.channel.outbound[0].id
    await ana.told(number, f"r{number}", SendFailed("they blocked us", final=True))
    (words,) = await ana.cards()
    assert "they blocked us" in words
    await ana.told(number, f"r{number}", SendFailed("they blocked us", final=True))
    assert len(await ana.cards()) == 1
    assert not await ana.reachable()
    await ana.hear("hello again")
    assert await ana.reachable()


async def test_a_message_that_was_found_too_late_is_knocked_for_once(ana: OnWhatsApp) -> None:
    await ana.hear("hello")
    assert await ana.send() == ["And?"]
    number = ana.channel.outbound[0].id
    ana.channel.answers = [failed(until_heard=True)]
    for _ in range(2):
        await ana.told(number, f"r{number}", SendFailed("closed", until_heard=True))
        assert await ana.send() == []
    assert [message.closed for message in ana.channel.outbound] == [False, True]
    await ana.hear("Read it", silent=True)
    assert await ana.send() == ["And?"]


async def test_a_message_that_failed_for_now_is_sent_again_when_that_is_over(ana: OnWhatsApp) -> None:
    await ana.hear("hello")
    assert await ana.send() == ["And?"]
    number = ana.channel.outbound[0].id
    await ana.told(number, f"r{number}", SendFailed("busy", retry_after=timedelta(minutes=1)))
    assert await ana.send() == []
    ana.talk.watch.forward(timedelta(minutes=1))
    assert await ana.send() == ["And?"]


async def test_a_lost_answer_is_settled_by_what_is_told_later(ana: OnWhatsApp) -> None:
    ana.channel.answers = [failed(unknown=True)]
    await ana.hear("hello")
    assert await ana.sender.pass_once() == 1
    await ana.told(ana.channel.outbound[0].id, "r9", Receipt("r9"))
    ana.talk.watch.forward(timedelta(hours=1))
    assert await ana.send() == []


async def test_whoever_has_another_id_now_stays_the_same_person(ana: OnWhatsApp) -> None:
    await ana.hear("hello")
    await ana.hear("", "GB.2", formerly="GB.1", silent=True)
    await ana.hear("still me", "GB.2")
    assert await ana.send() == ["And?", "And?"]
    assert [address for address, _ in ana.channel.sent] == ["GB.2", "GB.2"]
    assert await ana.talk.ledger("wrote first") == 1


async def test_whoever_was_known_by_their_number_is_not_a_stranger_under_their_id(ana: OnWhatsApp) -> None:
    await ana.hear("hello", "447700900001")
    await ana.hear("me again", "GB.1", formerly="447700900001")
    await ana.hear("and again", "GB.1", formerly="447700900001")
    assert await ana.talk.ledger("wrote first") == 1


async def test_a_new_id_of_somebody_unknown_makes_nobody(ana: OnWhatsApp) -> None:
    await ana.hear("", "GB.2", formerly="GB.1", silent=True)
    assert await ana.send() == []
    assert await ana.talk.ledger("wrote first") == 0
