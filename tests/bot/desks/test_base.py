"""The words and buttons of a card."""

import pytest

from bot.desks.acting import _ALWAYS, _DOES
from bot.desks.base import _KINDS, DONE, describe, outcome

CONTACT = {"contact": "+44 113 496 0000", "address": "5a5a5a", "email": "ana@example.org"}


def test_a_match_says_who_why_and_where() -> None:
    words = describe("match", {"supporter": "Ana", "buddy": "Sam", "reasons": ("both climate",), "district": "Leeds"})
    assert words.title == "Ana and Sam were introduced"
    assert words.lines == ("Both climate", "Near: Leeds")
    assert [button.key for button in words.buttons] == [DONE]


def test_what_is_not_known_is_left_out() -> None:
    words = describe("buddy_to_approve", {"district": "", "interests": (), "meetings": None})
    assert (words.title, words.lines) == ("Someone would like to be a buddy", ())


def test_who_has_told_no_name_is_someone_wherever_it_stands() -> None:
    assert describe("match", {}).title == "Someone and someone were introduced"
    assert describe("match_to_approve", {}).title == "May someone be asked to meet someone?"
    assert describe("failed_send", {}).title == "A message did not reach someone"
    words = describe("few_buddies", {"many": 3, "whom": "them", "standing": "blocked"})
    assert (words.buttons[0].label, words.buttons[-1].label) == ("Ask them", "Let them write again")
    assert words.lines[-1] == "They are blocked"


@pytest.mark.parametrize("kind", _KINDS)
def test_no_card_shows_contact_details(kind: str) -> None:
    words = describe(kind, CONTACT)
    assert not any(secret in line for secret in CONTACT.values() for line in (words.title, *words.lines))


@pytest.mark.parametrize("kind", [*_KINDS, "something new"])
def test_every_button_of_every_card_does_something(kind: str) -> None:
    for button in describe(kind, {}).buttons:
        assert (kind, button.key) in _DOES or button.key in _ALWAYS


@pytest.mark.parametrize("kind", _KINDS)
def test_where_something_can_be_written_the_first_button_sends_it(kind: str) -> None:
    words = describe(kind, {})
    assert words.replies == ([button.key for button in words.buttons[:1]] == ["reply"])


def test_a_kind_that_nobody_described_is_shown_by_its_name() -> None:
    assert describe("full_moon", {"about": "welcome.yaml"}).title == "Full moon"
    assert describe("full_moon", {"about": "welcome.yaml"}).lines == ("Welcome.yaml",)


@pytest.mark.parametrize(
    ("state", "by", "said"),
    [
        ("open", "", ""),
        ("approve", "you", "Approved by you"),
        ("reply", "", "Answered"),
        ("withdrawn", "", "Withdrawn"),
    ],
)
def test_what_became_of_a_card(state: str, by: str, said: str) -> None:
    assert outcome(state, by) == said
