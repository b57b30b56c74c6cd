"""`doorstep pair`: who of a spreadsheet would be introduced to whom, and why. Needs no database and no bot."""

import csv
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bot.commands.shared import JsonOption, configured, plain, progress, refuse, say, table, told, understood

if TYPE_CHECKING:
    from bot.config import Config
    from bot.pairing.assign import Assigned
    from bot.pairing.sides import Sides
    from bot.pairing.spreadsheet import Listed


def pair(
    people: Annotated[Path, typer.Option("--people", metavar="FILE.csv", help="A row for each supporter and buddy.")],
    method: Annotated[
        Literal["optimal", "greedy"], typer.Option("--method", help="All together, or each row in turn.")
    ] = "optimal",
    edges: Annotated[
        Path | None, typer.Option("--edges", metavar="OUT.csv", help="Write the pairs that were chosen from, as CSV.")
    ] = None,
    as_json: JsonOption = False,
    config: Annotated[
        Path | None, typer.Option("--config", help="A configuration, whose [pairing] counts instead of its defaults.")
    ] = None,
) -> None:
    """Pairs the supporters and buddies of a spreadsheet.

    Columns: id, role, name, adult, languages, interests, times, lat, lon, place, capacity, blocks.
    """
    read = None if config is None else configured(config)
    if edges is not None:
        _check_target(edges, people)
    listed = _listed(people, read)
    begun = time.perf_counter()
    sides = told(lambda: _sides(listed, read))
    assigned = told(lambda: _assigned(sides, method))
    left = told(lambda: _left(sides, assigned))
    seconds = time.perf_counter() - begun
    if edges is not None:
        told(lambda: _write_edges(edges, listed, sides, assigned))
    if as_json:
        return typer.echo(json.dumps(_numbers(listed, sides, assigned, left, seconds), indent=2, ensure_ascii=False))
    return _print(listed, sides, assigned, left, seconds)


def _check_target(edges: Path, people: Path) -> None:
    """What is written must not take the place of what was given, and has to have one."""
    if not edges.resolve().parent.is_dir():
        refuse(f"{edges}: there is no folder {edges.parent}")
    if edges.is_dir():
        refuse(f"{edges} is a folder: give --edges a file in it")
    if edges.resolve() == people.resolve():
        refuse(f"{edges} is the sheet of people itself: give --edges another file")


def _listed(file: Path, config: "Config | None") -> "Listed":
    from bot.config import Pairing
    from bot.pairing.spreadsheet import COLUMNS, read_listed
    from bot.places import Places

    places = Places() if config is None else Places.of(config)
    capacity = (Pairing() if config is None else config.pairing).capacity

    def read() -> "Listed":
        with progress("reading"):
            return read_listed(file, places, capacity)

    listed = understood(file, read, undone="paired")
    if listed.ignored:
        known = ", ".join(COLUMNS)
        typer.echo(plain(f"{file}: ignored: {', '.join(listed.ignored)} (known are {known})"), err=True)
    for stranger in listed.strangers:
        typer.echo(plain(f"{file}: {stranger}"), err=True)
    return listed


def _sides(listed: "Listed", config: "Config | None") -> "Sides":
    from bot.commands.shared import present
    from bot.config import Pairing
    from bot.pairing.rules import Terms
    from bot.pairing.sides import Sides

    pairing = Pairing() if config is None else config.pairing
    terms = Terms(present(), pairing.reach_km, pairing.minimum_age, pairing.weights)
    return Sides(listed.wishes, listed.helpers, terms)


def _assigned(sides: "Sides", method: str) -> "Assigned":
    from bot.pairing.assign import greedy, optimal

    with progress("weighing", len(sides.wishes), then="choosing") as done:
        seen = 0

        def step(more: int) -> None:
            nonlocal seen
            seen += more
            done(seen)

        return (optimal if method == "optimal" else greedy)(sides, step)


def _left(sides: "Sides", assigned: "Assigned") -> dict[int, str]:
    """Why each supporter without a buddy has none, by position."""
    import numpy as np

    from bot.pairing.assign import NOBODY
    from bot.pairing.left import why_left

    had = np.zeros(len(sides.wishes), bool)
    had[assigned.edges.supporter] = True
    return why_left(sides, np.flatnonzero(assigned.chosen == NOBODY).tolist(), had)


def _reasons(sides: "Sides", supporter: int, buddy: int) -> list[str]:
    """Why these two, in words; that they speak a language in common is one, so there always is one."""
    from bot.pairing.reasons import of_both, words
    from bot.pairing.rules import reasons

    found = reasons(sides.wishes[supporter], sides.helpers[buddy], sides.terms)
    return [words(reason, str) for reason in of_both(found)]


def _numbers(
    listed: "Listed", sides: "Sides", assigned: "Assigned", left: dict[int, str], seconds: float
) -> dict[str, object]:
    from bot.pairing.edges import GRID

    pairs = [
        {
            "supporter": listed.ids[sides.wishes[supporter].id],
            "buddy": listed.ids[sides.helpers[buddy].id],
            "cost": cost / GRID,
            "reasons": _reasons(sides, supporter, buddy),
        }
        for supporter, buddy, cost in assigned.pairs
    ]
    unpaired = [{"id": listed.ids[sides.wishes[place].id], "why": left[place]} for place in sorted(left)]
    found = {"pairs": pairs, "unpaired": unpaired, "total_cost": assigned.total / GRID, "seconds": round(seconds, 3)}
    return {**found, "pruned": True} if assigned.edges.pruned else found


def _print(listed: "Listed", sides: "Sides", assigned: "Assigned", left: dict[int, str], seconds: float) -> None:
    from bot.pairing.edges import GRID

    def who(row: int) -> str:
        return plain(" ".join(filter(None, (listed.ids[row], listed.names[row]))))

    made = assigned.pairs
    if made:
        rows = [("supporter", "buddy", "cost", "why")]
        for supporter, buddy, cost in made:
            why = plain("; ".join(_reasons(sides, supporter, buddy)))
            names = who(sides.wishes[supporter].id), who(sides.helpers[buddy].id)
            rows.append((*names, f"{cost / GRID:.1f}", why))
        for line in table(rows):
            say(line)
        say("")
    for line in table([(who(sides.wishes[place].id), why) for place, why in sorted(left.items())] if left else []):
        say(f"without a buddy: {plain(line)}")
    say(f"supporters with a buddy: {len(made):,} of {len(sides.wishes):,}; total cost {assigned.total / GRID:,.3f}")
    kept = ", the cheapest of each" if assigned.edges.pruned else ""
    typer.echo(f"pairs to choose from: {len(assigned.edges):,}{kept}; {seconds:.1f} seconds", err=True)


def _write_edges(file: Path, listed: "Listed", sides: "Sides", assigned: "Assigned") -> None:
    from bot.pairing.edges import GRID
    from storage.whole import whole

    edges = assigned.edges
    supporters = [listed.ids[each.id] for each in sides.wishes]
    buddies = [listed.ids[each.id] for each in sides.helpers]
    rows = zip(edges.supporter.tolist(), edges.buddy.tolist(), edges.cost.tolist(), strict=True)
    with whole(file) as part, part.open("w", encoding="utf-8", newline="") as opened:
        sheet = csv.writer(opened)
        sheet.writerow(("supporter", "buddy", "cost"))
        sheet.writerows((supporters[supporter], buddies[buddy], cost / GRID) for supporter, buddy, cost in rows)
