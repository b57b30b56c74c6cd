"""The door of a running bot, with everything behind it that a configuration can ask for."""

import gc
import re
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from fastapi.routing import APIRoute

from bot import app, roles
from bot.console.app import serve
from bot.console.entry import TWELVE_HOURS, WRONG_TRIES
from bot.desks.live import LiveDesk
from tests.bot.running import PASSPHRASE, free_port, running_here, write_config
from tests.bot.test_killed import CHAIN
from tests.waiting import PATIENCE

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""As good a hash as any to who reads it; the usual one takes 64 MiB for each guess."""

ELSEWHERE = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
POLL = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
OPEN = {"/healthz", "/readyz", "/metrics", "/enter", "/console/{name}"}


@dataclass
class Running:
    """`doorstep run` in this process; `app` is what it serves."""

    app: FastAPI
    port: int

    @asynccontextmanager
    async def client(self, *, entered: bool = False) -> AsyncIterator[httpx.AsyncClient]:
        # Certificates are not looked at here, and reading them takes a tenth of a second.
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE, verify=False
        ) as client:
            if entered:
                assert (await enter(client, PASSPHRASE)).status_code == 303
            yield client

    def routes(self) -> Iterator[tuple[str, str]]:
        """(method, path) of everything that it answers, pages and sockets too."""
        for router in (self.app, *(getattr(each, "original_router", None) for each in self.app.routes)):
            for route in router.routes if router else ():
                if isinstance(route, APIRoute):
                    yield from ((method, route.path) for method in sorted(route.methods or ()))
        yield from (("GET", "/desk"), ("GET", POLL), ("POST", POLL), ("GET", "/nowhere"), ("POST", "/nowhere"))


@pytest.fixture
async def running(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    served: list[FastAPI] = []

    async def seen(given: FastAPI, *more: Any) -> None:
        served.append(given)
        await serve(given, *more)

    monkeypatch.setattr(app, "serve", seen)
    shutil.copy(migrated, tmp_path / "d.db")
    file = write_config(tmp_path, f"sqlite:///{tmp_path}/d.db", port := free_port(), {"chain": CHAIN})
    written = file.read_text().replace(f'"{PASSPHRASE}"', f'"{QUICK.hash(PASSPHRASE)}"')
    file.write_text(written.replace("[server]", '[server]\npublic_url = "https://bot.example"'))
    async with running_here(file):
        yield Running(served[0], port)


async def enter(client: httpx.AsyncClient, passphrase: str, **headers: str) -> httpx.Response:
    return await client.post("/enter", data={"passphrase": passphrase}, headers=headers)


def path_of(route: str) -> str:
    """An address that a route answers at once."""
    return (
        route.replace("/chat/messages", "/chat/messages?phone=none")
        .replace("{name}", "page.css")
        .replace("{kind}", "calendar")
        .replace("{about}", "1")
    )


@pytest.fixture
def looked_through(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """True for each time that somebody has looked through all objects there are."""
    looked: list[bool] = []

    def look(*_: object) -> list[object]:
        looked.append(True)
        return []

    monkeypatch.setattr(gc, "get_objects", look)
    monkeypatch.setattr(gc, "get_referrers", look)
    return looked


async def test_nobody_holds_a_tuple_that_another_thread_fills(looked_through: list[bool], running: Running) -> None:
    # It would break there with SystemError: now and then, as a process began, a turn did, or a lease.
    async with running.client() as client:
        assert (await client.get("/healthz")).status_code == 200
    assert looked_through == []


async def test_nothing_but_what_is_said_to_be_open_answers_without_the_passphrase(running: Running) -> None:
    async with running.client() as client:
        shut = [(method, path) for method, path in running.routes() if path not in OPEN]
        assert len(shut) > 8
        for method, path in shut:
            answer = await client.request(method, path_of(path))
            sent_away = answer.status_code == 303 and answer.headers["location"].startswith("/enter")
            assert sent_away or answer.status_code == 401, (method, path)
            assert not answer.cookies
    async with running.client(entered=True) as client:
        for method, path in shut:
            assert (await client.request(method, path_of(path))).headers.get("location") != "/enter", (method, path)


async def test_the_table_of_roles_names_every_page(running: Running) -> None:
    served = {roles.page_of(path_of(path).partition("?")[0]) for _, path in running.routes() if path != "/nowhere"}
    webhooks = {"/slack/*", "/telegram/*", "/whatsapp/*"}
    assert served == set(roles.PAGES) - webhooks - {"/_nicegui/*"}


async def test_a_session_is_short_and_of_this_site_alone(running: Running) -> None:
    async with running.client() as client:
        assert (await enter(client, PASSPHRASE.upper())).status_code == 403
        answer = await enter(client, PASSPHRASE, **{"X-Forwarded-Proto": "https"})
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "strict", True)
        assert int(cookie["max-age"]) == TWELVE_HOURS
        assert PASSPHRASE not in cookie.value


async def test_whoever_guesses_is_slowed_down_and_another_site_cannot_guess(running: Running) -> None:
    async with running.client() as client:
        for _ in range(WRONG_TRIES + 2):
            assert (await enter(client, "a guess", **ELSEWHERE)).status_code == 403
        answers = [(await enter(client, f"guess {number}")).status_code for number in range(WRONG_TRIES + 2)]
        assert answers == [403] * WRONG_TRIES + [429, 429]
        assert (await enter(client, PASSPHRASE)).status_code == 429


async def test_a_page_of_another_site_changes_nothing_and_reads_nothing(running: Running) -> None:
    """Not even with the session, as a page of a neighbouring port or name would have it."""
    async with running.client(entered=True) as client:
        changing = [(method, path) for method, path in running.routes() if method not in ("GET", "HEAD")]
        for method, path in changing:
            answer = await client.request(method, path_of(path), headers=ELSEWHERE)
            assert answer.status_code in (403, 404, 405), (method, path)
        for method, path in running.routes():
            answer = await client.request(method, path_of(path), headers=ELSEWHERE)
            assert not [name for name in answer.headers if name.startswith("access-control-")], (method, path)
        assert (await client.get(POLL, headers=ELSEWHERE)).status_code == 403
        own = {"Origin": f"http://127.0.0.1:{running.port}"}
        assert (await client.get(POLL, headers=own)).status_code == 200
        assert (await client.get(POLL, headers={"Origin": "https://bot.example"})).status_code == 200


async def test_every_answer_lets_a_page_load_and_call_its_own_server_alone(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(_: LiveDesk) -> None:
        raise RuntimeError("Ana lives at 12 Canal Road")

    answers = []
    for entered in (False, True):
        async with running.client(entered=entered) as client:
            answers += [await client.request(method, path_of(path)) for method, path in running.routes()]
    monkeypatch.setattr(LiveDesk, "sight", breaks)
    async with running.client(entered=True) as client:
        answers.append(await client.get("/desk"))
    assert answers[-1].status_code == 500
    assert "broke" in answers[-1].text
    assert "Ana" not in answers[-1].text
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert not re.search(r"\*|https?:|wss?:|//|[a-z]\.[a-z]", policy), policy
        assert {"default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"} <= {*policy.split("; ")}
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-content-type-options"] == "nosniff"
