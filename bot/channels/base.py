"""The contract of a channel: it hands on what its platform sent, and sends what it is given. It knows nothing else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from flows.limits import Limits
from flows.model import Said, Say


@dataclass(frozen=True, slots=True)
class Inbound:
    """One thing a person did on a platform.

    channel, account, address   where: the platform, which of our accounts there, and who (the platform's id of them)
    event                       the platform's id of this event: the same event twice has the same id
    said                        what they wrote or pressed
    name, language              what the platform says of them; "" where it says nothing
    """

    channel: str
    account: str
    address: str
    event: str
    said: Said
    name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Outbound:
    """One message to send.

    id          the outbox row's, the same at every attempt
    replaces    reference of the message that this one changes; "" where it stands by itself
    maybe_sent  a process that was killed may have sent it already: where the platform can tell, ask first
    """

    id: int
    channel: str
    account: str
    address: str
    conversation: int
    say: Say
    replaces: str = ""
    maybe_sent: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The platform took the message; `reference` is its id there."""

    reference: str


class SendFailed(Exception):
    """A message did not go out.

    retry_after   try again after so long; None: by our own back-off
    final         never try again (blocked, gone)
    unknown       it may have arrived: what happens now is the channel's rule
    """

    def __init__(
        self, reason: str, *, retry_after: timedelta | None = None, final: bool = False, unknown: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.final, self.unknown = reason, retry_after, final, unknown


Receive = Callable[[Inbound], Awaitable[None]]
"""Returns only once the event is stored: only then may the platform be told that it was taken."""


class Channel(Protocol):
    """A platform, as the rest of the bot sees it."""

    name: str
    account: str
    limits: Limits

    async def listen(self, receive: Receive) -> None:
        """Hands on events until it is cancelled."""

    async def send(self, message: Outbound) -> Receipt:
        """Sends one message. Raises SendFailed."""
