"""The kinds of state: how they are written, and what they tell of themselves."""

import pytest
from pydantic import ValidationError

from flows.moves import End, Go, Run
from flows.states import KINDS, AskState, DoState, Exit, SayState, State, TryState, WaitState


def read(**written: object) -> State:
    kind = next(kind for kind in KINDS if kind in written)
    return KINDS[kind].model_validate(written)


def test_each_kind_is_named_after_its_key() -> None:
    assert {name: kind.kind for name, kind in KINDS.items()} == {name: name for name in KINDS}


def test_every_way_on_is_told_with_where_it_is_written() -> None:
    state = read(
        ask="?",
        choices={"a": {"label": "A", "go": "x"}, "b": "B"},
        on={"skip": "y"},
        go="z",
        after={"1 day": {"say": "Hm."}, "2 days": {"go": "w"}},
    )
    assert list(state.exits()) == [
        Exit("A", "x", ("choices", "a", "go")),
        Exit("", "z", ("go",)),
        Exit("skip", "y", ("on", "skip")),
        Exit("2 days", "w", ("after", "2 days", "go")),
    ]
    assert list(state.texts()) == [(("ask",), "?"), (("after", "1 day", "say"), "Hm.")]
    assert list(state.labels()) == [(("choices", "a"), "A"), (("choices", "b"), "B")]


def test_the_ways_and_texts_of_the_other_kinds() -> None:
    decide = read(decide=[{"when": "true", "go": "a"}, {"else": "b"}])
    assert [(way.label, way.target) for way in decide.exits()] == [("true", "a"), ("else", "b")]
    wordings = {"one": {"say": "One."}, "two": {"say": "Two."}}
    assert [text for _, text in read(**{"try": wordings, "go": "a"}).texts()] == ["One.", "Two."]
    assert list(read(do="find_buddy", on={"offered": "a"}, go="b").exits()) == [
        Exit("", "b", ("go",)),
        Exit("offered", "a", ("on", "offered")),
    ]


@pytest.mark.parametrize(
    ("state", "waits"),
    [
        (read(ask="?", expect="text", go="a"), True),
        (read(wait="2 days", go="a"), True),
        (read(say="Hi", after={"1 day": {"go": "a"}}), True),
        (read(say="Hi", go="a"), False),
        (read(say="Hi", end="over"), False),
        (read(do="stop", go="a"), False),
        (read(run="f", go="a"), False),
        (read(decide=[{"else": "a"}]), False),
        (read(end="over"), False),
        (read(**{"try": {"a": {"say": "x"}}, "go": "a"}), False),
    ],
    ids=lambda each: getattr(each, "kind", str(each)),
)
def test_only_questions_waits_and_pauses_are_waited_in(state: State, waits: bool) -> None:
    assert state.waits() is waits


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ({"say": ""}, "string_too_short"),
        ({"say": "Hi", "goo": "x"}, "extra_forbidden"),
        ({"do": "find_budy"}, "unknown-do"),
        ({"ask": "?", "expect": "colour"}, "unknown-expect"),
        ({"ask": "?", "choices_from": "friends"}, "unknown-list"),
        ({"ask": "?", "choose": "three"}, "literal_error"),
        ({"wait": "2 dayz"}, "bad-duration"),
        ({"wait": "pair.married"}, "unknown-name"),
        ({"say": "Hi", "after": {"soon": {"say": "x"}}}, "bad-duration"),
        ({"say": "Hi", "attach": "song"}, "type-mismatch"),
        ({"say": "Hi", "attach": {"picture": "../secret.jpg"}}, "type-mismatch"),
        ({"try": {}}, "too_short"),
        ({"try": {"a": {"say": "x"}}, "goal": "pair.married"}, "unknown-name"),
    ],
)
def test_what_is_written_wrong_is_refused_with_its_code(written: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(**written)
    assert [error["type"] for error in refused.value.errors()] == [wrong]


@pytest.mark.parametrize(("written", "kept"), [("qr", "qr"), ({"picture": "a.JPG"}, "picture:a.JPG")])
def test_what_can_be_attached(written: object, kept: str) -> None:
    state = read(say="Hi", attach=written, go="a")
    assert isinstance(state, SayState)
    assert state.attach == kept


def test_a_choice_that_is_a_text_alone_is_its_label() -> None:
    state = read(ask="?", choices={"a": "A"}, go="x")
    assert isinstance(state, AskState)
    assert state.choices
    assert (state.choices["a"].label, state.choices["a"].go) == ("A", None)


def test_states_cannot_be_changed() -> None:
    state = read(end="over")
    with pytest.raises(ValidationError):
        state.end = "never"  # type: ignore[attr-defined]


def test_a_state_that_nobody_enters_says_so() -> None:
    with pytest.raises(AssertionError, match="nobody enters"):
        State().enter(None)  # type: ignore[arg-type]


def test_what_states_answer_to_what_comes() -> None:
    wait = read(wait="pair.met", go="a")
    do = read(do="find_buddy", on={"offered": "a"})
    run = read(run="f", on={"done": "a"}, go="b")
    assert isinstance(wait, WaitState)
    assert isinstance(do, DoState)
    assert run.enter(None) == Run("f")  # type: ignore[arg-type]
    assert (run.returned(None, "done"), run.returned(None, "other")) == (Go("a"), Go("b"))  # type: ignore[arg-type]
    assert read(end="over").enter(None) == End("over")  # type: ignore[arg-type]


def test_a_goal_is_meeting_unless_said_otherwise() -> None:
    state = read(**{"try": {"a": {"say": "x"}}, "go": "a"})
    assert isinstance(state, TryState)
    assert state.goal == "pair.met"


@pytest.mark.parametrize("written", [{"picture": "map.jpg"}, "picture: map.jpg", "picture:map.jpg"])
def test_a_picture_is_attached_however_it_is_written(written: object) -> None:
    assert SayState.model_validate({"say": "Here.", "attach": written, "end": "x"}).attach == "picture:map.jpg"
