"""Matrix for the suite: people on a real Synapse, and people on WhatsApp behind a bridge that is played there.

What the bridge does is what mautrix-whatsapp 26.08 does (mautrix/whatsapp pkg/connector and pkg/waid, mautrix/go
bridgev2/portal.go): its rooms, its ghosts, its state events, its times.
"""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any

from bot.channels.matrix import Matrix
from tests.bot.channels.contract import Bubble, Fault
from tests.bot.channels.on_telegram import district
from tests.bot.standins.faults import Proxy, broken, lost, slow_down
from tests.bot.standins.synapse import SERVER, Hands, synapse

Json = dict[str, Any]

UNREADABLE = "I cannot read this."
BRIDGE_BOT = f"@whatsappbot:{SERVER}"
PHONE = "4930555555"
"""Of the group's own WhatsApp account."""

_numbers = count(1)
_FAULTS = {Fault.SLOW_DOWN: slow_down, Fault.BROKEN: broken, Fault.LOST: lost}


class Remembering(dict[str, str]):
    """A memory as long as the test."""

    async def get(self, name: str) -> str:  # type: ignore[override]
        return super().get(name, "")

    async def set(self, name: str, text: str) -> None:
        self[name] = text


class OnMatrix:
    """People who write to the bot from accounts of their own."""

    lacks: Mapping[str, str] = {}
    wait = 7.0

    def __init__(self, hands: Hands, proxy: Proxy, bot: str, token: str, channel: Matrix) -> None:
        self.hands, self.proxy, self.bot, self.channel = hands, proxy, bot, channel
        self.secrets = (token,)
        self.users: dict[str, str] = {}
        self.rooms: dict[str, list[str]] = {}
        self._ticked: set[int] = set()

    def move_in(self, who: str) -> None:
        """They come to the server and open a room with the bot."""
        name = f"{who}-{next(_numbers)}"
        self.hands.join_server(name, who.title())
        self.users[who] = f"@{name}:{SERVER}"
        self.rooms[who] = [self.open_room(who)]

    def open_room(self, who: str) -> str:
        return self.hands.create_room(self.users[who], self.bot, is_direct=True)

    def address(self, who: str) -> str:
        if who not in self.users:
            self.move_in(who)
        return self.users[who]

    async def write(self, who: str, text: str) -> str:
        return self.tell(who, {"msgtype": "m.text", "body": text})

    def tell(self, who: str, content: Json, kind: str = "m.room.message") -> str:
        """They send it; the event's id."""
        self.address(who)
        return self.hands.send(self.users[who], self.rooms[who][-1], content, kind)

    async def edit(self, who: str, message: str, text: str) -> None:
        new = {"msgtype": "m.text", "body": text}
        related = {"rel_type": "m.replace", "event_id": message}
        self.tell(who, {**new, "body": f"* {text}", "m.new_content": new, "m.relates_to": related})

    async def press(self, who: str, label: str) -> None:
        bubble = next(each for each in reversed(self.shown(who)) if label in each.choices)
        number = bubble.choices.index(label) + 1
        await self.write(who, str(number))
        self._ticked = self._ticked ^ {number}

    async def way_out(self, who: str, label: str) -> None:
        newest = self.shown(who)[-1]
        assert newest.leave == label
        related = {"rel_type": "m.annotation", "event_id": newest.reference, "key": "🛑\ufe0f"}
        self.tell(who, {"m.relates_to": related}, "m.reaction")

    async def finish(self, who: str) -> None:
        await self.write(who, ", ".join(map(str, sorted(self._ticked))))

    async def share_place(self, who: str, lat: float, lon: float) -> None:
        self.tell(who, {"msgtype": "m.location", "body": f"Location: {lat} {lon}", "geo_uri": f"geo:{lat},{lon}"})

    async def share_photo(self, who: str) -> str:
        url = f"mxc://{SERVER}/picture"
        self.tell(who, {"msgtype": "m.image", "body": "me.jpg", "url": url, "info": {"mimetype": "image/jpeg"}})
        return url

    async def open_link(self, who: str, payload: str) -> None:
        await self.write(who, f"/start {payload}")

    async def again(self, times: int) -> None:
        for _ in range(times):
            self.proxy.tell_again()

    def shown(self, who: str) -> list[Bubble]:
        self.address(who)
        bubbles: list[Bubble] = []
        for room in self.rooms[who]:
            bubbles += bubbles_in(self.hands.messages(self.reader(who), room), self.bot)
        return bubbles

    def reader(self, who: str) -> str:
        """Who reads along, to know what is shown."""
        return self.users[who]

    def meet(self, fault: Fault) -> None:
        if fault in _FAULTS:
            # Where a connection that stood is gone, aiohttp repeats a PUT by itself: that answer must be lost, too.
            self.proxy.faults += [_FAULTS[fault]] * (2 if fault == Fault.LOST else 1)
        elif fault == Fault.BLOCKED:
            self.leave("ana")
        elif fault == Fault.MOVED:
            self.move("ana")
        elif fault == Fault.GONE:
            self.redact("ana", self.shown("ana")[-1].reference)

    def leave(self, who: str) -> None:
        self.hands.ask("POST", f"rooms/{self.rooms[who][-1]}/leave", self.users[who], {})

    def move(self, who: str) -> None:
        """They open another room and leave the old one."""
        new = self.open_room(who)
        self.leave(who)
        self.rooms[who].append(new)

    def redact(self, who: str, event: str) -> None:
        self.hands.ask("PUT", f"rooms/{self.rooms[who][-1]}/redact/{event}/{next(_numbers)}", self.reader(who), {})

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        return self.proxy.away()


class OnBridge(OnMatrix):
    """People on WhatsApp, each in a portal."""

    def __init__(self, hands: Hands, proxy: Proxy, bot: str, token: str, channel: Matrix) -> None:
        super().__init__(hands, proxy, bot, token, channel)
        # Whole seconds, as WhatsApp's own are; each message has one to itself.
        self._seconds = count(int(time.time()) - 3000)
        self.last: tuple[str, Json, int] = "", {}, 0

    def move_in(self, who: str) -> None:
        phone = f"4917{next(_numbers):07}"
        self.ghost(who, phone, f"{who.title()} (WA)")
        self.rooms[who] = [self.open_room(who, f"{phone}@s.whatsapp.net")]

    def ghost(self, who: str, name: str, shown: str) -> None:
        """They show as this ghost from now on."""
        self.hands.join_server(f"whatsapp_{name}", shown)
        self.users[who] = f"@whatsapp_{name}:{SERVER}"

    def open_room(self, who: str, channel: str = "1@s.whatsapp.net", kind: str = "dm", *others: str) -> str:
        """A portal, as mautrix/go makes it."""
        info = {
            "bridgebot": BRIDGE_BOT,
            "creator": BRIDGE_BOT,
            "protocol": {"id": "whatsapp", "displayname": "WhatsApp"},
            "channel": {"id": channel, "fi.mau.receiver": PHONE},
            "com.beeper.room_type": "dm" if kind == "dm" else "",
            "com.beeper.room_type.v2": kind,
        }
        key = f"fi.mau.whatsapp://whatsapp/{channel}"
        state = [{"type": each, "state_key": key, "content": info} for each in ("uk.half-shot.bridge", "m.bridge")]
        ghost = self.users[who]
        room = self.hands.create_room(
            BRIDGE_BOT, self.bot, ghost, *others, state=state, preset="private_chat", is_direct=kind == "dm"
        )
        for each in (ghost, *others):
            self.hands.ask("POST", f"join/{room}", each, {})
        return room

    def address(self, who: str) -> str:
        super().address(who)
        return self.rooms[who][0]

    def tell(self, who: str, content: Json, kind: str = "m.room.message") -> str:
        self.address(who)
        at = next(self._seconds) * 1000
        self.last = who, content, at
        return self.hands.send(self.users[who], self.rooms[who][-1], content, kind, ts=str(at))

    def tell_twice(self) -> None:
        """The bridge was killed before it noted that it had told the last message, and tells it again."""
        who, content, at = self.last
        self.hands.send(self.users[who], self.rooms[who][-1], content, ts=str(at))

    def reader(self, who: str) -> str:
        return BRIDGE_BOT

    def leave(self, who: str) -> None:
        """The bridge removes the portal."""
        self.hands.ask("POST", f"rooms/{self.rooms[who][-1]}/kick", BRIDGE_BOT, {"user_id": self.bot})

    def move(self, who: str) -> None:
        """The bridge merges two portals of one person."""
        new = self.open_room(who)
        self.hands.state(BRIDGE_BOT, self.rooms[who][-1], "m.room.tombstone", {"body": "", "replacement_room": new})
        self.rooms[who].append(new)


def bubbles_in(events: list[Json], bot: str) -> list[Bubble]:
    """The messages of the bot as a client shows them."""
    contents: dict[str, Json] = {}
    for event in events:
        content = event["content"]
        if event["type"] != "m.room.message" or event["sender"] != bot or not content:
            continue
        related = content.get("m.relates_to", {})
        if related.get("rel_type") != "m.replace":
            contents[event["event_id"]] = content
        elif related["event_id"] in contents:
            contents[related["event_id"]] = content["m.new_content"]
    return [_bubble(reference, content) for reference, content in contents.items()]


def _bubble(reference: str, content: Json) -> Bubble:
    body, _, leave = content["body"].partition("\n\n🛑 ")
    text, *listed = re.split(r"\n  \d+\. ", body)
    labels = tuple(each.removesuffix(" ✓") for each in listed)
    ticked = tuple(each.removesuffix(" ✓") for each in listed if each.endswith(" ✓"))
    alive = ["m.mentions"] if content.get("m.mentions") else []
    alive += [name for name in ("formatted_body", "format") if name in content]
    return Bubble(reference, text, labels, ticked, tuple(alive), leave)


@asynccontextmanager
async def account(**more: Any) -> AsyncIterator[tuple[Hands, Proxy, str, str, Matrix]]:
    """A new account of the bot, and a channel for it behind a proxy."""
    server = synapse()
    hands = Hands(server.url)
    made = hands.join_server(f"bot-{next(_numbers)}-{time.time_ns()}", "Doorstep", device=True)
    async with Proxy(server.url) as proxy:
        options: Json = {"access_token": made["access_token"], "place_at": district, "memory": Remembering()}
        options |= {"patience": (2.0, 5.0), "pause": 0.02, "unreadable": UNREADABLE}
        channel = Matrix(proxy.origin, made["user_id"], **(options | more))
        try:
            yield hands, proxy, made["user_id"], made["access_token"], channel
        finally:
            await channel.close()
            hands.client.close()


@asynccontextmanager
async def opened(**more: Any) -> AsyncIterator[OnMatrix]:
    """Natively."""
    async with account(**more) as made:
        platform = OnMatrix(*made)
        platform.move_in("ana")
        yield platform


@asynccontextmanager
async def opened_on_bridge(**more: Any) -> AsyncIterator[OnBridge]:
    """With mautrix-whatsapp."""
    async with account(bridge="whatsapp", **more) as made:
        platform = OnBridge(*made)
        platform.move_in("ana")
        yield platform
