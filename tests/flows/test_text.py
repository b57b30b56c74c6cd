"""Texts: what stands in braces, how gaps close, and how values are written in each language."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from flows.text import BadText, Hole, begun, holes, parse, render, show

EVENING = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


def written(source: str, **me: Any) -> str:
    return render(source, {"me": me}, "en", "UTC")


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("Hi {{ me.name }}! I'm a bot.", "Hi! I'm a bot."),
        ("You're on the list, {{ me.name }}. See you!", "You're on the list. See you!"),
        ("¿Vienes, {{ me.name }}?\nSí", "¿Vienes?\nSí"),
        ("Good night, {{ me.name }}", "Good night"),
        ("Thank you, {{ me.name }}, for that", "Thank you, for that"),
        ("Hello {{ me.name }}, welcome", "Hello, welcome"),
        ("{{ me.name }} hello", "hello"),
        ("A {{ me.a }} B", "A B"),
        ("A {{ me.a }} {{ me.b }} {{ me.c }} B.", "A B."),
        ("A {{ me.a }} {{ me.b }}.", "A."),
        ("({{ me.a }} B)", "(B)"),
        ("(A {{ me.a }})", "(A)"),
        ("¿{{ me.a }} qué?", "¿qué?"),
        ("Bonjour {{ me.name }} !", "Bonjour !"),
        ("A{{ me.a }}B", "AB"),
        ("A {{ me.a }}", "A"),
        ("{{ me.a }}", ""),
        ("{{ me.a }} {{ me.b }}", ""),
        ("one\n{{ me.a }}\ntwo", "one\ntwo"),
        ("one\n\n{{ me.a }} {{ me.b }}\n\ntwo\n", "one\n\ntwo"),
        ("one\n\n{{ me.a }}\n", "one"),
        ("one {{ me.a }}\ntwo", "one\ntwo"),
        ("مرحبا {{ me.name }}، أهلا", "مرحبا، أهلا"),
    ],
)
def test_what_is_not_known_leaves_no_gap(source: str, read: str) -> None:
    assert written(source) == read


@pytest.mark.parametrize(
    "source", ["Hi {{ me.name }}!", "{{me.name}}", "a\n\n\nb", "A  B {{ me.name }}", "100 % {sure}"]
)
def test_what_is_known_stands_exactly_where_it_was_written(source: str) -> None:
    assert written(source, name="Ana") == source.replace("{{ me.name }}", "Ana").replace("{{me.name}}", "Ana")


def test_an_empty_value_is_like_one_that_is_not_known() -> None:
    assert written("Hi {{ me.a }} {{ me.b }} {{ me.c }}!", a="", b=(), c=None) == "Hi!"
    assert written("{{ me.a }} {{ me.b }}", a=0, b=False) == "0 no"


@given(st.text(), st.text())
def test_whatever_people_are_called_a_text_can_be_read(before: str, name: str) -> None:
    source = before.replace("{", "").replace("}", "") + " {{ me.name }}!"
    read = written(source, name=name)
    assert read.endswith("!")
    assert name.replace("\0", "").strip() in read


@pytest.mark.parametrize(
    "source",
    [
        "{{ }}",
        "{{ me.name",
        "}}",
        "{{ me.name | }}",
        "{{ 1 + 1 }}",
        "{{ me.name.upper() }}",
        "{% if x %}",
        "{{ a.b.c }}",
    ],
)
def test_nothing_but_names_and_filters_can_stand_in_braces(source: str) -> None:
    with pytest.raises(BadText):
        parse(source)


def test_holes_are_found_in_order() -> None:
    assert list(holes("a {{ me.name }} b {{now|date}}")) == [
        Hole("me.name", "", "{{ me.name }}"),
        Hole("now", "date", "{{now|date}}"),
    ]


@pytest.mark.parametrize(
    ("language", "date", "time", "several"),
    [
        ("en", "Saturday 21 November", "19:30", "rent, food and a garden"),
        ("en-US", "Saturday, November 21", "7:30 PM", "rent, food, and a garden"),
        ("es", "sábado 21 de noviembre", "19:30", "rent, food y a garden"),
        ("de", "Samstag, 21. November", "19:30", "rent, food und a garden"),
        ("ar", "21 نوفمبر", "7:30 م", "rent وfood وa garden"),
        ("fr", "samedi 21 novembre", "19:30", "rent, food et a garden"),
        ("ja", "11月21日(土曜日)", "19:30", "rent、food、a garden"),
        ("xx-nowhere", "Saturday 21 November", "19:30", "rent, food and a garden"),
        ("", "Saturday 21 November", "19:30", "rent, food and a garden"),
    ],
)
def test_dates_times_and_lists_are_written_as_their_reader_writes_them(
    language: str, date: str, time: str, several: str
) -> None:
    zone = "Europe/Berlin"
    assert date in show(EVENING, "date", language, zone)
    assert show(EVENING, "time", language, zone) == time
    assert show(EVENING, "when", language, zone) == f"{show(EVENING, 'date', language, zone)}, {time}"
    assert show(EVENING, "", language, zone) == show(EVENING, "when", language, zone)
    assert show(("rent", "food", "a_garden"), "list", language, zone).replace("،", "") == several.replace("،", "")


@pytest.mark.parametrize(
    ("zone", "day", "clock"),
    [("UTC", "21 November", "18:30"), ("Asia/Tokyo", "22 November", "03:30"), ("Nowhere/Land", "21 November", "18:30")],
)
def test_a_moment_is_told_in_the_zone_of_its_reader(zone: str, day: str, clock: str) -> None:
    assert show(EVENING, "when", "en", zone).endswith(f"{day}, {clock}")


def test_every_language_has_a_way_to_write_a_day() -> None:
    for language in locale_identifiers():
        day = show(EVENING, "date", language, "UTC")
        assert re.search(r"\w", day), language
        assert "2026" not in day, language


def test_a_moment_on_the_night_the_clocks_change_is_told_as_clocks_show_it() -> None:
    before, after = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert show(before, "time", "de", "Europe/Berlin") == show(after, "time", "de", "Europe/Berlin") == "02:30"


def test_a_day_without_a_time_is_the_same_day_everywhere() -> None:
    for zone in ("Pacific/Honolulu", "UTC", "Pacific/Kiritimati"):
        assert show("2026-11-21", "when", "en", zone) == "Saturday 21 November"


@pytest.mark.parametrize(
    ("value", "name", "shown"),
    [
        (("a", "b"), "count", "2"),
        ("Straße", "upper", "STRASSE"),
        ("ABC", "lower", "abc"),
        ("18:30", "time", "18:30"),
        (3, "", "3"),
        (True, "", "yes"),
        ("Leeds", "date", "Leeds"),
        ("Leeds", "count", "Leeds"),
        (5, "list", "5"),
        ("x", "no such filter", "x"),
    ],
)
def test_filters_and_what_they_do_not_fit(value: Any, name: str, shown: str) -> None:
    assert show(value, name, "en", "UTC") == shown


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("your neighbour waits, and you know your neighbour", "Your neighbour waits, and you know your neighbour"),
        ("Sorry. your neighbour is away", "Sorry. Your neighbour is away"),
        ("¿your neighbour y tú?", "¿Your neighbour y tú?"),
        ("Come!\n\nyour neighbour", "Come!\n\nYour neighbour"),
        ("It is over: your neighbour", "It is over: your neighbour"),
        ("ana waits. ana", "ana waits. ana"),
    ],
)
def test_where_a_sentence_begins_our_own_words_have_a_capital_and_nobodys_name_is_touched(
    written: str, read: str
) -> None:
    assert begun(written, "your neighbour") == read


def test_a_fraction_is_written_as_its_reader_writes_it() -> None:
    assert (show(2.5, "", "en", "UTC"), show(2.5, "", "de", "UTC")) == ("2.5", "2,5")
