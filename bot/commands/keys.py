"""`doorstep keys rotate`."""

from typing import Annotated

import typer

from bot.commands.shared import ConfigOption, configured, noted_beside, progress, refuse, told

keys = typer.Typer(help="The group's keys.", rich_markup_mode=None)


@keys.callback()
def _keys() -> None:
    """The group's keys."""


@keys.command()
def rotate(config: ConfigOption, yes: Annotated[bool, typer.Option("--yes", help="Without asking.")] = False) -> None:
    """Wraps every person's key with a new one, also while the bot runs. Broken off, it goes on when given again."""
    from storage import rotation
    from storage.schema import sqlite_path

    read = configured(config)
    url, file = read.database_url, read.key_file
    several = sqlite_path(url) is None
    kept = told(lambda: rotation.prepare(url, file))
    if several and not yes:
        typer.echo(f"{file} holds a new key, beside the one before: copy it now to where else the bot runs.", err=True)
        if not typer.confirm("Does every machine have it?", err=True):
            refuse("nobody's key was wrapped anew yet: give the command again once every machine has the file")
    told(lambda: noted_beside(read, "rotated the keys"))
    with progress("keys") as done:
        many = told(lambda: rotation.rewrap(url, file, progress=done))
    typer.echo(
        f"{many:,} {'key is' if many == 1 else 'keys are'} wrapped anew. Copy {file.name} to where you keep its copy,"
        " and replace the copy of the person keys (`doorstep backup FILE --keys KEYS`): older ones open with"
        f" {kept.name} alone. Then destroy those, and {kept.name}; and leave {file.name} where it is for a minute: the"
        " bot reads it again."
    )
    if several:
        typer.echo(
            f"Where else the bot runs, put {file.name} as it is now in the place of the one there, for that still holds"
            " the key before. A machine that has neither key takes nothing, and its /healthz says so."
        )
