"""What commands share: how they refuse, read the configuration, open the database beside a running bot, and end."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:  # a command that is not called loads nothing of this
    from collections.abc import Sequence

    from rich.text import Text

    from bot.config import Config
    from storage.store import Store
    from storage.transaction import Transaction

T = TypeVar("T")

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def refuse(sentence: str) -> NoReturn:
    """Ends with exit code 2 and one line."""
    typer.echo(f"doorstep: {' '.join(sentence.split())}", err=True)
    raise typer.Exit(2)


def flows_folder(given: Path | None) -> Path:
    """The folder that was given, else `flows` here, else the flows that come with Doorstep."""
    from flows.reader import STARTER

    if given is None:
        return Path("flows") if Path("flows/library").is_dir() else STARTER
    if not _is_folder(given / "library"):
        refuse(f"{given} holds no folder `library`: give the folder that does (`doorstep init DIR` makes one)")
    return given


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError as error:
        refuse(f"{path}: {error.strerror}")


def configured(file: Path) -> "Config":
    """The configuration, or the end with one line."""
    from bot.config import BadConfig, read_config

    try:
        return read_config(file)
    except BadConfig as error:
        refuse(str(error))


def plain(text: object) -> str:
    """Without what could steer a terminal: control characters, escape sequences among them."""
    written = str(text)
    return written if written.isprintable() else "".join(filter(str.isprintable, written))


def say(text: "str | Text") -> None:
    """One line on stdout, with its colours where somebody looks; never wrapped."""
    if isinstance(text, str):
        typer.echo(text)
        return
    from rich.console import Console

    Console(highlight=False, soft_wrap=True, markup=False, emoji=False).print(text)


def width(text: str) -> int:
    """How many columns of a terminal it takes."""
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, columns: int) -> str:
    """Filled up with spaces to so many columns."""
    return text + " " * (columns - width(text))


def table(rows: "Sequence[Sequence[str]]") -> list[str]:
    """Rows as lines whose columns stand below each other."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(padded, row, widths)).rstrip() for row in rows]


def present() -> datetime:
    """Now, as aware UTC."""
    return datetime.now(UTC)


def local(at: datetime, config: "Config") -> datetime:
    """A moment in the group's zone."""
    from zoneinfo import ZoneInfo

    return at.astimezone(ZoneInfo(config.org.time_zone))


@asynccontextmanager
async def beside(config: "Config", *, makes: bool = False) -> AsyncIterator["Store"]:
    """The database, also while a bot runs on it. Raises StorageError; `makes`: one that is missing is made."""
    from storage.schema import existing_path
    from storage.store import Store

    if not makes:
        existing_path(config.database_url)
    store = await Store.open(config.database_url, config.key_file, clock=present, alone=False)
    try:
        yield store
    finally:
        await store.close()


async def noted(store: "Store", what: str, person_id: int | None = None) -> None:
    """What whoever has this command line looked at or did is in the audit trail, under the name of their account."""
    subject = "" if person_id is None else f"person:{person_id}"
    await store.run(lambda tx: note(tx, what, subject))


async def note(tx: "Transaction", what: str, subject: str = "") -> None:
    """The same, in this transaction."""
    from storage.audit import ORGANIZER

    await tx.audit.add(ORGANIZER, operator(), what, subject)


def noted_beside(config: "Config", what: str) -> None:
    """The same, of a database that need not open. Raises StorageError."""
    from storage import audit_beside
    from storage.audit import ORGANIZER

    audit_beside.note(config.database_url, present(), ORGANIZER, operator(), what)


def operator() -> str:
    """The name of the account that gives this command; "" where the machine knows none."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def passphrase_again(config: "Config") -> None:
    """Asks for the passphrase of the pages, where there is one: what follows leaves this machine. Ends where it is
    wrong."""
    from bot.passphrase import fits

    if not config.server.passphrase:
        return
    if sys.stdin.isatty():
        given = typer.prompt("The passphrase of this group", hide_input=True, err=True)
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not fits(given, config.server.passphrase):
        refuse("that is not the passphrase, as [server] has it: nothing was done")


def finish(task: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end; what stands in its way is said in one line."""
    return told(lambda: asyncio.run(task))


def told(does: Callable[[], T]) -> T:
    """What it does; what stands in its way is said in one line, without quoting what people wrote."""
    from bot.log import configure, place
    from storage.errors import StorageError

    configure()
    try:
        return does()
    except StorageError as error:
        refuse(str(error))
    except OSError as error:
        refuse(of_system(error))
    except (typer.Exit, typer.Abort):
        raise
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except Exception as error:
        typer.echo(f"doorstep: stopped: {place(error)}", err=True)
        raise typer.Exit(1) from None


def of_system(error: OSError) -> str:
    """What the system would not do, and with which file."""
    return f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror or error)


def understood(file: Path, reads: Callable[[], T], undone: str = "imported") -> T:
    """What a sheet holds; each thing wrong with it is a line, and then it ends: nothing was `undone`."""
    from bot.sheets import BadSheet

    def read() -> T:
        try:
            return reads()
        except BadSheet as error:
            for problem in error.problems:
                typer.echo(plain(f"{file}: {problem}"), err=True)
            refuse(f"nothing was {undone}: mend this first")

    return told(read)


def write_sheet(file: Path, columns: "Sequence[str]", rows: "Sequence[Sequence[str]]") -> None:
    """A table as CSV, as spreadsheets open it; no name in it is a formula."""
    import csv

    from storage.formulas import safe

    with file.open("w", encoding="utf-8-sig", newline="") as opened:
        sheet = csv.writer(opened)
        sheet.writerow(columns)
        sheet.writerows(map(safe, row) for row in rows)


def interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def agreed(question: str) -> bool:
    """Whether whoever gave the command says yes."""
    try:
        return typer.confirm(question)
    except typer.Abort:
        refuse("nobody answered: give --yes where nobody can")


@contextmanager
def progress(what: str, total: int | None = None, then: str = "") -> Iterator[Callable[[int], None]]:
    """Shows on a terminal how much is done, and once it is all, what is done then; nothing where nobody looks."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(what, total=total, count="")

        def done(many: int) -> None:
            shown.update(task, completed=many, count=f"{many:,}" + (f" of {total:,}" if total is not None else ""))
            if then and many == total:
                shown.update(task, visible=False)
                shown.add_task(then, total=None, count="")

        yield done
