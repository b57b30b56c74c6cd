"""The simulated network: three platforms that keep to a channel's contract, their own limits, and their own moods.

Each stands for one rule of what happens after a lost answer (`bot.channels.base.Channel`): PHONES can tell nothing,
an OFFICE can be asked, a ROOM shows a message once however often it is sent.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

from bot.channels.base import Outbound, Receipt, Receive, SendFailed
from bot.rehearsal.clock import WorldClock
from bot.rehearsal.disk import Disk
from bot.rehearsal.faults import SEND, Faults
from flows.limits import SLACK_CHAT, TELEGRAM, Limits

PHONES, OFFICE, ROOM = "phones", "office", "room"

OFFICE_LIMITS = Limits(text=3000, buttons=25, label=75, chat=SLACK_CHAT)
"""As Slack: PLATFORMS and `flows.limits` name the sources."""
ROOM_LIMITS = Limits(text=4096, buttons=0, label=None, once=True)
"""As Matrix: no buttons, and a message sent again under the same number is seen once."""

FOREVER = 10_000.0
"""Seconds after which no answer has come: longer than anybody waits."""

OUTAGE = 4
"""Failures in a row after which a sender may think that the platform is away, and try its luck ever more rarely."""

STORM = 6
"""How many messages in a row a platform refuses at most once it begins to."""


class Watching(Protocol):
    """Whoever keeps an account of what goes over the network."""

    def begins(self, network: "Network", message: Outbound) -> None:
        """A message is about to be sent."""

    def arrives(self, network: "Network", message: Outbound) -> None:
        """The platform has taken it, and the person sees it."""

    def lost(self, message: Outbound) -> None:
        """What became of it cannot be known by whoever sent it."""

    def paused(self, network: "Network", address: str, until: float) -> None:
        """The platform wants no message of this account ("": at all) before then."""


class Network:
    """One account on a platform. `blocked` are the addresses of those who have blocked us."""

    account = "rehearsal"

    def __init__(
        self, name: str, limits: Limits, clock: WorldClock, faults: Faults, disk: Disk, watching: Watching
    ) -> None:
        self.name, self.limits = name, limits
        self.blocked: set[str] = set()
        self.on_the_wire: Callable[[str], Awaitable[bool]] | None = None
        self._clock, self._faults, self._disk, self._watching = clock, faults, disk, watching
        self._taken: dict[int, str] = {}
        self._storm: tuple[str, int] = ("", 0)
        self._failures = 0

    async def listen(self, receive: Receive) -> None:
        """Nothing: the campaign hands on what people say, one thing after the other."""

    async def send(self, message: Outbound) -> Receipt:
        """Takes a message, or does what platforms do on a bad day. Raises SendFailed."""
        self._watching.begins(self, message)
        self._failures += 1
        if message.address in self.blocked:
            self._failures = 0
            raise SendFailed("the person has blocked us", final=True)
        fault = self._next_fault()
        if fault:
            await self._before(fault, message)
        reference = self._take(message)
        if fault:
            await self._after(fault, message)
        self._failures = 0
        return Receipt(reference)

    @property
    def struggles(self) -> bool:
        """Whether nothing has gone well of late."""
        return self._failures >= OUTAGE

    def _next_fault(self) -> str:
        kind, left = self._storm
        if left:
            self._storm = kind, left - 1
            return kind
        fault = self._faults.draw(SEND)
        if fault.startswith("too_many_requests"):
            self._storm = fault, self._faults.number(0, STORM)
        return fault

    async def _before(self, fault: str, message: Outbound) -> None:
        """What befalls a message that has not arrived."""
        if fault == "killed_before_send":
            self._happened(fault)
            self._watching.lost(message)  # to whoever comes after, it may have arrived
            self._disk.kill()
        if fault == "connection_refused":
            self._happened(fault)
            raise SendFailed("connection refused")
        if fault == "server_error":
            self._happened(fault)
            raise SendFailed("the platform answered 503")
        if fault == "channel_broke":
            self._happened(fault)
            raise RuntimeError("the channel broke")
        if fault == "timed_out_undelivered":
            self._happened(fault)
            self._watching.lost(message)
            await asyncio.sleep(FOREVER)
        if fault.startswith("too_many_requests"):
            self._too_many(fault, message)
        if fault == "stop_on_the_wire" and self.on_the_wire and await self.on_the_wire(message.address):
            self._happened(fault)

    def _too_many(self, fault: str, message: Outbound) -> None:
        self._happened(fault)
        everyone = fault.endswith("account")
        self._failures = 0
        seconds = self._faults.number(1, 30)
        until = self._clock.seconds() + seconds
        self._watching.paused(self, "" if everyone else message.address, until)
        raise SendFailed("too many requests", retry_after=timedelta(seconds=seconds), everyone=everyone)

    async def _after(self, fault: str, message: Outbound) -> None:
        """What befalls a message that has arrived."""
        if fault == "killed_on_the_wire":
            self._happened(fault)
            self._watching.lost(message)
            self._disk.kill()
        if fault == "timed_out_delivered":
            self._happened(fault)
            self._watching.lost(message)
            await asyncio.sleep(FOREVER)
        if fault == "killed_while_recording":
            self._happened(fault)
            self._watching.lost(message)
            self._disk.kill_in = self._faults.number(1, 2)
        if fault == "killed_after_recording":
            self._happened(fault)
            self._disk.kill_after = True

    def _take(self, message: Outbound) -> str:
        reference = self._taken.get(message.id)
        if reference is None or not self.limits.once:
            reference = self._taken[message.id] = f"{self.name}-{len(self._taken)}"
            self._watching.arrives(self, message)
        return reference

    def _happened(self, fault: str) -> None:
        self._faults.happened(fault)


class AskedNetwork(Network):
    """A platform that can tell what became of a message."""

    async def settled(self, message: Outbound) -> Receipt | None:
        """The receipt of a message that has arrived."""
        reference = self._taken.get(message.id)
        return Receipt(reference) if reference is not None else None


def networks(clock: WorldClock, faults: Faults, disk: Disk, watching: Watching) -> tuple[Network, ...]:
    """The three."""
    return (
        Network(PHONES, TELEGRAM, clock, faults, disk, watching),
        AskedNetwork(OFFICE, OFFICE_LIMITS, clock, faults, disk, watching),
        Network(ROOM, ROOM_LIMITS, clock, faults, disk, watching),
    )
