"""What a platform tells later of a message that it had taken: it arrived after all, or it did not."""

import random
from collections.abc import Callable
from datetime import datetime

from bot.channels.base import Channel, Receipt, SendFailed, Told
from bot.deliver import show, unreached
from bot.verdict import MOST_TRIES, back_off
from storage.store import Store
from storage.transaction import Transaction


def told_of(
    store: Store, channel: Channel, clock: Callable[[], datetime], chance: Callable[[], float] = random.random
) -> Told:
    """Whom a channel tells what became of its messages: it is stored where it changes anything."""

    async def told(message_id: int, reference: str, result: Receipt | SendFailed) -> None:
        async def work(tx: Transaction) -> None:
            if isinstance(result, Receipt):
                await tx.told.arrived(message_id, channel.name, channel.account, reference)
            else:
                await refused(tx, result)

        async def refused(tx: Transaction, why: SendFailed) -> None:
            found = await tx.told.refused(message_id, channel.name, channel.account, reference)
            if found is None or (why.until_heard and found.waits):
                return
            if why.until_heard:
                await tx.told.closed(message_id, found.address_id)
            elif why.final or found.tries + 1 >= MOST_TRIES:
                await tx.told.failed(message_id, why.reason)
                await show(tx, "failed_send", found.person_id, channel.name, why.reason)
                if why.final and not why.everyone:
                    await unreached(tx, found.person_id, found.address_id, message_id)
            else:
                pause = why.retry_after or back_off(found.tries, chance)
                await tx.told.again(message_id, clock() + pause, why.reason)

        await store.run(work)

    return told
