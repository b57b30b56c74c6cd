"""`doorstep backup` and `doorstep restore`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import ConfigOption, beside, configured, finish, noted_beside, progress, refuse, told

if TYPE_CHECKING:
    from bot.config import Config

KeysOption = Annotated[
    Path | None, typer.Option("--keys", help="The copy of the person keys. Keep it apart: only the newest counts.")
]


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the backup goes; one before is replaced.")],
    config: ConfigOption,
    keys: KeysOption = None,
) -> None:
    """Writes a backup, also while the bot runs."""
    from storage import copies, key_copies

    read = configured(config)
    if keys is not None and keys.resolve() == file.resolve():
        refuse("the backup and the copy of the keys are two files: give --keys another name")
    told(lambda: noted_beside(read, "made a backup" if keys is None else "made a backup, and a copy of the keys"))
    with progress("rows") as done:
        rows = told(lambda: _written(file, lambda: copies.backup(read.database_url, file, progress=done)))
    note = " (--keys FILE copies the person keys)."
    if keys is not None:
        copied = told(lambda: _written(keys, lambda: key_copies.backup_keys(read.database_url, keys)))
        note = f" ({keys}: {_count(copied, 'key')})."
    typer.echo(
        f"{file} holds everything but the keys ({_count(rows, 'row')}), with names and messages sealed: only"
        f" {read.key_file.name} and the person keys together open them, so keep copies of both, apart from it{note}"
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `doorstep backup` wrote.")],
    config: ConfigOption,
    keys: KeysOption = None,
) -> None:
    """Fills an empty database from a backup."""
    from storage import copies, key_copies

    read = configured(config)
    url, key = read.database_url, read.key_file
    with progress("rows") as done:
        rows = told(lambda: copies.restore(url, file, key, keys, progress=done))
    gone = finish(_forget(read))
    told(lambda: noted_beside(read, "restored a backup"))
    typer.echo(f"{_count(rows, 'row')} restored from {file}: the bot goes on where it was.")
    if gone:
        were = "1 person was" if gone == 1 else f"{gone:,} people were"
        typer.echo(f"{were} forgotten after this backup, and stayed so.")
    if not told(lambda: key_copies.keys_of(url)):
        typer.echo(
            "There are no person keys here: nobody can be read or written to. Restore it into an empty database again,"
            " with the newest copy of them: `doorstep restore FILE --keys KEYS`.",
            err=True,
        )


async def _forget(read: "Config") -> int:
    """Whom the backup brought back without their key: they were forgotten since."""
    from bot.forgetting import forget_keyless
    from storage import key_copies

    async with beside(read) as store:
        return await forget_keyless(store, key_copies.keyless(read.database_url))


def _written(file: Path, writes: Callable[[], int]) -> int:
    """A file that cannot be written is named as it was given: it has another name until it is whole."""
    try:
        return writes()
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}: nothing was written")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
