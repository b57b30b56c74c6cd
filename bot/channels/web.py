"""The console's own chat: a page instead of a platform, so it needs no token and no account.

A visitor is a random 128-bit number in a cookie: whoever holds the cookie is that person. A page makes the id of each
event itself and sends it again until it is told that it was taken, so a lost answer neither loses nor doubles anything.
One browser can be several visitors where the channel has further phones, by name: `?phone=buddy`, each with its cookie.
"""

import asyncio
import json
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from bot.channels.base import Inbound, Outbound, Receipt, Receive
from flows.limits import WEB
from flows.model import Said, Shown

COOKIE = "doorstep_chat"
YEAR = 365 * 24 * 3600
NEWEST = 200
"""Messages that one answer holds; the page asks on from there."""
LARGEST_BODY = 1024 * 1024
"""People paste whole documents; all of it is read so that the start of it can be kept."""
LONGEST_KEY, MOST_CHOICES = 200, 200
MOST_POLLS_EACH, MOST_POLLS = 8, 4_000
"""Pages of one visitor, and of all, that may wait at once."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
"""Seconds between two looks at the history: another process may have written what this one was never told of."""

_VISITOR = re.compile(r"[0-9a-f]{32}")
_PHONE = re.compile(r"[a-z]{1,16}")
_EVENT = re.compile(r"[!-~]{1,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_UNSTORABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")

_Handler = Callable[[Request], Awaitable[Response]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Line:
    """One message as the page shows it.

    id        the same at every reading; of a line of theirs it is the event's id, so that the page knows its own
    mine      they said it; its `question` and `conversation` are those of the button they pressed
    attach    what the page shows below it: "calendar:3" (of that action), "qr", or nothing
    replaces  it changes the bubble of the same question, instead of standing below it
    """

    id: str
    mine: bool
    text: str
    choices: tuple[Shown, ...]
    many: bool
    picked: tuple[str, ...]
    question: int | None
    conversation: int | None
    expect: str
    replaces: bool
    at: datetime
    attach: str = ""


class History(Protocol):
    """What was said so far, both ways."""

    async def history(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        """The lines after this cursor, oldest first, and the cursor behind the last of them.

        With `after` "" (and with a cursor it does not know): the newest `limit` lines.
        """


class _Refused(Exception):
    """A request that is answered with this status and sentence."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


class Web:
    """The chat page's channel. `router` serves it; it takes messages only while `listen` runs.

    patience  seconds that a page's question for news may wait
    origins   further addresses of this server as browsers see it ("https://chat.example.org"), where a proxy in front
              does not hand on the Host header
    phones    names (a to z, at most 16) of the further phones that a page may show; all others are refused
    open_as   whose phone that is: the visitor's address (32 hexadecimal digits) for a name, None while it is nobody's;
              asked at every request. Without it each browser is a visitor of its own on every phone. Raises ValueError
              for a name that cannot be one.
    """

    name = "web"
    limits = WEB
    everywhere = True

    def __init__(
        self,
        history: History,
        account: str = "web",
        *,
        patience: float = 25.0,
        origins: Collection[str] = (),
        phones: Collection[str] = (),
        open_as: Callable[[str], str | None] | None = None,
    ) -> None:
        if not all(_PHONE.fullmatch(phone) for phone in phones):
            raise ValueError("a phone is called by one to sixteen letters from a to z")
        self.account, self._history, self._patience = account, history, patience
        self._phones, self._open_as = frozenset(phones), open_as
        self._origins = frozenset(origin.rstrip("/").lower() for origin in origins)
        self._receive: Receive | None = None
        self._bells: dict[str, set[asyncio.Event]] = {}
        self._polls = 0
        self._releases = 0
        self._ended = False
        self.router = APIRouter(include_in_schema=False)
        for method, path, handler in (
            ("POST", "/chat/open", self._open),
            ("POST", "/chat/messages", self._take),
            ("GET", "/chat/messages", self._news),
        ):
            self.router.add_api_route(path, self._answering(handler), methods=[method], response_model=None)

    async def listen(self, receive: Receive) -> None:
        """Hands on what visitors say until it is cancelled; then waiting pages are answered, with nothing new."""
        self._receive = receive
        try:
            await asyncio.Event().wait()
        finally:
            self._receive = None
            self._release()

    async def send(self, message: Outbound) -> Receipt:
        """Tells the visitor's open pages to look. The page reads messages by id, so sending twice shows one."""
        for bell in self._bells.get(message.address, ()):
            bell.set()
        return Receipt(f"web:{message.id}")

    def end(self) -> None:
        """Answers every page that waits for news, and from now on at once, so that the server can stop: a page that
        was answered asks again before its connection is closed."""
        self._ended = True
        self._release()

    def _release(self) -> None:
        self._releases += 1
        for bells in self._bells.values():
            for bell in bells:
                bell.set()

    def visitor(self, request: Request, phone: str = "") -> str | None:
        """Who this browser is on this phone; None where it has not opened a chat there, or opened another's."""
        address = request.cookies.get(_cookie(phone), "")
        if not _VISITOR.fullmatch(address) or (phone and self._open_as and self._open_as(phone) != address):
            return None
        return address

    def same_origin(self, request: Request) -> bool:
        """Whether a request comes from a page of this server, as far as the browser tells."""
        origin = request.headers.get("origin", "").lower()
        own = urlsplit(origin).netloc == request.headers.get("host", "").lower()
        return not origin or own or origin in self._origins

    def _answering(self, handler: _Handler) -> _Handler:
        async def answer(request: Request) -> Response:
            try:
                if request.method == "POST" and not self.same_origin(request):
                    raise _Refused(403, "This request came from a page of another site.")
                return await handler(request)
            except _Refused as refused:
                return JSONResponse({"error": refused.sentence}, refused.status, refused.headers)

        return answer

    async def _open(self, request: Request) -> Response:
        phone = self._phone(request)
        address = self._opened_as(phone) or self.visitor(request, phone) or secrets.token_hex(16)
        response = _shown(*await self._read(address, "", NEWEST))
        secure = request.url.scheme == "https"
        response.set_cookie(_cookie(phone), address, YEAR, path="/", secure=secure, httponly=True, samesite="strict")
        return response

    def _phone(self, request: Request) -> str:
        phone = request.query_params.get("phone", "")
        if phone and phone not in self._phones:
            raise _Refused(404, "There is no such phone.")
        return phone

    def _opened_as(self, phone: str) -> str | None:
        if not phone or self._open_as is None:
            return None
        address = self._open_as(phone)
        if address is None:
            raise _Refused(409, "This phone is nobody's yet.", 1)
        return address

    async def _take(self, request: Request) -> Response:
        address = self._known(request)
        event, said = _message(await _body(request))
        if self._receive is None:
            raise _Refused(503, "The bot is not listening yet. Try again in a moment.", 1)
        try:
            await self._receive(Inbound(self.name, self.account, address, event, said, language=_language(request)))
        except Exception as error:
            # Only the kind is logged: a driver's message can quote what the person wrote.
            _log.error("a message from the chat page was not taken: %s", type(error).__name__)
            raise _Refused(503, "That could not be kept just now. Try again in a moment.", 1) from error
        return JSONResponse({})

    async def _news(self, request: Request) -> Response:
        address = self._known(request)
        with self._bell(address) as bell:
            return _shown(*await self._wait(request, address, request.query_params.get("after", "")[:200], bell))

    async def _wait(self, request: Request, address: str, after: str, bell: asyncio.Event) -> tuple[list[Line], str]:
        now = asyncio.get_running_loop().time
        until, pause, releases = now() + self._patience, SHORTEST_PAUSE, self._releases
        gone = asyncio.ensure_future(_disconnected(request))
        gone.add_done_callback(lambda _: bell.set())
        try:
            while True:
                bell.clear()
                lines, cursor = await self._read(address, after, NEWEST)
                left = until - now()
                if lines or left <= 0 or gone.done() or self._ended or self._releases != releases:
                    return lines, cursor
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(pause, left)):
                        await bell.wait()
                pause = SHORTEST_PAUSE if bell.is_set() else min(pause * 2, LONGEST_PAUSE)
        finally:
            gone.cancel()

    @contextmanager
    def _bell(self, address: str) -> Iterator[asyncio.Event]:
        if len(self._bells.get(address, ())) >= MOST_POLLS_EACH or self._polls >= MOST_POLLS:
            raise _Refused(429, "Too many pages of this chat are open. Close some.", 5)
        bell = asyncio.Event()
        self._bells.setdefault(address, set()).add(bell)
        self._polls += 1
        try:
            yield bell
        finally:
            self._polls -= 1
            self._bells[address].discard(bell)
            if not self._bells[address]:
                del self._bells[address]

    async def _read(self, address: str, after: str, limit: int) -> tuple[list[Line], str]:
        try:
            return await self._history.history(address, after, limit)
        except Exception as error:
            _log.error("the chat page could not read: %s", type(error).__name__)
            raise _Refused(503, "The messages cannot be read just now. Try again in a moment.", 1) from error

    def _known(self, request: Request) -> str:
        address = self.visitor(request, self._phone(request))
        if address is None:
            raise _Refused(401, "Open the chat page first.")
        return address


def _cookie(phone: str) -> str:
    return f"{COOKIE}_{phone}" if phone else COOKIE


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise _Refused(413, "That is too long to send in one message.")
    return bytes(body)


def _message(body: bytes) -> tuple[str, Said]:
    try:
        sent = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise _Refused(400, "The message is not valid JSON.") from None
    if not isinstance(sent, dict):
        raise _Refused(400, "The message must be a JSON object.")
    event, text = sent.get("event"), sent.get("text", "")
    if not isinstance(event, str) or not _EVENT.fullmatch(event) or not isinstance(text, str):
        raise _Refused(400, "`event` must be 1 to 64 plain characters, and `text` a text.")
    said = Said(
        _clean(text)[: WEB.text], _choice(sent.get("choice")), _number(sent, "question"), _number(sent, "conversation")
    )
    return event, said


def _choice(given: Any) -> str | tuple[str, ...] | None:
    if given is None:
        return None
    keys = given if isinstance(given, list) else [given]
    if len(keys) > MOST_CHOICES or not all(isinstance(key, str) and len(key) <= LONGEST_KEY for key in keys):
        raise _Refused(400, "`choice` must be the key of a button, a list of such keys, or null.")
    cleaned = tuple(_clean(key) for key in keys)
    return cleaned if isinstance(given, list) else cleaned[0]


def _number(sent: dict[str, Any], name: str) -> int | None:
    given = sent.get(name)
    if given is None or (type(given) is int and 0 <= given < 2**63):
        return given
    raise _Refused(400, f"`{name}` must be a whole number or null.")


def _clean(text: str) -> str:
    """Without what no database holds: NUL and its kin, and halves of characters."""
    return _HALF_A_CHARACTER.sub("\ufffd", _UNSTORABLE.sub("", text.replace("\r\n", "\n")))


def _language(request: Request) -> str:
    first = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    return first if len(first) <= 35 and _LANGUAGE.fullmatch(first) else ""


def _shown(lines: list[Line], cursor: str) -> JSONResponse:
    messages = [{**asdict(line), "at": line.at.isoformat()} for line in lines]
    return JSONResponse({"messages": messages, "cursor": cursor}, headers={"Cache-Control": "no-store"})
