"""A new action as a coordinator types it on a phone: one thing on each line. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

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
EXAMPLE = "Clean up the canal"
"""What stands greyed in the field where they write."""

_ORDER = ("title", "starts", "place")
_NAMES = {
    "title": "title", "when": "starts", "starts": "starts", "ends": "ends", "until": "ends", "place": "place",
    "town": "place", "where": "address", "address": "address", "capacity": "capacity", "places": "capacity",
    "goal": "goal", "kind": "kind", "bring": "bring", "what": "what", "campaign": "campaign",
}  # fmt: skip
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
    said = found.get("starts", "")
    # What is in figures is read as it stands, so that an hour which the clocks skip is told.
    if not said[:4].isdigit() and (at := moment(said, now, zone.key, LANGUAGE)) is not None:
        found["starts"] = f"{at.astimezone(zone):%Y-%m-%d %H:%M}"
    return found


def problems(found: Mapping[str, str]) -> str:
    """What is wrong, and how to go on."""
    lines = [f"{_LABELS.get(column, column.capitalize())}: {what}" for column, what in found.items()]
    return "\n".join((f"{HEADING} Not published yet:", *lines, "", "Reply to this message with all the lines again."))
