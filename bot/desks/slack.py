"""The desk in a Slack channel: cards that change in place, threads that reach people, modals, /doorstep, home tab."""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import datetime, timedelta
from typing import Any

from slack_bolt.async_app import AsyncAck

from bot.channels.base import SendFailed
from bot.console.stage import CardView, Refused
from bot.desks import slack_modals as modals
from bot.desks import slack_shown as shown
from bot.desks.base import WRITE
from bot.desks.contract import Missing
from bot.desks.office import Office
from bot.log import place
from bot.new_actions import BadCells
from bot.slack_app import SlackApp
from bot.slack_calls import WRONG_TOKEN, Lost, NotReached, trouble
from bot.slack_calls import Refused as SlackRefused
from flows.limits import Rate

log = logging.getLogger(__name__)

PACE = Rate(1, 1.2)
"""One message a second in a channel, and 50 changes a minute: docs.slack.dev/apis/web-api/rate-limits, and
docs.slack.dev/reference/methods/chat.update (tier 3)."""

NAMES_LAST = 3600.0
"""Seconds for which somebody's display name is good."""
MEMBERS_LAST = 60.0
"""Seconds for which it is known who is in the channel."""
MOST_PAGES = 10
LOOKS_BACK = timedelta(minutes=5)
"""How much earlier than by our clock something may stand in the channel by Slack's."""

CARD, LINE = "doorstep_card", "doorstep_line"
"""`event_type` of a message's metadata: docs.slack.dev/messaging/message-metadata."""

NO_CHANNEL = {
    "channel_not_found": "Slack knows no such channel: write its id into [desks.slack] channel, like C0123ABCD, and "
    "invite the bot there",
    "not_in_channel": "the bot is not in the desk's channel: write /invite and its name there",
    "is_archived": "the desk's channel is archived: take another one, or bring it back",
    "restricted_action": "the bot may not write in the desk's channel: its settings allow that only to some",
}
"""docs.slack.dev/reference/methods/chat.postMessage#errors."""
GONE = {"message_not_found", "thread_not_found"}

HELP = (
    "/doorstep: the last seven days and the next\n/doorstep action: create an action\n"
    "/doorstep buddies NAME: change how many newcomers a buddy takes"
)
ONLY_COORDINATORS = "This is for coordinators: ask to be let into their channel."
NO_BUDDIES = "No buddy of that name was approved."
SOMEBODY = "a coordinator"


class SlackDesk:
    """A desk in the channel of that id, by a Slack app that listens by itself."""

    name = "slack"
    everywhere = True

    def __init__(self, app: SlackApp, channel: str, pace: Rate | None = PACE) -> None:
        self._app, self._channel, self.pace = app, channel, pace
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

    # --- what is shown

    async def post(self, card: CardView) -> str:
        """Shows a card; the reference is its channel and its `ts`."""
        blocks, text = shown.card_blocks(card), shown.notification(card.title)
        answer = await self._call("chat.postMessage", **self._message(self._channel, text, blocks, CARD, card.id))
        return f"{answer['channel']}:{answer['ts']}"

    async def change(self, reference: str, card: CardView) -> None:
        """Shows it as it is now."""
        channel, _, ts = reference.partition(":")
        blocks, text = shown.card_blocks(card), shown.notification(card.title)
        await self._call("chat.update", **self._message(channel, text, blocks, CARD, card.id), ts=ts)

    async def say(self, reference: str, line: int, text: str) -> str:
        """Writes into a card's thread."""
        channel, _, ts = reference.partition(":")
        message = self._message(channel, shown.notification(text), shown.line_blocks(text), LINE, line)
        answer = await self._call("chat.postMessage", **message, thread_ts=ts)
        return f"{answer['channel']}:{answer['ts']}"

    async def take_back(self, reference: str) -> None:
        """Deletes what was written."""
        channel, _, ts = reference.partition(":")
        try:
            await self._call("chat.delete", channel=channel, ts=ts)
        except Missing:
            return

    async def find(self, card: CardView, since: datetime) -> str | None:
        """Looks for it in the channel, by what its message carries unseen."""
        where = {"channel": self._channel, "oldest": str((since - LOOKS_BACK).timestamp())}
        return await self._find("conversations.history", CARD, card.id, **where, include_all_metadata="true")

    async def find_line(self, reference: str, line: int) -> str | None:
        """Looks for it in the thread."""
        channel, _, ts = reference.partition(":")
        return await self._find("conversations.replies", LINE, line, **_all(channel, ts))

    async def _find(self, method: str, kind: str, number: int, **where: str) -> str | None:
        async for message in self._pages(method, "messages", **where):
            if self._number(message, kind) == number:
                return f"{where['channel']}:{message['ts']}"
        return None

    def _number(self, message: dict[str, Any], kind: str) -> int | None:
        """The number that a message of ours carries unseen."""
        metadata = message.get("metadata") or {}
        if message.get("user") != self._app.user or metadata.get("event_type") != kind:
            return None
        number = (metadata.get("event_payload") or {}).get("id")
        return number if isinstance(number, int) else None

    async def _pages(self, method: str, what: str, **given: Any) -> AsyncIterator[Any]:
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer = await self._asked(method, limit=200, **given, **more)
            for each in answer[what]:
                yield each
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _message(self, channel: str, text: str, blocks: list[shown.Block], kind: str, number: int) -> dict[str, Any]:
        return {
            "channel": channel, "text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False,
            "link_names": False, "metadata": {"event_type": kind, "event_payload": {"id": number}},
        }  # fmt: skip

    async def _call(self, method: str, **given: Any) -> Any:
        """A call that changes something. Raises SendFailed, Missing."""
        return await self._meaning(self._app.client.api_call(method, json=given))

    async def _asked(self, method: str, **given: Any) -> Any:
        """A call that asks: not all of those take JSON. Raises SendFailed, Missing."""
        return await self._meaning(self._app.client.api_call(method, params=given))

    async def _meaning(self, call: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await call
        except (SlackRefused, NotReached, Lost) as error:
            raise _failed(error) from None

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
        async for message in self._pages("conversations.replies", "messages", **_all(self._channel, thread)):
            if message.get("ts") == thread:
                return self._number(message, CARD)
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
        await self._open(body, modals.making(office.today()))

    async def _on_making(self, ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        office = await self._knows()
        try:
            said = await office.add_action(modals.cells(modals.values(view)))
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
        found = [each for each in await office.buddies() if name.casefold() in each.name.casefold()]
        await self._open(body, modals.changing(found) if found else modals.told("Buddies", NO_BUDDIES))

    async def _on_changing(self, ack: AsyncAck, view: dict[str, Any]) -> None:
        office, given = await self._knows(), modals.values(view)
        written = given.get("capacity", "")
        try:
            number = int(written) if written.isascii() and written.isdigit() else -1
            said = await office.set_capacity(int(given["buddy"]), number)
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
        blocks = shown.home_blocks(await office.home()) if inside else shown.stranger_blocks()
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
            found = [each async for each in self._pages("conversations.members", "members", channel=self._channel)]
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


def _all(channel: str, ts: str) -> dict[str, str]:
    """A whole thread, with what its messages carry unseen."""
    return {"channel": channel, "ts": ts, "include_all_metadata": "true"}


def _failed(error: SlackRefused | NotReached | Lost) -> SendFailed | Missing:
    """What a failed call means for what is shown."""
    if isinstance(error, Lost):
        return SendFailed(trouble(error), unknown=True)
    if isinstance(error, NotReached):
        return SendFailed(trouble(error), everyone=True)
    if error.error in GONE:
        return Missing()
    if error.error in NO_CHANNEL:
        return SendFailed(NO_CHANNEL[error.error], final=True, everyone=True)
    if error.error in WRONG_TOKEN:
        return SendFailed(trouble(error), final=True, everyone=True)
    if error.retry_after or error.status == 429:
        # One channel has one limit, and all of the desk is in it.
        return SendFailed(trouble(error), retry_after=timedelta(seconds=error.retry_after or 1), everyone=True)
    if error.status >= 500:
        return SendFailed(trouble(error), everyone=True)
    return SendFailed(trouble(error), final=True)
