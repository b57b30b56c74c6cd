"""Actions that coordinators change or call off: one description, the same on every desk."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from zoneinfo import ZoneInfo

from bot.changed_actions import NotChanged, cancel_action, change_action
from bot.console.stage import Refused
from bot.desks.reading import day
from bot.new_actions import as_cells, changes
from bot.roles import Who
from storage.actions import Action
from storage.errors import NotFound
from storage.transaction import Transaction

if TYPE_CHECKING:
    from bot.app import Bot

T = TypeVar("T")

MOST = 100
"""Actions from which one is chosen, the soonest first."""

NONE_COMING = "No action of that name is to come."
GONE = "This action is not there any more."
EVERYBODY = "Everyone who signed up hears of it."
NOBODY = "Nobody is written to: day, time and place are as before."


@dataclass(frozen=True, slots=True)
class ActionView:
    """An action that is to come, or goes on.

    when    its beginning in the group's zone; `zone` is its own, in which `cells` tell its times
    people  how many signed up, be it as maybe or for a place that they wait for: they hear of a change
    cells   its texts by `bot.new_actions.COLUMNS`, as they can be changed
    """

    id: int
    title: str
    when: str
    zone: str
    people: int
    cells: Mapping[str, str]

    @property
    def words(self) -> str:
        """In a line."""
        return f"{self.when}: {self.title}"

    @property
    def sure(self) -> str:
        """What is asked before it is called off."""
        one = "1 person has signed up, and hears"
        told = one if self.people == 1 else f"{self.people} people have signed up, and hear"
        return f"{told} of it if you call it off. There is no way back."


async def views(tx: Transaction, name: str, zone: ZoneInfo) -> list[ActionView]:
    """Those whose title holds `name`, in any case."""
    found = [each for each in await tx.actions.upcoming(MOST) if name.casefold() in each.title.casefold()]
    return [await _view(tx, each, zone) for each in found]


async def _view(tx: Transaction, action: Action, zone: ZoneInfo) -> ActionView:
    people = len(await tx.actions.people(action.id))
    return ActionView(
        action.id, action.title, day(action.starts_at, zone), action.zone or zone.key, people, as_cells(action)
    )  # fmt: skip


async def change(bot: "Bot", number: int, cells: Mapping[str, str], who: Who, zone: ZoneInfo) -> str:
    """Changes what these texts say anew: what it did, in a sentence. Raises Refused; BadCells, by column."""
    await bot.places_ready()
    before = await bot.store.read(lambda tx: tx.actions.get(number))
    if before is None:
        raise Refused(GONE)
    shown = as_cells(before)
    new = {column: text for column, text in cells.items() if text.strip() != shown.get(column, "")}
    columns = changes(before, new, bot.world.places, bot.clock())

    async def work(tx: Transaction) -> tuple[bool, Action]:
        news = await change_action(tx, number, **columns)
        after = await tx.actions.get(number)
        assert after is not None, "it was changed a moment ago"
        await tx.audit.add(who.role, who.name, "changed an action", f"action:{number}")
        return news, after

    news, after = await _done(bot, work)
    return f"“{after.title}” is changed: {day(after.starts_at, zone)}. {EVERYBODY if news else NOBODY}"


async def cancel(bot: "Bot", number: int, who: Who) -> str:
    """Calls an action off: what it did, in a sentence. Raises Refused."""

    async def work(tx: Transaction) -> str:
        await cancel_action(tx, number)
        action = await tx.actions.get(number)
        assert action is not None, "it was called off a moment ago"
        await tx.audit.add(who.role, who.name, "called an action off", f"action:{number}")
        return action.title

    return f"“{await _done(bot, work)}” is called off. {EVERYBODY}"


async def _done(bot: "Bot", work: Callable[[Transaction], Awaitable[T]]) -> T:
    try:
        return await bot.store.run(work)
    except NotChanged as why:
        told = str(why)
        raise Refused(f"{told[:1].upper()}{told[1:]}.") from why
    except NotFound as why:
        raise Refused(GONE) from why
    finally:
        bot.stir()
