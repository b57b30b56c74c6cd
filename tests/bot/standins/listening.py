"""A stand-in's own server on this machine: it listens, and can be away for a while."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web


class Listening:
    """Serves an application of aiohttp at `origin`, on one port for as long as it lives."""

    port: int = 0

    @property
    def origin(self) -> str:
        """Where it is called."""
        return f"http://127.0.0.1:{self.port}"

    async def _open(self, app: web.Application, patience: float = 0.2) -> None:
        """Begins to listen; `patience` is how many seconds answers have that are on their way when it ends."""
        self._runner = web.AppRunner(app, shutdown_timeout=patience)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def _close(self) -> None:
        await self._runner.cleanup()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Nobody listens meanwhile."""
        assert self._runner.server is not None
        await self._site.stop()
        for connection in self._runner.server.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.sleep(0)
        try:
            yield
        finally:
            await self._listen()
