"""Who is who on Matrix, and in which room they are now; it outlives rooms that are left, and ghosts that change."""

from bot.channels.matrix_account import Account
from bot.channels.matrix_rooms import Room, Rooms


class Addresses:
    """The addresses of one account.

    Somebody on Matrix is their user id, in whichever room they wrote last. Somebody beyond a bridge is the id of the
    first portal they were met in: their ghost may change there, and a ghost that is known may come in a new portal.
    """

    def __init__(self, account: Account, rooms: Rooms) -> None:
        self._account, self._rooms = account, rooms
        self._known: dict[tuple[str, str], str] = {}
        self._newest: dict[str, str] = {}

    async def of(self, room: Room, sender: str) -> str:
        """Whose words these are; "" where the bot has nothing to hear."""
        address = self._rooms.with_whom(room, sender)
        if address and room.portal is not None:
            address = await self._beyond(room, sender)
        if address and await self._room_before(address) != room.id:
            self._newest[address] = room.id
            await self._account.remember(f"room of {address}", room.id)
        return address

    async def _beyond(self, room: Room, ghost: str) -> str:
        known = self._known.get((room.id, ghost))
        if known is not None:
            return known
        by_room, by_ghost = await self._of_portal(room.id), await self._account.recall(f"ghost {ghost}")
        address = by_room or by_ghost or room.id
        if by_room != address:
            await self._account.remember(f"portal {room.id}", address)
        if by_ghost != address:
            await self._account.remember(f"ghost {ghost}", address)
        self._known[room.id, ghost] = address
        return address

    async def moved(self, before: str, after: str) -> None:
        """A portal was closed in favour of another one: who was there is the same there, unless somebody else is."""
        address = await self._of_portal(before) or before
        if not await self._of_portal(after):
            await self._account.remember(f"portal {after}", address)
            await self._account.remember(f"room of {address}", after)
            self._newest[address] = after

    async def room(self, address: str) -> str:
        """The room to write into; "" where there is none any more."""
        newest = await self._room_before(address)
        if address.startswith("@"):
            shared = self._rooms.shared_with(address)
            return newest if newest in shared else next(reversed(shared), "")
        for room_id in (newest, address):
            room = self._rooms.joined.get(room_id)
            if room is not None and room.portal is not None and not room.successor:
                return room_id
        return ""

    async def _of_portal(self, room_id: str) -> str:
        return await self._account.recall(f"portal {room_id}")

    async def _room_before(self, address: str) -> str:
        if address not in self._newest:
            self._newest[address] = await self._account.recall(f"room of {address}")
        return self._newest[address]
