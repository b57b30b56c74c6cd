"""The outbox as its one sender sees it: what may be sent now, and what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Select, Text, and_, case, exists, or_, select, update

from flows.model import Say
from storage import layers
from storage.addresses import SEALED as ADDRESS
from storage.errors import KeyDestroyed, SealBroken
from storage.people import BLOCKED, FORGOTTEN, STOPPED
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, OUTBOX, PEOPLE, micros, moment
from storage.values import unpack_say
from storage.vault import Vault

LIVE, BROADCAST = 0, 1
"""Priorities: a live conversation overtakes a broadcast that has not begun."""

SENT, AGAIN, FAILED, HELD = "sent", "again", "failed", "held"
"""What can become of a claimed message; what is to be sent again waits."""

SEALED = b"outbox.sealed"

_ONCE_MORE = "sent once more"
"""The reason of a claimed message that may have arrived before."""

CLOSED = "they have not written for a day: it goes out as soon as they do"
"""The reason of what waits because they have not written for too long."""

KNOCK = "they have not written for a day, and are asked to"
"""The same, where the platform said so only after it had taken the message."""

HEARD = "they wrote while it was on its way"
"""The reason of a claimed message that is not to wait for them, whatever the platform says."""

_ROUNDS = 20
"""How often one claim looks again for what stands behind a message that it dropped or put off."""

_O = OUTBOX.c
# Written as in the partial index, or SQLite does not see that it fits.
UNSETTLED = _O.state.in_([constant("waiting"), constant("claimed")])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to be sent now, by whoever claimed it.

    replaces    receipt of the message that this one changes; "" where it stands by itself
    maybe_sent  it was claimed before, and what became of it is not known
    once_more   and it was sent once more already since then
    holder      who claimed it now
    closed      CLOSED: it has waited for them long enough; KNOCK: it has to wait for them; else ""
    last        they have stopped: this confirms it
    unreached   nothing reached them at this address of late
    """

    id: int
    person_id: int
    address_id: int
    address: str
    conversation_id: int | None
    say: Say
    priority: int
    tries: int
    replaces: str
    maybe_sent: bool
    created_at: datetime
    once_more: bool = False
    holder: str = ""
    closed: str = ""
    last: bool = False
    unreached: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a claimed message.

    state     SENT, AGAIN, FAILED or HELD
    receipt   what the platform calls it, where it was sent
    reason    why not
    at        when it is to be sent again
    doubtful  it may have arrived all the same
    shown     coordinators see it, although it may still go out
    gone      they cannot be reached at this address: they have blocked us, or have left
    """

    message: Claimed
    state: str
    receipt: str = ""
    reason: str = ""
    at: datetime | None = None
    doubtful: bool = False
    shown: bool = False
    gone: bool = False


_earlier = OUTBOX.alias("earlier")
_changed = OUTBOX.alias("changed")
# Within a chat a claimed row comes first whatever it is; then the live ones in order; then broadcasts.
_oldest_of_its_chat = ~exists(
    select(constant(1))
    .select_from(_earlier)
    .where(
        _earlier.c.address_id == _O.address_id,
        _earlier.c.state.in_([constant("waiting"), constant("claimed")]),
        _earlier.c.id != _O.id,
        or_(
            _earlier.c.state == constant("claimed"),
            _earlier.c.priority < _O.priority,
            and_(_earlier.c.priority == _O.priority, _earlier.c.id < _O.id),
        ),
    )
)


def _ready(priority: int) -> Select[tuple[object, ...]]:
    receipt = select(_changed.c.receipt).where(_changed.c.id == _O.replaces).scalar_subquery()
    return (
        select(
            _O.id, _O.person_id, _O.address_id, ADDRESSES.c.sealed, _O.conversation_id, _O.sealed, _O.priority,
            _O.tries, receipt, _O.claimed_by, _O.created_at, _O.reason, _O.always, PEOPLE.c.status,
            ADDRESSES.c.blocked_at,
        )
        .select_from(
            OUTBOX.join(PEOPLE, PEOPLE.c.id == _O.person_id).join(ADDRESSES, ADDRESSES.c.id == _O.address_id)
        )
        .where(
            _O.state == constant("waiting"),
            _O.channel == given("channel"),
            _O.account == given("account"),
            _O.priority == constant(priority),
            _O.due_at <= given("now"),
            _oldest_of_its_chat,
        )
        .order_by(_O.due_at, _O.id)
        .limit(given("most")).offset(constant(0))
    )  # fmt: skip


# The person is locked too, so that no *stop* commits between this look and the claim; whoever is in a turn just now is
# passed over until the next claim.
_READY = [
    Statement(_ready(priority), "channel", "account", "now", "most", locks=[OUTBOX, PEOPLE], skip_locked=True)
    for priority in (LIVE, BROADCAST)
]
_CLAIM = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"))
    .values(
        state=constant("claimed"), claimed_by=given("holder"), claimed_at=given("at"), reason=given("new_reason")
    ),
    "holder", "at", "new_reason", "number",
)  # fmt: skip
_PUT_OFF = Statement(
    update(OUTBOX).where(_O.id == given("number"), _O.state == constant("waiting")).values(due_at=given("new_due_at")),
    "new_due_at",
    "number",
)
_DROP = Statement(
    update(OUTBOX)
    .where(_O.person_id == given("person"), _O.state == constant("waiting"), _O.always.is_(False))
    .values(state=constant("dropped"), reason=given("new_reason")),
    "new_reason",
    "person",
)
_settle = (
    update(OUTBOX)
    .where(_O.id == given("number"), UNSETTLED)
    .values(
        state=given("new_state"), receipt=given("new_receipt"), reason=given("new_reason"), sent_at=given("new_sent_at")
    )
)
_SETTLE = Statement(_settle, "new_state", "new_receipt", "new_reason", "new_sent_at", "number")
# Only where nobody else has claimed it since: who was asleep for long must not overwrite what others know by now.
_SETTLE_OWN = Statement(
    _settle.where(_O.claimed_by == given("holder")),
    "new_state", "new_receipt", "new_reason", "new_sent_at", "number", "holder",
)  # fmt: skip
# Who wrote before it was recorded that something waits for that is not waited for.
_heard_meanwhile = (_O.reason == constant(HEARD)) & (given("new_reason", Text()) == constant(CLOSED))
_RETRY_OWN = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"), _O.state == constant("claimed"), _O.claimed_by == given("holder"))
    .values(
        state=constant("waiting"), claimed_by=given("new_holder"), tries=_O.tries + constant(1),
        due_at=case((_heard_meanwhile, given("now", BigInteger())), else_=given("new_due_at", BigInteger())),
        reason=case((_heard_meanwhile, constant("")), else_=given("new_reason", Text())),
    ),
    "new_holder", "new_due_at", "new_reason", "number", "holder", "now",
)  # fmt: skip
_RELEASE = Statement(
    update(OUTBOX)
    .where(UNSETTLED, _O.state == constant("claimed"), _O.channel == given("channel"), _O.account == given("account"))
    .values(state=constant("waiting")),
    "channel",
    "account",
)

_held = and_(_O.person_id == given("person"), _O.state == constant("held"))
_SEND_AGAIN = Statement(
    update(OUTBOX)
    .where(_held, _O.sealed.is_not(None))
    .values(
        state=constant("waiting"), claimed_by=constant(""), due_at=given("at"), tries=constant(0), reason=constant("")
    ),
    "person", "at",
)  # fmt: skip
_LET_GO = Statement(update(OUTBOX).where(_held).values(state=constant("failed")), "person")

Wait = Callable[[int], datetime | None]
"""When a chat, by the number of its address, may be written to; None: now."""


class Sending:
    """What senders do in one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def claim(
        self,
        channel: str,
        account: str,
        limit: int,
        holder: str,
        *,
        broadcasts: int | None = None,
        wait: Wait | None = None,
    ) -> list[Claimed]:
        """What this account's one sender may send now: at most one message of each chat, live before broadcast.

        At most `limit`, of them at most `broadcasts` that are no live conversation; what `wait` puts off is not due
        before then. What waits for someone who has stopped or is forgotten is dropped instead. Whatever becomes of a
        claimed message is told with `settle`.
        """
        live = await self._claim(_READY[LIVE], (channel, account), limit, holder, wait)
        most = limit - len(live) if broadcasts is None else min(limit - len(live), broadcasts)
        return live + await self._claim(_READY[BROADCAST], (channel, account), most, holder, wait)

    async def settle(self, outcomes: Sequence[Outcome]) -> None:
        """Stores what became of these, except where someone else has claimed a message since."""
        now = self._session.now_micros
        again = [
            (each.message.holder if each.doubtful else "", micros(each.at), each.reason, each.message.id,
             each.message.holder, now)
            for each in outcomes
            if each.at is not None
        ]  # fmt: skip
        done = [
            (each.state, each.receipt, each.reason, now if each.state == SENT else None, each.message.id,
             each.message.holder)
            for each in outcomes
            if each.at is None
        ]  # fmt: skip
        if done:
            await self._session.change_many(_SETTLE_OWN, done)
        if again:
            await self._session.change_many(_RETRY_OWN, again)

    async def send_again(self, person_id: int) -> int:
        """What is held of a person's waits again, as if it had never been sent; how many messages that are."""
        return await self._session.change(_SEND_AGAIN, person_id, self._session.now_micros)

    async def let_go(self, person_id: int) -> None:
        """What is held of a person's will not be sent any more."""
        await self._session.change(_LET_GO, person_id)

    async def release(self, channel: str, account: str) -> None:
        """What this account's former sender left claimed waits again. Only for who has just become its sender."""
        await self._session.change(_RELEASE, channel, account)

    async def _claim(
        self, statement: Statement, whose: tuple[str, str], most: int, holder: str, wait: Wait | None
    ) -> list[Claimed]:
        session = self._session
        claimed: list[Claimed] = []
        for _ in range(_ROUNDS):
            if len(claimed) >= most:
                break
            rows = await session.rows(statement, *whose, session.now_micros, most - len(claimed))
            await self._vault.open(session, (row[1] for row in rows))
            fresh = [message for row in rows if (message := await self._claimable(row, holder, wait)) is not None]
            if fresh:
                at = session.now_micros
                marks = [(holder, at, _ONCE_MORE if each.maybe_sent else each.closed, each.id) for each in fresh]
                await session.change_many(_CLAIM, marks)
                claimed += fresh
            if len(fresh) == len(rows):
                break
        return claimed

    async def _claimable(self, row: Sequence[Any], holder: str, wait: Wait | None) -> Claimed | None:
        always, status = row[12:14]
        if status == FORGOTTEN or (status in (STOPPED, BLOCKED) and not always):
            # All at once: behind them stands the confirmation of a stop, most often.
            await self._session.change(_DROP, status, row[1])
            await self._settle(row[0], "dropped", reason=status)
            return None
        until = wait(row[2]) if wait else None
        if until is not None:
            await self._session.change(_PUT_OFF, micros(until), row[0])
            return None
        try:
            return await self._claimed(row, holder)
        except KeyDestroyed:
            # They were forgotten, or somebody whom it names: nobody can say any more what it was to be.
            await self._settle(row[0], "dropped", reason=FORGOTTEN)
            return None
        except SealBroken as broken:
            # Raised, it would hold up everyone else on the same account for ever.
            await self._settle(row[0], FAILED, reason=type(broken).__name__)
            return None

    async def _claimed(self, row: Sequence[Any], holder: str) -> Claimed:
        id_, person_id, address_id, address, conversation_id, sealed, priority, tries, receipt, before, at = row[:11]
        seal = await self._vault.of(self._session, person_id)
        packed = await layers.opened(self._session, self._vault, person_id, SEALED, sealed)
        return Claimed(
            id_, person_id, address_id, seal.open(ADDRESS, address).decode(), conversation_id,
            unpack_say(packed), priority, tries, receipt or "", before != "", moment(at),
            row[11] == _ONCE_MORE, holder, row[11] if row[11] in (CLOSED, KNOCK) else "", row[13] == STOPPED,
            row[14] is not None,
        )  # fmt: skip

    async def _settle(self, message_id: int, state: str, receipt: str = "", reason: str = "") -> None:
        sent_at = self._session.now_micros if state == SENT else None
        await self._session.change(_SETTLE, state, receipt, reason, sent_at, message_id)
