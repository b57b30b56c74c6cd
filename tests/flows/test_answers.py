"""What someone meant by what they typed: numbers, places, codes and free text."""

import time as stopwatch
from collections.abc import Callable
from datetime import date as day

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import answers
from flows.answers import Answer, Fit, OutOfRange, code, is_word, name, number, place, text, yes_no
from flows.choosing import choose
from flows.words import fold

RESERVED = ("help", "stop", "forget me", "back", "skip", "language")


# --- numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("3", 3),
        ("3.5", 3.5),
        ("3,5", 3.5),
        ("3.0", 3),
        ("1,000", 1000),
        ("1.000", 1000),
        ("1,234.5", 1234.5),
        ("1.234,5", 1234.5),
        ("1,000,000", 1000000),
        ("0,500", 0.5),
        ("٣", 3),
        ("٣٫٥", 3.5),
        ("३", 3),
        ("３", 3),
        ("3️⃣", 3),
        ("½", 0.5),
        ("三", 3),
        ("three", 3),
        ("Three!", 3),
        ("tres", 3),
        ("trois", 3),
        ("drei", 3),
        ("doce", 12),
        ("zwölf", 12),
        ("douze", 12),
        ("zero", 0),
        ("0", 0),
        ("-0", 0),
        ("2 adults", 2),
        ("about 4", 4),
        ("we are five", 5),
        ("somos 4", 4),
        ("~4", 4),
        ("4!", 4),
        ("-2", -2),
        ("−2", -2),
        ("minus two", -2),
        ("+4", 4),
        ("$5", 5),
        ("5€", 5),
        ("5kg", 5),
        ("(6)", 6),
        ("ocho personas", 8),
        ("007", 7),
        ("3.", 3),
        ("nous sommes six", 6),
        ("wir sind zu zweit: 2", 2),
    ],
)
def test_a_number_is_read(said: str, value: float) -> None:
    found = number(said, None, None)
    assert found == Answer(value, Fit.TYPE)
    assert isinstance(found, Answer)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "none at all",
        "many",
        "NaN",
        "nan",
        "inf",
        "-inf",
        "Infinity",
        "1e999",
        "1e5",
        "0x10",
        "9" * 400,
        "-" + "9" * 400,
        "2 or 3",
        "2-3",
        "2, 3",
        "18:30",
        "1/2",
        "LS6",
        "3rd",
        "10k",
        "6pm",
        "twenty five",
        "two hundred",
        "one and a half",
        "not 3",
        "no more than 3",
        "1.2.3",
        "1,2,3",
        "2 adults and one child",
        "\x00",
        "\ud800",
        "👍",
        "five or six",
        "3 4",
        ".",
        "I have been thinking about this for a long time and maybe 4",
        "9" * 300000,
        "-",
        "1.5.000,2",
        "3half",
    ],
)
def test_what_is_not_one_clear_number_is_none(said: str) -> None:
    assert number(said, None, None) is None


@pytest.mark.parametrize("said", ["0", "11", "-2", "0.5", "10.01", "9" * 400, "-" + "9" * 400, "1,000", "twelve"])
def test_a_number_beyond_the_bounds_says_so(said: str) -> None:
    assert number(said, 1, 10) == OutOfRange(1, 10)


@pytest.mark.parametrize("said", ["1", "10", "one", "ten", "5.5", "1.0"])
def test_bounds_are_part_of_the_range(said: str) -> None:
    assert isinstance(number(said, 1, 10), Answer)


def test_one_bound_is_enough() -> None:
    assert number("-1", 0, None) == OutOfRange(0, None)
    assert number("11", None, 10) == OutOfRange(None, 10)


@given(st.integers(-(10**14), 10**14))
def test_every_integer_is_understood_as_itself(value: int) -> None:
    assert number(str(value), None, None) == Answer(value, Fit.TYPE)
    assert number(f"{value:,}", None, None) == Answer(value, Fit.TYPE)


# --- places, codes, texts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("Leeds", "Leeds"),
        ("  LS6   2AB ", "LS6 2AB"),
        ("Köln\n", "Köln"),
        ("東京", "東京"),
        ("الرياض", "الرياض"),
        ("12345", "12345"),
        ("Leeds 🏠", "Leeds 🏠"),
        ("a\x00b", "ab"),
        ("x" * 100, "x" * 100),
        ("\u202eLeeds", "Leeds"),
    ],
)
def test_a_place_is_any_name_tidied(said: str, value: str) -> None:
    assert place(said) == Answer(value, Fit.TYPE)


@pytest.mark.parametrize("said", ["", "   ", "👍", "!!!", "?", "x" * 101, "\ud800", "\x00", "Leeds " * 50])
def test_signs_and_stories_are_no_place(said: str) -> None:
    assert place(said) is None


@pytest.mark.parametrize(
    ("said", "value", "fit"),
    [
        ("4712", "4712", Fit.TYPE),
        ("4 7 1 2", "4712", Fit.TYPE),
        ("47-12", "4712", Fit.TYPE),
        ("ab12", "AB12", Fit.TYPE),
        ("the code is 4 7 1 2", "4712", Fit.TYPE),
        ("code: x7k2", "X7K2", Fit.TYPE),
        ("el código es 4712", "4712", Fit.TYPE),
        ("A B 1 2", "AB12", Fit.TYPE),
        ("four seven one two", "4712", Fit.TYPE),
        ("٤٧١٢", "4712", Fit.TYPE),
        ("４７１２", "4712", Fit.TYPE),
        ("lime", "LIME", Fit.ANYTHING),
        ("l i m e", "LIME", Fit.ANYTHING),
        ("4712.", "4712", Fit.TYPE),
    ],
)
def test_a_code_is_read_as_it_is_spoken(said: str, value: str, fit: Fit) -> None:
    assert code(said) == Answer(value, fit)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "12",
        "1234567890123",
        "hello there",
        "see you at 5",
        "I am 5 minutes late",
        "what is the code?",
        "the code is",
        "code",
        "ä12",
        "12@34",
        "\x00",
        "👍",
        "4712 or 4713 I think",
        "9" * 300000,
    ],
)
def test_what_could_be_a_sentence_is_no_code(said: str) -> None:
    assert code(said) is None


@pytest.mark.parametrize(
    ("said", "called"),
    [
        ("Ana", "Ana"),
        ("I'm Ana", "Ana"),
        ("i am ana.", "ana"),
        ("Hi, I’m Ana!", "Ana"),
        ("My name is Ana María", "Ana María"),
        ("my name's Jean-Luc", "Jean-Luc"),
        ("Hola, me llamo Íñigo", "Íñigo"),
        ("soy Ana", "Ana"),
        ("Ich heiße Jörg", "Jörg"),
        ("Immanuel", "Immanuel"),
        ("I'm not telling you", "I'm not telling you"),
        ("I'm Ana and who are you?", "I'm Ana and who are you?"),
        ("I'm", "I'm"),
        ("Ana 🌻", "Ana 🌻"),
    ],
)
def test_a_name_stands_without_the_words_that_introduce_it(said: str, called: str) -> None:
    assert name(said) == Answer(called, Fit.ANYTHING)


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("hi", "hi"),
        (" a\r\nb\n", "a\nb"),
        ("a\x00b", "ab"),
        ("👍", "👍"),
        ("?", "?"),
        ("a  b", "a  b"),
        ("x" * 5000, "x" * 4000),
        ("\u202eabc", "abc"),
        ("\ud800!", "!"),
    ],
)
def test_a_text_is_kept_as_written_without_controls(said: str, value: str) -> None:
    assert text(said) == Answer(value, Fit.ANYTHING)


@pytest.mark.parametrize("said", ["", " \n\t", "\x00\x01", "\u200b\u200e", "\u3164", "\u2800", "\ufe0f", "\ud800"])
def test_a_text_of_nothing_to_see_is_none(said: str) -> None:
    assert text(said) is None


# --- words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said", ["stop", "STOP", "/stop", "Stop!", " stop. ", "¡stop!", "*stop*", "stop 🛑", "„Stop“", "st\x00op"]
)
def test_a_word_is_the_whole_message(said: str) -> None:
    assert is_word(said, ["stop", "halt"])


@pytest.mark.parametrize(
    "said", ["we must stop this bill", "stop it", "", "st op", "stopp", "nonstop", "stop/", "/stop me"]
)
def test_a_word_inside_a_message_is_not_meant(said: str) -> None:
    assert is_word(said, ["stop", "halt"]) == (said == "stop/")


@pytest.mark.parametrize(
    ("said", "word"), [("??", "?"), ("?", "?"), ("AYÚDA", "ayuda"), ("/forget me", "forget me"), ("ПОМОЩЬ", "помощь")]
)
def test_words_in_every_script(said: str, word: str) -> None:
    assert is_word(said, {word})


def test_no_word_is_nothing() -> None:
    assert not is_word("", [""])
    assert not is_word("x", [])


# --- anything may be typed -------------------------------------------------------------------------------------

MONDAY = day(2026, 11, 23)
MANY = [(f"k{at}", (f"Label number {at} of many things", f"k{at}", f"Etikett {at} für viele")) for at in range(200)]
READERS: dict[str, Callable[[str], object]] = {
    "one": lambda said: choose(said, MANY, many=False, reserved=RESERVED),
    "several": lambda said: choose(said, MANY, many=True, reserved=RESERVED),
    "yes_no": yes_no,
    "number": lambda said: number(said, 0, 10),
    "date": lambda said: answers.date(said, MONDAY, "es"),
    "time": answers.time,
    "place": place,
    "code": code,
    "text": text,
    "name": name,
    "fold": fold,
    "is_word": lambda said: is_word(said, RESERVED),
}
HOSTILE = [
    "x" * 300_000,
    "ж" * 300_000,
    "😀" * 4_000,
    "food " * 60_000,
    "1," * 150_000,
    "a" + "\u0315\u0300\u0323" * 100_000,
    "labal thigns and " * 3_000,
    "labal thigns " * 19,
    "1 " * 39,
    "\ud800\x00" * 3_000,
    "أَ" * 150_000,
    "yes " * 99,
    "好" * 399,
    "9" * 300_000,
    "9." * 3_000,
    "-" * 300_000,
    "\u202e" * 300_000,
    "at " * 100_000,
    "\r\n" * 100_000,
]


@pytest.mark.parametrize("reader", READERS)
@given(said=st.text(st.characters()) | st.text("0123456789.,-:/ apmh") | st.text("yesnoí 👍🤔not"))
def test_no_text_is_too_strange(reader: str, said: str) -> None:
    assert READERS[reader](said) == READERS[reader](said)


@pytest.mark.parametrize("said", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("reader", READERS)
def test_no_text_takes_long(reader: str, said: str) -> None:
    READERS[reader]("warm")
    times = []
    for _ in range(3):
        began = stopwatch.process_time()
        READERS[reader](said)
        times.append(stopwatch.process_time() - began)
    assert min(times) < 0.02
