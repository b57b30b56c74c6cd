"""A message that begins a flow and answers its first question: what is one, and what it beats."""

import pytest

from flows.exchange import Exchange
from flows.model import Conversation, Facts, Said
from tests.flows.random_flows import written
from tests.flows.test_exchange import play, said, standing

LIBRARY = written(
    """
    flow: away
    start: begin
    starts: {words: [away, away until ..., i'm away until …]}
    states:
      begin:
        decide:
          - {when: me.role == 'buddy', go: hello}
          - {else: none}
      hello: {say: Oh., go: until}
      until: {ask: Until when?, expect: date, save: until, go: again}
      again: {ask: Sure?, expect: yes_no, "on": {"yes": set, "no": set}}
      set: {say: "Until {{ answers.until }}.", end: away}
      none: {say: You help nobody., end: kept}
    """,
    """
    flow: pick
    start: which
    starts: {words: [pick ...]}
    states:
      which: {ask: Which?, choices: {sat: Saturday, sun: Sunday}, save: day, go: got}
      got: {say: "{{ answers.day }}!", end: got}
    """,
    """
    flow: back
    start: welcome
    starts: {words: [i'm back, gone since ...], who: buddy}
    states:
      welcome: {ask: Since when?, expect: date, save: since, go: got}
      got: {say: Welcome back., end: back}
    """,
    """
    flow: note
    start: text
    starts: {words: [note ...]}
    states:
      text: {ask: What?, expect: text, save: text, go: noted}
      noted: {say: "Noted: {{ answers.text }}", end: noted}
    """,
    """
    flow: welcome
    start: topic
    starts: {first_contact: true, words: [start]}
    states:
      topic: {ask: Which?, choices: {climate: Climate, pick: Pick Saturday}, go: when}
      when: {ask: When?, expect: date, save: when, go: words}
      words: {ask: What else?, expect: text, save: words, go: over}
      over: {say: Thanks., end: over}
    """,
    es="""
    msgid "i'm away until …"
    msgstr "estoy fuera hasta ..."
    """,
)

BUDDY, NOBODY = Facts(1, {"role": "buddy"}), Facts(2, {"role": "supporter"})


def hears(text: str, *open_: Conversation, facts: Facts = BUDDY, relays: bool = False) -> Exchange:
    return play([*open_], Said(text), facts=facts, of=LIBRARY, relays=relays)


@pytest.mark.parametrize("state", ["", "topic", "when", "words"])
@pytest.mark.parametrize(
    "text",
    ["away until Friday", "I'm away, until Friday!", "I’m away until: FRIDAY", "estoy fuera hasta el viernes"],
)
def test_in_whatever_is_asked_one_message_begins_a_flow_and_answers_it(state: str, text: str) -> None:
    heard = hears(text, *([standing(state)] if state else []))
    assert said(heard) == ["Oh.", "Sure?"]
    assert heard.conversations[101].answers == {"until": "2026-06-05"}


def test_the_last_of_the_words_may_belong_to_the_answer() -> None:
    assert hears("away until September").conversations[101].answers == {"until": "2026-09-01"}


@pytest.mark.parametrize(
    "text", ["away until they like us", "away until", "until September", "she is away until Friday", "away " * 40]
)
def test_what_does_not_answer_begins_nothing(text: str) -> None:
    assert 101 not in hears(text, standing("topic")).conversations


def test_who_is_not_asked_that_question_has_said_something_else() -> None:
    heard = hears("away until Friday", facts=NOBODY, relays=True)
    assert (heard.relayed, heard.said) == ("away until Friday", [])
    assert said(hears("away", facts=NOBODY)) == ["You help nobody."]


@pytest.mark.parametrize("text", ["I'm back", "gone since 3 May"])
def test_words_that_are_a_buddys_are_for_the_other_where_a_newcomer_says_them(text: str) -> None:
    assert 101 in {**hears(text).conversations, **dict.fromkeys(hears(text).ended)}
    heard = hears(text, facts=NOBODY, relays=True)
    assert (heard.relayed, heard.said) == (text, [])


def test_a_choice_that_fits_beats_it_and_a_date_does_not() -> None:
    assert 101 not in hears("Pick Saturday", standing("topic")).conversations
    assert said(hears("pick sunday", standing("when"))) == ["sun!"]


def test_what_would_take_any_text_needs_its_slash_where_any_text_is_taken() -> None:
    words = standing("words")
    assert said(hears("note that it rains", words)) == ["Thanks."]
    assert said(hears("/note that it rains", words)) == ["Noted: that it rains"]


def test_a_question_that_nobody_read_is_not_asked_again_but_can_be_gone_back_to() -> None:
    heard = hears("pick sunday", standing("when"))
    assert said(heard) == ["sun!"], "nothing was asked, so the older question needs no reminder"
    began = hears("away until Friday").conversations[101]
    assert said(hears("back", began)) == ["Until when?"]


def test_what_is_kept_as_the_words_of_a_question_is_never_one_that_was_not_read() -> None:
    heard = hears("away until Friday")
    assert [effect.text for _, effect in heard.said if effect.question is not None] == ["Sure?"]
    assert heard.conversations[101].asked == "Sure?"
