"""What becomes of a message by what its platform said."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from bot.channels.base import Receipt, SendFailed
from bot.verdict import BROKEN_TRIES, LONGEST_PAUSE, LOST, MOST_TRIES, Broken, back_off, plain, verdict
from flows.model import Say
from storage.sending import Claimed, Outcome

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
MESSAGE = Claimed(1, 2, 3, "555123", None, Say("hello"), 0, 0, "", False, NOW)


def judged(result: Receipt | SendFailed, *, asks: bool = False, once: bool = False, **message: object) -> Outcome:
    return verdict(replace(MESSAGE, **message), result, NOW, lambda: 0.5, asks=asks, once=once)  # type: ignore[arg-type]


def test_what_was_taken_is_sent() -> None:
    outcome = judged(Receipt("17"), maybe_sent=True)
    assert (outcome.state, outcome.receipt, outcome.at) == ("sent", "17", None)


def test_a_platform_that_says_when_is_obeyed_to_the_second() -> None:
    assert judged(SendFailed("x", retry_after=timedelta(seconds=37)), tries=9).at == NOW + timedelta(seconds=37)


def test_what_is_refused_for_good_fails() -> None:
    outcome = judged(SendFailed("blocked", final=True))
    assert (outcome.state, outcome.reason, outcome.at) == ("failed", "blocked", None)


def test_who_is_gone_is_told_from_what_only_this_message_or_the_whole_account_met() -> None:
    assert judged(SendFailed("blocked", final=True)).gone
    assert not judged(SendFailed("blocked", final=True), replaces="r1").gone
    assert not judged(SendFailed("no such token", final=True, everyone=True)).gone
    assert not judged(SendFailed(LOST, final=True, unknown=True)).gone
    assert not judged(Broken("KeyError", BROKEN_TRIES), tries=BROKEN_TRIES).gone
    assert not judged(SendFailed("500"), tries=MOST_TRIES).gone


def test_a_lost_answer_without_a_rule_is_followed_by_one_more_try_and_no_third() -> None:
    first = judged(SendFailed("time-out", unknown=True))
    assert (first.state, first.doubtful) == ("again", True)
    assert first.at is not None
    second = judged(SendFailed("time-out", unknown=True), maybe_sent=True, tries=1)
    assert (second.state, second.reason) == ("held", LOST)


@pytest.mark.parametrize("rule", ["asks", "once"])
def test_a_lost_answer_that_can_be_settled_is_tried_until_it_is(rule: str) -> None:
    outcome = judged(SendFailed("time-out", unknown=True), maybe_sent=True, tries=7, **{rule: True})
    assert (outcome.state, outcome.doubtful) == ("again", True)


def test_a_refusal_does_not_end_the_doubt_about_the_try_before() -> None:
    assert judged(SendFailed("429", retry_after=timedelta(seconds=1)), maybe_sent=True).doubtful
    assert not judged(SendFailed("429", retry_after=timedelta(seconds=1))).doubtful


def test_pauses_grow_to_ten_minutes_and_are_any_time_below() -> None:
    longest = [back_off(tries, lambda: 1.0) for tries in range(30)]
    assert longest[0] == timedelta(seconds=0.5)
    assert all(before <= later for before, later in pairwise(longest))
    assert longest[-1] == LONGEST_PAUSE
    assert back_off(9, lambda: 0.0) == timedelta(0)
    assert back_off(9, lambda: 0.25) == longest[9] / 4


def test_nothing_is_tried_for_ever() -> None:
    assert judged(SendFailed("500"), tries=MOST_TRIES - 2).state == "again"
    assert judged(SendFailed("500"), tries=MOST_TRIES - 1).state == "failed"
    assert judged(SendFailed("x", unknown=True), tries=MOST_TRIES - 1, once=True).state == "held"
    assert judged(Broken("KeyError", BROKEN_TRIES - 2), tries=BROKEN_TRIES - 2).state == "again"
    assert judged(Broken("KeyError", BROKEN_TRIES - 1), tries=BROKEN_TRIES - 1).state == "failed"


def test_tries_until_it_is_given_up_take_about_a_day() -> None:
    whole = sum((back_off(tries, lambda: 0.5) for tries in range(MOST_TRIES)), timedelta(0))
    assert timedelta(hours=22) < whole < timedelta(hours=26)


def test_a_reason_holds_no_address_and_one_line() -> None:
    assert plain("chat 555123\nwas not found", "555123") == "chat … was not found"
    assert len(plain("x" * 5000, "555123")) == 200
