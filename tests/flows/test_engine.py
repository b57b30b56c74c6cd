"""The engine, rule by rule: what follows from one event."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from flows.engine import MOST_CALLERS, MOST_STEPS, advance
from flows.exchange import Start
from flows.model import (
    Back,
    Caller,
    Conversation,
    Did,
    Do,
    Elapsed,
    Ended,
    Event,
    Facts,
    Happened,
    Library,
    Said,
    Save,
    Say,
    Started,
    Turn,
)
from flows.states import DoState, RunState
from tests.flows.lives import Life
from tests.flows.random_flows import NOON, written

FACTS = Facts(1, {"name": "Ana"}, {"name": "Us"})


def begun(library: Library, flow: str = "f", facts: Facts = FACTS, **more: Any) -> Turn:
    return advance(library, Conversation(1, flow, 0, "", NOON, **more), Started(), facts, NOON)


def on(library: Library, turn: Turn, event: Event, now: datetime = NOON, facts: Facts = FACTS) -> Turn:
    return advance(library, turn.conversation, event, facts, now)


def texts(turn: Turn) -> list[str]:
    return [effect.text for effect in turn.effects if isinstance(effect, Say)]


def outcome(turn: Turn) -> str | None:
    last = turn.effects[-1] if turn.effects else None
    return last.outcome if isinstance(last, Ended) else None


AFTER = written("""
    flow: f
    start: q
    states:
      q:
        ask: Where?
        expect: place
        go: over
        after:
          1 hour: {say: No rush.}
          2 hours: {say: One more., do: tell_coordinators, with: {about: "{{ me.name }}"}, go: w}
      w:
        wait: 2 days
        after: {1 day: {do: tell_coordinators, with: {about: still there}}}
        go: over
      over: {end: over}
    """)


def test_after_fires_one_entry_at_a_time_in_order() -> None:
    turn = begun(AFTER)
    assert turn.next_due == NOON + timedelta(hours=1)
    early = on(AFTER, turn, Elapsed(), NOON + timedelta(minutes=59))
    assert not early.effects
    late = NOON + timedelta(hours=5)
    first = on(AFTER, turn, Elapsed(), late)
    assert texts(first) == ["No rush."]
    assert first.next_due == NOON + timedelta(hours=2)
    second = on(AFTER, first, Elapsed(), late)
    assert texts(second) == ["One more."]
    assert second.pending == Do("tell_coordinators", {"about": "Ana"})
    assert second.next_due is None


def test_an_after_that_does_something_then_goes_goes_once_it_is_done() -> None:
    late = NOON + timedelta(hours=5)
    turn = on(AFTER, on(AFTER, on(AFTER, begun(AFTER), Elapsed(), late), Elapsed(), late), Did("done"), late)
    assert turn.conversation.state == "w"
    assert turn.conversation.entered_at == late
    assert turn.conversation.fired == ()


def test_an_after_that_only_does_something_leaves_people_where_they_are() -> None:
    turn = advance(AFTER, Conversation(1, "f", 0, "w", NOON), Elapsed(), FACTS, NOON + timedelta(days=1))
    assert turn.pending
    done = on(AFTER, turn, Did("done"), NOON + timedelta(days=1))
    assert done.conversation.state == "w"
    assert done.next_due == NOON + timedelta(days=2)


def test_a_wait_for_a_time_ends_at_that_time() -> None:
    waiting = Conversation(1, "f", 0, "w", NOON, fired=("1 day",))
    assert outcome(advance(AFTER, waiting, Elapsed(), FACTS, NOON + timedelta(days=2))) == "over"
    assert outcome(advance(AFTER, waiting, Elapsed(), FACTS, NOON + timedelta(days=1))) is None


def test_nothing_of_after_fires_in_the_next_state() -> None:
    turn = on(AFTER, begun(AFTER), Said("Leeds"))
    assert outcome(turn) == "over"
    assert turn.next_due is None


def test_an_after_leaves_the_ticks_of_a_question_alone() -> None:
    library = written("""
        flow: f
        start: q
        states:
          q: {ask: Which?, choose: many, choices: {a: A, b: B}, after: {1 hour: {say: Still there?}}, go: over}
          over: {end: over}
        """)
    ticked = on(library, begun(library), Said(choice="a"))
    later = on(library, ticked, Elapsed(), NOON + timedelta(hours=1))
    assert later.conversation.picked == ("a",)
    assert outcome(on(library, later, Said(choice="done!"))) == "over"


WAIT = written("""
    flow: f
    start: w
    states:
      w: {wait: pair.introduced, go: met}
      met: {say: "Meet {{ pair.other }}.", end: met}
    """)


def test_only_the_happening_that_is_waited_for_leads_on() -> None:
    assert outcome(on(WAIT, begun(WAIT), Happened("pair.introduced"))) == "met"
    assert not on(WAIT, begun(WAIT), Happened("pair.met")).effects


@pytest.mark.parametrize("mine", [{"about": {"pair": "7"}}, {"answers": {"pair": "7"}}])
def test_a_happening_of_another_pair_leaves_people_where_they_are(mine: dict[str, Any]) -> None:
    turn = begun(WAIT, **mine)
    assert not on(WAIT, turn, Happened("pair.introduced", {"pair": "8"})).effects
    assert outcome(on(WAIT, turn, Happened("pair.introduced", {"pair": "7"}))) == "met"


def test_a_happening_tells_which_pair_it_is_about_from_then_on() -> None:
    facts = Facts(1, subjects={("pair", "7"): {"other": "Ben"}})
    assert texts(on(WAIT, begun(WAIT), Happened("pair.introduced", {"pair": 7}), facts=facts)) == ["Meet Ben."]


RUN = written(
    """
    flow: f
    start: first
    states:
      first: {ask: First?, expect: place, save: first, go: inner}
      inner: {run: g, on: {done: last, "no": sorry}}
      last: {ask: Last?, expect: place, go: over}
      sorry: {say: Sorry., end: sorry}
      over: {end: over}
    """,
    """
    flow: g
    start: inside
    states:
      inside:
        ask: Inside {{ answers.first }}?
        choices: {a: {label: Yes indeed, go: done}, b: {label: Rather not, go: never}}
      done: {end: done}
      never: {end: "no"}
    """,
)


def test_run_comes_back_with_its_outcome() -> None:
    inside = on(RUN, begun(RUN), Said("Leeds"))
    assert (inside.conversation.flow, inside.conversation.callers) == ("g", (Caller("f", "inner"),))
    assert texts(inside) == ["Inside Leeds?"]
    back = on(RUN, inside, Said(choice="a"))
    assert (back.conversation.flow, back.conversation.state, back.conversation.callers) == ("f", "last", ())
    assert outcome(on(RUN, inside, Said(choice="b"))) == "sorry"


def test_back_goes_over_the_questions_of_the_flows_that_were_run() -> None:
    last = on(RUN, on(RUN, on(RUN, begun(RUN), Said("Leeds")), Said(choice="a")), Said(""))
    inside = on(RUN, last, Back())
    assert (inside.conversation.flow, inside.conversation.state) == ("g", "inside")
    assert inside.conversation.callers == (Caller("f", "inner"),)
    first = on(RUN, inside, Back())
    assert (first.conversation.flow, first.conversation.state, first.conversation.callers) == ("f", "first", ())
    nothing = on(RUN, first, Back())
    assert texts(nothing) == ["There's no question before this one."]
    assert nothing.conversation.question == first.conversation.question


def test_after_back_one_goes_on_as_before() -> None:
    inside = on(RUN, on(RUN, begun(RUN), Said("Leeds")), Said(choice="a"))
    again = on(RUN, on(RUN, inside, Back()), Said(choice="a"))
    assert again.conversation.state == "last"
    assert outcome(on(RUN, again, Said("York"))) == "over"


def test_back_passes_over_a_question_that_was_edited_away() -> None:
    edited = written("""
        flow: f
        start: other
        states:
          other: {ask: Other?, expect: place, go: last}
          last: {ask: Last?, expect: place, go: over}
          over: {end: over}
        """)
    trail = (Caller("f", "other"), Caller("f", "gone"), Caller("f", "over"))
    standing = Conversation(1, "f", 0, "last", NOON, question=3, trail=trail)
    assert advance(edited, standing, Back(), FACTS, NOON).conversation.state == "other"


def test_the_end_of_a_flow_whose_caller_was_edited_away_is_the_end() -> None:
    inside = Conversation(1, "g", 0, "inside", NOON, 1, callers=(Caller("nowhere", "x"),))
    assert outcome(advance(RUN, inside, Said(choice="a"), FACTS, NOON)) == "done"


def test_a_caller_that_is_no_longer_a_run_is_entered_anew() -> None:
    inside = Conversation(1, "g", 0, "inside", NOON, 1, callers=(Caller("f", "last"),))
    assert texts(advance(RUN, inside, Said(choice="a"), FACTS, NOON)) == ["Last?"]


def test_a_caller_that_was_renamed_gets_the_outcome() -> None:
    renamed = replace(RUN, flows={**RUN.flows, "f": replace(RUN.flows["f"], moved={"was": "inner"})})
    inside = Conversation(1, "g", 0, "inside", NOON, 1, callers=(Caller("f", "was"),))
    assert texts(advance(renamed, inside, Said(choice="a"), FACTS, NOON)) == ["Last?"]


def test_a_flow_that_runs_itself_for_ever_keeps_few_callers() -> None:
    library = written("""
        flow: f
        start: q
        states:
          q: {ask: More?, expect: place, go: r}
          r: {run: f, go: over}
          over: {end: over}
        """)
    turn = begun(library)
    for _ in range(3 * MOST_CALLERS):
        turn = on(library, turn, Said("Leeds"))
        assert len(turn.conversation.callers) <= MOST_CALLERS
        assert texts(turn) == ["More?"]


MOVED = written("""
    flow: f
    start: first
    moved: {old_town: town, old_wait: waiting, old_say: goodbye}
    states:
      first: {ask: Shall we?, choices: {a: {label: A, go: town}, b: {label: B, go: waiting}}}
      town: {ask: Which town?, expect: place, save: town, go: over}
      waiting: {wait: pair.met, after: {3 days: {go: goodbye}}, go: over}
      goodbye: {say: Goodbye., end: gone}
      over: {say: "{{ answers.town }} it is.", end: over}
    """)


def test_a_question_that_was_only_renamed_takes_its_answer() -> None:
    standing = Conversation(1, "f", 0, "old_town", NOON, 1, asked="Which town?")
    turn = advance(MOVED, standing, Said("Leeds"), FACTS, NOON)
    assert texts(turn) == ["Leeds it is."]


def test_a_question_that_was_replaced_is_asked() -> None:
    standing = Conversation(1, "f", 0, "old_town", NOON, 1, asked="How old are you?")
    turn = advance(MOVED, standing, Said("44"), FACTS, NOON)
    assert texts(turn) == ["Which town?"]
    assert turn.conversation.state == "town"


def test_a_wait_that_was_renamed_neither_misses_its_happening_nor_waits_anew() -> None:
    standing = Conversation(1, "f", 0, "old_wait", NOON)
    assert outcome(advance(MOVED, standing, Happened("pair.met"), FACTS, NOON)) == "over"
    looked = advance(MOVED, standing, Elapsed(), FACTS, NOON + timedelta(days=1))
    assert (looked.conversation.state, looked.effects) == ("waiting", ())
    assert looked.next_due == NOON + timedelta(days=3)


def test_whoever_stands_in_a_state_that_no_longer_stops_goes_through_it() -> None:
    turn = advance(MOVED, Conversation(1, "f", 0, "goodbye", NOON), Elapsed(), FACTS, NOON)
    assert (texts(turn), outcome(turn)) == (["Goodbye."], "gone")


def test_whoever_stands_nowhere_goes_where_moved_says_or_to_the_start() -> None:
    assert texts(advance(MOVED, Conversation(1, "f", 0, "old_say", NOON), Elapsed(), FACTS, NOON)) == ["Goodbye."]
    assert texts(advance(MOVED, Conversation(1, "f", 0, "unheard of", NOON), Said("x"), FACTS, NOON)) == ["Shall we?"]


def test_a_conversation_whose_flow_is_gone_ends() -> None:
    assert outcome(advance(MOVED, Conversation(1, "gone", 0, "x", NOON), Elapsed(), FACTS, NOON)) == "lost"


def test_the_version_is_the_one_of_the_library_that_was_read_last() -> None:
    turn = advance(replace(MOVED, version=9), Conversation(1, "f", 3, "town", NOON, 1), Said(""), FACTS, NOON)
    assert turn.conversation.version == 9


DOING = written("""
    flow: f
    start: link
    states:
      link: {do: invite_link, go: find}
      find: {do: find_buddy, on: {offered: told}, go: nobody}
      told: {say: "{{ answers.link }}", end: told}
      nobody: {end: nobody}
    """)


def test_it_stops_at_every_do_and_goes_where_the_outcome_leads() -> None:
    turn = begun(DOING)
    assert turn.pending == Do("invite_link", {})
    turn = on(DOING, turn, Did("done", {"link": "https://x"}))
    assert turn.pending == Do("find_buddy", {})
    assert texts(on(DOING, turn, Did("offered"))) == ["https://x"]
    assert outcome(on(DOING, turn, Did("not_possible"))) == "nobody"


def test_what_an_outcome_nobody_wrote_of_leads_to_is_the_go_or_the_end() -> None:
    turn = on(DOING, on(DOING, begun(DOING), Did("done")), Did("new in the next version"))
    assert outcome(turn) == "nobody"


def test_a_line_of_states_without_a_stop_has_an_end() -> None:
    lines = "\n".join(f"  s{n}: {{say: Line {n}., go: s{n + 1}}}" for n in range(MOST_STEPS + 10))
    library = written(f"flow: f\nstart: s0\nstates:\n{lines}\n  s{MOST_STEPS + 10}: {{end: over}}\n")
    turn = begun(library)
    assert outcome(turn) == "lost"
    assert len(texts(turn)) == MOST_STEPS


def test_a_line_of_many_states_is_gone_to_its_end() -> None:
    lines = "\n".join(f"  s{n}: {{say: Line {n}., go: s{n + 1}}}" for n in range(500))
    library = written(f"flow: f\nstart: s0\nstates:\n{lines}\n  s500: {{end: over}}\n")
    assert outcome(begun(library)) == "over"


def test_saves_come_out_as_effects_and_are_known_at_once() -> None:
    library = written("""
        flow: f
        start: q
        states:
          q: {ask: Name?, expect: text, save: me.name, go: hello}
          hello: {say: "Hi {{ me.name }}!", end: over}
        """)
    turn = on(library, begun(library), Said("Ben"))
    assert turn.effects == (Save("name", "Ben"), Say("Hi Ben!"), Ended("over"))


def test_a_did_for_a_state_that_did_nothing_changes_nothing() -> None:
    turn = on(AFTER, begun(AFTER), Did("done"))
    assert (turn.conversation.state, turn.effects) == ("q", ())


def test_states_of_each_kind_are_what_they_were_read_as() -> None:
    assert isinstance(DOING.flows["f"].states["link"], DoState)
    assert isinstance(RUN.flows["f"].states["inner"], RunState)


def test_a_start_of_nothing_starts_nothing() -> None:
    life = Life(RUN)
    assert not life.let(Start("nowhere")).said
