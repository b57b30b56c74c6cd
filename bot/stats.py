"""How far people came, in numbers: for the command, and for whoever asks for JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.restraint import HELD_BACK, JUST_HAD_ONE, QUIET, TOO_LATE, WEEKLY_CAP
from storage.funnel import COUNTED_FROM
from storage.transaction import Transaction

LABELS: Mapping[str, str] = {
    "wrote_first": "wrote first",
    "asked_for_a_buddy": "asked for a buddy",
    "offered": "offered to a buddy",
    "accepted": "a buddy said yes",
    "introduced": "introduced",
    "planned": "planned something",
    "signed_up": "signed up for an action",
    "came": "came",
    "met": "met",
    "met_again": "met again",
}
"""What people read for each of `storage.funnel.STEPS`, in order."""

HELD: Mapping[str, str] = {
    "weekly_cap": WEEKLY_CAP,
    "just_had_one": JUST_HAD_ONE,
    "quiet_hours": QUIET,
    "too_late": TOO_LATE,
}
"""What is counted of the messages that the bot would have begun by itself: three reasons to hold one back for a time,
and those that made no sense any more when their time came. The ledger's words for each."""

_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
_END = datetime(3000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how many people took it ever, and how many for the first time in the period.

    share         of those who took the step before; None for the first step, and where nobody took that
    period_share  the same of the period
    took          the median of the time since `storage.funnel.COUNTED_FROM`'s step; None where nobody took it
    period_took   the same of the period
    """

    name: str
    people: int
    share: float | None
    period: int
    period_share: float | None
    took: timedelta | None = None
    period_took: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """The numbers of a group at a moment; the period is the last `days` days.

    pairs  by state, only those states that there are
    held   by each of `HELD`: how often ever, and how often in the period
    """

    at: datetime
    days: int
    connections: int
    period_connections: int
    funnel: tuple[Step, ...]
    waiting: int
    free_buddies: int
    pairs: Mapping[str, int]
    held: Mapping[str, tuple[int, int]]


async def count(tx: Transaction, days: int) -> Stats:
    """Counts everything, with a period of so many days until now."""
    since = tx.now - timedelta(days=days)
    ever, period = await tx.funnel.reached(_BEGINNING, _END), await tx.funnel.reached(since, _END)
    took, took_lately = await tx.funnel.took(_BEGINNING, _END), await tx.funnel.took(since, _END)
    steps = []
    before: str | None = None
    for name in LABELS:
        shares = [_share(counts, name, before) for counts in (ever, period)]
        times = (took.get(name), took_lately.get(name))
        steps.append(Step(name, ever[name], shares[0], period[name], shares[1], *times))
        before = name
    return Stats(
        at=tx.now,
        days=days,
        connections=await tx.funnel.connections(_BEGINNING, _END),
        period_connections=await tx.funnel.connections(since, _END),
        funnel=tuple(steps),
        waiting=await tx.funnel.waiting(),
        free_buddies=await tx.funnel.free_buddies(),
        pairs=await tx.pairs.by_state(),
        held=await _held(tx, since),
    )


async def _held(tx: Transaction, since: datetime) -> Mapping[str, tuple[int, int]]:
    ever, lately = [await _held_in(tx, start) for start in (_BEGINNING, since)]
    return {name: (ever.get(why, 0), lately.get(why, 0)) for name, why in HELD.items()}


async def _held_in(tx: Transaction, since: datetime) -> Mapping[str, int]:
    too_late = sum((await tx.ledger.reasons(TOO_LATE, since, _END)).values())
    return {**await tx.ledger.reasons(HELD_BACK, since, _END), TOO_LATE: too_late}


def as_json(stats: Stats) -> dict[str, object]:
    """The numbers with keys that stay. Shares are parts of one, to three places, or null; `median` is in whole seconds
    since the step `median_since`, or null."""
    return {
        "at": stats.at.isoformat(),
        "days": stats.days,
        "connections": {"all": stats.connections, "period": stats.period_connections},
        "funnel": [
            {
                "step": step.name,
                "people": {"all": step.people, "period": step.period},
                "share": {"all": _rounded(step.share), "period": _rounded(step.period_share)},
                "median_since": COUNTED_FROM.get(step.name),
                "median": {"all": _seconds(step.took), "period": _seconds(step.period_took)},
            }
            for step in stats.funnel
        ],
        "waiting": stats.waiting,
        "free_buddies": stats.free_buddies,
        "pairs": dict(stats.pairs),
        "held_back": {name: {"all": ever, "period": lately} for name, (ever, lately) in stats.held.items()},
    }


def _share(counts: Mapping[str, int], name: str, before: str | None) -> float | None:
    return counts[name] / counts[before] if before is not None and counts[before] else None


def how_long(span: timedelta) -> str:
    """A span of time as one reads it at a glance: "40 s", "25 min", "7 h", "3 days"."""
    seconds = span.total_seconds()
    for most, unit, word in ((99, 1, "s"), (99 * 60, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds <= most:
            return f"{seconds / unit:.0f} {word}"
    return f"{seconds / 86_400:.0f} days"


def _seconds(span: timedelta | None) -> int | None:
    return None if span is None else round(span.total_seconds())


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)
