"""/healthz, /readyz and /metrics: what one needs at two in the morning."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from bot.channels.base import Report
from bot.metrics import Metrics
from storage.errors import StorageError
from storage.store import Store
from storage.transaction import Transaction

log = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that the database has to store something before it counts as away."""

FRESH = 1.0
"""Seconds for which an answer is good."""


class Health:
    """Whether this process can do its work. `ready` is set once it listens.

    failures  how many tries of turns broke so far in this process
    """

    def __init__(self, store: Store, clock: Callable[[], datetime], failures: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self.ready = False
        self.registry = CollectorRegistry()
        self._measured = Metrics(store, clock, self.registry, failures)
        self.turns = Counter("doorstep_turns", "Turns stored by this process", registry=self.registry)
        self._storage = Gauge("doorstep_storage_up", "Whether something can be stored", registry=self.registry)
        self._channels = Gauge(
            "doorstep_channel_up", "Whether a channel works", ("channel", "account"), registry=self.registry
        )
        self._desks = Gauge("doorstep_desk_up", "Whether a desk works", ("desk",), registry=self.registry)
        self._down: dict[str, tuple[str, datetime]] = {}
        self._looking = asyncio.Lock()
        self._look_again, self._known = 0.0, ""
        self.router = APIRouter()
        self.router.add_api_route("/healthz", self._healthz, methods=["GET"], response_model=None)
        self.router.add_api_route("/readyz", self._readyz, methods=["GET"], response_model=None)
        self.router.add_api_route("/metrics", self._metrics, methods=["GET"], response_model=None)

    async def run(self) -> None:
        """Measures this process until it is cancelled."""
        await self._measured.run()

    async def _healthz(self) -> Response:
        """Green only where something was stored a moment ago: a full disk can still be read."""
        if problem := await self._problem():
            return JSONResponse({"storage": problem}, 503)
        return PlainTextResponse("ok\n")

    def reporter(self, channel: str, account: str) -> Report:
        """Told by a channel of this account when it goes down, and when it works again; a change is logged."""
        return self._reporter(f"channel {channel} {account}", self._channels.labels(channel, account))

    def desk_reporter(self, desk: str) -> Report:
        """The same for a desk."""
        return self._reporter(f"desk {desk}", self._desks.labels(desk))

    def _reporter(self, what: str, gauge: Gauge) -> Report:
        gauge.set(1)

        def report(why: str) -> None:
            before = self._down.pop(what, None)
            if why:
                self._down[what] = why, before[1] if before else self._clock()
                if before is None or before[0] != why:
                    log.error("%s is down: %s", what, why)
            elif before:
                log.warning("%s works again", what)
            gauge.set(0 if why else 1)

        return report

    async def _readyz(self) -> Response:
        """Ready once it listens, and while it can store: who cannot must not be handed what platforms send.

        A channel or a desk that is down is named; it holds up nothing else.
        """
        if not self.ready:
            return PlainTextResponse("not yet\n", 503)
        problem = await self._problem()
        down = [
            f"{what} is down since {since:%Y-%m-%dT%H:%M:%SZ}: {why}\n"
            for what, (why, since) in sorted(self._down.items())
        ]
        first = f"nothing can be stored: {problem}\n" if problem else "ready\n"
        return PlainTextResponse("".join([first, *down]), 503 if problem else 200)

    async def _metrics(self) -> Response:
        await self._measured.look()
        self._storage.set(0 if await self._problem() else 1)
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)

    async def _problem(self) -> str:
        """Why nothing can be stored; "" where it can. Anybody may ask, so it is found out once in a while only."""
        now = asyncio.get_running_loop().time()
        if now >= self._look_again:
            async with self._looking:
                if now >= self._look_again:
                    before, self._known = self._known, await self._try_to_store()
                    if self._known and self._known != before:
                        log.error("nothing can be stored: %s", self._known)
                    elif before and not self._known:
                        log.warning("storing works again")
                    self._look_again = asyncio.get_running_loop().time() + FRESH
        return self._known

    async def _try_to_store(self) -> str:
        async def work(tx: Transaction) -> None:
            await tx.settings.set("healthy at", tx.now.isoformat())
            await tx.check_keys()

        try:
            async with asyncio.timeout(PATIENCE):
                await self._store.run(work)
        except TimeoutError:
            return "the database does not answer"
        except StorageError as error:
            # Without the detail: it names hosts and users, and this page is open to all.
            return (type(error).__doc__ or "").strip()
        return ""


def parts_of(report: Report) -> tuple[Report, Report]:
    """Two that report as one, which is well only where both are: the first that is not is told."""
    whys = ["", ""]

    def part(number: int) -> Report:
        def tell(why: str) -> None:
            whys[number] = why
            report(next(filter(None, whys), ""))

        return tell

    return part(0), part(1)
