"""What the engine promises whatever comes, tried on random lives in random libraries."""

import random as dice
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.engine import advance, answered, state_of
from flows.exchange import Due
from flows.model import (
    Again,
    Back,
    Conversation,
    Did,
    Elapsed,
    Event,
    Happened,
    Library,
    Said,
    Started,
    Turn,
)
from flows.questions import reading
from flows.states import AskState, Pausing, WaitState
from flows.times import duration
from tests.flows.lives import Life, answers_to, lived, lives, steps, typed
from tests.flows.random_flows import libraries

random = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(Said, typed()),
    st.builds(Said, choice=st.sampled_from(["c0", "yes", "done!", "1", ("c0", "c1"), ()])),
    st.builds(Happened, st.sampled_from(["pair.introduced", "action.start"]), st.just({"pair": "1"})),
    st.builds(Did, st.sampled_from(["done", "nobody", "never heard of"]), st.just({"link": "x"})),
    st.sampled_from([Started(), Elapsed(), Back(), Again()]),
)
HOURS = st.integers(0, 1000).map(lambda hours: timedelta(hours=hours))


@random
@given(lives(), EVENTS, HOURS)
def test_the_same_call_gives_the_same_turn_and_changes_nothing_it_was_given(
    life: Life, event: Event, hours: timedelta
) -> None:
    for conversation in life.conversations.values():
        facts = life.facts()
        before = repr((conversation, facts))
        one = advance(life.library, conversation, event, facts, life.now + hours)
        other = advance(life.library, conversation, event, facts, life.now + hours)
        assert one == other
        assert repr((conversation, facts)) == before


WORLDLY = frozenset(
    "datetime.now datetime.utcnow date.today time time_ns monotonic perf_counter urandom Random.getrandbits "
    "Random.random open".split()
)


@random
@given(lives(), EVENTS, HOURS)
def test_it_reads_no_clock_throws_no_dice_and_opens_nothing(life: Life, event: Event, hours: timedelta) -> None:
    def play() -> None:
        for conversation in life.conversations.values():
            advance(life.library, conversation, event, life.facts(), life.now + hours)

    play()  # what a zone or a language looks like is read from disk once, before
    assert _worldly_calls(play) == []


def _worldly_calls(play: Any) -> list[str]:
    called: list[str] = []

    def watch(frame: Any, kind: str, function: Any) -> None:
        ours = "hypothesis" not in frame.f_code.co_filename
        if kind == "c_call" and ours and function.__qualname__ in WORLDLY:
            called.append(f"{function.__qualname__} in {frame.f_code.co_filename}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        play()
    finally:
        sys.setprofile(before)
    return called


def test_the_watch_sees_clocks_dice_and_files() -> None:
    def look() -> None:
        datetime.now(UTC)
        time.time()
        dice.random()
        open(__file__).close()  # noqa: PTH123

    assert [call.split()[0] for call in _worldly_calls(look)] == ["datetime.now", "time", "Random.random", "open"]


@random
@given(lives(), st.lists(st.tuples(EVENTS, HOURS), max_size=6), libraries())
def test_any_event_in_any_state_of_any_library_is_taken(
    life: Life, events: list[tuple[Event, timedelta]], edited: Library
) -> None:
    for conversation in life.conversations.values():
        turn = Turn(conversation)
        for number, (event, hours) in enumerate(events):
            if turn.ended:
                break
            library = edited if number % 2 else life.library
            turn = advance(library, turn.conversation, event, life.facts(), life.now + hours)
            assert isinstance(turn, Turn)


@random
@given(lives())
def test_nobody_is_lost_in_a_checked_library(life: Life) -> None:
    assert "lost" not in life.ends


@random
@given(lives())
def test_everybody_stands_where_something_is_waited_for(life: Life) -> None:
    for conversation in life.conversations.values():
        state = life.library.flows[conversation.flow].states[conversation.state]
        assert state.waits()


@random
@given(lives())
def test_something_leads_on_for_everybody(life: Life) -> None:
    for conversation in life.conversations.values():
        assert any(_gone_on(conversation, turn) for turn in _tries(life, conversation)), conversation


def _tries(life: Life, conversation: Conversation) -> Iterator[Turn]:
    state = life.library.flows[conversation.flow].states[conversation.state]
    asked = [say for number, say in life.shown if number == conversation.id]
    events: list[Event] = [*answers_to(conversation, asked[-1] if asked else None), Elapsed()]
    if isinstance(state, WaitState):
        events.insert(0, Happened(state.wait))
    for event in events:
        now = life.now + timedelta(days=100) if isinstance(event, Elapsed) else life.now
        turn = advance(life.library, conversation, event, life.facts(), now)
        while (
            isinstance(event, Elapsed) and not _gone_on(conversation, turn) and turn.next_due and turn.next_due <= now
        ):
            turn = advance(life.library, turn.conversation, event, life.facts(), now)
        yield turn


def _gone_on(before: Conversation, turn: Turn) -> bool:
    after = turn.conversation
    went = (after.entered_at, after.state, after.trail) != (before.entered_at, before.state, before.trail)
    return turn.ended or turn.pending is not None or went


@random
@given(lives())
def test_what_is_due_next_is_the_first_thing_that_has_not_fired(life: Life) -> None:
    for conversation in life.conversations.values():
        assert life.due.get(conversation.id) == _first_due(life.library, conversation)


def _first_due(library: Library, conversation: Conversation) -> datetime | None:
    state = library.flows[conversation.flow].states[conversation.state]
    written = set(state.after) - set(conversation.fired) if isinstance(state, Pausing) else set()
    if isinstance(state, WaitState):
        written.add(state.wait)
    lengths = [length for each in written if (length := duration(each))]
    return conversation.entered_at + min(lengths) if lengths else None


@random
@given(lives())
def test_each_after_is_said_once_a_stay_at_its_time_and_never_after_leaving(life: Life) -> None:
    heard: dict[tuple[int, datetime, str], int] = {}
    for incoming, exchange, before in life.exchanges:
        for number, say in exchange.said:
            if not say.text.startswith("[flow"):
                continue
            assert isinstance(incoming, Due)
            stood = before[number]
            place, _, length = say.text.strip("[]").partition(" ")
            written = duration(length)
            assert place == f"{stood.flow}/{stood.state}"
            assert written
            assert exchange.now >= stood.entered_at + written
            heard[number, stood.entered_at, say.text] = heard.get((number, stood.entered_at, say.text), 0) + 1
    assert set(heard.values()) <= {1}


@random
@given(lives())
def test_the_numbers_of_questions_only_grow_and_callers_stay_few(life: Life) -> None:
    for _, exchange, before in life.exchanges:
        for number, conversation in exchange.conversations.items():
            assert conversation.question >= (before[number].question if number in before else 0)
            assert len(conversation.callers) <= len(life.library.flows)
            assert len(set(conversation.fired)) == len(conversation.fired)


@random
@given(lives())
def test_what_was_read_before_gives_the_turn_that_reading_it_gives(life: Life) -> None:
    for conversation in life.conversations.values():
        state = state_of(life.library, conversation)
        for said in (Said("1"), Said("yes"), Said("skip"), Said("Leeds"), Said("")):
            if isinstance(state, AskState):
                read = reading(life.library, state, conversation, said, life.facts(), life.now)
                turn = answered(life.library, conversation, said, read, life.facts(), life.now)
                assert turn == advance(life.library, conversation, said, life.facts(), life.now)


@random
@given(libraries(), steps(), libraries(), steps())
def test_a_library_edited_in_between_strands_nobody(
    before: Library, events: list[tuple[str, Any]], after: Library, later: list[tuple[str, Any]]
) -> None:
    life = lived(before, events, 1)
    life.library = after
    for number in list(life.conversations):
        life.let(Due(number))
    for event in later:
        life.step(event)
    for conversation in life.conversations.values():
        assert after.flows[conversation.flow].states[conversation.state].waits()


def test_random_lives_are_varied() -> None:
    """The properties above are worth something only where much happens."""
    met: set[str] = set()

    @settings(random, max_examples=200, database=None, derandomize=True)
    @given(lives())
    def play(life: Life) -> None:
        for incoming, exchange, _ in life.exchanges:
            met.add(type(incoming).__name__)
            for each in exchange.conversations.values():
                met.add(life.library.flows[each.flow].states[each.state].kind)
                met.update("run" for _ in each.callers)
                met.update(
                    name for name in ("held", "picked", "offered", "fired", "trail", "misses") if getattr(each, name)
                )

    play()
    kinds, events = {"ask", "wait", "say", "run", "end"}, {"Said", "Happened", "Start", "Due"}
    assert met >= kinds | events | {"held", "picked", "offered", "fired", "trail", "misses"}
