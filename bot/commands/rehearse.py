"""`doorstep rehearse`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.shared import JsonOption, flows_folder, plain, progress, refuse, say, table, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.rehearse import Rehearsed


def rehearse(
    supporters: Annotated[int, typer.Option("--supporters", min=0, max=100_000, help="How many newcomers come.")] = 50,
    buddies: Annotated[int, typer.Option("--buddies", min=0, max=10_000, help="How many want to be buddies.")] = 10,
    days: Annotated[int, typer.Option("--days", min=1, max=365, help="How long it lasts.")] = 14,
    seed: Annotated[int, typer.Option("--seed", help="The same seed is the same campaign.")] = 1,
    faults: Annotated[bool, typer.Option("--faults", help="With everything going wrong that can.")] = False,
    as_json: JsonOption = False,
    flows: Annotated[
        Path | None, typer.Option("--flows", help="A folder that holds library/ (default: flows).")
    ] = None,
) -> None:
    """Plays a whole campaign in virtual time. Every promise is checked."""
    from bot.libraries import BadLibrary
    from bot.rehearse import Wanted
    from bot.rehearse import rehearse as play

    wanted, folder = Wanted(supporters, buddies, days, seed, faults), flows_folder(flows)

    def played() -> "Rehearsed":
        try:
            with progress("days", days) as shown:
                return play(wanted, folder, shown)
        except BadLibrary:
            refuse(f"the flows in {folder} have mistakes: `doorstep check` shows them")

    found = told(played)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=2))
    else:
        _print(found)
    if found.broken:
        typer.echo(f"doorstep: seed {seed}: {found.broken}", err=True)
        raise typer.Exit(1)


def _print(found: "Rehearsed") -> None:
    from bot.stats import LABELS

    wanted = found.wanted
    say(f"{wanted.supporters} supporters and {wanted.buddies} buddies for {wanted.days} days, seed {wanted.seed}")
    say("")
    say(f"  {found.connections} connections: two people who both say they met. {found.waiting} still wait for a buddy.")
    say("")
    first = max(found.funnel.get("wrote_first", 0), 1)
    _rows([(LABELS[name], f"{people:>6}", f"{people / first:>5.0%}") for name, people in found.funnel.items()])
    median, most = found.messages
    mean, busiest = found.cards
    say("")
    _rows(
        [
            ("messages to one person in a week", f"{median:g}", f"at most {most}"),
            ("cards that coordinators press in a day", f"{mean:g}", f"at most {busiest}"),
        ]
    )
    struck = [(kind.replace("_", " "), f"{times:>6}") for kind, times in found.faults.items() if times]
    if struck:
        say("")
        say("  What went wrong")
        _rows(struck)
    say("")
    say("  What was promised, and how often it was checked")
    _rows([(promise.replace("_", " "), f"{times:>6}") for promise, times in found.checks.items()])
    say("")
    say(f"  BROKEN: {plain(found.broken)}" if found.broken else "  Every promise held.")


def _rows(rows: "Sequence[Sequence[str]]") -> None:
    for line in table(rows):
        say(f"    {line}")
