"""What can go wrong on the way to a homeserver: a proxy before it that breaks what it is asked to break."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.bot.standins.listening import Listening

Json = dict[str, Any]
Way = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Way], Awaitable[web.StreamResponse]]
"""Meets a request instead of the homeserver; the way on is given to it."""


class Proxy(Listening):
    """Passes everything on.

    faults     what the next messages meet, one each
    sent       the path of each message that came by, with its transaction id
    happened   by room, every event that was told in a sync
    """

    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.faults: list[Fault] = []
        self.sent: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.happened: dict[str, list[Json]] = {}
        self._again: list[dict[str, list[Json]]] = []
        self._stirred = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application(client_max_size=60 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        await self._open(app, patience=0.1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._close()
        await self._session.close()

    def tell_again(self) -> None:
        """The next sync tells all that any sync has told, in another order."""
        shuffled = {room: random.sample(events, len(events)) for room, events in self.happened.items()}
        self._again.append(shuffled)
        self._stirred.set()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, request.path_qs))
        if request.path.endswith("/sync"):
            return await self._sync(request)
        if "/send/m.room.message/" in request.path:
            self.sent.append(request.path)
            if self.faults:
                return await self.faults.pop(0)(request, self._pass)
        answer = await self._pass(request)
        if request.path.endswith("/messages") and answer.status == 200:
            room = request.path.split("/")[-2]
            self._remember(room, json.loads(answer.text or "")["chunk"][::-1])
        return answer

    async def _pass(self, request: web.Request) -> web.Response:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type") if name in request.headers}
        async with self._session.request(
            request.method, f"{self._behind}{request.rel_url}", data=await request.read() or None, headers=headers
        ) as answer:
            kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _sync(self, request: web.Request) -> web.StreamResponse:
        since = request.query.get("since", "")
        asked = asyncio.ensure_future(self._pass(request))
        while True:
            if since and self._again:
                asked.cancel()
                await asyncio.gather(asked, return_exceptions=True)
                rooms = {room: {"timeline": {"events": events}} for room, events in self._again.pop(0).items()}
                return web.json_response({"next_batch": since, "rooms": {"join": rooms}})
            self._stirred.clear()
            stirred = asyncio.ensure_future(self._stirred.wait())
            try:
                await asyncio.wait({asked, stirred}, return_when=asyncio.FIRST_COMPLETED)
            except asyncio.CancelledError:
                asked.cancel()
                raise
            finally:
                stirred.cancel()
            if asked.done():
                answer = asked.result()
                if answer.status == 200:
                    told = json.loads(answer.text or "")
                    for room, what in told.get("rooms", {}).get("join", {}).items():
                        self._remember(room, what["timeline"]["events"])
                return answer

    def _remember(self, room: str, events: list[Json]) -> None:
        known = self.happened.setdefault(room, [])
        for event in events:
            if "state_key" not in event and all(event["event_id"] != each["event_id"] for each in known):
                known.append(event)


async def slow_down(request: web.Request, way: Way) -> web.StreamResponse:
    """429, with a wait of 7 seconds."""
    body = {"errcode": "M_LIMIT_EXCEEDED", "error": "Too Many Requests", "retry_after_ms": 7000}
    return web.json_response(body, status=429, headers={"Retry-After": "7"})


async def broken(request: web.Request, way: Way) -> web.StreamResponse:
    """502, from what stands before the homeserver."""
    return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")


async def lost(request: web.Request, way: Way) -> web.StreamResponse:
    """The homeserver takes it, and its answer never comes."""
    await way(request)
    assert request.transport is not None
    request.transport.abort()
    return web.Response()
