"""Who may see and do what: the one table, and everything that decides asks it. What it does not name, nobody may.

A role is what somebody has shown at the place where they ask, never what they say of themselves: at the console the
passphrase, at a desk that they are in its channel or group, in chat the account that they write with, at the command
line that they are on the machine. Whoever has shown nothing is a stranger there, whatever they are elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from storage.audit import COORDINATOR, ORGANIZER
from storage.pairs import BUDDY, SUPPORTER

STRANGER = "stranger"

ROLES = (STRANGER, SUPPORTER, BUDDY, COORDINATOR, ORGANIZER)

Roles = frozenset[str]

ANYBODY: Roles = frozenset(ROLES)
IN_CHAT: Roles = frozenset({SUPPORTER, BUDDY})
BUDDIES: Roles = frozenset({BUDDY})
COORDINATORS: Roles = frozenset({COORDINATOR})
ORGANIZERS: Roles = frozenset({ORGANIZER})
NOBODY: Roles = frozenset()

ONLY_COORDINATORS = "This is for coordinators: ask to be let into their channel."


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody at a desk: what they are there, and what the others call them."""

    role: str
    name: str = ""


# --- the console

PAGES: Mapping[str, Roles] = {
    "/healthz": ANYBODY,
    "/readyz": ANYBODY,
    "/metrics": ANYBODY,
    "/enter": ANYBODY,
    "/console/*": ANYBODY,  # our own scripts and styles: the page that asks for the passphrase needs one
    "/slack/*": ANYBODY,  # platforms call these three, and what they did not sign is refused there
    "/telegram/*": ANYBODY,
    "/whatsapp/*": ANYBODY,
    "/": IN_CHAT | COORDINATORS,
    "/chat/open": IN_CHAT | COORDINATORS,
    "/chat/messages": IN_CHAT | COORDINATORS,
    "/chat/files/*": IN_CHAT | COORDINATORS,
    "/desk": COORDINATORS,
    "/rehearsal": COORDINATORS,
    "/_nicegui/*": COORDINATORS,
    "/_nicegui_ws/*": COORDINATORS,
}
"""Every page of `doorstep run`; `*` is whatever follows. (`doorstep try` is one's own machine's alone: there are no
roles in it.)"""


def opens(role: str, path: str) -> bool:
    """Whether this role may open the page of this path."""
    return role in PAGES.get(page_of(path), NOBODY)


def page_of(path: str) -> str:
    """The row of `PAGES` that a path belongs to; "" where none does."""
    if path in PAGES and not path.endswith("*"):
        return path
    return next((page for page in PAGES if page.endswith("*") and path.startswith(page[:-1])), "")


# --- the desks: Slack, Telegram, and the page, which all show the same

CARDS: Mapping[str, tuple[str, ...]] = {
    "match": ("done",),
    "match_to_approve": ("approve", "decline"),
    "stalled": ("take", "done"),
    "nobody_near": ("done", "mute", "block", "free"),
    "few_buddies": ("approve", "decline"),
    "buddy_to_approve": ("approve", "decline", "mute", "block", "free"),
    "action_proposed": ("approve", "decline", "mute", "block", "free"),
    "human": ("reply", "write", "done", "mute", "block", "free"),
    "report": ("reply", "write", "done", "mute", "block", "free"),
    "failed_send": ("done", "mute", "block", "free"),
    "held_send": ("again", "leave", "mute", "block", "free"),
    "turn_failed": ("again", "leave"),
    "turnout": (),
    "flow_refused": ("done",),
    "exported": ("done",),
    "digest": (),
    "told": ("done", "mute", "block", "free"),
    "flagged": ("done", "mute", "block", "free"),
}
"""The buttons of every kind of card; "write" is what is written in its thread. All are for `CARDS_FOR`."""

OTHER_CARDS = ("done",)
"""The buttons of a kind that a newer process made."""

CARDS_FOR = COORDINATORS
"""Who sees cards, and presses their buttons."""


def sees_cards(role: str) -> bool:
    """Whether this role may see cards, of any kind."""
    return role in CARDS_FOR


def presses(role: str, kind: str, button: str) -> bool:
    """Whether this role may press this button of a card of this kind."""
    return role in CARDS_FOR and button in CARDS.get(kind, OTHER_CARDS)


DESK: Mapping[str, Roles] = {
    "week": COORDINATORS,
    "what waits": COORDINATORS,
    "new action": COORDINATORS,
    "actions": COORDINATORS,
    "change an action": COORDINATORS,
    "call an action off": COORDINATORS,
    "buddies": COORDINATORS,
    "capacity": COORDINATORS,
}
"""What can be asked of a desk besides cards. There is no list of everybody, and no export."""

DESK_COMMANDS: Mapping[str, Mapping[str, str]] = {
    "slack": {
        "/doorstep": "week",
        "/doorstep action": "new action",
        "/doorstep change": "actions",
        "/doorstep buddies": "buddies",
    },
    "telegram": {
        "/week": "week",
        "/doorstep": "week",
        "/action": "new action",
        "/change": "actions",
        "/buddies": "buddies",
        "/help": "week",
        "/start": "week",
    },
}
"""The commands of each desk, each with the line of `DESK` that says who may give it. At Telegram `/doorstep WORD` is
`/WORD`; at Slack every other word is answered with these."""


def asks(role: str, what: str) -> bool:
    """Whether this role may ask this of a desk."""
    return role in DESK.get(what, NOBODY)


def commands(role: str, desk: str, command: str) -> bool:
    """Whether this role may give this command at the desk of that name."""
    return asks(role, DESK_COMMANDS[desk].get(command, ""))


# --- in chat

DEEDS: Mapping[str, Roles] = {
    "record_consent": IN_CHAT,
    "withdraw_consent": IN_CHAT,
    "find_buddy": IN_CHAT,
    "another_buddy": IN_CHAT,
    "answer_offer": BUDDIES,
    "call_gathering": BUDDIES,
    "share_contact": IN_CHAT,
    "met": IN_CHAT,
    "end_pair": IN_CHAT,
    "become_buddy": IN_CHAT,
    "set_away": BUDDIES,
    "step_down": BUDDIES,
    "sign_up": IN_CHAT,
    "cancel_sign_up": IN_CHAT,
    "claim_need": IN_CHAT,
    "return_need": IN_CHAT,
    "check_in": IN_CHAT,
    "hosted_now": IN_CHAT,
    "mark_came": IN_CHAT,  # of an action that they host
    "was_there": IN_CHAT,
    "propose_action": IN_CHAT,
    "nearest_action": IN_CHAT,
    "invite_link": IN_CHAT,
    "phone_code": IN_CHAT,
    "tell_coordinators": IN_CHAT,
    "hand_over": IN_CHAT,
    "report": IN_CHAT,
    "set_language": IN_CHAT,
    "resume": IN_CHAT,
    "stop": IN_CHAT,
    "forget_me": IN_CHAT,
    "export_me": IN_CHAT,
}
"""What flows do for whom, whatever a flow file says; each about themselves alone, and about what they are part of. Who
writes for the first time is a supporter."""


def does(role: str, deed: str) -> bool:
    """Whether a flow may do this for somebody of this role; "" is who is neither yet."""
    return (role or SUPPORTER) in DEEDS.get(deed, NOBODY)


# --- the command line

COMMANDS: Mapping[str, Roles] = dict.fromkeys(
    (
        "check", "test", "draw", "translate", "init", "chat", "try", "run", "migrate", "passphrase", "rehearse", "pair",
        "stats", "send", "move", "people list", "people contact", "people import", "action add", "action list",
        "action import", "action change", "action cancel", "action code", "action campaign", "backup", "restore",
        "export", "import", "forget", "burn", "keys rotate",
    ),
    ORGANIZERS,
)  # fmt: skip
"""The commands of `doorstep`: whoever is on the machine, with its configuration and keys, may give them all."""
