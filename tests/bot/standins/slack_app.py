"""One Slack app on the stand-in, in its workspace: its people, its conversations, and how what they do reaches it.

[events] docs.slack.dev/apis/events-api: an event is answered within 3 seconds, else it comes again at once, after a
minute and after five · [socket] docs.slack.dev/apis/events-api/using-socket-mode: up to 10 sockets, an event comes
on one of them · [actions] docs.slack.dev/interactivity/handling-user-interaction: within 3 seconds, and never again
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from tests.bot.standins.slack_people import Conversation, Person
from tests.bot.standins.slack_rules import Json, Refused

if TYPE_CHECKING:
    from tests.bot.standins.slack import SlackServer

ACKNOWLEDGED_WITHIN = 3.0
PAUSES = (0.0, 60.0, 300.0)
"""[events] Seconds before each further try."""
_FREE = nullcontext()
TRIGGER_LIVES = 3.0
"""docs.slack.dev/interactivity/handling-user-interaction#modal_responses: a trigger_id lives 3 seconds."""


@dataclass
class AppAccount:
    """One app.

    address      where Slack calls it; "": by sockets
    faults       what the next messages meet: each is called with the request, and may raise Refused or change things
    lose_answers so many of the next messages are shown, and the connection breaks before the answer
    silent       nothing comes on its sockets any more, not even a ping
    delivered    what was delivered: (kind, payload), to be delivered again
    lost         events that nobody took in all tries
    """

    server: "SlackServer"
    bot_token: str
    app_token: str = ""
    signing_secret: str = ""
    address: str = ""
    revoked: str = ""
    socket_mode: bool = True
    people: dict[str, Person] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    calls: list[tuple[str, Json]] = field(default_factory=list)
    faults: list[Callable[["AppAccount", Json], None]] = field(default_factory=list)
    lose_answers: int = 0
    hang: float = 0.0
    silent: bool = False
    delivered: list[tuple[str, Json]] = field(default_factory=list)
    lost: list[Json] = field(default_factory=list)
    opened: int = 0
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    triggers: dict[str, float] = field(default_factory=dict)
    responses: dict[str, tuple[Conversation, Person]] = field(default_factory=dict)
    files: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        number = len(self.server.apps) + 1
        self.id, self.team, self.user, self.bot_id = f"A{number}", "T1", f"UBOT{number}", f"B{number}"
        self._numbers, self._stamps, self._turn = itertools.count(1), itertools.count(1), itertools.count()
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._lines: dict[str, asyncio.Lock] = {}

    # --- who and where

    def person(self, name: str, **more: Any) -> Person:
        """A new member of the workspace."""
        made = Person(self, f"U{next(self._numbers):04}{name.upper()[:3]}", name, **more)
        self.people[made.id] = made
        return made

    def channel(self, number: str, name: str) -> Conversation:
        """A channel that the bot is in."""
        return self.conversations.setdefault(number, Conversation(number, name))

    def direct(self, person: Person) -> Conversation:
        number = f"D{person.id[1:]}"
        return self.conversations.setdefault(number, Conversation(number, person=person.id))

    def stamp(self) -> str:
        """A `ts`, later than all before."""
        return f"{int(time.time())}.{next(self._stamps):06}"

    def trigger(self) -> str:
        made = f"{next(self._numbers)}.trigger"
        self.triggers[made] = time.monotonic()
        return made

    def response_url(self, where: Conversation, person: Person) -> str:
        made = f"{next(self._numbers)}"
        self.responses[made] = where, person
        return f"{self.server.origin}/respond/{self.id}/{made}"

    async def connected(self) -> None:
        """Returns once there is somewhere to deliver to."""
        while not (self.address or [each for each in self.sockets if not each.closed]):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    # --- what is delivered

    def event(self, event: Json) -> None:
        """Something happened: delivered until it is taken, or was tried four times."""
        body = {
            "token": "old", "team_id": self.team, "api_app_id": self.id, "event": event, "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):08}", "event_time": int(time.time()),
            "authorizations": [{"team_id": self.team, "user_id": self.user, "is_bot": True}],
        }  # fmt: skip
        self.deliver("events_api", body)

    def changed(self, where: Conversation, before: Json, after: Json) -> None:
        """A message is another one now."""
        clean = {name: value for name, value in after.items() if not name.startswith("_")}
        self.event({
            "type": "message", "subtype": "message_changed", "channel": where.id, "channel_type": where.kind,
            "message": clean, "previous_message": before, "ts": self.stamp(), "event_ts": self.stamp(), "hidden": True,
        })  # fmt: skip

    def interaction(self, kind: str, person: Person) -> Json:
        """What every interaction holds."""
        return {
            "type": kind, "team": {"id": self.team, "domain": "neighbours"}, "api_app_id": self.id, "token": "old",
            "user": {"id": person.id, "username": person.name.lower(), "name": person.name.lower(),
                     "team_id": self.team},
            "trigger_id": self.trigger(), "is_enterprise_install": False, "enterprise": None,
        }  # fmt: skip

    def interact(self, payload: Json, person: Person, kind: str = "interactive") -> "asyncio.Task[Any]":
        """[actions] Delivered once; where nobody takes it, the person sees a warning."""

        async def once() -> Any:
            self.delivered.append((kind, payload))
            taken, answer = await self._try(kind, payload, 0, "")
            if not taken:
                person.warned.append(payload)
            elif payload.get("type") == "view_submission":
                self._handed_in(person, payload["view"], answer or {})
            return answer

        return self._aside(once())

    def deliver(self, kind: str, body: Json) -> None:
        """Delivers it, perhaps once more."""
        if (kind, body) not in self.delivered:
            self.delivered.append((kind, body))
        self._aside(self._until_taken(kind, body) if kind == "events_api" else self._try(kind, body, 1, ""))

    async def _until_taken(self, kind: str, body: Json) -> None:
        # Calls are separate connections, which overtake each other: what one person did is called one after the other.
        async with self._lines.setdefault(str(body["event"].get("user")), asyncio.Lock()) if self.address else _FREE:
            taken, why = await self._try(kind, body, 0, "")
        for number, pause in enumerate(self.server.pauses, 1):
            if taken:
                return
            await asyncio.sleep(pause * self.server.hurry)
            taken, why = await self._try(kind, body, number, str(why or "http_error"))
        if not taken:
            self.lost.append(body)

    async def _try(self, kind: str, body: Json, number: int, why: str) -> tuple[bool, Any]:
        """Whether it was taken, and what was answered."""
        if self.address:
            return await self._call(kind, body, number, why)
        alive = [each for each in self.sockets if not each.closed]
        if not alive:
            return False, "connection_failed"
        envelope = f"e-{next(self._numbers)}"
        answer = self._waiting[envelope] = asyncio.get_running_loop().create_future()
        told = {
            "envelope_id": envelope, "type": kind, "payload": body, "accepts_response_payload": kind != "events_api",
        }  # fmt: skip
        if kind == "events_api":
            told |= {"retry_attempt": number, "retry_reason": why}
        try:
            if not self.silent:
                await alive[next(self._turn) % len(alive)].send_json(told)
            return True, await asyncio.wait_for(answer, ACKNOWLEDGED_WITHIN * self.server.patience)
        except (TimeoutError, ConnectionError):
            return False, "timeout"
        finally:
            del self._waiting[envelope]

    async def _call(self, kind: str, body: Json, number: int, why: str) -> tuple[bool, Any]:
        form = kind != "events_api"
        raw = json.dumps(body)
        if form:
            raw = urlencode(body if kind == "slash_commands" else {"payload": raw})
        content = "application/x-www-form-urlencoded" if form else "application/json"
        headers = {"Content-Type": content, **self.signed(raw)}
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": why}
        limit = aiohttp.ClientTimeout(total=ACKNOWLEDGED_WITHIN * self.server.patience)
        self._session = self._session or aiohttp.ClientSession()
        try:
            async with self._session.post(self.address, data=raw.encode(), headers=headers, timeout=limit) as answer:
                words = await answer.text()
                return answer.status == 200, json.loads(words) if words.startswith("{") else words
        except (aiohttp.ClientError, TimeoutError):
            return False, "connection_failed"

    def signed(self, raw: str, at: int = 0) -> dict[str, str]:
        """docs.slack.dev/authentication/verifying-requests-from-slack: the headers of a call."""
        at = at or int(time.time())
        digest = hmac.new(self.signing_secret.encode(), f"v0:{at}:{raw}".encode(), hashlib.sha256).hexdigest()
        return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={digest}"}

    def acknowledged(self, told: Json) -> None:
        """[socket] An envelope came back."""
        waiting = self._waiting.get(str(told.get("envelope_id")))
        if waiting is not None and not waiting.done():
            waiting.set_result(told.get("payload"))

    def _handed_in(self, person: Person, view: Json, answer: Json) -> None:
        """docs.slack.dev/surfaces/modals#updating_response: without an answer the modal closes."""
        action = answer.get("response_action", "")
        if action == "errors":
            person.views[-1] = view | {"errors": answer["errors"]}
        elif action == "clear":
            person.views.clear()
        elif action in ("update", "push"):
            if action == "update":
                person.views.pop()
            person.views.append(self.server.view(answer))
        else:
            person.views = [each for each in person.views if each["id"] != view["id"]]

    # --- what the app shows

    def where(self, given: Json) -> Conversation:
        """The conversation that is meant. Raises Refused."""
        number = str(given.get("channel") or given.get("channel_id") or "")
        if number in self.people:
            number = self.direct(self.people[number]).id
        found = self.conversations.get(number)
        if found is None:
            raise Refused("channel_not_found")
        if found.person and self.people[found.person].deleted:
            raise Refused("user_disabled")
        if found.person and self.people[found.person].is_bot:
            raise Refused("cannot_dm_bot")
        return found

    def disconnect(self, reason: str = "refresh_requested") -> None:
        """[socket] Slack asks for another socket, and closes this one soon after."""
        for socket in [each for each in self.sockets if not each.closed]:
            self._aside(self._leave(socket, reason))

    async def _leave(self, socket: web.WebSocketResponse, reason: str) -> None:
        await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "wss-1"}})
        await asyncio.sleep(10 * self.server.hurry)
        await socket.close()

    def _aside(self, work: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
