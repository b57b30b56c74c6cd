from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.calendar_import import read_calendar
from bot.new_actions import BadCells, NewAction, add_action, comes_twice, missing, read_actions, repeated, understand
from bot.places import Place
from bot.sheets import BadSheet
from storage.store import Store
from tests.databases import Watch
from tests.storage.given import someone

LONDON = "Europe/London"
NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Towns:
    """Leeds, and nothing else."""

    def read(self, text: str) -> Place | None:
        return Place("Leeds", "88195da49bfffff", 53.8, -1.5) if text.strip().casefold() == "leeds" else None


TOWNS: Any = Towns()


def understood(**cells: str) -> NewAction:
    return understand({"title": "River", "starts": "2026-06-06 10:00", **cells}, LONDON, TOWNS, NOW)


def wrong(**cells: str) -> dict[str, str]:
    with pytest.raises(BadCells) as bad:
        understood(**cells)
    return dict(bad.value.problems)


def test_all_that_is_written_is_understood() -> None:
    action = understood(
        what=" Gloves  help ", kind="clean-up", ends="12:30", place="leeds", address="1 Mill Lane", capacity="12",
        goal="10", bring="gloves; ;bags", campaign="Spring",
    )  # fmt: skip
    assert action == NewAction(
        "River", datetime(2026, 6, 6, 9, tzinfo=UTC), datetime(2026, 6, 6, 11, 30, tzinfo=UTC), "Gloves help",
        "clean-up", "Leeds", "88195da49bfffff", "1 Mill Lane", 12, 10, "Spring", ("gloves", "bags"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("starts", "ends", "hours"),
    [
        ("2026-06-06 10:00", "", 2),
        ("2026-06-06T10:00:00", "90 minutes", 1.5),
        ("2026-06-06 22:00", "2026-06-07 01:00", 3),
        ("2026-03-28 22:00", "2026-03-29 03:00", 4),
        ("2026-10-25 00:30", "02:30", 3),
    ],
)
def test_an_end_is_an_hour_a_moment_or_a_length(starts: str, ends: str, hours: float) -> None:
    action = understood(starts=starts, ends=ends)
    assert action.ends_at - action.starts_at == timedelta(hours=hours)


def test_everything_wrong_is_named_by_its_column() -> None:
    assert set(wrong(title=" ", starts="tomorrow", place="Narnia", capacity="many", goal="-1", kind="x" * 41)) == {
        "title", "starts", "place", "capacity", "goal", "kind",
    }  # fmt: skip
    assert "clocks go forward" in wrong(starts="2026-03-29 01:30")["starts"]
    assert "days away" in wrong(starts="2029-01-01 10:00")["starts"]
    assert "like 2026-06-06 10:00" in wrong(starts="2026-02-30 10:00")["starts"]
    assert "is missing" in wrong(starts="")["starts"]
    for ends in ("09:00", "10:00", "2026-07-06 10:00", "later", "25:00", "3 weeks"):
        assert set(wrong(ends=ends)) == {"ends"}, ends


def test_a_spreadsheet_with_a_wrong_cell_says_which(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    file.write_text("Title,Starts,Ends,shoe\nRiver,2026-06-06 10:00,12:00,x\nPark,2026-06-07 10:00,,\n")
    actions, ignored = read_actions(file, LONDON, TOWNS, NOW)
    assert [action.title for action in actions] == ["River", "Park"]
    assert ignored == ("shoe",)
    file.write_text("title,starts\nRiver,2026-06-06 10:00\n,whenever\n")
    with pytest.raises(BadSheet) as bad:
        read_actions(file, LONDON, TOWNS, NOW)
    assert [each.partition(":")[0] for each in bad.value.problems] == ["row 3, column title", "row 3, column starts"]


async def test_what_is_added_is_published_with_its_needs_and_its_host_is_told(store: Store, watch: Watch) -> None:
    host = await someone(store)
    new = understood(bring="gloves;bags", campaign="Spring", capacity="4")
    number = await store.run(lambda tx: add_action(tx, new, "Europe/London", host.id))
    action = await store.read(lambda tx: tx.actions.get(number))
    assert action is not None
    assert (action.state, action.capacity, action.campaign, action.host_id) == ("published", 4, "Spring", host.id)
    assert (action.zone, action.published_at, len(action.secret)) == ("Europe/London", watch.now, 32)
    assert [need.what for need in await store.read(lambda tx: tx.actions.needs(number))] == ["gloves", "bags"]
    (event,) = await store.read(lambda tx: tx.inbox.untaken(10))
    assert event.body == {"name": "action.published", "action": str(number)}


async def test_what_is_here_already_is_not_added_again(store: Store) -> None:
    one, two = understood(), understood(starts="2026-06-07 10:00")
    assert await store.read(lambda tx: missing(tx, [])) == []
    assert await store.read(lambda tx: missing(tx, [one, two, one])) == [one, two]
    await store.run(lambda tx: add_action(tx, one, "Europe/London"))
    assert await store.read(lambda tx: missing(tx, [one, two])) == [two]


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
        "Backwards: its end makes no sense",
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


@pytest.mark.parametrize(
    ("starts", "twice"), [("2026-10-25 01:30", True), ("2026-10-25 00:30", False), ("2026-10-25 02:30", False)]
)
def test_an_hour_that_comes_twice_is_known_as_such_and_the_first_is_meant(starts: str, twice: bool) -> None:
    new = understood(starts=starts)
    assert comes_twice(new, LONDON) is twice
    assert not twice or new.starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def local(actions: Sequence[NewAction], zone: str = LONDON) -> list[str]:
    return [f"{each.starts_at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M}" for each in actions]


# --- again and again -------------------------------------------------------------------------------------------


def test_every_saturday_is_at_the_same_hour_on_both_sides_of_a_change_of_the_clocks() -> None:
    series = repeated(understood(starts="2026-03-21 10:00", ends="3 hours"), LONDON, "week", 3, "")
    assert local(series) == ["Sat 21 Mar 10:00", "Sat 28 Mar 10:00", "Sat 04 Apr 10:00"]
    assert [each.starts_at.hour for each in series] == [10, 10, 9]
    assert {each.ends_at - each.starts_at for each in series} == {timedelta(hours=3)}


def test_a_time_of_a_series_that_the_clocks_skip_comes_an_hour_later_and_of_two_it_is_the_first() -> None:
    one = understood(starts="2026-03-22 01:30")
    assert local(repeated(one, LONDON, "week", 2, "")) == ["Sun 22 Mar 01:30", "Sun 29 Mar 02:30"]
    autumn = repeated(understood(starts="2026-10-18 01:30"), LONDON, "week", 2, "")
    assert autumn[1].starts_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "times", "until", "days"),
    [("2 weeks", 3, "", [6, 20, 4]), ("every week", None, "2026-06-20", [6, 13, 20]), ("day", 2, "", [6, 7])],
)
def test_a_series_ends_after_so_many_times_or_on_its_last_day(
    every: str, times: int | None, until: str, days: list[int]
) -> None:
    assert [each.starts_at.day for each in repeated(understood(), LONDON, every, times, until)] == days


@pytest.mark.parametrize(
    ("every", "times", "until", "sentence"),
    [
        ("month", 3, "", "`month` is not understood: write day, week or 2 weeks"),
        ("week", None, "", "needs how many times, or until which day"),
        ("week", 3, "2026-08-01", "only one of them"),
        ("week", None, "soon", "`soon` is no day: write it like 2026-08-31"),
        ("week", None, "2026-06-05", "`2026-06-05` is before the beginning"),
        ("day", 400, "", "comes to 400 actions: 366 is the most at once"),
        ("", 3, "", "is missing: write day, week or 2 weeks"),
    ],
)
def test_a_series_that_cannot_be_is_refused_with_a_sentence(
    every: str, times: int | None, until: str, sentence: str
) -> None:
    with pytest.raises(BadCells) as bad:
        repeated(understood(), LONDON, every, times, until)
    assert sentence in str(bad.value)


def test_an_action_may_have_a_zone_of_its_own_but_no_unknown_one() -> None:
    madrid = understood(zone="Europe/Madrid")
    assert (madrid.starts_at, madrid.zone) == (datetime(2026, 6, 6, 8, tzinfo=UTC), "Europe/Madrid")
    for zone in ("Europe/Leeds", "../etc/passwd", "GMT+25", "\0"):
        assert "is no time zone: write it like Europe/Madrid" in wrong(zone=zone)["zone"]


def test_one_wrong_date_in_row_731_is_named_and_nothing_else_is_said(tmp_path: Path) -> None:
    file = tmp_path / "actions.csv"
    rows = [f"River {number},2026-06-06 10:00" for number in range(2, 900)]
    rows[729] = "River 731,2026-06-31 10:00"
    file.write_text("\n".join(["title,starts", *rows]))
    with pytest.raises(BadSheet) as bad:
        read_actions(file, LONDON, TOWNS, NOW)
    assert bad.value.problems == (
        "row 731, column starts: `2026-06-31 10:00` is no moment: write it like 2026-06-06 10:00",
    )


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
        ("FREQ=MONTHLY;COUNT=2;BYDAY=MO,TU;BYSETPOS=1", ["Sat 06 Jun 10:00"]),
    ],
)  # fmt: skip
def test_repetitions_are_what_calendars_show(tmp_path: Path, rule: str, times: list[str]) -> None:
    actions, _ = calendar(tmp_path, f"SUMMARY:River\nDTSTART;TZID=Europe/London:20260606T100000\nRRULE:{rule}")
    assert local(actions) == times
