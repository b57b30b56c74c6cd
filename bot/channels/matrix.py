"""Matrix as a channel: one account, which talks with people in private only. With a mautrix bridge behind the
homeserver, those people are on WhatsApp or Signal."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from nio import Api

from bot.channels.base import Inbound, Memory, Outbound, Receipt, Receive, Report, SendFailed
from bot.channels.matrix_account import Account
from bot.channels.matrix_addresses import Addresses
from bot.channels.matrix_bridge import STATUS, event_name, plain_name, unrelayed
from bot.channels.matrix_calls import ERRORS, Refused, asked, failure, hopeless, trouble
from bot.channels.matrix_doors import Doors
from bot.channels.matrix_heard import Heard, heard
from bot.channels.matrix_news import News
from bot.channels.matrix_rooms import Room, Rooms
from bot.channels.matrix_shown import changed, shown, with_file
from bot.channels.matrix_statuses import Statuses
from bot.channels.retries import SHORTEST_PAUSE, Retries
from bot.channels.web_files import File, Files
from flows.limits import MATRIX

Json = dict[str, Any]

LONGEST_WAIT = 30.0
"""Seconds that a homeserver keeps a question for news open: what matrix-nio's and other clients ask for."""

REMEMBERED = 50_000
"""People of whom the newest message is remembered."""

OLDEST_CHANGE = 15 * 60_000
"""Milliseconds after which a message of ours on WhatsApp is not changed any more but sent anew: whatsmeow's EditWindow
is 20 minutes, from the moment that WhatsApp took it."""

LEFT = "they have left the room on Matrix, and nothing can be written to them there"

_log = logging.getLogger(__name__)


class Matrix:
    """One account.

    place_at    the name of the district of a point: latitude and longitude in degrees. May block; raises ValueError or
                OSError. The point itself goes nowhere else
    memory      what it must know again after a restart
    bridge      "whatsapp" or "signal" where such a bridge belongs to this account; else ""
    unreadable  said once in a room whose messages are encrypted, for they cannot be read
    files       what is attached to messages; without it they go without
    report      told why it cannot work, once for each reason, and "" when it can
    patience    seconds for one call, and for one question for news
    pause       seconds before the first new try
    """

    name = "matrix"
    limits = MATRIX

    def __init__(
        self,
        homeserver: str,
        user: str,
        account: str = "main",
        *,
        password: str = "",
        access_token: str = "",
        place_at: Callable[[float, float], str],
        memory: Memory,
        bridge: str = "",
        unreadable: str = "",
        files: Files | None = None,
        report: Report = lambda why: None,
        patience: tuple[float, float] = (20.0, LONGEST_WAIT),
        pause: float = SHORTEST_PAUSE,
    ) -> None:
        self.account = account
        device = f"DOORSTEP-{account.upper()}"
        self._home = Account(homeserver, user, password, access_token, device, memory, patience[0])
        self._rooms = Rooms(bridge)
        self._news, self._addresses = News(self._home, self._rooms), Addresses(self._home, self._rooms)
        self._doors = Doors(self._home, self._rooms, unreadable)
        self._statuses, self._place_at, self._files = Statuses(), place_at, files
        self._tries = Retries(ERRORS, trouble, report, asked=asked, pause=pause)
        self._wait, self._since = patience[1], ""
        self._listening = False
        # An edit counts only of what this process has heard: whether anything came after it, nobody else can say.
        self._newest: OrderedDict[str, str] = OrderedDict()
        self.router = APIRouter()

    async def close(self) -> None:
        """Ends its connections. Nothing may be sent afterwards."""
        await self._doors.close()
        await self._home.close()

    # --- what people do -----------------------------------------------------------------------------------------

    async def listen(self, receive: Receive) -> None:
        """Hands on what people do until it is cancelled. Its place among the news moves on once all of it is stored."""
        try:
            await self._tries.until_done(self._begin)
            self._listening = True
            while True:
                if not await self._tries.until_done(lambda: self._ask(receive)):
                    await asyncio.sleep(self._tries.pause)
        finally:
            self._listening = False

    async def _begin(self) -> None:
        await self._look()
        self._since = await self._home.recall("place")

    async def _look(self) -> str:
        """Learns of all rooms, and goes where it was invited."""
        await self._home.enter()
        self._rooms.me = self._home.me
        place = await self._news.look()
        if self._rooms.invited:
            await self._doors.enter()
            place = await self._news.look()
        await self._follow()
        await self._doors.tidy(list(self._rooms.joined))
        return place

    async def _follow(self) -> None:
        """Notes which rooms have taken the place of others."""
        for before, after in list(self._rooms.moved.items()):
            await self._addresses.moved(before, after)
            del self._rooms.moved[before]

    async def _ask(self, receive: Receive) -> bool:
        """One question for news; whether all of it was taken. What was not comes again, with all that came with it."""
        if self._since:
            happened, place = await self._news.since(self._since, self._wait)
        else:
            place = await self._news.look()
            happened = await self._news.unanswered(place)
        self._tries.say("")
        await self._follow()
        rooms = [
            (self._rooms.joined[room_id], events) for room_id, events in happened.items() if self._rooms.has(room_id)
        ]
        taken = await asyncio.gather(*[self._take_all(receive, room, events) for room, events in rooms])
        self._doors.look_after(happened)
        if not all(taken):
            return False
        if happened or not self._since:
            await self._home.remember("place", place)
        self._since = place
        return True

    async def _take_all(self, receive: Receive, room: Room, events: list[Json]) -> bool:
        """Takes what happened in one room, in order; whether all of it could be stored."""
        for event in events:
            if event.get("type") == STATUS:
                if room.portal is not None and event.get("sender") == room.portal.bot:
                    self._statuses.note(event)
            elif (said := heard(event)) is not None and not await self._take(receive, room, said):
                return False
        return True

    async def _take(self, receive: Receive, room: Room, event: Heard) -> bool:
        address = await self._addresses.of(room, event.sender)
        if not address:
            return True
        if event.edits and event.edits != self._newest.get(address):
            # What an older message meant is long settled.
            return True
        inbound = await self._inbound(room, address, event)
        try:
            await receive(inbound)
        except Exception as error:
            # Only the kind: a driver's message can quote what was written.
            _log.warning(
                "matrix %s: an event could not be kept, and comes again: %s", self.account, type(error).__name__
            )
            return False
        if not event.edits:
            self._newest.pop(address, None)
            self._newest[address] = event.event
            if len(self._newest) > REMEMBERED:
                self._newest.popitem(last=False)
        return True

    async def _inbound(self, room: Room, address: str, event: Heard) -> Inbound:
        name, number = self._rooms.name(room, event.sender), event.event
        if room.portal is not None:
            number = event_name(event)
            event, relayed = unrelayed(event)
            name = plain_name(relayed) or name
        said = event.said
        if event.point is not None:
            said = replace(said, place=await self._district(*event.point))
        # The other network names a second, and its end is meant.
        at = event.at + (999 if room.portal is not None else 0)
        return Inbound(self.name, self.account, address, number, said, name, at=datetime.fromtimestamp(at / 1000, UTC))

    async def _district(self, lat: float, lon: float) -> str:
        try:
            return await asyncio.to_thread(self._place_at, lat, lon)
        except (ValueError, OSError):
            return ""

    # --- what is sent -------------------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message, into the room where they are now. Raises SendFailed."""
        try:
            return await self._show(message, await self._room(message.address))
        except ERRORS as error:
            if hopeless(error):
                self._tries.say(trouble(error))
            raise failure(error) from None

    async def _room(self, address: str) -> str:
        """The room with this person. Where none is known, they may have opened another one a moment ago."""
        room = await self._addresses.room(address) if self._listening else ""
        if not room:
            await self._look()
            room = await self._addresses.room(address)
        if not room:
            raise SendFailed(LEFT, final=True)
        return room

    async def _show(self, message: Outbound, room: str) -> Receipt:
        transaction, say = await self._home.transaction(message.id), message.say
        file = await self._attached(message)
        if file is not None:
            content = with_file(file, await self._home.upload(file))
            await self._put(room, content, f"{transaction}-file")
        if message.replaces and await self._can_change(room, message.replaces):
            sent = await self._put(room, changed(say, message.replaces), transaction)
            reference = message.replaces
        else:
            sent = reference = await self._put(room, shown(say), transaction)
        why = await self._statuses.failed(sent) if self._listening and not message.address.startswith("@") else None
        if why is not None:
            raise SendFailed(f"the bridge could not bring it to them {f'({why})' if why else ''}".rstrip(), final=True)
        return Receipt(reference)

    async def _put(self, room: str, content: Json, transaction: str) -> str:
        answer = await self._home.call(Api.room_send("", room, "m.room.message", content, transaction))
        return str(answer["event_id"])

    async def _can_change(self, room: str, event: str) -> bool:
        """Whether a message of ours is still there, and would be changed where they are, too."""
        try:
            before = await self._home.call(Api.room_get_event("", room, event))
        except Refused as refused:
            if refused.status in (403, 404):
                return False
            raise
        portal = self._rooms.joined[room].portal if self._rooms.has(room) else None
        age = (before.get("unsigned") or {}).get("age")
        late = portal is not None and isinstance(age, int) and age > OLDEST_CHANGE
        return bool(before.get("content")) and not late

    async def _attached(self, message: Outbound) -> File | None:
        """What goes with it; None also where it is nothing any more, for the words must not wait for it."""
        kind, _, about = message.say.attach.partition(":")
        if not kind or self._files is None:
            return None
        return await self._files.file(message.address, kind, int(about) if about.isdecimal() else 0)

    # --- what can go wrong --------------------------------------------------------------------------------------
