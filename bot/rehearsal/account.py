"""What is checked, how often it held, and the first thing that did not."""

from bot.rehearsal.clock import WorldClock

EXACTLY_ONCE = "each_event_once"
SENT = "each_message_sent_or_shown"
TWICE = "twice_only_where_an_answer_was_lost"
ORDER = "a_chat_in_its_order"
STOP = "silence_after_stop"
PACE = "platform_limits_kept"
SCOPE = "a_refusal_pauses_only_its_scope"
LIVE = "live_before_broadcast"
CONTACT = "contact_only_after_both_shared"
DISTRICT = "no_place_finer_than_a_district"
FORGOTTEN = "forgotten_is_unreadable"
DELETED = "bodies_deleted_after_30_days"
LOGS = "nothing_personal_outside_seals"
HEARD = "nobody_waits_unheard_over_48_hours"
CAPACITY = "no_buddy_above_capacity"
ONE_PAIR = "an_ended_pair_never_again"
CARD = "a_card_is_acted_on_once"

PROMISES = (
    EXACTLY_ONCE, SENT, TWICE, ORDER, STOP, PACE, SCOPE, LIVE, CONTACT, DISTRICT, FORGOTTEN, DELETED, LOGS, HEARD,
    CAPACITY, ONE_PAIR, CARD,
)  # fmt: skip
"""Everything that is checked: the promises of the README, and those to the people who wait."""


class Account:
    """The observer's book. `broken` is the first promise that did not hold, and how; "" as long as all do."""

    def __init__(self, clock: WorldClock) -> None:
        self._clock = clock
        self.checks = dict.fromkeys(PROMISES, 0)
        self.broken = ""

    def check(self, promise: str, holds: bool, otherwise: str) -> None:
        """Notes whether a promise held here; `otherwise` says what is wrong if not."""
        self.checks[promise] += 1
        if not holds:
            self.wrong(promise, otherwise)

    def wrong(self, what: str, how: str) -> None:
        """Something is broken; only the first counts, for the rest may follow from it."""
        if not self.broken:
            day, rest = divmod(int(self._clock.seconds()), 86_400)
            self.broken = f"{what}: {how} (day {day + 1}, {rest // 3600:02}:{rest % 3600 // 60:02} after it began)"
