"""Slack's modals of coordinators: to answer somebody, to make an action, to change a buddy's capacity. Pure.

Lengths: docs.slack.dev/reference/views (title 24), and .../block-kit/block-elements/plain-text-input-element.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from bot.desks.changing import ActionView
from bot.desks.office import LARGEST, BuddyView
from bot.desks.slack_shown import Block, options, plain

ANSWERING, MAKING, CHANGING = "desk:answering", "desk:making", "desk:changing"
CHOOSING, EDITING, CALLING_OFF = "desk:choosing", "desk:editing", "desk:calling_off"
"""Their `callback_id`."""

FIELDS: Sequence[tuple[str, str, str]] = (
    ("title", "Title", "Clean up the canal"),
    ("what", "What happens", "We meet at the bridge; gloves are there."),
    ("kind", "Kind", "clean-up"),
    ("place", "Town or district, shown to all", "Leeds"),
    ("address", "Where exactly, for those who come", "Canal Street 5"),
    ("date", "Day", ""),
    ("starts", "Begins", ""),
    ("ends", "Ends", ""),
    ("capacity", "How many can come (empty: as many as like)", "20"),
    ("goal", "How many you hope for", "12"),
    ("bring", "What is needed: one thing a line", "Cake"),
    ("campaign", "The campaign it belongs to", "Spring day"),
    ("every", "Again each (empty: once)", "week"),
    ("times", "So often", "8"),
    ("cohort", "Cohort: whoever comes once comes to all of this name", "Course of April"),
    ("materials", "What helps hosts: a link, or a text", "https://example.org/how-to-host"),
)
"""(block, label, example). A column of `bot.new_actions` but for `date`, which goes with the two times, and for `every`
and `times`, which make a series of it."""

_NEEDED = {"title", "date", "starts"}
_LONGEST = {"title": 100, "kind": 40, "address": 300, "what": 2000, "campaign": 100, "cohort": 100, "materials": 2000}
"""As `bot.new_actions` has them."""
_LINES = {"what", "bring"}


def answering(card: int, title: str) -> Block:
    """To write to the person of a card."""
    field = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 3000}
    blocks = [
        _section(title),
        {"type": "input", "block_id": "text", "label": plain("Your answer", 2000), "element": field},
    ]
    return _modal(ANSWERING, "Answer", "Send", blocks, str(card))


def making(today: date) -> Block:
    """To make an action."""
    return _modal(MAKING, "Create an action", "Publish", [_field(*each, today) for each in FIELDS])


EDIT, CALL_OFF = "edit", "call_off"
"""What can be done with the action that was chosen."""


def choosing(actions: Sequence[ActionView]) -> Block:
    """Which action, and what of it."""
    which = {
        "type": "static_select", "action_id": "action",
        "options": options([(str(each.id), each.words) for each in actions]),
    }  # fmt: skip
    ways = options([(EDIT, "Change it"), (CALL_OFF, "Call it off")])
    what = {"type": "radio_buttons", "action_id": "what", "options": ways, "initial_option": ways[0]}
    blocks = [
        {"type": "input", "block_id": "action", "label": plain("Action", 2000), "element": which},
        {"type": "input", "block_id": "what", "label": plain("What of it?", 2000), "element": what},
    ]
    return _modal(CHOOSING, "Change an action", "Go on", blocks)


def editing(action: ActionView) -> Block:
    """To change an action: what it is now stands in the fields."""
    now = dict(action.cells)
    now["date"], _, now["starts"] = now["starts"].partition(" ")
    fields = [_filled(_field(*each, date.fromisoformat(now["date"])), now) for each in FIELDS if each[0] in now]
    hears = f"Times are those of {action.zone}. Another day, time or place is told to everyone who signed up."
    return _modal(EDITING, "Change an action", "Change", [*fields, _section(hears)], str(action.id))


def calling_off(action: ActionView) -> Block:
    """To call an action off: whoever sends this off was asked before."""
    blocks = [_section(action.words), _section(action.sure)]
    return _modal(CALLING_OFF, "Call it off?", "Call it off", blocks, str(action.id))


def _filled(field: Block, now: Mapping[str, str]) -> Block:
    element = field["element"]
    initial = {"datepicker": "initial_date", "timepicker": "initial_time"}.get(element["type"], "initial_value")
    text = now[field["block_id"]]
    return {**field, "element": {**element, initial: text}} if text else field


def _section(text: str) -> Block:
    return {"type": "section", "text": plain(text, 3000)}


def changing(buddies: Sequence[BuddyView]) -> Block:
    """To change how many newcomers a buddy takes."""
    labels = [(str(each.id), each.words) for each in buddies]
    whom = {"type": "static_select", "action_id": "buddy", "options": options(labels)}
    number = {"type": "plain_text_input", "action_id": "capacity", "placeholder": plain(f"0 to {LARGEST}", 150)}
    blocks = [
        {"type": "input", "block_id": "buddy", "label": plain("Buddy", 2000), "element": whom},
        {"type": "input", "block_id": "capacity", "label": plain("Newcomers at once", 2000), "element": number},
    ]
    return _modal(CHANGING, "Buddies", "Change", blocks)


def told(title: str, text: str) -> Block:
    """Something to read."""
    made = _modal("desk:told", title, "", [_section(text)])
    return {name: value for name, value in made.items() if name != "submit"}


def values(view: Mapping[str, Any]) -> dict[str, str]:
    """What was filled in, by block."""
    given: dict[str, str] = {}
    for block, elements in view["state"]["values"].items():
        for element in elements.values():
            chosen = element.get("selected_option") or {}
            written = element.get("value") or element.get("selected_date") or element.get("selected_time")
            given[block] = str(written or chosen.get("value") or "").strip()
    return given


def cells(given: Mapping[str, str]) -> dict[str, str]:
    """The texts of `bot.new_actions.understand` that a filled-in action means."""
    made = {name: text for name, text in given.items() if name not in ("date", "starts", "bring")}
    made["starts"] = f"{given.get('date', '')} {given.get('starts', '')}".strip()
    if "bring" in given:
        made["bring"] = "; ".join(filter(None, (line.strip() for line in given.get("bring", "").splitlines())))
    return made


def problems(found: Mapping[str, str]) -> dict[str, str]:
    """What is wrong, at the fields where it is. What has no field of its own stands at the title."""
    blocks = {block for block, _, _ in FIELDS}
    return {column if column in blocks else "title": f"{what[:1].upper()}{what[1:]}" for column, what in found.items()}


def _field(block: str, label: str, example: str, today: date) -> Block:
    if block == "date":
        element: Block = {"type": "datepicker", "action_id": block, "initial_date": today.isoformat()}
    elif block in ("starts", "ends"):
        element = {"type": "timepicker", "action_id": block}
    else:
        element = {
            "type": "plain_text_input",
            "action_id": block,
            "multiline": block in _LINES,
            "max_length": _LONGEST.get(block, 500),
            "placeholder": plain(example, 150),
        }
    return {
        "type": "input", "block_id": block, "label": plain(label, 2000), "element": element,
        "optional": block not in _NEEDED,
    }  # fmt: skip


def _modal(callback: str, title: str, submit: str, blocks: list[Block], about: str = "") -> Block:
    return {
        "type": "modal", "callback_id": callback, "title": plain(title, 24), "submit": plain(submit, 24),
        "close": plain("Close", 24), "blocks": blocks, "private_metadata": about,
    }  # fmt: skip
