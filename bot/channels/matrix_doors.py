"""Which rooms a Matrix account goes into, and which it leaves again."""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from nio import Api

from bot.channels.matrix_account import Account
from bot.channels.matrix_calls import ERRORS, Refused
from bot.channels.matrix_rooms import Room, Rooms

Json = dict[str, Any]

GOODBYE = "I talk with one person at a time. Invite me to a room of our own."
"""The reason with which a group is left; its clients show it."""

_log = logging.getLogger(__name__)


class Doors:
    """It goes wherever it is invited, for nobody can tell before how many are there, and leaves where it would not be
    alone with one person. What cannot be done just now is tried at the next news.

    unreadable  what is said once where messages are encrypted
    """

    def __init__(self, account: Account, rooms: Rooms, unreadable: str) -> None:
        self._account, self._rooms, self._unreadable = account, rooms, unreadable
        self._busy: asyncio.Task[None] | None = None

    def look_after(self, happened: Mapping[str, Iterable[Json]]) -> None:
        """Goes in and out after news, without holding them up: another server may take a minute to let it in."""
        if self._busy is None or self._busy.done():
            self._busy = asyncio.create_task(self._aside(list(happened)))

    async def _aside(self, rooms: list[str]) -> None:
        await self.enter()
        await self.tidy(rooms)

    async def enter(self) -> None:
        """Goes wherever it is invited."""
        await asyncio.gather(*[self._join(room_id) for room_id in list(self._rooms.invited)])

    async def _join(self, room_id: str) -> None:
        if await self._done(Api.join("", room_id)):
            self._rooms.invited.discard(room_id)

    async def tidy(self, rooms: Iterable[str]) -> None:
        """Leaves where more than one person is, or nobody any more; says where it cannot read."""
        for room_id in rooms:
            room = self._rooms.joined.get(room_id)
            if room is None:
                continue
            if self._rooms.crowded(room) or self._rooms.empty(room):
                method, path = Api.room_leave("", room_id)
                if await self._done((method, path, Api.to_json({"reason": GOODBYE}))):
                    self._rooms.joined.pop(room_id, None)
            elif room.encrypted and self._unreadable:
                await self._excuse(room)

    async def _excuse(self, room: Room) -> None:
        if await self._account.recall(f"excused in {room.id}"):
            return
        content = {"msgtype": "m.text", "body": self._unreadable, "m.mentions": {}}
        if await self._done(Api.room_send("", room.id, "m.room.message", content, f"excuse {room.id}")):
            await self._account.remember(f"excused in {room.id}", "yes")

    async def _done(self, request: tuple[str, ...]) -> bool:
        """Whether there is nothing more to try: it went well, or never will."""
        try:
            await self._account.call(request)
        except ERRORS as error:
            _log.info("matrix: a room was not joined or left: %s", type(error).__name__)
            return isinstance(error, Refused) and error.status < 500 and error.status not in (401, 429)
        return True

    async def close(self) -> None:
        """Ends what is under way."""
        if self._busy is not None:
            self._busy.cancel()
            await asyncio.gather(self._busy, return_exceptions=True)
