"""What someone did on Telegram, read from one update."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiogram import types
from pydantic import ValidationError

from bot.channels.carried import LEAVE, STOP, pressed
from bot.channels.telegram_shown import label_pressed
from flows.model import Said

KINDS = ["message", "edited_message", "callback_query"]
"""The updates that are asked for. What is left out here is lost: `allowed_updates` is a filter at the door."""

PRIVATE = "private"


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing a person did in their chat with the bot.

    chat     the chat's id, which is the person's address
    message  the number of their message; 0: they pressed a button
    edited   they changed an earlier message
    point    latitude and longitude, in degrees, of a place they shared
    query    what a press wants to be answered under
    at       the end of the second in which they wrote; None for a press, of which Telegram does not say it
    """

    chat: int
    name: str
    language: str
    said: Said
    message: int = 0
    edited: bool = False
    point: tuple[float, float] | None = None
    query: str = ""
    at: datetime | None = None


def heard(update: dict[str, Any]) -> Heard | None:
    """What an update tells; None where it is nothing that a person said to the bot alone.

    In a group the bot is silent: what is said between two people belongs to nobody else.
    """
    try:
        read = types.Update.model_validate(update)
    except ValidationError:
        return None
    if read.callback_query is not None:
        return _press(read.callback_query)
    message = read.message or read.edited_message
    if message is None or message.chat.type != PRIVATE or message.from_user is None or message.from_user.is_bot:
        return None
    said = _said(message)
    if said is None:
        return None
    return Heard(
        message.chat.id,
        message.from_user.first_name,
        message.from_user.language_code or "",
        said,
        message.message_id,
        edited=read.message is None,
        point=(message.location.latitude, message.location.longitude) if message.location else None,
        at=_written(message),
    )


def _written(message: types.Message) -> datetime:
    at = message.date if message.edit_date is None else datetime.fromtimestamp(message.edit_date, UTC)
    return at + timedelta(seconds=1, microseconds=-1)


def _said(message: types.Message) -> Said | None:
    """What was said with a message; None where Telegram itself tells something, like a pinned message."""
    if message.text is not None:
        return Said(message.text)
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        return Said(message.caption or "", photo=largest.file_id)
    if message.location or message.contact:
        return Said()
    if message.sticker:
        return Said(message.sticker.emoji or "")
    others = (
        message.voice, message.video, message.video_note, message.animation, message.audio, message.document,
        message.dice, message.poll, message.story,
    )  # fmt: skip
    return Said(message.caption or "") if any(others) else None


def _press(query: types.CallbackQuery) -> Heard | None:
    message = query.message
    if message is None or message.chat.type != PRIVATE or query.data is None:
        return None
    meant = pressed(query.data)
    if query.data == LEAVE:
        said = Said(STOP)
    elif meant is None:
        return None
    elif meant.number:
        markup = message.reply_markup if isinstance(message, types.Message) else None
        keyboard = markup.model_dump() if markup else None
        said = Said(label_pressed(keyboard, query.data) or str(meant.number))
    else:
        said = Said("", meant.key, meant.question, meant.conversation)
    person = query.from_user
    return Heard(message.chat.id, person.first_name, person.language_code or "", said, query=query.id)
