"""Days and times as people type them. In these tables today is Monday, 23 November 2026, unless they say otherwise."""

from datetime import date as day
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import answers
from flows.answers import Answer, Fit

MONDAY = day(2026, 11, 23)


def read(said: str, language: str = "en", today: day = MONDAY) -> str | None:
    found = answers.date(said, today, language)
    assert found is None or found.fit is Fit.TYPE
    return None if found is None else str(found.value)


@pytest.mark.parametrize(
    ("said", "language", "iso"),
    [
        *(
            (said, "en", "2026-11-28")
            for said in ("2026-11-28", "2026/11/28", "28.11.2026", "28/11/2026", "28-11-2026", "28/11")
        ),
        *(
            (said, "en", "2026-11-28")
            for said in ("28.11.", "28.11.26", "11/28", "28 November", "28 Nov", "Nov 28", "28th November")
        ),
        *(
            (said, "en", "2026-11-28")
            for said in ("November 28th, 2026", "the 28th of November", "Saturday", "on saturday", "Sat")
        ),
        *(
            (said, "en", "2026-11-28")
            for said in ("Saturday 28 November", "Sat, 28 Nov 2026", "next Saturday", "this saturday!")
        ),
        *(
            (said, "en", "2026-11-28")
            for said in ("in 5 days", "in five days", "5 days from now", "the 28th", "Saturday please")
        ),
        *(
            (said, "en", "2026-11-28")
            for said in ("saturday morning", "Saturday the 28th", "SATURDAY", "28TH NOVEMBER")
        ),
        *(
            (said, "es", "2026-11-28")
            for said in ("el sábado", "sabado", "28 de noviembre", "el 28 de noviembre de 2026", "saturday")
        ),
        *(
            (said, "es", "2026-11-28")
            for said in ("el próximo sábado", "este sábado", "en 5 días", "dentro de cinco días", "el 28")
        ),
        *(
            (said, "fr", "2026-11-28")
            for said in ("samedi", "samedi prochain", "le 28 novembre", "dans 5 jours", "ce samedi")
        ),
        *(
            (said, "de", "2026-11-28")
            for said in ("Samstag", "am Samstag", "28. November", "am 28. Nov.", "nächsten Samstag")
        ),
        *((said, "de", "2026-11-28") for said in ("in 5 Tagen", "am 28.11.", "diesen Samstag", "Sonnabend", "Sa.")),
        *((said, "pt", "2026-11-28") for said in ("sábado", "28 de novembro", "no sábado")),
        ("segunda", "pt_BR", "2026-11-23"),
        ("segunda-feira", "pt", "2026-11-23"),
        ("sabato", "it", "2026-11-28"),
        ("28 ноября", "ru", "2026-11-28"),
        ("суббота", "ru", "2026-11-28"),
        ("28 листопада", "uk", "2026-11-28"),
        ("28 listopada", "pl", "2026-11-28"),
        ("28 Kasım", "tr", "2026-11-28"),
        ("11月28日", "ja", "2026-11-28"),
        ("2026年11月28日", "zh", "2026-11-28"),
        ("土曜日", "ja", "2026-11-28"),
        ("٢٨/١١/٢٠٢٦", "ar", "2026-11-28"),
        ("28 नवंबर", "hi", "2026-11-28"),
        ("today", "en", "2026-11-23"),
        ("tonight", "en", "2026-11-23"),
        ("hoy", "es", "2026-11-23"),
        ("aujourd'hui", "fr", "2026-11-23"),
        ("heute", "de", "2026-11-23"),
        ("tomorrow", "en", "2026-11-24"),
        ("Tomorrow!", "de", "2026-11-24"),
        ("mañana", "es", "2026-11-24"),
        ("manana", "es", "2026-11-24"),
        ("demain", "fr", "2026-11-24"),
        ("morgen", "de", "2026-11-24"),
        ("tomorrow morning", "en", "2026-11-24"),
        ("the day after tomorrow", "en", "2026-11-25"),
        ("pasado mañana", "es", "2026-11-25"),
        ("après-demain", "fr", "2026-11-25"),
        ("übermorgen", "de", "2026-11-25"),
        ("monday", "en", "2026-11-23"),
        ("next monday", "en", "2026-11-30"),
        ("friday", "en", "2026-11-27"),
        ("in a week", "en", "2026-11-30"),
        ("in two weeks", "en", "2026-12-07"),
        ("dans une semaine", "fr", "2026-11-30"),
        ("in einer Woche", "de", "2026-11-30"),
        ("1er décembre", "fr", "2026-12-01"),
        ("22 November", "en", "2027-11-22"),
        ("22/11", "en", "2027-11-22"),
        ("3/4", "en", "2027-04-03"),
        ("3/4", "en_US", "2027-03-04"),
        ("28/11", "en_US", "2026-11-28"),
        ("3/4", "en_GB", "2027-04-03"),
        ("3.4.", "en_US", "2027-04-03"),
        ("29 Feb", "en", "2028-02-29"),
        ("May 5", "en", "2027-05-05"),
        ("22 November 2026", "en", "2026-11-22"),
        ("1.5.1985", "de", "1985-05-01"),
        ("1.5.85", "de", "1985-05-01"),
        ("martes", "es", "2026-11-24"),
        ("mar", "es", "2026-11-24"),
        ("5 mar", "es", "2027-03-05"),
        ("the 1st", "en", "2026-12-01"),
        *((said, "en", "2026-11-30") for said in ("until next week", "in a week", "for 7 days", "for one week")),
        *((said, "en", "2026-12-01") for said in ("until next month", "until December", "till december")),
        *((said, "es", "2026-11-30") for said in ("hasta la semana que viene", "hasta la próxima semana")),
        *((said, "es", "2026-12-01") for said in ("hasta el mes que viene", "hasta diciembre")),
        ("saturday", "xx", "2026-11-28"),
        ("saturday", "", "2026-11-28"),
        ("saturday", "../../etc/passwd", "2026-11-28"),
        ("samedi", "fr-CA", "2026-11-28"),
        ("星期六", "zh_Hans_CN", "2026-11-28"),
    ],
)
def test_a_day_is_read(said: str, language: str, iso: str) -> None:
    assert read(said, language) == iso


@pytest.mark.parametrize(
    "said",
    [
        "",
        "31 Feb",
        "30.02.2027",
        "2027-02-29",
        "31/11",
        "00/00",
        "0/5",
        "13/13",
        "99.99.9999",
        "2026-13-01",
        "0000-01-01",
        "21",
        "5",
        "November",
        "2027",
        "next week",
        "weekend",
        "someday",
        "soon",
        "maybe",
        "every saturday",
        "not saturday",
        "Saturday or Sunday",
        "Saturday and Sunday",
        "28 29 November",
        "November December",
        "Sunday 28 November",
        "the 28th or 29th",
        "saturday?",
        "18:30",
        "6pm",
        "I have to ask my sister on Saturday",
        "in 99999 days",
        "in 3 apples",
        "3-4",
        "1/2/3",
        "\x00",
        "\ud800",
        "👍",
        "28 November 99999",
        "the",
        "on",
        "the 31st of June",
        "last saturday",
    ],
)
def test_what_is_not_one_clear_day_is_none(said: str) -> None:
    assert read(said) is None


@given(st.dates(min_value=day(1, 1, 1)), st.dates(), st.sampled_from(["en", "es", "de", "en_US", "ar", "ja"]))
def test_iso_is_always_understood(wanted: day, today: day, language: str) -> None:
    assert read(wanted.isoformat(), language, today) == wanted.isoformat()


@given(st.integers(0, 364), st.dates(min_value=day(2000, 1, 1), max_value=day(2100, 1, 1)))
def test_a_day_without_a_year_is_the_next_one(ahead: int, today: day) -> None:
    wanted = today + timedelta(days=ahead)
    if (wanted.month, wanted.day) == (2, 29):
        return
    assert read(f"{wanted.day} {wanted:%B}", "en", today) == wanted.isoformat()
    assert read(f"{wanted.day}.{wanted.month}.", "de", today) == wanted.isoformat()


@given(st.integers(0, 6), st.dates(min_value=day(2000, 1, 1), max_value=day(2100, 1, 1)))
def test_a_weekday_is_within_a_week(ahead: int, today: day) -> None:
    wanted = today + timedelta(days=ahead)
    assert read(f"{wanted:%A}", "en", today) == wanted.isoformat()
    assert read(f"next {wanted:%A}", "en", today) == (wanted if ahead else today + timedelta(days=7)).isoformat()


@pytest.mark.parametrize(
    "said", ["tomorrow", "in 3 days", "saturday", "next friday", "the 5th", "29 Feb", "1 January", "1/1"]
)
def test_nothing_lies_after_the_last_day_there_is(said: str) -> None:
    found = read(said, "en", day.max)
    assert found is None or found == day.max.isoformat()


# --- times of day ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "clock"),
    [
        *(
            (said, "18:30")
            for said in ("18:30", "18.30", "18h30", "18 h 30", "18:30h", "1830", "6:30pm", "6:30 pm", "6.30pm")
        ),
        *(
            (said, "18:30")
            for said in ("6:30 PM", "6:30 p.m.", "at 18:30", "um 18:30 Uhr", "a las 18:30", "à 18h30", "18 Uhr 30")
        ),
        *(
            (said, "18:30")
            for said in ("6:30 in the evening", "6:30 de la tarde", "18時30分", "١٨:٣٠", "  18:30  ", "18:30!")
        ),
        *(
            (said, "18:00")
            for said in ("6pm", "6 pm", "6PM", "6 p.m.", "18h", "18 Uhr", "um 18 Uhr", "18", "at 18", "kl. 18")
        ),
        *(
            (said, "18:00")
            for said in ("around 6pm", "6 de la tarde", "6 du soir", "6 abends", "下午6点", "18時", "tonight at 6")
        ),
        *(
            (said, "06:00")
            for said in ("6am", "6 a.m.", "06:00", "6:00", "6h", "6 Uhr", "6 de la mañana", "6 in the morning")
        ),
        *((said, "12:00") for said in ("noon", "12pm", "12:00", "mediodía", "midi", "Mittag", "at noon", "12h")),
        *(
            (said, "00:00")
            for said in ("midnight", "12am", "0:00", "00:00", "medianoche", "minuit", "Mitternacht", "0h")
        ),
        ("6:30", "06:30"),
        ("23:59", "23:59"),
        ("3h de l'après-midi", "15:00"),
    ],
)
def test_a_time_is_read(said: str, clock: str) -> None:
    assert answers.time(said) == Answer(clock, Fit.TYPE)


@pytest.mark.parametrize("said", ["6", "at 6", "a las 6", "um 6", "12", "à 9"])
def test_an_hour_that_could_be_two_is_asked_again(said: str) -> None:
    assert answers.time(said) is None


@pytest.mark.parametrize(
    "said",
    [
        "",
        "24:00",
        "18:60",
        "25",
        "2560",
        "99:99",
        "0pm",
        "6pm-8pm",
        "18:30 or 19:00",
        "soon",
        "evening",
        "after work",
        "6 apples",
        "18:30?",
        "half past six",
        "not 18:30",
        "6am pm",
        "\x00",
        "👍",
        "1",
        "18:3",
        "180:30",
        "9" * 400,
        "6:30:15:10",
        "pm",
    ],
)
def test_what_is_not_one_clear_time_is_none(said: str) -> None:
    assert answers.time(said) is None


@given(st.times())
def test_hours_and_minutes_are_always_understood(when: object) -> None:
    wanted = f"{when:%H:%M}"
    assert answers.time(wanted) == Answer(wanted, Fit.TYPE)
    assert answers.time(f"{when:%I:%M %p}") == Answer(wanted, Fit.TYPE)
