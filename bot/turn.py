"""One turn: an event in, one person's transaction, messages out. All that reaches a person comes through here."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from bot.channels.base import Inbound
from bot.do import perform
from bot.do.base import Deed
from bot.facts import gather
from bot.libraries import Libraries, Stale
from bot.log import place
from bot.outcome import keep, own_words, say_to
from bot.world import World
from flows import phrases
from flows.exchange import Due, Exchange, Incoming, Perform, Reply, Start, word_in
from flows.model import Conversation, Happened, Said, Value
from flows.words import tidy
from storage.errors import KeyDestroyed, SealBroken, StorageUnavailable, StoreClosed
from storage.inbox import TRIES
from storage.people import ACTIVE, LEAVING, STOPPED, Loaded, Person
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

LONGEST = 20_000
"""Characters of one message that are read; the rest is cut. No platform here allows more in a message of a person."""

LATER = timedelta(hours=1)
"""When what fell due and broke is tried again; an edited flow is tried at once."""

NEXT_DAY = timedelta(days=1)

_AWAY = (StorageUnavailable, StoreClosed)
"""The database could not take it: nothing is wrong with the turn."""


class _SeenBefore(Exception):
    """Undoes a turn that turned out to be one for an event already taken."""


@dataclass(slots=True)
class _Turn:
    """One person's turn while it lasts: what is known of them, and what was done in it."""

    tx: Transaction
    person: Person
    conversations: tuple[Conversation, ...]
    library: int
    first: bool = False
    fields: dict[str, Value] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)


class Turns:
    """Takes turns.

    Each is one transaction that locks and writes exactly one person. The same event twice changes nothing the second
    time. `taken` is called with channel and account after each turn that was stored: something may wait there.
    """

    def __init__(self, store: Store, libraries: Libraries, world: World, taken: Callable[[str, str], None]) -> None:
        self._store = store
        self._libraries = libraries
        self._world = world
        self._taken = taken

    async def receive(self, inbound: Inbound) -> None:
        """Takes what someone said. Returns only once it is stored; raises StorageError if it could not be.

        A turn that breaks is tried three times; then the event is kept as dead and the person is told so kindly:
        a platform would hand it to us for ever.
        """
        said = _tidied(inbound.said)
        for tries in range(1, TRIES + 1):
            try:
                await self._run(lambda tx: self._hear(tx, inbound, said))
            except (*_AWAY, KeyDestroyed):
                raise
            except _SeenBefore:
                return
            except Exception as error:
                log.exception("a turn broke, try %s of %s", tries, TRIES)
                if tries == TRIES:
                    await self._bury(inbound, said, type(error).__name__)
            else:
                break
        self._taken(inbound.channel, inbound.account)

    async def due(self, person_id: int, conversation_id: int) -> None:
        """Lets happen what time has brought for one conversation; what cannot happen now is put off."""

        async def work(tx: Transaction) -> Person | None:
            loaded = await tx.people.load(person_id)
            if loaded is not None:
                await self._due(_turn(tx, loaded), conversation_id)
            return loaded.person if loaded else None

        try:
            self._tell(await self._run(work))
        except _AWAY:
            raise
        except Exception as error:
            log.exception("what fell due in conversation %s broke", conversation_id)
            await self._put_off(person_id, conversation_id, type(error).__name__)

    async def begin(self, person_id: int, source: str, event: str, flow: str) -> bool:
        """Begins a flow with someone. False: this very event has begun it before, or they are gone."""
        return await self._once(person_id, source, event, Start(flow), "begin", {"flow": flow})

    async def happened(self, person_id: int, source: str, event: str, happening: Happened) -> bool:
        """Lets a happening reach every conversation that waits for it. False: this very event was there before."""
        body = {"name": happening.name, **happening.data}
        return await self._once(person_id, source, event, happening, "happened", body)

    async def _once(
        self, person_id: int, source: str, event: str, incoming: Incoming, kind: str, body: dict[str, Value]
    ) -> bool:
        async def work(tx: Transaction) -> Person | None:
            loaded = await tx.people.load(person_id)
            if loaded is None or not await tx.inbox.take(source, event, person_id, kind, body):
                return None
            if loaded.person.status == ACTIVE:
                await self._play(_turn(tx, loaded), incoming)
            return loaded.person

        person = await self._run(work)
        self._tell(person)
        return person is not None

    def _tell(self, person: Person | None) -> None:
        if person is not None:
            self._taken(person.channel, person.account)

    async def _run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        while True:
            try:
                return await self._store.run(work)
            except Stale as stale:
                await self._libraries.load(stale.version)

    async def _hear(self, tx: Transaction, inbound: Inbound, said: Said) -> None:
        turn = await self._who(tx, inbound)
        if not await tx.inbox.take(_source(inbound), inbound.event, turn.person.id, "said", _body(said)):
            raise _SeenBefore
        if turn.person.status != STOPPED:
            await self._play(turn, said)
            return
        library = self._libraries.at(turn.library)
        word = word_in(library, said.text) if said.choice is None else None
        if word and not word.anytime:
            await tx.people.save(turn.person.id, turn.fields, status=ACTIVE)
            await self._play(turn, said)
        elif word or turn.conversations:
            # Asking for help, or to be forgotten, is no wish to be written to again: only this is answered.
            await self._play(turn, said, always=True)
        else:
            says = own_words(library, turn.person.language, phrases.STOPPED)
            await say_to(tx, turn.person, None, says, always=True)

    async def _who(self, tx: Transaction, inbound: Inbound) -> _Turn:
        """Whose turn it is. Someone who is leaving and writes again is a stranger from now on."""
        loaded = await tx.people.lock_and_load(inbound.channel, inbound.account, inbound.address)
        if loaded is not None and loaded.person.status == LEAVING:
            await tx.people.forget(loaded.person.id)
            loaded = None
        if loaded is not None:
            return _turn(tx, loaded)
        language = self._world.group.language(inbound.language)
        person = await tx.people.add(inbound.channel, inbound.account, inbound.address, language)
        name = _first_name(inbound.name)
        await tx.people.save(person.id, {"name": name} if name else {})
        await tx.ledger.add(person.id, "wrote first")
        added = await tx.people.load(person.id)
        assert added is not None, "a person was added a moment ago"
        return _turn(tx, added, first=True)

    async def _bury(self, inbound: Inbound, said: Said, error: str) -> None:
        async def work(tx: Transaction) -> None:
            turn = await self._who(tx, inbound)
            source, person = _source(inbound), turn.person
            if not await tx.inbox.bury(source, inbound.event, person.id, "said", _body(said), error):
                raise _SeenBefore
            await tx.ledger.add(person.id, "turn failed", detail=error)
            library = self._libraries.at(turn.library)
            await say_to(tx, person, None, own_words(library, person.language, phrases.WENT_WRONG), always=True)

        try:
            await self._run(work)
        except _SeenBefore:
            return
        except SealBroken as broken:
            # Raised, it would come again for ever, and hold up everyone else on the same account.
            log.critical("an event of a damaged person was let go: %s", place(broken))

    async def _put_off(self, person_id: int, conversation_id: int, error: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.conversations.put_off(conversation_id, tx.now + LATER)
            await tx.ledger.add(person_id, "turn failed", detail=error)

        await self._store.run(work)

    async def _due(self, turn: _Turn, conversation_id: int) -> None:
        tx = turn.tx
        conversation = next((each for each in turn.conversations if each.id == conversation_id), None)
        if conversation is None:
            return
        if turn.person.status != ACTIVE:
            await tx.conversations.put_off(conversation_id, tx.now + NEXT_DAY)
            return
        flow = self._libraries.at(turn.library).flows.get(conversation.flow)
        quiet = self._world.group.quiet if flow is None or not flow.urgent else None
        allowed = quiet.next_allowed(tx.now, self._world.group.zone) if quiet else tx.now
        if allowed > tx.now:
            await tx.conversations.put_off(conversation_id, allowed)
        else:
            await self._play(turn, Due(conversation_id))

    async def _play(self, turn: _Turn, incoming: Incoming, *, always: bool = False) -> None:
        """Drives the exchange: gives new conversations their numbers, and does what it asks."""
        tx, person, fields = turn.tx, turn.person, turn.fields
        library = self._libraries.at(turn.library)
        facts = gather(person, fields, self._world.group)
        exchange = Exchange(library, turn.conversations, facts, tx.now, turn.first)
        playing = exchange.play(incoming)
        reply: Reply | None = None
        try:
            while True:
                request = playing.send(reply) if reply is not None else next(playing)
                if isinstance(request, Perform):
                    _know(fields, exchange)
                    deed = Deed(tx, self._world, person, fields, request.conversation, request.do.arguments, library)
                    did = await perform(request.do.name, deed)
                    turn.done.add(request.do.name)
                    reply = (did, gather(person, fields, self._world.group))
                else:
                    begun = Conversation(0, request.flow, library.version, "", tx.now)
                    reply = await tx.conversations.add(person.id, begun, None)
                    await tx.ledger.add(person.id, "began", request.flow)
        except StopIteration:
            _know(fields, exchange)
        await keep(tx, person, fields, exchange, always=always or "stop" in turn.done)


def _turn(tx: Transaction, loaded: Loaded, *, first: bool = False) -> _Turn:
    return _Turn(tx, loaded.person, loaded.conversations, loaded.library, first, dict(loaded.person.fields))


def _know(fields: dict[str, Value], exchange: Exchange) -> None:
    """Each save counts once: what a `do` makes of a field afterwards stays."""
    fields.update(exchange.saves)
    exchange.saves.clear()


def _source(inbound: Inbound) -> str:
    return f"{inbound.channel}:{inbound.account}"


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
