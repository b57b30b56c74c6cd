"""The rooms of one Matrix account, as its syncs tell of them: who is there, and whose chat each is. No network."""

from dataclasses import dataclass, field
from typing import Any

from bot.channels.matrix_bridge import STATE, Portal, is_ghost, plain_name, portal, speaks

Json = dict[str, Any]

STATE_TYPES = ["m.room.member", "m.room.encryption", "m.room.tombstone", *STATE]
"""The state that is asked for; nothing else of a room is kept."""


@dataclass(slots=True)
class Room:
    """A room that the account is in.

    names      by user, what those who are there (or are invited) are called
    here       who has joined
    gone       somebody was here and has left
    successor  the room that took its place; ""
    """

    id: str
    names: dict[str, str] = field(default_factory=dict)
    here: set[str] = field(default_factory=set)
    gone: bool = False
    encrypted: bool = False
    portal: Portal | None = None
    successor: str = ""


class Rooms:
    """All rooms of the account `me`.

    invited  where it was invited, and has not gone yet
    moved    by a room that was closed, the one that took its place
    """

    def __init__(self, bridge: str) -> None:
        self.me, self._bridge = "", bridge
        self.joined: dict[str, Room] = {}
        self.invited: set[str] = set()
        self.moved: dict[str, str] = {}

    def has(self, room_id: str) -> bool:
        """Whether the account is in this room."""
        return room_id in self.joined

    def learn(self, answer: Json, *, whole: bool = False) -> None:
        """Takes over what a sync tells of rooms; it is all there is to know where it is `whole`."""
        rooms = answer.get("rooms") or {}
        if whole:
            self.joined, self.invited = {}, set()
        for room_id, told in (rooms.get("join") or {}).items():
            self.invited.discard(room_id)
            self._apply(self.joined.setdefault(room_id, Room(room_id)), told)
        for room_id, told in (rooms.get("leave") or {}).items():
            # The bridge closes a portal and at once takes everybody out: why is told only here.
            self._apply(self.joined.pop(room_id, Room(room_id)), told)
            self.invited.discard(room_id)
        self.invited |= set(rooms.get("invite") or {})

    def _apply(self, room: Room, told: Json) -> None:
        events = [event for part in ("state", "timeline") for event in (told.get(part) or {}).get("events") or []]
        for event in events:
            user, content = event.get("state_key"), event.get("content")
            if not isinstance(user, str) or not isinstance(content, dict):
                continue
            kind = event.get("type")
            if kind == "m.room.member":
                self._member(room, user, content)
            elif kind == "m.room.encryption":
                room.encrypted = bool(content)
            elif kind == "m.room.tombstone":
                room.successor = str(content.get("replacement_room") or "")
                self.moved[room.id] = room.successor
            elif kind in STATE and self._bridge:
                room.portal = portal(content, self._bridge) or room.portal

    def _member(self, room: Room, user: str, content: Json) -> None:
        membership = content.get("membership")
        if membership in ("join", "invite"):
            room.names[user] = str(content.get("displayname") or "")
        else:
            room.gone = room.gone or user != self.me
            room.names.pop(user, None)
        if membership == "join":
            room.here.add(user)
        else:
            room.here.discard(user)

    def people(self, room: Room) -> set[str]:
        """Who is there, or invited, beside the bot and what belongs to a bridge."""
        ours = {self.me, room.portal.bot if room.portal else ""}
        return {user for user in room.names if user not in ours and not is_ghost(user, self._bridge)}

    def crowded(self, room: Room) -> bool:
        """Whether more than one person would read along."""
        return room.portal is None and len(self.people(room)) > 1

    def empty(self, room: Room) -> bool:
        """Whether the person it was for has left, so that nobody can come back into it."""
        return room.portal is None and room.gone and not self.people(room)

    def with_whom(self, room: Room, sender: str) -> str:
        """Whose chat a room is, where this sender is that person: their user id, or the room's own id in a portal. ""
        where the bot has nothing to hear: in groups, of other bots, of coordinators who read along in a portal.
        """
        if room.portal is not None:
            return room.id if room.portal.direct and speaks(sender, room.portal, self._bridge) else ""
        if sender == self.me or is_ghost(sender, self._bridge) or self.crowded(room):
            return ""
        return sender

    def shared_with(self, user: str) -> list[str]:
        """The rooms in which only the bot and this user are, those made last at the end."""
        return [
            room.id
            for room in self.joined.values()
            if room.portal is None and not room.successor and user in room.here and not self.crowded(room)
        ]

    def name(self, room: Room, user: str) -> str:
        """What somebody is called there."""
        name = room.names.get(user, "")
        return plain_name(name) if room.portal else name
