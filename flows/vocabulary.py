"""What flow files may name: fields and their types, what can be done and how it turns out, happenings, lists.

`doorstep check --vocabulary` prints this page. A name that is not here is an error with the nearest one that is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flows.model import Kind, nothing

TEXT, NUMBER, YES_NO, LIST = Kind.TEXT, Kind.NUMBER, Kind.YES_NO, Kind.LIST
MOMENT, DATE, TIME, ANY = Kind.MOMENT, Kind.DATE, Kind.TIME, Kind.ANY

ME: Mapping[str, Kind] = {
    "name": TEXT,
    "language": TEXT,
    "channel": TEXT,
    "role": TEXT,
    "joined": MOMENT,
    "interests": LIST,
    "place": TEXT,
    "times": LIST,
    "adult": YES_NO,
    "wants_buddy": YES_NO,
    "has_buddy": YES_NO,
    "consented": LIST,
    "meetings": NUMBER,
    "attended": NUMBER,
    "hosted": NUMBER,
    "trainings": NUMBER,
    "invited": NUMBER,
}

COUNTED = frozenset(
    {"channel", "role", "joined", "has_buddy", "consented", "meetings", "attended", "hosted", "trainings", "invited"}
)
"""Fields of a person that Doorstep keeps by itself: no flow may save them."""

WITHOUT_CONSENT = frozenset({"name", "language"})
"""Fields of a person that are kept before they have consented to anything."""

ORG: Mapping[str, Kind] = {
    "name": TEXT,
    "bot_name": TEXT,
    "contact": TEXT,
    "privacy_url": TEXT,
    "time_zone": TEXT,
    "message_days": NUMBER,
}

PAIR: Mapping[str, Kind] = {
    "other": TEXT,
    "shared": LIST,
    "reasons": LIST,
    "since": MOMENT,
    "meetings": NUMBER,
    "contact": TEXT,
    "away_until": MOMENT,
    "written": YES_NO,
}

ACTION: Mapping[str, Kind] = {
    "title": TEXT,
    "what": TEXT,
    "kind": TEXT,
    "campaign": TEXT,
    "district": TEXT,
    "address": TEXT,
    "starts": MOMENT,
    "ends": MOMENT,
    "bring": LIST,
    "open_needs": LIST,
    "my_needs": LIST,
    "host": TEXT,
    "going": NUMBER,
    "goal": NUMBER,
    "places_left": NUMBER,
    "code": TEXT,
    "until_then": TEXT,
    "materials": TEXT,
    "coming": TEXT,
    "confirmed": YES_NO,
    "campaign_going": NUMBER,
    "campaign_goal": NUMBER,
    "campaign_confirmed": NUMBER,
    "cohort": TEXT,
    "session": NUMBER,
    "sessions": NUMBER,
    "sessions_left": LIST,
}

LISTS = (
    "actions_near_me", "my_actions", "open_needs", "my_needs", "my_trainings", "not_checked_in", "possible_times",
    "my_pairs", "languages",
)  # fmt: skip

EXPECTS: Mapping[str, Kind] = {
    "text": TEXT,
    "number": NUMBER,
    "yes_no": YES_NO,
    "place": TEXT,
    "date": DATE,
    "time": TIME,
    "photo": TEXT,
    "code": TEXT,
}


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a flow can `do`.

    outcomes   how it can turn out
    arguments  what `with` may hold, each with the words it may be, or () for anything
    answers    what it puts into `answers` when done
    """

    outcomes: tuple[str, ...] = ("done",)
    arguments: Mapping[str, tuple[str, ...]] = field(default_factory=nothing)
    answers: Mapping[str, Kind] = field(default_factory=nothing)


_CONSENTS = ("keep", "pair", "contact", "picture")
_ABOUT: Mapping[str, tuple[str, ...]] = {"about": ()}
_SIGN_UP: Mapping[str, tuple[str, ...]] = {"action": (), "as": ("yes", "maybe"), "bringing": ()}
_NEED: Mapping[str, tuple[str, ...]] = {"action": (), "need": ()}
_PROPOSAL: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("title", "what", "place", "starts", "ends", "bring", "capacity"), ()
) | {"as": ("own", "next")}
_CANCEL: Mapping[str, tuple[str, ...]] = {"action": (), "need": (), "also": ("cohort",)}

DEEDS: Mapping[str, Deed] = {
    "record_consent": Deed(arguments={"to": _CONSENTS}),
    "withdraw_consent": Deed(arguments={"to": _CONSENTS}),
    "find_buddy": Deed(("offered", "nobody", "not_possible")),
    "another_buddy": Deed(("offered", "nobody", "not_possible")),
    "answer_offer": Deed(("taken", "gone"), {"answer": ()}),
    "call_gathering": Deed(("called", "nobody", "not_possible"), {"action": (), "place": (), "starts": ()}),
    "share_contact": Deed(("both", "waiting")),
    "met": Deed(arguments={"answer": ("yes", "not_yet", "wrong")}),
    "end_pair": Deed(arguments={"why": ()}),
    "become_buddy": Deed(("asked", "already"), {"capacity": ()}),
    "set_away": Deed(arguments={"until": ()}),
    "step_down": Deed(),
    "sign_up": Deed(("signed_up", "waiting_list", "full", "past"), _SIGN_UP),
    "cancel_sign_up": Deed(("done", "gone"), _CANCEL),
    "claim_need": Deed(("done", "gone"), _NEED),
    "return_need": Deed(("done", "gone"), _NEED),
    "check_in": Deed(("checked_in", "wrong_code", "not_now"), {"code": ()}),
    "hosted_now": Deed(("found", "none"), answers={"action": TEXT}),
    "mark_came": Deed(arguments={"who": ()}),
    "was_there": Deed(),
    "propose_action": Deed(("proposed", "not_possible"), _PROPOSAL),
    "nearest_action": Deed(("found", "none"), {"campaign": ()}, {"action": TEXT}),
    "invite_link": Deed(answers={"link": TEXT}),
    "phone_code": Deed(answers={"code": TEXT}),
    "tell_coordinators": Deed(arguments=_ABOUT),
    "hand_over": Deed(arguments=_ABOUT),
    "report": Deed(arguments=_ABOUT),
    "set_language": Deed(),
    "resume": Deed(),
    "stop": Deed(),
    "forget_me": Deed(),
    "export_me": Deed(),
}

MEANS: Mapping[str, str] = {
    "record_consent": "keeps that they agreed, in the words of the question just answered",
    "withdraw_consent": "takes that back",
    "find_buddy": "asks the buddy who fits them best, if they agreed to `pair`",
    "another_buddy": "asks somebody else than the buddy they have",
    "answer_offer": "a buddy's yes or no to a newcomer",
    "call_gathering": "a buddy welcomes several who wait at once",
    "share_contact": "their contact for the other's, once both have pressed",
    "met": "whether they met the one they were introduced to",
    "end_pair": "they and the other write to each other no more",
    "become_buddy": "asks coordinators to make them a buddy",
    "set_away": "no newcomers for them until that day",
    "step_down": "they are no buddy any more",
    "sign_up": "puts them on an action's list",
    "cancel_sign_up": "takes them off it",
    "claim_need": "they bring what an action still needs",
    "return_need": "they cannot bring it after all",
    "check_in": "they are there, by the code that the host says",
    "hosted_now": "the action that they host these hours, if there is one",
    "mark_came": "a host says who came",
    "was_there": "they say themselves that they came",
    "propose_action": "an action of their own, for coordinators to approve",
    "nearest_action": "the nearest action of a campaign",
    "invite_link": "a link of theirs for a friend",
    "phone_code": "a code to go on from another phone",
    "tell_coordinators": "a card on the desk that says `about`",
    "hand_over": "a card too, and what they write from now on reaches the people of the group",
    "report": "an urgent card: something felt wrong, and the contact it is about is frozen",
    "set_language": "speaks to them as `me.language` says",
    "resume": "begins to write to somebody again who had said stop",
    "stop": "writes to them no more",
    "forget_me": "destroys their key: nothing of theirs opens again",
    "export_me": "sends them what is kept of them",
}
"""What each of them does, in a few words for those who write flows."""

HAPPENINGS = tuple(
    f"{subject}.{what}"
    for subject, whats in {
        "person": "joined quiet",
        "buddy": "approved",
        "pair": "offered declined introduced silent away shared met ended wrong",
        "gathering": "wanted called",
        "action": "published changed cancelled start end",
        "signup": "made place_free cancelled",
        "checkin": "made",
        "human": "replied",
    }.items()
    for what in whats.split()
)

WHO = ("signed_up", "maybe", "attended", "missed", "host", "buddy", "supporter", "both", "nearby")
"""For whom a moment begins its flow."""

ROLES = ("buddy", "supporter")
"""What somebody is: whose words begin a flow, where it is for either only."""

FILTERS: Mapping[str, frozenset[Kind]] = {
    "date": frozenset({MOMENT, DATE, ANY}),
    "time": frozenset({MOMENT, TIME, ANY}),
    "when": frozenset({MOMENT, DATE, ANY}),
    "list": frozenset({LIST, ANY}),
    "count": frozenset({LIST, ANY}),
    "upper": frozenset({TEXT, YES_NO, ANY}),
    "lower": frozenset({TEXT, YES_NO, ANY}),
}
"""What may stand behind a `|` in a text, and the types it takes."""

ANYTIME = (
    "stop", "help", "human", "back", "skip", "language", "privacy", "export", "forget me", "report", "other phone",
)  # fmt: skip
"""The words of `library/always.yaml`. *back* and *skip* run no flow of their own."""

ATTACHMENTS = ("calendar", "qr", "card")
"""What a message may `attach`, besides `picture: FILE`."""


def pages() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The vocabulary as (heading, [(name, what of it)]), in the order in which a person would look."""
    for title, fields in (("me", ME), ("org", ORG), ("pair", PAIR), ("action", ACTION)):
        yield f"{title}: fields", [(f"{title}.{name}", kind.value) for name, kind in fields.items()]
    yield "lists for choices_from", [(name, "") for name in LISTS]
    yield "expect", [(name, kind.value) for name, kind in EXPECTS.items()]
    yield "do", [line for name, deed in DEEDS.items() for line in ((name, _deed_line(deed)), ("", MEANS[name]))]
    yield "happenings (for wait, goal and moments)", [(name, "") for name in HAPPENINGS]
    yield "who a moment is for", [(name, "") for name in WHO]
    yield "filters in texts", [(name, "for " + ", ".join(sorted(kinds - {ANY}))) for name, kinds in FILTERS.items()]
    yield "words understood in every state", [(name, "") for name in ANYTIME]


def _deed_line(deed: Deed) -> str:
    given = "".join(f" {name}={'|'.join(words) if words else '…'}" for name, words in deed.arguments.items())
    kept = "".join(f" (in answers.{name})" for name in deed.answers)
    return (f"with{given}: " if given else "") + ", ".join(deed.outcomes) + kept
