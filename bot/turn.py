"""One turn: an event in, one person's transaction, messages out. All that reaches a person comes through here."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple, TypeVar

from bot import arriving, broken, companions, events, joining, restraint
from bot.channels.base import Inbound
from bot.channels.kinds import LIMITS
from bot.do.base import Turn
from bot.flood import Flood, Verdict
from bot.hearing import hear
from bot.libraries import Libraries, Stale
from bot.log import place
from bot.outcome import say_to
from bot.pairing import harvest
from bot.play import play
from bot.world import PlacesNotReady, World
from flows import phrases
from flows.exchange import Due, word_in
from flows.model import Flow, Said, Say, Value
from storage.errors import KeyDestroyed, SealBroken, SeenBefore, StorageUnavailable, StoreClosed
from storage.inbox import TRIES, Received
from storage.people import ACTIVE, BLOCKED, Loaded, Person
from storage.store import Store
from storage.transaction import Transaction

T = TypeVar("T")

log = logging.getLogger(__name__)

LATER = timedelta(hours=1)
"""When what fell due and broke is tried again; an edited flow is tried at once."""

NEXT_DAY = timedelta(days=1)

_AWAY = (StorageUnavailable, StoreClosed)
"""The database could not take it: nothing is wrong with the turn."""


class Taken(NamedTuple):
    """A turn that was stored: whose it was, whether it left something for others, and whether they said *stop*."""

    person: Person
    left: bool
    stopped: bool = False


class Turns:
    """Takes turns.

    Each is one transaction that locks and writes exactly one person. The same event twice changes nothing the second
    time. `taken` is called after each turn that was stored: something may wait there.
    """

    def __init__(self, store: Store, libraries: Libraries, world: World, taken: Callable[[Taken], None]) -> None:
        self._store = store
        self._libraries = libraries
        self._world = world
        self._taken = taken
        self.failures = 0
        """How many tries broke so far, in this process."""
        self._flood = Flood()

    async def receive(self, inbound: Inbound) -> None:
        """Takes what someone said. Returns only once it is stored; raises StorageError if it could not be.

        Who writes faster than anybody can is told so once, and then not heard until it is calm (`bot.flood`).

        A turn that breaks is tried three times; then the event is kept as dead and the person is told so kindly:
        a platform would hand it to us for ever.
        """
        said = arriving.tidied(inbound.said)
        address, at = (inbound.channel, inbound.account, inbound.address), inbound.at or self._store.now()
        verdict = self._flood.heard(address, at, inbound.event, is_word=lambda: self._is_word(said))
        if verdict is Verdict.SAY:
            with suppress(SeenBefore):
                self._tell(await self._run(lambda tx: self._slow_down(tx, inbound)))
        if verdict is not Verdict.HEAR:
            return
        for tries in range(1, TRIES + 1):
            try:
                self._tell(await self._run(lambda tx: self._hear(tx, inbound, said)))
            except (*_AWAY, KeyDestroyed):
                raise
            except SeenBefore:
                return
            except Exception as error:
                self._broke("a turn broke, try %s of %s", tries, TRIES)
                if tries == TRIES:
                    await self._bury(inbound, said, type(error).__name__)
            else:
                return

    async def due(self, person_id: int, conversation_id: int) -> None:
        """Lets happen what time has brought for one conversation; what cannot happen now is put off."""

        async def work(tx: Transaction) -> Taken | None:
            loaded = await tx.people.load(person_id)
            if loaded is None:
                return None
            turn = self._turn(tx, loaded)
            await self._due(turn, conversation_id)
            return _taken(turn)

        try:
            self._tell(await self._run(work))
        except _AWAY:
            raise
        except Exception as error:
            self._broke("what fell due in conversation %s broke", conversation_id)
            await self._put_off(person_id, conversation_id, type(error).__name__)

    async def take(self, event: Received) -> None:
        """Takes an event that another turn, or a command, left in the inbox. One that breaks three times is dead."""

        async def work(tx: Transaction) -> Taken | None:
            loaded = await tx.people.load(event.person_id)
            if not await tx.inbox.taken(event.id) or loaded is None:
                return None
            turn = self._turn(tx, loaded)
            await events.let(turn, event.kind, event.body)
            return _taken(turn)

        try:
            self._tell(await self._run(work))
        except _AWAY:
            raise
        except Exception as error:
            self._broke("event %s, left for someone, broke", event.id)
            await self._failed(event, type(error).__name__)

    async def let(self, person_id: int, kind: str, body: Mapping[str, Value]) -> None:
        """Lets something happen in a turn of theirs (`bot.events`), as the clock asks for it again and again."""

        async def work(tx: Transaction) -> Taken | None:
            loaded = await tx.people.load(person_id)
            if loaded is None:
                return None
            turn = self._turn(tx, loaded)
            await events.let(turn, kind, body)
            return _taken(turn)

        self._tell(await self._run(work))

    async def moment(self, person_id: int, flow: str, subject: str, occurrence: str, *, late: bool = False) -> bool:
        """Begins a flow by itself, once for this occurrence of what it is about ("pair:7", "action:3", or ""). False:
        they cannot be written to, or it was begun before.

        What `bot.restraint` is against is held back, unless the flow is urgent. What is `late` no longer makes sense:
        it is in the ledger, with what held it back, and not sent.
        """

        taken = await self._run(lambda tx: self._moment(tx, person_id, flow, subject, occurrence, late))
        self._tell(taken)
        return taken is not None

    async def moments(self, people: Sequence[int], flow: str, subject: str, occurrence: str, *, late: bool) -> int:
        """The same of several people, at most `together.MOST`, one turn after the other in one transaction; with how
        many it began. Whoever has another turn just now is left for the next look.

        Raises NotTogether, or whatever broke with one of them: then nothing of it happened.
        """

        async def work(tx: Transaction) -> list[Taken]:
            since = tx.now - restraint.WEEK
            each, session = await tx.together(people, flow, subject, occurrence, since)
            taken = [await self._moment(each, person, flow, subject, occurrence, late) for person in session.people]
            await session.settle()
            return [one for one in taken if one is not None]

        begun = await self._run(work)
        for taken in begun:
            self._tell(taken)
        return len(begun)

    async def _moment(
        self, tx: Transaction, person_id: int, flow: str, subject: str, occurrence: str, late: bool
    ) -> Taken | None:
        loaded = await tx.people.load(person_id)
        if loaded is None or loaded.person.status != ACTIVE:
            return None
        turn = self._turn(tx, loaded)
        known = turn.library.flows.get(flow)
        if known is None:
            return None
        held = await restraint.hold(turn, known, "" if late else subject)
        if held is not None and not late and not known.urgent:
            if await tx.moments.begun(flow, subject, person_id, occurrence):
                # Another process was quicker: it is this very one that they just had.
                return None
            await restraint.keep(turn, known, subject, held)
            return _taken(turn)
        if not await tx.moments.begin(flow, subject, person_id, occurrence):
            return None
        if late:
            await tx.ledger.add(person_id, restraint.TOO_LATE, flow, subject, held.why if held else "")
            return _taken(turn)
        if await _overtaken(turn, known, subject, occurrence):
            return _taken(turn)
        await events.begin_by_itself(turn, known, subject)
        if turn.said:
            await restraint.begun(turn, known, subject, held)
        return _taken(turn)

    async def bury_moment(self, person_id: int, flow: str, subject: str, occurrence: str, error: str) -> None:
        """Keeps a flow that broke whenever it was to begin by itself, dead: it is asked for no more."""

        async def work(tx: Transaction, *, sound: bool = True) -> None:
            if await tx.moments.begin(flow, subject, person_id, occurrence) and sound:
                body = {"flow": flow, "subject": subject}
                event = f"moment:{flow}:{subject}:{occurrence}:{person_id}"
                await tx.inbox.bury("bot", event, person_id, "moment", body, error)
                await self._show(tx, person_id, error)

        try:
            await self._run(work)
        except (KeyDestroyed, SealBroken):
            # Who was forgotten, or is damaged, cannot be tried again.
            await self._run(lambda tx: work(tx, sound=False))

    def _broke(self, what: str, *about: object) -> None:
        self.failures += 1
        log.exception(what, *about)

    def _tell(self, taken: Taken | None) -> None:
        if taken is not None:
            self._taken(taken)

    async def _run(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        while True:
            try:
                return await self._store.run(work)
            except Stale as stale:
                await self._libraries.load(stale.version)
            except PlacesNotReady:
                await asyncio.to_thread(self._world.places.load)

    def _turn(self, tx: Transaction, loaded: Loaded, *, first: bool = False) -> Turn:
        return Turn(
            tx=tx,
            world=self._world,
            library=self._libraries.at(loaded.library),
            person=loaded.person,
            fields=dict(loaded.person.fields),
            conversations=loaded.conversations,
            first=first,
            left_before=tx.inbox.left,
        )

    async def _hear(self, tx: Transaction, inbound: Inbound, said: Said) -> Taken | None:
        if inbound.silent and not said.text:
            await arriving.known(tx, inbound)
            return None
        turn = await self._who(tx, inbound, said)
        person = turn.person
        # What someone blocked writes is not kept either; only that it came, so that it comes once.
        kind, body = ("unread", {}) if person.status == BLOCKED else ("said", arriving.body(said))
        await tx.inbox.take(arriving.source(inbound), inbound.event, person.id, kind, body)
        if person.status == BLOCKED:
            return _taken(turn)
        waited = await self._waited(tx, inbound, person)
        if not person.reachable:
            # After what waited, for the sender too has an address's messages before the address.
            await tx.addresses.reached(person.address_id)
            turn.person = replace(person, reachable=True)
        if waited and inbound.silent and not self._is_word(said):
            return _taken(turn)
        await hear(turn, said)
        return _taken(turn)

    def _is_word(self, said: Said) -> bool:
        """Whether it is a word that is understood in every state, like *stop*."""
        word = word_in(self._libraries.current, said.text) if said.choice is None else None
        return word is not None and bool(word.anytime)

    async def _slow_down(self, tx: Transaction, inbound: Inbound) -> Taken | None:
        loaded = await arriving.known(tx, inbound)
        if loaded is None or loaded.person.status != ACTIVE:
            return None
        turn = self._turn(tx, loaded)
        await tx.inbox.take(arriving.source(inbound), inbound.event, turn.person.id, "unread", {})
        await harvest.noticed(turn, harvest.FLOODED)
        await say_to(turn, None, [Say(turn.words(phrases.SLOWLY))])
        return _taken(turn)

    async def _who(self, tx: Transaction, inbound: Inbound, said: Said) -> Turn:
        come = await arriving.who(tx, self._world.group, inbound, said)
        turn = self._turn(tx, come.loaded, first=come.first)
        if come.stranger:
            await joining.thank(turn, said)
        return turn

    async def _waited(self, tx: Transaction, inbound: Inbound, person: Person) -> bool:
        """Whether something waited for them to write, which goes out now."""
        limits = LIMITS.get(inbound.channel)
        return bool(limits and limits.window) and await tx.told.heard(person.id, inbound.channel, inbound.account)

    async def _bury(self, inbound: Inbound, said: Said, error: str) -> None:
        async def work(tx: Transaction) -> Taken:
            turn = await self._who(tx, inbound, said)
            source, person = arriving.source(inbound), turn.person
            if not await tx.inbox.bury(source, inbound.event, person.id, "said", arriving.body(said), error):
                raise SeenBefore
            await self._show(tx, person.id, error)
            await say_to(turn, None, [Say(turn.words(phrases.WENT_WRONG))], always=True)
            return _taken(turn)

        try:
            self._tell(await self._run(work))
        except SeenBefore:
            return
        except SealBroken as broken:
            # Raised, it would come again for ever, and hold up everyone else on the same account.
            log.critical("an event of a damaged person was let go: %s", place(broken))

    async def _put_off(self, person_id: int, conversation_id: int, error: str) -> None:
        async def work(tx: Transaction) -> None:
            await tx.conversations.put_off(conversation_id, tx.now + LATER)
            await self._show(tx, person_id, error, conversation_id)

        await self._store.run(work)

    async def _failed(self, event: Received, error: str) -> None:
        async def work(tx: Transaction) -> None:
            if await tx.inbox.failed(event.id, error):
                await self._show(tx, event.person_id, error)

        await self._run(work)

    async def _show(self, tx: Transaction, person_id: int, error: str, conversation_id: int | None = None) -> None:
        await tx.ledger.add(person_id, "turn failed", detail=error)
        await broken.show(tx, person_id, error, conversation_id)

    async def _due(self, turn: Turn, conversation_id: int) -> None:
        tx = turn.tx
        conversation = next((each for each in turn.conversations if each.id == conversation_id), None)
        if conversation is None:
            return
        if turn.person.status != ACTIVE:
            await tx.conversations.put_off(conversation_id, tx.now + NEXT_DAY)
            return
        flow = turn.library.flows.get(conversation.flow)
        until = None if flow is not None and flow.urgent else restraint.quiet_until(turn)
        if until is not None:
            await tx.conversations.put_off(conversation_id, until)
        else:
            await play(turn, Due(conversation_id))


async def _overtaken(turn: Turn, flow: Flow, subject: str, occurrence: str) -> bool:
    """Whether an action was changed, or cancelled by the other of a pair, once more before they could be told of this:
    the newest tells it all."""
    line = companions.line_of(flow.starts.moment) if flow.starts.moment is not None else ""
    if line not in ("action.changed", companions.KIND):
        return False
    return occurrence != str(await turn.tx.moments.newest(turn.person.id, line, subject))


def _taken(turn: Turn) -> Taken:
    return Taken(turn.person, turn.tx.inbox.left > turn.left_before, "stop" in turn.done)
