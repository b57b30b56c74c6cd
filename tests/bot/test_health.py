"""What /readyz and /metrics tell."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from bot.health import Health
from bot.metrics import BEAT
from flows.model import Conversation, Say
from storage import rotation
from storage.errors import DiskFull
from storage.leases import me
from storage.sending import AGAIN, CLOSED, Outcome
from storage.store import Store, Transaction
from tests.databases import Database, Watch
from tests.waiting import until


@pytest.fixture
def health(store: Store, watch: Watch) -> Health:
    return Health(store, watch, lambda: 3)


@pytest.fixture
async def ask(health: Health) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(health.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://doorstep.test") as client:
        yield client


async def test_a_channel_that_is_down_is_named_with_why_and_since_when(
    health: Health, ask: httpx.AsyncClient, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    north, south = health.reporter("telegram", "north"), health.reporter("telegram", "south")
    assert (await ask.get("/readyz")).status_code == 503
    health.ready = True
    assert (await ask.get("/readyz")).text == "ready\n"
    since = f"{watch.now:%Y-%m-%dT%H:%M:%SZ}"
    north("no network")
    watch.forward(timedelta(hours=1))
    north("its token was revoked")
    south("")
    answer = await ask.get("/readyz")
    assert answer.status_code == 200
    assert answer.text == f"ready\nchannel telegram north is down since {since}: its token was revoked\n"
    metrics = (await ask.get("/metrics")).text
    assert 'doorstep_channel_up{account="north",channel="telegram"} 0.0' in metrics
    assert 'doorstep_channel_up{account="south",channel="telegram"} 1.0' in metrics
    north("")
    assert (await ask.get("/readyz")).text == "ready\n"
    assert [record.getMessage() for record in caplog.records] == [
        "channel telegram north is down: no network",
        "channel telegram north is down: its token was revoked",
        "channel telegram north works again",
    ]


async def until_they_write(tx: Transaction) -> None:
    (message,) = await tx.outbox.claim("whatsapp", "main", 5, "whatsapp:main")
    await tx.outbox.settle([Outcome(message, AGAIN, reason=CLOSED, at=tx.now + timedelta(days=1))])


async def test_metrics_tell_what_waits_for_how_long_and_for_whom(
    store: Store, ask: httpx.AsyncClient, watch: Watch
) -> None:
    async def live(tx: Transaction) -> None:
        ana = await tx.people.add("web", "web", "ana", "en")
        ben = await tx.people.add("whatsapp", "main", "ben", "en")
        await tx.outbox.add(ana, ana.address_id, None, [Say("hello"), Say("again")])
        await tx.outbox.add(ana, ana.address_id, None, [Say("later")], tx.now + timedelta(days=1))
        await tx.outbox.add(ben, ben.address_id, None, [Say("hello")])
        await tx.inbox.put("bot", "1", ana.id, "settle", {})
        await tx.inbox.bury("web:web", "2", ben.id, "said", {"text": "x"}, "KeyError")
        await tx.cards.add("human", f"person:{ana.id}", ana.id, {})
        await tx.leases.take("web:web", me())
        await tx.leases.take("whatsapp:main", "elsewhere:7")

    await store.run(live)
    await store.run(until_they_write)
    watch.forward(timedelta(seconds=30))
    await store.run(lambda tx: tx.cards.add("report", "pair:1", None, {}, urgent=True))
    watch.forward(timedelta(seconds=30))
    metrics = (await ask.get("/metrics")).text.splitlines()
    for line in (
        'doorstep_unsent{account="web",channel="web"} 2.0',
        'doorstep_unsent_seconds{account="web",channel="web"} 60.0',
        'doorstep_unsent_until_they_write{account="main",channel="whatsapp"} 1.0',
        "doorstep_oldest_unsent_seconds 60.0",
        "doorstep_untaken_events 1.0",
        "doorstep_untaken_events_seconds 60.0",
        "doorstep_dead_events 1.0",
        "doorstep_turn_failures_total 3.0",
        'doorstep_open_cards{kind="human"} 1.0',
        "doorstep_urgent_cards 1.0",
        "doorstep_urgent_cards_seconds 30.0",
        'doorstep_lease_held{name="web:web"} 1.0',
        'doorstep_lease_held{name="whatsapp:main"} 0.0',
        "doorstep_due_lag_seconds 0.0",
        "doorstep_storage_up 1.0",
    ):
        assert line in metrics
    assert not any('doorstep_unsent{account="main"' in line for line in metrics)


async def test_what_is_due_and_has_not_happened_is_told(store: Store, watch: Watch, ask: httpx.AsyncClient) -> None:
    async def live(tx: Transaction) -> None:
        ana = await tx.people.add("web", "web", "ana", "en")
        standing = Conversation(0, "welcome", 1, "hello", tx.now)
        await tx.conversations.add(ana.id, standing, tx.now)

    await store.run(live)
    watch.forward(timedelta(seconds=90))
    metrics = (await ask.get("/metrics")).text
    assert "doorstep_overdue_conversations 1.0" in metrics
    assert "doorstep_due_lag_seconds 90.0" in metrics


async def test_a_late_event_loop_shows(health: Health, ask: httpx.AsyncClient) -> None:
    async def late() -> bool:
        """Whether some beat was more than a tenth of a second late."""
        metrics = (await ask.get("/metrics")).text
        found = re.findall(r'doorstep_loop_lag_seconds_bucket{le="(?:0.1|\+Inf)"} (.*)', metrics)
        in_time, all_of_them = map(float, found)
        return all_of_them > in_time and float(re.findall("doorstep_loop_lag_seconds_sum (.*)", metrics)[0]) > BEAT

    measuring = asyncio.create_task(health.run())
    await asyncio.sleep(0)
    time.sleep(BEAT * 2.5)  # noqa: ASYNC251 - this is what is measured
    await until(late)
    measuring.cancel()


async def test_what_keeps_anything_from_being_stored_is_said_and_logged_once_and_nothing_is_handed_to_it(
    store: Store,
    health: Health,
    ask: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def full(_: object) -> None:
        raise DiskFull("no space left on /secret/place")

    monkeypatch.setattr("bot.health.FRESH", 0.0)
    health.ready = True
    with monkeypatch.context() as away:
        away.setattr(store, "run", full)
        for _ in range(2):
            answer = await ask.get("/healthz")
            assert answer.status_code == 503
            assert "disk is full" in answer.text
            assert "secret" not in answer.text
        answer = await ask.get("/readyz")
        assert answer.status_code == 503
        assert answer.text.startswith("nothing can be stored: The database's disk is full")
        assert "doorstep_storage_up 0.0" in (await ask.get("/metrics")).text
    assert (await ask.get("/healthz")).status_code == 200
    assert (await ask.get("/readyz")).text == "ready\n"
    assert [record.getMessage() for record in caplog.records] == [
        "nothing can be stored: The database's disk is full: nothing is kept until there is room again.",
        "storing works again",
    ]


async def test_a_process_that_lacks_the_newest_key_says_so(
    store: Store, database: Database, ask: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.health.FRESH", 0.0)
    await asyncio.to_thread(rotation.prepare, database.url, database.key)
    await asyncio.to_thread(rotation.rewrap, database.url, database.key)
    newest = database.key.read_text()
    database.key.unlink()
    answer = await ask.get("/healthz")
    assert (answer.status_code, "doorstep keys rotate" in answer.text) == (503, True)
    database.key.write_text(newest)
    assert (await ask.get("/healthz")).status_code == 200
