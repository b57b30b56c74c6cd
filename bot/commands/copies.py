"""`doorstep backup` and `doorstep restore`."""

from collections.abc import Callable
from datetime import timedelta
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
    keyless = told(lambda: key_copies.keyless(url))
    gone = finish(_forget(read, keyless)) if keyless else 0
    told(lambda: noted_beside(read, "restored a backup"))
    if not told(lambda: key_copies.keys_of(url)):
        typer.echo(f"{_count(rows, 'row')} restored from {file}.")
        typer.echo(_NO_KEYS, err=True)
        return
    typer.echo(f"{_count(rows, 'row')} restored from {file}: the bot goes on where it was.")
    if gone:
        were = "1 person was" if gone == 1 else f"{gone:,} people were"
        older = keys is not None and told(lambda: _older(keys, file))
        typer.echo(f"{were} {_NOT_IN_THIS_COPY}" if older else f"{were} forgotten after this backup, and stayed so.")


_NO_KEYS = (
    "There are no person keys here: nobody can be read, and the bot does not start. Restore it into an empty database"
    " again, with the newest copy of them: `doorstep restore FILE --keys KEYS`."
)
_NOT_IN_THIS_COPY = (
    "forgotten: this copy of the keys is older than the backup, and theirs are not in it."
    " If there is a newer copy, restore once more with that one, into an empty database."
)


def _older(keys: Path, file: Path) -> bool:
    """Whether the copy of the keys was made before the backup was: who came in between is not in it."""
    from storage import copies, key_copies

    copied, made = key_copies.made_at(keys), copies.made_at(file)
    return copied is not None and made is not None and copied + timedelta(minutes=1) < made


async def _forget(read: "Config", keyless: list[int]) -> int:
    """Whom the backup brought back without their key: they were forgotten since."""
    from bot.forgetting import forget_keyless

    async with beside(read) as store:
        return await forget_keyless(store, keyless)


def _written(file: Path, writes: Callable[[], int]) -> int:
    """A file that cannot be written is named as it was given: it has another name until it is whole."""
    try:
        return writes()
    except OSError as error:
        refuse(f"{file}: {error.strerror or error}: nothing was written")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
