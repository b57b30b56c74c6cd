"""The contract of a desk: it shows cards on a platform, and hands on what coordinators press and write there."""

from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.console.stage import CardView
from bot.desks.office import Office
from flows.limits import Rate


class Desk(Protocol):
    """A platform on which coordinators work. Every call to it may raise `bot.channels.base.SendFailed`:

    retry_after  with `everyone`: the whole desk waits so long; else this card
    final        with `everyone`: the desk does not work (no such channel, no token), which is reported with the reason,
                 and tried again now and then; else this card cannot be shown there, and is let be
    otherwise    it is tried again, by a back-off; `unknown`: it may be there, see `Finding`

    Names and texts of a card are plain: on no platform they may become a link, a mention or markup.

    name  the same for ever: what is posted is remembered by it
    pace  how fast cards and lines may go there; None: as they come
    """

    name: str
    pace: Rate | None

    async def post(self, card: CardView) -> str:
        """Shows a card that was not there; the platform's reference of it."""
        ...

    async def change(self, reference: str, card: CardView) -> None:
        """Shows this in place of what is there. Raises Missing where that is not there any more."""
        ...

    async def say(self, reference: str, line: int, text: str) -> str:
        """Writes into the thread of a card; the reference of what was written. `line` tells lines apart. Raises Missing
        where the card is not there any more."""
        ...

    async def take_back(self, reference: str) -> None:
        """Deletes what was written into a thread. What is not there any more is no mistake."""
        ...

    async def listen(self, office: Office) -> None:
        """Hands on what coordinators do there, until it is cancelled."""
        ...


@runtime_checkable
class Finding(Protocol):
    """A desk whose platform can tell whether something is there whose answer was lost."""

    async def find(self, card: CardView, since: datetime) -> str | None:
        """The reference of a card that was begun then or later; None where it is not there."""
        ...

    async def find_line(self, reference: str, line: int) -> str | None:
        """The reference of a line in a card's thread; None where it is not there."""
        ...


class Missing(Exception):
    """What was to be changed is not there any more: somebody has deleted it."""
