"""The stand-in against a client that others wrote (python-telegram-bot): it is not only our own idea of Telegram."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    MessageEntity,
    ReplyKeyboardMarkup,
    error,
)  # fmt: skip
from telegram.request import HTTPXRequest

from tests.bot.standins.telegram import TelegramServer
from tests.bot.standins.telegram_bot import BotAccount

TOKEN = "9:token"


@asynccontextmanager
async def client(server: TelegramServer, token: str = TOKEN) -> AsyncIterator[Bot]:
    bot = Bot(token, base_url=f"{server.url}/bot", request=HTTPXRequest(8), get_updates_request=HTTPXRequest(4))
    await bot._request[0].initialize()
    await bot._request[1].initialize()
    try:
        yield bot
    finally:
        await bot._request[0].shutdown()
        await bot._request[1].shutdown()


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as running:
        running.bot(TOKEN).chat(1, "Ana")
        yield running


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with client(server) as made:
        yield made


@pytest.fixture
def account(server: TelegramServer) -> BotAccount:
    return server.bot(TOKEN)


def keyboard(*labels: str, data: str = "d") -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(label, callback_data=data)] for label in labels])


async def test_another_client_can_hold_a_conversation(bot: Bot, account: BotAccount) -> None:
    me = await bot.get_me()
    assert me.is_bot
    ana = account.chat(1, "Ana")
    ana.say("hello")
    (update,) = await bot.get_updates(timeout=1)
    assert update.message is not None
    assert (update.message.text, update.message.chat_id) == ("hello", 1)
    bold = MessageEntity(MessageEntity.BOLD, 0, 2)
    sent = await bot.send_message(1, "Hi there", entities=[bold], reply_markup=keyboard("A", "B"))
    assert (sent.text, sent.entities, sent.reply_markup) == ("Hi there", (bold,), keyboard("A", "B"))
    query = ana.press(sent.message_id, "d")
    (update,) = await bot.get_updates(offset=update.update_id + 1, timeout=1)
    assert update.callback_query is not None
    assert update.callback_query.data == "d"
    assert await bot.answer_callback_query(query)
    edited = await bot.edit_message_text("Bye", 1, sent.message_id)
    assert isinstance(edited, object)
    assert ana.sent[0]["text"] == "Bye"
    assert "reply_markup" not in ana.sent[0]


async def test_points_pictures_and_edits_are_read_by_another_client(bot: Bot, account: BotAccount) -> None:
    ana = account.chat(1, "Ana")
    ana.location(1.5, 2.5)
    ana.photo("F", "me")
    number = ana.say("x")["message_id"]
    ana.edit(number, "y")
    place, photo, said, edited = await bot.get_updates()
    assert place.message is not None
    assert place.message.location is not None
    assert (place.message.location.latitude, place.message.location.longitude) == (1.5, 2.5)
    assert photo.message is not None
    assert photo.message.photo[-1].file_id == "F"
    assert said.message is not None
    assert edited.edited_message is not None
    assert edited.edited_message.text == "y"
    assert edited.edited_message.message_id == number


async def test_what_is_confirmed_does_not_come_again(bot: Bot, account: BotAccount) -> None:
    for text in ("a", "b", "c"):
        account.chat(1, "Ana").say(text)
    first = await bot.get_updates(limit=2)
    assert await bot.get_updates(limit=2) == first
    rest = await bot.get_updates(offset=first[-1].update_id + 1)
    assert [update.message.text for update in rest if update.message] == ["c"]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "empty": ({"text": ""}, "message text is empty"),
    "blank": ({"text": " \n"}, "text must be non-empty"),
    "long": ({"text": "x" * 4097}, "message is too long"),
    "data": ({"text": "x", "reply_markup": keyboard("A", data="d" * 65)}, "BUTTON_DATA_INVALID"),
    "no data": (
        {"text": "x", "reply_markup": InlineKeyboardMarkup([[InlineKeyboardButton("A")]])},
        "Text buttons are unallowed",
    ),
    "no label": ({"text": "x", "reply_markup": keyboard(" ")}, "BUTTON_TEXT_INVALID"),
    "buttons": ({"text": "x", "reply_markup": keyboard(*["A"] * 101)}, "reply markup is too long"),
    "markup": ({"text": "x", "reply_markup": keyboard(*["A" * 100] * 99)}, "reply markup is too long"),
    "entity": ({"text": "x", "entities": [MessageEntity("bold", 0, 2)]}, "ENTITY_BOUNDS_INVALID"),
    "half": ({"text": "😀", "entities": [MessageEntity("bold", 0, 1)]}, "ENTITY_BOUNDS_INVALID"),
    "nobody": ({"text": "x", "chat_id": 2}, "chat not found"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
async def test_what_telegram_refuses_is_refused(bot: Bot, given: dict[str, Any], said: str) -> None:
    with pytest.raises(error.BadRequest, match="(?i)" + said):
        await bot.send_message(**({"chat_id": 1} | given))


async def test_4096_characters_are_taken_and_blanks_around_them_are_not_counted(bot: Bot, account: BotAccount) -> None:
    await bot.send_message(1, "  " + "😀" * 4096 + "\n")
    assert account.chat(1, "Ana").sent[0]["text"] == "😀" * 4096


async def test_edits_that_change_nothing_or_find_nothing_are_refused(bot: Bot, account: BotAccount) -> None:
    sent = await bot.send_message(1, "x", reply_markup=keyboard("A"))
    with pytest.raises(error.BadRequest, match="is not modified"):
        await bot.edit_message_text("x", 1, sent.message_id, reply_markup=keyboard("A"))
    await bot.edit_message_reply_markup(1, sent.message_id, reply_markup=keyboard("B"))
    assert account.chat(1, "Ana").sent[0]["reply_markup"]["inline_keyboard"][0][0]["text"] == "B"
    with pytest.raises(error.BadRequest, match="to edit not found"):
        await bot.edit_message_text("y", 1, 999)
    place = ReplyKeyboardMarkup([[KeyboardButton("Here", request_location=True)]])
    asked = await bot.send_message(1, "Where?", reply_markup=place)
    with pytest.raises(error.BadRequest, match="can't be edited"):
        await bot.edit_message_text("There?", 1, asked.message_id)


async def test_blocked_deactivated_moved_and_old_presses_are_told_as_telegram_tells_them(
    bot: Bot, account: BotAccount
) -> None:
    account.chat(2, "Ben", blocked=True)
    account.chat(3, "Eve", started=False)
    account.chat(4, "Old", kind="group", moved_to=-1004)
    with pytest.raises(error.Forbidden, match="blocked by the user"):
        await bot.send_message(2, "x")
    with pytest.raises(error.Forbidden, match="can't initiate"):
        await bot.send_message(3, "x")
    with pytest.raises(error.ChatMigrated) as moved:
        await bot.send_message(4, "x")
    assert moved.value.new_chat_id == -1004
    with pytest.raises(error.BadRequest, match="too old"):
        await bot.answer_callback_query("17")


async def test_a_token_is_wanted(server: TelegramServer) -> None:
    for token in ("9:other", "nonsense"):
        async with client(server, token) as stranger:
            with pytest.raises(error.InvalidToken):
                await stranger.get_me()


async def test_only_one_may_poll(server: TelegramServer, bot: Bot, account: BotAccount) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=5))
    await asyncio.sleep(0.1)
    async with client(server) as second:
        account.chat(1, "Ana").say("hello")
        assert await first
        first = asyncio.create_task(bot.get_updates(offset=2**30, timeout=5))
        await asyncio.sleep(0.1)
        await second.get_updates(timeout=0)
        with pytest.raises(error.Conflict, match="terminated by other getUpdates"):
            await first


async def test_polling_and_webhook_exclude_each_other(bot: Bot, account: BotAccount) -> None:
    with pytest.raises(error.BadRequest, match=r"(?i)HTTPS"):
        await bot.set_webhook("http://example.org/hook")
    with pytest.raises(error.BadRequest, match="unallowed characters"):
        await bot.set_webhook("https://example.org/hook", secret_token="a b")
    await bot.set_webhook("https://example.org/hook", secret_token="a_b-C1")
    assert (await bot.get_webhook_info()).url == "https://example.org/hook"
    with pytest.raises(error.Conflict, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    assert list(await bot.get_updates()) == []


async def test_commands_keep_their_rules(bot: Bot, account: BotAccount) -> None:
    await bot.set_my_commands([BotCommand("help", "What I can do")], language_code="es")
    assert account.commands == {"es": {"help": "What I can do"}}
    with pytest.raises(error.BadRequest, match=r"(?i)BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand("Help", "x")])
    with pytest.raises(error.BadRequest, match=r"(?i)LANG_CODE_INVALID"):
        await bot.set_my_commands([BotCommand("help", "x")], language_code="es-MX")


async def test_who_sends_too_fast_is_told_how_long_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")

    async def send_all(bot: Bot, people: list[int]) -> None:
        for person in people:
            await bot.send_message(person, "hello")

    async with TelegramServer(pace=True) as server, client(server) as bot:
        for person in range(1, 40):
            server.bot(TOKEN).chat(person, "x")
        with pytest.raises(error.RetryAfter) as told:
            await send_all(bot, [1] * 5)
        wait = told.value.retry_after
        assert isinstance(wait, timedelta)
        assert 1 <= wait.total_seconds() <= 3
        with pytest.raises(error.RetryAfter):
            await send_all(bot, list(range(2, 40)))
        assert server.refused_for_pace == 2


async def test_an_unknown_method_is_not_found(server: TelegramServer, bot: Bot) -> None:
    with pytest.raises(error.InvalidToken):
        await bot.do_api_request("inventedIn2030")


async def test_a_press_waits_for_150_seconds_and_a_message_for_a_day(
    server: TelegramServer, bot: Bot, account: BotAccount
) -> None:
    ana = account.chats[1]
    ana.say("/start")
    asked = await bot.send_message(1, "Coming?", reply_markup=keyboard("Yes"))
    ana.press(asked.message_id, "d")
    server.later(140)
    assert [each.callback_query is not None for each in await bot.get_updates()] == [False, True]
    server.later(11)
    assert [each.callback_query for each in await bot.get_updates()] == [None]
    server.later(86_400 - 140)
    assert await bot.get_updates() == ()
