"""What a person and the bot said to each other, as the web channel shows it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from bot.channels.web import Line
from storage.inbox import Received
from storage.outbox import Sent
from storage.store import Store
from storage.transaction import Transaction

_VISIBLE = ("claimed", "sent")
_MOST = 1000


class StoredHistory:
    """Reads both sides of a conversation from the store. A cursor is "INBOX.OUTBOX", the newest number seen of each."""

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        """The lines after a cursor ("" for all), oldest first, at most the newest `limit`; and the cursor after them."""

        async def work(tx: Transaction) -> tuple[list[Received], list[Sent]]:
            person = await tx.people.by_address("web", self._account, address)
            if person is None:
                return [], []
            return await tx.inbox.history(person.id, limit), await tx.outbox.history(person.id, 0, _MOST)

        received, sent = await self._store.read(work)
        visible = [message for message in sent if message.state in _VISIBLE and message.say is not None]
        labels = _labels(visible)
        seen_in, seen_out = _numbers(after)
        mine: list[tuple[datetime, int, int, Line]]
        mine = [(event.arrived_at, 0, event.id, _mine(event, labels)) for event in received if event.kind == "said"]
        bots = [(message.created_at, 1, message.id, _bots(message)) for message in visible]
        fresh = [each for each in mine if each[2] > seen_in] + [each for each in bots if each[2] > seen_out]
        lines = [line for *_, line in sorted(fresh, key=lambda each: each[:3])][-limit:]
        newest = f"{max([seen_in, *(each[2] for each in mine)])}.{max([seen_out, *(each[2] for each in bots)])}"
        return lines, newest


def _numbers(cursor: str) -> tuple[int, int]:
    first, _, second = cursor.partition(".")
    return (int(first), int(second)) if first.isdigit() and second.isdigit() else (0, 0)


Labels = Mapping[tuple[object, object, str], str]


def _labels(sent: Iterable[Sent]) -> Labels:
    """The label of every button that was shown, by (conversation, question, key)."""
    return {
        (message.conversation_id, message.say.question, choice.key): choice.label
        for message in sent
        if message.say is not None
        for choice in message.say.choices
    }


def _mine(event: Received, labels: Labels) -> Line:
    body = event.body
    choice = body.get("choice")
    keys = [choice] if isinstance(choice, str) else list(choice) if isinstance(choice, tuple) else []
    pressed = [labels.get((body.get("conversation"), body.get("question"), key), key) for key in keys]
    text = ", ".join(pressed) if pressed else str(body.get("text", ""))
    question, conversation = body.get("question"), body.get("conversation")
    return Line(
        id=event.event,
        mine=True,
        text=text,
        choices=(),
        many=False,
        picked=(),
        question=question if isinstance(question, int) else None,
        conversation=conversation if isinstance(conversation, int) else None,
        expect="",
        replaces=False,
        at=event.arrived_at,
    )


def _bots(message: Sent) -> Line:
    say = message.say
    assert say is not None, "only messages with a body are shown"
    return Line(
        id=f"out{message.id}",
        mine=False,
        text=say.text,
        choices=say.choices,
        many=say.many,
        picked=say.picked,
        question=say.question,
        conversation=message.conversation_id,
        expect=say.expect,
        replaces=say.replaces,
        at=message.created_at,
    )
