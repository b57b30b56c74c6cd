"""How fast an account may send: never more than its platform allows, whatever happens in between."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.pace import CATCH_UP, MARGIN, Chats, Pace
from flows.limits import TELEGRAM_ACCOUNT, TELEGRAM_CHAT, WHATSAPP_CHAT, Rate

RATES = (TELEGRAM_ACCOUNT, Rate(1), Rate(3, 10.0), Rate(1000))


@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 40)), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_than_the_platform_allows(rate: Rate, steps: list[tuple[float, int]]) -> None:
    pace, now, begun = Pace(rate), 1000.0, list[float]()
    for rest, wanted in steps:
        now += rest
        begun += [pace.take(now) for _ in range(pace.free(now, now, wanted))]
    for number, at in enumerate(begun):
        assert number < rate.messages or at - begun[number - rate.messages] > rate.seconds


@given(st.sampled_from(RATES), st.floats(0, 0.1), st.integers(0, 64))
def test_as_many_may_begin_as_then_do(rate: Rate, ahead: float, wanted: int) -> None:
    pace = Pace(rate)
    for _ in range(5):
        pace.take(0.0)
    free = pace.free(0.0, ahead, wanted)
    assert free <= wanted
    assert all(pace.take(0.0) <= ahead + 1e-5 for _ in range(free))
    assert free == wanted or pace.next(0.0) > ahead


def test_messages_leave_evenly() -> None:
    pace = Pace(TELEGRAM_ACCOUNT)
    times = [pace.take(5.0) for _ in range(300)]
    assert abs(times[-1] - 5.0 - 299 * MARGIN / 30) < 0.001
    assert max(later - before for before, later in pairwise(times)) < MARGIN / 30 + 0.001


def test_who_is_a_little_late_makes_up_for_it_and_who_has_rested_does_not() -> None:
    late, rested = Pace(TELEGRAM_ACCOUNT), Pace(TELEGRAM_ACCOUNT)
    for pace in (late, rested):
        pace.take(0.0)
    every = late.every
    assert late.take(every + CATCH_UP / 2) == every + CATCH_UP / 2
    assert abs(late.next(every + CATCH_UP / 2) - 2 * every) < 1e-9
    assert rested.take(100.0) == 100.0
    assert abs(rested.next(100.0) - 100.0 - every) < 1e-9


def test_a_pause_holds_back_everything_and_then_it_goes_on_evenly() -> None:
    for pace in (Pace(TELEGRAM_ACCOUNT), Pace(None)):
        pace.take(0.0)
        pace.pause(30.0)
        pace.pause(10.0)
        assert pace.free(29.9, 29.9) == 0
        assert pace.next(1.0) == 30.0
        assert pace.free(30.0, 30.0) >= 1


def test_without_a_rate_everything_may_begin() -> None:
    pace = Pace(None)
    assert pace.free(1.0, 1.0, 64) == 64
    assert [pace.take(1.0) for _ in range(100)] == [1.0] * 100


def test_a_chat_waits_after_each_message_and_others_do_not() -> None:
    chats = Chats(TELEGRAM_CHAT)
    chats.wrote(1, 10.0)
    assert chats.next(1) == 10.0 + MARGIN
    assert chats.next(2) < 10.0


def test_a_chat_may_borrow_a_burst_and_pays_it_back() -> None:
    chats, now = Chats(WHATSAPP_CHAT), 100.0
    for _ in range(45):
        assert chats.next(7) <= now + 1e-6
        chats.wrote(7, now)
    assert abs(chats.next(7) - now - 6 * MARGIN) < 1e-6


def test_a_paused_chat_waits_even_without_a_rate() -> None:
    chats = Chats(None)
    chats.pause(3, 60.0, now=1.0)
    chats.wrote(3, 2.0)
    assert chats.next(3) == 60.0
    assert chats.next(4) < 0


def test_chats_that_may_be_written_to_anyway_are_forgotten() -> None:
    chats = Chats(TELEGRAM_CHAT)
    for number in range(50_000):
        chats.wrote(number, number / 1000)
    assert len(chats._free) < 12_000
    assert chats.next(49_999) > 49.999
