"""Telegram's Bot API on a loopback socket, as strict as the real one: see telegram_rules.py for the sources.

    async with TelegramServer() as telegram:
        bot = telegram.bot("1:secret")          # telegram.url is the channel's `api_base`
        ana = bot.chat(100, "Ana")
        ana.say("hello"); ...; ana.sent

`pace` keeps Telegram's pace too. Webhooks are called over plain HTTP on any port, where the real one wants HTTPS on
443, 80, 88 or 8443 ([tba] WebhookActor.cpp).
"""

import asyncio
import itertools
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.bot.standins.listening import Listening
from tests.bot.standins.telegram_bot import BotAccount
from tests.bot.standins.telegram_chats import Chat, Json
from tests.bot.standins.telegram_rules import LONGEST_CAPTION, Refused, commands_of, text_of


class TelegramServer(Listening):
    """The server with all its bots.

    pace   keep 1 message a second in a chat (with bursts of 3), 20 a minute in a group, 30 a second for a bot ([ptb]
           FloodLimit)
    hurry  real seconds for one of the pauses that Telegram makes
    """

    def __init__(self, *, pace: bool = False, hurry: float = 0.02) -> None:
        self.pace, self.hurry = pace, hurry
        self.bots: dict[str, BotAccount] = {}
        self._ids = itertools.count(1)
        self._recent: dict[tuple[int, int], list[float]] = {}
        self.refused_for_pace = 0
        self._passed = 0

    @property
    def url(self) -> str:
        return self.origin

    def bot(self, token: str) -> BotAccount:
        """The bot of this token; made where there is none."""
        if token not in self.bots:
            self.bots[token] = BotAccount(self, token)
        return self.bots[token]

    def next_id(self) -> str:
        return str(next(self._ids))

    def seconds(self) -> int:
        return 1_790_000_000 + int(asyncio.get_running_loop().time()) + self._passed

    def later(self, seconds: int) -> None:
        """So much time passes for Telegram."""
        self._passed += seconds

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        await self._open(app)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for bot in self.bots.values():
            await bot.close()
        await self._close()

    def paced(self, bot: BotAccount, chat: Chat) -> None:
        """[ptb] FloodLimit; [api] faq: "avoid sending more than one message per second" in one chat, short bursts may
        go over; the exact rule is not published, the wait is told in `retry_after`."""
        if not self.pace:
            return
        now = asyncio.get_running_loop().time()
        # [ptb] FloodLimit.MESSAGES_PER_MINUTE_PER_GROUP
        in_chat = (3, 3.0) if chat.kind == "private" else (20, 60.0)
        for key, most, span in (((bot.id, chat.id), *in_chat), ((bot.id, 0), 30, 1.0)):
            recent = self._recent[key] = [at for at in self._recent.get(key, []) if at > now - span]
            if len(recent) >= most:
                self.refused_for_pace += 1
                wait = max(1, round(recent[0] + span - now))
                raise Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        for key in ((bot.id, chat.id), (bot.id, 0)):
            self._recent[key].append(now)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        given = await _arguments(request)
        bot = self.bots.get(request.match_info["token"])
        method = request.match_info["method"].lower()  # [tba] method names are case insensitive
        lost = False
        try:
            if bot is None or bot.revoked:
                # [tba] ClientManager.cpp: "Unauthorized: invalid token specified" where it is not even of the form
                form = request.match_info["token"].partition(":")
                said = "Unauthorized" if form[0].isdigit() and form[2] else "Unauthorized: invalid token specified"
                raise Refused(401, said)
            bot.calls.append((method, given))
            result, lost = await self._call(bot, method, given), False
            if method in _SENDS and bot.hang:
                await asyncio.sleep(bot.hang)
            if method in _SENDS and bot.lose_answers:
                bot.lose_answers -= 1
                lost = True
        except Refused as refused:
            body: Json = {"ok": False, "error_code": refused.code, "description": refused.description}
            if refused.parameters:
                body["parameters"] = refused.parameters
            return web.json_response(body, status=refused.code)
        if lost:
            assert request.transport is not None
            request.transport.abort()
        if isinstance(result, dict):
            result = {name: value for name, value in result.items() if not name.startswith("_")}
        return web.json_response({"ok": True, "result": result})

    async def _call(self, bot: BotAccount, method: str, given: Json) -> Any:
        if method in _SENDS and bot.faults:
            bot.faults.pop(0)(bot, given)
        if method == "getupdates":
            return await bot.get_updates(given)
        call = _METHODS.get(method)
        if call is None:
            raise Refused(404, "Not Found: method not found")  # [tba] on_cmd
        return call(bot, given)


_ONLY_IN_GET_ME = (
    "allows_users_to_create_topics", "can_connect_to_business", "can_join_groups", "can_manage_bots",
    "can_read_all_group_messages", "has_main_web_app", "has_topics_enabled", "supports_inline_queries",
    "supports_join_request_queries",
)  # fmt: skip
"""[api] User: "Returned only in getMe"; as @grammyjs/types 3.28 lists them."""


def _me(bot: BotAccount, given: Json) -> Json:
    told = {"id": bot.id, "is_bot": True, "first_name": "Bot", "username": bot.username}
    return told | dict.fromkeys(_ONLY_IN_GET_ME, False)


def _send(bot: BotAccount, given: Json) -> Json:
    text, entities = text_of(given)
    return bot.send(given, {"text": text} | ({"entities": entities} if entities else {}))


def _edit(bot: BotAccount, given: Json) -> Json:
    text, entities = text_of(given)
    return bot.edit(given, {"text": text} | ({"entities": entities} if entities else {}))


def _with_file(field: str) -> Callable[[BotAccount, Json], Json]:
    def send(bot: BotAccount, given: Json) -> Json:
        file = given.get(field)
        if not isinstance(file, dict) or not file["content"]:
            raise Refused(400, f"Bad Request: there is no {field} in the request")
        # [api] sendPhoto takes what can be shown; an SVG is none (IMAGE_PROCESS_FAILED)
        if field == "photo" and not file["content"].startswith((b"\x89PNG", b"\xff\xd8")):
            raise Refused(400, "Bad Request: IMAGE_PROCESS_FAILED")
        caption, entities = text_of(given, "caption", LONGEST_CAPTION)
        return bot.send(given, {"text": caption, "entities": entities, "_file": file})

    return send


def _answer(bot: BotAccount, given: Json) -> bool:
    chat = bot.queries.pop(str(given.get("callback_query_id")), None)
    if chat is None:  # [tba] QUERY_ID_INVALID
        raise Refused(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    if len(str(given.get("text") or "")) > 200:  # [ptb] CallbackQueryLimit
        raise Refused(400, "Bad Request: MESSAGE_TOO_LONG")
    chat.answered.append(given)
    return True


def _set_commands(bot: BotAccount, given: Json) -> bool:
    language, commands = commands_of(given)
    bot.commands[language] = commands
    return True


def _hook_info(bot: BotAccount, given: Json) -> Json:
    about = {"url": bot.hook.get("url", ""), "has_custom_certificate": False, "pending_update_count": 0}
    return about | ({"last_error_message": bot.hook_error} if bot.hook_error else {})


_METHODS: dict[str, Callable[[BotAccount, Json], Any]] = {
    "getme": _me,
    "sendmessage": _send,
    "editmessagetext": _edit,
    "editmessagereplymarkup": lambda bot, given: bot.edit(given, {}),
    "senddocument": _with_file("document"),
    "sendphoto": _with_file("photo"),
    "answercallbackquery": _answer,
    "setmycommands": _set_commands,
    "setwebhook": lambda bot, given: bot.set_hook(given),
    "deletewebhook": lambda bot, given: bot.set_hook({}),
    "getwebhookinfo": _hook_info,
    "deletemessage": lambda bot, given: bot.delete(given),
    "setmessagereaction": lambda bot, given: bot.react(given),
    "sendchataction": lambda bot, given: bool(bot.chat_of(given)),
}
_SENDS = {"sendmessage", "editmessagetext", "editmessagereplymarkup", "senddocument", "sendphoto"}


async def _arguments(request: web.Request) -> Json:
    """[api] "Making requests": a query string, a form, JSON, or multipart for files."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        given |= json.loads(await request.read() or b"{}")
    elif request.can_read_body:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                given[name] = {"name": value.filename, "type": value.content_type, "content": value.file.read()}
            else:
                given[name] = value
    return given
