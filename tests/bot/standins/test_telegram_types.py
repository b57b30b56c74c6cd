"""What the stand-in says against the types of Telegram's Bot API that grammY's authors keep (@grammyjs/types)."""

from typing import Any

import aiohttp
import jsonschema  # type: ignore[import-untyped]
import pytest

from bot.qr import qr_code
from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.typescript import schema

pytestmark = pytest.mark.slow

TYPES = """
import type { Message, Update, UserFromGetMe, WebhookInfo } from "@grammyjs/types";
export interface Checked { updates: Update[]; sent: Message[]; me: UserFromGetMe; hook: WebhookInfo }
"""
BUTTONS = {"inline_keyboard": [[{"text": "Yes", "callback_data": "1.2=yes"}]]}


@pytest.fixture(scope="module")
def checked() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(schema("@grammyjs/types", "3.28.0", TYPES))


def wrong(checked: jsonschema.Draft7Validator, said: dict[str, Any]) -> list[str]:
    return [f"{list(error.absolute_path)}: {error.message[:300]}" for error in checked.iter_errors(said)]


async def test_updates_and_answers_are_as_telegrams_types_have_them(checked: jsonschema.Draft7Validator) -> None:
    async with TelegramServer() as server, aiohttp.ClientSession() as session:
        ana = server.bot("1:one").chat(7, "Ana")

        async def call(method: str, **given: Any) -> Any:
            async with session.post(f"{server.url}/bot1:one/{method}", json=given) as answer:
                return (await answer.json())["result"]

        written = ana.say("/start")
        ana.edit(written["message_id"], "hello")
        ana.location(53.8, -1.55)
        ana.photo("p", "a picture")
        sent = [
            await call("sendMessage", chat_id=7, text="Hi *Ana*", reply_markup=BUTTONS, entities=[
                {"type": "bold", "offset": 0, "length": 2}
            ]),
            await call("sendMessage", chat_id=7, text="Bye", reply_markup={"remove_keyboard": True}),
        ]  # fmt: skip
        number = sent[0]["message_id"]
        sent.append(await call("editMessageText", chat_id=7, message_id=number, text="Again", reply_markup=BUTTONS))
        form = aiohttp.FormData({"chat_id": "7", "caption": "A code"})
        form.add_field("photo", qr_code("x", "png"), content_type="image/png", filename="photo")
        async with session.post(f"{server.url}/bot1:one/sendPhoto", data=form) as answer:
            sent.append((await answer.json())["result"])
        ana.press(number, "1.2=yes")
        updates = await call("getUpdates")
        assert [next(key for key in each if key != "update_id") for each in updates] == [
            "message", "edited_message", "message", "message", "callback_query",
        ]  # fmt: skip
        said = {
            "updates": updates,
            "sent": sent,
            "me": await call("getMe"),
            "hook": await call("getWebhookInfo"),
        }
    assert wrong(checked, said) == [], "\n".join(wrong(checked, said))


def test_the_types_refuse_what_telegram_would_never_say(checked: jsonschema.Draft7Validator) -> None:
    assert wrong(checked, {"updates": [{"update_id": "1"}], "sent": [], "me": {}, "hook": {"url": 1}}) != []
