"""The desk in a Slack channel: cards that change in place, threads that reach people, modals, /doorstep, home tab."""

import asyncio
import logging
import re
import time
from collections.abc import Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.channels.base import SendFailed
from bot.console.stage import Refused
from bot.desks import slack_modals as modals
from bot.desks import slack_shown as shown
from bot.desks.base import WRITE
from bot.desks.contract import Missing
from bot.desks.office import Office
from bot.desks.slack_board import CARD, PACE, SlackBoard, whole
from bot.log import place
from bot.new_actions import BadCells
from bot.slack_app import SlackApp
from bot.slack_calls import Lost, NotReached
from bot.slack_calls import Refused as SlackRefused
from flows.limits import Rate

log = logging.getLogger(__name__)

NAMES_LAST = 3600.0
"""Seconds for which somebody's display name is good."""
MEMBERS_LAST = 60.0
"""Seconds for which it is known who is in the channel."""

HELP = (
    "/doorstep: the last seven days and the next\n/doorstep action: create an action\n"
    "/doorstep buddies NAME: change how many newcomers a buddy takes"
)
ONLY_COORDINATORS = "This is for coordinators: ask to be let into their channel."
NO_BUDDIES = "No buddy of that name was approved."
SOMEBODY = "a coordinator"


class SlackDesk(SlackBoard):
    """A desk in the channel of that id, by a Slack app that listens by itself."""

    name = "slack"
    everywhere = True

    def __init__(self, app: SlackApp, channel: str, pace: Rate | None = PACE) -> None:
        super().__init__(app, channel, pace)
        self._office: asyncio.Future[Office] | None = None
        self._names: dict[str, tuple[float, str]] = {}
        self._members: tuple[float, frozenset[str]] = (float("-inf"), frozenset())
        self._aside: set[asyncio.Task[None]] = set()
        bolt = app.bolt
        bolt.event("message", matchers=[self._is_answer])(self._on_answer)
        bolt.event("app_home_opened")(self._on_home)
        bolt.action(re.compile(f"^{shown.PRESS}"))(self._on_press)
        bolt.action(shown.ANSWER)(self._on_asked_to_answer)
        bolt.action(shown.NEW_ACTION)(self._on_asked_for_action)
        bolt.action(shown.BUDDIES)(self._on_asked_for_buddies)
        bolt.view(modals.ANSWERING)(self._on_answering)
        bolt.view(modals.MAKING)(self._on_making)
        bolt.view(modals.CHANGING)(self._on_changing)
        bolt.command("/doorstep")(self._on_command)

    async def listen(self, office: Office) -> None:
        """Hands on what coordinators do, as far as the app hears of it, until it is cancelled."""
        self._knows().set_result(office)
        try:
            await asyncio.Event().wait()
        finally:
            self._office = None
            for task in list(self._aside):
                task.cancel()
            await asyncio.gather(*self._aside, return_exceptions=True)

    # --- what coordinators do

    async def _is_answer(self, event: dict[str, Any]) -> bool:
        return event.get("channel") == self._channel and event.get("channel_type") in ("channel", "group")

    async def _on_answer(self, event: dict[str, Any]) -> None:
        """Somebody wrote in the channel; in the thread of a card it is for its person."""
        thread, user, ts = event.get("thread_ts"), event.get("user"), str(event.get("ts"))
        if not thread or not user or thread == ts or event.get("bot_id"):
            return
        if event.get("subtype") not in (None, "thread_broadcast", "file_share"):
            return
        office, text = await self._knows(), shown.read_text(str(event.get("text") or ""))
        name = await self._name(user)
        try:
            reached = await office.wrote(f"{self._channel}:{thread}", ts, text, name)
            if not reached and await office.unsure():
                card = await self._card_of(thread)
                reached = card is not None and await office.wrote_about(card, ts, text, name)
            if reached:
                self._later(self._react(ts))
        except Refused as refused:
            self._later(self._whisper(user, str(refused), thread))

    async def _card_of(self, thread: str) -> int | None:
        """The card above a thread, as its message itself says: who reads it may be quicker than we are."""
        async for message in self.pages("conversations.replies", "messages", **whole(self._channel, thread)):
            if message.get("ts") == thread:
                return self.number(message, CARD)
        return None

    async def _on_press(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """A button of a card. What it did is seen on the card itself; why it did nothing, only by who pressed."""
        pressed, user = body["actions"][0], body["user"]["id"]
        button = pressed["action_id"].removeprefix(shown.PRESS)
        office = await self._knows()
        try:
            await office.press(int(pressed["value"]), button, await self._name(user))
        except Refused as refused:
            self._later(self._whisper(user, str(refused)))
        await ack()

    async def _on_asked_to_answer(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        office, number = await self._knows(), int(body["actions"][0]["value"])
        card = await office.card(number)
        if card is None or not card.open:
            view = modals.told("Answer", "Somebody has closed this meanwhile.")
        else:
            view = modals.answering(number, "\n".join((card.title, *card.lines)))
        await self._open(body, view)
        await ack()

    async def _on_answering(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, text = await self._knows(), modals.values(view).get("text", "")
        try:
            name = await self._name(body["user"]["id"])
            await office.press(int(view["private_metadata"]), WRITE, name, text, view["id"], unseen=True)
        except Refused as refused:
            await ack(response_action="errors", errors={"text": str(refused)})
        else:
            await ack()

    async def _on_asked_for_action(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._new_action(body)
        await ack()

    async def _new_action(self, body: dict[str, Any]) -> None:
        office = await self._knows()
        if await self._refused(body):
            return
        await self._open(body, modals.making(office.now().date()))

    async def _on_making(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office = await self._knows()
        try:
            said = await office.add_action(modals.cells(modals.values(view)), await self._name(body["user"]["id"]))
        except BadCells as bad:
            await ack(response_action="errors", errors=modals.problems(bad.problems))
        else:
            await ack(response_action="update", view=modals.told("Create an action", said))

    async def _on_asked_for_buddies(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        await self._buddies(body, "")
        await ack()

    async def _buddies(self, body: dict[str, Any], name: str) -> None:
        office = await self._knows()
        if await self._refused(body):
            return
        by = await self._name(body.get("user_id") or body["user"]["id"])
        found = [each for each in await office.buddies(by) if name.casefold() in each.name.casefold()]
        await self._open(body, modals.changing(found) if found else modals.told("Buddies", NO_BUDDIES))

    async def _on_changing(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, given = await self._knows(), modals.values(view)
        written = given.get("capacity", "")
        try:
            number = int(written) if written.isascii() and written.isdigit() else -1
            said = await office.set_capacity(int(given["buddy"]), number, await self._name(body["user"]["id"]))
        except Refused as refused:
            await ack(response_action="errors", errors={"capacity": str(refused)})
        else:
            await ack(response_action="update", view=modals.told("Buddies", said))

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """/doorstep, alone or with what is wanted."""
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        if word == "action":
            await self._new_action(body)
            await ack()
        elif word == "buddies":
            await self._buddies(body, rest.strip())
            await ack()
        elif not await self._is_coordinator(body["user_id"]):
            await ack(text=ONLY_COORDINATORS)
        elif word:
            await ack(text=HELP)
        else:
            week = await (await self._knows()).week()
            await ack(text=shown.notification(week.headline), blocks=shown.week_blocks(week))

    async def _on_home(self, event: dict[str, Any]) -> None:
        """Somebody opened the home tab: what waits, for coordinators."""
        if event.get("tab") == "home":
            self._later(self._show_home(event["user"]))

    # --- beside what Slack waits for

    async def _show_home(self, user: str) -> None:
        office = await self._knows()
        inside = await self._is_coordinator(user)
        blocks = shown.home_blocks(await office.home(await self._name(user))) if inside else shown.stranger_blocks()
        await self._app.client.api_call(
            "views.publish", json={"user_id": user, "view": {"type": "home", "blocks": blocks}}
        )

    async def _react(self, ts: str) -> None:
        """Who wrote in a thread sees that it is on its way."""
        given = {"channel": self._channel, "timestamp": ts, "name": "outbox_tray"}
        await self._app.client.api_call("reactions.add", json=given)

    async def _whisper(self, user: str, text: str, thread: str = "") -> None:
        given = {"channel": self._channel, "user": user, "text": shown.notification(text)}
        await self._app.client.api_call("chat.postEphemeral", json=given | ({"thread_ts": thread} if thread else {}))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self._done(work))
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _done(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (SlackRefused, NotReached, Lost, SendFailed, Missing) as error:
            log.warning("desk %s: something small was not shown: %s", self.name, error)
        except Exception as error:
            log.error("desk %s broke: %s", self.name, place(error))  # noqa: TRY400 - no data in the log

    async def _open(self, body: dict[str, Any], view: shown.Block) -> None:
        """Opens a modal, within the three seconds for which its trigger lives."""
        given = {"trigger_id": body["trigger_id"], "view": view}
        await self._app.client.api_call("views.open", json=given)

    # --- who they are

    async def _refused(self, body: dict[str, Any]) -> bool:
        user = str(body.get("user_id") or (body.get("user") or {}).get("id"))
        if await self._is_coordinator(user):
            return False
        await self._open(body, modals.told("Doorstep", ONLY_COORDINATORS))
        return True

    async def _is_coordinator(self, user: str) -> bool:
        """Whether they are in the desk's channel: in a workspace there may be supporters too."""
        until, known = self._members
        if time.monotonic() > until:
            found = [each async for each in self.pages("conversations.members", "members", channel=self._channel)]
            known = frozenset(map(str, found))
            self._members = time.monotonic() + MEMBERS_LAST, known
        return user in known

    async def _name(self, user: str) -> str:
        """Their display name; where Slack does not tell, something for the others to read all the same."""
        until, name = self._names.get(user, (float("-inf"), SOMEBODY))
        if time.monotonic() > until:
            try:
                answer = await self._app.client.api_call("users.info", params={"user": user})
            except (SlackRefused, NotReached, Lost) as error:
                log.warning("desk %s: a name could not be read: %s", self.name, error)
                return name
            told = answer["user"]
            profile = told.get("profile") or {}
            name = str(profile.get("display_name") or profile.get("real_name") or told.get("name") or SOMEBODY)
            self._names[user] = time.monotonic() + NAMES_LAST, name
        return name

    def _knows(self) -> "asyncio.Future[Office]":
        """The office, once there is one: what Slack hands over before waits for it."""
        if self._office is None:
            self._office = asyncio.get_running_loop().create_future()
        return self._office
