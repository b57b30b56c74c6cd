"""Actions from calendars: what becomes one, what is left out and why, and how others write theirs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.calendar_import import read_calendar
from bot.new_actions import NewAction
from bot.places import Place
from bot.sheets import BadSheet
from tests.bot.test_new_actions import LONDON, NOW, TOWNS, local

ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
{events}
END:VCALENDAR
"""


def calendar(tmp_path: Path, *events: str) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
    file = tmp_path / "actions.ics"
    texts = [f"BEGIN:VEVENT\nUID:{number}\n{event}\nEND:VEVENT" for number, event in enumerate(events)]
    file.write_bytes(ICS.format(events="\n".join(texts)).replace("\n", "\r\n").encode())
    return read_calendar(file, LONDON, TOWNS, NOW)


def test_a_calendars_events_become_actions(tmp_path: Path) -> None:
    (river, park, lake), notes = calendar(
        tmp_path,
        "SUMMARY:River\nDESCRIPTION:Bring gloves\nLOCATION:1 Mill Lane\\, Leeds\n"
        "DTSTART;TZID=Europe/Madrid:20260606T110000\nDTEND;TZID=Europe/Madrid:20260606T130000",
        "SUMMARY:Park\nDTSTART:20260606T090000Z\nDURATION:PT90M\nLOCATION:Narnia",
        "SUMMARY:Lake\nDTSTART:20260606T100000",
    )
    begins = datetime(2026, 6, 6, 9, tzinfo=UTC)
    assert (river.starts_at, river.ends_at) == (begins, begins + timedelta(hours=2))
    assert (river.what, river.address, river.district) == ("Bring gloves", "1 Mill Lane, Leeds", "Leeds")
    assert (park.starts_at, park.ends_at, park.district) == (begins, begins + timedelta(minutes=90), "")
    assert (lake.starts_at, lake.ends_at) == (begins, begins + timedelta(hours=2))
    assert notes == ()


def test_events_that_are_no_actions_are_left_out_with_the_reason(tmp_path: Path) -> None:
    actions, notes = calendar(
        tmp_path,
        "SUMMARY:Holiday\nDTSTART;VALUE=DATE:20260606",
        "SUMMARY:Off\nSTATUS:CANCELLED\nDTSTART:20260606T090000Z",
        "SUMMARY:Backwards\nDTSTART:20260606T090000Z\nDTEND:20260606T080000Z",
        "SUMMARY:Weekly\nDTSTART:20260606T090000Z\nRRULE:FREQ=WEEKLY",
        "DTSTART:20260606T090000Z",
        "SUMMARY:Never\nDTSTART:20261306T090000Z",
        "SUMMARY:Skipped\nDTSTART:20260329T013000",
    )
    assert {action.title for action in actions} == {"Weekly"}
    assert notes == (
        "Never: its DTSTART cannot be read",
        "Holiday: it has no hour",
        "Off: it is cancelled",
        "Backwards: its end is not after its start, or more than 14 days later",
        "Weekly: it is repeated without an end; the times of the next 182 days were taken",
        "an event without a title: left out",
        "Skipped: 2026-03-29 01:30 does not exist: the clocks go forward then",
    )


@pytest.mark.parametrize("written", [b"", b"not a calendar", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"])
def test_what_is_no_calendar_is_said_in_a_sentence(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "actions.ics"
    file.write_bytes(written)
    with pytest.raises(BadSheet, match="no calendar"):
        read_calendar(file, LONDON, TOWNS, NOW)


def test_the_town_is_found_in_front_of_the_country_and_behind_the_street(tmp_path: Path) -> None:
    """Some place is called England, too."""

    class Known:
        def read(self, text: str) -> Place | None:
            name = {"Leeds, England": "Leeds", "England": "England, Arkansas", "Leeds": "Leeds"}.get(text)
            return TOWNS.read("Leeds") if name == "Leeds" else Place(name, "x", 0, 0) if name else None

    file = tmp_path / "actions.ics"
    places = ("Town Hall\\nLeeds\\, England", "1 Mill Lane\\, Leeds\\, behind the mill")
    events = "\n".join(
        f"BEGIN:VEVENT\nUID:{place}\nSUMMARY:River\nDTSTART:20260606T100000\nLOCATION:{place}\nEND:VEVENT"
        for place in places
    )
    file.write_bytes(ICS.format(events=events).replace("\n", "\r\n").encode())
    actions, _ = read_calendar(file, LONDON, Known(), NOW)  # type: ignore[arg-type]
    assert [each.district for each in actions] == ["Leeds", "Leeds"]
    assert actions[0].address == "Town Hall Leeds, England"


def test_a_zone_that_nobody_knows_is_named(tmp_path: Path) -> None:
    (action,), notes = calendar(tmp_path, "SUMMARY:River\nDTSTART;TZID=Mars Time:20260606T100000")
    assert action.starts_at == datetime(2026, 6, 6, 9, tzinfo=UTC)
    assert notes == ("River: its time zone `Mars Time` is not known; its time was taken as one of Europe/London",)


# --- as other calendars write them -----------------------------------------------------------------------------

GOOGLE = """BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:Neighbours
X-WR-TIMEZONE:Europe/London
BEGIN:VTIMEZONE
TZID:Europe/London
X-LIC-LOCATION:Europe/London
BEGIN:DAYLIGHT
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
TZNAME:BST
DTSTART:19700329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:GMT
DTSTART:19701025T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Europe/London:20260321T100000
DTEND;TZID=Europe/London:20260321T120000
RRULE:FREQ=WEEKLY;WKST=MO;UNTIL=20260411T225959Z;BYDAY=SA
EXDATE;TZID=Europe/London:20260328T100000
DTSTAMP:20260301T101500Z
UID:4f8a@google.com
SEQUENCE:1
STATUS:CONFIRMED
SUMMARY:Canal clean-up
LOCATION:12 Canal Road\\, Leeds
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID=Europe/London:20260405T140000
DTEND;TZID=Europe/London:20260405T160000
DTSTAMP:20260301T101500Z
UID:4f8a@google.com
RECURRENCE-ID;TZID=Europe/London:20260404T100000
SUMMARY:Canal clean-up
END:VEVENT
END:VCALENDAR
"""
APPLE = """BEGIN:VCALENDAR
CALSCALE:GREGORIAN
PRODID:-//Apple Inc.//macOS 15.3//EN
VERSION:2.0
X-APPLE-CALENDAR-COLOR:#1BADF8
BEGIN:VTIMEZONE
TZID:Europe/Madrid
BEGIN:DAYLIGHT
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZNAME:CEST
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:CET
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
CREATED:20260301T090000Z
DTEND;TZID=Europe/Madrid:20260411T130000
DTSTAMP:20260301T090102Z
DTSTART;TZID=Europe/Madrid:20260411T110000
LAST-MODIFIED:20260301T090100Z
RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=2SA
SEQUENCE:0
SUMMARY:First aid
UID:7D1C3A52-0B1E
X-APPLE-TRAVEL-ADVISORY-BEHAVIOR:AUTOMATIC
BEGIN:VALARM
ACTION:DISPLAY
DESCRIPTION:Reminder
TRIGGER:-PT15M
END:VALARM
END:VEVENT
END:VCALENDAR
"""
OUTLOOK = """BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16011028T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0100
TZOFFSETTO:-0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T010000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:-0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
CREATED:20260301T101500Z
DTEND;TZID="GMT Standard Time":20260606T123000
DTSTAMP:20260301T101500Z
DTSTART;TZID="GMT Standard Time":20260606T103000
PRIORITY:5
SEQUENCE:0
SUMMARY;LANGUAGE=en-gb:Rally
TRANSP:OPAQUE
UID:040000008200E00074C5B7101A82E008
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
END:VEVENT
END:VCALENDAR
"""


def imported(tmp_path: Path, text: str) -> tuple[tuple[NewAction, ...], tuple[str, ...]]:
    file = tmp_path / "actions.ics"
    file.write_bytes(text.replace("\n", "\r\n").encode())
    return read_calendar(file, LONDON, TOWNS, NOW)


def test_as_google_writes_it_with_a_time_left_out_and_one_moved(tmp_path: Path) -> None:
    actions, notes = imported(tmp_path, GOOGLE)
    assert sorted(local(actions)) == ["Sat 11 Apr 10:00", "Sat 21 Mar 10:00", "Sun 05 Apr 14:00"]
    assert {each.district for each in actions} == {"Leeds", ""}
    assert notes == ()


def test_as_apple_writes_it_every_second_saturday_of_a_month(tmp_path: Path) -> None:
    actions, notes = imported(tmp_path, APPLE)
    assert local(actions, "Europe/Madrid") == ["Sat 11 Apr 11:00", "Sat 09 May 11:00", "Sat 13 Jun 11:00"]
    assert {each.zone for each in actions} == {"Europe/Madrid"}
    assert notes == ()


def test_as_outlook_writes_it_with_the_names_that_windows_gives_zones(tmp_path: Path) -> None:
    (rally,), notes = imported(tmp_path, OUTLOOK)
    assert (rally.starts_at, rally.ends_at - rally.starts_at) == (
        datetime(2026, 6, 6, 9, 30, tzinfo=UTC), timedelta(hours=2),
    )  # fmt: skip
    assert notes == ()


def test_outlooks_zone_is_known_by_its_name_elsewhere_and_its_whole_days_have_no_hour(tmp_path: Path) -> None:
    (rally,), notes = calendar(
        tmp_path,
        "SUMMARY:Rally\nDTSTART;TZID=W. Europe Standard Time:20260606T113000",
        "SUMMARY:Holiday\nDTSTART;TZID=W. Europe Standard Time:20260606T000000\n"
        "DTEND;TZID=W. Europe Standard Time:20260607T000000\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE",
    )
    assert (rally.zone, rally.starts_at) == ("Europe/Berlin", datetime(2026, 6, 6, 9, 30, tzinfo=UTC))
    assert notes == ("Holiday: it has no hour",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<p>Litter&nbsp\\;&amp\\; tea.</p><br>More: <a href=\"https://x.org/?a=1&amp\\;b\">here</a>",
         "Litter & tea.\nMore: here (https://x.org/?a=1&b)"),
        ("<html-blob>One<br>two<ul><li>three</li></ul></html-blob>", "One\ntwo\nthree"),
        ("<a href=\"https://g.co/url?q=x\">https://x.org</a>", "https://x.org"),
        ("2 < 3 > 1 &amp\\; <what>", "2 < 3 > 1 &amp; <what>"),
    ],
)  # fmt: skip
def test_what_google_marks_as_a_web_page_is_read_as_text(tmp_path: Path, written: str, read: str) -> None:
    (action,), _ = calendar(tmp_path, f"SUMMARY:River\nDTSTART:20260606T090000Z\nDESCRIPTION:{written}")
    assert action.what == read


@pytest.mark.parametrize(
    ("rule", "times"),
    [
        ("FREQ=DAILY;INTERVAL=2;COUNT=3", ["Sat 06 Jun 10:00", "Mon 08 Jun 10:00", "Wed 10 Jun 10:00"]),
        ("FREQ=WEEKLY;COUNT=3;BYDAY=SA,TU", ["Sat 06 Jun 10:00", "Tue 09 Jun 10:00", "Sat 13 Jun 10:00"]),
        ("FREQ=WEEKLY;INTERVAL=2;UNTIL=20260620", ["Sat 06 Jun 10:00", "Sat 20 Jun 10:00"]),
        ("FREQ=MONTHLY;COUNT=2", ["Sat 06 Jun 10:00", "Mon 06 Jul 10:00"]),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=-1SU", ["Sun 28 Jun 10:00", "Sun 26 Jul 10:00", "Sun 30 Aug 10:00"]),
        ("FREQ=MONTHLY;COUNT=2;BYMONTHDAY=-1", ["Tue 30 Jun 10:00", "Fri 31 Jul 10:00"]),
        ("FREQ=YEARLY;COUNT=2", ["Sat 06 Jun 10:00"]),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=SA;BYSETPOS=2", ["Sat 13 Jun 10:00", "Sat 11 Jul 10:00"]),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", ["Tue 30 Jun 10:00", "Fri 31 Jul 10:00"]),
        ("FREQ=MONTHLY;COUNT=3;BYDAY=SU", ["Sun 07 Jun 10:00", "Sun 14 Jun 10:00", "Sun 21 Jun 10:00"]),
        ("FREQ=MONTHLY;COUNT=2;BYDAY=FR;BYMONTHDAY=13", ["Sat 06 Jun 10:00"]),
        ("FREQ=WEEKLY;COUNT=2;BYDAY=MO,TU;BYSETPOS=1", ["Sat 06 Jun 10:00"]),
    ],
)  # fmt: skip
def test_repetitions_are_what_calendars_show(tmp_path: Path, rule: str, times: list[str]) -> None:
    actions, _ = calendar(tmp_path, f"SUMMARY:River\nDTSTART;TZID=Europe/London:20260606T100000\nRRULE:{rule}")
    assert local(actions) == times
