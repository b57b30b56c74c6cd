"""Slack's Web API and Socket Mode on a loopback socket, as strict as the real one: see slack_rules.py for the sources.

    async with SlackServer() as slack:
        app = slack.app("xoxb-1", app_token="xapp-1")      # slack.url is `api_base`
        ana = app.person("Ana")
        ana.say("hello"); ...; ana.sent

With `address` (and a signing secret) an app is called over plain HTTP, where the real one wants HTTPS. `pace` keeps
Slack's pace too: docs.slack.dev/apis/web-api/rate-limits.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.bot.standins.listening import Listening
from tests.bot.standins.slack_app import PAUSES, AppAccount
from tests.bot.standins.slack_methods import METHODS, POSTS, TIERS, view_made
from tests.bot.standins.slack_rules import Json, Refused, blocks_of, text_of

MOST_SOCKETS = 10
"""docs.slack.dev/apis/events-api/using-socket-mode: up to 10 at once."""


class SlackServer(Listening):
    """The server with all its apps.

    hurry     of the minutes that Slack waits, so much is waited here
    patience  the same of the 3 seconds within which an app answers
    ping      seconds between two pings on a socket
    pauses    Slack's minutes before each further try of an event, in seconds; more of them than Slack makes, where a
              test needs an event to be brought for longer
    """

    def __init__(
        self,
        *,
        pace: bool = False,
        hurry: float = 0.01,
        patience: float = 1.0,
        ping: float = 5.0,
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self.pace, self.hurry, self.patience, self.ping = pace, hurry, patience, ping
        self.apps: dict[str, AppAccount] = {}
        self.pauses = pauses
        self.refused_for_pace = 0
        self._recent: dict[tuple[str, str], list[float]] = {}
        self._tickets: dict[str, AppAccount] = {}

    @property
    def url(self) -> str:
        return f"{self.origin}/api/"

    def app(self, bot_token: str, **more: Any) -> AppAccount:
        """The app of this token; made where there is none."""
        if bot_token not in self.apps:
            self.apps[bot_token] = AppAccount(self, bot_token, **more)
        return self.apps[bot_token]

    def view(self, given: Json) -> Json:
        """A view as Slack keeps it. Raises Refused."""
        return view_made(given)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/api/{method}", self._serve)
        app.router.add_route("GET", "/link/{ticket}", self._link)
        app.router.add_route("POST", "/upload/{file}", self._upload)
        app.router.add_route("POST", "/respond/{app}/{number}", self._respond)
        await self._open(app)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for app in self.apps.values():
            await app.close()
            for socket in list(app.sockets):
                await socket.close()
        await self._close()

    def paced(self, app: AppAccount, method: str, given: Json) -> None:
        """One message a second in a conversation, of which short bursts may be ahead; every other method by its tier,
        a minute's worth at once. Raises Refused."""
        if not self.pace:
            return
        posts = method in POSTS
        key = (app.id, str(given.get("channel")) if posts else method)
        most, span = (3, 3.0) if posts else (TIERS.get(method, 50), 60.0)
        now = time.monotonic()
        recent = self._recent[key] = [at for at in self._recent.get(key, []) if at > now - span]
        if len(recent) >= most:
            self.refused_for_pace += 1
            wait = max(1, round(recent[0] + span - now))
            raise Refused("ratelimited", 429, {"Retry-After": str(wait)})
        recent.append(now)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method, given = request.match_info["method"], await _arguments(request)
        lost = False
        try:
            app = self._asking(request, given, method)
            app.calls.append((method, given))
            result = await self._call(app, method, given)
            if method in POSTS and app.hang:
                await asyncio.sleep(app.hang)
            if method in POSTS and app.lose_answers:
                app.lose_answers -= 1
                lost = True
        except Refused as refused:
            body = {"ok": False, "error": refused.error, **refused.more}
            if refused.status >= 500:
                return web.Response(status=refused.status, text="<html>Server Error</html>", content_type="text/html")
            return web.json_response(body, status=refused.status, headers=refused.headers)
        if lost:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"ok": True, **result})

    def _asking(self, request: web.Request, given: Json, method: str) -> AppAccount:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ") or str(given.get("token") or "")
        if not token:
            raise Refused("not_authed")
        by_app_token = method == "apps.connections.open"
        for app in self.apps.values():
            if token == (app.app_token if by_app_token else app.bot_token):
                if app.revoked:
                    raise Refused(app.revoked)
                return app
        raise Refused(
            "not_allowed_token_type" if token.startswith("xapp-" if not by_app_token else "xoxb-") else "invalid_auth"
        )

    async def _call(self, app: AppAccount, method: str, given: Json) -> Json:
        call = METHODS.get(method)
        if method == "apps.connections.open":
            if not app.socket_mode:
                raise Refused("not_allowed_token_type")
            ticket = f"{app.id}-{app.opened}-{len(self._tickets)}"
            self._tickets[ticket] = app
            return {"url": f"ws://127.0.0.1:{self.port}/link/{ticket}"}
        if call is None:
            raise Refused("unknown_method")
        self.paced(app, method, given)
        if method in POSTS and app.faults:
            app.faults.pop(0)(app, given)
        return call(app, given)

    # --- sockets, files, answers

    async def _link(self, request: web.Request) -> web.StreamResponse:
        app = self._tickets.pop(request.match_info["ticket"], None)
        socket = web.WebSocketResponse(autoping=True)
        await socket.prepare(request)
        alive = [each for each in app.sockets if not each.closed] if app is not None else []
        if app is None or len(alive) >= MOST_SOCKETS:
            reason = "too_many_websockets" if app is not None else "link_disabled"
            await socket.send_json({"type": "disconnect", "reason": reason})
            await socket.close()
            return socket
        app.opened += 1
        info = {"app_id": app.id}
        await socket.send_json({"type": "hello", "num_connections": len(alive) + 1, "connection_info": info})
        app.sockets.append(socket)
        pinging = asyncio.ensure_future(self._ping(app, socket))
        try:
            async for message in socket:
                if message.type == WSMsgType.TEXT:
                    app.acknowledged(json.loads(message.data))
        finally:
            pinging.cancel()
            app.sockets.remove(socket)
        return socket

    async def _ping(self, app: AppAccount, socket: web.WebSocketResponse) -> None:
        while not socket.closed:
            await asyncio.sleep(self.ping)
            if not app.silent:
                await socket.ping(b"Ping from slack")

    async def _upload(self, request: web.Request) -> web.StreamResponse:
        """docs.slack.dev/messaging/working-with-files#uploading_files: the bytes, as they are or in a form."""
        name = request.match_info["file"]
        file = next(app.files[name] for app in self.apps.values() if name in app.files)
        if request.content_type.startswith("multipart/"):
            field = next(iter((await request.post()).values()))
            assert isinstance(field, web.FileField)
            file["content"] = field.file.read()
        else:
            file["content"] = await request.read()
        if len(file["content"]) != file["length"]:
            return web.Response(status=400, text="length")
        return web.Response(text=f"OK - {file['length']}")

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        """docs.slack.dev/interactivity/handling-user-interaction#message_responses: only for one person by itself."""
        app = next(app for app in self.apps.values() if app.id == request.match_info["app"])
        where, person = app.responses[request.match_info["number"]]
        given = await request.json()
        try:
            message = {"text": text_of(given), "blocks": blocks_of(given), "bot_id": app.bot_id, "ts": app.stamp()}
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.error}, status=400)
        if given.get("response_type") == "in_channel":
            where.messages[str(message["ts"])] = message
        else:
            where.ephemeral.append((person.id, message))
        return web.Response(text="ok")


async def _arguments(request: web.Request) -> Json:
    """docs.slack.dev/apis/web-api#basics: a query string, a form or JSON."""
    given: Json = dict(request.query)
    if request.content_type == "application/json":
        given |= json.loads(await request.read() or b"{}")
    elif request.can_read_body:
        given |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return given
