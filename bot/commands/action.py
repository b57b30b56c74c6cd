"""`doorstep action add`, `list`, `import`, `change`, `cancel` and `code`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import (
    ConfigOption,
    beside,
    configured,
    finish,
    local,
    note,
    plain,
    present,
    refuse,
    say,
    table,
    told,
    understood,
)

if TYPE_CHECKING:
    from bot.config import Config
    from bot.new_actions import NewAction
    from storage.actions import Action
    from storage.campaigns import Totals
    from storage.transaction import Transaction

action = typer.Typer(help="What happens in person.", rich_markup_mode=None)

_MOST = 10_000

_TWICE = "That hour comes twice that night, for the clocks go back: the first is meant."


@action.command()
def add(
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What people read first.")],
    starts: Annotated[str, typer.Option("--starts", help="Like 2026-06-06 10:00, in the group's zone.")],
    config: ConfigOption,
    ends: Annotated[str, typer.Option("--ends", help="Like 12:00, or 3 hours.")] = "2 hours",
    place: Annotated[str, typer.Option("--place", help="A town, shown to all.")] = "",
    address: Annotated[str, typer.Option("--address", help="Shown to those who signed up.")] = "",
    what: Annotated[str, typer.Option("--what", help="What happens there.")] = "",
    kind: Annotated[str, typer.Option("--kind", help="Like training, clean-up, rally.")] = "",
    capacity: Annotated[str, typer.Option("--capacity", help="How many can come.")] = "",
    goal: Annotated[str, typer.Option("--goal", help="How many you hope for.")] = "",
    bring: Annotated[str, typer.Option("--bring", help="What is needed, divided by ;")] = "",
    campaign: Annotated[str, typer.Option("--campaign", help="The campaign it belongs to.")] = "",
    cohort: Annotated[str, typer.Option("--cohort", help="Whoever comes once comes to all of this name.")] = "",
    zone: Annotated[str, typer.Option("--zone", help="Its time zone, like Europe/Madrid, if not the group's.")] = "",
    materials: Annotated[str, typer.Option("--materials", help="What helps hosts: a link, or a text.")] = "",
    every: Annotated[str, typer.Option("--every", help="Again each: day, week, 2 weeks.")] = "",
    times: Annotated[int | None, typer.Option("--times", min=2, help="So often, with --every.")] = None,
    until: Annotated[str, typer.Option("--until", help="Until this day, with --every: 2026-08-31.")] = "",
    host: Annotated[int | None, typer.Option("--host", help="The number of the person who hosts it.")] = None,
) -> None:
    """Publishes an action, or a series of them. Each has its own sign-ups."""
    read = configured(config)
    cells = {
        "title": title, "starts": starts, "ends": ends, "place": place, "address": address, "what": what, "kind": kind,
        "capacity": capacity, "goal": goal, "bring": bring, "campaign": campaign,
        "zone": zone, "materials": materials, "cohort": cohort,
    }  # fmt: skip
    new = _series(read, cells, every, times, until)
    for one, added in zip(new, finish(_added(read, new, host)), strict=True):
        say(f"Action {added.id}, {plain(added.title)}, is published: {when(added, read)}.")
        if _twice(one, read):
            say(_TWICE)
        if host is None and not every:
            say(f"The code to say aloud there changes every hour: `doorstep action code {added.id}` shows it.")


@action.command("list")
def list_actions(
    config: ConfigOption,
    everything: Annotated[bool, typer.Option("--all", help="Also what is over, proposed or cancelled.")] = False,
) -> None:
    """What is coming, with its number and how many come."""
    read = configured(config)

    async def listed() -> "tuple[list[Action], list[str]]":
        async def found(tx: "Transaction") -> "tuple[list[Action], list[str]]":
            actions = await (tx.actions.newest(_MOST) if everything else tx.actions.upcoming(_MOST))
            named = {each.campaign for each in actions}
            return actions, [await totals_line(tx, each) for each in await tx.campaigns.totals() if each.name in named]

        async with beside(read) as store:
            return await store.read(found)

    rows = [("number", "when", "title", "place", "going", "state")]
    actions, campaigns = finish(listed())
    for each in actions:
        going = f"{each.going}/{each.capacity}" if each.capacity else f"{each.going}"
        rows.append((str(each.id), when(each, read), plain(each.title), plain(each.district), going, each.state))
    for line in [*table(rows), *campaigns]:
        say(line)


async def totals_line(tx: "Transaction", totals: "Totals") -> str:
    """What a campaign comes to, in one line."""
    if totals.cohort:
        from bot.cohorts import cohort_words

        return plain(f"{totals.name}: {await cohort_words(tx, totals.name)}")
    of = f" of {totals.goal:,}" if totals.goal else ""
    actions = "1 action" if totals.actions == 1 else f"{totals.actions:,} actions"
    came = f", {totals.came:,} came" if totals.came else ""
    return f"{plain(totals.name)}: {totals.going:,}{of} come, {totals.confirmed:,} confirmed{came} ({actions})"


@action.command("import")
def import_actions(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A spreadsheet (.csv) or a calendar (.ics).")],
    config: ConfigOption,
) -> None:
    """Publishes the actions of a spreadsheet or a calendar. Those that are here already are left out.

    Columns: title, what, kind, starts, ends, zone, place, address, capacity, goal, bring, campaign, materials,
    cohort.
    """
    read = configured(config)
    actions, notes = _read_file(file, read)
    for line in notes:
        typer.echo(plain(f"{file}: {line}"), err=True)
    coming = [each for each in actions if each.starts_at > present()]
    new = finish(_imported(read, coming))
    for number, each in new:
        say(f"{number}  {plain(each.title)}")
        if _twice(each, read):
            typer.echo(f"{number}  {_TWICE}", err=True)
    left_out = {"over": len(actions) - len(coming), "here already": len(coming) - len(new)}
    why = "".join(f", {many:,} {'was' if many == 1 else 'were'} {which}" for which, many in left_out.items() if many)
    typer.echo(f"{len(new):,} action{'' if len(new) == 1 else 's'} published{why}", err=True)


def _series(
    read: "Config", cells: dict[str, str], every: str, times: int | None, until: str
) -> "tuple[NewAction, ...]":
    from bot.new_actions import BadCells, repeated, understand
    from bot.places import Places

    def understanding() -> "tuple[NewAction, ...]":
        here = read.org.time_zone
        try:
            one = understand(cells, here, Places.of(read), present())
            return repeated(one, here, every, times, until)
        except BadCells as error:
            refuse("; ".join(f"{column}: {what}" for column, what in error.problems.items()))

    new = told(understanding)
    if new[0].starts_at <= present():
        refuse(f"starts: `{cells['starts']}` is past")
    return new


def _twice(new: "NewAction", read: "Config") -> bool:
    from bot.new_actions import comes_twice

    return comes_twice(new, read.org.time_zone)


async def _added(read: "Config", new: "Sequence[NewAction]", host: int | None) -> "list[Action]":
    from bot.new_actions import add_action

    async def adding(tx: "Transaction") -> "list[Action]":
        numbers = [await add_action(tx, each, read.org.time_zone, host) for each in new]
        for number in numbers:
            await note(tx, "published an action", f"action:{number}")
        return [each for number in numbers if (each := await tx.actions.get(number)) is not None]

    async with beside(read, makes=True) as store:
        if host is not None and await store.read(lambda tx: tx.people.get(host)) is None:
            refuse(f"--host: there is no person {host}: `doorstep people list` shows who there is")
        return await store.run(adding)


def _read_file(file: Path, read: "Config") -> "tuple[Sequence[NewAction], Sequence[str]]":
    from bot.places import Places

    here, places = read.org.time_zone, Places.of(read)
    if file.suffix.lower() in (".ics", ".ical"):
        from bot.calendar_import import read_calendar

        return understood(file, lambda: read_calendar(file, here, places, present()))
    from bot.new_actions import read_actions

    actions, ignored = understood(file, lambda: read_actions(file, here, places, present()))
    return actions, [f"ignored: {', '.join(ignored)}"] if ignored else []


async def _imported(read: "Config", actions: "Sequence[NewAction]") -> "list[tuple[int, NewAction]]":
    from bot.new_actions import add_action, missing

    async def adding(tx: "Transaction") -> "list[tuple[int, NewAction]]":
        added = [(await add_action(tx, each, read.org.time_zone), each) for each in await missing(tx, actions)]
        for number, _ in added:
            await note(tx, "published an action", f"action:{number}")
        return added

    async with beside(read, makes=True) as store:
        return await store.run(adding)


def when(each: "Action", read: "Config") -> str:
    """Its beginning, in the group's zone."""
    at = local(each.starts_at, read)
    return f"{at:%a} {at:%Y-%m-%d %H:%M}"
