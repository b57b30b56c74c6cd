"""`doorstep action change`, `cancel`, `code` and `campaign`: what becomes of actions that are published."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from bot.commands.action import totals_line, when
from bot.commands.shared import (
    ConfigOption,
    agreed,
    beside,
    configured,
    finish,
    interactive,
    note,
    plain,
    present,
    refuse,
    say,
    told,
)

if TYPE_CHECKING:
    from bot.config import Config
    from storage.actions import Action
    from storage.transaction import Transaction

T = TypeVar("T")

Number = Annotated[int, typer.Argument(metavar="ID", help="As `doorstep action list` shows it.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask before people are told.")]


def change(
    number: Number,
    config: ConfigOption,
    starts: Annotated[str, typer.Option("--starts", help="Like 2026-06-06 10:00, in the action's own zone.")] = "",
    ends: Annotated[str, typer.Option("--ends", help="Like 12:00, or 3 hours.")] = "",
    place: Annotated[str, typer.Option("--place", help="A town, shown to all.")] = "",
    address: Annotated[str, typer.Option("--address", help="Shown to those who signed up.")] = "",
    title: Annotated[str, typer.Option("--title", help="What people read first.")] = "",
    what: Annotated[str, typer.Option("--what", help="What happens there.")] = "",
    capacity: Annotated[str, typer.Option("--capacity", help="How many can come.")] = "",
    goal: Annotated[str, typer.Option("--goal", help="How many you hope for.")] = "",
    yes: YesOption = False,
) -> None:
    """Changes what is given. Another time or place is told once to everyone who signed up, and on a terminal it asks
    before; with more places, those who wait for one move up."""
    read = configured(config)
    cells = {
        "starts": starts, "ends": ends, "place": place, "address": address, "title": title, "what": what,
        "capacity": capacity, "goal": goal,
    }  # fmt: skip
    cells = {column: text for column, text in cells.items() if text.strip()}
    if not cells:
        refuse("say what to change: --starts, --ends, --place, --address, --title, --what, --capacity or --goal")
    before = _action(read, number)
    columns = told(lambda: _columns(read, before, cells))
    if not yes and _is_news(before, columns):
        _ask(read, before, "Change it?")
    news = _done(read, lambda tx: _change(tx, number, columns))
    after = _action(read, number)
    say(f"Action {number}, {plain(after.title)}, is changed: {when(after, read)}.")
    say("Everyone who signed up hears of it." if news else "Time and place are as before: nobody is written to.")


def cancel(number: Number, config: ConfigOption, yes: YesOption = False) -> None:
    """Calls an action off. Everyone who signed up hears of it, and of what else is on; on a terminal it asks before."""
    read = configured(config)
    before = _action(read, number)
    if not yes:
        _ask(read, before, "Call it off?")
    _done(read, lambda tx: _cancel(tx, number))
    say(f"Action {number}, {plain(before.title)}, is called off. Everyone who signed up hears of it.")


def show_code(number: Number, config: ConfigOption) -> None:
    """The code to say aloud now. It changes every hour, and whoever heard one before can still type it."""
    from bot.codes import code

    say(code(_action(configured(config), number), present()))


def campaign(
    config: ConfigOption,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As its actions name it; without it: all.")] = "",
    goal: Annotated[int | None, typer.Option("--goal", min=0, help="How many you hope for in all of it.")] = None,
) -> None:
    """What all actions of a campaign come to. With the link by which each supporter is offered the nearest."""
    from bot.reach import start_of
    from bot.world import World

    read = configured(config)
    if goal is not None and not name:
        refuse("--goal: say of which campaign")

    async def looked(tx: "Transaction") -> "tuple[list[tuple[int, str]], str]":
        if goal is not None:
            await tx.campaigns.set_goal(name, goal)
        totals = [each for each in await tx.campaigns.totals() if name in ("", each.name)]
        found = [(each.id, await totals_line(tx, each)) for each in totals]
        return found, await start_of(tx, World.of(read))

    found, start = _done(read, looked)
    if name and not found:
        refuse(f"there is no campaign `{plain(name)}`: `doorstep action add … --campaign` makes one")
    if not found:
        say("There is no campaign yet: `doorstep action add … --campaign NAME` makes one.")
    for number, line in found:
        say(line)
        say(f"  {start}campaign-{number}")


def join(action: typer.Typer) -> None:
    """Adds these commands to those of `doorstep action`."""
    action.command()(change)
    action.command()(cancel)
    action.command("code")(show_code)
    action.command()(campaign)


def _action(read: "Config", number: int) -> "Action":
    found = _done(read, lambda tx: tx.actions.get(number))
    if found is None:
        refuse(f"there is no action {number}: `doorstep action list` shows their numbers")
    return found


def _ask(read: "Config", before: "Action", question: str) -> None:
    """On a terminal: who will hear of it, and whether it is meant. A script is not asked, and neither is anybody where
    nobody hears of it, or where it will be refused."""
    from bot.changed_actions import whom_to_tell
    from storage.actions import PUBLISHED

    if not interactive() or before.state != PUBLISHED or before.ends_at <= present():
        return
    many = len(_done(read, lambda tx: whom_to_tell(tx, before)))
    if not many:
        return
    say(f"Action {before.id}, {plain(before.title)}, {when(before, read)}:")
    say("1 person hears of this." if many == 1 else f"{many:,} people hear of this.")
    if not agreed(question):
        raise typer.Exit(1)


def _columns(read: "Config", before: "Action", cells: dict[str, str]) -> dict[str, object]:
    from bot.new_actions import BadCells, changes
    from bot.places import Places

    try:
        return changes(before, cells, Places.of(read), present())
    except BadCells as error:
        refuse("; ".join(f"{column}: {what}" for column, what in error.problems.items()))


def _is_news(before: "Action", columns: dict[str, object]) -> bool:
    from bot.changed_actions import is_news

    return is_news(before, columns)


async def _change(tx: "Transaction", number: int, columns: dict[str, object]) -> bool:
    from bot.changed_actions import change_action

    await note(tx, "changed an action", f"action:{number}")
    return await change_action(tx, number, **columns)


async def _cancel(tx: "Transaction", number: int) -> None:
    from bot.changed_actions import cancel_action

    await cancel_action(tx, number)
    await note(tx, "called an action off", f"action:{number}")


def _done(read: "Config", work: "Callable[[Transaction], Awaitable[T]]") -> T:
    from bot.changed_actions import NotChanged

    async def doing() -> T:
        async with beside(read) as store:
            try:
                return await store.run(work)
            except NotChanged as error:
                refuse(str(error))

    return finish(doing())
