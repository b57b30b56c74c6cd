"""What is new in the rooms of a Matrix account: syncs, and paging back where one has left something out."""

from collections.abc import Callable
from typing import Any

from nio import Api

from bot.channels.matrix_account import Account
from bot.channels.matrix_bridge import STATUS
from bot.channels.matrix_heard import KINDS
from bot.channels.matrix_rooms import STATE_TYPES, Rooms

Json = dict[str, Any]

AT_ONCE = 100
"""Events of one room in one answer; a page before them has as many."""

STEPS = 10
"""Answers after which a look ends, on a server where something happens at every moment."""

_NOTHING = {"not_types": ["*"]}
_TYPES = [*KINDS, STATUS, *STATE_TYPES]


class News:
    """Asks for news, and keeps `rooms` true."""

    def __init__(self, account: Account, rooms: Rooms) -> None:
        self._account, self._rooms, self._looked = account, rooms, ""

    async def look(self) -> str:
        """Learns of all rooms as they are now; the place from which news would follow."""
        if not self._looked:
            answer = await self._account.call(Api.sync("", timeout=0, filter=_filter(1)))
            self._rooms.learn(answer, whole=True)
            self._looked = str(answer["next_batch"])
        # Synapse answers the same question with the same answer for two minutes (`sync_response_cache_duration`), even
        # where everything has changed since: only where nothing more follows is it the present.
        for _ in range(STEPS):
            answer = await self._account.call(Api.sync("", since=self._looked, timeout=0, filter=_filter(1)))
            self._rooms.learn(answer)
            before, self._looked = self._looked, str(answer["next_batch"])
            if self._looked == before:
                break
        return self._looked

    async def since(self, place: str, wait: float) -> tuple[dict[str, list[Json]], str]:
        """By room, oldest first, all that happened since; and the place from which to ask next.

        Waits so many seconds for something to happen.
        """
        request = Api.sync("", since=place, timeout=int(wait * 1000), filter=_filter(AT_ONCE))
        answer = await self._account.call(request, wait + self._account.patience)
        happened: dict[str, list[Json]] = {}
        for room_id, told in ((answer.get("rooms") or {}).get("join") or {}).items():
            happened[room_id] = await self._whole(room_id, told.get("timeline") or {}, place)
        self._rooms.learn(answer)
        return happened, str(answer["next_batch"])

    async def unanswered(self, place: str) -> dict[str, list[Json]]:
        """By room, what was said since the bot last spoke there or was invited: before its very first start."""
        happened = {}
        for room_id in list(self._rooms.joined):
            events = await self._before(room_id, place, "", self._ours)
            happened[room_id] = events
        return happened

    async def _whole(self, room_id: str, timeline: Json, since: str) -> list[Json]:
        """A room's events since then; in a room that was joined meanwhile, those since the invitation."""
        events: list[Json] = timeline.get("events") or []
        start = str(timeline.get("prev_batch") or "") if timeline.get("limited") else ""
        known = room_id in self._rooms.joined
        if known:
            events = await self._before(room_id, start, since, lambda _: False) + events
        joined = next((at for at, event in enumerate(events) if self._membership(event) == "join"), None)
        if known and joined is None:
            return events
        if not any(map(self._invitation, events)):
            events = await self._before(room_id, start, "", self._invitation) + (timeline.get("events") or [])
        return events[next((at for at, event in enumerate(events) if self._invitation(event)), joined or 0) :]

    async def _before(self, room_id: str, start: str, until: str, enough: Callable[[Json], bool]) -> list[Json]:
        """The events before a place, oldest first, back to another place or to one that is enough."""
        found: list[Json] = []
        place = start
        while place:
            request = Api.room_messages("", room_id, place, until or None, "b", AT_ONCE, {"types": _TYPES})
            page = await self._account.call(request)
            for event in page.get("chunk") or []:
                found.append(event)
                if enough(event):
                    return found[::-1]
            place = str(page.get("end") or "")
        return found[::-1]

    def _invitation(self, event: Json) -> bool:
        return self._membership(event) == "invite"

    def _ours(self, event: Json) -> bool:
        return self._invitation(event) or (event.get("sender") == self._rooms.me and "state_key" not in event)

    def _membership(self, event: Json) -> str:
        if event.get("type") != "m.room.member" or event.get("state_key") != self._rooms.me:
            return ""
        return str((event.get("content") or {}).get("membership") or "")


def _filter(most: int) -> Json:
    return {
        "presence": _NOTHING,
        "account_data": _NOTHING,
        "room": {
            "account_data": _NOTHING,
            "ephemeral": _NOTHING,
            "state": {"types": STATE_TYPES},
            "timeline": {"types": _TYPES, "limit": most},
        },
    }
