"""`doorstep export` and `doorstep import`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import (
    ConfigOption,
    beside,
    configured,
    finish,
    note,
    noted_beside,
    operator,
    passphrase_again,
    progress,
    refuse,
    told,
)

if TYPE_CHECKING:
    from bot.config import Config
    from storage.transaction import Transaction

YesOption = Annotated[bool, typer.Option("--yes", help="Without asking.")]
FLOWS = "flows"


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    config: ConfigOption,
    yes: YesOption = False,
) -> None:
    """Writes everything as spreadsheets, to take elsewhere. Anyone can read them, and the flows beside them.

    The passphrase of the pages is asked for, and coordinators see that it was done.
    """
    from storage import transfer

    read = configured(config)
    if not yes:
        typer.confirm(
            f"{folder} will hold every name, address and message in plain words. Go on?", abort=True, err=True
        )

    passphrase_again(read)
    finish(_told(read))
    with progress("rows") as done:
        rows = told(lambda: transfer.export(read.database_url, read.key_file, folder, progress=done))
        told(lambda: shutil.copytree(read.flows_folder, folder / FLOWS))
    typer.echo(f"{rows:,} rows in {folder}, readable by anyone who has it: keep it encrypted, and delete it in the end")


async def _told(read: "Config") -> None:
    """Before anything is written: it is in the audit trail, and coordinators see it."""

    async def work(tx: "Transaction") -> None:
        await note(tx, "exported everything")
        body = {"by": operator() or "somebody"}
        await tx.cards.add("exported", f"export:{tx.now.isoformat()}", None, body, urgent=True)

    async with beside(read) as store:
        await store.run(work)


def import_all(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `doorstep export` wrote.")], config: ConfigOption
) -> None:
    """Fills an empty database from an export. The flows in it are copied by hand, where they are wanted."""
    from storage import key_file, transfer

    read = configured(config)
    if not folder.is_dir():
        refuse(f"{folder} is no folder: give the one that `doorstep export` wrote")
    if not read.key_file.exists():
        told(lambda: key_file.create(read.key_file))
    with progress("rows") as done:
        rows = told(lambda: transfer.import_all(read.database_url, read.key_file, folder, progress=done))
    told(lambda: noted_beside(read, "imported everything"))
    typer.echo(f"{rows:,} rows imported. People go on where they were; join links and codes are to be made anew.")
