"""`doorstep forget` and `doorstep burn`."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import (
    ConfigOption,
    beside,
    configured,
    finish,
    local,
    noted,
    noted_beside,
    plain,
    present,
    refuse,
    told,
)

if TYPE_CHECKING:
    from storage.people import Known
    from storage.transaction import Transaction

BURN = "burn"


def forget(
    person: Annotated[int, typer.Argument(metavar="PERSON", help="Their number, as `doorstep people list` shows it.")],
    config: ConfigOption,
    yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False,
) -> None:
    """Forgets someone. Their key is destroyed at once, also for a bot that runs, and for every backup."""
    from bot.forgetting import forget as forget_person

    read = configured(config)

    async def known() -> "Known | None":
        async with beside(read) as store:
            return await store.read(lambda tx: tx.people.known(person))

    found = finish(known())
    if found is None:
        refuse(f"there is no person {person}: `doorstep people list` shows the numbers")
    name = plain(found.fields.get("name") or "no name")
    if not yes:
        typer.confirm(
            f"Forget {name}, here since {local(found.created_at, read):%Y-%m-%d}? Nobody can bring them back.",
            abort=True,
        )

    async def forgotten() -> None:
        async def work(tx: "Transaction") -> None:
            await forget_person(tx, person)

        async with beside(read) as store:
            await store.run(work)
            await noted(store, "forgot somebody", person)

    finish(forgotten())
    typer.echo(
        f"{name} is forgotten. Replace the copy of the person keys (`doorstep backup FILE --keys KEYS`): the older one"
        " would still open them."
    )


def burn(config: ConfigOption) -> None:
    """Destroys every person's key. Nobody in the database can be read again, by anyone; it asks twice."""
    from storage.burning import burn as burn_database
    from storage.errors import StorageError

    read = configured(config)
    typer.echo(
        f"This destroys the key of every person in {read.storage.url.rpartition('@')[2]}: names, addresses, answers and"
        " messages are gone for ever, in all its backups too. A bot that runs on it stops.",
        err=True,
    )
    name = typer.prompt("Type the group's name, as it stands in [org]", err=True)
    if name.strip() != read.org.name:
        refuse("that is not the group's name: nothing was destroyed")
    if typer.prompt(f"Type {BURN} to do it now", err=True).strip() != BURN:
        refuse("nothing was destroyed")
    # Burned it will be, noted or not: there may be no time to mend what stands in the way of the line.
    with suppress(StorageError):
        noted_beside(read, "burned everything")
    many = told(lambda: burn_database(read.database_url, present()))
    typer.echo(
        f"{many:,} keys are destroyed. Now destroy every copy of them that you keep elsewhere: until then those copies"
        " and a backup still open everything."
    )
