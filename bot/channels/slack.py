"""Slack as a channel: people write to one app in direct messages."""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from fastapi import APIRouter

from bot.channels.base import Inbound, Outbound, Receipt, Receive, SendFailed
from bot.channels.slack_heard import Heard, direct, heard_message, heard_press
from bot.channels.slack_shown import CHOICE, CLOSE, TICKS, WAY_OUT, mark, shown
from bot.channels.web_files import Files, attached
from bot.slack_app import SlackApp
from bot.slack_calls import AWAY, SWITCHED_OFF, WRONG_TOKEN, Lost, NotReached, Refused, trouble
from flows.limits import SLACK

TAKEN_WITHIN = 2.5
"""Seconds in which an event is stored, or Slack is told that it was not; docs.slack.dev/apis/events-api has 3."""

KNOWN_FOR, UNKNOWN_FOR = 3600.0, 60.0
"""Seconds for which a name is good, and after which one that could not be had is asked for again."""

NAME_WITHIN = 1.0
"""Seconds that an event waits for the name of who sent it."""

SETTLES = timedelta(seconds=5)
"""Where an answer was lost, Slack may still be at it: it is asked only then what became of the message."""

REMEMBERED = 50_000
"""People of whom something is remembered."""

MARK = "doorstep_message"
"""The kind of metadata by which our messages are found: docs.slack.dev/messaging/message-metadata."""

LOOKED_THROUGH = 100
"""Messages of a chat among which one is looked for; ours of that chat are sent one after the other."""

_NOT_THERE = ("message_not_found", "cant_update_message", "edit_window_closed")


class Slack:
    """The direct messages of one app.

    files  what is attached to messages; without it they go without
    """

    name = "slack"
    limits = SLACK

    def __init__(self, app: SlackApp, *, files: Files | None = None) -> None:
        self.app, self.account, self.everywhere = app, app.account, app.everywhere
        self._files = files
        self._receive: Receive | None = None
        self._names: OrderedDict[str, tuple[str, str, float]] = OrderedDict()
        self._chats: OrderedDict[str, str] = OrderedDict()
        self._newest: OrderedDict[str, str] = OrderedDict()
        self._shared: OrderedDict[int, None] = OrderedDict()
        self._lines: dict[str, tuple[asyncio.Lock, list[None]]] = {}
        self._hear()

    @property
    def router(self) -> APIRouter:
        """What Slack calls here, if it calls at all."""
        return self.app.router

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""
        await self.app.close()

    # --- what people do -----------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        """Hands on what people do until it is cancelled. Slack is told that it was taken only once it is stored."""
        self._receive = receive
        try:
            await self.app.listen()
        finally:
            self._receive = None

    def _hear(self) -> None:
        async def is_direct(body: dict[str, Any]) -> bool:
            return direct(body)

        async def message(body: dict[str, Any]) -> None:
            await self._take(heard_message(body))

        async def press(body: dict[str, Any], ack: Any) -> None:
            await self._take(heard_press(body))
            await ack()

        self.app.bolt.event("message", matchers=[is_direct])(message)
        ours = "|".join(map(re.escape, (CHOICE, TICKS, CLOSE, WAY_OUT)))
        self.app.bolt.block_action(re.compile(f"({ours})(\\.|$)"))(press)

    async def _take(self, event: Heard | None) -> None:
        """Stores it, after what the same person did before. Raises where it could not be stored in time."""
        if event is None or event.user == self.app.user:
            return
        until = _now() + TAKEN_WITHIN
        if event.message and not event.edited:
            _keep(self._newest, event.channel, max(event.message, self._newest.get(event.channel, "")))
        elif event.edited and event.message != self._newest.get(event.channel):
            return  # What an older message meant is long settled.
        async with self._in_turn(event.user):
            _keep(self._chats, event.user, event.channel)
            name, language = await self._who(event.user)
            inbound = Inbound(self.name, self.account, event.user, event.event, event.said, name, language)
            pause = 0.02
            while True:
                try:
                    assert self._receive is not None, "nobody takes anything now"
                    await self._receive(inbound)
                except Exception:
                    # What comes again comes in a minute: until it must, it waits here, and all behind it too.
                    if _now() + pause > until:
                        raise
                else:
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, 0.5)

    @asynccontextmanager
    async def _in_turn(self, user: str) -> AsyncIterator[None]:
        lock, waiting = self._lines.setdefault(user, (asyncio.Lock(), []))
        waiting.append(None)
        try:
            async with lock:
                yield
        finally:
            waiting.pop()
            if not waiting:
                del self._lines[user]

    async def _who(self, user: str) -> tuple[str, str]:
        """Their name and language; "" where Slack does not say."""
        known = self._names.get(user)
        if known is not None and _now() < known[2]:
            return known[0], known[1]
        try:
            async with asyncio.timeout(NAME_WITHIN):
                told = (await self.app.client.users_info(user=user, include_locale=True))["user"]
        except (Refused, NotReached, Lost, TimeoutError):
            name, language = known[:2] if known else ("", "")
            _keep(self._names, user, (name, language, _now() + UNKNOWN_FOR))
            return name, language
        profile = told.get("profile") or {}
        name = str(profile.get("display_name") or profile.get("real_name") or told.get("real_name") or "")
        language = str(told.get("locale") or "")
        _keep(self._names, user, (name, language, _now() + KNOWN_FOR))
        return name, language

    # --- what is sent -------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message. Raises SendFailed."""
        try:
            return await self._show(message)
        except (Refused, NotReached, Lost) as error:
            raise self._failure(error) from None

    async def settled(self, message: Outbound) -> Receipt | None:
        """The receipt of a message that has arrived after all: it is looked for by its mark. Raises SendFailed."""
        ours = mark(message.say, message.id)
        try:
            chat = await self._chat(message.address)
            found = await self.app.client.conversations_history(
                channel=chat, limit=LOOKED_THROUGH, include_all_metadata=True
            )
        except Lost as error:
            raise SendFailed(trouble(error)) from None
        except (Refused, NotReached) as error:
            raise self._failure(error) from None
        for each in found["messages"]:
            metadata = each.get("metadata") or {}
            if metadata.get("event_type") == MARK and metadata.get("event_payload", {}).get("mark") == ours:
                return Receipt(f"{chat}:{each['ts']}")
        return None

    async def _show(self, message: Outbound) -> Receipt:
        chat = await self._chat(message.address)
        metadata = {"event_type": MARK, "event_payload": {"mark": mark(message.say, message.id)}}
        body = {**shown(message.say, message.conversation), "metadata": metadata}
        where, _, ts = message.replaces.partition(":")
        if ts:
            changed = {name: body[name] for name in ("text", "blocks", "parse", "link_names", "metadata")}
            try:
                await self.app.client.chat_update(channel=where, ts=ts, **changed)
            except Refused as refused:
                if refused.error not in _NOT_THERE:
                    raise
            else:
                return Receipt(message.replaces)
        else:
            await self._attach(message, chat)
        sent = await self.app.client.chat_postMessage(channel=chat, **body)
        return Receipt(f"{chat}:{sent['ts']}")

    async def _chat(self, user: str) -> str:
        """The id of somebody's direct messages with the app."""
        known = self._chats.get(user)
        if known is None:
            known = str((await self.app.client.conversations_open(users=user))["channel"]["id"])
            _keep(self._chats, user, known)
        return known

    async def _attach(self, message: Outbound, chat: str) -> None:
        """Shows what goes with it, before the words. What Slack refuses they do not wait for."""
        kind, _, about = message.say.attach.partition(":")
        file = None if message.id in self._shared else await attached(self._files, message.address, message.say.attach)
        if file is None:
            return
        try:
            await self.app.client.upload(
                chat, file.name or (about if kind == "picture" else f"{kind}.png"), file.content
            )
        except Refused as refused:
            if refused.retry_after or refused.status >= 500 or refused.error in AWAY:
                raise
            self.app.say(trouble(refused))
        # The words may have to be sent again; this not.
        _keep(self._shared, message.id, None)

    # --- what can go wrong --------------------------------------------------------------------------------------

    def _failure(self, error: Refused | NotReached | Lost) -> SendFailed:
        """What such an error means for a message."""
        if isinstance(error, Lost):
            return SendFailed(trouble(error), unknown=True, retry_after=SETTLES)
        if isinstance(error, NotReached):
            return SendFailed(trouble(error))
        if error.error in WRONG_TOKEN or error.error == SWITCHED_OFF:
            self.app.say(trouble(error))
            return SendFailed(trouble(error), retry_after=timedelta(minutes=1), everyone=True)
        if error.retry_after:
            return SendFailed(trouble(error), retry_after=timedelta(seconds=error.retry_after))
        return SendFailed(trouble(error), final=error.status < 500 and error.status != 429 and error.error not in AWAY)


def _keep(kept: OrderedDict[Any, Any], key: Any, value: Any) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _now() -> float:
    return asyncio.get_running_loop().time()
