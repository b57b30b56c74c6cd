"""`doorstep export` and `doorstep import`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from bot.commands.shared import ConfigOption, beside, configured, finish, noted, progress, refuse, told

YesOption = Annotated[bool, typer.Option("--yes", help="Without asking.")]
FLOWS = "flows"


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    config: ConfigOption,
    yes: YesOption = False,
) -> None:
    """Writes everything the group has as spreadsheets, and its flows, to take elsewhere. Anyone can read them."""
    from storage import transfer

    read = configured(config)
    if not yes:
        typer.confirm(
            f"{folder} will hold every name, address and message in plain words. Go on?", abort=True, err=True
        )

    async def noted_first() -> None:
        async with beside(read) as store:
            await noted(store, "exported everything")

    finish(noted_first())
    with progress("rows") as done:
        rows = told(lambda: transfer.export(read.database_url, read.key_file, folder, progress=done))
        told(lambda: shutil.copytree(read.flows_folder, folder / FLOWS))
    typer.echo(f"{rows:,} rows in {folder}, readable by anyone who has it: keep it encrypted, and delete it in the end")


def import_all(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `doorstep export` wrote.")], config: ConfigOption
) -> None:
    """Fills an empty database from an export; the flows in it are copied by hand, where they are wanted."""
    from storage import transfer
    from storage.vault import Vault

    read = configured(config)
    if not folder.is_dir():
        refuse(f"{folder} is no folder: give the one that `doorstep export` wrote")
    if not read.key_file.exists():
        told(lambda: Vault.create_key_file(read.key_file))
    with progress("rows") as done:
        rows = told(lambda: transfer.import_all(read.database_url, read.key_file, folder, progress=done))
    typer.echo(f"{rows:,} rows imported. People go on where they were; join links and codes are to be made anew.")
