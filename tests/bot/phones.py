"""The telephones of people on the stand-ins and on a real homeserver: for a journey, one is like the other."""

import asyncio
import re
from collections.abc import Sequence
from typing import Protocol

from tests.bot.channels import test_slack_run, test_telegram_run
from tests.bot.channels.on_matrix import bubbles_in
from tests.bot.channels.test_matrix_run import Talker
from tests.bot.standins.slack_people import Person as OnSlack
from tests.bot.standins.slack_rules import shown
from tests.bot.standins.telegram_chats import Chat
from tests.bot.standins.whatsapp_people import Person as OnWhatsApp
from tests.bot.standins.whatsapp_people import buttons, text_of
from tests.waiting import PATIENCE

LOOK = 0.05


class Screen(Protocol):
    """What every platform's telephone can do."""

    def say(self, text: str) -> None:
        """They write."""

    def press(self, label: str) -> None:
        """They choose what is called so, where it was offered last."""

    async def tick(self, numbers: Sequence[int]) -> None:
        """They choose these of the newest question, counted from 1, and hand them in."""

    def shown(self) -> list[str]:
        """What the bot wrote, oldest first."""


class TelegramScreen:
    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def say(self, text: str) -> None:
        self.chat.say(text)

    def press(self, label: str) -> None:
        test_telegram_run.press(self.chat, label)

    async def tick(self, numbers: Sequence[int]) -> None:
        asked = self.chat.sent[-1]["message_id"]
        for number in numbers:
            test_telegram_run.press(self.chat, test_telegram_run.labels(self.chat.messages[asked])[number - 1])
        self.press("Done")

    def shown(self) -> list[str]:
        return [message.get("text") or message.get("caption", "") for message in self.chat.sent]


class SlackScreen:
    def __init__(self, person: OnSlack) -> None:
        self.person = person

    def say(self, text: str) -> None:
        self.person.say(text)

    def press(self, label: str) -> None:
        test_slack_run.press(self.person, label)

    async def tick(self, numbers: Sequence[int]) -> None:
        await test_slack_run.tick(self.person, *(number - 1 for number in numbers))

    def shown(self) -> list[str]:
        return [shown(message)[0] for message in self.person.sent]


class WhatsAppScreen:
    def __init__(self, person: OnWhatsApp) -> None:
        self.person = person

    def say(self, text: str) -> None:
        self.person.say(text)

    def press(self, label: str) -> None:
        for message in reversed(self.person.sent):
            for title in (each["title"] for each in buttons(message)):
                if label in title:
                    self.person.press(message, title)
                    return
            for number, listed in re.findall(r"^  (\d+)\. (.*)$", text_of(message), re.MULTILINE):
                if label in listed:
                    self.say(number)
                    return
        raise AssertionError(f"{label!r} is nowhere")

    async def tick(self, numbers: Sequence[int]) -> None:
        self.say(" and ".join(map(str, numbers)))

    def shown(self) -> list[str]:
        return self.person.words


class MatrixScreen:
    def __init__(self, talker: Talker) -> None:
        self.talker = talker

    def say(self, text: str) -> None:
        self.talker.say(text)

    def press(self, label: str) -> None:
        talker = self.talker
        for bubble in reversed(bubbles_in(talker.hands.messages(talker.user, talker.room), talker.bot)):
            for number, choice in enumerate(bubble.choices, 1):
                if label in choice:
                    self.say(str(number))
                    return
        raise AssertionError(f"{label!r} is nowhere")

    async def tick(self, numbers: Sequence[int]) -> None:
        self.say(" and ".join(map(str, numbers)))

    def shown(self) -> list[str]:
        return self.talker.heard


class Phone:
    """Someone and their telephone; they read what is new from the top, and skip what they do not wait for."""

    def __init__(self, name: str, screen: Screen) -> None:
        self.name, self.screen = name, screen
        self._read = 0

    @property
    def first_name(self) -> str:
        return self.name.split()[0]

    async def hears(self, *words: str) -> str:
        """The next message that holds one of these, once it is there. Fails where it never is."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for place, text in enumerate(self.screen.shown()[self._read :], self._read):
                        if any(each in text for each in words):
                            self._read = place + 1
                            return text
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise AssertionError(
                f"{self.name} never heard {words!r}, but {self.screen.shown()[self._read :]}"
            ) from None

    async def asked(self, words: str, answer: str) -> None:
        """They are asked this, and write this."""
        await self.hears(words)
        self.screen.say(answer)

    async def offered(self, words: str, label: str) -> None:
        """They are asked this, and press this."""
        await self.hears(words)
        self.screen.press(label)

    async def ticks(self, words: str, *numbers: int) -> None:
        """They are asked this, and choose these."""
        await self.hears(words)
        await self.screen.tick(numbers)

    def times(self, words: str) -> int:
        """How often they were told this."""
        return sum(words in text for text in self.screen.shown())
