"""/metrics: what one needs at two in the morning, as Prometheus reads it. Counts and ages, nothing of anybody."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from storage.backlog import Backlog, Waiting
from storage.errors import StorageError
from storage.leases import me
from storage.store import Store
from storage.transaction import Transaction

PATIENCE = 2.0
"""Seconds that the database has to answer."""

FRESH = 5.0
"""Seconds for which an answer is good: anybody may ask, and counting costs the database something."""

BEAT = 0.1
"""Seconds between two looks at how late the event loop is."""

_LATE = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """What this process measures, beside what it finds in the database.

    failures  how many tries of turns broke so far in this process
    """

    def __init__(
        self, store: Store, clock: Callable[[], datetime], registry: CollectorRegistry, failures: Callable[[], int]
    ) -> None:
        self._store, self._clock, self._failures = store, clock, failures
        self._lag = Histogram(
            "doorstep_loop_lag_seconds", "How late the event loop is", buckets=_LATE, registry=registry
        )
        self._found: Backlog | None = None
        self._now = clock()
        self._look_again = 0.0
        self._looking = asyncio.Lock()
        registry.register(_Found(self._families))

    async def run(self) -> None:
        """Measures the event loop until it is cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            due = now() + BEAT
            await asyncio.sleep(BEAT)
            self._lag.observe(max(0.0, now() - due))

    async def look(self) -> None:
        """Counts what waits, if that was not done a moment ago. What cannot be counted now is left out."""
        now = asyncio.get_running_loop().time
        async with self._looking:
            if now() < self._look_again:
                return
            try:
                async with asyncio.timeout(PATIENCE):
                    self._found = await self._store.read(_waiting)
            except (StorageError, TimeoutError):
                self._found = None
            self._now, self._look_again = self._clock(), now() + FRESH

    def _families(self) -> Iterator[Metric]:
        broke = CounterMetricFamily("doorstep_turn_failures", "Tries of turns that broke in this process")
        broke.add_metric([], self._failures())
        yield broke
        if self._found is not None:
            yield from self._shown(self._found)

    def _shown(self, found: Backlog) -> Iterator[Metric]:
        account = ("channel", "account")
        waiting = GaugeMetricFamily("doorstep_unsent", "Messages that could be sent", labels=account)
        oldest = GaugeMetricFamily("doorstep_unsent_seconds", "Age of the oldest of them", labels=account)
        for labels, each in found.unsent.items():
            waiting.add_metric(labels, each[0])
            oldest.add_metric(labels, self._age(each))
        closed = GaugeMetricFamily("doorstep_unsent_until_they_write", "Messages outside 24 hours", labels=account)
        for labels, count in found.for_them.items():
            closed.add_metric(labels, count)
        cards = GaugeMetricFamily("doorstep_open_cards", "Cards that wait for a coordinator", labels=("kind",))
        for kind, count in found.cards.items():
            cards.add_metric((kind,), count)
        leases = GaugeMetricFamily("doorstep_lease_held", "Whether this process holds a lease", labels=("name",))
        for name, holder in found.leases.items():
            leases.add_metric((name,), holder == me())
        yield from (waiting, oldest, closed, cards, leases)
        every = max((self._age(each) for each in found.unsent.values()), default=0.0)
        for name, about, value in (
            ("oldest_unsent_seconds", "Age of the oldest message that could be sent", every),
            ("untaken_events", "Events left for somebody's turn", found.untaken[0]),
            ("untaken_events_seconds", "Age of the oldest of them", self._age(found.untaken)),
            ("dead_events", "Events that broke at every try", found.dead),
            ("overdue_conversations", "Conversations for which something is due", found.overdue[0]),
            ("due_lag_seconds", "How late the longest overdue is", self._age(found.overdue)),
            ("urgent_cards", "Urgent cards that wait for a coordinator", found.urgent[0]),
            ("urgent_cards_seconds", "Age of the oldest of them", self._age(found.urgent)),
        ):
            yield GaugeMetricFamily(f"doorstep_{name}", about, value)

    def _age(self, waiting: Waiting) -> float:
        return 0.0 if waiting[1] is None else max(0.0, (self._now - waiting[1]).total_seconds())


class _Found(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


async def _waiting(tx: Transaction) -> Backlog:
    return await tx.backlog()
