from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

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
