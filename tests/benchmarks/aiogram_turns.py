"""aiogram on the two questions of `bench_turns`, its state in a Redis: what others do who keep it outside the process.

It needs a `redis-server` and the Python package `redis`; neither is Doorstep's, so that without them it is left out.
"""

import json
import shutil
import subprocess
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from aiogram import Bot, Dispatcher, F, Router
from aiogram.client.session.base import BaseSession
from aiogram.filters import StateFilter
from aiogram.fsm.context import FSMContext
from aiogram.fsm.state import State, StatesGroup
from aiogram.methods import TelegramMethod
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message

STARTS = 5.0
"""Seconds that a Redis may take to listen."""

Update = Callable[[int, int], bytes]
"""The update in which a person, by number, says what comes at this step."""


class Answers(StatesGroup):
    town = State()
    free = State()


@contextmanager
def redis(folder: Path, *options: str) -> Iterator[str]:
    """The address of a Redis on a socket in this folder; "" where there is none on this machine."""
    program = shutil.which("redis-server")
    if program is None or find_spec("redis") is None:
        yield ""
        return
    socket = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until = time.monotonic() + STARTS
        while not socket.exists():
            assert time.monotonic() < until, "it never listens"
            time.sleep(0.01)
        yield f"unix://{socket}"
    finally:
        process.terminate()
        process.wait(10)


class Nowhere(BaseSession):
    """Telegram's answers without a network, parsed as real ones are."""

    async def close(self) -> None:
        return

    async def make_request(self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None) -> Any:  # noqa: ASYNC109
        message = {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}, "text": "x"}
        result = True if method.__api_method__ == "answerCallbackQuery" else message
        return self.check_response(bot, method, 200, json.dumps({"ok": True, "result": result})).result

    async def stream_content(self, *_: Any, **__: Any) -> AsyncGenerator[bytes, None]:
        yield b""


def router(question: str, labels: tuple[str, ...]) -> Router:
    """The two questions, one after the other for ever."""
    talk = Router()
    buttons = [[InlineKeyboardButton(text=label, callback_data=label)] for label in labels]
    keyboard = InlineKeyboardMarkup(inline_keyboard=buttons)

    @talk.message(StateFilter(None))
    async def begin(message: Message, state: FSMContext) -> None:
        await state.set_state(Answers.town)
        await message.answer(f"Which town are you near, {message.chat.first_name}?")

    @talk.message(Answers.town, F.text)
    async def town(message: Message, state: FSMContext) -> None:
        await state.update_data(town=message.text)
        await state.set_state(Answers.free)
        await message.answer(question, reply_markup=keyboard)

    @talk.callback_query(Answers.free)
    async def free(press: CallbackQuery, state: FSMContext) -> None:
        await state.update_data(free=press.data)
        await press.answer()
        await state.set_state(Answers.town)
        assert isinstance(press.message, Message)
        await press.message.answer(f"Which town are you near, {press.message.chat.first_name}?")

    return talk


def aiogram_turn(
    url: str, update: Update, question: str, labels: tuple[str, ...]
) -> Callable[[int, int], Awaitable[None]]:
    """A turn of aiogram's, its state in this Redis."""
    from aiogram.fsm.storage.redis import RedisStorage

    bot, dispatcher = Bot("1:x", session=Nowhere()), Dispatcher(storage=RedisStorage.from_url(url))
    dispatcher.include_router(router(question, labels))

    async def turn(person: int, step: int) -> None:
        await dispatcher.feed_raw_update(bot, json.loads(update(person, step)))

    return turn
