"""How long an account waits, whatever somebody does to the clock meanwhile."""

import asyncio
from datetime import timedelta

from bot.channels.base import SendFailed
from bot.rehearsal.clock import START, VirtualLoop, WorldClock
from bot.waits import Waits
from flows.limits import TELEGRAM


def test_a_clock_that_is_set_back_lengthens_no_pause() -> None:
    async def paused() -> float:
        clock = WorldClock(asyncio.get_running_loop())
        waits = Waits(TELEGRAM, clock, lambda: 1.0)
        refused = SendFailed("too many requests", retry_after=timedelta(seconds=28), everyone=True)
        waits.heard(1, refused, waits.seconds())
        await asyncio.sleep(20)
        clock.wrong = timedelta(hours=-1)
        now = waits.seconds()
        assert now == START.timestamp() + 20
        return waits.pace.next(now) - now

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(paused()) == 8
