"""Calls of Telegram's Bot API over aiogram's session: JSON there and JSON back, without a model for each message.

aiogram's own client makes one of each call and each answer, which costs more than all the rest of a send.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.channels.base import SendFailed
from bot.channels.retries import LONGEST_PAUSE
from bot.channels.web_files import File

WRONG_TOKEN = (401, 404)
"""What Telegram answers to a token that it does not know, and to what is no token at all."""

CONNECT = 10.0
"""Seconds until a connection stands."""

_JSON = {"Content-Type": "application/json"}


class Refused(Exception):
    """Telegram's answer was no.

    status       the HTTP status; 500 and more: it is broken itself
    description  what it says of it
    retry_after  seconds to wait; 0: it does not say
    moved_to     the chat's new id; 0: it has not moved
    """

    def __init__(self, status: int, description: str, retry_after: int = 0, moved_to: int = 0) -> None:
        super().__init__(description)
        self.status, self.description = status, description
        self.retry_after, self.moved_to = retry_after, moved_to


class NotReached(Exception):
    """No connection to Telegram; it was told nothing."""


class Lost(Exception):
    """There was no answer: Telegram may have been told, or not."""


def failure(error: Refused | NotReached | Lost) -> SendFailed:
    """What such an error means for a message."""
    if not isinstance(error, Refused):
        return SendFailed(trouble(error), unknown=isinstance(error, Lost))
    if error.retry_after:
        return SendFailed(trouble(error), retry_after=timedelta(seconds=error.retry_after))
    if error.status in WRONG_TOKEN:
        return SendFailed(trouble(error), retry_after=timedelta(minutes=1), everyone=True)
    return SendFailed(trouble(error), final=error.status < 500 and error.status not in (409, 429))


def trouble(error: Refused | NotReached | Lost) -> str:
    """What is wrong, in one line for whoever runs the bot."""
    if isinstance(error, NotReached):
        return f"Telegram cannot be reached ({error})"
    if isinstance(error, Lost):
        return f"Telegram did not answer ({error})"
    if error.status in WRONG_TOKEN:
        return "Telegram does not know this token: it is wrong or was revoked; take a new one from @BotFather"
    if error.status == 409:
        return "somebody else listens to this bot, with the same token: end the other one"
    if error.retry_after or error.status == 429:
        return f"Telegram asks to wait for {error.retry_after or 'some'} seconds"
    if error.status >= 500:
        return f"Telegram itself is broken just now ({error.status})"
    return f"Telegram refuses: {error.description.removeprefix('Bad Request: ')[:150] or error.status}"


def asked(error: Refused | NotReached | Lost) -> float:
    """Seconds for which it wants to be left alone after this; nobody takes a wrong token soon."""
    if not isinstance(error, Refused):
        return 0.0
    return error.retry_after or (LONGEST_PAUSE if error.status in WRONG_TOKEN else 0.0)


class Calls:
    """Calls in the name of one bot. Its errors never name the token, which is in every address."""

    def __init__(self, token: str, api_base: str) -> None:
        self._token = token
        self._session = AiohttpSession(api=TelegramAPIServer.from_base(api_base.rstrip("/")), limit=100)

    async def call(self, method: str, patience: float, **arguments: Any) -> Any:
        """The `result` of a method. Raises Refused, NotReached, Lost (after `patience` seconds, too)."""
        return await self._post(method, patience, orjson.dumps(arguments), _JSON)

    async def upload(self, method: str, patience: float, field: str, file: File, **arguments: Any) -> Any:
        """The same for a method that takes a file, in this field."""
        form = aiohttp.FormData()
        for name, value in arguments.items():
            form.add_field(name, value if isinstance(value, str) else orjson.dumps(value).decode())
        form.add_field(field, file.content, content_type=file.media_type.split(";")[0], filename=file.name or field)
        return await self._post(method, patience, form, None)

    async def _post(self, method: str, patience: float, data: Any, headers: Mapping[str, str] | None) -> Any:
        session = await self._session.create_session()
        timeout = aiohttp.ClientTimeout(total=patience, sock_connect=min(CONNECT, patience))
        url = self._session.api.api_url(self._token, method)
        try:
            async with session.post(url, data=data, headers=headers, timeout=timeout) as response:
                status, body = response.status, await response.read()
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotReached(type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise Lost(type(error).__name__) from None
        return _result(status, body)

    async def close(self) -> None:
        """Ends its connections."""
        await self._session.close()


def _result(status: int, body: bytes) -> Any:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        # Something in between has answered.
        raise Refused(status if status >= 400 else 502, "")
    if answer.get("ok") and status < 300:
        return answer.get("result")
    more = answer.get("parameters") or {}
    code = int(answer.get("error_code") or status)
    raise Refused(
        code if code >= 400 else 502,
        str(answer.get("description") or ""),
        int(more.get("retry_after") or 0),
        int(more.get("migrate_to_chat_id") or 0),
    )
