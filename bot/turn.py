"""One turn: an event in, one person's transaction, messages out. All that reaches a person comes through here."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.channels.base import Inbound
from bot.do import perform
from bot.do.base import Deed
from bot.facts import gather
from bot.group import Group
from bot.libraries import Libraries, Stale
from flows import phrases
from flows.answers import tidy
from flows.exchange import Due, Exchange, Incoming, Perform, Reply, Start, word_in
from flows.model import NOTHING, Conversation, Happened, Library, Said, Say, Value
from storage.people import ACTIVE, STOPPED, Loaded, Person
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

LONGEST = 20_000
"""Characters of one message that are read; the rest is cut. No platform here allows more in a message of a person."""


class Turns:
    """Takes turns.

    Each is one transaction that locks and writes exactly one person. The same event twice changes nothing the second
    time. `taken` is called with the person's number after each turn that was stored.
    """

    def __init__(self, store: Store, libraries: Libraries, group: Group, taken: Callable[[int], None]) -> None:
        self._store = store
        self._libraries = libraries
        self._group = group
        self._taken = taken

    async def receive(self, inbound: Inbound) -> None:
        """Takes what someone said. Returns only once it is stored; raises StorageError if it could not be."""
        said = _tidied(inbound.said)

        async def work(tx: Transaction) -> int:
            loaded = await tx.people.lock_and_load(inbound.channel, inbound.account, inbound.address)
            first = loaded is None
            if loaded is None:
                loaded = await self._newcomer(tx, inbound)
            source = f"{inbound.channel}:{inbound.account}"
            if not await tx.inbox.take(source, inbound.event, loaded.person.id, "said", _body(said)):
                return loaded.person.id
            await self._turn(tx, loaded, said, first)
            return loaded.person.id

        self._taken(await self._run(work))

    async def due(self, person_id: int, conversation_id: int) -> None:
        """Lets happen what time has brought for one conversation, or puts it off to the end of quiet hours."""

        async def work(tx: Transaction) -> None:
            loaded = await tx.people.load(person_id)
            if loaded is not None:
                await self._due(tx, loaded, conversation_id)

        await self._run(work)
        self._taken(person_id)

    async def begin(self, person_id: int, source: str, event: str, flow: str) -> bool:
        """Begins a flow with someone. False: this very event has begun it before."""

        async def work(tx: Transaction) -> bool:
            loaded = await tx.people.load(person_id)
            if loaded is None or not await tx.inbox.take(source, event, person_id, "begin", {"flow": flow}):
                return False
            await self._turn(tx, loaded, Start(flow), first=False)
            return True

        begun = await self._run(work)
        self._taken(person_id)
        return begun

    async def happened(self, person_id: int, source: str, event: str, happening: Happened) -> bool:
        """Lets a happening reach every conversation that waits for it. False: this very event was there before."""

        async def work(tx: Transaction) -> bool:
            loaded = await tx.people.load(person_id)
            body = {"name": happening.name, **happening.data}
            if loaded is None or not await tx.inbox.take(source, event, person_id, "happened", body):
                return False
            await self._turn(tx, loaded, happening, first=False)
            return True

        taken = await self._run(work)
        self._taken(person_id)
        return taken

    async def _run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        while True:
            try:
                return await self._store.run(work)
            except Stale as stale:
                await self._libraries.load(stale.version)

    async def _newcomer(self, tx: Transaction, inbound: Inbound) -> Loaded:
        language = self._group.language(inbound.language)
        person = await tx.people.add(inbound.channel, inbound.account, inbound.address, language)
        name = _first_name(inbound.name)
        await tx.people.save(person.id, {"name": name} if name else {})
        await tx.ledger.add(person.id, "wrote first")
        loaded = await tx.people.load(person.id)
        assert loaded is not None, "a person was added a moment ago"
        return loaded

    async def _due(self, tx: Transaction, loaded: Loaded, conversation_id: int) -> None:
        conversation = next((each for each in loaded.conversations if each.id == conversation_id), None)
        if conversation is None or loaded.person.status != ACTIVE:
            return
        quiet = self._group.quiet
        allowed = quiet.next_allowed(tx.now, self._group.zone) if quiet else tx.now
        if allowed > tx.now:
            await tx.conversations.save(loaded.person.id, conversation, allowed)
            return
        await self._turn(tx, loaded, Due(conversation_id), first=False)

    async def _turn(self, tx: Transaction, loaded: Loaded, incoming: Incoming, first: bool) -> None:
        person = loaded.person
        library = self._libraries.at(loaded.library)
        fields = dict(person.fields)
        if person.status != ACTIVE:
            if person.status != STOPPED or not isinstance(incoming, Said):
                return
            if not _wakes(library, incoming):
                sentence = library.translations.get(person.language, NOTHING).get(phrases.STOPPED, phrases.STOPPED)
                await tx.outbox.add(person, person.address_id, None, [Say(sentence)], always=True)
                return
            await tx.people.save(person.id, fields, status=ACTIVE)
        exchange = Exchange(library, loaded.conversations, gather(person, fields, self._group), tx.now, first)
        await self._play(tx, person, fields, exchange, incoming)
        await _keep(tx, person, fields, exchange)

    async def _play(
        self, tx: Transaction, person: Person, fields: dict[str, Value], exchange: Exchange, incoming: Incoming
    ) -> None:
        """Drives the exchange: gives new conversations their numbers, and does what it asks."""
        playing = exchange.play(incoming)
        reply: Reply | None = None
        try:
            while True:
                request = playing.send(reply) if reply is not None else next(playing)
                if isinstance(request, Perform):
                    fields.update(exchange.saves)
                    deed = Deed(tx, self._group, person, fields, request.conversation, request.do.arguments)
                    did = await perform(request.do.name, deed)
                    reply = (did, gather(person, fields, self._group))
                else:
                    begun = Conversation(0, request.flow, exchange.library.version, "", tx.now)
                    reply = await tx.conversations.add(person.id, begun, None)
                    await tx.ledger.add(person.id, "began", request.flow)
        except StopIteration:
            fields.update(exchange.saves)


async def _keep(tx: Transaction, person: Person, fields: dict[str, Value], exchange: Exchange) -> None:
    """Stores what the exchange came to."""
    for number in exchange.changed:
        conversation = exchange.conversations[number]
        if number in exchange.ended:
            await tx.conversations.end(person.id, conversation, exchange.ended[number])
            await tx.ledger.add(person.id, "ended", conversation.flow, detail=exchange.ended[number])
        else:
            await tx.conversations.save(person.id, conversation, exchange.next_due[number])
    if fields != person.fields:
        await tx.people.save(person.id, fields)
    if exchange.said:
        await _say(tx, person, exchange)


async def _say(tx: Transaction, person: Person, exchange: Exchange) -> None:
    always = "stopped" in exchange.ended.values()
    by_conversation: list[tuple[int, list[Say]]] = []
    for number, say in exchange.said:
        if not by_conversation or by_conversation[-1][0] != number:
            by_conversation.append((number, []))
        by_conversation[-1][1].append(say)
        if say.tried:
            await tx.ledger.add(person.id, "tried", exchange.conversations[number].flow, detail=say.tried)
    for number, says in by_conversation:
        await tx.outbox.add(person, person.address_id, number or None, says, always=always)


def _wakes(library: Library, said: Said) -> bool:
    """Whether someone who has stopped means to be heard again: only by a word, never by chance."""
    return said.choice is None and word_in(library, said.text) is not None


def _tidied(said: Said) -> Said:
    if said.text.isascii() and said.text.isprintable() and len(said.text) <= LONGEST:
        return said
    return Said(
        tidy(said.text[:LONGEST]), said.choice, said.question, said.conversation, tidy(said.place[:200]), said.photo
    )


def _body(said: Said) -> dict[str, Value]:
    body: dict[str, Value] = {"text": said.text}
    if said.choice is not None:
        body.update(choice=said.choice, question=said.question, conversation=said.conversation)
    if said.place or said.photo:
        body.update(place=said.place, photo=said.photo)
    return body


def _first_name(name: str) -> str:
    """The first word of what a platform calls someone, as plain text of a bearable length."""
    return next(iter(tidy(name[:200]).split()), "")[:40]
