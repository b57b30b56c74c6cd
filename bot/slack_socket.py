"""Slack's Socket Mode: a socket that we open, through which Slack sends what people do.

slack_sdk's own client reconnects in the background and tells nobody why it cannot; here every reason is told.
"""

import asyncio
import json
import logging
from typing import Any

import aiohttp
from aiohttp import ClientWebSocketResponse, WSMsgType
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.channels.retries import Retries
from bot.slack_calls import NotReached, Refused, SlackClient

LEAVE = 10.0
"""Seconds for which a socket that Slack will close is still read: docs.slack.dev/apis/events-api/using-socket-mode,
"disconnect", of which the warning comes about ten seconds before."""

_GOING = (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR)
_WHY = {
    "link_disabled": "Socket Mode is switched off for this Slack app: switch it on at api.slack.com/apps",
    "too_many_websockets": "ten others listen with this Slack app already: end those that are not needed",
}
_log = logging.getLogger(__name__)


class Socket:
    """The socket of one app, anew whenever the one before is gone.

    silence  seconds without a sign of life, not even a ping, after which a socket counts as dead
    """

    def __init__(self, bolt: AsyncApp, client: SlackClient, app_token: str, silence: float) -> None:
        self._bolt, self._client, self._token, self._silence = bolt, client, app_token, silence
        self._tasks: set[asyncio.Task[Any]] = set()

    async def listen(self, tries: Retries) -> None:
        """Hands to Bolt what comes, until it is cancelled; a socket that cannot be opened is tried again."""
        try:
            while True:
                socket = await tries.until_done(self._open)
                leaving = asyncio.Event()
                reading = self._aside(self._read(socket, leaving))
                waiting = self._aside(leaving.wait())
                await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting.cancel()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _aside(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _open(self) -> ClientWebSocketResponse:
        """A new socket, once Slack has said hello on it. Raises Refused, NotReached, Lost."""
        answer = await self._client.apps_connections_open(app_token=self._token)
        try:
            # A ping is a sign of life, so it is seen and answered here.
            socket = await self._client.open().ws_connect(str(answer["url"]), autoping=False, max_msg_size=0)
        except (TimeoutError, aiohttp.ClientError, ConnectionError) as error:
            raise NotReached(type(error).__name__) from None
        try:
            first = await socket.receive(self._client.timeout)
            told = json.loads(first.data) if first.type == WSMsgType.TEXT else {}
        except (TimeoutError, ValueError):
            told = {}
        if told.get("type") != "hello":
            await socket.close()
            reason = str(told.get("reason") or "no hello")
            raise Refused(403, _WHY.get(reason, reason))
        return socket

    async def _read(self, socket: ClientWebSocketResponse, leaving: asyncio.Event) -> None:
        """Reads until it is closed or silent; `leaving` is set as soon as another one is needed."""
        under_way: set[asyncio.Task[Any]] = set()
        patience = self._silence
        try:
            while True:
                message = await socket.receive(patience)
                if message.type == WSMsgType.PING:
                    await socket.pong(message.data)
                elif message.type in _GOING:
                    break
                elif message.type == WSMsgType.TEXT and (told := _read_json(message.data)):
                    if told.get("type") == "disconnect":
                        leaving.set()
                        patience = LEAVE
                    elif (request := SocketModeRequest.from_dict(told)) is not None:
                        task = self._aside(self._take(socket, request))
                        under_way.add(task)
                        task.add_done_callback(under_way.discard)
        except TimeoutError:
            if not leaving.is_set():
                _log.warning("a socket of Slack was silent for %.0f seconds: it is opened anew", self._silence)
        except (aiohttp.ClientError, ConnectionError):
            pass
        finally:
            leaving.set()
            if under_way:
                await asyncio.wait(under_way, timeout=3.0)
            await socket.close()

    async def _take(self, socket: ClientWebSocketResponse, request: SocketModeRequest) -> None:
        """Acknowledges it once it was taken; what was not comes again."""
        response = await run_async_bolt_app(self._bolt, request)
        if response.status not in (200, 404):
            return
        answer = SocketModeResponse(request.envelope_id, _payload(response))
        try:
            await socket.send_str(json.dumps(answer.to_dict()))
        except (aiohttp.ClientError, ConnectionError) as error:
            _log.info("a socket of Slack was gone before it could be told that something was taken: %s", error)


def _read_json(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _payload(response: BoltResponse) -> Any:
    if response.status != 200 or not response.body:
        return None
    if response.headers.get("content-type", [""])[0].startswith("application/json"):
        return json.loads(response.body)
    return {"text": response.body}
