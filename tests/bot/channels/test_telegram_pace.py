"""The sender and the channel together, against a Telegram that refuses whoever is too fast."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path

from bot.channels.telegram import Telegram
from bot.sender import Sender, utc_now
from flows.model import Say
from storage.outbox import BROADCAST
from storage.store import Store, Transaction
from tests.bot.channels.on_telegram import TOKEN, district
from tests.bot.standins.telegram import TelegramServer

PEOPLE, EACH = 80, 2


async def test_thirty_a_second_are_sent_and_telegram_never_has_to_refuse_one(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'd.db'}", tmp_path / "key", clock=utc_now)
    async with TelegramServer(pace=True) as server:
        chats = [server.bot(TOKEN).chat(1000 + number, "Ana") for number in range(PEOPLE)]
        channel = Telegram(TOKEN, place_at=district, api_base=server.url)

        async def work(tx: Transaction) -> None:
            for chat in chats:
                person = await tx.people.add("telegram", "main", str(chat.id), "en")
                says = [Say(f"message {number}") for number in range(EACH)]
                await tx.outbox.add(person, person.address_id, None, says, priority=BROADCAST)

        await store.run(work)
        task, begun = asyncio.create_task(Sender(store, channel, utc_now).run()), time.monotonic()
        async with asyncio.timeout(60):
            while any(len(chat.sent) < EACH for chat in chats):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        took = time.monotonic() - begun
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await channel.close()
        await store.close()
        assert server.refused_for_pace == 0
        assert took > (PEOPLE * EACH - 40) / 30
        assert all([message["text"] for message in chat.sent] == ["message 0", "message 1"] for chat in chats)
