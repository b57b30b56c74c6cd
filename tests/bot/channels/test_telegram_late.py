"""What Telegram does not keep for long, with a whole bot on each database: every button has words that do the same."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.channels.telegram import Telegram
from bot.sender import Sender
from tests.bot.channels.on_telegram import TOKEN
from tests.bot.conftest import Talking
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_chats import Chat
from tests.bot.talking import Talk
from tests.waiting import PATIENCE

COMING = """
flow: coming
about: One question with buttons.
starts: {first_contact: true, words: [start]}
start: ask
states:
  ask: {ask: Coming?, choices: {yes: {label: I will, go: good}, no: {label: Not now, go: well}}}
  good: {say: "Good, see you.", end: yes}
  well: {say: Another time., end: no}
"""


async def test_whoever_pressed_while_the_bot_was_away_for_too_long_is_understood_when_they_write_it(
    talking: Talking,
) -> None:
    talk = await talking({"coming": COMING})
    async with TelegramServer() as server:
        bot = server.bot(TOKEN)
        ana = bot.chat(7, "Ana")
        channel = Telegram(TOKEN, "main", place_at=lambda lat, lon: "", api_base=server.url, pause=0.01)
        sender = Sender(talk.store, channel, talk.watch)
        try:
            async with hearing(channel, talk):
                ana.say("hello")
                await _sent(sender, ana, "Coming?")
            button = ana.sent[-1]["reply_markup"]["inline_keyboard"][0][0]
            ana.press(ana.sent[-1]["message_id"], button["callback_data"])
            server.later(151)
            talk.watch.forward(timedelta(seconds=151))
            async with hearing(channel, talk):
                ana.say(button["text"])
                await _sent(sender, ana, "Good, see you.")
        finally:
            await channel.close()
        texts = [message["text"] for message in ana.sent]
        assert texts == ["Coming?", "Good, see you."]


async def _sent(sender: Sender, chat: Chat, text: str) -> None:
    """The bot has written it there."""
    async with asyncio.timeout(PATIENCE):
        while text not in [message["text"] for message in chat.sent]:
            if not await sender.pass_once():
                await asyncio.sleep(0.01)


@asynccontextmanager
async def hearing(channel: Telegram, talk: Talk) -> AsyncIterator[None]:
    """The bot is there meanwhile."""
    task = asyncio.create_task(channel.listen(talk.turns.receive))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
