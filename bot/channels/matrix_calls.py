"""Calls of a Matrix homeserver over matrix-nio: its paths and its session, JSON there and JSON back.

nio's own methods sleep and try again by themselves, and keep a model of every room; here each refusal is told at once.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
from nio import Api, AsyncClient

from bot.channels.base import SendFailed
from bot.channels.retries import LONGEST_PAUSE
from bot.channels.web_files import File

Json = dict[str, Any]

UNKNOWN_TOKEN = ("M_UNKNOWN_TOKEN", "M_MISSING_TOKEN")
NOT_LET_IN = "not let in"
OTHER_USER = "token of another user"

_NOT_MATRIX = "M_UNRECOGNIZED"
"""What a homeserver answers to a path that it does not have."""

CONNECT = 10.0
"""Seconds until a connection stands."""

_TO_WAIT = timedelta(minutes=1)
"""Until a token that was refused is tried again."""


class Refused(Exception):
    """The homeserver's answer was no.

    status       the HTTP status; 500 and more: it is broken itself
    code         the specification's name of the error ("M_FORBIDDEN"); "" where something in between has answered
    retry_after  seconds to wait; 0: it does not say
    """

    def __init__(self, status: int, code: str = "", retry_after: float = 0) -> None:
        super().__init__(code or str(status))
        self.status, self.code, self.retry_after = status, code, retry_after


class NotReached(Exception):
    """No connection to the homeserver; it was told nothing."""


class Lost(Exception):
    """There was no answer: the homeserver may have been told, or not."""


ERRORS = (Refused, NotReached, Lost)


def failure(error: Exception) -> SendFailed:
    """What such an error means for a message. A homeserver counts the messages of the whole account, so that who is
    told to wait waits with all of them (element-hq/synapse, `rc_message`)."""
    if not isinstance(error, Refused):
        return SendFailed(trouble(error), unknown=isinstance(error, Lost))
    if error.status == 429:
        wait = timedelta(seconds=error.retry_after) if error.retry_after else None
        return SendFailed(trouble(error), retry_after=wait, everyone=True)
    if hopeless(error):
        return SendFailed(trouble(error), retry_after=_TO_WAIT, everyone=True)
    if not error.code or error.code == _NOT_MATRIX:
        return SendFailed(trouble(error), everyone=True)
    return SendFailed(trouble(error), final=error.status < 500)


def hopeless(error: Exception) -> bool:
    """Whether the account cannot be used until somebody mends the configuration."""
    return isinstance(error, Refused) and error.code in (*UNKNOWN_TOKEN, NOT_LET_IN, OTHER_USER)


def trouble(error: Exception) -> str:
    """What is wrong, in one line for whoever runs the bot. Never what the homeserver says of it: that quotes names."""
    if isinstance(error, NotReached):
        return f"the homeserver cannot be reached ({error})"
    if not isinstance(error, Refused):
        return f"the homeserver did not answer ({error})"
    if error.code in UNKNOWN_TOKEN:
        return "the homeserver does not know this access token: it is wrong or was revoked; log in for a new one"
    if error.code == NOT_LET_IN:
        return "the homeserver refuses this user and password: correct `user` or `password`"
    if error.code == OTHER_USER:
        return "this access token is another user's: correct `user` or `access_token`"
    if error.status == 429:
        return f"the homeserver asks to wait for {error.retry_after or 'some'} seconds"
    if error.status >= 500:
        return f"the homeserver itself is broken just now ({error.status})"
    if error.status < 500 and (not error.code or error.code == _NOT_MATRIX):
        return f"there is no Matrix homeserver at this address ({error.status}): correct `homeserver`"
    if error.code == "M_FORBIDDEN":
        return "the homeserver lets nothing be sent there: the room was left, or is closed"
    return f"the homeserver refuses ({error.code[:60]})"


def asked(error: Exception) -> float:
    """Seconds for which it wants to be left alone after this; nobody takes a wrong token soon."""
    wait = error.retry_after if isinstance(error, Refused) else 0.0
    return wait or (LONGEST_PAUSE if hopeless(error) else 0.0)


class Calls:
    """Calls in the name of one account. `token` is told in a header only: addresses stand in logs."""

    def __init__(self, homeserver: str) -> None:
        self.token = ""
        self._client = AsyncClient(homeserver.rstrip("/"))

    async def call(self, request: tuple[str, ...], patience: float) -> Json:
        """The answer to what one of nio's `Api` methods describes, made with an empty token.

        Raises Refused, NotReached, Lost (after `patience` seconds, too).
        """
        method, path, *data = request
        return await self._ask(method, path, data[0] if data else "{}", patience, "application/json")

    async def upload(self, file: File, patience: float) -> str:
        """Brings a file to the homeserver; the address that messages name it by."""
        method, path = Api.upload("", file.name or None)
        answer = await self._ask(method, path, file.content, patience, file.media_type.split(";")[0])
        return str(answer["content_uri"])

    async def _ask(self, method: str, path: str, data: str | bytes, patience: float, content_type: str) -> Json:
        headers = {"Content-Type": content_type}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        timeout = aiohttp.ClientTimeout(total=patience, sock_connect=min(CONNECT, patience))
        # nio has a place for the token in every address.
        path = path.replace("access_token=&", "").removesuffix("?access_token=")
        try:
            answer = await self._client.send(method, path, None if method == "GET" else data, headers, None, timeout)
            status, body, told = answer.status, await answer.read(), answer.headers
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
            raise NotReached(type(error).__name__) from None
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise Lost(type(error).__name__) from None
        return _result(status, body, told)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.close()


def _result(status: int, body: bytes, headers: Mapping[str, str]) -> Json:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        answer = None
    if isinstance(answer, dict) and status < 300:
        return answer
    if not isinstance(answer, dict):
        # Something in between has answered.
        raise Refused(status if status >= 400 else 502)
    raise Refused(status, str(answer.get("errcode") or ""), _wait(answer, headers))


def _wait(answer: Json, headers: Mapping[str, str]) -> float:
    """Seconds: spec.matrix.org, Client-Server API, rate limiting: the header; before version 1.10 `retry_after_ms`."""
    written = headers.get("Retry-After", "")
    if written.isdecimal():
        return float(written)
    milliseconds = answer.get("retry_after_ms")
    return max(0.0, milliseconds / 1000) if isinstance(milliseconds, (int, float)) else 0.0
