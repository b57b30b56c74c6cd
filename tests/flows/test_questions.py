"""Questions: every way in which they are answered, missed, skipped, ticked and listed."""

from dataclasses import replace
from typing import Any

import pytest

from flows import phrases
from flows.engine import advance
from flows.model import (
    DONE,
    Again,
    Caller,
    Conversation,
    Ended,
    Facts,
    Library,
    Option,
    Said,
    Save,
    Say,
    Shown,
    Started,
    Turn,
)
from tests.flows.random_flows import NOON, written

FACTS = Facts(1, {"name": "Ana", "consented": ("keep",)}, {"name": "Us"}, zone="Europe/Berlin")


def one(state: str, *more: str, **languages: str) -> Library:
    """A library with one question `q`; the states it names end there."""
    ends = "\n".join(
        f"  {name}: {{end: {name}}}" for name in ("over", "elsewhere", "skipped", "nothing") if name in state
    )
    return written(f"flow: f\nstart: q\nstates:\n  q: {{{state}}}\n{ends}\n", *more, **languages)


def asked(library: Library, facts: Facts = FACTS) -> Turn:
    return advance(library, Conversation(1, "f", 0, "", NOON), Started(), facts, NOON)


def answer(library: Library, said: Said | str, facts: Facts = FACTS, before: Turn | None = None) -> Turn:
    heard = Said(said) if isinstance(said, str) else said
    return advance(library, (before or asked(library, facts)).conversation, heard, facts, NOON)


def kept(turn: Turn) -> Any:
    saves = [effect.value for effect in turn.effects if isinstance(effect, Save)]
    return saves[0] if saves else None


def last(turn: Turn) -> Say:
    said = [effect for effect in turn.effects if isinstance(effect, Say)]
    return said[-1]


def ended(turn: Turn) -> str:
    return turn.effects[-1].outcome if turn.effects and isinstance(turn.effects[-1], Ended) else ""


# --- one of several --------------------------------------------------------------------------------------------

CHOICES = one(
    "ask: Which?, choices: {climate: 🌱 Climate action, housing: {label: Housing, go: elsewhere}, food: Food},"
    " save: me.topic, go: over",
    es='msgid "🌱 Climate action"\nmsgstr "🌱 Acción por el clima"\n\nmsgid "Which?"\nmsgstr "¿Cuál?"\n',
)


@pytest.mark.parametrize(
    "said",
    [
        Said(choice="climate"),
        Said(choice=("climate",)),
        *map(Said, ("🌱 Climate action", "climate ACTION!", "1", "the first one", "climate", "climte action", "clima")),
        Said("Acción por el clima"),
    ],
    ids=str,
)
def test_a_choice_is_a_press_its_label_its_number_a_near_spelling_or_a_translation(said: Said) -> None:
    turn = answer(CHOICES, said)
    assert (kept(turn), ended(turn)) == ("climate", "over")


def test_a_choice_with_a_go_of_its_own_goes_there() -> None:
    assert ended(answer(CHOICES, "2")) == "elsewhere"


def test_on_names_where_a_choice_goes() -> None:
    library = one("ask: Which?, choices: {a: A, b: B}, on: {b: elsewhere}, go: over")
    assert (ended(answer(library, "A")), ended(answer(library, "B"))) == ("over", "elsewhere")


def test_choices_are_shown_in_the_language_of_the_reader() -> None:
    spanish = replace(FACTS, me={**FACTS.me, "language": "es"})
    assert last(asked(CHOICES, spanish)).text == "¿Cuál?"
    assert [shown.label for shown in last(asked(CHOICES, spanish)).choices] == [
        "🌱 Acción por el clima",
        "Housing",
        "Food",
    ]
    assert last(asked(CHOICES)).choices[0].label == "🌱 Climate action"


def test_a_label_with_a_name_in_it_is_read_each_time_and_never_empty() -> None:
    library = one("ask: Who?, choices: {me: '{{ me.name }}', you: '{{ pair.other }}'}, save: who, go: over")
    assert last(asked(library)).choices == (Shown("me", "Ana"), Shown("you", "you"))
    ben = replace(FACTS, me={"name": "Ben"})
    assert last(asked(library, ben)).choices[0] == Shown("me", "Ben")


def test_a_question_of_unknown_names_only_still_has_words() -> None:
    assert last(asked(one("ask: '{{ pair.other }}', expect: place, go: over"))).text == "?"


# --- misses ----------------------------------------------------------------------------------------------------


def test_two_misses_explain_and_the_third_offers_a_human() -> None:
    turn = asked(CHOICES)
    said = []
    for _ in range(6):
        turn = answer(CHOICES, "purple", before=turn)
        said.append(last(turn).text.partition("\n")[0])
    explained = "Sorry, I didn't get that. Press one of these, or write its number."
    human = "I'm a bot, and I'm not getting it. If you'd rather talk with a person, write *human*."
    assert said == [explained, explained, human, explained, explained, human]
    assert last(turn).question == 1
    assert [shown.key for shown in last(turn).choices] == ["climate", "housing", "food"]


def test_an_answer_after_misses_is_an_answer() -> None:
    turn = answer(CHOICES, "purple")
    assert turn.conversation.misses == 1
    assert ended(answer(CHOICES, "1", before=turn)) == "over"


@pytest.mark.parametrize(
    ("expect", "wrong", "explained"),
    [
        ("number", "many", "a number here, like 2"),
        ("number, least: 1, most: 1000000", "0", "a number from 1 to 1000000 here"),
        ("number, least: 2.5", "1", "a number of at least 2.5 here"),
        ("number, most: 3", "4", "a number of at most 3 here"),
        ("yes_no, on: {yes: over, no: over}", "purple", "A yes or a no is enough"),
        ("place", "🎉", "The name of the nearest"),
        ("date", "purple", "A day like tomorrow"),
        ("time", "purple", "A time like 18:30"),
        ("photo", "here it is", "a picture"),
        ("code", "I don't have any", "a code"),
        ("text", "", "only read words"),
    ],
)
def test_each_kind_of_question_explains_what_it_wants(expect: str, wrong: str, explained: str) -> None:
    library = one(f"ask: Tell, expect: {expect}, go: over")
    turn = answer(library, wrong)
    assert explained in last(turn).text
    assert last(turn).text.endswith("\n\nTell")
    assert turn.conversation.misses == 1


def test_a_translated_explanation_with_a_slip_in_it_is_still_said() -> None:
    sound = one("ask: How many?, expect: number, least: 1, go: over")
    slipped = replace(sound, translations={"es": {phrases.NUMBER_LEAST: "Mínimo {least} {mst} {"}})
    assert last(answer(slipped, "0", replace(FACTS, language="es"))).text == "Mínimo 1 {mst} {\n\nHow many?"


# --- kinds of answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expect", "said", "value"),
    [
        ("text", Said("Hello\nthere "), "Hello\nthere"),
        ("number", Said("3"), 3),
        ("number", Said("2,5"), 2.5),
        ("place", Said(" Leeds "), "Leeds"),
        ("place", Said("here", place="Leeds"), "Leeds"),
        ("date", Said("2026-12-24"), "2026-12-24"),
        ("date", Said("today"), "2026-06-01"),
        ("time", Said("6 pm"), "18:00"),
        ("photo", Said("look", photo="file:1"), "file:1"),
        ("code", Said("4 7 1 2"), "4712"),
    ],
)
def test_each_kind_of_answer_is_kept_as_its_type(expect: str, said: Said, value: Any) -> None:
    turn = answer(one(f"ask: Tell, expect: {expect}, save: it, go: over"), said)
    assert turn.conversation.answers == {"it": value}
    assert type(turn.conversation.answers["it"]) is type(value)


def test_today_is_the_day_in_the_zone_of_the_reader() -> None:
    library = one("ask: When?, expect: date, save: it, go: over")
    late = NOON.replace(hour=23)
    turn = advance(library, asked(library).conversation, Said("today"), FACTS, late)
    assert turn.conversation.answers == {"it": "2026-06-02"}


def test_an_unknown_zone_is_read_as_utc() -> None:
    library = one("ask: When?, expect: date, save: it, go: over")
    facts = replace(FACTS, zone="Mars/Olympus")
    assert answer(library, "today", facts).conversation.answers == {"it": "2026-06-01"}


YES_NO = one("ask: Sure?, expect: yes_no, save: me.adult, on: {yes: over, no: elsewhere}")


@pytest.mark.parametrize(
    ("said", "key", "outcome"),
    [
        (Said("sure, yes"), "yes", "over"),
        (Said("nope"), "no", "elsewhere"),
        (Said("sí"), "yes", "over"),
        (Said(choice="no"), "no", "elsewhere"),
    ],
    ids=str,
)
def test_yes_and_no_are_keys_with_ways_of_their_own(said: Said, key: str, outcome: str) -> None:
    turn = answer(YES_NO, said)
    assert (kept(turn), ended(turn)) == (key, outcome)
    assert last(asked(YES_NO)).choices == (Shown("yes", "Yes"), Shown("no", "No"))


def test_what_a_question_expects_is_told_with_it() -> None:
    assert last(asked(one("ask: Where?, expect: place, go: over, attach: card"))).expect == "place"
    assert last(asked(one("ask: Where?, expect: place, go: over, attach: card"))).attach == "card"


# --- skip ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expect", ["expect: text", "expect: place", "expect: code", "choices: {a: A}"])
def test_skip_is_understood_where_it_is_written(expect: str) -> None:
    turn = answer(one(f"ask: Tell, {expect}, save: it, on: {{skip: skipped}}, go: over"), "Skip it!")
    assert (ended(turn), turn.conversation.answers) == ("skipped", {})
    assert turn.conversation.trail == (Caller("f", "q"),)


def test_a_choice_called_skip_is_that_choice() -> None:
    library = one("ask: Which game?, choices: {rope: Skip, ball: Ball}, on: {skip: skipped}, save: it, go: over")
    assert answer(library, "skip").conversation.answers == {"it": "rope"}


@pytest.mark.parametrize("expect", ["place", "code"])
def test_skip_where_it_is_not_written_is_no_answer(expect: str) -> None:
    turn = answer(one(f"ask: Tell, expect: {expect}, save: it, go: over"), "skip")
    assert (turn.conversation.answers, turn.conversation.misses) == ({}, 1)


# --- several ---------------------------------------------------------------------------------------------------

MANY = one("ask: Which?, choose: many, choices: {a: Apples, b: Bread, c: Cheese}, save: me.picks, go: over")


@pytest.mark.parametrize(
    ("said", "picks"),
    [
        (Said("1 and 3"), ("a", "c")),
        (Said("cheese, apples"), ("a", "c")),
        (Said("bread"), ("b",)),
        (Said("all of them"), ("a", "b", "c")),
        (Said(choice=("c", "a")), ("c", "a")),
    ],
    ids=str,
)
def test_several_are_kept_as_a_list(said: Said, picks: tuple[str, ...]) -> None:
    assert kept(answer(MANY, said)) == picks


def test_presses_tick_and_untick_and_done_closes() -> None:
    turn = answer(MANY, Said(choice="c"))
    shown = last(asked(MANY)).choices
    assert last(turn) == Say("Which?", shown, 1, many=True, picked=("c",), replaces=True, button="Done")
    turn = answer(MANY, Said(choice="a"), before=turn)
    assert last(turn).picked == ("a", "c")
    turn = answer(MANY, Said(choice="c"), before=turn)
    assert last(turn).picked == ("a",)
    assert kept(answer(MANY, Said(choice=DONE), before=turn)) == ("a",)
    assert kept(answer(MANY, "Done!", before=turn)) == ("a",)


def test_what_is_typed_comes_to_what_is_ticked() -> None:
    assert kept(answer(MANY, "apples", before=answer(MANY, Said(choice="c")))) == ("a", "c")


def test_done_with_nothing_ticked_is_a_miss_or_a_skip() -> None:
    turn = answer(MANY, Said(choice=DONE))
    assert "Press all that fit" in last(turn).text
    skipping = one("ask: Which?, choose: many, choices: {a: A, b: B}, on: {skip: skipped}, go: over")
    assert ended(answer(skipping, Said(choice=DONE))) == "skipped"


def test_a_tick_for_what_is_not_there_changes_nothing() -> None:
    turn = answer(MANY, Said(choice="z"), before=answer(MANY, Said(choice="c")))
    assert (last(turn).picked, turn.conversation.misses) == (("c",), 0)


def test_asked_again_the_ticks_stay() -> None:
    turn = advance(MANY, answer(MANY, Said(choice="c")).conversation, Again(), FACTS, NOON)
    assert last(turn).picked == ("c",)
    assert last(turn).question == 1
    assert not last(turn).replaces


# --- lists -----------------------------------------------------------------------------------------------------

LIST = one("ask: Which one?, choices_from: actions_near_me, save: action, on: {none: nothing}, go: over")


def listed(*ids: str) -> Facts:
    options = tuple(Option(each, f"Action {each}", {"action": {"title": f"Title {each}"}}) for each in ids)
    return replace(FACTS, lists={"actions_near_me": options})


def test_of_a_list_the_id_is_kept() -> None:
    turn = answer(LIST, "Action 8", listed("7", "8"))
    assert (turn.conversation.answers, ended(turn)) == ({"action": "8"}, "over")
    assert answer(LIST, Said(choice="7"), listed("7", "8")).conversation.answers == {"action": "7"}


def test_a_number_means_what_was_shown_though_the_list_has_changed() -> None:
    before = asked(LIST, listed("7", "8"))
    for now in (listed("9", "8", "7"), listed("7"), listed()):
        assert answer(LIST, "2", now, before).conversation.answers == {"action": "8"}
        assert answer(LIST, Said(choice="8"), now, before).conversation.answers == {"action": "8"}


def test_asked_again_the_list_is_as_it_is_now_and_so_are_its_numbers() -> None:
    missed = answer(LIST, "purple", listed("9", "7"), asked(LIST, listed("7", "8")))
    assert [shown.key for shown in last(missed).choices] == ["9", "7"]
    assert answer(LIST, "2", listed("9", "7"), missed).conversation.answers == {"action": "7"}


def test_a_list_with_nothing_in_it_goes_where_none_leads() -> None:
    empty = asked(LIST, listed())
    assert (ended(empty), empty.conversation.question) == ("nothing", 0)
    assert ended(answer(LIST, "purple", listed(), asked(LIST, listed("7")))) == "nothing"


def test_what_was_chosen_is_known_at_once() -> None:
    library = written("""
        flow: f
        start: q
        states:
          q: {ask: Which?, choices_from: actions_near_me, save: action, go: told, on: {none: told}}
          told: {say: "{{ action.title }}", end: over}
        """)
    assert last(answer(library, "1", listed("7"))).text == "Title 7"


def test_a_line_that_belongs_to_one_action_is_only_in_conversations_about_it() -> None:
    facts = replace(FACTS, lists={"actions_near_me": (Option("a", "Ana", action="7"), Option("b", "Ben", action="8"))})
    state = Conversation(1, "f", 1, "", NOON, about={"action": "8"})
    turn = advance(LIST, state, Started(), facts, NOON)
    assert [shown.key for shown in last(turn).choices] == ["b"]
    assert answer(LIST, "Ben", facts, turn).conversation.answers == {"action": "b"}
    assert ended(asked(LIST, facts)) == "nothing"


def test_ticks_for_what_left_the_list_go_with_it() -> None:
    library = one("ask: Which?, choose: many, choices_from: open_needs, save: needs, on: {none: nothing}, go: over")

    def needs(*ids: str) -> Facts:
        return replace(FACTS, lists={"open_needs": tuple(Option(each, f"Need {each}") for each in ids)})

    turn = answer(library, Said(choice="b"), needs("a", "b"), answer(library, Said(choice="a"), needs("a", "b")))
    assert turn.conversation.picked == ("a", "b")
    again = advance(library, turn.conversation, Again(), needs("b", "c"), NOON)
    assert (again.conversation.picked, again.conversation.offered) == (("b",), ("b", "c"))
    assert answer(library, Said(choice=DONE), needs("b", "c"), again).conversation.answers == {"needs": ("b",)}


# --- what is remembered ----------------------------------------------------------------------------------------


def test_the_words_of_the_question_are_kept_as_they_were_read() -> None:
    spanish = replace(FACTS, me={"language": "es"})
    before = asked(CHOICES)
    assert before.conversation.asked == "Which?"
    assert advance(CHOICES, before.conversation, Again(), spanish, NOON).conversation.asked == "¿Cuál?"


def test_the_trail_of_questions_has_an_end() -> None:
    library = written("""
        flow: f
        start: q
        states:
          q: {ask: Which?, expect: place, go: r, on: {skip: over}}
          r: {ask: Where?, expect: place, go: q}
          over: {end: over}
        """)
    turn = asked(library)
    for _ in range(100):
        turn = answer(library, "Leeds", before=turn)
    assert (len(turn.conversation.trail), turn.conversation.question) == (40, 101)


# --- which of several places -----------------------------------------------------------------------------------

PLACE = one(
    "ask: Which town?, expect: place, save: me.place, on: {skip: skipped}, go: over",
    es='msgid "Which town?"\nmsgstr "¿Qué ciudad?"\n\nmsgid "None of these"\nmsgstr "Ninguno de estos"\n',
)
NAMES = ("Springfield, Illinois", "Springfield, Missouri", "Springfield, Ohio")
SEVERAL = Said("Springfield", places=NAMES)


def test_a_place_that_could_be_several_is_asked_back_as_choices() -> None:
    turn = answer(PLACE, SEVERAL)
    say = last(turn)
    assert (say.text, say.question, say.expect) == (phrases.WHICH_PLACE, 2, "")
    assert [choice.label for choice in say.choices] == [*NAMES, phrases.NONE_OF_THESE]
    assert kept(turn) is None
    assert ended(turn) == ""


@pytest.mark.parametrize(
    "said",
    [
        Said(choice="Springfield, Missouri", question=2, conversation=1),
        *map(Said, ("2", "the second", "Missouri", "springfield missouri", "Springfield, Misouri", "the Missouri one")),
        *map(Said, ("the one in Missouri", "In Missouri!", "I mean the one near Missouri", "it's the second one")),
        Said("missouri", place="Missouri City, Texas"),
        Said("", place="Springfield, Missouri"),
    ],
    ids=str,
)  # fmt: skip
def test_a_press_or_what_is_typed_settles_which_place_it_is(said: Said) -> None:
    turn = answer(PLACE, said, before=answer(PLACE, SEVERAL))
    assert kept(turn) == "Springfield, Missouri"
    assert ended(turn) == "over"


@pytest.mark.parametrize(
    "said",
    [
        Said(choice="no", question=2, conversation=1),
        *map(Said, ("4", "None of these", "ninguno de estos", "no", "none", "neither", "none of them")),
    ],
    ids=str,
)
def test_whoever_means_none_of_these_is_asked_anew_and_the_third_time_offered_a_human(said: Said) -> None:
    turn = answer(PLACE, said, before=answer(PLACE, SEVERAL))
    say = last(turn)
    assert (say.text, say.choices, say.expect) == (f"{phrases.ANOTHER_PLACE}\n\nWhich town?", (), "place")
    for _ in range(2):
        turn = answer(PLACE, said, before=answer(PLACE, SEVERAL, before=turn))
    assert last(turn).text == f"{phrases.OFFER_HUMAN}\n\nWhich town?"
    assert ended(answer(PLACE, "skip", before=turn)) == "skipped"


@pytest.mark.parametrize("last_one", ["the last", "the last one", "3"])
def test_the_last_of_several_places_is_a_place(last_one: str) -> None:
    assert kept(answer(PLACE, last_one, before=answer(PLACE, SEVERAL))) == NAMES[-1]


def test_another_place_can_be_named_while_choices_are_open_a_clear_or_a_doubtful_one() -> None:
    before = answer(PLACE, SEVERAL)
    assert kept(answer(PLACE, Said("Eugene", place="Eugene"), before=before)) == "Eugene"
    # "Springfeld" is nearly all of them, and "Springdale" is nearly none.
    assert kept(answer(PLACE, Said("Springdale, Ohio", place="Springdale, Ohio"), before=before)) == "Springdale, Ohio"
    other = answer(PLACE, Said("Newport", places=("Newport, Oregon", "Newport, Maine")), before=before)
    assert [choice.key for choice in last(other).choices] == ["Newport, Oregon", "Newport, Maine", "no"]
    assert last(other).question == 3


def test_what_is_no_place_and_the_same_name_again_are_explained_with_the_choices() -> None:
    before = answer(PLACE, SEVERAL)
    for said in (Said("xyzzy", place=""), SEVERAL):
        say = last(answer(PLACE, said, before=before))
        assert say.text == f"{phrases.PICK_ONE}\n\n{phrases.WHICH_PLACE}"
        assert [choice.key for choice in say.choices] == [*NAMES, "no"]


def test_the_choices_come_again_after_something_else_and_are_gone_with_the_question() -> None:
    turn = answer(PLACE, SEVERAL)
    again = advance(PLACE, turn.conversation, Again(), FACTS, NOON)
    assert (last(again).text, last(again).question) == (phrases.WHICH_PLACE, 2)
    assert len(last(again).choices) == 4
    anew = advance(PLACE, turn.conversation, Started(), FACTS, NOON)
    assert (last(anew).text, last(anew).choices) == ("Which town?", ())


def test_an_old_button_of_other_places_counts_no_more() -> None:
    before = answer(PLACE, Said("Newport", places=("Newport, Oregon", "Newport, Maine")), before=answer(PLACE, SEVERAL))
    late = answer(PLACE, Said(choice="Springfield, Ohio", question=2, conversation=1), before=before)
    assert kept(late) is None
    assert ended(late) == ""
