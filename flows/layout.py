"""Where the boxes and lines of a layered drawing stand: sizes in, positions out. Pure geometry, the same each time.

Boxes stand in rows; between two rows is one for the labels of lines. A line bends only in the free space between rows
and runs straight down through each row, so it never crosses a box or a label. A line that leads back up leaves its box
at the right-hand side and comes in at the right-hand side.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import copysign, inf

from flows.layers import LANE, Item, Line, Link, chained, effort, leveled, order, rows_of

Point = tuple[float, float]

BETWEEN_BOXES, MARGIN, ARROW = 26.0, 14.0, 9.0
LOOSE = 1.08
"""How wide a drawing may become, measured by its widest row: narrow enough for a phone, and room to run straight."""


@dataclass(frozen=True, slots=True)
class Box:
    """Something to be placed."""

    name: str
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Route:
    """The way of a line, from the rim of one box to that of another, and the middle of its label."""

    points: tuple[Point, ...]
    label: Point
    back: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The size of the whole, the left upper corner of each box, and a route for each line in their order."""

    width: float
    height: float
    corners: Mapping[str, Point]
    routes: tuple[Route, ...]


def layout(boxes: Sequence[Box], lines: Sequence[Line], across: int = 2) -> Layout:
    """Places the boxes, the first one on top, with at most `across` in a row. No line may lead from a box to itself."""
    if not boxes:
        return Layout(2 * MARGIN, 2 * MARGIN, {}, ())
    level, back = leveled([box.name for box in boxes], lines, across)
    items = {box.name: Item(2 * level[box.name], box.width / 2, box.width / 2, box.height, True) for box in boxes}
    labels: dict[int, float] = {}
    chains: dict[int, list[Item]] = {}
    # A short way back takes an inner lane, so that a longer one goes around it.
    spans = [abs(level[line.source] - level[line.target]) if n in back else 0 for n, line in enumerate(lines)]
    for number in sorted(range(len(lines)), key=lambda each: (spans[each], each)):
        chains[number] = chained(number, lines[number], number in back, items, labels)
    rows = rows_of(list(items.values()))
    order(rows)
    _spread(rows)
    _straighten(rows)
    return _measured(rows, items, [chains[number] for number in range(len(lines))], back)


# --- from side to side -----------------------------------------------------------------------------------------


def _apart(one: Item, other: Item) -> float:
    """The least distance between the middles of two neighbours."""
    return one.right + other.left + (BETWEEN_BOXES if one.box and other.box else 0)


def _spread(rows: list[list[Item]]) -> None:
    """Gives each item its x: near what it hangs on above and below, long lines as straight as can be."""
    for row in rows:
        _settle(row, [(0.0, 1.0)] * len(row))
    sweeps = 1 + effort(rows, 30)
    for sweep in range(sweeps):
        ways = [(True, False), (False, True)] if 5 * sweep < sweeps else [(True, True), (True, True)]
        sides = _sides(rows) if sweep >= sweeps / 3 else None
        for turn, (up, down) in enumerate(ways):
            for row in rows if turn == 0 else reversed(rows):
                _settle(row, [_pull(item, up, down) for item in row], sides)


def _sides(rows: list[list[Item]]) -> tuple[float, float]:
    """How far to the left and right anything may stand: about where the widest row stands."""
    spans = [(row[0].x - row[0].left, row[-1].x + row[-1].right) for row in rows]
    widest = max(_width(row) for row in rows) * LOOSE
    middle = sorted((low + high) / 2 for low, high in spans)[len(spans) // 2]
    return middle - widest / 2, middle + widest / 2


def _width(row: list[Item]) -> float:
    return row[0].left + sum(_apart(one, other) for one, other in pairwise(row)) + row[-1].right


def _pull(item: Item, up: bool, down: bool) -> tuple[float, float]:
    """Where an item is drawn to, and how strongly. What is almost straight pulls most, so that it becomes straight."""
    here = item.x
    total, weight = here * 0.02, 0.02
    for link in [*item.up, *item.down] if up and down else item.up if up else item.down:
        other = link.other
        goal = other.x + link.far - link.near
        stiff = 1.0 if item.box and other.box else 2.0 if item.box or other.box else 6.0
        strength = stiff / (abs(goal - here) + 4)
        total += strength * goal
        weight += strength
    return total / weight, weight


def _settle(row: list[Item], wishes: list[tuple[float, float]], sides: tuple[float, float] | None = None) -> None:
    """Moves a row as near to all wishes as its order and the widths allow."""
    shifts = [0.0]
    for one, other in pairwise(row):
        shifts.append(shifts[-1] + _apart(one, other))
    low, high = (sides[0] + row[0].left, sides[1] - row[-1].right) if sides else (-inf, inf)
    for item, x in zip(row, _nearest(wishes, shifts, low, high), strict=True):
        item.x = x


def _nearest(wishes: list[tuple[float, float]], shifts: list[float], low: float, high: float) -> list[float]:
    """The numbers nearest to all wishes (number, weight) that keep the distances given by `shifts`, by least squares.

    Neighbours that want to stand closer than they may are pooled; `low` and `high` bound the first and the last.
    """
    pools: list[tuple[float, float, int]] = []
    for (wish, weight), shift in zip(wishes, shifts, strict=True):
        pool = (wish - shift, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            last = pools.pop()
            heavy = last[1] + pool[1]
            pool = ((last[0] * last[1] + pool[0] * pool[1]) / heavy, heavy, last[2] + pool[2])
        pools.append(pool)
    values = [max(min(value, high - shifts[-1]), low) for value, _, size in pools for _ in range(size)]
    return [value + shift for value, shift in zip(values, shifts, strict=True)]


def _straighten(rows: list[list[Item]]) -> None:
    """Puts items that hang below each other exactly below each other, wherever their neighbours leave room."""
    sides = _extent(rows)
    for _ in range(effort(rows, 3)):
        columns = _columns(rows)
        for column in sorted(columns, key=len, reverse=True):
            # A column has one item of a row at the most, so that none of them is in the way of another.
            _align(column, [_room(rows[item.row], item, sides) for item in column])


def _columns(rows: list[list[Item]]) -> Iterator[list[Item]]:
    taken: set[Item] = set()
    for row in rows:
        for item in row:
            column: list[Item] = []
            below: Item | None = item
            while below is not None and below not in taken:
                taken.add(below)
                column.append(below)
                straight = _straightest(below.down)
                below = straight if straight is not None and _straightest(straight.up) is below else None
            if len(column) > 1:
                yield column


def _straightest(links: Sequence[Link]) -> Item | None:
    """The middle one of those that an item hangs on, not counting the lanes at the sides of boxes."""
    others = [link.other for link in links if not link.near and not link.far]
    if len(others) < 2:  # what a line passes through has one, and there are tens of thousands of those
        return others[0] if others else None
    return sorted(others, key=lambda item: item.x)[(len(others) - 1) // 2]


def _align(column: list[Item], rooms: list[tuple[float, float]]) -> None:
    low, high = max(room[0] for room in rooms), min(room[1] for room in rooms)
    if low <= high:
        wish = sorted(item.x for item in column)[len(column) // 2]
        for item in column:
            item.x = min(max(wish, low), high)
    elif len(column) > 2:
        half = len(column) // 2
        _align(column[:half], rooms[:half])
        _align(column[half:], rooms[half:])


def _room(row: list[Item], item: Item, sides: tuple[float, float]) -> tuple[float, float]:
    """Between which x an item can stand while its neighbours stay."""
    before = row[item.place - 1] if item.place else None
    after = row[item.place + 1] if item.place + 1 < len(row) else None
    low = before.x + _apart(before, item) if before else sides[0] + item.left
    high = after.x - _apart(item, after) if after else sides[1] - item.right
    return low, high


def _extent(rows: list[list[Item]]) -> tuple[float, float]:
    return min(row[0].x - row[0].left for row in rows), max(row[-1].x + row[-1].right for row in rows)


# --- from top to bottom ----------------------------------------------------------------------------------------


def _measured(rows: list[list[Item]], items: Mapping[str, Item], chains: list[list[Item]], back: set[int]) -> Layout:
    """Turns rows into heights, and chains into routes."""
    left, right = _extent(rows)
    for row in rows:
        for item in row:
            item.x += MARGIN - left
    tops, y = _heights(rows)
    corners = {name: (item.x - item.left, tops[item.row][0]) for name, item in items.items()}
    ports = _ports(chains, back)
    routes = tuple(_route(number, chain, number in back, tops, ports) for number, chain in enumerate(chains))
    return Layout(right - left + 2 * MARGIN, y + MARGIN, corners, routes)


def _heights(rows: list[list[Item]]) -> tuple[list[Point], float]:
    """Top and bottom of each row, with more free space where a line has further to go aside."""
    tops, y = [], MARGIN
    for number, row in enumerate(rows):
        if number:
            reach = max((abs(item.x - link.other.x) for item in row for link in item.up), default=0)
            y += (ARROW if number % 2 == 0 else 0) + 10 + min(22, reach / 8)
        height = max((item.height for item in row), default=0)
        tops.append((y, y + height))
        y += height
    return tops, y


def _ports(chains: list[list[Item]], back: set[int]) -> dict[tuple[int, bool], float]:
    """Where on the rim of a box each line begins and ends, side by side in the order in which they fan out."""
    fans: dict[tuple[Item, bool], list[tuple[float, int]]] = {}
    for number, chain in enumerate(chains):
        if number not in back:
            fans.setdefault((chain[0], True), []).append((chain[1].x, number))
            fans.setdefault((chain[-1], False), []).append((chain[-2].x, number))
    at: dict[tuple[int, bool], float] = {}
    for (box, first), fan in fans.items():
        fan.sort()
        rim = box.left - min(20.0, 0.7 * box.left)
        step = min(15.0, 2 * rim / len(fan))
        wishes = [(box.x + _aside(x - box.x, max(rim - 30, rim / 2)), 1.0) for x, _ in fan]
        shifts = [step * place for place in range(len(fan))]
        found = _nearest(wishes, shifts, box.x - rim, box.x + rim)
        at.update({(number, first): x for (_, number), x in zip(fan, found, strict=True)})
    return at


def _aside(away: float, reach: float) -> float:
    """Where a line leaves that goes so far aside: straight above its goal if it can, else near the middle."""
    return away if abs(away) <= reach else copysign(15.0, away)


def _route(
    number: int, chain: list[Item], back: bool, tops: list[Point], ports: Mapping[tuple[int, bool], float]
) -> Route:
    upper, lower = chain[0], chain[-1]
    through = [point for item in chain[1:-1] for point in _through(item, tops)]
    if back:
        into = _along(upper, number, tops, -1)
        out = _along(lower, number, tops, 1)
        points = [*out, *reversed(through), *reversed(into)]
    else:
        begin, end = ports[number, True], ports[number, False]
        points = [(begin, tops[upper.row][0] + upper.height), (begin, tops[upper.row][1]), *through]
        points += [(end, tops[lower.row][0] - ARROW), (end, tops[lower.row][0])]
    spot = next((item for item in chain[1:-1] if item.height), chain[1])
    return Route(tuple(points), (spot.x, sum(tops[spot.row]) / 2), back)


def _through(item: Item, tops: list[Point]) -> Iterator[Point]:
    top, bottom = tops[item.row]
    yield item.x, top
    if bottom > top:
        yield item.x, bottom


def _along(box: Item, number: int, tops: list[Point], way: int) -> list[Point]:
    """From the right-hand side of a box into its lane, and on to the rim of the row: up (1), or down (-1)."""
    top, bottom = tops[box.row]
    lane = box.lanes[number]
    rim = box.x + box.right - LANE * len(box.lanes)
    y = top + min(box.height / 2, 20 + 10 * (lane - 1))
    x = rim + LANE * lane
    return [(rim, y), (x, y - way * min(LANE, y - top)), (x, top if way == 1 else bottom)]
