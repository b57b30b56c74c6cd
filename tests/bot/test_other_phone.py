"""One person on several phones, on each database: Telegram is where Ana is known, the chat page is her other phone."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from bot.channels.base import Inbound
from bot.phone_codes import GOOD_FOR
from bot.sender import Sender
from flows import phrases
from flows.limits import TELEGRAM
from flows.model import Said
from storage.errors import KeyDestroyed
from storage.people import STOPPED, Loaded
from storage.store import Transaction
from tests.bot.conftest import Talking
from tests.bot.nursery import begun
from tests.bot.running import free_port, visitor, write_config
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_chats import Chat
from tests.bot.talking import Recorder, Talk
from tests.waiting import PATIENCE, until

HELLO = """
flow: hello
about: Asks, keeps, and asks for several.
starts: {first_contact: true, words: [start]}
start: name
states:
  name: {ask: What is your name?, expect: text, save: me.name, go: consent}
  consent: {ask: May I keep that?, choices: {yes: {label: "Yes", go: kept}, no: {label: "No", go: done}}}
  kept: {do: record_consent, with: {to: keep}, go: several}
  several: {ask: What do you like?, choose: many, choices: {sun: Sun, rain: Rain, snow: Snow}, save: me.likes, go: done}
  done: {say: "So you like {{ me.likes | list }}.", end: done}
"""
LATER = """
flow: later
about: Something that begins by itself, an hour after the word.
starts: {words: [later]}
start: soon
states:
  soon: {wait: 1 hour, go: now}
  now: {say: It is time., end: done}
"""
TELEGRAM_HERE, WEB_HERE = ("telegram", "main"), ("web", "web")


@dataclass
class Phones:
    """A bot that people reach on two channels. Who they are is (channel, address)."""

    talk: Talk
    telegram: Recorder = field(default_factory=lambda: Recorder("telegram", "main", TELEGRAM))
    events: Any = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.sender = Sender(self.talk.store, self.telegram, self.talk.watch)

    async def say(self, text: str, where: str = "telegram", who: str = "7", **more: Any) -> None:
        account = "main" if where == "telegram" else "web"
        inbound = Inbound(where, account, who, f"{where}{next(self.events)}", Said(text, **more))
        await self.talk.turns.receive(inbound)
        await self.talk.handover.drain()

    async def hears(self, where: str = "telegram", who: str = "7") -> list[str]:
        """What comes there now."""
        channel, sender = (self.telegram, self.sender) if where == "telegram" else (self.talk.channel, self.talk.sender)
        before = len(channel.sent)
        while await sender.pass_once():
            # Each chat is paced: time passes between two of its messages.
            self.talk.watch.forward(timedelta(seconds=2))
        return [text for address, text in channel.sent[before:] if address == who]

    async def code(self, where: str = "telegram", who: str = "7") -> str:
        """Asks for one."""
        await self.say("other phone", where, who)
        found = [re.findall(r"\*(\w{4}-\w{4})\*", text) for text in await self.hears(where, who)]
        return next(str(each[0]) for each in found if each)

    async def loaded(self, where: tuple[str, str], who: str) -> Loaded | None:
        return await self.talk.store.run(lambda tx: tx.people.lock_and_load(*where, who))

    async def ana(self) -> int:
        """Ana, who has consented on Telegram and is asked what she likes; her number."""
        for said in ("hello", "Ana", "yes"):
            await self.say(said)
        await self.hears()
        loaded = await self.loaded(TELEGRAM_HERE, "7")
        assert loaded is not None
        return loaded.person.id

    async def both(self) -> int:
        """The same, on the chat page too; all that was said of it has been heard."""
        number = await self.ana()
        await self.say(await self.code(), "web", "w")
        await self.hears()
        await self.hears("web", "w")
        return number


Make = Callable[[], Awaitable[Phones]]


@pytest.fixture
def phones(talking: Talking) -> Make:
    async def make() -> Phones:
        return Phones(await talking({"hello": HELLO, "later": LATER}))

    return make


async def test_who_writes_their_code_on_another_phone_is_the_same_person_there_with_the_open_question(
    phones: Make,
) -> None:
    bot = await phones()
    number = await bot.ana()
    code = await bot.code()
    await bot.say(code, "web", "w")
    here = phrases.SAME_PERSON.replace("{name}", "Ana")
    assert await bot.hears("web", "w") == [here, "What do you like?"]
    assert await bot.hears() == [phrases.OTHER_PHONE_JOINED.replace("{where}", "Web")]
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert (loaded.person.id, loaded.person.fields["name"]) == (number, "Ana")
    await bot.say("sun and snow", "web", "w")
    assert await bot.hears("web", "w") == ["So you like sun and snow."]
    assert await bot.hears() == []


@pytest.mark.parametrize("form", ["{}", " {} ", "*{}*", "/start {}"])
async def test_a_code_is_read_however_it_is_written(phones: Make, form: str) -> None:
    bot = await phones()
    number = await bot.ana()
    code = await bot.code()
    await bot.say(form.format(code.upper().replace("-", " ")), "web", "w")
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert loaded.person.id == number


async def test_a_stranger_who_only_wrote_becomes_who_they_are_and_is_counted_once(phones: Make) -> None:
    bot = await phones()
    number = await bot.ana()
    for said in ("hi", "Nobody"):
        await bot.say(said, "web", "w")
    await bot.hears("web", "w")
    stranger = await bot.loaded(WEB_HERE, "w")
    await bot.say(await bot.code(), "web", "w")
    assert (await bot.hears("web", "w"))[-1] == "What do you like?"
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert stranger is not None
    assert (loaded.person.id, loaded.person.fields["name"], len(loaded.conversations)) == (number, "Ana", 1)

    async def work(tx: Transaction) -> tuple[object, list[str]]:
        since = bot.talk.watch.now - timedelta(days=1)
        counts = await tx.ledger.counts(since, bot.talk.watch.now + timedelta(days=1))
        assert await tx.people.get(stranger.person.id) is None
        return counts["wrote first"], [each.channel for each in await tx.addresses.of(number)]

    assert await bot.talk.store.run(work) == ((2, 1), ["telegram", "web"])


async def test_somebody_who_has_agreed_to_something_stays_who_they_are(phones: Make) -> None:
    bot = await phones()
    await bot.ana()
    for said in ("hi", "Bo", "yes"):
        await bot.say(said, "web", "w")
    await bot.hears("web", "w")
    before = await bot.loaded(WEB_HERE, "w")
    code = await bot.code()
    await bot.say(code, "web", "w")
    assert await bot.hears("web", "w") == [phrases.SOMEBODY_ELSE]
    assert await bot.loaded(WEB_HERE, "w") == before
    await bot.say("hello", "web", "fresh")
    await bot.hears("web", "fresh")
    await bot.say(code, "web", "fresh")
    assert phrases.SAME_PERSON.replace("{name}", "Ana") in await bot.hears("web", "fresh")


async def test_a_code_is_good_once_for_an_hour_and_not_where_it_was_asked_for(phones: Make) -> None:
    bot = await phones()
    await bot.ana()
    code = await bot.code()
    await bot.say(code)
    assert await bot.hears() == [phrases.OWN_CODE]
    await bot.say(code, "web", "w")
    await bot.say(code, "web", "other")
    assert await bot.hears("web", "other") == [phrases.UNKNOWN_CODE]
    late = await bot.code()
    bot.talk.watch.forward(GOOD_FOR)
    await bot.say(late, "web", "late")
    assert phrases.UNKNOWN_CODE in await bot.hears("web", "late")


async def test_who_guesses_is_not_listened_to_for_an_hour(phones: Make) -> None:
    bot = await phones()
    number = await bot.ana()
    for guess in ("bbbb-bbbb", "cccc-cccc", "dddd dddd", "ffff2222", "gggg-3333"):
        await bot.say(guess, "web", "w")
        assert (await bot.hears("web", "w"))[0] == phrases.UNKNOWN_CODE
    code = await bot.code()
    await bot.say(code, "web", "w")
    assert await bot.hears("web", "w") == [phrases.TOO_MANY_CODES]
    bot.talk.watch.forward(timedelta(hours=1))
    await bot.say(await bot.code(), "web", "w")
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert loaded.person.id == number


async def test_what_looks_like_a_code_may_be_the_answer_to_an_open_question(phones: Make) -> None:
    bot = await phones()
    await bot.say("hi", "web", "w")
    await bot.say("bcdf-2345", "web", "w")
    assert await bot.hears("web", "w") == ["What is your name?", "May I keep that?"]


async def test_answers_go_where_they_wrote_and_what_begins_by_itself_where_they_wrote_last(phones: Make) -> None:
    bot = await phones()
    await bot.both()
    await bot.say("later", "web", "w")
    await bot.say("help")
    assert [text[:7] for text in await bot.hears()] == ["What ca"]
    bot.talk.watch.forward(timedelta(hours=2))
    await bot.talk.tick()
    assert (await bot.hears(), await bot.hears("web", "w")) == (["It is time."], [])
    await bot.say("later")
    await bot.say("help", "web", "w")
    await bot.hears("web", "w")
    bot.talk.watch.forward(timedelta(hours=2))
    await bot.talk.tick()
    assert (await bot.hears(), await bot.hears("web", "w")) == ([], ["It is time."])


async def test_a_button_counts_wherever_it_is_pressed_and_no_message_of_another_channel_is_changed(
    phones: Make,
) -> None:
    bot = await phones()
    await bot.both()
    asked = bot.talk.channel.outbound[-1]
    press: dict[str, Any] = {"question": asked.say.question, "conversation": asked.conversation}
    await bot.say("", choice="sun", **press)
    await bot.hears()
    shown = bot.telegram.outbound[-1]
    assert (shown.say.text, shown.say.picked) == ("What do you like?", ("sun",))
    theirs = {f"r{each.id}" for each in bot.telegram.outbound}
    assert {each.replaces for each in bot.telegram.outbound} <= {"", *theirs}
    await bot.say("", "web", "w", choice="snow", **press)
    await bot.hears("web", "w")
    changed = bot.talk.channel.outbound[-1]
    assert (changed.replaces, changed.say.picked) == (f"r{asked.id}", ("sun", "snow"))


async def test_two_phones_at_once_are_one_person_whose_turns_follow_each_other(phones: Make) -> None:
    bot = await phones()
    number = await bot.both()
    says = [bot.say("later", *where) for where in (("telegram", "7"), ("web", "w")) for _ in range(6)]
    await asyncio.gather(*says)

    async def work(tx: Transaction) -> Counter[str]:
        assert sum(each.preferred for each in await tx.addresses.of(number)) == 1
        return Counter(line.what for line in await tx.ledger.of(number))

    assert (await bot.talk.store.run(work))["began"] == 12 + 2
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert len(loaded.conversations) == 2


async def test_what_a_stranger_writes_while_they_become_somebody_else_is_taken_once(phones: Make) -> None:
    bot = await phones()
    number = await bot.ana()
    code = await bot.code()
    await bot.say("hi", "web", "w")

    async def press(event: str) -> None:
        """As a platform does: what could not be taken comes again."""
        while True:
            with suppress(KeyDestroyed):
                return await bot.talk.turns.receive(Inbound("web", "web", "w", event, Said("help")))

    await asyncio.gather(bot.say(code, "web", "w"), *(press(f"help{each % 3}") for each in range(6)))
    await bot.talk.handover.drain()
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert loaded.person.id == number


async def test_stop_on_one_phone_is_stop_on_all_and_is_confirmed_where_it_was_written(phones: Make) -> None:
    bot = await phones()
    await bot.both()
    await bot.say("later")
    await bot.say("stop", "web", "w")
    assert (await bot.hears(), len(await bot.hears("web", "w"))) == ([], 1)
    bot.talk.watch.forward(timedelta(hours=2))
    await bot.talk.tick()
    assert (await bot.hears(), await bot.hears("web", "w")) == ([], [])
    loaded = await bot.loaded(TELEGRAM_HERE, "7")
    assert loaded is not None
    assert loaded.person.status == STOPPED
    await bot.say("how are you?")
    assert await bot.hears() == [phrases.STOPPED]


async def test_who_has_stopped_may_still_come_with_another_phone_and_stays_left_alone(phones: Make) -> None:
    bot = await phones()
    await bot.ana()
    await bot.say("stop")
    await bot.hears()
    await bot.say(await bot.code(), "web", "w")
    assert await bot.hears("web", "w") == [phrases.SAME_PERSON.replace("{name}", "Ana")]
    loaded = await bot.loaded(WEB_HERE, "w")
    assert loaded is not None
    assert loaded.person.status == STOPPED


async def test_forget_me_forgets_every_address_and_no_code_brings_them_back(phones: Make) -> None:
    bot = await phones()
    number = await bot.both()
    code = await bot.code()
    await bot.say("forget me", "web", "w")
    await bot.say("yes", "web", "w")
    await bot.hears("web", "w")
    await bot.say(code, "web", "late")
    assert (await bot.hears("web", "late"))[0] == phrases.UNKNOWN_CODE
    bot.talk.watch.forward(timedelta(minutes=2))
    await bot.talk.tick()
    assert await bot.loaded(TELEGRAM_HERE, "7") is None
    assert await bot.loaded(WEB_HERE, "w") is None
    assert await bot.talk.store.run(lambda tx: tx.addresses.of(number)) == []


@pytest.mark.slow
async def test_a_code_from_telegram_opens_the_same_conversation_on_the_chat_page(tmp_path: Path) -> None:
    async with TelegramServer() as server:
        ana = server.bot("1:one").chat(7, "Ana")
        more = f'[channels.telegram]\ntoken = "1:one"\napi_base = "{server.url}"\n'
        port = free_port()
        process = await begun(write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port, {"hello": HELLO}, more))
        try:
            ana.say("hello")
            await written(ana, "What is your name?")
            ana.say("Ana")
            await written(ana, "May I keep that?")
            ana.say("other phone")
            await written(ana, "Write this to me")
            code = re.findall(r"\w{4}-\w{4}", ana.sent[-1]["text"])[0]
            async with visitor(port, "ana") as page:
                await page.say(code)
                async with asyncio.timeout(PATIENCE):
                    while "May I keep that?" not in page.heard[-1:]:
                        await page.look()
                await page.say("yes")
                async with asyncio.timeout(PATIENCE):
                    while "What do you like?" not in page.heard:
                        await page.look()
            await written(ana, phrases.OTHER_PHONE_JOINED.replace("{where}", "Web").replace("*", ""))
            for message in ana.sent:
                for row in message.get("reply_markup", {}).get("inline_keyboard", []):
                    assert [button["text"] for button in row] in (["Yes", "No"], ["No more messages"])
            ana.say("rain")
            await written(ana, "So you like rain.")
        finally:
            process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)


async def written(chat: Chat, text: str) -> None:
    """The bot wrote it there."""
    await until(lambda: any(message["text"].startswith(text) for message in chat.sent))
