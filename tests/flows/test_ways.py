"""Ways: what nothing leads to, and rounds in which nobody is waited for."""

import time

import pytest

from flows import pages
from flows.reader import read_files
from flows.ways import silent_loops, unreachable


@pytest.mark.parametrize(
    ("ways", "left"),
    [
        ({"a": "b", "b": ""}, []),
        ({"a": "", "b": "", "c": ""}, ["b", "c"]),
        ({"a": "", "b": "c", "c": "d", "d": ""}, ["b"]),
        ({"a": "", "c": "b", "b": "c"}, ["c"]),
        ({"a": "", "b": "b"}, ["b"]),
        ({"a": "", "b": "c", "c": "d", "d": "c"}, ["b"]),
        ({"a": "a", "b": "a"}, ["b"]),
    ],
)
def test_of_what_nothing_leads_to_only_the_beginnings_are_told(ways: dict[str, str], left: list[str]) -> None:
    assert unreachable({name: list(targets) for name, targets in ways.items()}, ["a"]) == left


def _loops(**flows: str) -> list[tuple[tuple[str, str], ...]]:
    files = {f"library/{name}.yaml": f"flow: {name}\nstart: a\nstates:\n{text}" for name, text in flows.items()}
    return list(silent_loops(read_files(files).library, flows))


@pytest.mark.parametrize(
    "states",
    [
        "  a: {say: x, go: b}\n  b: {ask: x, expect: text, go: a}\n",
        "  a: {say: x, go: b}\n  b: {wait: 1 day, go: a}\n",
        "  a: {say: x, after: {1 day: {go: a}}}\n",
        "  a: {run: f, go: b}\n  b: {say: x, end: x}\n".replace("f", "human"),
        "  a: {run: human, go: a}\n",
        "  a: {ask: x, choices_from: my_actions, on: {none: b}, go: a}\n  b: {say: x, after: {1 day: {go: a}}}\n",
        "  a: {ask: x, choices_from: my_actions, on: {none: b}, go: a}\n  b: {say: x, end: x}\n",
    ],
)
def test_a_round_in_which_somebody_is_waited_for_is_none(states: str) -> None:
    assert _loops(f=states) == []


def test_a_round_is_told_once_from_its_first_state_by_the_shortest_way() -> None:
    states = "  z: {say: x, go: a}\n  a: {say: x, go: b}\n  b: {do: met, on: {done: c}, go: z}\n  c: {say: x, go: a}\n"
    assert _loops(f=states) == [(("f", "z"), ("f", "a"), ("f", "b"))]


def test_two_rounds_are_told_both() -> None:
    states = "  a: {say: x, go: a}\n  b: {say: x, go: c}\n  c: {say: x, go: b}\n"
    assert _loops(f=states) == [(("f", "a"),), (("f", "b"), ("f", "c"))]


def test_a_round_goes_through_the_flows_that_are_run() -> None:
    one = "  a: {run: two, go: c}\n  c: {end: x}\n"
    assert _loops(one=one, two=one.replace("two", "one")) == [(("one", "a"), ("two", "a"))]
    back = "  a: {run: two, go: b}\n  b: {say: x, go: a}\n"
    assert _loops(one=back, two="  a: {end: x}\n") == [(("one", "a"), ("one", "b"))]
    assert _loops(one=back, two="  a: {ask: x, expect: text, go: b}\n  b: {end: x}\n") == []


def test_long_ways_take_no_long_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_PARTS", 20_000)  # longer than any that is read
    ring = "".join(f"  s{n}: {{say: x, go: s{n + 1}}}\n" for n in range(3000))
    files = {"library/f.yaml": f"flow: f\nstart: s0\nstates:\n{ring}  s3000: {{say: x, go: s0}}\n"}
    library = read_files(files).library
    begun = time.process_time()
    ((*way,),) = silent_loops(library, ["f"])
    assert len(way) == 3001
    assert time.process_time() - begun < 2
