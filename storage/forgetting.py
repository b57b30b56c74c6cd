"""What someone who is forgotten leaves in tables about more than themselves, and how it goes.

Numbers stay where they are only counted; in the ledger all do.
"""

from sqlalchemy import Delete, Table, Text, Update, and_, cast, delete, func, null, or_, select, union, update

from storage.cards import REPORT
from storage.session import Session
from storage.statements import Statement, constant, given
from storage.tables import (
    ACTIONS,
    ADDRESSES,
    BLOCKS,
    CARD_LINES,
    CARDS,
    CLAIMS,
    CONSENTS,
    CONVERSATIONS,
    INBOX,
    LINKS,
    NEEDS,
    OUTBOX,
    PAIRS,
    POSTED,
    SIGNUPS,
    STARTED,
)

_A, _C, _P, _S = ACTIONS.c, CARDS.c, PAIRS.c, SIGNUPS.c


def _of_them(what: Update | Delete) -> Statement:
    return Statement(what, "person")


_places = and_(_S.person_id == given("person"), _S.kind == constant("yes"), _S.state == constant("going"))
_FREE_PLACES = Statement(
    update(ACTIONS)
    .where(_A.ends_at > given("now"), _A.id.in_(select(_S.action_id).where(_places)))
    .values(
        going=_A.going
        - select(_S.bringing + constant(1)).where(_S.action_id == _A.id, _places).correlate(ACTIONS).scalar_subquery()
    ),
    "person", "now",
)  # fmt: skip
_claimed = select(CLAIMS.c.need_id).where(CLAIMS.c.person_id == given("person"), CLAIMS.c.returned_at.is_(None))
_GIVE_BACK = _of_them(update(NEEDS).where(NEEDS.c.id.in_(_claimed)).values(claimed=NEEDS.c.claimed - constant(1)))

_in_pair = or_(_P.supporter_id == given("person"), _P.buddy_id == given("person"))
# A card about a pair may name both. But what somebody reported of a person is not that person's to take back.
_about_them = or_(
    _C.person_id == given("person"),
    and_(
        _C.person_id.in_(union(select(_P.supporter_id).where(_in_pair), select(_P.buddy_id).where(_in_pair))),
        _C.subject.in_(select(constant("pair:") + cast(_P.id, Text)).where(_in_pair)),
        _C.kind != constant(REPORT),
    ),
)
_CLOSE_CARDS = Statement(
    update(CARDS)
    .where(_about_them, _C.state == constant("open"), _C.kind != constant(REPORT))
    .values(state=constant("forgotten"), acted_at=given("now")),
    "person",
    "now",
)
_ERASE = [
    _of_them(
        update(POSTED)
        .where(POSTED.c.card_id.in_(select(_C.id).where(_about_them)))
        .values(changes=POSTED.c.changes + constant(1))
    ),
    _of_them(update(CARDS).where(_about_them).values(sealed=null())),
    # Nobody has seen a proposal but coordinators; and it may be at the home of whoever made it.
    _of_them(
        update(ACTIONS)
        .where(_A.host_id == given("person"), _A.state == constant("proposed"))
        .values(state=constant("cancelled"), title=constant(""), what=constant(""), address=constant(""))
    ),
    _of_them(update(ACTIONS).where(_A.host_id == given("person")).values(host_id=null())),
    _of_them(update(INBOX).where(INBOX.c.person_id == given("person")).values(sealed=null())),
    _of_them(delete(BLOCKS).where(or_(BLOCKS.c.person_id == given("person"), BLOCKS.c.other_id == given("person")))),
    *(
        _of_them(delete(table).where(table.c.person_id == given("person")))
        for table in (CARD_LINES, CLAIMS, SIGNUPS, STARTED, LINKS, CONSENTS, ADDRESSES)
    ),
]


def _but_the_newest(table: Table) -> Statement:
    newest = select(func.max(table.c.id)).scalar_subquery()
    return _of_them(delete(table).where(table.c.person_id == given("person"), table.c.id < newest))


# SQLite gives the highest number again once its row is gone; but platforms know a message, and buttons their
# conversation, by it. So the newest row of all stays, with nothing in it.
_EMPTY_OUTBOX = Statement(
    update(OUTBOX)
    .where(OUTBOX.c.person_id == given("person"))
    .values(sealed=null(), state=constant("dropped"), reason=constant(""), receipt=constant("")),
    "person",
)
_EMPTY_CONVERSATION = Statement(
    update(CONVERSATIONS)
    .where(CONVERSATIONS.c.person_id == given("person"))
    .values(sealed=given("nothing"), next_due=null(), ended_at=given("now")),
    "person", "nothing", "now",
)  # fmt: skip
_ERASE += [_but_the_newest(OUTBOX), _but_the_newest(CONVERSATIONS), _EMPTY_OUTBOX]


async def erase(session: Session, person_id: int) -> None:
    """Takes them out of everything but `people` and `pairs`: their places and what they would bring are free again,
    their cards are closed (reports are not) and empty, also where
    a desk shows them, what they proposed is cancelled, what they host has no host."""
    now = session.now_micros
    await session.change(_GIVE_BACK, person_id)
    await session.change(_FREE_PLACES, person_id, now)
    await session.change(_CLOSE_CARDS, person_id, now)
    for statement in _ERASE:
        await session.change(statement, person_id)
    await session.change(_EMPTY_CONVERSATION, person_id, b"", now)
