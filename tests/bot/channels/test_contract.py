"""What must hold on every channel, whatever the platform."""

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from bot.channels.base import Asking, Outbound, SendFailed
from bot.channels.render import split
from bot.log import JsonLine
from flows.model import DONE, Said, Say, Shown
from tests.bot.channels import on_matrix, on_slack, on_telegram, on_terminal, on_web, on_whatsapp
from tests.bot.channels.contract import Bubble, Fault, Kept, Open, Platform, listening

PLATFORMS: dict[str, Open] = {
    "telegram": on_telegram.opened,
    "telegram by webhook": on_telegram.opened_by_webhook,
    "whatsapp": on_whatsapp.opened,
    "slack": on_slack.opened,
    "slack by signed calls": on_slack.opened_by_calls,
    "web": on_web.opened,
    "terminal": on_terminal.opened,
    "matrix": on_matrix.opened,
    "matrix with a bridge": on_matrix.opened_on_bridge,
}
"""A new channel has a line here."""

FOOD = (Shown("climate", "Climate action"), Shown("housing", "Tenants"), Shown("food", "Mutual aid"))
_numbers = count(1)


SLOW = {"matrix", "matrix with a bridge"}
"""A real server is behind them."""


@pytest.fixture(params=[pytest.param(each, marks=[pytest.mark.slow] if each in SLOW else []) for each in PLATFORMS])
async def platform(request: pytest.FixtureRequest) -> AsyncIterator[Platform]:
    async with PLATFORMS[request.param]() as opened:
        yield opened


@pytest.fixture
async def kept(platform: Platform) -> AsyncIterator[Kept]:
    """What is received, while the channel listens."""
    async with listening(platform.channel, Kept()) as kept:
        yield kept


def needs(platform: Platform, *what: str) -> None:
    """Skips where the platform has no such thing, and says why."""
    for each in what:
        if each in platform.lacks:
            pytest.skip(f"{platform.channel.name}: {platform.lacks[each]}")


def message(platform: Platform, say: Say, who: str = "ana", **more: object) -> Outbound:
    channel = platform.channel
    made = Outbound(next(_numbers), channel.name, channel.account, platform.address(who), 7, say)
    return replace(made, **more)  # type: ignore[arg-type]


async def tell(platform: Platform, say: Say, who: str = "ana", **more: object) -> Bubble:
    """Sends it; how it looks on their phone."""
    receipt = await platform.channel.send(message(platform, say, who, **more))
    return next(bubble for bubble in platform.shown(who) if bubble.reference == receipt.reference)


def asked(choices: tuple[Shown, ...] = FOOD, **more: object) -> Say:
    return replace(Say("What would you like to do?", choices, question=3), **more)  # type: ignore[arg-type]


def answer_to(said: Said, choices: tuple[Shown, ...] = FOOD) -> str | tuple[str, ...] | None:
    """The key that was meant: of the button, or of the number or label that was typed; of "1, 3" the whole answer."""
    if said.choice is not None:
        return said.choice
    if re.fullmatch(r"\d+(, \d+)+|\d+,", said.text):
        return tuple(choices[int(number) - 1].key for number in re.findall(r"\d+", said.text))
    if said.text.isdigit():
        return choices[int(said.text) - 1].key
    return next((choice.key for choice in choices if choice.label == said.text), None)


def whole(taken: list[Said], choices: tuple[Shown, ...] = FOOD) -> set[str]:
    """What several ticks come to: a list is the whole answer, a single key toggles."""
    picked: set[str] = set()
    for said in taken:
        answer = answer_to(said, choices)
        if isinstance(answer, tuple):
            picked = set(answer)
        elif answer is not None and answer != DONE:
            picked ^= {answer}
    return picked


# --- what people do ---------------------------------------------------------------------------------------------


async def test_what_someone_writes_is_received_with_where_and_who(platform: Platform, kept: Kept) -> None:
    await platform.write("ana", "Hello, *world* & <all> 🌍")
    (inbound,) = await kept.until(1)
    assert inbound.said.text == "Hello, *world* & <all> 🌍"
    assert (inbound.channel, inbound.account) == (platform.channel.name, platform.channel.account)
    assert inbound.address == platform.address("ana")
    assert inbound.event
    assert (inbound.said.choice, inbound.said.question, inbound.said.place, inbound.said.photo) == (
        None,
        None,
        None,
        "",
    )


async def test_two_people_are_two_addresses(platform: Platform, kept: Kept) -> None:
    needs(platform, "ben")
    await platform.write("ana", "I am Ana")
    await platform.write("ben", "I am Ben")
    taken = await kept.until(2)
    assert {inbound.address: inbound.said.text for inbound in taken} == {
        platform.address("ana"): "I am Ana",
        platform.address("ben"): "I am Ben",
    }


async def test_what_one_person_writes_keeps_its_order(platform: Platform, kept: Kept) -> None:
    for number in range(12):
        await platform.write("ana", f"line {number}")
    assert [inbound.said.text for inbound in await kept.until(12)] == [f"line {number}" for number in range(12)]


async def test_an_event_is_received_once_although_delivered_five_times_and_out_of_order(
    platform: Platform, kept: Kept
) -> None:
    needs(platform, "again")
    said = ["one", "two", "three", "two"]
    for text in said:
        await platform.write("ana", text)
    await platform.write("ben", "one")
    await kept.until(5)
    await platform.again(4)
    await platform.write("ben", "last")
    taken = await kept.until(6)
    # A webhook is called again by several connections: what comes last may overtake what comes again.
    await kept.until_handed(6 + 4 * 5)
    assert sorted(inbound.said.text for inbound in taken) == sorted([*said, "one", "last"])
    assert len({inbound.event for inbound in taken}) == 6


async def test_what_could_not_be_stored_comes_again(platform: Platform, kept: Kept) -> None:
    needs(platform, "delivery")
    kept.broken = 3
    for text in ("one", "two"):
        await platform.write("ana", text)
    taken = await kept.until(2)
    assert [inbound.said.text for inbound in taken] == ["one", "two"]
    assert kept.handed >= 5


async def test_what_was_said_while_nobody_listened_is_received_later(platform: Platform) -> None:
    needs(platform, "delivery")
    await platform.write("ana", "anybody there?")
    async with listening(platform.channel, Kept()) as kept:
        assert [inbound.said.text for inbound in await kept.until(1)] == ["anybody there?"]


async def test_stop_arrives_as_the_word_it_is(platform: Platform, kept: Kept) -> None:
    await platform.write("ana", "/stop")
    await platform.write("ana", "stop")
    assert [inbound.said.text for inbound in await kept.until(2)] == ["/stop", "stop"]


async def test_a_links_payload_arrives_behind_start(platform: Platform, kept: Kept) -> None:
    needs(platform, "open_link")
    await platform.open_link("ana", "spring-2026_Leeds")
    (inbound,) = await kept.until(1)
    assert inbound.said.text == "/start spring-2026_Leeds"


async def test_a_press_tells_what_was_pressed_and_where(platform: Platform, kept: Kept) -> None:
    await tell(platform, asked())
    await platform.press("ana", "Tenants")
    (inbound,) = await kept.until(1)
    assert answer_to(inbound.said) == "housing"
    if inbound.said.choice is not None:
        assert (inbound.said.question, inbound.said.conversation) == (3, 7)
    assert inbound.address == platform.address("ana")


async def test_a_press_arrives_once_although_delivered_five_times(platform: Platform, kept: Kept) -> None:
    needs(platform, "again")
    await tell(platform, asked())
    await platform.press("ana", "Tenants")
    await kept.until(1)
    await platform.again(4)
    await platform.write("ana", "and")
    assert [inbound.said.text or answer_to(inbound.said) for inbound in await kept.until(2)][1] == "and"


async def test_keys_of_any_length_and_script_come_back_whole(platform: Platform, kept: Kept) -> None:
    keys = [
        "k" * 200, "k" * 199 + "l", "жильё и аренда" * 5, "🏠" * 30, "a:b|c=d&e", "yes", "0", "1", "-", " ", "ñ\n",
    ]  # fmt: skip
    choices = tuple(Shown(key, f"Choice {number}") for number, key in enumerate(keys))
    await tell(platform, asked(choices), conversation=2**62)
    for number in range(len(keys)):
        await platform.press("ana", f"Choice {number}")
    taken = await kept.until(len(keys))
    assert [answer_to(inbound.said, choices) for inbound in taken] == keys


async def test_several_choices_are_ticked_and_handed_in(platform: Platform, kept: Kept) -> None:
    await tell(platform, asked(many=True))
    await platform.press("ana", "Climate action")
    await platform.press("ana", "Mutual aid")
    await platform.finish("ana")
    await _until_done(kept)
    assert whole([inbound.said for inbound in kept.taken]) == {"climate", "food"}


async def test_two_quick_presses_both_count_and_a_second_one_takes_the_first_back(
    platform: Platform, kept: Kept
) -> None:
    await tell(platform, asked(many=True))
    for label in ("Climate action", "Tenants", "Climate action", "Mutual aid"):
        await platform.press("ana", label)
    await platform.finish("ana")
    await _until_done(kept)
    assert whole([inbound.said for inbound in kept.taken]) == {"housing", "food"}


async def _until_done(kept: Kept) -> None:
    number = 1
    while not any(
        answer_to(inbound.said) == DONE or isinstance(answer_to(inbound.said), tuple) for inbound in kept.taken
    ):
        await kept.until(number)
        number += 1


async def test_a_shared_point_arrives_as_the_name_of_its_district_and_nothing_finer(
    platform: Platform, kept: Kept
) -> None:
    needs(platform, "share_place")
    await platform.share_place("ana", 53.79648, -1.54785)
    (inbound,) = await kept.until(1)
    assert inbound.said.place == "Leeds"
    assert "53.79" not in repr(inbound)


async def test_a_picture_arrives_by_its_reference(platform: Platform, kept: Kept) -> None:
    needs(platform, "share_photo")
    reference = await platform.share_photo("ana")
    (inbound,) = await kept.until(1)
    assert inbound.said.photo == reference != ""


async def test_an_edited_message_is_said_anew_only_where_it_was_the_newest(platform: Platform, kept: Kept) -> None:
    needs(platform, "edit")
    first = await platform.write("ana", "Leds")
    await kept.until(1)
    await platform.edit("ana", first, "Leeds")
    taken = await kept.until(2)
    assert [inbound.said.text for inbound in taken] == ["Leds", "Leeds"]
    assert taken[0].event != taken[1].event
    newest = await platform.write("ana", "Saturdays")
    await kept.until(3)
    await platform.edit("ana", first, "London")
    await platform.edit("ana", newest, "Sundays")
    assert [inbound.said.text for inbound in await kept.until(4)] == ["Leds", "Leeds", "Saturdays", "Sundays"]


# --- what is sent -----------------------------------------------------------------------------------------------


async def test_a_text_is_shown_to_whom_it_was_sent(platform: Platform) -> None:
    bubble = await tell(platform, Say("Hi Ana! 👋\n\nTwo lines."))
    assert (bubble.text, bubble.choices, bubble.alive) == ("Hi Ana! 👋\n\nTwo lines.", (), ())
    assert "ben" in platform.lacks or platform.shown("ben") == []


async def test_choices_are_shown_in_order(platform: Platform) -> None:
    bubble = await tell(platform, asked())
    assert bubble.text == "What would you like to do?"
    assert bubble.choices == ("Climate action", "Tenants", "Mutual aid")


@pytest.mark.parametrize(
    "letter", ["x", "é", "漢", "😀", "👩‍👩‍👧 ", "a b\n"], ids=["x", "é", "漢", "emoji", "family", "lines"]
)
async def test_a_long_text_arrives_whole_in_as_many_messages_as_it_needs(platform: Platform, letter: str) -> None:
    text = (letter * 10_000)[:10_000].strip()
    parts = split(asked(text=text), platform.channel.limits.text)
    for part in parts:
        await tell(platform, part)
    shown = platform.shown("ana")
    assert "".join("".join(bubble.text for bubble in shown).split()) == "".join(text.split())
    assert [bubble.choices for bubble in shown] == [()] * (len(parts) - 1) + [
        ("Climate action", "Tenants", "Mutual aid")
    ]


NAMES = [
    "*Ana*", "_Ana_", "`Ana`", "~Ana~", "<b>Ana</b>", "<!channel>", "<@U123>", "<#C123|general>", "@everyone", "@room",
    "[Ana](https://elsewhere.example)", "<https://elsewhere.example|Ana>", "<a href='http://x.test'>Ana</a>",
    "&lt;Ana&gt;", "a & b", "\\*Ana", "||Ana||", "> Ana", "# Ana", "1. Ana", "🏳️‍🌈*é*", "**Ana**", "*Ana", "* Ana *", "tg://user?id=1",
]  # fmt: skip


async def test_a_name_full_of_markup_is_only_a_name(platform: Platform) -> None:
    for name in NAMES:
        choices = (Shown("a", name), Shown("b", "Other"))
        bubble = await tell(platform, asked(choices, text=f"Meet {name}! Write *stop* at any time."))
        assert _plain(bubble.text) == _plain(f"Meet {name}! Write *stop* at any time.")
        assert [_plain(label) for label in bubble.choices] == [_plain(name), "Other"]
        assert bubble.alive == (), name


def _plain(text: str) -> str:
    """Stars may be shown as bold."""
    return text.replace("*", "").strip()


async def test_one_press_says_stop(platform: Platform, kept: Kept) -> None:
    needs(platform, "way_out")
    await tell(platform, Say("See you on Saturday!", leave="No more messages"))
    await platform.way_out("ana", "No more messages")
    (inbound,) = await kept.until(1)
    assert (inbound.said, inbound.silent) == (Said("/stop"), False)


async def test_a_label_that_is_too_long_is_shown_and_can_be_pressed(platform: Platform, kept: Kept) -> None:
    long = "A very long label with many words " * 12
    choices = (Shown("long", long), Shown("longer", long + "indeed"), Shown("short", "Short"))
    bubble = await tell(platform, asked(choices))
    assert len(bubble.choices) == 3
    assert bubble.choices[0][:10] == long[:10]
    assert "Short" in bubble.choices
    for label in bubble.choices:
        await platform.press("ana", label)
    taken = await kept.until(3)
    answers = [answer_to(inbound.said, choices) for inbound in taken]
    assert answers[2] == "short"
    assert answers[:2] == ["long", "longer"] or bubble.choices[0] == bubble.choices[1]


async def test_more_choices_than_a_message_holds_can_all_be_read(platform: Platform) -> None:
    choices = tuple(Shown(f"k{number}", f"Choice {number}") for number in range(1, 131))
    bubble = await tell(platform, asked(choices))
    assert bubble.choices == tuple(choice.label for choice in choices)


async def test_labels_and_texts_that_are_empty_or_odd_are_sent_all_the_same(platform: Platform) -> None:
    await tell(platform, asked((Shown("a", " "), Shown("b", "\n"), Shown("c", "C")), text="  \u200b Which?  "))
    await tell(platform, Say("?"))
    assert len(platform.shown("ana")) == 2


async def test_a_ticked_choice_changes_the_message_it_belongs_to(platform: Platform) -> None:
    needs(platform, "replace")
    first = await tell(platform, asked(many=True))
    assert first.ticked == ()
    again = asked(many=True, replaces=True, picked=("housing",))
    changed = await tell(platform, again, replaces=first.reference)
    assert platform.shown("ana") == [changed]
    assert (changed.ticked, changed.choices) == (("Tenants",), first.choices)
    same = await tell(platform, again, replaces=first.reference)
    assert platform.shown("ana") == [same]
    assert same.ticked == ("Tenants",)


async def test_where_the_message_to_be_changed_is_gone_it_is_sent_anew(platform: Platform) -> None:
    needs(platform, "replace", Fault.GONE)
    first = await tell(platform, asked(many=True))
    platform.meet(Fault.GONE)
    changed = await tell(platform, asked(many=True, replaces=True, picked=("food",)), replaces=first.reference)
    assert changed.ticked == ("Mutual aid",)
    assert changed in platform.shown("ana")


# --- what can go wrong ------------------------------------------------------------------------------------------


async def refused(platform: Platform, fault: Fault, say: Say | None = None) -> SendFailed:
    needs(platform, fault)
    outbound = message(platform, say or Say("Hello"))
    if fault != Fault.UNREACHABLE:
        platform.meet(fault)
    async with platform.unreachable() if fault == Fault.UNREACHABLE else nullcontext():
        with pytest.raises(SendFailed) as failed:
            await platform.channel.send(outbound)
    assert failed.value.reason
    return failed.value


async def test_a_platform_that_asks_to_wait_says_how_long(platform: Platform) -> None:
    failed = await refused(platform, Fault.SLOW_DOWN)
    assert failed.retry_after == timedelta(seconds=platform.wait)
    assert (failed.final, failed.unknown, platform.shown("ana")) == (False, False, [])


@pytest.mark.parametrize("fault", [Fault.BROKEN, Fault.UNREACHABLE])
async def test_a_platform_that_is_away_is_tried_again(platform: Platform, fault: Fault) -> None:
    failed = await refused(platform, fault)
    assert (failed.final, failed.unknown, failed.retry_after, platform.shown("ana")) == (False, False, None, [])
    assert (await tell(platform, Say("Hello"))).text == "Hello"


async def test_a_lost_answer_is_told_as_such_and_where_it_can_be_found_out_nothing_comes_twice(
    platform: Platform,
) -> None:
    needs(platform, Fault.LOST)
    platform.meet(Fault.LOST)
    channel, outbound = platform.channel, message(platform, Say("Hello"))
    with pytest.raises(SendFailed) as failed:
        await channel.send(outbound)
    assert not failed.value.final
    assert len(platform.shown("ana")) == 1
    if isinstance(channel, Asking):
        receipt = await channel.settled(replace(outbound, maybe_sent=True))
        assert receipt is not None
        assert [bubble.reference for bubble in platform.shown("ana")] == [receipt.reference]
    elif channel.limits.once:
        receipt = await channel.send(replace(outbound, maybe_sent=True))
        assert [bubble.reference for bubble in platform.shown("ana")] == [receipt.reference]
    else:
        assert failed.value.unknown


async def test_someone_who_blocked_us_is_not_written_to_again(platform: Platform) -> None:
    failed = await refused(platform, Fault.BLOCKED)
    assert (failed.final, failed.unknown) == (True, False)


async def test_a_chat_that_has_moved_is_found(platform: Platform) -> None:
    needs(platform, Fault.MOVED)
    platform.meet(Fault.MOVED)
    await tell(platform, Say("Hello"))
    await tell(platform, Say("Hello again"))
    assert [bubble.text for bubble in platform.shown("ana")] == ["Hello", "Hello again"]


async def test_a_reason_tells_no_token_and_nothing_that_was_written(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    for fault in (Fault.BROKEN, Fault.UNREACHABLE, Fault.LOST, Fault.BLOCKED):
        if fault not in platform.lacks:
            failed = await refused(platform, fault, Say("Xanthippe is here"))
            assert "Xanthippe" not in failed.reason
            assert not any(secret in failed.reason for secret in platform.secrets)
    assert not any(secret in caplog.text for secret in ("Xanthippe", *platform.secrets))


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What `doorstep run` would write to its log if somebody had turned it up to DEBUG, for every library too."""
    root, lines = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.setFormatter(JsonLine())
    loggers = [each for each in logging.Logger.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    before = [(each, each.level) for each in (root, *loggers)]
    for each, _ in before:
        each.setLevel(logging.DEBUG)
    root.addHandler(handler)
    yield lines
    root.removeHandler(handler)
    for each, level in before:
        each.setLevel(level)


async def insist(platform: Platform, say: Say) -> None:
    """Tells them again and again: a homeserver says a moment later that somebody has left."""
    async with asyncio.timeout(20):
        while True:
            await platform.channel.send(message(platform, say))
            await asyncio.sleep(0.05)


async def test_no_log_line_of_any_level_holds_a_text_an_address_or_a_token(
    logged: io.StringIO, platform: Platform, kept: Kept
) -> None:
    await platform.write("ana", "Xanthippe of Athens")
    await kept.until(1)
    await tell(platform, asked((Shown("a", "Xanthippe's"), *FOOD)))
    for fault in (Fault.SLOW_DOWN, Fault.BROKEN, Fault.LOST, Fault.UNREACHABLE):
        if fault not in platform.lacks:
            await refused(platform, fault, Say("Xanthippe is here"))
    if Fault.BLOCKED not in platform.lacks:
        platform.meet(Fault.BLOCKED)
        with pytest.raises(SendFailed):
            await insist(platform, Say("Xanthippe is here"))
    logging.getLogger("bot.test").debug("it is on")
    written = logged.getvalue()
    assert "it is on" in written
    address = platform.address("ana")
    # A short number stands in many a line by itself.
    for secret in ("Xanthippe", *platform.secrets, *([address] if len(address) > 5 else [])):
        assert secret not in written, next(line for line in written.splitlines() if secret in line)
