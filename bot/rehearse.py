"""A whole campaign in virtual time: what to expect of one, and whether every promise holds on good days and bad."""

import asyncio
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from bot.group import Group
from bot.places import Places
from bot.rehearsal.account import PROMISES
from bot.rehearsal.campaign import Campaign
from bot.rehearsal.clock import VirtualLoop, WorldClock
from bot.rehearsal.process import DATABASE
from bot.stats import count
from bot.world import World
from flows.model import Value
from storage.schema import migrate

ZONE = "Europe/London"

_PARTS = ("library", "languages")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to rehearse: so many people, for so many days, with this seed, and with faults or without."""

    supporters: int
    buddies: int
    days: int
    seed: int
    faults: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What came of it. Nothing in it depends on anything but what was wanted and on the flows.

    funnel    how many people came how far, by step
    messages  of each person in each week: the median and the most
    weeks     how many people had so many messages in one week, by that number; without those who had none
    cards     that were acted on, of each day: the mean and the most
    pressed   how many those were on each day, from the first
    faults    how often each kind has struck, `checks` how often each promise was checked
    broken    the first promise that did not hold, and how; "" where all did
    """

    wanted: Wanted
    funnel: Mapping[str, int]
    connections: int
    waiting: int
    messages: tuple[float, int]
    sent: int
    weeks: Mapping[int, int]
    cards: tuple[float, int]
    pressed: tuple[int, ...]
    faults: Mapping[str, int]
    checks: Mapping[str, int]
    broken: str

    def as_json(self) -> dict[str, object]:
        """With keys that stay."""
        wanted = self.wanted
        return {
            "seed": wanted.seed,
            "supporters": wanted.supporters,
            "buddies": wanted.buddies,
            "days": wanted.days,
            "funnel": dict(self.funnel),
            "connections": self.connections,
            "waiting": self.waiting,
            "messages": {
                "sent": self.sent,
                "person_week_median": self.messages[0],
                "person_week_most": self.messages[1],
                "person_weeks": {str(count): people for count, people in sorted(self.weeks.items())},
            },
            "cards": {"day_mean": self.cards[0], "day_most": self.cards[1], "days": list(self.pressed)},
            "faults": dict(self.faults),
            "checks": dict(self.checks),
            "broken": self.broken,
        }


def rehearse(
    wanted: Wanted, flows: Path, told: Callable[[int], None] = lambda _: None, places: Places | None = None
) -> Rehearsed:
    """Plays it in a folder that is gone afterwards. `told` hears of each day. Raises BadLibrary, OSError.

    places  for who rehearses often: they are read once then
    """
    with tempfile.TemporaryDirectory(prefix="doorstep-") as folder, asyncio.Runner(loop_factory=VirtualLoop) as runner:
        (Path(folder) / DATABASE).write_bytes(_empty_database())
        for part in _PARTS:
            if (flows / part).is_dir():
                shutil.copytree(flows / part, Path(folder) / "flows" / part)
        return runner.run(_rehearsed(wanted, Path(folder), told, places or Places(zone=ZONE)))


@cache
def _empty_database() -> bytes:
    """The file of a database with tables and nothing in them: making them is a tenth of what a small campaign costs."""
    with tempfile.TemporaryDirectory(prefix="doorstep-") as folder:
        file = Path(folder) / DATABASE
        migrate(f"sqlite:///{file}")
        return file.read_bytes()


async def _rehearsed(wanted: Wanted, folder: Path, told: Callable[[int], None], places: Places) -> Rehearsed:
    places.load()
    org: dict[str, Value] = {"name": "Your group", "bot_name": "Doorstep", "time_zone": ZONE, "message_days": 30}
    world = World(Group(org, ZONE, ("en", "es")), places=places)
    clock = WorldClock(asyncio.get_running_loop())
    campaign = Campaign(
        folder, world, clock, supporters=wanted.supporters, buddies=wanted.buddies, days=wanted.days, seed=wanted.seed,
        faults=wanted.faults, told=told,
    )  # fmt: skip
    root, handler = logging.getLogger(), campaign.observer.logs()
    before, root.handlers = root.handlers, [handler]
    try:
        return await campaign.run(lambda: _counted(wanted, campaign))
    finally:
        root.handlers = before


async def _counted(wanted: Wanted, campaign: Campaign) -> Rehearsed:
    stats = await campaign.process.bot.store.read(lambda tx: count(tx, 1))
    observer, days = campaign.observer, range(wanted.days)
    seen = sorted(observer.seen.values()) or [0]
    cards = [campaign.coordinators.pressed[day] for day in days]
    return Rehearsed(
        wanted=wanted,
        funnel={step.name: step.people for step in stats.funnel},
        connections=stats.connections,
        waiting=stats.waiting,
        messages=(median(seen), seen[-1]),
        weeks=Counter(observer.seen.values()),
        sent=sum(seen),
        cards=(round(sum(cards) / max(len(cards), 1), 1), max(cards, default=0)),
        pressed=tuple(cards),
        faults=dict(campaign.faults.counts),
        checks={promise: observer.book.checks[promise] for promise in PROMISES},
        broken=observer.book.broken,
    )
