"""Cards, lines, the week and buddies as Telegram's messages and buttons. Pure. Text goes without a parse mode, and what
Telegram finds by itself (mentions, links, commands) it does not find: see `still`."""

import re
from collections.abc import Sequence
from typing import Any

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity

from bot.blocking import BLOCK, MUTE
from bot.channels.render import NOT_SEEN
from bot.console.stage import CardView
from bot.desks.base import DECLINE, DONE, REPLY
from bot.desks.changing import ActionView
from bot.desks.office import LARGEST, BuddyView
from bot.desks.week import Week

Shown = dict[str, Any]
"""`text`, `entities` and `reply_markup` of a message."""

LONGEST = 4096
"""Characters of a message: core.telegram.org/bots/api#sendmessage."""
LONGEST_LINE = 1000
"""Characters of a title and of what became of a card: what is bold or italic must not be cut off."""
LONGEST_ANSWER = 200
"""Characters of the answer to a press: core.telegram.org/bots/api#answercallbackquery."""
LONGEST_LABEL = 60
"""Of a button; Telegram names no limit, and a phone shows less."""
MOST_BUDDIES = MOST_ACTIONS = 20

ANSWER_HERE = "Reply to this message: what you write reaches them."
CUT = "… (cut here: longer than Telegram's messages may be)"
AGAIN = "Press once more if you mean it: there may be no way back."

CARD, BUDDY, NUMBER, ACTION = "card", "buddy", "number", "action"
"""In front of what a button carries: a card and the button's key; a buddy; a buddy and how many; an action and what
is to become of it."""

CHANGE, CALL_OFF = "change", "call_off"
"""What can become of an action."""

_FOUND = re.compile(r"(?<=[@/.:#$])(?=\w)(?!(?<=\d[.:])\d)")
_JOINER = "\u2060"


def still(text: str) -> str:
    """The same to read, without anything in it that Telegram makes a mention, a link or a command of.

    tdlib/td, MessageEntity.cpp, match_mentions, match_bot_commands and match_urls want a letter or a digit right behind
    the sign; a word joiner (U+2060), which nobody sees, stands between. In 10:30 and 3.5 there is nothing to find.
    """
    return _FOUND.sub(_JOINER, text.encode("utf-8", "replace").decode())


def card_shown(card: CardView) -> Shown:
    """A card as it is now."""
    title = _line(f"🚨 {card.title}" if card.urgent and card.open else card.title)
    end = still(card.outcome or (ANSWER_HERE if card.open and card.replies else "")).strip()[:LONGEST_LINE]
    text = _cut("\n".join((title, *map(still, card.lines))), LONGEST - len(end) - 2)
    entities = [MessageEntity(MessageEntity.BOLD, 0, units(title))]
    if end:
        entities.append(MessageEntity(MessageEntity.ITALIC, units(text) + 2, units(end)))
        text = f"{text}\n\n{end}"
    return {"text": text, "entities": entities, "reply_markup": _keyboard(card)}


def _keyboard(card: CardView) -> InlineKeyboardMarkup | None:
    if not card.open:
        return None
    # What is written in reply needs no button.
    pressed = [_button(each.label, CARD, card.id, each.key) for each in card.buttons if each.key != REPLY]
    if not pressed:
        return None
    # Two stand side by side on a phone.
    return InlineKeyboardMarkup([pressed[at : at + 2] for at in range(0, len(pressed), 2)])


def asks_twice(card: CardView, button: str) -> bool:
    """Whether a press cannot be undone and hurts: then it is to be made twice."""
    return button in (DECLINE, MUTE, BLOCK) or (button == DONE and card.replies)


def line_shown(text: str) -> Shown:
    """A line of a card's thread, or any other words."""
    text = _cut(still(text), LONGEST)
    return {"text": "…" if NOT_SEEN.fullmatch(text) else text, "entities": [], "reply_markup": None}


def week_shown(week: Week) -> Shown:
    """The week, as `/week` answers."""
    coming = ("", "In the next seven days:", *week.coming) if week.coming else ()
    shown = line_shown("\n".join((week.headline, *week.lines, *coming)))
    return {**shown, "entities": [MessageEntity(MessageEntity.BOLD, 0, units(still(week.headline)))]}


def whom_shown(buddies: Sequence[BuddyView]) -> Shown:
    """Which buddy is meant."""
    more = f" More than {MOST_BUDDIES}: write /buddies and a part of the name." if len(buddies) > MOST_BUDDIES else ""
    rows = [[_button(each.words, BUDDY, each.id)] for each in buddies[:MOST_BUDDIES]]
    return {"text": f"Which buddy?{more}", "entities": [], "reply_markup": InlineKeyboardMarkup(rows)}


def how_many_shown(buddy: BuddyView) -> Shown:
    """How many newcomers a buddy takes: numbers to press."""
    numbers = [_button(str(number), NUMBER, buddy.id, str(number)) for number in range(LARGEST + 1)]
    rows = [numbers[at : at + 7] for at in range(0, len(numbers), 7)]
    text = f"{_line(buddy.words)}. How many newcomers at once?"
    return {"text": text, "entities": [], "reply_markup": InlineKeyboardMarkup(rows)}


def which_shown(actions: Sequence[ActionView]) -> Shown:
    """Which action is meant."""
    more = f" More than {MOST_ACTIONS}: write /change and a part of the title." if len(actions) > MOST_ACTIONS else ""
    rows = [[_button(each.words, ACTION, each.id)] for each in actions[:MOST_ACTIONS]]
    return {"text": f"Which action?{more}", "entities": [], "reply_markup": InlineKeyboardMarkup(rows)}


def action_shown(action: ActionView) -> Shown:
    """An action, and what can become of it."""
    buttons = [_button("Change it", ACTION, action.id, CHANGE), _button("Call it off", ACTION, action.id, CALL_OFF)]
    text = f"{_line(action.words)}\n{action.sure}"
    return {"text": text, "entities": [], "reply_markup": InlineKeyboardMarkup([buttons])}


def carried(data: str) -> tuple[str, int, str]:
    """What a button of ours carries: which kind of thing, its number, and what of it. ("", 0, "") for another's."""
    kind, _, rest = data.partition(":")
    number, _, what = rest.partition(":")
    if kind not in (CARD, BUDDY, NUMBER, ACTION) or not (number.isascii() and number.isdigit()):
        return "", 0, ""
    return kind, int(number), what


def units(text: str) -> int:
    """How long Telegram counts a text to be: core.telegram.org/bots/api#messageentity, UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _button(label: str, kind: str, number: int, what: str = "") -> InlineKeyboardButton:
    label = label.encode("utf-8", "replace").decode().strip()
    cut = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
    return InlineKeyboardButton("…" if NOT_SEEN.fullmatch(cut) else cut, callback_data=f"{kind}:{number}:{what}")


def _line(text: str) -> str:
    """A title, or who it is about: what stands below it has room too."""
    line = still(text).strip()
    line = line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"
    return "…" if NOT_SEEN.fullmatch(line) else line


def _cut(text: str, most: int) -> str:
    text = text.strip()
    return text if len(text) <= most else f"{text[: most - len(CUT)]}{CUT}"
