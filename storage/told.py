"""What platforms tell later of messages that they had taken, and what waits until people write again."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, case, null, or_, select, update

from storage.sending import CLOSED, FAILED, HEARD, KNOCK, SENT
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import OUTBOX, micros, moment

_O = OUTBOX.c
_this = (_O.id == given("number"), _O.channel == given("channel"), _O.account == given("account"))
# Claimed by somebody, and nobody has recorded what became of it.
_in_doubt = (_O.state.in_([constant("waiting"), constant("claimed")]), _O.claimed_by != constant(""))


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A message that did not arrive: to whom, after how many attempts, and whether it waits until they write."""

    person_id: int
    address_id: int
    tries: int
    waits: bool


_ARRIVED = Statement(
    update(OUTBOX)
    .where(*_this, *_in_doubt)
    .values(
        state=constant(SENT), receipt=given("new_receipt"), reason=constant(""), sent_at=given("new_sent_at")
    ),
    "number", "channel", "account", "new_receipt", "new_sent_at",
)  # fmt: skip
_REFUSED = Statement(
    select(_O.person_id, _O.address_id, _O.tries, _O.reason).where(
        *_this,
        or_(
            (_O.state == constant(SENT)) & (_O.receipt == given("receipt")),
            _in_doubt[0] & _in_doubt[1],
            (_O.state == constant("waiting")) & _O.reason.in_([constant(CLOSED), constant(KNOCK)]),
        ),
    ),
    "number", "channel", "account", "receipt",
    locks=[OUTBOX],
)  # fmt: skip
_AGAIN = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"))
    .values(
        state=constant("waiting"), claimed_by=constant(""), receipt=constant(""), sent_at=null(),
        tries=_O.tries + constant(1), due_at=given("new_due_at"), reason=given("new_reason"),
    ),
    "number", "new_due_at", "new_reason",
)  # fmt: skip
_FAILED = Statement(
    update(OUTBOX)
    .where(_O.id == given("number"))
    .values(state=constant(FAILED), reason=given("new_reason"), sent_at=null()),
    "number",
    "new_reason",
)
_KNOCKED = Statement(
    select(_O.due_at)
    .where(_O.address_id == given("address"), _O.state == constant("waiting"), _O.reason == constant(CLOSED))
    .limit(constant(1))
    .offset(constant(0)),
    "address",
)
_waits = (_O.state == constant("waiting")) & _O.reason.in_([constant(CLOSED), constant(KNOCK)])
# Its sender may be about to record that it waits.
_on_its_way = (_O.state == constant("claimed")) & _O.reason.in_([constant(""), constant(CLOSED), constant(KNOCK)])
_HEARD = Statement(
    update(OUTBOX)
    .where(
        _O.person_id == given("person"), _O.channel == given("channel"), _O.account == given("account"),
        or_(_waits, _on_its_way),
    )
    .values(
        due_at=case((_waits, given("new_due_at", BigInteger())), else_=_O.due_at),
        reason=case((_waits, constant("")), else_=constant(HEARD)),
    ),
    "person", "channel", "account", "new_due_at",
)  # fmt: skip


class Told:
    """The same messages as the outbox's, in one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def arrived(self, message_id: int, channel: str, account: str, receipt: str) -> None:
        """It arrived: nothing happens but where that was in doubt."""
        await self._session.change(_ARRIVED, message_id, channel, account, receipt, self._session.now_micros)

    async def refused(self, message_id: int, channel: str, account: str, receipt: str) -> Undelivered | None:
        """The message that did not arrive, locked; None where it was settled otherwise since, or is another one."""
        row = await self._session.row(_REFUSED, message_id, channel, account, receipt)
        return Undelivered(row[0], row[1], row[2], row[3] in (CLOSED, KNOCK)) if row else None

    async def again(self, message_id: int, at: datetime, reason: str) -> None:
        """It waits once more, in its place in its chat."""
        await self._session.change(_AGAIN, message_id, micros(at), reason)

    async def closed(self, message_id: int, address_id: int) -> None:
        """It waits until they write; the first that does so at this address is knocked for."""
        row = await self._session.row(_KNOCKED, address_id)
        at, reason = (moment(row[0]), CLOSED) if row else (self._session.now, KNOCK)
        await self.again(message_id, at, reason)

    async def failed(self, message_id: int, reason: str) -> None:
        """It is given up."""
        await self._session.change(_FAILED, message_id, reason)

    async def heard(self, person_id: int, channel: str, account: str) -> bool:
        """They wrote: what waited for that is due, what is on its way will not wait. Whether there was any."""
        return await self._session.change(_HEARD, person_id, channel, account, self._session.now_micros) > 0
