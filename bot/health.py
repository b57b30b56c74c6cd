"""/healthz, /readyz and /metrics: what one needs at two in the morning."""

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction


class Health:
    """Whether this process can do its work. `ready` is set once it listens."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self.ready = False
        self.registry = CollectorRegistry()
        self.turns = Counter("doorstep_turns", "Turns stored by this process", registry=self.registry)
        self._oldest = Gauge(
            "doorstep_oldest_unsent_seconds", "Age of the oldest message not sent yet", registry=self.registry
        )
        self.router = APIRouter()
        self.router.add_api_route("/healthz", self._healthz, methods=["GET"], response_model=None)
        self.router.add_api_route("/readyz", self._readyz, methods=["GET"], response_model=None)
        self.router.add_api_route("/metrics", self._metrics, methods=["GET"], response_model=None)

    async def _healthz(self) -> Response:
        try:
            await self._look()
        except StorageError as error:
            return JSONResponse({"storage": str(error)}, 503)
        return PlainTextResponse("ok\n")

    async def _readyz(self) -> Response:
        return PlainTextResponse("ready\n") if self.ready else PlainTextResponse("not yet\n", 503)

    async def _metrics(self) -> Response:
        oldest = await self._look()
        self._oldest.set((self._clock() - oldest).total_seconds() if oldest else 0)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

    async def _look(self) -> datetime | None:
        async def work(tx: Transaction) -> datetime | None:
            return await tx.outbox.oldest_unsent()

        return await self._store.read(work)
