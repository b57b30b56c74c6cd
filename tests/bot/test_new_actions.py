from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.calendar_import import read_calendar
from bot.new_actions import BadCells, NewAction, add_action, missing, read_actions, understand
from bot.places import Place
from bot.sheets import BadSheet
from storage.store import Store
from tests.databases import Watch
from tests.storage.given import someone

LONDON = ZoneInfo("Europe/London")
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
    assert (action.zone, action.published_at, len(action.code)) == ("Europe/London", watch.now, 4)
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
    )
    assert [action.title for action in actions] == ["Weekly"]
    assert notes == (
        "Holiday: it has no hour",
        "Off: it is cancelled",
        "Backwards: its end makes no sense",
        "Weekly: it is repeated; only the first time was taken",
        "an event without a title: left out",
    )


@pytest.mark.parametrize("written", [b"", b"not a calendar", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"])
def test_what_is_no_calendar_is_said_in_a_sentence(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "actions.ics"
    file.write_bytes(written)
    with pytest.raises(BadSheet, match="no calendar"):
        read_calendar(file, LONDON, TOWNS, NOW)
