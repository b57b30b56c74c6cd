"""WhatsApp's Cloud API on a loopback socket, as strict as its documentation: see whatsapp_rules.py for the sources.

    async with WhatsAppServer() as whatsapp:
        whatsapp.hook = "http://127.0.0.1:8000/whatsapp/main"      # whatsapp.url is the channel's `api_base`
        ana = whatsapp.person("16505551234", "Ana")
        ana.say("hello"); ...; ana.sent

Meta wants HTTPS for the webhook, which this one does not ask for.
"""

import asyncio
import hmac
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from tests.bot.standins.listening import Listening
from tests.bot.standins.whatsapp_people import Json, Person, message_id
from tests.bot.standins.whatsapp_rules import Refused, checked, uploaded, whom

PHONE, NUMBER, BUSINESS = "106540352242922", "15550783881", "102290129340398"
TOKEN, APP_SECRET, VERIFY = "EAAJB-a-token", "app-s3cret", "verify-me"


@dataclass
class WhatsAppServer(Listening):
    """The server with one business number of ours.

    pace       keep the rates of [rates]: 80 a second; to one person one in 6 seconds, of which 45 may be borrowed
    at_once    what comes after 24 hours is refused at once; else taken, and refused by a status later
    hurry      real seconds for one of the seconds between two calls of a webhook that was not taken
    templates  by name and language
    faults     what the next messages meet: each may raise Refused
    taken      calls of the webhook that were answered with 200, and `not_taken` those that were not
    looked     questions that change nothing
    delivered  each call of the webhook that was ever made, to be made again
    statuses   whether the webhook is told what becomes of messages
    """

    pace: bool = False
    at_once: bool = False
    hurry: float = 0.02
    hook: str = ""
    token: str = TOKEN
    statuses: bool = True
    people: dict[str, Person] = field(default_factory=dict)
    media: dict[str, Json] = field(default_factory=dict)
    templates: dict[tuple[str, str], Json] = field(default_factory=dict)
    faults: list[Callable[[], None]] = field(default_factory=list)
    delivered: list[tuple[str, bytes]] = field(default_factory=list)
    asked: list[Json] = field(default_factory=list)
    number: str = NUMBER
    lose_answers: int = 0
    hang: float = 0.0
    refused_for_pace: int = 0
    not_taken: int = 0
    taken: int = 0
    looked: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        self._sends = deque[float](maxlen=80)
        self._borrowed: dict[str, float] = {}
        self._queues: dict[str, asyncio.Queue[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return self.origin

    def now(self) -> str:
        return str(int(time.time()))

    def person(self, number: str, name: str, **more: Any) -> Person:
        """Someone with this number."""
        made = Person(self, f"GB.{int(number):020d}", number, name, **more)
        self.people[number] = made
        return made

    def template(self, name: str, language: str = "en", **more: Any) -> None:
        """[template] A template of the business."""
        quick = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Read it"}]}
        parts = [{"type": "BODY", "text": "There is news for you."}, quick]
        made = {"name": name, "language": language, "status": "APPROVED", "category": "UTILITY", "components": parts}
        self.templates[name, language] = made | more

    # --- calls of the webhook -----------------------------------------------------------------------------------

    def tell(self, person: Person, value: Json, kind: str = "messages", queue: str = "") -> None:
        """Something about a person: one call. What they do is told in order, but statuses pass it."""
        self.call(self.call_of([(value, kind)]), queue or person.name)

    def call_of(self, values: list[tuple[Json, str]]) -> bytes:
        """A call with several events."""
        about = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": NUMBER, "phone_number_id": PHONE},
        }
        changes = [{"value": about | value, "field": kind} for value, kind in values]
        call = {"object": "whatsapp_business_account", "entry": [{"id": BUSINESS, "changes": changes}]}
        return json.dumps(call).encode()

    def call(self, body: bytes, queue: str) -> None:
        """Makes a call, perhaps once more."""
        if (queue, body) not in self.delivered:
            self.delivered.append((queue, body))
        if queue not in self._queues:
            self._queues[queue] = asyncio.Queue()
            self._tasks.add(asyncio.create_task(self._deliver(self._queues[queue])))
        self._queues[queue].put_nowait(body)

    async def _deliver(self, queue: asyncio.Queue[bytes]) -> None:
        """[webhooks/overview] What is not answered with 200 comes again, at first at once, then with growing waits, for
        up to seven days."""
        async with aiohttp.ClientSession() as session:
            while True:
                body, pause = await queue.get(), 0.0
                while not await self._took(session, body):
                    self.not_taken += 1
                    await asyncio.sleep(pause * self.hurry)
                    pause = min(max(pause * 2, 1.0), 60.0)
                self.taken += 1

    async def _took(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        if not self.hook:
            return False
        signed = "sha256=" + hmac.digest(APP_SECRET.encode(), body, "sha256").hex()
        try:
            async with session.post(self.hook, data=body, headers={"X-Hub-Signature-256": signed}) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def _status(self, person: Person, given: Json, message: str, state: str, code: int = 0) -> None:
        """[webhooks/reference/messages/status]; [ids]: of failed ones there are no contacts."""
        status: Json = {"id": message, "status": state, "timestamp": self.now(), "recipient_user_id": person.id}
        if mark := given.get("biz_opaque_callback_data"):
            status["biz_opaque_callback_data"] = mark
        if code:
            status["errors"] = [{"code": code, "title": "Message failed", "message": "Message failed"}]
        contacts = {} if code else {"contacts": [person.contact]}
        self.tell(person, contacts | {"statuses": [status]}, queue=f"{person.name}: {state}")

    def fail(self, person: Person, message: Json, code: int) -> None:
        """A message that was taken did not arrive after all."""
        self._status(person, message["_given"], message["id"], "failed", code)

    # --- the API ------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=110 * 2**20)
        app.router.add_route("*", "/v25.0/{what}", self._serve)
        app.router.add_route("*", "/v25.0/{what}/{method}", self._serve)
        await self._open(app)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop_calling()
        await self._close()

    async def stop_calling(self) -> None:
        """Calls no webhook any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.looked += request.method == "GET"
        try:
            if request.headers.get("Authorization") != f"Bearer {self.token}":
                raise Refused(190, "Invalid OAuth access token - Cannot parse access token", status=401)
            answer = await self._answer(request, request.match_info["what"], request.match_info.get("method", ""))
        except Refused as refused:
            return web.json_response(refused.body, status=refused.status)
        if self.hang and "messages" in answer:
            await asyncio.sleep(self.hang)
        if "messages" in answer and self.lose_answers:
            self.lose_answers -= 1
            assert request.transport is not None
            request.transport.abort()
        return web.json_response(answer)

    async def _answer(self, request: web.Request, what: str, method: str) -> Json:
        if (what, method) == (BUSINESS, "message_templates"):
            name = request.query.get("name", "")
            return {"data": [each for (known, _), each in self.templates.items() if name in known]}
        if what != PHONE:
            words = "Unsupported request. Object does not exist, or cannot be loaded due to missing permissions"
            raise Refused(100, words, subcode=33)
        if method == "messages":
            return self._send(await request.json())
        if method == "media":
            return await self._upload(request)
        proof = request.query.get("appsecret_proof")
        if proof is not None and proof != hmac.digest(APP_SECRET.encode(), self.token.encode(), "sha256").hex():
            raise Refused(100, "Invalid appsecret_proof provided in the API argument")
        return {"id": PHONE}

    async def _upload(self, request: web.Request) -> Json:
        form = await request.post()
        file = form.get("file")
        if form.get("messaging_product") != "whatsapp" or not isinstance(file, web.FileField):
            raise Refused(100, "The parameter messaging_product is required.")
        content = file.file.read()
        uploaded(file.content_type, content)
        number = str(len(self.media) + 1)
        self.media[number] = {"type": file.content_type, "content": content, "name": file.filename}
        return {"id": number}

    def _send(self, given: Json) -> Json:
        self.asked.append(given)
        if self.faults:
            self.faults.pop(0)()
        address = whom(given)
        person = next((each for each in self.people.values() if address in (each.id, each.number)), None)
        shown = checked(given, self.media, self.templates)
        if person is None:
            raise Refused(131026, "Message undeliverable")
        self._paced(person)
        closed = not person.open and shown["type"] != "template"
        if closed and self.at_once:
            raise Refused(131047, "Re-engagement message")
        message = shown | {"id": message_id(), "_given": given}
        if not closed:
            person.sent.append(message)
        if self.statuses:
            for state in ("failed",) if closed else ("sent", "delivered"):
                self._status(person, given, message["id"], state, 131047 if closed else 0)
        contact = {"input": address, "user_id": person.id} | ({} if person.hide else {"wa_id": person.number})
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": message["id"]}]}

    def _paced(self, person: Person) -> None:
        """[rates] 80 messages a second (130429); one in 6 seconds to the same person, 45 of which may be borrowed
        (131056)."""
        if not self.pace:
            return
        now = asyncio.get_running_loop().time()
        if len(self._sends) == self._sends.maxlen and self._sends[0] > now - 1:
            self.refused_for_pace += 1
            raise Refused(130429, "Rate limit hit", status=429)
        free = max(self._borrowed.get(person.id, now), now)
        if free - now > 6.0 * 44:
            self.refused_for_pace += 1
            raise Refused(131056, "(Business Account, Consumer Account) pair rate limit hit")
        self._borrowed[person.id] = free + 6.0
        self._sends.append(now)
