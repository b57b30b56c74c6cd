"""What a channel's tests offer, so that one suite (test_contract.py) runs against every channel.

A new channel adds a module like on_telegram.py here: an async context manager that opens a `Platform` with two people,
"ana" and "ben", and one line in test_contract.py. The platform behind it is a stand-in on a loopback socket that keeps
the platform's published rules, or the real server.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.channels.base import Channel, Inbound
from tests.waiting import PATIENCE

"""Seconds within which anything happens on a loopback socket."""


class Fault(StrEnum):
    """What the next send meets on its way."""

    SLOW_DOWN = "429 with a wait"
    BROKEN = "5xx, and nothing was shown"
    UNREACHABLE = "connection refused"
    LOST = "shown, but the answer never comes"
    BLOCKED = "they blocked us"
    MOVED = "their chat has another id now"
    GONE = "the message that it replaces was deleted"


@dataclass(frozen=True, slots=True)
class Bubble:
    """A message of ours as their phone shows it now.

    reference  the platform's id of it, as a Receipt has it
    text       as it is read: without the markup that the platform took as such, and without the numbered list where
               choices are one
    choices    the labels of what can be chosen, in order; a *done* button or one that shares a place is none of them
    ticked     the labels that are shown as ticked
    alive      what markup made pressable or noisy beside the choices: hidden links, mentions
    leave      what stands beside the sign that says *stop*, where that is no button
    """

    reference: str
    text: str
    choices: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()
    alive: tuple[str, ...] = ()
    leave: str = ""


class Platform(Protocol):
    """A platform with one account of ours and two people on it.

    channel  connected to it; the suite runs its `listen`
    lacks    what this platform does not have, by the name of the method below or of the Fault, and why: what needs it
             is skipped ({"edit": "a terminal's lines stay", Fault.MOVED: "addresses stay"}). Three more names:
             "replace" (a message cannot be changed), "delivery" (an event comes once, or is lost), "ben" (there is one
             person)
    wait     the seconds that Fault.SLOW_DOWN asks for
    secrets  tokens and the like: no reason and no log line may hold one
    """

    @property
    def channel(self) -> Channel:
        """See above, as for the next three."""

    @property
    def lacks(self) -> Mapping[str, str]: ...

    @property
    def wait(self) -> float: ...

    @property
    def secrets(self) -> tuple[str, ...]: ...

    def address(self, who: str) -> str:
        """As `Inbound.address` has it."""

    async def write(self, who: str, text: str) -> str:
        """They write; the platform's name of that message, for `edit`."""

    async def edit(self, who: str, message: str, text: str) -> None:
        """They change what they wrote."""

    async def press(self, who: str, label: str) -> None:
        """They choose what stands under this label (as `Bubble.choices` has it) in the newest message that offers it:
        a press on the button, or the number typed where there are none. In a `many` that is a tick."""

    async def finish(self, who: str) -> None:
        """They press what closes the newest `many`, or whatever hands in its ticks."""

    async def way_out(self, who: str, label: str) -> None:
        """They do the one thing by which our newest message lets them leave, called that (`Say.leave`)."""

    async def share_place(self, who: str, lat: float, lon: float) -> None:
        """They share a point."""

    async def share_photo(self, who: str) -> str:
        """They send a picture; the reference that `Said.photo` must have."""

    async def open_link(self, who: str, payload: str) -> None:
        """They open the bot by a link that carries this."""

    async def again(self, times: int) -> None:
        """All that people did so far is delivered so many times more, each time in another order."""

    def shown(self, who: str) -> list[Bubble]:
        """Our messages on their phone, oldest first."""

    def meet(self, fault: Fault) -> None:
        """The next message that is sent meets this; those after it go well. (Not Fault.UNREACHABLE: see below.)"""

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        """Meanwhile nobody listens where the platform was: connections are refused, and those that stood are gone."""


class Small:
    """What a platform can lack: the drivers of small ones begin here, and name it in `lacks`."""

    async def edit(self, who: str, message: str, text: str) -> None:
        raise NotImplementedError

    async def way_out(self, who: str, label: str) -> None:
        raise NotImplementedError

    async def share_place(self, who: str, lat: float, lon: float) -> None:
        raise NotImplementedError

    async def share_photo(self, who: str) -> str:
        raise NotImplementedError

    async def open_link(self, who: str, payload: str) -> None:
        raise NotImplementedError

    async def again(self, times: int) -> None:
        raise NotImplementedError

    def meet(self, fault: Fault) -> None:
        raise NotImplementedError

    def unreachable(self) -> AbstractAsyncContextManager[None]:
        raise NotImplementedError


Open = Callable[[], AbstractAsyncContextManager[Platform]]


@dataclass
class Kept:
    """Stands for storage: keeps each event once.

    taken   what was kept, in order
    broken  so many of the next events cannot be stored
    gate    what is received waits for it
    """

    taken: list[Inbound] = field(default_factory=list)
    handed: int = 0
    broken: int = 0
    gate: asyncio.Event | None = None

    async def receive(self, inbound: Inbound) -> None:
        self.handed += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            self.broken -= 1
            raise RuntimeError("nothing can be stored just now")
        if not any(_event(inbound) == _event(before) for before in self.taken):
            self.taken.append(inbound)

    async def until(self, count: int) -> list[Inbound]:
        """What was kept, once it is so many. Fails where that never happens."""
        async with asyncio.timeout(PATIENCE):
            while len(self.taken) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        return self.taken

    async def until_handed(self, count: int) -> None:
        """Returns once so many were handed over, new or not. Fails where that never happens."""
        async with asyncio.timeout(PATIENCE):
            while self.handed < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def _event(inbound: Inbound) -> tuple[str, str, str]:
    return inbound.channel, inbound.account, inbound.event


@asynccontextmanager
async def listening(channel: Channel, kept: Kept) -> AsyncIterator[Kept]:
    """The channel hands on what people do, to `kept`."""
    task = asyncio.create_task(channel.listen(kept.receive))
    try:
        await asyncio.sleep(0)
        yield kept
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), PATIENCE)
