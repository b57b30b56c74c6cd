"""Memory stays bounded, however many write at once."""

import asyncio

import httpx
from fastapi import FastAPI

from bot.console.crowd import Crowd
from tests.waiting import PATIENCE


async def test_beyond_so_many_at_once_the_next_is_told_to_come_again_and_then_taken() -> None:
    app, go, inside = FastAPI(), asyncio.Event(), asyncio.Semaphore(0)

    @app.post("/webhook")
    async def taken() -> str:
        inside.release()
        await go.wait()
        return "taken"

    @app.get("/healthz")
    async def health() -> str:
        return "ok"

    transport = httpx.ASGITransport(Crowd(app, most=3))
    async with httpx.AsyncClient(transport=transport, base_url="http://doorstep.test") as client:
        first = [asyncio.create_task(client.post("/webhook")) for _ in range(3)]
        for _ in first:
            await asyncio.wait_for(inside.acquire(), PATIENCE)
        refused = await client.post("/webhook")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert (await client.get("/healthz")).status_code == 200
        go.set()
        assert [answer.status_code for answer in await asyncio.gather(*first)] == [200] * 3
        assert (await client.post("/webhook")).status_code == 200
