"""What goes wrong: which fault comes next, and how often each has come."""

from collections.abc import Mapping, Sequence
from random import Random

EVENT, SEND, PASS, TICK = "event", "send", "pass", "tick"
"""Where a fault can strike: while an event is taken, a message sent, messages claimed, or the clock ticks."""

DECKS: Mapping[str, Sequence[str]] = {
    EVENT: (
        "killed_on_receipt", "killed_in_turn", "killed_before_commit", "killed_after_commit", "duplicate_event",
        "reordered_event", "database_locked", "database_full", "database_gone",
    ),
    SEND: (
        "killed_before_send", "killed_on_the_wire", "killed_while_recording", "killed_after_recording",
        "connection_refused", "server_error", "too_many_requests_chat", "too_many_requests_account",
        "timed_out_delivered", "timed_out_undelivered", "channel_broke", "stop_on_the_wire",
    ),
    PASS: ("killed_while_claiming",),
    TICK: (
        "killed_in_tick", "clock_hour_ahead", "clock_hour_back", "flows_edited", "flows_refused", "clock_day_ahead",
        "database_gone",
    ),
}  # fmt: skip
"""The faults of each place; each comes once before one of them comes again."""

KINDS = tuple(dict.fromkeys(kind for deck in DECKS.values() for kind in deck))

RARITY: Mapping[str, int] = {EVENT: 7, SEND: 9, PASS: 60, TICK: 24}
"""One in so many, about, goes wrong."""


class Faults:
    """Deals faults. Where it is not `on`, none."""

    def __init__(self, chance: Random, on: bool) -> None:
        self._chance = chance
        self._on = on
        self._decks: dict[str, list[str]] = {where: [] for where in DECKS}
        self.counts = dict.fromkeys(KINDS, 0)

    def end(self) -> None:
        """From now on all goes well."""
        self._on = False

    def draw(self, where: str) -> str:
        """What goes wrong here and now; "": nothing. It counts only once it is said to have `happened`."""
        if not self._on or self._chance.randrange(RARITY[where]):
            return ""
        deck = self._decks[where]
        if not deck:
            deck += DECKS[where]
            self._chance.shuffle(deck)
        return deck.pop()

    def happened(self, kind: str) -> None:
        """A fault has struck."""
        self.counts[kind] += 1

    def number(self, least: int, most: int) -> int:
        """Any number from `least` to `most`."""
        return self._chance.randint(least, most)
