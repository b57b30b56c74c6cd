"""`doorstep stats`."""

import json
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import (
    ConfigOption,
    JsonOption,
    beside,
    configured,
    finish,
    local,
    noted,
    padded,
    plain,
    refuse,
    say,
    table,
    width,
)

if TYPE_CHECKING:
    from rich.text import Text

    from bot.config import Config
    from bot.stats import Stats, Step
    from bot.story import Story
    from storage.audit import Entry
    from storage.people import Known
    from storage.transaction import Transaction

_BAR = 20
_AUDITED = 1000
"""The newest lines of the audit trail that are shown."""
_MET = frozenset({"met", "met_again"})


def stats(
    config: ConfigOption,
    as_json: JsonOption = False,
    person: Annotated[int | None, typer.Option("--person", help="Tells the story of this person.")] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=36500, help="How long the period is, until now.")] = 7,
    audit: Annotated[bool, typer.Option("--audit", help="Who looked at people's data, or decided something.")] = False,
) -> None:
    """The connections, and the funnel that leads to them."""
    from bot.stats import as_json as numbers
    from bot.stats import count

    read = configured(config)
    if audit:
        if as_json or person is not None:
            refuse("--audit is a list of its own: leave --json and --person out")
        return _print_audit(read)
    if person is not None:
        if as_json:
            refuse("--person tells a story: leave --json out")
        return _print_story(read, person)

    async def counted() -> "Stats":
        async with beside(read) as store:
            return await store.read(lambda tx: count(tx, days))

    found = finish(counted())
    if as_json:
        return typer.echo(json.dumps({"group": read.org.name, **numbers(found)}, indent=2, ensure_ascii=False))
    return _print_stats(read, found)


def _print_stats(read: "Config", found: "Stats") -> None:
    from rich.text import Text

    from bot.stats import HELD, LABELS

    at, period = local(found.at, read), f"last {found.days} days" if found.days > 1 else "last day"
    say(Text.assemble((plain(read.org.name), "bold"), f" · {at:%A} {at.day} {at:%B %Y}"))
    say("")
    word = "connection" if found.connections == 1 else "connections"
    say(
        Text.assemble(
            ("  ", ""),
            (f"{found.connections:,} {word}", "bold green"),
            (" · two people who both say they met", ""),
            (f" · {found.period_connections:,} in the {period}", "dim"),
        )
    )
    say("")
    label = max(map(width, LABELS.values()))
    most = max([1, *(step.people for step in found.funnel)])
    heads = f"{'people':>7}  {'':{_BAR}}  {'of those before':>15}  {'took about':>10}  {period:>12}"
    say(Text(f"  {padded('', label)}  {heads}", "dim"))
    for step in found.funnel:
        say(_line(step, padded(LABELS[step.name], label), most))
    say("")
    waiting = "1 person waits" if found.waiting == 1 else f"{found.waiting:,} people wait"
    free = "1 buddy is free" if found.free_buddies == 1 else f"{found.free_buddies:,} buddies are free"
    say(f"  {waiting} for a buddy · {free}")
    if found.pairs:
        say("  pairs: " + ", ".join(f"{many:,} {state}" for state, many in found.pairs.items()))
    if counted := [f"{ever:,} {HELD[name]}" for name, (ever, _) in found.held.items() if ever]:
        say("  held back: " + ", ".join(counted))


def _line(step: "Step", label: str, most: int) -> "Text":
    from rich.text import Text

    from bot.stats import how_long

    colour = "green" if step.name in _MET else "cyan"
    share = "" if step.share is None else f"{step.share:.0%}"
    return Text.assemble(
        f"  {label}  ",
        (f"{step.people:>7,}", "bold"),
        "  ",
        (padded(_bar(step.people / most), _BAR), colour),
        f"  {share:>15}",
        f"  {how_long(step.took) if step.took is not None else '':>10}",
        (f"  {step.period:>12,}", "dim"),
    )


def _bar(part: float) -> str:
    """A bar to an eighth of a column; of what there is at all, something is seen."""
    if not (sys.stdout.encoding or "").lower().startswith("utf"):
        return "#" * max(round(part * _BAR), part > 0)
    eighths = max(round(part * _BAR * 8), part > 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _print_audit(read: "Config") -> None:
    async def looked() -> "list[Entry]":
        async with beside(read) as store:
            return await store.read(lambda tx: tx.audit.newest(_AUDITED))

    rows = [("when", "who", "as", "what", "about")]
    for entry in reversed(finish(looked())):
        when = f"{local(entry.at, read):%Y-%m-%d %H:%M}"
        rows.append(
            (when, plain(entry.by) or "unknown", entry.role, plain(entry.what), entry.subject.replace(":", " "))
        )
    for line in table(rows):
        say(line)


def _print_story(read: "Config", number: int) -> None:
    from rich.text import Text

    from bot import story

    async def asked() -> "tuple[datetime, Story | None]":
        async def both(tx: "Transaction") -> "tuple[datetime, Story | None]":
            return tx.now, await story.of(tx, number)

        async with beside(read) as store:
            await noted(store, "read somebody's story", number)
            return await store.read(both)

    now, found = finish(asked())
    if found is None:
        refuse(f"there is no person {number}: `doorstep people list` shows who there is")
    say(_heading(number, found.person))
    say("")
    moments = [story.when(local(at, read), local(now, read)) for at, _ in found.lines]
    longest = max(map(width, moments), default=0)
    for at, (_, sentence) in zip(moments, found.lines, strict=True):
        say(Text.assemble("  ", (padded(at, longest), "dim"), "  ", (plain(sentence), _style(sentence))))
    if not found.lines:
        say("  Nothing has happened yet.")


def _heading(number: int, person: "Known | None") -> "Text":
    from rich.text import Text

    if person is None:
        return Text.assemble((f"Person {number}", "bold"), " was forgotten; nobody knows any more who it was.")
    name, place = (plain(person.fields.get(field) or "") for field in ("name", "place"))
    about = ", ".join(filter(None, (f"person {number}", person.role or "supporter", place)))
    return Text.assemble((name or "Someone without a name", "bold"), f" · {about}")


def _style(sentence: str) -> str:
    return "bold green" if sentence.startswith("met ") else ""
