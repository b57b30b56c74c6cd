"""The nouns: frozen, and sharing what is empty."""

from dataclasses import fields
from datetime import UTC, datetime

import pytest

from flows.model import NOTHING, Conversation, Do, Ended, Said, Say, Starts, Turn

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BARE = Conversation(1, "f", 0, "s", NOON)


def test_nouns_are_frozen_and_change_by_copies() -> None:
    with pytest.raises(AttributeError):
        BARE.state = "t"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Said("x").text = "y"  # type: ignore[misc]
    assert BARE.with_(state="t").state == "t"
    assert BARE.state == "s"


def test_what_is_empty_is_shared_and_cannot_be_filled() -> None:
    assert BARE.answers is BARE.held is BARE.about is NOTHING
    with pytest.raises(TypeError):
        BARE.answers["x"] = 1  # type: ignore[index]


def test_a_turn_tells_what_it_waits_for_and_whether_it_is_over() -> None:
    do = Do("stop")
    assert (Turn(BARE).pending, Turn(BARE).ended) == (None, False)
    assert (Turn(BARE, (Say("x"), do)).pending, Turn(BARE, (do, Say("x"))).pending) == (do, None)
    assert (Turn(BARE, (Say("x"), Ended("over"))).ended, Turn(BARE, (Say("x"),)).ended) == (True, False)


def test_starts_are_true_where_something_begins_the_flow() -> None:
    assert not Starts()
    assert all([Starts(first_contact=True), Starts(words=("x",)), Starts(link="x")])


def test_what_was_typed_has_neither_choice_nor_question() -> None:
    assert {field.name: getattr(Said("x"), field.name) for field in fields(Said)} == {
        "text": "x", "choice": None, "question": None, "conversation": None, "place": None, "photo": "", "places": (),
    }  # fmt: skip
