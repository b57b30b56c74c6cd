"""What a desk shows in a Slack channel: cards that change in place, lines in their threads, and where they are."""

from collections.abc import AsyncIterator, Coroutine
from datetime import datetime, timedelta
from typing import Any

from bot.channels.base import SendFailed
from bot.console.stage import CardView
from bot.desks import slack_shown as shown
from bot.desks.contract import Missing
from bot.slack_app import SlackApp
from bot.slack_calls import WRONG_TOKEN, Lost, NotReached, Refused, trouble
from flows.limits import Rate

PACE = Rate(1, 1.2)
"""One message a second in a channel, and 50 changes a minute: docs.slack.dev/apis/web-api/rate-limits, and
docs.slack.dev/reference/methods/chat.update (tier 3)."""

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


class SlackBoard:
    """The channel of that id, by a Slack app. Raises as `bot.desks.contract.Desk` says."""

    def __init__(self, app: SlackApp, channel: str, pace: Rate | None = PACE) -> None:
        self._app, self._channel, self.pace = app, channel, pace

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
        return await self._find("conversations.replies", LINE, line, **whole(channel, ts))

    async def _find(self, method: str, kind: str, number: int, **where: str) -> str | None:
        async for message in self.pages(method, "messages", **where):
            if self.number(message, kind) == number:
                return f"{where['channel']}:{message['ts']}"
        return None

    def number(self, message: dict[str, Any], kind: str) -> int | None:
        """The number that a message of ours carries unseen."""
        metadata = message.get("metadata") or {}
        if message.get("user") != self._app.user or metadata.get("event_type") != kind:
            return None
        number = (metadata.get("event_payload") or {}).get("id")
        return number if isinstance(number, int) else None

    async def pages(self, method: str, what: str, **given: Any) -> AsyncIterator[Any]:
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
        except (Refused, NotReached, Lost) as error:
            raise _failed(error) from None


def whole(channel: str, ts: str) -> dict[str, str]:
    """A whole thread, with what its messages carry unseen."""
    return {"channel": channel, "ts": ts, "include_all_metadata": "true"}


def _failed(error: Refused | NotReached | Lost) -> SendFailed | Missing:
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
