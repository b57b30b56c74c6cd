"""WhatsApp as a channel: one number of the Cloud API. Meta calls here with what people do, and with what became of our
messages.
"""

import asyncio
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson
from fastapi import APIRouter, Request, Response

from bot.channels.base import Inbound, Outbound, Receipt, Receive, Report, SendFailed
from bot.channels.retries import SHORTEST_PAUSE, Retries
from bot.channels.web_files import File, Files, attached
from bot.channels.whatsapp_calls import CLOSED, PAIR, TOKEN, Calls, Lost, NotReached, Refused, failure, trouble
from bot.channels.whatsapp_heard import Heard, Status, heard
from bot.channels.whatsapp_shown import Json, Message, shown
from bot.channels.whatsapp_template import Template, unusable
from bot.channels.whatsapp_told import FAILED, Known, remember
from flows.limits import WHATSAPP

LARGEST_CALL = 3 * 2**20
"""Bytes of one call: Cloud API, "Webhooks", payload size."""

OLDEST = 8 * 86_400
"""Seconds since something happened, after which a call that tells of it is none of Meta's own: Cloud API, "Webhooks",
tries for up to 7 days. A signature alone is good for ever."""

LOOK = 300.0
"""Seconds between two looks whether the token is still good."""

SETTLE = 60.0
"""Seconds that a message whose answer was lost has to be told of, before it is sent again."""

GLANCE = 3.0
"""Seconds of them that are waited for in one go: most is told at once."""

FILE, KNOCK = "file", "knock"
"""What stands behind a message's number in the mark of a further one that was sent for it."""

WAITS = "they have not written for 24 hours: it goes out when they do"
_DAY = 86_400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of ours, as the WhatsApp Manager has it.

    app_secret    what Meta signs its calls with
    verify_token  what Meta shows before its first call
    """

    id: str
    token: str
    app_secret: str
    verify_token: str


class WhatsApp:
    """One number.

    place_at  the name of the district of a point: latitude and longitude in degrees. May block; raises ValueError or
              OSError. The point itself goes nowhere else
    template  knocks where someone has not written for long; without it what is decided for them only waits
    files     what is attached to messages; without it they go without
    report    told why it cannot work, once for each reason, and "" when it can
    patience  seconds for one call of Meta
    pause     seconds before the first new try
    """

    name = "whatsapp"
    limits = WHATSAPP
    everywhere = True

    def __init__(
        self,
        number: Number,
        account: str = "main",
        *,
        place_at: Callable[[float, float], str],
        api_base: str = "https://graph.facebook.com",
        template: Template | None = None,
        files: Files | None = None,
        report: Report = lambda why: None,
        patience: float = 20.0,
        pause: float = SHORTEST_PAUSE,
    ) -> None:
        self.account, self.told = account, _nobody
        self._number, self._place_at, self._template, self._files = number, place_at, template, files
        self._calls, self._known = Calls(number.token, number.id, api_base, patience), Known()
        self._tries = Retries((Refused, NotReached, Lost), trouble, report, pause=pause)
        self._receive: Receive | None = None
        # An edit counts only of what this process has heard: whether anything came after it, nobody else can say.
        self._newest: OrderedDict[str, tuple[int, str]] = OrderedDict()
        self._knocked: OrderedDict[str, float] = OrderedDict()
        self._doubted: OrderedDict[int, float] = OrderedDict()
        self._too_much: OrderedDict[str, int] = OrderedDict()
        self._complained = float("-inf")
        self.router = APIRouter(include_in_schema=False)
        path = f"/whatsapp/{account}"
        self.router.add_api_route(path, self._verified, methods=["GET"], response_model=None)
        self.router.add_api_route(path, self._called, methods=["POST"], response_model=None)

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""
        await self._calls.close()

    # --- what people do -----------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        """Hands on what people do until it is cancelled. Meta hears that an event was taken once it is stored."""
        self._receive = receive
        try:
            await self._tries.until_done(self._check_template)
            while True:
                await self._tries.until_done(lambda: self._calls.check(self._number.app_secret))
                await asyncio.sleep(LOOK)
        finally:
            self._receive = None

    async def _verified(self, request: Request) -> Response:
        """Meta's question whether this is where it shall call."""
        asked = request.query_params
        if asked.get("hub.mode") != "subscribe" or not _same(
            asked.get("hub.verify_token", ""), self._number.verify_token
        ):
            return Response(status_code=403)
        return Response(asked.get("hub.challenge", "")[:1000], media_type="text/plain")

    async def _called(self, request: Request) -> Response:
        """The webhook: 200 once all of it is stored. All of it comes again otherwise, for up to seven days."""
        body = await _bounded(request)
        if body is None:
            return Response(status_code=413)
        signed = "sha256=" + hmac.digest(self._number.app_secret.encode(), body, "sha256").hex()
        if not _same(request.headers.get("x-hub-signature-256", ""), signed):
            self._complain("was refused: it is not signed with this app_secret (see the app's basic settings)")
            return Response(status_code=401)
        try:
            events = list(heard(orjson.loads(body), self._number.id))
        except ValueError:
            return Response(status_code=400)
        people: dict[str, list[Heard]] = {}
        for event in events:
            if isinstance(event, Heard):
                people.setdefault(event.address, []).append(event)
        if people and self._receive is None:
            return Response(status_code=503, headers={"Retry-After": "1"})
        said = [self._take_all(each) for each in people.values()]
        told = self._learn_all([event for event in events if isinstance(event, Status)])
        taken = await asyncio.gather(*said, told)
        return Response(status_code=200 if all(taken) else 503)

    async def _take_all(self, events: list[Heard]) -> bool:
        """Takes what one person did, in order."""
        for event in events:
            if self._receive is None or not await self._take(self._receive, event):
                return False
        return True

    async def _take(self, receive: Receive, event: Heard) -> bool:
        said, before = event.said, self._newest.get(event.address, (0, ""))
        if 0 < event.at < time.time() - OLDEST:
            self._complain("was passed over: it is more than 8 days old (is this machine's clock right?)")
            return True
        if event.original and event.original != before[1]:
            # What an older message meant is long settled.
            return True
        if event.point is not None:
            said = replace(said, place=await self._district(*event.point))
        inbound = Inbound(
            self.name, self.account, event.address, event.event, said, event.name,
            formerly=event.formerly, silent=event.silent, at=_end_of(event.at),
        )  # fmt: skip
        try:
            await receive(inbound)
        except Exception as error:
            # Only the kind: a driver's message can quote what was written.
            self._warn("an event could not be kept, and comes again", error)
            return False
        self._knocked.pop(event.address, None)
        if not event.original and event.at >= before[0]:
            remember(self._newest, event.address, (event.at, event.event))
        return True

    async def _district(self, lat: float, lon: float) -> str:
        try:
            return await asyncio.to_thread(self._place_at, lat, lon)
        except (ValueError, OSError):
            return ""

    async def _learn_all(self, statuses: list[Status]) -> bool:
        """Takes what became of our messages; False where that could not be stored."""
        for status in statuses:
            number, _, part = status.mark.partition(":")
            if not number.isdecimal() or not self._known.is_news(status) or (part == FILE and status.code == CLOSED):
                # Where the file came too late, its words did too, and theirs is the message.
                continue
            try:
                if status.state == FAILED:
                    await self.told(int(number), status.message, self._failed(Refused(status.code), part))
                elif not part and not self._known.id_of(status.mark):
                    await self.told(int(number), status.message, Receipt(status.message))
            except Exception as error:
                self._warn("what became of a message could not be kept, and is told again", error)
                return False
            self._known.note(status)
        return True

    def _failed(self, why: Refused, part: str) -> SendFailed:
        if why.code == CLOSED and not part:
            return SendFailed(WAITS, until_heard=True)
        return SendFailed(trouble(why), final=True) if part else failure(why)

    # --- what is sent -------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message. Raises SendFailed; where they have not written for too long it knocks instead."""
        try:
            if message.closed:
                raise Refused(CLOSED)
            reference = await self._show(message)
        except Refused as refused:
            if refused.code == CLOSED:
                raise await self._knock(message) from None
            raise self._refused(refused, message.address) from None
        except (NotReached, Lost) as error:
            raise failure(error) from None
        self._too_much.pop(message.address, None)
        return Receipt(reference)

    async def settled(self, message: Outbound) -> Receipt | None:
        """As `bot.channels.base.Asking` has it: Meta tells of all that it took, mostly within a second."""
        mark, now = str(message.id), asyncio.get_running_loop().time()
        since = self._doubted.setdefault(message.id, now)
        if reference := await self._known.wait(mark, min(GLANCE, SETTLE)):
            return Receipt(reference)
        if (left := since + SETTLE - asyncio.get_running_loop().time()) > 0:
            raise SendFailed("WhatsApp has not said whether it arrived", retry_after=timedelta(seconds=left))
        del self._doubted[message.id]
        return None

    async def _show(self, message: Outbound) -> str:
        made, mark = shown(message.say, message.conversation), str(message.id)
        file = await self._attached(message)
        if file is not None:
            kind, content = await self._uploaded(file)
            if made.has_body:
                made = Message(kind, content | {"caption": made.content["body"]})
            elif made.has_header:
                made = replace(made, content=made.content | {"header": {"type": kind, kind: content}})
            else:
                await self._calls.send(message.address, Message(kind, content), f"{mark}:{FILE}")
        reference = await self._calls.send(message.address, made, mark)
        self._known.sent(mark, reference)
        return reference

    async def _attached(self, message: Outbound) -> File | None:
        """What goes with it; None also where it is nothing any more, for the words must not wait for it."""
        return await attached(self._files, message.address, message.say.attach)

    async def _uploaded(self, file: File) -> tuple[str, Json]:
        media = await self._calls.upload(file)
        if file.media_type in ("image/png", "image/jpeg"):
            return "image", {"id": media}
        return "document", {"id": media, "filename": file.name}

    async def _knock(self, message: Outbound) -> SendFailed:
        """Asks them by a template to write, once until they do."""
        template = self._template
        if template is None or message.last:
            return SendFailed(WAITS, until_heard=True, final=True)
        if self._knocked.get(message.address, float("-inf")) < time.monotonic() - _DAY:
            asked = {"name": template.name, "language": {"code": template.language}}
            try:
                await self._calls.send(message.address, Message("template", asked), f"{message.id}:{KNOCK}")
            except Refused as refused:
                return self._refused(refused, message.address)
            except (NotReached, Lost) as error:
                # Whether or not the template arrived, the message did not.
                return SendFailed(trouble(error))
            remember(self._knocked, message.address, time.monotonic())
        return SendFailed(WAITS, until_heard=True)

    def _refused(self, refused: Refused, address: str) -> SendFailed:
        if refused.code in TOKEN:
            self._tries.say(trouble(refused))
        tries = self._too_much.get(address, 0)
        if refused.code == PAIR:
            remember(self._too_much, address, tries + 1)
        return failure(refused, tries)

    # --- what can go wrong --------------------------------------------------------------------------------------

    async def _check_template(self) -> None:
        """Looks whether the template is as it must be; says so in one line where it is not, and goes without it."""
        template = self._template
        if template is None or not template.business_account_id:
            return
        wrong = unusable(template, await self._calls.templates(template.business_account_id, template.name))
        if wrong:
            self._template = None
            _log.error("whatsapp %s: the template `%s` %s: nobody is knocked for", self.account, template.name, wrong)

    def _complain(self, what: str) -> None:
        """Anybody may call, so it is said once a minute at most."""
        if time.monotonic() > self._complained + 60:
            self._complained = time.monotonic()
            _log.warning("whatsapp %s: a call %s", self.account, what)

    def _warn(self, what: str, error: Exception) -> None:
        _log.warning("whatsapp %s: %s: %s", self.account, what, type(error).__name__)


async def _bounded(request: Request) -> bytes | None:
    """The body of a call; None where it is longer than Meta's ever are."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_CALL:
            return None
    return bytes(body)


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


async def _nobody(number: int, reference: str, result: Receipt | SendFailed) -> None:
    """Whom a channel tells before it is known who wants to hear it."""


def _end_of(second: int) -> datetime | None:
    """The last moment of a second since 1970; None for 0, where none was told."""
    return datetime.fromtimestamp(second, UTC) + timedelta(seconds=1, microseconds=-1) if 0 < second < 1 << 33 else None
