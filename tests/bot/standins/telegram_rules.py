"""What Telegram refuses, each rule with its source.

[api] core.telegram.org/bots/api · [tba] tdlib/telegram-bot-api, Client.cpp unless another file is named · [ptb]
python-telegram-bot 22.8, telegram/constants.py · [limits] tginfo/Telegram-Limits, localization/en/data.json · [config]
core.telegram.org/constructor/config
"""

import json
import re
from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 4096
"""[api] sendMessage: "1-4096 characters after entities parsing"; [config] message_length_max counts code points."""
LARGEST_TEXT = 1 << 15
"""[tba] get_formatted_text: more bytes are "Text is too long"."""
MOST_ENTITIES = 100
"""[ptb] MessageLimit.MESSAGE_ENTITIES: further ones are ignored."""
LONGEST_CAPTION = 1024
"""[ptb] MessageLimit.CAPTION_LENGTH."""
LONGEST_DATA = 64
"""[ptb] InlineKeyboardButtonLimit.MAX_CALLBACK_DATA, in bytes; more is BUTTON_DATA_INVALID (nickoala/telepot#293)."""
MOST_BUTTONS = 100
"""[ptb] InlineKeyboardMarkupLimit.TOTAL_BUTTON_NUMBER; [limits] keys_in_keyboard_number."""
LARGEST_MARKUP = 10_000
"""[limits] formatting_data: 10 KB of markup as JSON (tginfo/Telegram-Limits#187)."""

_NOT_SEEN = re.compile("[\\s\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]*")
_ENTITIES = {
    "bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "text_mention",
    "custom_emoji", "blockquote", "expandable_blockquote",
}  # fmt: skip
"""[tba] get_text_entity_type."""
_FOUND_BY_ITSELF = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
"""[tba] the same: accepted, and ignored, for the server finds them."""


class Refused(Exception):
    """An answer with `ok: false`. The description is Telegram's own."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def units(text: str) -> int:
    """[api] MessageEntity: offsets and lengths are in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def text_of(
    given: Mapping[str, Any], name: str = "text", longest: int = LONGEST_TEXT
) -> tuple[str, list[dict[str, Any]]]:
    """The text as it is shown, trimmed, and its entities. Raises Refused."""
    text = given.get(name) or ""
    if not isinstance(text, str):
        text = str(text)
    if given.get("parse_mode"):
        raise Refused(400, "Bad Request: this stand-in parses no markup")
    if not text and name == "text":
        raise Refused(400, "Bad Request: message text is empty")  # [tba] get_input_message_text
    if len(text.encode("utf-8", "surrogatepass")) > LARGEST_TEXT:
        raise Refused(400, "Bad Request: Text is too long")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(400, "Bad Request: strings must be encoded in UTF-8") from None
    entities = _entities(given.get("entities" if name == "text" else "caption_entities") or [], text)
    if name == "text" and _NOT_SEEN.fullmatch(text):
        raise Refused(400, "Bad Request: text must be non-empty")  # cotestatnt/AsyncTelegram2#61: blanks are nothing
    start = units(text) - units(text.lstrip())
    shown = text.strip()
    if len(shown) > longest:
        raise Refused(400, "Bad Request: message is too long")
    kept = [{**each, "offset": each["offset"] - start} for each in entities]
    return shown, [each for each in kept if 0 <= each["offset"] < units(shown)][:MOST_ENTITIES]


def _entities(given: Any, text: str) -> list[dict[str, Any]]:
    if isinstance(given, str):
        given = json.loads(given)
    found = []
    for each in given:
        kind, offset, length = each.get("type"), each.get("offset"), each.get("length")
        if type(offset) is not int or type(length) is not int:
            raise Refused(400, 'Bad Request: can\'t parse MessageEntity: Field "offset" must be a Number')
        if kind in _FOUND_BY_ITSELF:
            continue
        if kind not in _ENTITIES:
            raise Refused(400, "Bad Request: can't parse MessageEntity: Unsupported type specified")
        # [config] errors of messages.sendMessage: ENTITY_BOUNDS_INVALID
        if offset < 0 or length <= 0 or offset + length > units(text) or _splits_a_character(text, offset, length):
            raise Refused(400, "Bad Request: ENTITY_BOUNDS_INVALID")
        found.append(dict(each))
    return found


def _splits_a_character(text: str, offset: int, length: int) -> bool:
    encoded = text.encode("utf-16-le")
    try:
        encoded[2 * offset : 2 * (offset + length)].decode("utf-16-le")
    except UnicodeDecodeError:
        return True
    return False


def markup_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The reply markup; {} where there is none. Raises Refused."""
    markup = given.get("reply_markup") or {}
    if isinstance(markup, str):
        markup = json.loads(markup)
    written = json.dumps(markup, ensure_ascii=False, separators=(",", ":")).encode()
    rows = markup.get("inline_keyboard", markup.get("keyboard", []))
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS or len(written) > LARGEST_MARKUP:
        raise Refused(400, "Bad Request: reply markup is too long")  # [tba] for REPLY_MARKUP_TOO_LONG
    for button in buttons:
        if not isinstance(button, dict) or not isinstance(button.get("text"), str):
            raise Refused(400, "Bad Request: can't parse inline keyboard button: Can't find field \"text\"")
        if not button["text"].strip():
            raise Refused(400, "Bad Request: BUTTON_TEXT_INVALID")
        if "inline_keyboard" in markup:
            _inline(button)
    return dict(markup)


def _inline(button: Mapping[str, Any]) -> None:
    data, others = button.get("callback_data", ""), {"url", "web_app", "switch_inline_query", "copy_text", "pay"}
    if not data and not others & button.keys():  # [tba] get_inline_keyboard_button_type; kotlin-telegram-bot#113
        what = "Text buttons are unallowed in the inline keyboard"
        raise Refused(400, f"Bad Request: can't parse inline keyboard button: {what}")
    if len(data.encode()) > LONGEST_DATA:
        raise Refused(400, "Bad Request: BUTTON_DATA_INVALID")


def secret_of(given: Mapping[str, Any]) -> str:
    """[tba] process_set_webhook_query: at most 256 of A-Z a-z 0-9 _ -. Raises Refused."""
    secret = str(given.get("secret_token") or "")
    if len(secret) > 256:
        raise Refused(400, "Bad Request: secret token is too long")
    if not re.fullmatch("[A-Za-z0-9_-]*", secret):
        raise Refused(400, "Bad Request: secret token contains unallowed characters")
    return secret


def commands_of(given: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """[api] BotCommand: 1-32 of a-z 0-9 _, description 1-256; [ptb] at most 100; a language of two letters or none."""
    commands = given.get("commands") or []
    if isinstance(commands, str):
        commands = json.loads(commands)
    language = str(given.get("language_code") or "")
    if not re.fullmatch("([a-z]{2})?", language):
        raise Refused(400, "Bad Request: LANG_CODE_INVALID")
    if len(commands) > 100:
        raise Refused(400, "Bad Request: BOT_COMMANDS_TOO_MUCH")
    for each in commands:
        if not re.fullmatch("[a-z0-9_]{1,32}", each.get("command", "")):
            raise Refused(400, "Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(each.get("description", "")) <= 256:
            raise Refused(400, "Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    return language, {each["command"]: each["description"] for each in commands}
