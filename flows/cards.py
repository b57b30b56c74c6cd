"""What a drawing shows of each state and of each way between two: a few words, wrapped and cut to the room there is."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flows.model import NOTHING, Flow
from flows.states import (
    AskState,
    DecideState,
    DoState,
    EndState,
    Exit,
    Pausing,
    RunState,
    SayState,
    State,
    TryState,
    WaitState,
)
from flows.text import BadText, Hole, parse

WIDTH, INSIDE, PAD, PILL = 196.0, 172.0, 12.0, 30.0
"""The breadth of a box, the room for words in it, the space around them, and the height of a pill."""

START = "\0start"
"""The name of the mark that shows where a flow begins. No state can be called so: a file with it is not YAML."""

MOST_LINES, MOST_CHIPS, MOST_NOTES = 3, 8, 4


@dataclass(frozen=True, slots=True)
class Part:
    """One thing inside a box: a line of `text`, a smaller `note`, a `chip` (`soft`: not a choice), or an `end`."""

    style: str
    text: str
    x: float
    y: float
    width: float = INSIDE


@dataclass(frozen=True, slots=True)
class Card:
    """A state as it is drawn: a box with its parts, or a pill. `full` is all of it, for whoever points at it."""

    name: str
    kind: str
    title: str
    parts: tuple[Part, ...]
    width: float
    height: float
    full: str

    @property
    def pill(self) -> bool:
        """Whether it is only a title with round ends."""
        return self.height == PILL


@dataclass(frozen=True, slots=True)
class Edge:
    """One way, or several with the same two ends: `labels` are its lines, `after` whether time alone leads there."""

    source: str
    target: str
    labels: tuple[str, ...] = ()
    full: str = ""
    after: bool = False
    width: float = 0
    height: float = 0


# --- texts -----------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """On one line, and without what XML refuses or what turns the direction of the text around it."""
    kept = (c if c in "\u200c\u200d" or unicodedata.category(c)[0] != "C" else " " for c in text)
    return " ".join("".join(kept).split())


def _spoken(text: str) -> str:
    """A text with its `{{ me.name }}` as ‹name›."""
    try:
        parts = parse(text)
    except BadText:
        return clean(text)
    words = (f"‹{_words(part.name.rpartition('.')[2])}›" if isinstance(part, Hole) else part for part in parts)
    return clean("".join(words))


def _words(name: str) -> str:
    return clean(name.replace("_", " ").replace(".", " "))


def breadth(text: str, size: float) -> float:
    """About how wide a text is in a usual typeface, rather too wide than too narrow."""
    return sum(_breadth_of(character) for character in text) * size


def _breadth_of(character: str) -> float:
    if character in "ijl|!.,:;'`‹›·":
        return 0.31
    if character in 'ftrI()[]/- "':
        return 0.37
    if unicodedata.combining(character) or character in "\u200c\u200d\ufe0f":
        return 0
    if unicodedata.category(character) == "So":
        return 1.35
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    return 0.92 if character in "mwMW@%—…<>=+~&#" else 0.7 if character.isupper() else 0.58


def cut(text: str, room: float, size: float) -> str:
    """The text, or as much of it as there is room for and an ellipsis."""
    if breadth(text, size) <= room:
        return text
    while text and breadth(text, size) + 0.92 * size > room:
        text = text[:-1]
    return text.rstrip(" \u200d,.;:") + "…"


def _wrap(text: str, room: float, size: float, most: int) -> tuple[str, ...]:
    """The text on at most so many lines; the last one is cut where more was to come."""
    lines: list[str] = []
    left = text
    while left and len(lines) < most - 1 and breadth(left, size) > room:
        line = ""
        for word in left.split(" "):
            if breadth(f"{line} {word}", size) > room:
                break
            line = f"{line} {word}".strip()
        line = line or cut(left.split(" ")[0], room, size)[:-1] or left[:1]
        lines.append(line)
        left = left[len(line) :].strip()
    return (*lines, cut(left, room, size)) if left else tuple(lines)


def right_to_left(text: str) -> bool:
    directions = (unicodedata.bidirectional(character) for character in text)
    return next((each in {"R", "AL"} for each in directions if each in {"L", "R", "AL"}), False)


# --- what stands in a box --------------------------------------------------------------------------------------


def _said(state: State, say: Mapping[str, str]) -> str:
    if isinstance(state, SayState):
        return _spoken(say.get(state.say, state.say))
    if isinstance(state, AskState):
        return _spoken(say.get(state.ask, state.ask))
    if isinstance(state, DoState):
        given = ", ".join(_spoken(value) for value in state.with_.values())
        return _words(state.do) + (f": {given}" if given else "")
    if isinstance(state, WaitState):
        return _words(state.wait)
    if isinstance(state, RunState):
        return clean(state.run)
    return ""


def _chosen(state: State, say: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Chips: the choices, and in a softer style what else an answer can be, or what is attached."""
    if isinstance(state, AskState):
        for choice in (state.choices or {}).values():
            yield _spoken(say.get(choice.label, choice.label)), "chip"
        for name in (state.choices_from, state.expect):
            if name:
                yield _words(name), "soft"
    attached = getattr(state, "attach", "")
    if attached:
        yield f"+ {clean(attached.removeprefix('picture:'))}", "soft"


def _notes(name: str, state: State, say: Mapping[str, str]) -> Iterator[str]:
    """Small lines: wordings of a `try`, what happens meanwhile, and ways that lead back to this very state."""
    if isinstance(state, TryState):
        for wording, tried in state.try_.items():
            yield f"{clean(wording)}: {_spoken(say.get(tried.say, tried.say))}"
    if isinstance(state, Pausing):
        for length, entry in state.after.items():
            told = [_spoken(say.get(entry.say, entry.say))] if entry.say else []
            told += [_words(entry.do)] if entry.do else []
            if told:
                yield f"⏱ {clean(length)}: {' · '.join(told)}"
    for way in state.exits():
        if way.target == name:
            yield f"↻ {_label(state, way, say)}"


def card(name: str, state: State, say: Mapping[str, str] = NOTHING) -> Card:
    """A state as it is drawn, its sentences as `say` translates them."""
    end = clean(getattr(state, "end", None) or "")
    title = clean(name)
    if isinstance(state, EndState):
        return pill(name, "end", title if end in {title, _words(name)} else f"{title}: {end}")
    said, notes = _said(state, say), [*_notes(name, state, say)]
    parts, y = [], 37.0
    for line in _wrap(said, INSIDE, 13, MOST_LINES):
        parts.append(Part("text", line, PAD, y))
        y += 17
    chips, y = _flowed([*_chosen(state, say)], y)
    parts += chips
    for note in notes[:MOST_NOTES]:
        parts.append(Part("note", cut(note, INSIDE, 12), PAD, y))
        y += 16
    if end:
        shown = cut(end, INSIDE - 34, 12)
        parts.append(Part("end", shown, PAD, y + 6, breadth(shown, 13.2) + 34))
        y += 28
    full = "\n".join([f"{title} ({state.kind})", *([said] if said else []), *notes])
    return Card(name, state.kind, cut(title, INSIDE - 26, 15.3), tuple(parts), WIDTH, y + (9 if parts else 1), full)


def pill(name: str, kind: str, text: str) -> Card:
    """Something with nothing inside but a title: an end, the start, a state that is missing."""
    shown = cut(text, WIDTH - 46, 13)
    return Card(name, kind, shown, (), breadth(shown, 13) + 46, PILL, text)


def _flowed(wanted: list[tuple[str, str]], top: float) -> tuple[list[Part], float]:
    """Chips in as many rows as they need, and where the rows end."""
    if not wanted:
        return [], top
    if len(wanted) > MOST_CHIPS:
        wanted = [*wanted[: MOST_CHIPS - 1], (f"+{len(wanted) - MOST_CHIPS + 1}", "soft")]
    chips: list[Part] = []
    x, y = 0.0, top + 6
    for text, style in wanted:
        shown = cut(text, INSIDE - 16, 12)
        width = breadth(shown, 12) + 16
        if x and x + width > INSIDE:
            x, y = 0.0, y + 24
        chips.append(Part(style, shown, PAD + x, y, width))
        x += width + 5
    return chips, y + 26


# --- ways ------------------------------------------------------------------------------------------------------


def _label(state: State, way: Exit, say: Mapping[str, str]) -> str:
    if way.path[0] == "choices":
        return _spoken(say.get(way.label, way.label))
    if way.path[0] == "go" and _has_others(state):
        return "else"
    return clean(way.label) if isinstance(state, DecideState) or way.path[0] == "after" else _words(way.label)


def _has_others(state: State) -> bool:
    """Whether `go` is for what is left over. What stands in `on` of an `ask` is aside from the answers."""
    if isinstance(state, AskState):
        return any(way.path[0] == "choices" for way in state.exits())
    return bool(getattr(state, "on", None))


def edges(flow: Flow, say: Mapping[str, str] = NOTHING) -> list[Edge]:
    """One edge for each pair of states and style; what several ways are called stands on it together.

    Where one of them is the plain way on, nothing stands on it: whatever is answered leads there.
    """
    found: dict[tuple[str, str, bool], list[str]] = {}
    for name, state in flow.states.items():
        for way in state.exits():
            if way.target != name:
                labels = found.setdefault((name, way.target, way.path[0] == "after"), [])
                labels.append(_label(state, way, say))
    drawn = [Edge(START, flow.start)] if flow.start in flow.states else []
    for (source, target, after), labels in found.items():
        full = " · ".join(dict.fromkeys(labels)) if all(labels) else ""
        lines = _wrap(full, 108, 12, 3 if isinstance(flow.states[source], DecideState) else 2)
        width = max((breadth(line, 12) for line in lines), default=0)
        size = (width + 16, 15 * len(lines) + 5) if lines else (0.0, 0.0)
        drawn.append(Edge(source, target, lines, full, after, *size))
    return drawn


def begins(flow: Flow) -> str:
    """What begins a flow, in a few words."""
    starts = flow.starts
    found = ["first contact"] if starts.first_contact else []
    found += [clean(word) for word in starts.words]
    found += [f"link {clean(starts.link)}"] if starts.link else []
    found += [_words(starts.moment.happening)] if starts.moment else []
    return ", ".join(found) or "start"
