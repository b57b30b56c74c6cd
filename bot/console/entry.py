"""The door of `doorstep run`: a passphrase before every page, and the headers that every page carries."""

import hmac
import logging
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import roles
from bot.passphrase import fits
from bot.roles import STRANGER
from storage.audit import COORDINATOR
from storage.pairs import SUPPORTER

log = logging.getLogger(__name__)

COOKIE = "doorstep_session"
TWELVE_HOURS = 12 * 3600
SOCKET = "/_nicegui_ws/"
"""Where a browser without web sockets asks again and again instead; NiceGUI lets every site's pages do so."""
DESK, TO_DESK = "/desk", "?to=desk"
WRONG_TRIES, WINDOW = 5, 60.0
"""So many wrong passphrases are heard from anywhere in so many seconds."""
LONGEST_ANSWER = 4096
"""Bytes of what a form sends."""

_LINK = re.compile(r"[A-Za-z0-9_-]{1,64}")

_STRICT = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_NICEGUI = {
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "font-src": "'self' data:",
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorstep</title>
<link rel="stylesheet" href="console/page.css">
<link rel="icon" href="console/door.svg">
</head>
<body>
<main class="entry">
<h1 class="brand">Doorstep</h1>
<form method="post" action="enter{to}" class="sheet">
<label for="passphrase">The passphrase of this group</label>
<input id="passphrase" name="passphrase" type="password" autocomplete="current-password" required autofocus>
{complaint}
<button type="submit">Come in</button>
</form>
</main>
</body>
</html>
"""


def protect(app: FastAPI, origins: Collection[str] = ()) -> None:
    """Every answer of `app` carries the headers that keep it to itself: no framing, no referrer, only own sources.

    A socket is opened only to pages of this server, or of `origins` ("https://chat.example.org").
    """
    app.add_middleware(_Headers, origins=frozenset(origin.rstrip("/").lower() for origin in origins))


def guard(
    app: FastAPI,
    passphrase: str,
    secret: bytes,
    *,
    chat_passphrase: str = "",
    clock: Callable[[], float] = time.time,
) -> Callable[[HTTPConnection], str]:
    """Lets everybody open what `bot.roles` has for them: whoever gave the passphrase in the last twelve hours is a
    coordinator, whoever gave `chat_passphrase` a supporter, everybody else a stranger.

    Pages that are not for them answer 303 to /enter, anything else 401; what there is for nobody answers 404. Another
    passphrase or another `secret` ends every session. What is answered says who somebody is that opened a connection:
    a socket may outlive the twelve hours.
    """
    door = _Door({COORDINATOR: passphrase} | ({SUPPORTER: chat_passphrase} if chat_passphrase else {}), secret, clock)
    app.add_api_route("/enter", door.show, methods=["GET"], include_in_schema=False, response_model=None)
    app.add_api_route("/enter", door.enter, methods=["POST"], include_in_schema=False, response_model=None)
    app.add_middleware(_Gate, door=door)
    return door.role


class _Door:
    """Knows the passphrase of each role, and who has given which."""

    def __init__(self, passphrases: Mapping[str, str], secret: bytes, clock: Callable[[], float]) -> None:
        self._passphrases = passphrases
        self._keys = {
            role: hmac.digest(secret, f"doorstep session of a {role}\0{passphrase}".encode(), sha256)
            for role, passphrase in passphrases.items()
        }
        self._clock = clock
        self._wrong: deque[float] = deque(maxlen=WRONG_TRIES)

    async def show(self, request: Request) -> Response:
        return _page(request, "")

    async def enter(self, request: Request) -> Response:
        if from_elsewhere(request):
            return _page(request, "Please give the passphrase on this page.", 403)
        given = await _given(request)  # Nothing is awaited from here on: tries at the same moment count one by one.
        now = self._clock()
        while self._wrong and now - self._wrong[0] >= WINDOW:
            self._wrong.popleft()
        if len(self._wrong) >= WRONG_TRIES:
            return _page(
                request, "Too many wrong tries. Wait a minute, then try again.", 429, {"Retry-After": str(int(WINDOW))}
            )
        role = next((role for role, passphrase in self._passphrases.items() if fits(given, passphrase)), "")
        if not role:
            self._wrong.append(now)
            if len(self._wrong) == WRONG_TRIES:
                log.warning("the door is shut for a minute: %s wrong passphrases within one", WRONG_TRIES)
            return _page(request, "That is not the passphrase.", 403)
        to = _after(request)
        if to == TO_DESK:
            to = "desk" if roles.opens(role, DESK) else ""
        answer = RedirectResponse(f"./{to}", 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, self._ticket(role), TWELVE_HOURS, secure=secure, httponly=True, samesite="strict")
        return answer

    def role(self, connection: HTTPConnection) -> str:
        """Who opened it, by the ticket in their cookie."""
        body, _, signature = connection.cookies.get(COOKIE, "").rpartition(".")
        for role in self._keys:
            if hmac.compare_digest(signature.encode(), self._sign(role, body).encode()):
                return role if int(body.partition(".")[0]) > self._clock() else STRANGER
        return STRANGER

    def _ticket(self, role: str) -> str:
        body = f"{int(self._clock()) + TWELVE_HOURS}.{secrets.token_hex(8)}"
        return f"{body}.{self._sign(role, body)}"

    def _sign(self, role: str, body: str) -> str:
        return hmac.digest(self._keys[role], body.encode(), sha256).hex()


class _Gate:
    def __init__(self, app: ASGIApp, door: _Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        role, path = self._door.role(HTTPConnection(scope)), scope["path"]
        if roles.opens(role, path):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "the passphrase is needed"})
        elif role == COORDINATOR:
            await JSONResponse({"error": "There is no such page."}, 404)(scope, receive, send)
        elif scope["method"] in {"GET", "HEAD"} and not path.startswith("/chat/"):
            to = TO_DESK if path == DESK else _after(HTTPConnection(scope))
            await RedirectResponse(f"{scope.get('root_path', '')}/enter{to}", 303)(scope, receive, send)
        else:
            await JSONResponse({"error": "Give the passphrase first."}, 401)(scope, receive, send)


class _Headers:
    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app, self._origins = app, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and _foreign(HTTPConnection(scope), self._origins):
            await send({"type": "websocket.close", "code": 1008, "reason": "from a page of another site"})
            return
        polls = scope["type"] == "http" and scope["path"].startswith(SOCKET)
        refused = polls and _foreign(HTTPConnection(scope), self._origins)
        app = PlainTextResponse("This is for the pages of this server.\n", 403) if refused else self._app

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _secure(MutableHeaders(scope=message))
            await send(message)

        await app(scope, receive, with_headers)


def _secure(headers: MutableHeaders) -> None:
    # NiceGUI's pages need inline scripts and eval; ours do not, so ours do not get them.
    sources = _STRICT | _NICEGUI if "X-NiceGUI-Content" in headers else _STRICT
    headers["Content-Security-Policy"] = "; ".join(f"{name} {where}" for name, where in sources.items())
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "no-referrer"
    headers["X-Content-Type-Options"] = "nosniff"


def _foreign(connection: HTTPConnection, origins: Collection[str] = ()) -> bool:
    origin = connection.headers.get("origin", "").lower()
    return (
        bool(origin) and origin not in origins and urlsplit(origin).netloc != connection.headers.get("host", "").lower()
    )


def from_elsewhere(request: Request) -> bool:
    """Whether another site's page sent this form: it could use up the tries. Our own form's Origin is "null"."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    return request.headers.get("origin") != "null" and _foreign(request)


async def _given(request: Request) -> str:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_ANSWER:
            return ""
    return parse_qs(body.decode("utf-8", "replace")).get("passphrase", [""])[0]


def _after(connection: HTTPConnection) -> str:
    """Where someone wanted to go, as the end of an address: the desk, or the code of a link. It outlives the door."""
    if connection.query_params.get("to") == "desk":
        return TO_DESK
    code = connection.query_params.get("start", "")
    return f"?start={code}" if _LINK.fullmatch(code) else ""


def _page(
    request: HTTPConnection, complaint: str, status: int = 200, headers: dict[str, Any] | None = None
) -> Response:
    said = f'<p role="alert" class="complaint">{escape(complaint)}</p>' if complaint else ""
    return HTMLResponse(
        _PAGE.format(complaint=said, to=_after(request)), status, {"Cache-Control": "no-store", **(headers or {})}
    )
