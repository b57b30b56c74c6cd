"""Cards, the week and the home tab as Slack's blocks. Pure. Every name and text is `plain_text`, in which Slack makes
nothing of what looks like a link, a mention or markup; in the text beside blocks & < > are escaped.

Lengths: docs.slack.dev/reference/block-kit/blocks, and slack_sdk's models (HeaderBlock, SectionBlock, ButtonElement).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.channels.render import NOT_SEEN
from bot.console.stage import CardView
from bot.desks.base import APPROVE, DECLINE, DONE, REPLY, Button
from bot.desks.office import Home
from bot.desks.week import Week

Block = dict[str, Any]

LONGEST_HEADER, LONGEST_SECTION, LONGEST_BUTTON = 150, 3000, 75
MOST_BLOCKS = 50
LONGEST_NOTIFICATION = 300
"""Characters of the text beside blocks: it is shown in notifications only."""

PRESS = "desk:press:"
"""In front of a button's key in its `action_id`; its value is the card's number."""
ANSWER, NEW_ACTION, CHANGE_ACTION, BUDDIES = "desk:answer", "desk:new_action", "desk:change_action", "desk:buddies"

IN_THREAD = "What you write in this card's thread reaches them."
FOR_COORDINATORS = "Write to me under Messages. What coordinators see here is for those in their channel."
NOTHING_WAITS = "Nothing waits for anybody."


def card_blocks(card: CardView) -> list[Block]:
    """A card as it is now."""
    title = f"🚨 {card.title}" if card.urgent and card.open else card.title
    blocks = [_header(title), *_sections(card.lines)]
    if card.outcome:
        blocks.append(_context(card.outcome))
    elif card.open:
        if card.replies:
            blocks.append(_context(IN_THREAD))
        if card.buttons:
            blocks.append({"type": "actions", "elements": [_button(card, each) for each in card.buttons]})
    return blocks


def line_blocks(text: str) -> list[Block]:
    """A line of a thread."""
    return list(_sections([text]))[:MOST_BLOCKS]


def week_blocks(week: Week) -> list[Block]:
    """The week, as `/doorstep` answers."""
    return [_header(week.headline), *_week(week), _doing()]


def home_blocks(home: Home) -> list[Block]:
    """The home tab of a coordinator."""
    blocks = [
        _header(home.week.headline),
        *_week(home.week),
        _doing(),
        {"type": "divider"},
        _header("How far people came"),
    ]
    blocks += _sections([f"{people} {label}" for label, people in home.funnel])
    blocks += [{"type": "divider"}, _header("Waits for somebody")]
    for card in home.waiting:
        blocks += _sections([f"{'🚨 ' if card.urgent else ''}{card.title}", *card.lines[:2]])
    if not home.waiting:
        blocks += _sections([NOTHING_WAITS])
    if home.more:
        blocks.append(_context("More wait: they are in the channel."))
    return blocks


def stranger_blocks() -> list[Block]:
    """The home tab of everybody else."""
    return list(_sections([FOR_COORDINATORS]))


def notification(text: str) -> str:
    """The text beside blocks, escaped: docs.slack.dev/messaging/formatting-message-text#escaping."""
    short = " ".join(_whole(text).split())[:LONGEST_NOTIFICATION]
    return short.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or "…"


def read_text(text: str) -> str:
    """What somebody wrote, as they wrote it: the same page, the other way."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def plain(text: str, longest: int) -> Block:
    """A text that Slack leaves as it is."""
    text = _whole(text)
    cut = text if len(text) <= longest else f"{text[: longest - 1]}…"
    return {"type": "plain_text", "text": "…" if NOT_SEEN.fullmatch(cut) else cut, "emoji": False}


def _whole(text: str) -> str:
    """Half of a pair of surrogates, which JSON cannot carry, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _week(week: Week) -> Iterator[Block]:
    yield from _sections(week.lines)
    if week.coming:
        yield from _sections(["In the next seven days:", *week.coming])


def _doing() -> Block:
    buttons = ((NEW_ACTION, "Create an action"), (CHANGE_ACTION, "Change an action"), (BUDDIES, "Buddies"))
    elements = [{"type": "button", "action_id": key, "text": plain(label, LONGEST_BUTTON)} for key, label in buttons]
    return {"type": "actions", "elements": elements}


def _header(text: str) -> Block:
    return {"type": "header", "text": plain(text, LONGEST_HEADER)}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [plain(text, LONGEST_SECTION)]}


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    """Sections that hold these lines, each as many as fit."""
    text = "\n".join(lines)
    for start in range(0, len(text), LONGEST_SECTION):
        part = text[start : start + LONGEST_SECTION]
        if part.strip():
            yield {"type": "section", "text": plain(part, LONGEST_SECTION)}


def _button(card: CardView, button: Button) -> Block:
    answers = button.key == REPLY
    made: Block = {
        "type": "button",
        "action_id": ANSWER if answers else f"{PRESS}{button.key}",
        "value": str(card.id),
        "text": plain("Answer" if answers else button.label, LONGEST_BUTTON),
    }
    if button.key == APPROVE:
        made["style"] = "primary"
    if button.key == DONE and card.replies:
        made["confirm"] = _confirm("Close this?", "What they write is not shown here any more, and they hear that.")
    if button.key == DECLINE:
        made["confirm"] = _confirm(f"{button.label}?", "There is no way back.")
    if button.key == "block":
        made["confirm"] = _confirm(f"{button.label}?", "The bot writes to them no more, and ends their contacts.")
    return made


def _confirm(title: str, text: str) -> Block:
    """docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object: 100, 300, 30, 30."""
    return {"title": plain(title, 100), "text": plain(text, 300), "confirm": plain("Yes", 30), "deny": plain("No", 30)}


def options(labels: Sequence[tuple[str, str]]) -> list[Block]:
    """Options of a menu from (value, label); Slack shows a hundred, of 75 characters each."""
    return [{"text": plain(label, 75), "value": value} for value, label in labels[:100]]
