"""A new action, or what changes of one, as a coordinator types it on a phone: one thing on each line. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.desks.changing import ActionView
from bot.desks.reading import LANGUAGE
from bot.proposals import moment

HEADING = "A new action."
"""How what asks for one begins: a reply to it is one."""

ASK = (
    f"{HEADING} Reply to this message, one thing on each line:\n\n"
    "Clean up the canal\nSaturday 14:00\nLeeds\n\n"
    "That is title, day and time, town. If you like, go on with lines like these:\n\n"
    "ends: 16:00\naddress: Canal Street 5, told to those who come\ncapacity: 20\ngoal: 12\nbring: cake, gloves\n"
    "what: We meet at the bridge."
)
EXAMPLE, CHANGE_EXAMPLE = "Clean up the canal", "when: Sunday 14:00"
"""What stands greyed in the field where they write."""

_CHANGES = re.compile(r"Action (\d+) changes\.")
"""How what asks for a change begins: a reply to it is one."""
_ASK_CHANGE = (
    "Reply to this message with what is different now, one thing on each line, like:", "", CHANGE_EXAMPLE,
    "address: Canal Street 7", "", "It is like this now:",
)  # fmt: skip

_ORDER = ("title", "starts", "place")
_NAMES = {
    "title": "title", "when": "starts", "starts": "starts", "ends": "ends", "until": "ends", "place": "place",
    "town": "place", "where": "address", "address": "address", "capacity": "capacity", "places": "capacity",
    "goal": "goal", "kind": "kind", "bring": "bring", "what": "what", "campaign": "campaign", "cohort": "cohort",
    "every": "every", "times": "times", "materials": "materials",
}  # fmt: skip
_CHANGEABLE = {
    "title": "title", "starts": "when", "ends": "ends", "place": "town", "address": "address", "capacity": "capacity",
    "goal": "goal", "kind": "kind", "what": "what",
}  # fmt: skip
"""What can be changed of an action, with the word in front."""
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_LABELS = {"starts": "Day and time", "ends": "Ends", "place": "Town"}
_NAMED = re.compile(rf"({'|'.join(_NAMES)})\s*:\s*(.*)", re.IGNORECASE | re.DOTALL)


def cells(text: str, now: datetime, zone: ZoneInfo) -> dict[str, str]:
    """The texts of `bot.new_actions.understand` that some lines mean, or parts between semicolons where it is one line.

    Title, day and time, and town are known by their order, the rest by the word and the colon in front; what has none
    is what happens. A day in words is the next such one.
    """
    text = text.strip()
    parts = [part.strip() for part in (text.splitlines() if "\n" in text else text.split(";")) if part.strip()]
    found: dict[str, str] = {}
    unnamed = []
    for part in parts:
        if named := _NAMED.fullmatch(part):
            found[_NAMES[named[1].lower()]] = named[2].strip()
        else:
            unnamed.append(part)
    free = [name for name in _ORDER if name not in found]
    found |= dict(zip(free, unnamed, strict=False))
    rest = unnamed[len(free) :]
    if rest:
        found["what"] = "\n".join(filter(None, (found.get("what", ""), *rest)))
    if "bring" in found:
        found["bring"] = found["bring"].replace(",", ";")
    if "starts" in found:
        found["starts"] = _moment(found["starts"], "", now, zone)
    return found


def ask_change(action: ActionView, wrong: Mapping[str, str] | None = None) -> str:
    """What asks for a change of an action, after what was `wrong` with one that was written already."""
    known = {**action.cells, "starts": action.when}
    lines = [f"{label}: {known[column]}" for column, label in _CHANGEABLE.items() if known.get(column)]
    not_yet = ["Not changed yet:", *_wrong(wrong), ""] if wrong else []
    return "\n".join([f"Action {action.id} changes.", *not_yet, *_ASK_CHANGE, *lines])


def changes_which(text: str) -> int | None:
    """The action that a message of ours asked a change of; None where it asked for none."""
    found = _CHANGES.match(text)
    return int(found[1]) if found else None


def changed(text: str, action: ActionView, now: datetime) -> dict[str, str]:
    """The texts of an action that these lines mean anew: each has its word and a colon in front, but a day and a time
    may stand alone. What is not understood is kept under "line"."""
    zone = ZoneInfo(action.zone)
    found: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.splitlines())):
        named = _NAMED.fullmatch(part)
        column, said = (_NAMES[named[1].lower()], named[2].strip()) if named else ("starts", part)
        if column == "starts":
            said = _moment(said, action.cells["starts"].partition(" ")[0], now, zone)
        found[column if named or said[:4].isdigit() else "line"] = said
    return found


def _moment(said: str, day: str, now: datetime, zone: ZoneInfo) -> str:
    """As figures, where it is understood; a time alone is of that day."""
    if day and _CLOCK.fullmatch(said):
        return f"{day} {said}"
    # What is in figures is read as it stands, so that an hour which the clocks skip is told.
    if not said[:4].isdigit() and (at := moment(said, now, zone.key, LANGUAGE)) is not None:
        return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return said


def problems(found: Mapping[str, str]) -> str:
    """What is wrong, and how to go on."""
    again = "Reply to this message with all the lines again."
    return "\n".join((f"{HEADING} Not published yet:", *_wrong(found), "", again))


def _wrong(found: Mapping[str, str]) -> list[str]:
    return [f"{_LABELS.get(column, column.capitalize())}: {what}" for column, what in found.items()]
