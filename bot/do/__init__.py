"""What each `do` of the vocabulary does, one file per subject."""

from collections.abc import Mapping

from bot.do import consent, desk, person
from bot.do.base import Deed, Doing
from flows.model import Did

DOING: Mapping[str, Doing] = {
    "record_consent": consent.record_consent,
    "withdraw_consent": consent.withdraw_consent,
    "set_language": person.set_language,
    "stop": person.stop,
    "resume": person.resume,
    "forget_me": person.forget_me,
    "export_me": person.export_me,
    "tell_coordinators": desk.tell_coordinators,
    "hand_over": desk.hand_over,
    "report": desk.report,
}
"""By name."""

ABSENT: Mapping[str, str] = {
    "find_buddy": "nobody",
    "another_buddy": "nobody",
    "answer_offer": "gone",
    "share_contact": "waiting",
    "sign_up": "past",
    "cancel_sign_up": "gone",
    "claim_need": "gone",
    "return_need": "gone",
    "check_in": "not_now",
    "propose_action": "not_possible",
    "become_buddy": "asked",
}
"""What is true while a group has neither buddies nor actions; `done` for all others."""


async def perform(name: str, deed: Deed) -> Did:
    """Does what a flow asked for; the outcome is one that the vocabulary knows."""
    doing = DOING.get(name)
    if doing is not None:
        return await doing(deed)
    await deed.tx.ledger.add(deed.person.id, f"asked: {name}", deed.conversation.flow)
    return Did(ABSENT.get(name, "done"))
