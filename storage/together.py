"""One turn after the other in one transaction, where the clock begins the same with many people.

What is asked about each of them is asked once for all, what is the same for all is asked once, and what is written is
written together at the end. The turns themselves know nothing of it: they have a session that answers as any other.
Whatever is not among what the beginning of a flow needs is refused, and then each has a transaction of their own.
"""

from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, func, select

from flows.model import Conversation
from storage import conversations, ledger, moments, outbox, people, signups
from storage.session import Arguments, Session
from storage.statements import Statement, constant, given
from storage.tables import ADDRESSES, CONVERSATIONS, LEDGER, OUTBOX, PEOPLE, SIGNUPS, STARTED, micros
from storage.vault import Vault

MOST = 32
"""People in one transaction: what one of them writes meanwhile waits for the turns of all."""

_A, _C, _L, _S, _T = ADDRESSES.c, CONVERSATIONS.c, LEDGER.c, SIGNUPS.c, STARTED.c
_EACH = [f"p{number}" for number in range(MOST)]


def _among(person: ColumnElement[int]) -> ColumnElement[bool]:
    return person.in_([given(name, person.type) for name in _EACH])


_LOCK = Statement(
    people.FOUND.where(_among(_A.person_id), _A.preferred).order_by(PEOPLE.c.id),
    *_EACH, locks=[PEOPLE], skip_locked=True,
)  # fmt: skip
_OPEN = Statement(
    select(_C.person_id, *conversations.OPENED).where(_among(_C.person_id), _C.ended_at.is_(None)).order_by(_C.id),
    *_EACH,
)
_REMINDERS = Statement(
    select(_L.person_id, _L.at)
    # Not `what` itself, as in `moments.REMINDERS`.
    .where(_among(_L.person_id), func.lower(_L.what) == constant("reminded"), _L.at >= given("since"))
    .order_by(_L.at),
    *_EACH, "since",
)  # fmt: skip
_SIGNUPS = Statement(
    select(*signups.signup_columns).where(
        _S.action_id == given("action"), _among(_S.person_id), _S.cancelled_at.is_(None)
    ),
    *_EACH, "action",
)  # fmt: skip
_STARTED = Statement(
    select(_T.person_id).where(
        _among(_T.person_id), _T.flow == given("flow"), _T.subject == given("subject"),
        _T.occurrence == given("occurrence"),
    ),
    *_EACH, "flow", "subject", "occurrence",
)  # fmt: skip
_ADD = Statement(
    lambda insert: insert(CONVERSATIONS).values(
        {name: bindparam(name, required=False) for name in conversations.WHOLE}
    ),
    *conversations.WHOLE,
)

_WRITTEN: frozenset[Table] = frozenset({STARTED, CONVERSATIONS, LEDGER, OUTBOX})
"""What is written at the end: whoever asks for it earlier has it written first."""

_AT_THE_END = (
    moments.BEGIN, _ADD, conversations.SAVE, ledger.ADD, outbox.ADD, moments.QUIET, moments.REMINDED,
)  # fmt: skip


class NotTogether(Exception):
    """A turn needs what can only be done in a transaction of its own."""


class Together:
    """The session of several people's turns, over the one of their transaction.

    people  those whose turns these are; on Postgres without those of whom another turn is under way
    """

    def __init__(self, session: Session) -> None:
        self.now, self.now_micros = session.now, session.now_micros
        self.people: list[int] = []
        self._session = session
        self._once: dict[tuple[Statement, Arguments], Sequence[Sequence[Any]]] = {}
        self._same: dict[tuple[Statement, Arguments], Sequence[Sequence[Any]]] = {}
        self._later: dict[Statement, list[Arguments]] = {each: [] for each in _AT_THE_END}
        self._about: Arguments = ()
        self._begun: set[int] = set()
        self._numbers: deque[int] = deque()
        self._new: dict[int, Arguments] = {}

    async def ask(self, whom: Sequence[int], flow: str, subject: str, occurrence: str, since: datetime) -> None:
        """Locks these people, at most `MOST`, and asks what the beginning of a flow wants to know of each."""
        each = [*whom, *[0] * (MOST - len(whom))]
        loaded = await self._session.rows(_LOCK, *each)
        self.people, self._about = [row[0] for row in loaded], (flow, subject, occurrence)
        self._once |= {(people.LOCK_BY_ID, (row[0],)): (row,) for row in loaded}
        await self._ask(conversations.OPEN, (), await self._session.rows(_OPEN, *each))
        wanted = micros(since)
        await self._ask(moments.REMINDERS, (wanted,), await self._session.rows(_REMINDERS, *each, wanted))
        self._begun = {row[0] for row in await self._session.rows(_STARTED, *each, flow, subject, occurrence)}
        what, _, number = subject.partition(":")
        if what == "action":
            for row in await self._session.rows(_SIGNUPS, *each, int(number)):
                self._same[signups.SIGNUP, (row[1], row[2])] = (row,)
        self._numbers.extend(await self._session.numbers(CONVERSATIONS, len(loaded)))

    async def _ask(self, statement: Statement, more: Arguments, rows: Sequence[Sequence[Any]]) -> None:
        found: dict[int, list[Sequence[Any]]] = {person: [] for person in self.people}
        for row in rows:
            if row[0] in found:
                found[row[0]].append(row[1:])
        self._once |= {(statement, (person, *more)): each for person, each in found.items()}

    async def settle(self) -> None:
        """Writes what was to be written. To be called at the end, while the transaction lasts."""
        if not all(self._new.values()):
            raise NotTogether
        self._later[_ADD].extend(self._new.values())
        self._new.clear()
        for statement, many in self._later.items():
            if many:
                await self._session.change_many(statement, many)
                many.clear()

    async def begun(self) -> int:
        """The number of a conversation that begins; it is written once, as it is when its turn has been made."""
        if not self._numbers:
            self._numbers.extend(await self._session.numbers(CONVERSATIONS, MOST))
        number = self._numbers.popleft()
        self._new[number] = ()
        return number

    # --- as a session

    async def rows(self, statement: Statement, *arguments: Any) -> Sequence[Sequence[Any]]:
        """As `Session.rows`."""
        if statement is moments.BEGUN and (*arguments[:2], arguments[3]) == self._about:
            return [(self.now_micros,)] if arguments[2] in self._begun else []
        key = statement, arguments
        found = self._once.pop(key, None)
        found = self._same.get(key) if found is None else found
        if found is not None:
            return found
        if statement.reads is None:
            raise NotTogether
        if statement.reads & _WRITTEN:
            await self.settle()
            return await self._session.rows(statement, *arguments)
        found = self._same[key] = await self._session.rows(statement, *arguments)
        return found

    async def row(self, statement: Statement, *arguments: Any) -> Sequence[Any] | None:
        """As `Session.row`."""
        rows = await self.rows(statement, *arguments)
        return rows[0] if rows else None

    async def change(self, statement: Statement, *arguments: Any) -> int:
        """As `Session.change`."""
        if statement is moments.BEGIN:
            return self._begin(arguments)
        if statement is conversations.SAVE:
            return self._save(arguments)
        if statement not in self._later:
            raise NotTogether
        self._later[statement].append(arguments)
        return 1

    async def later(
        self, statement: Statement, *arguments: Any, otherwise: type[Exception] | None = None, about: str = ""
    ) -> None:
        """As `Session.later`."""
        if not await self.change(statement, *arguments) and otherwise is not None:
            raise otherwise(about)

    async def change_many(self, statement: Statement, many: Sequence[Arguments]) -> None:
        """As `Session.change_many`."""
        if statement not in self._later:
            raise NotTogether
        self._later[statement].extend(many)

    def _begin(self, arguments: Arguments) -> int:
        flow, subject, person, occurrence, _ = arguments
        if (flow, subject, occurrence) != self._about:
            raise NotTogether
        if person in self._begun:
            return 0
        self._begun.add(person)
        self._later[moments.BEGIN].append(arguments)
        return 1

    def _save(self, arguments: Arguments) -> int:
        *columns, number, person = arguments
        if number in self._new:
            self._new[number] = (number, person, *columns)
        else:
            self._later[conversations.SAVE].append(arguments)
        return 1

    async def numbers(self, table: Table, many: int) -> Sequence[int]:
        """As `Session.numbers`."""
        raise NotTogether

    async def wrapped_key(self, person_id: int) -> bytes | None:
        """As `Session.wrapped_key`."""
        return await self._session.wrapped_key(person_id)

    async def wrapped_keys(self, people: Sequence[int]) -> Sequence[tuple[int, bytes]]:
        """As `Session.wrapped_keys`."""
        return await self._session.wrapped_keys(people)

    async def keep_key(self, person_id: int, wrapped: bytes) -> None:
        """Nobody new comes in here."""
        raise NotTogether

    async def destroy_key(self, person_id: int) -> None:
        """Nobody is forgotten in here."""
        raise NotTogether


class Begun(conversations.Conversations):
    """The conversations of turns that are made together."""

    __slots__ = ("_together",)

    def __init__(self, together: Together, vault: Vault) -> None:
        super().__init__(together, vault)
        self._together = together

    async def add(self, person_id: int, conversation: Conversation, next_due: datetime | None) -> int:
        """As `Conversations.add`; nothing of it is written before it is saved."""
        return await self._together.begun()
