"""Whole turns per second (event in, sealed, stored with synchronous=FULL, outbox row), against what others do.

Beside them, in the same run: (a) python-telegram-bot's ConversationHandler on the same two questions (a text, and a
press that is acknowledged), with no persistence, and with PicklePersistence flushed after each update; (b) aiogram on
the same, its state in Redis, which writes it to the disk each second, or at each change; (c) the same rows committed
one by one by bare `sqlite3`. Several processes, Postgres, and a slow disk: `bench_rates`.

    python tests/benchmarks/bench_turns.py [people ...]      # 1000 and 100000 unless told otherwise
"""

import asyncio
import json
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    ContextTypes,
    ConversationHandler,
    MessageHandler,
    PicklePersistence,
    filters,
)
from telegram.request import BaseRequest

from bot.app import Bot, open_bot
from bot.channels.base import Inbound
from bot.world import World
from flows.model import Said
from tests.benchmarks.aiogram_turns import aiogram_turn, redis

FLOW = """
flow: bench
about: Two questions that follow each other for ever.
starts: {first_contact: true}
start: town

states:
  town:
    ask: Which town are you near, {{ me.name }}?
    expect: text
    save: town
    go: free
  free:
    ask: When could you meet someone in {{ answers.town }}?
    choices: {evening: Weekday evenings, saturday: Saturdays, sunday: Sundays}
    save: free
    go: town
"""
SAID = ("Leeds", "Saturdays")
BOT = {"id": 1, "is_bot": True, "first_name": "b", "username": "b"}
QUESTION = "When could you meet someone in Leeds?"
LABELS = ("Weekday evenings", "Saturdays", "Sundays")
ONE_BY_ONE = 1500
TOGETHER = 12_000
IN_FLIGHT = 64

Turn = Callable[[int, int], Awaitable[None]]


async def rate(turn: Turn, turns: int, people: int, in_flight: int, begin: int) -> float:
    """Turns per second: each next person says the next thing, `in_flight` of them at once."""
    waiting = iter(range(begin, begin + turns))

    async def one() -> None:
        for number in waiting:
            await turn(number % people, number // people)

    started = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(in_flight)))
    return turns / (time.perf_counter() - started)


async def doorstep(folder: Path, people: int) -> dict[str, float]:
    """Our own turns, one at a time and 64 in flight."""
    (folder / "flows/library").mkdir(parents=True)
    (folder / "flows/library/bench.yaml").write_text(FLOW)
    async with open_bot(f"sqlite:///{folder / 'ours.db'}", folder / "ours.key", folder / "flows", World()) as bot:
        turn = doorstep_turn(bot)
        await rate(turn, people, people, IN_FLIGHT, 0)
        begin = people
        single = await rate(turn, ONE_BY_ONE, people, 1, begin)
        many = await rate(turn, TOGETHER, people, IN_FLIGHT, begin + ONE_BY_ONE)
    return {"one": single, "many": many}


def doorstep_turn(bot: Bot) -> Turn:
    """A turn of ours: what a person of this number says at this step."""

    async def turn(person: int, step: int) -> None:
        text = SAID[(step - 1) % 2] if step else "hello"
        sent = json.loads(json.dumps({"event": f"{person}-{step}", "text": text}).encode())
        said = Inbound("web", "web", f"person-{person}", sent["event"], Said(sent["text"]), name="Ana")
        await bot.turns.receive(said)

    return turn


class Nowhere(BaseRequest):
    """Telegram's answers without a network: what python-telegram-bot itself costs."""

    read_timeout = 1.0

    async def initialize(self) -> None:
        return

    async def shutdown(self) -> None:
        return

    async def do_request(self, url: str, *_: Any, **__: Any) -> tuple[int, bytes]:
        if url.endswith("answerCallbackQuery"):
            return 200, b'{"ok":true,"result":true}'
        if url.endswith("getMe"):
            return 200, b'{"ok":true,"result":{"id":1,"is_bot":true,"first_name":"b","username":"b"}}'
        message = b'{"message_id":1,"date":1,"chat":{"id":1,"type":"private"},"text":"x"}'
        return 200, b'{"ok":true,"result":' + message + b"}"


async def _town(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    assert update.effective_chat is not None
    assert context.user_data is not None
    if update.callback_query is not None:
        context.user_data["free"] = update.callback_query.data
        await update.callback_query.answer()
    await update.effective_chat.send_message(f"Which town are you near, {update.effective_chat.first_name}?")
    return 0


async def _free(update: Update, context: ContextTypes.DEFAULT_TYPE) -> int:
    assert update.message is not None
    assert context.user_data is not None
    context.user_data["town"] = update.message.text
    buttons = [[InlineKeyboardButton(label, callback_data=label)] for label in LABELS]
    await update.message.reply_text(QUESTION, reply_markup=InlineKeyboardMarkup(buttons))
    return 1


def _update(number: int, person: int, text: str) -> bytes:
    """An update as Telegram writes it (Bot API, `Update`)."""
    user = {"id": person, "is_bot": False, "first_name": "Ana", "username": f"ana{person}", "language_code": "en"}
    chat = {"id": person, "first_name": "Ana", "username": f"ana{person}", "type": "private"}
    message: dict[str, Any] = {"message_id": number, "from": user, "chat": chat, "date": 1767225600, "text": text}
    if text == SAID[0]:
        return json.dumps({"update_id": number, "message": message}).encode()
    keyboard = [[{"text": label, "callback_data": label}] for label in LABELS]
    message |= {"from": BOT, "text": QUESTION, "reply_markup": {"inline_keyboard": keyboard}}
    press = {"id": str(number), "from": user, "chat_instance": "1", "data": text, "message": message}
    return json.dumps({"update_id": number, "callback_query": press}).encode()


def _said(people: int, person: int, step: int) -> bytes:
    """What one of so many people says at a step."""
    return _update(step * people + person, person + 1, SAID[(step + 1) % 2] if step else SAID[0])


async def telegram(file: Path | None, people: int, turns: int) -> float:
    """python-telegram-bot's turns, flushed into `file` after each where there is one."""
    builder: Any = ApplicationBuilder().token("1:x").request(Nowhere()).get_updates_request(Nowhere()).updater(None)
    if file is not None:
        pickled = PicklePersistence(file, on_flush=True, update_interval=1e9)
        builder = builder.persistence(pickled)
    app: Application[Any, Any, Any, Any, Any, Any] = builder.build()
    words = filters.TEXT
    states: dict[object, Any] = {0: [MessageHandler(words, _free)], 1: [CallbackQueryHandler(_town)]}
    app.add_handler(
        ConversationHandler([MessageHandler(words, _town)], states, [], name="bench", persistent=file is not None)
    )
    await app.initialize()

    async def turn(person: int, step: int) -> None:
        await app.process_update(Update.de_json(json.loads(_said(people, person, step)), app.bot))

    await rate(turn, people, people, 1, 0)
    await app.update_persistence()
    if file is not None:
        pickled.on_flush = False

    async def flushed(person: int, step: int) -> None:
        await turn(person, step)
        await app.update_persistence()

    found = await rate(turn if file is None else flushed, turns, people, 1, people)
    await app.shutdown()
    return found


async def aiogram(folder: Path, people: int, fsync: str) -> dict[str, float]:
    """aiogram's turns, one at a time and 64 in flight; empty where there is no Redis."""
    with redis(folder, "--appendonly", "yes", "--appendfsync", fsync) as url:
        if not url:
            return {}
        turn = aiogram_turn(url, partial(_said, people), QUESTION, LABELS)
        await rate(turn, people, people, IN_FLIGHT, 0)
        single = await rate(turn, ONE_BY_ONE, people, 1, people)
        return {"one": single, "many": await rate(turn, 4 * ONE_BY_ONE, people, IN_FLIGHT, people + ONE_BY_ONE)}


def bare(file: Path, people: int) -> float:
    """The rows of one turn, committed one by one: an event, a conversation, a message."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE inbox (id INTEGER PRIMARY KEY, event TEXT UNIQUE, body BLOB)")
    connection.execute("CREATE TABLE conversations (id INTEGER PRIMARY KEY, body BLOB)")
    connection.execute("CREATE TABLE outbox (id INTEGER PRIMARY KEY, person INTEGER, body BLOB)")
    body = b"x" * 250
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO conversations (body) VALUES (?)", ((body,) for _ in range(people)))
    connection.execute("COMMIT")
    started = time.perf_counter()
    for number in range(ONE_BY_ONE):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO inbox (event, body) VALUES (?, ?)", (f"event-{number}", body))
        connection.execute("UPDATE conversations SET body = ? WHERE id = ?", (body, number % people + 1))
        connection.execute("INSERT INTO outbox (person, body) VALUES (?, ?)", (number % people, body))
        connection.execute("COMMIT")
    return ONE_BY_ONE / (time.perf_counter() - started)


async def compare(people: int) -> None:
    """Prints one table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = await doorstep(folder, people)
        memory = await telegram(None, people, 3000)
        pickled = await telegram(folder / "pickle", people, 200 if people <= 1000 else 3)
        redis_rates = {
            f"aiogram, Redis {fsync}, {how}": rates.get(key, 0.0)
            for fsync in ("everysec", "always")
            for rates in [await aiogram(folder, people, fsync)]
            for key, how in (("one", "one by one"), ("many", f"{IN_FLIGHT}"))
        }
        rows = bare(folder / "bare.db", people)
    print(f"\n{people:,} people                            turns/s   ours, one at a time   ours, {IN_FLIGHT} in flight")
    print(f"  doorstep, one at a time            {ours['one']:9,.0f}")
    print(f"  doorstep, {IN_FLIGHT} in flight             {ours['many']:9,.0f}")
    for label, other in (
        ("ptb, nothing kept", memory),
        ("ptb, pickle after each", pickled),
        *redis_rates.items(),
        ("bare sqlite3, one by one", rows),
    ):
        if not other:
            print(f"  {label:<34} there is no Redis here")
            continue
        print(f"  {label:<34} {other:9,.1f}   {ours['one'] / other:12.2f} times   {ours['many'] / other:12.2f} times")


def main() -> None:
    """Runs it for each number of people."""
    for people in [int(number) for number in sys.argv[1:]] or [1000, 100_000]:
        asyncio.run(compare(people))


if __name__ == "__main__":
    main()
