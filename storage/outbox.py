"""The outbox: what was decided to be sent, in order for each chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, or_, select, update

from flows.model import Say
from storage.bodies import Bodies
from storage.errors import NotFound
from storage.people import FORGOTTEN, STOPPED, Person
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, OUTBOX, PEOPLE, micros, moment
from storage.values import pack_say, unpack_say
from storage.vault import Vault

LIVE, BROADCAST = 0, 1
"""Priorities: a live conversation overtakes a broadcast that has not begun."""

_SEALED = b"outbox.sealed"
_ADDRESS = b"addresses.sealed"
_O = OUTBOX.c
# Written as in the partial index, or SQLite does not see that it fits.
_UNSETTLED = _O.state.in_([constant("waiting"), constant("claimed")])
_BODIES = Bodies(OUTBOX, _O.created_at)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to be sent now, by whoever claimed it.

    replaces    receipt of the message that this one changes; "" where it stands by itself
    maybe_sent  it was claimed before by a process that never told what became of it
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


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as history shows it. `say` is None once its body was deleted; `state` as in the table."""

    id: int
    conversation_id: int | None
    say: Say | None
    state: str
    created_at: datetime
    sent_at: datetime | None
    reason: str


_ADD = Statement(
    lambda insert: insert(OUTBOX).values(
        person_id=given("person"), address_id=given("address"), channel=given("channel"), account=given("account"),
        conversation_id=given("conversation"), question=given("question"), sealed=given("sealed"),
        priority=given("priority"), always=given("always"), replaces=given("replaces"), created_at=given("created_at"),
        due_at=given("due_at"), state=constant("waiting"), claimed_by=constant(""), tries=constant(0),
        receipt=constant(""), reason=constant(""),
    ),
    "person", "address", "channel", "account", "conversation", "question", "sealed", "priority", "always", "replaces",
    "created_at", "due_at",
)  # fmt: skip
_ACCOUNT = Statement(
    select(ADDRESSES.c.channel, ADDRESSES.c.account).where(
        ADDRESSES.c.id == given("address"), ADDRESSES.c.person_id == given("person")
    ),
    "address",
    "person",
)
_ASKED = Statement(
    select(_O.id, _O.replaces)
    .where(
        _O.person_id == given("person"), _O.conversation_id == given("conversation"), _O.question == given("question")
    )
    .order_by(_O.id.desc())
    .limit(constant(1)).offset(constant(0)),
    "person", "conversation", "question",
)  # fmt: skip
_REWRITE = Statement(
    update(OUTBOX).where(_O.id == given("number"), _O.state == constant("waiting")).values(sealed=given("text")),
    "text",
    "number",
)

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
            _O.tries, receipt, _O.claimed_by, _O.created_at, _O.always, PEOPLE.c.status,
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
    .values(state=constant("claimed"), claimed_by=given("holder"), claimed_at=given("at")),
    "holder",
    "at",
    "number",
)
_SETTLE = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"), _O.state.in_([constant("waiting"), constant("claimed"), constant("unknown")]))
    .values(
        state=given("new_state"), receipt=given("new_receipt"), reason=given("new_reason"), sent_at=given("new_sent_at")
    ),
    "new_state", "new_receipt", "new_reason", "new_sent_at", "number",
)  # fmt: skip
_RETRY = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"), _O.state.in_([constant("claimed"), constant("unknown")]))
    .values(
        state=constant("waiting"), claimed_by=constant(""), due_at=given("new_due_at"), tries=_O.tries + constant(1),
        reason=given("new_reason"),
    ),
    "new_due_at", "new_reason", "number",
)  # fmt: skip
_RELEASE = Statement(
    update(OUTBOX)
    .where(_UNSETTLED, _O.state == constant("claimed"), _O.channel == given("channel"), _O.account == given("account"))
    .values(state=constant("waiting")),
    "channel",
    "account",
)
_HISTORY = Statement(
    select(_O.id, _O.conversation_id, _O.sealed, _O.state, _O.created_at, _O.sent_at, _O.reason)
    .where(_O.person_id == given("person"), _O.id > given("after"))
    .order_by(_O.id)
    .limit(given("most"))
    .offset(constant(0)),
    "person",
    "after",
    "most",
)
_NEWEST = Statement(
    select(_O.id, _O.conversation_id, _O.sealed, _O.state, _O.created_at, _O.sent_at, _O.reason)
    .where(_O.person_id == given("person"))
    .order_by(_O.id.desc())
    .limit(given("most"))
    .offset(constant(0)),
    "person",
    "most",
)
_OLDEST = Statement(select(func.min(_O.created_at)).where(_UNSETTLED))
_EXPIRE = Statement(
    update(OUTBOX)
    .where(_UNSETTLED, _O.created_at < given("before"))
    .values(state=constant("failed"), reason=constant("too old")),
    "before",
)


class Outbox:
    """The outbox of one transaction."""

    __slots__ = ("_session", "_vault")

    def __init__(self, session: Session, vault: Vault) -> None:
        self._session = session
        self._vault = vault

    async def add(
        self,
        person: Person,
        address_id: int,
        conversation_id: int | None,
        says: Sequence[Say],
        due_at: datetime | None = None,
        priority: int = LIVE,
        *,
        always: bool = False,
    ) -> None:
        """Messages to this person, in this order, not before `due_at` (None: at once).

        One that replaces a message still waiting takes its place. `always`: even if they have stopped by then.
        """
        session = self._session
        seal = await self._vault.of(session, person.id)
        channel, account = await self._account(person, address_id)
        now = session.now_micros
        due = now if due_at is None else micros(due_at)
        rows = []
        for say in says:
            sealed = seal.close(_SEALED, pack_say(say))
            replaces = None
            if say.replaces:
                if await self._rewritten(person.id, conversation_id, say.question, sealed):
                    continue
                replaces = await self._original(person.id, conversation_id, say.question)
            rows.append(
                (
                    person.id, address_id, channel, account, conversation_id, say.question, sealed, priority, always,
                    replaces, now, due,
                )
            )  # fmt: skip
        if rows:
            await session.change_many(_ADD, rows)

    async def claim(self, channel: str, account: str, limit: int, holder: str) -> list[Claimed]:
        """What this account's one sender may send now: at most one message of each chat, live before broadcast.

        What waits for someone who has stopped or is forgotten is dropped instead. Whatever becomes of a claimed
        message is told with `sent`, `retry`, `failed`, `held` or `unknown`.
        """
        session = self._session
        claimed: list[Claimed] = []
        for statement in _READY:
            dropped = True
            while dropped and len(claimed) < limit:
                # Behind what is dropped stands the next of that chat: the confirmation of a stop, most often.
                rows = await session.rows(statement, channel, account, session.now_micros, limit - len(claimed))
                fresh = [await self._claimed(row) for row in rows if not await self._dropped(row)]
                await session.change_many(_CLAIM, [(holder, session.now_micros, message.id) for message in fresh])
                claimed += fresh
                dropped = len(fresh) < len(rows)
        return claimed

    async def sent(self, message_id: int, receipt: str) -> None:
        """The platform took it; `receipt` is what it calls the message."""
        await self._settle(message_id, "sent", receipt=receipt)

    async def retry(self, message_id: int, at: datetime, reason: str) -> None:
        """The platform refused it for now: it waits until then, and its chat with it."""
        await self._session.change(_RETRY, micros(at), reason, message_id)

    async def failed(self, message_id: int, reason: str) -> None:
        """The platform refused it for good."""
        await self._settle(message_id, "failed", reason=reason)

    async def held(self, message_id: int, reason: str) -> None:
        """It may not be sent now, and a coordinator should see it."""
        await self._settle(message_id, "held", reason=reason)

    async def unknown(self, message_id: int) -> None:
        """The platform's answer was lost. It may still be told `sent`, `retry` or `failed`."""
        await self._settle(message_id, "unknown")

    async def release(self, channel: str, account: str) -> None:
        """What this account's former sender left claimed waits again. Only for who has just become its sender."""
        await self._session.change(_RELEASE, channel, account)

    async def history(self, person_id: int, after_id: int, limit: int) -> list[Sent]:
        """Messages to this person with numbers above `after_id`, oldest first."""
        return await self._sent(person_id, await self._session.rows(_HISTORY, person_id, after_id, limit))

    async def newest(self, person_id: int, limit: int) -> list[Sent]:
        """The newest messages to this person, oldest first."""
        rows = await self._session.rows(_NEWEST, person_id, limit)
        return await self._sent(person_id, rows[::-1])

    async def _sent(self, person_id: int, rows: Sequence[Sequence[Any]]) -> list[Sent]:
        history = []
        for id_, conversation_id, sealed, state, created_at, sent_at, reason in rows:
            say = None
            if sealed is not None:
                say = unpack_say((await self._vault.of(self._session, person_id)).open(_SEALED, sealed))
            at = None if sent_at is None else moment(sent_at)
            history.append(Sent(id_, conversation_id, say, state, moment(created_at), at, reason))
        return history

    async def oldest_unsent(self) -> datetime | None:
        """When the oldest message still waiting was decided; None where none waits."""
        row = await self._session.row(_OLDEST)
        return None if row is None or row[0] is None else moment(row[0])

    async def delete_bodies(self, before: datetime, limit: int = 1000) -> int:
        """Deletes the bodies of what was decided before then, oldest first; how many rows it looked at (0: done).

        What still waits is so old by then that it fails instead of being sent.
        """
        await self._session.change(_EXPIRE, micros(before))
        return await _BODIES.delete(self._session, micros(before), limit)

    async def _account(self, person: Person, address_id: int) -> Sequence[str]:
        if address_id == person.address_id:
            return person.channel, person.account
        row = await self._session.row(_ACCOUNT, address_id, person.id)
        if row is None:
            raise NotFound(f"address {address_id} of person {person.id}")
        return row

    async def _rewritten(
        self, person_id: int, conversation_id: int | None, question: int | None, sealed: bytes
    ) -> bool:
        row = await self._session.row(_ASKED, person_id, conversation_id, question)
        return row is not None and await self._session.change(_REWRITE, sealed, row[0]) == 1

    async def _original(self, person_id: int, conversation_id: int | None, question: int | None) -> int | None:
        row = await self._session.row(_ASKED, person_id, conversation_id, question)
        return None if row is None else row[1] or row[0]

    async def _dropped(self, row: Sequence[Any]) -> bool:
        always, status = row[11:13]
        if status != FORGOTTEN and (status != STOPPED or always):
            return False
        await self._settle(row[0], "dropped", reason=status)
        return True

    async def _claimed(self, row: Sequence[Any]) -> Claimed:
        id_, person_id, address_id, address, conversation_id, sealed, priority, tries, receipt, holder, at = row[:11]
        seal = await self._vault.of(self._session, person_id)
        return Claimed(
            id_, person_id, address_id, seal.open(_ADDRESS, address).decode(), conversation_id,
            unpack_say(seal.open(_SEALED, sealed)), priority, tries, receipt or "", holder != "", moment(at),
        )  # fmt: skip

    async def _settle(self, message_id: int, state: str, receipt: str = "", reason: str = "") -> None:
        sent_at = self._session.now_micros if state == "sent" else None
        await self._session.change(_SETTLE, state, receipt, reason, sent_at, message_id)
