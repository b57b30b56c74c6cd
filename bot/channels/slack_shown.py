"""How a message looks on Slack: rich text with bold words and links, buttons, boxes to tick. Pure.

What people wrote stands in rich text and in plain text only: no name there can ping anybody or hide a link. Boxes are
ticked on Slack's side and handed in together, with the button that closes the question: a tick costs no call, and Slack
allows few of them.
"""

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from bot.channels.carried import LEAVE, carried
from bot.channels.render import BOLD, NOT_SEEN, button_label, fitting, plain_label
from flows.limits import SLACK
from flows.model import DONE, Say, Shown

Json = dict[str, Any]

CHOICE, TICKS, CLOSE, WAY_OUT = "doorstep.choice", "doorstep.ticks", "doorstep.done", "doorstep.leave"
"""How the names of our buttons and boxes begin; those of the desk begin otherwise."""

LONGEST_VALUE = 2000
"""What a button carries: slack_sdk's ButtonElement.value_max_length."""

LONGEST_BOX = 150
"""What a box carries: slack_sdk's Option.value_max_length."""

MOST_BOXES = 10
"""Boxes of one element: docs.slack.dev/reference/block-kit/block-elements/checkboxes-element."""

SEEN = 30
"""Characters of a button's label that are surely seen: "may truncate with ~30 characters",
docs.slack.dev/reference/block-kit/block-elements/button-element."""

_LINK = re.compile(r"https?://[^\s<>()\[\]{}|'\"]*[^\s<>()\[\]{}|'\".,:;!?*_]")


def shown(say: Say, conversation: int) -> Json:
    """The fields of `chat.postMessage` and `chat.update`, but for where it is."""
    asking = _asking(say, conversation)
    most = (SLACK.label or 0) if say.many else SEEN
    listed = bool(say.choices) and (asking is None or any(len(plain_label(each)) > most for each in say.choices))
    text = _clean(fitting(say, SLACK.text) if listed else say.text)
    words = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(_pieces(text))}]}
    return {
        "blocks": [words, *([asking] if asking else []), *([_way_out(say)] if say.leave else [])],
        # What a notification shows, and whoever cannot see blocks.
        "text": escaped(BOLD.sub(r"\1", text)),
        "parse": "none",
        "link_names": False,
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
    }


def escaped(text: str) -> str:
    """The text, so that nothing in it means anything to Slack: docs.slack.dev/messaging/formatting-message-text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mark(say: Say, number: int) -> str:
    """What a message is known by: its outbox number, and a digest of its words, for a restored database counts anew."""
    return f"{number}-{blake2b(say.text.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _pieces(text: str) -> Iterator[Json]:
    at = 0
    for match in BOLD.finditer(text):
        yield from _linked(text[at : match.start()], {})
        yield from _linked(match[1], {"style": {"bold": True}})
        at = match.end()
    yield from _linked(text[at:], {})


def _linked(text: str, style: Json) -> Iterator[Json]:
    at = 0
    for match in _LINK.finditer(text):
        if match.start() > at:
            yield {"type": "text", "text": text[at : match.start()], **style}
        yield {"type": "link", "url": match[0], **style}
        at = match.end()
    if text[at:]:
        yield {"type": "text", "text": text[at:], **style}


def _asking(say: Say, conversation: int) -> Json | None:
    """The block with what can be chosen; None where there is nothing to choose, or it does not fit."""
    if not say.choices or len(say.choices) > (SLACK.buttons or 0):
        return None
    if say.many and any(not 0 < len(each.key) <= LONGEST_BOX for each in say.choices):
        return None
    elements = _boxes(say, conversation) if say.many else _buttons(say, conversation)
    # What is ticked on Slack's side stays so as long as the block has the same name.
    state = blake2b("\0".join(say.picked).encode("utf-8", "replace"), digest_size=6).hexdigest()
    return {"type": "actions", "block_id": f"{conversation}.{say.question}.{state}", "elements": elements}


def _buttons(say: Say, conversation: int) -> list[Json]:
    return [
        {
            "type": "button",
            "action_id": f"{CHOICE}.{number}",
            "text": _label(choice, number),
            "value": carried(conversation, say.question, choice.key, number, LONGEST_VALUE),
        }
        for number, choice in enumerate(say.choices, 1)
    ]


def _way_out(say: Say) -> Json:
    """A block of its own, below: so that nobody takes it for an answer."""
    leave = {"type": "button", "action_id": WAY_OUT, "text": _plain(say.leave), "value": LEAVE}
    return {"type": "actions", "elements": [leave]}


def _boxes(say: Say, conversation: int) -> list[Json]:
    options = [{"text": _label(choice, number), "value": choice.key} for number, choice in enumerate(say.choices, 1)]
    elements: list[Json] = []
    for at in range(0, len(options), MOST_BOXES):
        group = options[at : at + MOST_BOXES]
        element: Json = {"type": "checkboxes", "action_id": f"{TICKS}.{at}", "options": group}
        if ticked := [option for option in group if option["value"] in say.picked]:
            element["initial_options"] = ticked
        elements.append(element)
    value = carried(conversation, say.question, DONE, 0, LONGEST_VALUE)
    close = {"type": "button", "action_id": CLOSE, "text": _plain(say.button or "OK"), "value": value}
    return [*elements, close]


def _plain(text: str) -> Json:
    return {"type": "plain_text", "text": text[: SLACK.label], "emoji": False}


def _label(choice: Shown, number: int) -> Json:
    return _plain(button_label(choice, number, SLACK.label or 0))


def _clean(text: str) -> str:
    text = text.encode("utf-8", "replace").decode().strip()
    return "…" if NOT_SEEN.fullmatch(text) else text
