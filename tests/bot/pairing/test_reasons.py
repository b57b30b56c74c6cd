"""Why two people fit, in words."""

import pytest
from hypothesis import given

from bot.pairing import rules
from bot.pairing.reasons import OF_BOTH, of_both, read, words, write
from bot.pairing.rules import Helper, Reason, Terms, Wish
from flows import phrases
from tests.bot.pairing.given import helpers, terms, wishes

LABELS = {"climate": "climate action", "saturday": "Saturdays"}
SPANISH = {
    phrases.SHARED_INTERESTS: "a ambas personas les importa {what}",
    phrases.SHARED_LANGUAGES: "hablan {what}",
    phrases.HAS_WAITED: "lleva {days} días esperando",
}


def english(sentence: str) -> str:
    return sentence


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        (Reason("interests", ("climate",)), "both care about climate action"),
        (Reason("interests", ("climate", "food", "old_books")), "both care about climate action, food and old books"),
        (Reason("times", ("saturday", "weekday-evening")), "both free on Saturdays and weekday evening"),
        (Reason("near"), "live near each other"),
        (Reason("language", ("es", "pt_BR")), "both speak Spanish and Portuguese (Brazil)"),
        (Reason("language", ("es-MX",)), "both speak Spanish (Mexico)"),
        (Reason("language", ("xx",)), "both speak xx"),
        (Reason("free"), "the buddy has nobody else yet"),
        (Reason("waited", ("12",)), "has waited 12 days"),
        (Reason("asked", ("climate",)), "as asked for: climate action"),
    ],
)
def test_a_reason_reads_like_a_sentence(reason: Reason, said: str) -> None:
    assert words(reason, english, "en", LABELS) == said


def test_a_reason_is_told_in_the_readers_language() -> None:
    def spanish(sentence: str) -> str:
        return SPANISH[sentence]

    labels = {"climate": "el clima", "food": "la comida"}
    told = words(Reason("interests", ("climate", "food")), spanish, "es", labels)
    assert told == "a ambas personas les importa el clima y la comida"
    assert words(Reason("language", ("en", "es")), spanish, "es") == "hablan inglés y español"
    assert words(Reason("waited", ("3",)), spanish, "es") == "lleva 3 días esperando"


def test_holes_in_what_a_group_wrote_stay_what_they_are() -> None:
    said = words(Reason("interests", ("a",)), english, "en", {"a": "{days} {what}"})
    assert said == "both care about {days} {what}"


@given(wishes, helpers, terms)
def test_every_reason_that_a_rule_gives_has_words_and_can_be_kept(wish: Wish, helper: Helper, on: Terms) -> None:
    for reason in rules.reasons(wish, helper, on):
        assert "{" not in words(reason, english)
        assert words(reason, english) != reason.code
        assert read(write(reason)) == reason


def test_what_speaks_of_one_of_them_is_not_told_to_the_two() -> None:
    told = of_both([Reason("interests", ("climate",)), Reason("waited", ("9",)), Reason("free"), Reason("asked")])
    assert told == (Reason("interests", ("climate",)),)
    assert {"near", "times", "language"} < OF_BOTH
