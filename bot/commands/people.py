"""`doorstep people list`, `contact` and `import`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.commands.shared import (
    ConfigOption,
    beside,
    configured,
    finish,
    local,
    note,
    noted,
    passphrase_again,
    plain,
    refuse,
    say,
    table,
    told,
    understood,
    write_sheet,
)

if TYPE_CHECKING:
    from bot.config import Config
    from bot.people_import import Newcomer
    from storage.actions import Hosted
    from storage.addresses import Address
    from storage.people import Known
    from storage.store import Store
    from storage.transaction import Transaction

people = typer.Typer(help="The people of the group.", rich_markup_mode=None)


@people.command("list")
def list_people(config: ConfigOption) -> None:
    """Everyone, with their number; no contact details. A trainer is who has hosted a training."""
    from bot.everyone import everyone

    read = configured(config)

    async def listed() -> "tuple[list[Known], dict[int, Hosted]]":
        async def all_of_them(tx: "Transaction") -> "tuple[list[Known], dict[int, Hosted]]":
            return [known async for known in everyone(tx)], await tx.actions.hosts()

        async with beside(read) as store:
            await noted(store, "listed everybody")
            return await store.read(all_of_them)

    rows = [("number", "name", "role", "language", "place", "since", "status")]
    people, hosts = finish(listed())
    for known in people:
        since = f"{local(known.created_at, read):%Y-%m-%d}"
        name, place = (plain(known.fields.get(field) or "") for field in ("name", "place"))
        language = str(known.fields.get("language") or known.language)
        trainer = known.id in hosts and hosts[known.id].trainings
        role = f"{known.role or 'supporter'}{', trainer' if trainer else ''}"
        rows.append((str(known.id), name, role, language, place, since, known.status))
    for line in table(rows):
        say(line)


@people.command()
def contact(
    person: Annotated[int, typer.Argument(metavar="PERSON", help="Their number, as `doorstep people list` shows it.")],
    config: ConfigOption,
) -> None:
    """How somebody can be reached, one person at a time. The passphrase of the pages is asked for."""
    read = configured(config)
    passphrase_again(read)

    async def looked(tx: "Transaction") -> "tuple[Known | None, list[Address]]":
        found = await tx.people.known(person)
        if found is None or found.status == "forgotten":
            return None, []
        await note(tx, "looked at somebody's contact details", f"person:{person}")
        return found, await tx.addresses.of(person)

    async def asked() -> "tuple[Known | None, list[Address]]":
        async with beside(read) as store:
            return await store.run(looked)

    found, addresses = finish(asked())
    if found is None:
        refuse(f"there is no person {person}: `doorstep people list` shows the numbers")
    say(plain(found.fields.get("name") or "no name"))
    for each in addresses:
        say(f"  {each.channel} {each.account}: {plain(each.address)}")


@people.command("import")
def import_people(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A row for each person; `name` is needed.")],
    config: ConfigOption,
    out: Annotated[Path | None, typer.Option("--out", help="Write the links to this file too, as CSV.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also those who look imported already.")] = False,
    only_new: Annotated[bool, typer.Option("--only-new", help="Without those who look imported already.")] = False,
) -> None:
    """Adds people from a spreadsheet. Each gets a link of their own to come to the bot with.

    Columns: name, language, role, place, interests, times, adult.
    """
    from bot.people_import import GOOD_FOR, doubles
    from bot.reach import start_of
    from bot.world import World

    read = configured(config)
    if again and only_new:
        refuse("--again and --only-new exclude each other")
    if out is not None and out.exists():
        refuse(f"{out} is there already: choose another name")
    newcomers = _understood(file, read)

    async def here(tx: "Transaction") -> "list[Newcomer]":
        return await doubles(tx, newcomers)

    async def imported() -> "tuple[Sequence[Newcomer], str]":
        async with beside(read, makes=True) as store:
            double = [] if again else await store.read(here)
            rest = [each for each in newcomers if each not in double] if only_new else newcomers
            if double and not only_new:
                _stop_at(double, len(newcomers))
            start = await store.read(lambda tx: start_of(tx, World.of(read)))
            await _add(store, rest, read.pairing.capacity, start, out)
            await noted(store, f"imported {len(rest)} people")
            return rest, start

    added, start = finish(imported())
    rows = [(plain(each.fields["name"]), start + each.code) for each in added]
    for line in table(rows):
        say(line)
    skipped = len(newcomers) - len(added)
    typer.echo(
        f"{len(added):,} people imported" + (f", {skipped:,} were here already" if skipped else "")
        + f". Each link is for one person, once, and good for {GOOD_FOR.days} days.",
        err=True,
    )  # fmt: skip


def _understood(file: Path, read: "Config") -> "Sequence[Newcomer]":
    from bot.group import Group
    from bot.people_import import COLUMNS, read_people
    from bot.places import Places
    from flows.reader import read_folder

    group = Group.of(read)
    library = told(lambda: read_folder(read.flows_folder).library)
    places = Places.of(read)
    newcomers, ignored = understood(file, lambda: read_people(file, group, library, places))
    if ignored:
        typer.echo(f"{file}: ignored: {', '.join(ignored)} (known are {', '.join(COLUMNS)})", err=True)
    return newcomers


async def _add(store: "Store", newcomers: "Sequence[Newcomer]", capacity: int, start: str, out: Path | None) -> None:
    from bot.people_import import add_people
    from storage.whole import whole

    async def add(tx: "Transaction") -> None:
        await add_people(tx, newcomers, capacity)

    if out is None:
        return await store.run(add)
    rows = [(str(each.fields["name"]), str(each.fields.get("place") or ""), start + each.code) for each in newcomers]
    # The file first, for the links are nowhere else; it takes its name once the people are there.
    with whole(out) as part:
        write_sheet(part, ("name", "place", "link"), rows)
        await store.run(add)
    return None


def _stop_at(double: "Sequence[Newcomer]", many: int) -> NoReturn:
    rows = ", ".join(str(each.row) for each in double[:10]) + (", …" if len(double) > 10 else "")
    look = "1 row looks" if len(double) == 1 else f"{len(double):,} rows look"
    typer.echo(
        f"doorstep: {look} imported already, of {many:,} (same name and place: row {rows}); nothing was imported:"
        " --only-new leaves them out, --again adds them a second time",
        err=True,
    )
    raise typer.Exit(1)
