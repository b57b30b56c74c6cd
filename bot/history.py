"""What a person and the bot said to each other, as the web channel shows it."""

from collections.abc import Iterable, Mapping

from bot.channels.web import Line
from storage.inbox import Received
from storage.outbox import Sent
from storage.store import Store
from storage.transaction import Transaction

_VISIBLE = ("claimed", "sent")
_WAITING = "waiting"
_MOST = 400
"""Messages of each side that are read at once; a page shows half as many."""

_MOST_OVERTAKEN = 8
"""Messages that a cursor remembers as overtaken; it is part of an address."""


class StoredHistory:
    """Reads both sides of a conversation from the store.

    A cursor is "INBOX.OUTBOX", the newest number seen of each, and behind them the numbers of messages below that
    which still wait: a broadcast is overtaken by what is said in a conversation, and must be seen later all the same.
    """

    def __init__(self, store: Store, account: str) -> None:
        self._store = store
        self._account = account

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        """The lines after a cursor ("" for all), oldest first, at most the newest `limit`; and the next cursor."""
        seen = _numbers(after)

        seen_in, seen_out, *skipped = seen

        async def work(tx: Transaction) -> tuple[list[Received], list[Sent], list[Sent]]:
            person = await tx.people.by_address("web", self._account, address)
            if person is None or (after and not await _something_new(tx, person.id, seen)):
                return [], [], []
            received = await tx.inbox.history(person.id, _MOST, seen_in)
            sent = [
                *await tx.outbox.these(person.id, skipped),
                *await tx.outbox.newest(person.id, _MOST, seen_out),
            ]
            return received, sent, await _asked(tx, person.id, received, sent)

        received, sent, asked = await self._store.read(work)
        bots = [message for message in sent if message.state in _VISIBLE and message.say is not None]
        waiting = {message.id for message in sent if message.state == _WAITING}
        labels = labels_of([*asked, *bots])
        mine = [event for event in received if event.kind == "said"]
        dated = [(event.arrived_at, 0, event.id, _mine(event, labels)) for event in mine]
        dated += [(message.created_at, 1, message.id, _bots(message)) for message in bots]
        lines = [line for *_, line in sorted(dated, key=lambda each: each[:3])][-limit:]
        newest_in = max([seen_in, *(event.id for event in mine)])
        newest_out = max([seen_out, *(message.id for message in bots)])
        overtaken = sorted(number for number in waiting if number < newest_out)[-_MOST_OVERTAKEN:] if sent else skipped
        return lines, ".".join(map(str, [newest_in, newest_out, *overtaken]))


async def _asked(tx: Transaction, person_id: int, received: Iterable[Received], sent: Iterable[Sent]) -> list[Sent]:
    """The questions whose buttons were pressed, as far as they are not among what is shown anyway."""
    here = {(message.conversation_id, message.say.question) for message in sent if message.say is not None}
    pressed = {(event.body.get("conversation"), event.body.get("question")) for event in received if _keys(event)}
    found = []
    for conversation, question in pressed - here:
        if isinstance(conversation, int) and isinstance(question, int):
            found += await tx.outbox.asking(person_id, conversation, question)
    return found


async def _something_new(tx: Transaction, person_id: int, seen: list[int]) -> bool:
    """Whether a page that waits has to be told anything: it asks often, and all the rest is unsealed for an answer."""
    seen_in, seen_out, *skipped = seen
    newest = await tx.inbox.history(person_id, 1)
    return bool(skipped or (newest and newest[0].id > seen_in) or await tx.outbox.history(person_id, seen_out, 1))


def _numbers(cursor: str) -> list[int]:
    numbers = cursor.split(".")
    if len(numbers) < 2 or not all(number.isascii() and number.isdigit() and len(number) < 19 for number in numbers):
        return [0, 0]
    return [int(number) for number in numbers]


Labels = Mapping[tuple[object, object, str], str]


def labels_of(sent: Iterable[Sent]) -> Labels:
    """The label of every button that was shown, by (conversation, question, key)."""
    return {
        (message.conversation_id, message.say.question, choice.key): choice.label
        for message in sent
        if message.say is not None
        for choice in message.say.choices
    }


def _keys(event: Received) -> list[str]:
    """The buttons that were pressed."""
    choice = event.body.get("choice")
    return [choice] if isinstance(choice, str) else [str(key) for key in choice] if isinstance(choice, tuple) else []


def _mine(event: Received, labels: Labels) -> Line:
    body = event.body
    keys = _keys(event)
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
        attach=say.attach,
    )
