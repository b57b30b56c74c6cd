"""Which of several choices someone means by what they typed."""

import time as stopwatch
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.answers import Answer, Fit
from flows.choosing import choose
from flows.words import fold, words

INTERESTS = (
    ("climate", ("🌱 Climate action", "🌱 Acción por el clima", "climate")),
    ("housing", ("🏠 Tenants and housing", "🏠 Vivienda e inquilinos", "housing")),
    ("food", ("🥕 Mutual aid", "🥕 Apoyo mutuo", "food")),
)
CONSENT = (("yes", ("Yes please", "yes")), ("no", ("Not now", "no")))
RESERVED = ("help", "stop", "forget me", "back", "skip", "language")


def one(said: str, *labels: str, reserved: tuple[str, ...] = RESERVED) -> str | None:
    """The label that is chosen among these."""
    found = choose(said, [(f"key {label}", (label,)) for label in labels], many=False, reserved=reserved)
    return None if found is None else str(found.value).removeprefix("key ")


def interests(said: str) -> tuple[str, ...] | None:
    found = choose(said, INTERESTS, many=True, reserved=RESERVED)
    assert found is None or isinstance(found.value, tuple)
    return found.value if found and isinstance(found.value, tuple) else None


# --- one choice ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "key"),
    [
        *(
            (said, "climate")
            for said in ("🌱 Climate action", "climate action", "CLIMATE ACTION!", "Climate", "climate")
        ),
        *(
            (said, "climate")
            for said in ("🌱", "🌱🌱", "acción por el clima", "accion por el clima", "clima", "action")
        ),
        *((said, "climate") for said in ("1", "1.", "#1", "1)", "(1)", "①", "1️⃣", "option 1", "Option 1 please")),
        *(
            (said, "climate")
            for said in ("one", "the first", "first one", "the first one", "1st", "la primera", "primero")
        ),
        *(
            (said, "climate")
            for said in ("le premier", "die erste", "uno", "eins", "number one", "١", "一", "１", "opción 1")
        ),
        *(
            (said, "housing")
            for said in ("2", "tenants & housing", "Tenants", "housing", "tenants and", "vivienda", "second")
        ),
        *(
            (said, "housing")
            for said in ("der zweite", "2nd", "deuxième", "la segunda", "two", "🏠", "tenants housing")
        ),
        *(
            (said, "food")
            for said in ("3", "mutual aid", "mutual-aid", "mutualaid", "mutual", "food please", "the last one")
        ),
        *(
            (said, "food")
            for said in ("I'd like food", "the food one", "food, thanks", "mutuo", "apoyo", "🥕 mutual aid", "Ⅲ")
        ),
    ],
)
def test_a_choice_is_surely_meant_by(said: str, key: str) -> None:
    assert choose(said, INTERESTS, many=False, reserved=RESERVED) == Answer(key, Fit.EXACT)


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("climte", "climate"),
        ("clima action", "climate"),
        ("housng", "housing"),
        ("Tennants", "housing"),
        ("mutaul aid", "food"),
        ("clim", "climate"),
        ("viviend", "housing"),
        ("climate acton", "climate"),
        ("hosuing", "housing"),
    ],
)
def test_a_near_spelling_is_understood_as_near(said: str, key: str) -> None:
    found = choose(said, INTERESTS, many=False, reserved=RESERVED)
    assert found is not None
    assert found.value == key
    assert found.fit in {Fit.NEAR, Fit.EXACT}


def test_near_spellings_are_marked_so() -> None:
    assert choose("climte", INTERESTS, many=False) == Answer("climate", Fit.NEAR)


@pytest.mark.parametrize(
    "said",
    [
        "",
        " ",
        ".",
        "0",
        "4",
        "-1",
        "-2",
        "1.5",
        "99999999999",
        "1 and 3",
        "1-3",
        "climate and food",
        "everything but food",
        "not food",
        "no climate",
        "anything",
        "all",
        "and",
        "the",
        "por",
        "help",
        "stop",
        "yes",
        "fod",
        "aid but not food",
        "½",
        "hello",
        "I don't like climate action",
        "\x00",
        "\ud800",
        "🎉",
        "/climate",
        "/1",
        "1st and 2nd",
        "hausaufgaben",
        "e",
    ],
)
def test_what_is_no_clear_choice_is_asked_again(said: str) -> None:
    assert choose(said, INTERESTS, many=False, reserved=RESERVED) is None


@pytest.mark.parametrize(
    ("said", "labels", "meant"),
    [
        ("2", ("1", "3", "2"), "2"),
        ("2", ("2 hours", "1 hour"), None),
        ("4", ("1 hour", "2 hours", "4 hours"), "4 hours"),
        ("3", ("1 hour", "2 hours", "4 hours"), "4 hours"),
        ("21", ("Sat 21 Nov", "Sun 22 Nov"), "Sat 21 Nov"),
        ("nov", ("Sat 21 Nov", "Sun 22 Nov"), None),
        ("climate", ("Climate action", "Climate justice"), None),
        ("climate justice", ("Climate action", "Climate justice"), "Climate justice"),
        ("Housing", ("Housing rights", "Housing"), "Housing"),
        ("housng", ("Housing rights", "Housing"), "Housing"),
        ("thurday", ("Tuesday", "Thursday"), "Thursday"),
        ("tursday", ("Tuesday", "Thursday"), None),
        ("thursday", ("Tuesday", "Friday"), None),
        ("available", ("I am unavailable", "Other"), None),
        ("I am available", ("I am unavailable", "Other"), None),
        ("I can come", ("I can't come", "I don't know"), None),
        ("I cant come", ("I can come", "I can't come"), "I can't come"),
        ("I cant come", ("I can come", "Other"), None),
        ("now", ("Yes please", "Not now"), None),
        ("not", ("Yes please", "Not now"), "Not now"),
        ("june", ("May", "July"), None),
        ("good", ("Food", "Wood"), None),
        ("18:30", ("18:00", "18:30"), "18:30"),
        ("2027", ("2026", "2028"), None),
        ("C++", ("C", "C++"), "C++"),
        ("c", ("C", "C++"), "C"),
        ("help", ("Help others", "Rest"), None),
        ("Help", ("Help", "Rest"), "Help"),
        ("stop", ("Step", "Rest"), None),
        ("bac", ("Bach", "Rest"), None),
        ("backs", ("Back", "Rest"), "Back"),
        ("気候変動", ("気候変動", "住宅"), "気候変動"),
        ("気候", ("気候変動", "住宅"), "気候変動"),
        ("жильё", ("Климат", "Жильё и аренда"), "Жильё и аренда"),
        ("климат", ("🌱 Климат", "Жильё"), "🌱 Климат"),
        ("ISIK", ("Işık", "Su"), "Işık"),
        ("سكن", ("سَكَن", "طعام"), "سَكَن"),
        ("👍🏽", ("👍", "👎"), "👍"),
        ("10", ("🔟 Ten", "x"), None),
        ("the one", ("A", "B"), None),
    ],
)
def test_labels_are_told_apart(said: str, labels: tuple[str, ...], meant: str | None) -> None:
    assert one(said, *labels) == meant


def test_reserved_words_are_never_a_near_spelling() -> None:
    assert one("step", "Stop", reserved=()) == "Stop"
    assert one("stop", "Stops", reserved=()) == "Stops"
    assert one("stop", "Stops", reserved=("stop",)) is None


@pytest.mark.parametrize("said", ["sure", "yes", "Yes please", "ok", "sí", "👍", "1", "yes, sure", "please do"])
def test_where_the_keys_are_yes_and_no_agreement_is_yes(said: str) -> None:
    assert choose(said, CONSENT, many=False) == Answer("yes", Fit.EXACT)


@pytest.mark.parametrize("said", ["no", "nope", "not now", "no thanks", "nein danke", "2", "👎"])
def test_where_the_keys_are_yes_and_no_refusal_is_no(said: str) -> None:
    assert choose(said, CONSENT, many=False) == Answer("no", Fit.EXACT)


@pytest.mark.parametrize("said", ["now", "please", "yes but no", "maybe", "not sure", "yes please but not now", "3"])
def test_where_the_keys_are_yes_and_no_doubt_is_asked_again(said: str) -> None:
    assert choose(said, CONSENT, many=False) is None


MET = (("yes", ("We met", "Nos vimos", "yes")), ("no", ("Not yet", "no")), ("wrong", ("It felt wrong", "wrong")))


@pytest.mark.parametrize(
    ("said", "meant"), [("sí", "yes"), ("yes, sure", "yes"), ("nope", "no"), ("wrong", "wrong"), ("not sure", "")]
)
def test_agreement_and_refusal_are_understood_beside_other_choices(said: str, meant: str) -> None:
    assert choose(said, MET, many=False) == (Answer(meant, Fit.EXACT) if meant else None)


def test_agreement_means_nothing_where_no_key_says_yes() -> None:
    assert choose("sure", MET[1:], many=False) is None
    assert choose("nope", (MET[0], MET[2]), many=False) is None


def test_a_key_is_understood_only_where_it_is_given_as_a_form() -> None:
    actions = [("2", ("Picnic",)), ("1", ("Vigil",))]
    found = choose("1", actions, many=False)
    assert found is not None
    assert found.value == "2"


def test_a_label_beats_a_key_of_the_same_name() -> None:
    assert choose("blue", [("blue", ("Red", "blue")), ("other", ("Blue", "other"))], many=False) == Answer(
        "other", Fit.EXACT
    )


def test_a_key_that_is_its_own_label_is_a_label() -> None:
    towns = [("Leeds", ("Leeds", "Leeds")), ("York", ("York", "York"))]
    assert choose("Leds", towns, many=False) == Answer("Leeds", Fit.NEAR)


def test_no_choices_and_no_forms_mean_nothing() -> None:
    assert choose("1", [], many=False) is None
    assert choose("all", [], many=True) is None
    assert choose("1", [("a", ())], many=False) == Answer("a", Fit.EXACT)


# --- several choices -------------------------------------------------------------------------------------------

C, H, F = "climate", "housing", "food"


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        *(
            (said, (C, F))
            for said in ("1 and 3", "1,3", "1, 3", "3 1", "1 3", "1/3", "1+3", "1 & 3", "1;3", "1\n3", "#1 #3")
        ),
        *(
            (said, (C, F))
            for said in ("1 y 3", "1 et 3", "1 und 3", "1 e 3", "1 и 3", "１、３", "① ③", "1️⃣ 3️⃣", "1 and 3 please")
        ),
        *(
            (said, (C, F))
            for said in ("climate, food", "food climate", "Climate action and mutual aid", "clima y apoyo mutuo")
        ),
        *(
            (said, (C, F))
            for said in ("🌱🥕", "🌱 🥕", "🌱, 🥕", "the food one and the climate one", "first and last", "1, food")
        ),
        *(
            (said, (C, F))
            for said in ("I like climate and food", "one and three", "the first and the third", "1, 1, 3")
        ),
        *(
            (said, (C, H, F))
            for said in ("all", "all of them", "Everything!", "todas", "todo", "tout", "alles", "все", "全部")
        ),
        *((said, (C, H, F)) for said in ("1 2 3", "1, 2 and 3", "climate, housing, and food", "tutti")),
        *(
            (said, (C, H))
            for said in ("tenants and housing and climate", "climate, tenants and housing", "2 and climate")
        ),
        *(
            (said, (H,))
            for said in ("2", "housing", "Tenants and housing", "vivienda e inquilinos", "2,", "housing please")
        ),
    ],
)
def test_several_choices_are_understood_at_once(said: str, keys: tuple[str, ...]) -> None:
    assert interests(said) == keys


@pytest.mark.parametrize(
    "said",
    [
        "1 and 4",
        "0",
        "1-3",
        "none",
        "none of them",
        "everything but food",
        "all but 2",
        "climate but not food",
        "1, not 2",
        "climate, something else",
        "not climate",
        "no food",
        "",
        ",",
        "and",
        "1 3 5",
        "13",
        "🌱🎉",
        "anything",
        "neither",
        "all if 2",
        "both",
        "1," * 5000,
        "food " * 5000,
    ],
)
def test_a_doubtful_part_makes_all_of_it_doubtful(said: str) -> None:
    assert interests(said) is None


def test_one_near_spelling_makes_the_whole_answer_near() -> None:
    assert choose("climte and housing", INTERESTS, many=True) == Answer((C, H), Fit.NEAR)
    assert choose("climate and housing", INTERESTS, many=True) == Answer((C, H), Fit.EXACT)


def test_both_means_all_where_there_are_two() -> None:
    assert choose("both", INTERESTS[:2], many=True) == Answer((C, H), Fit.EXACT)
    assert choose("both of them", INTERESTS[:2], many=True) == Answer((C, H), Fit.EXACT)


def test_a_label_that_says_all_is_only_itself() -> None:
    pair = (("every", ("All ages", "every")), ("kids", ("Kids", "kids")))
    assert choose("all ages", pair, many=True) == Answer(("every",), Fit.EXACT)
    assert choose("all", pair, many=True) == Answer(("every", "kids"), Fit.EXACT)


# --- properties of choosing ------------------------------------------------------------------------------------

LABELS = st.lists(
    st.text(min_size=1, max_size=20).filter(
        lambda label: label.strip() == label and fold(label) != "" and label[0] != "/"
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda label: "".join(words(label)) or fold(label),
)


@given(st.text(), LABELS, st.booleans())
def test_a_choice_is_always_one_of_the_keys_and_always_the_same(said: str, labels: list[str], many: bool) -> None:
    choices = [(f"key{at}", (label, f"key{at}")) for at, label in enumerate(labels)]
    found = choose(said, choices, many)
    assert found == choose(said, choices, many)
    if found is not None:
        assert isinstance(found.value, tuple) == many
        assert set(found.value if isinstance(found.value, tuple) else (found.value,)) <= {key for key, _ in choices}


@given(LABELS, st.data(), st.sampled_from([str.lower, str.upper, str.title, str.swapcase, str]))
def test_a_label_is_understood_as_itself_in_any_case(
    labels: list[str], data: st.DataObject, case: Callable[[str], str]
) -> None:
    choices = [(f"key{at}", (label, f"key{at}")) for at, label in enumerate(labels)]
    at = data.draw(st.integers(0, len(labels) - 1))
    assert choose(case(labels[at]), choices, many=False) == Answer(f"key{at}", Fit.EXACT)
    assert choose(case(labels[at]), choices, many=True) == Answer((f"key{at}",), Fit.EXACT)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=6), st.sampled_from([",", " and ", " ", ", ", "\n", " y "]))
def test_any_row_of_numbers_is_understood(numbers: list[int], between: str) -> None:
    keys = tuple(INTERESTS[at - 1][0] for at in sorted(set(numbers)))
    assert interests(between.join(map(str, numbers))) == keys


def test_a_pressed_label_is_understood_in_no_time() -> None:
    began = stopwatch.process_time()
    for _ in range(2_000):
        choose("🌱 Climate action", INTERESTS, many=False, reserved=RESERVED)
    assert (stopwatch.process_time() - began) / 2_000 < 20e-6
