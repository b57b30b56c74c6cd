"""What people say of an action they propose."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.proposals import MOST_NEEDS, USUAL, Proposal, read
from flows.model import Value

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
"""A Monday."""

MADRID = "Europe/Madrid"


def told(**more: Value) -> Proposal | None:
    return read({"title": "Beach clean-up", "starts": "2026-03-07 10:00", **more}, NOW, MADRID, "en")


def test_a_title_and_a_start_are_enough() -> None:
    starts = datetime(2026, 3, 7, 9, tzinfo=UTC)
    assert told() == Proposal("Beach clean-up", "", "", starts, starts + USUAL, (), None)


@pytest.mark.parametrize(
    "said",
    [
        "2026-03-07 18:30", "2026-03-07T18:30", "2026-03-07, 18:30", "2026-03-07 18:30:00", "Saturday 18:30",
        "Saturday, 6:30 pm", "next Saturday 18:30", "18:30 on Saturday", "7 March 18:30", "sábado 18:30",
        datetime(2026, 3, 7, 17, 30, tzinfo=UTC),
    ],
)  # fmt: skip
def test_a_start_is_read_as_people_write_it(said: Value) -> None:
    language = "es" if said == "sábado 18:30" else "en"
    proposal = read({"title": "x", "starts": said}, NOW, MADRID, language)
    assert proposal is not None
    assert proposal.starts_at == datetime(2026, 3, 7, 17, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ends", "hours"),
    [(None, 2), ("", 2), ("12:30", 2.5), ("90 minutes", 1.5), ("3 hours", 3), ("2026-03-08 10:00", 24)],
)
def test_an_end_is_a_time_a_length_or_a_moment(ends: str | None, hours: float) -> None:
    proposal = told(ends=ends)
    assert proposal is not None
    assert proposal.ends_at - proposal.starts_at == timedelta(hours=hours)


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""}, {"title": "  "}, {"title": None}, {"starts": None}, {"starts": "soon"}, {"starts": "Saturday"},
        {"starts": "2026-03-02 10:59"}, {"starts": "2026-02-30 10:00"}, {"starts": "2226-03-07 10:00"},
        {"starts": "2026-03-07 25:00"}, {"ends": "2026-03-07 09:00"}, {"ends": "2026-03-07 10:00"},
        {"ends": "2026-04-07 10:00"}, {"ends": "09:00"}, {"ends": "some time"}, {"ends": "3 weeks"},
        {"starts": "9999-12-31 23:59"},
    ],
)  # fmt: skip
def test_without_a_title_or_with_times_that_make_no_sense_there_is_none(wrong: dict[str, str | None]) -> None:
    assert told(**wrong) is None


def test_a_time_that_the_clocks_skip_moves_forward() -> None:
    proposal = told(starts="2026-03-29 02:30")
    assert proposal is not None
    assert proposal.starts_at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_an_end_past_midnight_is_on_the_next_day_also_when_the_clocks_change() -> None:
    proposal = told(starts="2026-03-28 22:00", ends="04:00")
    assert proposal is not None
    assert proposal.ends_at == datetime(2026, 3, 29, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bring", "expected"),
    [
        ("gloves, bags", ("gloves", "bags")), ("gloves\nbags;  tea ", ("gloves", "bags", "tea")), ("nothing", ()),
        ("Nada", ()), ("gloves, gloves", ("gloves",)), (("gloves", "bags"), ("gloves", "bags")), (None, ()),
    ],
)  # fmt: skip
def test_what_to_bring_is_a_list(bring: Value, expected: tuple[str, ...]) -> None:
    proposal = told(bring=bring)
    assert proposal is not None
    assert proposal.bring == expected


@pytest.mark.parametrize(
    ("capacity", "expected"),
    [(12, 12), ("12", 12), ("twelve", 12), (0, None), (-3, None), ("many", None), (None, None)],
)
def test_a_capacity_is_a_number_above_zero_or_none(capacity: Value, expected: int | None) -> None:
    proposal = told(capacity=capacity)
    assert proposal is not None
    assert proposal.capacity == expected


def test_what_is_endless_is_cut() -> None:
    proposal = told(title="x" * 5000, what="y" * 5000, place="z" * 5000, bring=",".join(map(str, range(1000))))
    assert proposal is not None
    assert (len(proposal.title), len(proposal.what), len(proposal.place)) == (100, 2000, 100)
    assert len(proposal.bring) == MOST_NEEDS
