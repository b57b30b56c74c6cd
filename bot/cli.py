"""The commands. Exit 0: done; 1: the thing checked does not hold; 2: wrong usage or configuration, said in one line."""

import gc
import io
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bot.commands import (
    action,
    action_changes,
    copies,
    forgetting,
    keys,
    move,
    pair,
    passphrase,
    people,
    rehearse,
    send,
    stats,
    transfer,
)
from bot.commands.lasting import STOPS, run_until_told
from bot.commands.shared import ConfigOption, configured, flows_folder, refuse
from flows.check import check as check_library
from flows.pages import Problem
from flows.reader import Reading, read_folder

app = typer.Typer(
    name="doorstep",
    help="Moves people from online to offline: greets a newcomer, and introduces one real neighbour.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Dir = Annotated[Path | None, typer.Argument(metavar="[DIR]", help="A folder that holds library/ (default: flows).")]
FlowsOption = Annotated[Path | None, typer.Option("--flows", help="A folder that holds library/ (default: flows).")]
OWN_FOLDER = Path(".doorstep")

_PLAIN = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "write a whole number",
    "Input should be ": "it must be ",
}
"""What typer says of an argument is in parts for programmers."""


def _checked(folder: Path) -> tuple[Reading, tuple[Problem, ...]]:
    try:
        reading = read_folder(folder)
    except OSError as error:
        refuse(f"{error.filename or folder}: {error.strerror or error}")
    return reading, tuple(_located(problem, folder) for problem in check_library(reading))


def _located(problem: Problem, folder: Path) -> Problem:
    file = (folder / problem.file).as_posix()
    return Problem(file, problem.line, problem.column, problem.code, problem.what, problem.mend, problem.warning)


@app.command()
def check(
    folder: Dir = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False,
    vocabulary: Annotated[bool, typer.Option("--vocabulary", help="What flows may name.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="A JSON Schema of flow files, for editors.")] = False,
) -> None:
    """Checks flows: one line for each problem."""
    if vocabulary:
        return _print_vocabulary()
    if schema:
        from flows.schema import schema as flow_schema

        return typer.echo(json.dumps(flow_schema(), indent=2, ensure_ascii=False))
    reading, problems = _checked(flows_folder(folder))
    if as_json:
        typer.echo(json.dumps([_as_json(problem) for problem in problems], indent=2, ensure_ascii=False))
    else:
        for problem in problems:
            typer.echo(str(problem))
    errors = sum(not problem.warning for problem in problems)
    warnings = len(problems) - errors
    typer.echo(f"{len(reading.pages)} flows: {errors} errors, {warnings} warnings", err=True)
    if errors or (strict and warnings):
        raise typer.Exit(1)
    return None


def _as_json(problem: Problem) -> dict[str, str | int]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "kind": "warning" if problem.warning else "error",
        "code": problem.code,
        "what": problem.what,
        "mend": problem.mend,
    }


def _print_vocabulary() -> None:
    from flows.vocabulary import pages

    for heading, names in pages():
        typer.echo(f"\n{heading}")
        for name, what in names:
            typer.echo(f"  {name:<20} {what}".rstrip())


@app.command()
def test(folder: Dir = None) -> None:  # noqa: PT028
    """Plays the dialogs, and shows the first line that differs."""
    from bot.dialogs import play_folder

    where = flows_folder(folder)
    reading, problems = _checked(where)
    errors = [problem for problem in problems if not problem.warning]
    for problem in errors:
        typer.echo(str(problem))
    if errors or not play_folder(where, reading.library, typer.echo):
        raise typer.Exit(1)


@app.command()
def draw(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="The name of a flow.")],
    svg: Annotated[Path | None, typer.Option("--svg", help="Write an SVG to this file.")] = None,
    flows: FlowsOption = None,
) -> None:
    """Draws a flow: Mermaid on stdout, or an SVG file."""
    from flows import draw as drawing
    from flows.pages import nearest

    name, folder = flow, flows_folder(flows)
    if flow.endswith((".yaml", ".yml")):
        name, folder = Path(flow).stem, Path(flow).resolve().parent.parent
        if not (folder / "library").is_dir():
            refuse(f"{flow} is not in a folder `library`")
    library = read_folder(folder).library
    if name not in library.flows:
        mend = nearest(name, library.flows)
        refuse(f"there is no flow `{name}` in {folder}" + (f" ({mend})" if mend else ""))
    if svg is None:
        typer.echo(drawing.mermaid(library.flows[name]))
    else:
        _write(svg, drawing.svg(library.flows[name]))


@app.command()
def translate(
    language: Annotated[str, typer.Argument(metavar="LANG", help="A language code, like es.")],
    flows: FlowsOption = None,
) -> None:
    """Makes or updates languages/LANG.po.

    Every sentence of the flows stands in it, with its translation where there is one.
    """
    from flows.reader import STARTER
    from flows.translate import catalog

    folder = flows_folder(flows)
    if flows is None and folder == STARTER:
        refuse("there is no folder `flows` here to translate: `doorstep init DIR` makes one, `--flows` names another")
    file = folder / "languages" / f"{language}.po"
    try:
        text = catalog(read_folder(folder).library, language, file.read_text("utf-8") if file.exists() else None)
    except ValueError as error:
        refuse(str(error))
    _write(file, text)
    typer.echo(str(file))


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        refuse(f"{error.filename}: {error.strerror}")


@app.command()
def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that does not exist yet.")]) -> None:
    """Makes a folder of your own: configuration and flows."""
    from bot.starter import make

    try:
        make(folder)
    except FileExistsError as error:
        refuse(f"{error}: `init` never writes over anything; choose another folder")
    except OSError as error:
        refuse(f"{folder}: {error.strerror}")
    typer.echo(f"{folder} is ready. Next: write your group's name into {folder / 'config.toml'}, then `cd {folder}`")
    typer.echo("and `doorstep try` to see it, `doorstep run --config config.toml` to run it.")


@app.command()
def chat(
    flows: FlowsOption = None,
    new: Annotated[bool, typer.Option("--new", help="Forget the chat so far and begin anew.")] = False,
) -> None:
    """Talks with the bot in the terminal."""
    from bot import chat as talking

    folder = flows_folder(flows)
    if new:
        file = talking.database(OWN_FOLDER, folder)
        for old in file.parent.glob(f"{file.stem}.*"):
            old.unlink()
    run_until_told(talking.chat(OWN_FOLDER, folder, sys.stdin, _bubble, _note))


def _bubble(text: str) -> None:
    typer.echo("\n".join(f"  {line}" if line else "" for line in _plain(text).split("\n")) + "\n")


def _plain(text: str) -> str:
    """Without what could steer a terminal: control characters, escape sequences among them."""
    return "".join(letter for letter in text if letter == "\n" or letter.isprintable())


def _note(text: str) -> None:
    typer.echo(f"— {text}\n", err=True)


@app.command(name="try")
def try_(
    port: Annotated[int, typer.Option("--port", help="Where the page opens.", min=0, max=65535)] = 8000,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open the page.")] = False,
    flows: FlowsOption = None,
) -> None:
    """Opens the console with an embedded database and no tokens."""
    from bot.app import run_trial

    def ready(real_port: int) -> None:
        address = f"http://127.0.0.1:{real_port}"
        print(f"Doorstep is at {address}  (Ctrl-C ends; everything is kept in {OWN_FOLDER}/)", flush=True)
        if not no_browser:
            import webbrowser

            webbrowser.open(address)

    run_until_told(run_trial(OWN_FOLDER.resolve(), flows_folder(flows), port, ready))


@app.command()
def run(config: ConfigOption) -> None:
    """Runs everything; prints `ready` when it listens."""
    # Nothing of what the imports make is garbage: looking through it again and again takes a tenth of the start.
    gc.disable()
    from bot.app import run as run_all

    read = configured(config)
    gc.freeze()
    gc.enable()
    if not (read.flows_folder / "library").is_dir():
        refuse(f"{config}: [flows] folder: {read.flows_folder} holds no folder `library`")
    run_until_told(run_all(read, lambda port: print("ready", flush=True)), patience=STOPS)


@app.command()
def migrate(config: ConfigOption) -> None:
    """Brings the database's tables to this version."""
    from storage.store import Store

    run_until_told(Store.migrate(configured(config).database_url))


app.command()(copies.backup)
app.command()(copies.restore)
app.command()(transfer.export)
app.command("import")(transfer.import_all)
app.command()(forgetting.forget)
app.command()(forgetting.burn)
app.command()(passphrase.passphrase)
app.command()(stats.stats)
app.command()(rehearse.rehearse)
app.command()(pair.pair)
app.command()(send.send)
app.command()(move.move)
app.add_typer(people.people, name="people")
app.add_typer(keys.keys, name="keys")
action_changes.join(action.action)
app.add_typer(action.action, name="action")


def main() -> None:
    """The command `doorstep`. Whatever it writes is its owner's alone: tokens, databases, lists of names."""
    os.umask(0o077)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # what a terminal cannot show must not keep the rest from being said
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except TyperException as error:
        mistake = error.format_message() if hasattr(error, "format_message") else str(error)
        for said, meant in _PLAIN.items():
            mistake = mistake.replace(said, meant)
        given = getattr(getattr(error, "ctx", None), "command_path", "doorstep")
        typer.echo(f"doorstep: {' '.join(mistake.split())} (`{given} --help` shows how)", err=True)
        code = 2
    except typer.Abort as error:
        code = 130
        if isinstance(error.__context__, EOFError):
            typer.echo("\ndoorstep: nobody answered, so nothing was done: give this command in a terminal", err=True)
            code = 2
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
