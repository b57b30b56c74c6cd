"""Every `do` of the vocabulary, by name; `bot/do` has what each does."""

from collections.abc import Mapping

from bot import roles
from bot.do import actions, attendance, campaigns, consent, desk, gatherings, pairing, person
from bot.do.base import DONE, Deed, Doing
from flows.model import Did

DOING: Mapping[str, Doing] = {
    "record_consent": consent.record_consent,
    "withdraw_consent": consent.withdraw_consent,
    "find_buddy": pairing.find_buddy,
    "another_buddy": pairing.another_buddy,
    "answer_offer": pairing.answer_offer,
    "call_gathering": gatherings.call_gathering,
    "share_contact": pairing.share_contact,
    "met": pairing.met,
    "end_pair": pairing.end_pair,
    "become_buddy": pairing.become_buddy,
    "set_away": pairing.set_away,
    "step_down": pairing.step_down,
    "sign_up": actions.sign_up,
    "cancel_sign_up": actions.cancel_sign_up,
    "claim_need": actions.claim_need,
    "return_need": actions.return_need,
    "check_in": actions.check_in,
    "hosted_now": attendance.hosted_now,
    "mark_came": attendance.mark_came,
    "was_there": attendance.was_there,
    "propose_action": actions.propose_action,
    "nearest_action": campaigns.nearest_action,
    "invite_link": actions.invite_link,
    "set_language": person.set_language,
    "stop": person.stop,
    "resume": person.resume,
    "phone_code": person.phone_code,
    "forget_me": person.forget_me,
    "export_me": person.export_me,
    "tell_coordinators": desk.tell_coordinators,
    "hand_over": desk.hand_over,
    "report": desk.report,
}
"""By name: all that the vocabulary knows."""


NOT_DONE: Mapping[str, Did] = {
    "answer_offer": Did("gone"),
    "call_gathering": Did("not_possible"),
    "set_away": DONE,
    "step_down": DONE,
}
"""How it turns out, of what not everybody may, where nothing was done."""


async def perform(name: str, deed: Deed) -> Did:
    """Does what a flow asked for, where `bot.roles` has it for this person; the outcome is one that the vocabulary
    knows."""
    if not roles.does(deed.person.role, name):
        return NOT_DONE[name]
    return await DOING[name](deed)
