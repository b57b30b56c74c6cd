"""The buddies in memory, arranged by where they live, so that the cheapest for a wish are found without asking all.

They stand in a tree of H3 cells within H3 cells. Each node knows a centre, how far from it its people live at most, and
their dream (`rules.dream`): so the least that any of them can cost is known without looking at them. A search opens
what can be cheapest next, and tells of a buddy only once nothing unopened can be cheaper: it is exact for any rules.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, count
from threading import Lock

import h3

from bot.cells import Point, between, km, point_of
from bot.pairing.rules import Helper, Terms, Verdict, Wish, cost, dream, forbidden, least, reasons
from flows.model import NOTHING

LEVELS = (2, 4, 6, 7, 8)
"""Resolutions of the cells of the tree, from the largest; people stand in those of the last."""

FEW = 5
"""Where the cells in a cell hold fewer people each, asking all of them is quicker than bounding the cells."""


@dataclass(frozen=True, slots=True)
class _Node:
    """A cell with people in it: either smaller cells, or the people themselves. Never changed once made.

    radius  no member lives farther from the centre, in kilometres
    best    the dream of all members
    many    how many members it has
    """

    centre: Point
    radius: float
    best: Helper
    many: int
    cells: Mapping[str, "_Node"]
    helpers: Mapping[int, Helper]


class Pool:
    """Buddies who may be asked. Whoever has no known place, or is full, is kept in it and never found.

    Any thread may read and change it: each search sees the buddies as they were when it began.
    """

    def __init__(self, helpers: Iterable[Helper] = ()) -> None:
        self._changing = Lock()
        self._cells: dict[int, str] = {}
        self._root: Mapping[str, _Node] = NOTHING
        self.refresh(helpers)

    def __len__(self) -> int:
        return len(self._cells)

    def refresh(self, helpers: Iterable[Helper]) -> None:
        """From now on it holds these, each once: of several with the same id the last."""
        them = {helper.id: helper for helper in helpers}
        by_leaf: dict[str, dict[int, Helper]] = {}
        for helper in them.values():
            by_leaf.setdefault(_leaf(helper.cell), {})[helper.id] = helper
        by_leaf.pop("", None)
        root = _grown(by_leaf)
        with self._changing:
            self._cells = {helper.id: helper.cell for helper in them.values()}
            self._root = root

    def put(self, helper: Helper) -> None:
        """Adds a buddy, or replaces what was known of them."""
        with self._changing:
            root = self._root
            known = self._cells.get(helper.id)
            if known is not None and _leaf(known) != _leaf(helper.cell):
                root = _without(root, known, helper.id)
            self._root = _with(root, helper)
            self._cells[helper.id] = helper.cell

    def drop(self, helper_id: int) -> None:
        """Forgets a buddy; nothing happens where they are not known."""
        with self._changing:
            known = self._cells.pop(helper_id, None)
            if known is not None:
                self._root = _without(self._root, known, helper_id)

    def best(self, wish: Wish, terms: Terms, skip: Collection[int] = ()) -> Iterator[tuple[Helper, Verdict]]:
        """Everyone whom the rules allow but those to `skip`, the cheapest first, the older number first among equals.

        Found one by one as they are asked for: `next(pool.best(wish, terms), None)` looks at few.
        """
        here = point_of(wish.cell)
        order = count()
        waiting: list[tuple[float, int, int, _Node | Helper]] = []

        def consider(nodes: Iterable[_Node]) -> None:
            assert here is not None
            for node in nodes:
                bound = least(wish, node.best, max(0.0, between(here, node.centre) - node.radius), terms)
                if bound is not None:
                    heappush(waiting, (bound, 0, next(order), node))

        if here is not None:
            consider(self._root.values())
        while waiting:
            price, _, _, cheapest = heappop(waiting)
            if isinstance(cheapest, Helper):
                yield cheapest, Verdict(price, reasons(wish, cheapest, terms))
                continue
            opened = [cheapest]
            if cheapest.many < FEW * len(cheapest.cells):
                opened = _leaves(cheapest)
            else:
                consider(cheapest.cells.values())
            for helper in chain.from_iterable(node.helpers.values() for node in opened):
                if helper.id not in skip and forbidden(wish, helper, terms) is None:
                    heappush(waiting, (cost(wish, helper, terms), 1, helper.id, helper))


# --- the tree: nothing in it is changed, what leads to a change is made anew ------------------------------------


def _leaf(cell: str) -> str:
    """The cell of the last level in which `cell` lies; "" where it is no cell."""
    return h3.cell_to_parent(cell, LEVELS[-1]) if point_of(cell) is not None else ""


def _path(cell: str) -> tuple[str, ...]:
    leaf = _leaf(cell)
    return tuple(h3.cell_to_parent(leaf, level) for level in LEVELS) if leaf else ()


def _leaves(node: _Node) -> list[_Node]:
    """The cells in a cell, down to those that hold people."""
    return [leaf for cell in node.cells.values() for leaf in _leaves(cell)] if node.cells else [node]


def _grown(by_leaf: Mapping[str, Mapping[int, Helper]]) -> Mapping[str, _Node]:
    nodes = {cell: _people(cell, helpers) for cell, helpers in by_leaf.items()}
    for level in reversed(LEVELS[:-1]):
        groups: dict[str, dict[str, _Node]] = {}
        for cell, node in nodes.items():
            groups.setdefault(h3.cell_to_parent(cell, level), {})[cell] = node
        nodes = {cell: _group(cell, inside) for cell, inside in groups.items()}
    return nodes


def _people(cell: str, helpers: Mapping[int, Helper]) -> _Node:
    centre = point_of(cell)
    assert centre is not None, "a parent of a cell is a cell"
    radius = max(km(cell, helper.cell) or 0.0 for helper in helpers.values())
    return _Node(centre, _rounded(radius), dream(helpers.values()), len(helpers), NOTHING, helpers)


def _group(cell: str, inside: Mapping[str, _Node]) -> _Node:
    centre = point_of(cell)
    assert centre is not None, "a parent of a cell is a cell"
    radius = max(between(centre, node.centre) + node.radius for node in inside.values())
    best, many = dream(node.best for node in inside.values()), sum(node.many for node in inside.values())
    return _Node(centre, _rounded(radius), best, many, inside, NOTHING)


def _rounded(radius: float) -> float:
    """A little more: what rounding takes from a bound must not hide anybody."""
    return radius + 1e-6


def _with(root: Mapping[str, _Node], helper: Helper) -> Mapping[str, _Node]:
    def changed(nodes: Mapping[str, _Node], path: tuple[str, ...]) -> Mapping[str, _Node]:
        cell, *rest = path
        node = nodes.get(cell)
        if rest:
            return {**nodes, cell: _group(cell, changed(node.cells if node else NOTHING, tuple(rest)))}
        return {**nodes, cell: _people(cell, {**(node.helpers if node else NOTHING), helper.id: helper})}

    path = _path(helper.cell)
    return changed(root, path) if path else root


def _without(root: Mapping[str, _Node], cell: str, helper_id: int) -> Mapping[str, _Node]:
    def changed(nodes: Mapping[str, _Node], path: tuple[str, ...]) -> Mapping[str, _Node]:
        cell, *rest = path
        others = {name: node for name, node in nodes.items() if name != cell}
        if rest:
            inside = changed(nodes[cell].cells, tuple(rest))
            return {**others, cell: _group(cell, inside)} if inside else others
        helpers = {number: helper for number, helper in nodes[cell].helpers.items() if number != helper_id}
        return {**others, cell: _people(cell, helpers)} if helpers else others

    path = _path(cell)
    return changed(root, path) if path else root
