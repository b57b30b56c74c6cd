"""Where `doorstep run` may die between an event and the record of its answer: nine points, for the nursery's children.

Imported by the nursery's mother, so that each child has it. A child dies, by SIGKILL, at the point that stands in the
file `death` beside its configuration, the first time it comes there; it takes the file away before.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from bot import sender
from bot.channels.base import Inbound
from bot.channels.telegram import Telegram
from bot.channels.telegram_calls import Calls
from bot.turn import Turns
from storage.store import Store

POINTS = (
    "received", "before the transaction", "inside it", "committed", "told", "claimed", "before the wire",
    "on the wire", "answered",
)  # fmt: skip
"""In the order in which they are passed. At the last two the platform has the message, and nobody here knows."""

ANSWER_LOST = POINTS[7:]

ON_THE_WIRE = 0.03
"""Seconds after which one who dies on the wire does so; the platform holds its answer back for longer."""

_receiving = ContextVar("_receiving", default=False)


def order(folder: Path, point: str) -> None:
    """The process that has its configuration in this folder dies there."""
    (folder / "new death").write_text(point)
    (folder / "new death").rename(folder / "death")


def ordered(folder: Path) -> bool:
    """Whether it is still alive, as far as this goes."""
    return (folder / "death").exists()


def _point(name: str) -> bool:
    file = Path(sys.argv[-1]).with_name("death")
    try:
        return file.read_text() == name
    except OSError:
        return False


def _die(name: str) -> None:
    if _point(name):
        Path(sys.argv[-1]).with_name("death").unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _after(seconds: float, name: str) -> None:
    if _point(name):
        asyncio.get_running_loop().call_later(seconds, _die, name)


def _wrap(
    owner: Any, name: str, make: Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]
) -> None:
    setattr(owner, name, make(getattr(owner, name)))


_taken = [False]


def _receive(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def receive(self: Turns, inbound: Inbound) -> None:
        _die("received")
        token = _receiving.set(True)
        try:
            await real(self, inbound)
        finally:
            _receiving.reset(token)
        _die("committed")
        _taken[0] = True

    return receive


def _run(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def run(self: Store, work: Any) -> Any:
        if _receiving.get():
            _die("before the transaction")
        return await real(self, work)

    return run


def _hear(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def hear(*arguments: Any) -> Any:
        taken = await real(*arguments)
        _die("inside it")
        return taken

    return hear


def _call(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def call(self: Calls, method: str, *arguments: Any, **more: Any) -> Any:
        if method == "getUpdates" and _taken[0]:
            _after(ON_THE_WIRE, "told")
        if method == "sendMessage":
            _after(ON_THE_WIRE, "on the wire")
        return await real(self, method, *arguments, **more)

    return call


def _claimed(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def claimed(self: sender.Sender) -> Any:
        found = await real(self)
        if found:
            _die("claimed")
        if found and _point("told"):
            # The platform is being told just now, and nothing is to be on the wire when it has been.
            await asyncio.Event().wait()
        return found

    return claimed


def _send(real: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def send(self: Telegram, message: Any) -> Any:
        _die("before the wire")
        receipt = await real(self, message)
        _die("answered")
        return receipt

    return send


for _owner, _name, _make in (
    (Turns, "receive", _receive),
    (Turns, "_hear", _hear),
    (Store, "run", _run),
    (Calls, "call", _call),
    (sender.Sender, "_claimed", _claimed),
    (Telegram, "send", _send),
):
    _wrap(_owner, _name, _make)
