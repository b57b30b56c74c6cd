"""Puts the console together, and serves it in the running loop."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection

from bot import roles
from bot.channels.web import Web
from bot.console import entry, files
from bot.console.crowd import Crowd
from bot.console.stage import Desk, Stage

GRACE = 2
"""Seconds that answers under way have when the server stops."""


def build(
    web: Web,
    stage: Stage | None,
    passphrase: str | None,
    secret: bytes,
    *,
    desk: Desk | None = None,
    chat_passphrase: str = "",
    routers: Sequence[APIRouter] = (),
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> FastAPI:
    """The console: the trial page where there is a stage, else a chat alone; behind the passphrase, if there is one.

    desk             where it is given beside a chat, the coordinators' page is at /desk; it needs a passphrase
    chat_passphrase  opens the chat alone; "": only who may open everything may open it
    routers          further pages (health, metrics, webhooks); they come before the console's own
    origins          as `Web` takes them
    hosts            the only names under which this server answers; none given: any. A server without a passphrase
                     needs them: another site's name could be pointed at this machine

    Behind a passphrase, who may open what stands in `bot.roles`.
    NiceGUI has one page per process: build a trial page or a desk once.
    """
    app = FastAPI(title="Doorstep", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.end = web.end
    for router in (*routers, web.router, files.router()):
        app.include_router(router)
    if passphrase is not None:
        role = entry.guard(app, passphrase, secret, chat_passphrase=chat_passphrase)
    entry.protect(app, origins)
    if hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))
    if stage is None:
        chat = _chat(role if desk is not None and passphrase is not None else None)
        app.add_api_route("/", chat, methods=["GET"], include_in_schema=False, response_model=None)
    # NiceGUI takes half a second to import: only where it is shown.
    if stage is not None:
        from bot.console import trial

        trial.attach(app, web, stage)
    elif desk is not None and passphrase is not None:
        from bot.console import office

        office.attach(app, desk, role)
    return app


async def serve(app: FastAPI, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serves until it is cancelled, and stops within three seconds. Signals stay the caller's.

    Port 0 takes a free one; `on_ready` is told which, once it answers. Raises OSError where the address is taken.
    """
    listening = _listening(host, port)
    config = uvicorn.Config(
        Crowd(app),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="websockets-sansio",
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config, lambda: on_ready(listening.getsockname()[1]))
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(running)
    finally:
        server.should_exit = True
        getattr(app.state, "end", bool)()
        await running


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        why = {
            errno.EADDRINUSE: f"port {port} is taken: end the program that has it, or choose another port",
            errno.EADDRNOTAVAIL: f"{host} is no address of this machine: 127.0.0.1 is, and 0.0.0.0 is all it has",
            errno.EACCES: f"port {port} is the system's: choose one from 1024",
        }
        raise OSError(error.errno, why.get(error.errno or 0, f"{host}, port {port}: {error.strerror}")) from None


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers, and with a word when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit as left:
            # Left alone, it would end the process from inside a task, past everyone's clean-up.
            raise RuntimeError("the console could not start: see the log") from left
        self._ready()


def _chat(role: Callable[[HTTPConnection], str] | None) -> Callable[[Request], Awaitable[Response]]:
    """The chat, with a link to the desk for whom it opens."""

    async def chat(request: Request) -> Response:
        desk = role is not None and roles.opens(role(request), entry.DESK)
        return HTMLResponse(files.chat_page(desk=desk), headers={"Cache-Control": "no-cache"})

    return chat
