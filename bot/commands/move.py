"""`doorstep move`."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import (
    ConfigOption,
    agreed,
    beside,
    configured,
    finish,
    noted,
    plain,
    progress,
    refuse,
    say,
    table,
    write_sheet,
)

if TYPE_CHECKING:
    from bot.config import Config
    from bot.moving import Account, Plan
    from bot.world import World
    from flows.model import Library
    from storage.store import Store
    from storage.transaction import Transaction

PATIENCE = 20.0
"""Seconds that a message which is on the wire just now is waited for."""


def move(
    lost: Annotated[str, typer.Option("--from", metavar="KIND:ACCOUNT", help="The lost account, like telegram:main.")],
    config: ConfigOption,
    to: Annotated[
        str, typer.Option("--to", metavar="KIND:ACCOUNT", help="Where to, for those who can be reached there.")
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", help="Write the links to this file too, as CSV.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show how many.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Invites everyone over after a bot account was lost. They are written to by another address of theirs."""
    read = configured(config)
    if out is not None and out.exists():
        refuse(f"{out} is there already: choose another name")
    links = finish(_move(read, lost, to, out, dry_run, yes))
    for line in table(links) if links else ():
        say(line)
    if links:
        from bot.people_import import GOOD_FOR

        many = "1 link" if len(links) == 1 else f"{len(links):,} links"
        typer.echo(f"{many}. Each is for one person, once, and good for {GOOD_FOR.days} days.", err=True)


async def _move(
    read: "Config", lost: str, to: str, out: Path | None, dry_run: bool, yes: bool
) -> Sequence[tuple[str, str]]:
    from bot import moving
    from bot.world import World

    world = World.of(read)
    async with beside(read) as store:
        account, goal = await _accounts(store, world, lost, to)
        planned = await store.read(lambda tx: moving.plan(tx, account, goal))
        _show(account, planned)
        movable = [number for numbers in planned.elsewhere.values() for number in numbers]
        if dry_run or not (movable or planned.nowhere):
            return ()
        if not yes and not agreed("Move them?"):
            raise typer.Exit(1)
        await store.run(lambda tx: moving.lose(tx, account))
        await noted(store, f"moved {len(movable)} people, and gave {len(planned.nowhere)} a link")
        await _over(store, world, movable, account, goal)
        return await _invite(store, world, planned.nowhere, goal, out)


async def _accounts(store: "Store", world: "World", lost: str, to: str) -> "tuple[Account, Account | None]":
    """The two accounts that are meant; or the end with one line."""
    known = await store.read(lambda tx: tx.addresses.accounts())
    listed = ", ".join(map(_named, known)) or "none yet"
    account, goal = _read(lost), _read(to) if to else None
    if account not in known:
        refuse(f"--from {lost}: nobody is known there (people are known at: {listed})")
    if goal == account:
        refuse(f"--to {to}: that is the account that is lost: name another")
    if goal is not None and goal not in known and goal not in world.accounts:
        refuse(f"--to {to}: there is no such account in the configuration, and nobody is known there")
    return account, goal


def _read(written: str) -> "Account":
    kind, _, account = written.partition(":")
    return kind, account or ("web" if kind == "web" else "main")


def _named(account: "Account") -> str:
    return ":".join(account)


def _show(account: "Account", planned: "Plan") -> None:
    there = sum(map(len, planned.elsewhere.values()))
    say(f"{_named(account)}: {_people(there + len(planned.nowhere) + planned.stopped)}")
    where = ", ".join(f"{len(numbers):,} {_named(each)}" for each, numbers in sorted(planned.elsewhere.items()))
    say(f"  {there:,} can be written to elsewhere" + (f": {where}" if where else ""))
    say(f"  {len(planned.nowhere):,} have no other address: each gets a link to come with")
    if planned.stopped:
        say(f"  {planned.stopped:,} more have none and said stop: they are left alone")
    say(f"  {planned.messages:,} messages wait there, or failed since it last sent anything")


def _messages(many: int) -> str:
    return "1 message goes out" if many == 1 else f"{many:,} messages go out"


def _people(many: int) -> str:
    return "1 person" if many == 1 else f"{many:,} people"


async def _over(
    store: "Store", world: "World", people: Sequence[int], account: "Account", to: "Account | None"
) -> None:
    library, sent = await store.read(_library), 0

    async def each_of_them() -> int:
        with progress("people", len(people)) as done:
            many = 0
            for count, number in enumerate(people, 1):
                one = partial(_one, world=world, library=library, number=number, account=account, to=to)
                many += await store.run(one)
                done(count)
            return many

    async def on_the_wire() -> int:
        return (await store.read(lambda tx: tx.outbox.stranded_at(*account)))[1]

    sent = await each_of_them()
    if wire := await on_the_wire():
        until = time.monotonic() + PATIENCE
        while wire and time.monotonic() < until:
            await asyncio.sleep(0.5)
            wire = await on_the_wire()
        # What has come back meanwhile goes out elsewhere too.
        sent += await each_of_them()
    say(f"{_people(len(people))} can be written to elsewhere, and are; {_messages(sent)} there again.")
    if wire:
        say(f"{wire:,} are still on the wire: run this again in a few minutes.")


async def _library(tx: "Transaction") -> "Library":
    """The flows in force, for their translations."""
    from flows.model import Library
    from flows.reader import read_files

    active = await tx.library.active()
    return read_files(active[1]).library if active else Library({})


async def _one(
    tx: "Transaction", world: "World", library: "Library", number: int, account: "Account", to: "Account | None"
) -> int:
    from bot import moving
    from bot.do.base import Turn

    loaded = await tx.people.load(number)
    if loaded is None:
        return 0
    person = loaded.person
    turn = Turn(tx=tx, world=world, library=library, person=person, fields=dict(person.fields))
    return await moving.over(turn, account, to)


async def _invite(
    store: "Store", world: "World", people: Sequence[int], to: "Account | None", out: Path | None
) -> Sequence[tuple[str, str]]:
    """Everybody's first name, and a link of their own."""
    from bot.people_import import GOOD_FOR
    from bot.reach import start_at, start_of
    from storage.whole import whole

    there = await store.read(lambda tx: start_at(tx, *to)) if to else ""
    start = there or await store.read(lambda tx: start_of(tx, world))
    names = await store.read(lambda tx: _names(tx, people))
    codes = {number: secrets.token_urlsafe(12) for number in names}
    rows = [(names[number], start + code) for number, code in codes.items()]

    async def invite(tx: "Transaction") -> None:
        for number, code in codes.items():
            await tx.links.make(number, code, tx.now + GOOD_FOR)

    if out is None or not rows:
        await store.run(invite)
        return rows
    # The file first, for the links are nowhere else; it takes its name once they are good.
    with whole(out) as part:
        write_sheet(part, ("name", "link"), rows)
        await store.run(invite)
    return rows


async def _names(tx: "Transaction", people: Sequence[int]) -> dict[int, str]:
    found = {number: await tx.people.get(number) for number in people}
    return {number: plain(each.fields.get("name") or "") for number, each in found.items() if each is not None}
