"""The desk in a Slack channel: cards that change in place, threads that reach people, modals, /doorstep, home tab."""

import asyncio
import logging
import re
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
from bot.desks.slack_board import CARD, PACE, whole
from bot.desks.slack_forms import SlackForms
from bot.log import place
from bot.roles import Who
from bot.slack_app import SlackApp
from bot.slack_calls import Lost, NotReached
from bot.slack_calls import Refused as SlackRefused
from flows.limits import Rate

log = logging.getLogger(__name__)

HELP = (
    "/doorstep: the last seven days and the next\n/doorstep action: create an action\n"
    "/doorstep change NAME: change an action, or call it off\n"
    "/doorstep buddies NAME: change how many newcomers a buddy takes"
)


class SlackDesk(SlackForms):
    """A desk in the channel of that id, by a Slack app that listens by itself."""

    everywhere = True

    def __init__(self, app: SlackApp, channel: str, pace: Rate | None = PACE) -> None:
        super().__init__(app, channel, pace)
        self._aside: set[asyncio.Task[None]] = set()
        bolt = app.bolt
        bolt.event("message", matchers=[self._is_answer])(self._on_answer)
        bolt.event("app_home_opened")(self._on_home)
        bolt.action(re.compile(f"^{shown.PRESS}"))(self._on_press)
        bolt.action(shown.ANSWER)(self._on_asked_to_answer)
        bolt.view(modals.ANSWERING)(self._on_answering)
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
        who = await self._known(user)
        try:
            reached = await office.wrote(f"{self._channel}:{thread}", ts, text, who)
            if not reached and await office.unsure():
                card = await self._card_of(thread)
                reached = card is not None and await office.wrote_about(card, ts, text, who)
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
            await office.press(int(pressed["value"]), button, await self._known(user))
        except Refused as refused:
            self._later(self._whisper(user, str(refused)))
        await ack()

    async def _on_asked_to_answer(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        office, number = await self._knows(), int(body["actions"][0]["value"])
        try:
            card = await office.card(number, await self._who(body))
        except Refused as refused:
            view = modals.told("Answer", str(refused))
        else:
            if card is None or not card.open:
                view = modals.told("Answer", "Somebody has closed this meanwhile.")
            else:
                view = modals.answering(number, "\n".join((card.title, *card.lines)))
        await self._open(body, view)
        await ack()

    async def _on_answering(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office, text = await self._knows(), modals.values(view).get("text", "")
        try:
            who = await self._who(body)
            await office.press(int(view["private_metadata"]), WRITE, who, text, view["id"], unseen=True)
        except Refused as refused:
            await ack(response_action="errors", errors={"text": str(refused)})
        else:
            await ack()

    async def _on_command(self, ack: AsyncAck, body: dict[str, Any]) -> None:
        """/doorstep, alone or with what is wanted."""
        word, _, rest = str(body.get("text") or "").strip().partition(" ")
        if word == "action":
            await self._new_action(body)
            await ack()
        elif word == "change":
            await self._which_action(body, rest.strip())
            await ack()
        elif word == "buddies":
            await self._buddies(body, rest.strip())
            await ack()
        else:
            await self._show_week(ack, await self._who(body), word)

    async def _show_week(self, ack: AsyncAck, who: Who, word: str) -> None:
        try:
            week = await (await self._knows()).week(who)
        except Refused as refused:
            await ack(text=str(refused))
            return
        if word:
            await ack(text=HELP)
        else:
            await ack(text=shown.notification(week.headline), blocks=shown.week_blocks(week))

    async def _on_home(self, event: dict[str, Any]) -> None:
        """Somebody opened the home tab: what waits, for coordinators."""
        if event.get("tab") == "home":
            self._later(self._show_home(event["user"]))

    # --- beside what Slack waits for

    async def _show_home(self, user: str) -> None:
        office = await self._knows()
        try:
            blocks = shown.home_blocks(await office.home(await self._known(user)))
        except Refused:
            blocks = shown.stranger_blocks()
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
