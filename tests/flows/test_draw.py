"""A drawing can be read at a glance, and nothing that is written in a flow can break it."""

import random
import re
import time
from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.cards import WIDTH, card, edges
from flows.draw import mermaid, svg
from flows.layers import Line
from flows.layout import Box, Layout, layout
from flows.model import Flow, Moment, Starts
from flows.reader import read_folder
from flows.states import KINDS, AskState, DoState, EndState, SayState, State

STARTER = Path(__file__).parents[2] / "flows"
SPACE = {"s": "http://www.w3.org/2000/svg"}
HOSTILE = "\"><script>alert(1)</script> ]]> & ' `b` #quot; |x| }} %% -> שלום {{ me.name }} {{\x00\u202e\ufffe\nend"


def flow(**states: dict[str, object]) -> Flow:
    """A flow of these states, each as it is written in a file; it starts in the first one."""
    made: dict[str, State] = {}
    for name, written in states.items():
        kind = next(kind for kind in KINDS if kind in written)
        made[name] = KINDS[kind].model_validate(written)
    return Flow("small", next(iter(states)), made)


BRANCHING = flow(
    hello={"try": {"warm": {"say": "So glad you wrote!"}, "short": {"say": "Hi!"}}, "go": "route"},
    route={"decide": [{"when": "me.meetings > 2", "go": "which"}, {"else": "town"}]},
    town={"ask": "Which town?", "expect": "place", "go": "which", "on": {"skip": "later"}},
    which={
        "ask": "Which one?",
        "choices": {"march": {"label": "The march", "go": "sign"}, "none": {"label": "None", "go": "later"}},
        "after": {"1 day": {"say": "Still there?"}, "3 days": {"go": "later"}},
    },
    sign={"do": "sign_up", "with": {"action": "march"}, "on": {"full": "which", "signed_up": "there"}, "go": "later"},
    there={"wait": "action.end", "after": {"30 days": {"go": "later"}}, "go": "asked"},
    asked={"run": "afterwards", "go": "done"},
    later={"say": "Whenever you like.", "end": "later"},
    done={"end": "came"},
)


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


def texts(text: str) -> list[str]:
    return [element.text or "" for element in parsed(text).iterfind(".//s:text", SPACE)]


# --- what it shows ---------------------------------------------------------------------------------------------


def test_every_state_is_one_group_that_a_page_can_find() -> None:
    groups = parsed(svg(BRANCHING)).findall(".//s:g[@data-state]", SPACE)
    assert {group.get("data-state") for group in groups} == set(BRANCHING.states)
    for group in groups:
        name = str(group.get("data-state"))
        assert group.get("id") == f"state-{name}"
        assert str(group.get("class")).split() == ["ds-state", f"ds-{BRANCHING.states[name].kind}"]


def test_the_present_state_is_lit_and_no_other() -> None:
    groups = parsed(svg(BRANCHING, {"town"})).findall(".//s:g[@data-state]", SPACE)
    assert [g.get("data-state") for g in groups if "ds-present" in str(g.get("class")).split()] == ["town"]


def test_boxes_show_what_is_said_and_what_can_be_answered() -> None:
    shown = texts(svg(BRANCHING))
    assert {"Which town?", "place", "The march", "None", "sign up: march", "afterwards", "later", "done: came"} <= set(
        shown
    )
    assert "warm: So glad you wrote!" in shown
    assert "⏱ 1 day: Still there?" in shown


def test_ways_carry_the_answer_outcome_or_duration_that_leads_there() -> None:
    labels = {(edge.source, edge.target, edge.after): edge.full for edge in edges(BRANCHING)}
    assert labels["which", "sign", False] == "The march"
    assert labels["which", "later", True] == "3 days"
    assert labels["sign", "there", False] == "signed up"
    assert labels["sign", "later", False] == "else"
    assert labels["route", "which", False] == "me.meetings > 2"
    assert labels["route", "town", False] == "else"
    assert labels["town", "which", False] == "", "what is answered is the plain way on"
    assert labels["town", "later", False] == "skip"


def test_only_ways_that_time_leads_are_dashed() -> None:
    paths = parsed(svg(BRANCHING)).findall(".//s:path[@class='ds-edge ds-after']", SPACE)
    assert len(paths) == sum(edge.after for edge in edges(BRANCHING)) == 2


def test_two_answers_with_one_goal_are_one_line() -> None:
    small = flow(
        q={"ask": "?", "choices": {"a": {"label": "Yes", "go": "e"}, "b": {"label": "No", "go": "e"}}}, e={"end": "x"}
    )
    assert [edge.full for edge in edges(small)] == ["", "Yes · No"]


def test_a_way_back_to_the_same_state_is_told_in_its_box() -> None:
    shown = card("q", AskState.model_validate({"ask": "?", "expect": "text", "on": {"skip": "q"}, "go": "e"}))
    assert "↻ skip" in [part.text for part in shown.parts]


def test_the_start_says_what_begins_the_flow() -> None:
    starts = Starts(True, ("hi",), "join", Moment("action.start"))
    begun = Flow("f", "a", {"a": EndState(end="x")}, starts=starts)
    assert "first contact, hi, link…" in texts(svg(begun))
    assert "first contact, hi, link join, action start" in svg(begun)


def test_sentences_are_shown_in_translation() -> None:
    shown = texts(svg(BRANCHING, translate={"Which town?": "¿Qué ciudad?", "None": "Ninguna"}))
    assert "¿Qué ciudad?" in shown
    assert shown.count("Ninguna") == 2, "on the chip and on the way"
    assert "Which town?" not in shown


def test_long_texts_keep_to_three_lines_and_to_the_box() -> None:
    shown = card("s", SayState(say="a long story " * 40, go="x"))
    lines = [part for part in shown.parts if part.style == "text"]
    assert len(lines) == 3
    assert lines[-1].text.endswith("…")
    assert all(part.x + part.width <= WIDTH for part in shown.parts)
    long_word = card("s", SayState(say="x" * 500, go="x"))
    assert len(long_word.parts) == 3


def test_many_choices_end_in_how_many_more() -> None:
    choices = {f"c{n}": f"Choice {n}" for n in range(30)}
    shown = card("q", AskState.model_validate({"ask": "?", "choices": choices, "go": "x"}))
    assert [part.text for part in shown.parts][-1] == "+23"


def test_text_from_right_to_left_begins_at_the_right() -> None:
    picture = parsed(svg(flow(a={"say": "שלום לכולם", "end": "x"})))
    line = next(each for each in picture.iterfind(".//s:text", SPACE) if each.text == "שלום לכולם")
    assert line.get("direction") == "rtl"
    assert float(str(line.get("x"))) > WIDTH / 2


# --- what cannot break it --------------------------------------------------------------------------------------


@pytest.mark.parametrize("made", [BRANCHING, *read_folder(STARTER).library.flows.values()], ids=lambda made: made.name)
def test_a_drawing_needs_nothing_from_outside(made: Flow) -> None:
    text = svg(made)
    assert not re.search(r"<script|href|url\(|@import|<foreignObject|\bon\w+=", text)
    assert text.count("http") == 1, "the name of SVG itself"
    picture = parsed(text)
    assert picture.get("role") == "img"
    assert picture.find("s:title", SPACE) is not None
    assert picture.find("s:desc", SPACE) is not None


@pytest.mark.parametrize("draw", [svg, mermaid])
def test_the_same_flow_is_drawn_the_same(draw: object) -> None:
    assert callable(draw)
    assert draw(BRANCHING) == draw(Flow("small", "hello", dict(BRANCHING.states)))


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4, unique=True),
    st.text(st.characters(exclude_categories=["Cs"])),
)
@settings(max_examples=150, deadline=None)
def test_any_text_stays_text(names: list[str], said: str) -> None:
    states: dict[str, State] = {}
    for name, target in zip(names, [*names[1:], "gone"], strict=True):
        choices = {"a": {"label": (said or "x") + HOSTILE, "go": target}}
        states[name] = AskState.model_validate({"ask": said + HOSTILE, "choices": choices, "go": names[0]})
    made = Flow(said + HOSTILE, names[0], states, about=HOSTILE, starts=Starts(words=(HOSTILE,)))
    picture = parsed(svg(made, names))
    assert len(picture.findall(".//s:g[@data-state]", SPACE)) == len(names)
    assert {element.tag.partition("}")[2] for element in picture.iter()} <= {
        *("svg", "title", "desc", "style", "g", "path", "rect", "circle", "text")
    }
    for line in mermaid(made).splitlines():
        assert re.fullmatch(
            r'flowchart TD|  s\d+(\["[^"]*"\]|\(\["[^"]*"\]\))'
            r'|  (begin\(\["[^"]*"\]\)|s\d+) (-->|-\.->)(\|"[^"]*"\|)? s\d+',
            line,
        )
        inside = re.sub(r"<br/>|#\d+;|-->|-\.->", "", line)
        assert not re.search(r"[<>&`#;%{}]", inside)


def test_a_target_that_is_missing_is_shown_as_missing() -> None:
    made = Flow("f", "nowhere", {"a": SayState(say="Hi", go="b")})
    picture = parsed(svg(made))
    assert picture.find(".//s:g[@class='ds-missing']", SPACE) is not None
    assert len(picture.findall(".//s:g[@data-state]", SPACE)) == 1
    assert 's1(["? b"])' in mermaid(made)


def test_a_flow_without_states_is_an_empty_drawing() -> None:
    parsed(svg(Flow("f", "", {})))
    assert mermaid(Flow("f", "", {})) == "flowchart TD\n"


def test_mermaid_has_a_line_for_each_state_and_each_way() -> None:
    lines = mermaid(flow(a={"do": "report", "go": "b"}, b={"end": "x"})).splitlines()
    assert lines == [
        "flowchart TD",
        '  s0[["a<br/>report"]]',
        '  s1(["b#58; x"])',
        '  begin(["start"]) --> s0',
        "  s0 --> s1",
    ]


# --- geometry --------------------------------------------------------------------------------------------------


def tangled(seed: int, size: int, reach: int) -> tuple[list[Box], list[Line]]:
    chance = random.Random(seed)
    boxes = [Box(f"b{n}", chance.choice([14, 120, 196]), chance.choice([14, 30, 80, 160])) for n in range(size)]
    lines = []
    for n in range(size):
        for target in {min(size - 1, max(0, n + chance.randint(-reach, reach))) for _ in range(3)} - {n}:
            labelled = chance.random() < 0.5
            lines.append(Line(f"b{n}", f"b{target}", 60.0 * labelled, 20.0 * labelled))
    return boxes, lines


Rectangle = tuple[float, float, float, float]


def rectangles(boxes: list[Box], lines: list[Line], placed: Layout) -> dict[str, Rectangle]:
    found: dict[str, Rectangle] = {}
    for box in boxes:
        x, y = placed.corners[box.name]
        found[box.name] = (x, y, x + box.width, y + box.height)
    for number, (line, route) in enumerate(zip(lines, placed.routes, strict=True)):
        if line.width:
            x, y = route.label
            found[f"label {number}"] = (
                x - line.width / 2,
                y - line.height / 2,
                x + line.width / 2,
                y + line.height / 2,
            )
    return found


def overlap(one: Rectangle, other: Rectangle, slack: float = 0.01) -> bool:
    return (
        one[0] < other[2] - slack
        and other[0] < one[2] - slack
        and one[1] < other[3] - slack
        and other[1] < one[3] - slack
    )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("across", [1, 2, 4])
def test_nothing_overlaps_and_no_line_crosses_a_box(seed: int, across: int) -> None:
    boxes, lines = tangled(seed, 5 + 2 * seed, 3 + seed)
    placed = layout(boxes, lines, across)
    things = rectangles(boxes, lines, placed)
    assert not [pair for pair in combinations(things, 2) if overlap(things[pair[0]], things[pair[1]])]
    for x, y, right, bottom in things.values():
        assert x >= 0
        assert y >= 0
        assert right <= placed.width
        assert bottom <= placed.height
    for number, (line, route) in enumerate(zip(lines, placed.routes, strict=True)):
        own = {line.source, line.target, f"label {number}"}
        for (x, y), (to_x, to_y) in pairwise(route.points):
            # A curve stays within the rectangle between its two ends.
            reach = (min(x, to_x), min(y, to_y), max(x, to_x), max(y, to_y))
            assert not [name for name in things if name not in own and overlap(reach, things[name])]


def test_lines_touch_the_rims_of_their_boxes() -> None:
    boxes, lines = tangled(3, 12, 6)
    placed = layout(boxes, lines)
    things = rectangles(boxes, lines, placed)
    for line, route in zip(lines, placed.routes, strict=True):
        (x, y), (to_x, to_y) = route.points[0], route.points[-1]
        source, target = things[line.source], things[line.target]
        assert source[0] <= x <= source[2] + 0.01
        assert target[0] <= to_x <= target[2] + 0.01
        assert (x == pytest.approx(source[2])) if route.back else (y == pytest.approx(source[3]))
        assert (to_x == pytest.approx(target[2])) if route.back else (to_y == pytest.approx(target[1]))


def test_a_plain_row_of_states_is_drawn_straight_down() -> None:
    boxes = [Box(f"b{n}", 196 if n else 40, 60) for n in range(6)]
    placed = layout(boxes, [Line(f"b{n}", f"b{n + 1}") for n in range(5)])
    assert len({round(x, 3) for route in placed.routes for x, _ in route.points}) == 1


def test_the_first_box_is_alone_on_top_and_rows_keep_to_their_number() -> None:
    boxes = [Box(f"b{n}", 100, 40) for n in range(9)]
    placed = layout(boxes, [Line("b0", f"b{n}") for n in range(1, 9)], across=3)
    tops = [round(y, 3) for _, y in placed.corners.values()]
    assert tops.count(min(tops)) == 1
    assert max(tops.count(top) for top in tops) == 3


def test_a_flow_of_three_hundred_states_is_drawn_in_under_three_seconds() -> None:
    chance = random.Random(7)
    states: dict[str, State] = {}
    for n in range(299):
        ahead = {key: f"s{min(299, n + chance.randint(1, 5))}" for key in "ab"}
        choices = {key: {"label": f"Choice {key}", "go": target} for key, target in ahead.items()}
        states[f"s{n}"] = AskState.model_validate(
            {"ask": "What would you like?", "choices": choices, "on": {"skip": "s0"}}
        )
    states["s299"] = EndState(end="done")
    began = time.process_time()
    text = svg(Flow("large", "s0", states))
    assert time.process_time() - began < 3
    assert len(parsed(text).findall(".//s:g[@data-state]", SPACE)) == 300


def test_a_very_long_chain_does_not_overflow() -> None:
    states: dict[str, State] = {f"s{n}": DoState(do="report", go=f"s{n + 1}") for n in range(2000)}
    parsed(svg(Flow("long", "s0", {**states, "s2000": EndState(end="done")})))
