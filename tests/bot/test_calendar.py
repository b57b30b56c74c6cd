"""Calendar files, read back by the library that reads those of others."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from bot.calendar import calendar_file
from flows.model import Value
from storage.actions import CANCELLED, PUBLISHED, Action

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
STARTS = datetime(2026, 3, 29, 8, tzinfo=UTC)
ACTION = Action(
    7, "Clean-up", "We clean the park.", "", "Leeds", "", "1 Park Row", STARTS, STARTS + timedelta(hours=2),
    "Europe/London", None, 0, 0, "4712", PUBLISHED, None, "", NOW,
)  # fmt: skip
KNOWN: Mapping[str, Value] = {"address": "1 Park Row", "district": "Leeds", "bring": ("gloves", "tea")}


def event(action: Action = ACTION, known: Mapping[str, Value] = KNOWN, **more: Any) -> Any:
    """The one event of the file."""
    content = calendar_file(action, known, NOW, more.get("group", "Neighbours"), "en", more.get("address", ""))
    (found,) = Calendar.from_ical(content).walk("VEVENT")
    return found


def test_it_says_what_when_and_where() -> None:
    found = event(address="https://chat.example.org")
    assert found["summary"] == "Clean-up"
    assert (found.decoded("dtstart"), found.decoded("dtend")) == (ACTION.starts_at, ACTION.ends_at)
    assert found["location"] == "1 Park Row, Leeds"
    assert found["description"] == "We clean the park.\n\ngloves and tea\n\nhttps://chat.example.org"
    assert found["status"] == "CONFIRMED"


def test_who_may_not_know_the_address_has_the_district() -> None:
    assert event(known={"district": "Leeds"})["location"] == "Leeds"
    assert "location" not in event(known={})
    assert b"Park Row" not in calendar_file(ACTION, {"district": "Leeds"}, NOW, "x", "en")


def test_the_code_of_the_host_is_in_no_calendar() -> None:
    assert b"4712" not in calendar_file(ACTION, {**KNOWN, "code": "4712"}, NOW, "x", "en")


def test_moved_or_cancelled_it_is_the_same_event() -> None:
    first = event()
    moved = event(replace(ACTION, starts_at=STARTS + timedelta(days=7), sequence=1))
    off = replace(ACTION, state=CANCELLED, sequence=2)
    assert first["uid"] == moved["uid"] == event(off)["uid"] != event(replace(ACTION, id=8))["uid"]
    assert [first["sequence"], moved["sequence"], event(off)["sequence"]] == [0, 1, 2]
    assert (moved["status"], event(off)["status"]) == ("CONFIRMED", "CANCELLED")
    for action, method in ((ACTION, "PUBLISH"), (off, "CANCEL")):
        assert Calendar.from_ical(calendar_file(action, KNOWN, NOW, "x", "en"))["method"] == method


def test_groups_on_different_servers_do_not_share_events() -> None:
    assert event(address="https://a.example.org/x")["uid"] == "action-7@a.example.org"


def test_lines_are_as_long_as_calendars_read_and_end_as_they_must() -> None:
    content = calendar_file(replace(ACTION, title="Grüße, Nachbarn! " * 20), KNOWN, NOW, "x", "en")
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line or b"\r" in line for line in lines)


@pytest.mark.parametrize(
    "text", ["x\r\nATTACH:https://bad.example", "a;b,c\\n", "END:VEVENT\nEND:VCALENDAR", 'CN="x":y']
)
def test_nothing_written_in_a_title_becomes_a_property(text: str) -> None:
    found = event(replace(ACTION, title=text, what=text), {"address": text}, group=text)
    assert set(found) == {
        "UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "DESCRIPTION", "STATUS"
    }  # fmt: skip


@given(st.text(max_size=300), st.text(max_size=300))
def test_whatever_people_write_it_can_be_read_back(title: str, what: str) -> None:
    found = event(replace(ACTION, title=title, what=what))
    assert found.decoded("dtstart") == ACTION.starts_at
