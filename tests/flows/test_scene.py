"""What a state can use while it acts: what is known and when, what is kept where, and in which language."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from flows.model import Conversation, Do, Facts, Library, Save, Say, subject_of
from flows.scene import Scene, Standing
from tests.flows.random_flows import NOON, written

EMPTY = Library({})
BARE = Conversation(1, "f", 0, "s", NOON)


def scene(facts: Facts | None = None, library: Library = EMPTY, **more: Any) -> Scene:
    return Scene(library, BARE.with_(**more), facts or Facts(7, {"name": "Ana"}), NOON)


# --- keeping ---------------------------------------------------------------------------------------------------


def test_before_consent_only_name_and_language_are_kept_with_the_person() -> None:
    at = scene()
    for field, value in (("me.name", "Ben"), ("me.language", "es"), ("me.place", "Leeds"), ("note", "x")):
        at.save(field, value)
    assert at.effects == [Save("name", "Ben"), Save("language", "es")]
    assert (at.here.held, at.here.answers) == ({"place": "Leeds"}, {"note": "x"})


def test_with_consent_everything_is_kept_with_the_person_at_once() -> None:
    at = scene(Facts(me={"consented": ("keep",)}))
    at.save("me.place", "Leeds")
    assert (at.effects, dict(at.here.held)) == ([Save("place", "Leeds")], {})


def test_a_consent_that_was_taken_back_counts_no_more() -> None:
    at = scene(Facts(me={"consented": ()}))
    at.save("me.place", "Leeds")
    assert at.effects == []


def test_what_was_held_moves_to_the_person_and_stays_known() -> None:
    at = scene(held={"place": "Leeds", "kids": 2})
    at.keep_held()
    assert at.effects == [Save("place", "Leeds"), Save("kids", 2)]
    assert dict(at.here.held) == {}
    assert at.words("{{ me.place }} {{ me.kids }}") == "Leeds 2"


def test_what_is_kept_with_the_person_is_not_hidden_by_what_was_held_before() -> None:
    at = scene(Facts(me={"consented": ("keep",), "place": "York"}), held={"place": "Leeds", "kids": 2})
    at.save("me.place", "Hull")
    assert at.here.held == {"kids": 2}
    assert at.words("{{ me.place }}") == "Hull"


def test_each_save_is_known_to_the_next_text() -> None:
    at = scene()
    assert at.words("{{ me.place }}{{ answers.a }}") == ""
    at.save("me.place", "Leeds")
    assert at.words("{{ me.place }}") == "Leeds"
    at.save("a", "one")
    assert at.words("{{ me.place }} {{ answers.a }}") == "Leeds one"
    at.save("a", "two")
    assert at.words("{{ me.place }} {{ answers.a }}") == "Leeds two"


def test_what_was_learnt_by_choosing_adds_to_what_was_known() -> None:
    at = scene(Facts(subjects={("action", "1"): {"title": "Old", "district": "North"}}), about={"action": "1"})
    assert at.words("{{ action.title }}, {{ action.district }}") == "Old, North"
    at.learn({"action": {"title": "New"}})
    assert at.words("{{ action.title }}, {{ action.district }}") == "New, North"


def test_what_was_chosen_here_goes_before_what_the_conversation_was_about() -> None:
    assert subject_of(BARE.with_(about={"action": "1"}, answers={"action": "2"}), "action") == "2"
    assert subject_of(BARE.with_(about={"action": "1"}), "action") == "1"
    assert subject_of(BARE, "action") == ""


# --- saying ----------------------------------------------------------------------------------------------------

SPANISH = written(
    """
    flow: f
    start: s
    states:
      s: {say: "Hi {{ me.name }}!", end: over}
    """,
    es='msgid "Hi {{ me.name }}!"\nmsgstr "¡Hola {{ me.name }}!"\n',
)


def test_a_text_is_read_in_the_language_chosen_a_moment_ago() -> None:
    at = scene(library=SPANISH)
    at.say("Hi {{ me.name }}!")
    at.save("me.language", "es")
    at.say("Hi {{ me.name }}!")
    assert [effect.text for effect in at.effects if isinstance(effect, Say)] == ["Hi Ana!", "¡Hola Ana!"]


def test_a_translation_with_a_slip_in_its_braces_gives_way_to_the_text() -> None:
    slipped = replace(SPANISH, translations={"de": {"Hi {{ me.name }}!": "Hallo {{ me.name }"}})
    assert scene(Facts(me={"name": "Ana"}, language="de"), slipped).words("Hi {{ me.name }}!") == "Hi Ana!"


AGREEING = written(
    """
    flow: f
    start: s
    states:
      s: {ask: Sure?, expect: yes_no, save: sure, go: t}
      t: {ask: Who?, expect: text, save: who, go: u}
      u: {end: over}
    """,
    es='msgid "Yes"\nmsgstr "Sí"\n\nmsgid "No"\nmsgstr "No"\n',
)


@pytest.mark.parametrize(("language", "yes", "no"), [("en", "yes", "no"), ("es", "sí", "no"), ("de", "yes", "no")])
def test_yes_and_no_are_said_in_their_language_and_what_people_wrote_is_not(language: str, yes: str, no: str) -> None:
    facts = Facts(me={"language": language, "has_buddy": True, "adult": "no", "meetings": 1})
    at = scene(facts, AGREEING, answers={"sure": "yes", "who": "yes"})
    text = "{{ answers.sure }} {{ answers.who }} {{ me.has_buddy }} {{ me.adult }} {{ me.meetings }}"
    assert at.words(text) == f"{yes} yes {yes} {no} 1"


def test_their_own_language_goes_before_that_of_the_group() -> None:
    assert scene(Facts(me={"language": "es"}, language="de")).language == "es"
    assert scene(Facts(me={"language": ""}, language="de")).language == "de"


def test_a_text_that_turns_out_empty_is_not_sent_but_what_it_carries_is() -> None:
    at = scene()
    at.say(" {{ pair.other }} ")
    assert at.effects == []
    at.say("{{ pair.other }}", attach="calendar")
    assert at.effects == [Say("", attach="calendar")]


def test_what_people_wrote_is_never_read_as_a_text_of_a_flow() -> None:
    at = scene(Facts(me={"name": "{{ me.secret }}", "secret": "x"}))
    assert at.words("Hi {{ me.name }}") == "Hi {{ me.secret }}"


# --- doing -----------------------------------------------------------------------------------------------------


def test_arguments_keep_their_type_where_they_are_one_name_alone() -> None:
    at = scene(Facts(me={"interests": ("a", "b"), "name": "Ana"}), answers={"adults": 2})
    at.do("report", {"a": "{{ me.interests }}", "b": "{{ answers.adults }}", "c": "by {{ me.name }}", "d": "plain"})
    assert at.effects == [Do("report", {"a": ("a", "b"), "b": 2, "c": "by Ana", "d": "plain"})]


def test_an_argument_that_is_not_known_is_nothing_or_empty() -> None:
    at = scene()
    at.do("report", {"one": "{{ answers.x }}", "two": "about {{ answers.x }}"})
    assert at.effects == [Do("report", {"one": None, "two": "about"})]


def test_a_consent_carries_the_words_that_were_answered() -> None:
    at = scene(asked="May I?")
    at.do("record_consent", {"to": "pair"})
    assert at.effects == [Do("record_consent", {"to": "pair", "words": "May I?"})]


# --- drawing lots ----------------------------------------------------------------------------------------------


def drawn(person: int, *names: str, state: str = "s") -> str:
    return scene(Facts(person), state=state).draw(names)


def test_each_person_stays_with_one_wording() -> None:
    assert {drawn(5, "a", "b", "c") for _ in range(20)} == {drawn(5, "c", "b", "a")}


@pytest.mark.parametrize("names", [("a", "b"), ("warm", "short", "long"), ("a", "aa", "aaa", "aaaa")])
def test_wordings_are_spread_evenly_over_people(names: tuple[str, ...]) -> None:
    shares = Counter(drawn(person, *names) for person in range(6000))
    assert set(shares) == set(names)
    assert all(abs(share - 6000 / len(names)) < 250 for share in shares.values())


def test_lots_of_two_states_have_nothing_to_do_with_each_other() -> None:
    same = sum(drawn(person, "a", "b") == drawn(person, "a", "b", state="t") for person in range(4000))
    assert 1800 < same < 2200


def test_a_wording_more_moves_only_those_who_get_it() -> None:
    moved = {
        drawn(person, "a", "b", "c") for person in range(500) if drawn(person, "a", "b") != drawn(person, "a", "b", "c")
    }
    assert moved == {"c"}


# --- where they stand ------------------------------------------------------------------------------------------


def test_a_standing_holds_all_of_a_conversation() -> None:
    whole = Conversation(
        1, "f", 2, "s", NOON, 3, "Asked?", {"a": 1}, ("o",), ("p",), 4, ("1 day",), (), {"h": 5}, (), {"pair": "6"}
    )
    assert Standing(whole).settled() == whole
    assert set(Standing.__slots__) == set(Conversation._fields)
