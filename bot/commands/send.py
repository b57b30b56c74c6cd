"""`doorstep send`."""

import secrets
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.commands.shared import ConfigOption, agreed, beside, configured, finish, noted, plain, progress, refuse, say

if TYPE_CHECKING:
    from bot.config import Config
    from bot.send import Audience
    from bot.world import World
    from flows.model import Library
    from storage.people import Person
    from storage.store import Store
    from storage.transaction import Transaction

_NAMED = 5


def send(
    flow: Annotated[str, typer.Argument(metavar="FLOW", help="The flow that begins with each of them.")],
    to: Annotated[str, typer.Option("--to", metavar="QUERY", help="""'district == "Leeds"', signed_up:ID or me.""")],
    config: ConfigOption,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who and what.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    name: Annotated[
        str, typer.Option("--id", help="What this send is called: under one name, nobody gets it twice.")
    ] = "",
) -> None:
    """Starts a flow with many people. It shows who and what, and asks first."""
    read = configured(config)
    finish(_send(read, flow, to, dry_run, yes, name or secrets.token_hex(4)))


async def _send(read: "Config", flow: str, to: str, dry_run: bool, yes: bool, name: str) -> None:
    from bot.send import leave
    from bot.world import World

    world = World.of(read)
    async with beside(read) as store:
        library = await _library(store, read, flow)
        found = await _audience(store, to, library, world)
        await _show(store, flow, found, library, world)
        await noted(store, f"looked who {flow} would go to")
        many = len(found.people)
        if dry_run:
            return
        if not many:
            raise typer.Exit(1)
        if not yes and not agreed(f"Send to {_people(many)}?"):
            raise typer.Exit(1)
        with progress("people", many) as done:
            begun = await leave(store, name, flow, found, done)
        await noted(store, f"sent {flow} to {begun} people")
    before = f" ({many - begun:,} had it already)" if begun < many else ""
    say(f"Left for {_people(begun)}{before}: the running bot writes to them now, or as soon as it runs.")
    say(f"With `--id {name}` the same command goes on where it was interrupted; nobody gets it twice.")


async def _library(store: "Store", read: "Config", flow: str) -> "Library":
    """The flows in force; where none ever were, those of the folder."""
    from flows.pages import nearest
    from flows.reader import read_files, read_folder

    active = await store.read(lambda tx: tx.library.active())
    library = read_files(active[1]).library if active else read_folder(read.flows_folder).library
    if flow not in library.flows:
        mend = nearest(flow, library.flows)
        refuse(f"there is no flow `{flow}` in force" + (f" ({mend})" if mend else ""))
    return library


async def _audience(store: "Store", to: str, library: "Library", world: "World") -> "Audience":
    from bot.send import BadQuery, NoPhoneYet, audience

    try:
        return await store.read(lambda tx: audience(tx, to, library, world))
    except BadQuery as error:
        refuse(str(error))
    except NoPhoneYet:
        await _ask_for_phone(store)


async def _ask_for_phone(store: "Store") -> NoReturn:
    from bot.own_phone import expect, new_word

    word = new_word()
    await store.run(lambda tx: expect(tx, word))
    say(f"Write `{word}` to the bot from your own phone, within an hour; then repeat this command.")
    raise typer.Exit(1)


async def _show(store: "Store", flow: str, found: "Audience", library: "Library", world: "World") -> None:
    from bot.send import first_message

    say(f"{_people(len(found.people))}{_parts(found.people)}")
    names = [plain(person.fields.get("name") or "") for person in found.people]
    first = [each for each in names if each][:_NAMED]
    if first:
        rest = len(names) - len(first)
        say(f"  {', '.join(first)}" + (f" and {rest:,} more" if rest else ""))
    for reason, many in sorted(found.left_out.items()):
        say(f"  {many:,} more {'is' if many == 1 else 'are'} left out: they {reason}")
    examples: dict[str, Person] = {}
    for person in found.people:
        examples.setdefault(_language(person), person)
    for language, person in sorted(examples.items()):

        async def preview(tx: "Transaction", person: "Person" = person) -> str:
            return await first_message(tx, flow, person, library, world, found.action)

        words = await store.read(preview) or "(this flow does something first, and what it says depends on that)"
        say("")
        say(f"{language}:")
        for line in words.splitlines():
            say(f"  {plain(line)}".rstrip())
    say("")


def _parts(people: "Iterable[Person]") -> str:
    languages, channels = Counter(map(_language, people)), Counter(person.channel for person in people)
    parts = [
        ", ".join(f"{many:,} {name}" for name, many in sorted(counted.items(), key=lambda each: (-each[1], each[0])))
        for counted in (languages, channels)
    ]
    return f": {' · '.join(parts)}" if languages else ""


def _language(person: "Person") -> str:
    return str(person.fields.get("language") or person.language)


def _people(many: int) -> str:
    return "1 person" if many == 1 else f"{many:,} people"
