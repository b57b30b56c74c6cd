"""What becomes of a message, by what its platform said. Pure."""

from collections.abc import Callable
from datetime import datetime, timedelta

from bot.channels.base import Receipt, SendFailed
from storage.sending import AGAIN, CLOSED, FAILED, HELD, SENT, Claimed, Outcome

MOST_TRIES = 300
"""Attempts before a message is given up: with the pauses below about a day, which a platform's worst outage lasts."""

BROKEN_TRIES = 6
"""The same where our own channel breaks over a message: that is no outage."""

SHORTEST_PAUSE = timedelta(seconds=0.5)
LONGEST_PAUSE = timedelta(minutes=10)
"""Between two attempts, each twice the one before."""

PATIENCE = timedelta(days=3)
"""How long a message waits for someone to write: most of what it may be about is over then."""

LOST = "the platform never said whether it arrived"
"""The reason of what is held because it was sent once more, and that answer was lost too."""

_LONGEST_REASON = 200


class Broken(SendFailed):
    """The channel itself broke over a message: a mistake of ours."""

    def __init__(self, reason: str, tries: int) -> None:
        super().__init__(reason, final=tries + 1 >= BROKEN_TRIES)


def back_off(tries: int, chance: Callable[[], float]) -> timedelta:
    """Any time up to a limit that doubles from half a second to ten minutes, so that not all come back at once.

    "Full jitter" of Marc Brooker's Exponential Backoff And Jitter (AWS Architecture Blog, 2015). `chance`: 0 to 1.
    """
    longest: timedelta = min(SHORTEST_PAUSE * (1 << min(tries, 20)), LONGEST_PAUSE)
    return longest * chance()


def verdict(
    message: Claimed,
    result: Receipt | SendFailed,
    now: datetime,
    chance: Callable[[], float],
    *,
    asks: bool,
    once: bool,
) -> Outcome:
    """What becomes of it.

    asks  the channel can be asked what became of a lost answer
    once  the platform sees a message once, however often it is sent
    """
    if isinstance(result, Receipt):
        return Outcome(message, SENT, receipt=result.reference)
    if result.until_heard:
        return Outcome(message, AGAIN, reason=CLOSED, at=now + PATIENCE, shown=result.final)
    reason = plain(result.reason, message.address)
    if result.unknown and message.maybe_sent and not (asks or once):
        return Outcome(message, HELD, reason=LOST)
    if result.final or message.tries + 1 >= MOST_TRIES:
        # A change of an older message, an account that may not write at all, or a mistake of ours says nothing of them.
        theirs = result.final and not (result.unknown or result.everyone or message.replaces)
        gone = theirs and not isinstance(result, Broken)
        return Outcome(message, HELD if result.unknown else FAILED, reason=reason, gone=gone)
    pause = back_off(message.tries, chance) if result.retry_after is None else result.retry_after
    # What was doubtful stays so when a further try was refused.
    return Outcome(message, AGAIN, reason=reason, at=now + pause, doubtful=result.unknown or message.maybe_sent)


def plain(reason: str, address: str) -> str:
    """A reason as coordinators may read it: on one line, and without the person's address."""
    shown = " ".join(reason.split())
    return (shown.replace(address, "…") if len(address) > 3 else shown)[:_LONGEST_REASON]
