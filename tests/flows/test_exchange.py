"""One person's exchange: which conversation hears what, what beats what, and that nobody is met with silence."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.exchange import FRESH, MOST_DEEDS, Due, Exchange, Perform, Start, word_in
from flows.model import Conversation, Did, Facts, Happened, Said, Say, Word
from flows.states import AskState
from tests.flows.lives import Life, lives, typed
from tests.flows.random_flows import NOON, library, written

random = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


# --- whatever comes --------------------------------------------------------------------------------------------


@random
@given(lives())
def test_who_writes_is_answered_but_where_the_flow_is_silent_after_an_answer(life: Life) -> None:
    for incoming, exchange, before in life.exchanges:
        if isinstance(incoming, Said) and not exchange.said:
            went_on = [n for n in exchange.changed if n in exchange.ended or _went_on(before, exchange, n)]
            assert went_on, incoming


def _went_on(before: dict[int, Conversation], exchange: Exchange, number: int) -> bool:
    after = exchange.conversations[number]
    return number not in before or len(after.trail) > len(before[number].trail) or after.state != before[number].state


@random
@given(lives())
def test_an_exchange_does_a_bounded_number_of_things(life: Life) -> None:
    for _, exchange, before in life.exchanges:
        assert len(exchange.said) < 200
        assert len(exchange.conversations) <= len(before) + 1
        assert set(exchange.changed) == set(exchange.next_due)
        assert set(exchange.ended) <= set(exchange.changed)


@random
@given(lives(), st.sampled_from(["stop", "STOP!", "/stop", "unsubscribe", "توقف"]))
def test_stop_beats_everything_and_is_confirmed_once(life: Life, word: str) -> None:
    exchange = life.let(Said(word))
    assert not life.conversations
    assert [say.text[:5] for _, say in exchange.said] == ["Done."]


@random
@given(lives())
def test_forget_me_beats_everything_once_it_is_meant(life: Life) -> None:
    asked = life.let(Said("forget me"))
    assert [say.text for _, say in asked.said] == ["Shall I delete everything about you, at once and for good?"]
    kept = len(life.conversations)
    life.let(Said("yes"))
    assert kept > 0
    assert not life.conversations


@random
@given(lives(), st.integers(0, 60), st.sampled_from(["c0", "yes", "done!", ("c0",), "1"]))
def test_a_press_on_a_question_already_answered_changes_nothing_and_is_answered(
    life: Life, earlier: int, choice: str | tuple[str, ...]
) -> None:
    # a question whose list is empty by now cannot be asked again, and leads on
    life.actions = life.actions or 1
    for number, conversation in list(life.conversations.items()):
        old = conversation.question - 1 - earlier
        before = dict(life.conversations)
        exchange = life.let(Said(choice=choice, conversation=number, question=old))
        assert exchange.said
        assert not exchange.saves
        assert not exchange.ended
        assert {n: (each.state, each.answers, each.held) for n, each in life.conversations.items()} == {
            n: (each.state, each.answers, each.held) for n, each in before.items()
        }


@random
@given(lives(), st.sampled_from(["we must stop this bill", "please don't stop", "I want to forget me not flowers"]))
def test_a_word_inside_a_sentence_stops_nothing(life: Life, sentence: str) -> None:
    before = set(life.conversations)
    exchange = life.let(Said(sentence))
    assert "stop" not in {each.flow for each in exchange.conversations.values()}
    assert "forget_me" not in {each.flow for n, each in exchange.conversations.items() if n not in before}
    assert set(exchange.ended.values()).isdisjoint({"stop", "forget_me"})


@random
@given(typed())
def test_whatever_a_stranger_writes_first_is_answered(text: str) -> None:
    exchange = play([], Said(text), first=True)
    assert exchange.said


# --- rule by rule ----------------------------------------------------------------------------------------------

LIBRARY = written(
    """
    flow: welcome
    start: hello
    starts: {first_contact: true, words: [start, good morning]}
    states:
      hello: {say: Hello., go: topic}
      topic: {ask: Which?, choices: {climate: Climate, help: I need help, bread: Bread}, go: town}
      town: {ask: Where?, expect: place, save: town, on: {skip: age}, go: age}
      age: {ask: How old?, expect: number, go: waiting}
      waiting: {wait: pair.introduced, go: met}
      met: {say: "You met {{ pair.other }}.", end: met}
    """,
    """
    flow: diary
    start: text
    starts: {words: [diary]}
    states:
      text: {ask: How was it?, expect: text, save: text, go: thanks}
      thanks: {say: Thanks., end: told}
    """,
    """
    flow: party
    start: coming
    starts: {words: [party], link: picnic}
    states:
      coming: {ask: Coming?, expect: yes_no, "on": {"yes": over, "no": over}}
      over: {end: over}
    """,
    """
    flow: met
    start: met
    starts: {words: [did we meet]}
    states:
      met: {ask: Did you meet?, choices: {done: {label: We met, go: kept}, wrong: {label: It felt wrong, go: kept}}}
      kept: {do: met, with: {answer: wrong}, go: over}
      over: {end: over}
    """,
)

FACTS = Facts(1, {"name": "Ana"}, subjects={("pair", "7"): {"other": "Ben"}})


def standing(
    state: str, number: int = 1, flow: str = "welcome", entered_at: datetime = NOON, **more: Any
) -> Conversation:
    return Conversation(number, flow, 0, state, entered_at, **{"question": 1, "asked": "?", **more})


def play(
    conversations: list[Conversation],
    incoming: Any,
    first: bool = False,
    facts: Facts = FACTS,
    of: Any = LIBRARY,
    relays: bool = False,
) -> Exchange:
    exchange = Exchange(of, conversations, facts, NOON, first, relays)
    playing = exchange.play(incoming)
    reply: Any = None
    number = 100
    try:
        while True:
            request = playing.send(reply) if reply is not None else next(playing)
            number += 1
            reply = (Did("done") if isinstance(request, Perform) else number, facts)
    except StopIteration:
        return exchange


def said(exchange: Exchange) -> list[str]:
    return [say.text for _, say in exchange.said]


def states(exchange: Exchange) -> dict[int, str]:
    return {n: each.state for n, each in exchange.conversations.items() if n not in exchange.ended}


def test_a_first_message_begins_the_welcome() -> None:
    assert said(play([], Said("what is this?"), first=True)) == ["Hello.", "Which?"]
    assert said(play([], Said(photo="file:1"), first=True)) == ["Hello.", "Which?"]


@pytest.mark.parametrize("hello", ["Hi", "hola!", "Buenas tardes", "good evening :)"])
def test_a_hello_begins_the_welcome_again_where_nothing_is_asked(hello: str) -> None:
    assert said(play([standing("waiting")], Said(hello))) == ["Hello.", "Which?"]
    assert states(play([standing("topic")], Said(hello))) == {1: "topic"}


def test_a_hello_to_someone_they_were_introduced_to_is_passed_on() -> None:
    exchange = play([standing("waiting")], Said("Hi"), relays=True)
    assert (exchange.relayed, said(exchange), states(exchange)) == ("Hi", [], {1: "waiting"})


def test_words_beat_the_first_contact() -> None:
    assert said(play([], Said("diary"), first=True)) == ["How was it?"]


def test_a_later_message_that_nothing_understands_gets_a_kind_word() -> None:
    assert said(play([], Said("what is this?"))) == [
        "Thanks for writing! I'm a bot and understand only a little. Write *help* to see what I can do."
    ]


def test_a_link_begins_its_flow_even_before_the_first_contact() -> None:
    assert said(play([], Said("/start picnic"), first=True)) == ["Coming?"]
    assert said(play([standing("text", flow="diary")], Said("/start picnic"))) == ["Coming?"]


def test_a_link_that_nobody_knows_any_more_is_a_plain_start() -> None:
    assert said(play([], Said("/start gone"))) == ["Hello.", "Which?"]


def test_what_no_question_understands_is_for_the_person_they_were_introduced_to() -> None:
    relayed = play([standing("topic", entered_at=NOON - FRESH)], Said("Hi Ben, shall we?"), relays=True)
    assert (relayed.relayed, relayed.unsure, relayed.said, relayed.changed) == ("Hi Ben, shall we?", False, [], {})
    assert play([], Said("see you there"), relays=True).relayed == "see you there"


def test_what_may_be_an_answer_to_a_fresh_question_is_passed_on_only_if_they_say_so() -> None:
    fresh = play([standing("topic")], Said("Hi Ben, shall we?"), relays=True)
    assert (fresh.relayed, fresh.unsure) == ("Hi Ben, shall we?", True)
    assert said(fresh)[0].startswith("Sorry, I didn't get that.")


def test_what_is_said_about_the_other_never_reaches_them_by_itself() -> None:
    met = standing("met", flow="met", entered_at=NOON - timedelta(days=2))
    exchange = play([met], Said("it was strange with him"), relays=True)
    assert (exchange.relayed, exchange.unsure) == ("it was strange with him", True)


def test_what_a_question_or_a_word_understands_is_relayed_to_nobody() -> None:
    for text in ("Bread", "help", "stop", "skip", "back"):
        exchange = play([standing("topic")], Said(text), relays=True)
        assert exchange.said
        assert not exchange.relayed


def test_a_choice_that_fits_beats_a_word_that_is_understood_anywhere() -> None:
    assert said(play([standing("topic")], Said("I need help"))) == ["Where?"]
    assert said(play([standing("topic")], Said("help!")))[0].startswith("What can I do for you?")


def test_a_word_beats_a_question_that_would_take_it_as_its_type() -> None:
    assert said(play([standing("town")], Said("help")))[0].startswith("What can I do for you?")
    assert states(play([standing("town")], Said("Good Morning!")))[101] == "topic"


def test_while_text_is_open_a_start_word_needs_its_slash() -> None:
    diary = standing("text", flow="diary")
    assert said(play([diary], Said("Good morning"))) == ["Thanks."]
    assert said(play([diary], Said("/start"))) == ["Hello.", "Which?"]
    assert said(play([diary], Said("help")))[0].startswith("What can I do for you?")


def test_typed_words_go_to_the_newest_open_question_that_understands_them() -> None:
    older, newer = standing("topic", 1), standing("coming", 2, "party")
    assert states(play([older, newer], Said("Bread"))) == {1: "town", 2: "coming"}
    assert 2 in play([older, newer], Said("yes please")).ended
    neither = play([older, newer], Said("purple"))
    assert said(neither) == ["Sorry, I didn't get that. A yes or a no is enough.\n\nComing?"]


def test_skip_goes_to_the_question_where_it_is_written() -> None:
    assert said(play([standing("town")], Said("Skip"))) == ["How old?"]
    assert "town" not in play([standing("town")], Said("skip it")).conversations[1].answers
    assert said(play([standing("age")], Said("skip")))[0].startswith("Sorry, I need a number")


def test_back_goes_to_the_question_before() -> None:
    at_age = play([play([standing("topic")], Said("1")).conversations[1]], Said("Leeds")).conversations[1]
    assert said(play([at_age], Said("Go back"))) == ["Where?"]
    assert said(play([standing("topic")], Said("back"))) == ["There's no question before this one."]
    assert said(play([standing("waiting")], Said("back"))) == ["There's no question before this one."]


def test_a_flow_begun_by_its_word_while_it_is_open_begins_anew() -> None:
    exchange = play([standing("age")], Said("start"))
    assert exchange.ended == {1: "begun anew"}
    assert said(exchange) == ["Hello.", "Which?"]


def test_a_flow_about_one_action_leaves_the_same_flow_about_another() -> None:
    one = standing("coming", 1, "party", about={"action": "1"})
    assert play([one], Start("party", {"action": "2"})).ended == {}
    assert play([one], Start("party", {"action": "1"})).ended == {1: "begun anew"}


def test_a_start_of_a_flow_that_is_not_there_says_nothing() -> None:
    assert said(play([standing("town")], Start("gone"))) == []


def test_when_a_flow_that_asked_ends_the_newest_open_question_is_asked_again() -> None:
    exchange = play([standing("town"), standing("text", 2, "diary")], Said("It rained."))
    assert said(exchange) == ["Thanks.", "Where?"]
    assert exchange.conversations[1].question == 1


def test_what_time_ends_repeats_no_question_that_was_asked_after_it() -> None:
    late = "states: {q: {ask: In time?, expect: time, after: {1 day: {go: e}}, go: e}, e: {end: past}}"
    library = written(f"flow: short\nstart: q\n{late}")
    library = replace(library, flows={**library.flows, **LIBRARY.flows})
    short = standing("q", 1, "short", NOON - timedelta(days=1))
    newer, older = (standing("town", 2, entered_at=NOON - timedelta(hours=hours)) for hours in (1, 25))
    assert said(play([short, newer], Due(1), of=library)) == []
    assert said(play([short, older], Due(1), of=library)) == ["Where?"]


def test_when_a_flow_that_asked_nothing_ends_no_question_is_repeated() -> None:
    assert len(said(play([standing("town")], Said("help")))) == 1


def test_nothing_is_repeated_where_a_new_question_was_just_asked() -> None:
    library = written(
        "flow: one\nstart: w\nstates: {w: {wait: pair.met, go: over}, over: {end: over}}",
        "flow: two\nstart: w\nstates: {w: {wait: pair.met, go: q}, q: {ask: New?, expect: place, go: e}, e: {end: e}}",
        "flow: old\nstart: q\nstates: {q: {ask: Old?, expect: place, go: over}, over: {end: over}}",
    )
    three = [standing("w", 1, "one"), standing("w", 2, "two"), standing("q", 3, "old")]
    assert said(play(three, Happened("pair.met"), of=library)) == ["New?"]
    older = standing("q", 3, "old", NOON - timedelta(hours=1))
    assert said(play([three[0], older], Happened("pair.met"), of=library)) == ["Old?"]


@pytest.mark.parametrize("incoming", [Due(2), Happened("pair.met")], ids=["time", "a happening"])
def test_what_ends_without_a_word_repeats_only_what_it_interrupted_an_hour_ago(incoming: Due | Happened) -> None:
    after = "{wait: pair.met, after: {30 minutes: {go: e}}, go: e}"
    library = written(f"flow: waits\nstart: w\nstates: {{w: {after}, e: {{end: past}}}}")
    library = replace(library, flows={**library.flows, **LIBRARY.flows})
    waits = standing("w", 2, "waits", NOON - timedelta(minutes=30))
    # Asked less than an hour ago; not answered when it was interrupted; left unanswered long before.
    for minutes, heard in ((59, []), (60, ["Where?"]), (90, ["Where?"]), (91, [])):
        asked = standing("town", entered_at=NOON - timedelta(minutes=minutes))
        assert said(play([asked, waits], incoming, of=library)) == heard
        assert states(play([asked, waits], incoming, of=library)) == {1: "town"}
    together = [
        standing(state, n, flow, NOON - timedelta(hours=2))
        for state, n, flow in (("town", 1, "welcome"), ("w", 2, "waits"))
    ]
    assert said(play(together, incoming, of=library)) == []


def test_a_press_on_the_open_question_answers_it() -> None:
    assert said(play([standing("topic")], Said(choice="bread", conversation=1, question=1))) == ["Where?"]


def test_a_press_on_an_answered_question_shows_where_we_are() -> None:
    exchange = play([standing("town", question=2)], Said(choice="bread", conversation=1, question=1))
    assert said(exchange) == ["You've answered that already, thank you. Here is where we are.", "Where?"]
    assert exchange.conversations[1].state == "town"


@pytest.mark.parametrize("conversation", [1, 77])
def test_a_press_where_nothing_is_asked_any_more_is_answered(conversation: int) -> None:
    exchange = play([standing("waiting")], Said(choice="bread", conversation=conversation, question=1))
    assert said(exchange) == ["That one is behind us already, thank you. Nothing has changed."]


def test_a_press_with_a_choice_that_is_not_there_is_explained() -> None:
    exchange = play([standing("topic")], Said(choice="cheese", conversation=1, question=1))
    assert said(exchange) == ["Sorry, I didn't get that. Press one of these, or write its number.\n\nWhich?"]


def test_a_happening_reaches_every_conversation_that_waits_for_it_and_no_other() -> None:
    mine, open_, other = standing("waiting", 1), standing("topic", 2), standing("waiting", 3, about={"pair": "8"})
    second = standing("waiting", 4, about={"pair": "7"})
    exchange = play([mine, open_, other, second], Happened("pair.introduced", {"pair": "7"}))
    assert exchange.ended == {1: "met", 4: "met"}
    assert set(exchange.changed) == {1, 4, 2}
    assert said(exchange) == ["You met Ben.", "You met Ben.", "Which?"]


def test_a_happening_that_nobody_waits_for_changes_nothing() -> None:
    exchange = play([standing("topic"), standing("waiting", 2)], Happened("pair.met", {"pair": "7"}))
    assert (exchange.changed, exchange.said) == ({}, [])


def test_time_reaches_only_the_conversation_it_came_for() -> None:
    assert play([standing("topic")], Due(99)).changed == {}
    assert play([standing("topic"), standing("town", 2)], Due(2)).changed == {2: None}


@pytest.mark.parametrize(
    "odd",
    [
        *map(
            Said,
            ("", " ", "\0", "🎉" * 4000, "x" * 300_000, "\u202eevil", "ß\ud800", "/", "🙂", "{{ me.name }}", "{least}"),
        ),
        Said(photo="file:1"),
        Said(place="Leeds"),
        Said(choice="bread"),
    ],
    ids=lambda said: repr(said)[:40],
)
@pytest.mark.parametrize(("state", "flow"), [("topic", "welcome"), ("age", "welcome"), ("coming", "party")])
def test_odd_messages_are_answered_and_the_conversation_goes_on(odd: Said, state: str, flow: str) -> None:
    exchange = play([standing(state, flow=flow)], odd)
    assert said(exchange)
    after = exchange.conversations[1]
    assert isinstance(LIBRARY.flows[flow].states[after.state], AskState)
    assert after.misses == 1 or after.state == "town"


def test_a_very_long_answer_is_kept_in_part_and_the_flow_goes_on() -> None:
    exchange = play([standing("text", flow="diary")], Said("a word " * 50_000))
    assert said(exchange) == ["Thanks."]
    assert 1000 < len(str(exchange.conversations[1].answers["text"])) <= 4000


def test_words_are_known_in_any_case_with_or_without_a_slash() -> None:
    assert [word_in(LIBRARY, text) for text in ("START", "/start", " start! ", "?")] == [
        *[Word(flow="welcome")] * 3,
        Word("help", "help"),
    ]
    assert word_in(LIBRARY, "start now") is None
    assert word_in(LIBRARY, "") is None
    assert word_in(LIBRARY, "start" + " " * 1000) is None


def test_forget_me_ends_all_others_silently() -> None:
    exchange = play([standing("town"), standing("sure", 2, "forget_me")], Said("yes"))
    assert exchange.ended == {1: "forget_me", 2: "forgotten"}
    assert len(said(exchange)) == 1


def test_forget_me_taken_back_leaves_everything_and_asks_again() -> None:
    exchange = play([standing("town"), standing("sure", 2, "forget_me")], Said("no"))
    assert said(exchange) == ["Then everything stays as it is.", "Where?"]


def test_a_run_that_does_without_end_is_let_go() -> None:
    lines = "\n".join(f"  s{n}: {{do: tell_coordinators, go: s{n + 1}}}" for n in range(MOST_DEEDS + 5))
    endless = written(f"flow: f\nstart: s0\nstates:\n{lines}\n  s{MOST_DEEDS + 5}: {{end: over}}\n")
    assert play([], Start("f"), of=endless).ended == {101: "lost"}


def test_what_belongs_to_no_flow_is_said_in_their_language() -> None:
    spanish = written(
        "flow: f\nstart: a\nstates: {a: {end: over}}",
        es='msgid "There\'s no question before this one."\nmsgstr "No hay pregunta anterior."\n',
    )
    exchange = play([], Said("back"), facts=Facts(language="es"), of=spanish)
    assert exchange.said == [(0, Say("No hay pregunta anterior."))]


def test_the_library_of_random_lives_is_read_once() -> None:
    assert library("[]") is library("[]")
