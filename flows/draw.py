"""A flow as a picture: as Mermaid, for a page that can draw it, and as SVG, for everybody.

The SVG needs nothing from outside and holds no script. It follows the reader's light or dark setting; a page that has
its own gives the `<svg>` the class `ds-dark` or `ds-light`. Each state is `<g id="state-NAME" data-state="NAME">`, and
the class `ds-present` on it is the light: a page may move it.
"""

import unicodedata
from collections.abc import Collection, Iterator, Mapping
from html import escape
from itertools import pairwise

from flows.cards import START, Card, Edge, Part, begins, card, clean, edges, pill, right_to_left
from flows.layers import Line
from flows.layout import Box, Layout, Point, Route, layout
from flows.model import NOTHING, Flow

_ICONS = {
    "say": "M-5-4h10v7h-6l-3 3v-3h-1z",
    "ask": "M-2.4-2.2a2.5 2.5 0 1 1 3.6 2.2q-1.2.7-1.2 1.9M0 4.6v.3",
    "do": "M1-6l-5 7h3.5l-1 5 5.5-7.5h-3.500z",
    "decide": "M0 5.500v-4.500l-4-4v-2M0 1l4-4v-2",
    "wait": "M-3.5-5h7M-3.5 5h7M-2.5-5v1.500l2.5 3.5-2.5 3.500v1.500M2.5-5v1.500l-2.5 3.5 2.5 3.500v1.5",
    "run": "M-5 0h7M-1-3.500l3.5 3.5-3.5 3.500M5-5v10",
    "try": "M-5 4l3-8 3 8M-3.900 1.200h3.800M3-4h2.500M3 0h2.500M3 4h2.5",
    "end": "M-3-3h6v6h-6z",
    "start": "M-2.5-4l6.5 4-6.5 4z",
    "missing": "M-3.5-3.500l7 7M3.5-3.500l-7 7",
}
_LIGHT = (
    "--ds-back:#f8f9fb;--ds-card:#fff;--ds-ink:#1d2530;--ds-soft:#57616f;--ds-rim:#d3d9e0;--ds-line:#8f9aa8;--ds-tag:#fff;"
    "--ds-say:#3a76c4;--ds-ask:#14866f;--ds-do:#b2740b;--ds-decide:#7d5fc0;--ds-wait:#5f7183;--ds-run:#a8518f;"
    "--ds-try:#c0603a;--ds-end:#68737f;--ds-start:#1d2530;--ds-missing:#c23b3b;--ds-light:#f2a900;--ds-glow:#fff6dc"
)
_DARK = (
    "--ds-back:#13171c;--ds-card:#1f262f;--ds-ink:#e8ecf1;--ds-soft:#a5b0bd;--ds-rim:#3b4653;--ds-line:#76828f;--ds-tag:#2a333e;"
    "--ds-say:#6ea6ee;--ds-ask:#45bfa3;--ds-do:#e0a63d;--ds-decide:#ab90ea;--ds-wait:#93a5b7;--ds-run:#db87c3;"
    "--ds-try:#ec9370;--ds-end:#97a3b0;--ds-start:#e8ecf1;--ds-missing:#f07878;--ds-light:#ffc53d;--ds-glow:#3d3418"
)
_STYLE = (
    f".ds-flow{{{_LIGHT};width:100%;height:auto;background:var(--ds-back);"
    "font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',"
    "Arial,sans-serif}"
    f"@media (prefers-color-scheme:dark){{.ds-flow:not(.ds-light){{{_DARK}}}}}"
    f".ds-flow.ds-dark{{{_DARK}}}"
    ".ds-flow text{fill:var(--ds-ink)}"
    ".ds-card{fill:var(--ds-card);stroke:var(--ds-rim);stroke-width:1.2}"
    ".ds-band{fill:var(--ds-kind)}.ds-mark{fill:var(--ds-kind)}"
    ".ds-icon{fill:none;stroke:var(--ds-card);stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}"
    ".ds-flow .ds-name{font-weight:600;font-size:14px}"
    ".ds-flow .ds-text{fill:var(--ds-ink)}"
    ".ds-flow .ds-note{fill:var(--ds-soft);font-size:12px}"
    ".ds-box-chip,.ds-box-soft{fill:none;stroke:var(--ds-kind);stroke-opacity:.6}.ds-box-soft{stroke-dasharray:2 2.5}"
    ".ds-box-end{fill:var(--ds-end)}.ds-flow .ds-chip,.ds-flow .ds-soft{font-size:12px}"
    ".ds-flow .ds-out{fill:var(--ds-card);font-size:12px;font-weight:600}"
    ".ds-edge{fill:none;stroke:var(--ds-line);stroke-width:1.5}.ds-after{stroke-dasharray:5 4}"
    ".ds-head{fill:var(--ds-line)}"
    ".ds-tag{fill:var(--ds-tag);stroke:var(--ds-rim)}.ds-flow .ds-tag-text{font-size:12px;text-anchor:middle}"
    ".ds-present .ds-card{fill:var(--ds-glow);stroke:var(--ds-light);stroke-width:3}"
    + "".join(f".ds-{kind}{{--ds-kind:var(--ds-{kind})}}" for kind in _ICONS)
)


def svg(flow: Flow, present: Collection[str] = (), translate: Mapping[str, str] = NOTHING, across: int = 0) -> str:
    """The flow as one `<svg>` element, readable by itself; `present` states are lit, sentences shown in translation.

    Whatever stands in the flow, the answer is well-formed XML, and the same flow gives the same text. `across` is how
    many states may stand side by side; 0 leaves that to the size of the flow: two, and more for a very large one.
    """
    drawn = edges(flow, translate)
    cards = _cards(flow, drawn, translate)
    boxes = [Box(name, each.width, each.height) for name, each in cards.items()]
    lines = [Line(edge.source, edge.target, edge.width, edge.height) for edge in drawn]
    placed = layout(boxes, lines, across or max(2, min(8, len(cards) // 30)))
    return "\n".join([*_frame(flow, placed), *_picture(placed, cards, drawn, frozenset(present)), "</svg>\n"])


def _cards(flow: Flow, drawn: list[Edge], translate: Mapping[str, str]) -> dict[str, Card]:
    """All that is drawn as a box or a pill: the start, the states, and states that are missing."""
    cards = {START: pill(START, "start", begins(flow))} if flow.start in flow.states else {}
    cards.update((name, card(name, state, translate)) for name, state in flow.states.items())
    for edge in drawn:
        cards.setdefault(edge.target, pill(edge.target, "missing", clean(edge.target)))
    return cards


def _frame(flow: Flow, placed: Layout) -> Iterator[str]:
    # Never so small that words cannot be read: on a narrow screen a very wide drawing is moved instead.
    limits = f"max-width:{_n(placed.width * 1.25)}px;min-width:{_n(placed.width * 0.6)}px"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="ds-flow" role="img" '
        f'viewBox="0 0 {_n(placed.width)} {_n(placed.height)}" width="100%" style="{limits}">'
    )
    yield f"<title>{_x(clean(f'{flow.name}: {flow.about}' if flow.about else flow.name))}</title>"
    yield f"<desc>{_x(clean(_described(flow)))}</desc>"
    yield f"<style>{_STYLE}</style>"


def _described(flow: Flow) -> str:
    """The drawing in words, for those who hear it."""
    told = [f"{len(flow.states)} states, beginning with {flow.start}."]
    for name, state in flow.states.items():
        ways = dict.fromkeys(way.target for way in state.exits())
        told.append(f"{name} ({state.kind})" + (f" leads to {', '.join(ways)}." if ways else "."))
    return " ".join(told)


def _picture(placed: Layout, cards: Mapping[str, Card], drawn: list[Edge], present: frozenset[str]) -> Iterator[str]:
    for edge, route in zip(drawn, placed.routes, strict=True):
        style = "ds-edge ds-after" if edge.after else "ds-edge"
        yield f'<path class="{style}" d="{_path(route)}"/>{_head(route)}'
    for name, each in cards.items():
        yield from _state(each, placed.corners[name], name in present)
    for edge, route in zip(drawn, placed.routes, strict=True):
        if edge.labels:
            yield from _tag(edge, route.label)


def _state(shown: Card, corner: Point, present: bool) -> Iterator[str]:
    name = _x(clean(shown.name))
    mark = f' id="state-{name}" data-state="{name}"' if shown.kind not in {"start", "missing"} else ""
    style = ("ds-state " if mark else "") + f"ds-{shown.kind}" + (" ds-present" if present else "")
    yield f'<g{mark} class="{style}" transform="translate({_n(corner[0])} {_n(corner[1])})">'
    yield f"<title>{_x(shown.full)}</title>"
    radius = 15 if shown.pill else 10
    yield f'<rect class="ds-card" width="{_n(shown.width)}" height="{_n(shown.height)}" rx="{radius}"/>'
    if shown.pill:
        yield _icon(shown.kind, 16, 15)
        yield _text(shown.title, 31, 19.5, "ds-text", shown.width - 43)
    else:
        yield f'<path class="ds-band" d="M4.5 1.8a10 10 0 0 0-4.5 8.2v{_n(shown.height - 20)}a10 10 0 0 0 4.5 8.2z"/>'
        yield _icon(shown.kind, 21, 19)
        yield _text(shown.title, 37, 23.5, "ds-name", shown.width - 49)
    for part in shown.parts:
        yield from _part(part)
    yield "</g>"


def _part(part: Part) -> Iterator[str]:
    if part.style in {"text", "note"}:
        yield _text(part.text, part.x, part.y + 12, f"ds-{part.style}", part.width)
        return
    size = f'width="{_n(part.width)}" height="20" rx="10"'
    yield f'<rect class="ds-box-{part.style}" x="{_n(part.x)}" y="{_n(part.y)}" {size}/>'
    if part.style == "end":
        yield f'<path class="ds-icon" transform="translate({_n(part.x + 13)} {_n(part.y + 10)})" d="{_ICONS["end"]}"/>'
        yield _text(part.text, part.x + 23, part.y + 14, "ds-out", part.width - 34)
    else:
        yield _text(part.text, part.x + 8, part.y + 14, f"ds-{part.style}", part.width - 16)


def _icon(kind: str, x: float, y: float) -> str:
    return (
        f'<g transform="translate({_n(x)} {_n(y)})"><circle class="ds-mark" r="9.5"/>'
        f'<path class="ds-icon" d="{_ICONS[kind]}"/></g>'
    )


def _text(text: str, x: float, y: float, style: str, room: float) -> str:
    if right_to_left(text):
        return f'<text class="{style}" direction="rtl" x="{_n(x + room)}" y="{_n(y)}">{_x(text)}</text>'
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{_x(text)}</text>'


def _tag(edge: Edge, middle: Point) -> Iterator[str]:
    x, y = middle
    left, top = x - edge.width / 2, y - edge.height / 2
    yield f'<g class="ds-label"><title>{_x(edge.full)}</title>'
    size = f'width="{_n(edge.width)}" height="{_n(edge.height)}"'
    yield f'<rect class="ds-tag" x="{_n(left)}" y="{_n(top)}" {size} rx="8"/>'
    for number, line in enumerate(edge.labels):
        yield f'<text class="ds-tag-text" x="{_n(x)}" y="{_n(top + 14 + 15 * number)}">{_x(line)}</text>'
    yield "</g>"


def _path(route: Route) -> str:
    """Straight where it goes straight down, a curve that begins and ends upright where it does not."""
    points = route.points
    steps = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    for number, ((x, y), (to_x, to_y)) in enumerate(pairwise(points)):
        if route.back and number in {0, len(points) - 2}:
            corner = (to_x, y) if number == 0 else (x, to_y)
            steps.append(f"Q{_n(corner[0])} {_n(corner[1])} {_n(to_x)} {_n(to_y)}")
        elif abs(x - to_x) < 0.1:
            if steps[-1].startswith("V"):
                steps.pop()
            steps.append(f"V{_n(to_y)}")
        else:
            half = _n((y + to_y) / 2)
            steps.append(f"C{_n(x)} {half} {_n(to_x)} {half} {_n(to_x)} {_n(to_y)}")
    return "".join(steps)


def _head(route: Route) -> str:
    x, y = route.points[-1]
    turn = "l9-4.5v9z" if route.back else "l-4.5-9h9z"
    return f'<path class="ds-head" d="M{_n(x)} {_n(y)}{turn}"/>'


def _n(value: float) -> str:
    """A number with one digit behind the point, and none where it is whole."""
    return f"{value:.1f}".removesuffix(".0")


def _x(text: str) -> str:
    """As XML takes it: without the characters that it cannot hold even when they are escaped."""
    kept = (c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cs", "Cn"})
    return escape("".join(kept), quote=True)


# --- Mermaid ---------------------------------------------------------------------------------------------------

_SHAPES = {"decide": ("{", "}"), "do": ("[[", "]]"), "run": ("[[", "]]"), "end": ("([", "])"), "wait": ("([", "])")}


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid flowchart. No text in the flow can be more than a text in the drawing."""
    numbers = {name: f"s{number}" for number, name in enumerate(flow.states)}
    drawn = ["flowchart TD"]
    for name, state in flow.states.items():
        shown = card(name, state)
        words = [shown.title, *(f"• {part.text}" if part.style == "chip" else part.text for part in shown.parts)]
        opens, closes = _SHAPES.get(state.kind, ("[", "]"))
        drawn.append(f'  {numbers[name]}{opens}"{"<br/>".join(_m(word) for word in words)}"{closes}')
    for edge in edges(flow):
        if edge.target not in numbers:
            numbers[edge.target] = f"s{len(numbers)}"
            drawn.append(f'  {numbers[edge.target]}(["? {_m(clean(edge.target))}"])')
        if edge.source == START:
            drawn.append(f'  begin(["{_m(clean(begins(flow)))}"]) --> {numbers[edge.target]}')
            continue
        arrow = "-.->" if edge.after else "-->"
        label = f'|"{_m(edge.full)}"|' if edge.full else ""
        drawn.append(f"  {numbers[edge.source]} {arrow}{label} {numbers[edge.target]}")
    return "\n".join(drawn) + "\n"


def _m(text: str) -> str:
    """As Mermaid takes it between quotes: every sign that means something to it, or to HTML, by its number."""
    return "".join(c if c.isalnum() or c in " .,!?·•…‹›" or ord(c) > 127 else f"#{ord(c)};" for c in text)
