"""The outbox: what was decided to be sent, in order for each chat."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, update

from flows.model import Say
from storage import layers
from storage.bodies import Bodies
from storage.errors import KeyDestroyed, NotFound
from storage.people import Person
from storage.sending import BROADCAST, LIVE, SEALED, UNSETTLED, Claimed, Sending
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, OUTBOX, micros, moment
from storage.values import pack_say, unpack_say

__all__ = ["BROADCAST", "LIVE", "Claimed", "Outbox", "Sent", "Stranded"]

SILENCE = timedelta(minutes=3)
"""How long a message may be on the wire: senders give up sooner."""

_O = OUTBOX.c
_BODIES = Bodies(OUTBOX, _O.created_at)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as history shows it. `say` is None once its body was deleted, or somebody whom it names was forgotten;
    `state` as in the table."""

    id: int
    conversation_id: int | None
    say: Say | None
    state: str
    created_at: datetime
    sent_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Stranded:
    """A message that was decided for an account over which it cannot go out.

    due_at  not before then; None where it waits only because the account did not take it
    tried   it is no longer waiting: it failed, is held, or was never heard of again
    """

    id: int
    conversation_id: int | None
    say: Say
    priority: int
    always: bool
    due_at: datetime | None
    tried: bool


ADD = Statement(
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
        # In this chat only: what was asked on another channel cannot be changed from here.
        _O.person_id == given("person"), _O.address_id == given("address"),
        _O.conversation_id == given("conversation"), _O.question == given("question"),
    )
    .order_by(_O.id.desc())
    .limit(constant(1)).offset(constant(0)),
    "person", "address", "conversation", "question",
)  # fmt: skip
_REWRITE = Statement(
    # Not one that may be on the wire or have arrived: platforms ignore another text under the same number.
    update(OUTBOX)
    .where(_O.id == given("number"), _O.state == constant("waiting"), _O.claimed_by == constant(""))
    .values(sealed=given("text")),
    "text",
    "number",
)

_sent = select(_O.id, _O.conversation_id, _O.sealed, _O.state, _O.created_at, _O.sent_at, _O.reason).where(
    _O.person_id == given("person")
)
_HISTORY = Statement(
    _sent.where(_O.id > given("after")).order_by(_O.id).limit(given("most")).offset(constant(0)),
    "person", "after", "most",
)  # fmt: skip
_NEWEST = Statement(
    _sent.where(_O.id > given("after")).order_by(_O.id.desc()).limit(given("most")).offset(constant(0)),
    "person", "after", "most",
)  # fmt: skip
_ASKING = Statement(
    _sent.where(_O.conversation_id == given("conversation"), _O.question == given("question"))
    .order_by(_O.id.desc())
    .limit(constant(1)).offset(constant(0)),
    "person", "conversation", "question",
)  # fmt: skip
_stranded = (
    _O.channel == given("channel"),
    _O.account == given("account"),
    _O.sealed.is_not(None),
    or_(
        _O.state == constant("waiting"),
        and_(_O.state == constant("claimed"), _O.claimed_at < given("silent")),
        # What failed while the account still worked failed for a reason of its own.
        and_(_O.state.in_([constant("failed"), constant("held")]), _O.claimed_at > given("since")),
    ),
)
_STRANDED = Statement(
    select(_O.id, _O.conversation_id, _O.sealed, _O.priority, _O.always, _O.due_at, _O.tries, _O.state)
    .where(_O.person_id == given("person"), *_stranded)
    .order_by(_O.id),
    "person", "channel", "account", "silent", "since",
)  # fmt: skip
_COUNT_STRANDED = Statement(
    select(func.count()).select_from(OUTBOX).where(*_stranded), "channel", "account", "silent", "since"
)
_ON_THE_WIRE = Statement(
    select(func.count()).select_from(OUTBOX).where(
        _O.channel == given("channel"), _O.account == given("account"),
        _O.state == constant("claimed"), _O.claimed_at >= given("silent"),
    ),
    "channel", "account", "silent",
)  # fmt: skip
_LAST_SENT = Statement(
    select(func.max(_O.sent_at)).where(_O.channel == given("channel"), _O.account == given("account")),
    "channel",
    "account",
)
_TAKE_BACK = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"), _O.state != constant("sent"))
    .values(state=constant("dropped"), reason=given("new_reason")),
    "new_reason",
    "number",
)
_OLDEST = Statement(select(func.min(_O.created_at)).where(UNSETTLED))
_EXPIRE = Statement(
    update(OUTBOX)
    .where(UNSETTLED, _O.created_at < given("before"))
    .values(state=constant("failed"), reason=constant("too old")),
    "before",
)


class Outbox(Sending):
    """The outbox of one transaction."""

    __slots__ = ()

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
        channel, account = await self._account(person, address_id)
        now = session.now_micros
        due = now if due_at is None else micros(due_at)
        rows = []
        for say in says:
            sealed = await layers.close(session, self._vault, person.id, SEALED, pack_say(say), say.names)
            replaces = None
            if say.replaces:
                asked = await session.row(_ASKED, person.id, address_id, conversation_id, say.question)
                if asked is not None and await session.change(_REWRITE, sealed, asked[0]) == 1:
                    continue
                replaces = None if asked is None else asked[1] or asked[0]
            rows.append(
                (
                    person.id, address_id, channel, account, conversation_id, say.question, sealed, priority, always,
                    replaces, now, due,
                )
            )  # fmt: skip
        if rows:
            await session.change_many(ADD, rows)

    async def history(self, person_id: int, after_id: int, limit: int) -> list[Sent]:
        """Messages to this person with numbers above `after_id`, oldest first."""
        return await self._sent(person_id, await self._session.rows(_HISTORY, person_id, after_id, limit))

    async def newest(self, person_id: int, limit: int, after_id: int = 0) -> list[Sent]:
        """The newest messages to this person, with numbers above `after_id`, oldest first."""
        rows = await self._session.rows(_NEWEST, person_id, after_id, limit)
        return await self._sent(person_id, rows[::-1])

    async def these(self, person_id: int, numbers: Sequence[int]) -> list[Sent]:
        """Messages to this person by their numbers; those of others are passed over."""
        return [
            each for number in numbers for each in await self.history(person_id, number - 1, 1) if each.id == number
        ]

    async def asking(self, person_id: int, conversation_id: int, question: int) -> list[Sent]:
        """The message that asked this, as it stands now; none where there is no such question."""
        return await self._sent(person_id, await self._session.rows(_ASKING, person_id, conversation_id, question))

    async def _sent(self, person_id: int, rows: Sequence[Sequence[Any]]) -> list[Sent]:
        history = []
        for id_, conversation_id, sealed, state, created_at, sent_at, reason in rows:
            say = None if sealed is None else await self._opened(person_id, sealed)
            at = None if sent_at is None else moment(sent_at)
            history.append(Sent(id_, conversation_id, say, state, moment(created_at), at, reason))
        return history

    async def stranded(self, person_id: int, channel: str, account: str) -> list[Stranded]:
        """What this person did not get over an account, oldest first: what waits, what was claimed too long ago, and
        what failed or is held since the account last sent anything."""
        rows = await self._session.rows(
            _STRANDED, person_id, channel, account, self._silent(), await self._last_sent(channel, account)
        )
        return [
            Stranded(
                id_, conversation, say, priority, bool(always),
                None if tries or state != "waiting" else moment(due), state != "waiting",
            )
            for id_, conversation, sealed, priority, always, due, tries, state in rows
            if (say := await self._opened(person_id, sealed)) is not None
        ]  # fmt: skip

    async def _opened(self, person_id: int, sealed: bytes) -> Say | None:
        """None: somebody whom it names was forgotten since, and it with them."""
        await self._vault.of(self._session, person_id)
        try:
            return unpack_say(await layers.opened(self._session, self._vault, person_id, SEALED, sealed))
        except KeyDestroyed:
            return None

    async def stranded_at(self, channel: str, account: str) -> tuple[int, int]:
        """How many messages these are for everybody, and how many more are on the wire just now."""
        silent, since = self._silent(), await self._last_sent(channel, account)
        many = await self._session.row(_COUNT_STRANDED, channel, account, silent, since)
        wire = await self._session.row(_ON_THE_WIRE, channel, account, silent)
        return (many[0] if many else 0), (wire[0] if wire else 0)

    async def take_back(self, message_id: int, reason: str) -> None:
        """It is not to go out there any more. Only in a turn of the person it is for."""
        await self._session.change(_TAKE_BACK, reason, message_id)

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

    def _silent(self) -> int:
        return self._session.now_micros - SILENCE // timedelta(microseconds=1)

    async def _last_sent(self, channel: str, account: str) -> int:
        row = await self._session.row(_LAST_SENT, channel, account)
        return 0 if row is None or row[0] is None else int(row[0])

    async def _account(self, person: Person, address_id: int) -> Sequence[str]:
        if address_id == person.address_id:
            return person.channel, person.account
        row = await self._session.row(_ACCOUNT, address_id, person.id)
        if row is None:
            raise NotFound(f"address {address_id} of person {person.id}")
        return row
