"""The clock of a trial: real time and what was jumped over, with everything that happens on the way."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.sender import utc_now

STEP = timedelta(hours=1)
"""Nothing that falls due is noticed later than this."""

MORNING, NIGHT = time(8), time(21)
"""Between these two nobody is written to by themselves: a jump goes over the night in one step."""

EVENING = time(18)
"""When "tomorrow" is: by then what was due a day after today's noon has happened."""

FURTHEST = timedelta(days=60)
"""No single jump goes further."""


class TrialClock:
    """The trial's present, aware UTC. Any thread may ask; only the loop's moves it, and only forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead

    def to(self, moment: datetime) -> None:
        """It is this moment now, or later."""
        self.ahead = max(self.ahead, moment - utc_now())

    def reset(self) -> None:
        """It is the real present again: nothing of the trial is left."""
        self.ahead = timedelta()


def steps(now: datetime, until: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments on the way, `until` the last: on the full hours of the zone's day, without its nights."""
    at = now.astimezone(zone)
    while True:
        hour = at.replace(minute=0, second=0, microsecond=0)
        at = (hour.astimezone(now.tzinfo) + STEP).astimezone(zone)
        if at >= until:
            yield until
            return
        if MORNING <= at.time() < NIGHT:
            yield at.astimezone(now.tzinfo)


def tomorrow(now: datetime, zone: ZoneInfo) -> datetime:
    """The evening of the next day in this zone."""
    day = now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(day, EVENING, zone).astimezone(now.tzinfo)


async def pass_time(
    clock: TrialClock, until: datetime, zone: ZoneInfo, happen: Callable[[], Awaitable[None]], shown: Callable[[], None]
) -> None:
    """Lets time pass step by step; at each one `happen` does all that is due, and `shown` tells who watches."""
    now = clock()
    for moment in steps(now, min(until, now + FURTHEST), zone):
        clock.to(moment)
        await happen()
        shown()
        await asyncio.sleep(0)
