"""A pair's life as a model: what each side and the coordinators can do at any time, and what must hold after it."""

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import timedelta

from bot import forgetting
from bot.desks.acting import NotDone, Press, act
from bot.desks.base import APPROVE, DECLINE
from bot.do.base import Deed
from bot.doing import perform
from bot.facts import pair_facts
from bot.outcome import keep_fields
from bot.world import Pairing
from flows.model import Conversation, Value
from storage.audit import COORDINATOR
from storage.pairs import DECLINED, INTRODUCED, LAPSED, OFFERED, REFUSED, WANTED, Pair
from storage.people import ACTIVE
from storage.store import Store, Transaction
from tests.bot.neighbourhood import Neighbourhood
from tests.databases import Watch

ANA, BEN, SAM = "ana", "ben", "sam"

STEPS = (
    *((who, what) for who in (ANA, SAM) for what in ("share", "wrong", "report", "end", "block", "stop", "forget")),
    (ANA, "ask"), (ANA, "another"), (SAM, "yes"), (SAM, "no"),
    ("desk", "approve"), ("desk", "decline"), ("nobody", "silence"),
)  # fmt: skip
"""Who does what to a pair."""

_DEEDS: dict[str, tuple[str, dict[str, Value]]] = {
    "share": ("share_contact", {}),
    "met": ("met", {"answer": "yes"}),
    "wrong": ("met", {"answer": "wrong"}),
    "report": ("report", {"about": "said so"}),
    "end": ("end_pair", {}),
    "stop": ("stop", {}),
    "forget": ("forget_me", {}),
    "ask": ("find_buddy", {}),
    "another": ("another_buddy", {}),
    "yes": ("answer_offer", {"answer": "yes"}),
    "no": ("answer_offer", {"answer": "no"}),
    "away": ("set_away", {"until": "2027-01-01"}),
    "step down": ("step_down", {}),
}

HESITATION = ContextVar("HESITATION", default=0.0)
"""Seconds that whoever has met another one is to let pass before they write a pair that they read."""

SILENCE = timedelta(hours=36)
"""Longer than any answer is waited for, nights included."""


class Life:
    """Ana and Ben look for a buddy; Sam is one, and takes one newcomer."""

    def __init__(self, store: Store, watch: Watch, *, approval: bool) -> None:
        self.here = Neighbourhood(store, watch, pairing=Pairing(approval=approval))
        self.store, self.watch = store, watch
        self.people: dict[str, int] = {}
        self.meeting: asyncio.Barrier | None = None
        """Where the next deed waits for another one: once its own person is locked, and before it looks at a pair."""
        self.hesitates = 0.0
        """`HESITATION` of a deed that has met another one."""

    async def begin(self, which: str = "") -> None:
        """These three come, or three others called `which` behind their names, of whom it is from then on."""
        here = self.here
        await here.libraries.begin()
        for who, capacity in ((ANA, 0), (BEN, 0), (SAM, 1)):
            self.people[who] = await here.buddy(who + which, capacity=max(1, capacity), contact=f"phone of {who}")
            if not capacity:
                number = self.people[who]
                await here.store.run(lambda tx, number=number: self._supporter(tx, number))  # type: ignore[misc]
        await here.free.refresh()

    @staticmethod
    async def _supporter(tx: Transaction, number: int) -> None:
        person = await tx.people.get(number)
        assert person is not None
        await tx.people.save(number, person.fields, role="supporter", district=person.district)

    async def possible(self) -> list[tuple[str, str]]:
        """Those of `STEPS` that can be taken now: who has stopped, or was forgotten, does nothing any more."""

        async def work(tx: Transaction) -> set[str]:
            here = {"nobody"}
            for who, number in self.people.items():
                person = await tx.people.get(number)
                here |= {who} if person is not None and person.status == ACTIVE else set()
            return here | ({"desk"} if "match_to_approve" in await tx.cards.counts() else set())

        here = await self.store.read(work)
        return [step for step in STEPS if step[0] in here]

    async def take(self, who: str, what: str) -> None:
        """They do it, and all that follows at once happens."""
        await self.do(who, what)
        await self.follow()
        if what == "silence":
            await self.store.run(self.here.clock._notice)
            await self.here.handover.drain()
        await self.sweep()

    async def do(self, who: str, what: str) -> None:
        """They do it: one transaction."""
        if what == "silence":
            self.watch.forward(SILENCE)
        elif who == "desk":
            await self._press(APPROVE if what == "approve" else DECLINE)
        elif what == "block":
            me, other = self.people[who], self.people[SAM if who == ANA else ANA]
            await self.store.run(lambda tx: tx.people.block(me, other))
        else:
            await self.store.run(lambda tx: self._deed(tx, self.people[who], what))

    async def follow(self) -> None:
        """What that left for others reaches them, and who is leaving is forgotten."""
        await self.here.handover.drain()
        for each in await self.store.read(lambda tx: tx.people.leaving(10, self.watch.now)):
            await self.store.run(lambda tx, each=each: forgetting.forget(tx, each))  # type: ignore[misc]
        await self.here.handover.drain()

    async def sweep(self) -> None:
        """Whoever still waits is looked after."""
        await self.here.free.refresh()
        if await self.store.read(lambda tx: tx.funnel.waiting()):
            await self.here.batch.sweep()
            await self.here.handover.drain()

    async def _press(self, button: str) -> None:
        for card in await self.store.read(lambda tx: tx.cards.open(10)):
            if card.kind == "match_to_approve":
                try:
                    press = Press(card=card.id, button=button, role=COORDINATOR, by="Maya")
                    await self.store.run(lambda tx, press=press: act(tx, self.here.world, press))  # type: ignore[misc]
                except NotDone:
                    continue

    async def _deed(self, tx: Transaction, number: int, what: str) -> None:
        loaded = await tx.people.load(number)
        meeting, self.meeting = self.meeting, None
        if meeting is not None:
            await meeting.wait()
            HESITATION.set(self.hesitates)
        # Whoever has stopped is answered that they have, until they want to hear from us again.
        if loaded is None or loaded.person.status != ACTIVE:
            return
        turn = self.here.turns._turn(tx, loaded)
        name, arguments = _DEEDS[what]
        about: dict[str, str] = {}
        for pair in await tx.pairs.open_of(number):
            if (pair.state == OFFERED) == (what in ("yes", "no")):
                about = {"pair": str(pair.id)}
        deed = Deed(
            tx=tx, world=turn.world, library=turn.library, person=turn.person, fields=turn.fields,
            conversation=Conversation(0, "life", 1, "", tx.now, about=about), arguments=arguments,
        )  # fmt: skip
        await perform(name, deed)
        if what != "forget":
            await keep_fields(deed)

    async def broken(self) -> Sequence[str]:
        """Which promises do not hold now."""
        return await self.store.run(self._broken)

    async def _broken(self, tx: Transaction) -> Sequence[str]:
        return [f"{who}: {why}" for who in self.people for why in await self._wrong(tx, who)]

    async def _wrong(self, tx: Transaction, who: str) -> Sequence[str]:
        number, wrong = self.people[who], list[str]()
        loaded = await tx.people.load(number)
        pairs = await tx.pairs.open_of(number)
        if loaded is None:
            return ["forgotten, and in an open pair"] if pairs else []
        turn = self.here.turns._turn(tx, loaded)
        for pair in await tx.pairs.of(number):
            both = None not in (pair.supporter_shared_at, pair.buddy_shared_at)
            if (await pair_facts(turn, pair)).get("contact") and not (both and pair.state == INTRODUCED):
                wrong.append("sees an address that was not given to them")
        buddy = await tx.buddies.get(number)
        taken = sum(pair.buddy_id == number and pair.state in (OFFERED, INTRODUCED) for pair in pairs)
        if taken > (buddy.capacity if buddy else 0):
            wrong.append(f"has {taken} newcomers")
        if buddy is not None and buddy.load < taken:
            wrong.append(f"seems to have {buddy.load} newcomers of {taken}")
        active = loaded.person.status == ACTIVE
        if pairs and not active:
            wrong.append("has stopped, and is in an open pair")
        waits = await tx.buddies.waiting_since(number) is not None
        mine = [pair for pair in pairs if pair.supporter_id == number]
        if waits and (mine or not active):
            wrong.append("waits although they need not")
        if waits and await tx.cards.about("nobody_near", f"person:{number}") is None:
            wrong.append("waits, and no coordinator sees it")
        newest = max(
            (pair for pair in await tx.pairs.of(number) if pair.supporter_id == number), key=_number, default=None
        )
        if active and not waits and newest is not None and newest.state in (DECLINED, LAPSED, REFUSED):
            wrong.append("was passed over, and waits for nobody")
        for pair in mine:
            if pair.state == OFFERED and (pair.answer_by is None or pair.answer_by > tx.now + SILENCE):
                wrong.append("waits for an answer without an end")
            if pair.state == OFFERED and pair.answer_by is not None and pair.answer_by <= tx.now:
                wrong.append("waits for an answer whose time is up")
            if pair.state == WANTED and await tx.cards.about("match_to_approve", f"pair:{pair.id}") is None:
                wrong.append("waits for a coordinator who sees nothing")
        return wrong

    async def key(self) -> tuple[object, ...]:
        """What tells this moment from others, for all that can happen from now on."""
        return await self.store.run(self._key)

    async def _key(self, tx: Transaction) -> tuple[object, ...]:
        said: list[object] = []
        for who, number in self.people.items():
            person, buddy = await tx.people.get(number), await tx.buddies.get(number)
            away = buddy is not None and buddy.away_until is not None and buddy.away_until > tx.now
            blocked = tuple(sorted(await tx.people.blocked(number)))
            waits = await tx.buddies.waiting_since(number) is not None
            said.append((who, person and person.status, buddy and (buddy.load, away), waits, blocked))
            for pair in sorted(await tx.pairs.of(number), key=lambda each: each.id):
                if pair.supporter_id == number:
                    shared = (pair.supporter_shared_at is None, pair.buddy_shared_at is None)
                    met = (pair.supporter_met, pair.buddy_met, pair.meetings > 0)
                    said.append((pair.buddy_id, pair.state, shared, met))
        return tuple(said)


def _number(pair: Pair) -> int:
    return pair.id
