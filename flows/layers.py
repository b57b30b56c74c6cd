"""Which row each box of a layered drawing stands in, and the order within the rows that lets few lines cross."""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

LINE, LANE = 16.0, 11.0
"""How much room a line takes that passes a row, and one that runs at the side of a box."""


@dataclass(frozen=True, slots=True)
class Line:
    """A way from one box to another, with the size of its label (0: none)."""

    source: str
    target: str
    width: float = 0
    height: float = 0


@dataclass(frozen=True, slots=True)
class Link:
    """What an item hangs on in the next row: `near` and `far` are how far from the two middles the line runs."""

    other: "Item"
    near: float = 0
    far: float = 0


@dataclass(slots=True, eq=False)
class Item:
    """What takes room in a row: a box, a label, or a line that passes (`height` 0).

    left, right  how far it reaches from its middle, `x`
    lanes        at the right-hand side of a box: the lane of each line that leads up, by the line's number
    place        its number in its row
    """

    row: int
    left: float
    right: float
    height: float = 0
    box: bool = False
    x: float = 0
    up: list[Link] = field(default_factory=list)
    down: list[Link] = field(default_factory=list)
    lanes: dict[int, int] = field(default_factory=dict)
    place: int = 0


def leveled(names: Sequence[str], lines: Sequence[Line], across: int) -> tuple[dict[str, int], set[int]]:
    """A row for each box, below all that lead to it, and the numbers of the lines that then lead upwards.

    The first box has the first row for itself; no other row holds more than `across`. Where a row is full, the box with
    the longest way before it stays, so that side ways and endings move down.
    """
    ways: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for number, line in enumerate(lines):
        ways[line.source].append((number, line.target))
    left, back = _walk(names, ways)
    ways = {name: [way for way in found if way[0] not in back] for name, found in ways.items()}
    depth: dict[str, int] = {}
    for name in left:
        depth[name] = max((depth[target] + 1 for _, target in ways[name]), default=0)
    rank = {name: (-depth[name], -number) for number, name in enumerate(left)}
    return _placed(names, ways, rank, across), back


def _placed(
    names: Sequence[str],
    ways: Mapping[str, list[tuple[int, str]]],
    rank: Mapping[str, tuple[int, int]],
    across: int,
) -> dict[str, int]:
    earliest, waiting = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for found in ways.values():
        for _, target in found:
            waiting[target] += 1
    ready = [name for name in names if not waiting[name]]
    level: dict[str, int] = {}
    filled: dict[int, int] = {}
    while ready:
        name = min(ready, key=lambda each: (each != names[0], earliest[each], rank[each]))
        ready.remove(name)
        row = earliest[name]
        while filled.get(row, 0) >= (across if row else 1):
            row += 1
        level[name], filled[row] = row, filled.get(row, 0) + 1
        for _, target in ways[name]:
            earliest[target] = max(earliest[target], row + 1)
            waiting[target] -= 1
            ready += [target] if not waiting[target] else []
    return level


def _walk(names: Sequence[str], ways: Mapping[str, list[tuple[int, str]]]) -> tuple[list[str], set[int]]:
    """Boxes in the order in which a walk into the depth leaves them, and the lines that close a circle."""
    left: list[str] = []
    back: set[int] = set()
    entered: dict[str, bool] = {}
    for root in names:
        stack = [(root, iter(ways[root]))] if root not in entered else []
        entered.setdefault(root, True)
        while stack:
            name, ahead = stack[-1]
            for number, target in ahead:
                if target not in entered:
                    entered[target] = True
                    stack.append((target, iter(ways[target])))
                    break
                if entered[target]:
                    back.add(number)
            else:
                entered[name] = False
                left.append(name)
                stack.pop()
    return left, back


def chained(number: int, line: Line, back: bool, items: Mapping[str, Item], labels: dict[int, float]) -> list[Item]:
    """The line as items from row to row, top down; its label goes where there is most room, near its source."""
    upper, lower = items[line.source], items[line.target]
    if back:
        upper, lower = lower, upper
    middle = [Item(row, LINE / 2, LINE / 2) for row in range(upper.row + 1, lower.row)]
    if line.width:
        between = [item for item in middle if item.row % 2]
        spot = min(between[::-1] if back else between, key=lambda item: labels.get(item.row, 0.0))
        labels[spot.row] = labels.get(spot.row, 0.0) + line.width
        spot.left = spot.right = line.width / 2 + LINE / 4
        spot.height = line.height
    chain = [upper, *middle, lower]
    for above, below in pairwise(chain):
        near, far = (_lane(item, number) if back and item.box else 0.0 for item in (above, below))
        above.down.append(Link(below, near, far))
        below.up.append(Link(above, far, near))
    return chain


def _lane(box: Item, number: int) -> float:
    """One more lane at the right-hand side of a box; answers how far from the box's middle."""
    box.lanes[number] = len(box.lanes) + 1
    box.right += LANE
    return box.right


def rows_of(boxes: Sequence[Item]) -> list[list[Item]]:
    """All items by row, in the order in which a walk down from the top meets them."""
    rows: list[list[Item]] = [[] for _ in range(1 + max(item.row for item in boxes))]
    seen: set[Item] = set()
    for root in boxes:
        stack = [root]
        while stack:
            item = stack.pop()
            if item not in seen:
                seen.add(item)
                rows[item.row].append(item)
                stack += [link.other for link in reversed(item.down)]
    return rows


def effort(rows: Sequence[Sequence[Item]], most: int) -> int:
    """How often to go over all rows: `most` times, and less where a drawing is so large that it would take seconds."""
    return max(1, min(most, 80_000 // (1 + sum(len(row) for row in rows))))


def order(rows: list[list[Item]]) -> None:
    """Orders each row so that few lines cross: sweeps down and up, each to the middle of what an item hangs on."""
    number_places(rows)
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for sweep in range(effort(rows, 20)):
        down = sweep % 2 == 0
        shade = 1e-3 if sweep % 4 < 2 else -1e-3
        for row in rows if down else reversed(rows):
            middles = {item: _middle(item, item.up if down else item.down, shade) for item in row}
            row.sort(key=middles.__getitem__)
            number_places([row])
        crossings = _crossings(rows)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
        if not fewest:
            break
    rows[:] = best
    number_places(rows)
    for _ in range(effort(rows, 10)):
        if not sum(_exchange(row) for row in rows):
            break


def _exchange(row: list[Item]) -> int:
    """Exchanges neighbours wherever fewer lines cross then; answers how many times."""
    done = 0
    for place in range(len(row) - 1):
        one, other = row[place], row[place + 1]
        if _crossed(one, other) > _crossed(other, one):
            row[place], row[place + 1] = other, one
            one.place, other.place = place + 1, place
            done += 1
    return done


def _crossed(one: Item, other: Item) -> int:
    """How many lines of two neighbours cross, where `one` is to the left."""
    crossed = 0
    for left, right in ((one.up, other.up), (one.down, other.down)):
        for mine in left:
            end = _end(mine)
            for its in right:
                crossed += end > _end(its)
    return crossed


def number_places(rows: Sequence[Sequence[Item]]) -> None:
    """Tells each item its number in its row."""
    for row in rows:
        for number, item in enumerate(row):
            item.place = number


def _middle(item: Item, links: Sequence[Link], shade: float) -> float:
    """Where an item wants to stand; `shade` decides between equals now the one way, now the other."""
    if not links:
        return item.place
    return sum(_end(link) for link in links) / len(links) + shade * item.place


def _end(link: Link) -> float:
    return link.other.place + (0.3 if link.far else 0)


def _crossings(rows: Sequence[Sequence[Item]]) -> int:
    found = 0
    for row in rows:
        passed: list[float] = []
        for item in row:
            ends = [_end(link) for link in item.down]
            found += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return found
