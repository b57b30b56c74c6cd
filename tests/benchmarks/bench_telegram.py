"""What a send on Telegram costs this process at 1,000 a second, and how late sends begin: our channel, a bare aiohttp
loop and aiogram's own client, each in the same run against a server of its own process that answers at once.

    python tests/benchmarks/bench_telegram.py
"""

import asyncio
import json
import multiprocessing
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import aiohttp
import orjson
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from bot.channels.base import Outbound
from bot.channels.telegram import Telegram
from flows.model import Say, Shown

SENDS, RATE, IN_FLIGHT = 4_000, 1_000, 64
TEXT = "Saturday at eleven we plant trees by the canal. Will you come along?"
PERSON = {"id": 1001, "type": "private", "first_name": "Ana"}
ME = {"id": 1, "is_bot": True, "first_name": "Bot"}
SENT = {"message_id": 12345, "date": 1_790_000_000, "chat": PERSON, "from": ME, "text": TEXT}
BODY = json.dumps({"ok": True, "result": SENT}).encode()
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Server(asyncio.Protocol):
    """Answers each request as if the message had been sent."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            _, _, length = self._read[:end].lower().partition(b"content-length:")
            whole = end + 4 + int(length.split(b"\r\n")[0] or 0)
            if len(self._read) < whole:
                return
            self._read = self._read[whole:]
            self._transport.write(ANSWER)


def serve(ports: "multiprocessing.Queue[int]") -> None:
    async def listen() -> None:
        server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


async def measure(what: str, send: Callable[[int], Awaitable[Any]]) -> None:
    room, late, tasks = asyncio.Semaphore(IN_FLIGHT), [], set()
    used, begun = time.process_time(), time.perf_counter() + 0.05

    async def one(number: int, at: float) -> None:
        async with room:
            late.append(time.perf_counter() - at)
            await send(number)

    for number in range(SENDS):
        at = begun + number / RATE
        if (wait := at - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        tasks.add(asyncio.create_task(one(number, at)))
    await asyncio.gather(*tasks)
    took, used = time.perf_counter() - begun, time.process_time() - used
    late.sort()
    print(
        f"{what:24} {SENDS / took:6.0f} a second, {100 * used / took:3.0f} % of a core, "
        f"late p50 {1e3 * late[SENDS // 2]:.1f} ms, p99 {1e3 * late[SENDS * 99 // 100]:.1f} ms"
    )


async def main(port: int) -> None:
    base = f"http://127.0.0.1:{port}"
    channel = Telegram("1:a", place_at=lambda lat, lon: "", api_base=base)
    asks = Say(TEXT, (Shown("yes", "Yes"), Shown("no", "No")), question=3)
    for what, say in (("our channel", Say(TEXT)), ("our channel, with buttons", asks)):
        await measure(what, lambda n, say=say: channel.send(Outbound(n, "telegram", "main", str(n), 7, say)))  # type: ignore[misc]
    await channel.close()

    async with aiohttp.ClientSession() as session:

        async def bare(number: int) -> None:
            body = orjson.dumps({"chat_id": str(number), "text": TEXT})
            kind = {"Content-Type": "application/json"}
            async with session.post(f"{base}/bot1:a/sendMessage", data=body, headers=kind) as answer:
                orjson.loads(await answer.read())

        await measure("bare aiohttp", bare)

    async with Bot("1:a", AiohttpSession(api=TelegramAPIServer.from_base(base))) as bot:
        await measure("aiogram's own client", lambda number: bot.send_message(number + 1, TEXT))


if __name__ == "__main__":
    ports: "multiprocessing.Queue[int]" = multiprocessing.Queue()
    process = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    process.start()
    asyncio.run(main(ports.get()))
    process.terminate()
