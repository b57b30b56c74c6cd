"""The page on which an organizer rehearses a campaign."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from bot.console.rehearsal import Rehearsals
from bot.console.rehearsed import shown
from flows.reader import STARTER

FOUND = {
    "seed": 1,
    "supporters": 20,
    "buddies": 6,
    "days": 3,
    "connections": 1,
    "waiting": 1,
    "funnel": {"wrote_first": 8, "introduced": 2},
    "messages": {"person_week_median": 7.5, "person_week_most": 44, "person_weeks": {"3": 4, "5": 1, "44": 2}},
    "cards": {"day_mean": 1.3, "day_most": 4, "days": [0, 4, 0]},
    "checks": {"silence_after_stop": 1200},
    "broken": "",
}


@pytest.fixture
async def rehearsals() -> AsyncIterator[Rehearsals]:
    made = Rehearsals(STARTER, "desk", "The desk")
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def client(rehearsals: Rehearsals) -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    app.include_router(rehearsals.router)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as opened:
        yield opened


async def begin(client: httpx.AsyncClient, **asked: object) -> int:
    form = {"supporters": "2", "buddies": "1", "days": "1", **{name: str(each) for name, each in asked.items()}}
    headers = {"sec-fetch-site": "same-origin"}
    return (await client.post("/rehearsal", data=form, headers=headers)).status_code


def test_connections_come_first_and_every_picture_has_its_number_beside_it() -> None:
    page = shown(FOUND)
    assert page.index("<b>connection</b>") < page.index("How far they came")
    assert '<tr><th scope="row">introduced</th><td>2</td>' in page
    assert '<rect width="25.0" height="1"/>' in page
    assert '<th scope="row">1 to 5</th><td>5</td>' in page
    assert '<th scope="row">41 or more</th><td>2</td>' in page
    assert "1.3 a day on average, 4 on the busiest" in page
    assert "checked 1,200 times" in page
    assert "style=" not in page, "the security policy would not show it"


def test_a_promise_that_broke_is_said_and_cannot_be_a_page() -> None:
    assert "A promise did not hold:</strong> &lt;b&gt;" in shown(FOUND | {"broken": "<b>"})


@pytest.mark.slow
async def test_what_was_asked_is_played_and_shown(rehearsals: Rehearsals, client: httpx.AsyncClient) -> None:
    assert "Of 2 newcomers" not in (await client.get("/rehearsal")).text
    assert await begin(client) == 303
    waiting = (await client.get("/rehearsal")).text
    assert 'http-equiv="refresh"' in waiting
    assert rehearsals._playing is not None
    await rehearsals._playing
    page = (await client.get("/rehearsal")).text
    assert "Of 2 newcomers, 1 buddy, 1 day" in page
    assert "Every promise held" in page
    assert 'http-equiv="refresh"' not in page


@pytest.mark.slow
async def test_flows_with_mistakes_are_said_instead(
    rehearsals: Rehearsals, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "hello.yaml").write_text("flow: hello\n")
    rehearsals._flows = tmp_path
    await begin(client)
    assert rehearsals._playing is not None
    await rehearsals._playing
    assert "have mistakes: `doorstep check` shows them" in (await client.get("/rehearsal")).text


@pytest.mark.parametrize("asked", [{"days": "43"}, {"supporters": "0"}, {"buddies": "x"}, {"days": ""}])
async def test_nobody_keeps_the_machine_busy_with_a_form_of_their_own(
    rehearsals: Rehearsals, client: httpx.AsyncClient, asked: dict[str, str]
) -> None:
    assert await begin(client, **asked) == 400
    assert rehearsals._playing is None


async def test_another_site_cannot_begin_one(rehearsals: Rehearsals, client: httpx.AsyncClient) -> None:
    form = {"supporters": "2", "buddies": "1", "days": "1"}
    answer = await client.post("/rehearsal", data=form, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert rehearsals._playing is None
