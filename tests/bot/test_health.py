"""What /readyz and /metrics tell of channels."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from bot.health import Health
from storage.store import Store
from tests.databases import Watch


@pytest.fixture
def health(store: Store, watch: Watch) -> Health:
    return Health(store, watch)


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
