"""The observer's account of what went over the network, and what that says about the promises."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable

from bot.channels.base import Outbound
from bot.rehearsal import account
from bot.rehearsal.account import Account
from bot.rehearsal.clock import WorldClock
from bot.rehearsal.network import OFFICE, ROOM, Network
from bot.rehearsal.sight import Sight

_ROUNDING = 1e-6


class Sendings:
    """Watches every message from the moment it begins to be sent.

    arrived  how often each has arrived, by its number
    """

    def __init__(self, book: Account, clock: WorldClock, sight: Callable[[], Sight]) -> None:
        self.arrived: dict[int, int] = defaultdict(int)
        self._book, self._clock, self._sight = book, clock, sight
        self._lost: dict[int, int] = defaultdict(int)
        self._account: dict[str, deque[float]] = defaultdict(deque)
        self._chat: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._refused_at = float("-inf")
        self._newest: dict[tuple[str, int], int] = {}
        self._silent: dict[str, set[int]] = {}
        self._again: Counter[int] = Counter()

    # --- what the network tells

    def begins(self, network: Network, message: Outbound) -> None:
        """A message is about to be sent: is it allowed to be?"""
        allowed = self._silent.get(message.address)
        if allowed is not None:
            self._book.check(account.STOP, message.id in allowed, f"message {message.id} began after *stop*")
        self._pace(network, message.address)
        priority = self._sight().one("SELECT priority FROM outbox WHERE id = ?", message.id)
        if priority:
            self._live_first(network, message.id)
        # What was tried before is where it was in the order.
        key = (message.address, int(priority or 0))
        before = self._newest.get(key, 0)
        in_order = message.id >= before or message.id in self._again
        self._book.check(account.ORDER, in_order, f"message {message.id} went after {before}")
        self._newest[key] = max(before, message.id)

    def arrives(self, network: Network, message: Outbound) -> None:
        """The platform has taken it."""
        self.arrived[message.id] += 1
        times, lost = self.arrived[message.id], self._lost[message.id]
        most = 1 if network.name in (OFFICE, ROOM) else 1 + min(lost, 1) + 2 * self._again[message.id]
        self._book.check(account.TWICE, times <= most, f"message {message.id} came {times} times, {lost} answers lost")

    def lost(self, message: Outbound) -> None:
        """Its answer will not come."""
        self._lost[message.id] += 1

    def paused(self, network: Network, address: str, until: float) -> None:
        """The platform has refused: this chat, or the whole account, must wait."""
        scope = address or network.name
        self._pauses[scope] = max(self._pauses.get(scope, 0), until)
        self._refused_at = self._clock.seconds()

    # --- what the campaign tells

    def silence(self, address: str, allowed: set[int]) -> None:
        """They said *stop*, or wrote since: only these messages may still begin."""
        self._silent.setdefault(address, set()).update(allowed)

    def is_silent(self, address: str) -> bool:
        """Whether they said *stop* last."""
        return address in self._silent

    def speak(self, address: str) -> None:
        """They want to hear from us again, or are somebody new."""
        self._silent.pop(address, None)

    def again(self, person_id: int | None) -> None:
        """A coordinator has what is held of a person sent once more."""
        for (number,) in self._sight().rows("SELECT id FROM outbox WHERE state = 'held' AND person_id = ?", person_id):
            self._again[number] += 1

    def refused(self) -> bool:
        """Whether some chat has to wait now."""
        return any(until > self._clock.seconds() for until in self._pauses.values())

    def pauses_forgotten(self) -> None:
        """A clock was set, or a process killed: what was counted, or remembered, of a pause is gone."""
        self._pauses.clear()

    def all_sent(self, network: Network, now: int) -> None:
        """The sender has nothing to do: then whatever is due has to wait, for the whole account is paused.

        now  the bot's clock in microseconds
        """
        if self._pauses.get(network.name, 0) > self._clock.seconds() or network.struggles:
            return
        waiting = self._sight().rows(
            "SELECT o.id, a.id FROM outbox o JOIN addresses a ON a.id = o.address_id"
            " WHERE o.state = 'waiting' AND o.channel = ? AND o.due_at <= ? AND NOT EXISTS ("
            " SELECT 1 FROM outbox e WHERE e.address_id = o.address_id AND e.state IN ('waiting', 'claimed')"
            " AND (e.state = 'claimed' OR (e.priority, e.id) < (o.priority, o.id)))",
            network.name, now,
        )  # fmt: skip
        first = waiting[0][0] if waiting else 0
        self._book.check(account.SCOPE, not waiting, f"message {first} waits for nothing")

    def _pace(self, network: Network, address: str) -> None:
        now, limits = self._clock.seconds(), network.limits
        for scope in (network.name, address):
            # What was claimed together is on the wire together: the first refusal comes too late for the others.
            fine = now + _ROUNDING >= self._pauses.get(scope, 0) or now <= self._refused_at
            self._book.check(account.PACE, fine, f"{scope} was written to during a pause")
        if limits.account is not None:
            begun = self._account[network.name]
            begun.append(now)
            while begun[0] <= now - limits.account.seconds:
                begun.popleft()
            most = limits.account.messages
            self._book.check(account.PACE, len(begun) <= most, f"{len(begun)} messages on {network.name} in a second")
        if limits.chat is not None and limits.chat.burst == 1:
            gap = now - self._chat.get(address, float("-inf"))
            enough = gap + _ROUNDING >= limits.chat.seconds / limits.chat.messages
            self._book.check(account.PACE, enough, f"two messages into one chat within {gap:.3f} seconds")
            self._chat[address] = now

    def _live_first(self, network: Network, broadcast: int) -> None:
        """No live message that could have gone waits while a broadcast begins."""
        sight = self._sight()
        behind = sight.one(
            "SELECT o.id FROM outbox o JOIN outbox b ON b.id = ? WHERE o.channel = b.channel AND o.priority = 0"
            " AND o.state = 'waiting' AND o.due_at < b.claimed_at AND o.created_at < b.claimed_at"
            " AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.address_id = o.address_id AND e.id != o.id"
            " AND e.state IN ('waiting', 'claimed') AND (e.state = 'claimed' OR (e.priority = 0 AND e.id < o.id)))",
            broadcast,
        )
        self._book.check(account.LIVE, behind is None, f"message {behind} waits behind broadcast {broadcast}")
