"""What coordinators read on a card and can press: one description, the same on every desk. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from flows.model import Value
from storage.cards import NOTICE, OPEN, PAST

Body = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press. `key` is what `bot.desks.acting` understands."""

    key: str
    label: str


@dataclass(frozen=True, slots=True)
class Words:
    """A card in words: `lines` are plain texts. With `replies`, something can be written back to the person."""

    title: str
    lines: tuple[str, ...] = ()
    buttons: tuple[Button, ...] = ()
    replies: bool = False


APPROVE, DECLINE, DONE, REPLY = "approve", "decline", "done", "reply"
TAKE, AGAIN, LEAVE = "take", "again", "leave"
WRITE = "write"
"""Not a button: what a coordinator writes in the thread of a card that `replies`. The card stays open."""

MOVES = "moves"
"""What becomes of the card of a stalled match in which something moves again."""

_DONE = Button(DONE, "Done")
_REPLY = Button(REPLY, "Send")


def describe(kind: str, body: Body) -> Words:
    """The words of a card of this kind. `body` holds what is known; a part that is missing is left out.

    names      supporter, buddy, person, other: first names; `other_pairs`: those of whom `other` is in touch with;
               `district`, `language`, `interests` and `reasons` of the person
    the rest   about (their own words, or the flow's), flow, title, when, what, channel, reason, waiting_days; of a
               turnout going, goal, confirmed, places, waiting, came, campaign; of what has an owner, `owner` and
               `until`; `lines`, as they are
    restraint  whom: who can be muted or blocked from it, by first name; standing: "free", "muted" or "blocked"

    No card carries contact details, whatever the body holds. A kind nobody has described is shown by its name.
    """
    words = _KINDS.get(kind, _other)(kind, body)
    return replace(words, lines=(*words.lines, *_standing(body)), buttons=(*words.buttons, *_restraints(body)))


NAMELESS = "them"
"""Whom a card is about who has told no name, as `whom`."""


def _standing(body: Body) -> tuple[str, ...]:
    told = {"muted": "muted: no word of theirs reaches anybody", "blocked": "blocked"}
    sentence, whom = told.get(_text(body, "standing"), ""), _text(body, "whom")
    return (f"{'They are' if whom == NAMELESS else f'{whom} is'} {sentence}",) if sentence else ()


def _restraints(body: Body) -> tuple[Button, ...]:
    """What can be pressed about the one person whom a card is about."""
    whom = _text(body, "whom")
    mute, block = Button("mute", f"Mute {whom}"), Button("block", f"Block {whom}")
    free = Button("free", f"Let {whom} write again")
    return {"free": (mute, block), "muted": (free, block), "blocked": (free,)}.get(_text(body, "standing"), ())


def _match(kind: str, body: Body) -> Words:
    both = f"{_begins(body, 'supporter')} and {_name(body, 'buddy')}"
    return Words(f"{both} were introduced", _fitting(body), (_DONE,))


def _to_approve(kind: str, body: Body) -> Words:
    buttons = (Button(APPROVE, "Ask the buddy"), Button(DECLINE, "Not these two"))
    return Words(f"May {_name(body, 'buddy')} be asked to meet {_name(body, 'supporter')}?", _fitting(body), buttons)


def _stalled(kind: str, body: Body) -> Words:
    both = f"{_begins(body, 'supporter')} and {_name(body, 'buddy')}"
    taken = _text(body, "owner")
    known = _lines(("Introduced", "introduced"), ("", "about"), ("Near", "district"))(body)
    until = _text(body, "until")
    if taken:
        promise = f"{taken} takes it, until {until}"
    else:
        promise = f"Somebody should ask after them by {until}" if until else "Overdue: who asks after them?"
    buttons = (_DONE,) if taken else (Button(TAKE, "I take it"), _DONE)
    return Words(f"{both}: nothing moves", (*known, promise), buttons)


def _nobody_near(kind: str, body: Body) -> Words:
    known = _lines(("Near", "district"), ("Speaks", "language"), ("Cares about", "interests"), ("", "about"))
    return Words(f"Nobody is free near {_name(body, 'person')}", known(body), (_DONE,))


def _few_buddies(kind: str, body: Body) -> Words:
    name, many = _text(body, "person"), _number(body, "many")
    lines = (
        f"{many} newcomers near {name or 'one buddy'} wait, and nobody has room for them.",
        f"{name or 'That buddy'} could welcome them together, once: in a public place, or at an action.",
        *_lines(("Near", "district"))(body),
    )
    buttons = (Button(APPROVE, f"Ask {name or 'them'}"), Button(DECLINE, "Not now"))
    return Words("Few buddies, many newcomers", lines, buttons)


def _buddy_to_approve(kind: str, body: Body) -> Words:
    known = _lines(
        ("Near", "district"),
        ("Speaks", "language"),
        ("Cares about", "interests"),
        ("Has met people here", "meetings"),
        ("Takes at most", "capacity"),
    )
    buttons = (Button(APPROVE, "Welcome as a buddy"), Button(DECLINE, "Not now"))
    return Words(f"{_begins(body, 'person')} would like to be a buddy", known(body), buttons)


def _action_proposed(kind: str, body: Body) -> Words:
    known = _lines(("", "what"), ("When", "when"), ("Where", "district"), ("Proposed by", "person"))
    buttons = (Button(APPROVE, "Publish it"), Button(DECLINE, "Not this one"))
    return Words(f"An action is proposed: {_text(body, 'title') or 'no title yet'}", known(body), buttons)


def _human(kind: str, body: Body) -> Words:
    known = _lines(("", "about"), ("Near", "district"), ("Speaks", "language"))
    return Words(f"{_begins(body, 'person')} asks for a human", known(body), (_REPLY, _DONE), replies=True)


def _report(kind: str, body: Body) -> Words:
    known = _lines(("", "about"), ("With", "other"), ("Also in touch with them", "other_pairs"), ("Near", "district"))
    title = f"{_begins(body, 'person')} says that something felt wrong"
    return Words(title, known(body), (_REPLY, _DONE), replies=True)


def _failed_send(kind: str, body: Body) -> Words:
    known = _lines(("On", "channel"), ("Because", "reason"))
    return Words(f"A message did not reach {_name(body, 'person')}", known(body), (_DONE,))


def _held_send(kind: str, body: Body) -> Words:
    known = _lines(("On", "channel"), ("Because", "reason"))
    buttons = (Button(AGAIN, "Send it again"), Button(LEAVE, "Leave it"))
    return Words(f"A message may not have reached {_name(body, 'person')}", known(body), buttons)


def _turn_failed(kind: str, body: Body) -> Words:
    known = (
        *_lines(("Because", "reason"))(body),
        "It is kept. Whoever runs the bot finds more in its log.",
    )
    buttons = (Button(AGAIN, "Try it again"), Button(LEAVE, "Leave it"))
    return Words(f"The bot broke over something of {_name(body, 'person')}'s", known, buttons)


def _turnout(kind: str, body: Body) -> Words:
    going, goal, places = (_number(body, name) for name in ("going", "goal", "places"))
    hoped = f" of {goal} hoped for" if goal else ""
    lines = [*_lines(("", "when"), ("Where", "district"))(body), f"Signed up: {going}{hoped}"]
    if places:
        lines.append(f"Places left: {max(0, places - going)} of {places}")
    lines += _lines(("Confirmed", "confirmed"), ("Waiting for a place", "waiting"), ("Came", "came"), ("", "campaign"))(
        body
    )
    return Words(_text(body, "title") or "An action", tuple(lines))


def _flow_refused(kind: str, body: Body) -> Words:
    known = (*_lines(("", "lines"))(body), "The bot goes on with the flows as they were.")
    return Words("Edited flows are not in force", known, (_DONE,))


def _exported(kind: str, body: Body) -> Words:
    lines = (
        f"By {_text(body, 'by') or 'somebody'}, on the bot's machine: every name, address and message is in "
        "spreadsheets now, which anyone can read who has them.",
        "Does nobody know why? Then read docs/safety.md: the machine may be in other hands.",
    )
    return Words("Everything was exported", lines, (_DONE,))


def _digest(kind: str, body: Body) -> Words:
    lines = body.get("lines")
    return Words(_text(body, "title"), tuple(map(str, lines)) if isinstance(lines, tuple) else ())


def _told(kind: str, body: Body) -> Words:
    about = _text(body, "about") or "The bot tells of something"
    known = _lines(("About", "person"), ("Near", "district"), ("In the flow", "flow"))
    return Words(about[:1].upper() + about[1:], known(body), (_DONE,))


def _flagged(kind: str, body: Body) -> Words:
    known = _lines(("", "about"), ("Near", "district"))
    return Words(f"Does {_name(body, 'person')} mean well?", known(body), (_DONE,))


def _other(kind: str, body: Body) -> Words:
    title = kind.replace("_", " ")
    return Words(title[:1].upper() + title[1:], _lines(("", "about"))(body), (_DONE,))


_KINDS: Mapping[str, Callable[[str, Body], Words]] = {
    "match": _match,
    "match_to_approve": _to_approve,
    "stalled": _stalled,
    "nobody_near": _nobody_near,
    "few_buddies": _few_buddies,
    "buddy_to_approve": _buddy_to_approve,
    "action_proposed": _action_proposed,
    "human": _human,
    "report": _report,
    "failed_send": _failed_send,
    "held_send": _held_send,
    "turn_failed": _turn_failed,
    "turnout": _turnout,
    "flow_refused": _flow_refused,
    "exported": _exported,
    "digest": _digest,
    "told": _told,
    "flagged": _flagged,
}
"""Every kind of card, in one place."""

_OUTCOMES = {
    APPROVE: "Approved",
    DECLINE: "Declined",
    DONE: "Done",
    REPLY: "Answered",
    AGAIN: "Tried again",
    LEAVE: "Left",
    MOVES: "They are in touch again",
    PAST: "",
}


def outcome(state: str, by: str) -> str:
    """What became of a card, as it says itself; "" while it is open."""
    if state in (OPEN, NOTICE):
        return ""
    words = _OUTCOMES[state] if state in _OUTCOMES else state.replace("_", " ").capitalize()
    return f"{words} by {by}" if by else words


def _fitting(body: Body) -> tuple[str, ...]:
    return _lines(("", "reasons"), ("Near", "district"))(body)


def _lines(*parts: tuple[str, str]) -> Callable[[Body], tuple[str, ...]]:
    """A line for each of (word in front, name in the body) that is known."""

    def known(body: Body) -> tuple[str, ...]:
        told = [(front, _text(body, name)) for front, name in parts]
        return tuple(f"{front}: {text}" if front else text[:1].upper() + text[1:] for front, text in told if text)

    return known


def _number(body: Body, name: str) -> int:
    value = body.get(name)
    return value if isinstance(value, int) else 0


def _name(body: Body, who: str) -> str:
    """Within a sentence."""
    return _text(body, who) or "someone"


def _begins(body: Body, who: str) -> str:
    """The same where the sentence begins with it."""
    return _text(body, who) or "Someone"


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if value is None or isinstance(value, bool):
        return ""
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
