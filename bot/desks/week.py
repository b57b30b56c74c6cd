"""The week in a few lines: for the daily digest, and for who asks. Nobody's name is in it."""

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from bot import stats
from bot.desks.reading import day
from bot.long_quiet import FORGOTTEN
from bot.retention import DELETED
from storage.transaction import Transaction

DAYS = 7
COMING = 8
"""Actions that are listed at most."""


@dataclass(frozen=True, slots=True)
class Week:
    """The last seven days and the next: connections as the headline, then what waits, then what comes."""

    headline: str
    lines: tuple[str, ...]
    coming: tuple[str, ...] = ()


async def week(tx: Transaction, zone: ZoneInfo) -> Week:
    """The week until now, and the actions of the coming one, times being of this zone."""
    counted = await stats.count(tx, DAYS)
    met, ever = counted.period_connections, counted.connections
    headline = f"{_count(met, 'connection') if met else 'No connections'} in the last seven days, {ever} in all"
    lines = (*await _people(tx, counted), *await _cards(tx, zone), *await _removed(tx))
    return Week(headline, lines, await _coming(tx, zone))


async def _removed(tx: Transaction) -> list[str]:
    """What was deleted because it was old."""
    since, lines = tx.now - timedelta(days=DAYS), []
    messages = sum(int(many) for many in await tx.ledger.details(DELETED, since))
    people = len(await tx.ledger.details(FORGOTTEN, since))
    if messages:
        lines.append(f"Old messages deleted: {messages:,}")
    if people:
        were = "1 person was" if people == 1 else f"{people} people were"
        lines.append(f"{were} quiet for so long that they were forgotten")
    return lines


async def _people(tx: Transaction, counted: stats.Stats) -> list[str]:
    free = f"{_count(counted.free_buddies, 'buddy', 'buddies')} free"
    since = await tx.funnel.waiting_since()
    yes = next((step.period_took for step in counted.funnel if step.name == "accepted"), None)
    free += f" · a yes comes after {stats.how_long(yes)}" if yes is not None else ""
    if since is None:
        return [f"Nobody waits for a buddy · {free}"]
    longest = (tx.now - since).days
    waiting = "1 person waits" if counted.waiting == 1 else f"{counted.waiting} people wait"
    how_long = "since today" if not longest else f"the longest for {_count(longest, 'day')}"
    return [f"{waiting} for a buddy, {how_long} · {free}"]


async def _cards(tx: Transaction, zone: ZoneInfo) -> list[str]:
    counts = await tx.cards.counts()
    total = sum(number for number, _ in counts.values())
    if not total:
        return ["No card waits for somebody"]
    since = day(min(at for _, at in counts.values()), zone)
    lines = [f"{_count(total, 'card waits', 'cards wait')} for somebody, the oldest since {since}"]
    stalled, failed, held = (counts.get(kind, (0, None))[0] for kind in ("stalled", "failed_send", "held_send"))
    if stalled:
        lines.append(f"{_count(stalled, 'match', 'matches')} in which nothing moves")
    if failed or held:
        lines.append(f"Messages that did not arrive: {failed} · that may not have: {held}")
    return lines


async def _coming(tx: Transaction, zone: ZoneInfo) -> tuple[str, ...]:
    soon = tx.now + timedelta(days=DAYS)
    actions = [each for each in await tx.actions.upcoming(COMING) if each.starts_at <= soon]
    return tuple(
        f"{action.title} · {day(action.starts_at, zone)} · {action.going}"
        f"{f' of {action.goal}' if action.goal else ''} signed up"
        for action in actions
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number} {many or one + 's'}"
