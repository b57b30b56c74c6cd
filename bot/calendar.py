"""An action as a calendar file, which every telephone can add to its calendar. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime

from flows.model import Value
from flows.text import show
from storage.actions import CANCELLED, Action

_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufeff]")
"""What no text may hold (RFC 5545, 3.3.11: TSAFE-CHAR, and 3.1: CONTROL), and the mark of a file's beginning."""


def calendar_file(
    action: Action, known: Mapping[str, Value], now: datetime, group: str, language: str, address: str = ""
) -> bytes:
    """The text of an .ics file (RFC 5545, UTF-8, times in UTC) for someone who may know `known` of the action.

    The event has the same UID in every file about this action, so that adding it again changes it and does not double
    it; its sequence and method tell a calendar that this one is newer, or that the action is off. `now` is when it is
    made, `group` the name of the group, and `address` where its web pages are.
    """
    # Imported only where somebody asks for a file: it takes longer than the rest of the bot's own modules.
    from icalendar import Calendar, Event

    event = Event()
    event.add("uid", f"action-{action.id}@{address.partition('://')[2].partition('/')[0] or 'doorstep'}")
    event.add("sequence", action.sequence)
    event.add("dtstamp", now)
    event.add("dtstart", action.starts_at)
    event.add("dtend", action.ends_at)
    event.add("summary", _written(action.title))
    where = [str(known[name]) for name in ("address", "district") if known.get(name)]
    if where:
        event.add("location", _written(", ".join(where)))
    what = [action.what, show(known.get("bring"), "list", language, action.zone), address]
    if any(what):
        event.add("description", _written("\n\n".join(each for each in what if each)))
    off = action.state == CANCELLED
    event.add("status", "CANCELLED" if off else "CONFIRMED")
    calendar = Calendar()
    calendar.add("prodid", f"-//{_written(group)}//Doorstep//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if off else "PUBLISH")
    calendar.add_component(event)
    content: bytes = calendar.to_ical()
    return content


def _written(text: str) -> str:
    """The text as a calendar file can hold it: lines end in one way, and half of a pair of surrogates is a "?"."""
    lines = text.encode("utf-8", "replace").decode().replace("\r\n", "\n").replace("\r", "\n")
    return _NO_TEXT.sub("", lines)
