"""The contract of a channel: it hands on what its platform sent, and sends what it is given. It knows nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from flows.limits import Limits
from flows.model import Said, Say


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing a person did on a platform.

    channel, account, address   where: the platform, which of our accounts there, and who (the platform's id of them)
    event                       the platform's id of this event: the same event twice has the same id
    said                        what they wrote or pressed
    name, language              what the platform says of them; "" where it says nothing
    formerly                    another address under which the same person may be known; "" where there is none
    silent                      nothing is answered where something waited for them to write, which goes out, unless it
                                is a word like *stop*; without words they have only moved from `formerly`
    at                          when they did it, as the platform says (aware UTC); None where it does not. Of a second
                                or minute that it names, the end
    """

    channel: str
    account: str
    address: str
    event: str
    said: Said
    name: str = ""
    language: str = ""
    formerly: str = ""
    silent: bool = False
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send.

    id          the outbox row's, the same at every attempt
    replaces    reference of the message that this one changes; "" where it stands by itself
    maybe_sent  a process that was killed may have sent it already: where the platform can tell, ask first
    closed      the platform took it, and then said that they have not written for too long (`Limits.window`)
    last        they asked for no more messages: this confirms it
    """

    id: int
    channel: str
    account: str
    address: str
    conversation: int
    say: Say
    replaces: str = ""
    maybe_sent: bool = False
    closed: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform took the message; `reference` is its id there."""

    reference: str


class SendFailed(Exception):
    """A message did not go out.

    reason        in a coordinator's words where it is final: no address, no token, nothing that was written
    retry_after   try again after so long; None: by our own back-off
    everyone      it is the whole account that must wait, not this chat alone
    final         never try again (blocked, gone)
    unknown       it may have arrived: what happens now is the channel's rule, see `Channel`
    until_heard   it waits until they write (`Limits.window`); with `final` coordinators see that it does
    """

    def __init__(
        self,
        reason: str,
        *,
        retry_after: timedelta | None = None,
        everyone: bool = False,
        final: bool = False,
        unknown: bool = False,
        until_heard: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.everyone = reason, retry_after, everyone
        self.final, self.unknown, self.until_heard = final, unknown, until_heard


Receive = Callable[[Inbound], Awaitable[None]]
"""Returns only once the event is stored: only then may the platform be told that it was taken."""

Told = Callable[[int, str, Receipt | SendFailed], Awaitable[None]]
"""Told later what became of a message: its number, the platform's id of it, and whether it arrived after all or did
not. Returns only once that is stored."""

Report = Callable[[str], None]
"""Told why a channel cannot do its work, in one line for whoever runs it and without a secret; "" once it can again."""

Reached = Callable[[str], Awaitable[None]]
"""Told how a chat with this account is opened: a link that ends where a code goes. Never raises."""


class Channel(Protocol):
    """A platform, as the rest of the bot sees it.

    Where an answer was lost, a message is sent again as often as it takes if the platform sees it once all the same
    (`limits.once`); else once more, and then held for a coordinator. A channel that is also `Asking` is asked first.
    """

    name: str
    account: str
    limits: Limits

    async def listen(self, receive: Receive) -> None:
        """Hands on events until it is cancelled."""

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message. Raises SendFailed."""


class Memory(Protocol):
    """A few short texts that a channel must know again after a restart, each under a name. They are kept sealed."""

    async def get(self, name: str) -> str:
        """The text; "" where nothing was kept."""

    async def set(self, name: str, text: str) -> None:
        """Keeps it, whatever was kept before. Returns only once it is stored."""


@runtime_checkable
class Asking(Protocol):
    """A channel whose platform can tell what became of a message whose answer was lost."""

    async def settled(self, message: Outbound) -> Receipt | None:
        """The receipt of a message that has arrived after all; None where it surely has not, so that it is sent again.

        Raises SendFailed: it cannot be told yet (`retry_after`), or never will be (`final`).
        """


@runtime_checkable
class Telling(Protocol):
    """A channel whose platform says later, too, what became of a message that it had taken.

    told  whom it tells
    """

    told: Told


@runtime_checkable
class Everywhere(Protocol):
    """A channel that may say that it listens in every process at once: each may be called by its platform (a webhook).

    Any other is listened to only by the process that also sends for its account.
    """

    everywhere: bool
